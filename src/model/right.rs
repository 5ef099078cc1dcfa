//! Rights on a granted directory.
//!
//! `list` is separate from `read`: the structure of a directory is a secret too.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One right on what lies below a grant.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Right {
    /// See the names in a directory.
    List = 1,
    /// Read the content of a file.
    Read = 2,
    /// Change the content or metadata of a file that exists.
    Write = 4,
    /// Make a new file or directory.
    Create = 8,
    /// Remove a file or directory.
    Delete = 16,
    /// Start a program.
    Execute = 32,
}

impl Right {
    /// Every right, in the order of the documentation.
    pub const ALL: [Self; 6] = [
        Self::List,
        Self::Read,
        Self::Write,
        Self::Create,
        Self::Delete,
        Self::Execute,
    ];

    /// The right as policies write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Read => "read",
            Self::Write => "write",
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Execute => "execute",
        }
    }
}

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of rights. The empty set allows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Rights(u8);

impl Rights {
    /// No right at all.
    pub const NONE: Self = Self(0);
    /// Every right.
    pub const ALL: Self = Self(63);
    /// The rights that change something.
    pub const CHANGING: Self = Self(Right::Write as u8 | Right::Create as u8 | Right::Delete as u8);

    /// The set that holds one right.
    pub const fn only(right: Right) -> Self {
        Self(right as u8)
    }

    /// Whether the set holds the right.
    pub const fn has(self, right: Right) -> bool {
        self.0 & right as u8 != 0
    }

    /// Whether the set holds every right of the other.
    pub const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the set holds nothing.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The rights in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The rights in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The rights of this set that are not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether any right of the set changes something.
    pub const fn change_something(self) -> bool {
        self.0 & Self::CHANGING.0 != 0
    }

    /// The rights, in the order of the documentation.
    pub fn iter(self) -> impl Iterator<Item = Right> {
        Right::ALL.into_iter().filter(move |right| self.has(*right))
    }
}

impl From<Right> for Rights {
    fn from(right: Right) -> Self {
        Self::only(right)
    }
}

impl FromIterator<Right> for Rights {
    fn from_iter<I: IntoIterator<Item = Right>>(rights: I) -> Self {
        rights
            .into_iter()
            .fold(Self::NONE, |set, right| set.union(right.into()))
    }
}

impl std::fmt::Display for Rights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing");
        }
        for (index, right) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            f.write_str(right.as_str())?;
        }
        Ok(())
    }
}

impl Serialize for Rights {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rights: Vec<Right> = self.iter().collect();
        rights.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Rights {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rights = Vec::<Right>::deserialize(deserializer)?;
        Ok(rights.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{Right, Rights};

    #[test]
    fn the_set_of_all_rights_is_all_rights() {
        assert_eq!(Right::ALL.into_iter().collect::<Rights>(), Rights::ALL);
    }

    #[test]
    fn nothing_covers_a_right_it_lacks() {
        let reading: Rights = [Right::List, Right::Read].into_iter().collect();
        assert!(reading.covers(Right::Read.into()));
        assert!(!reading.covers(Rights::CHANGING));
        assert!(!Rights::NONE.covers(Right::List.into()));
        assert_eq!(reading.to_string(), "list, read");
        assert_eq!(Rights::NONE.to_string(), "nothing");
    }
}
