//! From a tool call to what is said about it.
//!
//! A command is made to run in the sandbox, which enforces. A file tool works on its own, with
//! the agent's rights: what is said about it holds only as far as the agent heeds it, and for
//! the moment at which it was said.

use serde_json::{Value, json};

use super::answer::Verdict;
use super::call::Call;
use super::tools::{self, Does};
use super::{name, patch};
use crate::broker::Session;
use crate::model::{
    Denial, ExecRun, FileList, FileRead, FileStat, FileWrite, Operation, RefusalCode, Reply,
    Request, Status,
};
use crate::shim::quoted_line;

/// What the operator set up for the agent.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The words that run a shell command in the sandbox, which follows as one more word; none
    /// where the agent runs its commands there anyway.
    pub shell: Option<Vec<String>>,
    /// Tools that the operator leaves to the agent's own rules.
    pub left_alone: Vec<String>,
    /// The home directory, for which agents take `~`.
    pub home: String,
}

/// Decides on a tool call.
pub fn judge(call: &Call, setup: &Setup, session: &mut Session) -> Verdict {
    if setup.left_alone.contains(&call.tool) {
        return Verdict::NoOpinion;
    }
    let Some(does) = tools::find(call.agent, &call.tool) else {
        let what = format!("the tool {} is not known here", call.tool);
        return deny(&session.turn_down(RefusalCode::BadRequest, &what));
    };
    let mut ask = Asking {
        call,
        home: &setup.home,
        session,
    };
    if let Err(denials) = ask.arguments(does) {
        return deny(&denials);
    }
    let decided = match does {
        Does::Runs(key) => return ask.command(key, setup),
        Does::Reads(key, _) => ask.path(key).and_then(|path| ask.read(&path)),
        Does::Writes(key, _) => ask.path(key).and_then(|path| ask.write(&path)),
        Does::Searches(key, patterns, _) => ask.searches(key, patterns),
        Does::Patches(key) => ask.text(key).and_then(|text| ask.patch(&text)),
        Does::Connects => Err(ask
            .session
            .turn_down(RefusalCode::NetworkNotGranted, &call.tool)),
        Does::Talks => Ok(()),
    };
    match decided {
        Ok(()) => Verdict::NoOpinion,
        Err(denials) => deny(&denials),
    }
}

/// Decides on the parts of one tool call.
struct Asking<'a> {
    call: &'a Call,
    home: &'a str,
    session: &'a mut Session,
}

type Decided<T = ()> = Result<T, Vec<Denial>>;

