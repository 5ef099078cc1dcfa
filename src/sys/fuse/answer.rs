//! Answers to the kernel, as values and as bytes.
//!
//! What they tell never changes while the file system is mounted, so the kernel may keep
//! it for as long as it likes. An error is never kept: each attempt is to be seen.

use std::ffi::OsStr;

use fuse_abi::linux::{
    fuse_attr, fuse_attr_out, fuse_entry_out, fuse_kstatfs, fuse_out_header, fuse_statfs_out,
};
use zerocopy::IntoBytes as _;

/// How long the kernel may keep what it was told: ten years.
const FOR_GOOD: u64 = 10 * 365 * 24 * 3600;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A directory that nobody may list or change.
    Directory,
    /// A file without content.
    File,
    /// A symbolic link, with the length of its text.
    Link(usize),
}

/// What is told of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes {
    /// Its number.
    pub node: u64,
    /// What it is.
    pub kind: Kind,
    /// Its owner and group, as the user namespace of the mount numbers them.
    pub owner: (u32, u32),
}

/// What is told of the whole file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// The longest name.
    pub longest_name: u32,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The kernel expects none.
    None,
    /// The operation fails with this errno.
    Refused(i32),
    /// The entry that was looked up.
    Entry(Attributes),
    /// There is no such entry, and the kernel need not ask again.
    Absent,
    /// The attributes of the node.
    Attributes(Attributes),
    /// Part of a directory.
    Listing(Listing),
    /// The figures of the file system.
    Figures(Figures),
    /// Bytes: the text of a link, or a message made elsewhere.
    Raw(Vec<u8>),
}

/// What a listing tells of each entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Its name, number and kind.
    Names,
    /// All that looking it up would tell, so that the kernel need not (`FUSE_READDIRPLUS`).
    Entries,
}

/// Entries of a directory, as many as fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    bytes: Vec<u8>,
    most: usize,
    detail: Detail,
}

impl Listing {
    /// An empty one that will not grow beyond `most` bytes.
    pub fn of_at_most(most: usize, detail: Detail) -> Self {
        const ENOUGH: usize = 64 << 10;
        Self {
            bytes: Vec::new(),
            most: most.min(ENOUGH),
            detail,
        }
    }

    /// Adds an entry where it fits; `next` is the offset to go on from after it.
    pub fn add(&mut self, of: &Attributes, name: &OsStr, next: u64) -> Fits {
        let before = match self.detail {
            Detail::Names => Vec::new(),
            Detail::Entries => entry(of).as_bytes().to_vec(),
        };
        // struct fuse_dirent: two 64-bit numbers, two 32-bit ones, the name, and padding.
        let name = name.as_encoded_bytes();
        let end = (self.bytes.len() + before.len() + 24 + name.len()).next_multiple_of(8);
        let Ok(length) = u32::try_from(name.len()) else {
            return Fits::No;
        };
        if end > self.most {
            return Fits::No;
        }
        self.bytes.extend(before);
        self.bytes.extend(of.node.to_ne_bytes());
        self.bytes.extend(next.to_ne_bytes());
        self.bytes.extend(length.to_ne_bytes());
        self.bytes.extend((of.kind.mode() >> 12).to_ne_bytes());
        self.bytes.extend(name);
        self.bytes.resize(end, 0);
        Fits::Yes
    }
}

/// Whether an entry was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fits {
    /// It was.
    Yes,
    /// There was no room for it.
    No,
}

impl Kind {
    fn mode(self) -> u32 {
        match self {
            // To be gone through, and nothing else. Before it refuses to list or to change
            // one, the kernel asks for its attributes again, and so the attempt is seen.
            Self::Directory => libc::S_IFDIR | 0o111,
            // Readable by its mode, so that the attempt to open it is seen.
            Self::File => libc::S_IFREG | 0o444,
            Self::Link(_) => libc::S_IFLNK | 0o777,
        }
    }
}

