//! The journal export format: for `systemd-journal-remote -o FILE -`.
//!
//! A field that is plain text is `NAME=value`; any other is its name, a line break, its length
//! as 64 bits in little-endian order, the bytes, and a line break. Nothing is escaped, and
//! nothing needs to be. An empty line ends an entry.

use super::event::Event;

pub(super) fn write(event: &Event, line: &[u8], bytes: &mut Vec<u8>) {
    let time = event.time().saturating_mul(1000).to_string();
    let mut entry = Entry(bytes);
    // What is not from a journal has no cursor; its time is still that of the record.
    entry.put("__REALTIME_TIMESTAMP", Some(&time));
    entry.put("MESSAGE", Some(event.message()));
    entry.put("PRIORITY", Some(priority(event)));
    entry.put("SYSLOG_IDENTIFIER", Some("lobsterpot"));
    // Security messages, which not everybody may read.
    entry.put("SYSLOG_FACILITY", Some("10"));
    entry.put("LOBSTERPOT_PHASE", Some(event.phase()));
    entry.put("LOBSTERPOT_OP", Some(event.op()));
    let action = if event.is_denied() {
        "denied"
    } else {
        "allowed"
    };
    entry.put("LOBSTERPOT_ACTION", Some(action));
    entry.put("LOBSTERPOT_STATUS", Some(event.outcome()));
    for (name, pointer) in [
        ("RECORD", "/metadata/uid"),
        ("DECISION", "/metadata/correlation_uid"),
        ("SESSION", "/actor/session/uid"),
        ("PRINCIPAL", "/actor/user/name"),
        ("TIER", "/actor/user/type"),
        ("CODE", "/status_code"),
        ("PATH", "/file/path"),
        ("NEW_PATH", "/file_result/path"),
        ("REFUSED", "/unmapped/refused"),
        ("PEER", "/dst_endpoint/name"),
        ("PATH_SOURCE", "/unmapped/path_source"),
        ("NOISE", "/unmapped/noise"),
        ("FOLDED", "/unmapped/folded"),
        ("RULE", "/policy/data/rule"),
        ("POLICY", "/policy/uid"),
    ] {
        entry.put(&format!("LOBSTERPOT_{name}"), event.text(pointer));
    }
    entry.put("LOBSTERPOT_COMMAND_LINE", event.command_line());
    for (name, pointer) in [
        ("SEQUENCE", "/metadata/sequence"),
        ("COUNT", "/count"),
        ("PID", "/actor/process/pid"),
        ("EXIT_CODE", "/exit_code"),
        ("DURATION_MS", "/duration"),
    ] {
        let number = event.number(pointer).map(|number| number.to_string());
        entry.put(&format!("LOBSTERPOT_{name}"), number.as_deref());
    }
    entry.put_bytes("LOBSTERPOT_RECORD_JSON", line);
    bytes.push(b'\n');
}

/// As in syslog: 3 error, 4 warning, 5 notice, 6 informational.
fn priority(event: &Event) -> &'static str {
    match event.severity() {
        ..=1 => "6",
        2 => "5",
        3 => "4",
        _ => "3",
    }
}

struct Entry<'a>(&'a mut Vec<u8>);

impl Entry<'_> {
    fn put(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.put_bytes(name, value.as_bytes());
        }
    }

    fn put_bytes(&mut self, name: &str, value: &[u8]) {
        let is_plain = std::str::from_utf8(value)
            .is_ok_and(|text| text.chars().all(|one| one == '\t' || !one.is_control()));
        self.0.extend_from_slice(name.as_bytes());
        if is_plain {
            self.0.push(b'=');
        } else {
            self.0.push(b'\n');
            let length = value.len() as u64;
            self.0.extend_from_slice(&length.to_le_bytes());
        }
        self.0.extend_from_slice(value);
        self.0.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::Entry;

    #[test]
    fn what_is_no_plain_text_has_its_length_before_it() {
        let mut bytes = Vec::new();
        let mut entry = Entry(&mut bytes);
        entry.put("A", Some("x=y\tz"));
        entry.put("B", Some("one\nFORGED=1"));
        entry.put("C", None);
        assert_eq!(bytes, b"A=x=y\tz\nB\n\x0c\0\0\0\0\0\0\0one\nFORGED=1\n");
    }
}
