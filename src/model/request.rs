//! A line of a session: a request, or the wish that a command be ended.
//!
//! Unknown operations and unknown keys are refused, never guessed at.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::operation::Operation;

/// One request: an id that the caller chose, and an operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Given back in the reply as it came: a string or a number.
    pub id: Value,
    /// What is asked for.
    pub operation: Operation,
}

/// Why a line is not a request. Carries the id, where one could be read, for the reply.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct RequestError {
    /// The id that the line had, or null.
    pub id: Value,
    /// What is wrong with it.
    pub message: String,
}

/// A line of a session in which several requests are under way at the same time.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// A request.
    Request(Request),
    /// The wish that a command be ended.
    Cancel(Cancel),
}

/// The wish that a command be ended, with everything that it started.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cancel {
    /// The id of this line.
    #[serde(skip)]
    pub id: Value,
    /// The id of the command's request.
    pub request: Value,
}

impl Incoming {
    /// The operation of [`Cancel`].
    pub const CANCEL: &'static str = "cancel";

    /// Reads a line of JSON.
    ///
    /// # Errors
    /// As for [`Request::parse`].
    pub fn parse(line: &str) -> Result<Self, RequestError> {
        let (id, mut members) = identified(line)?;
        if members.get("op").and_then(Value::as_str) != Some(Self::CANCEL) {
            return Request::of(id, members).map(Self::Request);
        }
        members.shift_remove("op");
        match serde_json::from_value::<Cancel>(Value::Object(members)) {
            Ok(cancel) => Ok(Self::Cancel(Cancel { id, ..cancel })),
            Err(error) => Err(RequestError {
                id,
                message: error.to_string(),
            }),
        }
    }
}

impl Request {
    /// Reads one request from a line of JSON.
    ///
    /// # Errors
    /// When the line is no JSON object, has no id, or names an unknown operation or key.
    pub fn parse(line: &str) -> Result<Self, RequestError> {
        let (id, members) = identified(line)?;
        Self::of(id, members)
    }

    fn of(id: Value, members: Map<String, Value>) -> Result<Self, RequestError> {
        match serde_json::from_value(Value::Object(members)) {
            Ok(operation) => Ok(Self { id, operation }),
            Err(error) => Err(RequestError {
                id,
                message: error.to_string(),
            }),
        }
    }
}

/// The id of a line of JSON, and its other members.
fn identified(line: &str) -> Result<(Value, Map<String, Value>), RequestError> {
    let wrong = |message: String| RequestError {
        id: Value::Null,
        message,
    };
    let value = serde_json::from_str(line);
    let value = value.map_err(|error| wrong(format!("not a line of JSON: {error}")))?;
    let Value::Object(mut members) = value else {
        return Err(wrong("not a JSON object".into()));
    };
    match members.shift_remove("id") {
        Some(id @ (Value::String(_) | Value::Number(_))) => Ok((id, members)),
        Some(_) => Err(wrong("id is neither a string nor a number".into())),
        None => Err(wrong("id is missing".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::{Cancel, Incoming, Request};

    #[test]
    fn a_request_is_read_from_a_line() {
        let request = Request::parse(r#"{"id":"1","op":"file.read","path":"src/a.rs"}"#).unwrap();
        assert_eq!(request.id, "1");
        assert_eq!(request.operation.name(), "file.read");
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_id() {
        let error =
            Request::parse(r#"{"id":7,"op":"file.read","path":"a","follow":true}"#).unwrap_err();
        assert_eq!(error.id, 7);
        assert!(error.message.contains("follow"), "{}", error.message);
    }

    #[test]
    fn the_end_of_a_command_is_asked_for_by_its_id() {
        let read = |line| Incoming::parse(line);
        let cancel = read(r#"{"id":2,"op":"cancel","request":"one"}"#).unwrap();
        let expected = Cancel {
            id: 2.into(),
            request: "one".into(),
        };
        assert_eq!(cancel, Incoming::Cancel(expected));
        for wrong in [
            r#"{"id":2,"op":"cancel"}"#,
            r#"{"id":2,"op":"cancel","request":1,"all":true}"#,
        ] {
            assert_eq!(read(wrong).unwrap_err().id, 2);
        }
        let request = read(r#"{"id":1,"op":"file.stat","path":"a"}"#).unwrap();
        assert!(matches!(request, Incoming::Request(_)));
    }
}
