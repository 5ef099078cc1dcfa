//! From rows and a plan to trials: which attacks are made where, and what is expected of each.
//!
//! Pure. What is expected follows from the plan's rights and weaker guarantees, never from the
//! name of a policy.

use std::path::{Path, PathBuf};

use super::battery::{self, HIDDEN, PROTECTED};
use super::row::{Group, Place, Row, Target};
use super::world::{Base, Furniture};
use crate::model::{HostPath, Rights, WeakerGuarantee};
use crate::policy::{Background, Pattern, PatternSet};
use crate::sandbox::Plan;

/// What the plan promises about the world of the proof.
#[derive(Debug, Clone, Default)]
pub struct Promises {
    /// What commands may do in the workspace.
    pub rights: Rights,
    /// What is hidden in it, by a path for each pattern.
    pub hidden: Vec<PathBuf>,
    /// What is protected in it, by a path for each pattern.
    pub protected: Vec<PathBuf>,
    /// What happens to processes that outlive their command.
    pub background: Background,
}

impl Promises {
    /// What a plan promises where the workspace is this directory.
    pub(super) fn of(plan: &Plan, workspace: &HostPath) -> Self {
        let rule = plan
            .paths
            .iter()
            .filter(|rule| workspace.beneath(&rule.path).is_some())
            .max_by_key(|rule| rule.path.depth());
        let relative = |rule: &crate::sandbox::PathRule| {
            workspace
                .beneath(&rule.path)
                .map(Path::to_owned)
                .unwrap_or_default()
        };
        let samples = |set: &PatternSet, above: &Path| -> Vec<PathBuf> {
            set.iter()
                .filter_map(|one| sample(one, set, above))
                .collect()
        };
        let mut promises = Self {
            background: plan.background,
            ..Self::default()
        };
        if let Some(rule) = rule {
            let above = relative(rule);
            promises.rights = rule.access.rights;
            promises.hidden = samples(&rule.hide, &above);
            promises.protected = samples(&rule.protect, &above);
            promises
                .protected
                .retain(|path| !rule.hide.matches(&above.join(path)));
        }
        promises.drop_those_around_others();
        promises
    }

    /// Each exception is laid out as a file, so that none can lie in another.
    fn drop_those_around_others(&mut self) {
        let all: Vec<PathBuf> = self.hidden.iter().chain(&self.protected).cloned().collect();
        let holds_none = |path: &PathBuf| {
            all.iter()
                .all(|other| other == path || !other.starts_with(path))
        };
        self.hidden.retain(&holds_none);
        self.protected.retain(&holds_none);
    }
}

/// A path that the pattern covers, relative to the workspace, which lies at `above` in the grant.
fn sample(pattern: &Pattern, set: &PatternSet, above: &Path) -> Option<PathBuf> {
    let text = pattern.as_str().trim_end_matches('/');
    let names = text.split('/').map(|name| match name {
        "**" => "deep".to_owned(),
        name => name.replace('*', "x"),
    });
    let path: PathBuf = names.collect();
    let path = match path.strip_prefix(above) {
        Ok(below) => below.to_owned(),
        // A pattern that begins with `**` also covers what lies in the workspace.
        Err(_) => path,
    };
    (!path.as_os_str().is_empty() && set.matches(&above.join(&path))).then_some(path)
}

/// What is expected of an attack in the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// It has no effect.
    Refused,
    /// It has none, unless this guarantee is not given.
    RefusedUnless(WeakerGuarantee),
    /// It works: it is no attack where the policy grants it.
    Works,
}

/// One attack, in one place, with what is expected of it.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    pub row: &'static Row,
    /// What is attacked, as the table says it.
    pub group: Group,
    /// Its name in the group.
    pub name: String,
    pub base: Base,
    pub expected: Expected,
    /// The exception that it is made on, relative to the workspace.
    pub exception: Option<PathBuf>,
}

