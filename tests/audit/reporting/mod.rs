//! The incident page: what it tells, that its size has bounds, and that nothing on record,
//! however hostile, is ever markup in it.

mod browser;
mod elements;

use jiff::tz::TimeZone;
use lobsterpot::audit::{Case, ExposedName, Exposure, RecordView, Story, incident_page};
use serde_json::{Value, json};

/// What a hostile name would be, to be more than a name.
pub(super) const HOSTILE: &str = "</title></style></svg></code></textarea><script>document.title\
='ran'</script><img src=x onerror=\"document.title='ran'\">\" onload='document.title=1' \
style=display:none \u{202e}\u{200b}\u{1b}[2J\u{0}`&lt;<!--";

/// A session as its lines stand in the log.
#[derive(Default)]
pub(super) struct Session {
    story: Story,
    time: i64,
    number: u64,
}

impl Session {
    /// Takes in a record with these members, 10 ms after the one before.
    pub(super) fn record(&mut self, phase: &str, op: &str, members: &Value) {
        self.time += 10;
        self.number += 1;
        let mut record = json!({
            "time": 1_764_000_000_000_i64 + self.time,
            "action_id": if members["status_code"].is_null() { 1 } else { 2 },
            "actor": {"user": {"name": "agent:main", "type": "agent"}, "session": {"uid": "s-1"}},
            "policy": {"name": "workspace", "uid": "built-in:workspace"},
            "metadata": {"uid": format!("r-{}", self.number), "sequence": self.number},
            "unmapped": {"phase": phase, "op": op},
        });
        merge(&mut record, members);
        let line = serde_json::to_vec(&record).unwrap();
        self.story.add(&RecordView::of(&line).expect("a record"));
    }

    /// A command that ended, and what was refused in it.
    fn command(&mut self, id: u64, line: &str, refused: &[&str]) {
        let of = json!({"metadata": {"correlation_uid": id.to_string()}});
        let mut command = json!({"process": {"cmd_line": line, "working_directory": "/work"}});
        merge(&mut command, &of);
        self.record("decision", "exec.run", &command);
        for path in refused {
            let mut denial = json!({
                "status_code": "outside-capability",
                "file": {"path": path},
                "actor": {"process": {"pid": 4711, "name": "cat", "cmd_line": line}},
            });
            merge(&mut denial, &of);
            self.record("denial", "openat", &denial);
        }
        merge(
            &mut command,
            &json!({"duration": 7, "exit_code": 0, "unmapped": {"outcome": "exited"}}),
        );
        self.record("effect", "exec.run", &command);
    }

    pub(super) fn page(mut self, exposure: Result<Exposure, String>) -> String {
        self.story.finish();
        incident_page(&Case {
            story: &self.story,
            verified: Ok("all of it".into()),
            unreadable: 0,
            exposure,
            made: 1_764_000_000_000,
            zone: TimeZone::UTC,
        })
    }
}

fn merge(into: &mut Value, more: &Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (name, value) in more {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more.clone(),
    }
}

/// A session in which every text that a record holds is hostile.
pub(super) fn hostile_session() -> Session {
    let mut session = Session::default();
    let texts = json!({
        "message": HOSTILE,
        "actor": {
            "user": {"name": HOSTILE, "type": HOSTILE},
            "session": {"uid": HOSTILE},
            "process": {"pid": 7, "name": HOSTILE, "cmd_line": HOSTILE},
        },
        "policy": {"name": HOSTILE, "uid": HOSTILE, "data": {"rule": HOSTILE}},
        "file": {"path": format!("/{HOSTILE}/{HOSTILE}/.env")},
        "file_result": {"path": HOSTILE},
        "unmapped": {
            "root": format!("/{HOSTILE}"), "written": HOSTILE, "hint": HOSTILE,
            "path_source": HOSTILE, "outcome": HOSTILE, "request": HOSTILE,
            "enforced": {
                "mode": HOSTILE, "landlock": HOSTILE, "seccomp": HOSTILE, "view": HOSTILE,
                "witness": HOSTILE, "limits": HOSTILE, "weaker": [HOSTILE],
            },
        },
    });
    session.record("session", "session.open", &texts);
    let refusals = [
        "outside-capability",
        "hidden-path",
        "network-not-granted",
        HOSTILE,
    ];
    for n in 0..12 {
        let mut request = texts.clone();
        let command = format!("{HOSTILE} .env {n}");
        merge(
            &mut request,
            &json!({"metadata": {"correlation_uid": n.to_string()},
                    "process": {"cmd_line": command, "working_directory": HOSTILE}}),
        );
        session.record("decision", "exec.run", &request);
        for code in refusals {
            let refused = format!("/{HOSTILE}/{n}.{code}:1");
            let mut denial = request.clone();
            merge(
                &mut denial,
                &json!({"status_code": code, "unmapped": {"refused": refused}}),
            );
            session.record("denial", HOSTILE, &denial);
            merge(
                &mut denial,
                &json!({"unmapped": {"noise": HOSTILE, "folded": HOSTILE}}),
            );
            session.record("denial", HOSTILE, &denial);
        }
        session.record("effect", "exec.run", &request);
        session.record("decision", HOSTILE, &request);
    }
    session
}

pub(super) fn hostile_exposure() -> Exposure {
    let hostile = |name: &str| ExposedName {
        name: format!("{name}{HOSTILE}"),
        holds: "keys",
    };
    Exposure {
        files: vec![hostile("/work/")],
        variables: vec![hostile("")],
        ..Exposure::default()
    }
}

