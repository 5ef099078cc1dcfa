//! `audit suggest`: the least grants that would have allowed what was refused.
//!
//! For the operator alone. It changes no policy; it prints what would have to be added, what
//! that would give away, and what it does not suggest, and why.

mod text;

use std::collections::{HashMap, VecDeque};
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;

use serde_json::json;

use super::{AuditCommandError, SuggestArguments};
use crate::ambient::Operator;
use crate::audit::{LogReader, RecordView};
use crate::model::{HostPath, PrincipalId, RefusalCode, shown};
use crate::policy::{Policy, Spared, WhyNot, Wish};

/// The most different refusals that are looked at.
const MOST: usize = 5000;

/// The most sessions and commands whose directories are remembered.
const REMEMBERED: usize = 20_000;

/// What `--read-only` adds to the name of a policy.
const READ_ONLY: &str = " (read-only)";

pub(super) fn run(
    arguments: &SuggestArguments,
    operator: &Operator,
    out: &mut dyn Write,
) -> Result<u8, AuditCommandError> {
    let reader = LogReader::open(operator.state.as_path())?;
    let found = collect(&reader, arguments, operator)?;
    let Some(terms) = found.terms(arguments, operator)? else {
        writeln!(out, "no refusal matches")?;
        return Ok(0);
    };
    let policy = operator.policy(&terms.policy)?;
    let wishes = found.wishes(&terms);
    let anchors = operator.anchors(terms.root.clone());
    let mut suggestion = policy.suggest(&anchors, &wishes, operator)?;
    suggestion.not.extend(found.never.iter().cloned());
    let left = found.left_out(&terms);
    if arguments.json {
        let value = json!({
            "policy": policy.name,
            "source": policy.source,
            "root": anchors.shown(&terms.root),
            "suggestion": suggestion,
            "noise": found.noise,
            "folded": found.folded,
            "of_other_policies": left,
        });
        writeln!(out, "{value}")?;
    } else if arguments.whole {
        write!(out, "{}", text::whole(&policy, &suggestion))?;
    } else {
        text::report(&policy, &suggestion, out)?;
        text::notes(&found, left, out)?;
    }
    Ok(0)
}

/// Under which policy, and in which workspace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Terms {
    policy: String,
    root: HostPath,
}

/// What was refused, by policy and workspace.
#[derive(Default)]
struct Found {
    /// In the order in which they were first refused.
    wishes: Vec<(Terms, Wish)>,
    known: HashMap<(Terms, String, String, String), usize>,
    /// What no grant helps against.
    never: Vec<Spared>,
    noise: u64,
    folded: u64,
    too_many: u64,
}

