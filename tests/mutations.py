#!/usr/bin/env python3
"""Switches one layer off at a time, in a copy of the sources, and expects the tests to go red.

    tests/mutations.py [--list | --check | NAME ...]

A mutation that no test notices means that a test proves nothing; the exit code is then 1.
Each takes a build and a test run, so this is not a part of `cargo test`. The copy and its build
stay in `target/mutations`, so that only the package itself is built again. `--check` only looks
whether each mutation still finds what it changes, which `cargo test` does as well.

A view that cannot be built any more, on a host that has views, is noticed, too: the program
says so, and a policy that requires a view does not start. As root, so that what holds an ordinary user back is not what the tests see.
"""

import os
import shutil
import subprocess
import sys
import time

LAUNCH = "src/sys/launch.rs"
LAUNCHER = "src/sandbox/launcher.rs"
KEEPER = "src/sandbox/keeper.rs"
SETTLING = "src/sandbox/settling.rs"
LOCATE = "src/sandbox/view/locate.rs"
LANDLOCK = "src/sandbox/landlock.rs"
SUPERVISE = "src/sandbox/supervise/mod.rs"
PLACE = "src/sandbox/supervise/place.rs"
CLOSING = "src/sandbox/closing.rs"
DECIDE = "src/policy/decide.rs"
VERIFY = "src/audit/verify.rs"

