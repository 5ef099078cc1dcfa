//! The JSON Schema of the protocol, made from the types that read it.

use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Value, json};

use super::protocol::{Control, Given, Listed};
use crate::model::Operation;

/// The schema: a request of the daemon, and under `$defs` the results of those about sessions.
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let control = generator.subschema_for::<Control>();
    let given = generator.subschema_for::<Given>();
    let listed = generator.subschema_for::<Listed>();
    let mut schema = request(&mut generator, &control);
    schema["$defs"] = Value::Object(generator.take_definitions(true));
    schema["$defs"]["result of session.open and session.narrow"] = given.to_value();
    schema["$defs"]["result of session.list"] = json!({
        "type": "object",
        "properties": { "sessions": { "type": "array", "items": listed } },
        "required": ["sessions"],
    });
    schema
}

fn request(_: &mut SchemaGenerator, control: &Schema) -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A request to lobsterpot serve",
        "type": "object",
        "properties": {
            "id": {
                "description": "Given back in the reply as it came.",
                "type": ["string", "number"],
            },
        },
        "required": ["id", "op"],
        "anyOf": [
            control,
            {
                "description": "A request as for `lobsterpot call`, with the session's token.",
                "properties": {
                    "op": { "enum": Operation::NAMES },
                    "token": { "type": "string" },
                },
                "required": ["token"],
            },
        ],
    })
}
