//! Setting the scene of an attack: daemons, bystanders, secrets; and looking, when it is over,
//! whether it had an effect.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::bystander::{Bystander, Condition};
use super::listener::{Listener, is_reached};
use super::props::Props;
use super::protocol::{Answer, Order};
use super::row::{Kind, Target, Witness};
use super::trial::Trial;
use super::witness::{self, Observed};
use super::world::{self, Facts, Site, World, said};
use crate::model::HostPath;
use crate::sys::terminal::OwnTerminal;

/// Everything that attacks need around them.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    pub world: &'a World,
    pub cwd: HostPath,
    pub props: Props,
    bystander: Option<Bystander>,
    harmed: Option<Bystander>,
}

/// One attack, ready to be made.
#[derive(Debug)]
pub(super) struct Scene {
    pub order: Order,
    /// What the attacker has to bring back, or to send.
    pub secret: String,
    /// A file that somebody has to work on meanwhile.
    pub busy: Option<PathBuf>,
    before: Before,
}

/// What is compared with what is there afterwards.
#[derive(Debug)]
enum Before {
    Nothing,
    Inodes(PathBuf, BTreeMap<PathBuf, Facts>),
    Listener(Listener),
    /// The other end, and the terminal itself, without which it would be gone.
    Terminal(Listener, OwnTerminal),
    Condition(Condition),
    Page([u8; 14]),
}

impl<'a> Stage<'a> {
    pub(super) fn new(world: &'a World, cwd: HostPath, program: &Path) -> io::Result<Self> {
        Ok(Self {
            world,
            cwd,
            props: Props::make(world, program)?,
            bystander: None,
            harmed: None,
        })
    }

    /// Prepares a trial.
    ///
    /// # Errors
    /// When this host does not have what the attack is about.
    pub(super) fn set(&mut self, trial: &Trial, site: &Site, broker: i32) -> io::Result<Scene> {
        if let Some(exception) = &trial.exception {
            self.restore(exception, site)?;
        }
        let mut scene = Scene {
            order: self.order(trial, site),
            secret: site.secret.clone(),
            busy: None,
            before: Before::Nothing,
        };
        match trial.row.target {
            Target::File | Target::Nothing => {}
            Target::Teller => scene.secret.clone_from(&self.props.teller_secret),
            Target::Around => {
                scene.order.directory = said(self.world.top());
                scene.secret.clone_from(&self.world.around);
            }
            Target::Busy => scene.busy = Some(site.directory.join(&site.secret)),
            Target::Inherited => scene.secret.clone_from(&self.props.left.secret),
            Target::Scratch => scene.order.file = format!("$TMPDIR/{}", site.mark),
            Target::Bystander | Target::BystanderDescriptor => {
                self.with_bystander(trial, &mut scene)?;
            }
            Target::Broker => scene.order.number = broker.into(),
            Target::BrokerMemory | Target::BrokerDescriptor => {
                scene.order.number = broker.into();
                self.with_vault(trial, &mut scene);
            }
            Target::Key | Target::KeyName | Target::SharedMemory => {
                self.with_shared(trial, &mut scene)?;
            }
            Target::SetuidProgram => {
                let program = site.workshop.join(&site.mark);
                Props::lay_setuid_program(&program)?;
                scene.order.file = said(&program);
            }
            Target::Terminal => terminal(&mut scene)?,
            target => scene.before = Before::Listener(listen(target, site, &mut scene.order)?),
        }
        if trial.row.witness == Witness::Inodes {
            let prey = self.prey(trial, site);
            let facts = world::facts(&prey);
            scene.before = Before::Inodes(prey, facts);
        }
        if sends(trial) {
            scene.order.token.clone_from(&scene.secret);
        }
        Ok(scene)
    }

    fn with_vault(&self, trial: &Trial, scene: &mut Scene) {
        let vault = &self.props.vault;
        scene.order.second = match trial.row.target {
            Target::BrokerMemory => vault.address(),
            _ => vault.descriptor(),
        };
        scene.secret.clone_from(&vault.secret);
    }

