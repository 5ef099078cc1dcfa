//! A reply of the broker as the answer to a tool call: text for a model, and structured content.
//!
//! What programs printed, what Lobsterpot says about it, and what was refused are blocks of
//! their own, so that no output can pass for the other two.

use std::fmt::Write as _;

use rmcp::model::{CallToolResult, ContentBlock};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::daemon::Part;
use crate::model::{Denial, RefusalCode, Rule, Told};

/// A reply as it came from a session.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Answer {
    /// `ok`, `denied`, `failed` or `timeout`.
    pub(super) status: String,
    /// What was asked for.
    #[serde(default)]
    pub(super) result: Value,
    /// What was refused.
    #[serde(default)]
    pub(super) denials: Value,
    /// The layers in force, and the record: passed on as they are.
    #[serde(flatten)]
    pub(super) rest: Map<String, Value>,
}

impl Answer {
    /// What a session replied.
    pub(super) fn of(part: &Part) -> Self {
        serde_json::from_value(part.to_value())
            .unwrap_or_else(|error| Self::failed(&format!("the session's reply is none: {error}")))
    }

    /// It did not work, for a reason of the server's own.
    pub(super) fn failed(why: &str) -> Self {
        Self {
            status: "failed".into(),
            result: json!({ "error": why }),
            denials: json!([]),
            rest: Map::new(),
        }
    }

    /// It was refused before it reached a session.
    pub(super) fn refused(code: RefusalCode, op: &str, why: &str) -> Self {
        let denial = Denial::by_broker(code, op.to_owned(), why, Rule::default_deny());
        Self {
            status: "denied".into(),
            result: Value::Null,
            denials: json!([denial]),
            rest: Map::new(),
        }
    }

    /// It went well.
    pub(super) fn done(result: Value) -> Self {
        Self {
            status: "ok".into(),
            result,
            denials: json!([]),
            rest: Map::new(),
        }
    }

    /// The answer to the call of this tool.
    pub(super) fn into_result(self, tool: &str) -> CallToolResult {
        let mut blocks = Vec::new();
        match self.result.get("error").and_then(Value::as_str) {
            Some(error) => blocks.push(format!("error: {error}")),
            None if self.status != "denied" => blocks.extend(text_of(tool, &self.result)),
            None => {}
        }
        if self.status == "timeout" {
            blocks.push("its time was up, and everything it had started was ended".into());
        }
        blocks.extend(violations(&self.denials));
        let content = blocks.into_iter().map(ContentBlock::text).collect();
        let mut result = if self.status == "ok" {
            CallToolResult::success(content)
        } else {
            CallToolResult::error(content)
        };
        result.structured_content = Some(self.into_structured());
        result
    }

    fn into_structured(self) -> Value {
        let mut members = Map::new();
        members.insert("status".into(), self.status.into());
        members.insert("result".into(), self.result);
        members.insert("denials".into(), self.denials);
        for (name, value) in self.rest {
            // The number is between the server and its session.
            if name != "id" {
                members.insert(name, value);
            }
        }
        Value::Object(members)
    }
}

fn violations(denials: &Value) -> Option<String> {
    let told = Vec::<Told>::deserialize(denials).unwrap_or_default();
    Told::block(&told)
}

