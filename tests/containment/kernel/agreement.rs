//! The kernel's list of denials and ours, over everyday programs and the attacks of other modules.
//!
//! Twice: as it is by default, and with a supervisor that looks at closed calls alone, so that
//! the kernel comes to see what the supervisor otherwise answers. What the kernel tells then, the
//! other witnesses must have told by default.

use std::collections::BTreeMap;
use std::ffi::OsString;
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

/// One session with all requests, and what the kernel told of each.
struct Observed {
    world: World,
    outside: TempDir,
    policy: Policy,
    commands: Vec<(Value, Vec<Told>)>,
}

/// What the supervisor looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Looking {
    Default,
    /// So that the kernel is asked whatever the command tries.
    ClosedCallsAlone,
}

impl Observed {
    fn of(mode: Mode, policy: Policy, looking: Looking) -> Self {
        let world = World::in_mode(User::Current, mode);
        if looking == Looking::ClosedCallsAlone {
            let text = fs::read_to_string(world.path("policy.toml")).unwrap();
            let text = text.replace("[containment]", "[containment]\nnotify = \"closed-calls\"");
            fs::write(world.path("policy.toml"), text).unwrap();
        }
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
        let mut commands = Vec::new();
        for reply in replies {
            // A command that did not start has no domain of its own, or has lost its launcher.
            let Some(mark) = mark_of(&reply) else {
                continue;
            };
            let told = listener.told_of(&mark);
            if listener.has_lost || !is_complete(&reply) {
                eprintln!("not compared, because records were lost: {}", reply["id"]);
                continue;
            }
            commands.push((reply, told));
        }
        Self {
            world,
            outside,
            policy,
            commands,
        }
    }

    /// The same path for the same thing in every world.
    fn place(&self, path: &Path) -> PathBuf {
        let outside = self.outside.path().canonicalize().unwrap();
        if let Ok(rest) = path.strip_prefix(&outside) {
            return outside.with_file_name("outside").join(rest);
        }
        // Whoever asks has another number each time.
        if let Ok(rest) = path.strip_prefix("/proc") {
            let mut parts = rest.components();
            let first = parts.next().map(|first| first.as_os_str().to_owned());
            let is_number = |name: &OsString| {
                name.to_str()
                    .is_some_and(|name| name.parse::<u32>().is_ok())
            };
            if first.as_ref().is_some_and(is_number) {
                return Path::new("/proc/self").join(parts.as_path());
            }
        }
        let inside = path.strip_prefix(self.world.path(""));
        inside.map_or(path.to_owned(), |rest| Path::new("world").join(rest))
    }

    /// Compares what the kernel told of each command with the reply to it.
    fn agrees(&self, looking: Looking, failures: &mut Failures) {
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        for (reply, told) in &self.commands {
            let name = format!("{:?} {:?} {}", self.world.mode, self.policy, reply["id"]);
            each_is_told(&name, reply, told, failures);
            let ours = denials(reply);
            let alone: Vec<&Value> = ours.iter().filter(|one| by_kernel(one)).collect();
            for denial in &alone {
                let is_told = |(_, told): &&Told| told.as_deref() == path(denial);
                if told.iter().filter(is_told).count() < count(denial) {
                    failures.note(format!("{name}: not of the kernel: {denial}"));
                }
                let why = why_kernel_alone(denial["op"].as_str().unwrap(), path(denial));
                match why {
                    Some(reason) => *reasons.entry(reason).or_default() += count(denial),
                    None if looking == Looking::ClosedCallsAlone => {
                        *reasons.entry("the supervisor did not look").or_default() += count(denial);
                    }
                    None => failures.note(format!("{name}: only the kernel saw {denial}")),
                }
            }
            let kernel_alone: usize = alone.into_iter().map(count).sum();
            let all: usize = ours.iter().map(count).sum();
            *reasons.entry("seen by both").or_default() += told.len().saturating_sub(kernel_alone);
            // Another witness answered before Landlock was asked, or it is none of Landlock's business.
            *reasons
                .entry("seen by the other witnesses alone")
                .or_default() += all.saturating_sub(told.len());
        }
        let (mode, policy) = (self.world.mode, self.policy);
        eprintln!("{mode:?} {policy:?} {looking:?}: {reasons:#?}");
    }

