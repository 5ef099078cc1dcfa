//! `--read-only`: the same policy with every changing right taken away.

use super::terms::Policy;
use crate::model::Rights;

const SUFFIX: &str = " (read-only)";

impl Policy {
    /// Takes the rights to write, create and delete away, everywhere. Adds nothing.
    #[must_use]
    pub fn tightened_to_read_only(mut self) -> Self {
        for grant in &mut self.grants {
            grant.rights = grant.rights.without(Rights::CHANGING);
        }
        for ceiling in self.tiers.values_mut() {
            ceiling.rights = ceiling.rights.without(Rights::CHANGING);
        }
        if !self.name.ends_with(SUFFIX) {
            self.name.push_str(SUFFIX);
        }
        self
    }
}
