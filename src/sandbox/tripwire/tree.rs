//! The skeleton of a view as nodes with numbers, and what is answered about them.
//!
//! Pure, and it never changes: a number always means the same node, so the kernel may keep
//! whatever it was told. Everything that is not in the skeleton has one answer.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::super::view::{Node, Skeleton};
use crate::sys::fuse::{Answer, Attributes, Figures, Fits, Kind, Listing, Operation, ROOT};

/// The file system's content.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Twig>,
    owner: (u32, u32),
}

#[derive(Debug)]
struct Twig {
    path: PathBuf,
    parent: u64,
    node: Node,
    children: BTreeMap<OsString, u64>,
}

/// What is answered, and whether somebody left the view.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Response<'a> {
    pub answer: Answer,
    pub leaving: Leaving<'a>,
}

/// Whether somebody leaves the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving<'a> {
    /// Nobody does.
    No,
    /// Somebody does, here.
    Yes(Tripped<'a>),
    /// The kernel asks for attributes, which it does before it refuses to list or to change
    /// something. Only the caller's system call tells whether it was that.
    Perhaps(Tripped<'a>),
}

/// Where somebody left the view: at a name in a directory, or, without one, at a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tripped<'a> {
    pub node: u64,
    pub name: &'a OsStr,
}

impl Tree {
    /// The skeleton, owned by the session's user and group.
    pub(super) fn new(skeleton: &Skeleton, owner: (u32, u32)) -> Self {
        let mut nodes = vec![Twig {
            path: "/".into(),
            parent: ROOT,
            node: Node::Directory,
            children: BTreeMap::new(),
        }];
        // By their bytes: paths are compared part by part, and somebody waits for this.
        let mut numbers = HashMap::from([(OsString::from("/"), ROOT)]);
        for (path, node) in skeleton.iter() {
            let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
                continue;
            };
            let Some(&parent) = numbers.get(above.as_os_str()) else {
                continue;
            };
            let number = ROOT + nodes.len() as u64;
            numbers.insert(path.as_os_str().to_owned(), number);
            nodes.push(Twig {
                path: path.to_path_buf(),
                parent,
                node: node.clone(),
                children: BTreeMap::new(),
            });
            if let Some(twig) = nodes.get_mut(index(parent)) {
                twig.children.insert(name.to_owned(), number);
            }
        }
        Self { nodes, owner }
    }

    fn get(&self, number: u64) -> Option<&Twig> {
        self.nodes.get(index(number))
    }

    /// The path of the place, as a process in the view would write it.
    pub(super) fn path_of(&self, tripped: Tripped<'_>) -> PathBuf {
        let path = self
            .get(tripped.node)
            .map_or(Path::new("/"), |twig| &twig.path);
        if tripped.name.is_empty() {
            path.to_path_buf()
        } else {
            path.join(tripped.name)
        }
    }

    /// What is answered to an operation on a node.
    pub(super) fn answer<'a>(&self, number: u64, operation: Operation<'a>) -> Response<'a> {
        let Some(twig) = self.get(number) else {
            return refused(Errno::ENOENT);
        };
        match operation {
            Operation::Lookup(name) => match twig.children.get(name) {
                Some(child) => match self.get(*child).map(|twig| &twig.node) {
                    Some(Node::Absent) => given(Answer::Absent),
                    _ => given(Answer::Entry(self.attributes(*child))),
                },
                None => tripped(Errno::ENOENT, number, name),
            },
            Operation::Attributes => Response {
                answer: Answer::Attributes(self.attributes(number)),
                leaving: Leaving::Perhaps(Tripped {
                    node: number,
                    name: OsStr::new(""),
                }),
            },
            Operation::ReadLink => match &twig.node {
                Node::Link(text) => given(Answer::Raw(text.as_os_str().as_bytes().to_vec())),
                _ => refused(Errno::EINVAL),
            },
            Operation::ReadDirectory {
                offset,
                most,
                detail,
            } => {
                let listing = Listing::of_at_most(most, detail);
                given(Answer::Listing(self.listed(number, offset, listing)))
            }
            Operation::Figures => given(Answer::Figures(Figures { longest_name: 255 })),
            // A place for a mount that nothing is mounted over is there to be refused.
            Operation::Open => tripped(Errno::EACCES, number, OsStr::new("")),
            Operation::Change => tripped(Errno::EROFS, number, OsStr::new("")),
            Operation::Remove(name) => tripped(Errno::EROFS, number, name),
            // The lookup of the new name has been told already.
            Operation::Make => refused(Errno::EROFS),
            // Remembered by the kernel, which then answers by itself: directories are
            // opened, and there are no extended attributes.
            Operation::OpenDirectory | Operation::ExtendedAttribute | Operation::Other => {
                refused(Errno::ENOSYS)
            }
        }
    }

    fn attributes(&self, number: u64) -> Attributes {
        Attributes {
            node: number,
            kind: self.kind(number),
            owner: self.owner,
        }
    }

    fn kind(&self, number: u64) -> Kind {
        match self.get(number).map(|twig| &twig.node) {
            Some(Node::Directory | Node::Absent) | None => Kind::Directory,
            Some(Node::File) => Kind::File,
            Some(Node::Link(text)) => Kind::Link(text.as_os_str().len()),
        }
    }

    /// The offset of an entry is its place in the list; what a caller made up is beyond it.
    fn listed(&self, number: u64, offset: u64, mut listing: Listing) -> Listing {
        let Some(twig) = self.get(number) else {
            return listing;
        };
        let dots = [(OsStr::new("."), number), (OsStr::new(".."), twig.parent)];
        let children = twig.children.iter();
        let is_there = |child| {
            self.get(child)
                .is_some_and(|twig| twig.node != Node::Absent)
        };
        let all = children
            .map(|(name, child)| (name.as_os_str(), *child))
            .filter(|(_, child)| is_there(*child));
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        for (place, (name, child)) in dots.into_iter().chain(all).enumerate().skip(from) {
            if listing.add(&self.attributes(child), name, place as u64 + 1) == Fits::No {
                break;
            }
        }
        listing
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number.wrapping_sub(ROOT)).unwrap_or(usize::MAX)
}

