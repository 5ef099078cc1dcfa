//! Messages that are too long to be taken: what kind each was, and under which id.
//!
//! Such a message is never kept. Its bytes are looked at as they pass, and of all of them only
//! the names of the outermost members are remembered, and the id, which clients of today write
//! last. Nothing is concluded from it but who is to be told that the message was not taken.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use rmcp::model::RequestId;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::mpsc::UnboundedSender;

/// The longest message, with the end of its line.
pub(super) const LONGEST: usize = 16 << 20;

/// The longest name or id that is looked at.
const LONGEST_WORD: usize = 1024;

/// A message that was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Overlong {
    /// It wants an answer. Without an id it was no message at all, or had none that can be told.
    Request(Option<RequestId>),
    /// It answers this.
    Response(RequestId),
    /// Nobody waits for anything.
    Notice,
}

/// A stream of lines that counts what is read from it, and tells of lines that are too long.
pub(super) struct Watched<R> {
    stream: R,
    taken: Arc<AtomicU64>,
    told: UnboundedSender<Overlong>,
    line: Line,
}

impl<R> Watched<R> {
    /// Counts in `taken`, and tells `told`. Whoever reads reads no line that is told of.
    pub(super) fn new(stream: R, taken: Arc<AtomicU64>, told: UnboundedSender<Overlong>) -> Self {
        Self {
            stream,
            taken,
            told,
            line: Line::default(),
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Watched<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        let read = &buffer.filled()[before..];
        self.taken.fetch_add(read.len() as u64, Ordering::Relaxed);
        for part in read.split_inclusive(|byte| *byte == b'\n') {
            self.line.pass(part);
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                if line.length > LONGEST {
                    // Without anyone to tell, nobody is served any more.
                    let _ = self.told.send(line.seen());
                }
            }
        }
        polled
    }
}

/// What is remembered of a line while it passes.
#[derive(Debug, Default)]
struct Line {
    length: usize,
    /// How many objects and arrays are open.
    depth: usize,
    string: Str,
    /// The last word between the outermost brackets: a name, or the beginning of a value.
    word: Vec<u8>,
    /// The name whose value comes.
    name: Name,
    id: Option<Vec<u8>>,
    named: Named,
    is_no_object: bool,
}

/// Which members there are.
#[derive(Debug, Default)]
struct Named {
    id: bool,
    method: bool,
    answer: bool,
}

/// Where in a string the last byte was.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Str {
    #[default]
    Outside,
    Inside,
    Escape,
}

/// A member that tells messages apart.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Name {
    #[default]
    Other,
    Id,
}

impl Line {
    fn pass(&mut self, part: &[u8]) {
        self.length += part.len();
        let mut rest = part;
        while let Some((byte, after)) = rest.split_first() {
            rest = after;
            match self.string {
                Str::Outside => self.outside(*byte),
                Str::Escape => {
                    self.keep(*byte);
                    self.string = Str::Inside;
                }
                Str::Inside if self.depth != 1 && !b"\"\\".contains(byte) => {
                    // Most of a long message: nothing in it is of interest.
                    let end = rest.iter().position(|byte| b"\"\\".contains(byte));
                    rest = &rest[end.unwrap_or(rest.len())..];
                }
                Str::Inside => {
                    self.keep(*byte);
                    match byte {
                        b'\\' => self.string = Str::Escape,
                        b'"' => self.string = Str::Outside,
                        _ => {}
                    }
                }
            }
        }
    }

    fn outside(&mut self, byte: u8) {
        match byte {
            b'"' => {
                self.string = Str::Inside;
                self.keep(byte);
            }
            b'{' | b'[' => {
                self.is_no_object |= self.depth == 0 && byte == b'[';
                // A value with brackets is no id.
                self.keep(byte);
                self.depth = self.depth.saturating_add(1);
            }
            b'}' | b']' => {
                self.is_no_object |= self.depth == 0;
                if self.depth == 1 {
                    self.end_value();
                }
                self.depth = self.depth.saturating_sub(1);
            }
            b':' if self.depth == 1 => self.end_name(),
            b',' if self.depth == 1 => self.end_value(),
            byte => {
                self.is_no_object |= self.depth == 0 && !byte.is_ascii_whitespace();
                self.keep(byte);
            }
        }
    }

    fn keep(&mut self, byte: u8) {
        if self.depth == 1 && self.word.len() <= LONGEST_WORD {
            self.word.push(byte);
        }
    }

    fn end_name(&mut self) {
        let word = std::mem::take(&mut self.word);
        self.name = Name::Other;
        match serde_json::from_slice::<String>(&word).as_deref() {
            Ok("id") => {
                self.name = Name::Id;
                self.named.id = true;
            }
            Ok("method") => self.named.method = true,
            Ok("result" | "error") => self.named.answer = true,
            _ => {}
        }
    }

    fn end_value(&mut self) {
        let word = std::mem::take(&mut self.word);
        if std::mem::take(&mut self.name) == Name::Id {
            self.id = Some(word);
        }
    }

