//! A process that has nothing to do with any command, and is attacked.

#![allow(
    clippy::disallowed_methods,
    reason = "a process that is started to be attacked, and what proc says of it"
)]

use std::fs;
use std::io::{self, BufRead as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};

use super::attacker;
use super::processes::{field, line_of};
use super::world::{World, lay_file, secret};
use crate::sys::attack::processes::io_priority_of;

/// The process.
#[derive(Debug)]
pub(super) struct Bystander {
    child: Child,
    /// It ends when this is closed.
    input: Option<ChildStdin>,
    /// Its secret: in its memory, its environment, its arguments, its paths, its name.
    pub secret: String,
    /// Where its secret is in memory.
    pub address: i64,
    /// Which descriptor leads to its secret.
    pub descriptor: i64,
}

/// How it is, as seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    ended: Option<String>,
    state: Vec<String>,
    tracer: Option<String>,
    processors: Option<String>,
    open_files: Option<String>,
    out_of_memory: Option<String>,
    io_priority: i64,
    memory: Option<Vec<u8>>,
}

impl Bystander {
    pub(super) fn start(world: &World) -> io::Result<Self> {
        let secret = secret()?;
        let directory = world.outside().join(format!("of-{secret}"));
        let file = directory.join("secret");
        lay_file(&file, &secret)?;
        fs::write(directory.join(&secret), "")?;
        let mut child = Command::new(world.attacker())
            .args([attacker::BYSTANDER.as_ref(), file.as_os_str()])
            .arg(&secret)
            .current_dir(&directory)
            .env_clear()
            .env("SECRET", &secret)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take();
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            io::BufReader::new(output).read_line(&mut line)?;
        }
        let mut numbers = line.split_whitespace().map(str::parse);
        let (Some(Ok(address)), Some(Ok(descriptor))) = (numbers.next(), numbers.next()) else {
            return Err(io::Error::other("the bystander does not start"));
        };
        Ok(Self {
            child,
            input,
            secret,
            address,
            descriptor,
        })
    }

    /// Its number.
    pub(super) fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// Whether it has not ended.
    pub(super) fn is_there(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// How it is now.
    pub(super) fn condition(&mut self) -> Condition {
        let ended = self.child.try_wait().ok().flatten().map(|status| {
            let signal = status.signal();
            signal.map_or("it ended".into(), |signal| {
                format!("signal {signal} ended it")
            })
        });
        let pid = self.pid();
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let address = u64::try_from(self.address).unwrap_or(0);
        Condition {
            ended,
            state: lasting(&stat),
            tracer: field(pid, "TracerPid:"),
            processors: field(pid, "Cpus_allowed:"),
            open_files: line_of(pid, "limits", "Max open files"),
            out_of_memory: fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).ok(),
            io_priority: io_priority_of(pid),
            memory: crate::sys::memory::read(pid, address, 14).ok(),
        }
    }
}

/// Of the numbers in stat: whether it is stopped, its nice value, and how it is scheduled.
fn lasting(stat: &str) -> Vec<String> {
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields: Vec<&str> = after_name.split_ascii_whitespace().collect();
    // Running or sleeping is no difference that anybody made.
    let state = match fields.first() {
        Some(&("R" | "S" | "D")) => "runs",
        Some(other) => other,
        None => "gone",
    };
    // Counted from the state, which is the third field: nice is the 19th, the policy the 41st.
    [Some(&state), fields.get(16), fields.get(38)]
        .into_iter()
        .flatten()
        .map(|field| (*field).to_owned())
        .collect()
}

impl Condition {
    /// What is different, for people; `None` where nothing is.
    pub(super) fn difference(&self, after: &Self) -> Option<String> {
        if let Some(ended) = &after.ended {
            return Some(format!("the bystander: {ended}"));
        }
        let changes = [
            (self.state != after.state, "state or priority"),
            (self.tracer != after.tracer, "tracer"),
            (self.processors != after.processors, "processors"),
            (self.open_files != after.open_files, "limits"),
            (
                self.out_of_memory != after.out_of_memory,
                "score for want of memory",
            ),
            (self.io_priority != after.io_priority, "priority for files"),
            (self.memory != after.memory, "memory"),
        ];
        let (_, what) = changes.into_iter().find(|(changed, _)| *changed)?;
        Some(format!("the bystander's {what} changed"))
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        drop(self.input.take());
        // It may be stopped, and then does not see the end of its input.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
