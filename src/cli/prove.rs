//! `lobsterpot prove`: attacks on the sandbox, on this host, against a policy; what held.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args};

use super::failure::{Failure, Format};
use super::layout::{definition, wrapped};
use super::output::{self, ERROR, FAINT, GOOD, HEADING, WARNING, styled};
use super::selectors::Selectors;
use super::session;
use crate::ambient::Operator;
use crate::broker;
use crate::model::{Mode, PrincipalId, WeakerGuarantee, shown};
use crate::policy::Policy;
use crate::prove::{self, Finding, Group, Proof, ProveError, Subject, Verdict};

const AFTER_HELP: &str = "\
Each attack is made twice by the same program: outside the sandbox, where it has to work, and
inside. Whether it worked is looked at from outside. Verdicts:
  held            it had no effect; or, for what has to work, it works
  BROKEN          the other way round
  weaker          it had an effect, and the policy accepts that by name
  not applicable  without the sandbox it has no effect on this host either

Nothing is touched but a temporary directory with a workspace in it, which is removed.

Exit codes:
  0    everything held that the policy promises here
  1    something did not
  2    usage: an option, or a policy it names, cannot be used
  125  no sandbox could be prepared, so nothing could be proven";

/// Attack the sandbox on this host, under a policy, and show what held
///
/// A built-in battery of several hundred attacks tries to read, list, learn of and change what
/// lies outside the grants, to reach the network and other processes, to gain a privilege, and
/// to outlive its command.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(super) struct ProveArguments {
    /// The policy: a name, or a file (`./x.toml`)
    #[arg(long, value_name = "NAME|FILE", env = "LOBSTERPOT_POLICY", default_value = Policy::DEFAULT)]
    policy: String,
    /// Take every right to change anything away from the policy
    #[arg(long, env = "LOBSTERPOT_READ_ONLY", value_parser = BoolishValueParser::new())]
    read_only: bool,
    /// Who would ask, as the policy knows them
    #[arg(
        long = "as",
        value_name = "PRINCIPAL",
        env = "LOBSTERPOT_AS",
        default_value = "agent:main"
    )]
    principal: String,
    /// Show every row, also of what held
    #[arg(long)]
    all: bool,
    /// Report as one line of JSON on standard output
    #[arg(long, action = ArgAction::SetTrue, value_parser = Format::parser())]
    json: Format,
}

impl ProveArguments {
    pub(super) fn format(&self) -> Format {
        self.json
    }
}

/// Proves, and tells.
pub(super) fn run(arguments: ProveArguments, operator: Operator) -> Result<u8, Failure> {
    let format = arguments.format();
    let rows = if arguments.all { Rows::All } else { Rows::Few };
    let proof = prove::prove(&subject(arguments, operator)?).map_err(failure)?;
    match format {
        Format::Json => output::print_json(&proof)?,
        Format::Text => output::print(&words(&proof, rows))?,
    }
    Ok(u8::from(!proof.ok))
}

fn subject(arguments: ProveArguments, operator: Operator) -> Result<Subject, Failure> {
    let selectors = Selectors {
        policy: arguments.policy,
        root: None,
        within: Vec::new(),
        read_only: arguments.read_only,
        principal: arguments.principal,
        timeout: None,
        json: arguments.json,
    };
    let policy = session::tightened(&selectors, &operator)?;
    let mut places = vec![broker::scratch_base(&operator)];
    places.extend(["/tmp", "/var/tmp", "/dev/shm"].map(PathBuf::from));
    Ok(Subject {
        policy,
        principal: PrincipalId::new(&selectors.principal),
        operator,
        program: "/proc/self/exe".into(),
        places,
    })
}

