//! What the operations that change something do in a grant, and how they fail there.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use lobsterpot::capability::Problem;
use lobsterpot::model::RefusalCode::{HiddenPath, LimitExceeded, ProtectedPath, RightNotGranted};
use serde_json::json;

use super::world::{Answer, By, EVERYTHING, World, code, done};

/// The names in a directory of the grant, as the host sees them.
fn names(world: &World, path: &str) -> Vec<String> {
    let entries = fs::read_dir(world.inside(path)).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<String> = entries
        .map(name)
        .map(|name| name.into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_write_replaces_the_whole_content_and_keeps_the_mode() {
    let world = World::new();
    world.file("run.sh", "old and longer");
    fs::set_permissions(world.inside("run.sh"), fs::Permissions::from_mode(0o4750)).unwrap();
    let before = fs::metadata(world.inside("run.sh")).unwrap();
    let write = json!({"op": "file.write", "path": "run.sh", "content": "new"});
    assert_eq!(done(world.ask(write))["created"], false);
    let after = fs::metadata(world.inside("run.sh")).unwrap();
    assert_eq!(world.content("run.sh"), "new");
    assert_eq!(
        after.mode() & 0o7777,
        0o750,
        "the mode, without the set-uid bit"
    );
    assert_ne!(
        before.ino(),
        after.ino(),
        "another file takes the place of the old one"
    );
    assert_eq!(names(&world, ""), ["run.sh"], "nothing is left behind");
}

#[test]
fn a_write_makes_a_file_where_none_is() {
    let world = World::new();
    world.file("d/x", "");
    let write = json!({"op": "file.write", "path": "d/new", "content": "c"});
    assert_eq!(done(world.ask(write)), json!({"bytes": 1, "created": true}));
    assert_eq!(world.content("d/new"), "c");
    let mode = fs::metadata(world.inside("d/new")).unwrap().mode();
    let probe = fs::File::create(world.inside("probe")).unwrap();
    assert_eq!(mode, probe.metadata().unwrap().mode(), "as any new file");
    let nowhere = json!({"op": "file.write", "path": "none/new", "content": "c"});
    assert_eq!(world.ask(nowhere), Answer::Failed(Problem::NotFound));
    let directory = json!({"op": "file.write", "path": "d", "content": "c"});
    assert_eq!(world.ask(directory), Answer::Failed(Problem::IsADirectory));
    let root = json!({"op": "file.write", "path": ".", "content": "c"});
    assert_eq!(world.ask(root), Answer::Failed(Problem::IsADirectory));
}

#[test]
fn a_write_through_a_link_writes_its_target_and_keeps_the_link() {
    let world = World::new();
    world.file("real/a", "old");
    world.link("via", "real/a");
    world.link("dir", "real");
    world.link("fresh", "real/fresh");
    for (path, target) in [
        ("via", "real/a"),
        ("dir/a", "real/a"),
        ("fresh", "real/fresh"),
    ] {
        done(world.ask(json!({"op": "file.write", "path": path, "content": path})));
        assert_eq!(world.content(target), path);
    }
    assert!(
        fs::symlink_metadata(world.inside("via"))
            .unwrap()
            .is_symlink()
    );
    assert!(
        fs::symlink_metadata(world.inside("fresh"))
            .unwrap()
            .is_symlink()
    );
}

#[test]
fn the_rights_of_a_write_depend_on_what_is_there() {
    let rights = |rights: &str| World::with(By::Kernel, rights, "", "");
    let write = |world: &World, path: &str| {
        world.ask(json!({"op": "file.write", "path": path, "content": "new"}))
    };
    let append = |world: &World, path: &str| {
        world.ask(json!({"op": "file.append", "path": path, "content": "new"}))
    };
    let creator = rights(r#"["create"]"#);
    creator.file("old", "old");
    assert_eq!(code(&write(&creator, "old")), Some(RightNotGranted));
    assert_eq!(code(&append(&creator, "old")), Some(RightNotGranted));
    assert_eq!(creator.content("old"), "old");
    done(write(&creator, "fresh"));
    done(append(&creator, "fresh2"));
    let writer = rights(r#"["write"]"#);
    writer.file("old", "old");
    done(write(&writer, "old"));
    assert_eq!(code(&write(&writer, "fresh")), Some(RightNotGranted));
    assert_eq!(code(&append(&writer, "fresh")), Some(RightNotGranted));
    assert_eq!(names(&writer, ""), ["old"]);
}

#[test]
fn an_append_adds_to_the_end() {
    let world = World::new();
    world.file("a", "1");
    world.link("l", "a");
    for path in ["a", "l"] {
        let append = json!({"op": "file.append", "path": path, "content": "2"});
        assert_eq!(
            done(world.ask(append)),
            json!({"bytes": 1, "created": false})
        );
    }
    assert_eq!(world.content("a"), "122");
    let fresh = json!({"op": "file.append", "path": "b", "content": "3"});
    assert_eq!(done(world.ask(fresh))["created"], true);
    assert_eq!(world.content("b"), "3");
}

#[test]
fn an_edit_needs_exactly_one_match() {
    let world = World::new();
    world.file("a", "x y x");
    let edit = |old: &str, all: bool| {
        let edit =
            json!({"op": "file.edit", "path": "a", "old_text": old, "new_text": "z", "all": all});
        world.ask(edit)
    };
    assert_eq!(edit("q", false), Answer::Failed(Problem::NoMatch));
    assert_eq!(
        edit("x", false),
        Answer::Failed(Problem::ManyMatches { count: 2 })
    );
    assert!(matches!(
        edit("", false),
        Answer::Failed(Problem::BadArgument(_))
    ));
    assert_eq!(world.content("a"), "x y x");
    assert_eq!(done(edit("y", false))["replaced"], 1);
    assert_eq!(done(edit("x", true))["replaced"], 2);
    assert_eq!(world.content("a"), "z z z");
    assert_eq!(names(&world, ""), ["a"]);
}

#[test]
fn a_directory_is_made_with_those_above_it_on_request() {
    let world = World::new();
    world.file("file", "");
    world.link("dangling", "none");
    let mkdir = |path: &str, parents: bool| {
        world.ask(json!({"op": "file.mkdir", "path": path, "parents": parents}))
    };
    assert_eq!(mkdir("a/b/c", false), Answer::Failed(Problem::NotFound));
    assert_eq!(done(mkdir("a/b/c", true))["created"], 3);
    assert_eq!(done(mkdir("a/b/c", true))["created"], 0);
    assert_eq!(mkdir("a", false), Answer::Failed(Problem::AlreadyExists));
    assert_eq!(done(mkdir("a/d", false))["created"], 1);
    assert_eq!(mkdir("file", true), Answer::Failed(Problem::AlreadyExists));
    assert_eq!(
        mkdir("file/x", true),
        Answer::Failed(Problem::NotADirectory)
    );
    assert_eq!(
        mkdir("dangling", true),
        Answer::Failed(Problem::AlreadyExists)
    );
    assert_eq!(code(&mkdir(".env", false)), Some(HiddenPath));
    assert_eq!(code(&mkdir("locked/x", true)), Some(ProtectedPath));
    assert!(world.inside("a/d").is_dir() && !world.inside("locked").exists());
}

#[test]
fn a_move_changes_the_name_and_keeps_what_stands_there() {
    let world = World::new();
    world.file("a", "a");
    world.file("b", "b");
    world.file("d/x", "x");
    let go = |from: &str, to: &str, replace: bool| {
        world.ask(json!({"op": "file.move", "from": from, "to": to, "replace": replace}))
    };
    assert_eq!(go("a", "b", false), Answer::Failed(Problem::AlreadyExists));
    assert_eq!(world.content("b"), "b");
    assert_eq!(done(go("a", "b", true))["replaced"], true);
    assert_eq!(world.content("b"), "a");
    assert_eq!(done(go("d", "e", false))["replaced"], false);
    assert_eq!(world.content("e/x"), "x");
    assert_eq!(go("e", "e/f", false), Answer::Failed(Problem::IntoItself));
    assert_eq!(go("none", "f", false), Answer::Failed(Problem::NotFound));
    assert_eq!(go("b", "none/f", false), Answer::Failed(Problem::NotFound));
    assert_eq!(go("b", "e", true), Answer::Failed(Problem::IsADirectory));
    world.link("l", "e/x");
    done(go("l", "m", false));
    assert!(
        fs::symlink_metadata(world.inside("m"))
            .unwrap()
            .is_symlink()
    );
}

#[test]
fn a_copy_has_the_content_and_leaves_the_original() {
    let world = World::new();
    world.file("a", "a");
    fs::set_permissions(world.inside("a"), fs::Permissions::from_mode(0o751)).unwrap();
    world.file("b", "b");
    let copy = |from: &str, to: &str, replace: bool| {
        world.ask(json!({"op": "file.copy", "from": from, "to": to, "replace": replace}))
    };
    assert_eq!(
        done(copy("a", "c", false)),
        json!({"bytes": 1, "created": true})
    );
    assert_eq!(world.content("c"), "a");
    assert_eq!(
        fs::metadata(world.inside("c")).unwrap().mode() & 0o100,
        0o100
    );
    assert_eq!(
        copy("a", "b", false),
        Answer::Failed(Problem::AlreadyExists)
    );
    assert_eq!(world.content("b"), "b");
    done(copy("a", "b", true));
    assert_eq!(world.content("b"), "a");
    assert!(matches!(
        copy("a", "a", true),
        Answer::Failed(Problem::BadArgument(_))
    ));
    fs::create_dir(world.inside("d")).unwrap();
    assert_eq!(copy("d", "e", false), Answer::Failed(Problem::IsADirectory));
    assert_eq!(code(&copy("a", ".env", false)), Some(HiddenPath));
    assert_eq!(code(&copy("a", "locked", false)), Some(ProtectedPath));
}

#[test]
fn a_delete_removes_a_name() {
    let world = World::new();
    world.file("a", "");
    world.file("d/x/y", "");
    world.file("target", "kept");
    world.link("l", "target");
    world.link("d/out", world.outside(""));
    let delete = |path: &str, recursive: bool| {
        world.ask(json!({"op": "file.delete", "path": path, "recursive": recursive}))
    };
    assert_eq!(done(delete("a", false))["removed"], 1);
    assert_eq!(delete("a", false), Answer::Failed(Problem::NotFound));
    done(delete("l", false));
    assert_eq!(world.content("target"), "kept");
    assert_eq!(delete("d", false), Answer::Failed(Problem::NotEmpty));
    assert_eq!(done(delete("d", true))["removed"], 4);
    assert_eq!(names(&world, ""), ["target"]);
    assert!(world.outside_is_untouched());
    for root in [".", "d/..", world.inside("").to_str().unwrap()] {
        assert_eq!(code(&delete(root, true)), Some(ProtectedPath), "{root}");
    }
}

#[test]
fn a_directory_with_an_exception_in_it_stays_whole() {
    let hide = r#"hide = ["secrets/key", "**/*.pem"]"#;
    let world = World::with(By::Kernel, EVERYTHING, hide, r#"protect = [".git/hooks"]"#);
    for path in [
        ".git/hooks/x",
        ".git/a",
        "d/e/a.pem",
        "d/first",
        "ok/a",
        "secrets/other",
        "tree/hooks/h",
    ] {
        world.file(path, "kept");
    }
    let delete = |path: &str| {
        code(&world.ask(json!({"op": "file.delete", "path": path, "recursive": true})))
    };
    let go =
        |from: &str, to: &str| code(&world.ask(json!({"op": "file.move", "from": from, "to": to})));
    assert_eq!(delete(".git"), Some(ProtectedPath));
    assert_eq!(delete("d"), Some(HiddenPath));
    assert_eq!(
        delete("secrets"),
        Some(HiddenPath),
        "whether or not the key exists"
    );
    assert_eq!(go(".git", "g"), Some(ProtectedPath));
    assert_eq!(go("d", "f"), Some(HiddenPath));
    // What is moved must not bring anything into a protected or hidden place either.
    fs::rename(world.inside(".git"), world.inside("git")).unwrap();
    assert_eq!(go("tree", ".git"), Some(ProtectedPath));
    assert_eq!(go("tree/hooks", ".git/hooks"), Some(ProtectedPath));
    assert_eq!(go("ok/a", "secrets/key"), Some(HiddenPath));
    for path in [
        "git/hooks/x",
        "git/a",
        "d/e/a.pem",
        "d/first",
        "secrets/other",
        "tree/hooks/h",
    ] {
        assert_eq!(world.content(path), "kept", "{path}");
    }
    assert_eq!(
        delete("ok"),
        None,
        "the control: a directory without exceptions"
    );
    assert!(!world.inside("ok").exists());
}

/// A file called `.git` names another directory for git to read its settings from.
#[test]
fn only_a_directory_is_put_on_the_way_to_what_is_protected() {
    let protect = r#"protect = [".git/config", "**/hooks/pre-commit"]"#;
    let world = World::with(By::Kernel, EVERYTHING, "", protect);
    world.file("mine", "mine");
    world.file("tree/inner/hooks", "kept");
    let ask = |request: serde_json::Value| code(&world.ask(request));
    for path in [".git", ".GIT", "a/hooks"] {
        let above = world.inside(path);
        fs::create_dir_all(above.parent().unwrap()).unwrap();
        for request in [
            json!({"op": "file.write", "path": path, "content": "gitdir: evil"}),
            json!({"op": "file.append", "path": path, "content": "gitdir: evil"}),
            json!({"op": "file.copy", "from": "mine", "to": path}),
            json!({"op": "file.move", "from": "mine", "to": path}),
        ] {
            assert_eq!(ask(request.clone()), Some(ProtectedPath), "{request}");
            assert!(!above.exists(), "{request}");
        }
    }
    let taken = json!({"op": "file.move", "from": "tree", "to": "elsewhere"});
    assert_eq!(ask(taken), Some(ProtectedPath));
    // What the host has there is not changed either.
    world.file(".git", "gitdir: /elsewhere");
    for request in [
        json!({"op": "file.write", "path": ".git", "content": "gitdir: evil"}),
        json!({"op": "file.append", "path": ".git", "content": "x"}),
        json!({"op": "file.edit", "path": ".git", "old_text": "elsewhere", "new_text": "evil"}),
        json!({"op": "file.delete", "path": ".git"}),
        json!({"op": "file.move", "from": ".git", "to": "other"}),
    ] {
        assert_eq!(ask(request.clone()), Some(ProtectedPath), "{request}");
        assert_eq!(world.content(".git"), "gitdir: /elsewhere", "{request}");
    }
    fs::remove_file(world.inside(".git")).unwrap();
    let directory = json!({"op": "file.mkdir", "path": ".git"});
    assert_eq!(ask(directory), None, "the control");
    done(world.ask(json!({"op": "file.write", "path": ".git/HEAD", "content": "x"})));
}

#[test]
fn a_file_may_not_be_larger_than_the_policy_says() {
    let world = World::of(
        By::Kernel,
        "[[grant]]\nname = \"root\"\npath = \"${root}\"\nrights = [\"read\", \"write\", \"create\"]\nreason = \"t\"\n\
         [limits]\nfile-size = \"4 B\"\n",
    );
    world.file("a", "123");
    let ask = |op: &str, path: &str, content: &str| {
        code(&world.ask(json!({"op": op, "path": path, "content": content})))
    };
    assert_eq!(ask("file.write", "a", "1234"), None);
    assert_eq!(ask("file.write", "a", "12345"), Some(LimitExceeded));
    assert_eq!(ask("file.append", "a", "5"), Some(LimitExceeded));
    assert_eq!(ask("file.append", "new", "12345"), Some(LimitExceeded));
    let edit = json!({"op": "file.edit", "path": "a", "old_text": "1", "new_text": "ab"});
    assert_eq!(code(&world.ask(edit)), Some(LimitExceeded));
    assert_eq!(world.content("a"), "1234");
}
