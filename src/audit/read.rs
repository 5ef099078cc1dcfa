//! Reading a log without holding it in memory: forwards and backwards.
//!
//! A reader looks at what is there when it is opened, and leaves out what is appended later.
//! Lines are given as they are; whether they are to be believed is the verifier's question.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::AuditError;
use super::files::{LOG, LONGEST_RECORD, read_error, sealed};
use super::head::{self, HEAD, Head};
use super::lock::{Lock, Purpose};
use crate::sys::private::{Access, FileState, PrivateDirectory, PrivateError, state_of_open};

/// How much is read at once.
const CHUNK: usize = 256 << 10;

/// The files of a log, oldest first, as they are at one moment.
#[derive(Debug, Default)]
pub struct LogReader {
    files: Vec<LogFile>,
    head: Option<Head>,
}

#[derive(Debug, Clone)]
pub(super) struct LogFile {
    pub(super) path: PathBuf,
    pub(super) file: Arc<File>,
    pub(super) state: FileState,
}

/// A line of the log, and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// The line without its line break.
    pub bytes: &'a [u8],
    /// Whether a line break ended it; not so for a torn or an overlong line.
    pub ended: bool,
    /// The file.
    pub path: &'a Path,
    /// Its first byte in the file.
    pub offset: u64,
}

/// What is done with each line; says whether to go on.
pub type Visit<'a> = dyn FnMut(Line<'_>) -> Result<ControlFlow<()>, AuditError> + 'a;

impl LogReader {
    /// Opens the log in the directory. A log that does not exist is an empty one.
    ///
    /// # Errors
    /// When the log is not private to this user, or cannot be read.
    pub fn open(directory: &Path) -> Result<Self, AuditError> {
        Ok(Self::open_with(directory, |_| Ok(()))?.0)
    }

    /// Opens the log, and whatever else belongs to it at the same moment.
    pub(super) fn open_with<T: Default>(
        directory: &Path,
        beside: impl Fn(&PrivateDirectory) -> Result<T, AuditError>,
    ) -> Result<(Self, T), AuditError> {
        let Some(directory) = existing(PrivateDirectory::open(directory))? else {
            return Ok((Self::default(), T::default()));
        };
        loop {
            let current = open_current(&directory)?;
            // Nobody appends while lengths and head are looked at, so that they belong together.
            let lock = current
                .as_ref()
                .map(|current| Lock::take(&current.file, Purpose::Look, &current.path))
                .transpose()?;
            let now = directory.state_of(LOG)?;
            let is_current =
                |current: &LogFile| now.is_some_and(|now| now.is_same_file(&current.state));
            if current.as_ref().is_some_and(|current| !is_current(current)) {
                continue; // another process began a new file meanwhile
            }
            let mut files = Vec::new();
            for name in sealed(&directory)? {
                let file = directory.open_file(&name, Access::Read)?;
                files.push(LogFile::new(directory.path_of(&name), file)?);
            }
            if let Some(LogFile { path, file, .. }) = current {
                files.push(LogFile {
                    state: state_of(&path, &file)?,
                    path,
                    file,
                });
            }
            let head = read_head(&directory)?;
            let more = beside(&directory)?;
            drop(lock);
            return Ok((Self { files, head }, more));
        }
    }

    /// Whether there is nothing in the log.
    pub fn is_empty(&self) -> bool {
        self.files.iter().all(|file| file.state.length == 0)
    }

    /// How many files there are.
    pub fn file_count(&self) -> usize {
        self.files.len()
    }

    /// How many bytes there are.
    pub fn length(&self) -> u64 {
        self.files.iter().map(|file| file.state.length).sum()
    }

    /// The newest file.
    pub(super) fn newest(&self) -> Option<&LogFile> {
        self.files.last()
    }

    /// What the head says of the last record.
    pub(super) fn head(&self) -> Option<Head> {
        self.head
    }

