#!/usr/bin/env python3
"""What the witnesses cost: commands in prepared sessions with more and fewer calls looked at.

    benches/witnesses.py [--rounds N] [--files N] [PROGRAM]

Ratios to the bare command, taken in turn, as medians, in a Markdown table.
"""

import os

import compare

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LEVELS = ["closed-calls", "changes", "opens"]


def policy(place, notify):
    with open(os.path.join(HERE, "policies", "workspace.toml")) as file:
        text = file.read()
    name = f"notify-{notify}"
    text = text.replace('name = "workspace"', f'name = "{name}"', 1)
    text = text.replace('mode = "auto"', f'mode = "auto"\nnotify = "{notify}"', 1)
    path = os.path.join(place, f"{name}.toml")
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


def main():
    arguments = compare.asked(__doc__, rounds=40, files=20_000)
    program = arguments.program
    with compare.workspace() as root:
        work = [*compare.workloads(root, arguments.files), *storms(root)]
        sessions = {}
        for mode, flat in [("view", "0"), ("flat", "1")]:
            for level in LEVELS:
                options = ["--policy", policy(os.path.dirname(root), level)]
                sessions[f"{mode}, {level}"] = compare.Session(program, options, root, flat=flat)
        compare.heading("Commands in a prepared session, by `notify`", {"bare": None, **sessions})
        for name, command, share in work:
            rounds = max(5, int(arguments.rounds * share))
            compare.ratios(name, command, {"bare": compare.Spawned(root), **sessions}, rounds)
        for session in sessions.values():
            session.end()


if __name__ == "__main__":
    main()
