//! Grants that would undo the policy, or give away more than their author may think.
//!
//! By the letters of the paths, which are the real ones: the directories of a session have their
//! links resolved, and `capability` opens no grant through a link.

use super::bind::Anchors;
use super::diagnostic::{Diagnostics, Severity, Source};
use super::suggest::Kind;
use super::terms::Grant;
use crate::model::{HostPath, Right, Rights};

/// Directories of the home that hold keys to everything else. Nothing an agent does needs them.
const KEYS: [&str; 7] = [
    ".ssh",
    ".gnupg",
    ".password-store",
    ".local/share/keyrings",
    ".local/share/kwalletd",
    ".mozilla",
    ".config/google-chrome",
];

/// Files and directories of the home that hold a service's credentials.
const CREDENTIALS: [&str; 16] = [
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    ".config/gcloud",
    ".config/gh",
    ".config/hub",
    ".netrc",
    ".git-credentials",
    ".npmrc",
    ".pypirc",
    ".cargo/credentials.toml",
    ".terraform.d",
    ".vault-token",
    ".claude",
    ".codex",
];

/// Files and directories of the home whose content the owner's own sessions run.
const STARTUP: [&str; 14] = [
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".config/fish",
    ".config/autostart",
    ".config/systemd",
    ".gitconfig",
    ".config/git",
    ".local/bin",
    "bin",
];

/// Directories of the system that every user's programs come from.
const SYSTEM: [&str; 8] = [
    "/etc", "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/boot",
];

/// One thing to say about a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Risk {
    pub(super) severity: Severity,
    pub(super) name: &'static str,
    pub(super) message: String,
}

/// What a grant of this directory, or file, would give away; an error where it must not be made.
pub(super) fn risks(root: &HostPath, rights: Rights, anchors: &Anchors) -> Vec<Risk> {
    Site { root, anchors }.dangers(rights)
}

/// What rights mean, for whoever is about to grant them.
pub(super) fn meaning(rights: Rights, kind: Kind) -> String {
    let (content, names) = match kind {
        Kind::Directory => ("everything below it", "all names below it"),
        _ => ("it", "its name"),
    };
    let mut parts = Vec::new();
    if rights.has(Right::Read) {
        parts.push(format!("{content} can be read, and repeated in replies"));
    } else if rights.has(Right::List) {
        parts.push(format!("{names} can be seen"));
    }
    if rights.change_something() {
        parts.push(format!("{content} can be changed, beyond what was refused"));
    }
    if rights.has(Right::Execute) {
        parts.push("programs there can be run, inside the sandbox".into());
    }
    parts.join("; ")
}

/// Checks a grant at the directory it stands for.
pub(super) fn check(
    found: &mut Diagnostics,
    source: Source<'_>,
    grant: &Grant,
    root: &HostPath,
    anchors: &Anchors,
) {
    let site = Site { root, anchors };
    let dangers = site.dangers(grant.rights);
    for danger in dangers {
        let spot = source.spot(&grant.span);
        match danger.severity {
            Severity::Error => found.error(danger.name, spot, danger.message),
            Severity::Warning => found.warning(danger.name, spot, danger.message),
        }
        if grant.path.starts_with("${root}") && danger.severity == Severity::Error {
            found.help("choose another root: a directory of the project alone");
        }
    }
}

/// A directory that is granted, among the directories of a session.
struct Site<'a> {
    root: &'a HostPath,
    anchors: &'a Anchors,
}

impl Site<'_> {
    fn dangers(&self, rights: Rights) -> Vec<Risk> {
        if let Some((name, message)) = self.undoes_the_policy() {
            return vec![Risk {
                severity: Severity::Error,
                name,
                message,
            }];
        }
        let mut dangers = Vec::new();
        let mut warn = |name, message| {
            dangers.push(Risk {
                severity: Severity::Warning,
                name,
                message,
            });
        };
        if let Some(path) = self.touches_home(&CREDENTIALS) {
            let message = format!("this gives away the credentials in ~/{path}");
            warn("grant-credentials", message);
        }
        if self.is_any(&["/tmp", "/var/tmp"]) {
            let message = "this holds other programs' files and sockets; grant a directory in it";
            warn("grant-shared-temporary", message.into());
        }
        if rights.change_something() {
            if let Some(path) = self.touches_home(&STARTUP) {
                let message = format!("what is changed in ~/{path} runs outside the sandbox later");
                warn("grant-startup-files", message);
            }
            if SYSTEM.iter().any(|path| self.touches(path)) {
                let message = "what is changed here runs outside the sandbox later";
                warn("grant-system-directory", message.into());
            }
        }
        dangers
    }

    /// What no policy may grant.
    fn undoes_the_policy(&self) -> Option<(&'static str, String)> {
        let Anchors {
            home,
            state,
            config,
            ..
        } = self.anchors;
        if self.root.depth() == 0 {
            let message = "this grants the whole file system";
            return Some(("grant-everything", message.into()));
        }
        if home.depth() > 0 && home.beneath(self.root).is_some() {
            let message = "this grants the home directory, with every key and secret in it";
            return Some(("grant-home-directory", message.into()));
        }
        if self.overlaps(state) {
            let message = "this grants the audit log, which must lie outside every grant";
            return Some(("grant-state-directory", message.into()));
        }
        if self.overlaps(config) {
            let message = "this grants the operator's own policies";
            return Some(("grant-config-directory", message.into()));
        }
        if ["/proc", "/sys", "/dev"]
            .iter()
            .any(|path| self.lies_in(path))
        {
            let message = "this grants the kernel's own files, which lead everywhere";
            return Some(("grant-kernel-files", message.into()));
        }
        if self.is_socket_place() {
            let message = "this grants sockets by which services outside can be commanded";
            return Some(("grant-control-socket", message.into()));
        }
        let path = self.touches_home(&KEYS)?;
        let message = format!("this gives away the private keys in ~/{path}");
        Some(("grant-private-keys", message))
    }

    /// Whether services of the host listen here. Removable disks appear below `/run/media`.
    fn is_socket_place(&self) -> bool {
        let name = self.root.as_path().extension();
        let is_socket = name.is_some_and(|name| name == "sock" || name == "socket");
        let runs = ["/run", "/var/run"].iter().any(|path| self.lies_in(path));
        let disk = self.lies_in("/run/media") && self.root.depth() > 3;
        is_socket || (runs && !disk) || self.is_any(&["/var"])
    }

    fn is_any(&self, paths: &[&str]) -> bool {
        paths
            .iter()
            .any(|path| self.root.as_path() == std::path::Path::new(path))
    }

    fn lies_in(&self, path: &str) -> bool {
        self.root.as_path().starts_with(path)
    }

    fn touches(&self, path: &str) -> bool {
        HostPath::absolute(path).is_ok_and(|path| self.overlaps(&path))
    }

    fn touches_home<'p>(&self, paths: &[&'p str]) -> Option<&'p str> {
        let mut paths = paths.iter().copied();
        paths.find(|path| {
            let path = self.anchors.home.join(path);
            path.is_ok_and(|path| self.overlaps(&path))
        })
    }

    /// Whether one lies in the other.
    fn overlaps(&self, other: &HostPath) -> bool {
        self.root.beneath(other).is_some() || other.beneath(self.root).is_some()
    }
}
