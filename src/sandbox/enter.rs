//! Entering a prepared sandbox: one command, from its order to its end.
//!
//! The launcher starts the command and keeps its tree; while it runs, `visit.rs` moves its
//! bytes, passes signals on, and collects what was refused.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::kernel::{Heard, KernelWatch};
use super::lane::MOST_LANES;
use super::message::{ExitStatus, Job, LimitHit, Order, Report, Terminal, hear, say};
use super::obstacle::Obstacle;
use super::prepare::Sandbox;
use super::refusals::Refusals;
use super::streams::{Fitted, Streams};
use super::surroundings::Surroundings;
use super::tripwire::{Seen, Watch};
use super::visit::{State, Visit};
use crate::policy::CommandPermit;
use crate::sys::channel::Channel;
use crate::sys::launch::{LaunchError, Step};

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
    /// The limits that it met, as far as that can be known.
    pub limits: Vec<LimitHit>,
    /// Whether it was ended because the tripwire had ended, so that what it was refused is
    /// not known any more.
    pub is_unwatched: bool,
    /// Whether it was ended because whoever asked for it wanted that.
    pub is_cancelled: bool,
    /// What it wrote to standard output, where that was kept.
    pub stdout: Kept,
    /// What it wrote to standard error, where that was kept.
    pub stderr: Kept,
    /// The supervised calls that were refused.
    pub refused: Refusals,
    /// Attempts to leave the view.
    pub seen: Seen,
    /// What the kernel says that it refused.
    pub heard: Heard,
    /// How many processes it left behind, which were ended.
    pub strays: u64,
    /// How long it ran.
    pub duration: Duration,
    /// Its process id while it ran.
    pub pid: i32,
    /// The bytes it wrote in all.
    pub written: u64,
}

impl Exit {
    /// Whether it was ended because its time was up.
    pub fn is_timed_out(&self) -> bool {
        self.limits.contains(&LimitHit::WallTime)
    }
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
    /// There are no random bytes for what the command is to be known by in the kernel's audit.
    #[error("cannot draw the command's mark for the kernel's audit")]
    Mark(#[source] io::Error),
    /// The tripwire is gone, and what commands are refused would not be known.
    #[error("the tripwire of this session has ended")]
    Witness,
    /// The launcher did not let go of what it was started with, so nothing was executed.
    #[error("cannot cut the launcher off from its surroundings")]
    NoLauncher(#[source] io::Error),
    /// The launcher is gone.
    #[error("lost the connection to the launcher")]
    Launcher(#[source] io::Error),
    /// As many commands run as may run at the same time.
    #[error("{MOST_LANES} commands of this session run already")]
    Busy,
}

/// A command that did not run, and what was seen of the attempt.
#[derive(Debug)]
pub struct NotEntered {
    /// Why.
    pub error: EnterError,
    /// The supervised calls that were refused before its launcher was lost.
    pub refused: Refusals,
    /// Attempts to leave the view, as when the program lies outside.
    pub seen: Seen,
    /// What the kernel says that it refused.
    pub heard: Heard,
}

impl From<EnterError> for NotEntered {
    fn from(error: EnterError) -> Self {
        Self {
            error,
            refused: Refusals::default(),
            seen: Seen::default(),
            heard: Heard::default(),
        }
    }
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

    /// Whether the sandbox is of no more use.
    pub fn is_loss_of_launcher(&self) -> bool {
        matches!(self, Self::Launcher(_))
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

impl Sandbox {
    /// Starts a command that was permitted.
    ///
    /// # Errors
    /// When nothing was started.
    pub fn enter(
        self: &Rc<Self>,
        permit: CommandPermit,
        command: Command,
        streams: Streams,
    ) -> Result<Visit, NotEntered> {
        // The one use of the permit: it cannot be shown twice.
        drop(permit);
        let fitted = streams
            .fit(&self.plan().limits, self.launcher.terminals())
            .map_err(EnterError::Streams)?;
        let lane = self.lane()?;
        let reports = self.launcher.reports.as_ref();
        let watch = reports.map(|reports| Watch::over(reports, lane.number));
        if watch.as_ref().is_some_and(Watch::is_over) {
            return Err(EnterError::Witness.into());
        }
        let kernel = self.ear.as_ref().map(KernelWatch::over).transpose();
        let kernel = kernel.map_err(EnterError::Mark)?;
        // The launcher keeps the time. One that lets it pass is stopped, or stuck.
        let overdue = Instant::now().checked_add(command.wall.saturating_add(GRACE));
        let channel = &lane.channel;
        let mark = kernel.as_ref().map(|watch| watch.mark().name());
        start(channel, (command, mark), &fitted)
            .map_err(|error| last_word(channel).unwrap_or(error))?;
        Ok(Visit {
            sandbox: Rc::clone(self),
            lane,
            watch,
            kernel,
            running: fitted.started(),
            overdue,
            state: State::default(),
        })
    }
}

fn start(
    channel: &Channel,
    (command, mark): (Command, Option<CString>),
    fitted: &Fitted,
) -> Result<(), EnterError> {
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
        mark,
    };
    let [stdin, stdout, stderr] = fitted.inside();
    let with = [stdin, stdout, stderr, directory.as_fd()];
    say(channel, &Order::Start(Box::new(job)), &with).map_err(EnterError::Launcher)
}

/// What a launcher that is gone said last.
fn last_word(channel: &Channel) -> Option<EnterError> {
    match hear(channel).ok()? {
        (Report::NoLauncher(errno), _) => {
            Some(EnterError::NoLauncher(io::Error::from_raw_os_error(errno)))
        }
        _ => None,
    }
}
