//! From text to a policy. Every part is read even when another is broken, so that
//! one look at the messages is enough. What is not understood is never guessed at.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::diagnostic::{Diagnostics, Source};
use super::document::NetworkDocument;
use super::lint;
use super::terms::{CommandRule, Containment, Environment, Limits, Network, Policy};
use super::tools::ToolRule;

/// The most findings of one kind in one place: whoever makes more is not helped by the rest.
pub(super) const MOST: usize = 20;

/// The keys at the top of a policy.
pub(super) const KEYS: [&str; 12] = [
    "name",
    "description",
    "grant",
    "deny",
    "commands",
    "environment",
    "network",
    "tools",
    "limits",
    "containment",
    "tier",
    "principal",
];

impl Policy {
    /// Reads a policy from its text; `source` is what messages call it.
    ///
    /// # Errors
    /// Everything that is wrong with it, and any warnings besides.
    pub fn parse(source: &str, text: &str) -> Result<Self, Diagnostics> {
        let (policy, found) = Self::check(source, text);
        policy.ok_or(found)
    }

    /// Reads a policy and keeps the warnings. There is no policy when anything is an error.
    pub fn check(source: &str, text: &str) -> (Option<Self>, Diagnostics) {
        let (mut reader, table) = match Reader::open(Source { file: source, text }) {
            Ok(opened) => opened,
            Err(found) => return (None, found),
        };
        let policy = reader.policy(table.into_inner());
        let mut found = reader.found;
        if !found.has_errors() {
            lint::policy(&mut found, &policy);
        }
        found.sort();
        let usable = !found.has_errors();
        (usable.then_some(policy), found)
    }
}

/// A text being read, and what was found wrong with it so far.
pub(crate) struct Reader<'a> {
    pub(crate) source: Source<'a>,
    pub(crate) found: Diagnostics,
}

impl<'a> Reader<'a> {
    /// Begins to read a text that is TOML.
    pub(crate) fn open(source: Source<'a>) -> Result<(Self, Spanned<DeTable<'a>>), Diagnostics> {
        let mut found = lint::characters(source);
        let (table, errors) = DeTable::parse_recoverable(source.text);
        for error in &errors {
            let span = error.span().unwrap_or_default();
            found.error("syntax", source.spot(&span), error.message());
        }
        if found.has_errors() {
            return Err(found);
        }
        Ok((Self { source, found }, table))
    }

    fn policy(&mut self, table: DeTable<'a>) -> Policy {
        let mut policy = Policy {
            name: String::new(),
            source: self.source.file.to_owned(),
            description: String::new(),
            grants: Vec::new(),
            denies: Vec::new(),
            commands: CommandRule::default(),
            environment: Environment::default(),
            network: Network::None,
            tools: ToolRule::default(),
            limits: Limits::default(),
            containment: Containment::default(),
            tiers: BTreeMap::new(),
            principals: BTreeMap::new(),
            text: Arc::from(self.source.text),
        };
        for key in ["name", "description"] {
            if !table.contains_key(key) {
                let message = format!("the policy has no `{key}`");
                self.error("missing-key", &(0..0), message);
            }
        }
        let unknown = |key: &&Spanned<Cow<'a, str>>| !KEYS.contains(&key.get_ref().as_ref());
        for key in table.keys().filter(unknown).take(MOST) {
            let message = format!("unknown key `{}`", key.get_ref());
            self.error("unknown-key", &key.span(), message);
            self.suggest(key.get_ref(), &KEYS);
        }
        for (key, value) in table {
            self.section(&mut policy, &key, value);
        }
        policy
    }

