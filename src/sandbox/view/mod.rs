//! The view: a root of its own for commands, made of namespaces and mounts.
//!
//! Nothing of the host is in it but what the plan grants; what cannot be changed is mounted
//! read-only, so that the kernel refuses every change with one error. It leaves nothing on
//! the host: no stub, no mount outside its own namespaces.

#![allow(
    dead_code,
    unused_imports,
    reason = "taken into use with the layer itself"
)]

mod skeleton;

pub(in crate::sandbox) use skeleton::{Node, Skeleton};
