//! Making a plan real, once per session: handles, ruleset, filter, scratch, launcher.
//!
//! Every step that fails is a refusal to start. Nothing here falls back to less.

use std::error::Error as _;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;

use super::exceptions;
use super::group::{self, GroupError, Layout, SessionGroup};
use super::hold::{LauncherHandle, StartError};
use super::keeper::{FlatGround, Outfit, ViewGround};
use super::kernel::Ear;
use super::landlock::{self, LandlockError, OpenRule};
use super::lane::{BrokerLanes, Concurrency};
use super::plan::{Origin, PathRule, Plan, SCRATCH};
use super::scratch::{Scratch, ScratchError};
use super::seccomp::{Action, CompileError, SyscallRules};
use super::view::{self, ViewError};
use super::witness::KernelAudit;
use super::{home, reach};
use crate::model::{HostPath, Mode};
use crate::policy::GrantId;
use crate::sys::entropy;
use crate::sys::metadata::pin_host_path;
use crate::sys::seccomp::{Filter, Instruction, Supervision};

/// A plan made real. Commands are started in it.
///
/// With its last owner goes everything that still runs in it, and its private directory.
#[derive(Debug)]
pub struct Sandbox {
    plan: Plan,
    scratch: HostPath,
    // In this order: a launcher goes on while an end of its connection is held.
    pub(super) lanes: BrokerLanes,
    pub(super) launcher: LauncherHandle,
    #[expect(
        dead_code,
        reason = "it is removed when it is dropped, after what is in it"
    )]
    group: Option<SessionGroup>,
    /// Listens to the kernel's audit, where the plan says so.
    pub(super) ear: Option<Rc<Ear>>,
}

