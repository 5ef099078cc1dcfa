//! What a session is opened with, in a form that other programs write.
//!
//! The meaning is that of the options of `lobsterpot call`, which reads and checks them.

use std::ffi::OsString;

use serde::{Deserialize, Serialize};

/// The selectors of a session. What is absent is what it is for `lobsterpot call`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Selectors {
    /// The policy: a name, or a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// Whether every right to change anything is taken away.
    #[serde(default)]
    pub read_only: bool,
    /// Who asks, as the policy knows them.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// The most time a command may take: seconds, or such as `1m30s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
}

impl Selectors {
    /// The same as options of `lobsterpot call`. A value never becomes an option of its own.
    pub(super) fn options(&self) -> Vec<OsString> {
        let named = [
            ("policy", &self.policy),
            ("root", &self.root),
            ("as", &self.principal),
            ("timeout", &self.timeout),
        ];
        let mut options: Vec<OsString> = named
            .into_iter()
            .filter_map(|(name, value)| Some(format!("--{name}={}", value.as_ref()?).into()))
            .collect();
        if self.read_only {
            options.push("--read-only".into());
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use super::Selectors;

    #[test]
    fn a_value_stays_the_value_of_its_option() {
        let selectors = Selectors {
            policy: Some("--help".into()),
            principal: Some("a b".into()),
            read_only: true,
            ..Selectors::default()
        };
        let options = selectors.options();
        assert_eq!(options, ["--policy=--help", "--as=a b", "--read-only"]);
    }
}
