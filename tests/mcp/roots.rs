//! The roots of a client: they narrow the session, and never widen it.

use serde_json::{Value, json};

use super::world::{Client, World, mark, wait_for_processes};

/// A client that names these roots when it is asked.
struct Rooted<'a> {
    world: &'a World,
    client: Client,
    roots: Vec<String>,
}

impl<'a> Rooted<'a> {
    fn serve(world: &'a World, arguments: &[&str], roots: &[&str]) -> Self {
        let mut client = world.connect(arguments);
        client.initialize("2025-11-25", json!({"roots": {"listChanged": true}}));
        let roots = roots.iter().map(|root| uri(world, root)).collect();
        Self {
            world,
            client,
            roots,
        }
    }

    /// Answers what the server asks, until the response to this request has come.
    #[track_caller]
    fn response(&mut self, id: u64) -> Value {
        loop {
            let message = self.client.wait_for(|message| {
                message["method"] == "roots/list"
                    || (message["id"] == id && message.get("method").is_none())
            });
            if message.get("method").is_none() {
                return message;
            }
            let roots: Vec<Value> = self.roots.iter().map(|uri| json!({ "uri": uri })).collect();
            let asked = &message["id"];
            let answer = json!({"jsonrpc": "2.0", "id": asked, "result": {"roots": roots}});
            self.client.send(&answer);
        }
    }

    #[track_caller]
    fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let id = self.client.begin_call(tool, arguments);
        self.response(id)["result"].take()
    }

    /// Whether a file can be read, and its directory be seen by a command.
    #[track_caller]
    fn sees(&mut self, file: &str) -> bool {
        let path = self.world.path(file);
        let read = self.call("read", json!({"path": path}));
        let by_tool = read["isError"] == false;
        let code = format!("print(open({:?}).read())", path.to_str().unwrap());
        let ran = self.call(
            "shell",
            json!({"command": format!("python3 -c '{code}' 2>&1")}),
        );
        let by_command = ran["structuredContent"]["result"]["exit_code"] == 0;
        assert_eq!(by_tool, by_command, "{file}: {read:#} {ran:#}");
        by_tool
    }

    fn change(&mut self, roots: &[&str]) {
        self.roots = roots.iter().map(|root| uri(self.world, root)).collect();
        self.client
            .notify("notifications/roots/list_changed", json!({}));
        // It is told once the new ones are in force.
        let told = "notifications/tools/list_changed";
        loop {
            let message = self
                .client
                .wait_for(|message| message["method"] == "roots/list" || message["method"] == told);
            if message["method"] == told {
                return;
            }
            let roots: Vec<Value> = self.roots.iter().map(|uri| json!({ "uri": uri })).collect();
            let asked = &message["id"];
            let answer = json!({"jsonrpc": "2.0", "id": asked, "result": {"roots": roots}});
            self.client.send(&answer);
        }
    }
}

/// A root of the world as a URI; what is one already stays as it is.
fn uri(world: &World, root: &str) -> String {
    if root.contains(':') {
        return root.to_owned();
    }
    format!("file://{}", world.path(root).display()).replace(' ', "%20")
}

fn world() -> World {
    let world = World::new();
    for name in [
        "work/a/x",
        "work/a b/x",
        "work/c/x",
        "work/c/.env",
        "home/other/x",
    ] {
        world.write(name, "text\n");
    }
    world
}

#[test]
fn a_root_below_narrows_to_itself_and_one_outside_adds_nothing() {
    let world = world();
    let mut client = Rooted::serve(&world, &[], &["work/a", "work/a b", "home"]);
    assert!(client.sees("work/a/x"));
    assert!(client.sees("work/a b/x"));
    assert!(!client.sees("work/c/x"));
    assert!(!client.sees("work/notes.txt"));
    assert!(!client.sees("home/other/x"));
    assert!(!client.sees("home/diary.txt"));
    let wrote = client.call(
        "write",
        json!({"path": world.path("work/c/new"), "content": "x"}),
    );
    assert_eq!(
        wrote["structuredContent"]["denials"][0]["code"],
        "outside-capability"
    );
    // What is granted instead is what is left.
    let hint = wrote["structuredContent"]["denials"][0]["hint"]
        .as_str()
        .unwrap();
    assert!(hint.contains("work/a") && !hint.contains("work;"), "{hint}");
    // Commands start in what is left.
    let ran = client.call("shell", json!({"command": "pwd"}));
    let directory = format!("{}\n", world.path("work/a").display());
    assert_eq!(ran["structuredContent"]["result"]["stdout"], directory);
}

