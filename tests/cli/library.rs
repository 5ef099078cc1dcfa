//! The library, as a program that holds sessions itself uses it.

use std::collections::BTreeMap;
use std::ffi::OsString;

use lobsterpot::ambient::{Operator, Start};
use lobsterpot::{Broker, Choice, NoSession, Reply, Request, Status};

use super::world::World;

fn broker(world: &World) -> Broker {
    let variable = |name: &str, place: &str| (OsString::from(name), world.path(place).into());
    let environment: BTreeMap<OsString, OsString> = [
        variable("HOME", "home"),
        variable("XDG_CONFIG_HOME", "home/.config"),
        variable("XDG_STATE_HOME", "home/.local/state"),
        ("PATH".into(), "/usr/bin:/bin".into()),
    ]
    .into();
    let operator = Operator::from_start(Start {
        environment,
        uid: nix::unistd::geteuid().as_raw(),
        database_home: None,
        cwd: world.path("work"),
        system: world.path("home/system"),
    });
    Broker::of(operator.unwrap())
}

fn ask(session: &mut lobsterpot::Session, line: &str) -> Reply {
    session.handle(&Request::parse(line).unwrap())
}

#[test]
fn a_session_does_what_its_choice_lets_it() {
    let world = World::new();
    let broker = broker(&world);
    let mut session = broker.open(&Choice::default().read_only()).unwrap();
    let read = ask(
        &mut session,
        r#"{"id":1,"op":"file.read","path":"notes.txt"}"#,
    );
    assert_eq!(read.status, Status::Ok, "{read:?}");
    assert_eq!(read.result["content"], "buy milk\n");
    let write = r#"{"id":2,"op":"file.write","path":"notes.txt","content":"x"}"#;
    let refused = ask(&mut session, write);
    assert_eq!(refused.status, Status::Denied, "{refused:?}");
    assert_eq!(world.read("work/notes.txt"), "buy milk\n");
    session.close();
    let mut session = broker.open(&Choice::default()).unwrap();
    assert_eq!(ask(&mut session, write).status, Status::Ok);
    session.close();
    assert_eq!(world.read("work/notes.txt"), "x");
    let ops = world.records();
    assert!(
        ops.iter()
            .any(|record| record["unmapped"]["op"] == "file.write")
    );
}

/// The tests are threads, and forking a launcher from one of several is what must not happen.
#[test]
fn a_process_with_several_threads_gets_no_sandbox() {
    let world = World::new();
    let mut session = broker(&world).open(&Choice::default()).unwrap();
    let run = ask(
        &mut session,
        r#"{"id":1,"op":"exec.run","shell":"touch made"}"#,
    );
    assert_eq!(run.status, Status::Denied, "{run:?}");
    assert_eq!(run.denials[0].code.as_str(), "sandbox-unavailable");
    assert!(!world.path("work/made").exists());
    session.close();
}

#[test]
fn what_cannot_be_chosen_is_said() {
    let world = World::new();
    let broker = broker(&world);
    let open = |choice: Choice| broker.open(&choice).unwrap_err();
    let wrong = open(Choice::default().policy("no-such"));
    assert!(matches!(wrong, NoSession::Policy(_)), "{wrong:?}");
    let wrong = open(Choice::default().root(world.path("nowhere")));
    assert!(matches!(wrong, NoSession::Root(_)), "{wrong:?}");
    let nobody = Choice::default().principal("+15555550199");
    let mut session = broker.open(&nobody);
    let refused = match &mut session {
        Ok(session) => ask(session, r#"{"id":1,"op":"file.read","path":"notes.txt"}"#).status,
        Err(_) => Status::Denied,
    };
    assert_eq!(refused, Status::Denied);
}
