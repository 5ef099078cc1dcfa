//! What a principal could read that may hold a secret, by its name, under the terms of today.
//!
//! For the operator's report on a session. It decides as a request would be decided, opens no
//! file, looks at no value, and puts nothing on record.

use std::collections::BTreeSet;

use super::terms::Terms;
use crate::audit::{ExposedName, Exposure};
use crate::capability::{Capabilities, OpenError, exposed_files};
use crate::model::{Right, secret_variable, shown_path};
use crate::policy::{EffectiveGrant, PathAsk};

/// The operation in whose words it is decided.
const OP: &str = "audit.report";

/// How many names are looked at.
const MOST_NAMES: u64 = 200_000;

/// How many files are told.
const MOST_FILES: usize = 2000;

impl Terms {
    /// Looks for files and variables that may hold a secret.
    ///
    /// # Errors
    /// When what the policy grants cannot be opened.
    pub fn exposure(&self) -> Result<Exposure, OpenError> {
        let capabilities = Capabilities::open(&self.policy)?;
        let mut exposure = Exposure::default();
        let mut files = BTreeSet::new();
        // A principal whom the policy does not know reaches nothing.
        for grant in self.policy.reach(&self.principal).unwrap_or_default() {
            self.look_into(&grant, &capabilities, (&mut exposure, &mut files));
        }
        exposure.files = files.into_iter().collect();
        exposure.variables = self.exposed_variables();
        Ok(exposure)
    }

    fn look_into(
        &self,
        grant: &EffectiveGrant,
        capabilities: &Capabilities,
        (exposure, files): (&mut Exposure, &mut BTreeSet<ExposedName>),
    ) {
        let ask = PathAsk {
            op: OP,
            subject: &shown_path(grant.root.as_path()),
            path: &grant.root,
            rights: Right::Read.into(),
        };
        let decided = self.policy.decide_path(&self.principal, ask);
        let Ok(permit) = decided.into_result() else {
            return;
        };
        let left = MOST_NAMES.saturating_sub(exposure.looked_at);
        match exposed_files(capabilities, permit, left) {
            Ok(found) => {
                exposure.looked_at += found.looked_at;
                exposure.is_cut_off |= found.is_cut_off;
                exposure.unreadable += found.unreadable;
                for (path, kind) in found.files {
                    if files.len() == MOST_FILES {
                        exposure.is_cut_off = true;
                        break;
                    }
                    files.insert(ExposedName {
                        name: shown_path(&path),
                        holds: kind.holds,
                    });
                }
            }
            Err(_) => exposure.unreadable += 1,
        }
    }

    /// The variables that commands get from the operator, or from the policy.
    fn exposed_variables(&self) -> Vec<ExposedName> {
        let policy = self.policy.policy();
        let names = self.operator.environment_for(&policy.environment);
        let names = names.into_keys().filter_map(|name| name.into_string().ok());
        names
            .filter_map(|name| {
                let holds = secret_variable(&name)?;
                Some(ExposedName { name, holds })
            })
            .collect()
    }
}