# name, the tests of which one must go red (`lib` before those that stand in the sources), and
# each change: file, what stands there, what stands there instead.
MUTATIONS = [
    # Landlock
    ("landlock", "containment::reading", [
        (LAUNCH, "libc::syscall(libc::SYS_landlock_restrict_self, ruleset, telling)", "{ let _ = (ruleset, telling); 0 }")]),
    ("scopes", "containment::bystanders", [
        (LANDLOCK, "attributes = attributes.scope(Scope::from_all(known)).map_err(fault)?;", ""),
        # The launcher's own domain holds its commands back as well.
        (LANDLOCK, "    if known < ABI::V6 {\n        return Ok(None);", "    if known < ABI::V6 || true {\n        return Ok(None);")]),
    ("devices", "lib sandbox::landlock", [
        (LANDLOCK, "                    | AccessFs::MakeSock\n", "                    | AccessFs::MakeSock\n                    | AccessFs::MakeChar\n")]),
    ("holes", "containment::exceptions", [
        ("src/sandbox/prepare.rs", "|one: &&Opened<'_>| !one.rule.is_changeable() && one.rule.has_holes(&plan.paths);",
         "|_: &&Opened<'_>| false;")]),

    # seccomp
    ("filter", "containment::network", [
        (LAUNCH, "match launch.filter.install() {", "match Ok::<Listening, ()>(Listening::No) {")]),
    ("architecture", "containment::changing", [
        ("src/sandbox/seccomp/compile.rs", "let foreign = emitter.verdict(Action::Errno(Errno::ENOSYS));",
         "let foreign = emitter.verdict(Action::Allow);")]),
    ("unknown calls", "plans::seccomp", [
        ("src/sandbox/seccomp/compile.rs", "const UNKNOWN: Leaf<'_> = Leaf::Verdict(Action::Errno(Errno::ENOSYS));",
         "const UNKNOWN: Leaf<'_> = Leaf::Verdict(Action::Allow);")]),
    ("inode flags", "containment::changing", [
        (CLOSING, "        closed.push((\"inode-flags\", inode_flags(situation.changes)));\n", "")]),
    ("metadata", "containment::changing", [
        (CLOSING, "MetadataCalls::Refused => Some((\"metadata\", Treatment::AsWritten)),", "MetadataCalls::Refused => None,"),
        (CLOSING, "            Some((\"metadata\", Treatment::Supervise))\n", "            None\n")]),
    ("scheduling set", "containment::bystanders", [
        (CLOSING, "        closed.push((\"scheduling\", changes_by_supervisor(situation.metadata)));\n", "")]),

    # the view
    ("covers", "containment::exceptions", [
        ("src/sandbox/view/masks.rs", "        let over = open_in(root, path).map_err(fault())?;",
         "        if true {\n            return Ok(());\n        }\n        let over = open_in(root, path).map_err(fault())?;")]),
    ("read-only mounts", "containment::changing", [
        (LOCATE, "            attributes = attributes.and(Attributes::READ_ONLY);", "            let _ = &mut attributes;")]),
    ("pid namespace", "containment", [
        ("src/sys/namespace.rs", "            | CloneFlags::CLONE_NEWPID\n", "")]),
    ("network namespace", "containment::network", [
        ("src/sys/namespace.rs", "            | CloneFlags::CLONE_NEWNET\n", ""),
        (LAUNCH, "match launch.filter.install() {", "match Ok::<Listening, ()>(Listening::No) {"),
        (LAUNCH, "libc::syscall(libc::SYS_landlock_restrict_self, ruleset, telling)", "{ let _ = (ruleset, telling); 0 }")]),

    # the supervisor
    ("place", "containment::races", [
        (SUPERVISE, "        root.find(pinned).ok_or(match self.elsewhere {",
         "        root.find(pinned).or_else(|| pinned.handle().try_clone_to_owned().ok()).ok_or(match self.elsewhere {")]),
    ("links on the way", "lib sandbox::supervise::place", [
        (PLACE, "Resolution::BeneathWithoutLinks", "Resolution::Ordinary")]),
    ("identity", "lib sandbox::supervise::place", [
        (PLACE, "identity.is_same_object(&pinned.identity).then_some(found)", "identity.is_same_object(&identity).then_some(found)")]),
    ("elsewhere", "containment::changing", [
        (SUPERVISE, "        let root = root.ok_or(self.elsewhere)?;",
         "        let Some(root) = root else {\n            return pinned.handle().try_clone_to_owned().map_err(|_| self.elsewhere);\n        };")]),
    ("privileged files", "containment::processes", [
        (SUPERVISE, "mode & SETUID_OR_SETGID != 0)", "mode & SETUID_OR_SETGID == 0o7777)")]),
    ("lesser grants", "containment::changing", [
        ("src/sandbox/reach.rs", "        RootRule::Closed\n", "        everything()\n")]),
    ("nameless", "containment::races containment::changing", [
        (PLACE, "let is_unlinked = self.identity.links == 0 && name.ends_with(b\" (deleted)\");",
         "let is_unlinked = self.identity.links > 0;")]),
    ("other processes", "containment::bystanders", [
        (SUPERVISE, "    if !call.is_own() {", "    if !call.is_own() && call.name.is_empty() {")]),

    # hygiene
    ("capabilities", "containment::processes", [
        (SETTLING, "    process::adopt_orphans()?;\n    process::drop_capabilities()?;", "    process::adopt_orphans()?;")]),
    ("no_new_privs", "containment::processes", [
        (LAUNCH, "libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)", "0"),
        ("src/sys/teardown.rs", "unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };", ""),
        # Without privileges given up, only who has them can enter; so they are kept.
        ("src/sys/process.rs", "    for capability in 0..64 {", "    if true {\n        return Ok(());\n    }\n    for capability in 0..64 {")]),
    ("descriptors", "containment::processes", [
        ("src/sys/process.rs", "    checked(unsafe { libc::syscall(libc::SYS_close_range, from, to, 0) })?;", "    let _ = (from, to);")]),
    ("environment", "containment::processes", [
        ("src/broker/environment.rs", "let mut variables = sources.operator.environment_for(sources.policy);",
         "#[allow(clippy::disallowed_methods)]\n    let mut variables: BTreeMap<OsString, OsString> = std::env::vars_os().collect();")]),
    ("session", "containment::streams", [
        (LAUNCH, "    if unsafe { libc::setsid() } == -1 {", "    if unsafe { libc::getpid() } == -1 {"),
        (KEEPER, "    nix::unistd::setsid()?;\n", ""),
        (SETTLING, "    nix::unistd::setsid()?;\n", "")]),
    ("signals", "containment::streams", [
        (LAUNCH, "        unsafe { libc::sigaction(signal, &raw const default, ptr::null_mut()) };", "        let _ = (signal, &default);")]),
    ("file as output", "containment::streams", [
        ("src/sandbox/streams.rs", "            (StreamKind::Closed | StreamKind::Directory | StreamKind::Null, _) => null(),\n            (StreamKind::Terminal, Some(terminal)) => {\n                if",
         "            (StreamKind::Closed | StreamKind::Directory | StreamKind::Null, _) => null(),\n            (_, None) => duplicate(caller),\n            (StreamKind::Terminal, Some(terminal)) => {\n                if")]),
    ("null stream", "containment::streams", [
        ("src/sandbox/territory.rs", "            (Self::View, StreamKind::Null) => null(),\n", "")]),

    # the end
    ("teardown", "containment::survivors", [
        ("src/sys/teardown.rs", "    pub fn end_all(self) -> usize {", "    pub fn end_all(self) -> usize {\n        if true {\n            return 0;\n        }")]),
    ("time", "containment::survivors", [
        (LAUNCHER, "            end_command(running);\n        }\n        let timeout", "        }\n        let timeout")]),
    ("output", "containment::limits", [
        ("src/sandbox/visit.rs", "self.written() > self.sandbox.plan().limits.output", "self.written() > u64::MAX - 1")]),
    ("scratch", "containment::survivors", [
        ("src/sandbox/scratch.rs", "        if remove_tree(&self.path).is_err() {", "        if false {")]),
    ("mark", "containment::scratch", [
        ("src/sandbox/scratch.rs", "    file.try_lock()?;\n", "")]),

    # the daemon and the brake
    ("whose token", "daemon::peers", [
        ("src/daemon/sessions.rs", "(right.uid == uid && right.session", "(uid != u32::MAX && right.session")]),
    ("peers", "daemon::peers", [
        ("src/daemon/connection.rs", "if uid != daemon.uid && uid != 0 {", "if uid == u32::MAX {")]),
    ("senders", "daemon::peers", [
        ("src/daemon/vouched.rs", "if uid == self.uid =>", "if uid != u32::MAX || self.uid == uid =>")]),
    ("operations", "daemon::tokens", [
        ("src/daemon/peer.rs", "if !right.operations.contains(op) {", "if false {")]),
    ("narrowing", "daemon::tokens", [
        ("src/daemon/control.rs", "Some(wanted) => right.operations.both(wanted),", "Some(wanted) => wanted.clone(),")]),
    ("ground of a restarted worker", "mcp::restarted", [
        ("src/mcp/session.rs", "if !now.agrees_with(state.origin.get_or_insert_with(|| now.clone())) {",
         "if false && !now.agrees_with(state.origin.get_or_insert_with(|| now.clone())) {")]),
    ("silent clients", "mcp::leaving", [
        ("src/mcp/http.rs", "sessions.keep_alive = Some(keep_alive);", "let _ = keep_alive;")]),
    ("brake", "daemon::brake", [
        ("src/broker/brake.rs", "        if self.is_pulled() {\n            return Err", "        if false {\n            return Err")]),
    ("roll", "daemon::brake", [
        ("src/broker/brake.rs", "        for place in roll::places(&roll)? {", "        for place in Vec::<roll::Place>::new() {")]),

    # deciding
    ("default deny", "decisions", [
        (DECIDE, "        if !standing.has(grant) {", "        if false {")]),
    ("hide", "decisions probes", [
        (DECIDE, "        if grant.hide.matches(relative) {", "        if false {")]),
    ("protect", "decisions probes", [
        (DECIDE, "(changes && grant.protect.matches(relative))", "(false && changes)")]),
    ("rights", "decisions probes", [
        (DECIDE, "        if !missing.is_empty() {\n            let code", "        if false {\n            let code")]),
    ("tightening", "decisions containment::changing", [
        # Either would do alone.
        ("src/policy/tighten.rs", "            grant.rights = grant.rights.without(Rights::CHANGING);", "            let _ = &grant;"),
        ("src/policy/tighten.rs", "            ceiling.rights = ceiling.rights.without(Rights::CHANGING);", "            let _ = &ceiling;")]),
    ("unknown principal", "decisions", [
        (DECIDE, "let Some(tier) = self.policy().principals.get(principal) else {",
         "let Some(tier) = self.policy().principals.get(principal).or(Some(&Tier::Owner)) else {")]),

    # file requests
    ("links", "probes", [
        ("src/sys/beneath.rs", "ResolveFlag::RESOLVE_BENEATH\n                | ResolveFlag::RESOLVE_NO_SYMLINKS\n                | ResolveFlag::RESOLVE_NO_MAGICLINKS",
         "ResolveFlag::empty()")]),
    ("hard links", "probes", [
        ("src/capability/open.rs", "if inode.links > 1 && permit", "if inode.links > 1000 && permit")]),

    # the record
    ("hash", "audit", [
        (VERIFY, "        if !claim.holds(line.bytes) {", "        if false {")]),
    ("chain", "audit", [
        (VERIFY, "    if claim.prev != hash {", "    if false {")]),
    ("end of the log", "audit", [
        (VERIFY, "        if sequence > last {", "        if false {")]),
    ("record first", "cli::unrecorded", [
        ("src/broker/exec.rs",
         "            Err(unavailable) => {\n                return Err(Answer::denied(vec![*unavailable], String::new()).into());\n            }",
         "            Err(_) => RecordId::now(),")]),
    ("denials on record", "cli containment", [
        ("src/broker/refused.rs", "let _ = self\n                    .ledger\n                    .refused_inside(request, record, (denial, process));",
         "let _ = (denial, process);")]),

    # What bounds a command, and what sees it
    ("process bound", "containment::limits", [
        ("src/sandbox/view/build.rs", "            own::limit_processes(highest)?;", "            let _ = highest;")]),
    # Where a control group is delegated, with or without controllers.
    ("control group", "containment::groups", [
        (LAUNCHER, "self.equipment.group.as_ref().map(CommandGroup::entrance)", "None")]),
    ("abandoned groups", "containment::groups", [
        ("src/sandbox/group/session.rs", "        if is_ours && group.mark_as_used().is_ok() {", "        if false && is_ours {")]),
    ("groups in use", "containment::groups", [
        ("src/sandbox/group/session.rs", "        if is_ours && group.mark_as_used().is_ok() {", "        if is_ours {")]),
    ("lifeline", "containment::survivors", [
        (KEEPER, "    if ready != [true, false] && wait", "    if ready == [true, true] && wait")]),
    ("tripwire", "containment::tripwire", [
        ("src/sandbox/tripwire/serve.rs", "                if self.note(tripped, from) == Regard::Close {",
         "                if false && self.note(tripped, from) == Regard::Close {")]),
    ("witness of changes and opens", "cli::told", [
        ("src/sandbox/supervise/areas.rs", "if rights.is_empty() ||", "if true || rights.is_empty() ||")]),
    ("witness of what is allowed", "cli::told", [
        ("src/sandbox/supervise/areas.rs", "if allowed.covers(*rights) || self.rights_by_identity(pinned).covers(*rights) {", "if rights.is_empty() {")]),
    ("executions told", "cli::told", [
        (CLOSING, '&["changes", "executions", "write-opens"]', '&["changes", "write-opens"]'),
        (CLOSING, '&["changes", "executions", "opens"]', '&["changes", "opens"]')]),
    ("key of executions", "plans::seccomp::key", [
        ("src/sandbox/seccomp/program.rs", "            (sixth + 4, high),\n", "")]),
    ("read-only mounts told", "cli::told", [
        ("src/sandbox/supervise/areas.rs", "return is_protected.then_some(RefusedFor::Exception);", "let _ = is_protected;\n            return None;")]),
    ("hidden names told", "cli::told", [
        ("src/sandbox/view/build.rs", "covers = covers.telling(root.as_fd(), &covered)?;", "")]),
    ("own policy", "cli::policy decisions::messages", [
        ("src/policy/bind.rs", "pattern.map(Some)", "pattern.map(|_| None)")]),
    ("listed names", "lib view::skeleton", [
        ("src/sandbox/view/skeleton.rs", "filter(|(_, node)| **node != Node::Absent)", "filter(|_| true)")]),
]


