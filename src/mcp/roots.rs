//! The directories that a client names as its own: they only ever narrow a session.
//!
//! A client's word is taken for what it does not want, never for what it may have. What it names
//! and cannot be understood, or is not there, gives nothing.

use crate::broker::Terms;
use crate::model::HostPath;

/// The most roots that are looked at.
const MOST: usize = 64;

/// The directories that the client's roots stand for; links resolved, as those of the session's
/// root are.
pub(super) fn directories<'a>(
    uris: impl IntoIterator<Item = &'a str>,
    terms: &Terms,
) -> Vec<HostPath> {
    let named = uris.into_iter().take(MOST).filter_map(path_of);
    named
        .filter_map(|path| terms.operator.root(Some(path.as_path())).ok())
        .collect()
}

/// What lies in a directory of both lists.
pub(super) fn both(ones: &[HostPath], others: &[HostPath]) -> Vec<HostPath> {
    let mut found: Vec<HostPath> = Vec::new();
    for one in ones {
        for other in others {
            let deeper = if one.beneath(other).is_some() {
                one
            } else if other.beneath(one).is_some() {
                other
            } else {
                continue;
            };
            if !found.contains(deeper) {
                found.push(deeper.clone());
            }
        }
    }
    found
}

/// The path of a `file://` URI on this machine.
fn path_of(uri: &str) -> Option<HostPath> {
    let (scheme, rest) = uri.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("file") || rest.contains(['?', '#']) {
        return None;
    }
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    let path = String::from_utf8(decoded(path)?).ok()?;
    HostPath::absolute(path).ok()
}

/// The bytes that percent-encoded text stands for.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        decoded.push(u8::try_from(high * 16 + low).ok()?);
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::{both, path_of};
    use crate::model::HostPath;

    fn at(path: &str) -> HostPath {
        HostPath::absolute(path).unwrap()
    }

    #[test]
    fn a_root_is_a_file_uri_of_this_machine() {
        for (uri, path) in [
            ("file:///home/u/p", "/home/u/p"),
            ("file://localhost/home/u", "/home/u"),
            ("FILE:///a%20b/%C3%A4", "/a b/ä"),
            ("file:///a/../b/", "/b"),
        ] {
            assert_eq!(path_of(uri), Some(at(path)), "{uri}");
        }
        for uri in [
            "",
            "/home",
            "http:///home",
            "file://",
            "file://host/home",
            "file:home",
            "file:///%",
            "file:///%zz",
            "file:///%00",
            "file:///%ff",
            "file:///a?b",
            "file:///a#b",
        ] {
            assert_eq!(path_of(uri), None, "{uri}");
        }
    }

    #[test]
    fn what_both_have_is_the_deeper_of_each_pair() {
        let list = |paths: &[&str]| paths.iter().map(|path| at(path)).collect::<Vec<_>>();
        let found = both(&list(&["/a", "/b/c"]), &list(&["/a/x", "/b", "/d", "/a"]));
        assert_eq!(found, list(&["/a/x", "/a", "/b/c"]));
        assert_eq!(both(&list(&["/a"]), &[]), []);
        assert_eq!(both(&list(&["/a"]), &list(&["/ab"])), []);
    }
}