    fn with_shared(&self, trial: &Trial, scene: &mut Scene) -> io::Result<()> {
        let not_here = || io::Error::from(io::ErrorKind::Unsupported);
        if trial.row.target == Target::SharedMemory {
            let page = self.props.page.as_ref().ok_or_else(not_here)?;
            scene.order.number = page.number.into();
            page.put(scene.secret.as_bytes());
            scene.before = Before::Page(page.first());
            return Ok(());
        }
        let key = self.props.key.as_ref().ok_or_else(not_here)?;
        scene.order.number = key.number;
        scene.order.file = key.name.to_string_lossy().into_owned();
        scene.secret.clone_from(&key.secret);
        Ok(())
    }

    fn order(&self, trial: &Trial, site: &Site) -> Order {
        let file = match &trial.exception {
            Some(exception) if site.directory.starts_with(self.world.workspace()) => {
                self.exception_at(exception, site)
            }
            _ => site.file(),
        };
        Order {
            group: trial.row.group.as_str().into(),
            name: trial.row.name.into(),
            mark: site.mark.clone(),
            dots: self.way_to(&file),
            file: said(&file),
            directory: said(&site.directory),
            workshop: said(&site.workshop),
            program: said(&self.props.teller),
            ..Order::default()
        }
    }

    /// The exception itself; for the control, an ordinary file in its place.
    fn exception_at(&self, exception: &Path, site: &Site) -> PathBuf {
        let at = self.world.workspace().join(exception);
        if at.parent() == Some(&site.directory) {
            at
        } else {
            site.file()
        }
    }

    /// Puts an exception back that an attack took away, where the policy accepts that.
    fn restore(&self, exception: &Path, site: &Site) -> io::Result<()> {
        let at = self.exception_at(exception, site);
        if world::facts(&at).is_empty() {
            world::lay_file(&at, &site.secret)?;
        }
        Ok(())
    }

    /// What is looked at: the whole prey, or the one exception.
    fn prey(&self, trial: &Trial, site: &Site) -> PathBuf {
        match (&trial.exception, trial.row.target) {
            (Some(exception), _) => self.exception_at(exception, site),
            (None, Target::Inherited) => self.props.left.directory.clone(),
            _ => site.directory.clone(),
        }
    }

    /// The way from the working directory, by `..`.
    fn way_to(&self, path: &Path) -> String {
        let top = self.world.top();
        let up = self
            .cwd
            .as_path()
            .strip_prefix(top)
            .map_or(0, |below| below.components().count());
        let down = path.strip_prefix(top).unwrap_or(path);
        format!("{}{}", "../".repeat(up), said(down))
    }

    fn with_bystander(&mut self, trial: &Trial, scene: &mut Scene) -> io::Result<()> {
        // The number of one that has ended may be another process's by now.
        let is_there = self.bystander.as_mut().is_some_and(Bystander::is_there);
        let mut bystander = match self.bystander.take() {
            Some(bystander) if is_there => bystander,
            _ => Bystander::start(self.world)?,
        };
        scene.order.number = bystander.pid().into();
        scene.order.second = match trial.row.target {
            Target::Bystander => bystander.address,
            _ => bystander.descriptor,
        };
        scene.secret.clone_from(&bystander.secret);
        scene.before = Before::Condition(bystander.condition());
        self.bystander = Some(bystander);
        Ok(())
    }

