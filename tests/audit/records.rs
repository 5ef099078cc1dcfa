//! What a record says: OCSF's names, and nothing that must not be on record.

use serde_json::{Value, json};

use super::support::{Asker, World};

#[test]
fn a_refused_read_is_a_file_system_activity() {
    let world = World::new();
    let asker = Asker::new("agent:main", "s-1");
    let id = asker.denied(&world.open(), "../etc/shadow");
    let record = world.records().remove(0);
    let expected = json!({
        "class_uid": 1001, "activity_id": 2, "category_uid": 1, "type_uid": 100_102,
        "severity_id": 3, "action_id": 2, "disposition_id": 2, "status_id": 2,
        "status_code": "outside-capability", "count": 1,
        "message": "sandbox: ../etc/shadow: Permission denied (blocked by sandbox: \
                    outside every granted directory) [code=outside-capability]",
        "file": {"name": "shadow", "path": "/etc/shadow", "type_id": 0},
    });
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(&record[member], value, "{member}");
    }
    assert_eq!(
        record["actor"],
        json!({"user": {"name": "agent:main", "type_id": 99, "type": "agent"}, "session": {"uid": "s-1"}})
    );
    assert_eq!(
        record["policy"],
        json!({"name": "workspace", "uid": "built-in:workspace", "data": {"rule": "default"}})
    );
    assert_eq!(record["metadata"]["version"], "1.8.0");
    assert_eq!(record["metadata"]["uid"], id.to_string());
    assert_eq!(record["metadata"]["correlation_uid"], id.to_string());
    assert_eq!(record["metadata"]["sequence"], 1);
    assert_eq!(
        record["unmapped"],
        json!({"phase": "decision", "op": "file.read", "request": "r-1", "written": "../etc/shadow",
               "refused": "../etc/shadow", "hint": "read below /work", "path_source": "broker"})
    );
    assert_eq!(record["device"]["os"]["type_id"], 200);
}

#[test]
fn a_command_is_a_process_activity_with_what_was_refused_inside() {
    let world = World::new();
    let asker = Asker::new("agent:main", "s-1");
    let argv = ["cat", "--password=hunter2", "a b"];
    let id = asker
        .command(&world.open(), &argv, &["/etc/shadow"])
        .to_string();
    let records = world.records();
    let [decision, denial, effect] = records.as_slice() else {
        panic!("{records:?}");
    };
    assert_eq!(decision["type_uid"], 100_701);
    assert_eq!(
        decision["process"],
        json!({"uid": id, "name": "cat", "cmd_line": "cat --password=[redacted] 'a b'",
               "working_directory": "/work"})
    );
    assert_eq!(
        decision["policy"]["data"]["place"],
        json!({"file": "built-in:workspace", "line": 12})
    );
    assert_eq!(denial["type_uid"], 100_114);
    assert_eq!(denial["actor"]["process"]["pid"], 4711);
    assert_eq!(denial["actor"]["process"]["file"]["path"], "/usr/bin/cat");
    assert_eq!(
        denial["actor"]["process"]["cmd_line"],
        "cat --password=[redacted] 'a b'"
    );
    assert_eq!(denial["unmapped"]["path_source"], "tracee-memory");
    assert_eq!(effect["type_uid"], 100_702);
    assert_eq!(
        (&effect["exit_code"], &effect["duration"]),
        (&json!(1), &json!(12))
    );
    assert_eq!(effect["unmapped"]["bytes"], 34);
    assert_eq!(effect["unmapped"]["enforced"]["mode"], "broker");
    for record in [decision, denial, effect] {
        assert_eq!(
            record["metadata"]["correlation_uid"],
            Value::from(id.clone())
        );
    }
    assert!(
        !String::from_utf8(world.bytes())
            .unwrap()
            .contains("hunter2")
    );
}

#[test]
fn every_class_has_the_members_that_ocsf_requires() {
    let world = World::new();
    let asker = Asker::new("agent:main", "s-1");
    let log = world.open();
    asker.command(&log, &["ls"], &["/etc"]);
    asker.denied(&log, "/etc/shadow");
    let records = world.records();
    assert!(records.len() >= 4, "{records:#?}");
    for record in records {
        for member in [
            "activity_id",
            "category_uid",
            "class_uid",
            "type_uid",
            "time",
            "severity_id",
        ] {
            assert!(record[member].is_u64(), "{member} in {record}");
        }
        let uid = |member: &str| record[member].as_u64().unwrap();
        assert_eq!(uid("type_uid"), uid("class_uid") * 100 + uid("activity_id"));
        assert_eq!(uid("category_uid"), uid("class_uid") / 1000);
        assert_eq!(record["metadata"]["product"]["name"], "Lobsterpot");
        let object = match uid("class_uid") {
            1001 => "file",
            1007 => "process",
            4001 => "dst_endpoint",
            _ => "api",
        };
        assert!(record[object].is_object(), "{object} in {record}");
    }
}

#[test]
fn a_name_cannot_deceive_whoever_looks_at_the_file() {
    let world = World::new();
    let asker = Asker::new("agent:main\u{202e}", "s-1");
    asker.allowed(&world.open(), "a\u{1b}[2J\n\u{9b}\u{200b}b");
    let bytes = world.bytes();
    assert_eq!(
        bytes.iter().filter(|byte| byte.is_ascii_control()).count(),
        1,
        "one line break"
    );
    assert!(bytes.is_ascii());
    assert_eq!(
        world.records()[0]["actor"]["user"]["name"],
        "agent:main\u{202e}"
    );
}

#[test]
fn a_record_is_bounded_whatever_is_asked() {
    let world = World::new();
    let huge = "/\u{7f}".repeat(1 << 20);
    let asker = Asker::new(&huge, &huge);
    let log = world.open();
    asker.denied(&log, &huge);
    asker.command(&log, &[&huge, &huge], &[&huge]);
    let bytes = world.bytes();
    let lines: Vec<_> = bytes.split(|byte| *byte == b'\n').collect();
    assert!(lines.len() >= 4, "{}", lines.len());
    for line in lines {
        assert!(line.len() < 160 << 10, "{}", line.len());
    }
}
