//! Reading the kernel's audit records about Landlock.
//!
//! Pure. What a command chose (paths, names) stands in quotes or in hexadecimal digits, so it
//! cannot make a field. A record that is not as it should be is none: it is never guessed at.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use super::mark::Mark;
use crate::sys::audit::{CALL, LANDLOCK_ACCESS, LANDLOCK_DOMAIN, RawRecord};

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    /// Something was denied.
    Access(Access),
    /// A domain whose first denial this is, and the name of whoever entered it.
    Domain { domain: u64, mark: Option<Mark> },
    /// A domain that is no more, and how many denials there were in it.
    Gone { domain: u64, denials: u64 },
    /// The system call of an event.
    Call(Call),
}

/// Something that was denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Access {
    /// What records of one system call have in common, where the host has audit rules.
    pub serial: u64,
    pub domain: u64,
    /// The rights that were missing, `fs.write_file,fs.truncate`.
    pub blockers: String,
    pub object: Object,
}

/// What a denied access was to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Object {
    /// A file, or the directory in which something would have been made or removed.
    Path(PathBuf),
    /// An address: of a peer, or to listen on.
    Address(String),
    /// A process of this number, which the host gave it.
    Process(u32),
    /// The kernel does not say.
    Unknown,
}

/// The system call of an event, on hosts with audit rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub serial: u64,
    pub number: u32,
    pub pid: u32,
    pub program: Option<PathBuf>,
}

impl Record {
    /// Reads a record; none where it is of no use here.
    pub(super) fn read(raw: &RawRecord) -> Option<Self> {
        let (serial, fields) = event(&raw.text)?;
        match raw.kind {
            LANDLOCK_ACCESS => read_access(serial, &fields).map(Self::Access),
            LANDLOCK_DOMAIN => read_domain(&fields),
            CALL => read_call(serial, &fields).map(Self::Call),
            _ => None,
        }
    }
}

fn read_access(serial: u64, fields: &Fields<'_>) -> Option<Access> {
    Some(Access {
        serial,
        domain: fields.hexadecimal("domain")?,
        blockers: fields.word("blockers")?.to_owned(),
        object: read_object(fields),
    })
}

fn read_domain(fields: &Fields<'_>) -> Option<Record> {
    let domain = fields.hexadecimal("domain")?;
    match fields.word("status")? {
        "allocated" => Some(Record::Domain {
            domain,
            mark: fields.text("comm").and_then(|name| Mark::read(&name)),
        }),
        "deallocated" => Some(Record::Gone {
            domain,
            denials: fields.word("denials")?.parse().ok()?,
        }),
        _ => None,
    }
}

fn read_call(serial: u64, fields: &Fields<'_>) -> Option<Call> {
    Some(Call {
        serial,
        number: fields.number("syscall")?,
        pid: fields.number("pid")?,
        program: fields.text("exe").map(path),
    })
}

fn read_object(fields: &Fields<'_>) -> Object {
    if let Some(bytes) = fields.text("path") {
        // The name of an abstract socket begins with a zero.
        return match bytes.strip_prefix(b"\0") {
            Some(name) => Object::Address(format!("@{}", String::from_utf8_lossy(name))),
            None => Object::Path(path(bytes)),
        };
    }
    let address = |host: &str, port: &str| {
        let port = fields.number(port)?;
        Some(match fields.word(host) {
            Some(host) if host.contains(':') => format!("[{host}]:{port}"),
            Some(host) => format!("{host}:{port}"),
            None => format!("port {port}"),
        })
    };
    if let Some(address) = address("daddr", "dest").or_else(|| address("saddr", "src")) {
        return Object::Address(address);
    }
    match fields.number("opid") {
        Some(pid) => Object::Process(pid),
        None => Object::Unknown,
    }
}

fn path(bytes: Vec<u8>) -> PathBuf {
    OsString::from_vec(bytes).into()
}

/// `audit(1732186800.349:44): domain=195ba459b …`
fn event(text: &[u8]) -> Option<(u64, Fields<'_>)> {
    let rest = text.strip_prefix(b"audit(")?;
    let end = rest.iter().position(|byte| *byte == b')')?;
    let (stamp, rest) = rest.split_at(end);
    let (_, serial) = std::str::from_utf8(stamp).ok()?.split_once(':')?;
    Some((serial.parse().ok()?, Fields(rest.strip_prefix(b"):")?)))
}

/// `key=value …`
struct Fields<'a>(&'a [u8]);

/// A value, as it is written.
#[derive(Clone, Copy)]
enum Value<'a> {
    /// In quotes: as it is. The kernel writes whatever holds a quote in digits.
    Quoted(&'a [u8]),
    /// Up to a blank.
    Bare(&'a [u8]),
}

impl<'a> Fields<'a> {
    fn value(&self, wanted: &str) -> Option<Value<'a>> {
        let mut rest = self.0;
        loop {
            rest = rest.trim_ascii_start();
            let equals = rest.iter().position(|byte| *byte == b'=')?;
            let (key, value) = (&rest[..equals], &rest[equals + 1..]);
            // Where a word without a value stands before it, the key is the last one.
            let key = key.rsplit(|byte| *byte == b' ').next()?;
            let value = if let Some(quoted) = value.strip_prefix(b"\"") {
                let end = quoted.iter().position(|byte| *byte == b'"')?;
                rest = &quoted[end + 1..];
                Value::Quoted(&quoted[..end])
            } else {
                let end = value.iter().position(|byte| *byte == b' ');
                let (value, after) = value.split_at(end.unwrap_or(value.len()));
                rest = after;
                Value::Bare(value)
            };
            if key == wanted.as_bytes() {
                return Some(value);
            }
        }
    }

    /// What the kernel itself wrote.
    fn word(&self, key: &str) -> Option<&'a str> {
        match self.value(key)? {
            Value::Bare(word) if !word.is_empty() => std::str::from_utf8(word).ok(),
            _ => None,
        }
    }

    fn number(&self, key: &str) -> Option<u32> {
        self.word(key)?.parse().ok()
    }

    fn hexadecimal(&self, key: &str) -> Option<u64> {
        u64::from_str_radix(self.word(key)?, 16).ok()
    }

    /// What somebody else chose: in quotes, or in hexadecimal digits.
    fn text(&self, key: &str) -> Option<Vec<u8>> {
        match self.value(key)? {
            Value::Quoted(bytes) => Some(bytes.to_vec()),
            Value::Bare(digits) => decode(digits),
        }
    }
}

fn decode(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    };
    let is_some = !digits.is_empty();
    is_some
        .then(|| digits.chunks(2).map(byte).collect())
        .flatten()
}

#[cfg(test)]
mod tests;
