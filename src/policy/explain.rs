//! What a policy gives, here, to each tier: the answer to "what could it do?".
//!
//! Made from the same functions that decide, so that it cannot say anything else.

use std::fmt;

use serde::Serialize;

use super::bind::{BoundPolicy, EffectiveGrant};
use super::pattern::{Pattern, PatternSet};
use super::quantity::{duration_text, size_text};
use super::terms::{Background, Commands, Environment, KernelWitness, Limits, ModeWish};
use crate::model::{Rights, Rule, Tier, WeakerGuarantee, shown};

/// A bound policy in the words of a person.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The policy's name.
    pub policy: String,
    /// The file it was read from, or `built-in:NAME`.
    pub source: String,
    /// What it is for.
    pub description: String,
    /// What each tier has, the most trusted first; tiers that have nothing are left out.
    pub tiers: Vec<TierReach>,
    /// What commands find in their environment.
    pub environment: EnvironmentReach,
    /// What the tools of other servers count as.
    pub tools: String,
    /// The limits.
    pub limits: String,
    /// Which mode is wanted.
    pub mode: ModeWish,
    /// The profiles that make up the system view.
    pub profiles: Vec<String>,
    /// What the policy can do without on a host that cannot give it.
    pub accept: Vec<WeakerGuarantee>,
    /// What happens to processes that outlive their command.
    pub background: Background,
    /// Whether the kernel's audit is a witness.
    pub kernel_witness: KernelWitness,
}

/// What one tier has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TierReach {
    /// The tier.
    pub tier: Tier,
    /// Who belongs to it.
    pub principals: Vec<String>,
    /// Which commands it may run.
    pub commands: Commands,
    /// What it may touch; holes have no rights.
    pub grants: Vec<GrantReach>,
}

/// One directory that a tier has, or a hole in one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GrantReach {
    /// The directory, the home directory as `~`.
    pub path: String,
    /// What may be done below it.
    pub rights: Rights,
    /// What cannot be seen or read below it.
    pub hide: Vec<String>,
    /// What cannot be changed below it.
    pub protect: Vec<String>,
    /// The rule in the policy.
    pub rule: Rule,
}

/// What commands find in their environment. Values are not repeated: they may be secrets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EnvironmentReach {
    /// Taken from the operator's own.
    pub pass: Vec<String>,
    /// Set by the policy.
    pub set: Vec<String>,
    /// A request may set these.
    pub request: Vec<String>,
}

impl BoundPolicy {
    /// What the policy gives here to each tier.
    pub fn explain(&self) -> Explanation {
        let policy = self.policy();
        let tiers = Tier::ALL.into_iter().rev();
        Explanation {
            policy: policy.name.clone(),
            source: policy.source.clone(),
            description: policy.description.clone(),
            tiers: tiers.filter_map(|tier| self.explain_tier(tier)).collect(),
            environment: EnvironmentReach::from(&policy.environment),
            tools: policy.tools.to_string(),
            limits: policy.limits.to_string(),
            mode: policy.containment.mode,
            profiles: policy.containment.profiles.clone(),
            accept: policy.containment.accept.clone(),
            background: policy.containment.background,
            kernel_witness: policy.containment.kernel_witness,
        }
    }

    fn explain_tier(&self, tier: Tier) -> Option<TierReach> {
        let standing = self.standing_of(tier);
        let commands = standing
            .ceiling
            .map_or(Commands::None, |ceiling| ceiling.commands)
            .min(self.policy().commands.run);
        let grants: Vec<GrantReach> = self
            .reach_of(&standing)
            .into_iter()
            .map(|grant| self.explain_grant(grant))
            .collect();
        if grants.is_empty() && commands == Commands::None {
            return None;
        }
        let principals = self.policy().principals.iter();
        Some(TierReach {
            tier,
            principals: principals
                .filter(|(_, of)| **of == tier)
                .map(|(id, _)| shown(id.as_str()).into_owned())
                .collect(),
            commands,
            grants,
        })
    }

