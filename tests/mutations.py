#!/usr/bin/env python3
"""Switches one layer off at a time, in a copy of the sources, and expects the tests to go red.

    tests/mutations.py [NAME ...]

A mutation that no test notices means that a test proves nothing; the exit code is then 1.
It takes a build and a test run each, so it is not a part of `cargo test`.
"""

import os
import shutil
import subprocess
import sys
import tempfile

# name, file, what stands there, what stands there instead, the tests that must go red
MUTATIONS = [
    ("landlock", "src/sys/launch.rs",
     "libc::syscall(libc::SYS_landlock_restrict_self, ruleset, 0)", "{ let _ = ruleset; 0 }",
     "containment::reading"),
    ("filter", "src/sys/launch.rs",
     "match launch.filter.install() {", "match Ok::<Listening, ()>(Listening::No) {",
     "containment::network"),
    ("supervisor", "src/sandbox/supervise/mod.rs",
     "        root.find(pinned).ok_or(RefusedFor::Exception)",
     "        let _ = root.find(pinned);\n        pinned.handle().try_clone_to_owned().map_err(|_| self.elsewhere)",
     "containment::races"),
    ("elsewhere", "src/sandbox/supervise/mod.rs",
     "        let root = root.ok_or(self.elsewhere)?;",
     "        let Some(root) = root else {\n            return pinned.handle().try_clone_to_owned().map_err(|_| self.elsewhere);\n        };",
     "containment::changing"),
    ("teardown", "src/sys/process.rs",
     "pub fn end_all_descendants() -> usize {", "pub fn end_all_descendants() -> usize {\n    return 0;\n    #[allow(unreachable_code)]",
     "containment::survivors"),
    ("links", "src/sys/beneath.rs",
     "RESOLVE_NO_SYMLINKS", "RESOLVE_NO_XDEV", "probes"),
]


def main():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    wanted = sys.argv[1:]
    chosen = [one for one in MUTATIONS if not wanted or one[0] in wanted]
    missed = []
    with tempfile.TemporaryDirectory() as place:
        copy = os.path.join(place, "lobsterpot")
        shutil.copytree(root, copy, ignore=shutil.ignore_patterns("target", ".git"))
        for name, path, old, new, tests in chosen:
            verdict = try_one(copy, (path, old, new), tests)
            print(f"{name:<12} {tests:<24} {verdict}", flush=True)
            if verdict != "noticed":
                missed.append(name)
    sys.exit(1 if missed else 0)


def try_one(copy, mutation, tests):
    path, old, new = mutation
    file = os.path.join(copy, path)
    with open(file) as source:
        before = source.read()
    if old not in before:
        return "not applicable: the source has changed"
    with open(file, "w") as source:
        source.write(before.replace(old, new))
    build = subprocess.run(["cargo", "test", "--no-run", "--locked"], cwd=copy, capture_output=True, check=False)
    run = None
    if build.returncode == 0:
        run = subprocess.run(["cargo", "test", "--locked", "--test", "suite", "--", tests],
                             cwd=copy, capture_output=True, check=False)
    with open(file, "w") as source:
        source.write(before)
    if run is None:
        return "does not build"
    return "noticed" if run.returncode != 0 else "NOT NOTICED"


if __name__ == "__main__":
    main()
