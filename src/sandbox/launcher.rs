//! The launcher: a process of its own that starts one command at a time and keeps its tree.
//!
//! It is forked from the broker while that has a single thread. It is not inside the
//! sandbox, but has given up every capability, holds only the descriptors it needs, and
//! lives in a session of its own. Every orphan below it becomes its child, so it knows
//! when nothing of a command is left. When the broker is gone, however it went, the
//! launcher ends everything, removes the scratch directory and ends itself.
//!
//! It must never do anything on behalf of the command but what the supervisor does on a
//! pinned handle.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::time::Instant;

use nix::sys::signal::Signal;

use super::message::{Ended, ExitStatus, Job, Order, Report};
use super::scratch::Scratch;
use super::supervise::Supervisor;
use crate::sys::channel::{Channel, Frame};
use crate::sys::launch::{self, Launch, Launched, PointerList};
use crate::sys::notification::Listener;
use crate::sys::process::{self, Fork};
use crate::sys::seccomp::Filter;
use crate::sys::signals::{SignalSource, block_all};
use crate::sys::stdio::{Interest, wait};
use crate::sys::teardown::Teardown;

/// Everything a launcher needs for every command of a session, made by the broker.
#[derive(Debug)]
pub(super) struct Equipment {
    pub ruleset: OwnedFd,
    pub filter: Filter,
    /// Resource limits: soft and hard alike.
    pub limits: Vec<(u32, u64)>,
    pub scratch: Scratch,
    pub supervisor: Supervisor,
    pub background: crate::policy::Background,
    /// The launcher's own domain, in which its commands' domains lie.
    pub domain: Option<OwnedFd>,
}

/// The broker's hold on a launcher.
#[derive(Debug)]
pub(super) struct LauncherHandle {
    pub channel: Channel,
    pid: i32,
    pidfd: OwnedFd,
}

impl LauncherHandle {
    /// Forks a launcher. The calling process must have a single thread.
    pub(super) fn start(equipment: Equipment) -> io::Result<Self> {
        let (ours, theirs) = Channel::pair()?;
        match process::fork_single_threaded()? {
            Fork::Parent { pid, pidfd } => Ok(Self {
                channel: ours,
                pid,
                pidfd,
            }),
            Fork::Child => process::end_now(match keep(equipment, theirs) {
                Ok(()) => 0,
                Err(_) => 1,
            }),
        }
    }

    /// Says goodbye and waits until the launcher has ended everything.
    pub(super) fn finish(self) {
        let Self {
            channel,
            pid,
            pidfd,
        } = self;
        drop(channel);
        // The launcher needs a moment to end and reap what is left; it is never waited
        // for without end, because a broker must not hang in a destructor.
        let ended = wait(&[(pidfd.as_fd(), Interest::Readable)], Some(GRACE));
        if ended.is_ok_and(|ready| ready == [true]) {
            process::reap(pid);
        }
    }
}

/// How long a launcher may take to clean up before the broker goes on without it.
const GRACE: std::time::Duration = std::time::Duration::from_secs(10);

/// The life of the launcher's keeper: a process that does nothing but wait for it.
///
/// Should the launcher be ended from outside, as by the kernel for want of memory, its
/// orphans are the keeper's, which ends them and removes the scratch directory.
fn keep(equipment: Equipment, channel: Channel) -> io::Result<()> {
    block_all()?;
    nix::unistd::setsid()?;
    process::adopt_orphans()?;
    let Fork::Parent { pid, pidfd } = process::fork_single_threaded()? else {
        return serve(equipment, channel);
    };
    let Equipment {
        scratch,
        ruleset,
        supervisor,
        domain,
        ..
    } = equipment;
    // The broker must see that the launcher is gone, so nobody else may hold its channel.
    drop((channel, ruleset, supervisor, domain));
    process::drop_capabilities()?;
    launch::detach_stdio()?;
    let mut kept = scratch.descriptors().to_vec();
    kept.push(pidfd.as_raw_fd());
    process::close_all_but(3, &mut kept)?;
    wait(&[(pidfd.as_fd(), Interest::Readable)], None)?;
    process::reap(pid);
    Teardown::OneByOne.end_all();
    scratch.remove();
    Ok(())
}

/// The launcher's life.
fn serve(mut equipment: Equipment, channel: Channel) -> io::Result<()> {
    let teardown = settle(&mut equipment, &channel)?;
    let children = SignalSource::of(&[Signal::SIGCHLD])?;
    let mut keeper = Keeper {
        equipment,
        channel,
        children,
        teardown,
    };
    let served = keeper.serve_orders();
    teardown.end_all();
    keeper.equipment.scratch.remove();
    served
}

