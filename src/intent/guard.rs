//! Parses a shell line, after making sure that parsing it is safe.
//!
//! The grammar recurses and backtracks, its tokenizer unwraps in a few places and
//! loops forever in another, and a release build aborts on a panic: a hostile line
//! could exhaust the stack, the memory or the time, or end the broker. So every line passes the checks here first, and one
//! that does not pass is not read. That costs a courtesy, never safety, because the
//! kernel enforces. Nothing else may call the parser.

use brush_parser::ast::Program;
use brush_parser::{ParserOptions, Token, TokenizerOptions, parse_tokens, uncached_tokenize_str};

/// The longest line that is read, in bytes.
pub(super) const LONGEST_LINE: usize = 64 * 1024;

/// The most `$(`, `${` and `$[` in a line: each can be one level of recursion in the
/// tokenizer (measured: 13 KiB of stack in a debug build, 1.3 KiB in a release build).
const MOST_EXPANSIONS: usize = 64;

/// The most words and operators in a line that can open a level of the grammar
/// (measured: 19 KiB of stack in a debug build, 6 KiB in a release build).
const MOST_OPENINGS: usize = 48;

/// The most here-documents; they wait in a list that is drained from its front.
const MOST_HERE_DOCUMENTS: usize = 512;

/// The most bytes of end marks that the tokenizer may unquote: it does so for every line of a body.
const MOST_UNQUOTING: usize = 8 << 20;

/// The most steps that backtracking may cost; at most about 80 ms in a release build.
const MOST_BACKTRACKING: u64 = 1 << 18;

/// Parses a line, or gives up on one that is malformed, too large or too deep.
pub(super) fn parse(line: &str) -> Option<Program> {
    if line.len() > LONGEST_LINE || !can_be_tokenized(line) {
        return None;
    }
    let tokens = match padding(line) {
        0 => uncached_tokenize_str(line, &TokenizerOptions::default()),
        lines => {
            let padded = format!("{line}{}", "\n".repeat(lines));
            uncached_tokenize_str(&padded, &TokenizerOptions::default())
        }
    }
    .ok()?;
    if !can_be_parsed(&tokens) {
        return None;
    }
    parse_tokens(&tokens, &ParserOptions::default()).ok()
}

fn can_be_tokenized(line: &str) -> bool {
    let here_documents = line.matches("<<").count();
    let unquoting = || longest_end_mark(line)?.checked_mul(count_byte(line, b'\n'));
    count_expansions(line) <= MOST_EXPANSIONS
        && here_documents <= MOST_HERE_DOCUMENTS
        && (here_documents == 0 || unquoting().is_some_and(|bytes| bytes <= MOST_UNQUOTING))
}

fn count_expansions(line: &str) -> usize {
    line.as_bytes()
        .windows(2)
        .filter(|pair| matches!(pair, [b'$', b'(' | b'{' | b'[']))
        .count()
}

fn count_byte(line: &str, byte: u8) -> usize {
    line.bytes().filter(|found| *found == byte).count()
}

/// How many newlines to add, so that the tokenizer never reads past the end.
///
/// When a here-document starts inside a substitution, its tokens come out of a queue
/// later, and for each that had been ended by a closing character the tokenizer
/// takes one more character without looking whether there is one.
fn padding(line: &str) -> usize {
    if !line.contains("<<") || count_expansions(line) == 0 {
        return 0;
    }
    let closings = line
        .bytes()
        .filter(|byte| matches!(byte, b')' | b'}' | b']' | b'\n'))
        .count();
    closings + line.matches("<<").count() + 1
}

/// A bound on the length of the longest end mark of a here-document, in bytes; `None`
/// when one may be empty, at which the tokenizer goes on forever.
fn longest_end_mark(line: &str) -> Option<usize> {
    line.match_indices("<<")
        .map(|(at, _)| end_mark_length(&line.as_bytes()[at + 2..]))
        .try_fold(0, |longest, length| Some(longest.max(length?)))
}

/// The length of an end mark with its quotes; `None` when nothing may be left without them.
fn end_mark_length(after: &[u8]) -> Option<usize> {
    let mut rest = after;
    while let Some(less) = rest.strip_prefix(b"<") {
        rest = less;
    }
    rest = rest.strip_prefix(b"-").unwrap_or(rest);
    // Inside a substitution, a second blank would be taken for the mark.
    rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let mut quote = None;
    let mut escaped = false;
    let mut holds_something = false;
    for (length, byte) in rest.iter().enumerate() {
        match (quote, byte) {
            (_, b' ' | b'\t' | b'\n') if escaped && !holds_something => return None,
            _ if escaped => escaped = false,
            // An expansion can hold blanks: take it to reach to the end.
            (None | Some(b'"'), b'$' | b'`') => return Some(rest.len()),
            (None, b'(') => return holds_something.then_some(rest.len()),
            (None | Some(b'"'), b'\\') => escaped = true,
            (None, b'\'' | b'"') => quote = Some(*byte),
            (Some(open), _) if open == *byte => quote = None,
            (None, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b')') => {
                return holds_something.then_some(length);
            }
            _ => {}
        }
        holds_something |= !matches!(byte, b'\'' | b'"' | b'\\' | b' ' | b'\t' | b'\n');
    }
    holds_something.then_some(rest.len())
}