/// Why a plan could not be made real.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// No scratch directory.
    #[error("cannot prepare the sandbox's private directory")]
    Scratch(#[from] ScratchError),
    /// No ruleset.
    #[error("cannot prepare the landlock layer")]
    Landlock(#[from] LandlockError),
    /// No filter.
    #[error("cannot prepare the system call filter")]
    Filter(#[from] CompileError),
    /// A path of the plan could not be opened.
    #[error("cannot open {path} for the sandbox")]
    Open {
        /// The path.
        path: String,
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },
    /// A grant of the plan is not open.
    #[error("the grant {path} is not open")]
    GrantNotOpen {
        /// Its directory.
        path: String,
    },
    /// The view could not be built.
    #[error("cannot build the sandbox's view")]
    View(#[source] ViewError),
    /// No control group.
    #[error("cannot prepare the sandbox's control group")]
    Group(#[from] GroupError),
    /// The kernel's audit cannot be listened to.
    #[error("cannot listen to the kernel's audit")]
    Audit(#[source] io::Error),
    /// Nothing could tell which processes a command has left.
    #[error("cannot list processes in /proc, and this kernel has no other way to end them all")]
    Teardown,
    /// The launcher could not be started.
    #[error("cannot start the launcher")]
    Launcher(#[source] io::Error),
}

/// The broker's open grants, as the sandbox sees them.
pub trait Handles {
    /// The handle of a grant, if it is open.
    fn handle(&self, grant: GrantId) -> Option<BorrowedFd<'_>>;
}

/// Where a session keeps its private directory.
#[derive(Debug, Clone, Copy)]
pub struct ScratchPlace<'a> {
    /// The directory below which it is made, usually `/tmp`.
    pub base: &'a Path,
    /// Its name, which no other session has.
    pub session: &'a str,
}

/// A path of the plan with its handle.
struct Opened<'a> {
    rule: &'a PathRule,
    handle: Holding<'a>,
}

enum Holding<'a> {
    Borrowed(BorrowedFd<'a>),
    Owned(OwnedFd),
}

impl Holding<'_> {
    fn get(&self) -> BorrowedFd<'_> {
        match self {
            Self::Borrowed(handle) => *handle,
            Self::Owned(handle) => handle.as_fd(),
        }
    }
}

impl Sandbox {
    /// Prepares a plan. The process must have a single thread.
    ///
    /// # Errors
    /// The step that failed; then nothing is left behind.
    pub fn prepare(
        plan: Plan,
        handles: &dyn Handles,
        place: ScratchPlace<'_>,
        concurrency: Concurrency,
    ) -> Result<Rc<Self>, PrepareError> {
        let layout = Layout {
            session: place.session,
            mode: plan.mode,
            concurrency,
        };
        let group = plan.group.as_ref();
        let group = group.map(|group| SessionGroup::make(group, layout));
        let group = group.transpose()?;
        let outfit = Outfit {
            filter: filter(&plan)?,
            limits: plan.resource_limits(),
            background: plan.background,
            concurrency,
            group: group.as_ref(),
        };
        let (launcher, scratch) = match plan.mode {
            Mode::View => in_view(outfit, &plan, handles)?,
            Mode::Flat | Mode::Broker => flat(outfit, &plan, handles, place)?,
        };
        // After the launcher, which has no business with it.
        let ear = match plan.kernel {
            KernelAudit::Heard => Some(Ear::open().map_err(PrepareError::Audit)?),
            KernelAudit::Unheard => None,
        };
        Ok(Rc::new(Self {
            plan,
            scratch,
            launcher,
            ear,
            lanes: BrokerLanes::new(concurrency),
            group,
        }))
    }

    /// What is enforced.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The private directory of its commands.
    pub fn scratch(&self) -> &HostPath {
        &self.scratch
    }
}

fn in_view(
    outfit: Outfit<'_>,
    plan: &Plan,
    handles: &dyn Handles,
) -> Result<(LauncherHandle, HostPath), PrepareError> {
    let launcher = LauncherHandle::start_in_view(outfit, ViewGround { plan, handles })?;
    Ok((launcher, host_path(Path::new(view::SCRATCH))?))
}

fn flat(
    outfit: Outfit<'_>,
    plan: &Plan,
    handles: &dyn Handles,
    place: ScratchPlace<'_>,
) -> Result<(LauncherHandle, HostPath), PrepareError> {
    let domain = landlock::signal_domain(plan.landlock_abi)?;
    if domain.is_none() && !crate::sys::process::can_list() {
        return Err(PrepareError::Teardown);
    }
    let opened = open(plan, handles)?;
    let scratch = Scratch::make(place.base, place.session)?;
    home::furnish(&plan.home_files, &scratch.path().join("home"));
    let path = host_path(scratch.path())?;
    let rules: Vec<_> = opened
        .iter()
        .map(|one| (one.rule, one.handle.get()))
        .collect();
    let supervisor = reach::in_flat_mode(plan, scratch.as_fd(), &rules);
    let ground = FlatGround {
        ruleset: ruleset(plan, &opened, &scratch)?,
        supervisor: supervisor.map_err(PrepareError::Launcher)?,
        scratch,
        domain,
    };
    drop(opened);
    let launcher = LauncherHandle::start_flat(outfit, ground).map_err(PrepareError::Launcher)?;
    Ok((launcher, path))
}

fn host_path(path: &Path) -> Result<HostPath, PrepareError> {
    HostPath::absolute(path).map_err(|error| PrepareError::Open {
        path: path.display().to_string(),
        source: io::Error::other(error),
    })
}

impl From<StartError> for PrepareError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Process(error) => Self::Launcher(error),
            StartError::View(error) => Self::View(error),
        }
    }
}

impl PrepareError {
    /// Why there is no tripwire, where that is the reason.
    pub fn tripwire_obstacle(&self) -> Option<String> {
        match self {
            Self::View(error) if error.step == view::ViewStep::Tripwire => Some(error.to_string()),
            _ => None,
        }
    }

    /// Why the kernel's audit cannot be listened to, where that is the reason.
    pub fn audit_obstacle(&self) -> Option<String> {
        match self {
            Self::Audit(error) => Some(error.to_string()),
            _ => None,
        }
    }

    /// What in the host keeps every session from a control group, where that is the reason.
    pub fn group_obstacle(&self) -> Option<String> {
        match self {
            Self::Group(error) if error.is_obstacle_of_the_host() => Some(match error.source() {
                Some(source) => format!("{error}: {source}"),
                None => error.to_string(),
            }),
            Self::View(error) if error.step == view::ViewStep::ControlGroup => {
                group::is_obstacle_of_the_host(error.errno).then(|| error.to_string())
            }
            _ => None,
        }
    }

