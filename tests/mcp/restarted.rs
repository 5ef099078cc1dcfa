//! A worker that ends is started again on what the session was opened on, or not at all.

use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use super::world::{Client, World, children, wait_until};

/// Ends the worker of the session as nobody expects, and waits until the server has noticed.
fn end_worker(client: &Client) {
    let server = client.pid();
    for worker in children(server) {
        kill(Pid::from_raw(worker), Signal::SIGKILL).unwrap();
        wait_until("the worker is gone", || {
            !Path::new(&format!("/proc/{worker}")).exists()
        });
    }
}

/// What reading a file says, and whether the file was read.
fn read(client: &mut Client, path: &str) -> (String, bool) {
    let answer = client.call("read", json!({ "path": path }));
    (answer.text(), !answer.is_error())
}

#[track_caller]
fn is_refused(client: &mut Client) {
    for _ in 0..2 {
        let read = client.call("read", json!({"path": "notes.txt"}));
        let listed = client.call("list", json!({}));
        let ran = client.call("shell", json!({"command": "cat notes.txt"}));
        for answer in [read, listed, ran] {
            assert!(answer.is_error(), "{answer:?}");
            assert!(answer.text().contains("has been replaced"), "{answer:?}");
            assert!(!answer.text().contains("another"), "{answer:?}");
        }
    }
}

#[test]
fn a_worker_that_ended_is_started_again_with_the_next_call() {
    let world = World::new();
    let mut client = world.serve(&[]);
    for _ in 0..2 {
        assert_eq!(read(&mut client, "notes.txt").0, "buy milk\n");
        end_worker(&client);
        // What lies in the root plays no part.
        world.write("work/more.txt", "more\n");
    }
    assert_eq!(read(&mut client, "more.txt").0, "more\n");
    assert_eq!(client.leave(), Some(0));
}

#[test]
fn on_another_root_of_the_same_name_it_is_not_started_again() {
    let world = World::new();
    let mut client = world.serve(&[]);
    assert!(read(&mut client, "notes.txt").1);
    end_worker(&client);
    let (work, away) = (world.path("work"), world.path("away"));
    std::fs::rename(&work, &away).unwrap();
    world.write("work/notes.txt", "another root\n");
    is_refused(&mut client);
    // A link to the same one is another way, and one to elsewhere is no way at all.
    std::fs::rename(&work, world.path("other")).unwrap();
    std::os::unix::fs::symlink(world.path("other"), &work).unwrap();
    is_refused_or_fails(&mut client);
    // With the first one back in its place, the session goes on.
    std::fs::remove_file(&work).unwrap();
    std::fs::rename(&away, &work).unwrap();
    assert_eq!(read(&mut client, "notes.txt").0, "buy milk\n");
    assert_eq!(client.leave(), Some(0));
}

#[track_caller]
fn is_refused_or_fails(client: &mut Client) {
    let read = client.call("read", json!({"path": "notes.txt"}));
    assert!(read.is_error(), "{read:?}");
    assert!(!read.text().contains("another"), "{read:?}");
}

#[test]
fn under_another_policy_of_the_same_name_it_is_not_started_again() {
    let world = World::new();
    let shown = world.command(["policy", "show", "read-only"]).output();
    let first = String::from_utf8(shown.unwrap().stdout).unwrap();
    let policy = world.write("home/mine.toml", &first);
    let mut client = world.serve(&["--policy", policy.to_str().unwrap()]);
    assert!(read(&mut client, "notes.txt").1);
    end_worker(&client);
    let shown = world.command(["policy", "show", "workspace"]).output();
    let another = String::from_utf8(shown.unwrap().stdout).unwrap();
    for other in [another.as_str(), &format!("{first}\n# one more line\n")] {
        world.write("home/mine.toml", other);
        is_refused(&mut client);
        let wrote = client.call("write", json!({"path": "new.txt", "content": "x"}));
        assert!(wrote.is_error(), "{wrote:?}");
        assert!(!world.path("work/new.txt").exists());
    }
    world.write("home/mine.toml", &first);
    assert_eq!(read(&mut client, "notes.txt").0, "buy milk\n");
    assert_eq!(client.leave(), Some(0));
}

#[test]
fn on_another_grant_of_the_same_name_it_is_not_started_again() {
    let world = World::new();
    world.write("home/data/notes.txt", "data\n");
    let shown = world.command(["policy", "show", "read-only"]).output();
    let grant = format!(
        "\n[[grant]]\nname = \"data\"\npath = {:?}\nrights = [\"list\", \"read\"]\nreason = \"a test\"\n",
        world.path("home/data")
    );
    let text = String::from_utf8(shown.unwrap().stdout).unwrap() + &grant;
    let policy = world.write("home/mine.toml", &text);
    let mut client = world.serve(&["--policy", policy.to_str().unwrap()]);
    let data = world.path("home/data/notes.txt");
    assert_eq!(read(&mut client, data.to_str().unwrap()).0, "data\n");
    end_worker(&client);
    std::fs::rename(world.path("home/data"), world.path("home/old")).unwrap();
    world.write("home/data/notes.txt", "another\n");
    is_refused(&mut client);
    let (said, was_read) = read(&mut client, data.to_str().unwrap());
    assert!(!was_read && said.contains("has been replaced"), "{said}");
    assert_eq!(client.leave(), Some(0));
}
