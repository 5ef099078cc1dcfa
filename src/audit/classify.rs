//! Which OCSF class and activity an operation belongs to: a table, and nothing else.
//!
//! Ids are those of OCSF 1.8. An operation that the table does not know is "other", never
//! guessed at.

/// An OCSF class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// 1001 File System Activity.
    File,
    /// 1007 Process Activity.
    Process,
    /// 4001 Network Activity.
    Network,
    /// 6003 API Activity: a tool call that is none of the others, a session, a repair.
    Api,
}

impl Class {
    /// `class_uid`.
    pub(super) const fn uid(self) -> u32 {
        match self {
            Self::File => 1001,
            Self::Process => 1007,
            Self::Network => 4001,
            Self::Api => 6003,
        }
    }

    /// `category_uid`: the class without its last three digits.
    pub(super) const fn category(self) -> u32 {
        self.uid() / 1000
    }
}

/// A class and one of its activities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) class: Class,
    pub(super) activity: u32,
}

/// The activity "other", in every class.
pub(super) const OTHER: u32 = 99;

impl Kind {
    const fn new(class: Class, activity: u32) -> Self {
        Self { class, activity }
    }

    /// `type_uid`.
    pub(super) const fn type_uid(self) -> u32 {
        self.class.uid() * 100 + self.activity
    }
}

/// Whether an operation names a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Path,
    Else,
}

/// The kind of an operation: a request's (`file.read`) or a system call's (`chmod`).
pub(super) fn kind_of(op: &str, subject: Subject) -> Kind {
    if let Some(kind) = request(op) {
        return kind;
    }
    let activity = file_call(op).or_else(|| denied_access(op));
    match (activity, other_call(op), subject) {
        (Some(activity), _, _) => Kind::new(Class::File, activity),
        (None, Some(kind), _) => kind,
        (None, None, Subject::Path) => Kind::new(Class::File, OTHER),
        (None, None, Subject::Else) => Kind::new(Class::Api, OTHER),
    }
}

fn request(op: &str) -> Option<Kind> {
    let (class, activity) = match op {
        "file.read" | "file.list" | "file.glob" | "file.grep" => (Class::File, 2), // Read
        "file.write" | "file.append" | "file.edit" => (Class::File, 3),            // Update
        "file.mkdir" | "file.copy" => (Class::File, 1),                            // Create
        "file.delete" => (Class::File, 4),                                         // Delete
        "file.move" => (Class::File, 5),                                           // Rename
        "file.stat" => (Class::File, 8),                                           // Get Attributes
        "exec.run" => (Class::Process, 1),                                         // Launch
        "session.open" => (Class::Api, 1),                                         // Create
        "session.close" => (Class::Api, 4),                                        // Delete
        _ => return None,
    };
    Some(Kind::new(class, activity))
}

/// The activity of an access to a file that Landlock denied, by the first right that was missing.
fn denied_access(blockers: &str) -> Option<u32> {
    Some(match blockers.split(',').next()? {
        "fs.read_file" | "fs.write_file" => 14,            // Open
        "fs.read_dir" => 2,                                // Read
        "fs.truncate" => 3,                                // Update
        "fs.refer" => 5,                                   // Rename
        "fs.ioctl_dev" => 6,                               // Set Attributes
        "fs.change_topology" => 12,                        // Mount
        made if made.starts_with("fs.make_") => 1,         // Create
        removed if removed.starts_with("fs.remove_") => 4, // Delete
        _ => return None,
    })
}

