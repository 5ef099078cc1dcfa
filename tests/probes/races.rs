//! Names swapped by another thread while requests are carried out.
//!
//! Each race is run against the plain calls of the standard library too, as the control:
//! there the secret comes out, or the outside is changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use serde_json::{Value, json};

use super::world::{Answer, By, EVERYTHING, SECRET, World};

const ROUNDS: usize = 2000;

/// How often the plain calls are tried at most, until one of them falls into the race.
const CONTROL_ROUNDS: usize = 400_000;

/// Ends the other thread of a race, also where an assertion ends this one.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Swaps two names, over and over, while the closure runs.
fn while_swapping<T>(one: &Path, other: &Path, run: impl FnOnce() -> T) -> T {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                renameat2(AT_FDCWD, one, AT_FDCWD, other, RenameFlags::RENAME_EXCHANGE).unwrap();
                // Leaves the processor to the others now and then, so that both sides get on.
                thread::yield_now();
            }
        });
        let _stop = Stop(&stop);
        run()
    })
}

/// `d/x` in the grant is public; `d` is swapped with a link that leads to where `x` is secret.
fn with_swapped_directory(by: By, target: &str) -> (World, PathBuf, PathBuf) {
    let world = World::with(by, EVERYTHING, r#"hide = ["vault"]"#, "");
    world.file("d/x", "public");
    world.file("vault/x", SECRET);
    fs::write(world.outside("x"), SECRET).unwrap();
    world.link("other", target);
    let (one, other) = (world.inside("d"), world.inside("other"));
    (world, one, other)
}

/// How the answers of a race were spread.
#[derive(Debug, Default)]
struct Count {
    done: usize,
    refused: usize,
}

/// Asks over and over; the secret must never be in an answer.
fn hammer(world: &World, request: &Value) -> Count {
    let mut count = Count::default();
    // Compiling a pattern takes its time where nothing is optimised.
    let rounds = if request.get("pattern").is_some() {
        ROUNDS / 10
    } else {
        ROUNDS
    };
    for _ in 0..rounds {
        match world.ask(request.clone()) {
            Answer::Done(value) => {
                assert!(!value.to_string().contains(SECRET), "{request}: {value}");
                count.done += 1;
            }
            Answer::Denied(..) | Answer::Failed(_) => count.refused += 1,
        }
    }
    count
}

#[test]
fn a_directory_swapped_with_a_link_never_gives_the_secret() {
    for (by, target) in [
        (By::Kernel, "../outside"),
        (By::Kernel, "vault"),
        (By::Hand, "../outside"),
        (By::Hand, "vault"),
    ] {
        let (world, one, other) = with_swapped_directory(by, target);
        while_swapping(&one, &other, || {
            let path = world.inside("d/x");
            let control = (0..CONTROL_ROUNDS)
                .any(|_| fs::read_to_string(&path).is_ok_and(|text| text == SECRET));
            assert!(control, "the plain calls must fall into the race");
            for request in [
                json!({"op": "file.read", "path": "d/x"}),
                json!({"op": "file.grep", "path": "d", "pattern": "."}),
                json!({"op": "file.grep", "path": ".", "pattern": ".", "glob": "x"}),
                json!({"op": "file.copy", "from": "d/x", "to": "copy", "replace": true}),
            ] {
                let count = hammer(&world, &request);
                assert!(count.done > 0, "{request} {count:?}");
                if world.inside("copy").exists() {
                    assert_eq!(world.content("copy"), "public");
                }
            }
        });
    }
}

#[test]
fn a_file_swapped_with_a_link_never_gives_the_secret() {
    for by in [By::Kernel, By::Hand] {
        let world = World::with(by, EVERYTHING, "", "");
        world.file("x", "public");
        world.link("other", world.outside("secret"));
        let (one, other) = (world.inside("x"), world.inside("other"));
        while_swapping(&one, &other, || {
            let control = (0..CONTROL_ROUNDS)
                .any(|_| fs::read_to_string(&one).is_ok_and(|text| text == SECRET));
            assert!(control, "the plain calls must fall into the race");
            let count = hammer(&world, &json!({"op": "file.read", "path": "x"}));
            assert!(count.done > 0 && count.refused > 0, "{count:?}");
        });
    }
}

#[test]
fn names_from_outside_never_appear() {
    for (by, target) in [(By::Kernel, "../outside"), (By::Hand, "vault")] {
        let (world, one, other) = with_swapped_directory(by, target);
        for place in [world.outside(""), world.inside("vault")] {
            fs::write(place.join(SECRET), "").unwrap();
        }
        while_swapping(&one, &other, || {
            for request in [
                json!({"op": "file.list", "path": "d"}),
                json!({"op": "file.glob", "path": ".", "pattern": "**/*"}),
                json!({"op": "file.glob", "path": "d", "pattern": "*"}),
            ] {
                let count = hammer(&world, &request);
                assert!(count.done > 0, "{request} {count:?}");
            }
        });
    }
}

#[test]
fn nothing_outside_is_changed() {
    for by in [By::Kernel, By::Hand] {
        let (world, one, other) = with_swapped_directory(by, "../outside");
        world.file("source", "changed");
        let requests = [
            json!({"op": "file.write", "path": "d/x", "content": "changed"}),
            json!({"op": "file.append", "path": "d/x", "content": "changed"}),
            json!({"op": "file.edit", "path": "d/x", "old_text": "secret", "new_text": "changed"}),
            json!({"op": "file.write", "path": "d/new", "content": "changed"}),
            json!({"op": "file.mkdir", "path": "d/e/f", "parents": true}),
            json!({"op": "file.copy", "from": "source", "to": "d/copied", "replace": true}),
            json!({"op": "file.move", "from": "source", "to": "d/moved"}),
            json!({"op": "file.move", "from": "d/moved", "to": "source"}),
            json!({"op": "file.delete", "path": "d/new"}),
            json!({"op": "file.delete", "path": "d/e", "recursive": true}),
        ];
        while_swapping(&one, &other, || {
            for round in 0..ROUNDS {
                world.ask(requests[round % requests.len()].clone());
            }
        });
        let mut names: Vec<_> = fs::read_dir(world.outside(""))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["secret", "x"]);
        assert_eq!(fs::read_to_string(world.outside("x")).unwrap(), SECRET);
        while_swapping(&one, &other, || {
            let path = world.inside("d/control");
            let control = (0..CONTROL_ROUNDS).any(|_| {
                let _ = fs::write(&path, "changed");
                world.outside("control").exists()
            });
            assert!(control, "the plain calls must fall into the race");
        });
    }
}

