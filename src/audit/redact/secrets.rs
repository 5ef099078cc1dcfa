//! Finds secrets in running text: known tokens, `key=value`, headers, passwords in URLs,
//! private keys.

use std::ops::Range;

use super::keys::{Key, key};
use super::tokens;

/// Where the secrets stand, in no particular order; they may overlap.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut spans = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let found = match bytes[at] {
            b'=' | b':' => url_password(text, at)
                .or_else(|| bot_token(text, at))
                .or_else(|| assigned(text, at)),
            b'-' if text[at..].starts_with("-----BEGIN ") => private_key(text, at),
            b'B' | b'b' if begins_word(bytes, at) => bearer(text, at),
            _ => None,
        };
        let found = found.or_else(|| {
            begins_word(bytes, at)
                .then(|| tokens::at_start(&text[at..]))
                .flatten()
                .map(|length| at..at + length)
        });
        at = match found {
            Some(span) => {
                let end = span.end.max(at + 1);
                spans.push(span);
                end
            }
            None => at + 1,
        };
    }
    spans
}

/// Whether an ASCII letter stands here that no other letter or digit precedes.
fn begins_word(bytes: &[u8], at: usize) -> bool {
    bytes[at].is_ascii_alphabetic() && (at == 0 || !bytes[at - 1].is_ascii_alphanumeric())
}

/// `scheme://user:password@host`; a long user name alone is a token.
fn url_password(text: &str, colon: usize) -> Option<Range<usize>> {
    let start = colon + 3;
    let rest = text[colon..].strip_prefix("://")?;
    let authority = rest
        .find(|c: char| c.is_whitespace() || "/?#\"'<>`".contains(c))
        .map_or(rest, |end| &rest[..end]);
    let user_info = &authority[..authority.rfind('@')?];
    let (from, value) = match user_info.split_once(':') {
        Some((user, password)) => (start + user.len() + 1, password),
        None if user_info.len() >= 16 && text[..colon].ends_with(['p', 's']) => (start, user_info),
        None => return None,
    };
    (!is_reference(value)).then(|| from..from + value.len())
}

/// The token of a Telegram bot: eight to ten digits, a colon, 35 characters.
fn bot_token(text: &str, colon: usize) -> Option<Range<usize>> {
    let digits = text[..colon]
        .bytes()
        .rev()
        .take_while(u8::is_ascii_digit)
        .count();
    let after = text[colon + 1..]
        .bytes()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        .count();
    ((8..=10).contains(&digits) && (30..=50).contains(&after))
        .then(|| colon - digits..colon + 1 + after)
}

/// `key=value`, `key: value`, `"key": "value"`, and headers.
fn assigned(text: &str, sign: usize) -> Option<Range<usize>> {
    let name = name_before(&text[..sign]);
    let is_header = text.as_bytes()[sign] == b':';
    if is_header && let Some(span) = header(text, name, sign + 1) {
        return Some(span);
    }
    let kind = key(name);
    if kind == Key::Ordinary {
        return None;
    }
    let (range, quoted) = value_after(text, sign + 1)?;
    let value = &text[range.clone()];
    let is_plain =
        is_reference(value) || matches!(value, "true" | "false" | "yes" | "no" | "null" | "none");
    let is_count = value.len() <= 5 && value.bytes().all(|byte| byte.is_ascii_digit());
    let tells = match (kind, quoted) {
        (Key::Signature, _) => tokens::is_opaque(value, 20),
        // In prose a colon is only a colon: "fix the token: handle empty input".
        (_, Quoted::No) if is_header => tokens::is_opaque(value, 8),
        _ => true,
    };
    (tells && !is_plain && !is_count).then_some(range)
}

/// The name that ends where the text ends, without quotes and spaces around it.
fn name_before(text: &str) -> &str {
    let text = text
        .trim_end_matches(' ')
        .trim_end_matches(['"', '\'', '\\']);
    let start = text
        .rfind(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c)))
        .map_or(0, |at| {
            at + text[at..].chars().next().map_or(1, char::len_utf8)
        });
    &text[start..]
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoted {
    Yes,
    No,
}

