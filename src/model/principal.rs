//! Who asks, and how far that one is trusted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The id of whoever asks: a telephone number, `agent:main`, a user name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PrincipalId(String);

impl PrincipalId {
    /// Takes the id as it is written; nothing in it has a meaning here.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for PrincipalId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The ladder of trust, least trusted first, so that `<` means "can do at most".
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Known, and refused everything.
    Blocked,
    /// Not known to the owner.
    Stranger,
    /// In the owner's allowlist.
    Friend,
    /// The agent itself, acting for the owner.
    Agent,
    /// The person whose machine this is.
    Owner,
}

impl Tier {
    /// Every tier, least trusted first.
    pub const ALL: [Self; 5] = [
        Self::Blocked,
        Self::Stranger,
        Self::Friend,
        Self::Agent,
        Self::Owner,
    ];

    /// The tier as policies write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Stranger => "stranger",
            Self::Friend => "friend",
            Self::Agent => "agent",
            Self::Owner => "owner",
        }
    }
}

impl std::fmt::Display for Tier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
