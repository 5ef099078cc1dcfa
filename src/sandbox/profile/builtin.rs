//! The profiles that are part of the program.

use super::Profile;

const BUILT_IN: [(&str, &str); 8] = [
    ("base", include_str!("../../../sandbox-profiles/base.toml")),
    ("c", include_str!("../../../sandbox-profiles/c.toml")),
    ("rust", include_str!("../../../sandbox-profiles/rust.toml")),
    (
        "python",
        include_str!("../../../sandbox-profiles/python.toml"),
    ),
    ("node", include_str!("../../../sandbox-profiles/node.toml")),
    ("go", include_str!("../../../sandbox-profiles/go.toml")),
    ("git", include_str!("../../../sandbox-profiles/git.toml")),
    (
        "offline",
        include_str!("../../../sandbox-profiles/offline.toml"),
    ),
];

const NAMES: [&str; 8] = [
    "base", "c", "rust", "python", "node", "go", "git", "offline",
];

impl Profile {
    /// The built-in profile of that name.
    ///
    /// # Panics
    /// Never: the texts are part of the program, and a test reads every one.
    pub fn built_in(name: &str) -> Option<Self> {
        let text = Self::built_in_text(name)?;
        let source = format!("built-in:{name}");
        Some(Self::parse(&source, text).expect("built-in profiles are read by a test"))
    }

    /// The text of the built-in profile of that name.
    pub fn built_in_text(name: &str) -> Option<&'static str> {
        let found = BUILT_IN.iter().find(|(known, _)| *known == name)?;
        Some(found.1)
    }

    /// The names of the built-in profiles.
    pub const fn built_in_names() -> &'static [&'static str] {
        &NAMES
    }
}

#[cfg(test)]
mod tests {
    use super::Profile;

    #[test]
    fn every_built_in_profile_is_valid_and_bears_its_name() {
        for name in Profile::built_in_names() {
            let text = Profile::built_in_text(name).unwrap();
            match Profile::parse(&format!("sandbox-profiles/{name}.toml"), text) {
                Ok(profile) => assert_eq!(profile.name, *name),
                Err(found) => panic!("{found}"),
            }
        }
        assert!(Profile::built_in("Base").is_none());
    }
}