#[test]
fn a_root_above_changes_nothing_and_exceptions_stay() {
    let world = world();
    world.write("work/.env", "SECRET\n");
    let mut client = Rooted::serve(&world, &[], &["."]);
    assert!(client.sees("work/a/x") && client.sees("work/c/.env"));
    let path = world.path("work/.env");
    let hidden = client.call("read", json!({ "path": path }));
    let code = &hidden["structuredContent"]["denials"][0]["code"];
    assert_eq!(code, "hidden-path");
    let ran = client.call("shell", json!({"command": "cat ./.en?"}));
    let structured = &ran["structuredContent"];
    // In flat mode commands are not bound by it in what can be changed, and the reply says so.
    if structured["enforced"]["mode"] == "view" {
        assert!(!structured.to_string().contains("SECRET"), "{structured:#}");
    }
    let mut client = Rooted::serve(&world, &["--read-only"], &["work/c"]);
    assert!(client.sees("work/c/x"));
    let wrote = client.call(
        "write",
        json!({"path": world.path("work/c/x"), "content": "x"}),
    );
    assert_eq!(
        wrote["structuredContent"]["denials"][0]["code"],
        "read-only"
    );
}

#[test]
fn no_roots_or_none_that_can_be_understood_leave_nothing() {
    let world = world();
    for roots in [
        &[][..],
        &["https://example.com/work"],
        &["file://elsewhere/work"],
        &["home/nothing"],
        &["work/notes.txt"],
        &["file:///%00"],
    ] {
        let mut client = Rooted::serve(&world, &[], roots);
        assert!(!client.sees("work/a/x"), "{roots:?}");
        let listed = client.call("list", json!({}));
        assert_eq!(listed["isError"], true, "{roots:?}: {listed:#}");
        let id = client.client.begin("tools/list", json!({}));
        let offered = client.response(id);
        let offered = offered["result"]["tools"].as_array().unwrap();
        assert!(
            offered.iter().all(|tool| tool["name"] != "read"),
            "{roots:?}"
        );
    }
}

#[test]
fn a_client_that_refuses_to_tell_its_roots_has_none() {
    let world = world();
    let mut client = world.connect(&[]);
    client.initialize("2025-11-25", json!({"roots": {}}));
    let id = client.begin_call("read", json!({"path": "a/x"}));
    let asked = client.wait_for(|message| message["method"] == "roots/list");
    let error = json!({"code": -32601, "message": "no"});
    client.send(&json!({"jsonrpc": "2.0", "id": asked["id"], "error": error}));
    assert_eq!(client.result(id).denied(), "outside-capability");
}

#[test]
fn when_the_list_changes_so_does_the_session_within_what_the_operator_chose() {
    let world = world();
    let mark = mark();
    let within = world.path("work/c");
    let options = ["--within", within.to_str().unwrap(), "--within", "a"];
    let mut client = Rooted::serve(&world, &options, &["work/a"]);
    assert!(client.sees("work/a/x") && !client.sees("work/c/x"));
    let command = format!("sleep {mark}");
    client.call("shell_start", json!({ "command": command }));
    wait_for_processes(&mark, 1);
    client.change(&["work"]);
    // What ran in the other session has ended with it.
    wait_for_processes(&mark, 0);
    assert!(client.sees("work/a/x") && client.sees("work/c/x"));
    assert!(!client.sees("work/notes.txt"));
    client.change(&["work/c", "home"]);
    assert!(!client.sees("work/a/x") && client.sees("work/c/x"));
    assert!(!client.sees("home/other/x"));
    client.change(&[]);
    assert!(!client.sees("work/c/x"));
    client.change(&["work/c"]);
    assert!(client.sees("work/c/x"));
}

#[test]
fn a_root_that_becomes_a_link_leads_nowhere() {
    let world = world();
    let mut client = Rooted::serve(&world, &[], &["work/a"]);
    assert!(client.sees("work/a/x"));
    std::fs::rename(world.path("work/a"), world.path("work/old")).unwrap();
    std::os::unix::fs::symlink(world.path("home/other"), world.path("work/a")).unwrap();
    client.change(&["work/a"]);
    assert!(!client.sees("home/other/x"));
}

#[test]
fn a_session_can_be_narrowed_by_the_operator_alone() {
    let world = world();
    let mut client = world.serve(&["--within", "a"]);
    assert_eq!(client.call("list", json!({})).text(), "x (5 bytes)");
    let refused = client.call("read", json!({"path": world.path("work/c/x")}));
    assert_eq!(refused.denied(), "outside-capability");
    let output = world
        .command(["run", "--within", "a", "--", "ls", "../c"])
        .output()
        .unwrap();
    assert_ne!(output.status.code(), Some(0), "{output:?}");
    let output = world
        .command(["run", "--within=", "--", "true"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(126), "{output:?}");
    let output = world
        .command(["run", "--within", "nothing", "--", "true"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}
