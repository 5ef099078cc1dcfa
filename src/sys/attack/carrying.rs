//! Bringing what lies outside into the workspace, or the workspace's names outside: links,
//! renames, handles by number, mounts, other roots.

use super::call::call;
use super::files::{contents, handle, link_of, open, open_from};
use super::{Outcome, Prey, namespaces, number, text};

const HERE: i32 = libc::AT_FDCWD;

fn spare(prey: &Prey) -> Outcome {
    contents(open(&prey.own("spare"), libc::O_RDONLY)?)
}

/// A second name in the workspace
pub(crate) fn hard_link(prey: &Prey) -> Outcome {
    call!(
        libc::SYS_linkat,
        HERE,
        &prey.file,
        HERE,
        &prey.own("spare"),
        0
    )?;
    spare(prey)
}

/// A second name for what a handle leads to, by its magic link
pub(crate) fn hard_link_of_link(prey: &Prey) -> Outcome {
    let link = link_of(handle(&prey.file)?);
    let follow = libc::AT_SYMLINK_FOLLOW;
    call!(
        libc::SYS_linkat,
        HERE,
        &link,
        HERE,
        &prey.own("spare"),
        follow
    )?;
    spare(prey)
}

/// A second name for what a handle leads to, by the empty path
pub(crate) fn hard_link_of_handle(prey: &Prey) -> Outcome {
    let file = handle(&prey.file)?;
    let empty = libc::AT_EMPTY_PATH;
    call!(libc::SYS_linkat, file, c"", HERE, &prey.own("spare"), empty)?;
    spare(prey)
}

fn rename(prey: &Prey, flags: u32) -> Outcome {
    let own = prey.own(if flags == 0 { "spare" } else { "own" });
    call!(libc::SYS_renameat2, HERE, &prey.file, HERE, &own, flags)?;
    contents(open(&own, libc::O_RDONLY)?)
}

/// renameat2(2) into the workspace
pub(crate) fn renaming_in(prey: &Prey) -> Outcome {
    rename(prey, 0)
}

/// renameat2(2), in exchange for a file of the workspace
pub(crate) fn exchanging(prey: &Prey) -> Outcome {
    rename(prey, libc::RENAME_EXCHANGE)
}

/// A directory exchanged for one of the workspace
pub(crate) fn exchanging_directories(prey: &Prey) -> Outcome {
    let (theirs, own) = (&prey.directory, prey.own("hollow"));
    call!(
        libc::SYS_renameat2,
        HERE,
        theirs,
        HERE,
        &own,
        libc::RENAME_EXCHANGE
    )?;
    let path = format!(
        "{}/{}",
        own.to_string_lossy(),
        prey.name().to_string_lossy()
    );
    contents(open(&text(&path), libc::O_RDONLY)?)
}

/// The file by its number: name_to_handle_at(2), open_by_handle_at(2)
pub(crate) fn file_handle(prey: &Prey) -> Outcome {
    let mut name = super::call::structure![128u32, 0i32];
    name.resize(8 + 128, 0);
    let mut mount = [0u8; 4];
    call!(
        libc::SYS_name_to_handle_at,
        HERE,
        &prey.file,
        &mut name[..],
        &mut mount[..],
        0
    )?;
    let place = open(c".", libc::O_RDONLY | libc::O_DIRECTORY)?;
    contents(call!(
        libc::SYS_open_by_handle_at,
        place,
        &name,
        libc::O_RDONLY
    )?)
}

/// open_tree(2), and a name in it
pub(crate) fn open_tree(prey: &Prey) -> Outcome {
    let tree = call!(number::OPEN_TREE, HERE, &prey.directory, 0)?;
    contents(open_from(tree, &prey.name(), libc::O_RDONLY)?)
}

/// A copy of the tree: open_tree(2) with `OPEN_TREE_CLONE`
pub(crate) fn cloned_tree(prey: &Prey) -> Outcome {
    let tree = call!(number::OPEN_TREE, HERE, &prey.directory, 1)?;
    contents(open_from(tree, &prey.name(), libc::O_RDONLY)?)
}

/// The same by open_tree_attr(2)
pub(crate) fn cloned_tree_with_attributes(prey: &Prey) -> Outcome {
    let none = [0u8; 32];
    let tree = call!(
        number::OPEN_TREE_ATTR,
        HERE,
        &prey.directory,
        1,
        &none[..],
        32
    )?;
    contents(open_from(tree, &prey.name(), libc::O_RDONLY)?)
}