#[test]
fn nothing_that_is_on_record_is_markup() {
    for exposure in [Ok(hostile_exposure()), Err(HOSTILE.to_owned())] {
        let page = hostile_session().page(exposure);
        elements::check(&page);
        let texts = elements::texts(&page);
        assert!(texts.contains("<script>document.title='ran'</script>"));
        assert!(texts.contains("\\u{202e}\\u{200b}\\u{1b}[2J\\u{0}"));
    }
}

/// The checker does find what it looks for.
#[test]
fn markup_in_a_page_would_be_seen() {
    for wrong in [
        "<script>x</script>",
        "<img src=\"x\">",
        "<p onclick=\"x\">",
        "<p class=\"x\" style=\"y\">",
        "a < b",
        "\u{202e}",
    ] {
        let found = std::panic::catch_unwind(|| elements::check(wrong));
        assert!(found.is_err(), "{wrong}");
    }
}

#[test]
fn a_page_asks_for_nothing_and_forbids_everything() {
    let page = hostile_session().page(Err("no".into()));
    let forbids = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
                   base-uri 'none'; form-action 'none'; style-src 'sha256-";
    assert!(page.contains(forbids));
    assert!(!page.contains("style=\""), "one style sheet, and no more");
    for outside in [
        "http:",
        "https:",
        "src=\"",
        "href=\"",
        "@import",
        "@font-face",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert_eq!(
        page.matches("url(").count(),
        page.matches("url(#hatch)").count()
    );
}

#[test]
fn a_page_tells_what_happened() {
    let mut session = Session::default();
    session.record(
        "session",
        "session.open",
        &json!({"unmapped": {"root": "/work"}}),
    );
    session.command(
        1,
        "cat certificates/server.pem",
        &["/home/me/.ssh/id_rsa", "/etc/x"],
    );
    let read = json!({"file": {"path": "/work/config/prod.env"},
                      "metadata": {"correlation_uid": "2"}});
    session.record("decision", "file.read", &read);
    let mut done = json!({"unmapped": {"outcome": "done"}});
    merge(&mut done, &read);
    session.record("effect", "file.read", &done);
    let noise = json!({"status_code": "outside-capability", "count": 3,
                       "file": {"path": "/etc/ld.so.preload"},
                       "unmapped": {"noise": "the dynamic linker looks there"}});
    session.record("denial", "openat", &noise);
    let exposed = |name: &str, holds| ExposedName {
        name: name.into(),
        holds,
    };
    let page = session.page(Ok(Exposure {
        files: vec![
            exposed("/work/.npmrc", "tokens"),
            exposed("/work/certificates/server.pem", "keys"),
            exposed("/work/config/prod.env", "passwords"),
        ],
        variables: vec![exposed("DEPLOY_TOKEN", "a token")],
        looked_at: 30,
        ..Exposure::default()
    }));
    elements::check(&page);
    let texts = elements::texts(&page);
    let words: Vec<_> = texts.split_whitespace().collect();
    let words = words.join(" ");
    for told in [
        "2 requests",
        "1 command ",
        "2 refusals",
        "3 known noise",
        "read config/prod.env passwords named in a command certificates/server.pem keys nothing on record .npmrc tokens",
        "DEPLOY_TOKEN a token",
        "Known noise at start-up: 3 refusals",
        "the dynamic linker looks there /etc/ld.so.preload",
        "cat [4711] cat certificates/server.pem",
        "its end is not on record",
        "verifies : all of it",
        "private keys for ssh",
    ] {
        assert!(words.contains(told), "{told}: {words}");
    }
    let first = |text: &str| texts.split("Refusals").last().unwrap().find(text);
    assert!(
        first("/home/me/.ssh/id_rsa") < first("/etc/x"),
        "keys first"
    );
}

/// Whatever a session did, the page stays small, and says what it leaves out.
#[test]
fn the_size_of_a_page_has_a_bound() {
    let mut session = Session::default();
    session.record(
        "session",
        "session.open",
        &json!({"unmapped": {"root": "/work"}}),
    );
    let long = "<&\u{202e}".repeat(110);
    for n in 0..2000 {
        let paths: Vec<_> = (0..6).map(|at| format!("/{n}/{at}/{long}/.env")).collect();
        let paths: Vec<_> = paths.iter().map(String::as_str).collect();
        session.command(n, &format!("{long} {n}"), &paths);
    }
    let files = (0..5000).map(|n| ExposedName {
        name: format!("/work/{n}/{long}/.env"),
        holds: "keys",
    });
    let page = session.page(Ok(Exposure {
        files: files.collect(),
        ..Exposure::default()
    }));
    elements::check(&page);
    assert!(page.len() < 1_500_000, "{}", page.len());
    let texts = elements::texts(&page);
    assert!(texts.contains("2\u{2009}000"), "requests");
    assert!(texts.contains("12\u{2009}000"), "refusals");
    assert!(texts.contains("more than 10\u{2009}000 different"));
    assert!(texts.contains("Less telling, and not shown: 11\u{2009}850 refusals"));
    assert!(texts.contains("4\u{2009}800 files more are not shown"));
    assert!(texts.contains("Not shown one by one: 1\u{2009}850 requests"));
}

#[test]
fn a_session_of_which_little_is_left_has_a_page() {
    let page = Session::default().page(Err("the workspace is not on record any more".into()));
    elements::check(&page);
    assert!(elements::texts(&page).contains("Nothing is on record."));
    let mut session = Session::default();
    session.record(
        "effect",
        "exec.run",
        &json!({"unmapped": {"outcome": "exited"}}),
    );
    session.record(
        "denial",
        "openat",
        &json!({"status_code": "outside-capability"}),
    );
    elements::check(&session.page(Ok(Exposure::default())));
}
