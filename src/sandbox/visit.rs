//! One command's stay in the sandbox: everything that is waited for while it runs.
//!
//! It never waits for one thing alone: not for a reader, not for the launcher, not for the
//! tripwire.

use std::io;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::enter::{EnterError, Exit, Kept, NotEntered, send};
use super::message::{Ended, LimitHit, Order, RefusedCall, Report};
use super::relay::{Flow, Progress};
use super::streams::Running;
use super::tripwire::{Seen, Standing, Watch};
use crate::sys::channel::Channel;
use crate::sys::launch::{LaunchError, Step};
use crate::sys::signals::SignalSource;
use crate::sys::stdio::{Interest, wait};

/// More refused calls than this are only counted.
const MOST_REFUSED: usize = 256;

/// What one descriptor of the loop belongs to.
#[derive(Clone, Copy)]
enum Waiting {
    Launcher,
    Tripwire,
    Signals,
    Flow(usize),
}

/// Which way a flow goes, and which stream it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    In,
    Out,
    Error,
}

/// A flow that may have finished.
#[derive(Debug)]
pub(super) struct Lane {
    pub way: Way,
    pub flow: Flow,
    pub open: bool,
}

/// What is known of it so far.
#[derive(Default)]
pub(super) struct State {
    pid: i32,
    ended: Option<Ended>,
    refused: Vec<RefusedCall>,
    refused_more: u64,
    too_much_output: bool,
    unwatched: bool,
}

/// One command's stay in the sandbox.
pub(super) struct Visit<'a> {
    pub channel: &'a Channel,
    pub watch: Option<Watch<'a>>,
    pub running: Running,
    pub overdue: Option<Instant>,
    pub output_limit: u64,
    pub state: State,
}

