//! What a row of the battery is: an attack, its prey, and what would be seen from outside if
//! it worked.

use crate::model::{Rights, WeakerGuarantee};
use crate::sys::attack::Attack;

/// What is attacked: the headings of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Commands, where none may run.
    Start,
    /// The content of files outside.
    Read,
    /// The names in directories outside.
    List,
    /// Whether paths outside exist.
    Learn,
    /// Programs outside.
    Run,
    /// Files and directories outside.
    Change,
    /// The workspace, in ways that the policy gives no right to.
    Rights,
    /// What the policy hides and protects in the workspace.
    Exceptions,
    /// Listeners on this machine.
    Network,
    /// Processes outside.
    Processes,
    /// More than the command should have.
    Privileges,
    /// The end of the command.
    Survival,
    /// No attack: what has to work.
    Use,
}

impl Group {
    /// The group as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Read => "read",
            Self::List => "list",
            Self::Learn => "learn",
            Self::Run => "run",
            Self::Change => "change",
            Self::Rights => "rights",
            Self::Exceptions => "exceptions",
            Self::Network => "network",
            Self::Processes => "processes",
            Self::Privileges => "privileges",
            Self::Survival => "survival",
            Self::Use => "use",
        }
    }

    /// What is attacked, for people.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Start => "a command runs where none may",
            Self::Read => "files outside the grants are read",
            Self::List => "directories outside the grants are listed",
            Self::Learn => "it is found out whether a path outside exists",
            Self::Run => "programs outside the grants are run",
            Self::Change => "files outside the grants are changed",
            Self::Rights => "the workspace is used as the policy gives no right to",
            Self::Exceptions => "what is hidden is read, what is protected is changed",
            Self::Network => "a listener on this machine is reached",
            Self::Processes => "other processes are looked into, steered, or ended",
            Self::Privileges => "a privilege is had or gained",
            Self::Survival => "a process outlives its command",
            Self::Use => "no attack: what has to work",
        }
    }

    /// Whether its rows are attacks.
    pub fn is_attack(self) -> bool {
        self != Self::Use
    }
}

/// What an attack is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// A file outside, or in the workspace, in a directory of its own.
    File,
    /// A program outside that tells its secret.
    Teller,
    /// The directory around the workspace.
    Around,
    /// A directory outside in which somebody works meanwhile.
    Busy,
    /// A file and a directory that prove left open for whoever inherits them.
    Inherited,
    /// A process that was started for this: its number and an address in its memory.
    Bystander,
    /// The same: its number and a descriptor.
    BystanderDescriptor,
    /// The broker's process, and a file outside.
    Broker,
    /// The broker's process, and an address in its memory.
    BrokerMemory,
    /// The broker's process, and a descriptor.
    BrokerDescriptor,
    /// A daemon on a path outside.
    Socket(Kind),
    /// A daemon on a path in the workspace.
    SocketInside(Kind),
    /// A daemon on an abstract name.
    Abstract(Kind),
    /// A daemon on a port of the loopback address.
    Port(Kind),
    /// The same on that of IPv6.
    Port6(Kind),
    /// A named pipe that prove reads.
    NamedPipe,
    /// A terminal of which prove holds the other end.
    Terminal,
    /// A key of a keyring that prove made.
    Key,
    /// The same by its name.
    KeyName,
    /// Memory that prove shares by number.
    SharedMemory,
    /// A program in the workspace that would run as another user.
    SetuidProgram,
    /// A new file in the commands' directory for temporary files.
    Scratch,
    /// Nothing but the attacker itself.
    Nothing,
}

/// How a daemon listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// For connections.
    Stream,
    /// For datagrams.
    Datagram,
    /// For connections that keep packets apart.
    Packets,
}

/// What is seen from outside when an attack works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Witness {
    /// The secret turns up in what the attacker returned.
    Secret,
    /// The answers for a path that exists and one that does not are different.
    Answers,
    /// The inodes of the prey are not as they were.
    Inodes,
    /// A file has a bit that gives its owner's or group's rights to whoever runs it.
    PrivilegedFile,
    /// The daemon heard what the attacker sent.
    Heard,
    /// The attacker's listener was reached.
    Reached,
    /// The bystander is not as it was.
    Bystander,
    /// The attacker's process holds a descriptor whose link begins so.
    Descriptor(&'static str),
    /// The kernel's account of the attacker's process is not that of an ordinary one.
    Status(Standing),
    /// The attacker's process is in another namespace of this kind than its parent.
    Namespace(&'static str),
    /// The attacker's process has something mounted.
    Mounted,
    /// The keyring has a new key.
    NewKey,
    /// The shared memory is not as it was.
    SharedMemory,
    /// A process of the attack is there after the end of its command.
    Survivor,
}

/// What is looked for in the kernel's account of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It runs as another user.
    User,
    /// The program that it started runs as another user; that it started tells nothing.
    Program,
    /// It runs as another group.
    Group,
    /// It has another supplementary group.
    Groups,
    /// It has a capability.
    Capabilities,
    /// Its data can be run.
    Personality,
}

/// Where an attack is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// On what lies outside the grants, where nothing gives leave.
    Outside,
    /// In the workspace too, where it must be refused to whoever lacks one of these rights.
    Both(Rights),
    /// The same; and with the rights of the second set it must work, because tools do it every
    /// day.
    Everyday(Rights, Rights),
    /// In the workspace alone, where it must be refused to everybody.
    Inside,
    /// In the workspace alone, where it must work with these rights.
    Use(Rights),
}

/// One attack and how to tell whether it worked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// What is attacked.
    pub group: Group,
    /// Its name, which no other row of the group has.
    pub name: &'static str,
    /// What is tried, for people.
    pub tries: &'static str,
    /// The attack.
    pub attack: Attack,
    /// What it is about.
    pub target: Target,
    /// What is seen when it works.
    pub witness: Witness,
    /// Where it is made.
    pub place: Place,
    /// The guarantee without which it is expected to work.
    pub unless: Option<WeakerGuarantee>,
}

impl Row {
    /// The same row, expected to work where this guarantee is not given.
    pub(super) const fn unless(mut self, guarantee: WeakerGuarantee) -> Self {
        self.unless = Some(guarantee);
        self
    }

    /// The same row with another target.
    pub(super) const fn about(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    /// The same row with another witness.
    pub(super) const fn seen_by(mut self, witness: Witness) -> Self {
        self.witness = witness;
        self
    }
}
