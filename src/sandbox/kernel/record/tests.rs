//! Records as the kernel writes them, and as it never would.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use proptest::prelude::*;

use super::{Access, Call, Mark, Object, Record, decode};
use crate::sys::audit::{CALL, LANDLOCK_ACCESS, LANDLOCK_DOMAIN, RawRecord};

fn read(kind: u16, text: &[u8]) -> Option<Record> {
    let text = text.to_vec();
    Record::read(&RawRecord { kind, text })
}

fn access(text: &str) -> Option<Access> {
    match read(LANDLOCK_ACCESS, text.as_bytes())? {
        Record::Access(access) => Some(access),
        _ => None,
    }
}

fn object(fields: &str) -> Object {
    let text = format!("audit(1.2:3): domain=1 blockers=x {fields}");
    access(&text).unwrap().object
}

/// Records of Linux 6.18: of everything that Landlock denies, and of a command of ours.
#[test]
fn every_recorded_record_is_read() {
    let recorded = include_str!("recorded.txt");
    let mut told = Vec::new();
    let mut domains = Vec::new();
    for line in recorded.lines() {
        let (kind, text) = line.split_once(' ').unwrap();
        match read(kind.parse().unwrap(), text.as_bytes()).expect(line) {
            Record::Access(access) => told.push((access.blockers, access.object)),
            Record::Domain { domain, mark } => domains.push((domain, mark.is_some())),
            Record::Gone { domain, denials } => {
                let of_other = domain == 0x1_af55_32bd;
                assert_eq!(denials, if of_other { 25 } else { 3 });
            }
            Record::Call(call) => {
                assert_eq!((call.serial, call.number, call.pid), (10, 259, 210));
                assert_eq!(call.program.unwrap(), Path::new("/usr/bin/python3.11"));
            }
        }
    }
    assert_eq!(domains, [(0x1_af55_32bd, false), (0x1_7e12_f36a, true)]);
    let path = |text: &str| Object::Path(text.into());
    let address = |text: &str| Object::Address(text.into());
    let expected = [
        ("fs.read_file", path("/tmp/d/a b\"c\né")),
        ("fs.write_file", path("/tmp/d/f")),
        ("fs.truncate", path("/tmp/d/f")),
        ("fs.make_dir", path("/tmp/d")),
        ("fs.remove_file", path("/tmp/d")),
        ("fs.remove_file,fs.refer", path("/tmp/d")),
        ("fs.make_reg,fs.refer", path("/tmp/d/e")),
        ("fs.refer", path("/tmp/d")),
        ("fs.make_reg,fs.refer", path("/tmp/d/e")),
        ("fs.make_sym", path("/tmp/d")),
        ("fs.make_fifo", path("/tmp/d")),
        ("fs.make_char", path("/tmp/d")),
        ("fs.make_block", path("/tmp/d")),
        ("fs.remove_dir", path("/tmp/d")),
        ("fs.read_dir", path("/")),
        ("fs.write_file,fs.read_file", path("/tmp/#6 (deleted)")),
        ("net.connect_tcp", address("127.0.0.1:80")),
        ("net.bind_tcp", address("127.0.0.1:8080")),
        ("net.connect_tcp", address("[::1]:80")),
        ("net.bind_tcp", address("[::1]:8080")),
        ("scope.abstract_unix_socket", address("@abstract name")),
        ("scope.signal", Object::Process(1)),
        ("ptrace", Object::Process(171)),
        ("fs.change_topology", path("/mnt")),
        ("fs.read_file", path("/dev/null")),
        ("fs.make_char", path("/root/work")),
    ];
    let told: Vec<_> = told
        .iter()
        .map(|(one, at)| (one.as_str(), at.clone()))
        .collect();
    assert_eq!(told, expected);
}

