//! Entering a prepared sandbox: one command, from its order to its end.
//!
//! The launcher starts the command and keeps its tree; this side moves its bytes, passes
//! signals on, and collects what was refused. One loop waits for everything.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::message::{Ended, ExitStatus, Job, Order, RefusedCall, Report, Terminal};
use super::obstacle::{Obstacle, Surroundings};
use super::prepare::Sandbox;
use super::relay::{Flow, Progress};
use super::streams::{Fitted, Running, Streams};
use crate::policy::CommandPermit;
use crate::sys::channel::Channel;
use crate::sys::launch::{LaunchError, Step};
use crate::sys::signals::SignalSource;
use crate::sys::stdio::{Interest, wait};

/// A command, resolved to what execve(2) takes.
#[derive(Debug)]
pub struct Command {
    /// The paths to try, in order, as execvp(3) would.
    pub programs: Vec<CString>,
    /// The argument list, the program's name first.
    pub arguments: Vec<CString>,
    /// `NAME=value` each.
    pub environment: Vec<CString>,
    /// The working directory.
    pub directory: OwnedFd,
    /// Its path.
    pub directory_path: CString,
    /// When it is ended.
    pub wall: Duration,
}

/// How a command ended, and what it did.
#[derive(Debug)]
pub struct Exit {
    /// Its own ending.
    pub status: ExitStatus,
    /// Why it was ended, where it did not end by itself.
    pub ended_for: Option<EndedFor>,
    /// What it wrote to standard output, where that was kept.
    pub stdout: Kept,
    /// What it wrote to standard error, where that was kept.
    pub stderr: Kept,
    /// The supervised calls that were refused: the first ones.
    pub refused: Vec<RefusedCall>,
    /// How many more there were.
    pub refused_more: u64,
    /// How many processes it left behind, which were ended.
    pub strays: u64,
    /// How long it ran.
    pub duration: Duration,
    /// Its process id while it ran.
    pub pid: i32,
    /// The bytes it wrote in all.
    pub written: u64,
}

/// Why a command was ended by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedFor {
    /// Its time was up.
    Time,
    /// It wrote more than it may.
    Output,
}

/// Output that was kept.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The first bytes.
    pub bytes: Vec<u8>,
    /// How many more there were.
    pub lost: u64,
}

/// Why a command did not run.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// A step between clone and exec failed; nothing was executed.
    #[error(transparent)]
    NotStarted(#[from] LaunchError),
    /// The caller's streams could not be set up.
    #[error("cannot set up the command's standard streams")]
    Streams(#[source] io::Error),
    /// The launcher did not let go of what it was started with, so nothing was executed.
    #[error("cannot cut the launcher off from its surroundings")]
    NoLauncher(#[source] io::Error),
    /// The launcher is gone.
    #[error("lost the connection to the launcher")]
    Launcher(#[source] io::Error),
}

impl EnterError {
    /// The exit code that scripts expect: 127 for no such command, 126 for one that may not
    /// be executed, 125 for everything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NotStarted(LaunchError {
                step: Step::Exec,
                errno,
            }) => match errno {
                Errno::ENOENT | Errno::ENOTDIR => 127,
                _ => 126,
            },
            _ => 125,
        }
    }

    /// What in the host kept the command from starting and what can be done about it, where
    /// more is known than the step that failed.
    pub fn obstacle(&self) -> Option<String> {
        match self {
            Self::NotStarted(error) => Obstacle::known_to_start(*error, &Surroundings::see())
                .map(|obstacle| obstacle.in_one_line()),
            _ => None,
        }
    }
}

/// How long a launcher may take to end a command whose time is up.
const GRACE: Duration = Duration::from_secs(10);

/// More refused calls than this are only counted.
const MOST_REFUSED: usize = 256;

impl Sandbox {
    /// Runs a command that was permitted, and waits until nothing of it is left.
    ///
    /// # Errors
    /// When it did not start.
    pub fn enter(
        &self,
        permit: CommandPermit,
        command: Command,
        streams: Streams,
    ) -> Result<Exit, EnterError> {
        // The one use of the permit: it cannot be shown twice.
        drop(permit);
        let fitted = streams
            .fit(&self.plan().limits, self.launcher.terminals())
            .map_err(EnterError::Streams)?;
        let channel = &self.launcher.channel;
        // The launcher keeps the time. One that lets it pass is stopped, or stuck.
        let overdue = Instant::now().checked_add(command.wall.saturating_add(GRACE));
        start(channel, command, &fitted).map_err(|error| last_word(channel).unwrap_or(error))?;
        let Running {
            flows,
            signals,
            raw_mode,
            window,
        } = fitted.started();
        let mut visit = Visit {
            channel,
            flows,
            signals,
            window,
            overdue,
            output_limit: self.plan().limits.output,
            state: State::default(),
        };
        let ended = visit.until_end()?;
        drop(raw_mode);
        Ok(visit.into_exit(ended))
    }
}

