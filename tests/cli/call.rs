//! `lobsterpot call`: one reply for each line, whatever the line holds.

use serde_json::{Value, json};

use super::world::World;

fn statuses(replies: &[Value]) -> Vec<(Value, &str)> {
    replies
        .iter()
        .map(|reply| (reply["id"].clone(), reply["status"].as_str().unwrap()))
        .collect()
}

#[test]
fn requests_are_answered_in_order_in_one_session() {
    let world = World::new();
    let input = r#"{"id":1,"op":"file.read","path":"notes.txt"}
{"id":"two","op":"exec.run","shell":"tr a-z A-Z; echo $HOME > home","stdin":"shout"}
{"id":3,"op":"exec.run","argv":["sh","-c","test \"$HOME\" = \"$(cat home)\""]}
{"id":4,"op":"file.read","path":"/etc/shadow"}
{"id":5,"op":"file.read","path":"missing"}
{"id":6,"op":"exec.run","argv":["sleep","9"],"timeout":0.2}
"#;
    let ran = world.feed(&["call"], input.as_bytes()).expect(0);
    assert_eq!(ran.stderr, "");
    let replies = ran.replies();
    assert_eq!(
        statuses(&replies),
        [
            (json!(1), "ok"),
            (json!("two"), "ok"),
            (json!(3), "ok"),
            (json!(4), "denied"),
            (json!(5), "failed"),
            (json!(6), "timeout"),
        ]
    );
    assert_eq!(replies[0]["result"]["content"], "buy milk\n");
    assert_eq!(replies[1]["result"]["stdout"], "SHOUT");
    assert_eq!(replies[2]["result"]["exit_code"], 0);
    assert_eq!(replies[3]["denials"][0]["code"], "outside-capability");
    for reply in &replies {
        let keys: Vec<&String> = reply.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            ["id", "status", "result", "denials", "enforced", "audit"]
        );
    }
}

#[test]
fn a_bad_line_gets_its_reply_and_the_stream_goes_on() {
    let world = World::new();
    let mut input = Vec::new();
    for line in [
        &b"nonsense"[..],
        b"",
        b"[]",
        b"{\"id\":7,\"op\":\"file.fly\",\"path\":\"x\"}",
        b"{\"id\":8,\"op\":\"file.read\",\"path\":\"x\",\"follow\":1}",
        b"\xff\xfe",
        b"{\"op\":\"file.read\",\"path\":\"notes.txt\"}",
        b"{\"id\":9,\"op\":\"exec.run\"}",
        b"{\"id\":10,\"op\":\"file.read\",\"path\":\"notes.txt\"}\r",
    ] {
        input.extend_from_slice(line);
        input.push(b'\n');
    }
    let ran = world.feed(&["call"], &input).expect(0);
    let replies = ran.replies();
    let (last, bad) = replies.split_last().unwrap();
    assert_eq!(bad.len(), 8);
    for reply in bad {
        assert_eq!(reply["status"], "denied", "{reply}");
        assert_eq!(reply["denials"][0]["code"], "bad-request", "{reply}");
    }
    assert_eq!(bad[3]["id"], 7);
    assert_eq!(bad[4]["id"], 8);
    assert_eq!(bad[7]["id"], 9);
    assert_eq!((&last["id"], &last["status"]), (&json!(10), &json!("ok")));
}

#[test]
fn a_line_without_end_is_bounded_and_skipped() {
    let world = World::new();
    let mut input = vec![b'x'; (16 << 20) + 1];
    input.extend_from_slice(b"\n{\"id\":1,\"op\":\"file.stat\",\"path\":\"notes.txt\"}");
    let ran = world.feed(&["call"], &input).expect(0);
    let replies = ran.replies();
    assert_eq!(
        statuses(&replies),
        [(Value::Null, "denied"), (json!(1), "ok")]
    );
    assert!(
        replies[0]["denials"][0]["message"]
            .as_str()
            .unwrap()
            .contains("16 MiB")
    );
}

#[test]
fn each_reply_is_there_before_the_next_request() {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::Stdio;
    let world = World::new();
    let mut child = world
        .command(["call"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for id in 0..3 {
        writeln!(
            stdin,
            r#"{{"id":{id},"op":"file.stat","path":"notes.txt"}}"#
        )
        .unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let reply: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(reply["id"], id);
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_reader_that_leaves_ends_the_session_quietly() {
    use std::io::Write as _;
    use std::process::Stdio;
    let world = World::new();
    let mut child = world
        .command(["call"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, r#"{{"id":1,"op":"file.stat","path":"notes.txt"}}"#).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stderr, b"");
}

#[test]
fn a_session_that_cannot_be_opened_answers_nothing() {
    let world = World::new();
    let line = b"{\"id\":1,\"op\":\"file.stat\",\"path\":\"notes.txt\"}\n";
    let ran = world.feed(&["call", "--root", "/"], line).expect(125);
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains("grant-everything"), "{}", ran.stderr);
}
