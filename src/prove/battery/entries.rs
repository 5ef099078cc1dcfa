//! The older calls of `x86_64`, and the other ways into its kernel: 32-bit programs, x32, and
//! numbers with bits that the kernel does not look at.

use super::super::row::Row;

#[cfg(not(target_arch = "x86_64"))]
pub(super) const ROWS: &[Row] = &[];
#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::ROWS;

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use super::super::super::row::{Group, Place, Target, Witness};
    use super::super::learning::row as learn;
    use super::Row;
    use crate::model::{Right, Rights};
    use crate::sys::attack::{Attack, entries, legacy};

    const WRITE: Rights = Rights::only(Right::Write);
    const CREATE: Rights = Rights::only(Right::Create);
    const DELETE: Rights = Rights::only(Right::Delete);
    const MOVE: Rights = CREATE.union(DELETE);

    const fn row(group: Group, name: &'static str, tries: &'static str, attack: Attack) -> Row {
        Row {
            group,
            name,
            tries,
            attack,
            target: Target::File,
            witness: Witness::Secret,
            place: Place::Outside,
            unless: None,
        }
    }

    const fn change(
        name: &'static str,
        tries: &'static str,
        attack: Attack,
        rights: Rights,
    ) -> Row {
        let mut row = row(Group::Change, name, tries, attack);
        row.witness = Witness::Inodes;
        row.place = Place::Both(rights);
        row
    }

    pub(in super::super) const ROWS: &[Row] = &[
        row(Group::Read, "legacy-open", "open", legacy::open_for_reading),
        row(
            Group::Read,
            "high-open",
            "open with a bit in the upper half of its number",
            entries::high_open,
        ),
        row(
            Group::Read,
            "i386-open",
            "open by int 0x80",
            entries::compat_open,
        ),
        row(
            Group::Read,
            "x32-open",
            "open by the number of x32",
            entries::x32_open,
        ),
        row(Group::List, "legacy-getdents", "getdents", legacy::getdents),
        learn("legacy-stat", "stat", legacy::stat),
        learn("legacy-lstat", "lstat", legacy::lstat),
        learn("legacy-access", "access", legacy::access),
        learn("legacy-readlink", "readlink", legacy::readlink),
        learn("legacy-uselib", "uselib", legacy::uselib),
        learn("i386-access", "access by int 0x80", entries::compat_access),
        learn(
            "x32-access",
            "access by the number of x32",
            entries::x32_access,
        ),
        change(
            "legacy-open",
            "open(O_WRONLY|O_TRUNC)",
            legacy::open_for_writing,
            WRITE,
        ),
        change("legacy-creat", "creat", legacy::creat, WRITE),
        change(
            "legacy-creat-new",
            "creat of a new file",
            legacy::creat_new,
            CREATE,
        ),
        change("legacy-mkdir", "mkdir", legacy::mkdir, CREATE),
        change("legacy-mknod", "mknod", legacy::mknod, CREATE),
        change("legacy-symlink", "symlink", legacy::symlink, CREATE),
        change("legacy-link", "link", legacy::link, CREATE),
        change("legacy-unlink", "unlink", legacy::unlink, DELETE),
        change("legacy-rmdir", "rmdir", legacy::rmdir, DELETE),
        change("legacy-rename", "rename", legacy::rename, MOVE),
        change("legacy-renameat", "renameat", legacy::renameat, MOVE),
        change("legacy-chmod", "chmod", legacy::chmod, WRITE),
        change(
            "legacy-chmod-self-fd",
            "chmod of /proc/self/fd/N of an O_PATH handle",
            legacy::chmod_link,
            WRITE,
        ),
        change("legacy-chown", "chown", legacy::chown, WRITE),
        change("legacy-lchown", "lchown", legacy::lchown, WRITE),
        change("legacy-utime", "utime", legacy::utime, WRITE),
        change("legacy-utimes", "utimes", legacy::utimes, WRITE),
        change("legacy-futimesat", "futimesat", legacy::futimesat, WRITE),
        change(
            "legacy-futimesat-null",
            "futimesat of a descriptor open for reading",
            legacy::futimesat_of_descriptor,
            WRITE,
        ),
        change(
            "high-chmod",
            "chmod with a bit in the upper half of its number",
            entries::high_chmod,
            WRITE,
        ),
        change(
            "i386-creat",
            "creat by int 0x80",
            entries::compat_creat,
            WRITE,
        ),
        change(
            "i386-truncate",
            "truncate by int 0x80",
            entries::compat_truncate,
            WRITE,
        ),
        change(
            "i386-mkdir",
            "mkdir by int 0x80",
            entries::compat_mkdir,
            CREATE,
        ),
        change(
            "i386-unlink",
            "unlink by int 0x80",
            entries::compat_unlink,
            DELETE,
        ),
        change(
            "i386-chmod",
            "chmod by int 0x80",
            entries::compat_chmod,
            WRITE,
        ),
        change(
            "i386-utime",
            "utime by int 0x80",
            entries::compat_utime,
            WRITE,
        ),
        change(
            "i386-removexattr",
            "removexattr by int 0x80",
            entries::compat_removexattr,
            WRITE,
        ),
        change(
            "x32-unlink",
            "unlink by the number of x32",
            entries::x32_unlink,
            DELETE,
        ),
        change(
            "x32-chmod",
            "chmod by the number of x32",
            entries::x32_chmod,
            WRITE,
        ),
        row(
            Group::Network,
            "i386-socket",
            "socket by int 0x80",
            entries::compat_socket,
        )
        .about(Target::Nothing)
        .seen_by(Witness::Descriptor("socket:")),
        row(
            Group::Processes,
            "i386-kill",
            "kill by int 0x80",
            entries::compat_kill,
        )
        .about(Target::Bystander)
        .seen_by(Witness::Bystander),
        row(
            Group::Processes,
            "i386-ptrace",
            "ptrace(PTRACE_SEIZE) by int 0x80",
            entries::compat_ptrace,
        )
        .about(Target::Bystander)
        .seen_by(Witness::Bystander),
        row(
            Group::Privileges,
            "i386-unshare",
            "unshare(CLONE_NEWUSER) by int 0x80",
            entries::compat_unshare,
        )
        .about(Target::Nothing)
        .seen_by(Witness::Namespace("user")),
    ];
}
