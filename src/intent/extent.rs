//! Finds where a quoted text, a substitution or an expansion ends inside a word.
//!
//! One pass and a stack of what is open, so that time stays linear in the length
//! and depth costs no recursion. Nothing is interpreted here.

/// What stands open while the end is searched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    /// `"`, until the next `"`.
    Quote,
    /// `(`, until `)`.
    Parenthesis,
    /// `{`, until `}`.
    Brace,
}

/// Where the substitution ends whose text begins at `from`, just after `$(`: the index of its `)`.
pub(super) fn parenthesis(text: &str, from: usize) -> Option<usize> {
    closing(text.as_bytes(), from, Open::Parenthesis)
}

/// Where the expansion ends whose text begins at `from`, just after `${`: the index of its `}`.
pub(super) fn brace(text: &str, from: usize) -> Option<usize> {
    closing(text.as_bytes(), from, Open::Brace)
}

/// The index of the next byte that no backslash precedes, at or after `from`.
pub(super) fn unescaped(text: &[u8], from: usize, byte: u8) -> Option<usize> {
    let mut at = from;
    while let Some(found) = text.get(at) {
        match *found {
            b'\\' => at += 2,
            found if found == byte => return Some(at),
            _ => at += 1,
        }
    }
    None
}

fn closing(text: &[u8], from: usize, first: Open) -> Option<usize> {
    let mut open = vec![first];
    let mut marks: Vec<&[u8]> = Vec::new();
    let mut at = from;
    while let Some(innermost) = open.last().copied() {
        let rest = text.get(at..)?;
        let step = match (innermost, rest) {
            (_, [b'\\', ..]) => 2,
            (_, [b'`', ..]) => unescaped(text, at + 1, b'`')? + 1 - at,
            (_, [b'$', b'(', ..]) => enter(&mut open, Open::Parenthesis, 2),
            (_, [b'$', b'{', ..]) => enter(&mut open, Open::Brace, 2),
            (Open::Quote, [b'"', ..])
            | (Open::Parenthesis, [b')', ..])
            | (Open::Brace, [b'}', ..]) => leave(&mut open),
            (Open::Quote, [_, ..]) => 1,
            (_, [b'"', ..]) => enter(&mut open, Open::Quote, 1),
            (_, [b'$', b'\'', ..]) => unescaped(text, at + 2, b'\'')? + 1 - at,
            (_, [b'\'', ..]) => find(text, at + 1, b'\'')? + 1 - at,
            (Open::Parenthesis, [b'(', ..]) => enter(&mut open, Open::Parenthesis, 1),
            (Open::Parenthesis, [b'#', ..]) if begins_comment(text, at) => {
                find(text, at, b'\n')? - at
            }
            (Open::Parenthesis, [b'<', b'<', b'<', ..]) => 3,
            (Open::Parenthesis, [b'<', b'<', after @ ..]) => {
                let start = mark_start(after);
                let mark = end_mark(&after[start..]);
                marks.push(mark);
                2 + start + mark.len()
            }
            (Open::Parenthesis, [b'\n', ..]) => 1 + bodies_length(&rest[1..], &mut marks),
            (_, [_, ..]) => 1,
            (_, []) => return None,
        };
        at += step;
    }
    Some(at - 1)
}

fn enter(open: &mut Vec<Open>, what: Open, step: usize) -> usize {
    open.push(what);
    step
}

fn leave(open: &mut Vec<Open>) -> usize {
    open.pop();
    1
}

fn find(text: &[u8], from: usize, byte: u8) -> Option<usize> {
    let rest = text.get(from..)?;
    Some(from + rest.iter().position(|found| *found == byte)?)
}

fn begins_comment(text: &[u8], at: usize) -> bool {
    at.checked_sub(1)
        .and_then(|before| text.get(before))
        .is_none_or(|before| matches!(before, b' ' | b'\t' | b'\n' | b';' | b'(' | b'&' | b'|'))
}

/// Where the end mark begins after `<<`.
fn mark_start(after: &[u8]) -> usize {
    after
        .iter()
        .position(|byte| !matches!(byte, b'-' | b' ' | b'\t'))
        .unwrap_or(after.len())
}

/// The end mark of a here-document, with its quotes; empty where there is none.
fn end_mark(mark: &[u8]) -> &[u8] {
    let length = mark
        .iter()
        .position(|byte| {
            matches!(
                byte,
                b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b')' | b'>'
            )
        })
        .unwrap_or(mark.len());
    &mark[..length]
}

/// How many bytes the bodies take that belong to the end marks, which are then done with.
fn bodies_length(rest: &[u8], marks: &mut Vec<&[u8]>) -> usize {
    let mut length = 0;
    for mark in marks.drain(..) {
        // A shift (`1<<2`) looks like a here-document without an end: there is no body to skip.
        length += body_length(&rest[length..], mark).unwrap_or(0);
    }
    length
}

fn body_length(rest: &[u8], mark: &[u8]) -> Option<usize> {
    let plain: Vec<u8> = mark
        .iter()
        .copied()
        .filter(|byte| !matches!(byte, b'\'' | b'"' | b'\\'))
        .collect();
    let mut length = 0;
    for line in rest.split_inclusive(|byte| *byte == b'\n') {
        length += line.len();
        if line.trim_ascii() == plain {
            return Some(length);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{brace, parenthesis};

    #[test]
    fn the_matching_end_is_found() {
        for inside in [
            "cat x",
            "cat \")\" ')' \\)",
            "echo $(a \"$(b)\") ${c}",
            "cat <<'EOF'\nit's ) here\nEOF\n",
            "a # it's a comment)\n",
            "echo $((1<<2)) $'\\')'",
            "echo `echo ')'`",
        ] {
            let text = format!("$({inside}) rest)");
            assert_eq!(parenthesis(&text, 2), Some(2 + inside.len()), "{inside}");
        }
        assert_eq!(brace("${a:-\"}\"}}", 2), Some(8));
    }

    #[test]
    fn what_does_not_end_has_no_end() {
        for text in ["$(a", "$(a '", "$(a `", "$(a \\", "$(a \"$(b)", "$(#"] {
            assert_eq!(parenthesis(text, 2), None, "{text}");
        }
    }
}