def main():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    wanted = sys.argv[1:]
    if wanted == ["--list"]:
        for name, tests, _ in MUTATIONS:
            print(f"{name:<20} {tests}")
        return
    if wanted == ["--check"]:
        stale = [f"{name}: {path}" for name, _, changes in MUTATIONS for path, old, _ in changes
                 if old not in text_of(os.path.join(root, path))]
        sys.exit("\n".join(stale) or 0)
    unknown = set(wanted) - {one[0] for one in MUTATIONS}
    if unknown:
        sys.exit(f"no such mutation: {', '.join(sorted(unknown))}")
    chosen = [one for one in MUTATIONS if not wanted or one[0] in wanted]
    copy = copy_of(root)
    missed = []
    for name, tests, changes in chosen:
        began = time.monotonic()
        verdict = try_one(copy, changes, tests.split())
        print(f"{name:<20} {verdict} ({time.monotonic() - began:.0f} s)", flush=True)
        if not verdict.startswith("noticed"):
            missed.append(name)
    print(f"{len(chosen) - len(missed)} of {len(chosen)} noticed")
    sys.exit(1 if missed else 0)


def text_of(path):
    with open(path) as source:
        return source.read()


def copy_of(root):
    """A copy of the sources that keeps its place, so that the next build is a small one."""
    place = os.path.join(root, "target", "mutations", "lobsterpot")
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"],
                           cwd=root, capture_output=True, text=True, check=True).stdout.split("\n")
    shutil.rmtree(place, ignore_errors=True)
    for file in filter(None, files):
        source, target = os.path.join(root, file), os.path.join(place, file)
        if os.path.isfile(source):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(source, target)
    return place


