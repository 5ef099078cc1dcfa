//! Started by an agent's own sandbox: bubblewrap, Lobsterpot itself, Landlock without the
//! workspace. And policies that require a view, and a terminal where none can be made.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::super::world::{Mode, Policy, User, skip};
use super::site::{Site, in_time, report};
use crate::programs;

fn has_bubblewrap() -> bool {
    let found = Command::new("bwrap").arg("--version").output().is_ok();
    if !found {
        skip("bubblewrap is not installed");
    }
    found
}

/// What an agent's sandbox gives: a system that cannot be changed, and its work.
fn in_bubblewrap(site: &Site, options: &[&str], words: &[OsString]) -> std::process::Output {
    let top = site.world.path("");
    let mut command = site.world.command(Path::new("bwrap"));
    command
        .args(["--unshare-all", "--ro-bind", "/", "/"])
        .args(["--dev", "/dev", "--proc", "/proc"])
        .args(options)
        .arg("--bind")
        .args([&top, &top])
        .arg("--")
        .args(words);
    in_time(command)
}

fn words(site: &Site, policy: Policy) -> Vec<OsString> {
    let mut words = vec![site.program.clone().into_os_string()];
    words.extend(site.world.run_options(policy));
    words.extend(["sh", "script"].map(OsString::from));
    words
}

/// As root bubblewrap covers parts of proc, so that no other proc can be mounted.
#[test]
fn started_by_bubblewrap() {
    if Mode::all().len() == 1 || !has_bubblewrap() {
        return;
    }
    for (user, mode) in User::in_every_mode() {
        for (options, has_namespaces) in [
            (&[][..], !user.is_root()),
            (&["--unshare-user", "--disable-userns"], false),
        ] {
            let site = Site::new(user, mode);
            let secret = site.world.path("outside/secret").into_os_string();
            let control = in_bubblewrap(&site, options, &["cat".into(), secret]);
            assert_eq!(control.stdout, b"the secret\n", "no control: {control:?}");
            let expected = match mode {
                Mode::View if has_namespaces => "view",
                _ => "flat",
            };
            for policy in [Policy::Workspace, Policy::ReadOnly] {
                let output = in_bubblewrap(&site, options, &words(&site, policy));
                let errors = String::from_utf8_lossy(&output.stderr);
                assert_eq!(output.stdout, b"end\n", "{user:?} {options:?}: {errors}");
                assert_eq!(
                    report(&output)["enforced"]["mode"],
                    expected,
                    "{user:?} {options:?}"
                );
                assert_eq!(site.has_made(), policy == Policy::Workspace, "{errors}");
                site.is_clean();
            }
        }
    }
}

/// The outer one has the only supervisor that there can be, so the inner one can look.
#[test]
fn started_by_itself() {
    for (user, mode) in User::in_every_mode() {
        let site = Site::new(user, mode);
        let inner = site.world.workspace().join("program");
        programs::copy(&site.program, &inner);
        let nested = |options: &[&str]| {
            let mut command = site.world.command(&site.program);
            command
                .args(site.world.run_options(Policy::Workspace))
                .args(["./program", "run", "--json"])
                .args(options)
                .args(["--", "sh", "script"]);
            in_time(command)
        };
        let output = nested(&["--read-only"]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.stdout, b"end\n", "{user:?} {mode:?}: {errors}");
        let inner = inner_report(&errors);
        assert_eq!(
            inner["enforced"]["mode"], "flat",
            "{user:?} {mode:?}: {errors}"
        );
        assert!(!site.has_made(), "{user:?} {mode:?}");
        let output = nested(&[]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(125),
            "{user:?} {mode:?}: {errors}"
        );
        assert!(
            errors.contains("an outer sandbox already supervises"),
            "{errors}"
        );
        assert!(!site.has_made(), "{user:?} {mode:?}");
        site.is_clean();
    }
}

