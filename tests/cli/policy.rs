//! `lobsterpot policy`: list, show, lint, schema, init, explain.

use super::world::World;

#[test]
fn the_list_has_the_built_in_policies_and_those_of_the_operator() {
    let world = World::new();
    world.write(
        "home/.config/lobsterpot/policies/mine.toml",
        "name = \"mine\"\ndescription = \"Nothing, so far.\"\n",
    );
    world.write("home/.config/lobsterpot/policies/broken.toml", "name = \n");
    let ran = world.run(["policy", "list"]).expect(0);
    assert!(ran.stdout.contains("\nmine "), "{}", ran.stdout);
    assert!(ran.stdout.contains("cannot be used:"), "{}", ran.stdout);
    let entries = world.run(["policy", "list", "--json"]).expect(0).replies();
    let named = |name: &str| entries.iter().find(|entry| entry["name"] == name).unwrap();
    assert!(named("broken")["error"].is_string());
    assert_eq!(named("mine")["description"], "Nothing, so far.");
    assert_eq!(named("workspace")["default"], true);
    assert_eq!(entries.len(), 9);
}

#[test]
fn a_policy_is_shown_as_written_and_as_understood() {
    let world = World::new();
    let written = world.run(["policy", "show", "read-only"]).expect(0);
    assert_eq!(
        written.stdout,
        std::fs::read_to_string("policies/read-only.toml").unwrap()
    );
    let understood = world
        .run(["policy", "show", "read-only", "--defaults"])
        .expect(0);
    let path = world.write("read-only.toml", &understood.stdout);
    world
        .run(["policy", "lint", path.to_str().unwrap()])
        .expect(0);
    world.run(["policy", "show", "nothing"]).expect(2);
}

#[test]
fn a_finding_has_its_place_and_a_marker() {
    let world = World::new();
    world.write(
        "work/bad.toml",
        "name = \"bad\"\ndescription = \"x\"\n\n[comands]\nrun = \"all\"\n",
    );
    let ran = world.run(["policy", "lint", "bad.toml"]).expect(1);
    let place = format!("{}:4:2: error: ", world.path("work/bad.toml").display());
    assert!(ran.stdout.starts_with(&place), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("\n  [comands]\n   ^^^^^^^\n"),
        "{}",
        ran.stdout
    );
    assert_eq!(ran.stderr, "1 file: 1 error, 0 warnings\n");
    let ran = world
        .run(["policy", "lint", "--json", "bad.toml"])
        .expect(1);
    let finding = &ran.replies()[0];
    assert_eq!(
        (&finding["line"], &finding["column"]),
        (&4.into(), &2.into())
    );
    assert_eq!(finding["severity"], "error");
}

#[test]
fn warnings_fail_only_on_request() {
    let world = World::new();
    let text = std::fs::read_to_string("policies/workspace.toml").unwrap();
    let text = text.replace("name = \"workspace\"", "name = \"keys\"");
    let text = text.replacen("hide = [", "hide = [\"*.pem\", ", 1);
    world.write("work/keys.toml", &text);
    let ran = world.run(["policy", "lint", "keys.toml"]).expect(0);
    assert!(ran.stdout.contains("warning: "), "{}", ran.stdout);
    world
        .run(["policy", "lint", "--deny-warnings", "keys.toml"])
        .expect(1);
}

#[test]
fn the_policy_to_begin_with_is_clean_and_replaces_nothing() {
    let world = World::new();
    world.run(["policy", "init"]).expect(0);
    let written = world.read("work/lobsterpot.toml");
    assert!(written.contains("name = \"lobsterpot\""), "{written}");
    let linted = world
        .run(["policy", "lint", "--deny-warnings", "lobsterpot.toml"])
        .expect(0);
    assert_eq!(linted.stdout, "");
    let again = world.run(["policy", "init"]).expect(1);
    assert!(
        again.stderr.contains("File exists\nhint: "),
        "{}",
        again.stderr
    );
    assert_eq!(world.read("work/lobsterpot.toml"), written);
    world
        .run(["policy", "init", "no/such/directory/x.toml"])
        .expect(1);
}

