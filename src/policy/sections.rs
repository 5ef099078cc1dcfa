//! The sections of a policy's text, one function each: from the document's types to terms.
//!
//! An error is reported and reading goes on; whether the policy is usable is decided at the end.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::{
    AllWord, CommandsDocument, ContainmentDocument, DenyDocument, EnvironmentDocument,
    GrantDocument, LimitsDocument, Patterns, Selection, Size, TierDocument, ToolsDocument,
};
use super::read::Reader;
use super::terms::{
    Ceiling, CommandRule, Containment, Deny, Environment, Grant, GrantSelection, Limits,
};
use super::tools::{ToolMark, ToolRule};
use super::{lint, quantity};
use crate::model::{PrincipalId, Right, Rights, Tier};

/// A value of the document with its place.
type Value<'a> = Spanned<DeValue<'a>>;

impl<'a> Reader<'a> {
    /// A name that can stand in messages and on command lines.
    pub(crate) fn name(&mut self, value: Value<'a>) -> String {
        let name: Option<Spanned<String>> = self.take(value);
        name.map(|name| self.checked_name(name)).unwrap_or_default()
    }

    pub(crate) fn checked_name(&mut self, name: Spanned<String>) -> String {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let text = name.get_ref();
        if text.is_empty() || text.starts_with('-') || !text.bytes().all(plain) {
            self.error(
                "name",
                &name.span(),
                "a name is made of lower-case letters, digits and `-`, and does not begin with `-`",
            );
        }
        name.into_inner()
    }

    /// A text that says something.
    pub(crate) fn sentence(&mut self, value: Value<'a>) -> String {
        let text: Option<Spanned<String>> = self.take(value);
        text.map(|text| self.filled(text)).unwrap_or_default()
    }

    pub(crate) fn filled(&mut self, text: Spanned<String>) -> String {
        if text.get_ref().trim().is_empty() {
            self.error("empty-text", &text.span(), "this says nothing");
        }
        text.into_inner()
    }

    /// The texts of a list that must not be empty when it is written.
    pub(crate) fn list(&mut self, list: Option<Patterns>) -> Vec<Spanned<String>> {
        let Some(list) = list else { return Vec::new() };
        if list.get_ref().is_empty() {
            self.empty_list(&list.span());
        }
        let mut kept: Vec<Spanned<String>> = Vec::new();
        for text in list.into_inner() {
            if kept.contains(&text) {
                let message = format!("`{}` is in the list twice", text.get_ref());
                self.error("duplicate", &text.span(), message);
            } else {
                kept.push(text);
            }
        }
        kept
    }

    pub(crate) fn empty_list(&mut self, span: &Range<usize>) {
        self.error("empty-list", span, "the list is empty");
        self.found
            .help("leave the key out: what is not named is not allowed");
    }

    fn rights(&mut self, rights: &Spanned<Vec<Right>>) -> Rights {
        if rights.get_ref().is_empty() {
            self.error("empty-list", &rights.span(), "the list is empty");
            self.found
                .help("leave the whole section out: what is not named is not allowed");
        }
        let set: Rights = rights.get_ref().iter().copied().collect();
        if set.iter().count() < rights.get_ref().len() {
            self.error("duplicate", &rights.span(), "a right is in the list twice");
        }
        set
    }

    pub(super) fn grant(&mut self, grant: GrantDocument) -> Grant {
        let hide = self.list(grant.hide);
        let protect = self.list(grant.protect);
        lint::path(self, &grant.path);
        lint::exceptions(self, &hide, &protect);
        Grant {
            place: self.source.place(&grant.path.span()),
            span: grant.path.span(),
            name: self.checked_name(grant.name),
            path: grant.path.into_inner(),
            rights: self.rights(&grant.rights),
            hide: texts(hide),
            protect: texts(protect),
            hard_links: grant.hard_links,
            missing: grant.missing,
            reason: self.filled(grant.reason),
        }
    }

    pub(super) fn deny(&mut self, deny: DenyDocument) -> Deny {
        lint::path(self, &deny.path);
        Deny {
            place: self.source.place(&deny.path.span()),
            span: deny.path.span(),
            path: deny.path.into_inner(),
            reason: self.filled(deny.reason),
        }
    }

