//! Numbers of system calls that the `libc` crate does not have for every architecture. Calls
//! from 424 on have the same number everywhere.

pub(super) const OPEN_TREE: i64 = 428;
pub(super) const MOVE_MOUNT: i64 = 429;
pub(super) const FSOPEN: i64 = 430;
pub(super) const FSPICK: i64 = 433;
pub(super) const OPENAT2: i64 = 437;
pub(super) const FACCESSAT2: i64 = 439;
pub(super) const MOUNT_SETATTR: i64 = 442;
pub(super) const MEMFD_SECRET: i64 = 447;
pub(super) const FCHMODAT2: i64 = 452;
pub(super) const SETXATTRAT: i64 = 463;
pub(super) const GETXATTRAT: i64 = 464;
pub(super) const LISTXATTRAT: i64 = 465;
pub(super) const REMOVEXATTRAT: i64 = 466;
pub(super) const OPEN_TREE_ATTR: i64 = 467;
pub(super) const FILE_GETATTR: i64 = 468;
pub(super) const FILE_SETATTR: i64 = 469;
