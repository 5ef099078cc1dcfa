//! In flat mode the supervisor makes changes of metadata for commands. It must never make one
//! outside, whatever happens to the path, the memory or the descriptors of a call meanwhile.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::process::Command;

use nix::errno::Errno::{self, EACCES};

use super::world::{Failures, Mode, Place, Policy, User, World};

/// How often each call is made; there are five calls in a turn.
const TURNS: &str = "3000";

/// A busy machine can let one side of a race run alone; then it is run again.
const MOST_TRIES: usize = 20;

fn race(world: &World, name: &str, arguments: &[OsString]) {
    let before = world.witness(Place::Outside);
    // The race was one: some calls met the outside, and were refused.
    let met = (0..MOST_TRIES).any(|_| {
        let answer = world.sandboxed(Policy::Workspace, name, arguments);
        assert_eq!(answer.errno, Some(0), "{name}: {answer:?}");
        assert!(world.witness(Place::Outside) == before, "{name}");
        !answer.report()["denials"].as_array().unwrap().is_empty()
    });
    assert!(met, "{name}: no call met the outside");
}

fn own_file(world: &World, name: &str) -> OsString {
    let own = world.workspace().join(name);
    fs::write(&own, "mine").unwrap();
    world.hand_over(&own);
    own.into()
}

#[test]
fn no_race_reaches_the_outside() {
    for user in User::all() {
        let world = World::in_mode(*user, Mode::Flat);
        let prey = world.prey(Place::Outside, "prey");
        for name in [
            "race-links",
            "race-memory",
            "race-descriptors",
            "race-dying",
        ] {
            let own = own_file(&world, &format!("own-{name}"));
            let turns = if name == "race-dying" { "300" } else { TURNS };
            race(&world, name, &[own, prey.join("file").into(), turns.into()]);
        }
        let own = world.workspace().join("own-directory");
        fs::create_dir(&own).unwrap();
        own_file(&world, "own-directory/file");
        world.hand_over(&own);
        let arguments = [own.into(), prey.clone().into(), TURNS.into(), "file".into()];
        race(&world, "race-directories", &arguments);
        // The races do change what they reach, where nobody holds them back.
        let before = world.witness(Place::Outside);
        let changes = |turn| {
            let own = own_file(&world, &format!("control-{turn}"));
            world.bare("race-links", &[own, prey.join("file").into(), TURNS.into()]);
            world.witness(Place::Outside) != before
        };
        assert!((0..MOST_TRIES).any(changes), "no control");
    }
}

#[test]
fn a_process_that_cannot_be_inspected_changes_nothing() {
    for user in User::all() {
        let world = World::in_mode(*user, Mode::Flat);
        let prey = world.prey(Place::Outside, "prey");
        let own = own_file(&world, "own");
        let before = world.witness(Place::Outside);
        let arguments = [own, prey.join("file").into()];
        let answer = world.sandboxed(Policy::Workspace, "undumpable", &arguments);
        assert!(answer.errno.is_some_and(|errno| errno != 0), "{answer:?}");
        assert_eq!(world.witness(Place::Outside), before);
        let control = world.bare("undumpable", &arguments);
        assert_eq!(control.errno, Some(0), "{control:?}");
        assert_ne!(world.witness(Place::Outside), before);
    }
}

