//! The shape of a profile's text: the types that serde reads. Nothing is decided here.

use serde::Deserialize;
use toml::Spanned;

use super::{Changes, Resource};

/// Texts with their places.
pub(super) type Texts = Spanned<Vec<Spanned<String>>>;

/// Paths of the system with one reason.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SystemDocument {
    pub(super) paths: Texts,
    pub(super) access: Spanned<Vec<Word>>,
    pub(super) only: Option<ModeWord>,
    pub(super) reason: Spanned<String>,
}

/// What may be done with a path.
#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Word {
    Read,
    Execute,
    Write,
    Ioctl,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ModeWord {
    View,
    Flat,
}

/// Paths with one reason: places that are never granted, files of the home.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PathsDocument {
    pub(super) paths: Texts,
    pub(super) reason: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolchainDocument {
    pub(super) name: Spanned<String>,
    pub(super) variable: Option<String>,
    pub(super) roots: Texts,
    pub(super) programs: Option<Texts>,
    pub(super) path: Vec<Spanned<PartDocument>>,
    #[serde(default)]
    pub(super) set: Vec<Spanned<VariableDocument>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartDocument {
    pub(super) paths: Texts,
    pub(super) access: Spanned<Vec<Word>>,
    pub(super) reason: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VariableDocument {
    pub(super) name: Spanned<String>,
    pub(super) value: String,
    pub(super) only: Option<Changes>,
    pub(super) reason: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenDocument {
    pub(super) sets: Texts,
    pub(super) reason: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitDocument {
    pub(super) resource: Spanned<Resource>,
    pub(super) most: u64,
    pub(super) reason: Spanned<String>,
}