    /// Looks whether the attack had an effect.
    pub(super) fn look(
        &mut self,
        trial: &Trial,
        site: &Site,
        scene: Scene,
        answer: &Answer,
    ) -> Observed {
        let Scene { secret, before, .. } = scene;
        // The process that harmed it has been ended for the attack that was just made.
        self.harmed = None;
        let seen = match (trial.row.witness, before) {
            (Witness::Secret, _) => witness::secret(answer, &secret),
            (Witness::Inodes, Before::Inodes(prey, facts)) => witness::inodes(&prey, &facts),
            (Witness::PrivilegedFile, _) => witness::privileged(&site.file()),
            (Witness::Heard, Before::Listener(listener)) => {
                witness::heard(&listener, &secret, answer)
            }
            (Witness::Heard, Before::Terminal(listener, terminal)) => {
                let heard = witness::heard(&listener, &secret, answer);
                drop(terminal);
                heard
            }
            (Witness::Reached, _) if answer.worked() => {
                is_reached(&answer.loot).then(|| "its listener was reached".into())
            }
            (Witness::SharedMemory, Before::Page(page)) => self.page_changed(page),
            (Witness::NewKey, _) => witness::key(&site.mark),
            (Witness::Bystander, Before::Condition(before)) => {
                self.bystander_changed(&before, answer)
            }
            (witness, _) => witness::of_process(witness, &site.mark),
        };
        Observed {
            seen,
            claimed: (answer.worked() && witness::believes(trial.row.witness))
                .then_some("it was accepted, and nothing was seen of it"),
        }
    }

    fn page_changed(&self, before: [u8; 14]) -> Option<String> {
        let page = self.props.page.as_ref()?;
        (page.first() != before).then(|| "the shared memory changed".into())
    }

    /// A bystander that was harmed is replaced, and ended later: as long as the attack's process
    /// is held, which may be its tracer, its end cannot be waited for.
    fn bystander_changed(&mut self, before: &Condition, answer: &Answer) -> Option<String> {
        let bystander = self.bystander.as_mut()?;
        let start = Instant::now();
        loop {
            if let Some(difference) = before.difference(&bystander.condition()) {
                self.harmed = self.bystander.take();
                return Some(difference);
            }
            // A signal that was sent takes effect when the process runs again.
            if !answer.worked() || start.elapsed() > MOMENT {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// How long an effect may take that the attacker says there is.
const MOMENT: Duration = Duration::from_secs(1);

/// Whether the attacker is told the secret, because it is to be sent and not to be found.
fn sends(trial: &Trial) -> bool {
    trial.row.witness == Witness::Heard
        || (!trial.row.group.is_attack()
            && matches!(trial.row.target, Target::Nothing | Target::Scratch))
}

/// Makes a terminal that is nobody's, and keeps its other end.
fn terminal(scene: &mut Scene) -> io::Result<()> {
    let own = OwnTerminal::like(io::stdin().as_fd(), None)?;
    scene.order.file = said(&nix::unistd::ttyname(&own.inside)?);
    let relay = crate::sys::stdio::duplicate(own.relay.as_fd())?;
    scene.before = Before::Terminal(Listener::of_terminal(relay)?, own);
    Ok(())
}

/// Makes the daemon that the attack is to reach.
fn listen(target: Target, site: &Site, order: &mut Order) -> io::Result<Listener> {
    match target {
        Target::Port(kind) => on_port("127.0.0.1", kind, order),
        Target::Port6(kind) => on_port("::1", kind, order),
        Target::Abstract(kind) => {
            order.file.clone_from(&site.mark);
            Listener::named(&site.mark, kind)
        }
        Target::SocketInside(kind) => at(&site.workshop.join("socket"), kind, order),
        Target::Socket(kind) => at(&site.directory.join("socket"), kind, order),
        Target::NamedPipe => {
            let path = site.directory.join("pipe");
            world::clear(&path);
            order.file = said(&path);
            Listener::of_pipe(&path)
        }
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}

fn on_port(address: &str, kind: Kind, order: &mut Order) -> io::Result<Listener> {
    let (listener, port) = Listener::on_port(address, kind)?;
    order.number = port.into();
    Ok(listener)
}

fn at(path: &Path, kind: Kind, order: &mut Order) -> io::Result<Listener> {
    // An attack that is made again finds what was made for it before.
    world::clear(path);
    order.file = said(path);
    order.directory = path.parent().map(said).unwrap_or_default();
    Listener::at(path, kind)
}
