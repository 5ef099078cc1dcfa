//! `docs/daemon.md`: its examples are said to a real daemon, and answered as it says.

use std::collections::BTreeMap;

use serde_json::Value;

use super::world::World;

/// What stands in the examples for the reader's own workspace.
const ROOT: &str = "/home/me/project";

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/daemon.md");
    std::fs::read_to_string(path).unwrap()
}

/// Whether a value is as documented: `…` stands for anything, a text in capitals for what is
/// the same wherever it stands, and members that are not named may be there.
fn fits(documented: &Value, found: &Value, names: &mut BTreeMap<String, String>) -> bool {
    match (documented, found) {
        (Value::String(text), _) if text == "…" => true,
        (Value::String(name), Value::String(value)) if is_name(name) => {
            names.entry(name.clone()).or_insert_with(|| value.clone()) == value
        }
        (Value::Object(documented), Value::Object(found)) => {
            documented.iter().all(|(key, value)| {
                found
                    .get(key)
                    .is_some_and(|found| fits(value, found, names))
            })
        }
        (Value::Array(documented), Value::Array(found)) => {
            documented.len() == found.len()
                && documented
                    .iter()
                    .zip(found)
                    .all(|(one, other)| fits(one, other, names))
        }
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        _ => documented == found,
    }
}

fn is_name(text: &str) -> bool {
    text.ends_with("-TOKEN")
}

#[test]
fn the_examples_are_answered_as_documented() {
    let page = page();
    let world = World::new();
    let daemon = world.serve(&[]);
    let mut client = daemon.client();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let (mut asked, mut told) = (0, 0);
    for line in page.lines() {
        if let Some(request) = line.strip_prefix("> ") {
            let mut request = request.replace(ROOT, &world.text("work"));
            for (name, value) in &names {
                request = request.replace(name, value);
            }
            client.send(
                serde_json::from_str(&request).unwrap_or_else(|error| panic!("{error}: {line}")),
            );
            asked += 1;
        } else if let Some(reply) = line.strip_prefix("< ") {
            let reply = reply.replace(ROOT, &world.text("work"));
            let documented: Value =
                serde_json::from_str(&reply).unwrap_or_else(|error| panic!("{error}: {line}"));
            let found = client.receive();
            assert!(fits(&documented, &found, &mut names), "{line}\n{found}");
            told += 1;
        }
    }
    assert!(
        asked > 8 && told >= asked,
        "{asked} requests, {told} answers"
    );
}

#[test]
fn the_schema_knows_every_request() {
    let world = World::new();
    let printed = world.run(&["serve", "--schema"]);
    let schema: Value = serde_json::from_slice(&printed.stdout).unwrap();
    let text = schema.to_string();
    for op in [
        "session.open",
        "session.narrow",
        "session.list",
        "session.close",
        "cancel",
        "exec.run",
        "file.read",
    ] {
        assert!(text.contains(&format!("\"{op}\"")), "{op}");
        assert!(page().contains(op), "{op}");
    }
    // Each reference leads somewhere.
    let references = text.split("\"$ref\":\"#/$defs/").skip(1);
    for reference in references {
        let name = reference.split('"').next().unwrap();
        assert!(schema["$defs"][name].is_object(), "{name}");
    }
}
