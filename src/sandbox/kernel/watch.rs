//! The broker's end: what the kernel tells about the commands that run.
//!
//! The kernel tells a moment after it has denied. So at a command's end it is asked how many
//! records wait, and they are waited for, briefly. Records that are lost, of whomever, are
//! noticed; then the end of the command's domain is waited for, which says how many denials
//! there were. Where that does not come, what is known of the command is said to be incomplete.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::join::{Heard, Joiner};
use super::mark::Mark;
use super::record::Record;
use crate::sys::audit::{self, AuditReader, Hearing};
use crate::sys::stdio::{Interest, wait};

/// How long records that the kernel holds back are waited for at the end of a command.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long the end of a domain is waited for. The kernel takes some milliseconds to free one.
const SETTLING: Duration = Duration::from_millis(250);
/// How long until the kernel is asked again.
const PAUSE: Duration = Duration::from_micros(500);
/// As many records are read before anything else gets its turn.
const AT_ONCE: usize = 20_000;

/// Listens for all commands of a session.
#[derive(Debug)]
pub(in crate::sandbox) struct Ear {
    reader: AuditReader,
    joiner: RefCell<Joiner>,
    /// How many records the kernel had lost when it was last asked.
    lost: Cell<u32>,
}

/// Listens for one command.
#[derive(Debug)]
pub(in crate::sandbox) struct KernelWatch {
    ear: Rc<Ear>,
    mark: Mark,
}

impl Ear {
    /// Begins to listen.
    ///
    /// # Errors
    /// When this process may not.
    pub(in crate::sandbox) fn open() -> io::Result<Rc<Self>> {
        let reader = AuditReader::open()?;
        Ok(Rc::new(Self {
            reader,
            joiner: RefCell::default(),
            lost: Cell::new(audit::status()?.lost),
        }))
    }

    /// Takes what has been told, without waiting.
    fn read(&self) {
        let mut joiner = self.joiner.borrow_mut();
        for _ in 0..AT_ONCE {
            match self.reader.receive() {
                Ok(Hearing::Record(raw)) => {
                    if let Some(record) = Record::read(&raw) {
                        joiner.hear(record);
                    }
                }
                Ok(Hearing::Nothing) => return,
                Ok(Hearing::Lost) => joiner.doubt(),
                Err(_) => return joiner.doubt(),
            }
        }
    }

    /// Takes what the kernel still holds back, and notices what it has lost.
    fn catch_up(&self) {
        let end = Instant::now() + PATIENCE;
        loop {
            self.read();
            let Ok(status) = audit::status() else {
                return self.joiner.borrow_mut().doubt();
            };
            let has_lost = self.lost.replace(status.lost) != status.lost;
            // The host's audit may have been switched off meanwhile.
            if has_lost && status.has_daemon || !status.is_enabled {
                self.joiner.borrow_mut().doubt();
            } else if has_lost {
                self.joiner.borrow_mut().doubt_what_is_heard();
            }
            if status.backlog == 0 {
                // What was on its way when that was said.
                return self.read();
            }
            if Instant::now() >= end {
                return self.joiner.borrow_mut().doubt();
            }
            let _ = wait(&[(self.reader.as_fd(), Interest::Readable)], Some(PAUSE));
        }
    }

    /// Waits for the end of a command's domain, where there is doubt.
    fn settle(&self, mark: Mark) {
        let end = Instant::now() + SETTLING;
        while self.joiner.borrow().may_be_settled(mark) {
            let left = end.saturating_duration_since(Instant::now());
            let waited = wait(&[(self.reader.as_fd(), Interest::Readable)], Some(left));
            if left.is_zero() || waited.is_err() {
                return;
            }
            self.read();
        }
    }
}

impl KernelWatch {
    /// Begins with what is told from now on.
    ///
    /// # Errors
    /// When there are no random bytes for a mark.
    pub(in crate::sandbox) fn over(ear: &Rc<Ear>) -> io::Result<Self> {
        let mark = Mark::draw()?;
        // What others were denied while nothing ran here, and what of it found no room.
        ear.read();
        ear.joiner.borrow_mut().expect(mark);
        Ok(Self {
            ear: Rc::clone(ear),
            mark,
        })
    }

    /// The name under which the command enters its domain.
    pub(in crate::sandbox) fn mark(&self) -> Mark {
        self.mark
    }

    /// Takes what has been told, without waiting.
    pub(in crate::sandbox) fn read(&self) {
        self.ear.read();
    }

    /// Everything that was told of the command, which is over.
    pub(in crate::sandbox) fn finish(self) -> Heard {
        self.ear.catch_up();
        self.ear.settle(self.mark);
        self.ear.joiner.borrow_mut().take(self.mark)
    }
}

impl Drop for KernelWatch {
    fn drop(&mut self) {
        // Of a command that did not start, nothing is expected any more.
        self.ear.joiner.borrow_mut().take(self.mark);
    }
}

impl AsFd for KernelWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ear.reader.as_fd()
    }
}
