//! A policy bound to the directories of one session: every path absolute, by its letters.
//!
//! What a path really leads to is found out when it is opened, by `capability`; nothing
//! here looks at a file system.

use std::sync::Arc;

use super::danger;
use super::diagnostic::{Diagnostics, Source};
use super::pattern::{Pattern, PatternSet};
use super::terms::{Grant, HardLinks, Missing, Policy};
use crate::model::{HostPath, Rights, Rule};

/// The directories that a policy's paths are resolved against, chosen by the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchors {
    /// The workspace: `${root}`.
    pub root: HostPath,
    /// The operator's home directory: `~`.
    pub home: HostPath,
    /// Where the audit log and the sessions are; never granted.
    pub state: HostPath,
    /// Where the operator's policies are; never granted.
    pub config: HostPath,
}

impl Anchors {
    /// The path that a policy's text stands for; `None` where it is none.
    ///
    /// `..` is refused: a reader must see from the text which directory is granted.
    pub fn resolve(&self, text: &str) -> Option<HostPath> {
        let (base, rest) = split(text)?;
        let base = match base {
            Base::Root => &self.root,
            Base::Home => &self.home,
            Base::Slash => return HostPath::absolute(text).ok(),
        };
        match rest.trim_start_matches('/') {
            "" => Some(base.clone()),
            rest => base.join(rest).ok(),
        }
    }

    /// The path as a message shows it: the home directory as `~`.
    pub fn shown(&self, path: &HostPath) -> String {
        let text = match path.beneath(&self.home) {
            Some(rest) if self.home.depth() > 0 => std::path::Path::new("~").join(rest),
            _ => path.as_path().to_owned(),
        };
        let text = crate::model::shown_path(&text);
        text.strip_suffix('/')
            .filter(|text| !text.is_empty())
            .map_or(text.clone(), str::to_owned)
    }
}

/// What a path of a policy begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    /// `${root}`
    Root,
    /// `~`
    Home,
    /// `/`
    Slash,
}

/// A policy's path, cut into its beginning and the rest; `None` where it is none.
pub(super) fn split(text: &str) -> Option<(Base, &str)> {
    if text.contains('\0') || text.split('/').any(|name| matches!(name, "." | "..")) {
        return None;
    }
    let follows = |rest: &str| rest.is_empty() || rest.starts_with('/');
    if let Some(rest) = text.strip_prefix("${root}") {
        return follows(rest).then_some((Base::Root, rest));
    }
    if let Some(rest) = text.strip_prefix('~') {
        return follows(rest).then_some((Base::Home, rest));
    }
    text.strip_prefix('/').map(|rest| (Base::Slash, rest))
}

/// A grant's number in its bound policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GrantId(pub(super) usize);

impl GrantId {
    /// The number.
    pub const fn number(self) -> usize {
        self.0
    }
}

/// A grant or a hole, at the directory it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundGrant {
    /// Its number.
    pub id: GrantId,
    /// Its name; for a hole, the path as written.
    pub name: String,
    /// The directory, or file.
    pub root: HostPath,
    /// What may be done below it; nothing, for a hole.
    pub rights: Rights,
    /// What cannot be seen or read below it.
    pub hide: PatternSet,
    /// What cannot be changed below it.
    pub protect: PatternSet,
    /// What happens to files that have further names.
    pub hard_links: HardLinks,
    /// What happens when the directory does not exist.
    pub missing: Missing,
    /// The rule in the policy.
    pub rule: Rule,
}

/// A grant as one principal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveGrant {
    /// Its number.
    pub grant: GrantId,
    /// Its name; for a hole, the path as written.
    pub name: String,
    /// The directory, or file.
    pub root: HostPath,
    /// What the principal may do below it; nothing, for a hole.
    pub rights: Rights,
    /// What cannot be seen or read below it.
    pub hide: PatternSet,
    /// What cannot be changed below it.
    pub protect: PatternSet,
    /// The rule in the policy.
    pub rule: Rule,
}

/// A policy with every path resolved: what decisions are made from.
#[derive(Debug, PartialEq)]
pub struct BoundPolicy {
    policy: Policy,
    anchors: Anchors,
    grants: Vec<BoundGrant>,
    warnings: Diagnostics,
}

impl BoundPolicy {
    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The directories it was bound to.
    pub fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// The grants in the order of the policy, and after them the holes.
    pub fn grants(&self) -> &[BoundGrant] {
        &self.grants
    }

    /// The grant of that number, which this bound policy gave out.
    pub fn grant(&self, id: GrantId) -> &BoundGrant {
        &self.grants[id.0]
    }

    /// What its author should know about the directories it meets here.
    pub fn warnings(&self) -> &Diagnostics {
        &self.warnings
    }
}

