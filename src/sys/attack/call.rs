//! The one place where an attack enters the kernel by number.

use std::ffi::{CStr, CString};

use nix::errno::Errno;

/// An argument of a system call. Pointers come only from what the caller holds.
#[derive(Debug)]
pub(super) enum Argument<'a> {
    /// A number, or a null pointer.
    Number(i64),
    /// A NUL-terminated string.
    Text(&'a CStr),
    /// Memory that the kernel reads.
    From(&'a [u8]),
    /// Memory that the kernel writes.
    Into(&'a mut [u8]),
}

impl From<i64> for Argument<'_> {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<i32> for Argument<'_> {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u32> for Argument<'_> {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl<'a> From<&'a CStr> for Argument<'a> {
    fn from(text: &'a CStr) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a CString> for Argument<'a> {
    fn from(text: &'a CString) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [u8]> for Argument<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::From(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Argument<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::From(bytes)
    }
}

impl<'a> From<&'a mut [u8]> for Argument<'a> {
    fn from(bytes: &'a mut [u8]) -> Self {
        Self::Into(bytes)
    }
}

/// Makes the call.
pub(super) fn make<const N: usize>(
    number: i64,
    arguments: [Argument<'_>; N],
) -> Result<i64, Errno> {
    let mut words = [0isize; 6];
    for (word, argument) in words.iter_mut().zip(arguments) {
        *word = match argument {
            Argument::Number(number) => isize::try_from(number).unwrap_or(-1),
            Argument::Text(text) => text.as_ptr().expose_provenance().cast_signed(),
            Argument::From(bytes) => bytes.as_ptr().expose_provenance().cast_signed(),
            Argument::Into(bytes) => bytes.as_mut_ptr().expose_provenance().cast_signed(),
        };
    }
    // SAFETY: every pointer comes from a reference that outlives the call, strings are
    // NUL-terminated, and callers state no length beyond what they hand over. Whatever a number
    // does, it does to the attacker's own process, which trusts nothing it holds.
    Errno::result(unsafe {
        libc::syscall(
            number, words[0], words[1], words[2], words[3], words[4], words[5],
        )
    })
}

/// The address of memory that a structure given to the kernel points to.
pub(super) fn address(bytes: &[u8]) -> u64 {
    bytes.as_ptr().expose_provenance() as u64
}

/// A system call by its number, with arguments of any kind.
macro_rules! call {
    ($number:expr $(, $argument:expr)* $(,)?) => {
        $crate::sys::attack::call::make(
            $number,
            [$($crate::sys::attack::call::Argument::from($argument)),*],
        )
    };
}
pub(super) use call;

/// The fields of a structure, one after the other, as bytes.
macro_rules! structure {
    ($($field:expr),* $(,)?) => {{
        let mut bytes = Vec::new();
        $(bytes.extend_from_slice(&$field.to_ne_bytes());)*
        bytes
    }};
}
pub(super) use structure;