/// The value that begins here, after spaces and an opening quote.
fn value_after(text: &str, from: usize) -> Option<(Range<usize>, Quoted)> {
    let spaces = text[from..].len() - text[from..].trim_start_matches(' ').len();
    let start = from + spaces;
    for quote in ["\\\"", "\"", "'"] {
        if let Some(rest) = text[start..].strip_prefix(quote) {
            let start = start + quote.len();
            let length = rest.find(quote).unwrap_or(rest.len());
            return (length > 0).then_some((start..start + length, Quoted::Yes));
        }
    }
    // After `key= value` the value belongs to something else, as in a shell.
    if spaces > 0 && text.as_bytes()[from - 1] == b'=' && !text[..from - 1].ends_with(' ') {
        return None;
    }
    let rest = &text[start..];
    let length = rest
        .find(|c: char| c.is_whitespace() || "&;\"'|)<>`,}]\\".contains(c))
        .unwrap_or(rest.len());
    (length > 0).then_some((start..start + length, Quoted::No))
}

/// The value of a header that is a secret as a whole.
fn header(text: &str, name: &str, from: usize) -> Option<Range<usize>> {
    let name = name.to_ascii_lowercase();
    let rest = &text[from..];
    let length = rest
        .find(['"', '\'', '\n', '\r', '\\'])
        .unwrap_or(rest.len());
    let value = rest[..length].trim_start_matches(' ');
    let start = from + length - value.len();
    let whole = start..start + value.len();
    let kept = match name.as_str() {
        "authorization" | "proxy-authorization" => return authorization(value, whole),
        "cookie" | "set-cookie" if value.contains('=') => 0,
        name if name.starts_with("x-") && key(name) == Key::Secret => 0,
        _ => return None,
    };
    (!is_reference(value)).then(|| whole.start + kept..whole.end)
}

fn authorization(value: &str, whole: Range<usize>) -> Option<Range<usize>> {
    let (scheme, credentials) = value.split_once(' ').unwrap_or((value, ""));
    let known = [
        "bearer",
        "basic",
        "token",
        "digest",
        "apikey",
        "negotiate",
        "aws4-hmac-sha256",
    ];
    if known.contains(&scheme.to_ascii_lowercase().as_str()) {
        let credentials = credentials.trim_start();
        let tells = !credentials.is_empty() && !is_reference(credentials);
        return tells.then(|| whole.end - credentials.len()..whole.end);
    }
    tokens::is_opaque(scheme, 8).then_some(whole)
}

/// `Bearer` and a token, without the header's name.
fn bearer(text: &str, at: usize) -> Option<Range<usize>> {
    let rest = text
        .get(at..at + 7)
        .filter(|word| word.eq_ignore_ascii_case("bearer "))?;
    let start = at + rest.len();
    let length = text[start..]
        .bytes()
        .take_while(|byte| {
            tokens::is_token_byte(*byte) || matches!(byte, b'+' | b'/' | b'=' | b'~')
        })
        .count();
    tokens::is_opaque(&text[start..start + length], 16).then(|| start..start + length)
}

/// A private key in PEM, to its end or the end of the text.
fn private_key(text: &str, at: usize) -> Option<Range<usize>> {
    let rest = &text[at..];
    let title = rest["-----BEGIN ".len()..].split("-----").next()?;
    if !title.ends_with("PRIVATE KEY") && !title.ends_with("PRIVATE KEY BLOCK") {
        return None;
    }
    let end = rest.find("-----END ").map_or(rest.len(), |end| {
        let after = end + "-----END ".len();
        rest[after..]
            .find("-----")
            .map_or(rest.len(), |dashes| after + dashes + 5)
    });
    Some(at..at + end)
}

/// Whether a value only stands for a secret: `$TOKEN`, `$(cat f)`, `{{ token }}`, `xxxx`, a
/// pattern.
pub(super) fn is_reference(value: &str) -> bool {
    value.is_empty()
        || value.starts_with(['$', '`', '<', '%'])
        || value.starts_with("{{")
        || value.starts_with(".*")
        || value.bytes().all(|byte| b"*.xX/".contains(&byte))
}