    /// What in the host keeps every command from a view, where that is the reason.
    pub fn view_obstacle(&self) -> Option<&ViewError> {
        match self {
            Self::View(error) if error.is_obstacle_of_the_host() => Some(error),
            _ => None,
        }
    }
}

fn filter(plan: &Plan) -> Result<Filter, PrepareError> {
    let rules = plan.filtered();
    let key = execution_key(&rules)?;
    let program = rules.compile()?;
    let program = match key {
        Some(key) => program.passing_executions(rules.arch, key),
        None => program,
    };
    let instructions = program
        .instructions()
        .iter()
        .map(|one| Instruction {
            code: one.code,
            jt: one.jt,
            jf: one.jf,
            k: one.k,
        })
        .collect();
    let supervision = if rules.notifies() {
        Supervision::Listener
    } else {
        Supervision::None
    };
    Ok(Filter::new(instructions, supervision).with_key(key))
}

/// What the launcher executes commands by, where executing is handed to the supervisor: the
/// launcher is the supervisor, and waits for the command to be executed.
fn execution_key(rules: &SyscallRules) -> Result<Option<u64>, PrepareError> {
    let number = rules.arch.number("execveat");
    let is_handed_over =
        number.is_some_and(|number| rules.verdict(number, &[0; 6]) == Action::Notify);
    if !is_handed_over {
        return Ok(None);
    }
    let key = entropy::random().map_err(PrepareError::Launcher)?;
    Ok(Some(u64::from_ne_bytes(key)))
}

fn open<'a>(plan: &'a Plan, handles: &'a dyn Handles) -> Result<Vec<Opened<'a>>, PrepareError> {
    let mut opened = Vec::with_capacity(plan.paths.len());
    for rule in plan
        .paths
        .iter()
        .filter(|rule| !rule.access.rights.is_empty())
    {
        let path = || rule.path.as_path().display().to_string();
        let handle = match &rule.origin {
            Origin::Grant(grant) => Holding::Borrowed(
                handles
                    .handle(*grant)
                    .ok_or_else(|| PrepareError::GrantNotOpen { path: path() })?,
            ),
            Origin::System(_) => match pin_host_path(rule.path.as_path()) {
                Ok(handle) => Holding::Owned(handle),
                Err(error) if is_absent(&error) => continue,
                Err(source) => {
                    return Err(PrepareError::Open {
                        path: path(),
                        source,
                    });
                }
            },
        };
        opened.push(Opened { rule, handle });
    }
    Ok(opened)
}

/// A path of the system that this host or this user does not have is left out.
fn is_absent(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    matches!(error.kind(), NotFound | NotADirectory | PermissionDenied)
}

fn ruleset(plan: &Plan, opened: &[Opened<'_>], scratch: &Scratch) -> Result<OwnedFd, PrepareError> {
    let has_holes =
        |one: &&Opened<'_>| !one.rule.is_changeable() && one.rule.has_holes(&plan.paths);
    let (holed, whole): (Vec<_>, Vec<_>) = opened.iter().partition(has_holes);
    let mut around = Vec::new();
    for one in holed {
        let parts = exceptions::around(one.handle.get(), one.rule, &plan.paths);
        around.extend(parts.map_err(|source| PrepareError::Open {
            path: one.rule.path.as_path().display().to_string(),
            source,
        })?);
    }
    let whole = whole.iter().map(|one| OpenRule {
        path: one.rule.path.as_path(),
        handle: one.handle.get(),
        access: one.rule.access,
    });
    let parts = around.iter().map(|part| OpenRule {
        path: &part.path,
        handle: part.handle.as_fd(),
        access: part.access,
    });
    let own = OpenRule {
        path: scratch.path(),
        handle: scratch.as_fd(),
        access: SCRATCH,
    };
    Ok(landlock::ruleset(
        plan.landlock_abi,
        whole.chain(parts).chain([own]),
    )?)
}
