//! Random trees, links and paths, against two other resolvers: one in memory, that knows
//! the rules and no kernel, and the kernel's own, that knows no rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use lobsterpot::capability::Problem;
use lobsterpot::model::RefusalCode;
use proptest::prelude::*;
use serde_json::json;

use super::world::{Answer, By, EVERYTHING, SECRET, World};

/// `h` and everything named `z` is hidden, in either case.
const HIDE: &str = r#"hide = ["h", "**/z"]"#;

const NAMES: [&str; 8] = ["a", "b", "c", "a", "b", "c", "h", "z"];

const STEPS: [&str; 14] = [
    "a", "b", "c", "a", "b", "c", "a", "b", "H", "z", "..", ".", "outside", "secret",
];

/// What stands under a name.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    File,
    Directory(BTreeMap<String, Node>),
    Link(String),
}

/// What a path comes to.
#[derive(Debug, Clone, PartialEq)]
enum Verdict {
    Outside,
    Hidden,
    Missing,
    NotADirectory,
    TooManyLinks,
    /// A file, by where it is.
    File(String),
    /// A directory, by the names in it that can be seen.
    Directory(BTreeSet<String>),
}

/// What is put into a tree: a path, and what stands there; a link's text has `TOP` for the
/// directory that holds the world.
#[derive(Debug, Clone)]
enum Put {
    File(Vec<String>),
    Directory(Vec<String>),
    Link(Vec<String>, String),
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(&NAMES[..]).prop_map(str::to_owned)
}

fn place() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(name(), 1..4)
}

/// A path as a link or a request would write it.
fn written() -> impl Strategy<Value = String> {
    let beginning = prop::sample::select(
        &[
            "",
            "",
            "",
            "",
            "../",
            "TOP/grant/",
            "TOP/grant/",
            "TOP/",
            "/",
        ][..],
    );
    let steps = prop::collection::vec(prop::sample::select(&STEPS[..]), 1..4);
    (beginning, steps).prop_map(|(beginning, steps)| format!("{beginning}{}", steps.join("/")))
}

/// Where a link leads: mostly to a place that may be there.
fn target() -> impl Strategy<Value = String> {
    let near = (0..3_usize, place()).prop_map(|(up, place)| "../".repeat(up) + &place.join("/"));
    prop_oneof![2 => near, 1 => written()]
}

fn put() -> impl Strategy<Value = Put> {
    prop_oneof![
        6 => place().prop_map(Put::File),
        1 => place().prop_map(Put::Directory),
        4 => (place(), target()).prop_map(|(place, target)| Put::Link(place, target)),
    ]
}

/// A tree in memory.
struct Model {
    top: String,
    root: BTreeMap<String, Node>,
}

impl Model {
    /// Puts something into the tree; tells whether there was room for it.
    fn put(&mut self, place: &[String], node: Node) -> bool {
        let (last, above) = place.split_last().unwrap();
        let mut directory = &mut self.root;
        for name in above {
            let next = directory.entry(name.clone());
            match next.or_insert_with(|| Node::Directory(BTreeMap::new())) {
                Node::Directory(entries) => directory = entries,
                Node::File | Node::Link(_) => return false,
            }
        }
        let is_free = !directory.contains_key(last);
        if is_free {
            directory.insert(last.clone(), node);
        }
        is_free
    }

    fn at(&self, path: &[String]) -> Option<Node> {
        let mut node = Node::Directory(self.root.clone());
        for name in path {
            match node {
                Node::Directory(entries) => node = entries.get(name)?.clone(),
                Node::File | Node::Link(_) => return None,
            }
        }
        Some(node)
    }

    /// What a request's path comes to, which the policy reads by its letters first.
    fn judge(&self, path: &str) -> Verdict {
        let mut letters: Vec<&str> = Vec::new();
        let from_grant = format!("{}/grant/{path}", self.top);
        for step in if path.starts_with('/') {
            path
        } else {
            &from_grant
        }
        .split('/')
        {
            match step {
                "" | "." => {}
                ".." => drop(letters.pop()),
                name => letters.push(name),
            }
        }
        let letters = letters.join("/");
        let grant = format!("{}/grant", self.top);
        match format!("/{letters}").strip_prefix(&grant) {
            Some("") => self.resolve(Vec::new()),
            Some(rest) if rest.starts_with('/') => {
                let names: Vec<String> = rest[1..].split('/').map(str::to_owned).collect();
                if is_hidden(&names) {
                    Verdict::Hidden
                } else {
                    self.resolve(names)
                }
            }
            _ => Verdict::Outside,
        }
    }

