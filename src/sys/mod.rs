//! Every `unsafe` block and every raw system call, under safe names.
//!
//! This module knows the kernel and nothing of policies: it never decides
//! whether something is allowed, only how it is done.
#![allow(
    unsafe_code,
    reason = "the one place where it is allowed; each block states its invariant"
)]

pub mod acl;
pub(crate) mod attack;
pub mod audit;
pub mod beneath;
pub mod caller;
pub mod cgroup;
pub mod channel;
pub mod clone;
pub mod entropy;
pub mod fuse;
pub mod host;
pub mod inode;
pub mod launch;
pub mod limits;
pub mod machine;
pub mod memory;
pub mod metadata;
pub mod mount;
pub mod names;
pub mod namespace;
pub mod notification;
pub mod packets;
pub mod private;
pub mod process;
pub mod roll;
pub mod scheduling;
pub mod search;
pub mod seccomp;
pub mod shared;
pub mod signals;
pub mod socket;
pub mod stdio;
pub mod teardown;
pub mod terminal;

use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd};

/// The result of a raw system call as an [`io::Result`].
fn checked(result: libc::c_long) -> io::Result<libc::c_long> {
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// The descriptor that a raw system call has made; for results of such calls alone.
fn installed(result: libc::c_long) -> io::Result<OwnedFd> {
    let raw = i32::try_from(checked(result)?).map_err(io::Error::other)?;
    // SAFETY: the kernel just installed it, so it is open, and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}
