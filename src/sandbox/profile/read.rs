//! From text to a profile. What is not understood is an error, never a guess.

use std::path::{Component, Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::{
    LimitDocument, ModeWord, OpenDocument, PartDocument, PathsDocument, SystemDocument,
    ToolchainDocument, VariableDocument, Word,
};
use super::{
    Access, Anchored, DeviceControl, HomeFile, NeverPath, OpenSet, ProcessLimit, Profile,
    SystemPath, Toolchain, ToolchainPath, Variable,
};
use crate::model::{HostPath, Mode, Place, Right, Rights, Wording};
use crate::policy::{Diagnostics, Reader, Source};
use crate::sandbox::seccomp::SyscallSets;

/// The keys at the top of a profile.
const KEYS: [&str; 10] = [
    "name",
    "about",
    "replaces-built-in",
    "system",
    "never",
    "toolchain",
    "home-file",
    "set",
    "open",
    "limit",
];

impl Profile {
    /// Reads a profile from its text; `source` is what messages call it.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn parse(source: &str, text: &str) -> Result<Self, Diagnostics> {
        let (mut reader, table) = Reader::open(Source { file: source, text })?;
        let mut profile = Self {
            name: Wording::default(),
            source: source.to_owned().into(),
            about: Wording::default(),
            replaces_built_in: false,
            system: Vec::new(),
            never: Vec::new(),
            toolchains: Vec::new(),
            home_files: Vec::new(),
            environment: Vec::new(),
            open: Vec::new(),
            limits: Vec::new(),
        };
        profile.fill(&mut reader, table.into_inner());
        reader.found.sort();
        if reader.found.has_errors() {
            return Err(reader.found);
        }
        Ok(profile)
    }

    fn fill<'a>(&mut self, reader: &mut Reader<'a>, table: DeTable<'a>) {
        for key in ["name", "about"] {
            if !table.contains_key(key) {
                reader.error(
                    "missing-key",
                    &(0..0),
                    format!("the profile has no `{key}`"),
                );
            }
        }
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "name" => self.name = reader.name(value).into(),
                "about" => self.about = reader.sentence(value).into(),
                "replaces-built-in" => {
                    self.replaces_built_in = reader.take(value).unwrap_or_default();
                }
                "system" => {
                    for one in reader.each(value) {
                        self.system.extend(system(reader, one));
                    }
                }
                "never" => {
                    for one in reader.each(value) {
                        self.never.extend(never(reader, one));
                    }
                }
                "toolchain" => {
                    for one in reader.each(value) {
                        self.toolchains.push(toolchain(reader, one));
                    }
                }
                "home-file" => {
                    for one in reader.each(value) {
                        self.home_files.extend(home_files(reader, one));
                    }
                }
                "set" => {
                    for one in reader.each(value) {
                        self.environment.push(variable(reader, one));
                    }
                }
                "open" => self.open = open(reader, value),
                "limit" => {
                    for one in reader.each(value) {
                        self.limits.push(limit(reader, one));
                    }
                }
                other => {
                    reader.error("unknown-key", &key.span(), format!("unknown key `{other}`"));
                    reader.suggest(other, &KEYS);
                }
            }
        }
    }
}

fn system(reader: &mut Reader<'_>, document: SystemDocument) -> Vec<SystemPath> {
    let access = access(reader, &document.access);
    let reason = Wording::from(reader.filled(document.reason));
    let only = document.only.map(|word| match word {
        ModeWord::View => Mode::View,
        ModeWord::Flat => Mode::Flat,
    });
    let mut paths = Vec::new();
    for text in reader.list(Some(document.paths)) {
        let place = reader.source.place(&text.span());
        let Some(Anchored::Host(path)) = anchored(reader, &text) else {
            let message =
                "a path of the system is absolute; toolchains of a home are `[[toolchain]]`";
            reader.error("path", &text.span(), message);
            continue;
        };
        if path == HostPath::root() {
            reader.error("path", &text.span(), "`/` would be everything");
        }
        paths.push(SystemPath {
            path,
            access,
            only,
            reason: reason.clone(),
            place,
        });
    }
    paths
}

fn access(reader: &mut Reader<'_>, words: &Spanned<Vec<Word>>) -> Access {
    let has = |word| words.get_ref().contains(&word);
    if words.get_ref().is_empty() {
        reader.empty_list(&words.span());
    }
    let mut rights = Rights::NONE;
    for (word, right) in [
        (Word::Read, Right::List),
        (Word::Read, Right::Read),
        (Word::Execute, Right::Execute),
        (Word::Write, Right::Write),
    ] {
        if has(word) {
            rights = rights.union(right.into());
        }
    }
    Access {
        rights,
        ioctl: if has(Word::Ioctl) {
            DeviceControl::Allow
        } else {
            DeviceControl::Refuse
        },
    }
}

fn never(reader: &mut Reader<'_>, document: PathsDocument) -> Vec<NeverPath> {
    let reason = Wording::from(reader.filled(document.reason));
    let mut paths = Vec::new();
    for text in reader.list(Some(document.paths)) {
        if let Some(path) = anchored(reader, &text) {
            paths.push(NeverPath {
                path,
                reason: reason.clone(),
                place: reader.source.place(&text.span()),
            });
        }
    }
    paths
}

