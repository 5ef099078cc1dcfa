//! From text to sets of system calls. What is not understood is an error, never a guess.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::constants;
use super::sets::{Closed, Openable, contradict};
use super::{Action, Arch, Case, Errno, Origin, Sense, SetEntry, SyscallSet, SyscallSets, Test};
use crate::model::Wording;
use crate::policy::{Diagnostics, Reader, Source};

/// A list with the places of its elements.
type List<T> = Spanned<Vec<Spanned<T>>>;

/// One set, as its text states it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetDocument {
    name: Spanned<String>,
    about: Spanned<String>,
    closed: Closed,
    #[serde(default)]
    openable: bool,
    entry: Vec<Spanned<EntryDocument>>,
}

/// One entry of a set.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryDocument {
    calls: List<String>,
    when: Option<Spanned<WhenDocument>>,
    errno: Spanned<String>,
    only: Option<Spanned<String>>,
    reason: Spanned<String>,
}

/// A condition: one of `is`, `is-not` and `any-bit`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WhenDocument {
    argument: Spanned<u8>,
    mask: Option<Spanned<Number>>,
    is: Option<List<Number>>,
    is_not: Option<List<Number>>,
    any_bit: Option<List<Number>>,
}

/// A number, or names of the kernel's constants joined by `|`.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a number of 32 bits, or names of constants"
)]
enum Number {
    Value(u32),
    Names(String),
}

impl SyscallSets {
    /// Reads sets from their text; `source` is what messages call it.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn parse(source: &str, text: &str) -> Result<Self, Diagnostics> {
        let (mut reader, table) = Reader::open(Source { file: source, text })?;
        let mut sets = Vec::new();
        let mut seen = Seen::default();
        for (key, value) in table.into_inner() {
            if key.get_ref() == "set" {
                for document in reader.each(value) {
                    let set = set(&mut reader, &mut seen, document);
                    sets.push(set);
                }
            } else {
                let message = format!("unknown key `{}`", key.get_ref());
                reader.error("unknown-key", &key.span(), message);
                reader.suggest(key.get_ref(), &["set"]);
            }
        }
        reader.found.sort();
        if reader.found.has_errors() {
            return Err(reader.found);
        }
        Ok(Self { sets })
    }
}

/// What the sets before have said.
#[derive(Default)]
struct Seen {
    names: Vec<String>,
    /// The set that is read, if it is one that a plan chooses. Of such sets with the same
    /// calls a plan takes one, so they may say different things.
    alternative: Option<String>,
    calls: Vec<SeenCall>,
}

/// A call, and what happens to it.
struct SeenCall {
    name: String,
    /// None means always.
    case: Option<Case>,
    alternative: Option<String>,
}

fn set(reader: &mut Reader<'_>, seen: &mut Seen, document: SetDocument) -> SyscallSet {
    let span = document.name.span();
    let name = reader.checked_name(document.name);
    if seen.names.contains(&name) {
        reader.error(
            "duplicate",
            &span,
            format!("there are two sets named `{name}`"),
        );
    }
    seen.names.push(name.clone());
    seen.alternative = (document.closed == Closed::ByPlan).then(|| name.clone());
    if document.entry.is_empty() {
        reader.empty_list(&span);
    }
    let entries = document
        .entry
        .into_iter()
        .map(|document| entry(reader, seen, &name, document.into_inner()))
        .collect();
    SyscallSet {
        name: name.into(),
        about: reader.filled(document.about).into(),
        closed: document.closed,
        openable: if document.openable {
            Openable::Yes
        } else {
            Openable::No
        },
        entries,
    }
}

fn entry(reader: &mut Reader<'_>, seen: &mut Seen, set: &str, document: EntryDocument) -> SetEntry {
    let errno = errno(reader, &document.errno);
    let only = document.only.and_then(|only| architecture(reader, &only));
    let when = document
        .when
        .and_then(|when| condition(reader, when.into_inner()));
    let reason = Wording::from(reader.filled(document.reason));
    if document.calls.get_ref().is_empty() {
        reader.empty_list(&document.calls.span());
    }
    let mut calls = Vec::new();
    for call in document.calls.into_inner() {
        check_call(reader, &call, only);
        let case = when.clone().map(|test| Case {
            test,
            action: Action::Errno(errno),
            origin: Origin {
                set: set.to_owned().into(),
                reason: reason.clone(),
            },
        });
        if let Some(message) = seen.clash(call.get_ref(), case.as_ref()) {
            reader.error("contradiction", &call.span(), message);
        }
        seen.calls.push(SeenCall {
            name: call.get_ref().clone(),
            case,
            alternative: seen.alternative.clone(),
        });
        calls.push(call.into_inner().into());
    }
    SetEntry {
        calls,
        when,
        errno,
        only,
        reason,
    }
}