    /// Follows every link, by a stack of names.
    fn resolve(&self, names: Vec<String>) -> Verdict {
        let mut at: Vec<String> = Vec::new();
        let mut ahead: Vec<String> = names.into_iter().rev().collect();
        for _ in 0..10_000 {
            let Some(step) = ahead.pop() else {
                return self.verdict(&at);
            };
            if step == ".." {
                match at.is_empty() {
                    true => return Verdict::Outside,
                    false if is_hidden(&at) => return Verdict::Hidden,
                    false => drop(at.pop()),
                }
                continue;
            }
            at.push(step);
            match self.at(&at) {
                Some(Node::Directory(_)) => {}
                Some(Node::File) if ahead.is_empty() => {}
                _ if is_hidden(&at) => return Verdict::Hidden,
                Some(Node::File) => return Verdict::NotADirectory,
                None if ahead.iter().any(|step| step == "..") => return Verdict::Missing,
                None => {
                    at.extend(ahead.drain(..).rev());
                    return if is_hidden(&at) {
                        Verdict::Hidden
                    } else {
                        Verdict::Missing
                    };
                }
                Some(Node::Link(target)) => {
                    at.pop();
                    let mut target = target.as_str();
                    if target.starts_with('/') {
                        match target.strip_prefix(&format!("{}/grant", self.top)) {
                            Some(rest) if rest.is_empty() || rest.starts_with('/') => target = rest,
                            _ => return Verdict::Outside,
                        }
                        at.clear();
                    }
                    let steps = target
                        .split('/')
                        .rev()
                        .filter(|step| !matches!(*step, "" | "."));
                    ahead.extend(steps.map(str::to_owned));
                }
            }
        }
        Verdict::TooManyLinks
    }

    fn verdict(&self, at: &[String]) -> Verdict {
        if is_hidden(at) {
            return Verdict::Hidden;
        }
        match self.at(at) {
            Some(Node::File) => Verdict::File(at.join("/")),
            Some(Node::Directory(entries)) => {
                let seen = |name: &&String| !is_hidden(&[at, &[(*name).clone()]].concat());
                Verdict::Directory(entries.keys().filter(seen).cloned().collect())
            }
            Some(Node::Link(_)) | None => unreachable!("the walk ends elsewhere"),
        }
    }
}

fn is_hidden(names: &[String]) -> bool {
    names
        .first()
        .is_some_and(|name| name.eq_ignore_ascii_case("h"))
        || names.iter().any(|name| name == "z")
}

/// A tree on disk, and the same in memory.
fn build(by: By, rights: &str, puts: &[Put]) -> (World, Model) {
    let world = World::with(by, rights, HIDE, "");
    let top = world.top().to_str().unwrap().to_owned();
    let mut model = Model {
        top: top.clone(),
        root: BTreeMap::new(),
    };
    for put in puts {
        match put {
            Put::File(place) if model.put(place, Node::File) => {
                let path = place.join("/");
                let is_secret = is_hidden(place);
                world.file(&path, if is_secret { SECRET } else { &path });
            }
            Put::Directory(place) if model.put(place, Node::Directory(BTreeMap::new())) => {
                fs::create_dir_all(world.inside(&place.join("/"))).unwrap();
            }
            Put::Link(place, target) => {
                let target = target.replace("TOP", &top);
                if model.put(place, Node::Link(target.clone())) {
                    world.link(&place.join("/"), target);
                }
            }
            Put::File(_) | Put::Directory(_) => {}
        }
    }
    (world, model)
}

