//! Profiles by name: whose file is used, and which files are refused.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

use lobsterpot::ambient::{Operator, ProfileError};
use lobsterpot::sandbox::profile::Profile;

use super::World;

const MINE: &str = "home/.config/lobsterpot/profiles";
const SYSTEM: &str = "etc/profiles";

fn world() -> World {
    let world = World::new();
    for directory in [MINE, SYSTEM] {
        fs::create_dir_all(world.path(directory)).expect("a directory");
    }
    world
}

/// A profile of that name.
fn profile(name: &str) -> String {
    format!("name = \"{name}\"\nabout = \"A test.\"\n")
}

fn found(operator: &Operator, name: &str) -> Result<Profile, ProfileError> {
    let mut profiles = operator.profiles(&[name.to_owned()])?;
    Ok(profiles.pop().expect("one for each name"))
}

#[test]
fn a_profile_is_looked_for_in_order() {
    let world = world();
    let operator = world.operator();
    let source = |name: &str| found(&operator, name).map(|one| one.source.to_string());
    let system = world.write(&format!("{SYSTEM}/frob.toml"), &profile("frob"));
    assert_eq!(source("frob").expect("found"), system.display().to_string());
    let mine = world.write(&format!("{MINE}/frob.toml"), &profile("frob"));
    assert_eq!(source("frob").expect("found"), mine.display().to_string());
    assert_eq!(source("base").expect("found"), "built-in:base");

    let names = ["python", "frob", "base"].map(str::to_owned);
    let profiles = operator.profiles(&names).expect("found");
    let in_order: Vec<_> = profiles.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(in_order, names);
}

#[test]
fn a_name_without_a_profile_is_an_error_that_says_where_it_was_looked_for() {
    // Whether the directories exist makes no difference.
    for world in [World::new(), world()] {
        let error = found(&world.operator(), "forb").unwrap_err().to_string();
        for part in [
            "`forb`",
            "/.config/lobsterpot/profiles",
            "/etc/profiles",
            "base",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }
}

#[test]
fn a_profile_that_cannot_be_used_never_falls_through() {
    let world = world();
    let operator = world.operator();
    let frob = format!("{MINE}/frob.toml");
    world.write(&format!("{SYSTEM}/frob.toml"), &profile("frob"));
    let refused = || found(&operator, "frob").unwrap_err();

    world.write(&frob, "name = \"frob\"\nabout = \"x\"\n[[sytem]]\n");
    let error = refused();
    assert!(matches!(error, ProfileError::Invalid(_)), "{error}");
    let place = format!("{}:3:3", world.path(&frob).display());
    assert!(error.to_string().contains(&place), "{error}");
    assert!(error.to_string().contains("unknown key `sytem`"), "{error}");

    world.write(&frob, &profile("other"));
    assert!(matches!(refused(), ProfileError::OtherName { .. }));
    fs::write(world.path(&frob), b"\xff").expect("written");
    assert!(matches!(refused(), ProfileError::Unreadable { .. }));
    fs::remove_file(world.path(&frob)).expect("removed");
    symlink(world.path("nothing"), world.path(&frob)).expect("a link");
    assert!(matches!(refused(), ProfileError::Unreadable { .. }));
    fs::remove_file(world.path(&frob)).expect("removed");
    fs::create_dir(world.path(&frob)).expect("a directory");
    assert!(matches!(refused(), ProfileError::Untrusted { .. }));
    fs::remove_dir(world.path(&frob)).expect("removed");
    assert!(found(&operator, "frob").is_ok());

    fs::remove_dir_all(world.path(MINE)).expect("removed");
    symlink(world.path("nothing"), world.path(MINE)).expect("a link");
    assert!(matches!(refused(), ProfileError::Unreadable { .. }));
}

#[test]
fn a_profile_that_others_can_change_is_not_trusted() {
    let world = world();
    let path = world.write(&format!("{MINE}/frob.toml"), &profile("frob"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("set");
    let error = found(&world.operator(), "frob").unwrap_err().to_string();
    assert!(error.contains("every user can change it"), "{error}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
    assert!(found(&world.operator(), "frob").is_ok());

    let mut start = world.start();
    if start.uid == 0 {
        chown(&path, Some(65534), None).expect("root may");
    } else {
        start.uid += 1;
    }
    let operator = Operator::from_start(start).expect("usable");
    let error = found(&operator, "frob").unwrap_err().to_string();
    assert!(error.contains("belongs to another user"), "{error}");
}

#[test]
fn a_built_in_profile_is_replaced_only_where_the_file_says_so() {
    let world = world();
    let operator = world.operator();
    let python = format!("{MINE}/python.toml");
    world.write(&python, &profile("python"));
    let error = found(&operator, "python").unwrap_err();
    assert!(matches!(error, ProfileError::Shadows { .. }), "{error}");
    assert!(error.to_string().contains("replaces-built-in"), "{error}");
    assert!(found(&operator, "base").is_ok());

    let openly = |name: &str| format!("{}replaces-built-in = true\n", profile(name));
    let path = world.write(&python, &openly("python"));
    let mine = found(&operator, "python").expect("found");
    assert_eq!(mine.source, *path.display().to_string());
    assert!(mine.replaces_built_in && mine.toolchains.is_empty());

    world.write(&format!("{MINE}/frob.toml"), &openly("frob"));
    let error = found(&operator, "frob").unwrap_err();
    assert!(
        matches!(error, ProfileError::ReplacesNothing { .. }),
        "{error}"
    );
}
