//! The world of a proof: a temporary directory with a workspace, what lies outside it, and
//! secrets that exist nowhere else. It is gone afterwards.

#![allow(
    clippy::disallowed_methods,
    reason = "the proof's own temporary directory, which nobody else names"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::attacker::{self, SLOT};
use crate::sys::metadata::{Change, change, pin_host_path};

/// A name that nobody can guess: it is short enough to be the name of a process.
pub(super) fn secret() -> io::Result<String> {
    let number = u64::from_be_bytes(crate::sys::entropy::random()?);
    Ok(format!("{:014x}", number >> 8))
}

/// The directories of a proof.
#[derive(Debug)]
pub(super) struct World {
    top: PathBuf,
    /// What the name of a file beside the workspace is, and nothing tells.
    pub around: String,
}

/// The place of one attack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Site {
    /// Where its prey lies.
    pub directory: PathBuf,
    /// A directory of its own in the workspace.
    pub workshop: PathBuf,
    /// What its prey holds.
    pub secret: String,
    /// The name under which its processes run.
    pub mark: String,
}

impl Site {
    /// The file that is attacked.
    pub(super) fn file(&self) -> PathBuf {
        self.directory.join("secret")
    }
}

impl World {
    /// Makes a world below a directory.
    pub(super) fn make(base: &Path, program: &Path) -> io::Result<Self> {
        let base = fs::canonicalize(base)?;
        let top = base.join(format!("lobsterpot-prove-{}", secret()?));
        fs::DirBuilder::new().mode(0o700).create(&top)?;
        let world = Self {
            top,
            around: secret()?,
        };
        for name in DIRECTORIES {
            fs::DirBuilder::new()
                .mode(0o700)
                .create(world.top.join(name))?;
        }
        fs::write(world.top.join(&world.around), "")?;
        fs::copy(program, world.attacker())?;
        Ok(world)
    }

    /// The attacker's program, in the workspace.
    pub(super) fn attacker(&self) -> PathBuf {
        self.workspace().join(ATTACKER).join(attacker::NAME)
    }

    pub(super) fn top(&self) -> &Path {
        &self.top
    }

    pub(super) fn workspace(&self) -> PathBuf {
        self.top.join("workspace")
    }

    pub(super) fn outside(&self) -> PathBuf {
        self.top.join("outside")
    }

    /// Where the audit log of the proof is.
    pub(super) fn state(&self) -> PathBuf {
        self.top.join("state")
    }

    /// Where private directories are made.
    pub(super) fn scratch(&self) -> PathBuf {
        self.top.join("scratch")
    }

    /// Lays out the place of an attack: its prey, and what it may work with.
    pub(super) fn lay_out(
        &self,
        name: &str,
        place: Base,
        furniture: Furniture,
    ) -> io::Result<Site> {
        let workshop = self.workspace().join(name);
        fs::create_dir(&workshop)?;
        let directory = match place {
            Base::Outside => self.outside().join(name),
            Base::Workspace => workshop.join("prey"),
        };
        let site = Site {
            directory,
            workshop,
            secret: secret()?,
            mark: secret()?,
        };
        fs::create_dir(&site.directory)?;
        match furniture {
            Furniture::None => fs::create_dir(site.workshop.join("hollow"))?,
            Furniture::File => {
                lay_file(&site.file(), &site.secret)?;
                equip(&site)?;
            }
            Furniture::Program => lay_programs(&site)?,
            Furniture::Directory => {
                lay_file(&site.file(), &site.secret)?;
                fs::create_dir(site.directory.join("empty"))?;
                fs::write(site.directory.join(&site.secret), "")?;
                let nowhere = Path::new("/nowhere").join(&site.secret);
                symlink(nowhere, site.directory.join("link"))?;
                equip(&site)?;
            }
        }
        Ok(site)
    }

    /// The place of an attack on a path of the workspace that has been laid out.
    pub(super) fn place_at(&self, name: &str, file: &Path, secret_there: &str) -> io::Result<Site> {
        let workshop = self.workspace().join(name);
        fs::create_dir(&workshop)?;
        let site = Site {
            directory: file.parent().unwrap_or(file).to_owned(),
            workshop,
            secret: secret_there.to_owned(),
            mark: secret()?,
        };
        equip(&site)?;
        Ok(site)
    }

