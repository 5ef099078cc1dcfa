//! Reading a supervised system call: what it would change, and on what.
//!
//! Arguments that are pointers lead into memory that the caller can change at any time.
//! Each is read once, and only what was read is used.

use std::ffi::CString;
use std::io;

use nix::errno::Errno;
use syscalls::Sysno;

use crate::sys::memory;
use crate::sys::metadata::{
    AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, Change, LastLink, TimePair, Timespec, timespec,
};
use crate::sys::notification::Notification;

/// A supervised call.
#[derive(Debug)]
pub(super) struct Call {
    pub name: &'static str,
    pub target: Target,
    pub change: Change,
}

/// The object that a call names.
#[derive(Debug)]
pub(super) enum Target {
    Path {
        directory: i32,
        path: CString,
        last: LastLink,
    },
    /// The same, as `openat2(2)` was asked to resolve it.
    Confined {
        directory: i32,
        path: CString,
        last: LastLink,
        resolve: u64,
    },
    Descriptor(i32),
}

const LONGEST_PATH: usize = 4096;
const LONGEST_ATTRIBUTE_NAME: usize = 255;
/// `XATTR_SIZE_MAX`, from linux/limits.h.
const LARGEST_ATTRIBUTE: usize = 65536;

/// The registers of a call and the memory that they point into.
struct Arguments<'a>(&'a Notification);

impl Call {
    /// Reads the call.
    ///
    /// # Errors
    /// `EFAULT` and the like where its memory cannot be read, `ENOSYS` for a call that is
    /// not supervised, which the filter never hands over.
    pub(super) fn read(notification: &Notification) -> io::Result<Self> {
        let arguments = Arguments(notification);
        let number = usize::try_from(notification.number).unwrap_or(usize::MAX);
        let call = Sysno::new(number).ok_or_else(unknown)?;
        let name = call.name();
        let (target, change) = arguments.read(call)?;
        Ok(Self {
            name,
            target,
            change,
        })
    }
}

fn unknown() -> io::Error {
    Errno::ENOSYS.into()
}

