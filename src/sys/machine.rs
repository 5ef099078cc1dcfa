//! What the kernel says of the machine it runs on. Asked once; nothing here decides anything.

/// The machine, as `uname` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The host's name; inside a container, the container's.
    pub hostname: String,
    /// The kernel's release, `6.18.1`.
    pub kernel: String,
}

impl Machine {
    /// Asks the kernel. Where it does not answer, the texts are empty.
    pub fn current() -> Self {
        let (hostname, kernel) = nix::sys::utsname::uname().map_or_else(
            |_| (String::new(), String::new()),
            |names| {
                let text = |name: &std::ffi::OsStr| name.to_string_lossy().into_owned();
                (text(names.nodename()), text(names.release()))
            },
        );
        Self { hostname, kernel }
    }
}
