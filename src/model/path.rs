//! Paths as a request names them: absolute and free of `.` and `..`, by their letters alone.
//!
//! Nothing here looks at a file system. What a path really leads to is decided
//! when it is opened beneath a directory handle, never from its letters.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ffi::OsStr;
use std::hash::{Hash, Hasher};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// An absolute path without `.`, `..` or repeated slashes.
///
/// So two of them are the same exactly when their bytes are: comparing components, as
/// [`Path`] has to, costs many times more, and a plan compares each path with each other.
/// One that is part of the program is never copied.
#[derive(Debug, Clone, Eq, Serialize)]
pub struct HostPath(Cow<'static, Path>);

/// Why a text is not a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The text is empty.
    #[error("the path is empty")]
    Empty,
    /// The text holds a NUL byte, which no system call can take.
    #[error("the path contains a NUL byte")]
    Nul,
    /// The text is not absolute where it must be.
    #[error("the path is not absolute")]
    NotAbsolute,
}

impl HostPath {
    /// The root directory.
    pub fn root() -> Self {
        Self(Cow::Borrowed(Path::new("/")))
    }

    /// Takes an absolute path and removes `.`, `..` and repeated slashes by their letters.
    ///
    /// # Errors
    /// When the path is empty, not absolute, or holds a NUL byte.
    pub fn absolute(path: impl AsRef<Path>) -> Result<Self, PathError> {
        let path = path.as_ref();
        check(path)?;
        if !path.is_absolute() {
            return Err(PathError::NotAbsolute);
        }
        Ok(Self(Cow::Owned(without_dots(path))))
    }

    /// Joins a path, relative or absolute, to this directory, by letters.
    ///
    /// `..` above the root stays at the root, as it does in the kernel.
    ///
    /// # Errors
    /// When the path is empty or holds a NUL byte.
    pub fn join(&self, path: impl AsRef<Path>) -> Result<Self, PathError> {
        let path = path.as_ref();
        check(path)?;
        Ok(Self(Cow::Owned(without_dots(&self.0.join(path)))))
    }

    /// The rest of this path below `directory`; empty when they are the same.
    pub fn beneath(&self, directory: &Self) -> Option<&Path> {
        let rest = self.bytes().strip_prefix(directory.bytes())?;
        let below = match rest {
            [] => rest,
            [b'/', below @ ..] => below,
            _ if directory.bytes() == b"/" => rest,
            _ => return None,
        };
        Some(Path::new(OsStr::from_bytes(below)))
    }

    /// The path.
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// How many components the path has below the root directory.
    pub fn depth(&self) -> usize {
        self.0
            .components()
            .filter(|part| matches!(part, Component::Normal(_)))
            .count()
    }

    fn bytes(&self) -> &[u8] {
        self.0.as_os_str().as_bytes()
    }
}

impl PartialEq for HostPath {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Hash for HostPath {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes().hash(state);
    }
}

/// Component by component: what lies below a path follows it, before any other path does.
impl Ord for HostPath {
    fn cmp(&self, other: &Self) -> Ordering {
        // No name holds a NUL byte, so nothing but the end of a name comes before the rest.
        let rank = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
        let (one, other) = (self.bytes().iter(), other.bytes().iter());
        one.map(rank).cmp(other.map(rank))
    }
}

impl PartialOrd for HostPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Only from what is part of the program, so that nothing has to be copied.
impl<'de: 'static> Deserialize<'de> for HostPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&'static str>::deserialize(deserializer)?;
        if is_plain(text.as_bytes()) {
            return Ok(Self(Cow::Borrowed(Path::new(text))));
        }
        Self::absolute(text).map_err(D::Error::custom)
    }
}

impl AsRef<Path> for HostPath {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

fn check(path: &Path) -> Result<(), PathError> {
    let bytes = path.as_os_str().as_encoded_bytes();
    if bytes.is_empty() {
        return Err(PathError::Empty);
    }
    if bytes.contains(&0) {
        return Err(PathError::Nul);
    }
    Ok(())
}

fn without_dots(path: &Path) -> PathBuf {
    if is_plain(path.as_os_str().as_bytes()) {
        return path.to_owned();
    }
    let mut plain = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::Normal(name) => plain.push(name),
            Component::ParentDir => {
                plain.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    plain
}

/// Whether a path is absolute and has nothing that would have to be removed.
fn is_plain(path: &[u8]) -> bool {
    let Some((b'/', below)) = path.split_first() else {
        return false;
    };
    let mut parts = below.split(|byte| *byte == b'/');
    below.is_empty() || parts.all(|part| !matches!(part, b"" | b"." | b".."))
}

#[cfg(test)]
mod tests {
    use super::{HostPath, PathError};
    use std::path::Path;

    #[test]
    fn dots_are_removed_by_letters() {
        let cwd = HostPath::absolute("/home/a").unwrap();
        assert_eq!(
            cwd.join("../b/./c//d").unwrap().as_path(),
            Path::new("/home/b/c/d")
        );
        assert_eq!(cwd.join("../../../..").unwrap(), HostPath::root());
        assert_eq!(
            cwd.join("/etc/../etc/passwd").unwrap().as_path(),
            Path::new("/etc/passwd")
        );
    }

    #[test]
    fn a_sibling_with_the_same_beginning_is_not_beneath() {
        let grant = HostPath::absolute("/home/a").unwrap();
        assert!(
            HostPath::absolute("/home/ab")
                .unwrap()
                .beneath(&grant)
                .is_none()
        );
        assert_eq!(grant.beneath(&grant), Some(Path::new("")));
    }

    #[test]
    fn beneath_and_equal_are_what_components_say() {
        let texts = [
            "/", "/a", "/ab", "/a/b", "/a/b/", "//a//b", "/a/./b/c", "/b/../a", "/a-b",
        ];
        let paths = texts.map(|text| HostPath::absolute(text).unwrap());
        for one in &paths {
            for other in &paths {
                let by_components = one.as_path().strip_prefix(other.as_path()).ok();
                assert_eq!(one.beneath(other), by_components, "{one:?} {other:?}");
                assert_eq!(one == other, one.as_path() == other.as_path());
                let order = one.as_path().cmp(other.as_path());
                assert_eq!(one.cmp(other), order, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn what_no_system_call_can_take_is_no_path() {
        assert_eq!(HostPath::absolute(""), Err(PathError::Empty));
        assert_eq!(HostPath::absolute("a"), Err(PathError::NotAbsolute));
        assert_eq!(HostPath::root().join("a\0b"), Err(PathError::Nul));
    }
}