def try_one(copy, changes, tests):
    before = {}
    try:
        for path, old, new in changes:
            file = os.path.join(copy, path)
            text = text_of(file)
            before.setdefault(file, text)
            if old not in text:
                return f"NOT APPLICABLE: {path} has changed"
            with open(file, "w") as source:
                source.write(text.replace(old, new))
        return verdict(copy, tests)
    finally:
        for file, text in before.items():
            with open(file, "w") as source:
                source.write(text)


def verdict(copy, tests):
    environment = dict(os.environ, CARGO_TARGET_DIR=os.path.join(os.path.dirname(copy), "build"),
                       CARGO_PROFILE_DEV_DEBUG="0", RUSTFLAGS="--cap-lints=warn")
    where = ["--test", "suite"]
    if tests[0] == "lib":
        where, tests = ["--lib"], tests[1:]
    build = cargo(copy, environment, ["test", "--no-run", "--locked", *where])
    if build.returncode != 0:
        return "DOES NOT BUILD:\n" + build.stderr[-2000:]
    run = cargo(copy, environment, ["test", "--locked", *where, "--", *tests, "--show-output"])
    red = [line.split()[1] for line in run.stdout.splitlines() if line.endswith("... FAILED")]
    if "SKIPPED: view mode" in run.stdout:
        return "noticed: no view can be built without it"
    if run.returncode == 0:
        return "NOT NOTICED"
    return f"noticed by {len(red)}: {', '.join(red[:3])}" if red else "FAILED WITHOUT A TEST"


def cargo(copy, environment, arguments):
    return subprocess.run(["cargo", *arguments], cwd=copy, env=environment,
                          capture_output=True, text=True, errors="replace", check=False)


if __name__ == "__main__":
    main()