/// What the capability makes of a path.
fn asked(world: &World, path: &str) -> Verdict {
    match world.on("file.read", path) {
        Answer::Done(value) => Verdict::File(value["content"].as_str().unwrap().to_owned()),
        Answer::Denied(RefusalCode::OutsideCapability, _) => Verdict::Outside,
        Answer::Denied(RefusalCode::HiddenPath, _) => Verdict::Hidden,
        Answer::Failed(Problem::NotFound) => Verdict::Missing,
        Answer::Failed(Problem::NotADirectory) => Verdict::NotADirectory,
        Answer::Failed(Problem::TooManyLinks) => Verdict::TooManyLinks,
        Answer::Failed(Problem::IsADirectory) => {
            let Answer::Done(list) = world.ask(json!({"op": "file.list", "path": path})) else {
                panic!("{path} is a directory that cannot be listed");
            };
            let entries = list["entries"].as_array().unwrap().iter();
            let name = |entry: &serde_json::Value| entry["name"].as_str().unwrap().to_owned();
            Verdict::Directory(entries.map(name).collect())
        }
        other => panic!("{path}: {other:?}"),
    }
}

/// Whatever is given must be what the kernel finds there, in the grant, and not hidden.
fn kernel_agrees(world: &World, path: &str, verdict: &Verdict) {
    let whole = lobsterpot::model::HostPath::absolute(world.inside("")).unwrap();
    let whole = whole.join(path).unwrap();
    let real = whole.as_path().canonicalize();
    let relative = real.ok().and_then(|real| {
        let below = real.strip_prefix(world.inside(".").canonicalize().unwrap());
        below.map(Path::to_owned).ok()
    });
    match (verdict, relative) {
        (Verdict::File(content), Some(relative)) => {
            assert_eq!(*content, fs::read_to_string(whole.as_path()).unwrap());
            assert_eq!(Path::new(content), relative);
        }
        (Verdict::Directory(_), Some(_)) => assert!(whole.as_path().is_dir()),
        (Verdict::File(_) | Verdict::Directory(_), None) => {
            panic!("{path} was given, and is outside")
        }
        (Verdict::Missing | Verdict::NotADirectory | Verdict::TooManyLinks, Some(_)) => {
            panic!("{path} is there, in the grant");
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn three_resolvers_agree(
        puts in prop::collection::vec(put(), 4..32),
        paths in prop::collection::vec(written(), 40),
    ) {
        for by in [By::Kernel, By::Hand] {
            let (world, model) = build(by, r#"["list", "read"]"#, &puts);
            for path in &paths {
                let path = path.replace("TOP", &model.top);
                let verdict = asked(&world, &path);
                prop_assert_eq!(&verdict, &model.judge(&path), "{} by {:?}", path, by);
                kernel_agrees(&world, &path, &verdict);
            }
            prop_assert!(world.outside_is_untouched());
        }
    }

    #[test]
    fn no_request_changes_what_is_outside_or_hidden(
        puts in prop::collection::vec(put(), 4..32),
        paths in prop::collection::vec((written(), written()), 12),
    ) {
        let (world, model) = build(By::Kernel, EVERYTHING, &puts);
        let before = hidden_files(&world.inside(""), &mut Vec::new());
        for (one, other) in &paths {
            let (one, other) = (one.replace("TOP", &model.top), other.replace("TOP", &model.top));
            for request in [
                json!({"op": "file.write", "path": one, "content": "changed"}),
                json!({"op": "file.append", "path": one, "content": "changed"}),
                json!({"op": "file.mkdir", "path": one, "parents": true}),
                json!({"op": "file.copy", "from": one, "to": other, "replace": true}),
                json!({"op": "file.move", "from": other, "to": one, "replace": true}),
                json!({"op": "file.delete", "path": one, "recursive": true}),
            ] {
                if let Answer::Done(value) = world.ask(request) {
                    prop_assert!(!value.to_string().contains(SECRET));
                }
            }
        }
        prop_assert!(world.outside_is_untouched());
        prop_assert_eq!(before, hidden_files(&world.inside(""), &mut Vec::new()));
    }
}

/// Every hidden file with its content.
fn hidden_files(directory: &Path, names: &mut Vec<String>) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    let mut entries: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        names.push(entry.file_name().into_string().unwrap());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(hidden_files(&entry.path(), names));
        } else if kind.is_file() {
            let content = fs::read_to_string(entry.path()).unwrap();
            assert_eq!(
                is_hidden(names),
                content == SECRET,
                "{}",
                entry.path().display()
            );
            if is_hidden(names) {
                found.push((names.clone(), content));
            }
        }
        names.pop();
    }
    found
}