#[test]
fn a_delete_never_goes_through_a_link() {
    let (world, one, other) = with_swapped_directory(By::Kernel, "../outside");
    while_swapping(&one, &other, || {
        for _ in 0..ROUNDS / 4 {
            let delete = json!({"op": "file.delete", "path": "tree", "recursive": true});
            world.file("tree/d/x", "");
            let (swapped, link) = (world.inside("tree/d"), world.inside("tree/l"));
            std::os::unix::fs::symlink(world.outside(""), &link).unwrap();
            thread::scope(|scope| {
                scope.spawn(|| {
                    let _ = renameat2(
                        AT_FDCWD,
                        &swapped,
                        AT_FDCWD,
                        &link,
                        RenameFlags::RENAME_EXCHANGE,
                    );
                });
                world.ask(delete.clone());
            });
            let _ = fs::remove_dir_all(world.inside("tree"));
        }
    });
    assert_eq!(fs::read_to_string(world.outside("x")).unwrap(), SECRET);
}

#[test]
fn a_swapped_root_changes_nothing() {
    for by in [By::Kernel, By::Hand] {
        let world = World::with(by, EVERYTHING, "", "");
        world.file("x", "public");
        fs::write(world.outside("x"), SECRET).unwrap();
        let (one, other) = (world.top().join("grant"), world.top().join("outside"));
        while_swapping(&one, &other, || {
            let path = world.inside("x");
            let control = (0..CONTROL_ROUNDS)
                .any(|_| fs::read_to_string(&path).is_ok_and(|text| text == SECRET));
            assert!(control, "the plain calls must fall into the race");
            let count = hammer(&world, &json!({"op": "file.read", "path": "x"}));
            assert_eq!(
                count.refused, 0,
                "the handle is the same directory throughout"
            );
        });
    }
}

#[test]
fn a_content_is_never_seen_half_written() {
    let world = World::new();
    let contents = ["a", "b"].map(|letter| letter.repeat(200_000));
    world.file("x", &contents[0]);
    let path = world.inside("x");
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let seen = fs::read_to_string(&path).unwrap();
                assert!(contents.contains(&seen), "{} bytes", seen.len());
            }
        });
        let _stop = Stop(&stop);
        for round in 0..500 {
            let content = &contents[round % 2];
            let answer = world.ask(json!({"op": "file.write", "path": "x", "content": content}));
            assert!(matches!(answer, Answer::Done(_)), "{answer:?}");
        }
    });
    assert_eq!(
        fs::read_dir(world.inside("")).unwrap().count(),
        1,
        "nothing is left behind"
    );
}
