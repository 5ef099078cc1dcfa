//! The search itself: entries of the search path, what their links lead to, and the
//! toolchains that profiles describe.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::links::{Led, follow};
use super::once::Once;
use super::{Disk, LeftOut, Seen, Surroundings, Toolchains, Writers};
use crate::model::{HostPath, Right, Rights, Wording};
use crate::sandbox::profile::{
    Access, Anchored, DeviceControl, Profile, SystemPath, Toolchain, ViewPath,
};

/// Programs are read and executed.
const PROGRAMS: Access = Access {
    rights: Rights::only(Right::List)
        .union(Rights::only(Right::Read))
        .union(Rights::only(Right::Execute)),
    ioctl: DeviceControl::Refuse,
};

/// Why something is granted.
struct Why {
    origin: Arc<str>,
    reason: Wording,
}

impl Why {
    fn search_path(reason: &'static str) -> Self {
        Self {
            origin: "search path".into(),
            reason: reason.into(),
        }
    }
}

pub(super) struct Finder<'a> {
    profiles: &'a [Profile],
    around: Surroundings<'a>,
    disk: Once<'a>,
    /// The home, as it is named and where it really is.
    homes: Vec<HostPath>,
    /// Places that are never granted, and what lies there.
    never: Vec<(HostPath, &'a str)>,
    /// Directories of the search path that are not in a grant, by where they really are.
    entries: Vec<HostPath>,
    /// Where the search path and the links in its directories lead, outside the system.
    reached: Vec<HostPath>,
    found: Toolchains,
}

impl<'a> Finder<'a> {
    pub(super) fn new(
        profiles: &'a [Profile],
        around: Surroundings<'a>,
        disk: &'a dyn Disk,
    ) -> Self {
        let disk = Once::new(disk);
        let mut homes = vec![around.home.clone()];
        if let Led::To(home, _) = follow(around.home, &[], &disk)
            && home != *around.home
        {
            homes.push(home);
        }
        let own = around.never.iter();
        let mut never: Vec<_> = own
            .map(|path| (path.clone(), "records and settings of the sandbox"))
            .collect();
        for place in profiles.iter().flat_map(|profile| &profile.never) {
            for path in anchor(&place.path, &homes) {
                never.push((path, place.reason.as_str()));
            }
        }
        Self {
            profiles,
            around,
            disk,
            homes,
            never,
            entries: Vec::new(),
            reached: Vec::new(),
            found: Toolchains::default(),
        }
    }

    pub(super) fn find(mut self) -> Toolchains {
        for entry in self.around.search_path {
            self.entry(entry);
        }
        for profile in self.profiles {
            for toolchain in &profile.toolchains {
                self.toolchain(toolchain);
            }
        }
        self.single_programs();
        self.found
    }

    fn entry(&mut self, written: &Path) {
        let Ok(entry) = HostPath::absolute(written) else {
            self.leave_out(written, "the entry of the search path is not absolute");
            return;
        };
        if self.found.search_path.contains(&entry) {
            return;
        }
        if self.is_granted(&entry) {
            self.found.search_path.push(entry);
            return;
        }
        let (real, writers) = match self.follow(&entry) {
            Led::To(real, Seen::Directory(writers)) => (real, writers),
            Led::IntoGrant => {
                self.found.search_path.push(entry);
                return;
            }
            Led::To(..) | Led::Nowhere => return,
        };
        if self.is_system(&real) {
            self.entries.push(real);
            self.found.search_path.push(entry);
            return;
        }
        if writers == Writers::Everybody {
            self.leave_out(written, "every user can put programs there");
        } else if let Some(why) = self.obstacle(&real) {
            self.leave_out(written, &why);
        } else {
            let usable = if self.obstacle(&entry).is_none() {
                entry
            } else {
                real.clone()
            };
            self.follow_links_in(&real);
            let why = Why::search_path("programs of the search path");
            self.push(&usable, PROGRAMS, &why);
            self.push(&real, PROGRAMS, &why);
            self.reached.push(real.clone());
            self.entries.push(real);
            self.found.search_path.push(usable);
        }
    }

