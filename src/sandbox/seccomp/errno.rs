//! Error numbers by name. They are the same on every architecture of [`super::Arch`].

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A kernel error number that has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Errno(u16);

impl Errno {
    /// Operation not permitted.
    pub const EPERM: Self = Self(1);
    /// Permission denied.
    pub const EACCES: Self = Self(13);
    /// Read-only file system.
    pub const EROFS: Self = Self(30);
    /// Function not implemented.
    pub const ENOSYS: Self = Self(38);

    /// No sockets of this family.
    pub const EAFNOSUPPORT: Self = Self(97);
    /// Network is unreachable.
    pub const ENETUNREACH: Self = Self(101);

    /// The error number with this name.
    pub fn named(name: &str) -> Option<Self> {
        // Linux uses numbers up to 133; the rest of the range has no names.
        (1..=133).map(Self).find(|errno| errno.name() == Some(name))
    }

    /// The number.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The error number in the data of a verdict.
    pub(super) fn numbered(data: u32) -> Self {
        Self(u16::try_from(data).unwrap_or(u16::MAX))
    }

    fn name(self) -> Option<&'static str> {
        syscalls::Errno::new(i32::from(self.0)).name()
    }
}

impl std::fmt::Display for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "errno {}", self.0),
        }
    }
}

impl Serialize for Errno {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

/// Only from the form for programs: people write names, which the reader of sets looks up.
impl<'de> Deserialize<'de> for Errno {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u16::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::Errno;

    #[test]
    fn the_constants_have_their_names() {
        for (errno, name) in [
            (Errno::EPERM, "EPERM"),
            (Errno::EACCES, "EACCES"),
            (Errno::EROFS, "EROFS"),
            (Errno::ENOSYS, "ENOSYS"),
        ] {
            assert_eq!(Errno::named(name), Some(errno));
            assert_eq!(errno.to_string(), name);
        }
        assert_eq!(Errno::named("ENETUNREACH").map(Errno::number), Some(101));
        assert_eq!(Errno::named("EWRONG"), None);
    }
}
