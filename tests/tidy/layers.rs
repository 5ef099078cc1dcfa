//! The direction of dependencies: each module uses what its row allows, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use super::fail_if_any;
use super::sources::{Source, rust_sources};

/// What a module may use.
#[derive(Debug, Default)]
struct Row {
    modules: BTreeSet<String>,
    crates: BTreeSet<String>,
}

fn table() -> BTreeMap<String, Row> {
    let page = Source::read("docs/architecture.md");
    let layers = page
        .text
        .split("## Layers")
        .nth(1)
        .expect("a section on layers");
    let layers = layers.split("\n## ").next().unwrap();
    let names = |cell: &str| {
        cell.split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    };
    layers
        .lines()
        .filter(|line| line.starts_with('|') && !line.starts_with("|---"))
        .skip(1)
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [module, _, modules, crates] = cells[..] else {
                panic!("a row: {line}")
            };
            let row = Row {
                modules: names(modules),
                crates: names(crates),
            };
            (module.to_owned(), row)
        })
        .collect()
}

/// The module that a file belongs to; none for the two roots, which may use anything.
fn module_of(path: &str) -> Option<&str> {
    let below = path.strip_prefix("src/")?;
    match below.split_once('/') {
        Some((module, _)) => Some(module),
        None => below
            .strip_suffix(".rs")
            .filter(|name| !["lib", "main"].contains(name)),
    }
}

fn external_crates() -> BTreeSet<String> {
    let manifest: toml::Table = Source::read("Cargo.toml").text.parse().unwrap();
    let names = manifest["dependencies"].as_table().unwrap().keys();
    names.map(|name| name.replace('-', "_")).collect()
}

#[test]
fn modules_use_what_the_table_of_layers_allows() {
    let (table, crates) = (table(), external_crates());
    let inner = Regex::new(r"\bcrate::([a-z_]+)").unwrap();
    let outer = Regex::new(r"(?:^|[^:\w])(?:::)?([a-z_0-9]+)(?:::|;)").unwrap();
    let mut breaches = BTreeSet::new();
    for source in rust_sources() {
        let Some(module) = module_of(&source.path) else {
            continue;
        };
        let Some(row) = table.get(module) else {
            breaches.insert(format!("{module} has no row in docs/architecture.md"));
            continue;
        };
        for line in outside_tests(&source) {
            for used in inner.captures_iter(line).map(|found| found[1].to_owned()) {
                if used != module && table.contains_key(&used) && !row.modules.contains(&used) {
                    breaches.insert(format!("{}: {module} uses {used}", source.path));
                }
            }
            for used in outer.captures_iter(line).map(|found| found[1].to_owned()) {
                if crates.contains(&used)
                    && !table.contains_key(&used)
                    && !row.crates.contains(&used)
                {
                    breaches.insert(format!("{}: {module} uses the crate {used}", source.path));
                }
            }
        }
    }
    fail_if_any(
        "uses that the table does not list",
        &breaches.into_iter().collect::<Vec<_>>(),
    );
}

/// Lines of code before the file's own tests, which may use anything.
fn outside_tests(source: &Source) -> impl Iterator<Item = &str> {
    source.code().take_while(|line| *line != "#[cfg(test)]")
}

#[test]
fn the_table_lists_nothing_that_is_not_there() {
    let (table, crates) = (table(), external_crates());
    let mut stale = Vec::new();
    for (module, row) in &table {
        if !rust_sources()
            .iter()
            .any(|source| module_of(&source.path) == Some(module))
        {
            stale.push(format!("{module} is no module"));
        }
        let unknown = row.modules.iter().filter(|name| !table.contains_key(*name));
        stale.extend(unknown.map(|name| format!("{module} lists {name}, which has no row")));
        let unknown = row.crates.iter().filter(|name| !crates.contains(*name));
        stale.extend(unknown.map(|name| format!("{module} lists {name}, which is no dependency")));
    }
    fail_if_any("rows that are not true", &stale);
}

#[test]
fn no_two_modules_depend_on_each_other() {
    let table = table();
    let mut cycles = Vec::new();
    for (module, row) in &table {
        for used in &row.modules {
            if table
                .get(used)
                .is_some_and(|other| other.modules.contains(module))
            {
                cycles.push(format!("{module} and {used}"));
            }
        }
    }
    fail_if_any("modules that depend on each other", &cycles);
}
