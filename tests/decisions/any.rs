//! Any policy, and any question to it: small ones, so that grants, holes and questions meet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use lobsterpot::model::{Place, PrincipalId, Right, Rights, Tier, WeakerGuarantee, Wording};
use lobsterpot::policy::{
    Background, Ceiling, CommandRule, Commands, Containment, Deny, Environment, Grant,
    GrantSelection, HardLinks, KernelWitness, Limits, Missing, ModeWish, Network, Notify, Policy,
    ToolMark, ToolRule,
};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::Extent;

pub(super) const PRINCIPALS: [(&str, Tier); 4] = [
    ("owner", Tier::Owner),
    ("agent:main", Tier::Agent),
    ("+1555", Tier::Friend),
    ("a \"stranger\"\n", Tier::Stranger),
];

pub(super) fn nowhere() -> Place {
    Place {
        file: Wording::default(),
        line: 0,
    }
}

pub(super) fn rights() -> impl Strategy<Value = Rights> {
    subsequence(Right::ALL.to_vec(), 1..=6).prop_map(|rights| rights.into_iter().collect())
}

/// Paths in a small tree, so that grants, holes and questions meet.
pub(super) fn path(base: &'static str) -> impl Strategy<Value = String> {
    prop::collection::vec(select(vec!["a", "b", ".env"]), 0..4).prop_map(move |names| {
        names
            .iter()
            .fold(base.to_owned(), |path, name| format!("{path}/{name}"))
    })
}

pub(super) fn patterns() -> impl Strategy<Value = Vec<String>> {
    let pool = vec![
        "a", "b/a", "a/**", "**/.env", "*", "b/*/a", "**/a/b", ".env",
    ];
    subsequence(pool, 0..3).prop_map(|texts| texts.into_iter().map(str::to_owned).collect())
}

fn grant() -> impl Strategy<Value = Grant> {
    let switches = (any::<bool>(), any::<bool>());
    (
        path("${root}"),
        rights(),
        patterns(),
        patterns(),
        switches,
        "[ -~é]{1,12}",
    )
        .prop_map(
            |(path, rights, hide, mut protect, (links, missing), reason)| {
                protect.retain(|pattern| !hide.contains(pattern));
                Grant {
                    name: String::new(),
                    path,
                    rights,
                    hide,
                    protect,
                    hard_links: if links {
                        HardLinks::Allow
                    } else {
                        HardLinks::Refuse
                    },
                    missing: if missing {
                        Missing::Skip
                    } else {
                        Missing::Refuse
                    },
                    reason: format!("{reason}."),
                    place: nowhere(),
                    span: 0..0,
                }
            },
        )
}

/// Ceilings that grow from stranger to owner.
fn tiers(grants: usize) -> impl Strategy<Value = BTreeMap<Tier, Ceiling>> {
    let names: Vec<String> = (0..grants).map(|number| format!("g{number}")).collect();
    let selection = subsequence(names, 0..=grants);
    prop::collection::vec((rights(), any::<bool>(), selection), 1..=4).prop_map(|ceilings| {
        let mut above: Option<Ceiling> = None;
        let mut tiers = BTreeMap::new();
        for (tier, (rights, commands, names)) in Tier::ALL.into_iter().rev().zip(ceilings) {
            let mut ceiling = Ceiling {
                rights,
                commands: if commands {
                    Commands::All
                } else {
                    Commands::None
                },
                grants: if names.is_empty() {
                    GrantSelection::All
                } else {
                    GrantSelection::Named(names)
                },
                reason: "a rung of the ladder".into(),
                place: nowhere(),
                span: 0..0,
            };
            if let Some(above) = above {
                ceiling.rights = ceiling.rights.intersection(above.rights);
                ceiling.commands = ceiling.commands.min(above.commands);
                ceiling.grants = match (above.grants, ceiling.grants) {
                    (GrantSelection::All, mine) => mine,
                    (theirs, GrantSelection::All) => theirs,
                    (GrantSelection::Named(theirs), GrantSelection::Named(mine)) => {
                        let both = mine.into_iter().filter(|name| theirs.contains(name));
                        GrantSelection::Named(both.collect())
                    }
                };
            }
            // A list that is empty cannot be written: such a tier, and those below, have nothing.
            if ceiling.rights.is_empty() || ceiling.grants == GrantSelection::Named(Vec::new()) {
                break;
            }
            above = Some(ceiling.clone());
            tiers.insert(tier, ceiling);
        }
        tiers
    })
}

fn environment() -> impl Strategy<Value = Environment> {
    let names = || subsequence(vec!["LANG", "LC_*", "TERM", "X_1"], 0..4);
    (
        names(),
        names(),
        prop::collection::btree_map("[A-Z_]{1,5}", "[ -~é\n\"\\\\]{0,9}", 0..3),
    )
        .prop_map(|(pass, request, set)| Environment {
            pass: pass.into_iter().map(str::to_owned).collect(),
            set,
            request: request.into_iter().map(str::to_owned).collect(),
        })
}

