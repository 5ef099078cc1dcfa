//! What is made once for all attacks: secrets in memory and descriptors of the broker, in shared
//! memory, in a keyring, in a program.

#![allow(
    clippy::disallowed_methods,
    reason = "secrets in the proof's own temporary directory"
)]

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::world::{World, lay_file, secret};
use crate::sys::shared::{self, SharedPage};

/// The props.
#[derive(Debug)]
pub(super) struct Props {
    /// A program outside that tells a secret.
    pub teller: PathBuf,
    /// Its secret.
    pub teller_secret: String,
    /// A secret that the broker holds.
    pub vault: Vault,
    /// What is left open for whoever inherits it.
    pub left: Left,
    /// A secret that is shared by number.
    pub page: Option<SharedPage>,
    /// A secret in a keyring.
    pub key: Option<Key>,
}

/// A secret in memory and behind a descriptor of this process, and of what is forked from it.
#[derive(Debug)]
pub(super) struct Vault {
    pub secret: String,
    file: fs::File,
}

impl Vault {
    /// Where the secret is in memory: forked processes have it in the same place.
    pub(super) fn address(&self) -> i64 {
        i64::try_from(self.secret.as_ptr().expose_provenance()).unwrap_or(0)
    }

    /// The descriptor that leads to it.
    pub(super) fn descriptor(&self) -> i64 {
        self.file.as_raw_fd().into()
    }
}

/// A file and a directory that stay open when another program is executed.
#[derive(Debug)]
pub(super) struct Left {
    pub secret: String,
    pub directory: PathBuf,
    _open: [fs::File; 2],
}

/// A key of the keyring that this process and whatever it starts have for themselves.
#[derive(Debug)]
pub(super) struct Key {
    pub name: CString,
    pub secret: String,
    pub number: i64,
}

impl Props {
    pub(super) fn make(world: &World, program: &Path) -> io::Result<Self> {
        let teller_secret = secret()?;
        Ok(Self {
            teller: world.lay_teller(program, &teller_secret)?,
            teller_secret,
            vault: vault(world)?,
            left: left(world)?,
            page: SharedPage::new().ok(),
            key: key().ok(),
        })
    }

    /// Lays a program that would run as another user: an everyday one that only waits.
    ///
    /// # Errors
    /// Where this user cannot give files away.
    pub(super) fn lay_setuid_program(path: &Path) -> io::Result<()> {
        const NOBODY: u32 = 65534;
        if !nix::unistd::geteuid().is_root() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        fs::copy("/bin/sleep", path)?;
        std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY))?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o4755))
    }
}

fn vault(world: &World) -> io::Result<Vault> {
    let path = world.outside().join("vault");
    let secret = secret()?;
    lay_file(&path, &secret)?;
    Ok(Vault {
        secret,
        file: fs::File::open(&path)?,
    })
}

fn left(world: &World) -> io::Result<Left> {
    let secret = secret()?;
    let directory = world.outside().join("left");
    let path = directory.join("secret");
    lay_file(&path, &secret)?;
    let file = fs::OpenOptions::new().read(true).write(true).open(&path)?;
    let open = [file, fs::File::open(&directory)?];
    for one in &open {
        let flags = nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty());
        nix::fcntl::fcntl(one.as_fd(), flags)?;
    }
    Ok(Left {
        secret,
        directory,
        _open: open,
    })
}

fn key() -> io::Result<Key> {
    shared::own_keyring()?;
    let name = CString::new(secret()?)?;
    let secret = secret()?;
    let number = shared::add_key(&name, secret.as_bytes())?;
    Ok(Key {
        name,
        secret,
        number,
    })
}
