//! The group that commands are started in, as their launcher has it: the way in, its account of
//! limits that were met, and the way to end them all.

use std::cell::Cell;
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd, RawFd};

use super::session::{SessionGroup, end_together};
use super::wanted::GroupPlan;
use crate::sandbox::lane::LaneNumber;
use crate::sandbox::message::LimitHit;
use crate::sys::cgroup::{Group, read_again};

/// The group of one command at a time.
#[derive(Debug)]
pub(in crate::sandbox) struct CommandGroup {
    group: Group,
    plan: GroupPlan,
    accounts: Vec<Account>,
    /// Of the group that has the limits.
    without_memory: Option<Account>,
}

/// A number that the kernel raises when a limit is met.
#[derive(Debug)]
struct Account {
    file: OwnedFd,
    key: &'static str,
    limit: LimitHit,
    seen: Cell<u64>,
}

/// Counts the processes that were killed for want of memory: of the group, or of the machine.
const KILLED: (&CStr, &str) = (c"memory.events", "oom_kill");

/// Counts how often the group had no memory left.
const WITHOUT_MEMORY: (&CStr, &str) = (c"memory.events", "oom");

/// Counts the processes that were not made. Linux 6.11 and newer count them where the limit is,
/// older kernels where the process was that wanted one.
const NOT_MADE: (&CStr, &str) = (c"pids.events", "max");

impl CommandGroup {
    /// That of a session with one command at a time.
    ///
    /// # Errors
    /// When there are too many descriptors.
    pub(in crate::sandbox) fn of(session: &SessionGroup) -> io::Result<Self> {
        let group = session.commands.try_clone()?;
        let accounts = accounts(&group, &session.plan)?;
        Ok(Self {
            without_memory: without_memory(&group, &session.plan)?,
            group,
            plan: session.plan.clone(),
            accounts,
        })
    }

    /// Makes that of a lane, below the one whose limits bind all lanes.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub(in crate::sandbox) fn for_lane(&self, number: LaneNumber) -> io::Result<Self> {
        let group = self.group.make(&CString::new(number.0.to_string())?)?;
        end_together(&group, &self.plan)?;
        let mut counted = accounts(&group, &self.plan)?;
        if self.plan.processes.is_some() {
            counted.push(Account::open(&self.group, NOT_MADE, LimitHit::Processes)?);
        }
        Ok(Self {
            without_memory: without_memory(&self.group, &self.plan)?,
            group,
            plan: self.plan.clone(),
            accounts: counted,
        })
    }

    /// The way in.
    pub(in crate::sandbox) fn entrance(&self) -> BorrowedFd<'_> {
        self.group.as_fd()
    }

    /// The limits that were met since this was last asked.
    pub(in crate::sandbox) fn limits_met(&self) -> Vec<LimitHit> {
        let had_none = self.without_memory.as_ref().is_some_and(Account::has_risen);
        let mut met = Vec::new();
        for account in &self.accounts {
            // Also a machine without memory kills, and then no limit was met.
            let counts = account.limit != LimitHit::Memory || had_none;
            if account.has_risen() && counts && !met.contains(&account.limit) {
                met.push(account.limit);
            }
        }
        met
    }

    /// Kills everything in it, and whatever that forks meanwhile.
    pub(in crate::sandbox) fn kill(&self) {
        // A group that is gone holds nobody.
        let _ = self.group.kill();
    }

    /// The descriptors that a launcher keeps.
    pub(in crate::sandbox) fn descriptors(&self) -> Vec<RawFd> {
        let files = self.accounts.iter().chain(&self.without_memory);
        let files = files.map(|one| one.file.as_raw_fd());
        files.chain([self.group.descriptor()]).collect()
    }
}

fn accounts(group: &Group, plan: &GroupPlan) -> io::Result<Vec<Account>> {
    let memory = plan.memory.map(|_| (KILLED, LimitHit::Memory));
    let processes = plan.processes.map(|_| (NOT_MADE, LimitHit::Processes));
    let wanted = memory.into_iter().chain(processes);
    wanted
        .map(|(account, limit)| Account::open(group, account, limit))
        .collect()
}

fn without_memory(group: &Group, plan: &GroupPlan) -> io::Result<Option<Account>> {
    let open = |_| Account::open(group, WITHOUT_MEMORY, LimitHit::Memory);
    plan.memory.map(open).transpose()
}

impl Account {
    fn open(
        group: &Group,
        (name, key): (&CStr, &'static str),
        limit: LimitHit,
    ) -> io::Result<Self> {
        let account = Self {
            file: group.file(name)?,
            key,
            limit,
            seen: Cell::new(0),
        };
        account.seen.set(account.read()?);
        Ok(account)
    }

    /// Whether it is higher than when this was last asked.
    fn has_risen(&self) -> bool {
        let now = self.read().unwrap_or(0);
        now > self.seen.replace(now)
    }

    /// Its number: `key number` in a line of its own.
    fn read(&self) -> io::Result<u64> {
        let text = read_again(self.file.as_fd())?;
        let mut lines = text.lines().filter_map(|line| line.split_once(' '));
        let number = lines.find_map(|(key, number)| (key == self.key).then_some(number));
        Ok(number.and_then(|number| number.parse().ok()).unwrap_or(0))
    }
}
