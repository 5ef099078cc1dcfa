//! What a grant hides cannot be read by commands, and what it protects cannot be changed,
//! under no name and by no rename of what is around it.

use std::fs;
use std::process::Output;

use super::world::{Failures, Mode, Policy, User, World};

const SECRET: &str = "the secret of the workspace";

/// A workspace with a secret and a repository.
fn world(user: User, mode: Mode) -> World {
    let world = World::in_mode(user, mode);
    let workspace = world.workspace();
    fs::create_dir_all(workspace.join(".git/hooks")).unwrap();
    fs::write(workspace.join(".env"), SECRET).unwrap();
    fs::write(workspace.join(".git/config"), "[core]\n").unwrap();
    fs::write(workspace.join(".git/hooks/pre-commit"), "#!/bin/sh\n").unwrap();
    for name in [".git", ".env"] {
        world.hand_over(&workspace.join(name));
    }
    world
}

/// By a script, so that nothing is read from the command line before it runs.
fn shell(world: &World, policy: Policy, script: &str) -> Output {
    let path = world.workspace().join("script");
    fs::write(&path, script).unwrap();
    world.hand_over(&path);
    let output = world.run(policy).args(["sh", "script"]).output().unwrap();
    fs::remove_file(path).unwrap();
    output
}

/// Ways to the content of what is hidden.
const READING: [&str; 7] = [
    "cat .env",
    "cat < .env",
    "cp .env copy && cat copy",
    "ln .env link && cat link",
    "mv .env moved && cat moved",
    "chmod 600 .env; cat .env",
    "tail -c 100 ./sub/../.env",
];

#[test]
fn what_is_hidden_cannot_be_read() {
    for (user, mode) in User::in_every_mode() {
        for policy in [Policy::Workspace, Policy::ReadOnly] {
            // In flat mode only what is in a grant that cannot be changed, as its reply says.
            if mode == Mode::Flat && policy == Policy::Workspace {
                continue;
            }
            let mut failures = Failures::default();
            for way in READING {
                let world = world(user, mode);
                fs::create_dir(world.workspace().join("sub")).unwrap();
                let output = shell(&world, policy, way);
                let text = String::from_utf8_lossy(&output.stdout);
                if text.contains(SECRET) || output.status.success() {
                    failures.note(format!("{mode:?} {user:?} {policy:?} {way}: {text}"));
                }
                let now = fs::read_to_string(world.workspace().join(".env"));
                if !now.is_ok_and(|now| now == SECRET) {
                    failures.note(format!(
                        "{mode:?} {user:?} {policy:?} {way}: it was changed"
                    ));
                }
            }
            failures.none("ways to what is hidden");
            let world = world(user, mode);
            let control = std::process::Command::new("cat")
                .arg(world.workspace().join(".env"))
                .output()
                .unwrap();
            assert_eq!(control.stdout, SECRET.as_bytes());
        }
    }
}

/// Ways to other content of what is protected.
const CHANGING: [&str; 12] = [
    "echo evil >> .git/config",
    "echo evil > new; mv new .git/config",
    "rm -f .git/config; echo evil > .git/config",
    "rm -rf .git; mkdir -p .git/hooks; echo evil > .git/config; echo evil > .git/hooks/pre-commit",
    "mv .git other; mkdir -p .git/hooks; echo evil > .git/config; echo evil > .git/hooks/pre-commit",
    "mv .git/hooks other; mkdir .git/hooks; echo evil > .git/hooks/pre-commit",
    "echo evil > .git/hooks/pre-commit",
    "echo evil > .git/hooks/post-checkout",
    "chmod 777 .git/hooks/pre-commit",
    "touch -d 2001-01-01 .git/config",
    "ln -sf /dev/null .git/config",
    "python3 -c 'import os; os.rename(\".git\", \"other\"); os.mkdir(\".git\"); open(\".git/config\", \"w\").write(\"evil\")'",
];

