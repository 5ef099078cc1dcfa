//! The names under which the program is another one: a shell, or ssh.
//!
//! Under such a name every word belongs to that program, and the selectors come from the
//! environment. Read before anything else, while there is one thread.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The words of this process as our own command line.
pub(super) fn words(given: Vec<OsString>) -> Vec<OsString> {
    let name = given.first().map(Path::new).and_then(Path::file_name);
    let Some((command, first)) = name.and_then(command) else {
        return given;
    };
    let alone = given.get(1).filter(|_| given.len() == 2);
    let ours: &[&str] = match alone.and_then(|word| word.to_str()) {
        Some("--version") => &["lobsterpot", "--version"],
        Some("--help") => &["lobsterpot", command, "--help"],
        _ => {
            let mut words = ["lobsterpot", command, "--"].map(OsString::from).to_vec();
            words.extend(first.iter().map(OsString::from));
            words.extend(given.into_iter().skip(1));
            return words;
        }
    };
    ours.iter().map(OsString::from).collect()
}

/// The command that a name stands for, and the words that it adds.
fn command(name: &OsStr) -> Option<(&'static str, &'static [&'static str])> {
    match name.to_str()? {
        "lobsterpot-sh" => Some(("sh", &[])),
        // login(1) and others put a dash before the name of the shell of a login.
        "-lobsterpot-sh" => Some(("sh", &["-l"])),
        "lobsterpot-ssh" => Some(("ssh", &[])),
        _ => None,
    }
}
