//! Why nothing could be proven.

use std::io;

use crate::policy::Diagnostics;

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The temporary world could not be made, or not be worked with.
    #[error("cannot make or use the proof's temporary directory")]
    World(#[from] io::Error),
    /// Every place for the world lies in a grant.
    #[error("every directory for temporary files lies in a grant of the policy: {places}")]
    NoOutside {
        /// The places that were tried.
        places: String,
    },
    /// The policy cannot be bound to the world.
    #[error("the policy cannot be used")]
    Policy(Diagnostics),
    /// No sandbox could be planned or prepared.
    #[error("the sandbox cannot be prepared: {message}")]
    Unavailable {
        /// Why not.
        message: String,
        /// What can be done about it.
        hint: Option<String>,
    },
    /// The attacker did not start where no sandbox keeps it from that.
    #[error("the attacker does not run outside the sandbox either")]
    NoControl,
    /// Somebody wanted it to stop.
    #[error("stopped by signal {signal}")]
    Interrupted {
        /// The signal.
        signal: i32,
    },
}