    pub(super) fn commands(&mut self, key: &Range<usize>, value: Value<'a>) -> CommandRule {
        let place = Some(self.source.place(key));
        match self.take::<CommandsDocument>(value) {
            Some(commands) => CommandRule {
                run: commands.run,
                reason: self.filled(commands.reason),
                place,
            },
            None => CommandRule::default(),
        }
    }

    pub(super) fn tools(&mut self, key: &Range<usize>, value: Value<'a>) -> ToolRule {
        let Some(document) = self.take::<ToolsDocument>(value) else {
            return ToolRule::default();
        };
        let lists = [
            self.list(document.read_only),
            self.list(document.changing),
            self.list(document.sending),
            self.list(document.refuse),
        ];
        lint::tools(self, &lists, document.default.as_ref());
        let [read_only, changing, sending, refuse] = lists.map(texts);
        ToolRule {
            read_only,
            changing,
            sending,
            refuse,
            default: document
                .default
                .map_or_else(ToolMark::default, Spanned::into_inner),
            reason: self.filled(document.reason),
            place: Some(self.source.place(key)),
        }
    }

    pub(super) fn environment(&mut self, value: Value<'a>) -> Environment {
        let Some(document) = self.take::<EnvironmentDocument>(value) else {
            return Environment::default();
        };
        let pass = self.list(document.pass);
        let request = self.list(document.request);
        let mut set = BTreeMap::new();
        if let Some(document) = document.set {
            if document.get_ref().is_empty() {
                self.empty_list(&document.span());
            }
            for (name, value) in document.into_inner() {
                lint::variable(self, &name, &value);
                set.insert(name.into_inner(), value);
            }
        }
        lint::variables(self, &pass, &request);
        Environment {
            pass: texts(pass),
            set,
            request: texts(request),
        }
    }

    pub(super) fn limits(&mut self, value: Value<'a>) -> Limits {
        let mut limits = Limits::default();
        let Some(written) = self.take::<LimitsDocument>(value) else {
            return limits;
        };
        let time = self.duration(written.wall);
        limits.wall = time.unwrap_or(limits.wall);
        limits.cpu = self.duration(written.cpu).or(limits.cpu);
        limits.memory = self.size(written.memory).or(limits.memory);
        limits.processes = self.count(written.processes).or(limits.processes);
        limits.file_size = self.size(written.file_size).or(limits.file_size);
        for (kept, written) in [
            (&mut limits.output, written.output),
            (&mut limits.reply, written.reply),
            (&mut limits.file_read, written.file_read),
            (&mut limits.scratch, written.scratch),
        ] {
            *kept = self.size(written).unwrap_or(*kept);
        }
        for (kept, written) in [
            (&mut limits.open_files, written.open_files),
            (&mut limits.entries, written.entries),
        ] {
            *kept = self.count(written).unwrap_or(*kept);
        }
        limits
    }

    fn duration(&mut self, text: Option<Spanned<String>>) -> Option<Duration> {
        let text = text?;
        match quantity::duration(text.get_ref()) {
            Ok(time) if time.is_zero() => self.zero(&text.span()),
            Ok(time) => return Some(time),
            Err(message) => self.error("quantity", &text.span(), message),
        }
        None
    }

    fn size(&mut self, size: Option<Spanned<Size>>) -> Option<u64> {
        let size = size?;
        let span = size.span();
        let bytes = match size.into_inner() {
            Size::Bytes(bytes) if bytes > quantity::LARGEST => {
                Err(format!("`{bytes}` is more than any machine has"))
            }
            Size::Bytes(bytes) => Ok(bytes),
            Size::Text(text) => quantity::size(&text),
        };
        match bytes {
            Ok(0) => self.zero(&span),
            Ok(bytes) => return Some(bytes),
            Err(message) => self.error("quantity", &span, message),
        }
        None
    }

    fn count(&mut self, count: Option<Spanned<u64>>) -> Option<u64> {
        let count = count?;
        match *count.get_ref() {
            0 => self.zero(&count.span()),
            number if number > u64::from(u32::MAX) => {
                let message = format!("`{number}` is more than any machine has");
                self.error("quantity", &count.span(), message);
            }
            number => return Some(number),
        }
        None
    }

