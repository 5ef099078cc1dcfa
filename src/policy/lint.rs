//! Checks of a policy that need nothing but its text.
//!
//! Errors are what cannot be meant, or must not be; warnings are what may surprise.
//! What a grant gives away on this very host is `danger`'s question.

use std::borrow::Cow;
use std::collections::BTreeMap;

use toml::Spanned;

use super::bind::split;
use super::diagnostic::{Diagnostics, Source};
use super::environment;
use super::pattern::{Pattern, PatternSet};
use super::read::{MOST, Reader, nearest};
use super::terms::{Ceiling, Commands, GrantSelection, Policy};
use super::tools::{ToolMark, is_tool_pattern};
use crate::model::{Tier, secret_variable, shown};

/// Characters that could make a reader see another policy than the one in force.
pub(super) fn characters(source: Source<'_>) -> Diagnostics {
    let mut found = Diagnostics::default();
    let characters = source.text.char_indices();
    let deceptive = characters.filter(|(_, character)| {
        // Control characters are a matter of syntax, which the parser reports.
        !character.is_control()
            && matches!(shown(character.encode_utf8(&mut [0; 4])), Cow::Owned(_))
    });
    for (at, character) in deceptive.take(MOST) {
        let spot = source.spot(&(at..at + character.len_utf8()));
        let name = character.escape_unicode();
        let message = format!("the invisible character {name} can deceive a reader");
        found.error("deceptive-character", spot, message);
        found.help("remove it, or write it as an escape inside a quoted text");
    }
    found
}

/// The path of a grant or a hole.
pub(super) fn path(reader: &mut Reader<'_>, path: &Spanned<String>) {
    let text = path.get_ref().as_str();
    let mut names = text.split('/');
    let (message, help) = if text.is_empty() {
        ("the path is empty", "write `${root}`, `~/…` or `/…`")
    } else if names.any(|name| matches!(name, "." | "..")) {
        (
            "the path holds `.` or `..`",
            "write the directory that is meant, so that a reader can see it",
        )
    } else if text.trim_start_matches("${root}").contains('$') {
        (
            "variables are not expanded here",
            "write `${root}` for the workspace, `~/…` for the home directory",
        )
    } else if split(text).is_none() && text.starts_with('~') {
        (
            "other users' homes are not looked up",
            "write the whole path",
        )
    } else if split(text).is_none() {
        (
            "the path is relative",
            "begin with `${root}/` for the workspace, `~/` for the home directory, or `/`",
        )
    } else if text.contains(['*', '?']) {
        (
            "the path holds a wildcard, which only patterns do",
            "grant the directory above; name what it should not give in `hide` and `protect`",
        )
    } else {
        return;
    };
    reader.error("path", &path.span(), message);
    reader.found.help(help);
}

/// The patterns of one grant.
pub(super) fn exceptions(
    reader: &mut Reader<'_>,
    hide: &[Spanned<String>],
    protect: &[Spanned<String>],
) {
    let mut hidden = Vec::new();
    for pattern in hide {
        hidden.extend(checked(reader, pattern));
    }
    let hidden: PatternSet = hidden.into_iter().collect();
    for written in protect {
        let Some(pattern) = checked(reader, written) else {
            continue;
        };
        if hidden.iter().any(|other| other.same_as(&pattern)) {
            let message = format!("`{}` is hidden and protected", written.get_ref());
            reader.error("contradiction", &written.span(), message);
            reader
                .found
                .help("`hide` already keeps it from being changed; name it once");
        } else if pattern.literal().is_some_and(|path| hidden.matches(&path)) {
            let message = "a `hide` pattern already covers this";
            reader.warning("redundant-pattern", &written.span(), message);
        }
    }
}

