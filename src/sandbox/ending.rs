//! How the first process of a command ended, and which limits it met.
//!
//! A limit is told only where the kernel's own account says so: a signal could have been sent
//! by anybody. What the processes below it met, the kernel tells nobody but their parents.

use std::time::Duration;

use nix::sys::signal::Signal;

use super::message::{ExitStatus, LimitHit};
use crate::sys::limits::{Limit, resource};
use crate::sys::process;

/// The end of a command's first process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LeaderEnded {
    pub status: ExitStatus,
    /// The processor time by which the kernel judges its limit, where that could be asked.
    processor_time: Option<Duration>,
}

impl LeaderEnded {
    /// Reaps what ended; the leader's end once it is among them.
    pub(super) fn reap(leader: i32) -> Option<Self> {
        // The leader first, and only so many others: a storm of processes that fork and exit
        // must not put off what is due.
        const MOST: usize = 1024;
        if process::has_ended(leader) {
            return Self::reap_leader(leader);
        }
        for _ in 0..MOST {
            match process::next_ended()? {
                ended if ended == leader => return Self::reap_leader(leader),
                ended => process::reap(ended),
            }
        }
        None
    }

    /// Its account ends with it, so that is asked for first.
    fn reap_leader(leader: i32) -> Option<Self> {
        let processor_time = process::processor_time(leader);
        let status = match process::reap_child(leader).ok()?? {
            process::Ended::Exited(code) => ExitStatus::Exited(code),
            process::Ended::Signalled(signal) => ExitStatus::Signalled(signal),
        };
        Some(Self {
            status,
            processor_time,
        })
    }

    /// The limits of each process that ended it.
    pub(super) fn limits_met(&self, limits: &[Limit]) -> Vec<LimitHit> {
        let ExitStatus::Signalled(signal) = self.status else {
            return Vec::new();
        };
        let of = |wanted| limits.iter().find(move |limit| limit.resource == wanted);
        let ran_for = |seconds| {
            let most = Duration::from_secs(seconds);
            self.processor_time.is_some_and(|time| time >= most)
        };
        let met_cpu = of(resource::CPU_SECONDS).is_some_and(|limit| {
            (signal == Signal::SIGXCPU as i32 && ran_for(limit.soft))
                || (signal == Signal::SIGKILL as i32 && ran_for(limit.hard))
        });
        // The kernel keeps no account of this one; the signal has no other use.
        let met_size = of(resource::FILE_SIZE).is_some() && signal == Signal::SIGXFSZ as i32;
        [(met_cpu, LimitHit::CpuTime), (met_size, LimitHit::FileSize)]
            .into_iter()
            .filter_map(|(met, limit)| met.then_some(limit))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, ExitStatus, LeaderEnded, Limit, LimitHit, Signal, resource};

    fn met(signal: Signal, milliseconds: u64) -> Vec<LimitHit> {
        let limits = [
            Limit {
                resource: resource::CPU_SECONDS,
                soft: 1,
                hard: 2,
            },
            Limit::flat(resource::FILE_SIZE, 1),
        ];
        let ended = LeaderEnded {
            status: ExitStatus::Signalled(signal as i32),
            processor_time: Some(Duration::from_millis(milliseconds)),
        };
        ended.limits_met(&limits)
    }

    #[test]
    fn a_signal_alone_is_no_limit() {
        assert_eq!(met(Signal::SIGXCPU, 999), []);
        assert_eq!(met(Signal::SIGXCPU, 1000), [LimitHit::CpuTime]);
        assert_eq!(met(Signal::SIGKILL, 1999), []);
        assert_eq!(met(Signal::SIGKILL, 2000), [LimitHit::CpuTime]);
        assert_eq!(met(Signal::SIGTERM, 9000), []);
        assert_eq!(met(Signal::SIGXFSZ, 0), [LimitHit::FileSize]);
    }

    #[test]
    fn an_exit_is_no_limit() {
        let ended = LeaderEnded {
            status: ExitStatus::Exited(152),
            processor_time: Some(Duration::from_hours(1)),
        };
        assert_eq!(
            ended.limits_met(&[Limit::flat(resource::CPU_SECONDS, 1)]),
            []
        );
    }
}
