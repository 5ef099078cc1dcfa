//! What the chosen mode cannot keep on a host, of what the policy asks.
//!
//! Pure. Whatever is missing is named, and accepted by the policy under that name; otherwise
//! there is no plan.

use super::limits::ProcessBound;
use super::plan::Wish;
use super::unavailable::Unavailable;
use super::view;
use crate::model::{Mode, Right, Rights, WeakerGuarantee};
use crate::policy::EffectiveGrant;

/// Linux 6.12: signals to processes outside the domain are refused.
const SCOPED_SIGNALS: u32 = 6;

/// What the mode cannot keep; an error where the policy needs one of them.
pub(super) fn weaker(
    wish: &Wish<'_>,
    (mode, process_bound): (Mode, ProcessBound),
    landlock_abi: u32,
) -> Result<Vec<WeakerGuarantee>, Unavailable> {
    let mut weaker = Vec::new();
    if mode == Mode::View {
        if has_unmountable_exceptions(wish.reach) {
            weaker.push(WeakerGuarantee::CommandExceptions);
        }
    } else {
        weaker.push(WeakerGuarantee::OutsideMetadata);
        if has_inexpressible_exceptions(wish.reach) {
            weaker.push(WeakerGuarantee::CommandExceptions);
        }
        if landlock_abi < SCOPED_SIGNALS {
            weaker.push(WeakerGuarantee::OutsideSignals);
        }
        weaker.push(WeakerGuarantee::ScratchLimit);
    }
    if process_bound == ProcessBound::Nothing {
        weaker.push(WeakerGuarantee::ProcessLimit);
    }
    match weaker
        .iter()
        .find(|one| !wish.containment.accept.contains(one))
    {
        Some(guarantee) => Err(Unavailable::Guarantee {
            mode: mode.as_str(),
            guarantee: *guarantee,
        }),
        None => Ok(weaker),
    }
}

/// Landlock only adds rights downwards. What is hidden in a grant without the right to change
/// anything can still be left out, by allowing everything around it; where files can be made
/// or replaced, it cannot.
fn has_inexpressible_exceptions(reach: &[EffectiveGrant]) -> bool {
    reach
        .iter()
        .filter(|grant| grant.rights.change_something())
        .any(|grant| {
            !grant.hide.is_empty() || !grant.protect.is_empty() || has_lesser_inside(grant, reach)
        })
}

/// A mount can take away every change at once, execution, or everything. What takes away only
/// some rights inside a grant that has them is beyond mounts, and Landlock adds downwards.
///
/// A grant in a private place, as below `/tmp`, gets from Landlock whatever that place has.
fn has_unmountable_exceptions(reach: &[EffectiveGrant]) -> bool {
    let is_in_private_place = |grant: &EffectiveGrant| {
        let mut places = view::PRIVATE.iter();
        places.any(|(place, _)| grant.root.as_path().starts_with(place))
    };
    let mut in_private_places = reach.iter().filter(|grant| is_in_private_place(grant));
    if in_private_places.any(|grant| !is_mountable_inside(grant.rights, Rights::ALL)) {
        return true;
    }
    reach.iter().any(|outer| {
        reach.iter().any(|inner| {
            let inside = inner.grant != outer.grant && inner.root.beneath(&outer.root).is_some();
            inside && !is_mountable_inside(inner.rights, outer.rights)
        })
    })
}

fn is_mountable_inside(inner: Rights, outer: Rights) -> bool {
    let lost = outer.without(inner);
    let changes = outer.intersection(Rights::CHANGING);
    let all_or_nothing = |some: Rights| some.is_empty() || some == changes;
    inner.is_empty()
        || !lost.has(Right::List)
            && !lost.has(Right::Read)
            && all_or_nothing(lost.intersection(Rights::CHANGING))
}

fn has_lesser_inside(outer: &EffectiveGrant, reach: &[EffectiveGrant]) -> bool {
    reach.iter().any(|inner| {
        inner.grant != outer.grant
            && inner.root.beneath(&outer.root).is_some()
            && !inner.rights.covers(outer.rights)
    })
}