fn start(channel: &Channel, command: Command, fitted: &Fitted) -> Result<(), EnterError> {
    let Command {
        programs,
        arguments,
        environment,
        directory,
        directory_path,
        wall,
    } = command;
    let terminal = if fitted.has_terminal() {
        Terminal::StandardInput
    } else {
        Terminal::None
    };
    let job = Job {
        programs,
        arguments,
        environment,
        directory: directory_path,
        terminal,
        wall,
    };
    let [stdin, stdout, stderr] = fitted.inside();
    send(
        channel,
        &Order::Start(Box::new(job)),
        &[stdin, stdout, stderr, directory.as_fd()],
    )
}

fn send(channel: &Channel, order: &Order, with: &[BorrowedFd<'_>]) -> Result<(), EnterError> {
    let bytes = postcard::to_stdvec(order)
        .map_err(|error| EnterError::Launcher(io::Error::other(error)))?;
    channel.send(&bytes, with).map_err(EnterError::Launcher)
}

/// What a launcher that is gone said last.
fn last_word(channel: &Channel) -> Option<EnterError> {
    let frame = channel.receive().ok()??;
    match postcard::from_bytes(&frame.bytes).ok()? {
        Report::NoLauncher(errno) => {
            Some(EnterError::NoLauncher(io::Error::from_raw_os_error(errno)))
        }
        _ => None,
    }
}

/// What one descriptor of the loop belongs to.
#[derive(Clone, Copy)]
enum Waiting {
    Launcher,
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

#[derive(Default)]
struct State {
    pid: i32,
    ended: Option<Ended>,
    refused: Vec<RefusedCall>,
    refused_more: u64,
    too_much_output: bool,
}

/// One command's stay in the sandbox.
struct Visit<'a> {
    channel: &'a Channel,
    flows: Vec<Lane>,
    signals: Option<SignalSource>,
    window: Option<(File, File)>,
    overdue: Option<Instant>,
    output_limit: u64,
    state: State,
}

impl Visit<'_> {
    fn until_end(&mut self) -> Result<Ended, EnterError> {
        loop {
            if let Some(ended) = self.state.ended
                && !self.has_output_left()
            {
                return Ok(ended);
            }
            self.turn()?;
        }
    }

    /// Whether bytes may still arrive. After the end of the command they are all in the
    /// pipes, unless a background process, which the policy then allows, holds one open.
    fn has_output_left(&self) -> bool {
        let left: Vec<_> = self
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
        if let Some(signals) = &self.signals {
            interests.push((signals.as_fd(), Interest::Readable));
            waiting.push(Waiting::Signals);
        }
        for (index, lane) in self.flows.iter().enumerate() {
            if lane.open
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

    fn pass_signals(&mut self) {
        while let Some(number) = self.signals.as_ref().and_then(SignalSource::next) {
            if let Some((caller, inside)) = &self.window {
                crate::sys::terminal::copy_window_size(caller.as_fd(), inside.as_fd());
            }
            // A launcher that is gone is noticed by the loop.
            let _ = send(self.channel, &Order::Signal(number), &[]);
        }
    }

    fn advance(&mut self, index: usize) {
        let lane = &mut self.flows[index];
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
        self.flows
            .iter()
            .filter(|lane| lane.way != Way::In)
            .map(|lane| lane.flow.passed())
            .sum()
    }

    fn into_exit(self, ended: Ended) -> Exit {
        let written = self.written();
        let mut exit = Exit {
            status: ended.status,
            ended_for: match (ended.timed_out, self.state.too_much_output) {
                (true, _) => Some(EndedFor::Time),
                (_, true) => Some(EndedFor::Output),
                _ => None,
            },
            stdout: Kept::default(),
            stderr: Kept::default(),
            refused: self.state.refused,
            refused_more: self.state.refused_more,
            strays: ended.strays,
            duration: ended.duration,
            pid: self.state.pid,
            written,
        };
        for lane in self.flows {
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
