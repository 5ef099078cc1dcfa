//! No privilege is had or gained; the dangerous calls are closed; nothing is inherited.

use std::fs;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::{Child, Stdio};

use nix::errno::Errno::{self, EACCES, ENOSYS, EPERM};

use super::world::{Failures, Mode, Place, Policy, User, World, skip};

/// Every process of the command, as the kernel sees it from outside.
#[test]
fn no_privilege_is_had() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        let mut child = world
            .run(Policy::Workspace)
            .args(["sh", "-c", "echo ready; exec sleep 600"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        assert_eq!(first_line(&mut child), "ready");
        // In a view the command's own number means another process here, or none.
        let pid = sleeper_below(child.id());
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let _ = nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(pid.cast_signed()),
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

/// The process named `sleep` below another one.
fn sleeper_below(pid: u32) -> u32 {
    let children = |pid: u32| -> Vec<u32> {
        fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
            .unwrap_or_default()
            .split_ascii_whitespace()
            .map(|word| word.parse().unwrap())
            .collect()
    };
    loop {
        let mut tree = vec![pid];
        let mut next = 0;
        while next < tree.len() {
            tree.extend(children(tree[next]));
            next += 1;
        }
        let is_sleep = |pid: &&u32| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "sleep\n")
        };
        if let Some(found) = tree.iter().find(is_sleep) {
            return *found;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
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
    for mode in Mode::all() {
        let world = World::in_mode(User::Current, *mode);
        for (name, argument, errno) in CLOSED {
            // A view has objects of interprocess communication of its own.
            if *mode == Mode::View && ["29", "240"].contains(&argument) {
                continue;
            }
            let answer = world.sandboxed(Policy::Workspace, name, [argument]);
            if answer.errno != Some(errno as i32) {
                let told = answer.errno_name();
                failures.note(format!("{mode:?} {name} {argument}: {told}: {answer:?}"));
            }
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
        // In a view nobody else exists.
        let expected = match mode {
            Mode::View => Errno::EINVAL,
            Mode::Flat => EPERM,
        };
        assert_eq!(answer.errno, Some(expected as i32), "{answer:?}");
    }
}

/// A file can be made with the bit, but empty: nothing that fills it leaves the bit there.
#[test]
fn no_file_is_born_privileged_with_content() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        // Only who has a capability for it keeps the bit, so the control is for root.
        if user.is_root() {
            let control = world.bare("filling-setuid", ["born-bare"]);
            assert_eq!(control.errno, Some(0), "{control:?}");
            assert!(!control.stolen.is_empty(), "{control:?}");
        }
        let answer = world.sandboxed(Policy::Workspace, "filling-setuid", ["born"]);
        assert_eq!(answer.errno, Some(0), "{answer:?}");
        assert_eq!(answer.stolen, "", "{user:?} {mode:?}");
        let mode = fs::metadata(world.workspace().join("born")).unwrap().mode();
        assert_eq!(mode & 0o6000, 0);
    }
}

#[test]
fn nothing_is_inherited() {
    for world in World::in_modes(User::Current) {
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
}

#[test]
fn no_secret_of_the_environment_is_passed() {
    for world in World::in_modes(User::Current) {
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
}
