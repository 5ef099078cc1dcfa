//! OTLP logs in their JSON form: each line is a `LogsData` of at most so many records.
//!
//! As the specification of OTLP/JSON asks: names in camelCase, 64-bit numbers as texts,
//! enumerations as numbers. Attributes have the names of the semantic conventions where there
//! is one, and begin with `lobsterpot` where there is none.

use std::io;

use serde_json::{Map, Value, json};

use super::event::Event;
use crate::audit::encode;

/// The most records in one line.
const MOST: usize = 256;

/// Records that are not written yet. All are of one host and one version.
#[derive(Default)]
pub(super) struct Batch {
    records: Vec<Value>,
    host: String,
    version: String,
}

impl Batch {
    /// Adds a record; writes what was there when the batch is full, or of another host.
    pub(super) fn add(&mut self, event: &Event, bytes: &mut Vec<u8>) -> io::Result<()> {
        let is_other = self.host != event.host() || self.version != event.version();
        if self.records.len() >= MOST || is_other {
            self.end(bytes)?;
            event.host().clone_into(&mut self.host);
            event.version().clone_into(&mut self.version);
        }
        self.records.push(record(event));
        Ok(())
    }

    /// Writes what is there.
    pub(super) fn end(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        if self.records.is_empty() {
            return Ok(());
        }
        let mut resource = Attributes::default();
        resource.text("service.name", Some("lobsterpot"));
        resource.text("service.version", Some(&self.version));
        resource.text("host.name", Some(&self.host));
        resource.text("os.type", Some("linux"));
        let records = std::mem::take(&mut self.records);
        let data = json!({ "resourceLogs": [{
            "resource": { "attributes": resource.0 },
            "scopeLogs": [{
                "scope": { "name": "lobsterpot.audit", "version": self.version },
                "logRecords": records,
            }],
        }]});
        encode::encode(&data, bytes).map_err(io::Error::other)?;
        bytes.push(b'\n');
        Ok(())
    }
}

fn record(event: &Event) -> Value {
    let time = format!("{}000000", event.time().max(0));
    let (number, text) = severity(event);
    let mut record = Map::new();
    record.insert("timeUnixNano".into(), time.clone().into());
    record.insert("observedTimeUnixNano".into(), time.into());
    record.insert("severityNumber".into(), number.into());
    record.insert("severityText".into(), text.into());
    let name = format!("lobsterpot.{}", event.phase());
    record.insert("eventName".into(), name.into());
    record.insert("body".into(), json!({ "stringValue": event.message() }));
    record.insert("attributes".into(), attributes(event).0.into());
    record.into()
}

/// The number and the name of the severity, as the data model of logs has them.
fn severity(event: &Event) -> (u8, &'static str) {
    match event.severity() {
        ..=1 => (9, "INFO"),
        2 => (10, "INFO2"),
        3 => (13, "WARN"),
        _ => (17, "ERROR"),
    }
}

fn attributes(event: &Event) -> Attributes {
    let mut all = Attributes::default();
    all.text("lobsterpot.op", Some(event.op()));
    all.text("lobsterpot.outcome", Some(event.outcome()));
    all.flag("lobsterpot.denied", event.is_denied());
    all.text("process.command_line", event.command_line());
    all.text("process.executable.name", event.program());
    for (name, pointer) in [
        ("log.record.uid", "/metadata/uid"),
        ("session.id", "/actor/session/uid"),
        ("user.name", "/actor/user/name"),
        ("error.type", "/status_code"),
        ("file.path", "/file/path"),
        ("file.name", "/file/name"),
        ("server.address", "/dst_endpoint/name"),
        ("process.executable.path", "/actor/process/file/path"),
        ("process.working_directory", "/process/working_directory"),
        ("lobsterpot.tier", "/actor/user/type"),
        ("lobsterpot.decision", "/metadata/correlation_uid"),
        ("lobsterpot.file.new_path", "/file_result/path"),
        ("lobsterpot.refused", "/unmapped/refused"),
        ("lobsterpot.path_source", "/unmapped/path_source"),
        ("lobsterpot.noise", "/unmapped/noise"),
        ("lobsterpot.folded", "/unmapped/folded"),
        ("lobsterpot.rule", "/policy/data/rule"),
        ("lobsterpot.policy", "/policy/uid"),
    ] {
        all.text(name, event.text(pointer));
    }
    for (name, pointer) in [
        ("process.pid", "/actor/process/pid"),
        ("process.parent_pid", "/actor/process/parent_process/pid"),
        ("process.exit.code", "/exit_code"),
        ("lobsterpot.sequence", "/metadata/sequence"),
        ("lobsterpot.count", "/count"),
        ("lobsterpot.duration_ms", "/duration"),
    ] {
        all.number(name, event.number(pointer));
    }
    all
}

#[derive(Default)]
struct Attributes(Vec<Value>);

impl Attributes {
    fn text(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.0
                .push(json!({ "key": key, "value": { "stringValue": value } }));
        }
    }

    fn number(&mut self, key: &str, value: Option<i64>) {
        if let Some(value) = value {
            let value = json!({ "intValue": value.to_string() });
            self.0.push(json!({ "key": key, "value": value }));
        }
    }

    fn flag(&mut self, key: &str, value: impl Into<Value>) {
        let value = json!({ "boolValue": value.into() });
        self.0.push(json!({ "key": key, "value": value }));
    }
}
