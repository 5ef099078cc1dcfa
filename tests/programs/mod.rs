//! Copies of programs, for worlds that run them.
//!
//! They are written by a process of their own. The tests are threads of one process, which
//! start processes all the time; one started while a program is being written inherits the
//! descriptor for a moment, and whoever executes that program meanwhile is told that it is
//! busy (execve(2), ETXTBSY).

use std::path::Path;
use std::process::Command;

pub(crate) fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) {
    let copied = Command::new("cp")
        .arg("--")
        .args([from.as_ref(), to.as_ref()])
        .status()
        .unwrap();
    assert!(copied.success(), "{}", to.as_ref().display());
}
