//! What the operations that change nothing find in a grant, and how they fail there.

use lobsterpot::capability::Problem;
use lobsterpot::model::RefusalCode::RightNotGranted;
use serde_json::{Value, json};

use super::world::{Answer, By, World, code, done};

#[test]
fn a_file_is_read_whole_in_bytes_and_in_lines() {
    let world = World::new();
    world.file("a", "one\ntwo\nthree\n");
    assert_eq!(world.read("a").unwrap(), "one\ntwo\nthree\n");
    let bytes = done(world.ask(json!({"op": "file.read", "path": "a", "offset": 4, "limit": 3})));
    assert_eq!(
        (&bytes["content"], &bytes["size"]),
        (&json!("two"), &json!(14))
    );
    assert_eq!(bytes["truncated"], false);
    let lines = json!({"op": "file.read", "path": "a", "lines": {"from": 2, "to": 3}});
    let lines = done(world.ask(lines));
    assert_eq!(lines["content"], "two\nthree\n");
    assert_eq!(lines["lines"], json!({"from": 2, "to": 3}));
    let beyond = json!({"op": "file.read", "path": "a", "lines": {"from": 9}});
    assert_eq!(done(world.ask(beyond))["content"], "");
    let both = json!({"op": "file.read", "path": "a", "offset": 1, "lines": {"from": 2}});
    assert!(matches!(
        world.ask(both),
        Answer::Failed(Problem::BadArgument(_))
    ));
    let none = json!({"op": "file.read", "path": "a", "lines": {"from": 0}});
    assert!(matches!(
        world.ask(none),
        Answer::Failed(Problem::BadArgument(_))
    ));
}

#[test]
fn a_large_file_is_cut_at_the_limit_and_the_reply_says_so() {
    let world = World::new();
    let large = "é".repeat(1 << 20);
    world.file("a", &large);
    let part = done(world.on("file.read", "a"));
    assert_eq!(part["truncated"], true);
    assert_eq!(part["encoding"], "utf-8");
    assert_eq!(part["bytes"], json!(1 << 20));
    assert_eq!(part["size"], json!(2 << 20));
    let odd = done(world.ask(json!({"op": "file.read", "path": "a", "limit": 3})));
    assert_eq!((&odd["content"], &odd["bytes"]), (&json!("é"), &json!(2)));
    assert_eq!(odd["truncated"], false, "as many bytes as were asked for");
    let lines = json!({"op": "file.read", "path": "a", "lines": {"from": 1}});
    assert_eq!(done(world.ask(lines))["truncated"], true);
    let end = json!({"op": "file.read", "path": "a", "offset": (2 << 20) - 2});
    assert_eq!(done(world.ask(end))["content"], "é");
}

#[test]
fn what_is_no_text_comes_in_base64() {
    let world = World::new();
    world.file("a", b"\xff\x00\x01");
    let read = done(world.on("file.read", "a"));
    assert_eq!(
        (&read["content"], &read["encoding"]),
        (&json!("/wAB"), &json!("base64"))
    );
}

#[test]
fn a_list_shows_kinds_and_sizes_and_nothing_hidden() {
    let world = World::new();
    world.file("b", "12345");
    world.file("a/x", "");
    world.file(".env", "hidden");
    world.link("l", "/nowhere");
    let list = done(world.on("file.list", "."));
    let expected = json!([
        {"name": "a", "kind": "directory"},
        {"name": "b", "kind": "file", "size": 5},
        {"name": "l", "kind": "link"},
    ]);
    assert_eq!(list["entries"], expected);
    assert_eq!(
        (&list["total"], &list["truncated"]),
        (&json!(3), &json!(false))
    );
    let two = done(world.ask(json!({"op": "file.list", "path": ".", "limit": 2})));
    assert_eq!(two["entries"], json!([expected[0], expected[1]]));
    assert_eq!(
        (&two["total"], &two["truncated"]),
        (&json!(3), &json!(true))
    );
    assert_eq!(
        world.on("file.list", "b"),
        Answer::Failed(Problem::NotADirectory)
    );
    assert_eq!(
        world.on("file.list", "none"),
        Answer::Failed(Problem::NotFound)
    );
}

#[test]
fn a_stat_is_about_the_link_itself() {
    let world = World::new();
    world.file("a", "12345");
    world.link("l", "/etc/passwd");
    let stat = done(world.on("file.stat", "a"));
    assert_eq!((&stat["kind"], &stat["size"]), (&json!("file"), &json!(5)));
    assert_eq!(done(world.on("file.stat", "l"))["kind"], "link");
    assert_eq!(done(world.on("file.stat", "."))["kind"], "directory");
    assert_eq!(
        world.on("file.stat", "none"),
        Answer::Failed(Problem::NotFound)
    );
}

