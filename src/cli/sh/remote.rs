//! The shell by a running `lobsterpot serve`: one request, and what it writes as it comes.
//!
//! A daemon that cannot be reached, or says anything that is not understood, is a failure:
//! the command never runs without it.

use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::{Value, json};

use super::Wanted;
use crate::ambient::Operator;
use crate::cli::failure::{Failure, Format};
use crate::cli::selectors::Selectors;
use crate::cli::{output, standin, told};
use crate::model::{Denial, Folded, HostPath, RefusalCode, Rule};
use crate::shim::ShellCall;
use crate::sys::socket;

/// What the daemon says is not understood, or the connection is gone.
#[derive(Debug, thiserror::Error)]
enum RemoteError {
    #[error("the connection to the daemon failed")]
    Connection(#[source] io::Error),
    #[error("the daemon ended the connection")]
    Ended,
    #[error("the daemon said what is not understood")]
    Odd,
    #[error("the daemon opened no session: {0}")]
    NoSession(String),
    #[error("standard input cannot be read as text")]
    Input(#[source] io::Error),
}

/// Runs the shell in a session of the daemon.
pub(super) fn run(
    operator: &Operator,
    selectors: &Selectors,
    (call, wanted): (&ShellCall, Wanted),
) -> Result<u8, Failure> {
    let path = said(operator, "LOBSTERPOT_SOCKET")?.unwrap_or_default();
    let token = said(operator, "LOBSTERPOT_TOKEN")?;
    can_be_told(selectors, token)?;
    let stream = socket::connect(Path::new(path)).map_err(Failure::unavailable)?;
    let mut daemon = Daemon::new(stream).map_err(Failure::unavailable)?;
    let (name, dialect) = wanted.shell(|name| is_installed(operator, name));
    let words = call.words(name, dialect).map_err(Failure::usage)?;
    let token = match token {
        Some(token) => token.to_owned(),
        None => daemon.open(selectors).map_err(Failure::unavailable)?,
    };
    let request = json!({
        "id": RUN, "op": "exec.run", "token": token, "argv": words, "stream": true,
        "cwd": standin::text(&operator.cwd)?, "stdin": input().map_err(Failure::unavailable)?,
    });
    let reply = daemon.ask(&request).map_err(Failure::unavailable)?;
    tell(&reply, selectors.json);
    exit_code(&reply).ok_or_else(|| Failure::unavailable(RemoteError::Odd))
}

/// A variable of the operator. One that is set and says nothing is not taken for absent.
fn said<'a>(operator: &'a Operator, name: &str) -> Result<Option<&'a str>, Failure> {
    match operator.variable(name).map(OsStr::to_str) {
        None => Ok(None),
        Some(Some(text)) if !text.is_empty() => Ok(Some(text)),
        Some(_) => Err(Failure::usage(format!(
            "{name} is empty, or no text (UTF-8)"
        ))),
    }
}

/// What is chosen and would not reach the session must not be taken for in force.
fn can_be_told(selectors: &Selectors, token: Option<&str>) -> Result<(), Failure> {
    let is_less = selectors.read_only || selectors.timeout.is_some();
    match token {
        Some(_) if is_less || !selectors.within.is_empty() => Err(Failure::usage(
            "the session of LOBSTERPOT_TOKEN is open already: read-only, a timeout and \
             `--within` do not change it",
        )
        .with_hint("narrow the session (session.narrow), and use the token that this gives")),
        None if !selectors.within.is_empty() => Err(Failure::usage(
            "`lobsterpot serve` does not take `--within`",
        )
        .with_hint("choose a policy that grants less, or run without LOBSTERPOT_SOCKET")),
        _ => Ok(()),
    }
}

const OPEN: u64 = 1;
const RUN: u64 = 2;

/// The other end.
struct Daemon {
    to: UnixStream,
    from: BufReader<UnixStream>,
}

impl Daemon {
    fn new(stream: UnixStream) -> Result<Self, RemoteError> {
        let from = stream.try_clone().map_err(RemoteError::Connection)?;
        Ok(Self {
            to: stream,
            from: BufReader::new(from),
        })
    }

