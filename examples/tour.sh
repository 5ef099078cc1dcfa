#!/usr/bin/env bash
# A tour in one command: a workspace, what an agent may do in it, what it may not, and the record.
# Everything happens in a temporary directory, which is removed at the end.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --release --quiet
pot="$PWD/target/release/lobsterpot"
[ -n "${CARGO_TARGET_DIR:-}" ] && pot="$CARGO_TARGET_DIR/release/lobsterpot"

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cp -r examples/workspace "$place/workspace"
export XDG_STATE_HOME="$place/state"
cd "$place/workspace"
git init -q
git add -A

step() {
    printf '\n\033[1m$ lobsterpot %s\033[0m\n' "$*"
    "$pot" "$@" || printf '(exit code %s)\n' "$?"
}

step run -- git status --short
step run -- python3 src/greet.py Mario
step run -- sh -c 'find ~'
step run --read-only -- sh -c 'find ~; touch x; chmod 777 y; curl example.com'
step run --read-only -- python3 -c 'open("note.txt", "w")'
step run -- python3 -c 'import os; os.chmod("/etc", 0o777)'
step audit query --denied
step audit verify
