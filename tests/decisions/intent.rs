//! Reading a command line before it runs: what is refused at once, and above all what is not.

use lobsterpot::intent::{Reach, World, read_argv, read_line};
use lobsterpot::model::{Denial, HostPath, RefusalCode, Right, Rights, Rule};
use serde::Deserialize;

/// A small world: a workspace, a system view, scratch, and nothing else.
struct Small {
    workspace: Rights,
}

const WORKSPACE: Small = Small {
    workspace: Rights::ALL,
};

fn read_only() -> Small {
    Small {
        workspace: Rights::ALL.without(Rights::CHANGING),
    }
}

impl Reach for Small {
    fn judge(&self, path: &HostPath, right: Right, subject: &str) -> Result<(), Denial> {
        let below = |directory: &str| path.as_path().starts_with(directory);
        let system = ["/usr", "/bin", "/lib", "/etc/ssl"];
        let code = if below("/work/project/.env") {
            RefusalCode::HiddenPath
        } else if below("/work/project") {
            let changes = Rights::only(right).change_something();
            match self.workspace.has(right) {
                true if changes && below("/work/project/.git/hooks") => RefusalCode::ProtectedPath,
                true => return Ok(()),
                false => RefusalCode::ReadOnly,
            }
        } else if system.into_iter().any(below) {
            if !Rights::only(right).change_something() {
                return Ok(());
            }
            RefusalCode::ReadOnly
        } else if below("/tmp") {
            return Ok(());
        } else {
            RefusalCode::OutsideCapability
        };
        Err(denial(code, subject))
    }

    fn network(&self, subject: &str) -> Result<(), Denial> {
        Err(denial(RefusalCode::NetworkNotGranted, subject))
    }
}

fn denial(code: RefusalCode, subject: &str) -> Denial {
    Denial::by_broker(code, "exec.run", subject, Rule::default_deny())
}

/// Reads with the small world: `read` is `read_line` or `read_argv`.
fn read_with<T>(
    reach: &Small,
    read: impl Fn(T, &World<'_>) -> Vec<Denial>,
    what: T,
) -> Vec<Denial> {
    let cwd = HostPath::absolute("/work/project").unwrap();
    let home = HostPath::absolute("/home/op").unwrap();
    let world = World {
        cwd: &cwd,
        home: &home,
        reach,
    };
    read(what, &world)
}

pub(super) fn line(text: &str) -> Vec<Denial> {
    read_with(&WORKSPACE, read_line, text)
}

pub(super) fn argv(words: &[&str]) -> Vec<Denial> {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    read_with(&WORKSPACE, read_argv, words.as_slice())
}

/// The codes and paths of denials.
fn told(denials: &[Denial]) -> Vec<(&str, &str)> {
    denials
        .iter()
        .map(|denial| (denial.code.as_str(), denial.path.as_deref().unwrap_or("")))
        .collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusedLines {
    line: Vec<RefusedLine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusedLine {
    line: String,
    policy: Option<String>,
    refused: Vec<(String, String)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct HarmlessLines {
    workspace: Vec<String>,
    read_only: Vec<String>,
}

#[test]
fn lines_are_refused_with_one_clear_denial_each() {
    let data: RefusedLines = toml::from_str(include_str!("command_lines/refused.toml")).unwrap();
    assert!(data.line.len() >= 60, "{} lines", data.line.len());
    let mut wrong = Vec::new();
    for case in &data.line {
        let world = match case.policy.as_deref() {
            None => WORKSPACE,
            Some("read-only") => read_only(),
            Some(other) => panic!("no such policy: {other}"),
        };
        let denials = read_with(&world, read_line, case.line.as_str());
        let expected: Vec<(&str, &str)> = case
            .refused
            .iter()
            .map(|(code, path)| (code.as_str(), path.as_str()))
            .collect();
        if told(&denials) != expected {
            wrong.push(format!(
                "{}\n  expected {expected:?}\n  got      {:?}",
                case.line,
                told(&denials)
            ));
        }
        for denial in &denials {
            assert_eq!(denial.op, "exec.run");
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn harmless_lines_are_not_refused() {
    let data: HarmlessLines = toml::from_str(include_str!("command_lines/harmless.toml")).unwrap();
    assert!(data.workspace.len() >= 60, "{} lines", data.workspace.len());
    let cases = [(&data.workspace, WORKSPACE), (&data.read_only, read_only())];
    let mut wrong = Vec::new();
    for (lines, world) in cases {
        for line in lines {
            let denials = read_with(&world, read_line, line.as_str());
            if !denials.is_empty() {
                wrong.push(format!("{line}\n  got {:?}", told(&denials)));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn equal_denials_are_counted_in_one() {
    let denials = line("cat /etc/shadow; cat /etc/shadow; cat /etc/shadow | wc");
    assert_eq!(denials.len(), 1);
    assert_eq!(denials[0].count, 3);
}

#[test]
fn nothing_is_expanded_in_arguments() {
    assert_eq!(
        told(&argv(&["find", "/root"])),
        [("outside-capability", "/root")]
    );
    assert!(argv(&["find", "~"]).is_empty());
    assert!(
        argv(&[
            "cat",
            "$HOME/x",
            "`cat /etc/shadow`",
            "a b; cat /etc/shadow"
        ])
        .is_empty()
    );
    assert!(argv(&["find", ".", "-name", "*"]).is_empty());
    assert!(argv(&["echo", "/etc/*"]).is_empty());
    assert!(argv(&[]).is_empty());
}

#[test]
fn shells_in_arguments_are_read_into() {
    let shadow = [("outside-capability", "/etc/shadow")];
    for words in [
        &["sh", "-c", "cat /etc/shadow"][..],
        &["bash", "-lc", "cat /etc/shadow", "name"],
        &["env", "X=1", "sh", "-c", "cat /etc/shadow"],
        &[
            "timeout",
            "5",
            "nohup",
            "nice",
            "bash",
            "-c",
            "cat /etc/shadow",
        ],
        &["xargs", "-0", "cat", "/etc/shadow"],
        &["find", ".", "-exec", "cat", "/etc/shadow", ";"],
        &["sudo", "-n", "cat", "/etc/shadow"],
        &["/usr/bin/cat", "/etc/shadow"],
    ] {
        assert_eq!(told(&argv(words)), shadow, "{words:?}");
    }
    assert_eq!(
        told(&argv(&["sh", "-c", "find ~"])),
        [("outside-capability", "~")]
    );
}
