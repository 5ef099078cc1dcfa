//! Real clients, and a real server to wrap: from their registries, where these can be reached.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

use serde_json::{Value, json};

use super::world::{Client, World, mark, wait_for_processes};
use crate::host::skip;

const INSPECTOR: &str = "@modelcontextprotocol/inspector@0.15.0";
const FILE_SERVER: &str = "@modelcontextprotocol/server-filesystem@2026.8.31";
const PYTHON_SDK: &str = "mcp==2.3.0";

/// One installation at a time: the tests share them.
static INSTALLING: Mutex<()> = Mutex::new(());

/// The directory that holds a package, which is installed where it is not yet.
fn installed(package: &str, install: impl FnOnce(&Path) -> Command) -> Option<PathBuf> {
    let _one = INSTALLING
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let name: String = package
        .chars()
        .map(|letter| {
            if letter.is_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .collect();
    let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let directory = base.join(format!("mcp{name}"));
    if directory.exists() {
        return Some(directory);
    }
    let Ok(unfinished) = tempfile::tempdir_in(base) else {
        skip(&format!(
            "{package} cannot be installed: {} is not ours",
            base.display()
        ));
        return None;
    };
    let output = install(unfinished.path()).output();
    match output {
        Ok(output) if output.status.success() => {
            std::fs::rename(unfinished.keep(), &directory).unwrap();
            Some(directory)
        }
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            skip(&format!("{package} cannot be installed: {said}"));
            None
        }
        Err(error) => {
            skip(&format!("{package} cannot be installed: {error}"));
            None
        }
    }
}

fn from_npm(package: &str) -> Option<PathBuf> {
    installed(package, |directory| {
        let mut command = Command::new("npm");
        command
            .args(["install", "--no-fund", "--no-audit", "--prefix"])
            .arg(directory)
            .arg(package);
        command
    })
}

fn from_pypi(package: &str) -> Option<PathBuf> {
    installed(package, |directory| {
        let mut command = Command::new("python3");
        command
            .args(["-m", "pip", "install", "--quiet", "--target"])
            .arg(directory)
            .arg(package);
        command
    })
}

#[track_caller]
fn json_of(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn the_inspector_lists_and_calls() {
    let Some(directory) = from_npm(INSPECTOR) else {
        return;
    };
    let world = World::new();
    let inspect = |server: &[&str], arguments: &[&str]| {
        let mut command = Command::new(directory.join("node_modules/.bin/mcp-inspector"));
        command
            .args(["--cli", env!("CARGO_BIN_EXE_lobsterpot"), "mcp"])
            .args(server)
            .args(arguments);
        world.settle(&mut command);
        json_of(&command.output().unwrap())
    };
    let listed = inspect(&[], &["--method", "tools/list"]);
    assert_eq!(listed["tools"].as_array().unwrap().len(), 16);
    let listed = inspect(&["--read-only"], &["--method", "tools/list"]);
    assert_eq!(listed["tools"].as_array().unwrap().len(), 9);
    let call = |tool: &str, argument: &str| {
        let call = [
            "--method",
            "tools/call",
            "--tool-name",
            tool,
            "--tool-arg",
            argument,
        ];
        inspect(&[], &call)
    };
    let read = call("read", "path=notes.txt");
    assert_eq!(read["content"][0]["text"], "buy milk\n");
    let ran = call("shell", "command=echo $((6*7))");
    assert_eq!(ran["structuredContent"]["result"]["stdout"], "42\n");
    let denied = call("read", "path=/etc/shadow");
    assert_eq!(denied["isError"], true);
    let code = &denied["structuredContent"]["denials"][0]["code"];
    assert_eq!(code, "outside-capability");
}

#[test]
fn the_python_sdk_works_with_the_current_version_and_the_one_before() {
    let Some(directory) = from_pypi(PYTHON_SDK) else {
        return;
    };
    for (mode, version) in [("legacy", "2025-11-25"), ("auto", "2026-07-28")] {
        let world = World::new();
        let mark = mark();
        let script = world.write("home/client.py", include_str!("client.py"));
        let mut command = Command::new("python3");
        command
            .arg(script)
            .arg(mode)
            .args([env!("CARGO_BIN_EXE_lobsterpot"), "mcp"]);
        world.settle(&mut command);
        command.env("PYTHONPATH", &directory).env("MARK", &mark);
        let seen = json_of(&command.output().unwrap());
        assert_eq!(seen["version"], version);
        assert_eq!(seen["tools"].as_array().unwrap().len(), 16);
        let results = seen["results"].as_array().unwrap();
        let statuses: Vec<&str> = results
            .iter()
            .map(|result| result["status"].as_str().unwrap())
            .collect();
        let denied = ["ok", "ok", "ok", "ok", "ok", "denied", "denied"];
        assert_eq!(statuses, denied, "{seen:#}");
        assert_eq!(results[2]["text"], "one\n2\n");
        assert_eq!(results[3]["text"], "new.txt (6 bytes)\nnotes.txt (9 bytes)");
        assert_eq!(results[4]["text"], "one\n2\n\nexit code 3");
        assert_eq!(results[4]["is_error"], false);
        assert_eq!(results[5]["is_error"], true);
        assert!(!seen["progress"].as_array().unwrap().is_empty(), "{seen:#}");
        assert_eq!(seen["cancelled"], true);
        assert_eq!(seen["after"], "on\n");
        wait_for_processes(&mark, 0);
    }
}

/// How commands are contained here.
fn mode(world: &World) -> String {
    let mut client = world.serve(&[]);
    let ran = client.call("shell", json!({"command": "true"}));
    let mode = ran.structured()["enforced"]["mode"].as_str();
    mode.unwrap().to_owned()
}

/// The official file server, in the sandbox, told to serve these directories.
fn file_server(world: &World, directory: &Path, options: &[&str], serve: &[&str]) -> Client {
    let program = world.path("work/tools/node_modules/.bin/mcp-server-filesystem");
    if !program.exists() {
        let copied = Command::new("cp")
            .arg("-a")
            .arg(directory)
            .arg(world.path("work/tools"))
            .status();
        assert!(copied.unwrap().success());
    }
    let program = program.to_str().unwrap();
    let arguments = [options, &["--wrap", "--", "node", program], serve].concat();
    world.serve(&arguments)
}

#[test]
fn the_official_file_server_reaches_nothing_outside_even_if_it_would() {
    let Some(directory) = from_npm(FILE_SERVER) else {
        return;
    };
    let world = World::new();
    world.write("work/.env", "SECRET=1\n");
    std::os::unix::fs::symlink("/etc", world.path("work/etc")).unwrap();
    // There commands are not bound by `hide` in what can be changed, and every reply says so.
    let is_flat = mode(&world) == "flat";
    // It is told that everything is its own.
    let mut client = file_server(&world, &directory, &[], &["/"]);
    let tools = client.tools();
    assert!(tools.len() >= 10, "{}", tools.len());
    for tool in &tools {
        assert_eq!(tool["annotations"]["readOnlyHint"], false, "{tool}");
    }
    let (home, work) = (world.path("home"), world.path("work"));
    let inside = |name: &str| work.join(name).to_str().unwrap().to_owned();
    let read = client.call("read_text_file", json!({"path": inside("notes.txt")}));
    assert_eq!(read.text(), "buy milk\n");
    let diary = home.join("diary.txt");
    let relative = inside("../home/diary.txt");
    for path in [
        diary.to_str().unwrap(),
        &relative,
        "/etc/shadow",
        &inside("etc/shadow"),
        &inside(".env"),
        "/proc/1/environ",
        "/proc/self/root/etc/shadow",
    ] {
        for tool in [
            "read_text_file",
            "read_media_file",
            "get_file_info",
            "list_directory",
        ] {
            let called = client.call(tool, json!({"path": path}));
            let text = called.0.to_string();
            assert!(
                !text.contains("secret") && !text.contains("root:"),
                "{path}: {text}"
            );
            assert!(is_flat || !text.contains("SECRET"), "{path}: {text}");
        }
        client.call(
            "write_file",
            json!({"path": path, "content": "overwritten"}),
        );
        client.call(
            "move_file",
            json!({"source": path, "destination": inside("stolen")}),
        );
        client.call(
            "move_file",
            json!({"source": inside("notes.txt"), "destination": path}),
        );
    }
    let all = client.call("search_files", json!({"path": home, "pattern": "**/*"}));
    assert!(!all.text().contains("diary"), "{all:?}");
    client.call("create_directory", json!({"path": home.join("made")}));
    assert_eq!(client.leave(), Some(0));
    assert_eq!(world.read("home/diary.txt"), "a secret\n");
    assert!(is_flat || world.read("work/.env") == "SECRET=1\n");
    assert!(is_flat || !world.path("work/stolen").exists());
    assert!(!home.join("made").exists());
}

#[test]
fn under_a_read_only_policy_the_official_file_server_shows_what_is_marked_and_changes_nothing() {
    let Some(directory) = from_npm(FILE_SERVER) else {
        return;
    };
    let world = World::new();
    let text = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/read-only.toml"),
    )
    .unwrap();
    let marks = "[tools]\nread-only = [\"read_*\", \"list_*\", \"get_file_info\"]\n\
                 reason = \"they look\"\n\n[network]";
    let text = text
        .replacen("name = \"read-only\"", "name = \"looks\"", 1)
        .replacen("[network]", marks, 1);
    let policy = world.write("home/looks.toml", &text);
    let root = world.path("work");
    let serve = [root.to_str().unwrap()];
    let mut client = file_server(
        &world,
        &directory,
        &["--policy", policy.to_str().unwrap()],
        &serve,
    );
    let tools = client.tools();
    let names: Vec<&str> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"read_text_file") && names.contains(&"list_directory"),
        "{names:?}"
    );
    assert!(
        !names.contains(&"write_file") && !names.contains(&"search_files"),
        "{names:?}"
    );
    for tool in &tools {
        assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
    }
    let path = root.join("notes.txt");
    let read = client.call("read_text_file", json!({"path": path}));
    assert_eq!(read.text(), "buy milk\n");
    for (tool, arguments) in [
        ("write_file", json!({"path": path, "content": "x"})),
        (
            "edit_file",
            json!({"path": path, "edits": [{"oldText": "milk", "newText": "x"}]}),
        ),
        (
            "move_file",
            json!({"source": path, "destination": root.join("b")}),
        ),
        ("create_directory", json!({"path": root.join("new")})),
        ("search_files", json!({"path": root, "pattern": "*"})),
    ] {
        assert_eq!(client.call(tool, arguments).denied(), "read-only", "{tool}");
    }
    assert_eq!(client.leave(), Some(0));
    assert_eq!(world.read("work/notes.txt"), "buy milk\n");
}