fn bind(prey: &Prey) -> Outcome {
    namespaces::make_mounts_private()?;
    let hollow = prey.own("hollow");
    call!(libc::SYS_mount, &prey.directory, &hollow, 0, 0x1000, 0)?; // MS_BIND
    let path = format!(
        "{}/{}",
        hollow.to_string_lossy(),
        prey.name().to_string_lossy()
    );
    contents(open(&text(&path), libc::O_RDONLY)?)
}

/// A bind mount in a mount namespace of its own
pub(crate) fn bind_mount(prey: &Prey) -> Outcome {
    call!(libc::SYS_unshare, libc::CLONE_NEWNS)?;
    bind(prey)
}

/// The same in a user namespace, which needs no privilege
pub(crate) fn bind_mount_as_user(prey: &Prey) -> Outcome {
    call!(libc::SYS_unshare, libc::CLONE_NEWUSER | libc::CLONE_NEWNS)?;
    bind(prey)
}

/// The same by open_tree(2) and move_mount(2)
pub(crate) fn moved_mount(prey: &Prey) -> Outcome {
    call!(libc::SYS_unshare, libc::CLONE_NEWUSER | libc::CLONE_NEWNS)?;
    namespaces::make_mounts_private()?;
    let hollow = prey.own("hollow");
    let tree = call!(number::OPEN_TREE, HERE, &prey.directory, 1)?;
    // MOVE_MOUNT_F_EMPTY_PATH
    call!(number::MOVE_MOUNT, tree, c"", HERE, &hollow, 4)?;
    let path = format!(
        "{}/{}",
        hollow.to_string_lossy(),
        prey.name().to_string_lossy()
    );
    contents(open(&text(&path), libc::O_RDONLY)?)
}

/// An overlay that shows the directory
pub(crate) fn overlay(prey: &Prey) -> Outcome {
    call!(libc::SYS_unshare, libc::CLONE_NEWUSER | libc::CLONE_NEWNS)?;
    namespaces::make_mounts_private()?;
    let hollow = prey.own("hollow");
    let lower = prey.directory.to_string_lossy();
    let options = text(&format!("lowerdir={lower}:{}", hollow.to_string_lossy()));
    call!(libc::SYS_mount, c"none", &hollow, c"overlay", 0, &options)?;
    let path = format!(
        "{}/{}",
        hollow.to_string_lossy(),
        prey.name().to_string_lossy()
    );
    contents(open(&text(&path), libc::O_RDONLY)?)
}

/// chroot(2) to the directory
pub(crate) fn new_root(prey: &Prey) -> Outcome {
    call!(libc::SYS_chroot, &prey.directory)?;
    let path = format!("/{}", prey.name().to_string_lossy());
    contents(open(&text(&path), libc::O_RDONLY)?)
}

/// chroot(2) as root of a user namespace
pub(crate) fn new_root_as_user(prey: &Prey) -> Outcome {
    call!(libc::SYS_unshare, libc::CLONE_NEWUSER)?;
    new_root(prey)
}

/// The classic way out: chroot(2) to a directory below, and `..` until the real root
pub(crate) fn out_of_a_root(prey: &Prey) -> Outcome {
    call!(libc::SYS_chroot, &prey.own("hollow"))?;
    for _ in 0..64 {
        call!(libc::SYS_chdir, c"..")?;
    }
    call!(libc::SYS_chroot, c".")?;
    contents(open(&prey.file, libc::O_RDONLY)?)
}

/// The mount namespace of the broker, by setns(2)
pub(crate) fn broker_namespace(prey: &Prey) -> Outcome {
    let path = text(&format!("/proc/{}/ns/mnt", prey.number));
    call!(
        libc::SYS_setns,
        open(&path, libc::O_RDONLY)?,
        libc::CLONE_NEWNS
    )?;
    contents(open(&prey.file, libc::O_RDONLY)?)
}

/// The same by a pidfd
pub(crate) fn broker_namespace_by_pidfd(prey: &Prey) -> Outcome {
    let process = call!(libc::SYS_pidfd_open, prey.number, 0)?;
    call!(libc::SYS_setns, process, libc::CLONE_NEWNS)?;
    contents(open(&prey.file, libc::O_RDONLY)?)
}
