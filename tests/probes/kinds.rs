//! What is no regular file, has several names, or a name that deceives.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use lobsterpot::capability::Problem;
use lobsterpot::model::RefusalCode::ProtectedPath;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::mkfifo;
use serde_json::json;

use super::world::{Answer, By, EVERYTHING, SECRET, World, code, done, worlds};

#[test]
fn nothing_but_regular_files_is_opened_and_nothing_blocks() {
    for world in worlds() {
        mkfifo(&world.inside("fifo"), Mode::from_bits_truncate(0o666)).unwrap();
        let _listener = UnixListener::bind(world.inside("socket")).unwrap();
        let mut kinds = vec!["fifo", "socket"];
        let device = makedev(1, 5);
        match mknod(
            &world.inside("device"),
            SFlag::S_IFCHR,
            Mode::from_bits_truncate(0o666),
            device,
        ) {
            Ok(()) => kinds.push("device"),
            Err(errno) => println!("skipped: no device to try here: {errno}"),
        }
        world.file("mine", "mine");
        let started = Instant::now();
        for kind in kinds {
            for request in [
                json!({"op": "file.read", "path": kind}),
                json!({"op": "file.write", "path": kind, "content": "x"}),
                json!({"op": "file.append", "path": kind, "content": "x"}),
                json!({"op": "file.edit", "path": kind, "old_text": "x", "new_text": "y"}),
                json!({"op": "file.grep", "path": kind, "pattern": "x"}),
                json!({"op": "file.copy", "from": kind, "to": "loot"}),
                json!({"op": "file.copy", "from": "mine", "to": kind, "replace": true}),
                json!({"op": "file.move", "from": "mine", "to": kind, "replace": true}),
            ] {
                let answer = world.ask(request.clone());
                assert_eq!(
                    answer,
                    Answer::Failed(Problem::NotRegular(kind)),
                    "{request}"
                );
            }
            assert_eq!(done(world.on("file.stat", kind))["kind"], kind);
        }
        let found = done(world.ask(json!({"op": "file.grep", "pattern": "mine"})));
        assert_eq!(found["files"], 1, "{found}");
        assert!(started.elapsed() < Duration::from_secs(5));
        assert!(
            fs::metadata(world.inside("fifo"))
                .unwrap()
                .file_type()
                .is_fifo()
        );
    }
}

#[test]
fn a_file_with_further_names_is_not_changed() {
    let change = |path: &str| {
        [
            json!({"op": "file.write", "path": path, "content": "changed"}),
            json!({"op": "file.append", "path": path, "content": "changed"}),
            json!({"op": "file.edit", "path": path, "old_text": "secret", "new_text": "changed"}),
            json!({"op": "file.copy", "from": "mine", "to": path, "replace": true}),
            json!({"op": "file.move", "from": "mine", "to": path, "replace": true}),
        ]
    };
    for world in worlds() {
        world.file("mine", "mine");
        fs::hard_link(world.outside("secret"), world.inside("hard")).unwrap();
        world.link("l", "hard");
        for request in change("hard")
            .into_iter()
            .chain(change("l").into_iter().take(4))
        {
            let answer = world.ask(request.clone());
            assert_eq!(code(&answer), Some(ProtectedPath), "{request} {answer:?}");
        }
        assert!(world.outside_is_untouched());
        assert_eq!(
            world.read("hard").unwrap(),
            SECRET,
            "it is a file of the grant all the same"
        );
        done(world.on("file.delete", "hard"));
        assert!(world.outside_is_untouched());
        fs::hard_link(world.outside("secret"), world.inside("hard")).unwrap();
        fs::OpenOptions::new()
            .append(true)
            .open(world.inside("hard"))
            .unwrap();
        assert_eq!(
            fs::metadata(world.inside("hard")).unwrap().nlink(),
            2,
            "the control"
        );
    }
}

#[test]
fn a_policy_can_allow_changes_of_files_with_further_names() {
    let world = World::with(By::Kernel, EVERYTHING, "", r#"hard-links = "allow""#);
    fs::hard_link(world.outside("secret"), world.inside("hard")).unwrap();
    done(world.ask(json!({"op": "file.append", "path": "hard", "content": "!"})));
    let both = format!("{SECRET}!");
    assert_eq!(fs::read_to_string(world.outside("secret")).unwrap(), both);
    done(world.ask(json!({"op": "file.write", "path": "hard", "content": "own"})));
    assert_eq!(world.content("hard"), "own");
    let outside = fs::read_to_string(world.outside("secret")).unwrap();
    assert_eq!(
        outside, both,
        "a file that is replaced is no longer the same file"
    );
}

#[test]
fn strange_names_are_shown_escaped_and_said_to_be() {
    let world = World::new();
    let names: [&[u8]; 3] = [b"not\xffutf8", b"two\nlines", "dir\u{202e}gpj".as_bytes()];
    for name in names {
        fs::write(world.inside("").join(OsStr::from_bytes(name)), "needle").unwrap();
    }
    let listed = done(world.on("file.list", "."));
    let shown: Vec<_> = listed["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            assert_eq!(one["escaped"], true);
            one["name"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(shown, ["dir\\u{202e}gpj", "not\\xffutf8", "two\\u{a}lines"]);
    let found = done(world.ask(json!({"op": "file.glob", "pattern": "*"})));
    assert!(
        found["paths"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["escaped"] == true)
    );
    let found = done(world.ask(json!({"op": "file.grep", "pattern": "needle"})));
    assert_eq!(found["matches"].as_array().unwrap().len(), 3);
}