fn collect(
    reader: &LogReader,
    arguments: &SuggestArguments,
    operator: &Operator,
) -> Result<Found, AuditCommandError> {
    let filter = arguments.selection.filter();
    let mut found = Found::default();
    let mut places = Places::default();
    reader.forward(&mut |line| {
        if let Some(record) = RecordView::of(line.bytes) {
            places.see(&record);
            if record.denied && filter.matches(&record) {
                found.add(&record, &places, operator);
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// The directories that relative paths of a record start from.
#[derive(Default)]
struct Places {
    roots: HashMap<String, HostPath>,
    commands: HashMap<String, HostPath>,
    order: VecDeque<String>,
}

impl Places {
    fn see(&mut self, record: &RecordView<'_>) {
        if record.op == "session.open"
            && let Ok(root) = HostPath::absolute(record.root.as_ref())
            && self.roots.len() < REMEMBERED
        {
            self.roots.insert(record.session.clone().into_owned(), root);
        }
        if record.phase == "decision"
            && let Ok(cwd) = HostPath::absolute(record.cwd.as_ref())
        {
            if self.order.len() == REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.commands.remove(&oldest);
            }
            let decision = record.decision.clone().into_owned();
            self.order.push_back(decision.clone());
            self.commands.insert(decision, cwd);
        }
    }

    /// The refused path as a whole.
    fn path(&self, record: &RecordView<'_>, operator: &Operator) -> Option<HostPath> {
        let written = [&record.refused, &record.path];
        let written = written.into_iter().find(|text| !text.is_empty())?;
        if let Some(rest) = written.strip_prefix('~') {
            let is_own = rest.is_empty() || rest.starts_with('/');
            let rest = rest.trim_start_matches('/');
            return is_own.then(|| operator.home.join(format!("./{rest}")).ok())?;
        }
        if written.starts_with('/') {
            return HostPath::absolute(written.as_ref()).ok();
        }
        // The second path of a move or a copy stands in the record as a whole.
        let new_path = record.new_path.as_ref();
        if !new_path.is_empty() && new_path.ends_with(written.trim_start_matches("./")) {
            return HostPath::absolute(new_path).ok();
        }
        if record.path.starts_with('/') && record.phase != "denial" {
            return HostPath::absolute(record.path.as_ref()).ok();
        }
        let directory = self.commands.get(record.decision.as_ref());
        directory?.join(written.as_ref()).ok()
    }
}

impl Found {
    fn add(&mut self, record: &RecordView<'_>, places: &Places, operator: &Operator) {
        if !record.noise.is_empty() {
            self.noise += record.count;
            return;
        }
        if record.folded == "below" {
            self.folded += record.count;
            return;
        }
        if let Some(why) = WhyNot::never(&record.code, &record.op) {
            self.spare(record, why);
            return;
        }
        let code = RefusalCode::ALL
            .into_iter()
            .find(|code| code.as_str() == record.code);
        let (Some(code), Some(path)) = (code, places.path(record, operator)) else {
            self.spare(record, WhyNot::NoPath);
            return;
        };
        let root = places.roots.get(record.session.as_ref());
        let name = record.policy.trim_end_matches(READ_ONLY);
        let is_file = record.policy_source.starts_with('/');
        let policy = if is_file {
            record.policy_source.as_ref()
        } else {
            name
        };
        let terms = Terms {
            policy: policy.to_owned(),
            root: root.unwrap_or(&operator.cwd).clone(),
        };
        let is_second = *record.new_path == *path.as_path().to_string_lossy();
        let wish = Wish {
            principal: PrincipalId::new(record.principal.as_ref()),
            // The new place of what is moved or copied is written.
            op: if is_second { "file.write" } else { &record.op }.to_owned(),
            code,
            path,
            count: record.count,
        };
        self.wish(terms, wish);
    }

    fn wish(&mut self, terms: Terms, wish: Wish) {
        let path = wish.path.as_path().to_string_lossy().into_owned();
        let who = wish.principal.as_str().to_owned();
        let key = (
            terms.clone(),
            who,
            format!("{} {}", wish.op, wish.code),
            path,
        );
        if let Some(index) = self.known.get(&key) {
            self.wishes[*index].1.count += wish.count;
        } else if self.wishes.len() < MOST {
            self.known.insert(key, self.wishes.len());
            self.wishes.push((terms, wish));
        } else {
            self.too_many += wish.count;
        }
    }

    fn spare(&mut self, record: &RecordView<'_>, why: WhyNot) {
        let subject = shown(record.subject()).into_owned();
        let alike = |one: &&mut Spared| one.subject == subject && one.why == why;
        if let Some(known) = self.never.iter_mut().find(alike) {
            known.count += record.count;
        } else if self.never.len() < 200 {
            self.never.push(Spared {
                subject,
                op: record.op.clone().into_owned(),
                why,
                count: record.count,
            });
        } else {
            self.too_many += record.count;
        }
    }

    /// The terms that are meant: those that were named, or else those that refused most.
    fn terms(
        &self,
        arguments: &SuggestArguments,
        operator: &Operator,
    ) -> Result<Option<Terms>, AuditCommandError> {
        let mut counts: HashMap<&Terms, u64> = HashMap::new();
        for (terms, wish) in &self.wishes {
            if arguments
                .policy
                .as_ref()
                .is_none_or(|chosen| is_called(&terms.policy, chosen))
            {
                *counts.entry(terms).or_default() += wish.count;
            }
        }
        let most = counts
            .into_iter()
            .max_by_key(|(terms, count)| (*count, &terms.policy));
        let mut terms = most.map(|(terms, _)| terms.clone());
        if terms.is_none() && !self.never.is_empty() {
            let policy = arguments
                .policy
                .as_deref()
                .unwrap_or(Policy::DEFAULT)
                .to_owned();
            let root = operator.cwd.clone();
            terms = Some(Terms { policy, root });
        }
        if let (Some(terms), Some(root)) = (&mut terms, &arguments.root) {
            terms.root = operator.root(Some(root))?;
        }
        Ok(terms)
    }

    fn is_meant(terms: &Terms, of: &Terms) -> bool {
        of.policy == terms.policy && of.root == terms.root
    }

    fn wishes(&self, terms: &Terms) -> Vec<Wish> {
        let meant = self
            .wishes
            .iter()
            .filter(|(of, _)| Self::is_meant(terms, of));
        meant.map(|(_, wish)| wish.clone()).collect()
    }

    fn left_out(&self, terms: &Terms) -> u64 {
        let others = self
            .wishes
            .iter()
            .filter(|(of, _)| !Self::is_meant(terms, of));
        others.map(|(_, wish)| wish.count).sum()
    }
}

/// Whether the policy, a name or a file, is the one that was chosen.
fn is_called(policy: &str, chosen: &str) -> bool {
    policy == chosen
        || Path::new(policy)
            .file_stem()
            .is_some_and(|stem| stem == chosen)
}
