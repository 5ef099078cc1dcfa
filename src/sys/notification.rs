//! The supervisor's end of seccomp user notification (`seccomp_unotify(2)`).
//!
//! It refuses a call, answers in its place, or leaves it to the kernel's other layers. The
//! last must never be used where no other layer checks the call: the memory that was looked
//! at can be another when the kernel looks.

use std::io;
use std::mem::{MaybeUninit, zeroed};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

/// The listener of one filter.
#[derive(Debug)]
pub struct Listener {
    descriptor: OwnedFd,
}

/// A call that waits for its answer.
#[derive(Debug, Clone, Copy)]
pub struct Notification {
    /// Names the call until it is answered.
    pub id: u64,
    /// The calling thread, in our pid namespace; 0 when it is in none that we can see.
    pub pid: i32,
    /// The system call number.
    pub number: i64,
    /// Its six arguments, as the caller's registers held them.
    pub arguments: [u64; 6],
}

/// What the caller of the system call gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The call was performed in its place, with this result.
    Performed(i64),
    /// The call fails with this errno.
    Refused(i32),
    /// The call goes on, to be checked by mounts and Landlock as any other
    /// (`SECCOMP_USER_NOTIF_FLAG_CONTINUE`, Linux 5.5).
    LeftToOtherLayers,
}

// From linux/seccomp.h, `_IOWR('!', n, struct …)`; x86 and arm64 share the encoding.
const RECEIVE: libc::c_ulong = 0xc050_2100;
const SEND: libc::c_ulong = 0xc018_2101;
const ID_VALID: libc::c_ulong = 0x4008_2102;
const SET_FLAGS: libc::c_ulong = 0x4008_2104;
/// `SECCOMP_USER_NOTIF_FLAG_CONTINUE`
const CONTINUE: u32 = 1;
/// Linux 6.6: wake the other side on this CPU, which it then takes over at once.
const SYNC_WAKE_UP: u64 = 1;

impl Listener {
    /// Takes the descriptor that the filter returned.
    pub fn new(descriptor: OwnedFd) -> Self {
        // SAFETY: the flags are passed by value. Before 6.6 the kernel refuses, and all
        // that is lost is speed.
        unsafe { libc::ioctl(descriptor.as_raw_fd(), SET_FLAGS, SYNC_WAKE_UP) };
        Self { descriptor }
    }

    /// Takes the next call; `None` when its caller died before it could be taken.
    ///
    /// To be called when a poll has told that a call waits, and not when it told anything else:
    /// before Linux 6.11 the kernel lets a supervisor that asks for a call sleep for good once
    /// every process with the filter is gone. A call that a poll told of can be gone, too, but
    /// that is an answer, and not a wait.
    ///
    /// # Errors
    /// When the descriptor is no listener.
    pub fn receive(&self) -> io::Result<Option<Notification>> {
        // SAFETY: the kernel demands a zeroed structure, and zero is valid for all fields.
        let mut request: libc::seccomp_notif = unsafe { zeroed() };
        // SAFETY: the kernel writes one `seccomp_notif`, which lives through the call.
        let result = unsafe { libc::ioctl(self.descriptor.as_raw_fd(), RECEIVE, &raw mut request) };
        if result == -1 {
            let error = io::Error::last_os_error();
            return match error.raw_os_error() {
                Some(libc::ENOENT | libc::EINTR) => Ok(None),
                _ => Err(error),
            };
        }
        Ok(Some(Notification {
            id: request.id,
            pid: request.pid.cast_signed(),
            number: request.data.nr.into(),
            arguments: request.data.args,
        }))
    }

    /// Whether the call still waits, so that what was read from its memory was its own.
    pub fn is_waiting(&self, id: u64) -> bool {
        // SAFETY: the kernel reads eight bytes from `id`, which lives through the call.
        unsafe { libc::ioctl(self.descriptor.as_raw_fd(), ID_VALID, &raw const id) == 0 }
    }

    /// Answers the call. That its caller died meanwhile is no error.
    ///
    /// # Errors
    /// When the descriptor is no listener.
    pub fn answer(&self, id: u64, answer: Answer) -> io::Result<()> {
        // SAFETY: zero is valid for every field of the structure.
        let mut response =
            unsafe { MaybeUninit::<libc::seccomp_notif_resp>::zeroed().assume_init() };
        response.id = id;
        match answer {
            Answer::Performed(value) => response.val = value,
            Answer::Refused(errno) => response.error = -errno,
            Answer::LeftToOtherLayers => response.flags = CONTINUE,
        }
        // SAFETY: the kernel reads one `seccomp_notif_resp`, which lives through the call.
        let result = unsafe { libc::ioctl(self.descriptor.as_raw_fd(), SEND, &raw mut response) };
        if result == -1 {
            let error = io::Error::last_os_error();
            if error.raw_os_error() != Some(libc::ENOENT) {
                return Err(error);
            }
        }
        Ok(())
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::Listener;
    use crate::sys::seccomp::{Filter, Listening, Supervision};
    use crate::sys::stdio::{Interest, Seen, look};
    use std::os::fd::{AsFd as _, FromRawFd as _, OwnedFd};
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    /// Before Linux 6.11 a supervisor that asked too late slept for good, and with it the
    /// launcher that had a command to end.
    #[test]
    fn a_poll_tells_a_call_from_a_filter_that_nobody_uses() {
        let (send, receive) = mpsc::channel();
        let (release, wait) = mpsc::channel::<()>();
        let filtered = thread::spawn(move || {
            nix::sys::prctl::set_no_new_privs().unwrap();
            let filter = Filter::allowing_everything(Supervision::Listener);
            let Ok(Listening::Yes(raw)) = filter.install() else {
                return;
            };
            // SAFETY: the kernel just installed it; nobody else owns it.
            let descriptor = unsafe { OwnedFd::from_raw_fd(raw) };
            send.send(Listener::new(descriptor)).unwrap();
            let _ = wait.recv();
        });
        let Ok(listener) = receive.recv() else {
            // An outer sandbox has the only listener.
            return;
        };
        let interest = [(listener.as_fd(), Interest::Readable)];
        assert_eq!(
            look(&interest, Some(Duration::ZERO)).unwrap(),
            [Seen::Nothing]
        );
        drop(release);
        filtered.join().unwrap();
        let seen = look(&interest, Some(Duration::from_mins(1))).unwrap();
        assert_eq!(seen, [Seen::Gone]);
    }
}
