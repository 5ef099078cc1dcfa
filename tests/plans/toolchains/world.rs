//! Disks on paper, for the discovery of toolchains: a list of paths in place of a host.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use lobsterpot::model::{HostPath, Right};
use lobsterpot::sandbox::profile::Profile;
use lobsterpot::sandbox::toolchain::{Disk, Seen, Surroundings, Toolchains, Writers, discover};

/// A disk that is a list of paths. Directories above a path exist by themselves.
#[derive(Default)]
pub(super) struct Paper {
    found: BTreeMap<PathBuf, Seen>,
    looked_at: RefCell<BTreeSet<PathBuf>>,
}

impl Paper {
    pub(super) fn with(mut self, path: &str, seen: Seen) -> Self {
        let path = PathBuf::from(path);
        for above in path.ancestors().skip(1) {
            self.found
                .entry(above.to_owned())
                .or_insert(Seen::Directory(Writers::Some));
        }
        self.found.insert(path, seen);
        self
    }

    pub(super) fn directories(self, paths: &[&str]) -> Self {
        paths.iter().fold(self, |disk, path| {
            disk.with(path, Seen::Directory(Writers::Some))
        })
    }

    pub(super) fn programs(self, paths: &[&str]) -> Self {
        paths
            .iter()
            .fold(self, |disk, path| disk.with(path, Seen::Program))
    }

    pub(super) fn link(self, path: &str, target: &str) -> Self {
        self.with(path, Seen::Link(target.into()))
    }

    /// An ordinary system: merged /usr, a home, and what never must be granted.
    pub(super) fn system() -> Self {
        Self::default()
            .link("/bin", "usr/bin")
            .programs(&["/usr/bin/git", "/usr/bin/python3", "/usr/local/bin/tool"])
            .with("/tmp", Seen::Directory(Writers::Everybody))
            .with("/home/a/.ssh/id_ed25519", Seen::File)
            .with("/home/a/.cargo/credentials.toml", Seen::File)
            .with("/home/a/notes.txt", Seen::File)
    }
}

impl Disk for Paper {
    fn look(&self, path: &Path) -> Option<Seen> {
        // A kernel would follow links on the way here; the search must not rely on that.
        for above in path.ancestors().skip(1) {
            assert!(
                !matches!(self.found.get(above), Some(Seen::Link(_))),
                "{} leads through a link",
                path.display()
            );
        }
        let first = self.looked_at.borrow_mut().insert(path.to_owned());
        assert!(first, "{} is looked at twice", path.display());
        self.found.get(path).cloned()
    }

    fn names(&self, directory: &Path) -> Vec<OsString> {
        let below = self.found.keys();
        below
            .filter(|path| path.parent() == Some(directory))
            .filter_map(|path| path.file_name().map(ToOwned::to_owned))
            .collect()
    }

    fn links(&self, directory: &Path) -> Vec<(OsString, PathBuf)> {
        let names = self.names(directory).into_iter();
        names
            .filter_map(|name| match self.found.get(&directory.join(&name)) {
                Some(Seen::Link(text)) => Some((name, text.clone())),
                _ => None,
            })
            .collect()
    }
}

pub(super) struct World<'a> {
    pub(super) disk: Paper,
    pub(super) search_path: &'a [&'a str],
    pub(super) variables: &'a [(&'a str, &'a str)],
    pub(super) granted: &'a [&'a str],
}

impl World<'_> {
    pub(super) fn discover(&self) -> Toolchains {
        let absolute = |path: &&str| HostPath::absolute(path).unwrap();
        let granted: Vec<_> = self.granted.iter().map(absolute).collect();
        let never = [
            "/home/a/.local/state/lobsterpot",
            "/home/a/.config/lobsterpot",
        ];
        let never: Vec<_> = never.iter().map(absolute).collect();
        let search_path: Vec<_> = self.search_path.iter().map(PathBuf::from).collect();
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let variables = self.variables.iter().map(pair).collect();
        let names = Profile::built_in_names().iter();
        let profiles: Vec<_> = names.map(|name| Profile::built_in(name).unwrap()).collect();
        let surroundings = Surroundings {
            search_path: &search_path,
            home: &HostPath::absolute("/home/a").unwrap(),
            variables: &variables,
            never: &never,
            granted: &granted,
        };
        let found = discover(&profiles, surroundings, &self.disk);
        for path in &found.paths {
            never_secret(path.path.as_path());
            assert!(!path.access.rights.has(Right::Write), "{path:?}");
        }
        found
    }
}

/// Whatever the search path is, these are never granted, nor is anything around them.
pub(super) fn never_secret(granted: &Path) {
    for secret in [
        "/home/a/.ssh/id_ed25519",
        "/home/a/.cargo/credentials.toml",
        "/home/a/notes.txt",
        "/home/a/.local/state/lobsterpot/audit.jsonl",
        "/home/a/.config/gh/hosts.yml",
        "/home/a/.local/share/keyrings/login.keyring",
    ] {
        assert!(
            !Path::new(secret).starts_with(granted),
            "{} would give away {secret}",
            granted.display()
        );
    }
}

pub(super) fn paths(found: &Toolchains) -> Vec<&str> {
    let mut paths: Vec<_> = found
        .paths
        .iter()
        .map(|path| path.path.as_path().to_str().unwrap())
        .collect();
    paths.sort_unstable();
    paths
}

pub(super) fn search_path(found: &Toolchains) -> Vec<&str> {
    let entries = found.search_path.iter();
    entries
        .map(|path| path.as_path().to_str().unwrap())
        .collect()
}

pub(super) fn variable<'a>(found: &'a Toolchains, name: &str) -> Option<&'a str> {
    let mut set = found.environment.iter();
    set.find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

pub(super) fn left_out(found: &Toolchains) -> Vec<(&str, &str)> {
    let places = found.left_out.iter();
    places
        .map(|place| (place.path.to_str().unwrap(), place.why.as_str()))
        .collect()
}