    fn zero(&mut self, span: &Range<usize>) {
        self.error("quantity", span, "a limit of nothing lets nothing happen");
        self.found
            .help("leave the key out for the default, or grant less");
    }

    pub(super) fn containment(&mut self, value: Value<'a>) -> Containment {
        let default = Containment::default();
        let Some(written) = self.take::<ContainmentDocument>(value) else {
            return default;
        };
        let profiles = self.list(written.profiles);
        let mut accept = Vec::new();
        if let Some(list) = written.accept {
            if list.get_ref().is_empty() {
                self.empty_list(&list.span());
            }
            for word in list.into_inner() {
                if accept.contains(word.get_ref()) {
                    let message = format!("`{}` is in the list twice", word.get_ref());
                    self.error("duplicate", &word.span(), message);
                } else {
                    accept.push(word.into_inner());
                }
            }
        }
        let abi = written.minimum_landlock_abi;
        if let Some(abi) = abi.as_ref().filter(|abi| *abi.get_ref() == 0) {
            self.error("quantity", &abi.span(), "the first Landlock ABI is 1");
        }
        Containment {
            mode: written.mode,
            profiles: profiles
                .into_iter()
                .map(|name| self.checked_name(name))
                .collect(),
            accept,
            minimum_landlock_abi: abi.map_or(default.minimum_landlock_abi, Spanned::into_inner),
            background: written.background,
            notify: written.notify,
            kernel_witness: written.kernel_witness,
        }
    }

    /// The entries of a table that are named by the principals or tiers they are about.
    fn entries(&mut self, value: Value<'a>) -> DeTable<'a> {
        let span = value.span();
        match value.into_inner() {
            DeValue::Table(table) if !table.is_empty() => table,
            DeValue::Table(_) => {
                self.empty_list(&span);
                DeTable::new()
            }
            _ => {
                self.error("wrong-type", &span, "expected a table");
                DeTable::new()
            }
        }
    }

    pub(super) fn tiers(&mut self, value: Value<'a>) -> BTreeMap<Tier, Ceiling> {
        let mut tiers = BTreeMap::new();
        for (key, value) in self.entries(value) {
            if let (Some(tier), Some(ceiling)) = (self.tier(&key), self.take(value)) {
                tiers.insert(tier, self.ceiling(key.span(), ceiling));
            }
        }
        tiers
    }

    fn tier(&mut self, key: &Spanned<Cow<'a, str>>) -> Option<Tier> {
        let word = key.get_ref().as_ref();
        let tier = Tier::ALL.into_iter().find(|tier| tier.as_str() == word);
        match tier {
            Some(Tier::Blocked) => {
                self.error("tier-blocked", &key.span(), "`blocked` can do nothing");
                self.found
                    .help("leave the section out; name the principals that belong to it");
                None
            }
            Some(tier) => Some(tier),
            None => {
                self.error(
                    "unknown-word",
                    &key.span(),
                    format!("unknown tier `{word}`"),
                );
                self.suggest(word, &Tier::ALL.map(Tier::as_str));
                None
            }
        }
    }

    fn ceiling(&mut self, key: Range<usize>, tier: TierDocument) -> Ceiling {
        let span = tier.grants.span();
        let grants = match tier.grants.into_inner() {
            Selection::Word(AllWord::All) => GrantSelection::All,
            Selection::Names(names) => {
                if names.is_empty() {
                    self.empty_list(&span);
                }
                GrantSelection::Named(names)
            }
        };
        Ceiling {
            rights: self.rights(&tier.rights),
            commands: tier.commands,
            grants,
            reason: self.filled(tier.reason),
            place: self.source.place(&key),
            span: key,
        }
    }

    pub(super) fn principals(&mut self, value: Value<'a>) -> BTreeMap<PrincipalId, Tier> {
        let mut principals = BTreeMap::new();
        for (key, value) in self.entries(value) {
            if key.get_ref().trim().is_empty() {
                self.error("name", &key.span(), "the id of a principal is empty");
            }
            if let Some(tier) = self.take::<Tier>(value) {
                principals.insert(PrincipalId::new(key.into_inner()), tier);
            }
        }
        principals
    }
}

fn texts(spanned: Vec<Spanned<String>>) -> Vec<String> {
    spanned.into_iter().map(Spanned::into_inner).collect()
}
