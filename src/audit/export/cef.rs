//! The Common Event Format, version 0: one line each.
//!
//! In the header `|` and `\` are escaped, in the extension `=` and `\`, and line breaks become
//! `\n` and `\r`. Other characters that could deceive a reader are written as `\u{…}`, whose
//! own backslash is escaped like every other.

use super::event::{Class, Event};
use crate::model::shown;

pub(super) fn write(event: &Event, bytes: &mut Vec<u8>) {
    let mut line = String::from("CEF:0");
    let identity = format!("{}:{}", event.phase(), event.op());
    let name = match (event.is_denied(), event.phase()) {
        (true, _) => format!("{} refused", event.op()),
        (false, "decision") => format!("{} allowed", event.op()),
        (false, "effect") => format!("{} ended", event.op()),
        (false, _) => event.op().to_owned(),
    };
    let severity = severity(event).to_string();
    for field in [
        "Lobsterpot",
        "Lobsterpot",
        event.version(),
        &identity,
        &name,
        &severity,
    ] {
        line.push('|');
        header(field, &mut line);
    }
    line.push('|');
    let mut extension = Extension {
        line: &mut line,
        before: "",
    };
    texts(event, &mut extension);
    numbers(event, &mut extension);
    line.push('\n');
    bytes.extend_from_slice(line.as_bytes());
}

/// From 0 to 10.
fn severity(event: &Event) -> u8 {
    match event.severity() {
        ..=1 => 1,
        2 => 4,
        3 => 6,
        _ => 9,
    }
}

fn texts(event: &Event, extension: &mut Extension<'_>) {
    extension.put("rt", Some(&event.time().to_string()));
    extension.put("dvchost", Some(event.host()));
    extension.put("externalId", event.text("/metadata/uid"));
    extension.put("cat", Some(event.phase()));
    extension.put("act", Some(event.op()));
    extension.put("outcome", Some(event.outcome()));
    extension.put("reason", event.text("/status_code"));
    extension.put("suser", event.text("/actor/user/name"));
    if event.class() == Class::Network {
        extension.put("dhost", event.text("/dst_endpoint/name"));
    }
    // After a rename or copy, filePath is the new one.
    match (event.text("/file_result/path"), event.path()) {
        (Some(new), old) => {
            extension.put("oldFilePath", old);
            extension.put("filePath", Some(new));
            extension.put("fname", event.text("/file_result/name"));
        }
        (None, path) => {
            extension.put("filePath", path);
            extension.put("fname", event.text("/file/name"));
        }
    }
    extension.put("sproc", event.program());
    for (number, label, text) in [
        (1, "session", event.text("/actor/session/uid")),
        (2, "rule", event.text("/policy/data/rule")),
        (3, "policy", event.text("/policy/uid")),
        (4, "commandLine", event.command_line()),
        (5, "tier", event.text("/actor/user/type")),
        (6, "decision", event.text("/metadata/correlation_uid")),
    ] {
        if text.is_some() {
            extension.put(&format!("cs{number}Label"), Some(label));
            extension.put(&format!("cs{number}"), text);
        }
    }
    extension.put("msg", Some(event.message()));
}

fn numbers(event: &Event, extension: &mut Extension<'_>) {
    extension.put_number("cnt", event.number("/count"));
    extension.put_number("spid", event.number("/actor/process/pid"));
    for (number, label, pointer) in [
        (1, "sequence", "/metadata/sequence"),
        (2, "durationMilliseconds", "/duration"),
        (3, "exitCode", "/exit_code"),
    ] {
        if let Some(value) = event.number(pointer) {
            extension.put(&format!("cn{number}Label"), Some(label));
            extension.put_number(&format!("cn{number}"), Some(value));
        }
    }
}

/// The part of a line that is made of keys and values.
struct Extension<'a> {
    line: &'a mut String,
    before: &'static str,
}

impl Extension<'_> {
    fn put(&mut self, key: &str, value: Option<&str>) {
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            return;
        };
        self.line.push_str(self.before);
        self.before = " ";
        self.line.push_str(key);
        self.line.push('=');
        extension(value, self.line);
    }

    fn put_number(&mut self, key: &str, value: Option<i64>) {
        let value = value.map(|value| value.to_string());
        self.put(key, value.as_deref());
    }
}

/// A value of the header, which is one line and has no line breaks at all.
fn header(value: &str, line: &mut String) {
    for character in shown(value).chars() {
        if matches!(character, '|' | '\\') {
            line.push('\\');
        }
        line.push(character);
    }
}

/// A value of the extension.
fn extension(value: &str, line: &mut String) {
    let mut buffer = [0; 4];
    for character in value.chars() {
        match character {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '=' | '\\' => line.extend(['\\', character]),
            _ => {
                let text: &str = character.encode_utf8(&mut buffer);
                let safe = shown(text);
                if safe != text {
                    line.push('\\'); // that of the escape is escaped itself
                }
                line.push_str(&safe);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{extension, header};

    #[test]
    fn each_part_has_its_own_escapes() {
        let with = |part: fn(&str, &mut String), text| {
            let mut line = String::new();
            part(text, &mut line);
            line
        };
        let text = "a|b=c\\d\ne\rf";
        assert_eq!(with(header, text), r"a\|b=c\\d\\u{a}e\\u{d}f");
        assert_eq!(with(extension, text), r"a|b\=c\\d\ne\rf");
        assert_eq!(
            with(extension, "x\u{1b}[2J\u{202e}"),
            r"x\\u{1b}[2J\\u{202e}"
        );
    }
}
