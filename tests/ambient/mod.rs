//! The operator's environment: which directories, which policy, and what is refused.

mod profiles;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use lobsterpot::ambient::{AmbientError, Operator, PolicyError, Start};
use lobsterpot::policy::{Environment, Policy};
use tempfile::TempDir;

/// A home, a system configuration and a project, in a directory of their own.
struct World(TempDir);

impl World {
    fn new() -> Self {
        let world = Self(TempDir::new().expect("a directory"));
        for directory in [
            "home/project",
            "home/.config/lobsterpot/policies",
            "etc/policies",
        ] {
            fs::create_dir_all(world.path(directory)).expect("a directory");
        }
        world
    }

    fn path(&self, below: &str) -> PathBuf {
        let base = self.0.path().canonicalize().expect("it is there");
        base.join(below)
    }

    fn write(&self, below: &str, text: &str) -> PathBuf {
        let path = self.path(below);
        fs::write(&path, text).expect("written");
        path
    }

    fn start(&self) -> Start {
        let home = self.path("home").into_os_string();
        Start {
            environment: BTreeMap::from([("HOME".into(), home)]),
            uid: nix::unistd::geteuid().as_raw(),
            database_home: None,
            cwd: self.path("home/project"),
            system: self.path("etc"),
        }
    }

    fn operator(&self) -> Operator {
        Operator::from_start(self.start()).expect("a usable environment")
    }
}

/// A policy of that name.
fn policy(name: &str) -> String {
    format!("name = \"{name}\"\ndescription = \"A test.\"\n")
}

const MINE: &str = "home/.config/lobsterpot/policies";

#[test]
fn directories_follow_the_variables() {
    let world = World::new();
    let operator = world.operator();
    assert_eq!(operator.home.as_path(), world.path("home"));
    assert_eq!(
        operator.state.as_path(),
        world.path("home/.local/state/lobsterpot")
    );
    assert_eq!(
        operator.config.as_path(),
        world.path("home/.config/lobsterpot")
    );

    let mut start = world.start();
    let state = world.path("elsewhere").into_os_string();
    start.environment.insert("XDG_STATE_HOME".into(), state);
    start
        .environment
        .insert("XDG_CONFIG_HOME".into(), OsString::new());
    let operator = Operator::from_start(start).expect("usable");
    assert_eq!(operator.state.as_path(), world.path("elsewhere/lobsterpot"));
    assert_eq!(
        operator.config.as_path(),
        world.path("home/.config/lobsterpot")
    );
}

#[test]
fn a_home_comes_from_the_variable_then_from_the_database() {
    let world = World::new();
    let mut start = world.start();
    start.environment.clear();
    start.database_home = Some(world.path("home"));
    let operator = Operator::from_start(start.clone()).expect("usable");
    assert_eq!(operator.home.as_path(), world.path("home"));

    start.database_home = None;
    let error = Operator::from_start(start.clone()).unwrap_err();
    assert!(matches!(error, AmbientError::NoHome { .. }), "{error}");

    start.environment.insert("HOME".into(), "home".into());
    let error = Operator::from_start(start).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot use HOME: `home` is not an absolute path"
    );
}

#[test]
fn links_are_resolved_so_that_a_home_is_recognised_by_any_name() {
    let world = World::new();
    symlink(world.path("home"), world.path("link")).expect("a link");
    let mut start = world.start();
    let link = world.path("link").into_os_string();
    start.environment.insert("HOME".into(), link);
    start.cwd = world.path("home");
    let operator = Operator::from_start(start).expect("usable");
    assert_eq!(operator.home.as_path(), world.path("home"));
    assert_eq!(
        operator.state.as_path(),
        world.path("home/.local/state/lobsterpot")
    );

    let root = operator.root(None).expect("the working directory");
    let read_only = Policy::built_in("read-only").expect("built in");
    let found = read_only.bind(&operator.anchors(root)).unwrap_err();
    assert!(
        found.to_string().contains("[grant-home-directory]"),
        "{found}"
    );
}

#[test]
fn a_link_that_leads_to_nothing_is_no_directory() {
    let world = World::new();
    symlink(world.path("nothing"), world.path("home/.local")).expect("a link");
    let error = Operator::from_start(world.start()).unwrap_err();
    assert!(
        matches!(error, AmbientError::Unresolvable { .. }),
        "{error}"
    );
}

#[test]
fn the_root_is_a_directory_that_exists() {
    let world = World::new();
    let operator = world.operator();
    let root = |chosen: &str| operator.root(Some(Path::new(chosen)));
    assert_eq!(root("..").expect("the home").as_path(), world.path("home"));
    assert!(matches!(
        root("missing"),
        Err(AmbientError::Unresolvable { .. })
    ));
    world.write("home/project/file", "");
    assert!(matches!(
        root("file"),
        Err(AmbientError::NotADirectory { .. })
    ));
}

#[test]
fn commands_get_what_the_policy_names_and_nothing_else() {
    let world = World::new();
    let mut start = world.start();
    let odd = OsStr::from_bytes(b"LC_\xff").to_owned();
    for (name, value) in [
        ("LANG", "de"),
        ("LC_ALL", "C"),
        ("TOKEN", "x"),
        ("TERM", "y"),
    ] {
        start.environment.insert(name.into(), value.into());
    }
    start.environment.insert(odd, "z".into());
    let operator = Operator::from_start(start).expect("usable");
    let rule = Environment {
        pass: vec!["LANG".into(), "LC_*".into(), "TERM".into()],
        set: BTreeMap::from([("TERM".into(), "dumb".into())]),
        request: Vec::new(),
    };
    let expected: [(OsString, OsString); 3] = [
        ("LANG".into(), "de".into()),
        ("LC_ALL".into(), "C".into()),
        ("TERM".into(), "dumb".into()),
    ];
    assert_eq!(operator.environment_for(&rule), BTreeMap::from(expected));
}