/// The pattern, where it is one.
fn checked(reader: &mut Reader<'_>, written: &Spanned<String>) -> Option<Pattern> {
    let text = written.get_ref();
    match Pattern::parse(text) {
        Ok(pattern) => {
            if !text.contains('/') && text.contains('*') && text != "*" {
                let message = "this matches only at the top of the grant";
                reader.warning("top-only-pattern", &written.span(), message);
                reader
                    .found
                    .help(format!("`**/{text}` matches anywhere in it"));
            }
            Some(pattern)
        }
        Err(error) => {
            reader.error("pattern", &written.span(), error.to_string());
            None
        }
    }
}

/// A variable with a fixed value.
pub(super) fn variable(reader: &mut Reader<'_>, name: &Spanned<String>, value: &str) {
    if !environment::is_name(name.get_ref()) {
        reader.error("variable", &name.span(), "this is no name of a variable");
    } else if value.contains('\0') {
        reader.error("variable", &name.span(), "the value holds a NUL");
    } else if secret_variable(name.get_ref()).is_some() {
        let message = "commands would see what looks like a secret";
        reader.warning("environment-secret", &name.span(), message);
    }
}

/// The variables that are passed, and those that a request may set.
pub(super) fn variables(
    reader: &mut Reader<'_>,
    pass: &[Spanned<String>],
    request: &[Spanned<String>],
) {
    for name in pass.iter().chain(request) {
        if !environment::is_name_pattern(name.get_ref()) {
            reader.error("variable", &name.span(), "this is no name of a variable");
            reader
                .found
                .help("a name, or the beginning of one with a last `*`");
        }
    }
    for name in pass {
        if secret_variable(name.get_ref()).is_some() {
            let message = "commands would see what looks like a secret";
            reader.warning("environment-secret", &name.span(), message);
        } else if ["PATH", "HOME"].contains(&name.get_ref().as_str()) {
            let message = "the sandbox sets this; the operator's own value is not used";
            reader.warning("environment-unused", &name.span(), message);
        }
    }
    for name in request {
        if environment::is_steering(name.get_ref()) {
            let message = "a request could make programs load or run what it names";
            reader.warning("environment-steering", &name.span(), message);
        }
    }
}

/// The lists of tools, the least strict first, and what counts for the others.
pub(super) fn tools(
    reader: &mut Reader<'_>,
    lists: &[Vec<Spanned<String>>; 4],
    default: Option<&Spanned<ToolMark>>,
) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (mark, list) in ToolMark::ALL.into_iter().zip(lists) {
        for pattern in list {
            let text = pattern.get_ref().as_str();
            if !is_tool_pattern(text) {
                reader.error("pattern", &pattern.span(), "this can name no tool");
                reader
                    .found
                    .help("names are made of letters, digits, `_`, `-`, `.` and `/`; `*` stands for any part");
            }
            if let Some(other) = seen.insert(text, mark.as_str()) {
                let message = format!("`{text}` is {other} and {}", mark.as_str());
                reader.error("contradiction", &pattern.span(), message);
            }
        }
    }
    let everything = lists[0].iter().find(|one| one.get_ref() == "*");
    let spot = everything.map(Spanned::span);
    let by_default = default.filter(|default| *default.get_ref() == ToolMark::ReadOnly);
    if let Some(span) = spot.or(by_default.map(Spanned::span)) {
        let message = "tools that nobody has looked at count as changing nothing";
        reader.warning("tools-all-read-only", &span, message);
        reader.found.help("name the tools that look, one by one");
    }
}

/// The policy as a whole.
pub(super) fn policy(found: &mut Diagnostics, policy: &Policy) {
    let source = Source {
        file: &policy.source,
        text: &policy.text,
    };
    duplicates(found, source, policy);
    ceilings(found, source, policy);
    if policy.principals.is_empty() && !(policy.grants.is_empty() && policy.tiers.is_empty()) {
        let spot = source.spot(&(0..0));
        found.warning(
            "no-principal",
            spot,
            "nobody belongs to this policy, so nobody can do anything",
        );
        found.help("name someone: `[principal]`, then `owner = \"owner\"`");
    }
    if policy.commands.run == Commands::All && policy.containment.profiles.is_empty() {
        let spot = source.spot(&(0..0));
        let message = "commands may run, but no profile gives them a system to run on";
        found.warning("no-profile", spot, message);
        found.help("name one: `[containment]`, then `profiles = [\"base\"]`");
    }
}