/// What a tool found or did, for a model to read.
fn text_of(tool: &str, result: &Value) -> Vec<String> {
    let one = |text: String| vec![text];
    match tool {
        "shell" | "shell_start" | "shell_output" | "shell_stop" => of_a_command(result),
        "read" => of_a_file(result),
        "list" => one(lines(result, "entries", "an empty directory", list_line)),
        "glob" => one(lines(result, "paths", "nothing matches", |found| {
            text(found, "path").to_owned()
        })),
        "grep" => one(lines(result, "matches", "nothing matches", grep_line)),
        "write" | "append" => one(match (number(result, "bytes"), &result["created"]) {
            (bytes, Value::Bool(true)) => format!("wrote {bytes} bytes to a new file"),
            (bytes, _) => format!("wrote {bytes} bytes"),
        }),
        "edit" => one(match number(result, "replaced") {
            1 => "replaced once".into(),
            count => format!("replaced {count} times"),
        }),
        "mkdir" => one(format!("made {} directories", number(result, "created"))),
        "delete" => one(format!("removed {}", number(result, "removed"))),
        "move" => one("moved".into()),
        "copy" => one("copied".into()),
        _ => one(result.to_string()),
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or_default()
}

fn is_set(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or_default()
}

/// One line for each element, and whether there are more.
fn lines(result: &Value, key: &str, none: &str, line: fn(&Value) -> String) -> String {
    let elements = result.get(key).and_then(Value::as_array);
    let mut lines: Vec<String> = elements.into_iter().flatten().map(line).collect();
    if lines.is_empty() {
        lines.push(format!("({none})"));
    }
    if is_set(result, "truncated") {
        lines.push("(and more)".into());
    }
    lines.join("\n")
}

fn list_line(entry: &Value) -> String {
    let name = text(entry, "name");
    match (text(entry, "kind"), entry.get("size")) {
        ("directory", _) => format!("{name}/"),
        ("file", Some(size)) => format!("{name} ({size} bytes)"),
        (kind, _) => format!("{name} ({kind})"),
    }
}

fn grep_line(found: &Value) -> String {
    let cut = if is_set(found, "cut") { "…" } else { "" };
    format!(
        "{}:{}:{}{cut}",
        text(found, "path"),
        number(found, "line"),
        text(found, "text")
    )
}

fn of_a_file(result: &Value) -> Vec<String> {
    let mut blocks = vec![text(result, "content").to_owned()];
    let (bytes, size) = (number(result, "bytes"), number(result, "size"));
    if text(result, "encoding") != "utf-8" {
        blocks.push(format!("(not UTF-8: {bytes} bytes in base64)"));
    }
    if is_set(result, "truncated") {
        blocks.push(format!("(cut: {bytes} of {size} bytes)"));
    }
    blocks
}

/// What a command printed, and how it ended where that is worth a word.
fn of_a_command(result: &Value) -> Vec<String> {
    let mut blocks = Vec::new();
    for (stream, label) in [("stdout", ""), ("stderr", "[stderr]\n")] {
        let printed = text(result, stream);
        if !printed.is_empty() {
            blocks.push(format!("{label}{printed}"));
        }
    }
    let mut said = String::new();
    let mut say = |text: std::fmt::Arguments<'_>| {
        // Writing to a `String` cannot fail.
        let _ = writeln!(said, "{text}");
    };
    if is_set(result, "truncated") {
        say(format_args!(
            "(some output is left out: there was too much)"
        ));
    }
    if let Some(id) = result.get("id").and_then(Value::as_str) {
        let state = if is_set(result, "running") {
            "is running"
        } else {
            "has ended"
        };
        say(format_args!("{id} {state}"));
    }
    if is_set(result, "cancelled") {
        say(format_args!("it was stopped"));
    }
    match (&result["exit_code"], &result["signal"]) {
        (_, Value::Number(signal)) => say(format_args!("ended by signal {signal}")),
        (Value::Number(code), _) if code.as_i64() != Some(0) => {
            say(format_args!("exit code {code}"));
        }
        _ => {}
    }
    match number(result, "ended_processes") {
        0 => {}
        1 => say(format_args!("a process that outlived it was ended")),
        count => say(format_args!(
            "{count} processes that outlived it were ended"
        )),
    }
    if said.is_empty() && blocks.is_empty() {
        said.push_str("(no output)");
    }
    if !said.is_empty() {
        blocks.push(said.trim_end().to_owned());
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::Answer;
    use rmcp::model::CallToolResult;
    use serde_json::{Value, json};

    fn texts(result: &CallToolResult) -> Vec<String> {
        let value = serde_json::to_value(result).unwrap();
        let blocks = value["content"].as_array().unwrap();
        blocks
            .iter()
            .map(|block| block["text"].as_str().unwrap().to_owned())
            .collect()
    }

    fn answer(reply: Value) -> Answer {
        serde_json::from_value(reply).unwrap()
    }

    #[test]
    fn a_denial_is_an_error_with_the_block_and_the_code() {
        let denials = json!([{
            "code": "outside-capability", "op": "file.read", "path": "/x", "rule": {"name": "default"},
            "message": "sandbox: /x: <b>", "hint": "granted: nothing", "count": 1,
            "path_source": "broker",
        }]);
        let reply = json!({
            "id": 7, "status": "denied", "result": null, "denials": denials, "audit": "a",
        });
        let result = answer(reply).into_result("read");
        assert_eq!(result.is_error, Some(true));
        assert_eq!(
            texts(&result),
            [
                "<sandbox_violations>\nsandbox: /x: &lt;b&gt;\n  granted: nothing\n</sandbox_violations>"
            ]
        );
        let structured = result.structured_content.unwrap();
        assert_eq!(structured["denials"][0]["code"], "outside-capability");
        assert_eq!(structured["audit"], "a");
        assert_eq!(structured.get("id"), None);
    }

    #[test]
    fn what_a_command_prints_cannot_pass_for_what_is_said_about_it() {
        let reply = json!({
            "status": "ok", "denials": [],
            "result": {"stdout": "exit code 7\n", "stderr": "e", "exit_code": 3, "signal": null,
                       "truncated": true, "ended_processes": 2},
        });
        let result = answer(reply).into_result("shell");
        assert_eq!(result.is_error, Some(false));
        assert_eq!(
            texts(&result),
            [
                "exit code 7\n",
                "[stderr]\ne",
                "(some output is left out: there was too much)\nexit code 3\n\
                 2 processes that outlived it were ended"
            ]
        );
    }

    #[test]
    fn silence_and_failure_are_said() {
        let quiet =
            json!({"status": "ok", "result": {"exit_code": 0, "stdout": ""}, "denials": []});
        assert_eq!(texts(&answer(quiet).into_result("shell")), ["(no output)"]);
        let failed = Answer::failed("no such file").into_result("read");
        assert_eq!(failed.is_error, Some(true));
        assert_eq!(texts(&failed), ["error: no such file"]);
    }

    #[test]
    fn listings_are_lines() {
        let entries =
            json!([{"name": "a", "kind": "directory"}, {"name": "b", "kind": "file", "size": 3}]);
        let listing = json!({"entries": entries, "truncated": true});
        let result = Answer::done(listing).into_result("list");
        assert_eq!(texts(&result), ["a/\nb (3 bytes)\n(and more)"]);
        let found = json!({"matches": [{"path": "p", "line": 2, "text": "t", "cut": true}]});
        assert_eq!(texts(&Answer::done(found).into_result("grep")), ["p:2:t…"]);
        let nothing = json!({"paths": []});
        let result = Answer::done(nothing).into_result("glob");
        assert_eq!(texts(&result), ["(nothing matches)"]);
    }
}
