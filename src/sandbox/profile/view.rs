//! The system view: what the profiles of a plan come to on one host, as printable data.

use serde::Serialize;

use super::{Access, HomeFile, ProcessLimit};
use crate::model::HostPath;

/// Whether a plan lets commands change anything outside their scratch directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Changes {
    /// Nothing.
    ReadOnly,
    /// What the grants allow.
    Workspace,
}

/// A path that commands find beside the grants.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewPath {
    /// The path, as programs name it. Where it is a symbolic link, what it leads to is granted too.
    pub path: HostPath,
    /// What may be done there.
    pub access: Access,
    /// Which profile, toolchain or search path entry it comes from.
    pub origin: String,
    /// Why it is needed.
    pub reason: String,
}

/// Everything that commands find beside the grants.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SystemView {
    /// Paths, in order, each once. One that does not exist on the host is left out when it is prepared.
    pub paths: Vec<ViewPath>,
    /// Files of the user's home that are copied into the sandbox's home.
    pub home_files: Vec<HomeFile>,
    /// Variables and their values; `${scratch}` stands for the scratch directory.
    pub environment: Vec<(String, String)>,
    /// The search path that commands get.
    pub search_path: Vec<HostPath>,
    /// The system call sets that are closed.
    pub syscalls: Vec<String>,
    /// Resource limits of each process.
    pub limits: Vec<ProcessLimit>,
}