fn home_files(reader: &mut Reader<'_>, document: PathsDocument) -> Vec<HomeFile> {
    let reason = Wording::from(reader.filled(document.reason));
    let mut files = Vec::new();
    for text in reader.list(Some(document.paths)) {
        let place = reader.source.place(&text.span());
        match anchored(reader, &text) {
            Some(Anchored::Home(path)) => files.push(HomeFile {
                path,
                reason: reason.clone(),
                place,
            }),
            Some(Anchored::Host(_)) => {
                reader.error("path", &text.span(), "a file of the home begins with `~/`");
            }
            None => {}
        }
    }
    files
}

fn toolchain(reader: &mut Reader<'_>, document: ToolchainDocument) -> Toolchain {
    let name = document.name.span();
    let roots = reader.list(Some(document.roots));
    if document.path.is_empty() {
        reader.empty_list(&name);
    }
    let paths = document
        .path
        .into_iter()
        .flat_map(|part| parts(reader, part.into_inner()))
        .collect();
    let environment = document
        .set
        .into_iter()
        .map(|set| variable(reader, set.into_inner()))
        .collect();
    Toolchain {
        name: reader.checked_name(document.name).into(),
        variable: document.variable.map(Wording::from),
        roots: roots
            .iter()
            .filter_map(|root| anchored(reader, root))
            .collect(),
        programs: reader
            .list(document.programs)
            .into_iter()
            .map(|name| name.into_inner().into())
            .collect(),
        paths,
        environment,
    }
}

fn parts(reader: &mut Reader<'_>, document: PartDocument) -> Vec<ToolchainPath> {
    let access = access(reader, &document.access);
    let reason = Wording::from(reader.filled(document.reason));
    let mut parts = Vec::new();
    for text in reader.list(Some(document.paths)) {
        let path = match text.get_ref().as_str() {
            "." => Some(PathBuf::new()),
            relative => plain(relative),
        };
        let Some(path) = path else {
            let message = "a part of a toolchain is a path below its root, or `.`";
            reader.error("path", &text.span(), message);
            continue;
        };
        parts.push(ToolchainPath {
            path,
            access,
            reason: reason.clone(),
            place: reader.source.place(&text.span()),
        });
    }
    parts
}

fn variable(reader: &mut Reader<'_>, document: VariableDocument) -> Variable {
    let span = document.name.span();
    let name = document.name.into_inner();
    let valid = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    if name.is_empty() || !name.bytes().all(valid) {
        let message = "a variable's name is made of upper-case letters, digits and `_`";
        reader.error("name", &span, message);
    }
    Variable {
        name: name.into(),
        value: document.value.into(),
        only: document.only,
        reason: reader.filled(document.reason).into(),
        place: reader.source.place(&span),
    }
}

fn open<'a>(reader: &mut Reader<'a>, value: Spanned<DeValue<'a>>) -> Vec<OpenSet> {
    let sets = SyscallSets::built_in();
    let mut opened = Vec::new();
    for document in reader.each::<OpenDocument>(value) {
        let reason = Wording::from(reader.filled(document.reason));
        for name in reader.list(Some(document.sets)) {
            let place = reader.source.place(&name.span());
            let openable: Vec<&str> = sets.openable().collect();
            if !openable.contains(&name.get_ref().as_str()) {
                let message = format!("no profile can open a set named `{}`", name.get_ref());
                reader.error("unknown-word", &name.span(), message);
                reader.suggest(name.get_ref(), &openable);
            }
            opened.push(OpenSet {
                set: name.into_inner().into(),
                reason: reason.clone(),
                place,
            });
        }
    }
    opened
}

fn limit(reader: &mut Reader<'_>, document: LimitDocument) -> ProcessLimit {
    let place: Place = reader.source.place(&document.resource.span());
    ProcessLimit {
        resource: document.resource.into_inner(),
        most: document.most,
        reason: reader.filled(document.reason).into(),
        place,
    }
}

/// A path as a profile writes it: `/…` or `~/…`, without `.` and `..`.
fn anchored(reader: &mut Reader<'_>, text: &Spanned<String>) -> Option<Anchored> {
    let written = text.get_ref();
    let path = if let Some(relative) = written.strip_prefix("~/") {
        plain(relative).map(Anchored::Home)
    } else {
        let plainly = written == "/" || written.strip_prefix('/').and_then(plain).is_some();
        plainly
            .then(|| HostPath::absolute(written).ok())
            .flatten()
            .map(Anchored::Host)
    };
    if path.is_none() {
        let message = "a path begins with `/` or `~/`, and holds no `.`, `..` or `//`";
        reader.error("path", &text.span(), message);
    }
    path
}

/// A relative path that is written as it is meant.
fn plain(text: &str) -> Option<PathBuf> {
    let path = Path::new(text);
    let normal = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let parts = text.split('/').count() == path.components().count();
    (normal && parts && !text.is_empty()).then(|| path.to_owned())
}