impl Visit<'_> {
    /// Waits until nothing of the command is left, and all that it did is told.
    pub(super) fn finish(mut self) -> Result<Exit, NotEntered> {
        let ended = self.until_end();
        // Before the signals that have waited are let through, whatever happened.
        drop(self.running.raw_mode.take());
        let (seen, standing) = match self.watch.take() {
            Some(watch) => watch.finish(),
            None => (Seen::default(), Standing::Told),
        };
        self.state.unwatched |= standing == Standing::Gone;
        match ended {
            Ok(ended) => Ok(self.into_exit(ended, seen)),
            Err(error) => Err(NotEntered { error, seen }),
        }
    }

    fn until_end(&mut self) -> Result<Ended, EnterError> {
        loop {
            if self.state.ended.is_some()
                && !self.has_output_left()
                && let Some(ended) = self.state.ended.take()
            {
                return Ok(ended);
            }
            self.turn()?;
        }
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
            .filter(|lane| lane.open && lane.way != Way::In)
            .filter_map(|lane| lane.flow.interest())
            .collect();
        if left
            .iter()
            .any(|(_, interest)| *interest == Interest::Writable)
        {
            return true;
        }
        wait(&left, Some(Duration::ZERO)).is_ok_and(|ready| ready.contains(&true))
    }

    fn turn(&mut self) -> Result<(), EnterError> {
        let mut interests = Vec::new();
        let mut waiting = Vec::new();
        if self.state.ended.is_none() {
            interests.push((self.channel.as_fd(), Interest::Readable));
            waiting.push(Waiting::Launcher);
        }
        if let Some(watch) = &self.watch
            && !self.state.unwatched
        {
            interests.push((watch.as_fd(), Interest::Readable));
            waiting.push(Waiting::Tripwire);
        }
        if let Some(signals) = &self.running.signals {
            interests.push((signals.as_fd(), Interest::Readable));
            waiting.push(Waiting::Signals);
        }
        for (index, lane) in self.running.flows.iter().enumerate() {
            // From a command that is being ended for its output nothing more is taken: it waits.
            let is_cut_off = self.state.too_much_output && lane.way != Way::In;
            if lane.open
                && !is_cut_off
                && let Some(interest) = lane.flow.interest()
            {
                interests.push(interest);
                waiting.push(Waiting::Flow(index));
            }
        }
        let left = self.overdue.filter(|_| self.state.ended.is_none());
        let left = left.map(|overdue| overdue.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Err(EnterError::Launcher(io::ErrorKind::TimedOut.into()));
        }
        let ready = wait(&interests, left).map_err(EnterError::Streams)?;
        let due: Vec<_> = waiting
            .into_iter()
            .zip(ready)
            .filter(|(_, ready)| *ready)
            .map(|(who, _)| who)
            .collect();
        for who in due {
            match who {
                Waiting::Launcher => self.listen()?,
                Waiting::Tripwire => self.heed(),
                Waiting::Signals => self.pass_signals(),
                Waiting::Flow(index) => self.advance(index),
            }
        }
        Ok(())
    }

    fn listen(&mut self) -> Result<(), EnterError> {
        let frame = self.channel.receive().map_err(EnterError::Launcher)?;
        let frame =
            frame.ok_or_else(|| EnterError::Launcher(io::ErrorKind::UnexpectedEof.into()))?;
        let report = postcard::from_bytes(&frame.bytes)
            .map_err(|error| EnterError::Launcher(io::Error::other(error)))?;
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
            Report::Refused(call) if self.state.refused.len() < MOST_REFUSED => {
                self.state.refused.push(call);
            }
            Report::Refused(_) => self.state.refused_more += 1,
            Report::NoLauncher(errno) => {
                let error = io::Error::from_raw_os_error(errno);
                return Err(EnterError::NoLauncher(error));
            }
            Report::Ended(ended) => self.state.ended = Some(ended),
            // Said once, when the sandbox was prepared.
            Report::Ready | Report::NoView(_) => {}
        }
        Ok(())
    }

    /// Nobody may run whose refusals are not seen. Access outside fails already.
    fn heed(&mut self) {
        let standing = self.watch.as_mut().map(Watch::read);
        if standing == Some(Standing::Gone) {
            self.state.unwatched = true;
            let _ = send(self.channel, &Order::End, &[]);
        }
    }

    fn pass_signals(&mut self) {
        while let Some(number) = self.running.signals.as_ref().and_then(SignalSource::next) {
            if let Some((caller, inside)) = &self.running.window {
                crate::sys::terminal::copy_window_size(caller.as_fd(), inside.as_fd());
            }
            // A launcher that is gone is noticed by the loop.
            let _ = send(self.channel, &Order::Signal(number), &[]);
        }
    }

    fn advance(&mut self, index: usize) {
        let lane = &mut self.running.flows[index];
        if lane.flow.step() == Progress::Finished {
            lane.open = false;
            lane.flow.close();
        }
        if !self.state.too_much_output && self.written() > self.output_limit {
            self.state.too_much_output = true;
            let _ = send(self.channel, &Order::End, &[]);
        }
    }

    fn written(&self) -> u64 {
        self.running
            .flows
            .iter()
            .filter(|lane| lane.way != Way::In)
            .map(|lane| lane.flow.passed())
            .sum()
    }

    fn into_exit(self, ended: Ended, seen: Seen) -> Exit {
        let written = self.written();
        let mut limits = ended.limits;
        limits.extend(self.state.too_much_output.then_some(LimitHit::Output));
        let mut exit = Exit {
            status: ended.status,
            limits,
            is_unwatched: self.state.unwatched,
            stdout: Kept::default(),
            stderr: Kept::default(),
            refused: self.state.refused,
            refused_more: self.state.refused_more,
            seen,
            strays: ended.strays,
            duration: ended.duration,
            pid: self.state.pid,
            written,
        };
        for lane in self.running.flows {
            let way = lane.way;
            let (bytes, lost) = lane.flow.into_kept();
            match way {
                Way::In => {}
                Way::Out => exit.stdout = Kept { bytes, lost },
                Way::Error => exit.stderr = Kept { bytes, lost },
            }
        }
        exit
    }
}
