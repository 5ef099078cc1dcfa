//! The sets that are part of the program, and what is said about sets that are wrong.

use lobsterpot::model::Mode;
use lobsterpot::sandbox::seccomp::{Action, Arch, Closed, Errno, Openable, SyscallSets, Treatment};

use super::{Call, everything, rules, verdict};

#[test]
fn the_built_in_sets_are_read_on_every_architecture() {
    let text = include_str!("../../../sandbox-profiles/syscalls.toml");
    if let Err(found) = SyscallSets::parse("sandbox-profiles/syscalls.toml", text) {
        panic!("{found}");
    }
    for arch in Arch::ALL {
        assert!(everything(arch)[0].refused() > 80, "{arch}");
    }
}

#[test]
fn no_profile_can_open_what_a_promise_rests_on() {
    for set in SyscallSets::built_in().sets {
        let by_namespaces = set.closed == Closed::Flat;
        let inside_the_domain = set.name == "debugging";
        if set.openable == Openable::Yes {
            assert!(by_namespaces || inside_the_domain, "{}", set.name);
        }
    }
}

fn ask(mode: Mode, name: &str, arguments: &[u64]) -> Action {
    let arch = Arch::X86_64;
    let sets = SyscallSets::built_in();
    let closed: Vec<_> = sets
        .closed_in(mode)
        .map(|name| (name, Treatment::AsWritten))
        .collect();
    let mut six = [0; 6];
    six[..arguments.len()].copy_from_slice(arguments);
    let call = Call {
        architecture: arch.audit_value(),
        number: arch.number(name).unwrap(),
        arguments: six,
    };
    verdict(&rules(arch, &closed), call)
}

fn refused(name: &str) -> Action {
    Action::Errno(Errno::named(name).unwrap())
}

#[test]
fn sockets_end_with_the_errors_that_programs_expect() {
    let socket = |family: i32| ask(Mode::View, "socket", &[u64::try_from(family).unwrap(), 1]);
    assert_eq!(socket(libc::AF_UNIX), refused("EACCES"));
    assert_eq!(socket(libc::AF_INET), refused("ENETUNREACH"));
    assert_eq!(socket(libc::AF_INET6), refused("ENETUNREACH"));
    for family in [
        libc::AF_NETLINK,
        libc::AF_PACKET,
        libc::AF_VSOCK,
        libc::AF_ALG,
        0,
        99,
    ] {
        assert_eq!(socket(family), refused("EAFNOSUPPORT"), "{family}");
    }
    let pair = |family: i32, kind: i32| {
        let arguments = [family, kind].map(|value| u64::try_from(value).unwrap());
        ask(Mode::View, "socketpair", &arguments)
    };
    let cloexec = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    assert_eq!(pair(libc::AF_UNIX, cloexec), Action::Allow);
    assert_eq!(pair(libc::AF_UNIX, libc::SOCK_SEQPACKET), Action::Allow);
    // One end of these can send to any named socket.
    assert_eq!(
        pair(libc::AF_UNIX, libc::SOCK_DGRAM),
        refused("ESOCKTNOSUPPORT")
    );
    assert_eq!(
        pair(libc::AF_UNIX, libc::SOCK_RAW),
        refused("ESOCKTNOSUPPORT")
    );
    assert_eq!(
        pair(libc::AF_INET, libc::SOCK_STREAM),
        refused("EOPNOTSUPP")
    );
    // The kernel drops the upper half, so it changes nothing.
    let upper = 0xffff_ffff_0000_0000 | u64::try_from(libc::AF_UNIX).unwrap();
    assert_eq!(ask(Mode::View, "socket", &[upper]), refused("EACCES"));
}

#[test]
fn the_names_of_constants_have_the_kernels_values() {
    let bits = |value: i32| u64::from(value.cast_unsigned());
    for flag in [
        libc::CLONE_NEWNS,
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWCGROUP,
    ] {
        let with_signal = bits(flag | libc::SIGCHLD);
        assert_eq!(ask(Mode::View, "clone", &[with_signal]), refused("EPERM"));
        assert_eq!(ask(Mode::View, "unshare", &[bits(flag)]), refused("EPERM"));
    }
    let thread = bits(libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SIGHAND);
    assert_eq!(ask(Mode::View, "clone", &[thread]), Action::Allow);
    assert_eq!(
        ask(Mode::View, "unshare", &[bits(libc::CLONE_FILES)]),
        Action::Allow
    );
    assert_eq!(
        ask(Mode::View, "ioctl", &[0, libc::TIOCSTI]),
        refused("EPERM")
    );
    assert_eq!(ask(Mode::View, "ioctl", &[0, libc::TCGETS]), Action::Allow);
    assert_eq!(
        ask(Mode::View, "prctl", &[bits(libc::PR_SET_MM)]),
        refused("EPERM")
    );
    let no_aslr = bits(libc::ADDR_NO_RANDOMIZE);
    assert_eq!(ask(Mode::View, "personality", &[no_aslr]), Action::Allow);
    assert_eq!(
        ask(Mode::View, "personality", &[0xffff_ffff]),
        Action::Allow
    );
    let executable_reads = bits(libc::READ_IMPLIES_EXEC);
    assert_eq!(
        ask(Mode::View, "personality", &[executable_reads]),
        refused("EPERM")
    );
}

#[test]
fn what_namespaces_do_is_closed_in_flat_mode_alone() {
    for (name, arguments) in [("inotify_add_watch", [0, 0]), ("shmget", [0, 0])] {
        assert_eq!(ask(Mode::View, name, &arguments), Action::Allow, "{name}");
        assert_ne!(ask(Mode::Flat, name, &arguments), Action::Allow, "{name}");
    }
}

