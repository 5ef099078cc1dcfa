//! Starting one command: clone, put on the layers, exec.
//!
//! The child shares the launcher's memory until exec (`CLONE_VM | CLONE_VFORK`),
//! so it is started at the cost of no page tables, and a step that fails is
//! written straight into the launcher's memory. Between clone and exec it must
//! never allocate, lock, or touch anything that was not prepared: the launcher is
//! suspended, but its heap is shared.
//!
//! The descriptor table is shared too (`CLONE_FILES`): the listener that the
//! filter returns is then the launcher's, without being passed. exec(2) gives the
//! child a table of its own and closes everything that is close-on-exec.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::ptr;

use super::limits::Limit;
use super::seccomp::{Filter, Listening};

/// Where a start failed. The number is the step's place in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Step {
    /// clone(2) itself.
    Clone = 1,
    /// setsid(2).
    Session,
    /// Taking the own terminal as controlling terminal.
    Terminal,
    /// setrlimit(2).
    Limits,
    /// `PR_SET_PDEATHSIG`.
    ParentDeath,
    /// fchdir(2).
    Directory,
    /// Giving up privileges for good (`PR_SET_NO_NEW_PRIVS`).
    Privileges,
    /// Resetting the signal mask and dispositions.
    Signals,
    /// `landlock_restrict_self(2)`.
    Landlock,
    /// seccomp(2).
    Filter,
    /// execve(2).
    Exec,
}

impl Step {
    /// What the step does, for messages.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Clone => "create the process",
            Self::Session => "start a session of its own",
            Self::Terminal => "take its terminal",
            Self::Limits => "set its limits",
            Self::ParentDeath => "tie its life to the launcher",
            Self::Directory => "enter its working directory",
            Self::Privileges => "give up privileges",
            Self::Signals => "reset signals",
            Self::Landlock => "enter its landlock domain",
            Self::Filter => "install its system call filter",
            Self::Exec => "execute the program",
        }
    }

    /// The step with this number.
    pub fn from_number(number: u32) -> Self {
        const ORDER: [Step; 11] = [
            Step::Clone,
            Step::Session,
            Step::Terminal,
            Step::Limits,
            Step::ParentDeath,
            Step::Directory,
            Step::Privileges,
            Step::Signals,
            Step::Landlock,
            Step::Filter,
            Step::Exec,
        ];
        ORDER
            .into_iter()
            .find(|step| *step as u32 == number)
            .unwrap_or(Step::Exec)
    }
}

/// A step that failed, so that the command did not start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot {}", .step.describe())]
pub struct LaunchError {
    /// Which step.
    pub step: Step,
    /// The kernel's answer.
    #[source]
    pub errno: nix::errno::Errno,
}

/// Whether the command gets standard input as its controlling terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControllingTerminal {
    /// It has none, so `/dev/tty` and `TIOCSTI` lead nowhere.
    None,
    /// Standard input is a terminal of its own.
    StandardInput,
}

/// Everything the child needs, made before the clone.
#[derive(Debug)]
pub struct Launch<'a> {
    /// The paths to try, in order, as execvp(3) would.
    pub programs: &'a [CString],
    /// The argument list.
    pub arguments: &'a PointerList,
    /// The argument list for a script without an interpreter line: `sh`, a place for its path, the rest.
    pub script_arguments: &'a PointerList,
    /// The environment.
    pub environment: &'a PointerList,
    /// The working directory, already opened.
    pub directory: BorrowedFd<'a>,
    /// The controlling terminal.
    pub terminal: ControllingTerminal,
    /// The limits of each process.
    pub limits: &'a [Limit],
    /// The Landlock ruleset.
    pub ruleset: BorrowedFd<'a>,
    /// The name under which the child enters its Landlock domain, where the kernel is to tell
    /// what it denies there. Without one, nothing is told.
    pub mark: Option<&'a CStr>,
    /// The system call filter.
    pub filter: &'a Filter,
    /// The control group that it begins in; the launcher's own where there is none.
    pub group: Option<BorrowedFd<'a>>,
}

/// A NULL-terminated list of C strings, as execve(2) takes it.
#[derive(Debug)]
pub struct PointerList {
    // Keeps the strings alive that the pointers point to.
    strings: Vec<CString>,
    pointers: Vec<*const libc::c_char>,
}

impl PointerList {
    /// Lays out the list.
    pub fn new(strings: Vec<CString>) -> Self {
        let pointers = strings
            .iter()
            .map(|string| string.as_ptr())
            .chain([ptr::null()])
            .collect();
        Self { strings, pointers }
    }

    /// How many strings it holds.
    pub fn len(&self) -> usize {
        self.strings.len()
    }

    /// Whether it holds no string.
    pub fn is_empty(&self) -> bool {
        self.strings.is_empty()
    }
}