    fn follow_links_in(&mut self, directory: &HostPath) {
        for (name, text) in self.disk.links(directory.as_path()) {
            // What it leads to stands in the same directory, and is met there by its own name.
            if is_plain_name(&text) {
                continue;
            }
            let Ok(path) = directory.join(&name) else {
                continue;
            };
            if let Led::To(target, Seen::Program) = self.follow(&path)
                && !self.is_system(&target)
                && !self.reached.contains(&target)
            {
                self.reached.push(target);
            }
        }
    }

    fn follow(&self, path: &HostPath) -> Led {
        follow(path, self.around.granted, &self.disk)
    }

    fn toolchain(&mut self, toolchain: &Toolchain) {
        for root in self.roots(toolchain) {
            let real = match self.follow(&root) {
                Led::To(real, Seen::Directory(_)) => real,
                // The operator keeps it in a grant: nothing more to grant, but it must be found.
                Led::IntoGrant if self.variable(toolchain).is_some() => {
                    self.set(toolchain, &root);
                    continue;
                }
                _ => continue,
            };
            if !self.is_in_use(toolchain, &real) {
                continue;
            }
            let mut granted = false;
            let origin: Arc<str> = format!("toolchain {}", toolchain.name).into();
            for part in &toolchain.paths {
                let why = Why {
                    origin: Arc::clone(&origin),
                    reason: part.reason.clone(),
                };
                for path in self.parts(&root, &part.path) {
                    granted |= self.grant(&path, part.access, &why);
                }
            }
            if granted {
                self.set(toolchain, &root);
            }
        }
    }

    fn variable(&self, toolchain: &Toolchain) -> Option<HostPath> {
        let name = toolchain.variable.as_ref()?;
        let value = self.around.variables.get(name.as_str())?;
        // Some of them are lists; the first counts, as it does for the tool.
        HostPath::absolute(value.split(':').next()?).ok()
    }

    fn roots(&self, toolchain: &Toolchain) -> Vec<HostPath> {
        if let Some(root) = self.variable(toolchain) {
            return vec![root];
        }
        let named = |root: &Anchored| match root {
            Anchored::Home(path) => self.around.home.join(path).ok(),
            Anchored::Host(path) => Some(path.clone()),
        };
        let roots = toolchain.roots.iter().filter_map(named);
        roots.flat_map(|root| self.expand(&root)).collect()
    }

    fn parts(&self, root: &HostPath, part: &Path) -> Vec<HostPath> {
        if part.as_os_str().is_empty() {
            return vec![root.clone()];
        }
        let path = root.join(part);
        path.map(|path| self.expand(&path)).unwrap_or_default()
    }

    /// A last component that ends in `*` stands for every name that begins so.
    fn expand(&self, path: &HostPath) -> Vec<HostPath> {
        let name = path.as_path().file_name().and_then(|name| name.to_str());
        let (Some(begin), Some(parent)) = (
            name.and_then(|name| name.strip_suffix('*')),
            path.as_path().parent(),
        ) else {
            return vec![path.clone()];
        };
        let real = HostPath::absolute(parent).map(|it| self.follow(&it));
        let Ok(Led::To(real, _)) = real else {
            return Vec::new();
        };
        let names = self.disk.names(real.as_path()).into_iter();
        names
            .filter(|name| name.as_encoded_bytes().starts_with(begin.as_bytes()))
            .filter_map(|name| HostPath::absolute(parent.join(name)).ok())
            .collect()
    }

    fn is_in_use(&self, toolchain: &Toolchain, root: &HostPath) -> bool {
        let led_into = self
            .reached
            .iter()
            .any(|reached| reached.beneath(root).is_some());
        let has_program = || {
            let mut programs = toolchain.programs.iter();
            programs.any(|program| self.entries.iter().any(|entry| self.holds(entry, program)))
        };
        led_into || has_program()
    }

