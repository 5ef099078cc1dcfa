//! Where commands run: on the host's file tree, or in a view.
//!
//! What the broker hands over was opened on the host's mounts. In a view nothing of it may be
//! left with a command that could lead out, or be changed, by way of those.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use nix::errno::Errno;

use super::view;
use crate::sys::host::is_full;
use crate::sys::launch::{LaunchError, Step};
use crate::sys::metadata::{Identity, LastLink, Resolution, pin, pin_host_path};
use crate::sys::stdio::{StreamKind, kind_of, null};

/// Where commands run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Territory {
    /// On the host's file tree, among its processes.
    Host,
    /// In a view, whose first process the launcher is.
    View,
}

impl Territory {
    /// A standard stream, as commands may hold it.
    ///
    /// The broker's `/dev/null` lies on the host's mounts, where the owner of its inode could
    /// change it. The view's own cannot be changed.
    pub(super) fn stream(self, handle: OwnedFd) -> io::Result<OwnedFd> {
        match (self, kind_of(handle.as_fd())) {
            (Self::View, StreamKind::Null) => null(),
            _ => Ok(handle),
        }
    }

    /// The working directory, as commands reach it.
    ///
    /// The broker's handle lies on the host's mounts; whoever worked there could walk up and
    /// out of the view. So the path is looked up again inside, and must lead to the same object.
    pub(super) fn directory(self, handle: OwnedFd, path: &CStr) -> Result<OwnedFd, LaunchError> {
        let fault = |errno| LaunchError {
            step: Step::Directory,
            errno,
        };
        if self == Self::Host {
            return Ok(handle);
        }
        let found = look_up(path).map_err(|error| fault(errno_of(&error)))?;
        let same = Identity::of(handle.as_fd())
            .and_then(|wanted| Ok(Identity::of(found.as_fd())?.is_same_object(&wanted)));
        match same {
            Ok(true) => Ok(found),
            _ => Err(fault(Errno::ESTALE)),
        }
    }

    /// Whether the private directory holds all that it may. On the host's own disk nothing
    /// bounds it.
    pub(super) fn scratch_is_full(self) -> bool {
        self == Self::View && is_full(view::SCRATCH)
    }
}

fn look_up(path: &CStr) -> io::Result<OwnedFd> {
    let root = pin_host_path(std::path::Path::new("/"))?;
    pin(root.as_fd(), path, Resolution::Ordinary, LastLink::Follow)
}

fn errno_of(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}