fn given<'a>(answer: Answer) -> Response<'a> {
    Response {
        answer,
        leaving: Leaving::No,
    }
}

fn refused<'a>(errno: Errno) -> Response<'a> {
    given(Answer::Refused(errno as i32))
}

fn tripped(errno: Errno, node: u64, name: &OsStr) -> Response<'_> {
    Response {
        answer: Answer::Refused(errno as i32),
        leaving: Leaving::Yes(Tripped { node, name }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Leaving, Response, Tree, Tripped};
    use crate::sandbox::view::{Node, Skeleton};
    use crate::sys::fuse::{Answer, Attributes, Detail, Kind, Listing, Operation, ROOT};
    use nix::errno::Errno;
    use std::ffi::OsStr;
    use std::path::Path;

    const OWNER: (u32, u32) = (1000, 100);

    fn tree() -> Tree {
        let mut skeleton = Skeleton::default();
        skeleton.add(Path::new("/home/me/project"), Node::Directory);
        skeleton.add(Path::new("/etc/passwd"), Node::File);
        skeleton.add(Path::new("/bin"), Node::Link("usr/bin".into()));
        skeleton.add(Path::new("/etc/ld.so.preload"), Node::Absent);
        Tree::new(&skeleton, OWNER)
    }

    fn told(node: u64, kind: Kind) -> Attributes {
        Attributes {
            node,
            kind,
            owner: OWNER,
        }
    }

    fn number(tree: &Tree, path: &str) -> u64 {
        path.split('/').fold(ROOT, |number, name| {
            match tree
                .answer(number, Operation::Lookup(OsStr::new(name)))
                .answer
            {
                Answer::Entry(attributes) => attributes.node,
                other => panic!("{name}: {other:?}"),
            }
        })
    }

    fn errno(response: &Response<'_>) -> i32 {
        match response.answer {
            Answer::Refused(errno) => errno,
            _ => 0,
        }
    }

    #[test]
    fn the_way_to_what_is_granted_is_there_and_tells_nothing_else() {
        let tree = tree();
        let bin = number(&tree, "bin");
        let link = Attributes {
            node: bin,
            kind: Kind::Link(7),
            owner: OWNER,
        };
        let response = tree.answer(bin, Operation::Attributes);
        assert_eq!(response.answer, Answer::Attributes(link));
        let text = tree.answer(bin, Operation::ReadLink);
        assert_eq!(text.answer, Answer::Raw(b"usr/bin".to_vec()));
        assert_eq!(text.leaving, Leaving::No);
        let project = number(&tree, "home/me/project");
        assert_eq!(
            errno(&tree.answer(project, Operation::ReadLink)),
            Errno::EINVAL as i32
        );
    }

    #[test]
    fn every_name_that_is_not_there_has_one_answer_and_is_told() {
        let tree = tree();
        let home = number(&tree, "home");
        for name in ["other", "", "me ", "..", "a\nb"].map(OsStr::new) {
            let response = tree.answer(home, Operation::Lookup(name));
            assert_eq!(errno(&response), Errno::ENOENT as i32);
            let tripped = Tripped { node: home, name };
            assert_eq!(response.leaving, Leaving::Yes(tripped));
        }
        let tripped = Tripped {
            node: home,
            name: OsStr::new("other"),
        };
        assert_eq!(tree.path_of(tripped), Path::new("/home/other"));
    }

    #[test]
    fn what_is_granted_and_missing_is_not_told() {
        let tree = tree();
        let etc = number(&tree, "etc");
        let name = OsStr::new("ld.so.preload");
        let response = tree.answer(etc, Operation::Lookup(name));
        assert_eq!(response.answer, Answer::Absent);
        assert_eq!(response.leaving, Leaving::No);
        let listed = Operation::ReadDirectory {
            offset: 0,
            most: 4096,
            detail: Detail::Names,
        };
        let mut expected = Listing::of_at_most(4096, Detail::Names);
        expected.add(&told(etc, Kind::Directory), OsStr::new("."), 1);
        expected.add(&told(ROOT, Kind::Directory), OsStr::new(".."), 2);
        let passwd = number(&tree, "etc/passwd");
        expected.add(&told(passwd, Kind::File), OsStr::new("passwd"), 3);
        assert_eq!(tree.answer(etc, listed).answer, Answer::Listing(expected));
    }

    #[test]
    fn every_change_is_refused_and_told_once() {
        let tree = tree();
        let file = number(&tree, "etc/passwd");
        let etc = number(&tree, "etc");
        let name = OsStr::new("passwd");
        for (node, operation, expected, path) in [
            (file, Operation::Open, Errno::EACCES, Some("/etc/passwd")),
            (file, Operation::Change, Errno::EROFS, Some("/etc/passwd")),
            (
                etc,
                Operation::Remove(name),
                Errno::EROFS,
                Some("/etc/passwd"),
            ),
            (etc, Operation::Make, Errno::EROFS, None),
            (etc, Operation::ExtendedAttribute, Errno::ENOSYS, None),
            (etc, Operation::OpenDirectory, Errno::ENOSYS, None),
            (u64::MAX, Operation::Change, Errno::ENOENT, None),
            (0, Operation::Change, Errno::ENOENT, None),
        ] {
            let response = tree.answer(node, operation);
            assert_eq!(errno(&response), expected as i32, "{operation:?}");
            let told = match response.leaving {
                Leaving::Yes(tripped) => Some(tree.path_of(tripped)),
                Leaving::No | Leaving::Perhaps(_) => None,
            };
            assert_eq!(told.as_deref(), path.map(Path::new), "{operation:?}");
        }
    }

    #[test]
    fn a_listing_can_be_gone_on_with_from_any_offset() {
        let tree = tree();
        let page = |offset, most| match tree
            .answer(
                ROOT,
                Operation::ReadDirectory {
                    offset,
                    most,
                    detail: Detail::Names,
                },
            )
            .answer
        {
            Answer::Listing(listing) => listing,
            other => panic!("{other:?}"),
        };
        let mut whole = Listing::of_at_most(4096, Detail::Names);
        for (node, kind, name) in [
            (ROOT, Kind::Directory, "."),
            (ROOT, Kind::Directory, ".."),
            (number(&tree, "bin"), Kind::Link(7), "bin"),
            (number(&tree, "etc"), Kind::Directory, "etc"),
            (number(&tree, "home"), Kind::Directory, "home"),
        ]
        .map(|(node, kind, name)| (node, kind, OsStr::new(name)))
        {
            let next = [".", "..", "bin", "etc", "home"]
                .iter()
                .position(|one| OsStr::new(one) == name);
            let next = next.map_or(0, |place| place as u64 + 1);
            whole.add(&told(node, kind), name, next);
        }
        assert_eq!(page(0, 4096), whole);
        assert_eq!(page(0, 1 << 40), {
            let mut same = Listing::of_at_most(1 << 40, Detail::Names);
            same.clone_from(&page(0, 1 << 40));
            same
        });
        for offset in [5, 6, u64::MAX] {
            assert_eq!(page(offset, 4096), Listing::of_at_most(4096, Detail::Names));
        }
        assert_eq!(page(3, 40), {
            let mut one = Listing::of_at_most(40, Detail::Names);
            one.add(
                &told(number(&tree, "etc"), Kind::Directory),
                OsStr::new("etc"),
                4,
            );
            one
        });
    }
}