    /// Makes a program outside that tells a secret: a copy of this one, with the secret in it.
    pub(super) fn lay_teller(&self, program: &Path, secret: &str) -> io::Result<PathBuf> {
        let mut bytes = fs::read(program)?;
        for chunk in bytes.chunks_exact_mut(SLOT.0.len()) {
            if chunk == SLOT.0 {
                chunk[..secret.len()].copy_from_slice(secret.as_bytes());
            }
        }
        let path = self.outside().join(attacker::NAME);
        fs::write(&path, bytes)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(path)
    }
}

const DIRECTORIES: [&str; 5] = [
    "workspace",
    "workspace/attacker",
    "outside",
    "state",
    "scratch",
];

/// The directory of the attacker's program, in the workspace.
pub(super) const ATTACKER: &str = "attacker";

/// What the attack may work with.
fn equip(site: &Site) -> io::Result<()> {
    fs::write(site.workshop.join("own"), "what the workspace holds\n")?;
    fs::create_dir(site.workshop.join("hollow"))?;
    symlink(site.file(), site.workshop.join("left"))
}

/// What lies at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Furniture {
    /// Two directories: the attack is about something else.
    None,
    /// A file.
    File,
    /// A program, and another in the workspace that leads to it.
    Program,
    /// A file, a directory, a link, and a file whose name is the secret.
    Directory,
}

/// Where the prey of an attack lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    /// Outside the grants.
    Outside,
    /// In the workspace.
    Workspace,
}

/// Puts a file with a secret in it, and the same secret as an attribute where there are such.
pub(super) fn lay_file(path: &Path, secret: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o640)
        .open(path)?;
    io::Write::write_all(&mut file, format!("{secret}\n").as_bytes())?;
    let attribute = Change::SetAttribute(c"user.secret".into(), secret.into(), 0);
    // A file system without attributes has no such attack either.
    let _ = change(pin_host_path(path)?.as_fd(), &attribute);
    Ok(())
}

fn lay_programs(site: &Site) -> io::Result<()> {
    let script = site.directory.join("script");
    let texts = [
        (&script, format!("#!/bin/sh\necho {}\n", site.secret)),
        (
            &site.workshop.join("wrapper"),
            format!("#!{}\n", script.display()),
        ),
    ];
    for (path, text) in texts {
        fs::write(path, text)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

impl Drop for World {
    fn drop(&mut self) {
        if fs::remove_dir_all(&self.top).is_err() {
            // An attack that worked can have taken away the right to write into a directory.
            let _ = make_removable(&self.top);
            let _ = fs::remove_dir_all(&self.top);
        }
    }
}

fn make_removable(directory: &Path) -> io::Result<()> {
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            make_removable(&entry.path())?;
        }
    }
    Ok(())
}

/// What is known of an inode from outside. The change time tells of every change of metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    identity: (u64, u64),
    pub mode: u32,
    owner: (u32, u32),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    links: u64,
    content: Vec<u8>,
}

/// Everything at a path and below, as it is now.
pub(super) fn facts(path: &Path) -> BTreeMap<PathBuf, Facts> {
    let mut seen = BTreeMap::new();
    look(path, &mut seen);
    seen
}

/// What cannot be looked at is not there: that is a change too.
fn look(path: &Path, seen: &mut BTreeMap<PathBuf, Facts>) {
    let Ok(found) = fs::symlink_metadata(path) else {
        return;
    };
    let content = if found.is_symlink() {
        fs::read_link(path).map(|target| target.into_os_string().into_encoded_bytes())
    } else if found.is_file() {
        fs::read(path)
    } else {
        Ok(Vec::new())
    };
    if found.is_dir() {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            look(&entry.path(), seen);
        }
    }
    let facts = Facts {
        identity: (found.dev(), found.ino()),
        mode: found.mode(),
        owner: (found.uid(), found.gid()),
        size: found.size(),
        modified: (found.mtime(), found.mtime_nsec()),
        changed: (found.ctime(), found.ctime_nsec()),
        links: found.nlink(),
        content: content.unwrap_or_default(),
    };
    seen.insert(path.to_path_buf(), facts);
}

/// Works in a directory that is being watched: writes to a file, whose name is seen.
pub(super) fn stir(file: &Path) {
    // Whoever watches sees the name; nothing else depends on it.
    let _ = fs::write(file, "");
}

/// Takes a name away that was made for an attack.
pub(super) fn clear(path: &Path) {
    // It is there only when the attack is made again.
    let _ = fs::remove_file(path);
}

/// Tells a process that is replaced by its child all the time to stop.
pub(super) fn lay_stop(site: &Site) {
    // It also stops by itself, after a while.
    let _ = fs::write(site.workshop.join("stop"), "");
}

/// A path as an order says it. The world's own paths are text.
pub(super) fn said(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