    /// Visits every line from the first on, until `visit` says to stop.
    ///
    /// # Errors
    /// When a file cannot be read, or as `visit` does.
    pub fn forward(&self, visit: &mut Visit<'_>) -> Result<(), AuditError> {
        for file in &self.files {
            if file.forward(0, visit)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Visits every line from the last on, until `visit` says to stop.
    ///
    /// # Errors
    /// When a file cannot be read, or as `visit` does.
    pub fn backward(&self, visit: &mut Visit<'_>) -> Result<(), AuditError> {
        for file in self.files.iter().rev() {
            if file.backward(visit)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl LogFile {
    pub(super) fn new(path: PathBuf, file: File) -> Result<Self, AuditError> {
        let state = state_of(&path, &file)?;
        let file = Arc::new(file);
        Ok(Self { path, file, state })
    }

    /// Visits the lines from this byte on.
    pub(super) fn forward(
        &self,
        from: u64,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, AuditError> {
        let fail = |source| read_error(&self.path, source);
        let mut file = self.file.as_ref();
        file.seek(SeekFrom::Start(from)).map_err(fail)?;
        let mut reader = BufReader::with_capacity(CHUNK, file.take(self.state.length - from));
        let mut line = Vec::new();
        let mut offset = from;
        loop {
            line.clear();
            let most = LONGEST_RECORD as u64;
            let count = reader
                .by_ref()
                .take(most)
                .read_until(b'\n', &mut line)
                .map_err(fail)?;
            if count == 0 {
                return Ok(ControlFlow::Continue(()));
            }
            let ended = line.pop_if(|last| *last == b'\n').is_some();
            let bytes = line.as_slice();
            if visit(Line {
                bytes,
                ended,
                path: &self.path,
                offset,
            })?
            .is_break()
            {
                return Ok(ControlFlow::Break(()));
            }
            offset += count as u64;
        }
    }

    fn backward(&self, visit: &mut Visit<'_>) -> Result<ControlFlow<()>, AuditError> {
        let mut end = self.state.length;
        // The part of a line that has been read, whose beginning has not.
        let mut tail: Vec<u8> = Vec::new();
        while end > 0 {
            let size = usize::try_from(end).map_or(CHUNK, |end| end.min(CHUNK));
            let start = end - size as u64;
            let mut bytes = vec![0; size];
            self.file
                .read_exact_at(&mut bytes, start)
                .map_err(|source| read_error(&self.path, source))?;
            bytes.append(&mut tail);
            let mut rest = bytes.as_slice();
            while let Some((line, before)) = self.last_line(rest, start) {
                if visit(line)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                rest = before;
            }
            tail = rest.to_vec();
            if tail.len() > LONGEST_RECORD {
                tail.clear(); // no record; what is before it will be no record either
            }
            end = start;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The last line of the bytes, and what is before it; none where its beginning is not known.
    fn last_line<'a>(&'a self, bytes: &'a [u8], start: u64) -> Option<(Line<'a>, &'a [u8])> {
        let (body, ended) = match bytes.strip_suffix(b"\n") {
            Some(body) => (body, true),
            None => (bytes, false),
        };
        let at = match body.iter().rposition(|byte| *byte == b'\n') {
            Some(line_break) => line_break + 1,
            None if start == 0 && !bytes.is_empty() => 0,
            None => return None,
        };
        let offset = start + at as u64;
        let line = Line {
            bytes: &body[at..],
            ended,
            path: &self.path,
            offset,
        };
        Some((line, &bytes[..at]))
    }
}

/// Opens the file that is appended to.
pub(super) fn open_current(directory: &PrivateDirectory) -> Result<Option<LogFile>, AuditError> {
    existing(directory.open_file(LOG, Access::Read))?
        .map(|file| LogFile::new(directory.path_of(LOG), file))
        .transpose()
}

fn read_head(directory: &PrivateDirectory) -> Result<Option<Head>, AuditError> {
    let Some(file) = existing(directory.open_file(HEAD, Access::Read))? else {
        return Ok(None);
    };
    head::read(&file).map_err(|source| read_error(&directory.path_of(HEAD), source))
}

/// The state of an open file of the log.
pub(super) fn state_of(path: &Path, file: &File) -> Result<FileState, AuditError> {
    state_of_open(file).map_err(|source| read_error(path, source))
}

/// None for what is not there.
pub(super) fn existing<T>(result: Result<T, PrivateError>) -> Result<Option<T>, AuditError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(PrivateError::Failed { source, .. })
            if source.kind() == std::io::ErrorKind::NotFound =>
        {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
