//! What `hide` and `protect` cover, checked against another implementation of the same dialect.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use globset::GlobBuilder;
use lobsterpot::policy::{Below, Pattern, PatternError, PatternSet};
use proptest::prelude::*;

fn set(patterns: &[&str]) -> PatternSet {
    let parse = |text: &&str| Pattern::parse(text).expect("a pattern");
    patterns.iter().map(parse).collect()
}

#[test]
fn what_can_match_nothing_or_means_something_elsewhere_is_refused() {
    for (text, error) in [
        ("", PatternError::Empty),
        ("/etc/shadow", PatternError::NotRelative),
        ("~/.ssh", PatternError::NotRelative),
        ("../x", PatternError::Dots),
        ("a/./b", PatternError::Dots),
        ("a//b", PatternError::Dots),
        ("a/**b", PatternError::HalfDepth),
        ("***", PatternError::HalfDepth),
        ("*.{pem,key}", PatternError::Foreign('{')),
        ("key?", PatternError::Foreign('?')),
        ("[ab]", PatternError::Foreign('[')),
        ("a\\*", PatternError::Foreign('\\')),
        ("!keep", PatternError::Foreign('!')),
        ("a\nb", PatternError::Control),
        ("a\0b", PatternError::Control),
    ] {
        assert_eq!(Pattern::parse(text), Err(error), "{text:?}");
    }
}

#[test]
fn names_that_are_no_text_are_matched_byte_by_byte() {
    let name = |bytes: &'static [u8]| Path::new(OsStr::from_bytes(bytes));
    assert!(set(&["*.pem"]).matches(name(b"\xff\xfe.pem")));
    assert!(set(&["a*"]).matches(name(b"a\xc3")));
    assert!(!set(&["a"]).matches(name(b"a\xc3")));
    assert!(set(&["**/secret"]).matches(name(b"\xff/secret/\xff")));
}

#[test]
fn what_is_no_relative_path_is_covered_by_anything() {
    for path in ["..", "a/../b", "/a", "/"] {
        assert!(set(&["x"]).matches(Path::new(path)), "{path}");
        assert_eq!(set(&["x"]).below(Path::new(path)), Below::Named);
        assert!(!PatternSet::default().matches(Path::new(path)));
    }
    assert!(
        !set(&["*"]).matches(Path::new("")),
        "the grant itself is not below the grant"
    );
    assert!(!set(&["**"]).matches(Path::new("")));
    assert!(set(&["**"]).matches(Path::new("a")));
}

#[test]
fn a_walk_is_needed_only_where_a_wildcard_could_match_below() {
    let patterns = set(&["secrets/key", "logs/*/raw"]);
    assert_eq!(patterns.below(Path::new("")), Below::Named);
    assert_eq!(patterns.below(Path::new("secrets")), Below::Named);
    assert_eq!(patterns.below(Path::new("logs/monday")), Below::Possible);
    assert_eq!(patterns.below(Path::new("src")), Below::Nothing);
    assert_eq!(set(&["**/x"]).below(Path::new("src/a")), Below::Possible);
    assert_eq!(
        set(&[".git/hooks/**"]).below(Path::new(".git/hooks")),
        Below::Named
    );
}

#[test]
fn anchored_patterns_are_paths() {
    let paths = |names: &[&str]| Some(names.iter().map(PathBuf::from).collect());
    let anchored = |patterns: &[&str]| set(patterns).anchored();
    assert_eq!(anchored(&[".env", "a/b/"]), paths(&[".env", "a/b"]));
    assert_eq!(anchored(&[".git/hooks/**"]), paths(&[".git/hooks"]));
    assert_eq!(anchored(&[".env", "*.pem"]), None);
    assert_eq!(anchored(&["a/*/b"]), None);
    assert_eq!(anchored(&["**"]), None);
    assert_eq!(anchored(&[]), paths(&[]));
}

#[test]
fn a_long_path_takes_no_longer_than_it_is_long() {
    let many = "**/a*a*a*a*a*a*b/".repeat(20);
    let patterns = set(&[&many]);
    let path = format!("{}/", "a".repeat(250)).repeat(16);
    assert!(!patterns.matches(Path::new(&path)));
}

#[test]
fn what_stands_on_the_way_by_its_name_is_known() {
    let leads = |pattern: &str, path: &str| set(&[pattern]).lead_through(Path::new(path));
    for (pattern, path, expected) in [
        (".git/config", ".git", true),
        (".git/config", ".GIT", true),
        (".git/config", ".git/config", false),
        (".git/config", ".gitignore", false),
        (".git/config", "a/.git", false),
        ("a/b/c", "a", true),
        ("a/b/c", "a/b", true),
        ("a/b/c", "b", false),
        ("secrets/**", "secrets", true),
        ("**/.git/config", ".git", true),
        ("**/.git/config", "a/b/.git", true),
        ("**/.git/config", "a", false),
        // Anything could stand there, and may.
        ("logs/*/raw", "logs/one", false),
        ("logs/*/raw", "logs", true),
        ("*.d/raw", "one.d", false),
        (".env", ".env", false),
        ("a", "", false),
    ] {
        assert_eq!(leads(pattern, path), expected, "{pattern} {path}");
    }
}

/// The same question to globset: the pattern, or a directory above that matches it.
fn oracle(pattern: &str, path: &Path) -> bool {
    let plain = pattern.trim_end_matches('/');
    [plain.to_owned(), format!("{plain}/**")]
        .iter()
        .any(|glob| {
            GlobBuilder::new(glob)
                .literal_separator(true)
                .case_insensitive(true)
                .build()
                .expect("a glob")
                .compile_matcher()
                .is_match(path)
        })
}

fn part() -> impl Strategy<Value = String> {
    prop_oneof![Just("**".to_owned()), "[abA*]{1,4}", "[ab.]{1,3}"]
        .prop_filter("dots and stars", |part| {
            part == "**" || !(part.contains("**") || part == "." || part == "..")
        })
}

proptest! {
    #[test]
    fn another_implementation_agrees(
        parts in prop::collection::vec(part(), 1..5),
        names in prop::collection::vec("[abAB.]{1,4}", 1..6),
    ) {
        let pattern = parts.join("/");
        let path: PathBuf = names.iter().filter(|name| !matches!(name.as_str(), "." | "..")).collect();
        prop_assume!(path.as_os_str() != "");
        prop_assert_eq!(
            set(&[&pattern]).matches(&path),
            oracle(&pattern, &path),
            "{} on {}", pattern, path.display()
        );
    }

    #[test]
    fn what_is_covered_below_is_foretold(
        parts in prop::collection::vec(part(), 1..5),
        names in prop::collection::vec("[ab]{1,2}", 1..6),
        cut in 0_usize..6,
    ) {
        let patterns = set(&[&parts.join("/")]);
        let path: PathBuf = names.iter().collect();
        let above: PathBuf = names.iter().take(cut.min(names.len() - 1)).collect();
        if patterns.matches(&path) && !patterns.matches(&above) {
            prop_assert_ne!(patterns.below(&above), Below::Nothing);
        }
    }
}
