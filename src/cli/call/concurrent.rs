//! `lobsterpot call --concurrent`: several requests of a session at the same time.
//!
//! One loop waits for requests and for every command that runs; file requests are carried out
//! between its turns. Nothing here may wait for one command alone.

use std::io;
use std::os::fd::AsFd as _;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::live::Texts;
use super::{InputError, say};
use crate::broker::{Progress, RunningCommand, Session};
use crate::cli::failure::Failure;
use crate::cli::lines::{Line, Lines};
use crate::model::{Cancel, Incoming, Request};
use crate::sandbox::Way;
use crate::sys::stdio::{Interest, wait};

/// Answers until there are no more requests and the last command has ended, or nobody reads
/// the replies.
pub(super) fn answer_all(session: &mut Session) -> Result<(), Failure> {
    let mut desk = Desk {
        session,
        lines: Lines::of_requests(),
        running: Vec::new(),
    };
    let answered = desk.answer_all();
    // Nobody learns any more what the others came to; their records are still written.
    desk.end_all();
    answered
}

/// A session with what is under way in it.
struct Desk<'a> {
    session: &'a mut Session,
    lines: Lines,
    running: Vec<Running>,
}

/// A command, and what of its output has not become text yet.
struct Running {
    command: Box<RunningCommand>,
    texts: Texts,
}

/// A part of what a command wrote, while it runs.
#[derive(Serialize)]
struct Output<'a> {
    id: &'a Value,
    event: &'static str,
    stream: &'static str,
    text: String,
}

impl Desk<'_> {
    fn answer_all(&mut self) -> Result<(), Failure> {
        while !self.lines.have_ended() || !self.running.is_empty() {
            self.turn()?;
        }
        Ok(())
    }

    fn turn(&mut self) -> Result<(), Failure> {
        let (stdin, stdout) = (io::stdin(), io::stdout());
        let mut interests = vec![(stdout.as_fd(), Interest::Gone)];
        let is_open = !self.lines.have_ended();
        if is_open {
            interests.push((stdin.as_fd(), Interest::Readable));
        }
        let mut places = Vec::new();
        let mut patience: Option<Duration> = None;
        for one in &self.running {
            let own = one.command.visit.interests();
            places.push(interests.len()..interests.len() + own.len());
            interests.extend(own);
            let left = one.command.visit.patience();
            patience = [patience, left].into_iter().flatten().min();
        }
        let ready = wait(&interests, patience);
        let ready = ready.map_err(|error| Failure::unavailable(InputError(error)))?;
        if ready[0] {
            return Err(Failure::output(io::ErrorKind::BrokenPipe.into()));
        }
        for (one, place) in self.running.iter_mut().zip(places) {
            one.command.visit.turn(&ready[place]);
        }
        self.tell_of_commands()?;
        if is_open && ready[1] {
            self.read()?;
        }
        Ok(())
    }

    /// Tells what commands wrote, and answers those that are over.
    fn tell_of_commands(&mut self) -> Result<(), Failure> {
        let mut index = 0;
        while let Some(one) = self.running.get_mut(index) {
            let is_over = one.command.visit.is_over();
            let fresh = one.command.visit.take_fresh();
            let mut parts: Vec<_> = fresh
                .into_iter()
                .map(|(way, bytes)| (way, one.texts.add(way, &bytes)))
                .collect();
            if is_over {
                parts.extend(one.texts.finish());
            }
            for (way, text) in parts.into_iter().filter(|(_, text)| !text.is_empty()) {
                say(&Output {
                    id: one.command.id(),
                    event: "output",
                    stream: if way == Way::Error {
                        "stderr"
                    } else {
                        "stdout"
                    },
                    text,
                })?;
            }
            if is_over {
                let ended = self.running.swap_remove(index);
                say(&self.session.end(*ended.command))?;
            } else {
                index += 1;
            }
        }
        Ok(())
    }

    fn read(&mut self) -> Result<(), Failure> {
        let lines = super::read(&mut self.lines)?;
        lines.into_iter().try_for_each(|line| self.answer(line))
    }

    fn answer(&mut self, line: Line) -> Result<(), Failure> {
        let line = match line {
            Line::Text(line) => line,
            Line::Unusable(why) => return say(&self.session.refuse_line(why)),
        };
        match Incoming::parse(&line) {
            Ok(Incoming::Request(request)) => self.begin(request),
            Ok(Incoming::Cancel(cancel)) => self.cancel(&cancel),
            Err(error) => say(&self.session.refuse(&error.id, &error.message)),
        }
    }

    fn begin(&mut self, request: Request) -> Result<(), Failure> {
        if self.place_of(&request.id).is_some() {
            let why = "a command with this id runs already";
            return say(&self.session.refuse(&request.id, why));
        }
        match self.session.start(request) {
            Progress::Answered(reply) => say(&reply),
            Progress::Running(command) => {
                let texts = Texts::default();
                self.running.push(Running { command, texts });
                Ok(())
            }
        }
    }

    /// The command's own reply says what it came to.
    fn cancel(&mut self, cancel: &Cancel) -> Result<(), Failure> {
        let place = self.place_of(&cancel.request);
        if let Some(place) = place {
            self.running[place].command.visit.cancel();
        }
        let result = json!({ "cancelled": place.is_some() });
        say(&json!({ "id": cancel.id, "status": "ok", "result": result }))
    }

    fn place_of(&self, id: &Value) -> Option<usize> {
        self.running.iter().position(|one| one.command.id() == id)
    }

    fn end_all(&mut self) {
        // All of them at once, before any is waited for.
        for one in &mut self.running {
            one.command.visit.cancel();
        }
        for one in self.running.drain(..) {
            let _ = self.session.end_now(*one.command);
        }
    }
}
