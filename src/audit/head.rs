//! The head: a small file beside the log that names the log's last record.
//!
//! The chain alone cannot show that its tail was cut off; the head shows it, as long as the
//! head itself was not changed along with the log. Whoever can write both can cut both.

use std::ffi::CStr;
use std::fs::File;
use std::os::unix::fs::FileExt as _;

use super::chain::Digest;
use super::files::Position;

/// The head's file.
pub(super) const HEAD: &CStr = c"audit.head";

/// Every head has the same length, so that it is replaced by one write.
const LENGTH: usize = 20 + 1 + 20 + 1 + 64 + 1;

/// What the head says: sequence number, length of the file and hash of the last record.
pub(super) type Head = Position;

/// Reads the head; none where the file does not hold one.
pub(super) fn read(file: &File) -> std::io::Result<Option<Head>> {
    let mut bytes = [0; LENGTH];
    match file.read_exact_at(&mut bytes, 0) {
        Ok(()) => Ok(parse(&bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces the head.
pub(super) fn write(file: &File, head: Head) -> std::io::Result<()> {
    let Position {
        end,
        sequence,
        hash,
    } = head;
    let text = format!("{sequence:020} {end:020} {hash}\n");
    file.write_all_at(text.as_bytes(), 0)
}

fn parse(bytes: &[u8; LENGTH]) -> Option<Head> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let mut words = text.split(' ');
    let sequence = words.next()?.parse().ok()?;
    let end = words.next()?.parse().ok()?;
    let hash = Digest::from_hex(words.next()?.as_bytes())?;
    Some(Head {
        end,
        sequence,
        hash,
    })
}

#[cfg(test)]
mod tests {
    use super::{Digest, Head, read, write};

    #[test]
    fn a_head_is_read_as_it_was_written() {
        let file = tempfile::tempfile().unwrap();
        assert_eq!(read(&file).unwrap(), None);
        for sequence in [u64::MAX, 7] {
            let head = Head {
                end: 4711,
                sequence,
                hash: Digest::of(b"x"),
            };
            write(&file, head).unwrap();
            assert_eq!(read(&file).unwrap(), Some(head));
        }
    }
}
