//! Fitting the caller's standard streams to a command.
//!
//! What the command gets is a pipe, a terminal of its own, or `/dev/null`; of the caller's
//! own descriptors at most an anonymous pipe to read from, which no file system holds.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use super::relay::{Flow, Sink, Telling};
use super::visit::{Stream, Way};
use crate::policy::Limits;
use crate::sys::signals::SignalSource;
use crate::sys::stdio::{
    self, StreamKind, are_the_same, duplicate, is_read_only, kind_of, null, pipe,
};
use crate::sys::terminal::{OwnTerminal, RawMode};

/// Where a command reads from and writes to.
#[derive(Debug)]
pub enum Streams {
    /// The caller's own standard streams; signals to the caller are passed on.
    Caller,
    /// These bytes as input; output is kept in memory, as much as the policy lets a reply hold.
    Kept {
        /// Standard input.
        stdin: Vec<u8>,
    },
    /// The same, and what is written can also be taken while the command runs.
    Live {
        /// Standard input.
        stdin: Vec<u8>,
    },
}

/// Streams made for one command.
#[derive(Debug)]
pub(super) struct Fitted {
    inside: [OwnedFd; 3],
    pub flows: Vec<Stream>,
    // In this order: a signal that has waited must find the terminal restored.
    pub raw_mode: Option<RawMode>,
    pub signals: Option<SignalSource>,
    /// The caller's terminal and ours, to keep their sizes equal.
    pub window: Option<(File, File)>,
}

/// The same without the command's ends, which only the command may hold while it runs.
#[derive(Debug)]
pub(super) struct Running {
    pub flows: Vec<Stream>,
    // In this order: a signal that has waited must find the terminal restored.
    pub raw_mode: Option<RawMode>,
    pub signals: Option<SignalSource>,
    pub window: Option<(File, File)>,
}

impl Streams {
    /// A terminal of the command's own is one of the given instance of devpts, if there is one.
    pub(super) fn fit(
        self,
        limits: &Limits,
        terminals: Option<BorrowedFd<'_>>,
    ) -> io::Result<Fitted> {
        match self {
            Self::Kept { stdin } => kept(stdin, limits, Telling::AtTheEnd),
            Self::Live { stdin } => kept(stdin, limits, Telling::Live),
            Self::Caller => caller(terminals),
        }
    }
}

impl Fitted {
    pub(super) fn inside(&self) -> [BorrowedFd<'_>; 3] {
        [
            self.inside[0].as_fd(),
            self.inside[1].as_fd(),
            self.inside[2].as_fd(),
        ]
    }

    pub(super) fn has_terminal(&self) -> bool {
        self.window.is_some() && stdio::is_terminal(self.inside[0].as_fd())
    }

    /// Lets go of the command's ends: as long as we hold one, its end is never seen.
    pub(super) fn started(self) -> Running {
        let Self {
            inside,
            flows,
            raw_mode,
            signals,
            window,
        } = self;
        drop(inside);
        Running {
            flows,
            raw_mode,
            signals,
            window,
        }
    }
}

fn stream(way: Way, flow: Flow) -> Stream {
    Stream {
        way,
        flow,
        open: true,
    }
}

fn kept(stdin: Vec<u8>, limits: &Limits, telling: Telling) -> io::Result<Fitted> {
    let most = usize::try_from(limits.reply).unwrap_or(usize::MAX);
    let (from_output, output) = pipe()?;
    let (from_errors, errors) = pipe()?;
    let mut flows = vec![
        stream(
            Way::Out,
            Flow::new(from_output, Sink::memory(most, telling)),
        ),
        stream(
            Way::Error,
            Flow::new(from_errors, Sink::memory(most, telling)),
        ),
    ];
    // Programs that look whether input is meant for them, such as rg, take a pipe for some.
    let input = if stdin.is_empty() {
        null()?
    } else {
        let (input, to_input) = pipe()?;
        let sink = Sink::own_pipe(to_input)?;
        flows.push(stream(Way::In, Flow::of_bytes(stdin, sink)));
        input
    };
    let inside = [input, output, errors];
    Ok(Fitted {
        inside,
        flows,
        signals: None,
        raw_mode: None,
        window: None,
    })
}

