//! Profiles: what the built-in ones never give, what they come to, and what is said of wrong ones.

use std::path::Path;

use lobsterpot::model::{HostPath, Mode, Right};
use lobsterpot::sandbox::profile::{Changes, DeviceControl, Profile, SystemView};
use lobsterpot::sandbox::toolchain::Toolchains;

fn built_in() -> Vec<Profile> {
    let names = Profile::built_in_names().iter();
    names.map(|name| Profile::built_in(name).unwrap()).collect()
}

fn view(mode: Mode, changes: Changes) -> SystemView {
    SystemView::resolve(&built_in(), mode, changes, Toolchains::default())
}

#[test]
fn the_system_view_gives_no_secret_of_the_system() {
    for mode in [Mode::View, Mode::Flat] {
        for given in view(mode, Changes::Workspace).paths {
            for secret in [
                "/etc/shadow",
                "/etc/gshadow",
                "/etc/sudoers",
                "/etc/ssh/ssh_host_ed25519_key",
                "/etc/ssl/private/key.pem",
                "/etc/environment",
                "/etc/machine-id",
                "/etc/apt/auth.conf",
                "/etc/NetworkManager/system-connections/x",
                "/root/.bashrc",
                "/home/a/.profile",
                "/var/log/syslog",
                "/var/lib/docker/x",
                "/run/docker.sock",
                "/tmp/x",
                "/opt/x",
                "/dev/sda",
                "/dev/mem",
                "/dev/pts/0",
                "/dev/shm/x",
                "/dev/fuse",
                "/proc/1/cmdline",
                "/proc/self/environ",
                "/proc/net/tcp",
                "/proc/cmdline",
                "/proc/kcore",
                "/sys/firmware/efi",
                "/sys/class/dmi/id/product_uuid",
            ] {
                let above = Path::new(secret).starts_with(given.path.as_path());
                assert!(
                    !above,
                    "{} gives away {secret}",
                    given.path.as_path().display()
                );
            }
        }
    }
}

#[test]
fn only_a_few_devices_can_be_written() {
    let writable: Vec<_> = view(Mode::Flat, Changes::Workspace)
        .paths
        .into_iter()
        .filter(|path| {
            path.access.rights.change_something() || path.access.ioctl == DeviceControl::Allow
        })
        .map(|path| path.path.as_path().display().to_string())
        .collect();
    assert_eq!(
        writable,
        [
            "/dev/full",
            "/dev/null",
            "/dev/random",
            "/dev/tty",
            "/dev/urandom",
            "/dev/zero"
        ]
    );
}

#[test]
fn a_view_makes_its_own_proc() {
    let in_proc = |mode| {
        let paths = view(mode, Changes::Workspace).paths;
        paths
            .iter()
            .filter(|path| path.path.as_path().starts_with("/proc"))
            .count()
    };
    assert_eq!(in_proc(Mode::View), 0);
    assert!(in_proc(Mode::Flat) > 10);
}

#[test]
fn some_variables_are_for_read_only_plans() {
    let names = |changes| -> Vec<String> {
        let environment = view(Mode::Flat, changes).environment;
        environment.into_iter().map(|(name, _)| name).collect()
    };
    for name in ["PYTHONDONTWRITEBYTECODE", "GIT_OPTIONAL_LOCKS"] {
        assert!(names(Changes::ReadOnly).iter().any(|known| known == name));
        assert!(!names(Changes::Workspace).iter().any(|known| known == name));
    }
}

#[test]
fn nothing_is_listed_that_a_directory_above_gives() {
    let paths = view(Mode::Flat, Changes::Workspace).paths;
    let usr = HostPath::absolute("/usr").unwrap();
    let below: Vec<_> = paths
        .iter()
        .filter(|path| path.path.beneath(&usr).is_some())
        .collect();
    assert_eq!(below.len(), 1);
    assert!(below[0].access.rights.has(Right::Execute));
}

/// A wrong text, where that is said, and with which words.
const WRONG: &[(&str, &str, &str)] = &[
    (
        "[[system]]\npaths = [\"/usr\"]\naccess = [\"read\"]",
        "3:",
        "`reason` is missing",
    ),
    (
        "[[system]]\npaths = [\"usr\"]\naccess = [\"read\"]\nreason = \"x\"",
        "4:10",
        "begins with `/` or `~/`",
    ),
    (
        "[[system]]\npaths = [\"/usr/../etc\"]\naccess = [\"read\"]\nreason = \"x\"",
        "4:10",
        "no `.`, `..`",
    ),
    (
        "[[system]]\npaths = [\"~/.ssh\"]\naccess = [\"read\"]\nreason = \"x\"",
        "4:10",
        "a path of the system is absolute",
    ),
    (
        "[[system]]\npaths = [\"/\"]\naccess = [\"read\"]\nreason = \"x\"",
        "4:10",
        "everything",
    ),
    (
        "[[system]]\npaths = []\naccess = [\"read\"]\nreason = \"x\"",
        "4:9",
        "the list is empty",
    ),
    (
        "[[system]]\npaths = [\"/usr\"]\naccess = []\nreason = \"x\"",
        "5:10",
        "the list is empty",
    ),
    (
        "[[system]]\npaths = [\"/usr\"]\naccess = [\"raed\"]\nreason = \"x\"",
        "5:11",
        "did you mean `read`?",
    ),
    (
        "[[system]]\npaths = [\"/usr\"]\naccess = [\"read\"]\nonly = \"broker\"\nreason = \"x\"",
        "6:8",
        "unknown word `broker`",
    ),
    (
        "[[sytem]]\npaths = [\"/usr\"]",
        "3:3",
        "did you mean `system`?",
    ),
    (
        "[[open]]\nsets = [\"sockets\"]\nreason = \"x\"",
        "4:9",
        "no profile can open",
    ),
    (
        "[[home-file]]\npaths = [\"/etc/passwd\"]\nreason = \"x\"",
        "4:10",
        "begins with `~/`",
    ),
    (
        "[[set]]\nname = \"a b\"\nvalue = \"1\"\nreason = \"x\"",
        "4:8",
        "a variable's name",
    ),
    ("replaces-built-in = \"yes\"", "3:21", "expected a boolean"),
    (
        "replaces-builtin = true",
        "3:1",
        "did you mean `replaces-built-in`?",
    ),
];

#[test]
fn what_is_wrong_with_a_profile_is_said_with_its_place() {
    for (section, place, words) in WRONG {
        let text = format!("name = \"x\"\nabout = \"a test\"\n{section}\n");
        let found = Profile::parse("p.toml", &text).unwrap_err().to_string();
        assert!(
            found.contains(&format!("p.toml:{place}")),
            "{section}\n{found}"
        );
        assert!(found.contains(*words), "{section}\n{found}");
    }
}

#[test]
fn the_profiles_in_the_documentation_are_profiles() {
    let page = include_str!("../../docs/sandbox.md");
    let examples: Vec<_> = page
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(!examples.is_empty());
    for example in examples {
        if let Err(found) = Profile::parse("docs/sandbox.md", example) {
            panic!("{found}");
        }
    }
}
