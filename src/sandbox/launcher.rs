//! The launcher: a process of its own that starts one command at a time and keeps its tree,
//! or the lanes that do (`lane.rs`).
//!
//! It is started by the keeper (`keeper.rs`), and settles in (`settling.rs`). It is not inside
//! the command's Landlock domain, but has given up every capability, holds only the descriptors
//! it needs, and lives in a session of its own. In view mode it is the first process of the pid
//! namespace. Every orphan below it becomes its child, so it knows when nothing of a command is
//! left. When the broker is gone, however it went, the launcher ends everything.
//!
//! It must never do anything on behalf of the command but what the supervisor does on a
//! pinned handle.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::Instant;

use nix::sys::signal::Signal;

use super::ending::LeaderEnded;
use super::group::CommandGroup;
use super::lane::{LaneKit, LaneNumber, Lanes, Standing};
use super::message::{Ended, Job, LimitHit, Order, Report, decode, say};
use super::remaining::Remaining;
use super::supervise::Supervisor;
use super::territory::Territory;
use crate::sys::channel::{Channel, Frame};
use crate::sys::launch::{self, Launch, LaunchError, Launched, PointerList};
use crate::sys::limits::Limit;
use crate::sys::notification::Listener;
use crate::sys::process;
use crate::sys::seccomp::Filter;
use crate::sys::signals::SignalSource;
use crate::sys::stdio::{Interest, Seen, look};
use crate::sys::teardown::Teardown;

/// Everything a launcher needs for every command of a session.
#[derive(Debug)]
pub(super) struct Equipment {
    pub ruleset: OwnedFd,
    pub filter: Filter,
    /// The limits of each process.
    pub limits: Vec<Limit>,
    pub supervisor: Supervisor,
    pub background: crate::policy::Background,
    pub territory: Territory,
    /// How everything that commands left behind is ended.
    pub teardown: Teardown,
    /// What lanes need besides, where several commands may run.
    pub kit: LaneKit,
    /// The control group that commands begin in.
    pub group: Option<CommandGroup>,
}

impl Equipment {
    /// Ends everything that a command left behind; how many processes that were.
    fn end_all(&self) -> usize {
        // Where the kernel has no other way to end all at once, what forks meanwhile could get
        // away for a while.
        if self.teardown == Teardown::OneByOne
            && let Some(group) = &self.group
        {
            group.kill();
        }
        self.teardown.end_all()
    }
}

/// A launcher at work.
pub(super) struct Launcher {
    equipment: Equipment,
    channel: Channel,
    children: SignalSource,
    lanes: Lanes,
    remaining: Remaining,
}

/// A command while it runs.
struct Running {
    launched: Launched,
    listener: Option<Listener>,
    started: Instant,
    deadline: Instant,
    timed_out: bool,
}

/// What happened to the loop.
enum Turn {
    GoOn,
    BrokerGone,
    LeaderEnded(LeaderEnded),
}

impl Launcher {
    /// Takes over; the process is settled already.
    ///
    /// # Errors
    /// When the process has no descriptors left.
    pub(super) fn new(equipment: Equipment, channel: Channel) -> io::Result<Self> {
        let children = SignalSource::of(&[Signal::SIGCHLD])?;
        Ok(Self {
            equipment,
            channel,
            children,
            lanes: Lanes::default(),
            remaining: Remaining::default(),
        })
    }

    /// Starts commands until the broker is gone, and ends what is left then.
    ///
    /// # Errors
    /// When the broker says what makes no sense.
    pub(super) fn serve(&mut self) -> io::Result<()> {
        let served = self.serve_orders();
        self.equipment.end_all();
        served
    }

    fn serve_orders(&mut self) -> io::Result<()> {
        while let Some(frame) = self.next_order()? {
            match decode(&frame)? {
                Order::Start(job) => {
                    if let Turn::BrokerGone = self.run(&job, frame.descriptors)? {
                        return Ok(());
                    }
                }
                Order::Lane(number) => self.open_lane(number, frame.descriptors)?,
                // Late orders for a command that has ended meanwhile.
                Order::Signal(_) | Order::End => {}
            }
        }
        Ok(())
    }

