//! `audit export`: each format says what the record says, whatever names a command made up.

use std::collections::BTreeMap;

use lobsterpot::audit::{Exporter, Format};
use serde_json::Value;

use super::asking::{ask, say};
use super::support::{Asker, World};

/// A name that tries every escape, and to forge a line of each format.
const HOSTILE: &str =
    "/x|y=z\\w\r\nCEF:0|a|b|c|d|e|9|act=forged\nFORGED=1\n\u{1b}[2J\u{202e}\u{7f}é";

fn world() -> World {
    let world = World::new();
    let log = world.open();
    let asker = Asker::new("agent:main", "s-1");
    asker.allowed(&log, HOSTILE);
    asker.command(&log, &["cat", "a b"], &["/etc/shadow"]);
    asker.denied(&log, "../up");
    asker.close(&log);
    world
}

fn export(world: &World, format: Format) -> Vec<u8> {
    let mut exporter = Exporter::new(format);
    let mut out = Vec::new();
    for line in world.bytes().split(|byte| *byte == b'\n') {
        if !line.is_empty() {
            exporter.record(line, &mut out).unwrap();
        }
    }
    exporter.flush(&mut out).unwrap();
    out
}

fn text(world: &World, format: Format) -> String {
    String::from_utf8(export(world, format)).unwrap()
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn ocsf_is_the_log_itself() {
    let world = world();
    assert_eq!(export(&world, Format::Ocsf), world.bytes());
    assert_eq!(
        say(&world, &["export", "--format", "ocsf"]).into_bytes(),
        world.bytes()
    );
}

#[test]
fn the_selection_is_that_of_query() {
    let world = world();
    let denied = say(&world, &["export", "--format", "ecs", "--denied"]);
    assert_eq!(denied.lines().count(), 2);
    assert_eq!(
        say(&world, &["export", "--format", "otlp", "--until", "1h"]),
        ""
    );
    assert!(ask(&World::new(), &["export", "--format", "cef"]).1);
}

#[test]
fn ecs_documents_have_the_names_of_ecs() {
    let world = world();
    let text = text(&world, Format::Ecs);
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{7f}']));
    let documents = json_lines(&text);
    assert_eq!(documents.len(), 6);
    assert_eq!(documents[0]["file"]["path"], HOSTILE);
    assert_eq!(documents[0]["event"]["outcome"], "unknown", "not known yet");
    let refused = &documents[2];
    assert_eq!(refused["file"]["path"], "/etc/shadow");
    assert_eq!(refused["file"]["directory"], "/etc");
    let event = &refused["event"];
    assert_eq!(
        event["category"],
        serde_json::json!(["file", "intrusion_detection"])
    );
    assert_eq!(event["type"], serde_json::json!(["access", "denied"]));
    assert_eq!(
        (&event["action"], &event["outcome"]),
        (&"openat".into(), &"failure".into())
    );
    assert_eq!(event["code"], "outside-capability");
    assert_eq!(refused["process"]["pid"], 4711);
    assert_eq!(refused["process"]["parent"]["pid"], 4710);
    assert_eq!(refused["process"]["executable"], "/usr/bin/cat");
    assert_eq!(refused["user"]["name"], "agent:main");
    assert_eq!(refused["ecs"]["version"], "9.4.0");
    let records = world.records();
    assert_eq!(event["id"], records[2]["metadata"]["uid"]);
    assert_eq!(event["hash"], records[2]["hash"]);
    let time = refused["@timestamp"].as_str().unwrap();
    let time: jiff::Timestamp = time.parse().unwrap();
    assert_eq!(time.as_millisecond(), records[2]["time"].as_i64().unwrap());
    let ended = &documents[3];
    assert_eq!(ended["event"]["duration"], 12_000_000);
    assert_eq!(ended["process"]["exit_code"], 1);
}

/// Reads a line as the format's description says, and nothing of how it was written.
fn parse_cef(line: &str) -> (Vec<String>, BTreeMap<String, String>) {
    let (mut header, mut field, mut rest) = (Vec::new(), String::new(), line.chars());
    while header.len() < 7 {
        match rest.next().expect("a header") {
            '\\' => field.push(rest.next().unwrap()),
            '|' => header.push(std::mem::take(&mut field)),
            character => field.push(character),
        }
    }
    // A key is what stands between a space and an `=` that is not escaped.
    let mut pairs = BTreeMap::new();
    let (mut key, mut value, mut word) = (String::new(), String::new(), String::new());
    while let Some(character) = rest.next() {
        match character {
            '\\' => word.push(match rest.next().unwrap() {
                'n' => '\n',
                'r' => '\r',
                other => other,
            }),
            '=' => {
                if !key.is_empty() {
                    pairs.insert(std::mem::take(&mut key), std::mem::take(&mut value));
                }
                key = std::mem::take(&mut word);
            }
            ' ' => {
                if !value.is_empty() {
                    value.push(' ');
                }
                value.push_str(&std::mem::take(&mut word));
            }
            other => word.push(other),
        }
    }
    value = if value.is_empty() {
        word
    } else {
        format!("{value} {word}")
    };
    pairs.insert(key, value);
    (header, pairs)
}

#[test]
fn cef_lines_read_back_as_what_was_written() {
    let world = world();
    let text = text(&world, Format::Cef);
    assert_eq!(text.lines().count(), 6, "no name begins a line: {text}");
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{7f}', '\r']));
    let lines: Vec<_> = text.lines().map(parse_cef).collect();
    let (header, pairs) = &lines[0];
    assert_eq!(header[..3], ["CEF:0", "Lobsterpot", "Lobsterpot"]);
    let expected = HOSTILE
        .replace('\u{1b}', "\\u{1b}")
        .replace('\u{202e}', "\\u{202e}")
        .replace('\u{7f}', "\\u{7f}");
    assert_eq!(pairs["filePath"], expected);
    assert_eq!(pairs["act"], "file.read");
    let (header, pairs) = &lines[2];
    assert_eq!(header[4..], ["denial:openat", "openat refused", "6"]);
    for (key, value) in [
        ("act", "openat"),
        ("outcome", "failure"),
        ("reason", "outside-capability"),
        ("suser", "agent:main"),
        ("filePath", "/etc/shadow"),
        ("fname", "shadow"),
        ("sproc", "cat"),
        ("spid", "4711"),
        ("cs1Label", "session"),
        ("cs1", "s-1"),
        ("cs4", "cat 'a b'"),
        ("cnt", "1"),
    ] {
        assert_eq!(pairs[key], value, "{key}");
    }
    assert!(pairs["msg"].ends_with("[code=outside-capability]"));
}

/// Reads entries as the format's description says.
fn parse_journal(bytes: &[u8]) -> Vec<BTreeMap<String, Vec<u8>>> {
    let (mut entries, mut entry, mut rest) = (Vec::new(), BTreeMap::new(), bytes);
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap();
        let (line, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        if line.is_empty() {
            entries.push(std::mem::take(&mut entry));
            continue;
        }
        let equals = line.iter().position(|byte| *byte == b'=');
        let (name, value) = if let Some(at) = equals {
            (&line[..at], line[at + 1..].to_vec())
        } else {
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap());
            let length = usize::try_from(length).unwrap();
            let value = rest[8..8 + length].to_vec();
            assert_eq!(rest[8 + length], b'\n');
            rest = &rest[8 + length + 1..];
            (line, value)
        };
        let name = String::from_utf8(name.to_vec()).unwrap();
        let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        assert!(name.bytes().all(plain) && name.len() <= 64, "{name}");
        entry.insert(name, value);
    }
    assert!(entry.is_empty(), "an empty line ends the last entry");
    entries
}

