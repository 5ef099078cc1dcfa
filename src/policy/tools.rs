//! The tools of other servers: what each counts as, by its name, and whether it may be called.
//!
//! What a server says about its own tools plays no part here. Where several patterns cover a
//! name, the strictest mark counts, so that a mark which is added never lets more happen.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bind::BoundPolicy;
use super::decide::Decision;
use crate::model::{Denial, Place, PrincipalId, RefusalCode, Rule};

/// What a tool does to the world, at most, as far as the policy says.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ToolMark {
    /// It looks, and changes nothing.
    ReadOnly,
    /// It changes something.
    #[default]
    Changing,
    /// It makes something leave the machine: a message, a post, an order.
    Sending,
    /// It may not be called.
    Refuse,
}

impl ToolMark {
    /// Every mark, the strictest last.
    pub const ALL: [Self; 4] = [Self::ReadOnly, Self::Changing, Self::Sending, Self::Refuse];

    /// The mark as policies write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::Changing => "changing",
            Self::Sending => "sending",
            Self::Refuse => "refuse",
        }
    }
}

/// The policy's word on the tools of other servers, and where it says so.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct ToolRule {
    /// Names, with `*` for any part, of tools that look.
    pub read_only: Vec<String>,
    /// Those that change something.
    pub changing: Vec<String>,
    /// Those that make something leave the machine.
    pub sending: Vec<String>,
    /// Those that may not be called.
    pub refuse: Vec<String>,
    /// What a tool counts as that no pattern covers.
    pub default: ToolMark,
    /// Why; empty where the policy does not speak of tools.
    pub reason: String,
    /// Where the policy says so.
    pub place: Option<Place>,
}

impl ToolRule {
    /// The patterns of a mark.
    pub fn patterns(&self, mark: ToolMark) -> &[String] {
        match mark {
            ToolMark::ReadOnly => &self.read_only,
            ToolMark::Changing => &self.changing,
            ToolMark::Sending => &self.sending,
            ToolMark::Refuse => &self.refuse,
        }
    }

    /// What the tool of this name counts as.
    pub fn mark(&self, tool: &str) -> ToolMark {
        let covers = |mark: &ToolMark| {
            self.patterns(*mark)
                .iter()
                .any(|one| covers_tool(one, tool))
        };
        let strictest = ToolMark::ALL.into_iter().rev().find(covers);
        strictest.unwrap_or(self.default)
    }
}

/// Whether a text can name tools: letters, digits, `_ - . /` as in the protocol, and `*`.
pub(super) fn is_tool_pattern(text: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./*".contains(&byte);
    !text.is_empty() && text.bytes().all(is_known)
}

/// Upper and lower case are the same, so that `sendMail` is what `send*` and `sendmail` name.
fn covers_tool(pattern: &str, tool: &str) -> bool {
    let (pattern, tool) = (pattern.to_ascii_lowercase(), tool.to_ascii_lowercase());
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| tool.strip_prefix(first)) else {
        return false;
    };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else {
        return rest.is_empty();
    };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Leave to call one tool. Not `Clone`: one decision, one effect.
#[derive(Debug)]
#[must_use = "a permit that is dropped was a decision about nothing"]
pub struct ToolPermit {
    tool: String,
    mark: ToolMark,
    rule: Rule,
}

impl ToolPermit {
    /// The tool that may be called.
    pub fn tool(&self) -> &str {
        &self.tool
    }

    /// What it counts as.
    pub fn mark(&self) -> ToolMark {
        self.mark
    }

    /// The rule that allowed it.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }
}

impl BoundPolicy {
    /// Decides whether the principal may call a tool of another server, which runs as a command.
    pub fn decide_tool(
        self: &Arc<Self>,
        principal: &PrincipalId,
        op: &'static str,
        tool: &str,
    ) -> Decision<ToolPermit> {
        let server = match self.decide_command(principal, op, tool) {
            Decision::Allow(permit) => permit.rule().clone(),
            Decision::Deny(denial) => return Decision::Deny(denial),
        };
        let rules = &self.policy().tools;
        let rule = match &rules.place {
            Some(place) => Rule {
                name: "tools".into(),
                place: Some(place.clone()),
            },
            None => server,
        };
        let mark = rules.mark(tool);
        let refused = match mark {
            ToolMark::ReadOnly => None,
            // Nothing changes and nothing leaves.
            ToolMark::Changing | ToolMark::Sending => self
                .is_read_only(principal)
                .then_some(RefusalCode::ReadOnly),
            ToolMark::Refuse => Some(RefusalCode::CommandNotGranted),
        };
        match refused {
            Some(code) => Decision::Deny(Denial::by_broker(code, op, tool, rule)),
            None => Decision::Allow(ToolPermit {
                tool: tool.to_owned(),
                mark,
                rule,
            }),
        }
    }
}

impl fmt::Display for ToolRule {
    /// `read-only read_*, list_*; sending send_*; others changing`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mark in ToolMark::ALL {
            let patterns = self.patterns(mark);
            if !patterns.is_empty() {
                write!(f, "{} {}; ", mark.as_str(), patterns.join(", "))?;
            }
        }
        write!(f, "others {}", self.default.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{ToolMark, ToolRule, covers_tool, is_tool_pattern};

    #[test]
    fn a_star_stands_for_any_part_of_a_name() {
        for (pattern, tool) in [
            ("*", ""),
            ("*", "anything"),
            ("read_file", "read_file"),
            ("read_*", "READ_file"),
            ("*_mail", "send_mail"),
            ("a*b*c", "abc"),
            ("a*b*c", "a-b-b-c"),
            ("**", "x"),
        ] {
            assert!(covers_tool(pattern, tool), "{pattern} {tool}");
        }
        for (pattern, tool) in [
            ("read_file", "read_files"),
            ("read_*", "unread_x"),
            ("a*b*c", "acb"),
            ("ab*ba", "aba"),
            ("", "x"),
        ] {
            assert!(!covers_tool(pattern, tool), "{pattern} {tool}");
        }
    }

    #[test]
    fn the_strictest_mark_counts() {
        let list = |text: &str| vec![text.to_owned()];
        let rule = ToolRule {
            read_only: list("get_*"),
            changing: list("*_all"),
            sending: list("*mail*"),
            refuse: list("get_mail_keys"),
            ..ToolRule::default()
        };
        assert_eq!(rule.mark("get_time"), ToolMark::ReadOnly);
        assert_eq!(rule.mark("get_all"), ToolMark::Changing);
        assert_eq!(rule.mark("get_mail"), ToolMark::Sending);
        assert_eq!(rule.mark("Get_Mail_Keys"), ToolMark::Refuse);
        assert_eq!(rule.mark("fly"), ToolMark::Changing);
        assert_eq!(
            rule.to_string(),
            "read-only get_*; changing *_all; sending *mail*; refuse get_mail_keys; others changing"
        );
    }

    #[test]
    fn patterns_are_made_of_what_names_are_made_of() {
        assert!(is_tool_pattern("a.b/c-d_*9"));
        for text in ["", "a b", "a?", "é", "a\n"] {
            assert!(!is_tool_pattern(text), "{text:?}");
        }
    }
}
