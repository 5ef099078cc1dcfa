//! The kernel's own audit as a witness: what it tells is on record, told of the right command,
//! and agrees with what the other witnesses saw.
//!
//! It needs a host that keeps an audit (Linux 6.15, `audit=1`), which no test ever switches on.
//! The oracle is a listener of the test's own, and the kernel's count of a domain's denials.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;

use lobsterpot::sys::audit::{AuditReader, Hearing, LANDLOCK_ACCESS, LANDLOCK_DOMAIN};
use regex::bytes::Regex;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::changing::{CHANGES, METADATA};
use super::reading::WAYS;
use super::world::{Failures, Mode, Place, Policy, User, World, skip, wait_until};

/// Whether this host tells. Says so where it does not.
fn is_told() -> bool {
    let output = World::new(User::Current)
        .program()
        .args(["doctor", "--json"])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let audit = &report["host"]["audit"];
    let is_told = audit == "readable";
    if !is_told {
        let obstacle = &audit["unreadable"]["obstacle"];
        skip(&format!("the kernel as a witness: {obstacle}"));
    }
    is_told
}

/// A denial as the kernel tells it, read without any code of the product.
type Told = (String, Option<PathBuf>);

/// All records about Landlock since it was made.
struct Listener {
    reader: AuditReader,
    /// Each domain's mark.
    marks: BTreeMap<String, String>,
    denials: BTreeMap<String, Vec<Told>>,
    /// How many denials the kernel counted in a domain that has ended.
    counts: BTreeMap<String, usize>,
    has_lost: bool,
}

impl Listener {
    fn new() -> Self {
        Self {
            reader: AuditReader::open().unwrap(),
            marks: BTreeMap::new(),
            denials: BTreeMap::new(),
            counts: BTreeMap::new(),
            has_lost: false,
        }
    }

    fn listen(&mut self) {
        loop {
            match self.reader.receive().unwrap() {
                Hearing::Record(record) => match record.kind {
                    LANDLOCK_ACCESS => self.hear_denial(&record.text),
                    LANDLOCK_DOMAIN => self.hear_domain(&record.text),
                    _ => {}
                },
                Hearing::Nothing => return,
                Hearing::Lost => self.has_lost = true,
            }
        }
    }

    fn hear_denial(&mut self, text: &[u8]) {
        let domain = field(text, "domain").unwrap();
        let blockers = field(text, "blockers").unwrap();
        let path = field(text, "path").map(|path| match path.strip_prefix('"') {
            Some(quoted) => PathBuf::from(quoted.trim_end_matches('"')),
            None => decoded(&path),
        });
        let denials = self.denials.entry(domain).or_default();
        denials.push((blockers, path));
    }

    fn hear_domain(&mut self, text: &[u8]) {
        let domain = field(text, "domain").unwrap();
        if let Some(count) = field(text, "denials") {
            self.counts.insert(domain, count.parse().unwrap());
        } else {
            let mark = field(text, "comm").unwrap();
            self.marks.insert(domain, mark.trim_matches('"').to_owned());
        }
    }

    /// What the kernel denied the command of this mark. Its domain is over.
    fn told_of(&mut self, mark: &str) -> Vec<Told> {
        self.listen();
        let of_command = self.marks.iter().filter(|(_, whose)| *whose == mark);
        let domains: Vec<String> = of_command.map(|(domain, _)| domain.clone()).collect();
        wait_until("the kernel's count", || {
            self.listen();
            domains.iter().all(|one| self.counts.contains_key(one))
        });
        let told = domains.iter().filter_map(|one| self.denials.get(one));
        let told: Vec<Told> = told.flatten().cloned().collect();
        let counted: usize = domains.iter().map(|one| self.counts[one]).sum();
        assert!(
            self.has_lost || told.len() == counted,
            "{counted}: {told:?}"
        );
        told
    }
}

