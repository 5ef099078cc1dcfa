//! The profiles that are part of the program.

use super::Profile;
use crate::policy::BuiltIn;

macro_rules! built_in {
    ($name:literal) => {
        BuiltIn::new(
            $name,
            include_str!(concat!("../../../sandbox-profiles/", $name, ".toml")),
            include_bytes!(concat!(
                "../../../sandbox-profiles/compiled/",
                $name,
                ".bin"
            )),
        )
    };
}

static BUILT_IN: [BuiltIn; 8] = [
    built_in!("base"),
    built_in!("c"),
    built_in!("rust"),
    built_in!("python"),
    built_in!("node"),
    built_in!("go"),
    built_in!("git"),
    built_in!("offline"),
];

const NAMES: [&str; 8] = [
    "base", "c", "rust", "python", "node", "go", "git", "offline",
];

impl Profile {
    /// The built-in profile of that name.
    pub fn built_in(name: &str) -> Option<Self> {
        let found = BUILT_IN.iter().find(|one| one.name == name)?;
        Some(found.read(Self::parse))
    }

    /// The text of the built-in profile of that name.
    pub fn built_in_text(name: &str) -> Option<&'static str> {
        let found = BUILT_IN.iter().find(|one| one.name == name)?;
        Some(found.text)
    }

    /// The names of the built-in profiles.
    pub const fn built_in_names() -> &'static [&'static str] {
        &NAMES
    }
}

#[cfg(test)]
mod tests {
    use super::{BUILT_IN, NAMES, Profile};

    #[test]
    fn every_built_in_profile_is_valid_and_bears_its_name() {
        assert_eq!(BUILT_IN.each_ref().map(|one| one.name), NAMES);
        for one in &BUILT_IN {
            let profile = match Profile::parse(&one.source(), one.text) {
                Ok(profile) => profile,
                Err(found) => panic!("{found}"),
            };
            assert_eq!(profile.name, one.name);
            assert_eq!(Profile::built_in(one.name).as_ref(), Some(&profile));
            one.check("sandbox-profiles", &profile);
        }
        assert!(Profile::built_in("Base").is_none());
    }
}