/// A command that runs.
#[derive(Debug)]
pub struct Launched {
    /// Its process id. It is our child and not reaped, so the number cannot be reused.
    pub pid: i32,
    /// Its pidfd, readable once it ended.
    pub pidfd: OwnedFd,
    /// The listener of its filter, where the filter has one.
    pub listener: Option<OwnedFd>,
}

/// `LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON` (Linux 6.15): also what programs are denied that the
/// child executes, and not just what it is denied itself.
const LOG_NEW_EXEC_ON: libc::c_uint = 1 << 1;

const SHELL: &CStr = c"/bin/sh";
/// The child needs little: no frame below is large, and no library code runs.
const STACK: usize = 64 << 10;

struct Child<'a> {
    launch: &'a Launch<'a>,
    script_arguments: Vec<*const libc::c_char>,
    failed_step: u32,
    failed_errno: i32,
    listener: RawFd,
}

/// Starts the command.
///
/// Standard input, output and error of the calling process become those of the
/// command. The caller must be single-threaded, with all signals blocked.
///
/// # Errors
/// The step that failed; then no process is left, and none has executed anything.
pub fn launch(launch: &Launch<'_>) -> Result<Launched, LaunchError> {
    let mut child = Child {
        launch,
        script_arguments: launch.script_arguments.pointers.clone(),
        failed_step: 0,
        failed_errno: 0,
        listener: -1,
    };
    let (pid, pidfd) = clone(&mut child).map_err(|error| LaunchError {
        step: Step::Clone,
        errno: errno_of(&error),
    })?;
    let owned = |raw: RawFd| {
        // SAFETY: the kernel just installed it in our table; nobody else owns it.
        unsafe { OwnedFd::from_raw_fd(raw) }
    };
    let listener = (child.listener >= 0).then(|| owned(child.listener));
    if child.failed_step != 0 {
        super::process::reap(pid);
        return Err(LaunchError {
            step: Step::from_number(child.failed_step),
            errno: nix::errno::Errno::from_raw(child.failed_errno),
        });
    }
    Ok(Launched {
        pid,
        pidfd,
        listener,
    })
}

/// Starts the child and waits until it has executed or ended.
fn clone(child: &mut Child<'_>) -> io::Result<(i32, OwnedFd)> {
    let group = child.launch.group;
    let mut stack = vec![0u8; STACK];
    let flags = libc::CLONE_FILES;
    if let Some(group) = group {
        let main = (child_main as _, ptr::from_mut(child).cast());
        // SAFETY: as below.
        return unsafe { super::clone::start_into(group, flags, &mut stack, main) };
    }
    let top = stack.as_mut_ptr_range().end;
    let mut pidfd: RawFd = -1;
    let flags = flags | libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
    // SAFETY: the stack is ours, large enough, and outlives the child's use of it,
    // because CLONE_VFORK suspends us until the child has executed or ended. The
    // pointer to `child` is valid for the same time, and we do not touch it meanwhile.
    // `top` is aligned by clone(3) itself.
    let pid = unsafe {
        libc::clone(
            child_main,
            top.cast(),
            flags,
            ptr::from_mut(child).cast(),
            &raw mut pidfd,
        )
    };
    super::checked(pid.into())?;
    // SAFETY: the kernel just installed it in our table; nobody else owns it.
    Ok((pid, unsafe { OwnedFd::from_raw_fd(pidfd) }))
}

fn errno_of(error: &io::Error) -> nix::errno::Errno {
    nix::errno::Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

extern "C" fn child_main(argument: *mut libc::c_void) -> libc::c_int {
    // SAFETY: `launch` passed a pointer to a live `Child` and is suspended.
    let child = unsafe { &mut *argument.cast::<Child<'_>>() };
    let step = put_on_layers(child);
    child.failed_errno = nix::errno::Errno::last_raw();
    child.failed_step = step as u32;
    // SAFETY: _exit runs no handlers, which would run in the launcher's memory.
    unsafe { libc::_exit(127) }
}

/// Returns the step that failed; does not return when exec succeeds.
fn put_on_layers(child: &mut Child<'_>) -> Step {
    let launch = child.launch;
    // SAFETY: setsid takes no arguments and touches no memory.
    if unsafe { libc::setsid() } == -1 {
        return Step::Session;
    }
    if launch.terminal == ControllingTerminal::StandardInput {
        // SAFETY: TIOCSCTTY takes a plain number.
        if unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) } == -1 {
            return Step::Terminal;
        }
    }
    for Limit {
        resource,
        soft,
        hard,
    } in launch.limits
    {
        let limit = libc::rlimit {
            rlim_cur: *soft,
            rlim_max: *hard,
        };
        // SAFETY: `limit` lives through the call.
        if unsafe { libc::setrlimit(*resource, &raw const limit) } == -1 {
            return Step::Limits;
        }
    }
    // SAFETY: plain numbers.
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } == -1 {
        return Step::ParentDeath;
    }
    // SAFETY: a descriptor that the launcher holds open.
    if unsafe { libc::fchdir(launch.directory.as_raw_fd()) } == -1 {
        return Step::Directory;
    }
    // SAFETY: plain numbers.
    if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } == -1 {
        return Step::Privileges;
    }
    restrict_and_execute(child)
}

