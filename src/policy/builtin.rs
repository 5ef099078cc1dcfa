//! The policies that are part of the program.

use std::sync::Arc;

use super::compiled::BuiltIn;
use super::terms::Policy;

macro_rules! built_in {
    ($name:literal) => {
        BuiltIn::new(
            $name,
            include_str!(concat!("../../policies/", $name, ".toml")),
            include_bytes!(concat!("../../policies/compiled/", $name, ".bin")),
        )
    };
}

static BUILT_IN: [BuiltIn; 3] = [
    built_in!("locked"),
    built_in!("read-only"),
    built_in!("workspace"),
];

macro_rules! for_agent {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../policies/", $name, ".toml")),
        )
    };
}

/// Policies for whole agents, by the names under which they are chosen. They are read when they
/// are used: an agent takes longer to start.
const AGENTS: [(&str, &str); 4] = [
    for_agent!("agents/claude-code"),
    for_agent!("agents/codex"),
    for_agent!("agents/gemini"),
    for_agent!("agents/openclaw"),
];

const NAMES: [&str; 3] = ["locked", "read-only", "workspace"];

impl Policy {
    /// The name of the policy that is used where none is chosen.
    pub const DEFAULT: &'static str = "workspace";

    /// The built-in policy of that name.
    pub fn built_in(name: &str) -> Option<Self> {
        let found = BUILT_IN.iter().find(|one| one.name == name)?;
        Some(Self {
            text: Arc::from(found.text),
            ..found.read(Self::parse)
        })
    }

    /// The names of the built-in policies for whole agents.
    pub fn agent_names() -> impl Iterator<Item = &'static str> {
        AGENTS.iter().map(|(name, _)| *name)
    }

    /// The built-in policy for a whole agent.
    ///
    /// # Panics
    /// Never: a test reads every text.
    pub fn for_agent(chosen: &str) -> Option<Self> {
        let (name, text) = AGENTS.iter().find(|(name, _)| *name == chosen)?;
        let source = format!("built-in:{name}");
        Some(Self::parse(&source, text).expect("built-in texts are read by a test"))
    }

    /// The text of the built-in policy of that name.
    pub fn built_in_text(name: &str) -> Option<&'static str> {
        let found = BUILT_IN.iter().find(|one| one.name == name)?;
        Some(found.text)
    }

    /// The names of the built-in policies, the least permissive first.
    pub const fn built_in_names() -> &'static [&'static str] {
        &NAMES
    }
}

#[cfg(test)]
mod tests {
    use super::{AGENTS, Arc, BUILT_IN, NAMES, Policy};

    #[test]
    fn every_policy_for_an_agent_is_valid() {
        for (name, text) in AGENTS {
            let (policy, found) = Policy::check(name, text);
            assert!(found.is_empty(), "{found}");
            let bare = name.strip_prefix("agents/").unwrap();
            assert_eq!(policy.unwrap().name, bare);
            assert!(Policy::for_agent(name).is_some());
        }
        assert!(Policy::for_agent("claude-code").is_none());
    }

    #[test]
    fn every_built_in_policy_is_valid_and_bears_its_name() {
        assert_eq!(BUILT_IN.each_ref().map(|one| one.name), NAMES);
        for one in &BUILT_IN {
            let (policy, found) = Policy::check(&one.source(), one.text);
            assert!(found.is_empty(), "{found}");
            let policy = policy.unwrap();
            assert_eq!(policy.name, one.name);
            assert_eq!(Policy::built_in(one.name).as_ref(), Some(&policy));
            // The text is beside it already.
            let text = Arc::default();
            one.check("policies", &Policy { text, ..policy });
        }
        assert!(Policy::built_in(Policy::DEFAULT).is_some());
        assert!(Policy::built_in("Workspace").is_none());
    }
}
