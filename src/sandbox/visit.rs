//! One command's stay in the sandbox: everything that is waited for while it runs.
//!
//! It never waits for one thing alone: not for a reader, not for the launcher, not for a
//! witness.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::enter::{EnterError, Exit, Kept, NotEntered};
use super::kernel::{Heard, KernelWatch};
use super::lane::Lane;
use super::message::{Ended, LimitHit, Order, Report, hear, say};
use super::prepare::Sandbox;
use super::refusals::Refusals;
use super::relay::{Flow, Progress};
use super::streams::Running;
use super::tripwire::{Seen, Standing, Watch};
use crate::sys::launch::{LaunchError, Step};
use crate::sys::signals::SignalSource;
use crate::sys::stdio::{Interest, wait};

/// What one descriptor of the loop belongs to.
#[derive(Clone, Copy)]
enum Waiting {
    Launcher,
    Tripwire,
    Kernel,
    Signals,
    Flow(usize),
}

/// Which way a flow goes, and which stream it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To standard input.
    In,
    /// From standard output.
    Out,
    /// From standard error.
    Error,
}

/// A flow that may have finished.
#[derive(Debug)]
pub(super) struct Stream {
    pub way: Way,
    pub flow: Flow,
    pub open: bool,
}

/// What is known of it so far.
#[derive(Debug, Default)]
pub(super) struct State {
    pid: i32,
    ended: Option<Result<Ended, EnterError>>,
    refused: Refusals,
    too_much_output: bool,
    unwatched: bool,
    is_cancelled: bool,
}

/// One command's stay in the sandbox.
///
/// Whoever holds it waits until one of its `interests` is ready, or its `patience` is over, lets
/// it take a `turn`, and does so until it `is_over`; then it can be concluded. Several can be
/// waited for together.
#[derive(Debug)]
pub struct Visit {
    pub(super) lane: Lane,
    pub(super) watch: Option<Watch>,
    pub(super) kernel: Option<KernelWatch>,
    pub(super) running: Running,
    pub(super) overdue: Option<Instant>,
    pub(super) state: State,
    // The last: a launcher goes on while an end of its connection is held.
    pub(super) sandbox: Rc<Sandbox>,
}

impl Visit {
    /// Waits until nothing of the command is left, and all that it did is told.
    ///
    /// # Errors
    /// When it did not start, or what became of it is not known.
    pub fn finish(mut self) -> Result<Exit, NotEntered> {
        while !self.is_over() {
            match wait(&self.interests(), self.patience()) {
                Ok(ready) => self.turn(&ready),
                Err(error) => self.fail(EnterError::Streams(error)),
            }
        }
        self.conclude()
    }

    /// What the command came to. To be called when it is over.
    ///
    /// # Errors
    /// When it did not start, or what became of it is not known.
    pub fn conclude(mut self) -> Result<Exit, NotEntered> {
        // Before the signals that have waited are let through, whatever happened.
        drop(self.running.raw_mode.take());
        let (seen, standing) = match self.watch.take() {
            Some(watch) => watch.finish(),
            None => (Seen::default(), Standing::Told),
        };
        let heard = self.kernel.take().map(KernelWatch::finish);
        let heard = heard.unwrap_or_default();
        self.state.unwatched |= standing == Standing::Gone;
        let not_over = || Err(EnterError::Launcher(io::ErrorKind::Interrupted.into()));
        let ended = self.state.ended.take().unwrap_or_else(not_over);
        // A lane that may still run something starts nothing else.
        if matches!(ended, Ok(_) | Err(EnterError::NotStarted(_))) {
            self.sandbox.give_back(self.lane.clone());
        }
        match ended {
            Ok(ended) => Ok(self.into_exit(ended, (seen, heard))),
            // A command that ends its launcher must not take along what it was refused.
            Err(error) => Err(NotEntered {
                error,
                refused: self.state.refused,
                seen,
                heard,
            }),
        }
    }

    /// Whether nothing of the command is left.
    pub fn is_over(&self) -> bool {
        match &self.state.ended {
            None => false,
            Some(Err(_)) => true,
            Some(Ok(_)) => !self.has_output_left(),
        }
    }

    /// Ends the command and everything that it started. It is over a moment later.
    pub fn cancel(&mut self) {
        self.state.is_cancelled = true;
        // A launcher that is gone is noticed by the next turn.
        let _ = say(&self.lane.channel, &Order::End, &[]);
    }

    /// What the command wrote since this was last asked, where its output is told live.
    pub fn take_fresh(&mut self) -> Vec<(Way, Vec<u8>)> {
        let flows = self.running.flows.iter_mut();
        flows
            .map(|stream| (stream.way, stream.flow.take_fresh()))
            .filter(|(_, fresh)| !fresh.is_empty())
            .collect()
    }

    /// How long to wait at most.
    pub fn patience(&self) -> Option<Duration> {
        let overdue = self.overdue.filter(|_| self.state.ended.is_none());
        overdue.map(|overdue| overdue.saturating_duration_since(Instant::now()))
    }

    fn fail(&mut self, error: EnterError) {
        self.state.ended = Some(Err(error));
    }

    /// Whether bytes may still arrive. After the end of the command they are all in the
    /// pipes, unless a background process, which the policy then allows, holds one open.
    fn has_output_left(&self) -> bool {
        if self.state.too_much_output {
            return false;
        }
        let left: Vec<_> = self
            .running
            .flows
            .iter()
            .filter(|stream| stream.open && stream.way != Way::In)
            .filter_map(|stream| stream.flow.interest())
            .collect();
        if left
            .iter()
            .any(|(_, interest)| *interest == Interest::Writable)
        {
            return true;
        }
        wait(&left, Some(Duration::ZERO)).is_ok_and(|ready| ready.contains(&true))
    }

