//! Opening the grants of a policy: each once, by its real path, and who resolves below them.

use std::fs;

use lobsterpot::capability::{Capabilities, OpenError};
use lobsterpot::model::RefusalCode::OutsideCapability;
use serde_json::json;
use tempfile::TempDir;

use super::world::{Answer, By, EVERYTHING, World, bind, code, done};

fn grant(path: &str, more: &str) -> String {
    format!(
        "[[grant]]\nname = \"g\"\npath = \"{path}\"\nrights = [\"list\", \"read\", \"write\", \"create\", \"delete\"]\n{more}\nreason = \"t\"\n"
    )
}

/// A directory for a policy that is not to be opened.
fn top() -> (TempDir, std::path::PathBuf) {
    let directory = TempDir::new().unwrap();
    let top = directory.path().canonicalize().unwrap();
    fs::create_dir(top.join("real")).unwrap();
    std::os::unix::fs::symlink("real", top.join("link")).unwrap();
    (directory, top)
}

#[test]
fn a_missing_grant_stops_the_session_unless_it_may_be_missing() {
    let (_kept, top) = top();
    let missing = bind(&top, &grant("${root}/none", ""));
    let error = Capabilities::open(&missing).unwrap_err();
    assert!(matches!(error, OpenError::Missing { .. }), "{error}");
    assert!(error.to_string().starts_with("test.toml:"), "{error}");
    let skipped = bind(&top, &grant("${root}/none", "missing = \"skip\""));
    let opened = Capabilities::open(&skipped).unwrap();
    assert!(opened.handle(skipped.grants()[0].id).is_none());
}

#[test]
fn a_grant_or_hole_through_a_link_stops_the_session() {
    let (_kept, top) = top();
    let link = top.join("link");
    for path in [link.clone(), link.join("deeper")] {
        fs::create_dir_all(top.join("real/deeper")).unwrap();
        let policy = bind(&top, &grant(path.to_str().unwrap(), ""));
        let error = Capabilities::open(&policy).unwrap_err();
        assert!(matches!(error, OpenError::ThroughLink { .. }), "{error}");
        assert!(error.to_string().contains("/real"), "{error}");
    }
    let real = top.join("real");
    let hole = format!(
        "{}\n[[deny]]\npath = \"{}\"\nreason = \"t\"\n",
        grant(real.to_str().unwrap(), ""),
        link.to_str().unwrap()
    );
    assert!(matches!(
        Capabilities::open(&bind(&top, &hole)).unwrap_err(),
        OpenError::ThroughLink { .. }
    ));
    let control = bind(&top, &grant(real.to_str().unwrap(), ""));
    assert!(Capabilities::open(&control).is_ok());
}

#[test]
fn the_handle_is_the_granted_directory_whatever_its_path_becomes() {
    let world = World::new();
    world.file("a", "kept");
    fs::rename(world.inside(""), world.top().join("moved")).unwrap();
    std::os::unix::fs::symlink(world.outside(""), world.top().join("grant")).unwrap();
    assert_eq!(world.read("a").unwrap(), "kept");
    assert!(matches!(world.on("file.read", "secret"), Answer::Failed(_)));
    assert!(world.outside_is_untouched());
}

#[test]
fn a_single_file_can_be_granted() {
    for by in [By::Kernel, By::Hand] {
        let world = World::prepared(by, &grant("${root}/notes", ""), |grant| {
            fs::write(grant.join("notes"), "old").unwrap();
            fs::write(grant.join("other"), "other").unwrap();
        });
        let path = world.inside("notes");
        let path = path.to_str().unwrap();
        assert_eq!(world.read(path).unwrap(), "old");
        done(world.ask(json!({"op": "file.write", "path": path, "content": "new"})));
        done(world.ask(json!({"op": "file.append", "path": path, "content": "er"})));
        assert_eq!(world.content("notes"), "newer");
        for other in ["other", ".", "notes/../other"] {
            assert_eq!(
                code(&world.on("file.read", other)),
                Some(OutsideCapability),
                "{other}"
            );
        }
        // A link in its place leads out of the grant, wherever it leads.
        for target in ["other", "none", "/etc/passwd"] {
            fs::remove_file(path).unwrap();
            world.link("notes", target);
            assert_eq!(
                code(&world.on("file.read", path)),
                Some(OutsideCapability),
                "{target}"
            );
        }
    }
}

#[test]
fn a_resolver_without_the_kernels_help_is_reported() {
    let world = World::with(By::Hand, EVERYTHING, "", "");
    world.file("d/a", "a");
    world.link("l", "d/a");
    world.link("out", "../outside/secret");
    assert!(world.capabilities.resolver().is_degraded());
    let before = world.capabilities.resolver().by_hand;
    assert_eq!(world.read("l").unwrap(), "a");
    assert_eq!(code(&world.on("file.read", "out")), Some(OutsideCapability));
    assert!(world.capabilities.resolver().by_hand > before);
    let kernel = World::new();
    kernel.file("a", "a");
    kernel.read("a").unwrap();
    let resolver = kernel.capabilities.resolver();
    assert!(!resolver.is_degraded());
    assert_eq!(resolver.by_hand, 0);
}
