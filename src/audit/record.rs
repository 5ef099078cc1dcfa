//! An entry becomes a record: OCSF's words for what the broker said.
//!
//! Every text that came from outside passes through [`redact`] here, on its way into the
//! record, so that no caller can forget it.

use std::borrow::Cow;

use serde_json::Value;

use super::classify::{Class, Kind, OTHER, Subject, kind_of};
use super::entry::{
    Context, Effect, Entry, Event, Outcome, Process, RequestInfo, SessionTotals, Target, Verdict,
};
use super::redact;
use super::schema::{
    Api, Decided, Device, FileObject, Host, Named, OCSF, Os, PROFILES, Parent, Policy,
    ProcessObject, Record, Session, User,
};
use super::{AuditError, RecordId, encode};
use crate::model::{Denial, HostPath, RefusalCode, Rule, shown_path};
use crate::sys::machine::Machine;

/// What makes a record unlike every other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp {
    pub(super) id: RecordId,
    /// Milliseconds since 1970.
    pub(super) time: u64,
    pub(super) sequence: u64,
}

/// Writes an entry as one line of JSON, without its place in the chain.
pub(super) fn write_entry(
    entry: &Entry<'_>,
    stamp: Stamp,
    machine: &Machine,
    line: &mut Vec<u8>,
) -> Result<(), AuditError> {
    let mut record = match entry.event {
        Event::SessionOpened { root, enforced } => {
            let mut record = session("session.open", "session opened");
            record.unmapped.root = Some(path_text(root));
            record.unmapped.enforced = Some(enforced);
            record
        }
        Event::SessionClosed(totals) => session_closed(totals),
        Event::Decision { request, verdict } => decision(request, verdict, stamp.id),
        Event::Effect {
            request,
            decision,
            effect,
        } => ended(request, decision, effect),
        Event::Denial {
            request,
            decision,
            denial,
            process,
        } => refused_inside(request, decision, denial, process),
    };
    set_context(&mut record, entry.context);
    finish(record, stamp, machine, line)
}

pub(super) fn finish<'a>(
    mut record: Record<'a>,
    stamp: Stamp,
    machine: &'a Machine,
    line: &mut Vec<u8>,
) -> Result<(), AuditError> {
    record.time = stamp.time;
    record.metadata.version = OCSF;
    record.metadata.profiles = PROFILES;
    record.metadata.uid = Some(stamp.id);
    record.metadata.sequence = stamp.sequence;
    record.device = Device {
        hostname: &machine.hostname,
        type_id: 0,
        os: Os {
            name: "Linux",
            type_id: 200,
            kernel_release: &machine.kernel,
        },
    };
    if record.api.is_some() {
        record.src_endpoint = Some(Host {
            hostname: &machine.hostname,
        });
    }
    encode::encode(&record, line).map_err(AuditError::Encode)
}

/// A record of a kind, allowed and uneventful until more is said.
pub(super) fn of_kind<'a>(op: &'a str, kind: Kind, phase: &'static str) -> Record<'a> {
    let mut record = Record {
        class_uid: kind.class.uid(),
        activity_id: kind.activity,
        category_uid: kind.class.category(),
        type_uid: kind.type_uid(),
        severity_id: 1,
        action_id: 1,
        disposition_id: 1,
        ..Record::default()
    };
    if kind.activity == OTHER {
        record.activity_name = Some(redact::text(op));
    }
    if kind.class == Class::Api {
        record.api = Some(Api {
            operation: redact::text(op),
        });
    }
    record.unmapped.phase = phase;
    record.unmapped.op = redact::text(op);
    record
}

fn session(op: &'static str, message: &'static str) -> Record<'static> {
    let mut record = of_kind(op, kind_of(op, Subject::Else), "session");
    record.status_id = 1;
    record.message = message.into();
    record
}

fn session_closed(totals: SessionTotals) -> Record<'static> {
    let mut record = session("session.close", "session closed");
    record.duration = Some(milliseconds(totals.duration));
    record.unmapped.requests = Some(totals.requests);
    record.unmapped.denials = Some(totals.denials);
    record
}

fn decision<'a>(request: RequestInfo<'a>, verdict: Verdict<'a>, id: RecordId) -> Record<'a> {
    let mut record = of_request(request, "decision", id);
    match verdict {
        Verdict::Allowed(rule) => {
            record.message = format!("{} allowed by {}", request.op, rule.name).into();
            set_rule(&mut record, rule);
        }
        Verdict::Denied(denial) => set_denial(&mut record, denial),
    }
    record
}

