//! Trying out whether a command could be given its layers here: a Landlock domain and a filter.
//!
//! It is for people who ask what a host can enforce. A command that starts finds out by
//! itself, and does not start where a layer is missing. Nothing is executed.

use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

use nix::errno::Errno;

use super::landlock;
use crate::sys::launch::{ControllingTerminal, Launch, LaunchError, PointerList, Step, launch};
use crate::sys::metadata::pin_host_path;
use crate::sys::process::{self, Fork};
use crate::sys::seccomp::{Filter, Supervision};
use crate::sys::signals::block_all;
use crate::sys::teardown::Teardown;

/// Puts the layers on a process that then ends. The calling process must have a single thread.
///
/// # Errors
/// The step that failed.
pub(super) fn try_out(landlock_abi: u32, supervision: Supervision) -> Result<(), LaunchError> {
    let fault = |step| {
        move |error: std::io::Error| LaunchError {
            step,
            errno: Errno::from_raw(error.raw_os_error().unwrap_or(0)),
        }
    };
    let (mut ours, mut theirs) = UnixStream::pair().map_err(fault(Step::Clone))?;
    match process::fork_single_threaded().map_err(fault(Step::Clone))? {
        Fork::Child => {
            if let Err(error) = put_on(landlock_abi, supervision) {
                let told = [error.step as u32, (error.errno as i32).cast_unsigned()];
                // Silence would be taken for success, so the code tells as well.
                let _ = theirs.write_all(&told.map(u32::to_ne_bytes).concat());
                process::end_now(1)
            }
            process::end_now(0)
        }
        Fork::Parent { pid, .. } => {
            drop(theirs);
            let mut told = [0; 8];
            let read = ours.read_exact(&mut told);
            if process::reap_status(pid) == Some(0) {
                return Ok(());
            }
            read.map_err(fault(Step::Clone))?;
            let number = |at: usize| u32::from_ne_bytes([0, 1, 2, 3].map(|byte| told[at + byte]));
            Err(LaunchError {
                step: Step::from_number(number(0)),
                errno: Errno::from_raw(number(4).cast_signed()),
            })
        }
    }
}

/// A start without a program comes as far as the last step.
fn put_on(landlock_abi: u32, supervision: Supervision) -> Result<(), LaunchError> {
    let fault = |step| LaunchError {
        step,
        errno: Errno::last(),
    };
    block_all().map_err(|_| fault(Step::Signals))?;
    // A launcher in flat mode enters a domain of its own, in which its commands' domains lie.
    if let Ok(Some(domain)) = landlock::signal_domain(landlock_abi) {
        let _ = Teardown::by_domain(domain.as_fd());
    }
    let ruleset = landlock::ruleset(landlock_abi, std::iter::empty());
    let ruleset = ruleset.map_err(|_| fault(Step::Landlock))?;
    let directory = pin_host_path(std::path::Path::new("/")).map_err(|_| fault(Step::Directory))?;
    let none = PointerList::new(Vec::new());
    let started = launch(&Launch {
        programs: &[],
        arguments: &none,
        script_arguments: &none,
        environment: &none,
        directory: directory.as_fd(),
        terminal: ControllingTerminal::None,
        limits: &[],
        ruleset: ruleset.as_fd(),
        mark: None,
        filter: &Filter::allowing_everything(supervision),
        group: None,
    });
    match started {
        Ok(_)
        | Err(LaunchError {
            step: Step::Exec, ..
        }) => Ok(()),
        Err(error) => Err(error),
    }
}
