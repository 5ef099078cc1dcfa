//! Why an operation was not carried out: refused, or tried and failed.
//!
//! A failure is honest about what lies in the grant, names the path as the
//! principal wrote it, and must never speak of anything else.

use std::io;

use crate::model::{Denial, shown};
use crate::policy::Permit;
use crate::sys::beneath;

/// The two ways in which an operation ends without a result.
#[derive(Debug)]
pub enum Refusal {
    /// It is not allowed.
    Denied(Box<Denial>),
    /// It is allowed, and did not work.
    Failed(FileError),
}

impl Refusal {
    /// It is allowed, and could not be done.
    pub(super) fn failed(permit: &Permit, problem: Problem) -> Self {
        FileError::new(permit.op(), permit.subject(), problem).into()
    }

    /// It is allowed, and the host could not do it.
    pub(super) fn host(permit: &Permit, error: io::Error) -> Self {
        FileError::from_host(permit.op(), permit.subject(), error).into()
    }
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        Self::Denied(Box::new(denial))
    }
}

impl From<FileError> for Refusal {
    fn from(error: FileError) -> Self {
        Self::Failed(error)
    }
}

/// A file operation that failed: `read src/a.rs: no such file or directory`.
#[derive(Debug, thiserror::Error)]
#[error("{operation} {path}: {problem}")]
pub struct FileError {
    operation: &'static str,
    path: String,
    problem: Problem,
    source: Option<io::Error>,
}

impl FileError {
    /// `op` is the request's name for the operation (`file.read`); `subject` the path as written.
    fn new(op: &'static str, subject: &str, problem: Problem) -> Self {
        Self {
            operation: operation(op),
            path: shown(subject).into_owned(),
            problem,
            source: None,
        }
    }

    /// What the host answered, in words where they are known.
    fn from_host(op: &'static str, subject: &str, error: io::Error) -> Self {
        let problem = Problem::from_host(&error);
        // A problem that has words of its own has said all that the errno says.
        let source = (problem == Problem::Host).then_some(error);
        Self {
            source,
            ..Self::new(op, subject, problem)
        }
    }

    /// What went wrong.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

/// `file.read` is `read` in a message.
fn operation(op: &'static str) -> &'static str {
    op.strip_prefix("file.").unwrap_or(op)
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Nothing is there.
    #[error("no such file or directory")]
    NotFound,
    /// Something on the way, or at its end, is no directory.
    #[error("not a directory")]
    NotADirectory,
    /// A file was expected.
    #[error("is a directory")]
    IsADirectory,
    /// A FIFO, socket, device or link where a regular file was expected.
    #[error("is a {0}, not a regular file")]
    NotRegular(&'static str),
    /// Something is there already, and is not to be replaced.
    #[error("already exists")]
    AlreadyExists,
    /// A directory that is not empty.
    #[error("directory not empty")]
    NotEmpty,
    /// The host's own permissions.
    #[error("the host does not allow it: its file permissions, or another sandbox around this one")]
    PermissionDenied,
    /// The host's file system is mounted read-only.
    #[error("the host's file system is read-only")]
    ReadOnly,
    /// No space, or no quota, left.
    #[error("no space left on the host's file system")]
    NoSpace,
    /// The two paths lie on different file systems.
    #[error("the two paths lie on different file systems; copy and delete instead")]
    AcrossFileSystems,
    /// Links that lead to each other, or too many of them.
    #[error("too many symbolic links")]
    TooManyLinks,
    /// A name or path that is longer than the host takes.
    #[error("name too long")]
    NameTooLong,
    /// A mount point, or a file that something holds.
    #[error("in use on the host")]
    Busy,
    /// It kept changing while it was looked at.
    #[error("it was changed by someone else at the same time; try again")]
    Changed,
    /// A directory cannot be put into itself.
    #[error("a directory cannot be moved into itself")]
    IntoItself,
    /// More than this operation takes at once.
    #[error("larger than the {limit} bytes that this operation takes")]
    TooLarge {
        /// The most bytes.
        limit: u64,
    },
    /// A tree that is deeper or larger than this operation takes.
    #[error("the directory holds more than this operation takes ({limit})")]
    TooMuchBelow {
        /// What was exceeded: `64 levels`.
        limit: String,
    },
    /// The text to replace is not there.
    #[error("old_text does not occur in the file")]
    NoMatch,
    /// The text to replace is not unique.
    #[error("old_text occurs {count} times; make it longer until it is unique, or set all")]
    ManyMatches {
        /// How often.
        count: u64,
    },
    /// An argument that makes no sense.
    #[error("{0}")]
    BadArgument(String),
    /// Something else that the host answered; the source says what.
    #[error("the host could not do it")]
    Host,
}

impl Problem {
    /// A stable word for scripts.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::NotADirectory => "not-a-directory",
            Self::IsADirectory => "is-a-directory",
            Self::NotRegular(_) => "not-a-regular-file",
            Self::AlreadyExists => "already-exists",
            Self::NotEmpty => "not-empty",
            Self::PermissionDenied => "host-permission",
            Self::ReadOnly => "host-read-only",
            Self::NoSpace => "no-space",
            Self::AcrossFileSystems => "across-file-systems",
            Self::TooManyLinks => "too-many-links",
            Self::NameTooLong => "name-too-long",
            Self::Busy => "busy",
            Self::Changed => "changed",
            Self::IntoItself => "into-itself",
            Self::TooLarge { .. } => "too-large",
            Self::TooMuchBelow { .. } => "too-much-below",
            Self::NoMatch => "no-match",
            Self::ManyMatches { .. } => "many-matches",
            Self::BadArgument(_) => "bad-argument",
            Self::Host => "host",
        }
    }

    fn from_host(error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        if beneath::met_a_link(error) {
            return Self::Changed;
        }
        match error.kind() {
            Kind::NotFound => Self::NotFound,
            Kind::NotADirectory => Self::NotADirectory,
            Kind::IsADirectory => Self::IsADirectory,
            Kind::AlreadyExists => Self::AlreadyExists,
            Kind::DirectoryNotEmpty => Self::NotEmpty,
            Kind::PermissionDenied => Self::PermissionDenied,
            Kind::ReadOnlyFilesystem => Self::ReadOnly,
            Kind::StorageFull | Kind::QuotaExceeded => Self::NoSpace,
            Kind::CrossesDevices => Self::AcrossFileSystems,
            Kind::InvalidFilename => Self::NameTooLong,
            Kind::ResourceBusy | Kind::WouldBlock | Kind::ExecutableFileBusy => Self::Busy,
            _ => Self::Host,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::io;

    use super::{FileError, Problem};

    #[test]
    fn a_failure_names_the_operation_and_the_path_as_written() {
        let error = FileError::new("file.read", "src/a.rs", Problem::NotFound);
        assert_eq!(
            error.to_string(),
            "read src/a.rs: no such file or directory"
        );
    }

    #[test]
    fn what_has_no_words_of_its_own_keeps_the_hosts_answer_as_its_source() {
        let odd = FileError::from_host("file.stat", "a", io::Error::from_raw_os_error(5));
        assert_eq!(odd.to_string(), "stat a: the host could not do it");
        assert!(odd.source().unwrap().to_string().contains("Input/output"));
        let known = FileError::from_host("file.stat", "a", io::Error::from_raw_os_error(28));
        assert_eq!(*known.problem(), Problem::NoSpace);
        assert!(known.source().is_none());
    }

    #[test]
    fn a_name_cannot_forge_a_second_line() {
        let error = FileError::new("file.read", "a\nok", Problem::NotFound);
        assert_eq!(error.to_string().lines().count(), 1);
    }
}