impl BoundPolicy {
    /// The patterns that name a path which does not exist, as far as no walk is needed to tell.
    ///
    /// `exists` is the caller's look at the file system; this module takes none.
    pub fn unmatched(&self, exists: &dyn Fn(&HostPath) -> bool) -> Diagnostics {
        let source = source(&self.policy);
        let mut found = Diagnostics::default();
        for (grant, bound) in self.policy.grants.iter().zip(&self.grants) {
            // Of a directory that is yet to be made, nothing can be said.
            if !exists(&bound.root) {
                continue;
            }
            for pattern in bound.hide.iter().chain(bound.protect.iter()) {
                let path = pattern.literal().map(|path| bound.root.join(path));
                if let Some(Ok(path)) = path
                    && !exists(&path)
                {
                    let message = format!("`{}` matches nothing here", pattern.as_str());
                    found.warning("pattern-matches-nothing", source.spot(&grant.span), message);
                }
            }
        }
        found
    }
}

impl Policy {
    /// Resolves every path against the directories of a session.
    ///
    /// # Errors
    /// When a grant would hold the audit log, the configuration, the home directory, or another
    /// thing that undoes the policy; when two grants are the same directory.
    pub fn bind(self, anchors: &Anchors) -> Result<Arc<BoundPolicy>, Diagnostics> {
        let mut found = Diagnostics::default();
        let mut grants = self.bind_grants(anchors, &mut found);
        self.bind_denies(anchors, &mut grants, &mut found);
        if found.has_errors() {
            return Err(found);
        }
        Ok(Arc::new(BoundPolicy {
            policy: self,
            anchors: anchors.clone(),
            grants,
            warnings: found,
        }))
    }

    fn bind_grants(&self, anchors: &Anchors, found: &mut Diagnostics) -> Vec<BoundGrant> {
        let source = source(self);
        let mut grants: Vec<BoundGrant> = Vec::new();
        for grant in &self.grants {
            let Some(root) = anchors.resolve(&grant.path) else {
                let message = format!("`{}` is no path", grant.path);
                found.error("path", source.spot(&grant.span), message);
                continue;
            };
            if let Some(other) = grants.iter().find(|other| other.root == root) {
                let message = format!("here this is the same directory as grant `{}`", other.name);
                found.error("same-directory", source.spot(&grant.span), message);
            }
            danger::check(found, source, grant, &root, anchors);
            let own_file = match self.own_file_in(grant, &root) {
                Ok(pattern) => pattern,
                Err(message) => {
                    found.error("policy-in-grant", source.spot(&grant.span), message);
                    continue;
                }
            };
            grants.push(BoundGrant {
                id: GrantId(grants.len()),
                name: grant.name.clone(),
                root,
                rights: grant.rights,
                hide: patterns(&grant.hide).collect(),
                protect: patterns(&grant.protect).chain(own_file).collect(),
                hard_links: grant.hard_links,
                missing: grant.missing,
                rule: rule("grant", &grant.name, &grant.place),
            });
        }
        grants
    }

    /// The policy's own file in the grant, as one more exception of it: what a command writes
    /// there would be in force from the next session on.
    fn own_file_in(&self, grant: &Grant, root: &HostPath) -> Result<Option<Pattern>, String> {
        let file = HostPath::absolute(self.source.as_str()).ok();
        let below = file.as_ref().and_then(|file| file.beneath(root));
        let Some(below) = below.filter(|_| grant.rights.change_something()) else {
            return Ok(None);
        };
        let exceptions: PatternSet = patterns(&grant.hide)
            .chain(patterns(&grant.protect))
            .collect();
        if exceptions.matches(below) {
            return Ok(None);
        }
        let text = below.to_str().unwrap_or_default();
        let pattern = Pattern::parse(text).map_err(|_| {
            "this lets commands change the policy's own file, which no pattern can name".to_owned()
        });
        pattern.map(Some)
    }

    fn bind_denies(
        &self,
        anchors: &Anchors,
        grants: &mut Vec<BoundGrant>,
        found: &mut Diagnostics,
    ) {
        let source = source(self);
        for deny in &self.denies {
            let Some(root) = anchors.resolve(&deny.path) else {
                let message = format!("`{}` is no path", deny.path);
                found.error("path", source.spot(&deny.span), message);
                continue;
            };
            if !grants
                .iter()
                .any(|grant| root.beneath(&grant.root).is_some())
            {
                let message = "this lies in no grant, so nothing would be allowed there anyway";
                found.warning("useless-deny", source.spot(&deny.span), message);
            }
            grants.push(BoundGrant {
                id: GrantId(grants.len()),
                name: deny.path.clone(),
                root,
                rights: Rights::NONE,
                hide: PatternSet::default(),
                protect: PatternSet::default(),
                hard_links: HardLinks::Refuse,
                missing: Missing::Skip,
                rule: rule("deny", &deny.path, &deny.place),
            });
        }
    }
}

fn source(policy: &Policy) -> Source<'_> {
    Source {
        file: &policy.source,
        text: &policy.text,
    }
}

/// The patterns of a list. Reading the policy refused every text that is none.
pub(super) fn patterns(texts: &[String]) -> impl Iterator<Item = Pattern> {
    texts.iter().flat_map(|text| Pattern::parse(text))
}

fn rule(kind: &str, name: &str, place: &crate::model::Place) -> Rule {
    Rule {
        name: format!("{kind} {name}"),
        place: Some(place.clone()),
    }
}