/// Names and paths that stand in the policy more than once.
fn duplicates(found: &mut Diagnostics, source: Source<'_>, policy: &Policy) {
    let mut names = BTreeMap::new();
    let mut paths = BTreeMap::new();
    for grant in &policy.grants {
        let spot = source.spot(&grant.span);
        if let Some(other) = names.insert(grant.name.as_str(), &grant.place) {
            let message = format!("another grant has the name `{}`: {other}", grant.name);
            found.error("duplicate", spot.clone(), message);
        }
        if let Some(other) = paths.insert(plain(&grant.path), &grant.place) {
            let message = format!("`{}` is granted twice: also {other}", grant.path);
            found.error("duplicate", spot, message);
            found.help("write one grant that says all");
        }
    }
    let mut holes = BTreeMap::new();
    for deny in &policy.denies {
        let spot = source.spot(&deny.span);
        if let Some(other) = paths.get(&plain(&deny.path)) {
            let message = format!("`{}` is granted and denied: also {other}", deny.path);
            found.error("contradiction", spot.clone(), message);
            found.help("remove the grant");
        }
        if let Some(other) = holes.insert(plain(&deny.path), &deny.place) {
            let message = format!("`{}` is denied twice: also {other}", deny.path);
            found.error("duplicate", spot, message);
        }
    }
}

/// A path without repeated and last slashes.
fn plain(path: &str) -> Vec<&str> {
    path.split('/').filter(|name| !name.is_empty()).collect()
}

/// The ladder: a tier can do at most what the one above it can.
fn ceilings(found: &mut Diagnostics, source: Source<'_>, policy: &Policy) {
    let grants: Vec<&str> = policy.grants.iter().map(|grant| &*grant.name).collect();
    for (tier, ceiling) in &policy.tiers {
        if let GrantSelection::Named(names) = &ceiling.grants {
            for name in names.iter().filter(|name| !grants.contains(&name.as_str())) {
                let message = format!("tier {tier} names a grant that is not there: `{name}`");
                found.error("unknown-grant", source.spot(&ceiling.span), message);
                found.help(nearest(name, &grants));
            }
        }
        let above = Tier::ALL.into_iter().filter(|other| other > tier);
        for higher in above {
            if let Some(more) = exceeds(ceiling, policy.tiers.get(&higher), &grants) {
                let message = format!("tier {tier} can do more than {higher}: {more}");
                found.error("tier-exceeds", source.spot(&ceiling.span), message);
                found.help("each tier can do at most what the ones above it can");
                break;
            }
        }
    }
    if policy.tiers.is_empty() {
        return;
    }
    for (id, tier) in &policy.principals {
        if *tier != Tier::Blocked && !policy.tiers.contains_key(tier) {
            let message = format!("`{id}` belongs to tier {tier}, which has nothing here");
            found.warning("tier-without-ceiling", source.spot(&(0..0)), message);
            found.help(format!(
                "write `[tier.{tier}]`, or move `{id}` to `blocked`"
            ));
        }
    }
}

/// What the lower ceiling allows that the higher one does not.
fn exceeds(lower: &Ceiling, higher: Option<&Ceiling>, grants: &[&str]) -> Option<String> {
    let Some(higher) = higher else {
        return Some("that tier has nothing".into());
    };
    let more = lower.rights.without(higher.rights);
    if !more.is_empty() {
        return Some(more.to_string());
    }
    if lower.commands > higher.commands {
        return Some("commands".into());
    }
    let mut names = grants.iter();
    names
        .find(|name| lower.grants.has(name) && !higher.grants.has(name))
        .map(|name| format!("grant `{name}`"))
}
