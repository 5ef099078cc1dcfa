//! A plan in words, for a terminal: the second half of `lobsterpot policy explain`.

use std::fmt::Write as _;

use super::super::layout::wrapped;
use super::super::output::{FAINT, HEADING, WARNING, styled};
use crate::model::{Right, Rights, shown};
use crate::sandbox::profile::{Changes, ProfileOrigin};
use crate::sandbox::seccomp::Action;
use crate::sandbox::{
    ExplainedCall, ExplainedPath, KernelAudit, MetadataCalls, PlanExplanation, ProcessBound,
};

/// The plan in words.
pub(super) fn words(plan: &PlanExplanation) -> String {
    let changes = match plan.changes {
        Changes::ReadOnly => "commands change nothing outside their scratch directory",
        Changes::Workspace => "commands change what the grants allow",
    };
    let mut text = format!(
        "{}\n  {} mode, landlock abi {}: {changes}\n",
        styled(HEADING, "enforced on every command"),
        plan.mode.as_str(),
        plan.landlock_abi,
    );
    if plan.kernel_audit == KernelAudit::Heard {
        line(
            &mut text,
            "what landlock refuses is in the kernel's audit, and on record",
        );
    }
    for weaker in &plan.weaker {
        let words = wrapped(&format!("{weaker}: {}", weaker.meaning()), 4);
        line(&mut text, &styled(WARNING, words));
    }
    text.push_str(&bounds(plan));
    text.push_str(&profiles(plan));
    text.push_str(&paths(plan));
    text.push_str(&calls(plan));
    let scratch = ["HOME and TMPDIR lie in a private directory that ends with the session"];
    for (heading, words) in [
        ("home directory", scratch.map(String::from).to_vec()),
        ("files copied there", plan.home_files.clone()),
        ("search path", plan.search_path.clone()),
        ("variables of the tools", plan.environment.clone()),
    ] {
        if !words.is_empty() {
            let _ = write!(text, "\n{}\n", styled(HEADING, heading));
            line(&mut text, &wrapped(&words.join(", "), 2));
        }
    }
    text
}

/// Writing to a `String` cannot fail.
fn line(text: &mut String, words: &str) {
    let _ = writeln!(text, "  {words}");
}

/// What bounds what commands take together.
fn bounds(plan: &PlanExplanation) -> String {
    let mut text = String::new();
    let processes = match plan.process_bound {
        ProcessBound::Unwanted => None,
        ProcessBound::Group => Some("their control group"),
        ProcessBound::Namespace => Some("their pid namespace"),
        ProcessBound::User => Some("the limit of the user"),
        ProcessBound::Nothing => Some("nothing"),
    };
    if let Some(bound) = processes {
        let words = format!("what bounds the number of their processes: {bound}");
        line(&mut text, &wrapped(&words, 4));
    }
    let group = plan.group.as_ref();
    if let Some(bytes) = group.and_then(|group| group.memory) {
        let words = format!(
            "all of them together take at most {} MiB of memory, by their control group",
            bytes >> 20
        );
        line(&mut text, &wrapped(&words, 4));
    }
    if let Some(group) = group {
        let words = format!("their control group lies below {}", group.below.display());
        line(&mut text, &wrapped(&words, 4));
    }
    text
}

/// Profiles that are not part of the program; above all one that stands in for one that is.
fn profiles(plan: &PlanExplanation) -> String {
    let mut text = String::new();
    let from_files = |one: &&ProfileOrigin| !one.source.starts_with("built-in:");
    for one in plan.profiles.iter().filter(from_files) {
        if text.is_empty() {
            let _ = write!(text, "\n{}\n", styled(HEADING, "profiles from files"));
        }
        let words = format!("{}: {}", one.name, shown(&one.source));
        line(&mut text, &wrapped(&words, 4));
        if one.replaces_built_in {
            let words = "it is used in place of the built-in profile of this name";
            line(&mut text, &format!("  {}", styled(WARNING, words)));
        }
    }
    text
}

fn paths(plan: &PlanExplanation) -> String {
    let legend = "(l list, r read, w write, c create, d delete, x execute, i control a device)";
    let mut text = format!("\n{} {}\n", styled(HEADING, "paths"), styled(FAINT, legend));
    let mut groups: Vec<(&ExplainedPath, Vec<&str>)> = Vec::new();
    for path in &plan.paths {
        match groups.iter_mut().find(|(first, _)| are_alike(first, path)) {
            Some((_, paths)) => paths.push(&path.path),
            None => groups.push((path, vec![&path.path])),
        }
    }
    for (first, paths) in groups {
        line(&mut text, &group_words(first, &paths));
    }
    line(
        &mut text,
        &styled(FAINT, "what does not exist on this host is left out"),
    );
    text
}