    fn holds(&self, entry: &HostPath, program: &str) -> bool {
        let path: PathBuf = entry.as_path().join(program);
        matches!(self.disk.look(&path), Some(Seen::Program | Seen::Link(_)))
    }

    fn set(&mut self, toolchain: &Toolchain, root: &HostPath) {
        // A root that is no text cannot be the value of a variable that is one.
        let Some(root) = root.as_path().to_str() else {
            return;
        };
        for variable in &toolchain.environment {
            let known = &mut self.found.environment;
            if known.iter().all(|(name, _)| variable.name != name.as_str()) {
                let value = variable.value.replace("${root}", root);
                known.push((variable.name.to_string(), value));
            }
        }
    }

    /// Programs that a link in the search path leads to and no toolchain covers.
    fn single_programs(&mut self) {
        let why = Why::search_path("a link in the search path leads to it");
        for program in std::mem::take(&mut self.reached) {
            self.grant(&program, PROGRAMS, &why);
        }
    }

    /// Grants a path that exists and may be granted, as it is named and where it really is.
    fn grant(&mut self, path: &HostPath, access: Access, why: &Why) -> bool {
        let (real, seen) = match self.follow(path) {
            Led::To(real, seen) => (real, seen),
            Led::IntoGrant | Led::Nowhere => return false,
        };
        let shared = seen == Seen::Directory(Writers::Everybody);
        let obstacle = if shared {
            Some("every user can put files there".to_owned())
        } else {
            self.obstacle(&real)
        };
        if let Some(obstacle) = obstacle {
            self.leave_out(path.as_path(), &obstacle);
            return false;
        }
        self.push(&real, access, why);
        if self.obstacle(path).is_none() {
            self.push(path, access, why);
        }
        true
    }

    fn push(&mut self, path: &HostPath, access: Access, why: &Why) {
        let known = self.found.paths.iter();
        let covers =
            |known: &ViewPath| path.beneath(&known.path).is_some() && known.access.covers(access);
        if known.clone().any(covers) {
            return;
        }
        self.found.paths.push(ViewPath {
            path: path.clone(),
            access,
            origin: Arc::clone(&why.origin),
            reason: why.reason.clone(),
        });
    }

    fn leave_out(&mut self, path: &Path, why: &str) {
        self.found.left_out.push(LeftOut {
            path: path.to_owned(),
            why: why.to_owned(),
        });
    }

    /// Why a path is not granted.
    fn obstacle(&self, path: &HostPath) -> Option<String> {
        if self.homes.iter().any(|home| home.beneath(path).is_some()) {
            return Some("it is a home, or a directory around one".into());
        }
        let (place, what) = self
            .never
            .iter()
            .find(|(place, _)| path.beneath(place).is_some() || place.beneath(path).is_some())?;
        let place = place.as_path().display();
        Some(format!("it holds or lies in {place}: {what}"))
    }

    fn is_granted(&self, path: &HostPath) -> bool {
        let mut grants = self.around.granted.iter();
        grants.any(|grant| path.beneath(grant).is_some())
    }

    /// Whether the profiles' own paths let commands execute it.
    fn is_system(&self, path: &HostPath) -> bool {
        let covers = |system: &SystemPath| {
            system.access.covers(PROGRAMS) && path.beneath(&system.path).is_some()
        };
        let mut paths = self.profiles.iter().flat_map(|profile| &profile.system);
        paths.any(covers)
    }
}

fn is_plain_name(text: &Path) -> bool {
    let mut parts = text.components();
    matches!(parts.next(), Some(Component::Normal(_))) && parts.next().is_none()
}

fn anchor(path: &Anchored, homes: &[HostPath]) -> Vec<HostPath> {
    match path {
        Anchored::Host(path) => vec![path.clone()],
        Anchored::Home(path) => homes
            .iter()
            .filter_map(|home| home.join(path).ok())
            .collect(),
    }
}
