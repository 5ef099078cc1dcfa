//! Protected and hidden names from one command to the next, and from one session to another.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use super::world::{Mode, User, World, wait_until};

/// A session that is asked one thing after the other.
struct Session {
    child: Child,
    stdin: ChildStdin,
    replies: BufReader<ChildStdout>,
}

impl Session {
    fn of(world: &World) -> Self {
        let mut command = world.program();
        command.args(["call", "--policy"]);
        command.arg(world.path("policy.toml"));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let replies = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            stdin,
            replies,
        }
    }

    /// In a file, for a command line with protected names is refused before it runs.
    fn begin(&mut self, world: &World, script: &str) {
        let name = format!("script-{}", script.len());
        fs::write(world.workspace().join(&name), script).unwrap();
        let request = json!({ "id": 1, "op": "exec.run", "argv": ["sh", name], "timeout": "1m" });
        writeln!(self.stdin, "{request}").unwrap();
    }

    fn reply(&mut self) -> Value {
        let mut line = String::new();
        self.replies.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn run(&mut self, world: &World, script: &str) -> Value {
        self.begin(world, script);
        self.reply()
    }

    fn end(mut self) {
        drop(self.stdin);
        assert!(self.child.wait().unwrap().success());
    }
}

/// As editors and git write: a new file takes the name.
fn replace(world: &World, name: &str, text: &str) {
    let path = world.workspace().join(name);
    let other = path.with_extension("new");
    fs::write(&other, text).unwrap();
    fs::rename(other, path).unwrap();
}

/// A mount covers an object, and is gone with the name that it lay on.
#[test]
fn what_the_owner_replaces_between_commands_is_as_covered_as_before() {
    for user in User::all() {
        let world = World::in_mode(*user, Mode::all()[0]);
        if world.mode != Mode::View {
            return;
        }
        fs::create_dir(world.workspace().join(".git")).unwrap();
        replace(&world, ".git/config", "[core]\n");
        replace(&world, ".env", "KEY=first\n");
        world.hand_over(&world.workspace());
        let mut session = Session::of(&world);
        let attack = "cat .env; echo '[evil]' >> .git/config";
        let first = session.run(&world, attack);
        assert_ne!(first["result"]["exit_code"], 0, "{first}");
        replace(&world, ".git/config", "[core]\n[own]\n");
        replace(&world, ".env", "KEY=second\n");
        world.hand_over(&world.workspace());
        let second = session.run(&world, attack);
        assert_eq!(second["result"]["stdout"], "", "{second}");
        let config = fs::read_to_string(world.workspace().join(".git/config")).unwrap();
        assert_eq!(config, "[core]\n[own]\n", "{second}");
        session.end();
    }
}

/// One makes what the other makes once more when it has been set aside.
#[test]
fn two_sessions_cannot_help_each_other_to_a_protected_name() {
    for world in World::in_modes(User::Current) {
        let workspace = world.workspace();
        fs::create_dir(workspace.join(".git")).unwrap();
        let config = workspace.join(".git/config");
        let (mut one, mut other) = (Session::of(&world), Session::of(&world));
        let wait = |what: &str| {
            format!(
                "n=0; while ! {what}; do sleep 0.02; n=$((n+1)); [ $n -lt 1500 ] || exit 1; done"
            )
        };
        let make = "echo '[evil]' > .git/config";
        one.begin(&world, &format!("{make}; {}", wait("[ -e started ]")));
        wait_until("the first", || config.exists());
        let again = wait("[ ! -e .git/config ]");
        other.begin(&world, &format!("touch started; {again}; {make}; exit 0"));
        let first = one.reply();
        let second = other.reply();
        assert_eq!(second["result"]["exit_code"], 0, "{second}");
        assert!(!config.exists(), "{first}\n{second}");
        for reply in [first, second] {
            let denials = reply["denials"].as_array().unwrap();
            let told = |one: &Value| one["code"] == "protected-path";
            assert!(denials.iter().any(told), "{reply}");
        }
        one.end();
        other.end();
        let left = fs::read_dir(world.path("state/lobsterpot")).unwrap();
        let left = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let left: Vec<String> = left.filter(|name| name.starts_with("running-")).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