fn ended<'a>(request: RequestInfo<'a>, decision: RecordId, effect: Effect<'a>) -> Record<'a> {
    let mut record = of_request(request, "effect", decision);
    if record.class_uid == Class::Process.uid() {
        // The end of the process that the decision launched.
        let kind = Kind {
            class: Class::Process,
            activity: 2,
        };
        record.activity_id = kind.activity;
        record.type_uid = kind.type_uid();
    }
    record.duration = Some(milliseconds(effect.duration));
    record.unmapped.bytes = effect.bytes;
    record.unmapped.denials = Some(effect.denials);
    record.unmapped.enforced = Some(effect.enforced);
    let (outcome, status, message): (_, _, Cow<'a, str>) = match effect.outcome {
        Outcome::Done => ("done", 1, format!("{} done", request.op).into()),
        Outcome::Exited(code) => {
            record.exit_code = Some(code);
            let status = if code == 0 { 1 } else { 2 };
            (
                "exited",
                status,
                format!("the command ended with code {code}").into(),
            )
        }
        Outcome::Signalled(signal) => {
            record.unmapped.signal = Some(signal);
            (
                "signalled",
                2,
                format!("signal {signal} ended the command").into(),
            )
        }
        Outcome::TimedOut => ("timeout", 2, "its time was up".into()),
        Outcome::Failed(why) => ("failed", 2, redact::text(why)),
        Outcome::Denied(denial) => {
            set_denial(&mut record, denial);
            record.unmapped.outcome = Some("denied");
            return record;
        }
    };
    record.unmapped.outcome = Some(outcome);
    record.status_id = status;
    record.message = message;
    record
}

fn refused_inside<'a>(
    request: RequestInfo<'a>,
    decision: RecordId,
    denial: &'a Denial,
    process: Option<Process<'a>>,
) -> Record<'a> {
    let path = denial.path.as_deref();
    let subject = if path.is_some() {
        Subject::Path
    } else {
        Subject::Else
    };
    let kind = kind_of(&denial.op, subject);
    let mut record = of_kind(&denial.op, kind, "denial");
    let text = redact::text(path.unwrap_or(&denial.op));
    match kind.class {
        Class::File => record.file = Some(file_object(text)),
        Class::Network => record.dst_endpoint = Some(Named { name: text }),
        Class::Process => {
            let mut process = command_of(request).unwrap_or_default();
            process.uid = Some(decision);
            // Only of these calls is the path that of the program.
            if denial.op.starts_with("execve") && path.is_some() {
                process.file = Some(file_object(text));
            }
            record.process = Some(process);
        }
        Class::Api => {}
    }
    record.metadata.correlation_uid = Some(decision);
    record.unmapped.request = Some(request_id(request.id));
    record.actor.process = process.map(process_object);
    set_denial(&mut record, denial);
    record
}

/// What all records about a request itself have in common.
fn of_request<'a>(request: RequestInfo<'a>, phase: &'static str, decision: RecordId) -> Record<'a> {
    let subject = match request.target {
        Target::Path(_) | Target::Paths { .. } => Subject::Path,
        Target::None | Target::Argv(_) | Target::Shell(_) | Target::Tool(_) => Subject::Else,
    };
    let mut record = of_kind(request.op, kind_of(request.op, subject), phase);
    match request.target {
        Target::None => {}
        Target::Path(path) => set_path(&mut record, path, request.cwd),
        Target::Paths { from, to } => {
            set_path(&mut record, from, request.cwd);
            record.file_result = Some(file_object(full_path(to, request.cwd)));
        }
        Target::Argv(_) | Target::Shell(_) => record.process = command_of(request),
        Target::Tool(tool) => {
            record.unmapped.tool = Some(redact::name(tool));
            record.api = Some(Api {
                operation: redact::name(tool),
            });
        }
    }
    if let Some(process) = &mut record.process {
        process.uid = Some(decision);
    }
    record.metadata.correlation_uid = Some(decision);
    record.unmapped.request = Some(request_id(request.id));
    record
}

fn set_context<'a>(record: &mut Record<'a>, context: Context<'a>) {
    record.actor.user = Some(User {
        name: redact::name(context.principal.as_str()),
        type_id: if context.tier.is_some() { OTHER } else { 0 },
        tier: context.tier.map_or("unknown", crate::model::Tier::as_str),
    });
    record.actor.session = Some(Session {
        uid: redact::name(context.session),
    });
    let policy = record.policy.get_or_insert_with(Policy::default);
    policy.name = redact::name(context.policy);
    policy.uid = redact::name(context.policy_source);
}