    /// What it was, once all of it has passed.
    fn seen(self) -> Overlong {
        let is_message = !self.is_no_object && self.depth == 0 && self.string == Str::Outside;
        if !is_message {
            return Overlong::Request(None);
        }
        let word = self.id.filter(|word| word.len() <= LONGEST_WORD);
        let id = word.and_then(|word| serde_json::from_slice(&word).ok());
        match (self.named.method, self.named.answer, id) {
            (true, _, id) if self.named.id => Overlong::Request(id),
            (false, true, Some(id)) => Overlong::Response(id),
            (false, false, _) => Overlong::Request(None),
            _ => Overlong::Notice,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rmcp::model::RequestId;
    use tokio::io::AsyncReadExt as _;

    use super::{LONGEST, LONGEST_WORD, Line, Overlong, Watched};

    fn seen(line: &str) -> Overlong {
        let whole = {
            let mut passed = Line::default();
            passed.pass(line.as_bytes());
            passed.seen()
        };
        // In parts of one byte it is the same.
        let mut passed = Line::default();
        for byte in line.as_bytes() {
            passed.pass(std::slice::from_ref(byte));
        }
        assert_eq!(passed.seen(), whole, "{line}");
        whole
    }

    fn text(id: &str) -> RequestId {
        RequestId::String(id.into())
    }

    #[test]
    fn a_request_is_known_by_its_id_wherever_that_stands() {
        for (line, id) in [
            (
                r#"{"id":7,"method":"m","params":{"id":8}}"#,
                RequestId::Number(7),
            ),
            (
                r#"{"method":"m","params":{"a":[{"id":8}]},"jsonrpc":"2.0","id":-7}"#,
                RequestId::Number(-7),
            ),
            (
                "{ \"method\" : \"m\" , \"id\" : \"a \\\" b\" } \r\n",
                text("a \" b"),
            ),
            (
                r#"{"params":{"a":"\\\"},\"id\":1,{"},"id":"x","method":"m"}"#,
                text("x"),
            ),
            (r#"{"\u0069d":"é","method":"\"id\":1"}"#, text("é")),
            (
                r#"{"a":"id","id":3,"b":[],"method":"m"}"#,
                RequestId::Number(3),
            ),
        ] {
            assert_eq!(seen(line), Overlong::Request(Some(id)), "{line}");
        }
    }

    #[test]
    fn an_id_that_is_none_is_not_given_back() {
        let long = format!(r#"{{"id":"{}","method":"m"}}"#, "x".repeat(LONGEST_WORD));
        for line in [
            r#"{"id":null,"method":"m"}"#,
            r#"{"id":{"id":1},"method":"m"}"#,
            r#"{"id":[1],"method":"m"}"#,
            r#"{"id":1.5,"method":"m"}"#,
            r#"{"id":1 2,"method":"m"}"#,
            r#"{"id":,"method":"m"}"#,
            r#"{"id":1,"method":"m""#,
            r#"{"id":1,"method":"m"}}"#,
            r#"{"id":1,"method":"m"} x"#,
            r#"[{"id":1,"method":"m"}]"#,
            r#"x{"id":1,"method":"m"}"#,
            r#""id":1"#,
            r#"{"id":1}"#,
            "xxx",
            &long,
        ] {
            assert_eq!(seen(line), Overlong::Request(None), "{line}");
        }
    }

    #[test]
    fn what_wants_no_answer_is_told_apart() {
        let answer = r#"{"jsonrpc":"2.0","id":4,"result":{"method":"m"}}"#;
        assert_eq!(seen(answer), Overlong::Response(RequestId::Number(4)));
        for line in [
            r#"{"method":"m","params":{"id":1}}"#,
            r#"{"error":{"code":1}}"#,
            r#"{"id":{},"result":{}}"#,
        ] {
            assert_eq!(seen(line), Overlong::Notice, "{line}");
        }
    }

    #[tokio::test]
    async fn a_line_is_too_long_as_it_is_for_whoever_reads() {
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let line = |id: u32, length: usize| {
            let ends = format!(r#"{{"p":"","method":"m","id":{id}}}"#);
            let fill = "x".repeat(length - ends.len() - 1);
            format!("{}{fill}{}\n", &ends[..6], &ends[6..])
        };
        let lines = [line(1, LONGEST), line(2, LONGEST + 1), line(3, 100)].concat();
        let taken = Arc::default();
        let mut watched = Watched::new(lines.as_bytes(), Arc::clone(&taken), told);
        let mut read = Vec::new();
        watched.read_to_end(&mut read).await.unwrap();
        assert_eq!(read.len(), lines.len());
        assert_eq!(taken.load(super::Ordering::Relaxed), lines.len() as u64);
        drop(watched);
        let only = heard.recv().await;
        assert_eq!(only, Some(Overlong::Request(Some(RequestId::Number(2)))));
        assert_eq!(heard.recv().await, None);
    }
}