fn failure(error: ProveError) -> Failure {
    let hint = match &error {
        ProveError::Unavailable { hint, .. } => hint.clone(),
        _ => None,
    };
    let failure = match error {
        ProveError::Policy(findings) => Failure::policy(findings),
        error => Failure::unavailable(error),
    };
    match hint {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

/// Which rows are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// All of them.
    All,
    /// Those that did not hold.
    Few,
}

/// Where the second column begins.
const COLUMN: usize = 14;

fn words(proof: &Proof, rows: Rows) -> String {
    let mut text = heading(proof);
    let mut groups: BTreeMap<Group, Vec<&Finding>> = BTreeMap::new();
    for row in &proof.rows {
        groups.entry(row.group).or_default().push(row);
    }
    for (group, findings) in groups {
        text.push_str(&of_group(group, &findings));
        for finding in findings {
            if rows == Rows::All || finding.verdict == Verdict::Broken {
                text.push_str(&of_row(finding));
            }
        }
    }
    text.push_str(&summary(proof));
    text
}

fn heading(proof: &Proof) -> String {
    let policy = shown(&proof.policy);
    let principal = shown(&proof.principal);
    let title = match proof.mode {
        Mode::Broker => format!("policy {policy} for {principal}: no commands"),
        mode => format!("policy {policy} for {principal}: {} mode", mode.as_str()),
    };
    let mut text = format!("{}\n", styled(HEADING, title));
    let layers = ["landlock", "seccomp", "view", "witness", "limits"];
    for layer in layers.iter().filter(|_| proof.mode != Mode::Broker) {
        if let Some(value) = proof.enforced.get(layer).and_then(|value| value.as_str()) {
            text.push_str(&definition(layer, &shown(value), COLUMN));
        }
    }
    for note in &proof.notes {
        text.push_str(&definition("note", &shown(note), COLUMN));
    }
    text.push('\n');
    text
}

/// A group in a line, and under it what is weaker in it.
fn of_group(group: Group, findings: &[&Finding]) -> String {
    let verdicts = [
        Verdict::Held,
        Verdict::Broken,
        Verdict::Weaker,
        Verdict::NotApplicable,
    ];
    let counts = verdicts.into_iter().filter_map(|verdict| {
        let count = findings.iter().filter(|row| row.verdict == verdict).count();
        (count > 0).then(|| styled(style(verdict), format_args!("{count} {}", verdict.as_str())))
    });
    let counts: Vec<String> = counts.collect();
    let mut text = format!(
        "  {:<width$}{}\n",
        group.as_str(),
        counts.join(", "),
        width = COLUMN - 2
    );
    let about = wrapped(group.about(), COLUMN);
    // Writing to a `String` cannot fail.
    let _ = writeln!(text, "{:COLUMN$}{}", "", styled(FAINT, about));
    for (guarantee, names) in weaker(findings) {
        let words = format!("weaker ({guarantee}): {}", names.join(", "));
        let _ = writeln!(text, "{:COLUMN$}{}", "", wrapped(&words, COLUMN));
    }
    text
}

/// The names of the rows that came out weaker, by the guarantee that is not given.
fn weaker<'a>(findings: &[&'a Finding]) -> BTreeMap<WeakerGuarantee, Vec<&'a str>> {
    let mut names: BTreeMap<WeakerGuarantee, Vec<&str>> = BTreeMap::new();
    for finding in findings {
        if let Some(guarantee) = finding.weaker {
            names.entry(guarantee).or_default().push(&finding.name);
        }
    }
    names
}

/// What was tried, what came of it, and what was seen.
fn of_row(finding: &Finding) -> String {
    let verdict = finding.verdict.as_str();
    let mut words = format!("{verdict} {}: {}", finding.name, finding.tried);
    // Writing to a `String` cannot fail.
    let _ = write!(words, " [{}", finding.answer);
    if finding.verdict == Verdict::NotApplicable {
        let _ = write!(words, "; without the sandbox: {}", finding.control);
    }
    words.push(']');
    if !finding.seen.is_empty() {
        let _ = write!(words, " {}", finding.seen);
    }
    let text = wrapped(&shown(&words), ROW);
    // The colour does not count for the layout.
    let rest = text.strip_prefix(verdict).unwrap_or_default();
    let verdict = styled(style(finding.verdict), verdict);
    format!("{:FIRST$}{verdict}{rest}\n", "")
}

/// Where a row begins, and where its further lines do.
const FIRST: usize = 4;
const ROW: usize = 6;

fn style(verdict: Verdict) -> anstyle::Style {
    match verdict {
        Verdict::Held => GOOD,
        Verdict::Broken => ERROR,
        Verdict::Weaker => WARNING,
        Verdict::NotApplicable => FAINT,
    }
}

fn summary(proof: &Proof) -> String {
    let counts = proof.counts;
    let uses = counts.rows - counts.attacks;
    let sums = format!(
        "{} attacks, {uses} uses: {} held, {} broken, {} weaker as the policy accepts, \
         {} not applicable here",
        counts.attacks, counts.held, counts.broken, counts.weaker, counts.not_applicable,
    );
    let mut text = format!("\n{}\n", wrapped(&sums, 0));
    let (style, verdict) = match (proof.ok, counts.held) {
        (true, _) => (
            GOOD,
            "everything held that this policy promises on this host",
        ),
        (false, 0) => (ERROR, "nothing could be proven on this host"),
        (false, _) => (ERROR, "something did not hold"),
    };
    // Writing to a `String` cannot fail.
    let _ = writeln!(text, "{}", styled(style, verdict));
    text
}