#[test]
fn the_object_is_a_path_an_address_or_a_process() {
    let path = |text: &str| Object::Path(text.into());
    let address = |text: &str| Object::Address(text.into());
    for (fields, expected) in [
        (r#"path="/usr/bin" dev="vda2" ino=351"#, path("/usr/bin")),
        // A blank, a quote and a line break.
        ("path=2F6120620A22 dev=\"vda2\" ino=1", path("/a b\n\"")),
        ("path=002F746D702F78", address("@/tmp/x")),
        ("daddr=127.0.0.1 dest=80", address("127.0.0.1:80")),
        ("daddr=::1 dest=80", address("[::1]:80")),
        ("src=1024", address("port 1024")),
        (r#"opid=1 ocomm="systemd""#, Object::Process(1)),
        ("", Object::Unknown),
        ("path=(null)", Object::Unknown),
        ("path=2F6", Object::Unknown),
    ] {
        assert_eq!(object(fields), expected, "{fields}");
    }
}

#[test]
fn a_domain_is_ours_by_its_mark() {
    let mark = Mark::draw().unwrap();
    let name = mark.name().into_string().unwrap();
    let text = |comm: &str| {
        format!(
            "audit(1.2:3): domain=195ba459b status=allocated mode=enforcing pid=300 uid=0 \
             exe=\"/usr/bin/x\" comm={comm}"
        )
    };
    let domain = |mark| {
        Some(Record::Domain {
            domain: 0x195b_a459b,
            mark,
        })
    };
    let read = |text: &str| read(LANDLOCK_DOMAIN, text.as_bytes());
    assert_eq!(read(&text(&format!("\"{name}\""))), domain(Some(mark)));
    assert_eq!(read(&text("\"sandboxer\"")), domain(None));
    assert_eq!(read(&text("(null)")), domain(None));
    let gone = "audit(1.2:3): domain=195ba459b status=deallocated denials=3";
    let domain = 0x195b_a459b;
    assert_eq!(read(gone), Some(Record::Gone { domain, denials: 3 }));
    assert_eq!(read("audit(1.2:3): domain=195ba459b status=new"), None);
}

#[test]
fn a_system_call_says_who() {
    let text = "audit(1.2:44): arch=c000003e syscall=257 success=no exit=-13 a0=ffffff9c a1=7 \
                items=0 ppid=299 pid=300 auid=0 uid=0 tty=pts0 ses=1 comm=\"cat\" \
                exe=\"/usr/bin/cat\" subj=unconfined key=(null)";
    let call = Call {
        serial: 44,
        number: 257,
        pid: 300,
        program: Some("/usr/bin/cat".into()),
    };
    assert_eq!(read(CALL, text.as_bytes()), Some(Record::Call(call)));
}

#[test]
fn what_is_not_as_it_should_be_is_no_record() {
    for text in [
        "",
        "audit(",
        "audit(1.2:3)",
        "audit(1.2:3): ",
        "audit(1.2:x): domain=1 blockers=x",
        "audit(1.2): domain=1 blockers=x",
        "audit(1.2:3): blockers=x",
        "audit(1.2:3): domain=xyz blockers=x",
        "audit(1.2:3): domain=1",
        "audit(1.2:3): domain=1 blockers=\"x\"",
        "audit(1.2:3): domain=1 blockers= path=\"/x\"",
        "audit(1.2:3): path=\"domain=1 blockers=x",
        "domain=1 blockers=x",
    ] {
        assert_eq!(access(text), None, "{text}");
    }
}

/// As `audit_log_untrustedstring` writes a text.
fn untrusted(bytes: &[u8]) -> String {
    let is_plain = |byte: &u8| (0x21..=0x7e).contains(byte) && *byte != b'"';
    if bytes.iter().all(is_plain) {
        return format!("\"{}\"", String::from_utf8_lossy(bytes));
    }
    let mut digits = String::new();
    for byte in bytes {
        write!(digits, "{byte:02X}").unwrap();
    }
    digits
}

proptest! {
    /// Whatever a command calls its files, the record says just that, and nothing else in it
    /// changes.
    #[test]
    fn a_name_stays_a_name(name in prop::collection::vec(1..=255_u8, 1..60), looks in 0..4) {
        let mut bytes = b"/".to_vec();
        bytes.extend(match looks {
            0 => b"x\" domain=2 blockers=fs.none path=\"/y".to_vec(),
            1 => b"x domain=2 opid=1 dest=1".to_vec(),
            _ => name,
        });
        let path = untrusted(&bytes);
        let text = format!("audit(1.2:3): domain=1 blockers=fs.x path={path} dev=\"a\" ino=1");
        let access = access(&text).unwrap();
        prop_assert_eq!(access.domain, 1);
        prop_assert_eq!(access.blockers, "fs.x");
        let expected = Path::new(std::ffi::OsStr::from_bytes(&bytes)).to_owned();
        prop_assert_eq!(access.object, Object::Path(expected));
    }

    #[test]
    fn no_text_is_too_odd(kind in 1299..1426_u16, text in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(kind, &text);
        let _ = decode(&text);
    }

    /// A real record with bytes changed, cut off or put in.
    #[test]
    fn a_damaged_record_does_no_harm(at in 0..160_usize, byte in any::<u8>(), cut in 0..160_usize) {
        let mut text = b"audit(1732186800.349:44): domain=195ba459b blockers=fs.write_file,fs.truncate \
                         path=\"/usr/bin/x\" dev=\"vda2\" ino=351 opid=1 dest=2".to_vec();
        if let Some(place) = text.get_mut(at) {
            *place = byte;
        }
        text.truncate(cut);
        for kind in [CALL, LANDLOCK_ACCESS, LANDLOCK_DOMAIN] {
            let _ = read(kind, &text);
        }
    }
}
