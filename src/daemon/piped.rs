//! A command of a session of its own, in the sandbox, whose standard streams are pipes: a server
//! that another program speaks with.
//!
//! It is this program once more, as `lobsterpot run`. It ends when it is told to, when the handle
//! is dropped, and, by the kernel, when the front end is killed; its launcher ends the rest.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::Selectors;

/// How long the command may take to end by itself, once its input has.
const GRACE: Duration = Duration::from_secs(2);

/// A command whose streams are pipes. What it says on standard error goes where ours does.
#[derive(Debug)]
pub struct Piped {
    child: Child,
}

impl Piped {
    /// Starts a command, and gives its output and input.
    ///
    /// How long it may run is for whoever has the handle: the policy's limit on a command's time
    /// does not end it. To be called within a tokio runtime, by the thread that lives as long as
    /// the process: the kernel ends the command with that thread.
    ///
    /// # Errors
    /// When no process can be started. A command that is refused ends at once, and says why.
    pub fn start(
        selectors: &Selectors,
        argv: &[OsString],
        directory: Option<&Path>,
    ) -> io::Result<(Self, ChildStdout, ChildStdin)> {
        // The program that runs now, also where its file was replaced or removed since.
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0("lobsterpot")
            .arg("run")
            .arg(format!("--front-end={}", std::process::id()))
            .args(selectors.options())
            .arg("--")
            .args(argv)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .env_remove("LOBSTERPOT_TOKEN")
            .kill_on_drop(true);
        if let Some(directory) = directory {
            command.current_dir(directory);
        }
        let mut child = command.spawn()?;
        let (Some(output), Some(input)) = (child.stdout.take(), child.stdin.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        Ok((Self { child }, output, input))
    }

    /// Waits until the command has ended, which it is killed for when it takes too long. Its
    /// input should have been closed before.
    pub async fn end(mut self) {
        if tokio::time::timeout(GRACE, self.child.wait())
            .await
            .is_err()
        {
            // The sandbox ends with it, and with the sandbox everything that ran there.
            let _ = self.child.kill().await;
        }
    }
}
