//! What a caller asked for: its system call, and the path in its memory.
//!
//! The call is what its registers hold while it waits. The path is a hint: another of its
//! threads can change it meanwhile. So it only adds to what the kernel's lookup arrived at,
//! and never takes its place.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Component, Path, PathBuf};

use nix::fcntl::OFlag;
use syscalls::Sysno;

use crate::model::Intent;
use crate::sys::caller;
use crate::sys::memory;

/// A call, and the paths that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub op: &'static str,
    paths: Vec<PathBuf>,
    aim: Aim,
}

/// What a call is after, as far as it matters to a directory that it meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Aim {
    /// It cannot be told.
    Unknown,
    /// To know attributes, which everybody may.
    Attributes,
    /// To make a new name, whose lookup was told already, or to write to a file.
    Making,
    /// To take a name away, of which the directory that holds it is asked.
    Removing,
    /// Anything else that the kernel refuses, as to list.
    Other,
}

/// What the caller's memory adds to the path that the lookup arrived at.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Hint {
    /// How the path goes on.
    pub below: Option<PathBuf>,
    /// What was written, where it leads there by a way that its letters do not show.
    pub written: Option<PathBuf>,
}

/// Where a call has a path: the numbers of its arguments.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// A text.
    Path(usize),
    /// A socket address, and its length.
    Address(usize, usize),
    /// A message with such an address.
    Message(usize),
}

impl Asked {
    /// Asks `/proc` about a thread that waits for an answer; 0 is one that cannot be seen.
    pub(super) fn by(thread: i32) -> Self {
        let call = match thread {
            0 => None,
            thread => caller::waiting_call(thread).ok().flatten(),
        };
        let Some((call, known)) = call.and_then(|call| Some((call, Sysno::new(call.number)?)))
        else {
            return Self {
                op: "lookup",
                paths: Vec::new(),
                aim: Aim::Unknown,
            };
        };
        let op = known.name();
        let paths = places(op)
            .iter()
            .filter_map(|place| read(thread, &call.arguments, *place))
            .collect();
        let aim = aim_of(op, thread, &call.arguments);
        Self { op, paths, aim }
    }

    /// What it would have done, where that is clear.
    pub(super) fn intent(&self) -> Intent {
        match self.aim {
            Aim::Unknown | Aim::Other => Intent::Unknown,
            Aim::Attributes => Intent::Look,
            Aim::Making | Aim::Removing => Intent::Change,
        }
    }

    /// Whether the kernel, which asks for the attributes of a directory on the way of this
    /// call, is about to refuse it there.
    pub(super) fn is_refused_at(&self, directory: &Path) -> bool {
        let names = match self.aim {
            Aim::Unknown | Aim::Attributes | Aim::Making => return false,
            Aim::Removing => 1,
            Aim::Other => 0,
        };
        let ends_there = |path: &PathBuf| {
            beyond(directory, path).is_none_or(|below| below.components().count() <= names)
        };
        self.paths.is_empty() || self.paths.iter().any(ends_there)
    }

    /// Equal for attempts that differ in nothing that would be told.
    pub(super) fn signature(&self, thread: i32) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.op, &self.paths, thread).hash(&mut hasher);
        hasher.finish()
    }

    /// What it adds to the path that was reached.
    pub(super) fn hint(&self, reached: &Path) -> Hint {
        for path in &self.paths {
            if let Some(below) = beyond(reached, path) {
                return Hint {
                    below: (!below.as_os_str().is_empty()).then_some(below),
                    written: None,
                };
            }
        }
        Hint {
            below: None,
            // Of two paths, nobody can say which one led there.
            written: match self.paths.as_slice() {
                [one] => Some(one.clone()),
                _ => None,
            },
        }
    }
}

