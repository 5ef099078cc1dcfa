#!/usr/bin/env python3
"""What the witnesses cost: commands in prepared sessions with each of them on and off.

    benches/witnesses.py [--rounds N] [--files N] [PROGRAM]

Ratios to the bare command, taken in turn, as medians, in Markdown tables: by how many calls the
supervisor looks at; with and without the tripwire (for root, who can hide its device from a
session); with and without the kernel's audit (where the host has one that may be read).
"""

import json
import os
import subprocess

import compare

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LEVELS = ["closed-calls", "changes", "opens"]


# The tripwire's device is not there: nothing else in the session's environment is different.
HIDDEN = ["unshare", "--mount", "sh", "-c", 'mount --bind /dev/null /dev/fuse && exec "$@"', "sh"]


def policy(root, notify, kernel="off"):
    with open(os.path.join(HERE, "policies", "workspace.toml")) as file:
        text = file.read()
    name = f"notify-{notify}-{kernel}"
    text = text.replace('name = "workspace"', f'name = "{name}"', 1)
    keys = f'mode = "auto"\nnotify = "{notify}"\nkernel-witness = "{kernel}"'
    text = text.replace('mode = "auto"', keys, 1)
    path = os.path.join(os.path.dirname(root), f"{name}.toml")
    with open(path, "w") as file:
        file.write(text)
    return path


def storms(root):
    small = os.path.join(root, "small")
    os.mkdir(small)
    for number in range(2000):
        with open(os.path.join(small, f"f{number}"), "w") as file:
            file.write("a line of text\n")
    yield "`cp -r` of 2000 files", ["sh", "-c", "cp -r small copy && rm -r copy"], 0.3
    yield "`git clone`", ["sh", "-c", "git clone -q . cloned && rm -rf cloned"], 0.2


def table(title, sessions, work, root, rounds):
    compare.heading(title, {"bare": None, **sessions})
    for name, command, share in work:
        variants = {"bare": compare.Spawned(root), **sessions}
        compare.ratios(name, command, variants, max(5, int(rounds * share)))
    for session in sessions.values():
        session.end()


def levels(program, root):
    sessions = {}
    for mode, flat in [("view", "0"), ("flat", "1")]:
        for level in LEVELS:
            options = ["--policy", policy(root, level)]
            sessions[f"{mode}, {level}"] = compare.Session([program], options, root, flat=flat)
    return sessions


def with_and_without_tripwire(program, root):
    options = ["--policy", policy(root, "changes")]
    return {
        "view, tripwire": compare.Session([program], options, root),
        "view, no tripwire": compare.Session(HIDDEN + [program], options, root),
    }


def with_and_without_kernel(program, root):
    sessions = {}
    for mode, flat in [("view", "0"), ("flat", "1")]:
        for kernel in ["off", "required"]:
            options = ["--policy", policy(root, "changes", kernel)]
            name = f"{mode}, kernel {'on' if kernel == 'required' else kernel}"
            sessions[name] = compare.Session([program], options, root, flat=flat)
    return sessions


def hears_the_kernel(program):
    report = subprocess.run([program, "doctor", "--json"], capture_output=True, check=False)
    return json.loads(report.stdout)["host"]["audit"] == "readable"


def main():
    asked = compare.asked(__doc__, rounds=40, files=20_000)
    program = asked.program
    with compare.workspace() as root:
        work = [*compare.workloads(root, asked.files), *storms(root)]
        given = (work, root, asked.rounds)
        table("Commands in a prepared session, by `notify`", levels(program, root), *given)
        if os.geteuid() == 0:
            sessions = with_and_without_tripwire(program, root)
            table("With and without the tripwire", sessions, *given)
        if hears_the_kernel(program):
            sessions = with_and_without_kernel(program, root)
            table("With and without the kernel's audit", sessions, *given)


if __name__ == "__main__":
    main()