    fn section(
        &mut self,
        policy: &mut Policy,
        key: &Spanned<Cow<'a, str>>,
        value: Spanned<DeValue<'a>>,
    ) {
        match key.get_ref().as_ref() {
            "name" => policy.name = self.name(value),
            "description" => policy.description = self.sentence(value),
            "grant" => {
                for grant in self.each(value) {
                    policy.grants.push(self.grant(grant));
                }
            }
            "deny" => {
                for deny in self.each(value) {
                    policy.denies.push(self.deny(deny));
                }
            }
            "commands" => policy.commands = self.commands(&key.span(), value),
            "environment" => policy.environment = self.environment(value),
            "network" => {
                if let Some(network) = self.take::<NetworkDocument>(value) {
                    policy.network = network.allow;
                }
            }
            "tools" => policy.tools = self.tools(&key.span(), value),
            "limits" => policy.limits = self.limits(value),
            "containment" => policy.containment = self.containment(value),
            "tier" => policy.tiers = self.tiers(value),
            "principal" => policy.principals = self.principals(value),
            _ => {} // reported as unknown
        }
    }

    pub(crate) fn error(
        &mut self,
        name: &'static str,
        span: &Range<usize>,
        message: impl Into<String>,
    ) {
        let spot = self.source.spot(span);
        self.found.error(name, spot, message);
    }

    pub(super) fn warning(&mut self, name: &'static str, span: &Range<usize>, message: &str) {
        let spot = self.source.spot(span);
        self.found.warning(name, spot, message);
    }

    /// Says which of the known words was probably meant.
    pub(crate) fn suggest(&mut self, written: &str, known: &[&str]) {
        self.found.help(nearest(written, known));
    }

    /// Reads a value as a type; every unknown key in it is reported, not only the first.
    pub(crate) fn take<T: Deserialize<'a>>(
        &mut self,
        mut value: Spanned<DeValue<'a>>,
    ) -> Option<T> {
        let mut unknown: Vec<String> = Vec::new();
        loop {
            let error = match T::deserialize(ValueDeserializer::from(value.clone())) {
                Ok(read) => return unknown.is_empty().then_some(read),
                Err(error) => error,
            };
            let span = error.span().unwrap_or_else(|| value.span());
            let message = error.message();
            // Serde names the offending word and then the known ones, each in backticks.
            let words: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
            let Some((word, known)) = words.split_first() else {
                self.error("wrong-type", &span, message);
                return None;
            };
            if message.starts_with("unknown field") {
                self.error("unknown-key", &span, format!("unknown key `{word}`"));
                self.suggest(word, known);
                unknown.push((*word).to_owned());
                let DeValue::Table(table) = value.get_mut() else {
                    return None;
                };
                table.remove(*word)?;
                if unknown.len() == MOST {
                    return None;
                }
                continue;
            }
            if message.starts_with("unknown variant") {
                self.error("unknown-word", &span, format!("unknown word `{word}`"));
                self.suggest(word, known);
            } else if !message.starts_with("missing field") {
                self.error("wrong-type", &span, message);
            } else if !unknown.iter().any(|other| is_near(other, word)) {
                self.error("missing-key", &span, format!("`{word}` is missing"));
            }
            return None;
        }
    }

    /// The elements of an array of tables, read one by one.
    pub(crate) fn each<T: Deserialize<'a>>(&mut self, value: Spanned<DeValue<'a>>) -> Vec<T> {
        let span = value.span();
        let DeValue::Array(elements) = value.into_inner() else {
            self.error("wrong-type", &span, "expected `[[…]]`, with two brackets");
            return Vec::new();
        };
        let mut read = Vec::new();
        for element in elements {
            read.extend(self.take(element));
        }
        read
    }
}

/// A question after the known word that is nearest to the written one, or all known words.
pub(super) fn nearest(written: &str, known: &[&str]) -> String {
    let near = known.iter().filter(|word| is_near(written, word));
    match near.min_by_key(|word| distance(written, word)) {
        Some(word) => format!("did you mean `{word}`?"),
        None if known.is_empty() => "there is none".into(),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// Whether one word is probably the other, mistyped.
fn is_near(written: &str, word: &str) -> bool {
    distance(written, word) <= 1 + word.len() / 4
}

/// How many letters two words differ by.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, left) in one.chars().enumerate() {
        let mut corner = row[0];
        row[0] = line + 1;
        for (column, right) in other.iter().enumerate() {
            let change = corner + usize::from(left != *right);
            corner = row[column + 1];
            row[column + 1] = change.min(corner + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}
