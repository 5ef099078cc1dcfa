//! The JSON Schema of the protocol, made from the types that read it.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, json_schema};
use serde_json::{Map, Value, json};

use super::protocol::{Close, Given, List, Listed, Narrow, Open};
use crate::model::{
    ExecRun, FileAppend, FileCopy, FileDelete, FileEdit, FileGlob, FileGrep, FileList, FileMkdir,
    FileMove, FileRead, FileStat, FileWrite, Incoming,
};

/// The schema of a request: a definition for each operation, and for the results of those about
/// sessions.
pub fn schema() -> Value {
    let mut requests = Requests {
        generator: SchemaSettings::draft2020_12().into_generator(),
        found: Map::new(),
    };
    requests.add::<Open>("session.open", Token::None);
    requests.add::<Narrow>("session.narrow", Token::Own);
    requests.add::<List>("session.list", Token::None);
    requests.add::<Close>("session.close", Token::Own);
    requests.add::<CancelMembers>(Incoming::CANCEL, Token::OfSession);
    requests.add_files();
    requests.add::<ExecRun>("exec.run", Token::OfSession);
    requests.finish()
}

/// The members of `cancel`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, inline)]
#[allow(dead_code, reason = "the schema is made from it")]
struct CancelMembers {
    /// The id of the command's request, as it was sent on this connection.
    request: Value,
}

/// Whether a request has a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    /// It needs none.
    None,
    /// Its own type has it.
    Own,
    /// The session's, beside the members of the request.
    OfSession,
}

struct Requests {
    generator: SchemaGenerator,
    found: Map<String, Value>,
}

impl Requests {
    fn add_files(&mut self) {
        self.add::<FileRead>("file.read", Token::OfSession);
        self.add::<FileWrite>("file.write", Token::OfSession);
        self.add::<FileAppend>("file.append", Token::OfSession);
        self.add::<FileEdit>("file.edit", Token::OfSession);
        self.add::<FileList>("file.list", Token::OfSession);
        self.add::<FileStat>("file.stat", Token::OfSession);
        self.add::<FileGlob>("file.glob", Token::OfSession);
        self.add::<FileGrep>("file.grep", Token::OfSession);
        self.add::<FileMkdir>("file.mkdir", Token::OfSession);
        self.add::<FileMove>("file.move", Token::OfSession);
        self.add::<FileCopy>("file.copy", Token::OfSession);
        self.add::<FileDelete>("file.delete", Token::OfSession);
    }

    /// A request: what its type says, and the members that each has.
    fn add<T: JsonSchema>(&mut self, op: &str, token: Token) {
        let mut schema = T::json_schema(&mut self.generator).to_value();
        let id = json!({
            "description": "Given back in the reply as it came.",
            "type": ["string", "number"],
        });
        let mut more = vec![("id", id), ("op", json!({ "const": op }))];
        if token == Token::OfSession {
            more.push(("token", json!({ "type": "string" })));
        }
        for (name, value) in more {
            schema["properties"][name] = value;
            match schema["required"].as_array_mut() {
                Some(required) => required.push(name.into()),
                None => schema["required"] = json!([name]),
            }
        }
        self.found.insert(op.to_owned(), schema);
    }

    fn finish(mut self) -> Value {
        let given = self.generator.subschema_for::<Given>();
        let listed = self.generator.subschema_for::<Listed>();
        let list = json_schema!({
            "type": "object",
            "properties": { "sessions": { "type": "array", "items": listed } },
            "required": ["sessions"],
        });
        let mut definitions = self.generator.take_definitions(true);
        let any: Vec<_> = self.found.keys().map(reference).collect();
        definitions.extend(self.found);
        definitions.insert("session.open result".into(), given.clone().into());
        definitions.insert("session.narrow result".into(), given.into());
        definitions.insert("session.list result".into(), list.into());
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "A request to lobsterpot serve",
            "anyOf": any,
            "$defs": definitions,
        })
    }
}

fn reference(name: &String) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

#[cfg(test)]
mod tests {
    use super::schema;
    use crate::daemon::protocol::Control;
    use crate::model::Operation;

    #[test]
    fn each_operation_has_its_request_and_no_other_members() {
        let schema = schema();
        for op in Operation::NAMES.iter().chain(&Control::NAMES) {
            let request = &schema["$defs"][op];
            assert_eq!(request["properties"]["op"]["const"], *op);
            assert_eq!(request["additionalProperties"], false, "{op}");
            let required = request["required"].as_array().unwrap();
            assert!(required.contains(&"id".into()), "{op}");
        }
        assert_eq!(schema["$defs"]["cancel"]["additionalProperties"], false);
    }
}