#[test]
fn what_is_protected_cannot_be_changed() {
    for user in User::all() {
        let Some(Mode::View) = Mode::all().first() else {
            return;
        };
        let mut failures = Failures::default();
        for way in CHANGING {
            let world = world(*user, Mode::View);
            let git = world.workspace().join(".git");
            let look = || {
                let facts = |name: &str| {
                    let content = fs::read_to_string(git.join(name)).ok();
                    let found = fs::symlink_metadata(git.join(name)).ok();
                    (
                        content,
                        found.map(|found| (found.permissions(), found.modified().unwrap())),
                    )
                };
                let hooks = fs::read_dir(git.join("hooks")).unwrap().count();
                (facts("config"), facts("hooks/pre-commit"), hooks)
            };
            let before = look();
            let _ = shell(&world, Policy::Workspace, way);
            if look() != before {
                failures.note(format!("{user:?} {way}: {:?}", look()));
            }
            let control = world.workspace();
            let done = std::process::Command::new("sh")
                .args(["-c", way])
                .current_dir(control)
                .output()
                .unwrap();
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(look)).ok() == Some(before) {
                failures.note(format!("{way}: no control: {done:?}"));
            }
        }
        failures.none("ways to what is protected");
    }
}

/// Nothing can be mounted where nothing is, so what was made there does not stay there.
#[test]
fn what_is_made_under_a_protected_name_is_set_aside() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        let script = "mkdir .git; echo /evil > .git/commondir; mkdir .git/hooks; echo x > .git/hooks/pre-commit; \
                      echo kept > .git/HEAD";
        let output = shell(&world, Policy::Workspace, script);
        assert!(output.status.success(), "{output:?}");
        let git = world.workspace().join(".git");
        let mut names: Vec<_> = fs::read_dir(&git)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["HEAD", "commondir.refused", "hooks.refused"]);
        let errors = String::from_utf8_lossy(&output.stderr);
        let report: serde_json::Value =
            serde_json::from_str(errors.trim_end().lines().last().unwrap()).unwrap();
        let codes: Vec<_> = report["denials"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|denial| denial["noise"].is_null())
            .map(|denial| denial["code"].as_str().unwrap())
            .collect();
        assert_eq!(codes, ["protected-path", "protected-path"], "{report}");
    }
}

/// A link at the name counts as well, and what was there before stays.
#[test]
fn only_what_is_new_is_set_aside() {
    let world = world(User::Current, Mode::all()[0]);
    let workspace = world.workspace();
    let output = shell(&world, Policy::Workspace, "ln -s elsewhere .git/commondir");
    assert!(output.status.success(), "{output:?}");
    assert!(fs::symlink_metadata(workspace.join(".git/commondir")).is_err());
    assert!(workspace.join(".git/commondir.refused").is_symlink());
    assert!(workspace.join(".git/config").exists());
    assert!(workspace.join(".git/hooks/pre-commit").exists());
}

/// Ways to have the owner's git read settings that the command wrote, without a change of what
/// `.git` holds: it is no directory, and names or leads to another one.
const REDIRECTING: [&str; 4] = [
    "echo 'gitdir: evil/.git' > .git",
    "ln -s evil/.git .git",
    "ln -sfn evil/.git .git",
    "echo 'gitdir: evil/.git' > new; mv -f new .git",
];

/// A repository whose settings make git execute a program, which leaves a mark.
fn with_evil_repository(world: &World, way: &str) -> String {
    let mark = world.workspace().join("mark");
    format!(
        "git init -q evil; git -C evil config core.fsmonitor 'touch {}; false'; {way}; true",
        mark.display()
    )
}

/// What the owner does next, outside. Whether it executed what the command wrote.
fn is_executed_by_git(world: &World) -> bool {
    let output = std::process::Command::new("git")
        .args(["-c", "safe.directory=*", "status"])
        .current_dir(world.workspace())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output();
    output.unwrap();
    world.workspace().join("mark").exists()
}

