//! Reading the memory of a process whose system call is being answered.
//!
//! What is read can be changed by another of its threads at any time: it is a
//! hint or a request, never evidence.

use std::ffi::CString;
use std::io;

use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

const PAGE: usize = 4096;

/// Copies `length` bytes from `address` in the process.
///
/// # Errors
/// When the address is not mapped, or the process made itself unreadable.
pub fn read(pid: i32, address: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let count = read_some(pid, address, &mut bytes)?;
    if count < length {
        return Err(io::Error::from_raw_os_error(libc::EFAULT));
    }
    Ok(bytes)
}

/// Copies a NUL-terminated string of at most `longest` bytes.
///
/// # Errors
/// As [`read`], and `ENAMETOOLONG` when no NUL is found.
pub fn read_string(pid: i32, address: u64, longest: usize) -> io::Result<CString> {
    let mut text = Vec::with_capacity(256);
    let mut at = address;
    while text.len() <= longest {
        // Never cross a page in one read: the next one may not be mapped.
        let until_page_end = PAGE - usize::try_from(at % PAGE as u64).unwrap_or(0);
        let mut chunk = [0u8; 256];
        let wanted = until_page_end.min(chunk.len());
        let count = read_some(pid, at, &mut chunk[..wanted])?;
        if count == 0 {
            return Err(io::Error::from_raw_os_error(libc::EFAULT));
        }
        if let Some(end) = chunk[..count].iter().position(|byte| *byte == 0) {
            text.extend_from_slice(&chunk[..end]);
            return CString::new(text).map_err(|_| io::ErrorKind::InvalidData.into());
        }
        text.extend_from_slice(&chunk[..count]);
        at = at.wrapping_add(count as u64);
    }
    Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG))
}

fn read_some(pid: i32, address: u64, into: &mut [u8]) -> io::Result<usize> {
    let base = usize::try_from(address).map_err(|_| io::Error::from_raw_os_error(libc::EFAULT))?;
    let remote = [RemoteIoVec {
        base,
        len: into.len(),
    }];
    let mut local = [io::IoSliceMut::new(into)];
    Ok(process_vm_readv(Pid::from_raw(pid), &mut local, &remote)?)
}

#[cfg(test)]
mod tests {
    use super::{read, read_string};

    #[test]
    fn a_string_is_read_up_to_its_end() {
        let text = c"some/path";
        let own = std::process::id().cast_signed();
        let address = text.as_ptr() as u64;
        assert_eq!(read_string(own, address, 4096).unwrap().as_c_str(), text);
        assert_eq!(read(own, address, 4).unwrap(), b"some");
        let endless = vec![b'a'; 9000];
        let error = read_string(own, endless.as_ptr() as u64, 4096).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENAMETOOLONG));
    }

    #[test]
    fn an_address_that_is_not_mapped_is_an_error() {
        let own = std::process::id().cast_signed();
        assert_eq!(
            read(own, 8, 4).unwrap_err().raw_os_error(),
            Some(libc::EFAULT)
        );
    }
}