/// Cuts every tie to the broker's surroundings.
fn settle(equipment: &mut Equipment, channel: &Channel) -> io::Result<Teardown> {
    block_all()?;
    nix::unistd::setsid()?;
    process::adopt_orphans()?;
    process::drop_capabilities()?;
    launch::detach_stdio()?;
    let teardown = match equipment.domain.take() {
        Some(domain) => Teardown::by_domain(domain.as_fd()),
        None => Teardown::OneByOne,
    };
    let mut kept = equipment.supervisor.descriptors();
    kept.push(equipment.ruleset.as_raw_fd());
    kept.extend(equipment.scratch.descriptors());
    kept.push(channel.as_fd().as_raw_fd());
    process::close_all_but(3, &mut kept)?;
    Ok(teardown)
}

struct Keeper {
    equipment: Equipment,
    channel: Channel,
    children: SignalSource,
    teardown: Teardown,
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
    LeaderEnded(ExitStatus),
}

impl Keeper {
    fn serve_orders(&mut self) -> io::Result<()> {
        while let Some(frame) = self.channel.receive()? {
            match decode(&frame)? {
                Order::Start(job) => {
                    if let Turn::BrokerGone = self.run(&job, frame.descriptors)? {
                        return Ok(());
                    }
                }
                // Late orders for a command that has ended meanwhile.
                Order::Signal(_) | Order::End => {}
            }
        }
        Ok(())
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
                Turn::LeaderEnded(status) => {
                    let ended = self.finish(&running, status);
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
        let mut script = vec![c"sh".into(), c"".into()];
        script.extend(job.arguments.iter().skip(1).cloned());
        launch::take_stdio([stdin.as_fd(), stdout.as_fd(), stderr.as_fd()])?;
        let started = Instant::now();
        let result = launch::launch(&Launch {
            programs: &job.programs,
            arguments: &PointerList::new(job.arguments.clone()),
            script_arguments: &PointerList::new(script),
            environment: &PointerList::new(job.environment.clone()),
            directory: directory.as_fd(),
            terminal: job.terminal.into(),
            limits: &self.equipment.limits,
            ruleset: self.equipment.ruleset.as_fd(),
            filter: &self.equipment.filter,
        });
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
        if let Some(listener) = &running.listener {
            interests.push((listener.as_fd(), Interest::Readable));
        }
        let ready = wait(&interests, timeout)?;
        if ready.get(2) == Some(&true) {
            self.supervise(running)?;
        }
        if ready[1] {
            while self.children.next().is_some() {}
            if let Some(status) = reap_until_leader(running.launched.pid) {
                return Ok(Turn::LeaderEnded(status));
            }
        }
        if ready[0] {
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
            Order::Start(_) => return Err(io::ErrorKind::InvalidData.into()),
        }
        Ok(Turn::GoOn)
    }

    fn supervise(&self, running: &mut Running) -> io::Result<()> {
        let Some(listener) = &running.listener else {
            return Ok(());
        };
        match self.equipment.supervisor.answer_next(listener) {
            Ok(Some(refused)) => self.report(&Report::Refused(refused)),
            Ok(None) => Ok(()),
            // Nobody uses the filter any more.
            Err(_) => {
                running.listener = None;
                Ok(())
            }
        }
    }

    fn finish(&self, running: &Running, status: ExitStatus) -> Ended {
        let duration = running.started.elapsed();
        let strays = match self.equipment.background {
            crate::policy::Background::Refuse => self.teardown.end_all(),
            crate::policy::Background::UntilSessionEnd => 0,
        };
        Ended {
            status,
            timed_out: running.timed_out,
            strays: strays as u64,
            duration,
        }
    }

    fn report(&self, report: &Report) -> io::Result<()> {
        let bytes = postcard::to_stdvec(report).map_err(io::Error::other)?;
        self.channel.send(&bytes, &[])
    }
}

/// Ends the leader; its end is noticed by the loop, which then ends the rest.
fn end_command(running: &Running) {
    let _ = process::signal(running.launched.pid, Signal::SIGKILL as i32);
}

/// Reaps what ended; the leader's status once it is among them.
fn reap_until_leader(leader: i32) -> Option<ExitStatus> {
    // The leader first, and only so many others: a storm of processes that fork and exit
    // must not put off what is due.
    const MOST: usize = 1024;
    let first = process::reap_child(leader).ok().flatten();
    let others = (0..MOST).map_while(|_| process::reap_any().ok().flatten());
    let ended = first.or_else(|| {
        others
            .filter(|(pid, _)| *pid == leader)
            .map(|(_, ended)| ended)
            .next()
    });
    ended.map(|ended| match ended {
        process::Ended::Exited(code) => ExitStatus::Exited(code),
        process::Ended::Signalled(signal) => ExitStatus::Signalled(signal),
    })
}

fn decode(frame: &Frame) -> io::Result<Order> {
    postcard::from_bytes(&frame.bytes).map_err(io::Error::other)
}