/// The first report is the inner one's.
fn inner_report(errors: &str) -> Value {
    let first = errors.lines().find(|line| line.starts_with('{'));
    serde_json::from_str(first.unwrap_or_default())
        .unwrap_or_else(|error| panic!("{error}: {errors}"))
}

/// Without the right to the workspace there is nothing to work with.
#[test]
fn under_landlock_without_the_workspace() {
    let steps = [
        "granting=/usr,/bin,/lib,/lib64,/etc,/proc,/dev,%/program,%/policy.toml,%/state,%/home,%/config,%/tmp",
    ];
    for user in User::all() {
        let site = Site::new(*user, Mode::Flat);
        for policy in [Policy::Workspace, Policy::ReadOnly] {
            let output = site.run(&steps, policy);
            let errors = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(126), "{user:?}: {errors}");
            assert!(
                errors.contains("the host does not allow it: its file permissions, or another sandbox around this one"),
                "{errors}"
            );
            assert_eq!(output.stdout, b"");
            assert!(!site.has_made());
            site.is_clean();
        }
    }
}

/// A policy that requires a view names what stands in the way, and what helps.
#[test]
fn a_policy_that_requires_a_view_says_why_not() {
    if Mode::all().len() == 1 {
        return;
    }
    let container = ["mounts", "pids", "proc-as-runc", "docker-capabilities"];
    let cases: [(&[&str], &str, &str); 4] = [
        (
            &["docker-filter"],
            "system call filter",
            "seccomp=unconfined",
        ),
        (
            &container,
            "/proc are mounted over: /proc/",
            "systempaths=unconfined",
        ),
        (
            &["user", "no-user-namespaces"],
            "/proc/sys/user/max_user_namespaces is 0",
            "sysctl user.max_user_namespaces=",
        ),
        (
            &["domains=1"],
            "outer landlock domain",
            "outside the sandbox",
        ),
    ];
    for user in User::all() {
        let site = Site::new(*user, Mode::View);
        let policy = site.world.path("policy.toml");
        let text = fs::read_to_string(&policy).unwrap();
        fs::write(&policy, text.replace("mode = \"auto\"", "mode = \"view\"")).unwrap();
        let output = site.run(&[], Policy::Workspace);
        assert_eq!(
            report(&output)["enforced"]["mode"],
            "view",
            "no control: {output:?}"
        );
        assert!(site.has_made());
        for (steps, obstacle, remedy) in cases {
            let output = site.run(steps, Policy::Workspace);
            let errors = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(125), "{errors}");
            assert!(errors.contains("requires view mode"), "{errors}");
            assert!(
                errors.contains(obstacle) && errors.contains(remedy),
                "{errors}"
            );
            assert!(!site.has_made());
            let output = site.explain(steps);
            let errors = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{errors}");
            assert!(
                errors.contains(obstacle) && errors.contains(remedy),
                "{errors}"
            );
            site.is_clean();
        }
    }
}

/// A view has terminals of its own; in flat mode they come from the host.
#[test]
fn where_no_terminal_can_be_made() {
    if Mode::all().len() == 1 {
        return;
    }
    for (user, mode) in User::in_every_mode() {
        let site = Site::new(user, mode);
        let mut command = site.world.command(&site.enclosure);
        command
            .args((!user.is_root()).then_some("user"))
            .args(["mounts", "hide=/dev/ptmx", "--"])
            .arg(&site.program)
            .args(["run", "--", "sh", "-c", "tty; echo $((6*7))"])
            .stdin(Stdio::inherit());
        let mut terminal = rexpect::session::spawn_command(command, Some(60_000)).unwrap();
        let told = terminal.exp_eof().unwrap();
        let status = format!("{:?}", terminal.process().wait().unwrap());
        if mode == Mode::View {
            assert!(told.contains("/dev/pts/0") && told.contains("42"), "{told}");
            assert!(status.ends_with(", 0)"), "{status}");
        } else {
            assert!(
                told.contains("cannot set up the command's standard streams"),
                "{told}"
            );
            assert!(status.ends_with(", 125)"), "{status}");
        }
        site.is_clean();
    }
}