/// In a view the others are those of the same session.
#[test]
fn other_processes_are_out_of_reach_in_both_modes() {
    for mode in [Mode::View, Mode::Flat] {
        for (name, arguments) in [("prlimit64", [1, 0]), ("setpriority", [2, 0])] {
            assert_eq!(ask(mode, name, &arguments), refused("EPERM"), "{name}");
        }
        assert_eq!(ask(mode, "prlimit64", &[0, 7]), Action::Allow);
    }
}

/// A set with this entry in it.
fn with_entry(entry: &str) -> String {
    format!(
        "[[set]]\nname = \"a\"\nabout = \"a test\"\nclosed = \"always\"\n[[set.entry]]\n{entry}\n"
    )
}

fn message(text: &str) -> String {
    SyscallSets::parse("s.toml", text).unwrap_err().to_string()
}

/// A wrong text, where that is said, and with which words.
const WRONG: &[(&str, &str, &str)] = &[
    (
        "calls = [\"opne\"]\nerrno = \"EPERM\"\nreason = \"x\"",
        "6:10",
        "no system call named `opne`",
    ),
    (
        "calls = [\"chmod\"]\nerrno = \"EPERM\"\nreason = \"x\"",
        "6:10",
        "only = \"x86_64\"",
    ),
    (
        "calls = [\"openat\"]\nonly = \"x86_64\"\nerrno = \"EPERM\"\nreason = \"x\"",
        "6:10",
        "not a system call of x86_64 alone",
    ),
    (
        "calls = [\"chmod\"]\nonly = \"x68_64\"\nerrno = \"EPERM\"\nreason = \"x\"",
        "7:8",
        "did you mean `x86_64`?",
    ),
    (
        "calls = [\"openat\"]\nerrno = \"EWRONG\"\nreason = \"x\"",
        "7:9",
        "no error named `EWRONG`",
    ),
    (
        "calls = [\"openat\"]\nerrno = \"EPERM\"\nreason = \" \"",
        "8:10",
        "says nothing",
    ),
    (
        "calls = []\nerrno = \"EPERM\"\nreason = \"x\"",
        "6:9",
        "the list is empty",
    ),
    (
        "calls = [\"openat\"]\nerrno = \"EPERM\"",
        "5:",
        "`reason` is missing",
    ),
    (
        "calls = [\"openat\"]\nerrno = \"EPERM\"\nreason = \"x\"\nwehn = 1",
        "9:1",
        "unknown",
    ),
    (
        "calls = [\"openat\"]\nerrno = \"EPERM\"\nreason = \"x\"\nwhen = { argument = 6, is = [1] }",
        "9:21",
        "the arguments of a call are 0 to 5",
    ),
    (
        "calls = [\"openat\"]\nerrno = \"EPERM\"\nreason = \"x\"\nwhen = { argument = 1, is = [] }",
        "9:29",
        "the list is empty",
    ),
    (
        "calls = [\"openat\"]\nerrno = \"EPERM\"\nreason = \"x\"\nwhen = { argument = 1, is = [\"AF_INTE\"] }",
        "9:30",
        "did you mean `AF_INET`?",
    ),
    (
        "calls = [\"openat\"]\nerrno = \"EPERM\"\nreason = \"x\"\nwhen = { argument = 1 }",
        "9:21",
        "one of `is`, `is-not`",
    ),
    (
        "calls = [\"openat\"]\nerrno = \"EPERM\"\nreason = \"x\"\nwhen = { argument = 1, is = [1], is-not = [2] }",
        "9:21",
        "one of `is`, `is-not`",
    ),
    (
        "calls = [\"openat\"]\nerrno = \"EPERM\"\nreason = \"x\"\nwhen = { argument = 1, mask = 1, is = [2] }",
        "9:39",
        "it is never met",
    ),
    (
        "calls = [\"openat\"]\nerrno = \"EPERM\"\nreason = \"x\"\nwhen = { argument = 1, any-bit = [0] }",
        "9:34",
        "no bit is named",
    ),
];

#[test]
fn what_is_wrong_with_an_entry_is_said_with_its_place() {
    for (entry, place, words) in WRONG {
        let found = message(&with_entry(entry));
        assert!(
            found.contains(&format!("s.toml:{place}")),
            "{entry}\n{found}"
        );
        assert!(found.contains(*words), "{entry}\n{found}");
    }
}

#[test]
fn two_entries_may_not_contradict_each_other() {
    let always = "calls = [\"openat\"]\nerrno = \"EPERM\"\nreason = \"x\"";
    let one = "when = { argument = 1, is = [1] }\n";
    let two = "when = { argument = 1, is = [2] }\n";
    let other = always.replace("EPERM", "ENOSYS");
    for (first, second, is_fine) in [
        (always.to_owned(), always.to_owned(), false),
        (always.to_owned(), format!("{one}{other}"), false),
        (format!("{one}{always}"), other.clone(), false),
        (format!("{one}{always}"), format!("{one}{other}"), false),
        (format!("{one}{always}"), format!("{two}{other}"), true),
    ] {
        let text = format!("{}[[set.entry]]\n{second}\n", with_entry(&first));
        let parsed = SyscallSets::parse("s.toml", &text);
        assert_eq!(parsed.is_ok(), is_fine, "{text}");
    }
    let twice = format!("{0}{0}", with_entry(always).replace("openat", "close"));
    assert!(message(&twice).contains("two sets named `a`"));
}

#[test]
fn a_set_that_does_not_exist_is_an_error() {
    let sets = SyscallSets::built_in();
    let wanted = [("sokcets", Treatment::AsWritten)];
    let error = sets.rules(Arch::X86_64, &wanted).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no set of system calls named `sokcets`"
    );
}
