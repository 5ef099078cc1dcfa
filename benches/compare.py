#!/usr/bin/env python3
"""Compares lobsterpot with a bare run and with bubblewrap, side by side, as Markdown tables.

    cargo build --release && benches/compare.py [--rounds N] [--files N] [PROGRAM]

Every round runs each variant once, in turn, so that a machine that changes its speed changes
all of them; what is printed is the median of the ratios to the bare run of the same round.
The first table is of whole processes, sandbox and all; the second of commands in a session
whose sandbox is there already. bubblewrap comes from Debian (`apt-get install bubblewrap`);
without it its columns are empty.
"""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ISOLATED = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session"]
# As a person would write it: whole directories, an empty /tmp.
USUAL = ISOLATED + [
    "--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc", "--symlink", "usr/bin", "/bin",
    "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64", "--symlink", "usr/sbin", "/sbin",
    "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp",
]
# File systems that bubblewrap makes by itself, or that nothing of the host is in.
MADE = {"proc", "devpts", "devtmpfs", "tmpfs", "mqueue"}
SYSTEM = ["/usr/bin/true"]


def workloads(root, files):
    """Name, command, and which share of the rounds it takes."""
    tree = os.path.join(root, "tree")
    for number in range(files):
        directory = os.path.join(tree, f"d{number // 100}")
        if number % 100 == 0:
            os.makedirs(directory)
        with open(os.path.join(directory, f"f{number % 100}.txt"), "w") as file:
            file.write("a line of text\n" * 5)
    with open(os.path.join(root, "m.c"), "w") as file:
        file.write("#include <stdio.h>\n#include <stdlib.h>\nint main(void){puts(\"x\");return 0;}\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    subprocess.run(git + ["commit", "-qm", "x"], cwd=root, check=True)
    yield "`true`", SYSTEM, 1.0
    yield f"`find` over {files} files", ["find", "tree", "-name", "nothing"], 0.3
    yield f"`grep -r` over {files} files", ["grep", "-r", "nothing at all", "tree"], 0.2
    yield "`git status`", ["git", "status", "--short"], 0.3
    yield "`gcc` of one file", ["gcc", "-O2", "-o", "m", "m.c"], 0.3
    yield "`python3 -c pass`", ["/usr/bin/python3", "-c", "pass"], 0.6


class Whole:
    """A process for each command, sandbox and all."""

    def __init__(self, before, root, flat="0"):
        self.before = before
        self.root = root
        self.environment = dict(os.environ, LOBSTERPOT_FORCE_FLAT=flat)

    def time(self, command):
        began = time.perf_counter()
        done = subprocess.run(
            self.before + command, cwd=self.root, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
        )
        taken = time.perf_counter() - began
        if done.returncode not in (0, 1):
            sys.exit(f"{self.before + command}: exit code {done.returncode}\n{done.stderr.decode()}")
        return taken


class Session:
    """One session for all commands."""

    def __init__(self, program, options, root, flat="0"):
        environment = dict(os.environ, LOBSTERPOT_FORCE_FLAT=flat)
        self.call = subprocess.Popen(program + ["call"] + options, cwd=root, env=environment,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.time(SYSTEM)

    def time(self, command):
        request = json.dumps({"id": 1, "op": "exec.run", "argv": command}).encode() + b"\n"
        began = time.perf_counter()
        self.call.stdin.write(request)
        self.call.stdin.flush()
        line = self.call.stdout.readline()
        taken = time.perf_counter() - began
        reply = json.loads(line)
        if reply["status"] != "ok" or reply["result"]["exit_code"] not in (0, 1):
            sys.exit(f"{command}: {line.decode()}")
        return taken

    def end(self):
        self.call.stdin.close()
        self.call.wait()


class Spawned:
    """A bare command, started as cheaply as can be: without it a ratio would flatter us."""

    def __init__(self, root):
        self.root = root

    def time(self, command):
        null = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
        here = os.getcwd()
        os.chdir(self.root)
        began = time.perf_counter()
        pid = os.posix_spawnp(command[0], command, os.environ, file_actions=null)
        os.waitpid(pid, 0)
        taken = time.perf_counter() - began
        os.chdir(here)
        return taken


def same_view(program, root):
    """bubblewrap with what is mounted in a view of ours."""
    shown = subprocess.run([program, "run", "--", "cat", "/proc/self/mountinfo"], cwd=root,
                           capture_output=True, text=True, check=True).stdout
    line = ISOLATED + ["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--tmpfs", "/run"]
    for mount in shown.splitlines():
        fields = mount.split()
        place, kind = fields[4], fields[fields.index("-") + 1]
        inside = place.startswith(("/proc/", "/dev/", root + "/")) or place in ("/", "/proc", root)
        if kind not in MADE and not inside:
            line += ["--ro-bind", place, place]
    for name in ("bin", "lib", "lib64", "sbin"):
        line += ["--symlink", f"usr/{name}", f"/{name}"]
    return line


def ratios(name, command, variants, rounds):
    times = {variant: [] for variant in variants}
    for _ in range(rounds):
        for variant, runner in variants.items():
            # What cannot work is left out: nothing can be built where nothing can be changed.
            if command[0] != "gcc" or "read-only" not in variant:
                times[variant].append(runner.time(command))
    bare = times.pop("bare")
    row = f"| {name} | {statistics.median(bare) * 1000:.2f} ms |"
    for found in times.values():
        if found:
            row += f" {statistics.median(one / base for one, base in zip(found, bare)):.2f} |"
        else:
            row += " |"
    print(row, flush=True)


def heading(title, variants):
    names = [name for name in variants if name != "bare"]
    print(f"\n{title}\n\n| | bare | " + " | ".join(names) + " |\n|" + "---|" * (len(names) + 2))


def asked(about, rounds, files):
    """What the command line says, with the program by its absolute path."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--files", type=int, default=files)
    default = os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "release", "lobsterpot")
    parser.add_argument("program", nargs="?", default=default)
    arguments = parser.parse_args()
    arguments.program = os.path.abspath(arguments.program)
    return arguments


@contextlib.contextmanager
def workspace():
    """A directory to work in, beside one for the log; both are gone afterwards."""
    with tempfile.TemporaryDirectory() as place:
        root = os.path.join(os.path.realpath(place), "root")
        os.mkdir(root)
        os.environ["XDG_STATE_HOME"] = os.path.join(place, "state")
        yield root


def main():
    arguments = asked(__doc__, rounds=60, files=50_000)
    with workspace() as root:
        compare(arguments.program, root, arguments)


def compare(program, root, arguments):
    work = list(workloads(root, arguments.files))
    run = [program, "run"]
    whole = {
        "bare": Whole([], root),
        "`--read-only`": Whole(run + ["--read-only", "--"], root),
        "`workspace`": Whole(run + ["--"], root),
        "`workspace`, forced flat": Whole(run + ["--"], root, flat="1"),
    }
    if shutil.which("bwrap"):
        at = ["--bind", root, root, "--chdir", root]
        whole["bubblewrap, same view"] = Whole(same_view(program, root) + at, root)
        whole["bubblewrap, whole directories"] = Whole(USUAL + at, root)
    heading("Whole processes", whole)
    for name, command, share in work:
        ratios(name, command, whole, max(5, int(arguments.rounds * share)))
    sessions = {
        "`--read-only`": Session([program], ["--read-only"], root),
        "`workspace`": Session([program], [], root),
        "`workspace`, forced flat": Session([program], [], root, flat="1"),
    }
    heading("Commands in a prepared session", {"bare": None, **sessions})
    for name, command, share in work:
        rounds = max(5, int(arguments.rounds * share))
        ratios(name, command, {"bare": Spawned(root), **sessions}, rounds)
    for session in sessions.values():
        session.end()


if __name__ == "__main__":
    main()