    /// Waits for an order; none when the broker is gone, or what runs here is not known any more.
    fn next_order(&mut self) -> io::Result<Option<Frame>> {
        while !(self.lanes.is_empty() && self.remaining.is_empty()) {
            let mut interests = vec![
                (self.channel.as_fd(), Interest::Readable),
                (self.children.as_fd(), Interest::Readable),
            ];
            interests.extend(self.remaining.interests());
            let seen = look(&interests, None)?;
            self.remaining
                .answer(&self.equipment.supervisor, &seen[2..]);
            if seen[1] != Seen::Nothing {
                while self.children.next().is_some() {}
                if self.lanes.reap() == Standing::Broken {
                    return Ok(None);
                }
            }
            if seen[0] != Seen::Nothing {
                break;
            }
        }
        self.channel.receive()
    }

    fn open_lane(&mut self, number: LaneNumber, descriptors: Vec<OwnedFd>) -> io::Result<()> {
        let end = descriptors.into_iter().next();
        let end = end.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
        let mut lanes = std::mem::take(&mut self.lanes);
        let opened = lanes.open(Channel::from(end), |channel| {
            self.lead_lane(number, channel)
        });
        self.lanes = lanes;
        opened
    }

    /// The life of a lane.
    fn lead_lane(&mut self, number: LaneNumber, channel: Channel) -> io::Result<()> {
        nix::unistd::setsid()?;
        process::adopt_orphans()?;
        self.channel = channel;
        let kit = std::mem::take(&mut self.equipment.kit);
        self.equipment.teardown = match &kit.domain {
            Some(domain) => Teardown::by_domain(domain.as_fd()),
            None => Teardown::OneByOne,
        };
        if let Some(password) = &kit.password {
            password.say(number);
        }
        drop(kit);
        if let Some(all) = self.equipment.group.take() {
            self.equipment.group = Some(all.for_lane(number)?);
        }
        self.report(&Report::Ready)?;
        self.serve()
    }

    fn run(&mut self, job: &Job, descriptors: Vec<OwnedFd>) -> io::Result<Turn> {
        let mut running = match self.launch(job, descriptors)? {
            Ok(running) => running,
            Err(report) => {
                self.report(&report)?;
                return Ok(Turn::GoOn);
            }
        };
        self.report(&Report::Started {
            pid: running.launched.pid,
        })?;
        loop {
            match self.turn(&mut running)? {
                Turn::GoOn => {}
                Turn::BrokerGone => return Ok(Turn::BrokerGone),
                Turn::LeaderEnded(leader) => {
                    let ended = self.finish(&running, leader);
                    self.go_on_with(running)?;
                    self.report(&Report::Ended(ended))?;
                    return Ok(Turn::GoOn);
                }
            }
        }
    }

    /// The inner result is the command's own: it may not start for reasons of its own.
    fn launch(&self, job: &Job, descriptors: Vec<OwnedFd>) -> io::Result<Result<Running, Report>> {
        let [stdin, stdout, stderr, directory] = <[OwnedFd; 4]>::try_from(descriptors)
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        let own = |stream| self.equipment.territory.stream(stream);
        let (stdin, stdout, stderr) = (own(stdin)?, own(stdout)?, own(stderr)?);
        let mut script = vec![c"sh".into(), c"".into()];
        script.extend(job.arguments.iter().skip(1).cloned());
        let script = PointerList::new(script);
        launch::take_stdio([stdin.as_fd(), stdout.as_fd(), stderr.as_fd()])?;
        let started = Instant::now();
        let directory = self
            .equipment
            .territory
            .directory(directory, &job.directory);
        let result = directory.and_then(|directory| self.start(job, &script, directory.as_fd()));
        // The launcher must not keep the command's streams open: their readers wait for the end.
        launch::detach_stdio()?;
        Ok(match result {
            Ok(mut launched) => {
                let listener = launched.listener.take().map(Listener::new);
                let deadline = started + job.wall;
                Ok(Running {
                    launched,
                    listener,
                    started,
                    deadline,
                    timed_out: false,
                })
            }
            Err(error) => Err(Report::NotStarted {
                step: error.step as u32,
                errno: error.errno as i32,
            }),
        })
    }

    fn start(
        &self,
        job: &Job,
        script: &PointerList,
        directory: BorrowedFd<'_>,
    ) -> Result<Launched, LaunchError> {
        launch::launch(&Launch {
            programs: &job.programs,
            arguments: &PointerList::new(job.arguments.clone()),
            script_arguments: script,
            environment: &PointerList::new(job.environment.clone()),
            directory,
            terminal: job.terminal.into(),
            limits: &self.equipment.limits,
            ruleset: self.equipment.ruleset.as_fd(),
            mark: job.mark.as_deref(),
            filter: &self.equipment.filter,
            group: self.equipment.group.as_ref().map(CommandGroup::entrance),
        })
    }

