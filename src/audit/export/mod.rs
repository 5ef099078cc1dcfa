//! Records in the words of other systems: OCSF as they are, ECS, CEF, the journal's export
//! format, and the JSON form of OTLP logs.
//!
//! One record at a time; nothing is held but a batch of bounded size. What could deceive the
//! reader of a terminal is escaped, in JSON as `\uXXXX`; the journal's format alone is made of
//! bytes as they are, and names their length.

mod cef;
mod ecs;
mod event;
mod journald;
mod otlp;

use std::io::{self, Write};

use event::Event;

/// The words of which system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The Open Cybersecurity Schema Framework, 1.8: the records as they are in the log.
    Ocsf,
    /// The Elastic Common Schema, 9.
    Ecs,
    /// The Common Event Format, 0.
    Cef,
    /// The journal export format of systemd.
    Journald,
    /// The JSON form of the OpenTelemetry protocol, logs.
    Otlp,
}

impl Format {
    /// Every format, as it is written on a command line.
    pub const ALL: [(&'static str, Self); 5] = [
        ("ocsf", Self::Ocsf),
        ("ecs", Self::Ecs),
        ("cef", Self::Cef),
        ("journald", Self::Journald),
        ("otlp", Self::Otlp),
    ];
}

/// Writes records in one format.
pub struct Exporter {
    format: Format,
    batch: otlp::Batch,
    bytes: Vec<u8>,
}

impl Exporter {
    /// An exporter that has written nothing yet.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            batch: otlp::Batch::default(),
            bytes: Vec::new(),
        }
    }

    /// Writes one record, a line of the log without its line break, or keeps it for a batch.
    /// A line that is no record is passed over.
    ///
    /// # Errors
    /// When `out` does not take it.
    pub fn record(&mut self, line: &[u8], out: &mut dyn Write) -> io::Result<()> {
        self.bytes.clear();
        if self.format == Format::Ocsf {
            self.bytes.extend_from_slice(line);
            self.bytes.push(b'\n');
            return out.write_all(&self.bytes);
        }
        let Some(event) = Event::of(line) else {
            return Ok(());
        };
        match self.format {
            Format::Ocsf => {}
            Format::Ecs => ecs::write(&event, &mut self.bytes)?,
            Format::Cef => cef::write(&event, &mut self.bytes),
            Format::Journald => journald::write(&event, line, &mut self.bytes),
            Format::Otlp => self.batch.add(&event, &mut self.bytes)?,
        }
        out.write_all(&self.bytes)
    }

    /// Writes what was kept for a batch.
    ///
    /// # Errors
    /// When `out` does not take it.
    pub fn flush(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.bytes.clear();
        self.batch.end(&mut self.bytes)?;
        out.write_all(&self.bytes)?;
        out.flush()
    }
}
