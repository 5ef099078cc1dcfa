//! Priority, scheduling class and processors of a thread.

use std::ffi::{c_long, c_void};
use std::io;
use std::ptr;

use super::checked;

/// A change, in the words of the system call that asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// `setpriority(2)`: the nice value.
    Nice(i32),
    /// `sched_setscheduler(2)`: the class, and the priority in it.
    Class(i32, i32),
    /// `sched_setparam(2)`: the priority in the class.
    Priority(i32),
    /// `sched_setattr(2)`: a `struct sched_attr`, and flags. Its first field, its length, is filled
    /// in.
    Attributes(Vec<u8>, u32),
    /// `sched_setaffinity(2)`: a mask of processors.
    Processors(Vec<u8>),
    /// `ioprio_set(2)`: class and priority of input and output.
    InputOutput(i32),
}

/// Makes the change to one thread.
///
/// # Errors
/// The kernel's, as the thread itself would have got it.
pub fn change(thread: i32, change: &Change) -> io::Result<()> {
    let thread = plain(thread);
    match change {
        Change::Nice(nice) => call(
            libc::SYS_setpriority,
            [plain(PRIO_PROCESS), thread, plain(*nice)],
        ),
        Change::InputOutput(priority) => call(
            libc::SYS_ioprio_set,
            [plain(WHO_PROCESS), thread, plain(*priority)],
        ),
        // The only field of `struct sched_param` is the priority.
        Change::Class(class, priority) => {
            let parameter = priority.to_ne_bytes();
            let words = [thread, plain(*class), parameter.as_ptr().cast()];
            call(libc::SYS_sched_setscheduler, words)
        }
        Change::Priority(priority) => {
            let parameter = priority.to_ne_bytes();
            let words = [thread, parameter.as_ptr().cast(), ptr::null()];
            call(libc::SYS_sched_setparam, words)
        }
        Change::Attributes(attributes, flags) => {
            let flags = plain(flags.cast_signed());
            let mut attributes = attributes.clone();
            let length = u32::try_from(attributes.len()).map_err(io::Error::other)?;
            let stated = attributes
                .first_chunk_mut()
                .ok_or(io::ErrorKind::InvalidInput)?;
            *stated = length.to_ne_bytes();
            let words = [thread, attributes.as_ptr().cast(), flags];
            call(libc::SYS_sched_setattr, words)
        }
        Change::Processors(mask) => {
            let length = ptr::without_provenance(mask.len());
            let words = [thread, length, mask.as_ptr().cast()];
            call(libc::SYS_sched_setaffinity, words)
        }
    }
}

/// A register that holds a number, of which the kernel takes the lower half.
fn plain(number: i32) -> *const c_void {
    ptr::without_provenance(number.cast_unsigned() as usize)
}

fn call(number: c_long, arguments: [*const c_void; 3]) -> io::Result<()> {
    let [first, second, third] = arguments;
    // SAFETY: `change` passes plain numbers, and pointers to bytes that live through the call:
    // a mask with its length, a `sched_param` of four bytes, or a `sched_attr`, whose first
    // field is its length.
    checked(unsafe { libc::syscall(number, first, second, third) })?;
    Ok(())
}

/// `PRIO_PROCESS`, from linux/resource.h.
pub const PRIO_PROCESS: i32 = 0;
/// `IOPRIO_WHO_PROCESS`, from linux/ioprio.h.
pub const WHO_PROCESS: i32 = 1;
