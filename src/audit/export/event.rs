//! A record as the exporters read it: by the names that it has in the log.

use serde_json::Value;

/// One record.
pub(super) struct Event(Value);

/// What a record is about, in OCSF's classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    File,
    Process,
    Network,
    Api,
}

impl Event {
    /// Reads a line; none where it is no record.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(line).ok()?;
        value.get("class_uid")?.as_u64()?;
        Some(Self(value))
    }

    /// The text at a JSON pointer; none where there is none, or an empty one.
    pub(super) fn text(&self, pointer: &str) -> Option<&str> {
        let text = self.0.pointer(pointer)?.as_str()?;
        Some(text).filter(|text| !text.is_empty())
    }

    /// The number at a JSON pointer.
    pub(super) fn number(&self, pointer: &str) -> Option<i64> {
        self.0.pointer(pointer)?.as_i64()
    }

    /// Milliseconds since 1970.
    pub(super) fn time(&self) -> i64 {
        self.number("/time").unwrap_or(0)
    }

    pub(super) fn class(&self) -> Class {
        match self.number("/class_uid") {
            Some(1001) => Class::File,
            Some(1007) => Class::Process,
            Some(4001) => Class::Network,
            _ => Class::Api,
        }
    }

    pub(super) fn activity(&self) -> i64 {
        self.number("/activity_id").unwrap_or(0)
    }

    /// OCSF's severity: 1 informational, 2 low, 3 medium, 4 high.
    pub(super) fn severity(&self) -> i64 {
        self.number("/severity_id").unwrap_or(1)
    }

    pub(super) fn is_denied(&self) -> bool {
        self.number("/action_id") == Some(2)
    }

    /// `success`, `failure` or `unknown`: the words of ECS, which the others share.
    pub(super) fn outcome(&self) -> &'static str {
        match self.number("/status_id") {
            Some(1) => "success",
            Some(2) => "failure",
            _ => "unknown",
        }
    }

    pub(super) fn op(&self) -> &str {
        self.text("/unmapped/op").unwrap_or("unknown")
    }

    pub(super) fn phase(&self) -> &str {
        self.text("/unmapped/phase").unwrap_or("unknown")
    }

    pub(super) fn message(&self) -> &str {
        self.text("/message").unwrap_or("")
    }

    pub(super) fn version(&self) -> &str {
        self.text("/metadata/product/version").unwrap_or("0")
    }

    pub(super) fn host(&self) -> &str {
        self.text("/device/hostname").unwrap_or("")
    }

    /// The path that was refused, or that it is about.
    pub(super) fn path(&self) -> Option<&str> {
        self.text("/file/path")
    }

    /// The command line: of the process that was refused, or of the command.
    pub(super) fn command_line(&self) -> Option<&str> {
        self.text("/actor/process/cmd_line")
            .or_else(|| self.text("/process/cmd_line"))
    }

    /// The program's name, in the same order.
    pub(super) fn program(&self) -> Option<&str> {
        self.text("/actor/process/name")
            .or_else(|| self.text("/process/name"))
    }
}

/// The directory of a path.
pub(super) fn directory(path: &str) -> Option<&str> {
    match path.rfind('/')? {
        0 => Some("/"),
        at => Some(&path[..at]),
    }
}
