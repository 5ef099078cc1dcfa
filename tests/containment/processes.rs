//! Other processes stay as they are; no privilege is had or gained; nothing is inherited.

use std::fs;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Stdio};

use nix::errno::Errno::{self, EACCES, ENOSYS, EPERM};

use super::world::{Failures, Place, Policy, User, World, skip};

/// Every process of the command, as the kernel sees it from outside.
#[test]
fn no_privilege_is_had() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        let mut child = world
            .run(Policy::Workspace)
            .args(["sh", "-c", "echo $$; exec sleep 600"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pid = first_line(&mut child);
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let _ = nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(pid.parse().unwrap()),
            nix::sys::signal::Signal::SIGKILL,
        );
        child.wait().unwrap();
        let value = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_once(':').unwrap().1.trim().to_owned()
        };
        let mut sets = vec!["CapInh", "CapPrm", "CapEff", "CapAmb"];
        if user.is_root() {
            sets.push("CapBnd");
        }
        for set in sets {
            assert_eq!(value(set), "0000000000000000", "{set}: {status}");
        }
        assert_eq!(value("NoNewPrivs"), "1");
        assert_eq!(value("Seccomp"), "2");
    }
}

fn first_line(child: &mut Child) -> String {
    use std::io::BufRead as _;
    let mut line = String::new();
    let mut output = std::io::BufReader::new(child.stdout.as_mut().unwrap());
    output.read_line(&mut line).unwrap();
    line.trim().to_owned()
}

/// The number of a call, its first argument, and its error.
const CLOSED: [(&str, &str, Errno); 26] = [
    ("unshare", "0x10000000", EPERM),
    ("unshare", "0x20000", EPERM),
    ("clone", "0x10000000", EPERM),
    ("clone", "0x40000000", EPERM),
    ("number", "435", ENOSYS),  // clone3
    ("number", "308", EPERM),   // setns
    ("number", "165", EPERM),   // mount
    ("number", "166", EPERM),   // umount2
    ("number", "155", EPERM),   // pivot_root
    ("number", "161", EPERM),   // chroot
    ("number", "428", ENOSYS),  // open_tree
    ("number", "430", ENOSYS),  // fsopen
    ("number", "321", EPERM),   // bpf
    ("number", "323", EPERM),   // userfaultfd
    ("number", "298", EACCES),  // perf_event_open
    ("number", "248", EPERM),   // add_key
    ("number", "250", EPERM),   // keyctl
    ("number", "304", EPERM),   // open_by_handle_at
    ("number", "425", ENOSYS),  // io_uring_setup
    ("number", "447", ENOSYS),  // memfd_secret
    ("number", "169", EPERM),   // reboot
    ("number", "175", EPERM),   // init_module
    ("number", "246", EPERM),   // kexec_load
    ("number", "29", ENOSYS),   // shmget
    ("number", "240", ENOSYS),  // mq_open
    ("number", "9999", ENOSYS), // a call that does not exist yet
];

#[test]
fn the_dangerous_parts_of_the_kernel_are_closed() {
    let world = World::new(User::Current);
    let mut failures = Failures::default();
    for (name, argument, errno) in CLOSED {
        let answer = world.sandboxed(Policy::Workspace, name, [argument]);
        if answer.errno != Some(errno as i32) {
            failures.note(format!(
                "{name} {argument}: {}: {answer:?}",
                answer.errno_name()
            ));
        }
    }
    for flags in ["0x10000000", "0x20000"] {
        let control = world.bare("unshare", [flags]);
        if control.errno != Some(0) {
            skip("namespaces: this host gives none");
        }
    }
    failures.none("calls that are closed");
}

#[test]
fn no_file_becomes_privileged() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        for name in ["setuid-bit", "setgid-bit"] {
            let prey = world.prey(Place::Workspace, name);
            let control = world.bare(name, [prey.join("file")]);
            assert_eq!(control.errno, Some(0), "{control:?}");
            let prey = world.prey(Place::Workspace, &format!("{name}-inside"));
            let answer = world.sandboxed(Policy::Workspace, name, [prey.join("file")]);
            assert_eq!(answer.errno, Some(EPERM as i32), "{answer:?}");
            let mode = fs::metadata(prey.join("file"))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o7777, 0o750);
        }
        let other = if user.is_root() { "65534" } else { "0" };
        let answer = world.sandboxed(Policy::Workspace, "becoming", [other]);
        assert_eq!(answer.errno, Some(EPERM as i32), "{answer:?}");
    }
}

#[test]
fn nothing_is_inherited() {
    let world = World::new(User::Current);
    let outside = fs::File::open(world.prey(Place::Outside, "prey")).unwrap();
    let file = fs::File::create(world.path("outside/open")).unwrap();
    for descriptor in [outside.as_raw_fd(), file.as_raw_fd()] {
        let flags = nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty());
        // Every process that any test starts now has it, too, which is harmless.
        let borrowed = if descriptor == outside.as_raw_fd() {
            &outside
        } else {
            &file
        };
        nix::fcntl::fcntl(borrowed, flags).unwrap();
    }
    let control = world.bare("inherited", [""; 0]);
    assert!(control.stolen.contains("directory"), "{control:?}");
    assert!(control.stolen.contains("regular"), "{control:?}");
    let mut command = world.run(Policy::Workspace);
    command.args(["./attacker", "inherited"]);
    // A directory and a file of the host as the command's own streams.
    command.stdin(outside.try_clone().unwrap()).stderr(file);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.trim(), "errno=0", "{text}");
}

#[test]
fn no_secret_of_the_environment_is_passed() {
    let world = World::new(User::Current);
    let mut command = world.run(Policy::Workspace);
    let output = command.args(["env"]).env("LANG", "C").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("LANG=C"), "{text}");
    assert!(!text.contains("secret"), "{text}");
    let home = text
        .lines()
        .find_map(|line| line.strip_prefix("HOME="))
        .unwrap();
    assert!(
        !home.starts_with(world.path("home").to_str().unwrap()),
        "{text}"
    );
}