fn set_rule<'a>(record: &mut Record<'a>, rule: &'a Rule) {
    let policy = record.policy.get_or_insert_with(Policy::default);
    policy.data = Some(Decided {
        rule: redact::name(&rule.name),
        place: rule.place.as_ref(),
    });
}

fn set_denial<'a>(record: &mut Record<'a>, denial: &'a Denial) {
    record.severity_id = severity(denial);
    record.action_id = 2;
    record.disposition_id = 2;
    record.status_id = 2;
    record.status_code = Some(denial.code);
    record.message = redact::text(&denial.message);
    record.count = Some(denial.count);
    record.unmapped.path_source = Some(denial.path_source);
    if let Some(besides) = denial.besides.as_deref() {
        record.unmapped.looked_up = besides.looked_up.as_deref().map(redact::text);
        let written = besides.written.as_deref().map(redact::text);
        record.unmapped.written = written.or(record.unmapped.written.take());
    }
    record.unmapped.noise = denial.noise;
    record.unmapped.folded = denial.folded;
    record.unmapped.hint = denial.hint.as_deref().map(redact::text);
    let file = record.file.as_ref();
    record.unmapped.refused = denial
        .path
        .as_deref()
        .map(redact::text)
        .filter(|refused| file.is_none_or(|file| file.path != *refused));
    set_rule(record, &denial.rule);
}

fn set_path<'a>(record: &mut Record<'a>, written: &'a str, cwd: Option<&'a HostPath>) {
    let path = full_path(written, cwd);
    let written = redact::text(written);
    record.unmapped.written = (path != written).then_some(written);
    record.file = Some(file_object(path));
}

fn severity(denial: &Denial) -> u32 {
    match denial.code {
        _ if denial.noise.is_some() => 2,
        RefusalCode::OutsideCapability
        | RefusalCode::HiddenPath
        | RefusalCode::ProtectedPath
        | RefusalCode::PrincipalUnknown => 3,
        _ => 2,
    }
}

/// The command of a request, before it runs.
fn command_of(request: RequestInfo<'_>) -> Option<ProcessObject<'_>> {
    let (name, cmd_line) = match request.target {
        Target::Argv(argv) => {
            let name = argv.first().map_or("", |program| base_name(program));
            (name, redact::argv(argv))
        }
        Target::Shell(line) => ("sh", redact::shell(line)),
        Target::None | Target::Path(_) | Target::Paths { .. } | Target::Tool(_) => return None,
    };
    Some(ProcessObject {
        name: Some(redact::name(name)),
        cmd_line: Some(cmd_line),
        working_directory: request.cwd.map(path_text),
        ..ProcessObject::default()
    })
}

fn process_object(process: Process<'_>) -> ProcessObject<'_> {
    let file = process.executable.map(|path| FileObject {
        type_id: 1,
        ..file_object(redact::text(&shown_path(path)).into_owned().into())
    });
    ProcessObject {
        pid: Some(process.pid),
        name: file.as_ref().map(|file| file.name.clone()),
        cmd_line: (!process.argv.is_empty()).then(|| redact::argv(process.argv)),
        file,
        parent_process: process.parent.map(|pid| Parent { pid }),
        ..ProcessObject::default()
    }
}

fn file_object(path: Cow<'_, str>) -> FileObject<'_> {
    let name = base_name(&path).to_owned().into();
    FileObject {
        name,
        path,
        type_id: 0,
    }
}

/// The absolute path, by letters; as written where it cannot be told (`~/x`, no directory).
fn full_path<'a>(written: &'a str, cwd: Option<&HostPath>) -> Cow<'a, str> {
    let full = match cwd {
        _ if written.starts_with('~') => None,
        Some(cwd) => cwd.join(written).ok(),
        None => HostPath::absolute(written).ok(),
    };
    full.map_or_else(
        || redact::text(written),
        |path| redact::text(&path_text(&path)).into_owned().into(),
    )
}

fn path_text(path: &HostPath) -> Cow<'_, str> {
    let path = path.as_path();
    path.to_str()
        .map_or_else(|| shown_path(path).into(), redact::text)
}

/// The last part of a path; the path itself where it has none.
fn base_name(path: &str) -> &str {
    path.trim_end_matches('/')
        .rsplit('/')
        .next()
        .filter(|name| !name.is_empty())
        .unwrap_or(path)
}

/// The caller's id, bounded: it is repeated in every record of the request.
fn request_id(id: &Value) -> Value {
    match id {
        Value::String(text) => Value::String(redact::name(text).into_owned()),
        Value::Number(number) => Value::Number(number.clone()),
        _ => Value::Null,
    }
}

fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
