//! Priorities, scheduling classes and processors: of the command's own threads, never of others.
//!
//! A process of the same user may change them, whoever started it. The filter lets a thread
//! change its own and hands over every call that names another.

use std::io;

use nix::errno::Errno;
use syscalls::Sysno;

use crate::sys::memory;
use crate::sys::notification::Notification;
use crate::sys::process;
use crate::sys::scheduling::{self, Change, PRIO_PROCESS, WHO_PROCESS};

/// A call that names a thread by its number.
#[derive(Debug)]
pub(super) struct Scheduling {
    pub name: &'static str,
    thread: i32,
    change: Change,
}

/// The kernel's own limits: `struct sched_attr` has grown once in ten years, and is refused by
/// it above a page; a mask has a bit for each of at most 8192 processors.
const SMALLEST_ATTRIBUTES: usize = 48;
const LARGEST_ATTRIBUTES: usize = 4096;
const LARGEST_MASK: usize = 1024;
/// `SCHED_ATTR_SIZE_VER0` is meant by a size of zero.
const UNSAID: usize = 0;

impl Scheduling {
    /// Reads the call; none where it is of another kind.
    ///
    /// # Errors
    /// `EFAULT` and the like where its memory cannot be read, `EINVAL` for what the kernel
    /// would not take, `EPERM` where it names more than one process.
    pub(super) fn read(notification: &Notification) -> io::Result<Option<Self>> {
        let number = usize::try_from(notification.number).unwrap_or(usize::MAX);
        let Some(call) = Sysno::new(number) else {
            return Ok(None);
        };
        let name = call.name();
        let (thread, change) = match name {
            "setpriority" => (1, Change::Nice(int(notification, 2))),
            "ioprio_set" => (1, Change::InputOutput(int(notification, 2))),
            "sched_setscheduler" => {
                let priority = parameter(notification, 2)?;
                (0, Change::Class(int(notification, 1), priority))
            }
            "sched_setparam" => (0, Change::Priority(parameter(notification, 1)?)),
            "sched_setattr" => (0, attributes(notification)?),
            "sched_setaffinity" => (0, Change::Processors(mask(notification)?)),
            _ => return Ok(None),
        };
        // Both tell by their first argument what the second one counts.
        if thread == 1 && int(notification, 0) != kind_of_one_thread(name) {
            return Err(Errno::EPERM.into());
        }
        Ok(Some(Self {
            name,
            thread: int(notification, thread),
            change,
        }))
    }

    /// Whether the thread is one of the command's.
    pub(super) fn is_own(&self) -> bool {
        process::is_below_us(self.thread)
    }

    /// Makes the change.
    ///
    /// The number of a thread that ends right now can be given to another. Whoever wins that
    /// race gains that a stranger runs later than it would.
    ///
    /// # Errors
    /// The kernel's.
    pub(super) fn perform(&self) -> io::Result<()> {
        scheduling::change(self.thread, &self.change)
    }
}

/// Registers hold 64 bits, of which the kernel takes the lower half for an `int`.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the kernel drops the upper half too"
)]
fn int(notification: &Notification, index: usize) -> i32 {
    (notification.arguments[index] as u32).cast_signed()
}

fn kind_of_one_thread(name: &str) -> i32 {
    match name {
        "setpriority" => PRIO_PROCESS,
        _ => WHO_PROCESS,
    }
}

fn parameter(notification: &Notification, index: usize) -> io::Result<i32> {
    let bytes = memory::read(notification.pid, notification.arguments[index], 4)?;
    let bytes = bytes
        .try_into()
        .map_err(|_| io::Error::from(Errno::EFAULT))?;
    Ok(i32::from_ne_bytes(bytes))
}

fn mask(notification: &Notification) -> io::Result<Vec<u8>> {
    let length = usize::try_from(int(notification, 1)).map_err(|_| Errno::EINVAL)?;
    let address = notification.arguments[2];
    memory::read(notification.pid, address, length.min(LARGEST_MASK))
}

/// The structure is read once, and what was read is what the kernel gets.
fn attributes(notification: &Notification) -> io::Result<Change> {
    let address = notification.arguments[1];
    let stated = memory::read(notification.pid, address, 4)?;
    let stated = stated
        .try_into()
        .map_err(|_| io::Error::from(Errno::EFAULT))?;
    let size = match u32::from_ne_bytes(stated) as usize {
        UNSAID => SMALLEST_ATTRIBUTES,
        size @ SMALLEST_ATTRIBUTES..=LARGEST_ATTRIBUTES => size,
        _ => return Err(Errno::E2BIG.into()),
    };
    let bytes = memory::read(notification.pid, address, size)?;
    let flags = int(notification, 2).cast_unsigned();
    Ok(Change::Attributes(bytes, flags))
}
