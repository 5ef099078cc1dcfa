//! What held, and what did not.

use serde::Serialize;

use super::row::Group;
use super::trial::{Expected, Trial};
use super::witness::Observed;
use crate::model::WeakerGuarantee;

/// What came of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// What must not be had had no effect, and what has to work works.
    Held,
    /// The other way round.
    Broken,
    /// It had an effect, and the policy accepts that by name.
    Weaker,
    /// Without the sandbox it has no effect on this host either, so that nothing is proven.
    NotApplicable,
}

impl Verdict {
    /// The verdict as the table says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Broken => "BROKEN",
            Self::Weaker => "weaker",
            Self::NotApplicable => "not applicable",
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What is attacked.
    pub group: Group,
    /// The attack's name in the group.
    pub name: String,
    /// What was tried.
    pub tried: String,
    /// What came of it.
    pub verdict: Verdict,
    /// The answer inside the sandbox: `ok`, an errno, a signal; both, for two paths.
    pub answer: String,
    /// The answer without the sandbox.
    pub control: String,
    /// What was seen from outside; empty where nothing was.
    pub seen: String,
    /// The guarantee that the policy does without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weaker: Option<WeakerGuarantee>,
}

/// What became of an attack in one of both places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Observation {
    pub answer: String,
    pub observed: Observed,
}

impl Observation {
    /// No answer came, so that nobody knows what happened: that is not taken for a refusal.
    pub(super) fn unanswered() -> Self {
        Self {
            answer: "no answer".into(),
            observed: Observed {
                seen: None,
                claimed: Some("the attacker was gone, twice"),
            },
        }
    }
}

/// Compares what was expected with what was seen, where these guarantees were not given.
pub(super) fn judge(
    trial: &Trial,
    [control, inside]: [Observation; 2],
    not_given: &[WeakerGuarantee],
) -> Finding {
    let has_control = control.observed.seen.is_some();
    let works = inside.observed.seen.is_some();
    let effect = works || inside.observed.claimed.is_some();
    let (verdict, weaker) = match trial.expected {
        Expected::Works if works => (Verdict::Held, None),
        Expected::Works if has_control => (Verdict::Broken, None),
        Expected::RefusedUnless(guarantee) if effect && not_given.contains(&guarantee) => {
            (Verdict::Weaker, Some(guarantee))
        }
        Expected::Refused | Expected::RefusedUnless(_) if effect => (Verdict::Broken, None),
        Expected::Refused | Expected::RefusedUnless(_) if has_control => (Verdict::Held, None),
        _ => (Verdict::NotApplicable, None),
    };
    Finding {
        group: trial.group,
        name: trial.name.clone(),
        tried: trial.row.tries.to_owned(),
        verdict,
        answer: inside.answer,
        control: control.answer,
        seen: match inside.observed {
            Observed {
                seen: Some(seen), ..
            } => seen,
            Observed { claimed, .. } => claimed.unwrap_or_default().into(),
        },
        weaker,
    }
}

#[cfg(test)]
mod tests {
    use super::{Observation, Verdict, judge};
    use crate::model::{Rights, WeakerGuarantee};
    use crate::prove::trial::{Expected, Promises, Trial, trials};
    use crate::prove::witness::Observed;

    /// What was seen, if anything.
    type Effect = Option<&'static str>;
    const NONE: Effect = None;
    const SEEN: Effect = Some("it was seen");

    fn observation(effect: Effect) -> Observation {
        Observation {
            answer: String::new(),
            observed: Observed {
                seen: effect.map(str::to_owned),
                claimed: None,
            },
        }
    }

    fn verdict(expected: Expected, control: Effect, inside: Effect) -> Verdict {
        let promises = Promises {
            rights: Rights::NONE,
            ..Promises::default()
        };
        let trial = Trial {
            expected,
            ..trials(&promises).remove(0)
        };
        let observations = [observation(control), observation(inside)];
        judge(&trial, observations, &[WeakerGuarantee::OutsideMetadata]).verdict
    }

    const ACCEPTED: Expected = Expected::RefusedUnless(WeakerGuarantee::OutsideMetadata);
    const REQUIRED: Expected = Expected::RefusedUnless(WeakerGuarantee::OutsideSignals);

    #[test]
    fn what_works_nowhere_proves_nothing() {
        for expected in [Expected::Refused, Expected::Works, ACCEPTED, REQUIRED] {
            assert_eq!(verdict(expected, NONE, NONE), Verdict::NotApplicable);
        }
    }

    #[test]
    fn an_effect_inside_is_judged_by_what_was_promised() {
        for expected in [Expected::Refused, REQUIRED] {
            assert_eq!(verdict(expected, SEEN, SEEN), Verdict::Broken);
            assert_eq!(verdict(expected, NONE, SEEN), Verdict::Broken);
            assert_eq!(verdict(expected, SEEN, NONE), Verdict::Held);
        }
        assert_eq!(verdict(ACCEPTED, SEEN, SEEN), Verdict::Weaker);
        assert_eq!(verdict(ACCEPTED, SEEN, NONE), Verdict::Held);
        assert_eq!(verdict(Expected::Works, SEEN, SEEN), Verdict::Held);
        assert_eq!(verdict(Expected::Works, SEEN, NONE), Verdict::Broken);
    }
}
