//! The sessions that are open, and the tokens by which they are named.
//!
//! A token is kept as its hash only. It is good for the uid that it was given to, and what it
//! allows is fixed when it is made: never more than the token that it was made from.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::protocol::{Listed, Operations};
use super::worker::Worker;
use super::{Selectors, random_token};

/// What a token is kept as.
pub(super) type Key = [u8; 32];

/// A session, open as long as its worker.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) worker: Worker,
    pub(super) selectors: Selectors,
    /// Who opened it.
    pub(super) uid: u32,
    /// The connection that it ends with; none where it is kept.
    pub(super) connection: Option<u64>,
    /// The session that it was narrowed from.
    pub(super) parent: Option<Arc<Session>>,
    opened: Instant,
    last: Mutex<Instant>,
    under_way: AtomicUsize,
    is_over: AtomicBool,
}

impl Session {
    pub(super) fn new(
        (worker, selectors): (Worker, Selectors),
        (uid, connection): (u32, Option<u64>),
        parent: Option<Arc<Self>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            worker,
            selectors,
            uid,
            connection,
            parent,
            opened: Instant::now(),
            last: Mutex::new(Instant::now()),
            under_way: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        })
    }

    /// The session's id in the audit log.
    pub(super) fn id(&self) -> &str {
        &self.worker.opened().session
    }

    /// Counts a request as under way until what is given back is dropped.
    pub(super) fn use_it(self: &Arc<Self>) -> Use {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        Use(self.clone())
    }

    fn touch(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn idle(&self) -> Duration {
        if self.under_way.load(Ordering::Relaxed) > 0 {
            return Duration::ZERO;
        }
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .elapsed()
    }

    /// Whether it is this session, or was narrowed from it.
    fn is_of(&self, other: &Self) -> bool {
        let parent = self.parent.as_ref();
        std::ptr::eq(self, other) || parent.is_some_and(|parent| parent.is_of(other))
    }

    fn listed(&self) -> Listed {
        let opened = self.worker.opened();
        Listed {
            session: opened.session.clone(),
            parent: self.parent.as_ref().map(|parent| parent.id().to_owned()),
            principal: opened.principal.as_str().to_owned(),
            policy: opened.policy.clone(),
            root: self.selectors.root.clone().unwrap_or_default(),
            read_only: self.selectors.read_only,
            keep: self.connection.is_none(),
            age: self.opened.elapsed().as_secs(),
            idle: self.idle().as_secs(),
            under_way: self.under_way.load(Ordering::Relaxed),
        }
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Use(Arc<Session>);

impl Drop for Use {
    fn drop(&mut self) {
        self.0.touch();
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a token stands for.
#[derive(Debug, Clone)]
pub(super) struct Right {
    pub(super) key: Key,
    pub(super) session: Arc<Session>,
    pub(super) operations: Operations,
    uid: u32,
    /// The token that it was made from; none for the one that opening the session gave.
    parent: Option<Key>,
}

/// All sessions of a daemon.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<Tokens>);

type Tokens = HashMap<Key, Right>;

impl Sessions {
    /// Nothing that panics is done while it is locked.
    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new token for a session. It ends with the one that it is made from.
    ///
    /// # Errors
    /// When the kernel gives no random bytes, or the token that it is made from is gone.
    pub(super) fn give(
        &self,
        session: &Arc<Session>,
        operations: Operations,
        from: Option<&Right>,
    ) -> std::io::Result<String> {
        let token = random_token()?;
        let right = Right {
            key: key_of(&token),
            session: session.clone(),
            operations,
            uid: session.uid,
            parent: from.map(|from| from.key),
        };
        let mut tokens = self.tokens();
        if from.is_some_and(|from| !tokens.contains_key(&from.key)) {
            return Err(std::io::Error::other(
                "the token that it is made from is gone",
            ));
        }
        tokens.insert(right.key, right);
        Ok(token)
    }

    /// What the token stands for, if it was given to this uid and its session is open.
    pub(super) fn find(&self, token: &str, uid: u32) -> Option<Right> {
        let right = self.tokens().get(&key_of(token)).cloned()?;
        (right.uid == uid && right.session.worker.is_alive()).then_some(right)
    }

    /// Takes a token back, with those made from it. Gives the sessions that nobody can name now.
    pub(super) fn take_back(&self, key: Key) -> Vec<Arc<Session>> {
        let mut tokens = self.tokens();
        let mut gone = vec![key];
        let mut freed: Vec<Arc<Session>> = Vec::new();
        while let Some(key) = gone.pop() {
            let children = tokens.values().filter(|right| right.parent == Some(key));
            gone.extend(children.map(|right| right.key));
            freed.extend(tokens.remove(&key).map(|right| right.session));
        }
        freed.retain(|session| {
            let is_named = |right: &Right| Arc::ptr_eq(&right.session, session);
            !tokens.values().any(is_named)
        });
        freed
    }

    /// Forgets a session and those narrowed from it, and gives those that were not over yet.
    pub(super) fn forget(&self, session: &Session) -> Vec<Arc<Session>> {
        let mut found: Vec<Arc<Session>> = Vec::new();
        self.tokens().retain(|_, right| {
            let is_of = right.session.is_of(session);
            if is_of {
                found.push(right.session.clone());
            }
            !is_of
        });
        found.retain(|session| !session.is_over.swap(true, Ordering::Relaxed));
        found
    }

    /// The sessions for which the condition holds, each once.
    pub(super) fn those(&self, wanted: impl Fn(&Session) -> bool) -> Vec<Arc<Session>> {
        let mut found: Vec<Arc<Session>> = Vec::new();
        for right in self.tokens().values() {
            let session = &right.session;
            if wanted(session) && !found.iter().any(|one| Arc::ptr_eq(one, session)) {
                found.push(session.clone());
            }
        }
        found.sort_by(|one, other| one.id().cmp(other.id()));
        found
    }

    /// Sessions that nobody has used for so long.
    pub(super) fn idle(&self, least: Duration) -> Vec<Arc<Session>> {
        let busy: Vec<_> = self.those(|session| session.idle() < least);
        self.those(|session| !busy.iter().any(|one| one.is_of(session)))
    }

    /// What `session.list` tells this uid.
    pub(super) fn list(&self, uid: u32) -> Vec<Listed> {
        let own = self.those(|session| session.uid == uid && session.worker.is_alive());
        own.iter().map(|session| session.listed()).collect()
    }
}

fn key_of(token: &str) -> Key {
    Sha256::digest(token.as_bytes()).into()
}
