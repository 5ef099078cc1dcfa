//! Objects that processes share by number or by name: memory, keys. For `lobsterpot prove`,
//! which puts a secret into one of each, and looks whether a sandbox keeps it.
//!
//! Nothing here outlives the processes that use it.

use std::ffi::CStr;
use std::io;

use super::checked;

/// A page of shared memory (`shmget(2)`), already marked to be removed with its last user.
#[derive(Debug)]
pub struct SharedPage {
    /// Its number.
    pub number: i32,
    address: usize,
}

const PAGE: usize = 4096;

impl SharedPage {
    /// Makes an empty page.
    ///
    /// # Errors
    /// Where the kernel has no such memory.
    pub fn new() -> io::Result<Self> {
        // SAFETY: plain numbers.
        let number = unsafe { libc::shmget(libc::IPC_PRIVATE, PAGE, libc::IPC_CREAT | 0o600) };
        checked(number.into())?;
        // SAFETY: the kernel chooses the address.
        let at = unsafe { libc::shmat(number, std::ptr::null(), 0) };
        // Removed when nobody uses it any more: now, where attaching has failed.
        // SAFETY: plain numbers; IPC_RMID takes no structure.
        unsafe { libc::shmctl(number, libc::IPC_RMID, std::ptr::null_mut()) };
        if at.addr() == usize::MAX {
            return Err(io::Error::last_os_error());
        }
        Ok(Self {
            number,
            address: at.expose_provenance(),
        })
    }

    /// Puts these bytes at its beginning.
    pub fn put(&self, bytes: &[u8]) {
        let to = std::ptr::with_exposed_provenance_mut::<u8>(self.address);
        let length = bytes.len().min(PAGE);
        // SAFETY: the page is attached as long as this value lives, writable, and no shorter.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, length) };
    }

    /// Its first bytes, as they are now.
    pub fn first<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        let from = std::ptr::with_exposed_provenance::<u8>(self.address);
        // SAFETY: the page is attached as long as this value lives, and longer than N.
        unsafe { std::ptr::copy_nonoverlapping(from, bytes.as_mut_ptr(), N.min(PAGE)) };
        bytes
    }
}

impl Drop for SharedPage {
    fn drop(&mut self) {
        let at = std::ptr::with_exposed_provenance::<libc::c_void>(self.address);
        // SAFETY: attached by us at this address, and not used after this.
        unsafe { libc::shmdt(at) };
    }
}

/// `KEY_SPEC_SESSION_KEYRING`
const SESSION: i32 = -3;
const JOIN: i32 = 1;
const SEARCH: i32 = 10;

/// Gives this process, and whatever it starts from now on, a session keyring of its own, which
/// is gone with them.
///
/// # Errors
/// Where the kernel has no keyrings, or none is allowed.
pub fn own_keyring() -> io::Result<()> {
    // SAFETY: a null pointer asks for a keyring without a name.
    checked(unsafe { libc::syscall(libc::SYS_keyctl, JOIN, std::ptr::null::<u8>()) })?;
    Ok(())
}

/// Adds a key to the session keyring; its number.
///
/// # Errors
/// As [`own_keyring`].
pub fn add_key(name: &CStr, payload: &[u8]) -> io::Result<i64> {
    let (bytes, length) = (payload.as_ptr(), payload.len());
    // SAFETY: the strings are NUL-terminated, and the payload is as long as is said.
    checked(unsafe {
        libc::syscall(
            libc::SYS_add_key,
            c"user".as_ptr(),
            name.as_ptr(),
            bytes,
            length,
            SESSION,
        )
    })
}

/// Whether the session keyring has a key of this name.
pub fn has_key(name: &CStr) -> bool {
    // SAFETY: the strings are NUL-terminated.
    let found = checked(unsafe {
        libc::syscall(
            libc::SYS_keyctl,
            SEARCH,
            SESSION,
            c"user".as_ptr(),
            name.as_ptr(),
            0,
        )
    });
    found.is_ok()
}