fn restrict_and_execute(child: &mut Child<'_>) -> Step {
    let launch = child.launch;
    if !reset_signals() {
        return Step::Signals;
    }
    let ruleset = launch.ruleset.as_raw_fd();
    let mut telling = 0;
    if let Some(mark) = launch.mark {
        telling = LOG_NEW_EXEC_ON;
        // The kernel keeps it with the domain. The name is the child's own, and exec changes it.
        // SAFETY: `mark` ends with a zero and lives in the launcher's memory.
        if unsafe { libc::prctl(libc::PR_SET_NAME, mark.as_ptr()) } == -1 {
            return Step::Landlock;
        }
    }
    // SAFETY: plain numbers. The domain binds the calling thread, which is all of the child.
    if unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset, telling) } == -1 {
        return Step::Landlock;
    }
    match launch.filter.install() {
        Ok(Listening::Yes(listener)) => child.listener = listener,
        Ok(Listening::No) => {}
        Err(()) => return Step::Filter,
    }
    execute(child);
    Step::Exec
}

/// The Rust runtime ignores SIGPIPE, and the launcher blocks everything; neither may be inherited.
fn reset_signals() -> bool {
    // SAFETY: all zero is `SIG_DFL` with no flags and an empty mask.
    let default: libc::sigaction = unsafe { std::mem::zeroed() };
    for signal in 1..=64 {
        // SAFETY: `default` lives through the call. Unknown and unchangeable numbers are
        // refused with EINVAL, which is harmless. Dispositions are not shared with the
        // launcher (no CLONE_SIGHAND).
        unsafe { libc::sigaction(signal, &raw const default, ptr::null_mut()) };
    }
    nix::sys::signal::SigSet::empty().thread_set_mask().is_ok()
}

/// As execvp(3): the first candidate that exists is taken, but one that may not be
/// executed is remembered, so that the answer is EACCES rather than ENOENT.
fn execute(child: &mut Child<'_>) {
    let launch = child.launch;
    // The answer where the search path names no directory at all.
    nix::errno::Errno::set_raw(libc::ENOENT);
    let mut remembered = 0;
    for program in launch.programs {
        execute_one(launch, program, &launch.arguments.pointers);
        let errno = nix::errno::Errno::last_raw();
        if errno == libc::ENOEXEC {
            execute_as_script(child, program);
            return;
        }
        match errno {
            libc::EACCES => remembered = errno,
            libc::ENOENT | libc::ENOTDIR => {}
            _ => return,
        }
    }
    if remembered != 0 {
        nix::errno::Errno::set_raw(remembered);
    }
}

/// A text without `#!` is for the shell, as in every other launcher.
fn execute_as_script(child: &mut Child<'_>, program: &CStr) {
    child.script_arguments[1] = program.as_ptr();
    execute_one(child.launch, SHELL, &child.script_arguments);
}

/// Returns when the program could not be executed.
fn execute_one(launch: &Launch<'_>, program: &CStr, arguments: &[*const libc::c_char]) {
    let environment = launch.environment.pointers.as_ptr();
    let arguments = arguments.as_ptr();
    match launch.filter.key() {
        // SAFETY: all three are NUL- or NULL-terminated and live in the launcher's memory.
        None => unsafe {
            libc::execve(program.as_ptr(), arguments, environment);
        },
        // The kernel takes five arguments and drops the sixth, which only the filter looks at.
        // SAFETY: as above.
        Some(key) => unsafe {
            libc::syscall(
                libc::SYS_execveat,
                libc::AT_FDCWD,
                program.as_ptr(),
                arguments,
                environment,
                0,
                key,
            );
        },
    }
}

/// Makes the given descriptors standard input, output and error of this process.
///
/// # Errors
/// When a descriptor is not open.
pub fn take_stdio(streams: [BorrowedFd<'_>; 3]) -> io::Result<()> {
    for (number, stream) in (0..).zip(streams) {
        // SAFETY: plain numbers; dup2 clears close-on-exec, as standard streams need.
        let result = unsafe { libc::dup2(stream.as_raw_fd(), number) };
        super::checked(result.into())?;
    }
    Ok(())
}

/// Puts `/dev/null` in place of standard input, output and error of this process.
///
/// # Errors
/// When `/dev/null` cannot be opened.
pub fn detach_stdio() -> io::Result<()> {
    let null = super::stdio::null()?;
    take_stdio([std::os::fd::AsFd::as_fd(&null); 3])
}
