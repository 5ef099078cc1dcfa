//! The name under which a command enters its Landlock domain.
//!
//! It is the process's own name (`PR_SET_NAME`) for the moment between clone and exec, where
//! execve(2) gives it another. The kernel keeps it with the domain. It is drawn anew for each
//! command, so that no command can have its refusals told of another.

use std::ffi::CString;
use std::fmt;
use std::io;

use crate::sys::entropy::random;

/// As long as the kernel keeps (`TASK_COMM_LEN` less the terminating zero).
const LENGTH: usize = 15;

/// A name that no other process has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::sandbox) struct Mark([u8; LENGTH]);

impl Mark {
    /// What all of them begin with, for whoever reads the host's audit log.
    const PREFIX: &[u8] = b"lp-";

    /// Draws one.
    ///
    /// # Errors
    /// When the kernel gives no random bytes.
    pub(super) fn draw() -> io::Result<Self> {
        const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let mut name = random::<LENGTH>()?.map(|byte| LETTERS[usize::from(byte % 32)]);
        name[..Self::PREFIX.len()].copy_from_slice(Self::PREFIX);
        Ok(Self(name))
    }

    /// The mark in a record, if it can be one.
    pub(super) fn read(name: &[u8]) -> Option<Self> {
        let mark = Self(name.try_into().ok()?);
        mark.0.starts_with(Self::PREFIX).then_some(mark)
    }

    /// As prctl(2) takes it.
    pub(in crate::sandbox) fn name(self) -> CString {
        // Letters, digits and a dash: there is no zero in it.
        CString::new(self.0).unwrap_or_default()
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::Mark;

    #[test]
    fn no_two_are_alike_and_each_is_known_again() {
        let (one, other) = (Mark::draw().unwrap(), Mark::draw().unwrap());
        assert_ne!(one, other);
        assert_eq!(Mark::read(one.name().as_bytes()), Some(one));
        assert_eq!(one.to_string().len(), 15);
        assert_eq!(one.to_string().as_bytes(), one.name().as_bytes());
        assert_eq!(Mark::read(b"bash"), None);
        assert_eq!(Mark::read(b"aaa-aaaaaaaaaaa"), None);
    }
}