    fn explain_grant(&self, grant: EffectiveGrant) -> GrantReach {
        let texts = |set: &PatternSet| set.iter().map(Pattern::as_str).map(str::to_owned).collect();
        GrantReach {
            path: self.anchors().shown(&grant.root),
            rights: grant.rights,
            hide: texts(&grant.hide),
            protect: texts(&grant.protect),
            rule: grant.rule,
        }
    }
}

impl From<&Environment> for EnvironmentReach {
    fn from(environment: &Environment) -> Self {
        Self {
            pass: environment.pass.clone(),
            set: environment.set.keys().cloned().collect(),
            request: environment.request.clone(),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({})", self.policy, self.source)?;
        writeln!(f, "{}\n", shown(&self.description))?;
        for tier in &self.tiers {
            writeln!(f, "{tier}")?;
        }
        let rest = if self.tiers.is_empty() {
            "everybody"
        } else {
            "everybody else"
        };
        writeln!(f, "{rest}: nothing\n")?;
        let Self { environment, .. } = self;
        for (title, names) in [
            ("environment, passed", &environment.pass),
            ("environment, set", &environment.set),
            ("environment, by request", &environment.request),
            ("profiles", &self.profiles),
        ] {
            if !names.is_empty() {
                writeln!(f, "{title}: {}", names.join(", "))?;
            }
        }
        writeln!(f, "network: none")?;
        writeln!(f, "tools of other servers: {}", self.tools)?;
        writeln!(f, "limits: {}", self.limits)?;
        writeln!(
            f,
            "mode: {}",
            match self.mode {
                ModeWish::Auto => "view where the host can, flat otherwise",
                ModeWish::View => "view, or no commands",
                ModeWish::Flat => "flat",
            }
        )?;
        if self.background == Background::UntilSessionEnd {
            writeln!(f, "background processes: until the session ends")?;
        }
        match self.kernel_witness {
            KernelWitness::Auto => {}
            KernelWitness::Required => writeln!(f, "the kernel's audit as witness: required")?,
            KernelWitness::Off => writeln!(f, "the kernel's audit as witness: off")?,
        }
        for weaker in &self.accept {
            writeln!(f, "accepted: {weaker}: {}", weaker.meaning())?;
        }
        Ok(())
    }
}

impl fmt::Display for TierReach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.principals.as_slice() {
            [] => writeln!(f, "{} (nobody yet)", self.tier)?,
            names => writeln!(f, "{} ({})", self.tier, names.join(", "))?,
        }
        for grant in &self.grants {
            let place = grant.rule.place.as_ref().map(ToString::to_string);
            writeln!(
                f,
                "  {}: {}  [{}, {}]",
                grant.path,
                grant.rights,
                shown(&grant.rule.name),
                place.unwrap_or_default()
            )?;
            if !grant.hide.is_empty() {
                writeln!(f, "    hidden: {}", shown(&grant.hide.join(", ")))?;
            }
            if !grant.protect.is_empty() {
                writeln!(f, "    protected: {}", shown(&grant.protect.join(", ")))?;
            }
        }
        match self.commands {
            Commands::None => writeln!(f, "  commands: none"),
            Commands::All => writeln!(f, "  commands: all, inside the sandbox"),
        }
    }
}

impl fmt::Display for Limits {
    /// `wall 10m, processes 4096, …`; what is not limited is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = |bytes: u64| size_text(bytes);
        let count = |count: u64| count.to_string();
        let parts = [
            ("wall", Some(duration_text(self.wall))),
            ("cpu", self.cpu.map(duration_text)),
            ("memory", self.memory.map(size)),
            ("processes", self.processes.map(count)),
            ("open files", Some(count(self.open_files))),
            ("file size", self.file_size.map(size)),
            ("output", Some(size(self.output))),
            ("reply", Some(size(self.reply))),
            ("file.read", Some(size(self.file_read))),
            ("entries", Some(count(self.entries))),
            ("scratch", Some(size(self.scratch))),
        ];
        let parts = parts.into_iter();
        let parts: Vec<String> = parts
            .filter_map(|(name, value)| Some(format!("{name} {}", value?)))
            .collect();
        f.write_str(&parts.join(", "))
    }
}