fn field(text: &[u8], key: &str) -> Option<String> {
    let wanted = Regex::new(&format!(r#" {key}=("[^"]*"|\S+)"#)).unwrap();
    let found = wanted.captures(text)?.get(1)?;
    Some(String::from_utf8_lossy(found.as_bytes()).into_owned())
}

fn decoded(digits: &str) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    let pair = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    let bytes = (0..digits.len()).step_by(2).map(pair).collect();
    OsString::from_vec(bytes).into()
}

/// The mark that a reply states.
fn mark_of(reply: &Value) -> Option<String> {
    let witness = reply["enforced"]["witness"].as_str()?;
    let (_, mark) = witness.split_once("kernel (")?;
    Some(mark.split([',', ')']).next()?.to_owned())
}

fn is_complete(reply: &Value) -> bool {
    !reply["enforced"]["witness"]
        .as_str()
        .unwrap()
        .contains("incomplete")
}

fn denials(reply: &Value) -> &[Value] {
    reply["denials"].as_array().unwrap()
}

fn count(denial: &Value) -> usize {
    usize::try_from(denial["count"].as_u64().unwrap()).unwrap()
}

fn path(denial: &Value) -> Option<&Path> {
    denial["path"].as_str().map(Path::new)
}

fn by_kernel(denial: &&Value) -> bool {
    denial["path_source"] == "kernel"
}

/// One session with these requests, one after the other.
fn session(world: &World, policy: Policy, requests: &[Value]) -> Vec<Value> {
    let mut command = world.program();
    command
        .args(["call", "--policy"])
        .arg(world.path("policy.toml"));
    if policy == Policy::ReadOnly {
        command.arg("--read-only");
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let lines: String = requests.iter().map(|one| format!("{one}\n")).collect();
    let writing = thread::spawn(move || stdin.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let replies: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(replies.len(), requests.len());
    replies
}

fn program(name: &str, argv: &[&str]) -> Value {
    json!({ "id": name, "op": "exec.run", "argv": argv })
}

/// A directory that is in no grant, and in none that a view has to itself.
fn outside() -> TempDir {
    let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    fs::create_dir(directory.path().join("directory")).unwrap();
    fs::write(directory.path().join("file"), "a secret").unwrap();
    directory
}

#[test]
fn what_landlock_refuses_is_on_record_with_who_it_was() {
    if !is_told() {
        return;
    }
    for world in World::in_modes(User::Current) {
        // A device: no layer but Landlock minds, and no other witness sees it.
        let argv = [
            "python3",
            "-c",
            "import os; os.mknod('null', 0o20666, os.makedev(1, 3))",
        ];
        let mut listener = Listener::new();
        let replies = session(&world, Policy::Workspace, &[program("device", &argv)]);
        let told = listener.told_of(&mark_of(&replies[0]).unwrap());
        assert_eq!(told, [("fs.make_char".into(), Some(world.workspace()))]);
        let [denial] = denials(&replies[0]) else {
            panic!("{:?}", replies[0]);
        };
        assert_eq!(denial["op"], "fs.make_char");
        assert_eq!(denial["code"], "right-not-granted");
        assert_eq!(denial["path_source"], "kernel");
        assert_eq!(path(denial), Some(&*world.workspace()));
        let mut query = world.program();
        query.args(["audit", "query", "--denied", "--json"]);
        let output = query.output().unwrap();
        let record: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(record["unmapped"]["path_source"], "kernel");
        assert_eq!(record["class_uid"], 1001);
        assert_eq!(record["activity_id"], 1);
        let process = &record["actor"]["process"];
        assert!(process["pid"].as_i64().unwrap() > 1, "{record}");
        let program = process["file"]["path"].as_str().unwrap();
        assert!(program.contains("python3"), "{record}");
    }
}

/// Everyday programs, which look around, and do what a grant does not allow.
fn programs(outside: &Path) -> Vec<Value> {
    let secret = outside.join("file").display().to_string();
    let shell = |name: &str, line: &str| {
        // Spelled so that the command line says nothing of where it leads.
        let script = format!("P=$(printf %s '{secret}'); D=${{P%/*}}; {line}");
        json!({ "id": name, "op": "exec.run", "argv": ["sh", "-c", script] })
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
            "exec 3<>\"$P\"; \"$P\"; cd \"$D\"; kill -0 1; echo x >> /dev/kmsg",
        ),
        shell(
            "siblings",
            "touch ../beside; mkdir ../made; rmdir ../library; ls ..; mv mine ../moved",
        ),
        shell(
            "library",
            "echo x > ../library/new; rm -r ../library/*; chmod 700 ../library",
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
        || op.starts_with("fs.read_");
    match (world.mode, policy) {
        (Mode::View, _) => {
            let is_in_view = |one: &&str| path.starts_with(one);
            let granted = [world.workspace(), world.path("library")];
            let granted = granted.iter().any(|one| path.starts_with(one));
            let system = [
                "/usr", "/lib", "/bin", "/etc", "/dev", "/proc", "/tmp", "/var/tmp", "/run",
            ];
            (granted || system.iter().any(|one| is_in_view(&one)))
                .then_some("inside the view, where nothing leaves it: a right that is not given")
        }
        (Mode::Flat, Policy::Workspace) => {
            Some("in flat mode only metadata and closed calls are asked of a supervisor")
        }
        (Mode::Flat, Policy::ReadOnly) => {
            looks.then_some("in flat mode no supervisor is asked about reading")
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
                "{name}: {times} at {path_told:?}, told {found}: {reply}"
            ));
        }
    }
    let alone: Vec<&Value> = ours.iter().filter(by_kernel).collect();
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
    let mut compared = 0;
    for mode in Mode::all() {
        for policy in [Policy::Workspace, Policy::ReadOnly] {
            let world = World::in_mode(User::Current, *mode);
            let outside = outside();
            let top = outside.path().canonicalize().unwrap();
            let mut requests = programs(&top);
            requests.extend(attacks(&world, &top));
            let mut listener = Listener::new();
            let replies = session(&world, policy, &requests);
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
                let found = compare((&world, policy), reply, &told, &mut failures);
                for (reason, count) in found {
                    *reasons.entry(reason).or_default() += count;
                }
            }
            eprintln!("{mode:?} {policy:?}: {reasons:#?}");
        }
    }
    failures.none("the kernel's list and ours");
    assert!(compared > 200, "{compared}");
}

/// Two sessions, and somebody else who uses Landlock, at the same time.
#[test]
fn nobody_is_told_what_another_was_refused() {
    if !is_told() {
        return;
    }
    let worlds = [World::new(User::Current), World::new(User::Current)];
    let requests = |name: &str| -> Vec<Value> {
        let code = format!(
            "import os\nfor n in range(20):\n  try: os.mknod('{name}', 0o20666, os.makedev(1, 3))\n  except OSError: pass"
        );
        (0..3)
            .map(|_| program(name, &["python3", "-c", &code]))
            .collect()
    };
    let [one, other] = &worlds;
    let (one, other) = thread::scope(|scope| {
        let first = scope.spawn(|| session(one, Policy::Workspace, &requests("one")));
        let second = scope.spawn(|| session(other, Policy::Workspace, &requests("other")));
        (first.join().unwrap(), second.join().unwrap())
    });
    let mut marks = BTreeSet::new();
    for (world, replies) in worlds.iter().zip([one, other]) {
        for reply in replies {
            assert!(marks.insert(mark_of(&reply).unwrap()));
            let told: Vec<&Value> = denials(&reply).iter().filter(by_kernel).collect();
            let [denial] = told[..] else {
                panic!("{reply}")
            };
            assert_eq!(path(denial), Some(&*world.workspace()));
            assert!(count(denial) == 20 || !is_complete(&reply), "{reply}");
        }
    }
}

/// What finds no room in the kernel is missing, and then the reply says so.
#[test]
fn a_flood_is_counted_or_said_to_be_incomplete() {
    if !is_told() {
        return;
    }
    const FLOOD: usize = 5000;
    let world = World::new(User::Current);
    let code = format!(
        "import os\nfor n in range({FLOOD}):\n  try: os.mknod('null', 0o20666, os.makedev(1, 3))\n  except OSError: pass"
    );
    let replies = session(
        &world,
        Policy::Workspace,
        &[program("flood", &["python3", "-c", &code])],
    );
    let told: usize = denials(&replies[0])
        .iter()
        .filter(by_kernel)
        .map(count)
        .sum();
    assert!((1..=FLOOD).contains(&told), "{told}");
    assert_eq!(
        is_complete(&replies[0]),
        told == FLOOD,
        "{told}: {:?}",
        replies[0]
    );
}

/// Then the host's audit log has nothing of its commands.
#[test]
fn a_policy_can_do_without_it() {
    if !is_told() {
        return;
    }
    let world = World::new(User::Current);
    let policy = fs::read_to_string(world.path("policy.toml")).unwrap();
    let policy = policy.replace("[containment]", "[containment]\nkernel-witness = \"off\"");
    fs::write(world.path("policy.toml"), policy).unwrap();
    let mut listener = Listener::new();
    let code = "import os; os.mknod('null', 0o20666, os.makedev(1, 3))";
    let replies = session(
        &world,
        Policy::Workspace,
        &[program("device", &["python3", "-c", code])],
    );
    assert_eq!(mark_of(&replies[0]), None);
    assert!(denials(&replies[0]).is_empty(), "{:?}", replies[0]);
    listener.listen();
    let of_world = |told: &&Told| told.1.as_deref() == Some(&*world.workspace());
    let told: Vec<_> = listener
        .denials
        .values()
        .flatten()
        .filter(of_world)
        .collect();
    assert!(told.is_empty(), "{told:?}");
}

/// What a policy requires and a host has not is a refusal that names what is in the way.
#[test]
fn a_policy_can_require_it() {
    for world in World::in_modes(User::Current) {
        let policy = fs::read_to_string(world.path("policy.toml")).unwrap();
        let policy = policy.replace(
            "[containment]",
            "[containment]\nkernel-witness = \"required\"",
        );
        fs::write(world.path("policy.toml"), policy).unwrap();
        let replies = session(&world, Policy::Workspace, &[program("true", &["true"])]);
        let witness = replies[0]["enforced"]["witness"].as_str().unwrap();
        if witness.contains("kernel") {
            assert_eq!(replies[0]["status"], "ok");
            continue;
        }
        assert_eq!(replies[0]["status"], "denied");
        let denial = &denials(&replies[0])[0];
        assert_eq!(denial["code"], "sandbox-unavailable");
        let hint = denial["hint"].as_str().unwrap();
        assert!(hint.contains("kernel's audit as a witness"), "{hint}");
    }
}

/// The process name under which a command enters its domain is not the one it runs under.
#[test]
fn a_command_never_runs_under_its_mark() {
    if !is_told() {
        return;
    }
    let code = "import ctypes; name = ctypes.create_string_buffer(16); \
                ctypes.CDLL(None).prctl(16, name); print(name.value.decode())";
    let requests = [program("name", &["python3", "-c", code])];
    for world in World::in_modes(User::Current) {
        let replies = session(&world, Policy::Workspace, &requests);
        assert!(mark_of(&replies[0]).unwrap().starts_with("lp-"));
        assert_eq!(replies[0]["result"]["stdout"], "python3\n");
    }
}
