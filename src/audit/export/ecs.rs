//! The Elastic Common Schema, 9.4: one document a line.
//!
//! Fields that ECS has no name for are below `lobsterpot`, as its rules for custom fields ask.

use std::io;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::event::{Class, Event, directory};
use crate::audit::encode;

/// The version of ECS that the names are from.
const VERSION: &str = "9.4.0";

pub(super) fn write(event: &Event, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut document = Document::default();
    let time = Timestamp::from_millisecond(event.time()).unwrap_or_default();
    document.put("@timestamp", time.to_string());
    document.put("ecs.version", VERSION);
    document.put("message", event.message());
    what(&mut document, event);
    who(&mut document, event);
    about(&mut document, event);
    own(&mut document, event);
    encode::encode(&document.0, bytes).map_err(io::Error::other)?;
    bytes.push(b'\n');
    Ok(())
}

fn what(document: &mut Document, event: &Event) {
    let (category, kind) = category(event);
    let (mut categories, mut types) = (vec![category], vec![kind]);
    let verdict = match (event.is_denied(), event.phase()) {
        (true, _) => Some("denied"),
        (false, "decision") => Some("allowed"),
        (false, _) => None,
    };
    if let Some(verdict) = verdict {
        types.push(verdict);
        // Of the categories here, only these have such types.
        if matches!(category, "file" | "process") {
            categories.push("intrusion_detection");
        }
    }
    document.put("event.kind", "event");
    document.put("event.category", categories);
    document.put("event.type", types);
    document.put("event.action", event.op());
    document.put("event.outcome", event.outcome());
    document.put("event.module", "lobsterpot");
    document.put("event.dataset", "lobsterpot.audit");
    document.put("event.severity", event.severity());
    document.maybe("event.id", event.text("/metadata/uid"));
    document.maybe("event.sequence", event.number("/metadata/sequence"));
    document.maybe("event.code", event.text("/status_code"));
    let nanoseconds = |milliseconds: i64| milliseconds.saturating_mul(1_000_000);
    document.maybe("event.duration", event.number("/duration").map(nanoseconds));
    document.maybe("event.hash", event.text_of_hash());
}

/// The category and the type of an event.
fn category(event: &Event) -> (&'static str, &'static str) {
    match (event.class(), event.activity(), event.op()) {
        (Class::File, 1, _) => ("file", "creation"),
        (Class::File, 2 | 8 | 14, _) => ("file", "access"),
        (Class::File, 3 | 5..=7 | 12 | 13, _) => ("file", "change"),
        (Class::File, 4, _) => ("file", "deletion"),
        (Class::File, ..) => ("file", "info"),
        (Class::Process, 1, _) => ("process", "start"),
        (Class::Process, 2, _) => ("process", "end"),
        (Class::Process, 3, _) => ("process", "access"),
        (Class::Process, ..) => ("process", "change"),
        (Class::Network, ..) => ("network", "connection"),
        (Class::Api, _, "session.open") => ("session", "start"),
        (Class::Api, _, "session.close") => ("session", "end"),
        (Class::Api, _, "log.repair" | "log.retention") => ("configuration", "change"),
        (Class::Api, ..) => ("api", "info"),
    }
}

fn who(document: &mut Document, event: &Event) {
    document.maybe("user.name", event.text("/actor/user/name"));
    let tier = event.text("/actor/user/type").map(|tier| json!([tier]));
    document.maybe("user.roles", tier);
    document.put("host.hostname", event.host());
    document.put("host.os.type", "linux");
    document.maybe("host.os.kernel", event.text("/device/os/kernel_release"));
    document.put("observer.vendor", "Lobsterpot");
    document.put("observer.product", "Lobsterpot");
    document.put("observer.version", event.version());
    document.maybe("rule.name", event.text("/policy/data/rule"));
    document.maybe("rule.ruleset", event.text("/policy/name"));
    document.maybe("rule.reference", event.text("/policy/uid"));
}

fn about(document: &mut Document, event: &Event) {
    if let Some(path) = event.path() {
        document.put("file.path", path);
        document.maybe("file.name", event.text("/file/name"));
        document.maybe("file.directory", directory(path));
    }
    document.maybe("process.command_line", event.command_line());
    document.maybe("process.name", event.program());
    let executable = event.text("/actor/process/file/path");
    document.maybe("process.executable", executable);
    document.maybe("process.pid", event.number("/actor/process/pid"));
    let parent = event.number("/actor/process/parent_process/pid");
    document.maybe("process.parent.pid", parent);
    let directory = event.text("/process/working_directory");
    document.maybe("process.working_directory", directory);
    document.maybe("process.exit_code", event.number("/exit_code"));
    document.maybe("destination.address", event.text("/dst_endpoint/name"));
}

fn own(document: &mut Document, event: &Event) {
    document.put("lobsterpot.phase", event.phase());
    for (name, pointer) in [
        ("session", "/actor/session/uid"),
        ("decision", "/metadata/correlation_uid"),
        ("new_path", "/file_result/path"),
        ("refused", "/unmapped/refused"),
        ("path_source", "/unmapped/path_source"),
        ("noise", "/unmapped/noise"),
        ("folded", "/unmapped/folded"),
        ("outcome", "/unmapped/outcome"),
    ] {
        document.maybe(&format!("lobsterpot.{name}"), event.text(pointer));
    }
    for (name, pointer) in [
        ("count", "/count"),
        ("bytes", "/unmapped/bytes"),
        ("denials", "/unmapped/denials"),
        ("signal", "/unmapped/signal"),
    ] {
        document.maybe(&format!("lobsterpot.{name}"), event.number(pointer));
    }
}

impl Event {
    /// The record's own hash, by which it is found again in the log.
    fn text_of_hash(&self) -> Option<&str> {
        self.text("/hash")
    }
}

/// A document that is filled by dotted names.
#[derive(Default)]
struct Document(Map<String, Value>);

impl Document {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        let mut place = &mut self.0;
        let mut parts = name.split('.').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                place.insert(part.to_owned(), value.into());
                return;
            }
            let below = place.entry(part).or_insert_with(|| Map::new().into());
            let Value::Object(below) = below else {
                return; // no name here is both a value and the beginning of another
            };
            place = below;
        }
    }

    fn maybe(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }
}