impl Attributes {
    fn encoded(&self) -> fuse_attr {
        const BLOCK: u32 = 4096;
        fuse_attr {
            ino: self.node,
            size: match self.kind {
                Kind::Directory | Kind::File => 0,
                Kind::Link(length) => length as u64,
            },
            mode: self.kind.mode(),
            // 1, as on btrfs, means that the number of subdirectories is not told.
            nlink: 1,
            uid: self.owner.0,
            gid: self.owner.1,
            blksize: BLOCK,
            // All times are the epoch.
            ..fuse_attr::default()
        }
    }
}

impl Answer {
    /// The bytes for the kernel, where it expects any.
    pub(super) fn encode(&self, unique: u64) -> Option<Vec<u8>> {
        let (error, body) = match self {
            Self::None => return None,
            Self::Refused(errno) => (-errno, Vec::new()),
            Self::Raw(bytes) => (0, bytes.clone()),
            Self::Listing(listing) => (0, listing.bytes.clone()),
            Self::Entry(attributes) => (0, entry(attributes).as_bytes().to_vec()),
            Self::Absent => {
                let nothing = fuse_entry_out {
                    entry_valid: FOR_GOOD,
                    ..fuse_entry_out::default()
                };
                (0, nothing.as_bytes().to_vec())
            }
            Self::Attributes(attributes) => {
                let out = fuse_attr_out {
                    attr_valid: FOR_GOOD,
                    attr: attributes.encoded(),
                    ..fuse_attr_out::default()
                };
                (0, out.as_bytes().to_vec())
            }
            Self::Figures(figures) => (0, figures.encoded().as_bytes().to_vec()),
        };
        let length = size_of::<fuse_out_header>() + body.len();
        let header = fuse_out_header {
            len: u32::try_from(length).unwrap_or(u32::MAX),
            error,
            unique,
        };
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(&body);
        Some(bytes)
    }
}

fn entry(attributes: &Attributes) -> fuse_entry_out {
    fuse_entry_out {
        nodeid: attributes.node,
        // A number always means the same node, so one generation is enough.
        generation: 0,
        entry_valid: FOR_GOOD,
        attr_valid: FOR_GOOD,
        attr: attributes.encoded(),
        ..fuse_entry_out::default()
    }
}

impl Figures {
    fn encoded(self) -> fuse_statfs_out {
        const BLOCK: u32 = 4096;
        fuse_statfs_out {
            st: fuse_kstatfs {
                bsize: BLOCK,
                frsize: BLOCK,
                namelen: self.longest_name,
                ..fuse_kstatfs::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Attributes, Detail, Fits, Kind, Listing};
    use std::ffi::OsStr;

    #[test]
    fn an_error_is_a_header_alone() {
        let bytes = Answer::Refused(libc::ENOENT).encode(5).unwrap();
        let mut expected = 16u32.to_ne_bytes().to_vec();
        expected.extend((-libc::ENOENT).to_ne_bytes());
        expected.extend(5u64.to_ne_bytes());
        assert_eq!(bytes, expected);
        assert_eq!(Answer::None.encode(5), None);
    }

    #[test]
    fn an_entry_has_the_length_that_the_kernel_demands() {
        let attributes = Attributes {
            node: 7,
            kind: Kind::Link(3),
            owner: (1000, 100),
        };
        assert_eq!(Answer::Entry(attributes).encode(1).unwrap().len(), 16 + 128);
        let attributes = Answer::Attributes(attributes).encode(1).unwrap();
        assert_eq!(attributes.len(), 16 + 104);
    }

    #[test]
    fn a_listing_keeps_to_its_size() {
        let told = |node, kind| Attributes {
            node,
            kind,
            owner: (0, 0),
        };
        let name = OsStr::new("name");
        for (detail, most, each) in [(Detail::Names, 70, 32), (Detail::Entries, 330, 160)] {
            let mut listing = Listing::of_at_most(most, detail);
            let directory = told(2, Kind::Directory);
            assert_eq!(listing.add(&directory, name, 1), Fits::Yes);
            assert_eq!(listing.add(&told(3, Kind::File), name, 2), Fits::Yes);
            assert_eq!(listing.add(&told(4, Kind::File), name, 3), Fits::No);
            assert_eq!(listing.bytes.len(), 2 * each);
            // The type of an entry is its mode's upper bits: DT_DIR is 4.
            assert_eq!(listing.bytes[each - 12..each - 8], 4u32.to_ne_bytes());
        }
    }
}
