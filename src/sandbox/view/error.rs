//! Why a view could not be built, and whether that is the host's doing.
//!
//! Only what the host as such does not allow is a reason to run in flat mode instead. What
//! concerns one path of the plan (a swapped directory, an exception that cannot be masked)
//! is a refusal to start: falling back would give up what the plan promises.

use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ViewStep {
    /// A user namespace, and being oneself in it.
    UserNamespace,
    /// All the other namespaces.
    Namespaces,
    /// The session's control group.
    ControlGroup,
    /// The empty root.
    Root,
    /// The root that tells who leaves the view.
    Tripwire,
    /// The private directory.
    Scratch,
    /// Opening a path of the plan in the new mount namespace.
    Open,
    /// Comparing what lies there with what the broker opened.
    Compare,
    /// Mounting a path of the plan.
    Mount,
    /// Mounting over an exception of a grant.
    Mask,
    /// Devices of the view's own.
    Devices,
    /// The view's own `/proc`.
    Processes,
    /// Limiting the number of processes in the pid namespace.
    ProcessLimit,
    /// Taking the host's root away.
    ReplaceRoot,
    /// The launcher's own descriptors and handles.
    Settle,
    /// The Landlock ruleset.
    Ruleset,
}

impl ViewStep {
    const fn describe(self) -> &'static str {
        match self {
            Self::UserNamespace => "make a user namespace",
            Self::Namespaces => "make the other namespaces",
            Self::ControlGroup => "enter its control group",
            Self::Root => "make an empty root",
            Self::Tripwire => "mount the tripwire",
            Self::Scratch => "make the private directory",
            Self::Open => "open",
            Self::Compare => "find again what was granted as",
            Self::Mount => "mount",
            Self::Mask => "mount over the exception",
            Self::Devices => "make the devices",
            Self::Processes => "mount a /proc of its own",
            Self::ProcessLimit => "limit the number of processes",
            Self::ReplaceRoot => "take the host's root away",
            Self::Settle => "let go of the host",
            Self::Ruleset => "make the landlock ruleset",
        }
    }
}

/// A step that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewError {
    /// Which one.
    pub step: ViewStep,
    /// On which path, where it was about one.
    pub path: Option<PathBuf>,
    /// The kernel's answer.
    pub errno: i32,
}

impl ViewError {
    /// Whether the host lets nobody have a view, so that flat mode is what is left.
    ///
    /// By the kernel's words for "not you" and "not here" alone. Want of memory or of
    /// descriptors passes, and a command could bring it about to get less around the next one.
    pub fn is_obstacle_of_the_host(&self) -> bool {
        use Errno::{EACCES, EINVAL, ENODEV, ENOENT, ENOSPC, ENOSYS, EPERM, EUSERS};
        use ViewStep::{Devices, Namespaces, Processes, ReplaceRoot, Root, Scratch, UserNamespace};
        let errno = Errno::from_raw(self.errno);
        match self.step {
            // No entry: there is no proc to write the maps to. No space: a limit is reached.
            UserNamespace => matches!(
                errno,
                EPERM | EACCES | ENOSYS | EINVAL | ENOENT | ENOSPC | EUSERS
            ),
            Namespaces => matches!(errno, EPERM | EACCES | ENOSYS | EINVAL | ENOSPC),
            Root | Scratch | Devices | Processes => {
                matches!(errno, EPERM | EACCES | ENOSYS | ENODEV)
            }
            ReplaceRoot => matches!(errno, EPERM | EACCES | ENOSYS | EINVAL),
            ViewStep::Mount => matches!(errno, EPERM | ENOSYS),
            _ => false,
        }
    }

    pub(in crate::sandbox) fn at(step: ViewStep) -> impl FnOnce(io::Error) -> Self {
        move |error| Self {
            step,
            path: None,
            errno: errno_of(&error),
        }
    }

    pub(in crate::sandbox) fn on(step: ViewStep, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self {
            step,
            path: Some(path.to_path_buf()),
            errno: errno_of(&error),
        }
    }
}

fn errno_of(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(Errno::EIO as i32)
}

impl std::fmt::Display for ViewError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot {}", self.step.describe())?;
        if let Some(path) = &self.path {
            write!(f, " {}", crate::model::shown_path(path))?;
        }
        write!(f, ": {}", Errno::from_raw(self.errno).desc())
    }
}

impl std::error::Error for ViewError {}
