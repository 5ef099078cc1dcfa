//! The daemon: it takes connections, ends sessions that nobody uses, and ends in order.
//!
//! It has one thread for all connections. What may wait, a worker or the audit log, waits
//! elsewhere, and what one connection or session can have of memory is bounded, so that none
//! stalls another.

use std::os::unix::net::UnixListener as Listener;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::connection;
use super::ledger::Ledger;
use super::sessions::{Session, Sessions};
use crate::audit::AuditLog;
use crate::broker::Brake;
use crate::sys::socket::know_senders;

/// How many connections there are at once. More wait until one closes.
const MOST_CONNECTIONS: usize = 256;

/// How many sessions there are at once. More are refused.
const MOST_SESSIONS: usize = 256;

/// How many bytes of long requests are held at once, for all connections.
const MOST_BYTES: usize = 256 << 20;

/// What a daemon serves with.
#[derive(Debug)]
pub struct Serving {
    /// The socket.
    pub listener: Listener,
    /// Where its own decisions are recorded.
    pub log: AuditLog,
    /// The emergency brake of the user.
    pub brake: Brake,
    /// The user whose sessions it has.
    pub uid: u32,
    /// After which time without a request a session ends.
    pub idle: Duration,
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Daemon {
    pub(super) sessions: Sessions,
    pub(super) ledger: Ledger,
    pub(super) uid: u32,
    pub(super) brake: Brake,
    /// Room for long requests.
    pub(super) bytes: Arc<Semaphore>,
    pub(super) stopping: watch::Sender<bool>,
    pub(super) session_slots: Arc<Semaphore>,
    idle: Duration,
    next: AtomicU64,
    closing: Mutex<JoinSet<()>>,
}

/// Serves until SIGTERM or SIGINT. When it returns, every session has ended.
///
/// # Errors
/// When the socket cannot be served, or no runtime can be started.
pub fn serve(serving: Serving) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(serving))
}

async fn run(serving: Serving) -> std::io::Result<()> {
    let Serving {
        listener,
        log,
        brake,
        uid,
        idle,
    } = serving;
    listener.set_nonblocking(true)?;
    know_senders(&listener)?;
    let listener = UnixListener::from_std(listener)?;
    let mut signals = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let daemon = Arc::new(Daemon {
        sessions: Sessions::default(),
        ledger: Ledger::new(log),
        uid,
        brake,
        bytes: Arc::new(Semaphore::new(MOST_BYTES)),
        stopping: watch::Sender::new(false),
        session_slots: Arc::new(Semaphore::new(MOST_SESSIONS)),
        idle,
        next: AtomicU64::new(1),
        closing: Mutex::default(),
    });
    let mut connections = JoinSet::new();
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    tokio::select! {
        () = accept(&daemon, &listener, (&room, &mut connections)) => {}
        () = daemon.end_idle() => {}
        () = told_to_end(&mut signals) => {}
    }
    tracing::info!("ending");
    drop(listener);
    daemon.stopping.send_replace(true);
    while connections.join_next().await.is_some() {}
    daemon.end_all().await;
    Ok(())
}

async fn told_to_end((terminate, interrupt): &mut (Signal, Signal)) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

async fn accept(
    daemon: &Arc<Daemon>,
    listener: &UnixListener,
    (room, connections): (&Arc<Semaphore>, &mut JoinSet<()>),
) {
    loop {
        // It is never closed.
        let Ok(place) = room.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(held(daemon.clone(), stream, place));
            }
            Err(error) => {
                // No descriptors, or no memory: others must close something first.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn held(daemon: Arc<Daemon>, stream: UnixStream, place: OwnedSemaphorePermit) {
    connection::hold(daemon, stream).await;
    drop(place);
}

impl Daemon {
    /// A number for a connection.
    pub(super) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Ends a session, and those narrowed from it, in the background.
    pub(super) fn end(&self, session: &Session) {
        self.close(self.sessions.forget(session));
    }

    /// Closes sessions that no token names any more, in the background.
    pub(super) fn close(&self, sessions: Vec<Arc<Session>>) {
        let mut closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
        while closing.try_join_next().is_some() {}
        for session in sessions {
            tracing::info!(session = session.id(), "a session ends");
            closing.spawn(async move { session.worker.close().await });
        }
    }

    /// Forgets a session when its worker has ended, whatever ended it, and frees its place.
    pub(super) fn watch(self: &Arc<Self>, session: &Arc<Session>, slot: OwnedSemaphorePermit) {
        let (daemon, ended) = (self.clone(), session.worker.ended());
        // A session that nobody else has any more must end.
        let session = Arc::downgrade(session);
        tokio::spawn(async move {
            ended.await;
            drop(slot);
            if let Some(session) = session.upgrade() {
                daemon.end(&session);
            }
        });
    }

    async fn end_all(&self) {
        for session in self.sessions.those(|_| true) {
            self.end(&session);
        }
        let taken = |closing: &Mutex<JoinSet<()>>| {
            std::mem::take(&mut *closing.lock().unwrap_or_else(PoisonError::into_inner))
        };
        let mut closing = taken(&self.closing);
        while closing.join_next().await.is_some() {}
    }

    async fn end_idle(&self) {
        let often = (self.idle / 4).clamp(Duration::from_millis(100), Duration::from_secs(10));
        loop {
            tokio::time::sleep(often).await;
            for session in self.sessions.idle(self.idle) {
                self.end(&session);
            }
        }
    }
}