    /// What it waits for.
    pub fn interests(&self) -> Vec<(BorrowedFd<'_>, Interest)> {
        let waiting = self.waiting().into_iter();
        waiting.map(|(_, interest)| interest).collect()
    }

    fn waiting(&self) -> Vec<(Waiting, (BorrowedFd<'_>, Interest))> {
        let readable = |descriptor| (descriptor, Interest::Readable);
        let mut waiting = Vec::new();
        if self.state.ended.is_none() {
            waiting.push((Waiting::Launcher, readable(self.lane.channel.as_fd())));
        }
        if let Some(watch) = &self.watch
            && !self.state.unwatched
        {
            waiting.push((Waiting::Tripwire, readable(watch.as_fd())));
        }
        if let Some(kernel) = &self.kernel {
            waiting.push((Waiting::Kernel, readable(kernel.as_fd())));
        }
        if let Some(signals) = &self.running.signals {
            waiting.push((Waiting::Signals, readable(signals.as_fd())));
        }
        for (index, stream) in self.running.flows.iter().enumerate() {
            // From a command that is being ended for its output nothing more is taken: it waits.
            let is_cut_off = self.state.too_much_output && stream.way != Way::In;
            if stream.open
                && !is_cut_off
                && let Some(interest) = stream.flow.interest()
            {
                waiting.push((Waiting::Flow(index), interest));
            }
        }
        waiting
    }

    /// Goes on with what is ready: one answer for each of its `interests`, in their order.
    pub fn turn(&mut self, ready: &[bool]) {
        let waiting = self.waiting().into_iter().zip(ready);
        let due: Vec<_> = waiting
            .filter(|(_, ready)| **ready)
            .map(|((who, _), _)| who)
            .collect();
        if due.is_empty() && self.patience() == Some(Duration::ZERO) {
            self.fail(EnterError::Launcher(io::ErrorKind::TimedOut.into()));
        }
        for who in due {
            match who {
                Waiting::Launcher => {
                    if let Err(error) = self.listen() {
                        self.fail(error);
                    }
                }
                Waiting::Tripwire => self.heed(),
                Waiting::Kernel => self.kernel.iter().for_each(KernelWatch::read),
                Waiting::Signals => self.pass_signals(),
                Waiting::Flow(index) => self.advance(index),
            }
        }
    }

    fn listen(&mut self) -> Result<(), EnterError> {
        let (report, _) = hear(&self.lane.channel).map_err(EnterError::Launcher)?;
        match report {
            Report::Started { pid } => self.state.pid = pid,
            Report::NotStarted { step, errno } => {
                let errno = Errno::from_raw(errno);
                return Err(LaunchError {
                    step: Step::from_number(step),
                    errno,
                }
                .into());
            }
            Report::Refused(call, times) => self.state.refused.add(call, times),
            Report::NoLauncher(errno) => {
                let error = io::Error::from_raw_os_error(errno);
                return Err(EnterError::NoLauncher(error));
            }
            Report::Ended(ended) => self.state.ended = Some(Ok(ended)),
            // Said once, when the sandbox was prepared.
            Report::Ready | Report::NoView(_) => {}
        }
        Ok(())
    }

    /// Nobody may run whose refusals are not seen. Access outside fails already.
    fn heed(&mut self) {
        let standing = self.watch.as_ref().map(Watch::read);
        if standing == Some(Standing::Gone) {
            self.state.unwatched = true;
            let _ = say(&self.lane.channel, &Order::End, &[]);
        }
    }

    fn pass_signals(&mut self) {
        while let Some(number) = self.running.signals.as_ref().and_then(SignalSource::next) {
            if let Some((caller, inside)) = &self.running.window {
                crate::sys::terminal::copy_window_size(caller.as_fd(), inside.as_fd());
            }
            // A launcher that is gone is noticed by the loop.
            let _ = say(&self.lane.channel, &Order::Signal(number), &[]);
        }
    }

    fn advance(&mut self, index: usize) {
        let stream = &mut self.running.flows[index];
        if stream.flow.step() == Progress::Finished {
            stream.open = false;
            stream.flow.close();
        }
        if !self.state.too_much_output && self.written() > self.sandbox.plan().limits.output {
            self.state.too_much_output = true;
            let _ = say(&self.lane.channel, &Order::End, &[]);
        }
    }

    fn written(&self) -> u64 {
        self.running
            .flows
            .iter()
            .filter(|stream| stream.way != Way::In)
            .map(|stream| stream.flow.passed())
            .sum()
    }

    fn into_exit(self, ended: Ended, (seen, heard): (Seen, Heard)) -> Exit {
        let written = self.written();
        let mut limits = ended.limits;
        limits.extend(self.state.too_much_output.then_some(LimitHit::Output));
        let mut exit = Exit {
            status: ended.status,
            limits,
            is_unwatched: self.state.unwatched,
            is_cancelled: self.state.is_cancelled,
            stdout: Kept::default(),
            stderr: Kept::default(),
            refused: self.state.refused,
            seen,
            heard,
            strays: ended.strays,
            duration: ended.duration,
            pid: self.state.pid,
            written,
        };
        for stream in self.running.flows {
            let way = stream.way;
            let (bytes, lost) = stream.flow.into_kept();
            match way {
                Way::In => {}
                Way::Out => exit.stdout = Kept { bytes, lost },
                Way::Error => exit.stderr = Kept { bytes, lost },
            }
        }
        exit
    }
}