fn tools() -> impl Strategy<Value = ToolRule> {
    let lists = (
        subsequence(vec!["read_*", "get", "*/list"], 0..3),
        subsequence(vec!["write_*", "edit"], 0..2),
        subsequence(vec!["send*", "*mail*"], 0..2),
        subsequence(vec!["*_all", "x.y-z"], 0..2),
    );
    let texts = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
    (lists, 0..4_usize, any::<bool>()).prop_map(
        move |((read_only, changing, sending, refuse), default, is_said)| {
            if !is_said {
                return ToolRule::default();
            }
            ToolRule {
                read_only: texts(read_only),
                changing: texts(changing),
                sending: texts(sending),
                refuse: texts(refuse),
                default: ToolMark::ALL[default],
                reason: "any reason".into(),
                place: Some(nowhere()),
            }
        },
    )
}

fn limits() -> impl Strategy<Value = Limits> {
    let number = || 1..u64::from(u32::MAX);
    let maybe = || prop::option::of(1..u64::from(u32::MAX));
    (
        number(),
        maybe(),
        maybe(),
        (number(), number(), number()),
        maybe(),
    )
        .prop_map(
            |(wall, cpu, memory, (output, reply, entries), file_size)| Limits {
                wall: Duration::from_millis(wall),
                cpu: cpu.map(Duration::from_millis),
                memory,
                file_size: file_size.or(Limits::default().file_size),
                output,
                reply,
                entries,
                ..Limits::default()
            },
        )
}

fn containment() -> impl Strategy<Value = Containment> {
    let accept = vec![
        WeakerGuarantee::OutsideMetadata,
        WeakerGuarantee::OutsideSignals,
        WeakerGuarantee::ProcessLimit,
    ];
    (
        subsequence(accept, 0..3),
        1..11_u32,
        any::<bool>(),
        0..3_usize,
        0..4_usize,
        0..3_usize,
    )
        .prop_map(
            |(accept, abi, background, mode, notify, witness)| Containment {
                notify: [
                    None,
                    Some(Notify::ClosedCalls),
                    Some(Notify::Changes),
                    Some(Notify::Opens),
                ][notify],
                mode: [ModeWish::Auto, ModeWish::View, ModeWish::Flat][mode],
                profiles: vec!["base".into()],
                accept,
                minimum_landlock_abi: abi,
                background: if background {
                    Background::UntilSessionEnd
                } else {
                    Background::Refuse
                },
                kernel_witness: [
                    KernelWitness::Auto,
                    KernelWitness::Required,
                    KernelWitness::Off,
                ][witness],
            },
        )
}

prop_compose! {
    fn paths()(
        grants in prop::collection::vec(grant(), 1..5),
        denies in prop::collection::vec(path("${root}"), 0..3),
    ) -> (Vec<Grant>, Vec<Deny>) {
        let mut taken = BTreeSet::new();
        let mut grants: Vec<Grant> = grants;
        grants.retain(|grant| taken.insert(grant.path.clone()));
        for (number, grant) in grants.iter_mut().enumerate() {
            grant.name = format!("g{number}");
        }
        let denies = denies.into_iter().filter(|path| taken.insert(path.clone()));
        (grants, denies.map(deny).collect())
    }
}

pub(super) fn deny(path: String) -> Deny {
    Deny {
        path,
        reason: "a hole".into(),
        place: nowhere(),
        span: 0..0,
    }
}

pub(super) fn policy() -> impl Strategy<Value = Policy> {
    paths().prop_flat_map(|(grants, denies)| {
        let count = grants.len();
        (
            Just(grants),
            Just(denies),
            tiers(count),
            (environment(), limits(), containment(), tools()),
            any::<bool>(),
        )
            .prop_map(
                |(grants, denies, tiers, (environment, limits, containment, tools), run)| Policy {
                    name: "any".into(),
                    source: "test.toml".into(),
                    description: "Any policy.".into(),
                    grants,
                    denies,
                    commands: CommandRule {
                        run: if run { Commands::All } else { Commands::None },
                        reason: "any reason".into(),
                        place: Some(nowhere()),
                    },
                    environment,
                    network: Network::None,
                    tools,
                    limits,
                    containment,
                    tiers,
                    principals: PRINCIPALS
                        .iter()
                        .map(|(id, tier)| (PrincipalId::new(*id), *tier))
                        .collect(),
                    text: Arc::from(""),
                },
            )
    })
}

#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) principal: &'static str,
    pub(super) path: String,
    pub(super) rights: Rights,
    pub(super) extent: Extent,
}

prop_compose! {
    pub(super) fn question()(
        (principal, _) in select(PRINCIPALS.to_vec()),
        path in path("/home/u/project"),
        rights in rights(),
        tree in any::<bool>(),
    ) -> Question {
        let extent = if tree { Extent::Tree } else { Extent::Entry };
        Question { principal, path, rights, extent }
    }
}

pub(super) fn questions() -> impl Strategy<Value = Vec<Question>> {
    prop::collection::vec(question(), 24)
}
