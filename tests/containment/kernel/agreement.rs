//! The kernel's list of denials and ours, over everyday programs and the attacks of other modules.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::changing::{CHANGES, METADATA};
use super::super::reading::WAYS;
use super::super::world::{Failures, Mode, Place, Policy, User, World};
use super::listener::{Listener, Told};
use super::{by_kernel, count, denials, is_complete, is_told, mark_of, path, program, session};

/// A directory that is in no grant, and in none that a view has to itself.
fn outside() -> TempDir {
    let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    fs::create_dir(directory.path().join("directory")).unwrap();
    fs::write(directory.path().join("file"), "a secret").unwrap();
    directory
}

/// Everyday programs, which look around, and do what a grant does not allow.
fn programs(outside: &Path) -> Vec<Value> {
    let secret = outside.join("file").display().to_string();
    let shell = |name: &str, line: &str| {
        let script = format!("P='{secret}'; D=${{P%/*}}; {line}");
        // Spelled so that the command line says nothing of where it leads.
        let letters = script.as_bytes();
        let code = format!("import os; os.system(bytes({letters:?}).decode())");
        program(name, &["python3", "-c", &code])
    };
    vec![
        program("ls", &["ls", "-la", "--color=always"]),
        shell("cat", "cat \"$P\""),
        shell("find", "find \"$D\" .; ls /; ls /etc /dev /proc"),
        shell(
            "touch",
            "touch \"$D/new\"; mkdir \"$D/made\"; ln -s x \"$D/link\"",
        ),
        shell(
            "rm",
            "rm -rf \"$D\"; mv \"$P\" .; cp mine \"$D\"; : > \"$P\"",
        ),
        shell(
            "git",
            "git init -q g && cd g && git status && touch a && git add a && \
               git -c user.name=a -c user.email=a@b commit -qm a; git log",
        ),
        shell(
            "gcc",
            "echo 'int main(){return 0;}' > a.c; gcc -o a.out a.c && ./a.out",
        ),
        shell(
            "python",
            "python3 -c 'import os, ssl, sqlite3, subprocess; os.listdir(os.path.expanduser(\"~\"))'",
        ),
        shell(
            "tar",
            "tar cf a.tar mine && tar xf a.tar; tar cf b.tar \"$D\"",
        ),
        shell(
            "grep",
            "grep -r secret . \"$D\"; sort mine; sed -i s/a/b/ mine; ps; id; df; uname -a",
        ),
        shell(
            "shells",
            "\"$P\"; cd \"$D\"; kill -0 1; echo x >> /dev/kmsg",
        ),
        shell(
            "top",
            "R=/; touch ${R}new ${R}etc/new; mkdir ${R}made; mknod null c 1 3; rmdir ${R}etc",
        ),
        shell(
            "siblings",
            "touch ../beside; mkdir ../made; rmdir ../library; ls ..; mv mine ../moved",
        ),
        shell(
            "library",
            "echo x > ../library/new; rm -r ../library/creat; chmod 700 ../library",
        ),
    ]
}

/// The attacks of other modules, each on prey of its own.
fn attacks(world: &World, outside: &Path) -> Vec<Value> {
    let own = world.workspace().join("mine");
    let mut requests = Vec::new();
    let places = [Place::Workspace, Place::Library, Place::Outside];
    for (number, place) in places.into_iter().enumerate() {
        let ways = WAYS.iter().map(|(name, ..)| *name);
        let ways = ways.filter(|_| place == Place::Outside);
        for name in CHANGES.into_iter().chain(METADATA).chain(ways) {
            let prey = if place == Place::Outside {
                let prey = outside.join(name);
                fs::create_dir_all(prey.join("directory")).unwrap();
                fs::copy("/usr/bin/id", prey.join("file")).unwrap();
                prey
            } else {
                world.prey(place, name)
            };
            let file = prey.join("file");
            let arguments: [PathBuf; 4] = if CHANGES.contains(&name) {
                [file, prey.join("directory"), prey.join("free"), own.clone()]
            } else {
                [
                    file,
                    prey,
                    "file".into(),
                    world.workspace().join(format!("free-{name}")),
                ]
            };
            let mut argv = vec!["./attacker".to_owned(), name.to_owned()];
            argv.extend(arguments.map(|path| path.display().to_string()));
            let id = format!("{name} {place:?} {number}");
            requests.push(json!({ "id": id, "op": "exec.run", "argv": argv, "timeout": "1m" }));
        }
    }
    requests
}

