//! Every policy file and every example in the documentation is valid, and says what it says.

use std::path::{Path, PathBuf};

use lobsterpot::policy::{Diagnostics, Policy};

/// Files below a directory of the package, by extension.
fn files(directory: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)];
    while let Some(directory) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn checked(name: &str, text: &str) -> (Policy, Diagnostics) {
    let (policy, found) = Policy::check(name, text);
    (policy.unwrap_or_else(|| panic!("{found}")), found)
}

#[test]
fn every_policy_file_is_valid_without_a_warning() {
    let mut paths = files("policies", "toml");
    assert!(paths.len() >= 3, "the built-in policies are files");
    paths.extend(
        files("examples", "toml")
            .into_iter()
            .filter(|path| path.components().any(|part| part.as_os_str() == "policies")),
    );
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a file of the package");
        let (policy, found) = checked(&path.display().to_string(), &text);
        assert!(found.is_empty(), "{found}");
        assert_eq!(
            path.file_stem().and_then(|stem| stem.to_str()),
            Some(policy.name.as_str())
        );
        super::bound(policy);
    }
}

/// The blocks of TOML in a page whose first line is `# policy`, with their lines.
fn examples(page: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if line.trim() == "```toml" {
            let block: Vec<&str> = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| line.trim() != "```")
                .collect();
            if block
                .first()
                .is_some_and(|first| first.starts_with("# policy"))
            {
                found.push((number + 2, block.join("\n")));
            }
        }
    }
    found
}

#[test]
fn every_example_in_the_documentation_is_valid_without_a_warning() {
    let mut count = 0;
    let mut pages = files("docs", "md");
    pages.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    for path in pages {
        let page = std::fs::read_to_string(&path).unwrap_or_default();
        for (line, text) in examples(&page) {
            let (policy, found) = checked(&format!("{}:{line}", path.display()), &text);
            assert!(found.is_empty(), "{found}");
            super::bound(policy);
            count += 1;
        }
    }
    assert!(
        count >= 3,
        "docs/policy.md has examples, and {count} were found"
    );
}

#[test]
fn the_built_in_policies_survive_printing() {
    for name in Policy::built_in_names() {
        let printed = Policy::built_in(name).expect("built in").to_toml();
        let (again, found) = checked(name, &printed);
        assert!(found.is_empty(), "{found}");
        assert_eq!(again.to_toml(), printed);
    }
}

#[test]
fn the_default_policy_explains_itself() {
    let policy = super::bound(Policy::built_in(Policy::DEFAULT).expect("built in"));
    let text = policy.explain().to_string();
    let first: Vec<&str> = text.lines().take(9).collect();
    assert_eq!(
        first,
        [
            "workspace (built-in:workspace)",
            "Read and write the root; run commands in it; no network.",
            "",
            "owner (owner)",
            "  ~/project: list, read, write, create, delete, execute  [grant root, built-in:workspace:8]",
            "    hidden: .env, .env.local",
            "    protected: .git/hooks, .git/config, .git/config.worktree, .git/commondir",
            "  commands: all, inside the sandbox",
            "",
        ]
    );
    assert!(text.contains("\neverybody else: nothing\n"), "{text}");
}
