//! The launchers of a view, and which of them a thread belongs to.
//!
//! Each adopts the orphans below it, so the parents of a thread lead to its own launcher first,
//! whatever forked in between. A thread waits for its answer while its parents are read, so
//! they are its own.

use crate::sandbox::lane::LaneNumber;
use crate::sys::process::parents_of;

/// Those that have said the password.
#[derive(Debug, Default)]
pub(super) struct Launchers {
    known: Vec<(i32, LaneNumber)>,
}

impl Launchers {
    pub(super) fn add(&mut self, thread: i32, lane: LaneNumber) {
        // The number of a lane that has ended may have been given out again.
        self.known.retain(|(known, _)| *known != thread);
        self.known.push((thread, lane));
    }

    /// The lane whose launcher this thread is.
    pub(super) fn led_by(&self, thread: i32) -> Option<LaneNumber> {
        let found = self.known.iter().find(|(known, _)| *known == thread);
        found.map(|(_, lane)| *lane)
    }

    /// The lane that a thread is in.
    pub(super) fn lane_of(&self, thread: i32) -> LaneNumber {
        // Nothing to tell apart, and nothing to read: every lookup outside comes by here.
        if self.known.len() < 2 {
            return LaneNumber::default();
        }
        let mut way = std::iter::once(thread).chain(parents_of(thread));
        way.find_map(|pid| self.led_by(pid)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Launchers;
    use crate::sandbox::lane::LaneNumber;

    #[test]
    fn a_thread_is_in_the_lane_of_its_nearest_launcher() {
        let own = std::process::id().cast_signed();
        let parent = nix::unistd::getppid().as_raw();
        let mut launchers = Launchers::default();
        launchers.add(parent, LaneNumber(0));
        launchers.add(i32::MAX, LaneNumber(7));
        assert_eq!(launchers.lane_of(own), LaneNumber(0));
        launchers.add(parent, LaneNumber(3));
        assert_eq!(launchers.lane_of(own), LaneNumber(3));
        launchers.add(own, LaneNumber(4));
        assert_eq!(launchers.lane_of(own), LaneNumber(4));
        assert_eq!(launchers.led_by(parent), Some(LaneNumber(3)));
        assert_eq!(launchers.led_by(1 << 30), None);
    }
}
