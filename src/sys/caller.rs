//! What can be told of a thread that waits for an answer of ours.
//!
//! It is read from `/proc/PID/{syscall,exe,cmdline}`, a few kilobytes at most, and nothing
//! is followed. The thread waits, so its registers are those of the call that is being
//! answered; its memory can be changed by other threads.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use super::memory;

/// The system call that a thread waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitingCall {
    /// Its number.
    pub number: usize,
    /// Its six arguments, as the registers held them.
    pub arguments: [u64; 6],
}

/// How often a thread is looked at that has not gone to sleep yet.
const TRIES: usize = 8;

/// The call that a thread waits in; `None` when it is in none, or does not sleep yet.
///
/// # Errors
/// When there is no such thread, or it may not be looked at.
pub fn waiting_call(thread: i32) -> io::Result<Option<WaitingCall>> {
    let mut buffer = [0; 256];
    for _ in 0..TRIES {
        let text = read_start(thread, "syscall", &mut buffer)?;
        if !text.starts_with(b"running") {
            return Ok(parse(text));
        }
        std::thread::yield_now();
    }
    Ok(None)
}

/// A decimal number, six hexadecimal ones, and two that are of no interest.
fn parse(text: &[u8]) -> Option<WaitingCall> {
    let mut fields = std::str::from_utf8(text).ok()?.split_ascii_whitespace();
    let number = fields.next()?.parse().ok()?;
    let mut arguments = [0; 6];
    for argument in &mut arguments {
        *argument = u64::from_str_radix(fields.next()?.strip_prefix("0x")?, 16).ok()?;
    }
    Some(WaitingCall { number, arguments })
}

/// The executable of a thread's process.
pub fn executable(thread: i32) -> Option<PathBuf> {
    let link = format!("/proc/{thread}/exe");
    nix::fcntl::readlink(link.as_str()).ok().map(PathBuf::from)
}

/// The argument list of a thread's process, as far as its first bytes hold it. The process
/// can rewrite it.
pub fn arguments(thread: i32) -> Vec<String> {
    const MOST_ARGUMENTS: usize = 64;
    let mut buffer = [0; 4096];
    let Ok(text) = read_start(thread, "cmdline", &mut buffer) else {
        return Vec::new();
    };
    let text = text.strip_suffix(b"\0").unwrap_or(text);
    if text.is_empty() {
        return Vec::new();
    }
    text.split(|byte| *byte == 0)
        .take(MOST_ARGUMENTS)
        .map(|argument| String::from_utf8_lossy(argument).into_owned())
        .collect()
}

/// A path in a process's memory.
///
/// # Errors
/// As [`memory::read_string`].
pub fn path_at(thread: i32, address: u64) -> io::Result<PathBuf> {
    const LONGEST_PATH: usize = 4096;
    let text = memory::read_string(thread, address, LONGEST_PATH)?;
    Ok(std::ffi::OsString::from_vec(text.into_bytes()).into())
}

/// The name in a socket address of a process's memory; `None` where it names no file.
///
/// # Errors
/// As [`memory::read`].
pub fn socket_path_at(thread: i32, address: u64, length: u64) -> io::Result<Option<PathBuf>> {
    const FAMILY: usize = 2;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length <= FAMILY || length > size_of::<libc::sockaddr_un>() {
        return Ok(None);
    }
    let bytes = memory::read(thread, address, length)?;
    let family = u16::from_ne_bytes([bytes[0], bytes[1]]);
    let name = bytes[FAMILY..].split(|byte| *byte == 0).next();
    let name = name.unwrap_or_default();
    // A name that begins with NUL is an abstract one.
    if i32::from(family) != libc::AF_UNIX || name.is_empty() {
        return Ok(None);
    }
    Ok(Some(std::ffi::OsString::from_vec(name.to_vec()).into()))
}

fn read_start<'a>(thread: i32, file: &str, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
    #[allow(clippy::disallowed_methods, reason = "what proc tells of a caller")]
    let mut file = File::open(format!("/proc/{thread}/{file}"))?;
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(&buffer[..filled])
}

#[cfg(test)]
mod tests {
    use super::{WaitingCall, arguments, executable, parse, path_at, socket_path_at};
    use std::path::Path;

    #[test]
    fn a_line_of_proc_is_read() {
        let line = b"257 0xffffff9c 0x7ffe 0x80000 0x0 0x0 0x3 0x7ffd 0x7f01\n";
        let call = WaitingCall {
            number: 257,
            arguments: [0xffff_ff9c, 0x7ffe, 0x8_0000, 0, 0, 3],
        };
        assert_eq!(parse(line), Some(call));
        for odd in ["", "running\n", "-1 0x0 0x0\n", "1 0x0 0x0 zero", "\u{ff}"] {
            assert_eq!(parse(odd.as_bytes()), None, "{odd}");
        }
    }

    #[test]
    fn this_process_is_told_by_its_own_files() {
        let own = std::process::id().cast_signed();
        assert_eq!(executable(own), std::env::current_exe().ok());
        let first = std::env::args().next().unwrap();
        assert_eq!(arguments(own).first(), Some(&first));
        assert_eq!(arguments(-5), Vec::<String>::new());
    }

    #[test]
    fn names_are_read_from_memory() {
        let own = std::process::id().cast_signed();
        let path = c"/some/where";
        let read = path_at(own, path.as_ptr() as u64).unwrap();
        assert_eq!(read, Path::new("/some/where"));
        let mut address = 1u16.to_ne_bytes().to_vec();
        address.extend(b"/run/socket\0rest");
        let at = |length: u64| socket_path_at(own, address.as_ptr() as u64, length).unwrap();
        assert_eq!(at(18).as_deref(), Some(Path::new("/run/socket")));
        assert_eq!(at(6).as_deref(), Some(Path::new("/run")));
        assert_eq!(at(2), None);
        assert_eq!(at(4000), None);
        address[2] = 0;
        let abstract_name = socket_path_at(own, address.as_ptr() as u64, 10).unwrap();
        assert_eq!(abstract_name, None);
    }
}
