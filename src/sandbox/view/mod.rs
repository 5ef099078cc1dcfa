//! The view: a root of its own for commands, made of namespaces and mounts.
//!
//! Nothing of the host is in it but what the plan grants; what cannot be changed is mounted
//! read-only, so that the kernel refuses every change with one error. It leaves nothing on
//! the host: no stub, no mount outside its own namespaces.
//!
//! Reading order: `locate` (what of the plan exists), `layout` (what becomes a mount),
//! `skeleton` (what the root holds besides), `own` (what every view has), `masks` (the
//! exceptions of grants), `build` (in which order it is made real).

mod build;
mod error;
mod layout;
mod locate;
mod masks;
mod own;
mod skeleton;
mod trial;

pub(super) use build::{Materials, Unfinished, View, begin};
pub use error::{ViewError, ViewStep};
pub(super) use own::{PRIVATE, SCRATCH};
pub(super) use skeleton::{Node, Skeleton};
pub(super) use trial::try_out;
