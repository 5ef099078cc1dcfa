//! Random bytes from the kernel, for keys. Never falls back to anything weaker.

use std::io;

/// So many random bytes, at most 256: for as many the kernel never gives fewer than asked.
///
/// # Errors
/// When the kernel has no such call, or forbids it.
pub fn random<const N: usize>() -> io::Result<[u8; N]> {
    const { assert!(N <= 256) }
    let mut bytes = [0; N];
    // SAFETY: the pointer and the length are those of `bytes`, which lives through the call
    // and has no invalid bit patterns.
    let count = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), N, 0) };
    if usize::try_from(count) == Ok(N) {
        Ok(bytes)
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::random;

    #[test]
    fn no_two_are_alike() {
        assert_ne!(random::<32>().unwrap(), random::<32>().unwrap());
        assert_ne!(random::<32>().unwrap(), [0; 32]);
    }
}
