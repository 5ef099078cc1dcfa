//! Finding and reading the project's own files.

use std::fs;
use std::path::{Path, PathBuf};

/// A text file of the project.
#[derive(Debug)]
pub(super) struct Source {
    /// Relative to the root of the project.
    pub(super) path: String,
    /// All of it.
    pub(super) text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Source {
    /// Reads one file.
    pub(super) fn read(path: &str) -> Self {
        let text = fs::read_to_string(root().join(path)).unwrap();
        Self {
            path: path.to_owned(),
            text,
        }
    }

    /// The lines that are neither blank nor comments.
    pub(super) fn code(&self) -> impl Iterator<Item = &str> {
        self.text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with("//"))
    }

    /// How many lines of code it has.
    pub(super) fn code_lines(&self) -> usize {
        self.code().count()
    }

    /// The targets of a page's links into the project: a file, and a heading in it.
    pub(super) fn links(&self) -> Vec<(String, String)> {
        let link = regex::Regex::new(r"\]\(([^)#\s]*)#?([^)]*)\)").unwrap();
        link.captures_iter(&self.text)
            .map(|found| (found[1].to_owned(), found[2].to_owned()))
            .filter(|(file, _)| !file.contains("://") && !file.starts_with("mailto:"))
            .collect()
    }

    /// Whether a link of this page leads to a file of the project, and to a heading that it has.
    pub(super) fn leads_somewhere(&self, (file, heading): &(String, String)) -> bool {
        let page = root().join(&self.path);
        let target = match file.as_str() {
            "" => page,
            file => page.parent().unwrap().join(file),
        };
        if heading.is_empty() {
            return target.exists();
        }
        let text = fs::read_to_string(target).unwrap_or_default();
        let mut headings = text.lines().filter(|line| line.starts_with('#'));
        headings.any(|line| anchor_of(line) == *heading)
    }
}

/// What a heading is linked to by.
fn anchor_of(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    words
        .chars()
        .filter(|character| character.is_alphanumeric() || " -_".contains(*character))
        .map(|character| if character == ' ' { '-' } else { character })
        .collect()
}

/// Whether there is such a file or directory in the project.
pub(super) fn exists(path: &str) -> bool {
    root().join(path).exists()
}

/// Every Rust file of the project.
pub(super) fn rust_sources() -> Vec<Source> {
    ["src", "tests", "benches", "examples"]
        .iter()
        .flat_map(|directory| below(&root().join(directory), "rs"))
        .collect()
}

/// Every page of the documentation.
pub(super) fn pages() -> Vec<Source> {
    let mut pages = below(&root().join("docs"), "md");
    for entry in fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(read(&path));
        }
    }
    pages
}

fn below(directory: &Path, extension: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|one| one == extension) {
                found.push(read(&path));
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn read(path: &Path) -> Source {
    Source::read(path.strip_prefix(root()).unwrap().to_str().unwrap())
}
