//! What a session is opened with. The meaning is that of the options of `lobsterpot call`,
//! which reads and checks them.

use std::ffi::OsString;
use std::time::Duration;

/// The selectors of a session. What is absent is what it is for `lobsterpot call`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selectors {
    /// The policy: a name, or a file.
    pub policy: Option<String>,
    /// The workspace.
    pub root: Option<String>,
    /// The directories that the session is narrowed to; none at all leave nothing.
    pub within: Option<Vec<String>>,
    /// Whether every right to change anything is taken away.
    pub read_only: bool,
    /// Who asks, as the policy knows them.
    pub principal: Option<String>,
    /// The most time that a command may take.
    pub timeout: Option<Duration>,
}

impl Selectors {
    /// The same as options of `lobsterpot call`. A value never becomes an option of its own.
    pub(super) fn options(&self) -> Vec<OsString> {
        let timeout = self.timeout.map(|time| time.as_secs_f64().to_string());
        let named = [
            ("policy", &self.policy),
            ("root", &self.root),
            ("as", &self.principal),
            ("timeout", &timeout),
        ];
        let mut options: Vec<OsString> = named
            .into_iter()
            .filter_map(|(name, value)| Some(format!("--{name}={}", value.as_ref()?).into()))
            .collect();
        if let Some(within) = &self.within {
            options.extend(within.iter().map(|one| format!("--within={one}").into()));
            if within.is_empty() {
                options.push("--within=".into());
            }
        }
        if self.read_only {
            options.push("--read-only".into());
        }
        options
    }

    /// The same with less; nothing that is asked for can make it more.
    #[must_use]
    pub(super) fn narrowed(&self, wanted: &Less) -> Self {
        Self {
            read_only: self.read_only || wanted.read_only,
            timeout: match (self.timeout, wanted.timeout) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            },
            ..self.clone()
        }
    }
}

/// What is taken away from a session.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Less {
    /// Every right to change anything.
    pub(super) read_only: bool,
    /// More time than this.
    pub(super) timeout: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Less, Selectors};

    #[test]
    fn a_value_stays_the_value_of_its_option() {
        let selectors = Selectors {
            policy: Some("--help".into()),
            principal: Some("a b".into()),
            read_only: true,
            timeout: Some(Duration::from_millis(1500)),
            ..Selectors::default()
        };
        let options = selectors.options();
        assert_eq!(
            options,
            [
                "--policy=--help",
                "--as=a b",
                "--timeout=1.5",
                "--read-only"
            ]
        );
    }

    #[test]
    fn narrowing_never_gives_more() {
        let secs = |secs| Some(Duration::from_secs(secs));
        let tight = Selectors {
            read_only: true,
            timeout: secs(5),
            ..Selectors::default()
        };
        let nothing = Less::default();
        assert_eq!(tight.narrowed(&nothing), tight);
        let longer = Less {
            read_only: false,
            timeout: secs(50),
        };
        assert_eq!(tight.narrowed(&longer), tight);
        let shorter = Less {
            read_only: true,
            timeout: secs(1),
        };
        assert_eq!(tight.narrowed(&shorter).timeout, secs(1));
        assert_eq!(Selectors::default().narrowed(&shorter).timeout, secs(1));
        assert!(Selectors::default().narrowed(&shorter).read_only);
    }
}
