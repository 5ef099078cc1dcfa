//! Hostile paths and links. Each attack works without the capability (the control), and
//! what it is after is watched from outside.

use std::fs;
use std::path::PathBuf;

use lobsterpot::capability::Problem;
use lobsterpot::model::RefusalCode::{HiddenPath, OutsideCapability, ProtectedPath};
use serde_json::{Value, json};

use super::world::{Answer, SECRET, World, code, done, worlds};

/// Every request that follows a link at the end of its path.
fn following(path: &str) -> Vec<Value> {
    vec![
        json!({"op": "file.read", "path": path}),
        json!({"op": "file.read", "path": path, "lines": {"from": 1}}),
        json!({"op": "file.write", "path": path, "content": "changed"}),
        json!({"op": "file.append", "path": path, "content": "changed"}),
        json!({"op": "file.edit", "path": path, "old_text": "secret", "new_text": "changed"}),
        json!({"op": "file.list", "path": path}),
        json!({"op": "file.glob", "path": path, "pattern": "**"}),
        json!({"op": "file.grep", "path": path, "pattern": "secret"}),
        json!({"op": "file.copy", "from": path, "to": "loot", "replace": true}),
        json!({"op": "file.copy", "from": "mine", "to": path, "replace": true}),
    ]
}

/// Every request, on a path below something.
fn every(path: &str) -> Vec<Value> {
    let mut requests = following(path);
    requests.extend([
        json!({"op": "file.stat", "path": path}),
        json!({"op": "file.mkdir", "path": path, "parents": true}),
        json!({"op": "file.delete", "path": path, "recursive": true}),
        json!({"op": "file.move", "from": path, "to": "loot", "replace": true}),
        json!({"op": "file.move", "from": "mine", "to": path, "replace": true}),
    ]);
    requests
}

/// The answer with the attacked path's own name taken out of the message.
fn blind(answer: Answer, path: &str) -> Answer {
    match answer {
        Answer::Denied(code, message) => Answer::Denied(code, message.replace(path, "PATH")),
        other => other,
    }
}

#[test]
fn paths_that_lead_outside_by_their_letters() {
    for world in worlds() {
        world.file("mine", "mine");
        world.file("d/x", "");
        let absolute = world.outside("secret");
        assert_eq!(
            fs::read_to_string(world.inside("../outside/secret")).unwrap(),
            SECRET
        );
        let missing = world.outside("none");
        for path in [
            "../outside/secret",
            "../outside/none",
            "../outside",
            "d/../../outside/secret",
            "none/../../outside/secret",
            absolute.to_str().unwrap(),
            missing.to_str().unwrap(),
            "..",
            "/",
            "/proc/self/root",
            "/etc/passwd",
            "../grant2",
        ] {
            for request in every(path) {
                let answer = world.ask(request.clone());
                assert_eq!(
                    code(&answer),
                    Some(OutsideCapability),
                    "{request} {answer:?}"
                );
            }
        }
        assert_eq!(world.read("d/../mine").unwrap(), "mine");
        assert_eq!(world.read("none/../mine").unwrap(), "mine", "by letters");
        assert!(world.outside_is_untouched());
    }
}

/// Ways out of a grant: to what exists, to what does not, and to what is no way at all.
fn targets_outside(world: &World) -> Vec<PathBuf> {
    let outside = world.outside("");
    vec![
        "../outside/secret".into(),
        "../outside/none".into(),
        "../outside/none/deeper".into(),
        "../outside/secret/not-a-directory".into(),
        "../outside/dir".into(),
        "../outside/loop".into(),
        "..".into(),
        "../..".into(),
        "../../../../../../../../../..".into(),
        "d/../../outside/secret".into(),
        "../grant/mine".into(),
        "/".into(),
        "/etc/shadow".into(),
        "/none".into(),
        "/proc/self/root/etc/passwd".into(),
        "/proc/self/cwd".into(),
        "/proc/self/fd/0".into(),
        "/dev/stdin".into(),
        outside.join("secret"),
        outside.join("none"),
        outside,
    ]
}

#[test]
fn links_that_lead_outside_give_one_answer_whether_or_not_anything_is_there() {
    for world in worlds() {
        world.file("mine", "mine");
        world.file("d/x", "");
        fs::create_dir(world.outside("dir")).unwrap();
        fs::write(world.outside("dir/secret"), SECRET).unwrap();
        let targets = targets_outside(&world);
        std::os::unix::fs::symlink("loop", world.outside("loop")).unwrap();
        for (number, target) in targets.iter().enumerate() {
            let link = format!("link-{number:02}");
            let chain = format!("chai-{number:02}");
            world.link(&link, target);
            world.link(&chain, format!("d/../{link}"));
            for path in [link.clone(), chain] {
                for request in following(&path) {
                    let answer = blind(world.ask(request.clone()), &path);
                    let expected = denied_outside("PATH");
                    assert_eq!(answer, expected, "{request} -> {}", target.display());
                }
            }
            for below in ["x", "secret", "none/x"] {
                let path = format!("{link}/{below}");
                for request in every(&path) {
                    let answer = blind(world.ask(request.clone()), &path);
                    assert_eq!(
                        answer,
                        denied_outside("PATH"),
                        "{request} -> {}",
                        target.display()
                    );
                }
            }
        }
        assert_eq!(
            fs::read_to_string(world.inside("link-00")).unwrap(),
            SECRET,
            "the control"
        );
        assert_eq!(fs::read_to_string(world.outside("secret")).unwrap(), SECRET);
        assert_eq!(
            fs::read_to_string(world.outside("dir/secret")).unwrap(),
            SECRET
        );
        assert!(!world.outside("none").exists() && !world.inside("loot").exists());
    }
}