/// Whether the same may be done with both, for the same reason.
fn are_alike(one: &ExplainedPath, other: &ExplainedPath) -> bool {
    let what = |path: &ExplainedPath| {
        let ExplainedPath {
            rights,
            device_control,
            ..
        } = path;
        (*rights, *device_control)
    };
    one.profile.is_some()
        && what(one) == what(other)
        && one.profile == other.profile
        && one.reason == other.reason
}

/// Where the paths begin, beside their rights.
const COLUMN: usize = 11;

fn group_words(first: &ExplainedPath, paths: &[&str]) -> String {
    let control = if first.device_control { 'i' } else { '-' };
    let why = match &first.profile {
        Some(profile) => format!("{profile}: {}", first.reason),
        None => first.reason.clone(),
    };
    let mut words = format!(
        "{}{control}  {}",
        letters(first.rights),
        wrapped(&paths.join(" "), COLUMN)
    );
    let mut row = |text: String| {
        // Writing to a `String` cannot fail.
        let _ = write!(words, "\n{:COLUMN$}{text}", "");
    };
    for (title, patterns) in [("hidden", &first.hide), ("protected", &first.protect)] {
        if !patterns.is_empty() {
            let patterns = format!("{title}: {}", patterns.join(", "));
            row(wrapped(&shown(&patterns), COLUMN));
        }
    }
    row(styled(FAINT, wrapped(&shown(&why), COLUMN)));
    words
}

/// `lr---x`
fn letters(rights: Rights) -> String {
    let letter = |right: Right| match right {
        Right::List => 'l',
        Right::Read => 'r',
        Right::Write => 'w',
        Right::Create => 'c',
        Right::Delete => 'd',
        Right::Execute => 'x',
    };
    Right::ALL
        .into_iter()
        .map(|right| {
            if rights.has(right) {
                letter(right)
            } else {
                '-'
            }
        })
        .collect()
}

fn calls(plan: &PlanExplanation) -> String {
    let mut text = format!(
        "\n{} {} refused, {} supervised {}\n",
        styled(HEADING, "system calls"),
        plan.refused_calls,
        plan.supervised_calls,
        styled(FAINT, "(* for some arguments)")
    );
    for (set, calls) in &plan.calls {
        let words = format!("{set}: {}", call_words(calls));
        line(&mut text, &wrapped(&words, 4));
    }
    let metadata = match plan.metadata {
        MetadataCalls::Refused => "refused with EROFS",
        MetadataCalls::Witnessed => "refused with EROFS, and recorded with who tried",
        MetadataCalls::Supervised => {
            "made by a supervisor below grants with the right to write, refused elsewhere"
        }
        MetadataCalls::Watched => {
            "restricted by the view's mounts, and recorded with who tried; setuid and setgid programs are not made"
        }
        MetadataCalls::PrivilegedSupervised | MetadataCalls::PrivilegedRefused => {
            "restricted by the view's mounts; setuid and setgid programs are not made"
        }
    };
    let words = format!("chmod, chown, utimes, xattr and their kin: {metadata}");
    line(&mut text, &wrapped(&words, 4));
    text
}

/// `EPERM adjtimex, settimeofday; supervised chmod`
fn call_words(calls: &[ExplainedCall]) -> String {
    let mut groups: Vec<(Action, Vec<String>)> = Vec::new();
    for call in calls {
        let mark = if call.only_for_some_arguments {
            "*"
        } else {
            ""
        };
        let name = format!("{}{mark}", call.call);
        match groups.iter_mut().find(|(action, _)| *action == call.action) {
            Some((_, names)) if names.contains(&name) => {}
            Some((_, names)) => names.push(name),
            None => groups.push((call.action, vec![name])),
        }
    }
    let words = groups.iter().map(|(action, names)| {
        let action = match action {
            Action::Allow => "allowed".into(),
            Action::Errno(errno) => errno.to_string(),
            Action::Notify => "supervised".into(),
        };
        format!("{action} {}", names.join(", "))
    });
    words.collect::<Vec<_>>().join("; ")
}