fn aim_of(call: &str, thread: i32, arguments: &[u64; 6]) -> Aim {
    let changing = OFlag::O_CREAT | OFlag::O_TRUNC | OFlag::O_ACCMODE;
    let changing = u64::from(changing.bits().cast_unsigned());
    let changes = |flags: u64| flags & changing != 0;
    match call {
        "stat" | "lstat" | "fstat" | "newfstatat" | "statx" | "statfs" | "fstatfs" => {
            Aim::Attributes
        }
        "mkdir" | "mkdirat" | "mknod" | "mknodat" | "symlink" | "symlinkat" | "link" | "linkat"
        | "bind" | "creat" => Aim::Making,
        "unlink" | "unlinkat" | "rmdir" | "rename" | "renameat" | "renameat2" => Aim::Removing,
        "open" if changes(arguments[1]) => Aim::Making,
        "openat" if changes(arguments[2]) => Aim::Making,
        // struct open_how begins with the flags.
        "openat2" => match memory::read(thread, arguments[2], 8)
            .as_deref()
            .map(<[u8; 8]>::try_from)
        {
            Ok(Ok(flags)) if changes(u64::from_ne_bytes(flags)) => Aim::Making,
            _ => Aim::Other,
        },
        _ => Aim::Other,
    }
}

fn read(thread: i32, arguments: &[u64; 6], place: Place) -> Option<PathBuf> {
    match place {
        Place::Path(index) => caller::path_at(thread, arguments[index]).ok(),
        Place::Address(index, length) => {
            caller::socket_path_at(thread, arguments[index], arguments[length])
                .ok()
                .flatten()
        }
        Place::Message(index) => {
            // struct msghdr begins with the address of a name and its length.
            let bytes = memory::read(thread, arguments[index], 12).ok()?;
            let (address, length) = bytes.split_first_chunk::<8>()?;
            let length = u32::from_ne_bytes(*length.first_chunk()?);
            caller::socket_path_at(thread, u64::from_ne_bytes(*address), length.into())
                .ok()
                .flatten()
        }
    }
    .filter(|path| !path.as_os_str().is_empty())
}

/// Where a call has its paths. One that is not listed has its path first.
fn places(call: &str) -> &'static [Place] {
    use Place::{Address, Message, Path};
    match call {
        "connect" | "bind" => &[Address(1, 2)],
        "sendto" => &[Address(4, 5)],
        "sendmsg" | "sendmmsg" => &[Message(1)],
        "rename" | "link" | "mount" | "pivot_root" => &[Path(0), Path(1)],
        "renameat" | "renameat2" | "linkat" | "move_mount" => &[Path(1), Path(3)],
        "symlinkat" => &[Path(2)],
        "openat" | "openat2" | "newfstatat" | "statx" | "faccessat" | "faccessat2"
        | "readlinkat" | "fchmodat" | "fchmodat2" | "fchownat" | "mkdirat" | "mknodat"
        | "unlinkat" | "utimensat" | "futimesat" | "execveat" | "setxattrat" | "getxattrat"
        | "listxattrat" | "removexattrat" | "file_getattr" | "file_setattr" | "open_tree"
        | "open_tree_attr" | "mount_setattr" | "fspick" | "inotify_add_watch"
        | "name_to_handle_at" | "quotactl" | "symlink" => &[Path(1)],
        "fanotify_mark" => &[Path(4)],
        _ => &[Path(0)],
    }
}

