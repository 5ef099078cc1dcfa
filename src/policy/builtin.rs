//! The policies that are part of the program.

use super::terms::Policy;

const BUILT_IN: [(&str, &str); 3] = [
    ("locked", include_str!("../../policies/locked.toml")),
    ("read-only", include_str!("../../policies/read-only.toml")),
    ("workspace", include_str!("../../policies/workspace.toml")),
];

const NAMES: [&str; 3] = ["locked", "read-only", "workspace"];

impl Policy {
    /// The name of the policy that is used where none is chosen.
    pub const DEFAULT: &'static str = "workspace";

    /// The built-in policy of that name.
    ///
    /// # Panics
    /// Never: the texts are part of the program, and a test reads every one.
    pub fn built_in(name: &str) -> Option<Self> {
        let text = Self::built_in_text(name)?;
        let source = format!("built-in:{name}");
        Some(Self::parse(&source, text).expect("built-in policies are read by a test"))
    }

    /// The text of the built-in policy of that name.
    pub fn built_in_text(name: &str) -> Option<&'static str> {
        let found = BUILT_IN.iter().find(|(known, _)| *known == name)?;
        Some(found.1)
    }

    /// The names of the built-in policies, the least permissive first.
    pub const fn built_in_names() -> &'static [&'static str] {
        &NAMES
    }
}

#[cfg(test)]
mod tests {
    use super::Policy;

    #[test]
    fn every_built_in_policy_is_valid_and_bears_its_name() {
        for name in Policy::built_in_names() {
            let text = Policy::built_in_text(name).unwrap();
            let (policy, found) = Policy::check(&format!("policies/{name}.toml"), text);
            assert!(found.is_empty(), "{found}");
            assert_eq!(policy.unwrap().name, *name);
        }
        assert!(Policy::built_in(Policy::DEFAULT).is_some());
        assert!(Policy::built_in("Workspace").is_none());
    }
}