impl Asking<'_> {
    /// What can only be refused is refused at once; anything else meets the sandbox.
    fn command(&mut self, key: &str, setup: &Setup) -> Verdict {
        let decided = self.text(key).and_then(|line| {
            self.decide(Operation::ExecRun(ExecRun {
                shell: Some(line.clone()),
                cwd: Some(self.call.cwd.clone()),
                ..ExecRun::default()
            }))
            .map(|()| line)
        });
        let line = match decided {
            Ok(line) => line,
            Err(denials) => return deny(&denials),
        };
        let Some(shell) = &setup.shell else {
            return Verdict::NoOpinion;
        };
        let words = shell.iter().map(String::as_str);
        let rewritten = quoted_line(words.chain([line.as_str()]));
        let mut input = self.call.input.clone();
        input.insert(key.to_owned(), Value::String(rewritten));
        Verdict::Rewrite(input)
    }

    fn read(&mut self, path: &str) -> Decided {
        self.decide(Operation::FileRead(FileRead {
            path: path.to_owned(),
            ..FileRead::default()
        }))?;
        // One byte by the broker's own handles, which no link leads out of.
        self.try_out(Operation::FileRead(FileRead {
            path: path.to_owned(),
            limit: Some(1),
            ..FileRead::default()
        }))
        .map(drop)
    }

    fn write(&mut self, path: &str) -> Decided {
        self.decide(Operation::FileWrite(FileWrite {
            path: path.to_owned(),
            ..FileWrite::default()
        }))?;
        let found = self.try_out(Operation::FileStat(FileStat {
            path: path.to_owned(),
        }))?;
        // The tool would follow it, wherever it leads by then.
        if found.result.get("kind").and_then(Value::as_str) == Some("link") {
            return Err(self.session.turn_down(RefusalCode::RightNotGranted, path));
        }
        Ok(())
    }

    /// The directory, and those that the patterns begin with: tools start there instead.
    fn searches(&mut self, key: &str, patterns: &[&str]) -> Decided {
        let place = self.place(key)?;
        self.search(&place)?;
        for key in patterns {
            match self.call.input.get(*key) {
                None | Some(Value::Null) => continue,
                Some(Value::String(text)) if text.is_empty() => continue,
                Some(_) => {}
            }
            let pattern = self.text(key)?;
            let Some(directories) = name::leading(&pattern) else {
                let what = format!("{pattern}: the pattern may lead anywhere");
                return Err(self.session.turn_down(RefusalCode::BadRequest, &what));
            };
            let path = self.whole(directories, &place)?;
            if path != place {
                self.search(&path)?;
            }
        }
        Ok(())
    }

    fn search(&mut self, path: &str) -> Decided {
        let list = FileList {
            path: path.to_owned(),
            limit: Some(1),
        };
        let listed = self.try_out(Operation::FileList(list))?;
        // A file can be searched, too.
        match listed.status {
            Status::Ok => self.decide(Operation::FileRead(FileRead {
                path: path.to_owned(),
                ..FileRead::default()
            })),
            _ => self.read(path),
        }
    }

    fn patch(&mut self, text: &str) -> Decided {
        let Some(paths) = patch::paths(text) else {
            let what = "the patch cannot be read";
            return Err(self.session.turn_down(RefusalCode::BadRequest, what));
        };
        paths.into_iter().try_for_each(|path| {
            let path = self.whole(path, &self.call.cwd)?;
            self.write(&path)
        })
    }

    fn decide(&mut self, operation: Operation) -> Decided {
        let reply = self.session.decide(&request(operation));
        allowed(reply).map(drop)
    }

    fn try_out(&mut self, operation: Operation) -> Decided<Reply> {
        let reply = self.session.handle(&request(operation));
        allowed(reply)
    }

    /// Refuses what could name a file under a name that is not known. Numbers and the like
    /// cannot.
    fn arguments(&mut self, does: Does) -> Decided {
        let cannot = |value: &Value| value.is_null() || value.is_boolean() || value.is_number();
        let mut input = self.call.input.iter();
        let Some((key, _)) = input.find(|(key, value)| !does.takes(key) && !cannot(value)) else {
            return Ok(());
        };
        let what = format!("{}: the argument `{key}` is not known here", self.call.tool);
        Err(self.session.turn_down(RefusalCode::BadRequest, &what))
    }

    /// The argument of that name.
    fn text(&mut self, key: &str) -> Decided<String> {
        match self.call.input.get(key) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
            _ => {
                let what = format!("{}: `{key}` is not a text", self.call.tool);
                Err(self.session.turn_down(RefusalCode::BadRequest, &what))
            }
        }
    }

    /// The path that an argument names.
    fn path(&mut self, key: &str) -> Decided<String> {
        let path = self.text(key)?;
        self.whole(&path, &self.call.cwd)
    }

    /// The directory that an argument names, or where the agent is.
    fn place(&mut self, key: &str) -> Decided<String> {
        match self.call.input.get(key) {
            None | Some(Value::Null) => self.whole("", &self.call.cwd),
            Some(_) => self.path(key),
        }
    }

    /// The path from the top, as the agent's tools would take it.
    fn whole(&mut self, path: &str, base: &str) -> Decided<String> {
        let whole = match path.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                format!("{}{rest}", self.home)
            }
            _ if path.starts_with('/') => path.to_owned(),
            _ if path.is_empty() => base.to_owned(),
            _ => format!("{base}/{path}"),
        };
        // A blank in front shows in the path alone.
        match name::doubt(path).or_else(|| name::doubt(&whole)) {
            None => Ok(whole),
            Some(doubt) => {
                let what = format!("{whole}: {doubt}");
                Err(self.session.turn_down(RefusalCode::BadRequest, &what))
            }
        }
    }
}

fn request(operation: Operation) -> Request {
    Request {
        id: json!("hook"),
        operation,
    }
}

fn allowed(reply: Reply) -> Decided<Reply> {
    match reply.status {
        Status::Denied => Err(reply.denials),
        _ => Ok(reply),
    }
}

fn deny(denials: &[Denial]) -> Verdict {
    let mut lines: Vec<&str> = Vec::new();
    let mut told = None;
    for denial in denials.iter().take(MOST) {
        lines.push(&denial.message);
        let hint = denial.hint.as_deref();
        if hint != told {
            lines.extend(hint);
            told = hint;
        }
    }
    Verdict::Deny(lines.join("\n"))
}

/// The most refusals that are told.
const MOST: usize = 10;
