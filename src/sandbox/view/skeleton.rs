//! What stands in the root of a view before anything is mounted over it.
//!
//! Directories on the way to what is granted, places for mounts, and the links that the
//! host has there. Pure: nothing here is made, only named. It must never name a path that
//! is not on the way to something that a plan grants.

use std::collections::BTreeMap;
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
}

/// Every name in the root of a view, by its absolute path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::sandbox) struct Skeleton {
    nodes: BTreeMap<PathBuf, Node>,
}

impl Skeleton {
    /// Adds a name with the directories above it. What is there already stays: a place for
    /// a directory is never made one for a file.
    pub(in crate::sandbox) fn add(&mut self, path: &Path, node: Node) {
        for above in path.ancestors().skip(1) {
            if above.parent().is_some() {
                self.nodes
                    .entry(above.to_path_buf())
                    .or_insert(Node::Directory);
            }
        }
        if path.parent().is_some() {
            self.nodes.entry(path.to_path_buf()).or_insert(node);
        }
    }

    /// All names, those above before those below.
    pub(in crate::sandbox) fn iter(&self) -> impl Iterator<Item = (&Path, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_path(), node))
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