#[test]
fn the_policy_to_begin_with_works() {
    let world = World::new();
    let path = world.path("home/.config/lobsterpot/policies/notes.toml");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    world
        .run(["policy", "init", path.to_str().unwrap()])
        .expect(0);
    let ran = world
        .run(["run", "--policy", "notes", "cat", "notes.txt"])
        .expect(0);
    assert_eq!(ran.stdout, "buy milk\n");
}

#[test]
fn the_schema_is_json() {
    let world = World::new();
    let ran = world.run(["policy", "schema"]).expect(0);
    let schema: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(schema["title"], "Lobsterpot policy");
}

#[test]
fn the_explanation_is_what_will_be_enforced() {
    let world = World::new();
    let ran = world
        .run(["policy", "explain", "read-only", "--json"])
        .expect(0);
    let report = &ran.replies()[0];
    assert_eq!(report["policy"]["policy"], "read-only");
    let plan = &report["plan"];
    assert_eq!(plan["changes"], "read-only");
    let root = world.path("work");
    let paths = plan["paths"].as_array().unwrap();
    let of_root = paths
        .iter()
        .find(|path| path["path"] == root.to_str().unwrap());
    assert_eq!(
        of_root.unwrap()["rights"],
        serde_json::json!(["list", "read", "execute"])
    );
    assert!(plan["refused_calls"].as_u64().unwrap() > 50);
    let text = world
        .run(["policy", "explain", "read-only"])
        .expect(0)
        .stdout;
    assert!(
        text.contains(&format!("lr---x-  {}\n", root.display())),
        "{text}"
    );
    assert!(!world.path("home/.local/state").exists());
}

#[test]
fn a_policy_without_commands_has_no_plan() {
    let world = World::new();
    let ran = world
        .run(["policy", "explain", "locked", "--json"])
        .expect(0);
    assert!(ran.replies()[0].get("plan").is_none());
}

#[test]
fn a_root_that_gives_everything_away_is_refused() {
    let world = World::new();
    let home = world.path("home");
    let ran = world
        .run(["policy", "explain", "--root", home.to_str().unwrap()])
        .expect(1);
    assert!(
        ran.stderr.contains("[grant-home-directory]"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("help: choose another root"),
        "{}",
        ran.stderr
    );
    let ran = world
        .run(["run", "--json", "--root", "/", "true"])
        .expect(125);
    assert_eq!(ran.report()["findings"][0]["name"], "grant-everything");
}

#[test]
fn a_policy_in_its_own_workspace_is_not_changed_under_it() {
    let world = World::new();
    let text = std::fs::read_to_string("policies/workspace.toml").unwrap();
    let text = text.replace("name = \"workspace\"", "name = \"own\"");
    world.write("work/conf/own.toml", &text);
    world.write("work/conf/other.toml", "before\n");
    let script = "for file in conf/own.toml conf/other.toml; do
        echo after >> $file
        echo after > new && mv new $file
        rm $file
        chmod 666 $file
    done
    mv conf moved
    ls conf";
    let policy = ["--policy", "conf/own.toml"];
    // In a file: a command line with these names is refused before it runs.
    world.write("work/script", script);
    let words = ["run", "--json", policy[0], policy[1], "--", "sh", "script"];
    let ran = world.run(words);
    // Nothing but a view keeps commands from it; the broker itself always does.
    let is_view = ran.report()["enforced"]["mode"] == "view";
    assert!(!world.path("work/conf/other.toml").exists(), "{ran:?}");
    if is_view {
        assert_eq!(world.read("work/conf/own.toml"), text, "{ran:?}");
        assert!(ran.stderr.contains("conf/own.toml"), "{ran:?}");
    }
    let policy = world.write("own.toml", &text);
    std::fs::create_dir_all(world.path("work/conf")).unwrap();
    std::fs::rename(policy, world.path("work/conf/own.toml")).unwrap();
    let policy = ["--policy", "conf/own.toml"];
    let write = br#"{"id":1,"op":"file.write","path":"conf/own.toml","content":"x"}"#;
    let replies = world.feed(&["call", policy[0], policy[1]], write).replies();
    let denial = &replies[0]["denials"][0];
    assert_eq!(denial["code"], "protected-path", "{replies:?}");
}