    /// Opens a session, which ends with this connection. Gives its token.
    fn open(&mut self, selectors: &Selectors) -> Result<String, RemoteError> {
        let request = json!({
            "id": OPEN, "op": "session.open",
            "root": selectors.root, "policy": selectors.policy, "as": selectors.principal,
            "read_only": selectors.read_only,
            "timeout": selectors.timeout.map(|time| time.as_secs_f64()),
        });
        let reply = self.ask(&request)?;
        let token = reply["result"]["token"].as_str().map(str::to_owned);
        token.ok_or_else(|| {
            let error = reply["result"]["error"].as_str();
            let denial = reply["denials"][0]["message"].as_str();
            RemoteError::NoSession(error.or(denial).unwrap_or_default().to_owned())
        })
    }

    /// Asks, and passes on what is written meanwhile.
    fn ask(&mut self, request: &Value) -> Result<Value, RemoteError> {
        let line = output::json_line(request);
        self.to.write_all(&line).map_err(RemoteError::Connection)?;
        loop {
            let mut line = String::new();
            let read = self.from.read_line(&mut line);
            if read.map_err(RemoteError::Connection)? == 0 {
                return Err(RemoteError::Ended);
            }
            let said: Value = serde_json::from_str(&line).map_err(|_| RemoteError::Odd)?;
            if said["id"] != request["id"] {
                continue;
            }
            if said["event"] != "output" {
                return Ok(said);
            }
            let text = said["text"].as_str().unwrap_or_default().as_bytes();
            let written = if said["stream"] == "stderr" {
                io::stderr().lock().write_all(text)
            } else {
                let mut stdout = io::stdout().lock();
                stdout.write_all(text).and_then(|()| stdout.flush())
            };
            // Nobody reads it: the command ends with the connection.
            written.map_err(RemoteError::Connection)?;
        }
    }
}

/// Whether the host has the program in a usual place. Where the sandbox has not, it says so.
fn is_installed(operator: &Operator, name: &str) -> bool {
    let places = ["/usr/bin", "/bin"].map(|place| HostPath::absolute(format!("{place}/{name}")));
    places.iter().flatten().any(|path| operator.exists(path))
}

/// Standard input, where it is no terminal.
fn input() -> Result<Option<String>, RemoteError> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Ok(None);
    }
    let mut text = String::new();
    let read = stdin.lock().read_to_string(&mut text);
    read.map(|_| Some(text)).map_err(RemoteError::Input)
}

fn tell(reply: &Value, format: Format) {
    if format == Format::Json {
        output::say_raw(&[&b"\n"[..], &output::json_line(reply)].concat());
        return;
    }
    let said = reply["denials"].as_array().into_iter().flatten();
    let denials: Vec<Denial> = said.map(denial).collect();
    told::in_a_block(&denials);
    if let Some(error) = reply["result"]["error"].as_str() {
        output::say(&format!("error: {}\n", crate::model::shown(error)));
    }
}

/// As much of a denial as is told.
fn denial(said: &Value) -> Denial {
    let text = |key: &str| said[key].as_str().unwrap_or_default().to_owned();
    let code = RefusalCode::BadRequest;
    Denial {
        message: text("message"),
        hint: Some(text("hint")).filter(|hint| !hint.is_empty()),
        count: said["count"].as_u64().unwrap_or(1),
        folded: (said["folded"] == "noise").then_some(Folded::Noise),
        ..Denial::by_broker(code, "exec.run", "", Rule::default_deny())
    }
}

/// What `run` would have ended with.
fn exit_code(reply: &Value) -> Option<u8> {
    let result = &reply["result"];
    let number = |value: &Value| value.as_u64().and_then(|number| u8::try_from(number).ok());
    let codes = reply["denials"].as_array().into_iter().flatten();
    let is_unavailable = |denial: &Value| {
        ["sandbox-unavailable", "audit-unavailable"]
            .contains(&denial["code"].as_str().unwrap_or(""))
    };
    match reply["status"].as_str()? {
        "ok" => number(&result["exit_code"])
            .or_else(|| number(&result["signal"]).map(|signal| 128_u8.saturating_add(signal))),
        "timeout" => Some(124),
        "denied" if codes.clone().any(is_unavailable) => Some(125),
        "denied" => Some(126),
        _ if result["error"].as_str()?.ends_with(": no such command") => Some(127),
        _ => Some(125),
    }
}
