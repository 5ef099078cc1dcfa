//! `lobsterpot doctor`: what this host can enforce, which mode results, what is missing and why.
//!
//! It changes nothing on the host, and runs nothing.

mod agent;
mod promise;

use std::fmt::Write as _;

use clap::{ArgAction, Args};
use serde::Serialize;

use self::promise::Promise;
use super::failure::{Failure, Format};
use super::layout::{definition, wrapped};
use super::output::{self, ERROR, GOOD, HEADING, HINT, WARNING, styled};
use crate::ambient::Operator;
use crate::broker::as_the_operator_wants;
use crate::model::Mode;
use crate::policy::Policy;
use crate::sandbox::{
    AuditRecords, ControlGroup, Delegation, HostFeatures, Layers, Namespaces, Presence, Supervision,
};

const AFTER_HELP: &str = "\
For each built-in policy it tells whether it can run here, in which mode, and which guarantees
are weaker than they could be. A policy of your own: `lobsterpot policy explain FILE`.

Exit codes:
  0  the default policy can run; with --agent, no hole was found
  1  it cannot, or there is a hole; the output says why, and what to do

With --agent it looks at the settings of an agent instead: for a missing hook, a hook that lets
a call pass when it fails, tools that work outside the sandbox, and settings that the agent
itself can change under the policy (LOBSTERPOT_POLICY, LOBSTERPOT_ROOT, LOBSTERPOT_AS).";

/// Show what this host can enforce, which mode results, and what is missing
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(super) struct DoctorArguments {
    /// Report as one line of JSON on standard output
    #[arg(long, action = ArgAction::SetTrue, value_parser = Format::parser())]
    json: Format,
    /// Look for holes in how this agent is integrated
    #[arg(long, value_name = "NAME", value_parser = agent::parser())]
    agent: Option<agent::Examined>,
}

impl DoctorArguments {
    pub(super) fn format(&self) -> Format {
        self.json
    }
}

/// What the doctor found.
#[derive(Serialize)]
struct Report {
    version: &'static str,
    host: HostFeatures,
    policies: Vec<Promise>,
    /// Whether the default policy can run.
    ok: bool,
}

/// Examines the host and tells.
pub(super) fn run(
    arguments: &DoctorArguments,
    operator: Result<Operator, Failure>,
) -> Result<u8, Failure> {
    if let Some(examined) = arguments.agent {
        return agent::run(examined, arguments.format(), operator?);
    }
    let operator = operator.ok();
    let operator = operator.as_ref();
    let host = HostFeatures::probe();
    // Without a home there is nobody to ask, and still a host to examine.
    let host = match operator {
        Some(operator) => as_the_operator_wants(operator, host),
        None => host,
    };
    let policies = promise::of_built_in_policies(&host)?;
    let ok = policies
        .iter()
        .any(|one| one.policy == Policy::DEFAULT && one.can_run());
    let report = Report {
        version: env!("CARGO_PKG_VERSION"),
        host,
        policies,
        ok,
    };
    match arguments.format() {
        Format::Json => output::print_json(&report)?,
        Format::Text => output::print(&report.to_text())?,
    }
    Ok(u8::from(!report.ok))
}

/// Where the second column begins.
const COLUMN: usize = 19;

impl Report {
    fn to_text(&self) -> String {
        let mut text = format!("{}\n", styled(HEADING, "Host"));
        text.push_str(&host_table(&self.host));
        text.push_str(&definition("mode", &self.mode(), COLUMN));
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "\n{}", styled(HEADING, "Policies"));
        for promise in &self.policies {
            text.push_str(&promise.to_text());
        }
        text
    }

    /// The mode that commands run in, and what keeps them from a better one.
    fn mode(&self) -> String {
        match self.policies.iter().find_map(Promise::mode) {
            Some(Mode::View) => "view".into(),
            Some(_) => match self.host.view_obstacle() {
                Some(obstacle) => format!("flat: {obstacle}"),
                None => "flat".into(),
            },
            None => "none: no policy can run commands here".into(),
        }
    }
}