/// Why the kernel alone saw it; none where another witness ought to have.
fn why_kernel_alone(world: &World, policy: Policy, denial: &Value) -> Option<&'static str> {
    let op = denial["op"].as_str().unwrap();
    let Some(path) = path(denial) else {
        return Some("a signal, or another process: no other witness is asked");
    };
    let looks = ["open", "openat", "openat2", "execve", "execveat"].contains(&op)
        || op.starts_with("fs.read_")
        || op == "fs.execute";
    match (world.mode, policy) {
        (Mode::View, _) => {
            let granted = [world.workspace(), world.path("library")];
            let granted = granted.iter().any(|one| path.starts_with(one));
            let system = [
                "/usr", "/lib", "/bin", "/etc", "/dev", "/proc", "/tmp", "/var/tmp", "/run",
            ];
            (granted || system.iter().any(|one| path.starts_with(one)))
                .then_some("inside the view, where nothing leaves it: a right that is not given")
        }
        (Mode::Flat, Policy::Workspace) => {
            Some("in flat mode what is executed, devices, and what changed while one looked")
        }
        (Mode::Flat, Policy::ReadOnly) if path.starts_with("/dev") => {
            Some("in flat mode the supervisor leaves devices to Landlock")
        }
        (Mode::Flat, Policy::ReadOnly) => {
            looks.then_some("in flat mode no supervisor is asked about executing")
        }
    }
}

/// Compares what the kernel told of one command with the reply to it.
fn compare(
    (world, policy): (&World, Policy),
    reply: &Value,
    told: &[Told],
    failures: &mut Failures,
) -> BTreeMap<&'static str, usize> {
    let name = format!("{:?} {policy:?} {}", world.mode, reply["id"]);
    let mut reasons = BTreeMap::new();
    let ours = denials(reply);
    // Each of the kernel's is there, under the kernel's name or that of another witness.
    let mut left: BTreeMap<&Path, usize> = BTreeMap::new();
    for (_, path) in told {
        *left
            .entry(path.as_deref().unwrap_or(Path::new("")))
            .or_default() += 1;
    }
    for (path_told, times) in left {
        let is_there = |one: &&Value| {
            let Some(path) = path(one) else {
                return path_told == Path::new("");
            };
            path == path_told || path.parent() == Some(path_told)
        };
        let found: usize = ours.iter().filter(is_there).map(count).sum();
        if found < times {
            failures.note(format!(
                "{name}: {times} at {}, told {found}: {reply}",
                path_told.display()
            ));
        }
    }
    let alone: Vec<&Value> = ours.iter().filter(|one| by_kernel(one)).collect();
    for denial in &alone {
        let is_told = |(_, told): &&Told| told.as_deref() == path(denial);
        if told.iter().filter(is_told).count() < count(denial) {
            failures.note(format!("{name}: not of the kernel: {denial}"));
        }
        match why_kernel_alone(world, policy, denial) {
            Some(reason) => *reasons.entry(reason).or_default() += count(denial),
            None => failures.note(format!("{name}: only the kernel saw {denial}")),
        }
    }
    let kernel_alone: usize = alone.into_iter().map(count).sum();
    let all: usize = ours.iter().map(count).sum();
    *reasons.entry("seen by both").or_default() += told.len() - kernel_alone.min(told.len());
    // Another witness answered before Landlock was asked, or it is none of Landlock's business.
    *reasons
        .entry("seen by the other witnesses alone")
        .or_default() += all.saturating_sub(told.len());
    reasons
}

#[test]
fn the_kernels_list_and_ours_agree_and_the_difference_is_explained() {
    if !is_told() {
        return;
    }
    let mut failures = Failures::default();
    let (mut compared, mut of_kernel) = (0, 0);
    for mode in Mode::all() {
        for policy in [Policy::Workspace, Policy::ReadOnly] {
            let world = World::in_mode(User::Current, *mode);
            let outside = outside();
            let top = outside.path().canonicalize().unwrap();
            let mut requests = programs(&top);
            let programs = requests.len();
            requests.extend(attacks(&world, &top));
            let mut listener = Listener::new();
            let replies = session(&world, policy, &requests);
            for reply in &replies[..programs] {
                assert_eq!(reply["status"], "ok", "{reply}");
            }
            let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
            for reply in &replies {
                // A command that did not start has no domain of its own, or has lost its launcher.
                let Some(mark) = mark_of(reply) else { continue };
                let told = listener.told_of(&mark);
                if listener.has_lost || !is_complete(reply) {
                    eprintln!("not compared, because records were lost: {}", reply["id"]);
                    continue;
                }
                compared += 1;
                of_kernel += told.len();
                let found = compare((&world, policy), reply, &told, &mut failures);
                for (reason, count) in found {
                    *reasons.entry(reason).or_default() += count;
                }
            }
            eprintln!("{mode:?} {policy:?}: {reasons:#?}");
        }
    }
    failures.none("the kernel's list and ours");
    assert!(compared > 200 && of_kernel > 100, "{compared} {of_kernel}");
}