#[test]
fn a_name_is_looked_for_in_order() {
    let world = World::new();
    world.write("etc/policies/team.toml", &policy("team"));
    let operator = world.operator();
    let found = |name: &str| operator.policy(name).map(|policy| policy.source);
    let system = world.path("etc/policies/team.toml");
    assert_eq!(found("team").expect("found"), system.display().to_string());
    let mine = world.write(&format!("{MINE}/team.toml"), &policy("team"));
    assert_eq!(found("team").expect("found"), mine.display().to_string());
    assert_eq!(found("workspace").expect("found"), "built-in:workspace");

    let error = operator.policy("taem").unwrap_err().to_string();
    assert!(
        error.contains("`taem`") && error.contains("workspace"),
        "{error}"
    );
    let names: Vec<String> = operator
        .policies()
        .into_iter()
        .map(|one| one.name)
        .collect();
    assert_eq!(
        names[..5],
        ["team", "team", "locked", "read-only", "workspace"]
    );
    assert!(names[5..].iter().all(|name| name.starts_with("agents/")));
}

#[test]
fn a_file_that_cannot_be_used_never_falls_through() {
    let world = World::new();
    let operator = world.operator();
    let team = format!("{MINE}/team.toml");
    world.write("etc/policies/team.toml", &policy("team"));
    let refused = || operator.policy("team").unwrap_err();

    world.write(&team, "name = ");
    assert!(matches!(refused(), PolicyError::Invalid(_)));
    world.write(&team, &policy("other"));
    assert!(matches!(refused(), PolicyError::OtherName { .. }));
    fs::write(world.path(&team), b"\xff").expect("written");
    assert!(matches!(refused(), PolicyError::Unreadable { .. }));
    world.write(&team, &format!("#{}", "x".repeat(1 << 20)));
    assert!(matches!(refused(), PolicyError::Untrusted { .. }));
    fs::remove_file(world.path(&team)).expect("removed");

    symlink(world.path("nothing"), world.path(&team)).expect("a link");
    assert!(matches!(refused(), PolicyError::Unreadable { .. }));
    fs::remove_file(world.path(&team)).expect("removed");

    fs::create_dir(world.path(&team)).expect("a directory");
    assert!(matches!(refused(), PolicyError::Untrusted { .. }));
    fs::remove_dir(world.path(&team)).expect("removed");

    let mode = nix::sys::stat::Mode::S_IRUSR;
    nix::unistd::mkfifo(&world.path(&team), mode).expect("a FIFO");
    assert!(
        matches!(refused(), PolicyError::Untrusted { .. }),
        "and it did not wait"
    );
    fs::remove_file(world.path(&team)).expect("removed");
    assert!(operator.policy("team").is_ok());
}

#[test]
fn a_file_that_others_can_change_is_not_trusted() {
    let world = World::new();
    let path = world.write(&format!("{MINE}/team.toml"), &policy("team"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("set");
    let error = world.operator().policy("team").unwrap_err();
    assert!(
        error.to_string().contains("every user can change it"),
        "{error}"
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).expect("set");
    assert!(world.operator().policy("team").is_ok());

    let mut start = world.start();
    if start.uid == 0 {
        chown(&path, Some(65534), None).expect("root may");
    } else {
        start.uid += 1;
    }
    let operator = Operator::from_start(start).expect("usable");
    let error = operator.policy("team").unwrap_err();
    assert!(
        error.to_string().contains("belongs to another user"),
        "{error}"
    );
}

#[test]
fn a_file_cannot_take_the_name_of_a_built_in_policy() {
    let world = World::new();
    world.write(&format!("{MINE}/read-only.toml"), &policy("read-only"));
    let error = world.operator().policy("read-only").unwrap_err();
    assert!(matches!(error, PolicyError::Shadows { .. }), "{error}");
    assert!(world.operator().policy("workspace").is_ok());
}

#[test]
fn a_path_chooses_a_file_and_nothing_else() {
    let world = World::new();
    let path = world.write("home/project/mine.toml", &policy("whatever"));
    let operator = world.operator();
    for chosen in ["mine.toml", "./mine.toml", "../project/mine.toml"] {
        let policy = operator.policy(chosen).expect("found");
        assert_eq!(policy.source, path.display().to_string());
    }
    assert!(matches!(
        operator.policy("./workspace"),
        Err(PolicyError::Unreadable { .. })
    ));
    assert!(matches!(
        operator.policy("workspace.toml"),
        Err(PolicyError::Unreadable { .. })
    ));
    for nothing in ["", "..", "a\0b", "Workspace"] {
        assert!(operator.policy(nothing).is_err(), "{nothing:?}");
    }
}

#[test]
fn settings_have_our_prefix() {
    let world = World::new();
    let mut start = world.start();
    start
        .environment
        .insert("LOBSTERPOT_LOG".into(), "debug".into());
    start
        .environment
        .insert("LOBSTERPOT_EMPTY".into(), OsString::new());
    let operator = Operator::from_start(start).expect("usable");
    assert_eq!(operator.setting("LOG"), Some(OsStr::new("debug")));
    assert_eq!(operator.setting("EMPTY"), None);
    assert_eq!(operator.setting("OTHER"), None);
    assert!(
        Operator::read().is_ok(),
        "the environment of the tests themselves"
    );
}
