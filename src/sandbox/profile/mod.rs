//! Profiles: which system paths, toolchains and settings commands need to work.
//!
//! A profile grants nothing of the user's own work: only paths of the system, and
//! toolchains below the home that the search path leads to. Every entry carries a
//! reason. Nothing here looks at a disk.

mod builtin;
mod document;
mod read;
mod view;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use view::{Changes, SystemView, ViewPath};

use crate::model::{HostPath, Mode, Place, Rights, Wording};

/// One profile, as its file states it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Profile {
    /// The name that policies use.
    pub name: Wording,
    /// The file's path, or `built-in:NAME`.
    pub source: Wording,
    /// What it is for, in a line.
    pub about: Wording,
    /// Whether it is used in place of the built-in profile of its name.
    pub replaces_built_in: bool,
    /// Paths of the system that tools need.
    pub system: Vec<SystemPath>,
    /// Places that no toolchain may be found in.
    pub never: Vec<NeverPath>,
    /// Toolchains that may live below a home directory.
    pub toolchains: Vec<Toolchain>,
    /// Files of the home that are copied into the sandbox's own home.
    pub home_files: Vec<HomeFile>,
    /// Variables that commands get.
    pub environment: Vec<Variable>,
    /// Sets of system calls that stay open for this profile.
    pub open: Vec<OpenSet>,
    /// Resource limits that are not a matter of policy.
    pub limits: Vec<ProcessLimit>,
}

/// Where a profile of a plan comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProfileOrigin {
    /// Its name.
    pub name: Wording,
    /// The file's path, or `built-in:NAME`.
    pub source: Wording,
    /// Whether it is used in place of the built-in profile of its name.
    pub replaces_built_in: bool,
}

impl Profile {
    /// Where it comes from.
    pub fn origin(&self) -> ProfileOrigin {
        ProfileOrigin {
            name: self.name.clone(),
            source: self.source.clone(),
            replaces_built_in: self.replaces_built_in,
        }
    }
}

/// What may be done with a path of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Reading (which includes listing), executing, and for devices writing.
    pub rights: Rights,
    /// Device control (`ioctl`), beside reading and writing.
    pub ioctl: DeviceControl,
}

/// Whether a device may be controlled by `ioctl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DeviceControl {
    /// Only reading and writing.
    Refuse,
    /// Every control the device offers.
    Allow,
}

/// A path of the system. It need not exist on every host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct SystemPath {
    /// The path.
    pub path: HostPath,
    /// What may be done there, and with everything below.
    pub access: Access,
    /// The mode it is for; `None` for both. A view makes its own `/proc`, so those entries are flat.
    pub only: Option<Mode>,
    /// Why tools need it.
    pub reason: Wording,
    /// Where the profile says so.
    pub place: Place,
}

/// A place that is never granted as a toolchain: not it, nothing in it, and no directory around it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct NeverPath {
    /// Where it is.
    pub path: Anchored,
    /// What lies there.
    pub reason: Wording,
    /// Where the profile says so.
    pub place: Place,
}

/// A path whose beginning is known only on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub enum Anchored {
    /// Below the operator's home.
    Home(PathBuf),
    /// Absolute.
    Host(HostPath),
}

/// A toolchain that may live below a home directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Toolchain {
    /// Its name.
    pub name: Wording,
    /// The operator's variable that says where it is, where there is one: `RUSTUP_HOME`.
    pub variable: Option<Wording>,
    /// Where it is otherwise. A last component `*` stands for every directory there.
    pub roots: Vec<Anchored>,
    /// A root is in use when one of these programs is on the search path, or when the search
    /// path leads into the root.
    pub programs: Vec<Wording>,
    /// What is granted below the root.
    pub paths: Vec<ToolchainPath>,
    /// Variables that make it work with another home.
    pub environment: Vec<Variable>,
}

/// A part of a toolchain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct ToolchainPath {
    /// Below the root; empty for the root itself. A last component may end in `*`.
    pub path: PathBuf,
    /// What may be done there.
    pub access: Access,
    /// Why.
    pub reason: Wording,
    /// Where the profile says so.
    pub place: Place,
}

/// A file of the user's home that commands find in the sandbox's home.
///
/// It is copied, not granted: a copy does not go stale when the file is replaced,
/// and what a command does to it stays in the sandbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct HomeFile {
    /// Below the home, here and there.
    pub path: PathBuf,
    /// Why tools need it.
    pub reason: Wording,
    /// Where the profile says so.
    pub place: Place,
}

/// A variable that commands get.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Variable {
    /// Its name.
    pub name: Wording,
    /// Its value; `${root}` is the toolchain's root, `${scratch}` the sandbox's scratch directory.
    pub value: Wording,
    /// Only for plans of this kind; `None` for every plan.
    pub only: Option<Changes>,
    /// Why.
    pub reason: Wording,
    /// Where the profile says so.
    pub place: Place,
}

/// A set of system calls that stays open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct OpenSet {
    /// The set's name.
    pub set: Wording,
    /// Why.
    pub reason: Wording,
    /// Where the profile says so.
    pub place: Place,
}

/// A resource limit of each process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct ProcessLimit {
    /// Which resource.
    pub resource: Resource,
    /// The most of it, in the unit of `setrlimit(2)`.
    pub most: u64,
    /// Why.
    pub reason: Wording,
    /// Where the profile says so.
    pub place: Place,
}

/// A resource that a profile limits; the others belong to policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resource {
    /// Bytes of a core dump.
    Core,
    /// Bytes of memory that cannot be swapped out.
    LockedMemory,
    /// Bytes in POSIX message queues.
    MessageQueues,
    /// The highest real-time priority.
    RealTimePriority,
}