fn python(world: &World, script: &str) -> (String, String) {
    let mut command = world.run(Policy::Workspace);
    let output = command
        .args(["/usr/bin/python3", "-c", script])
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// Tries every name of two objects; `INSIDE` and `OUTSIDE` stand for their paths.
const SPELLINGS: &str = "
import os, errno, sys, threading
def told(call):
    try: call()
    except OSError as e: return errno.errorcode[e.errno]
    return '0'
pid, tid = os.getpid(), threading.get_native_id()
def names(path):
    fd = os.open(path, os.O_PATH)
    directory = os.open(os.path.dirname(path), os.O_PATH)
    base = os.path.basename(path)
    yield path
    yield os.path.relpath(path)
    yield '/proc/self/root' + path
    for own in ('/proc/self', '/proc/thread-self', f'/proc/{pid}', f'/proc/{pid}/task/{tid}'):
        yield f'{own}/fd/{fd}'
        yield f'{own}/fd/{directory}/{base}'
    yield f'/dev/fd/{fd}'
    yield f'/proc/{pid}/cwd/' + os.path.relpath(path)
    yield '/proc/self/cwd/' + os.path.relpath(path)
for kind, path in (('in', INSIDE), ('out', OUTSIDE)):
    for name in names(path):
        os.chmod(INSIDE, 0o644)
        print(kind, told(lambda: os.chmod(name, 0o600)), oct(os.stat(INSIDE).st_mode & 0o777), name)
print('link-in', told(lambda: os.chmod('in', 0o640)))
print('link-out', told(lambda: os.chmod('out', 0o640)))
print('dirlink-out', told(lambda: os.chmod('outdir/file', 0o640)))
print('lchown-link', told(lambda: os.lchown('out', os.getuid(), os.getgid())))
print('lutime-link', told(lambda: os.utime('out', (1, 1), follow_symlinks=False)))
print('raw-name', told(lambda: (open(b'\\xff\\xfe', 'w').close(), os.chmod(b'\\xff\\xfe', 0o600))))
print('long', told(lambda: os.chmod('x/' * 3000, 0o600)))
print('missing', told(lambda: os.chmod('missing', 0o600)))
print('empty', told(lambda: os.chmod('', 0o600)))
print('closed', told(lambda: os.fchmod(999, 0o600)))
print('stdout', told(lambda: os.fchmod(1, 0o600)))
";

/// Names of one object that the supervisor has to see through, inside and outside.
#[test]
fn every_spelling_of_a_path_is_understood() {
    let world = World::in_mode(User::Current, Mode::Flat);
    let prey = world.prey(Place::Outside, "prey");
    fs::create_dir_all(world.workspace().join("a/b/c")).unwrap();
    own_file(&world, "a/b/c/file");
    symlink(prey.join("file"), world.workspace().join("out")).unwrap();
    symlink("a/b/c/file", world.workspace().join("in")).unwrap();
    symlink(&prey, world.workspace().join("outdir")).unwrap();
    let outside = prey.join("file");
    let inside = world.workspace().join("a/b/c/file");
    let script = SPELLINGS
        .replace("INSIDE", &format!("{inside:?}"))
        .replace("OUTSIDE", &format!("{outside:?}"));
    let before = world.witness(Place::Outside);
    let (output, errors) = python(&world, &script);
    assert_eq!(world.witness(Place::Outside), before, "{output}");
    let mut failures = Failures::default();
    let mut seen = 0;
    for line in output.lines() {
        let words: Vec<_> = line.splitn(4, ' ').collect();
        let expected = match words[0] {
            "in" => ["0", "0o600"].to_vec(),
            "out" => ["EACCES", "0o644"].to_vec(),
            "link-in" | "lchown-link" | "lutime-link" | "raw-name" | "stdout" => vec!["0"],
            "link-out" | "dirlink-out" => vec!["EACCES"],
            "long" => vec!["ENAMETOOLONG"],
            "missing" | "empty" => vec!["ENOENT"],
            "closed" => vec!["EBADF"],
            _ => panic!("{line}"),
        };
        seen += 1;
        if words[1..=expected.len()] != expected {
            failures.note(format!("{line}, not {expected:?}"));
        }
    }
    assert_eq!(seen, 39, "{output}{errors}");
    failures.none("spellings");
    let owner = fs::symlink_metadata(world.workspace().join("out")).unwrap();
    assert_eq!(owner.mtime(), 1);
}

/// In flat mode a command can change what is protected; the reply must say so.
#[test]
fn what_flat_mode_does_not_keep_is_said() {
    let world = World::in_mode(User::Current, Mode::Flat);
    fs::create_dir_all(world.workspace().join(".git/hooks")).unwrap();
    own_file(&world, ".git/hooks/pre-commit");
    let (_, errors) = python(
        &world,
        "import os; os.chmod('.git/hooks/pre-commit', 0o755)",
    );
    let hook = world.workspace().join(".git/hooks/pre-commit");
    // What the supervisor does itself, it does not do there.
    assert_eq!(fs::metadata(hook).unwrap().permissions().mode() & 0o111, 0);
    let report: serde_json::Value =
        serde_json::from_str(errors.trim_end().lines().last().unwrap()).unwrap();
    let weaker = report["enforced"]["weaker"].to_string();
    assert!(weaker.contains("command-exceptions"), "{report}");
    assert!(weaker.contains("outside-metadata"), "{report}");
}

/// Flags that this program does not know are not guessed at.
#[test]
fn unknown_flags_are_refused() {
    let world = World::in_mode(User::Current, Mode::Flat);
    own_file(&world, "own");
    let script = "
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for call in (lambda: libc.syscall(452, -100, b'own', 0o600, 0x8000), lambda: libc.syscall(280, -100, b'own', None, 0x2), lambda: libc.syscall(260, -100, b'own', 0, 0, 0x40000000)):
    print(call(), ctypes.get_errno())
";
    let (output, errors) = python(&world, script);
    let expected = format!("-1 {}\n", Errno::EINVAL as i32).repeat(3);
    assert_eq!(output, expected, "{errors}");
    let mode = fs::metadata(world.workspace().join("own")).unwrap().mode();
    assert_ne!(mode & 0o777, 0o600);
}

/// A directory's own program sees the same: nothing here depends on the attacker being ours.
#[test]
fn everyday_tools_meet_the_same_end() {
    let world = World::in_mode(User::Current, Mode::Flat);
    let prey = world.prey(Place::Outside, "prey");
    for line in [
        "chmod 600",
        "touch -d 2001-01-01",
        "truncate -s 0",
        "rm -f",
        "tee",
    ] {
        let before = world.witness(Place::Outside);
        let mut words: Vec<_> = line.split(' ').collect();
        let file = prey.join("file");
        words.push(file.to_str().unwrap());
        // By xargs, so that nothing is read from the command line before it runs.
        let mut command = world.run(Policy::Workspace);
        let script = format!("printf %s \"$TARGET\" | xargs {line}");
        fs::write(
            world.workspace().join("script"),
            script.replace("$TARGET", file.to_str().unwrap()),
        )
        .unwrap();
        let output = command.args(["sh", "script"]).output().unwrap();
        assert!(!output.status.success(), "{line}");
        assert_eq!(world.witness(Place::Outside), before, "{line}");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(EACCES.desc()), "{errors}");
        let done = Command::new(words[0])
            .args(&words[1..])
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        assert!(done.status.success(), "{line}: no control");
        assert_ne!(world.witness(Place::Outside), before, "{line}: no control");
        if line == "rm -f" {
            world.prey(Place::Outside, "prey");
        }
    }
}
