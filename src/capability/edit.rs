//! `file.edit`: an exact text in a file is replaced by another.
//!
//! Bytes are compared with bytes: a file that is not UTF-8 keeps every byte that is not
//! part of the replaced text.

use std::io::{Read as _, Write as _};

use serde::Serialize;

use super::error::{Problem, Refusal};
use super::open::must_be_changeable;
use super::resolve::Last;
use super::store::NEW_FILE;
use super::table::Capabilities;
use super::write::must_fit;
use crate::model::FileEdit;
use crate::policy::{Limits, Permit};

/// The largest file that is edited, in bytes.
const LARGEST: u64 = 64 << 20;

/// What was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct EditResult {
    /// How many times.
    pub replaced: u64,
    /// The bytes of the file afterwards.
    pub bytes: u64,
}

/// Edits a file: at once or not at all. Where somebody else changed the file meanwhile, nothing
/// is replaced.
///
/// # Errors
/// A denial where the path leads to what is not granted, or to a file with further names; a
/// failure where the text does not occur, or occurs more than once without `all`.
pub fn edit(
    capabilities: &Capabilities,
    permit: Permit,
    ask: &FileEdit,
    limits: &Limits,
) -> Result<EditResult, Refusal> {
    let fail = |problem| Refusal::failed(&permit, problem);
    let host = |error| Refusal::host(&permit, error);
    if ask.old_text.is_empty() {
        return Err(fail(Problem::BadArgument("old_text is empty".into())));
    }
    let spot = capabilities.spot(&permit, Last::Follow)?;
    let Some(found) = &spot.found else {
        return Err(fail(Problem::NotFound));
    };
    must_be_changeable(&permit, &found.inode)?;
    let file = capabilities.open_to_read(&permit, found)?;
    let mut old = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut old).map_err(host)?;
    if old.len() as u64 > LARGEST {
        return Err(fail(Problem::TooLarge { limit: LARGEST }));
    }
    let (new, replaced) = replace(&old, ask.old_text.as_bytes(), ask.new_text.as_bytes());
    match replaced {
        0 => return Err(fail(Problem::NoMatch)),
        2.. if !ask.all => return Err(fail(Problem::ManyMatches { count: replaced })),
        _ => {}
    }
    must_fit(&permit, limits, new.len() as u64)?;
    capabilities.store(&permit, &spot, NEW_FILE, |file| {
        file.write_all(&new).map_err(host)?;
        match capabilities.pin_below(&permit, &spot.path) {
            Ok(now) if now.inode.is_as(&found.inode) => Ok(()),
            _ => Err(fail(Problem::Changed)),
        }
    })?;
    Ok(EditResult {
        replaced,
        bytes: new.len() as u64,
    })
}

/// The bytes with every occurrence replaced, and how many there are, from the left, without overlap.
fn replace(bytes: &[u8], old: &[u8], new: &[u8]) -> (Vec<u8>, u64) {
    // Byte for byte as characters, so that the search of `str`, which takes linear time whatever
    // the texts are, serves for bytes.
    let characters = |bytes: &[u8]| -> String { bytes.iter().copied().map(char::from).collect() };
    let (text, old) = (characters(bytes), characters(old));
    let mut result = Vec::with_capacity(bytes.len());
    let mut count = 0;
    for part in text.split(&old) {
        if count > 0 {
            result.extend_from_slice(new);
        }
        result.extend(part.chars().map(|character| character as u8));
        count += 1;
    }
    (result, count - 1)
}

#[cfg(test)]
mod tests {
    use super::replace;

    #[test]
    fn every_other_byte_is_kept() {
        let (new, count) = replace(b"\xffold\x00 \xc3\xa4old", b"old", "né".as_bytes());
        assert_eq!(new, b"\xffn\xc3\xa9\x00 \xc3\xa4n\xc3\xa9");
        assert_eq!(count, 2);
    }

    #[test]
    fn occurrences_are_counted_without_overlap() {
        assert_eq!(replace(b"aaaa", b"aa", b""), (Vec::new(), 2));
        assert_eq!(replace(b"abc", b"x", b"y"), (b"abc".to_vec(), 0));
    }
}