/// Whoever says where the repository is says what its settings are.
#[test]
fn nothing_but_a_directory_stands_on_the_way_to_what_is_protected() {
    for (user, mode) in User::in_every_mode() {
        let mut failures = Failures::default();
        for way in REDIRECTING {
            let world = World::in_mode(user, mode);
            let script = with_evil_repository(&world, way);
            let output = shell(&world, Policy::Workspace, &script);
            let errors = String::from_utf8_lossy(&output.stderr);
            if is_executed_by_git(&world) || !errors.contains("protected-path") {
                failures.note(format!("{mode:?} {user:?} {way}: {output:?}"));
            }
            let name = world.workspace().join(".git");
            assert!(fs::symlink_metadata(name).is_err(), "{way}: {output:?}");
            let aside = world.workspace().join(".git.refused");
            assert!(fs::symlink_metadata(aside).is_ok(), "{way}: {output:?}");
            let control = World::in_mode(user, mode);
            let script = with_evil_repository(&control, way);
            let done = std::process::Command::new("sh")
                .args(["-c", &script])
                .current_dir(control.workspace())
                .output()
                .unwrap();
            if !is_executed_by_git(&control) {
                failures.note(format!("{way}: no control: {done:?}"));
            }
        }
        failures.none("ways to another repository");
    }
}

/// In a working tree beside its repository, `.git` is a file that says where that is.
#[test]
fn a_file_on_the_way_to_what_is_protected_is_not_changed() {
    for user in User::all() {
        let Some(Mode::View) = Mode::all().first() else {
            return;
        };
        let mut failures = Failures::default();
        let ways = [
            "echo 'gitdir: evil/.git' > .git",
            "rm -f .git; ln -s evil/.git .git",
            "echo 'gitdir: evil/.git' > new; mv -f new .git",
            "mv .git other; cp -r evil/.git .git",
        ];
        for way in ways {
            let world = World::in_mode(*user, Mode::View);
            let file = world.workspace().join(".git");
            fs::write(&file, "gitdir: /nowhere/of/this/name\n").unwrap();
            world.hand_over(&file);
            let script = with_evil_repository(&world, way);
            let output = shell(&world, Policy::Workspace, &script);
            let errors = String::from_utf8_lossy(&output.stderr);
            let now = fs::read_to_string(&file).unwrap_or_default();
            if now != "gitdir: /nowhere/of/this/name\n" || !errors.contains("Read-only") {
                failures.note(format!("{user:?} {way}: {now} {errors}"));
            }
            if is_executed_by_git(&world) {
                failures.note(format!("{user:?} {way}: it was executed"));
            }
            let done = std::process::Command::new("sh")
                .args(["-c", &with_evil_repository(&world, way)])
                .current_dir(world.workspace())
                .output()
                .unwrap();
            if !is_executed_by_git(&world) {
                failures.note(format!("{way}: no control: {done:?}"));
            }
        }
        failures.none("ways to change the file");
    }
}

/// A link cannot be mounted over, so one that leads elsewhere afterwards is another.
#[test]
fn a_link_in_a_protected_place_that_leads_elsewhere_is_set_aside() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        let git = world.workspace().join(".git");
        fs::create_dir(&git).unwrap();
        std::os::unix::fs::symlink("/usr/share/hooks", git.join("hooks")).unwrap();
        std::os::unix::fs::symlink("/usr/share/config", git.join("config")).unwrap();
        world.hand_over(&git);
        let script = "ln -sfn ../evil .git/hooks";
        let output = shell(&world, Policy::Workspace, script);
        let now = |name: &str| fs::read_link(git.join(name)).ok();
        assert_eq!(now("hooks"), None, "{output:?}");
        assert_eq!(
            now("hooks.refused").unwrap(),
            std::path::Path::new("../evil")
        );
        assert_eq!(
            now("config").unwrap(),
            std::path::Path::new("/usr/share/config")
        );
    }
}