#[test]
fn a_glob_finds_paths_in_order() {
    let world = World::new();
    for path in [
        "src/b.rs",
        "src/a/c.rs",
        "src/a.txt",
        "top.rs",
        ".git/x.rs",
        ".env",
    ] {
        world.file(path, "");
    }
    world.link("src/out", world.outside(""));
    let glob = |pattern: &str, path: &str| {
        let glob = json!({"op": "file.glob", "pattern": pattern, "path": path});
        let found = done(world.ask(glob));
        let paths = found["paths"].as_array().unwrap().iter();
        paths
            .map(|one| one["path"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(glob("**/*.rs", "."), ["src/a/c.rs", "src/b.rs", "top.rs"]);
    assert_eq!(glob("*.rs", "src"), ["src/b.rs"]);
    assert_eq!(
        glob("src/*", "."),
        ["src/a", "src/a.txt", "src/b.rs", "src/out"]
    );
    assert_eq!(glob(".git/*", "."), [".git/x.rs"]);
    assert_eq!(glob("**/.env", "."), [""; 0]);
    assert_eq!(glob("src/out/*", "."), [""; 0], "a link is not followed");
    let bad = json!({"op": "file.glob", "pattern": "../*"});
    assert!(matches!(
        world.ask(bad),
        Answer::Failed(Problem::BadArgument(_))
    ));
    let one = done(world.ask(json!({"op": "file.glob", "pattern": "**/*.rs", "limit": 1})));
    assert_eq!(
        (one["paths"].as_array().unwrap().len(), &one["truncated"]),
        (1, &json!(true))
    );
}

#[test]
fn a_grep_finds_lines() {
    let world = World::new();
    world.file("src/a.rs", "fn main() {\n    let needle = 1;\n}\n");
    world.file("src/b.txt", "Needle\r\n");
    world.file("bin", b"needle\x00needle\n");
    world.file(".env", "needle");
    world.file(".git/objects", "needle");
    world.link("out", world.outside("secret"));
    let grep = |request: Value| {
        let found = done(world.ask(request));
        let lines = found["matches"].as_array().unwrap().iter();
        let line = |one: &Value| {
            format!(
                "{}:{}:{}",
                one["path"].as_str().unwrap(),
                one["line"],
                one["text"]
            )
        };
        (lines.map(line).collect::<Vec<_>>(), found)
    };
    let (lines, found) = grep(json!({"op": "file.grep", "pattern": "needle"}));
    assert_eq!(lines, [r#"src/a.rs:2:"    let needle = 1;""#]);
    assert_eq!(found["skipped"], 1, "the binary file");
    let (lines, _) = grep(
        json!({"op": "file.grep", "pattern": "^needle", "ignore_case": true, "glob": "*.txt"}),
    );
    assert_eq!(lines, [r#"src/b.txt:1:"Needle""#]);
    let (lines, _) = grep(json!({"op": "file.grep", "pattern": "main", "path": "src/a.rs"}));
    assert_eq!(lines, [r#"src/a.rs:1:"fn main() {""#]);
    let (lines, _) = grep(json!({"op": "file.grep", "pattern": "secret"}));
    assert_eq!(lines, [""; 0], "a link is not followed");
    let bad = json!({"op": "file.grep", "pattern": "("});
    assert!(matches!(
        world.ask(bad),
        Answer::Failed(Problem::BadArgument(_))
    ));
    world.file("long", "x".repeat(5000));
    let (_, found) = grep(json!({"op": "file.grep", "pattern": "x+", "path": "long"}));
    assert_eq!(found["matches"][0]["cut"], true);
    assert_eq!(found["matches"][0]["text"].as_str().unwrap().len(), 1000);
    world.file("many", "y\n".repeat(50));
    let (lines, found) =
        grep(json!({"op": "file.grep", "pattern": "y", "limit": 10, "path": "many"}));
    assert_eq!((lines.len(), &found["truncated"]), (10, &json!(true)));
}

#[test]
fn a_grep_of_a_directory_needs_the_right_to_list_it() {
    let world = World::with(By::Kernel, r#"["read"]"#, "", "");
    world.file("a", "needle");
    let grep =
        |path: &str| world.ask(json!({"op": "file.grep", "pattern": "needle", "path": path}));
    assert_eq!(done(grep("a"))["files"], 1);
    assert_eq!(code(&grep(".")), Some(RightNotGranted));
}
