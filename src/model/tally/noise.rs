//! Known start-up noise: what programs look for when they start, whatever they are asked to do.
//!
//! Noise is counted apart and put on record like everything else; it is never dropped. A file
//! that may hold a secret is never noise, however many programs look for it, and neither is
//! anything that would have changed something.

use std::path::{Path, PathBuf};

use crate::model::{Intent, RefusalCode, Sighting, only_looks};

/// One kind of noise.
#[derive(Debug, PartialEq, Eq)]
pub struct Noise {
    /// Its name; never renamed.
    pub name: &'static str,
    /// Why programs look there.
    pub reason: &'static str,
    places: &'static [Spot],
}

/// Where noise is heard.
#[derive(Debug, PartialEq, Eq)]
enum Spot {
    /// At this very path.
    At(&'static str),
    /// At this path and below it.
    Below(&'static str),
    /// At this path in a home directory.
    Home(&'static str),
    /// A name in a directory of the search path.
    SearchPath,
    /// At this name in a directory above the workspace, or above the working directory.
    Above(&'static str),
}

use Spot::{Above, At, Below, Home, SearchPath};

/// The whole table. Measured with everyday programs under strace(1), and read in their manuals.
const TABLE: [Noise; 11] = [
    Noise {
        name: "dynamic-linker",
        reason: "the dynamic linker looks for preloaded and cached libraries in every program",
        places: &[
            At("/etc/ld.so.preload"),
            At("/etc/ld.so.cache"),
            At("/etc/ld.so.nohwcap"),
            At("/etc/ld-musl-x86_64.path"),
            At("/etc/ld-musl-aarch64.path"),
        ],
    },
    Noise {
        name: "security-modules",
        reason: "ls, cp, mv, tar, find and ps ask whether SELinux or another module is in use",
        places: &[
            Below("/sys/fs/selinux"),
            Below("/selinux"),
            At("/etc/selinux/config"),
            At("/sys/kernel/security"),
            Below("/sys/kernel/security/apparmor"),
            At("/sys/module/apparmor/parameters/enabled"),
            At("/proc/self/attr/current"),
            At("/proc/filesystems"),
        ],
    },
    Noise {
        name: "machine",
        reason: "runtimes and allocators size themselves by the machine and by its limits",
        places: &[
            Below("/sys/devices/system"),
            Below("/sys/fs/cgroup"),
            Below("/sys/kernel/mm"),
            Below("/proc/sys"),
            At("/proc/cpuinfo"),
            At("/proc/meminfo"),
            At("/proc/stat"),
            At("/proc/loadavg"),
            At("/proc/uptime"),
            At("/proc/version"),
            At("/proc/self/cgroup"),
            At("/proc/self/mountinfo"),
            At("/proc/self/status"),
            At("/proc/self/stat"),
            At("/proc/self/maps"),
            At("/proc/self/exe"),
            At("/proc/self/task"),
        ],
    },
    Noise {
        name: "locale",
        reason: "the C library looks for the language, the time zone and terminal descriptions",
        places: &[
            At("/etc/locale.alias"),
            At("/etc/locale.conf"),
            At("/etc/default/locale"),
            At("/etc/localtime"),
            At("/etc/timezone"),
            Below("/etc/terminfo"),
            Below("/lib/terminfo"),
            Home(".terminfo"),
            Home(".inputrc"),
        ],
    },
    Noise {
        name: "names",
        reason: "the C library looks for services that name users, groups and hosts",
        places: &[
            At("/etc/nsswitch.conf"),
            At("/etc/host.conf"),
            At("/etc/gai.conf"),
            At("/etc/hosts"),
            At("/etc/resolv.conf"),
            At("/run/nscd/socket"),
            At("/var/run/nscd/socket"),
            At("/run/utmp"),
            At("/run/utmpx"),
            At("/var/run/utmp"),
            At("/var/run/utmpx"),
        ],
    },
    Noise {
        name: "search-path",
        reason: "shells try each directory of the search path until one holds the command",
        places: &[SearchPath],
    },
    Noise {
        name: "git-settings",
        reason: "git reads the user's settings in every command",
        places: &[
            Home(".gitconfig"),
            Home(".config/git/config"),
            Home(".config/git/ignore"),
            Home(".config/git/attributes"),
            At("/etc/gitconfig"),
        ],
    },
    Noise {
        name: "shell-settings",
        reason: "shells and terminal programs read the user's and the system's settings",
        places: &[
            Home(".profile"),
            Home(".bash_profile"),
            Home(".bash_login"),
            Home(".bashrc"),
            Home(".bash_aliases"),
            Home(".zshenv"),
            Home(".zshrc"),
            Home(".zprofile"),
            Home(".less"),
            Home(".lesskey"),
            Home(".toprc"),
            Home(".vimrc"),
            Home(".manpath"),
            At("/etc/sysless"),
            At("/etc/syslesskey"),
            At("/etc/toprc"),
            At("/etc/topdefaultrc"),
        ],
    },
    Noise {
        name: "tool-settings",
        reason: "tools look for settings beside those of their project",
        places: &[
            Home(".curlrc"),
            Home(".config/curlrc"),
            Home(".wgetrc"),
            Home(".dpkg.cfg"),
            Home(".ldaprc"),
            Home(".rustup/settings.toml"),
            Home(".cargo/config.toml"),
            Home(".cargo/config"),
            Home(".config/procps/toprc"),
            At("/etc/rustup/settings.toml"),
            At("/etc/ldap/ldap.conf"),
            At("/etc/npmrc"),
            Below("/etc/dpkg/dpkg.cfg.d"),
            Below("/etc/pyenv.d"),
        ],
    },
    Noise {
        name: "project-markers",
        reason: "tools look for the beginning of a project in each directory above the work",
        places: &[
            Above(".git"),
            Above(".hg"),
            Above(".jj"),
            Above("HEAD"),
            Above("Cargo.toml"),
            Above(".cargo/config"),
            Above(".cargo/config.toml"),
            Above("rust-toolchain"),
            Above("rust-toolchain.toml"),
            Above("rustfmt.toml"),
            Above(".rustfmt.toml"),
            Above("package.json"),
            Above("node_modules"),
            Above("tsconfig.json"),
            Above("pnpm-workspace.yaml"),
            Above(".python-version"),
            Above("pyproject.toml"),
            Above("pyvenv.cfg"),
            Above("setup.cfg"),
            Above("tox.ini"),
            Above("go.mod"),
            Above("go.work"),
            Above(".editorconfig"),
            Above(".gitignore"),
            Above(".ignore"),
            Above(".rgignore"),
        ],
    },
    Noise {
        name: "terminal",
        reason: "programs ask for a terminal where they have none",
        places: &[At("/dev/tty"), At("/dev/console"), At("/dev/pts/ptmx")],
    },
];

/// What is around a command, as far as noise depends on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Home directories: the operator's, and the command's own.
    pub homes: Vec<PathBuf>,
    /// The search path for programs.
    pub search_path: Vec<PathBuf>,
    /// The workspace and the working directory.
    pub work: Vec<PathBuf>,
}

impl Surroundings {
    /// The kind of noise that the sighting is; none where it is no noise.
    pub(super) fn noise(&self, sighting: &Sighting<'_>) -> Option<&'static Noise> {
        let outside = sighting.code == RefusalCode::OutsideCapability;
        let path = sighting.path.filter(|path| path.is_absolute())?;
        if !outside || sighting.intent == Intent::Change || !looks(sighting.op) {
            return None;
        }
        TABLE
            .iter()
            .find(|noise| noise.places.iter().any(|spot| self.is_at(spot, path)))
    }

    fn is_at(&self, spot: &Spot, path: &Path) -> bool {
        match spot {
            At(place) => path == Path::new(place),
            Below(place) => path.starts_with(place),
            Home(name) => beneath(&self.homes, path).any(|rest| rest == Path::new(name)),
            SearchPath => path
                .parent()
                .is_some_and(|parent| self.search_path.iter().any(|one| one == parent)),
            Above(name) => path
                .as_os_str()
                .as_encoded_bytes()
                .strip_suffix(name.as_bytes())
                .and_then(|above| above.strip_suffix(b"/"))
                .is_some_and(|above| self.is_above(above)),
        }
    }

    /// Whether the directory of this name holds the work, some levels below.
    fn is_above(&self, directory: &[u8]) -> bool {
        self.work.iter().any(|work| {
            let work = work.as_os_str().as_encoded_bytes();
            work.strip_prefix(directory)
                .is_some_and(|rest| rest.len() > 1 && rest.starts_with(b"/"))
        })
    }
}

fn beneath<'a>(
    directories: &'a [PathBuf],
    path: &'a Path,
) -> impl Iterator<Item = &'a Path> + use<'a> {
    directories
        .iter()
        .filter_map(move |directory| path.strip_prefix(directory).ok())
}

/// Whether the operation changes nothing.
fn looks(op: &str) -> bool {
    only_looks(op) || matches!(op, "connect" | "execve" | "execveat")
}

#[cfg(test)]
mod tests {
    use super::{Surroundings, TABLE};
    use crate::model::{Intent, PathSource, RefusalCode, Sighting};
    use std::path::Path;

    fn around() -> Surroundings {
        Surroundings {
            homes: vec!["/home/me".into()],
            search_path: vec!["/home/me/bin".into(), "/opt/x/bin".into()],
            work: vec!["/srv/work/project".into()],
        }
    }

    fn name(op: &str, path: &str, intent: Intent) -> Option<&'static str> {
        let sighting = Sighting {
            code: RefusalCode::OutsideCapability,
            op,
            path: Some(Path::new(path)),
            intent,
            pid: 1,
            process: &[],
            source: PathSource::Tripwire,
            looked_up: None,
            written: None,
        };
        around().noise(&sighting).map(|noise| noise.name)
    }

    #[test]
    fn what_programs_look_for_at_start_is_known() {
        let look = |path| name("openat", path, Intent::Look);
        assert_eq!(look("/etc/ld.so.preload"), Some("dynamic-linker"));
        assert_eq!(look("/sys/fs/selinux/enforce"), Some("security-modules"));
        assert_eq!(look("/proc/sys/vm/overcommit_memory"), Some("machine"));
        assert_eq!(look("/home/me/.gitconfig"), Some("git-settings"));
        assert_eq!(look("/opt/x/bin/make"), Some("search-path"));
        assert_eq!(look("/srv/work/.git"), Some("project-markers"));
        assert_eq!(look("/package.json"), Some("project-markers"));
    }

    #[test]
    fn what_only_resembles_noise_is_none() {
        let look = |path| name("openat", path, Intent::Look);
        for path in [
            "/etc/ld.so.preload.d",
            "/home/other/.gitconfig",
            "/home/me/x/.gitconfig",
            "/opt/x/bin/a/b",
            "/srv/work/project/.git", // inside, so it is refused for another reason
            "/srv/other/.git",
            "/srv/workx/package.json",
            "relative/.git",
        ] {
            assert_eq!(look(path), None, "{path}");
        }
        assert_eq!(name("openat", "/home/me/.bashrc", Intent::Change), None);
        assert_eq!(name("unlink", "/home/me/.bashrc", Intent::Unknown), None);
    }

    /// Whoever looks for a key must not be able to hide among the noise.
    #[test]
    fn nothing_that_may_hold_a_secret_is_noise() {
        for path in [
            ".ssh/id_ed25519",
            ".ssh/config",
            ".netrc",
            ".npmrc",
            ".pypirc",
            ".aws/credentials",
            ".gnupg/gpg.conf",
            ".config/gh/hosts.yml",
            ".docker/config.json",
            ".git-credentials",
            ".config/git/credentials",
            ".cargo/credentials.toml",
            ".bash_history",
        ] {
            let path = format!("/home/me/{path}");
            assert_eq!(name("openat", &path, Intent::Look), None, "{path}");
        }
        for path in [
            "/etc/shadow",
            "/etc/sudoers",
            "/proc/self/environ",
            "/proc/1/environ",
        ] {
            assert_eq!(name("openat", path, Intent::Look), None, "{path}");
        }
    }

    #[test]
    fn every_kind_has_a_name_of_its_own_and_a_reason() {
        for (index, noise) in TABLE.iter().enumerate() {
            assert!(!noise.reason.is_empty() && !noise.places.is_empty());
            assert!(TABLE[..index].iter().all(|other| other.name != noise.name));
        }
    }
}
