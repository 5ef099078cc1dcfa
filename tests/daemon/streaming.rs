//! Commands that tell as they go, and commands that are cancelled, through the daemon.

use serde_json::json;

use super::world::{World, code, lasting, mark, wait_for, wait_for_end};

#[test]
fn a_command_tells_as_it_goes_under_the_id_of_the_caller() {
    let world = World::new();
    let daemon = world.serve(&[]);
    let mut client = daemon.client();
    let token = client.token(&world);
    client.send(json!({
        "id": "s", "op": "exec.run", "shell": "echo one; while ! test -e go; do sleep 0.05; done",
        "stream": true, "token": token
    }));
    let event = client.receive();
    assert_eq!(
        event,
        json!({ "id": "s", "event": "output", "stream": "stdout", "text": "one\n" })
    );
    std::fs::write(world.path("work/go"), "").unwrap();
    let reply = client.receive();
    assert_eq!(
        (&reply["id"], &reply["status"]),
        (&json!("s"), &json!("ok"))
    );
}

#[test]
fn a_command_can_be_cancelled_by_its_id() {
    let world = World::new();
    let daemon = world.serve(&[]);
    let (mut client, mut other) = (daemon.client(), daemon.client());
    let (token, foreign) = (client.token(&world), client.token(&world));
    let mark = mark();
    let run = json!({ "id": 7, "op": "exec.run", "shell": lasting(&mark), "token": token });
    client.send(run.clone());
    wait_for(&mark);
    assert_eq!(code(&client.ask(run)), "bad-request");
    let cancel = |request, token: &str| json!({ "id": "c", "op": "cancel", "request": request, "token": token });
    let not = json!({ "id": "c", "status": "ok", "result": { "cancelled": false } });
    assert_eq!(client.ask(cancel(json!("7"), &token)), not);
    assert_eq!(client.ask(cancel(json!(7), &foreign)), not);
    // Ids are a connection's own.
    assert_eq!(other.ask(cancel(json!(7), &token)), not);
    let mut unknown = cancel(json!(7), &token);
    unknown["force"] = json!(true);
    assert_eq!(code(&client.ask(unknown)), "bad-request");
    client.send(cancel(json!(7), &token));
    let replies = [client.receive(), client.receive()];
    let of = |id| replies.iter().find(|reply| reply["id"] == id).unwrap();
    assert_eq!(of(json!("c"))["result"]["cancelled"], true);
    assert_eq!(of(json!(7))["status"], "failed");
    assert_eq!(of(json!(7))["result"]["cancelled"], true);
    wait_for_end(&mark);
}
