//! The commands of a connection that have no reply yet, by the ids that the caller gave them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A session and the id of a request in it, as JSON.
type Name = (String, String);

/// How far a command has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It was not passed on yet.
    Waiting,
    /// It was not passed on yet, and is not to run.
    Cancelled,
    /// The worker has it under this number.
    Sent(u64),
}

/// The commands of a connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Commands(Arc<Mutex<HashMap<Name, Stage>>>);

/// A command that has no reply yet, until this is dropped.
#[derive(Debug)]
pub(super) struct Entered {
    commands: Commands,
    name: Name,
}

impl Commands {
    fn stages(&self) -> MutexGuard<'_, HashMap<Name, Stage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a command; none where there is one with this id in the session.
    pub(super) fn enter(&self, session: &str, id: &str) -> Option<Entered> {
        let name = (session.to_owned(), id.to_owned());
        let mut stages = self.stages();
        if stages.contains_key(&name) {
            return None;
        }
        stages.insert(name.clone(), Stage::Waiting);
        let commands = self.clone();
        Some(Entered { commands, name })
    }

    /// Wants a command to end, and gives how far it had come; none where there is none.
    pub(super) fn cancel(&self, session: &str, id: &str) -> Option<Stage> {
        let mut stages = self.stages();
        let stage = stages.get_mut(&(session.to_owned(), id.to_owned()))?;
        let before = *stage;
        if before == Stage::Waiting {
            *stage = Stage::Cancelled;
        }
        Some(before)
    }
}

impl Entered {
    /// Whether it is not to run.
    pub(super) fn is_cancelled(&self) -> bool {
        self.commands.stages().get(&self.name) == Some(&Stage::Cancelled)
    }

    /// It was passed on; whether it is to be ended again.
    pub(super) fn sent(&self, number: u64) -> bool {
        let sent = Stage::Sent(number);
        self.commands.stages().insert(self.name.clone(), sent) == Some(Stage::Cancelled)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.commands.stages().remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::{Commands, Stage};

    #[test]
    fn a_command_is_found_by_its_session_and_id_until_it_is_answered() {
        let commands = Commands::default();
        let entered = commands.enter("s", "1").unwrap();
        assert!(commands.enter("s", "1").is_none());
        assert!(commands.enter("s", "\"1\"").is_some());
        assert_eq!(commands.cancel("t", "1"), None);
        assert!(!entered.sent(7));
        assert_eq!(commands.cancel("s", "1"), Some(Stage::Sent(7)));
        drop(entered);
        assert_eq!(commands.cancel("s", "1"), None);
    }

    #[test]
    fn one_that_was_cancelled_before_it_was_sent_is_known_as_such() {
        let commands = Commands::default();
        let entered = commands.enter("s", "1").unwrap();
        assert_eq!(commands.cancel("s", "1"), Some(Stage::Waiting));
        assert!(entered.is_cancelled());
        assert!(entered.sent(3));
    }
}