    fn turn(&mut self, running: &mut Running) -> io::Result<Turn> {
        let timeout = running.deadline.saturating_duration_since(Instant::now());
        if timeout.is_zero() && !running.timed_out {
            running.timed_out = true;
            end_command(running);
        }
        let timeout = (!running.timed_out).then_some(timeout);
        let mut interests = vec![
            (self.channel.as_fd(), Interest::Readable),
            (self.children.as_fd(), Interest::Readable),
        ];
        interests.extend(self.remaining.interests());
        let left = interests.len();
        if let Some(listener) = &running.listener {
            interests.push((listener.as_fd(), Interest::Readable));
        }
        let seen = look(&interests, timeout)?;
        match seen.get(left) {
            Some(Seen::Ready) => self.supervise(running)?,
            // Nobody uses the filter any more.
            Some(Seen::Gone) => running.listener = None,
            Some(Seen::Nothing) | None => {}
        }
        self.remaining
            .answer(&self.equipment.supervisor, &seen[2..left]);
        if seen[1] != Seen::Nothing {
            while self.children.next().is_some() {}
            if let Some(ended) = LeaderEnded::reap(running.launched.pid) {
                return Ok(Turn::LeaderEnded(ended));
            }
        }
        if seen[0] != Seen::Nothing {
            return self.obey(running);
        }
        Ok(Turn::GoOn)
    }

    fn obey(&self, running: &Running) -> io::Result<Turn> {
        let Some(frame) = self.channel.receive()? else {
            return Ok(Turn::BrokerGone);
        };
        match decode(&frame)? {
            Order::Signal(number) => {
                // The leader is not reaped, so neither its number nor its group is reused.
                let _ = process::signal(-running.launched.pid, number);
                // A stopped process takes no signal but this one.
                if number != Signal::SIGWINCH as i32 {
                    let _ = process::signal(-running.launched.pid, Signal::SIGCONT as i32);
                }
            }
            Order::End => end_command(running),
            Order::Start(_) | Order::Lane(_) => return Err(io::ErrorKind::InvalidData.into()),
        }
        Ok(Turn::GoOn)
    }

    fn supervise(&self, running: &mut Running) -> io::Result<()> {
        let Some(listener) = &running.listener else {
            return Ok(());
        };
        match self.equipment.supervisor.answer_next(listener) {
            Ok(Some(refused)) => self.report(&Report::Refused(refused, 1)),
            Ok(None) => Ok(()),
            Err(_) => {
                running.listener = None;
                Ok(())
            }
        }
    }

    /// What the command left behind may live on, where the policy says so; what that and others
    /// before were refused meanwhile is told with this command.
    fn go_on_with(&mut self, running: Running) -> io::Result<()> {
        if self.equipment.background == crate::policy::Background::UntilSessionEnd {
            self.remaining.keep(running.listener);
        }
        for (call, times) in self.remaining.take_untold() {
            self.report(&Report::Refused(call, times))?;
        }
        Ok(())
    }

    fn finish(&self, running: &Running, leader: LeaderEnded) -> Ended {
        let duration = running.started.elapsed();
        let strays = match self.equipment.background {
            crate::policy::Background::Refuse => self.equipment.end_all(),
            crate::policy::Background::UntilSessionEnd => 0,
        };
        let mut limits = leader.limits_met(&self.equipment.limits);
        if running.timed_out {
            limits.push(LimitHit::WallTime);
        }
        if self.equipment.territory.scratch_is_full() {
            limits.push(LimitHit::Scratch);
        }
        if let Some(group) = &self.equipment.group {
            limits.extend(group.limits_met());
        }
        Ended {
            status: leader.status,
            limits,
            strays: strays as u64,
            duration,
        }
    }

    fn report(&self, report: &Report) -> io::Result<()> {
        say(&self.channel, report, &[])
    }
}

/// Ends the leader; its end is noticed by the loop, which then ends the rest.
fn end_command(running: &Running) {
    let _ = process::signal(running.launched.pid, Signal::SIGKILL as i32);
}