#[test]
fn journal_entries_hold_every_byte() {
    let world = world();
    let entries = parse_journal(&export(&world, Format::Journald));
    assert_eq!(entries.len(), 6);
    assert_eq!(entries[0]["LOBSTERPOT_PATH"], HOSTILE.as_bytes());
    assert!(!entries[0].contains_key("FORGED"));
    let refused = &entries[2];
    for (name, value) in [
        ("PRIORITY", "4"),
        ("SYSLOG_IDENTIFIER", "lobsterpot"),
        ("LOBSTERPOT_OP", "openat"),
        ("LOBSTERPOT_ACTION", "denied"),
        ("LOBSTERPOT_CODE", "outside-capability"),
        ("LOBSTERPOT_PATH", "/etc/shadow"),
        ("LOBSTERPOT_PID", "4711"),
        ("LOBSTERPOT_COMMAND_LINE", "cat 'a b'"),
    ] {
        assert_eq!(refused[name], value.as_bytes(), "{name}");
    }
    let log = world.bytes();
    let line = log.split(|byte| *byte == b'\n').nth(2).unwrap();
    assert_eq!(refused["LOBSTERPOT_RECORD_JSON"], line);
    let time = &world.records()[2]["time"];
    let time = format!("{}000", time.as_u64().unwrap());
    assert_eq!(refused["__REALTIME_TIMESTAMP"], time.as_bytes());
}

fn attribute<'a>(record: &'a Value, key: &str) -> &'a Value {
    let all = record["attributes"].as_array().unwrap();
    let found = all.iter().find(|one| one["key"] == key);
    &found.unwrap_or_else(|| panic!("{key}"))["value"]
}

#[test]
fn otlp_lines_are_logs_data() {
    let world = world();
    let lines = json_lines(&text(&world, Format::Otlp));
    assert_eq!(lines.len(), 1);
    let resource = &lines[0]["resourceLogs"][0];
    assert_eq!(
        attribute(&resource["resource"], "service.name")["stringValue"],
        "lobsterpot"
    );
    let scope = &resource["scopeLogs"][0];
    assert_eq!(scope["scope"]["name"], "lobsterpot.audit");
    let records = scope["logRecords"].as_array().unwrap();
    assert_eq!(records.len(), 6);
    assert_eq!(attribute(&records[0], "file.path")["stringValue"], HOSTILE);
    let refused = &records[2];
    let time = &world.records()[2]["time"];
    let time = format!("{}000000", time.as_u64().unwrap());
    assert_eq!(refused["timeUnixNano"], time, "64-bit numbers are texts");
    assert_eq!(refused["severityNumber"], 13);
    assert_eq!(attribute(refused, "process.pid")["intValue"], "4711");
    assert_eq!(
        attribute(refused, "error.type")["stringValue"],
        "outside-capability"
    );
    assert_eq!(attribute(refused, "lobsterpot.denied")["boolValue"], true);
    assert_eq!(refused["eventName"], "lobsterpot.denial");
}

#[test]
fn otlp_batches_are_bounded() {
    let world = World::new();
    let log = world.open();
    let asker = Asker::new("a", "s");
    for n in 0..600 {
        asker.allowed(&log, &format!("/{n}"));
    }
    let lines = json_lines(&text(&world, Format::Otlp));
    let counts: Vec<_> = lines
        .iter()
        .map(|line| {
            let records = &line["resourceLogs"][0]["scopeLogs"][0]["logRecords"];
            records.as_array().unwrap().len()
        })
        .collect();
    assert_eq!(counts, [256, 256, 88]);
}