    /// Whether the other witnesses told, of the same command, all that the kernel tells there.
    fn tells_all_of(&self, kernel: &Self, failures: &mut Failures) -> usize {
        let mut compared = 0;
        for (reply, told) in &kernel.commands {
            let same = |(own, _): &&(Value, Vec<Told>)| own["id"] == reply["id"];
            let Some((own, _)) = self.commands.iter().find(same) else {
                continue;
            };
            let paths = |one: &Value| {
                let found = one["looked_up"].as_str().map(PathBuf::from);
                [path(one).map(Path::to_owned), found]
            };
            let ours: Vec<PathBuf> = denials(own)
                .iter()
                .flat_map(paths)
                .flatten()
                .map(|path| self.place(&path))
                .collect();
            for (op, path) in told {
                compared += 1;
                // Of a move or a link the supervisor tells one name, and the kernel both places.
                let is_second = op.contains("fs.refer") && !ours.is_empty();
                if is_second || why_kernel_alone(op, path.as_deref()).is_some() {
                    continue;
                }
                let place = kernel.place(path.as_deref().unwrap_or(Path::new("")));
                // Known noise is one denial for each of its reasons, with its first path.
                let is_noise = |one: &Value| one["folded"] == "noise";
                if place.starts_with("/proc/self") && denials(own).iter().any(is_noise) {
                    continue;
                }
                // The kernel tells the directory of what would be made, and the supervisor that of
                // a file which would have no name.
                let is_there = |one: &PathBuf| {
                    *one == place || one.parent() == Some(&place) || place.parent() == Some(one)
                };
                if !ours.iter().any(is_there) {
                    let (mode, id) = (self.world.mode, &reply["id"]);
                    failures.note(format!(
                        "{mode:?} {:?} {id}: {op} at {} told by the kernel alone: {own}",
                        self.policy,
                        place.display()
                    ));
                }
            }
        }
        compared
    }
}

/// Why the kernel alone saw it; none where another witness ought to have.
fn why_kernel_alone(op: &str, path: Option<&Path>) -> Option<&'static str> {
    let Some(path) = path else {
        return Some("a signal, or another process: no other witness is asked");
    };
    let makes_device = op == "fs.make_char" || op == "fs.make_block";
    if makes_device {
        return Some("a device: no other layer minds");
    }
    let is_device = path.starts_with("/dev");
    is_device.then_some("the supervisor leaves devices to Landlock")
}

/// Each of the kernel's is there, under the kernel's name or that of another witness.
fn each_is_told(name: &str, reply: &Value, told: &[Told], failures: &mut Failures) {
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
        let found: usize = denials(reply).iter().filter(is_there).map(count).sum();
        if found < times {
            failures.note(format!(
                "{name}: {times} at {}, told {found}: {reply}",
                path_told.display()
            ));
        }
    }
}

#[test]
fn the_kernels_list_and_ours_agree_and_the_difference_is_explained() {
    if !is_told() {
        return;
    }
    let mut failures = Failures::default();
    let (mut commands, mut of_kernel) = (0, 0);
    for mode in Mode::all() {
        for policy in [Policy::Workspace, Policy::ReadOnly] {
            let ours = Observed::of(*mode, policy, Looking::Default);
            ours.agrees(Looking::Default, &mut failures);
            let kernel = Observed::of(*mode, policy, Looking::ClosedCallsAlone);
            kernel.agrees(Looking::ClosedCallsAlone, &mut failures);
            of_kernel += ours.tells_all_of(&kernel, &mut failures);
            commands += ours.commands.len() + kernel.commands.len();
        }
    }
    failures.none("the kernel's list and ours");
    assert!(commands > 400 && of_kernel > 100, "{commands} {of_kernel}");
}