impl Trial {
    /// What has to lie where it is made.
    pub(super) fn furniture(&self) -> Furniture {
        match (self.row.target, self.row.group) {
            (Target::File | Target::Broker | Target::Teller, group) => match group {
                Group::Run => Furniture::Program,
                Group::Use if self.row.name == "run" => Furniture::Program,
                Group::Learn | Group::Exceptions => Furniture::File,
                _ => Furniture::Directory,
            },
            (Target::Busy, _) => Furniture::Directory,
            _ => Furniture::None,
        }
    }
}

/// Every trial that the promises call for.
pub(super) fn trials(promises: &Promises) -> Vec<Trial> {
    let mut trials: Vec<Trial> = battery::rows()
        .flat_map(|row| of_row(row, promises))
        .collect();
    for (paths, rows) in [(&promises.hidden, HIDDEN), (&promises.protected, PROTECTED)] {
        for path in paths {
            trials.extend(rows.iter().map(|row| on_exception(row, path)));
        }
    }
    // What was hidden must not be changed either.
    for path in &promises.hidden {
        trials.extend(PROTECTED.iter().map(|row| on_exception(row, path)));
    }
    trials.sort_by_key(|trial| trial.group);
    trials
}

fn of_row(row: &'static Row, promises: &Promises) -> Vec<Trial> {
    let outside = (row.group, Base::Outside, refused(row));
    let inside = |group, expected| (group, Base::Workspace, expected);
    let has = |rights: Rights| promises.rights.covers(rights);
    let places = match row.place {
        Place::Both(needed) | Place::Everyday(needed, _) if !has(needed) => {
            vec![outside, inside(Group::Rights, Expected::Refused)]
        }
        Place::Everyday(_, enough) if has(enough) => {
            vec![outside, inside(Group::Use, Expected::Works)]
        }
        Place::Outside | Place::Both(_) | Place::Everyday(..) => vec![outside],
        Place::Inside => vec![inside(row.group, refused(row))],
        Place::Use(rights) if has(rights) => vec![inside(row.group, Expected::Works)],
        Place::Use(_) => Vec::new(),
    };
    let trial = |(group, base, expected)| Trial {
        row,
        group,
        name: row.name.to_owned(),
        base,
        expected,
        exception: None,
    };
    places.into_iter().map(trial).collect()
}

fn on_exception(row: &'static Row, path: &Path) -> Trial {
    Trial {
        row,
        group: row.group,
        name: format!("{} {}", row.name, crate::model::shown_path(path)),
        base: Base::Workspace,
        expected: refused(row),
        exception: Some(path.to_owned()),
    }
}

fn refused(row: &Row) -> Expected {
    row.unless
        .map_or(Expected::Refused, Expected::RefusedUnless)
}

#[cfg(test)]
mod tests {
    use super::{Expected, Promises, trials};
    use crate::model::{Right, Rights};
    use crate::prove::row::Group;

    fn attacks(promises: &Promises) -> usize {
        let trials = trials(promises);
        trials
            .iter()
            .filter(|trial| trial.group.is_attack())
            .count()
    }

    #[test]
    fn there_are_many_attacks_whatever_is_promised() {
        let of = |rights| Promises {
            rights,
            ..Promises::default()
        };
        assert!(attacks(&of(Rights::ALL)) >= 120);
        assert!(attacks(&of(Rights::NONE)) > attacks(&of(Rights::ALL)));
    }

    #[test]
    fn what_is_granted_is_no_attack_and_what_is_not_is_one() {
        let promises = Promises {
            rights: [Right::List, Right::Read, Right::Create]
                .into_iter()
                .collect(),
            ..Promises::default()
        };
        let trials = trials(&promises);
        let expected = |group, name: &str| -> Option<Expected> {
            let trial = trials
                .iter()
                .find(|one| one.group == group && one.name == name);
            trial.map(|one| one.expected)
        };
        assert_eq!(expected(Group::Use, "mkdirat"), Some(Expected::Works));
        assert_eq!(expected(Group::Rights, "mkdirat"), None);
        assert_eq!(expected(Group::Rights, "write"), Some(Expected::Refused));
        assert_eq!(expected(Group::Rights, "unlinkat"), Some(Expected::Refused));
        assert_eq!(expected(Group::Change, "mkdirat"), Some(Expected::Refused));
        assert_eq!(expected(Group::Use, "run"), None);
    }
}
