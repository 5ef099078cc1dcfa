//! The rules of the house, read from the sources: layers, sizes, first lines, names.
//!
//! The table of layers is the one in `docs/architecture.md`: what a reader is told is what
//! is checked.

mod layers;
mod sources;

use std::process::Command;

use sources::{Source, rust_sources};

use crate::host::skip;

/// The most lines of code in one file; blank lines and comments do not count.
const LONGEST_FILE: usize = 400;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 6] = ["utils", "util", "common", "helpers", "helper", "misc"];

fn fail_if_any(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<_> = rust_sources()
        .iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| source.path.clone())
        .collect();
    fail_if_any("files that do not open with `//!`", &silent);
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<_> = rust_sources()
        .iter()
        .map(|source| (source.path.clone(), source.code_lines()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .map(|(path, lines)| format!("{path}: {lines} lines of code"))
        .collect();
    fail_if_any("files that are too long", &long);
}

#[test]
fn names_say_something() {
    let empty: Vec<_> = rust_sources()
        .iter()
        .map(|source| source.path.clone())
        .filter(|path| {
            path.split(['/', '.'])
                .any(|part| EMPTY_NAMES.contains(&part))
        })
        .collect();
    fail_if_any("names that say nothing", &empty);
}

#[test]
fn unsafe_code_is_in_one_place() {
    let elsewhere: Vec<_> = rust_sources()
        .iter()
        .filter(|source| source.path.starts_with("src/") && !source.path.starts_with("src/sys/"))
        .filter(|source| source.code().any(|line| has_word(line, "unsafe")))
        .map(|source| source.path.clone())
        .collect();
    fail_if_any("unsafe code outside src/sys", &elsewhere);
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|character: char| !character.is_alphanumeric() && character != '_')
        .any(|part| part == word)
}

#[test]
fn every_dependency_states_its_reason() {
    let manifest = Source::read("Cargo.toml");
    let mut section = "";
    let mut silent = Vec::new();
    for line in manifest.text.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]") && line.contains('=') && !line.contains('#') {
            silent.push(line.to_owned());
        }
    }
    fail_if_any("dependencies without a reason", &silent);
}

#[test]
fn links_in_the_docs_lead_somewhere() {
    let mut dead = Vec::new();
    for page in sources::pages() {
        for link in page.links() {
            if !page.leads_somewhere(&link) {
                dead.push(format!("{}: {}#{}", page.path, link.0, link.1));
            }
        }
    }
    fail_if_any("dead links", &dead);
}

#[test]
fn no_merge_is_left_unfinished() {
    let marks = ["<<<<<<< ", ">>>>>>> "];
    let pages = sources::pages().into_iter().chain(rust_sources());
    let unfinished: Vec<_> = pages
        .filter(|page| {
            page.text
                .lines()
                .any(|line| marks.iter().any(|mark| line.starts_with(mark)))
        })
        .map(|page| page.path)
        .collect();
    fail_if_any("marks of a merge", &unfinished);
}

/// A claim that names a test which is not there proves nothing.
#[test]
fn claims_name_tests_that_exist() {
    let claims = Source::read("docs/claims.md");
    let (mut missing, mut named) = (Vec::new(), 0);
    let rows = claims.text.lines().filter(|line| line.starts_with("| "));
    for row in rows {
        let proof = row.split(" | ").nth(1).unwrap_or_default();
        // Every second part stands between backquotes.
        for name in proof.split('`').skip(1).step_by(2) {
            let path = format!("tests/{}", name.replace("::", "/"));
            let found = ["", ".rs", "/mod.rs"]
                .iter()
                .any(|end| sources::exists(&format!("{path}{end}")));
            named += 1;
            if !found {
                missing.push(format!("{name}: {row}"));
            }
        }
    }
    fail_if_any("claims whose tests do not exist", &missing);
    assert!(named > 0, "no claim names a test");
}

/// A mutation that no longer finds what it changes proves nothing about the tests.
#[test]
fn mutations_find_what_they_change() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mutations.py");
    let Ok(checked) = Command::new("python3").args([script, "--check"]).output() else {
        return skip("mutations: there is no python3");
    };
    let stale = String::from_utf8_lossy(&checked.stderr);
    assert!(
        checked.status.success(),
        "mutations of what is not there:\n{stale}"
    );
}