impl Arguments<'_> {
    fn read(&self, call: Sysno) -> io::Result<(Target, Change)> {
        match call.name() {
            "chmod" => Ok((self.path(0, LastLink::Follow)?, Change::Mode(self.mode(1)))),
            "fchmod" => Ok((self.descriptor(0), Change::Mode(self.mode(1)))),
            "fchmodat" => Ok((
                self.path_at(0, LastLink::Follow)?,
                Change::Mode(self.mode(2)),
            )),
            "fchmodat2" => Ok((self.path_with_flags(0, 3)?, Change::Mode(self.mode(2)))),
            "chown" => Ok((self.path(0, LastLink::Follow)?, self.owner(1))),
            "lchown" => Ok((self.path(0, LastLink::Keep)?, self.owner(1))),
            "fchown" => Ok((self.descriptor(0), self.owner(1))),
            "fchownat" => Ok((self.path_with_flags(0, 4)?, self.owner(2))),
            "truncate" => Ok((self.path(0, LastLink::Follow)?, self.length(1))),
            name if name.contains("time") => self.read_times(name),
            name => self.read_attributes(name),
        }
    }

    fn read_times(&self, name: &str) -> io::Result<(Target, Change)> {
        let (target, times) = match name {
            "utime" => (self.path(0, LastLink::Follow)?, self.seconds(1)?),
            "utimes" => (self.path(0, LastLink::Follow)?, self.microseconds(1)?),
            "futimesat" => (self.path_or_directory(0)?, self.microseconds(2)?),
            "utimensat" if self.0.arguments[1] == 0 => (self.descriptor(0), self.nanoseconds(2)?),
            "utimensat" => (self.path_with_flags(0, 3)?, self.nanoseconds(2)?),
            _ => return Err(unknown()),
        };
        Ok((target, Change::Times(times)))
    }

    fn read_attributes(&self, name: &str) -> io::Result<(Target, Change)> {
        let target = match name {
            "setxattr" | "removexattr" => self.path(0, LastLink::Follow)?,
            "lsetxattr" | "lremovexattr" => self.path(0, LastLink::Keep)?,
            "fsetxattr" | "fremovexattr" => self.descriptor(0),
            "setxattrat" | "removexattrat" => return self.read_attributes_at(name),
            _ => return Err(unknown()),
        };
        let attribute =
            memory::read_string(self.0.pid, self.0.arguments[1], LONGEST_ATTRIBUTE_NAME)
                .map_err(range_error)?;
        if name.contains("remove") {
            return Ok((target, Change::RemoveAttribute(attribute)));
        }
        let length = usize::try_from(self.0.arguments[3]).unwrap_or(usize::MAX);
        if length > LARGEST_ATTRIBUTE {
            return Err(Errno::E2BIG.into());
        }
        let value = memory::read(self.0.pid, self.0.arguments[2], length)?;
        Ok((target, Change::SetAttribute(attribute, value, self.int(4))))
    }

    /// The newer calls (Linux 6.13): name after path and flags, the value behind a structure.
    fn read_attributes_at(&self, name: &str) -> io::Result<(Target, Change)> {
        let target = self.path_with_flags(0, 2)?;
        let attribute =
            memory::read_string(self.0.pid, self.0.arguments[3], LONGEST_ATTRIBUTE_NAME)
                .map_err(range_error)?;
        if name == "removexattrat" {
            return Ok((target, Change::RemoveAttribute(attribute)));
        }
        // struct xattr_args: a 64-bit address, a 32-bit size, 32 bits of flags.
        let Some([address, rest]) = self.numbers(4)? else {
            return Err(Errno::EFAULT.into());
        };
        if self.0.arguments[5] != 16 {
            return Err(Errno::EINVAL.into());
        }
        let [length, flags] = halves(rest);
        if length as usize > LARGEST_ATTRIBUTE {
            return Err(Errno::E2BIG.into());
        }
        let value = memory::read(self.0.pid, address.cast_unsigned(), length as usize)?;
        let change = Change::SetAttribute(attribute, value, flags.cast_signed());
        Ok((target, change))
    }

    /// Registers hold 64 bits, of which the kernel takes the lower half for an `int`.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the kernel drops the upper half too"
    )]
    fn int(&self, index: usize) -> i32 {
        (self.0.arguments[index] as u32).cast_signed()
    }

    fn mode(&self, index: usize) -> u32 {
        self.int(index).cast_unsigned() & 0o7777
    }

    fn owner(&self, index: usize) -> Change {
        Change::Owner(
            self.int(index).cast_unsigned(),
            self.int(index + 1).cast_unsigned(),
        )
    }

    fn length(&self, index: usize) -> Change {
        Change::Length(self.0.arguments[index].cast_signed())
    }

    fn descriptor(&self, index: usize) -> Target {
        Target::Descriptor(self.int(index))
    }

    fn string(&self, index: usize) -> io::Result<CString> {
        memory::read_string(self.0.pid, self.0.arguments[index], LONGEST_PATH)
    }

    fn path(&self, index: usize, last: LastLink) -> io::Result<Target> {
        Ok(Target::Path {
            directory: AT_FDCWD,
            path: non_empty(self.string(index)?)?,
            last,
        })
    }

    fn path_at(&self, index: usize, last: LastLink) -> io::Result<Target> {
        let path = non_empty(self.string(index + 1)?)?;
        Ok(Target::Path {
            directory: self.int(index),
            path,
            last,
        })
    }

    /// `AT_SYMLINK_NOFOLLOW` and `AT_EMPTY_PATH` are honoured; other flags are refused.
    fn path_with_flags(&self, index: usize, flags: usize) -> io::Result<Target> {
        let flags = self.int(flags);
        if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
            return Err(Errno::EINVAL.into());
        }
        let path = self.string(index + 1)?;
        if path.is_empty() && flags & AT_EMPTY_PATH != 0 {
            return Ok(self.descriptor(index));
        }
        let last = if flags & AT_SYMLINK_NOFOLLOW == 0 {
            LastLink::Follow
        } else {
            LastLink::Keep
        };
        Ok(Target::Path {
            directory: self.int(index),
            path: non_empty(path)?,
            last,
        })
    }

    /// A null path means the directory itself, for this call alone.
    fn path_or_directory(&self, index: usize) -> io::Result<Target> {
        if self.0.arguments[index + 1] == 0 {
            return Ok(self.descriptor(index));
        }
        self.path_at(index, LastLink::Follow)
    }

    fn seconds(&self, index: usize) -> io::Result<Option<TimePair>> {
        let times = self.numbers(index)?;
        Ok(times.map(|[access, modification]| [timespec(access, 0), timespec(modification, 0)]))
    }

    fn microseconds(&self, index: usize) -> io::Result<Option<TimePair>> {
        let Some([access, access_part, modification, modification_part]) = self.numbers(index)?
        else {
            return Ok(None);
        };
        let times = [(access, access_part), (modification, modification_part)].map(from_micros);
        match times {
            [Some(access), Some(modification)] => Ok(Some([access, modification])),
            _ => Err(Errno::EINVAL.into()),
        }
    }

    fn nanoseconds(&self, index: usize) -> io::Result<Option<TimePair>> {
        let times = self.numbers(index)?;
        Ok(
            times.map(|[access, access_part, modification, modification_part]| {
                [
                    timespec(access, access_part),
                    timespec(modification, modification_part),
                ]
            }),
        )
    }

    /// `N` 64-bit numbers behind a pointer; none where it is null.
    fn numbers<const N: usize>(&self, index: usize) -> io::Result<Option<[i64; N]>> {
        let address = self.0.arguments[index];
        if address == 0 {
            return Ok(None);
        }
        let bytes = memory::read(self.0.pid, address, N * 8)?;
        let mut numbers = [0; N];
        for (number, chunk) in numbers.iter_mut().zip(bytes.as_chunks().0) {
            *number = i64::from_ne_bytes(*chunk);
        }
        Ok(Some(numbers))
    }
}

fn from_micros((seconds, micros): (i64, i64)) -> Option<Timespec> {
    (0..1_000_000)
        .contains(&micros)
        .then(|| timespec(seconds, micros * 1000))
}

/// Two 32-bit fields of a structure that were read as one number.
fn halves(number: i64) -> [u32; 2] {
    let bytes = number.to_ne_bytes();
    let half = |from: usize| {
        u32::from_ne_bytes([
            bytes[from],
            bytes[from + 1],
            bytes[from + 2],
            bytes[from + 3],
        ])
    };
    [half(0), half(4)]
}

fn non_empty(path: CString) -> io::Result<CString> {
    if path.is_empty() {
        return Err(Errno::ENOENT.into());
    }
    Ok(path)
}

/// What the kernel answers to an attribute name that is too long.
fn range_error(error: io::Error) -> io::Error {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENAMETOOLONG) => Errno::ERANGE.into(),
        _ => error,
    }
}