impl Seen {
    /// What is wrong with saying this of a call as well.
    fn clash(&self, call: &str, case: Option<&Case>) -> Option<String> {
        let is_other = |seen: &SeenCall| {
            seen.alternative.is_some()
                && self.alternative.is_some()
                && seen.alternative != self.alternative
        };
        let mut before = self
            .calls
            .iter()
            .filter(|seen| seen.name == call && !is_other(seen));
        match case {
            None => before
                .next()
                .map(|_| format!("`{call}` is closed here always, and elsewhere too")),
            Some(case) => before.find_map(|seen| match &seen.case {
                None => Some(format!("`{call}` is closed elsewhere, always")),
                Some(other) if contradict(other, case) => Some(format!(
                    "`{call}` ends with another error in the set `{}` for such an argument",
                    other.origin.set
                )),
                Some(_) => None,
            }),
        }
    }
}

fn errno(reader: &mut Reader<'_>, name: &Spanned<String>) -> Errno {
    Errno::named(name.get_ref()).unwrap_or_else(|| {
        let message = format!("there is no error named `{}`", name.get_ref());
        reader.error("unknown-word", &name.span(), message);
        Errno::EPERM
    })
}

fn architecture(reader: &mut Reader<'_>, name: &Spanned<String>) -> Option<Arch> {
    let arch = Arch::ALL
        .into_iter()
        .find(|arch| arch.as_str() == name.get_ref());
    if arch.is_none() {
        let message = format!("unknown architecture `{}`", name.get_ref());
        reader.error("unknown-word", &name.span(), message);
        reader.suggest(name.get_ref(), &Arch::ALL.map(Arch::as_str));
    }
    arch
}

/// A call must exist exactly where the entry says that it does.
fn check_call(reader: &mut Reader<'_>, call: &Spanned<String>, only: Option<Arch>) {
    let name = call.get_ref();
    let having: Vec<Arch> = Arch::ALL
        .into_iter()
        .filter(|arch| arch.number(name).is_some())
        .collect();
    let span = call.span();
    match (having.as_slice(), only) {
        ([], _) => {
            let message = format!("there is no system call named `{name}`");
            reader.error("unknown-call", &span, message);
        }
        ([arch], None) => {
            let message = format!("only {arch} has the system call `{name}`");
            reader.error("unknown-call", &span, message);
            reader
                .found
                .help(format!("put it into an entry with `only = \"{arch}\"`"));
        }
        (having, Some(only)) if having != [only] => {
            let message = format!("`{name}` is not a system call of {only} alone");
            reader.error("unknown-call", &span, message);
        }
        _ => {}
    }
}

fn condition(reader: &mut Reader<'_>, document: WhenDocument) -> Option<Test> {
    let argument = *document.argument.get_ref();
    if argument > 5 {
        let message = "the arguments of a call are 0 to 5";
        reader.error("quantity", &document.argument.span(), message);
    }
    let mask = match &document.mask {
        Some(mask) => number(reader, mask)?,
        None => u32::MAX,
    };
    let whole = document.argument.span();
    match (document.is, document.is_not, document.any_bit) {
        (Some(list), None, None) => listed(reader, list, argument, mask, Sense::In),
        (None, Some(list), None) => listed(reader, list, argument, mask, Sense::NotIn),
        (None, None, Some(list)) if document.mask.is_none() => {
            let span = list.span();
            let bits = numbers(reader, list)?
                .into_iter()
                .fold(0, |bits, bit| bits | bit);
            if bits == 0 {
                reader.error(
                    "contradiction",
                    &span,
                    "no bit is named, so it is never met",
                );
            }
            Some(Test::any_bit(argument, bits))
        }
        _ => {
            let message =
                "a condition has one of `is`, `is-not` (with a `mask` or without) and `any-bit`";
            reader.error("contradiction", &whole, message);
            None
        }
    }
}

fn listed(
    reader: &mut Reader<'_>,
    list: List<Number>,
    argument: u8,
    mask: u32,
    sense: Sense,
) -> Option<Test> {
    let span = list.span();
    let values = numbers(reader, list)?;
    if values.iter().any(|value| value & !mask != 0) {
        let message = "a value has bits that the mask takes away, so it is never met";
        reader.error("contradiction", &span, message);
        return None;
    }
    Some(Test {
        argument,
        mask,
        values,
        sense,
    })
}

fn numbers(reader: &mut Reader<'_>, list: List<Number>) -> Option<Vec<u32>> {
    let span: Range<usize> = list.span();
    let values: Vec<u32> = list
        .into_inner()
        .iter()
        .map(|value| number(reader, value))
        .collect::<Option<_>>()?;
    if values.is_empty() {
        reader.empty_list(&span);
        return None;
    }
    Some(values)
}

fn number(reader: &mut Reader<'_>, number: &Spanned<Number>) -> Option<u32> {
    match number.get_ref() {
        Number::Value(value) => Some(*value),
        Number::Names(names) => match constants::value(names) {
            Ok(value) => Some(value),
            Err(unknown) => {
                let message = format!("unknown constant `{unknown}`");
                reader.error("unknown-word", &number.span(), message);
                reader.suggest(unknown, &constants::names());
                None
            }
        },
    }
}