fn can_be_parsed(tokens: &[Token]) -> bool {
    let mut openings = 0;
    let mut doublings = Doublings::default();
    let mut subscripts: u64 = 0;
    for (index, token) in tokens.iter().enumerate() {
        let next = tokens.get(index + 1);
        match token {
            Token::Operator(operator, _) => {
                doublings.operator(operator);
                if operator == "(" && next.is_none_or(|next| next.to_str() != ")") {
                    openings += 1;
                }
            }
            Token::Word(word, _) => {
                doublings.word(word);
                openings += usize::from(opens_a_level(word));
                subscripts = subscripts.saturating_add(subscript_cost(word));
                if is_unreadable_descriptor(word, next) {
                    return false;
                }
            }
        }
    }
    openings <= MOST_OPENINGS
        && doublings.steps(tokens.len()) <= MOST_BACKTRACKING
        && subscripts <= MOST_BACKTRACKING
}

fn opens_a_level(word: &str) -> bool {
    matches!(
        word,
        "{" | "!" | "if" | "while" | "until" | "for" | "case" | "select" | "[[" | "coproc"
    )
}

/// What makes the grammar read the same tokens twice, once for each level.
#[derive(Default)]
struct Doublings {
    depth: u32,
    deepest: u32,
    cases: u32,
}

impl Doublings {
    fn operator(&mut self, operator: &str) {
        match operator {
            "(" => {
                self.depth += 1;
                self.deepest = self.deepest.max(self.depth);
            }
            // Also ends a pattern of `case`; where parentheses double, it always closes.
            ")" => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    fn word(&mut self, word: &str) {
        self.cases += u32::from(word == "case");
    }

    fn steps(&self, tokens: usize) -> u64 {
        let tokens = u64::try_from(tokens).unwrap_or(u64::MAX);
        let factor = 1_u64.checked_shl(self.deepest + self.cases);
        tokens.saturating_mul(factor.unwrap_or(u64::MAX))
    }
}

/// What a word that looks like `name[…]` costs: the grammar tries each of some
/// twenty forms of `${…}` anew for each level of subscripts inside it.
fn subscript_cost(word: &str) -> u64 {
    let Some((name, subscript)) = word.split_once('[') else {
        return 0;
    };
    let is_name = name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric());
    if name.is_empty() || !is_name {
        return 0;
    }
    // A tilde with a number beyond 64 bits makes the parser panic.
    if subscript.contains('~') {
        return u64::MAX;
    }
    let levels = subscript
        .bytes()
        .filter(|byte| matches!(byte, b'[' | b'(' | b'{' | b'`' | b'"'))
        .count();
    64_u64.saturating_mul(16_u64.saturating_pow(u32::try_from(levels).unwrap_or(u32::MAX)))
}

/// A number before a redirection that is no descriptor: the parser panics on one it cannot hold.
fn is_unreadable_descriptor(word: &str, next: Option<&Token>) -> bool {
    matches!(next, Some(Token::Operator(operator, _)) if operator.starts_with(['<', '>']))
        && word.bytes().all(|byte| byte.is_ascii_digit())
        && word.parse::<i32>().is_err()
}

#[cfg(test)]
mod tests {
    use super::{end_mark_length, parse};

    #[test]
    fn an_ordinary_line_is_parsed() {
        assert!(parse("cd src && ls -la | head -n 5 > out.txt").is_some());
        assert!(parse("x[$i]=3; echo ${a[1]} $((2*(3+4)))").is_some());
        assert!(parse("git commit -m \"$(cat <<'EOF'\nit's done\nEOF\n)\"").is_some());
    }

    #[test]
    fn what_is_malformed_is_not_read() {
        for line in ["echo 'a", "( ls", "if true", "cat <<EOF\nno end", "a &&& b"] {
            assert!(parse(line).is_none(), "{line}");
        }
    }

    #[test]
    fn what_the_parser_would_panic_on_is_not_read() {
        assert!(parse("echo 99999999999>x").is_none());
        assert!(parse("x[~99999999999999999999]=1").is_none());
    }

    #[test]
    fn what_the_tokenizer_would_never_end_on_is_not_read() {
        for line in [
            "<<'' ~ ",
            "<<\"\"''",
            "<<\\\n''",
            "$(<<  x",
            "$(<< \nx",
            "a <<- ''<<E",
            "<<''( ",
        ] {
            assert!(parse(line).is_none(), "{line}");
        }
    }

    #[test]
    fn what_nests_too_deep_is_not_read() {
        for opening in ["(", "( ", "{ ", "if ", "coproc ", "$(", "${", "[[ ! "] {
            assert!(parse(&opening.repeat(500)).is_none(), "{opening}");
        }
        let case = format!("{}x{}", "case x in a) ".repeat(30), "; esac".repeat(30));
        assert!(parse(&case).is_none());
        let subscripts = format!("x{}1{}=", "[${a".repeat(9), "}]".repeat(9));
        assert!(parse(&subscripts).is_none());
    }

    #[test]
    fn an_end_mark_is_measured_with_its_quotes() {
        assert_eq!(end_mark_length(b"EOF\nx"), Some(3));
        assert_eq!(end_mark_length(b"- 'E O'F;"), Some(6));
        assert_eq!(end_mark_length(b"$(x)\n"), Some(5));
    }
}