/// What follows in a written path after the one that was reached, if its letters lead there.
///
/// An absolute path leads there when its beginning is that path. A relative one begins at a
/// directory that is not asked for: it leads there when it names the last directories of the
/// way, and the name itself.
fn beyond(reached: &Path, written: &Path) -> Option<PathBuf> {
    if reached.parent().is_none() && written.is_absolute() {
        return written.strip_prefix("/").ok().map(Path::to_path_buf);
    }
    let mut walked: Vec<Component<'_>> = Vec::new();
    let mut components = written.components();
    while let Some(component) = components.next() {
        match component {
            Component::RootDir | Component::CurDir | Component::Prefix(_) => continue,
            Component::ParentDir => {
                walked.pop();
                continue;
            }
            Component::Normal(_) => walked.push(component),
        }
        let so_far: PathBuf = walked.iter().collect();
        let is_there = if written.is_absolute() {
            Path::new("/").join(so_far) == reached
        } else {
            reached.ends_with(so_far)
        };
        if is_there {
            return Some(components.as_path().to_path_buf());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Aim, Asked, Hint, Place, aim_of, beyond, places};
    use std::path::{Path, PathBuf};

    #[test]
    fn the_rest_of_a_path_is_found_by_its_letters() {
        for (reached, written, expected) in [
            ("/etc/shadow", "/etc/shadow", Some("")),
            (
                "/home/other",
                "/home/other/.ssh/id_rsa",
                Some(".ssh/id_rsa"),
            ),
            ("/home/other", "/home/./me/../other//x/../y", Some("x/../y")),
            ("/home/other", "../other/x", Some("x")),
            ("/home/other", "other", Some("")),
            ("/home/me/other", "me/other/x", Some("x")),
            ("/home/other", "sub/other", None),
            ("/home/other", "link", None),
            ("/etc/shadow", "/home/me/link", None),
            ("/other", "/home/other", None),
            ("/", "/x/y", Some("x/y")),
            ("/", "/", Some("")),
            ("/", "x", None),
        ] {
            let found = beyond(Path::new(reached), Path::new(written));
            assert_eq!(found.as_deref(), expected.map(Path::new), "{written}");
        }
    }

    #[test]
    fn a_link_is_told_as_it_was_written_and_two_paths_are_told_apart() {
        let asked = |paths: &[&str]| Asked {
            op: "renameat2",
            paths: paths.iter().map(PathBuf::from).collect(),
            aim: Aim::Other,
        };
        let reached = Path::new("/etc/shadow");
        let hint = Hint {
            below: None,
            written: Some("link".into()),
        };
        assert_eq!(asked(&["link"]).hint(reached), hint);
        let hint = Hint {
            below: Some("x".into()),
            written: None,
        };
        assert_eq!(asked(&["mine", "/etc/shadow/x"]).hint(reached), hint);
        assert_eq!(asked(&["a", "b"]).hint(reached), Hint::default());
    }

    #[test]
    fn what_is_refused_at_a_directory_is_told_from_what_goes_on() {
        let asked = |op, arguments: &[u64; 6], path: &str| Asked {
            op,
            paths: vec![path.into()],
            aim: aim_of(op, 0, arguments),
        };
        let none = [0; 6];
        let creating = [0, 0, 0o101, 0, 0, 0];
        let home = Path::new("/home");
        for (op, arguments, path, expected) in [
            ("openat", &none, "/home", true),
            ("openat", &none, ".", true),
            ("openat", &none, "/home/me", false),
            ("openat", &creating, "/home/x", false),
            ("creat", &none, "/home", false),
            ("mkdirat", &none, "/home", false),
            ("unlinkat", &none, "me", true),
            ("rmdir", &none, "/home/me", true),
            ("rmdir", &none, "/home/me/x", false),
            ("newfstatat", &none, "/home", false),
            ("access", &none, "/home", true),
        ] {
            let asked = asked(op, arguments, path);
            assert_eq!(asked.is_refused_at(home), expected, "{op} {path}");
        }
        let unknown = Asked {
            op: "lookup",
            paths: Vec::new(),
            aim: Aim::Unknown,
        };
        assert!(!unknown.is_refused_at(home));
    }

    #[test]
    fn calls_that_take_a_directory_have_their_path_second() {
        let first = |call| match places(call) {
            [Place::Path(index), ..] => *index,
            other => panic!("{other:?}"),
        };
        for call in [
            "stat", "lstat", "open", "execve", "chmod", "getxattr", "creat",
        ] {
            assert_eq!(first(call), 0, "{call}");
        }
        for call in [
            "openat",
            "newfstatat",
            "statx",
            "execveat",
            "unlinkat",
            "setxattrat",
        ] {
            assert_eq!(first(call), 1, "{call}");
        }
        for call in ["statfs", "creat", "chroot", "umount2", "uselib"] {
            assert_eq!(first(call), 0, "{call}");
        }
    }
}
