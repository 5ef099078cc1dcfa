//! Bytes that nobody can guess.

use std::io;

/// Fills the buffer from the kernel's generator (`getrandom(2)`).
///
/// # Errors
/// Never for a few bytes, once the machine is up.
pub fn fill(bytes: &mut [u8]) -> io::Result<()> {
    // SAFETY: the kernel writes at most as many bytes as the buffer has.
    let count = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    if usize::try_from(count) == Ok(bytes.len()) {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