fn host_table(host: &HostFeatures) -> String {
    let mut text = String::new();
    let mut row = |term: &str, value: &str| text.push_str(&definition(term, value, COLUMN));
    let architecture = host.architecture.map_or("unknown", |arch| arch.as_str());
    row("kernel", &format!("Linux {}, {architecture}", host.kernel));
    row("landlock", &landlock(host.landlock_abi));
    row("system calls", supervision(host.supervision));
    match &host.namespaces {
        Namespaces::Usable => row("user namespaces", "usable"),
        Namespaces::Untried => row("user namespaces", "not tried"),
        Namespaces::Unusable { obstacle, remedy } => {
            row("user namespaces", &format!("not usable: {obstacle}"));
            row("", &format!("remedy: {remedy}"));
        }
    }
    if let Layers::Unusable { obstacle, remedy } = &host.layers {
        row("commands", &format!("cannot be contained: {obstacle}"));
        row("", &format!("remedy: {remedy}"));
    }
    row(
        "fuse",
        match host.fuse {
            Presence::Present => "/dev/fuse can be opened",
            Presence::Absent => "/dev/fuse cannot be opened",
        },
    );
    match &host.audit {
        AuditRecords::Readable => row("kernel audit", "tells what landlock refuses"),
        AuditRecords::Unreadable { obstacle, remedy } => {
            row("kernel audit", &format!("is no witness: {obstacle}"));
            row("", &format!("remedy: {remedy}"));
        }
    }
    match &host.cgroup {
        ControlGroup::Delegated(delegation) => row("control groups", &delegated(delegation)),
        ControlGroup::Unusable { obstacle, remedy } => {
            let instead = "each process has limits of its own";
            row(
                "control groups",
                &format!("not usable: {obstacle}; {instead}"),
            );
            row("", &format!("remedy: {remedy}"));
        }
    }
    text
}

/// What can be bounded for all processes of a session together.
fn delegated(delegation: &Delegation) -> String {
    let directory = delegation.directory.display();
    let bounds = match (delegation.memory, delegation.processes) {
        (Presence::Present, Presence::Present) => "they bound memory and processes",
        (Presence::Present, Presence::Absent) => "they bound memory; it has no controller pids",
        (Presence::Absent, Presence::Present) => {
            "they bound processes; it has no controller memory"
        }
        (Presence::Absent, Presence::Absent) => "it has no controllers memory and pids",
    };
    format!("below {directory}: {bounds}")
}

/// What each newer ABI of Landlock brought, as far as a guarantee depends on it.
fn landlock(abi: u32) -> String {
    let text = match abi {
        0 => {
            "none: Linux 5.13 has it; enable CONFIG_SECURITY_LANDLOCK, and landlock in the boot \
             option lsm="
        }
        1 => {
            "abi 1: files, but moves between directories are refused, and truncation is left to \
             mounts or the filter; Linux 5.19 would add moves, 6.2 truncation, 6.7 TCP ports, \
             6.10 device controls, 6.12 signals"
        }
        2 => {
            "abi 2: files, but truncation is left to mounts or the filter; Linux 6.2 would add it, \
             6.7 TCP ports, 6.10 device controls, 6.12 signals"
        }
        3 => "abi 3: files; Linux 6.7 would add TCP ports, 6.10 device controls, 6.12 signals",
        4 => "abi 4: files, TCP ports; Linux 6.10 would add device controls, 6.12 signals",
        5 => "abi 5: files, TCP ports, device controls; Linux 6.12 would add signals",
        _ => {
            let all = "files, TCP ports, device controls, signals, abstract sockets";
            return format!("abi {abi}: {all}");
        }
    };
    text.into()
}

fn supervision(supervision: Supervision) -> &'static str {
    match supervision {
        Supervision::Available => "can be refused, and handed to a supervisor",
        Supervision::TooOld => "can be refused; a supervisor needs Linux 5.0",
        Supervision::Taken => "can be refused; an outer sandbox already supervises them",
    }
}