fn denied_outside(path: &str) -> Answer {
    let message = format!(
        "sandbox: {path}: Permission denied (blocked by sandbox: outside every granted directory) \
         [code=outside-capability]"
    );
    Answer::Denied(OutsideCapability, message)
}

#[test]
fn a_link_itself_can_be_looked_at_moved_and_removed() {
    let world = World::new();
    world.link("l", world.outside("secret"));
    assert_eq!(done(world.on("file.stat", "l"))["kind"], "link");
    done(world.ask(json!({"op": "file.move", "from": "l", "to": "m"})));
    done(world.on("file.delete", "m"));
    assert!(world.outside_is_untouched());
}

#[test]
fn links_that_stay_inside_are_followed() {
    for world in worlds() {
        world.file("real/deep/a", "a");
        world.link("rel", "real/deep/a");
        world.link("real/up", "../real/deep");
        world.link("abs", world.inside("real/deep/a"));
        world.link("dir", "real/./deep/../deep//");
        world.link("chain", "rel");
        for path in [
            "rel",
            "real/up/a",
            "abs",
            "dir/a",
            "chain",
            "real/up/../deep/a",
        ] {
            assert_eq!(world.read(path), Ok("a".into()), "{path}");
        }
        world.link("loop", "loop2");
        world.link("loop2", "loop");
        assert_eq!(
            world.on("file.read", "loop"),
            Answer::Failed(Problem::TooManyLinks)
        );
        assert_eq!(
            world.on("file.read", "loop/x"),
            Answer::Failed(Problem::TooManyLinks)
        );
        world.link("dangling", "real/none");
        assert_eq!(
            world.on("file.read", "dangling"),
            Answer::Failed(Problem::NotFound)
        );
        world.link("through", "real/deep/a/../a");
        assert_eq!(
            world.on("file.read", "through"),
            Answer::Failed(Problem::NotADirectory)
        );
        assert_eq!(
            world.on("file.read", "real/deep/a/x"),
            Answer::Failed(Problem::NotADirectory)
        );
    }
}

#[test]
fn what_is_hidden_answers_alike_whether_or_not_it_exists() {
    for world in worlds() {
        world.file("mine", "mine");
        world.file("vault/key", SECRET);
        world.file("vault/dir/x", SECRET);
        world.link("vault/back", "../mine");
        for (link, target) in [
            ("l1", "vault/key"),
            ("l2", "vault/none"),
            ("l3", ".env"),
            ("l4", "vault/key/x"),
            ("l5", "vault/dir/../../mine"),
            ("l6", "vault/none/../../mine"),
            ("l7", "vault/back"),
            ("l8", "VAULT/key"),
        ] {
            world.link(link, target);
            for request in following(link) {
                let answer = blind(world.ask(request.clone()), link);
                assert_eq!(
                    code(&answer),
                    Some(HiddenPath),
                    "{request} -> {target}: {answer:?}"
                );
            }
        }
        for path in [
            "vault",
            "vault/key",
            "vault/none",
            ".env",
            ".env/x",
            "Vault/key",
            ".ENV",
        ] {
            for request in every(path) {
                let answer = world.ask(request.clone());
                assert_eq!(code(&answer), Some(HiddenPath), "{request}: {answer:?}");
            }
        }
        assert_eq!(
            fs::read_to_string(world.inside("l1")).unwrap(),
            SECRET,
            "the control"
        );
        assert_eq!(world.content("vault/key"), SECRET);
        assert!(!world.inside("loot").exists());
        let listed = done(world.on("file.list", ".")).to_string();
        assert!(
            !listed.contains("vault") && listed.contains("mine"),
            "{listed}"
        );
    }
}

#[test]
fn what_is_protected_is_not_changed_by_any_way() {
    for world in worlds() {
        world.file("locked/a", "kept");
        world.file("mine", "mine");
        world.link("l", "locked/a");
        world.link("d", "locked");
        world.link("new", "locked/new");
        let mut refused = Vec::new();
        for path in ["locked/a", "l", "d/a", "d/new", "new", "locked/new"] {
            refused.extend([
                json!({"op": "file.write", "path": path, "content": "changed"}),
                json!({"op": "file.append", "path": path, "content": "changed"}),
                json!({"op": "file.copy", "from": "mine", "to": path, "replace": true}),
            ]);
        }
        for path in ["locked", "locked/a", "d/a"] {
            refused.push(json!({"op": "file.delete", "path": path, "recursive": true}));
            refused.push(json!({"op": "file.move", "from": path, "to": "elsewhere"}));
        }
        for path in ["locked/new", "d/new"] {
            refused.push(json!({"op": "file.mkdir", "path": path}));
            refused.push(json!({"op": "file.move", "from": "mine", "to": path}));
        }
        for request in refused {
            let answer = world.ask(request.clone());
            assert_eq!(code(&answer), Some(ProtectedPath), "{request} {answer:?}");
        }
        assert_eq!(world.read("l").unwrap(), "kept", "reading is granted");
        assert_eq!(world.content("locked/a"), "kept");
        assert_eq!(fs::read_dir(world.inside("locked")).unwrap().count(), 1);
        done(world.ask(json!({"op": "file.write", "path": "mine", "content": "the control"})));
    }
}
