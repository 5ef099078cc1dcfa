//! Trying out whether this host lets a view be built, by building an empty one.
//!
//! Settings alone do not tell: some hosts let a namespace be made and take every privilege
//! in it away, others mask parts of `/proc`. It happens in a child that ends at once.

use std::io::{Read as _, Write as _};
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;

use super::build::{Materials, begin};
use super::error::{ViewError, ViewStep};
use crate::policy::GrantId;
use crate::sandbox::prepare::Handles;
use crate::sys::process::{self, Fork};

struct NoGrants;

impl Handles for NoGrants {
    fn handle(&self, _: GrantId) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// Builds an empty view and lets go of it. The process must have a single thread.
///
/// # Errors
/// The step that failed.
pub(in crate::sandbox) fn try_out() -> Result<(), ViewError> {
    let fault = || ViewError::at(ViewStep::Settle);
    let (mut ours, theirs) = UnixStream::pair().map_err(fault())?;
    match process::fork_single_threaded().map_err(fault())? {
        Fork::Child => {
            let built = build_in_two_processes(&theirs);
            tell(&theirs, built);
            process::end_now(0)
        }
        Fork::Parent { pid, .. } => {
            drop(theirs);
            let mut told = Vec::new();
            let read = ours.read_to_end(&mut told);
            process::reap(pid);
            read.map_err(fault())?;
            if told.is_empty() {
                return Ok(());
            }
            let error = postcard::from_bytes(&told);
            Err(error.map_err(std::io::Error::other).map_err(fault())?)
        }
    }
}

fn build_in_two_processes(theirs: &UnixStream) -> Result<(), ViewError> {
    let materials = Materials {
        paths: &[],
        home_files: &[],
        scratch_bytes: 1 << 20,
        highest_pid: None,
        group: None,
    };
    let unfinished = begin(materials, &NoGrants, None)?;
    match process::fork_single_threaded().map_err(ViewError::at(ViewStep::Namespaces))? {
        Fork::Child => {
            let finished = unfinished.finish().map(drop);
            tell(theirs, finished);
            process::end_now(0)
        }
        Fork::Parent { pid, .. } => process::reap(pid),
    }
    Ok(())
}

/// Nothing is said where all went well.
fn tell(mut theirs: &UnixStream, result: Result<(), ViewError>) {
    if let Err(error) = result
        && let Ok(bytes) = postcard::to_stdvec(&error)
    {
        // The parent takes silence for success only when the stream ended without an error,
        // and a small message fits into the empty stream.
        let _ = theirs.write_all(&bytes);
    }
}
