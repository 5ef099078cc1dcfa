//! The kernel's constants that profiles name in conditions, by name.
//!
//! All of them have the same value on every architecture of [`super::Arch`].

/// Name and value.
const CONSTANTS: [(&str, u32); 53] = [
    // socket(2), socketpair(2)
    ("AF_UNIX", 1),
    ("AF_INET", 2),
    ("AF_INET6", 10),
    ("AF_NETLINK", 16),
    ("SOCK_STREAM", 1),
    ("SOCK_DGRAM", 2),
    ("SOCK_SEQPACKET", 5),
    ("SOCK_TYPE_MASK", 0xf),
    // clone(2), unshare(2); 0x80 belongs to the exit signal in clone
    ("CLONE_NEWTIME", 0x80),
    ("CLONE_NEWNS", 0x2_0000),
    ("CLONE_NEWCGROUP", 0x200_0000),
    ("CLONE_NEWUTS", 0x400_0000),
    ("CLONE_NEWIPC", 0x800_0000),
    ("CLONE_NEWUSER", 0x1000_0000),
    ("CLONE_NEWPID", 0x2000_0000),
    ("CLONE_NEWNET", 0x4000_0000),
    // chmod(2)
    ("S_ISUID", 0o4000),
    ("S_ISGID", 0o2000),
    // open(2)
    ("O_RDONLY", 0),
    ("O_ACCMODE", 3),
    ("O_CREAT", 0o100),
    ("O_TRUNC", 0o1000),
    ("O_PATH", 0o1000_0000),
    // personality(2)
    ("PER_LINUX", 0),
    ("PER_LINUX32", 8),
    ("UNAME26", 0x2_0000),
    ("ADDR_NO_RANDOMIZE", 0x4_0000),
    // prctl(2), setpriority(2), ioprio_set(2)
    ("PR_SET_MM", 35),
    ("PRIO_USER", 2),
    ("IOPRIO_WHO_USER", 3),
    // ioctl_tty(2)
    ("TIOCSTI", 0x5412),
    ("TIOCLINUX", 0x541c),
    ("TIOCCONS", 0x541d),
    ("TIOCSETD", 0x5423),
    // linux/fs.h, linux/fsverity.h, linux/fscrypt.h
    ("FS_IOC_SETFLAGS", 0x4008_6602),
    ("FS_IOC32_SETFLAGS", 0x4004_6602),
    ("FS_IOC_SETVERSION", 0x4008_7602),
    ("FS_IOC32_SETVERSION", 0x4004_7602),
    ("FS_IOC_FSSETXATTR", 0x401c_5820),
    ("FS_IOC_ENABLE_VERITY", 0x4080_6685),
    ("FS_IOC_SET_ENCRYPTION_POLICY", 0x800c_6613),
    // fs/ext4/ext4.h
    ("EXT4_IOC_SETVERSION", 0x4008_6604),
    ("EXT4_IOC_MIGRATE", 0x6609),
    // linux/btrfs.h
    ("BTRFS_IOC_SNAP_CREATE", 0x5000_9401),
    ("BTRFS_IOC_DEFRAG", 0x5000_9402),
    ("BTRFS_IOC_SUBVOL_CREATE", 0x5000_940e),
    ("BTRFS_IOC_SNAP_DESTROY", 0x5000_940f),
    ("BTRFS_IOC_DEFRAG_RANGE", 0x4030_9410),
    ("BTRFS_IOC_SNAP_CREATE_V2", 0x5000_9417),
    ("BTRFS_IOC_SUBVOL_CREATE_V2", 0x5000_9418),
    ("BTRFS_IOC_SUBVOL_SETFLAGS", 0x4008_941a),
    ("BTRFS_IOC_SET_RECEIVED_SUBVOL", 0xc0c8_9425),
    ("BTRFS_IOC_SNAP_DESTROY_V2", 0x5000_943f),
];

/// The value of a name, or of several joined by `|`; the name that is unknown otherwise.
pub(super) fn value(names: &str) -> Result<u32, &str> {
    names.split('|').try_fold(0, |bits, name| {
        CONSTANTS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| bits | value)
            .ok_or(name)
    })
}

/// Every name that is known.
pub(super) fn names() -> Vec<&'static str> {
    CONSTANTS.iter().map(|(name, _)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn names_can_be_joined() {
        assert_eq!(value("O_ACCMODE|O_TRUNC"), Ok(0o1003));
        assert_eq!(value("O_RDONLY"), Ok(0));
        assert_eq!(value("O_TRUNC|O_WRONG"), Err("O_WRONG"));
        assert_eq!(value(""), Err(""));
    }
}
