//! What stands in the root of a view before anything is mounted over it.
//!
//! Directories on the way to what is granted, places for mounts, and the links that the
//! host has there. Pure: nothing here is made, only named. It must never name a path that
//! is not on the way to something that a plan grants.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// One name in the root of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) enum Node {
    /// A directory; nobody can change it.
    Directory,
    /// An empty file, for a mount of a file.
    File,
    /// A symbolic link with this text.
    Link(PathBuf),
    /// Nothing: what the plan grants, and the host does not have. Looking for it is no
    /// attempt to leave the view.
    Absent,
}

/// Every name in the root of a view, by its absolute path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::sandbox) struct Skeleton {
    /// By the bytes of the path, which puts what is above before what is below.
    nodes: BTreeMap<OsString, Node>,
}

impl Skeleton {
    /// Adds a name with the directories above it. What is there already stays: a place for
    /// a directory is never made one for a file.
    pub(in crate::sandbox) fn add(&mut self, path: &Path, node: Node) {
        let mut node = node;
        for path in path.ancestors().filter(|path| path.parent().is_some()) {
            // What is above a name is there as well.
            if self.nodes.contains_key(path.as_os_str()) {
                return;
            }
            let name = path.as_os_str().to_owned();
            self.nodes
                .insert(name, std::mem::replace(&mut node, Node::Directory));
        }
    }

    /// Adds that nothing is there, where the directory that it would lie in is. Where that is
    /// missing, too, its name could hide more than what was granted.
    pub(in crate::sandbox) fn add_absent(&mut self, path: &Path) {
        let above = path.parent();
        let has_place = above.is_some_and(|above| {
            above.parent().is_none() || self.nodes.get(above.as_os_str()) == Some(&Node::Directory)
        });
        if has_place {
            let name = path.as_os_str().to_owned();
            self.nodes.entry(name).or_insert(Node::Absent);
        }
    }

    /// The directories with more than one name in them, and how many those are.
    pub(in crate::sandbox) fn directories(&self) -> impl Iterator<Item = (&Path, usize)> {
        let mut names = BTreeMap::new();
        for (path, _) in self.iter().filter(|(_, node)| **node != Node::Absent) {
            *names.entry(path.parent().unwrap_or(path)).or_insert(0) += 1;
        }
        names.into_iter().filter(|(_, count)| *count > 1)
    }

    /// All names, those above before those below.
    pub(in crate::sandbox) fn iter(&self) -> impl Iterator<Item = (&Path, &Node)> {
        let nodes = self.nodes.iter();
        nodes.map(|(path, node)| (Path::new(path), node))
    }
}

#[cfg(test)]
mod tests {
    use super::{Node, Skeleton};
    use std::path::Path;

    #[test]
    fn the_way_to_a_name_is_made_of_directories() {
        let mut skeleton = Skeleton::default();
        skeleton.add(Path::new("/home/me/project"), Node::Directory);
        skeleton.add(Path::new("/etc/passwd"), Node::File);
        let paths: Vec<_> = skeleton.iter().map(|(path, _)| path).collect();
        assert_eq!(
            paths,
            [
                "/etc",
                "/etc/passwd",
                "/home",
                "/home/me",
                "/home/me/project"
            ]
            .map(Path::new)
        );
    }

    #[test]
    fn directories_are_counted_by_the_names_that_are_there() {
        let mut skeleton = Skeleton::default();
        for path in ["/home/me/project", "/etc/passwd", "/etc/group"] {
            skeleton.add(Path::new(path), Node::File);
        }
        skeleton.add_absent(Path::new("/home/absent"));
        let found: Vec<_> = skeleton.directories().collect();
        assert_eq!(found, [(Path::new("/"), 2), (Path::new("/etc"), 2)]);
    }

    #[test]
    fn what_is_absent_has_a_place() {
        let mut skeleton = Skeleton::default();
        skeleton.add(Path::new("/etc/passwd"), Node::File);
        for path in ["/etc/absent", "/etc/passwd", "/opt/absent", "/etc/passwd/x"] {
            skeleton.add_absent(Path::new(path));
        }
        let nodes: Vec<_> = skeleton.iter().collect();
        assert_eq!(
            nodes,
            [
                (Path::new("/etc"), &Node::Directory),
                (Path::new("/etc/absent"), &Node::Absent),
                (Path::new("/etc/passwd"), &Node::File),
            ]
        );
    }

    #[test]
    fn what_is_there_stays() {
        let mut skeleton = Skeleton::default();
        skeleton.add(Path::new("/a/b"), Node::File);
        skeleton.add(Path::new("/a"), Node::Link("c".into()));
        skeleton.add(Path::new("/"), Node::File);
        let nodes: Vec<_> = skeleton.iter().collect();
        assert_eq!(
            nodes,
            [
                (Path::new("/a"), &Node::Directory),
                (Path::new("/a/b"), &Node::File),
            ]
        );
    }
}
