//! Which right an operation would have needed, and where: on the path, or on its directory.

use crate::model::{RefusalCode, Right, Rights, only_looks};

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Nothing,
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A socket, a pipe, a device, or what cannot be looked at.
    Other,
}

/// What an operation needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) rights: Rights,
    pub(super) on: On,
}

/// On what a right is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    /// What the path names.
    Itself,
    /// The directory that it is an entry of.
    Parent,
}

const LIST: Rights = Rights::only(Right::List);
const READ: Rights = Rights::only(Right::Read);
const WRITE: Rights = Rights::only(Right::Write);
const CREATE: Rights = Rights::only(Right::Create);
const DELETE: Rights = Rights::only(Right::Delete);
const EXECUTE: Rights = Rights::only(Right::Execute);

/// What the operation needs where such a thing stands; none where no right stands for it.
pub(super) fn need(op: &str, code: RefusalCode, kind: Kind) -> Option<Need> {
    let itself = |rights| Need {
        rights,
        on: On::Itself,
    };
    let parent = |rights| Need {
        rights,
        on: On::Parent,
    };
    if let Some(denied) = denied_access(op) {
        return Some(itself(denied));
    }
    let look = if kind == Kind::Directory { LIST } else { READ };
    // A file that is not there yet is made in its directory.
    let change = if kind == Kind::Nothing {
        parent(CREATE)
    } else {
        itself(WRITE)
    };
    Some(match op {
        "file.read" => itself(READ),
        "file.list" | "file.glob" | "getdents" | "getdents64" => itself(LIST),
        "file.grep" if kind == Kind::Directory => itself(LIST.union(READ)),
        "file.write" | "file.append" => change,
        "file.edit" => itself(READ.union(WRITE)),
        "file.mkdir" | "creat" | "mkdir" | "mkdirat" | "mknod" | "mknodat" | "symlink"
        | "symlinkat" | "link" | "linkat" => parent(CREATE),
        "file.delete" | "unlink" | "unlinkat" | "rmdir" => parent(DELETE),
        "file.move" => parent(READ.union(DELETE)),
        "rename" | "renameat" | "renameat2" => parent(CREATE.union(DELETE)),
        "execve" | "execveat" => itself(READ.union(EXECUTE)),
        "open" | "openat" | "openat2" if code != RefusalCode::OutsideCapability => change,
        _ if looks(op) => itself(look),
        _ if writes(op) => itself(WRITE),
        _ => return None,
    })
}

/// The rights that Landlock said were missing: of an entry that would have been made or removed,
/// on its directory.
fn denied_access(blockers: &str) -> Option<Rights> {
    let right = |blocker: &str| {
        Some(match blocker {
            "fs.read_file" => READ,
            "fs.read_dir" => LIST,
            "fs.execute" => READ.union(EXECUTE),
            "fs.write_file" | "fs.truncate" => WRITE,
            "fs.refer" => CREATE.union(DELETE),
            // No grant makes a device.
            "fs.make_char" | "fs.make_block" => return None,
            made if made.starts_with("fs.make_") => CREATE,
            removed if removed.starts_with("fs.remove_") => DELETE,
            _ => return None,
        })
    };
    let rights = blockers.split(',').map(right);
    rights.reduce(|all, one| Some(all?.union(one?)))?
}

fn looks(op: &str) -> bool {
    let ours = matches!(op, "file.stat" | "file.grep" | "file.copy" | "exec.run");
    ours || only_looks(op) || op == "inotify_add_watch"
}

fn writes(op: &str) -> bool {
    let families = [
        "chmod", "fchmod", "chown", "fchown", "lchown", "utime", "futime",
    ];
    families.iter().any(|family| op.starts_with(family))
        || op.contains("setxattr")
        || op.contains("removexattr")
        || matches!(
            op,
            "truncate" | "ftruncate" | "fallocate" | "write" | "file_setattr" | "ioctl"
        )
}

#[cfg(test)]
mod tests {
    use super::{Kind, Need, On, need};
    use crate::model::RefusalCode::{OutsideCapability, ReadOnly};
    use crate::model::{Right, Rights};

    #[test]
    fn each_operation_needs_the_least() {
        let rights = |op, code, kind| need(op, code, kind).map(|need: Need| need.rights);
        let only = |right| Some(Rights::only(right));
        let outside = OutsideCapability;
        assert_eq!(rights("openat", outside, Kind::File), only(Right::Read));
        assert_eq!(
            rights("openat", outside, Kind::Directory),
            only(Right::List)
        );
        assert_eq!(rights("openat", ReadOnly, Kind::File), only(Right::Write));
        let made = need("openat", ReadOnly, Kind::Nothing).unwrap();
        assert_eq!((made.rights, made.on), (Right::Create.into(), On::Parent));
        assert_eq!(
            rights("fchmodat2", ReadOnly, Kind::File),
            only(Right::Write)
        );
        assert_eq!(
            need("file.delete", outside, Kind::File).unwrap().on,
            On::Parent
        );
        assert_eq!(need("bpf", outside, Kind::File), None);
        let both = Right::Create.into();
        let both = Rights::only(Right::Delete).union(both);
        for (denied, expected) in [
            ("fs.read_dir", only(Right::List)),
            ("fs.write_file,fs.truncate", only(Right::Write)),
            ("fs.make_dir", only(Right::Create)),
            ("fs.remove_file,fs.refer", Some(both)),
            ("fs.make_char", None),
            ("scope.signal", None),
        ] {
            assert_eq!(rights(denied, outside, Kind::Directory), expected);
        }
        // The kernel names the directory in which something would have been made.
        let made = need("fs.make_reg", outside, Kind::Directory).unwrap();
        assert_eq!(made.on, On::Itself);
    }
}
