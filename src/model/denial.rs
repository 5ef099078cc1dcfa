//! A refusal as a value: what was refused, by which rule, and what is granted instead.
//!
//! The text goes to the agent. It must never say how to widen the sandbox, and
//! must be the same whether or not the refused path exists.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{RefusalCode, Wording, shown};

/// Where a line of a policy stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Place {
    /// The file's path, or `built-in:NAME`.
    pub file: Wording,
    /// The line, counted from 1.
    pub line: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// The rule that decided.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Rule {
    /// What the rule is: `grant workspace`, `tier friend`, or `default` where nothing matched.
    pub name: String,
    /// Where the policy says so; absent for the default, which no line states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

impl Rule {
    /// Nothing matched, and what nothing allows is refused.
    pub fn default_deny() -> Self {
        Self {
            name: "default".into(),
            place: None,
        }
    }
}

/// Who saw the path of a denial, which tells how far it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PathSource {
    /// The broker decided about this very path.
    Broker,
    /// The kernel's own lookup arrived at the tripwire. How the path went on from there was
    /// read from the caller's memory; then `looked_up` holds what is certain.
    Tripwire,
    /// The kernel's audit record.
    Kernel,
    /// Read from the memory of the refused process, which could have changed it meanwhile.
    TraceeMemory,
}

/// Why a denial stands for refusals that are not told one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Folded {
    /// They are repetitions of one that was told before.
    Again,
    /// They lie below the denial's path, each at a path of its own.
    Below,
    /// They are start-up noise of one kind; the denial has the path of the first.
    Noise,
}

/// What a witness knows about a path besides the path itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Besides {
    /// The part of the path that the kernel itself looked up, where that is not all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looked_up: Option<Box<str>>,
    /// The path as the process wrote it, where it leads there by a link; a hint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<Box<str>>,
}

/// One refusal, or several that are alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Denial {
    /// The stable code.
    pub code: RefusalCode,
    /// The operation: a request's (`file.read`), or a system call's (`chmod`).
    pub op: Cow<'static, str>,
    /// The path as the principal wrote it, made safe to show; absent where none was involved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What a witness knows besides about the path.
    #[serde(flatten)]
    pub besides: Option<Box<Besides>>,
    /// The rule that decided.
    pub rule: Rule,
    /// One line for the agent.
    pub message: String,
    /// What is granted instead, where anything is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// How many refusals this one stands for; at least 1.
    pub count: u64,
    /// Who saw the path.
    pub path_source: PathSource,
    /// Why programs look there whatever they are asked to do; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise: Option<&'static str>,
    /// Why it stands for several; absent for a refusal that is told in full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folded: Option<Folded>,
}

impl Denial {
    /// A refusal that the broker itself decided.
    ///
    /// `subject` is the path or command that was refused, as the principal wrote it.
    pub fn by_broker(
        code: RefusalCode,
        op: impl Into<Cow<'static, str>>,
        subject: &str,
        rule: Rule,
    ) -> Self {
        Self::seen(code, op.into(), Some(subject), rule, PathSource::Broker)
    }

    /// A refusal that a witness saw; `subject` is absent where no path was involved.
    pub fn seen(
        code: RefusalCode,
        op: Cow<'static, str>,
        subject: Option<&str>,
        rule: Rule,
        path_source: PathSource,
    ) -> Self {
        let path = subject.map(|text| shown(text).into_owned());
        let what = path.as_deref().unwrap_or(&op);
        let message = format!(
            "sandbox: {what}: {} (blocked by sandbox: {}) [code={code}]",
            code.errno_text(),
            code.reason(),
        );
        Self {
            code,
            op,
            path,
            besides: None,
            rule,
            message,
            hint: None,
            count: 1,
            path_source,
            noise: None,
            folded: None,
        }
    }

    /// Refusals below a directory that are not told one by one; no directory where no path was
    /// involved.
    pub fn below(
        code: RefusalCode,
        op: Cow<'static, str>,
        directory: Option<&str>,
        rule: Rule,
        path_source: PathSource,
    ) -> Self {
        let what = directory.map(|directory| format!("below {directory}"));
        Self {
            path: directory.map(|text| shown(text).into_owned()),
            folded: Some(Folded::Below),
            ..Self::seen(code, op, what.as_deref(), rule, path_source)
        }
    }

    /// The same refusal with a word on what is granted instead.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{Denial, Rule};
    use crate::model::RefusalCode;

    #[test]
    fn the_message_has_the_documented_form() {
        let denial = Denial::by_broker(
            RefusalCode::OutsideCapability,
            "file.read",
            "/etc/shadow",
            Rule::default_deny(),
        );
        assert_eq!(
            denial.message,
            "sandbox: /etc/shadow: Permission denied (blocked by sandbox: \
             outside every granted directory) [code=outside-capability]"
        );
    }

    #[test]
    fn a_name_cannot_forge_a_second_line() {
        let denial = Denial::by_broker(
            RefusalCode::BadRequest,
            "file.read",
            "a\nok",
            Rule::default_deny(),
        );
        assert_eq!(denial.message.lines().count(), 1);
    }
}