fn caller(terminals: Option<BorrowedFd<'_>>) -> io::Result<Fitted> {
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    let ends = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()];
    let mut maker = Maker::for_caller(ends, terminals)?;
    let inside = [maker.input(ends[0])?, maker.output(Way::Out, ends[1])?, {
        if are_the_same(ends[1], ends[2]) {
            maker.same_as_output()?
        } else {
            maker.output(Way::Error, ends[2])?
        }
    }];
    // Before the terminal is changed: what would end us now would leave it changed.
    let signals = SignalSource::of(&crate::sys::signals::FORWARDED)?;
    let raw_mode = match maker.terminal {
        Some(_) if stdio::is_terminal(ends[0]) => RawMode::enter(ends[0])?,
        _ => None,
    };
    Ok(Fitted {
        inside,
        flows: maker.flows,
        signals: Some(signals),
        raw_mode,
        window: maker.window,
    })
}

/// Makes the command's streams one after the other.
struct Maker {
    terminal: Option<OwnTerminal>,
    relay_is_read: bool,
    window: Option<(File, File)>,
    output: Option<OwnedFd>,
    flows: Vec<Stream>,
}

impl Maker {
    /// A terminal of its own is made when the caller's output is one. With output elsewhere,
    /// as in a pipe to a pager, the terminal is not ours alone, and is left as it is.
    fn for_caller(
        ends: [BorrowedFd<'_>; 3],
        terminals: Option<BorrowedFd<'_>>,
    ) -> io::Result<Self> {
        let mut maker = Self {
            terminal: None,
            relay_is_read: false,
            window: None,
            output: None,
            flows: Vec::new(),
        };
        let model = ends[1];
        if stdio::is_terminal(model) {
            let terminal = OwnTerminal::like(model, terminals)?;
            stdio::never_wait(terminal.relay.as_fd())?;
            maker.window = Some((
                duplicate(model)?.into(),
                duplicate(terminal.relay.as_fd())?.into(),
            ));
            maker.terminal = Some(terminal);
        }
        Ok(maker)
    }

    fn input(&mut self, caller: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        match (kind_of(caller), &self.terminal) {
            (StreamKind::Terminal, Some(terminal)) => {
                let sink = Sink::own_pipe(duplicate(terminal.relay.as_fd())?)?;
                self.flows
                    .push(stream(Way::In, Flow::new(duplicate(caller)?, sink)));
                duplicate(terminal.inside.as_fd())
            }
            // Whoever reads the command's output, a pager perhaps, may want the terminal for
            // itself; and a command that looks takes a pipe for input that is meant for it.
            (StreamKind::Terminal, None)
            | (StreamKind::Closed | StreamKind::Directory | StreamKind::Null, _) => null(),
            (StreamKind::AnonymousPipe, _) if is_read_only(caller) => duplicate(caller),
            _ => {
                let (input, to_input) = pipe()?;
                let sink = Sink::own_pipe(to_input)?;
                self.flows
                    .push(stream(Way::In, Flow::new(duplicate(caller)?, sink)));
                Ok(input)
            }
        }
    }

    fn output(&mut self, way: Way, caller: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        match (kind_of(caller), &self.terminal) {
            (StreamKind::Closed | StreamKind::Directory | StreamKind::Null, _) => null(),
            (StreamKind::Terminal, Some(terminal)) => {
                if !self.relay_is_read {
                    self.relay_is_read = true;
                    let source = duplicate(terminal.relay.as_fd())?;
                    let sink = Sink::stream(duplicate(caller)?);
                    self.flows.push(stream(way, Flow::new(source, sink)));
                }
                duplicate(terminal.inside.as_fd())
            }
            _ => {
                let (from_output, output) = pipe()?;
                let sink = Sink::stream(duplicate(caller)?);
                self.flows.push(stream(way, Flow::new(from_output, sink)));
                self.output = Some(duplicate(output.as_fd())?);
                Ok(output)
            }
        }
    }

    /// Output and errors that the caller sends to one place keep their order.
    fn same_as_output(&mut self) -> io::Result<OwnedFd> {
        match (self.output.take(), &self.terminal) {
            (Some(output), _) => Ok(output),
            (None, Some(terminal)) => duplicate(terminal.inside.as_fd()),
            (None, None) => null(),
        }
    }
}
