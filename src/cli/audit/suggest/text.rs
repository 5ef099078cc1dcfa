//! A suggestion as text: a difference that `patch` takes, and all that is said of it as comments.

use std::io::{self, Write};

use super::Found;
use crate::cli::audit::table::{BOLD, YELLOW, fit};
use crate::model::shown;
use crate::policy::{Policy, Suggestion};

/// The policy with what is suggested, under a name of its own where it was built in.
pub(super) fn whole(policy: &Policy, suggestion: &Suggestion) -> String {
    let name = format!("name = \"{}\"", policy.name);
    if policy.source.starts_with("built-in:") {
        let own = format!("name = \"my-{}\"", policy.name);
        return suggestion.text.replacen(&name, &own, 1);
    }
    suggestion.text.clone()
}

/// Whatever is not the difference begins with `#`, so that `patch` takes the whole output.
pub(super) fn report(
    policy: &Policy,
    suggestion: &Suggestion,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (name, source) = (shown(&policy.name), shown(&policy.source));
    let count = suggestion.grants.len();
    if count == 0 {
        writeln!(
            out,
            "{BOLD}# nothing is suggested for {name} ({source}){BOLD:#}"
        )?;
    } else {
        let grants = if count == 1 { "grant" } else { "grants" };
        writeln!(
            out,
            "{BOLD}# {count} {grants} for policy {name} ({source}){BOLD:#}"
        )?;
    }
    for one in &suggestion.grants {
        let refusals = refusals(one.refusals);
        writeln!(
            out,
            "# {}: {}, for {refusals}",
            shown(&one.path),
            one.rights
        )?;
        if let Some(grouped) = one.grouped {
            let (paths, entries) = (grouped.paths, grouped.entries);
            writeln!(
                out,
                "#   the directory, for {paths} files in it; it has {entries} entries"
            )?;
        }
        for risk in &one.risks {
            writeln!(out, "#   {YELLOW}risk{YELLOW:#}: {}", shown(risk))?;
        }
    }
    if policy.source.starts_with("built-in:") && count > 0 {
        writeln!(
            out,
            "# the policy is built in: --whole prints one to save as my-{name}.toml"
        )?;
    }
    for line in suggestion.diff.lines() {
        writeln!(out, "{}", shown(line))?;
    }
    if !suggestion.not.is_empty() {
        writeln!(out, "{BOLD}# not suggested{BOLD:#}")?;
    }
    for one in &suggestion.not {
        let subject = fit(&shown(&one.subject), 60);
        let times = if one.count == 1 {
            "once".into()
        } else {
            format!("{} times", one.count)
        };
        writeln!(out, "# {subject} ({}, {times})", shown(&one.op))?;
        writeln!(out, "#   {}", shown(&one.why.to_string()))?;
    }
    Ok(())
}

fn refusals(count: u64) -> String {
    match count {
        1 => "1 refusal".into(),
        count => format!("{count} refusals"),
    }
}

/// What is not in it, and why.
pub(super) fn notes(found: &Found, left_out: u64, out: &mut dyn Write) -> io::Result<()> {
    for (count, words) in [
        (found.noise, "noise at start-up, which programs do without"),
        (
            found.folded,
            "not recorded one by one; their directories are in audit query",
        ),
        (
            left_out,
            "of other policies or workspaces; choose with --policy and --root",
        ),
        (
            found.too_many,
            "too many at once; choose fewer with --since or --path",
        ),
    ] {
        if count > 0 {
            writeln!(out, "# {}: {words}", refusals(count))?;
        }
    }
    Ok(())
}
