//! The policy's own text with grants added: its comments and its order stay.

use std::fmt::Write as _;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Proposed, Target};
use crate::model::{Rights, Tier};
use crate::policy::bind::BoundPolicy;
use crate::policy::print;
use crate::policy::terms::{Ceiling, GrantSelection};

/// The other tiers that can do more there with the grant than without it.
pub(super) fn also_for(bound: &BoundPolicy, target: &Target) -> Vec<Tier> {
    let around = bound.most_specific(&target.root);
    let tiers = bound.policy().tiers.iter();
    let gain = |(tier, ceiling): &(&Tier, &Ceiling)| {
        let before = around.filter(|grant| ceiling.grants.has(&grant.name));
        let before = before.map_or(Rights::NONE, |grant| grant.rights);
        let more = target.rights.without(before).intersection(ceiling.rights);
        **tier != target.tier && has(bound, target, **tier) && !more.is_empty()
    };
    tiers.filter(gain).map(|(tier, _)| *tier).collect()
}

/// Whether the tier has the grant: it has all, or is the one that wished for it or above, or
/// it has the grant around it, which the new one would take away.
fn has(bound: &BoundPolicy, target: &Target, tier: Tier) -> bool {
    let Some(ceiling) = bound.policy().tiers.get(&tier) else {
        return false;
    };
    let around = bound.most_specific(&target.root);
    ceiling.grants == GrantSelection::All
        || tier >= target.tier
        || around.is_some_and(|grant| ceiling.grants.has(&grant.name))
}

/// The text with the grants, and what they are called in it.
pub(super) fn amended(bound: &BoundPolicy, targets: &[Target]) -> (String, Vec<Proposed>) {
    let policy = bound.policy();
    let mut text = policy.text.to_string();
    let mut proposed = Vec::new();
    let mut number = 0;
    for target in targets {
        let name = loop {
            number += 1;
            let name = format!("suggested-{number}");
            if policy.grants.iter().all(|grant| grant.name != name) {
                break name;
            }
        };
        proposed.push(Proposed {
            name,
            path: written(bound, target),
            rights: target.rights,
            refusals: target.refusals,
            grouped: target.grouped,
            risks: target.risks(bound),
        });
    }
    let names = |tier: Tier| -> Vec<&str> {
        let both = targets.iter().zip(&proposed);
        let wanted = both.filter(|(target, _)| has(bound, target, tier));
        wanted.map(|(_, proposed)| proposed.name.as_str()).collect()
    };
    text = with_names(&text, &names);
    if !text.ends_with('\n') && !text.is_empty() {
        text.push('\n');
    }
    for one in &proposed {
        text.push_str(&table(one));
    }
    (text, proposed)
}

/// The path of a grant as the policy writes it: below the workspace, below the home, or whole.
fn written(bound: &BoundPolicy, target: &Target) -> String {
    let anchors = bound.anchors();
    let path = target.root.as_path();
    let join = |base: &str, rest: &std::path::Path| {
        let rest = rest.to_string_lossy();
        if rest.is_empty() {
            base.to_owned()
        } else {
            format!("{base}/{rest}")
        }
    };
    if let Some(rest) = target.root.beneath(&anchors.root) {
        return join("${root}", rest);
    }
    match target.root.beneath(&anchors.home) {
        Some(rest) if anchors.home.depth() > 0 => join("~", rest),
        _ => path.to_string_lossy().into_owned(),
    }
}

fn table(one: &Proposed) -> String {
    let mut text = String::from("\n");
    for risk in &one.risks {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "# risk: {risk}");
    }
    let times = if one.refusals == 1 {
        "once".into()
    } else {
        format!("{} times", one.refusals)
    };
    let reason = match one.grouped {
        Some(grouped) => format!(
            "refused {times}, at {} of the {} entries in it",
            grouped.paths, grouped.entries
        ),
        None => format!("refused {times}"),
    };
    text.push_str("[[grant]]\n");
    for (key, value) in [
        ("name", print::text(&one.name)),
        ("path", print::text(&one.path)),
        ("rights", print::rights(one.rights)),
        ("reason", print::text(&reason)),
    ] {
        let _ = writeln!(text, "{key} = {value}");
    }
    text
}

/// Adds names to the tiers that list their grants by name.
fn with_names<'n>(text: &str, names: &dyn Fn(Tier) -> Vec<&'n str>) -> String {
    let (document, _) = DeTable::parse_recoverable(text);
    let Some(DeValue::Table(tiers)) = document.get_ref().get("tier").map(Spanned::get_ref) else {
        return text.to_owned();
    };
    let mut places = Vec::new();
    for tier in Tier::ALL {
        let Some(DeValue::Table(table)) = tiers.get(tier.as_str()).map(Spanned::get_ref) else {
            continue;
        };
        let granted = table.get("grants").map(Spanned::get_ref);
        let Some(last) = granted
            .and_then(DeValue::as_array)
            .and_then(|list| list.last())
        else {
            continue;
        };
        let quoted: Vec<String> = names(tier).into_iter().map(print::text).collect();
        let added = if quoted.is_empty() {
            String::new()
        } else {
            format!(", {}", quoted.join(", "))
        };
        places.push((last.span().end, added));
    }
    places.sort();
    let mut text = text.to_owned();
    for (at, added) in places.into_iter().rev() {
        text.insert_str(at, &added);
    }
    text
}