/// The activity of a system call on a file.
fn file_call(call: &str) -> Option<u32> {
    Some(match call {
        "creat" | "mkdir" | "mkdirat" | "mknod" | "mknodat" | "symlink" | "symlinkat" | "link"
        | "linkat" => 1, // Create
        "getdents" | "getdents64" | "readlink" | "readlinkat" => 2, // Read
        "truncate" | "ftruncate" | "fallocate" | "write" => 3,      // Update
        "unlink" | "unlinkat" | "rmdir" => 4,                       // Delete
        "rename" | "renameat" | "renameat2" => 5,                   // Rename
        "utime" | "utimes" | "futimesat" | "utimensat" | "setxattr" | "lsetxattr" | "fsetxattr"
        | "setxattrat" | "removexattr" | "lremovexattr" | "fremovexattr" | "removexattrat"
        | "file_setattr" | "ioctl" => 6, // Set Attributes
        "chmod" | "fchmod" | "fchmodat" | "fchmodat2" | "chown" | "lchown" | "fchown"
        | "fchownat" => 7, // Set Security
        "stat" | "lstat" | "fstat" | "newfstatat" | "statx" | "access" | "faccessat"
        | "faccessat2" | "statfs" | "getxattr" | "lgetxattr" | "listxattr" | "llistxattr"
        | "chdir" | "name_to_handle_at" => 8, // Get Attributes
        "mount" | "move_mount" | "open_tree" | "mount_setattr" | "fsmount" | "fsopen"
        | "pivot_root" | "chroot" => 12, // Mount
        "umount" | "umount2" => 13,                                 // Unmount
        "open" | "openat" | "openat2" | "open_by_handle_at" => 14,  // Open
        _ => return None,
    })
}

/// The kind of a system call on something that is no file.
fn other_call(call: &str) -> Option<Kind> {
    let (class, activity) = match call {
        "execve" | "execveat" | "fs.execute" | "clone" | "clone3" | "fork" | "vfork" => {
            (Class::Process, 1)
        } // Launch
        "kill" | "tkill" | "tgkill" | "rt_sigqueueinfo" | "rt_tgsigqueueinfo"
        | "pidfd_send_signal" | "scope.signal" => (Class::Process, 2), // Terminate
        "process_vm_readv" | "pidfd_open" | "pidfd_getfd" | "kcmp" => (Class::Process, 3), // Open
        "ptrace" | "process_vm_writev" | "process_madvise" => (Class::Process, 4),         // Inject
        "setuid" | "setreuid" | "setresuid" | "setfsuid" | "setgid" | "setregid" | "setresgid"
        | "setgroups" => (Class::Process, 5), // Set User ID
        "connect"
        | "socket"
        | "sendto"
        | "sendmsg"
        | "sendmmsg"
        | "accept"
        | "accept4"
        | "net.connect_tcp"
        | "scope.abstract_unix_socket" => {
            (Class::Network, 5) // Refuse
        }
        "bind" | "listen" | "net.bind_tcp" => (Class::Network, 7), // Listen
        _ => return None,
    };
    Some(Kind::new(class, activity))
}

#[cfg(test)]
mod tests {
    use super::{Class, Kind, OTHER, Subject, kind_of};

    #[test]
    fn ids_are_those_of_ocsf() {
        let read = kind_of("file.read", Subject::Path);
        assert_eq!(
            (read.class.uid(), read.class.category(), read.type_uid()),
            (1001, 1, 100_102)
        );
        assert_eq!(kind_of("exec.run", Subject::Else).type_uid(), 100_701);
        assert_eq!(kind_of("connect", Subject::Else).type_uid(), 400_105);
        assert_eq!(kind_of("openat", Subject::Path).type_uid(), 100_114);
        assert_eq!(kind_of("request", Subject::Else).type_uid(), 600_399);
        for (denied, call) in [
            ("fs.read_file", "openat"),
            ("fs.write_file,fs.truncate", "openat"),
            ("fs.make_dir", "mkdir"),
            ("fs.remove_file,fs.refer", "unlink"),
            ("fs.refer", "rename"),
            ("fs.execute", "execve"),
            ("scope.signal", "kill"),
            ("net.connect_tcp", "connect"),
        ] {
            let kinds = [denied, call].map(|op| kind_of(op, Subject::Path));
            assert_eq!(kinds[0], kinds[1], "{denied}");
        }
    }

    #[test]
    fn what_is_not_known_is_other() {
        assert_eq!(
            kind_of("bpf", Subject::Else),
            Kind {
                class: Class::Api,
                activity: OTHER
            }
        );
        assert_eq!(
            kind_of("lookup", Subject::Path),
            Kind {
                class: Class::File,
                activity: OTHER
            }
        );
    }
}
