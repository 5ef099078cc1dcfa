#!/usr/bin/env python3
"""Compares lobsterpot with a bare run and with bubblewrap, side by side, as whole processes.

    cargo build --release && benches/compare.py [--rounds N] [PROGRAM]

Every round runs each variant once, in turn, so that a machine that changes its speed changes
all of them; what is printed is the median of the ratios to the bare run of the same round.
bubblewrap comes from Debian (`apt-get install bubblewrap`); without it, its column is empty.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

# The same view as the built-in policies give: the system to read, the workspace, no network.
BWRAP = [
    "bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--ro-bind", "/usr", "/usr",
    "--ro-bind", "/etc", "/etc", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib",
    "--symlink", "usr/lib64", "/lib64", "--symlink", "usr/sbin", "/sbin",
    "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp",
]


def workloads(root):
    """Name, command, and how many files it meets."""
    tree = os.path.join(root, "tree")
    for outer in range(100):
        directory = os.path.join(tree, f"d{outer}")
        os.makedirs(directory)
        for inner in range(100):
            with open(os.path.join(directory, f"f{inner}.txt"), "w") as file:
                file.write("a line of text\n" * 5)
    with open(os.path.join(root, "m.c"), "w") as file:
        file.write("#include <stdio.h>\n#include <stdlib.h>\nint main(void){puts(\"x\");return 0;}\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    subprocess.run(git + ["commit", "-qm", "x"], cwd=root, check=True)
    yield "true (one-shot start and end)", ["/usr/bin/true"], 1.0
    yield "find over 10k files", ["find", "tree", "-name", "nothing"], 0.5
    yield "grep -r over 10k files", ["grep", "-r", "nothing at all", "tree"], 0.3
    yield "git status", ["git", "status", "--short"], 0.5
    yield "gcc of one file", ["gcc", "-O2", "-o", "m", "m.c"], 0.3
    yield "python3 start", ["/usr/bin/python3", "-c", "pass"], 0.5


def timed(command, root):
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, check=False,
    )
    taken = time.perf_counter() - start
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr.decode()}")
    return taken


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=60)
    default = os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "release", "lobsterpot")
    parser.add_argument("program", nargs="?", default=default)
    arguments = parser.parse_args()
    program = os.path.abspath(arguments.program)
    with tempfile.TemporaryDirectory() as place:
        root = os.path.join(place, "root")
        os.mkdir(root)
        os.environ["XDG_STATE_HOME"] = os.path.join(place, "state")
        compare(program, root, arguments.rounds)


def compare(program, root, rounds):
    bwrap = BWRAP + ["--bind", root, root, "--chdir", root] if shutil.which("bwrap") else None
    print(f"{'':<32}{'bare':>10}{'read-only':>12}{'workspace':>12}{'bwrap':>10}   (ratios to bare, medians)")
    for name, command, share in workloads(root):
        variants = {
            "bare": command,
            "read-only": [program, "run", "--read-only", "--"] + command,
            "workspace": [program, "run", "--"] + command,
        }
        if command[0] == "gcc":
            del variants["read-only"]
        if bwrap:
            variants["bwrap"] = bwrap + command
        times = {variant: [] for variant in variants}
        for _ in range(max(5, int(rounds * share))):
            for variant, line in variants.items():
                times[variant].append(timed(line, root))
        bare = times["bare"]
        row = f"{name:<32}{statistics.median(bare) * 1000:>8.2f}ms"
        for variant, width in (("read-only", 12), ("workspace", 12), ("bwrap", 10)):
            if variant in times:
                ratio = statistics.median(t / b for t, b in zip(times[variant], bare))
                row += f"{ratio:>{width}.2f}"
            else:
                row += f"{'':>{width}}"
        print(row, flush=True)


if __name__ == "__main__":
    main()
