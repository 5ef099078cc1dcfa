//! `audit report` and `audit show` on real sessions: the page, its file, and the secrets in it.

use std::os::unix::fs::PermissionsExt as _;

use super::world::World;

/// A session that reads one secret, names another, and leaves two alone, one of them hidden.
fn session(world: &World) {
    world.write("work/.env", "HIDDEN=hunter2");
    world.write("work/config/prod.env", "PASSWORD=hunter2");
    world.write("work/server.pem", "hunter2");
    world.write("work/.npmrc", "hunter2");
    let input = r#"{"id":1,"op":"file.read","path":"config/prod.env"}
{"id":2,"op":"exec.run","argv":["wc","-c","server.pem"]}
{"id":3,"op":"file.read","path":"/etc/shadow"}
"#;
    world.feed(&["call"], input.as_bytes()).expect(0);
}

#[test]
fn a_page_names_the_secrets_in_reach_and_tells_none() {
    let world = World::new();
    session(&world);
    let page = world.run(["audit", "report", "-o", "-"]).expect(0).stdout;
    assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
    assert!(!page.contains("hunter2"), "no value");
    let row = |how: &str, name: &str| format!("{how}</span></td><td><code>{name}</code>");
    for row in [
        row(">read", "config/prod.env"),
        row(">named in a command", "server.pem"),
        row(">nothing on record", ".npmrc"),
    ] {
        assert!(page.contains(&row), "{row}");
    }
    assert!(
        !page.contains("<code>.env</code>"),
        "what is hidden is not in reach"
    );
    assert!(
        page.contains("<span class=\"good\">verifies</span>"),
        "{page}"
    );
}

#[test]
fn variables_that_commands_get_are_named() {
    let world = World::new();
    let policy = world.run(["policy", "show", "workspace"]).expect(0).stdout;
    let policy = policy.replacen("name = \"workspace\"", "name = \"mine\"", 1);
    let passing = policy.replacen("pass = [", "pass = [\"DEPLOY_TOKEN\", ", 1);
    assert_ne!(policy, passing, "{policy}");
    world.write("home/.config/lobsterpot/policies/mine.toml", &passing);
    let as_operator = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        let output = command.env("DEPLOY_TOKEN", "hunter2").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    as_operator(&["run", "--policy", "mine", "--", "true"]);
    let page = as_operator(&["audit", "report", "-o", "-"]);
    assert!(page.contains("<code>DEPLOY_TOKEN</code>"), "{page}");
    assert!(!page.contains("hunter2"), "no value");
    std::fs::remove_file(world.path("home/.config/lobsterpot/policies/mine.toml")).unwrap();
    let page = as_operator(&["audit", "report", "-o", "-"]);
    assert!(page.contains("could not be looked at"), "{page}");
}

#[test]
fn the_file_is_private_and_takes_no_other_place() {
    let world = World::new();
    session(&world);
    let file = world.path("home/page.html");
    let name = file.to_str().unwrap();
    let ran = world.run(["audit", "report", "-o", name]).expect(0);
    assert_eq!(ran.stdout, format!("{name}\n"));
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    std::fs::write(&file, "mine").unwrap();
    let ran = world.run(["audit", "report", "-o", name]).expect(1);
    assert!(ran.stderr.contains("page.html is there already"), "{ran:?}");
    assert!(ran.stderr.contains("hint: --force replaces it"), "{ran:?}");
    assert_eq!(world.read("home/page.html"), "mine");
    world
        .run(["audit", "report", "--force", "-o", name])
        .expect(0);
    assert!(world.read("home/page.html").starts_with("<!DOCTYPE html>"));
    // A link is replaced itself, and what it leads to stays.
    let prey = world.write("home/prey", "mine");
    let link = world.path("home/link.html");
    std::os::unix::fs::symlink(&prey, &link).unwrap();
    let link = link.to_str().unwrap();
    world.run(["audit", "report", "-o", link]).expect(1);
    world
        .run(["audit", "report", "--force", "-o", link])
        .expect(0);
    assert_eq!(world.read("home/prey"), "mine");
    world
        .run(["audit", "report", "-o", "/nonexistent/x.html"])
        .expect(1);
    let names = std::fs::read_dir(world.path("home")).unwrap();
    let parts = names.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().ends_with(".part")
    });
    assert_eq!(parts.count(), 0);
}

#[test]
fn without_an_id_the_newest_session_is_meant() {
    let world = World::new();
    let none = world.run(["audit", "show"]).expect(1);
    assert!(
        none.stdout.starts_with("no session is on record yet"),
        "{none:?}"
    );
    world.run(["audit", "report"]).expect(1);
    world.run(["run", "--", "true"]).expect(0);
    world.run(["run", "--", "echo", "newest"]).expect(0);
    let records = world.records();
    let session = |at: usize| {
        records[at]["actor"]["session"]["uid"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (first, newest) = (session(0), session(records.len() - 1));
    assert_ne!(first, newest);
    let shown = world.run(["audit", "show"]).expect(0).stdout;
    assert!(shown.contains("echo newest"), "{shown}");
    assert_eq!(
        shown,
        world.run(["audit", "show", &newest]).expect(0).stdout
    );
    let ran = world.run(["audit", "report"]).expect(0);
    let name = format!("lobsterpot-{}.html", &newest[newest.len() - 8..]);
    assert!(ran.stdout.trim_end().ends_with(&name), "{ran:?}");
    assert!(world.read(&format!("work/{name}")).contains("echo newest"));
    let page = world.run([
        "audit",
        "report",
        "--session",
        &first[first.len() - 8..],
        "-o",
        "-",
    ]);
    assert!(!page.expect(0).stdout.contains("echo newest"));
    let none = world
        .run(["audit", "report", "--session", "nothing-such"])
        .expect(1);
    assert!(none.stdout.starts_with("no session has the id"), "{none:?}");
}
