//! Everyday tools do their work: a sandbox in which they break is switched off.

use std::fs;
use std::process::Command;

use super::world::{Policy, User, World, skip};

/// Runs a script as the operator would: with their own home and search path.
fn operator(world: &World, policy: Policy, script: &str) -> (bool, String) {
    let mut command = world.run(policy);
    for name in ["HOME", "PATH"] {
        command.env(name, std::env::var_os(name).unwrap());
    }
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "A Developer");
        command.env(format!("GIT_{role}_EMAIL"), "developer@example.org");
    }
    fs::write(world.workspace().join("script.sh"), script).unwrap();
    let output = command.args(["sh", "-e", "script.sh"]).output().unwrap();
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

fn works(tool: &str, script: &str) {
    let found = Command::new(tool).arg("--version").output();
    if !found.is_ok_and(|found| found.status.success()) {
        return skip(&format!("{tool} is not installed"));
    }
    let world = World::new(User::Current);
    let (success, text) = operator(&world, Policy::Workspace, script);
    assert!(success, "{text}");
    assert!(world.scratch_left().is_empty());
}

#[test]
fn git() {
    works(
        "git",
        "
        git init -q -b main project && cd project
        echo one > a; mkdir d; echo two > d/b; git add . ; git commit -q -m first
        echo three >> a; git diff --stat | grep -q 'a | 1'
        git stash -q; git stash pop -q; git commit -qam second
        git log --oneline | wc -l | grep -q 2
        git checkout -q -b side HEAD~1; echo s > s; git add s; git commit -q -m side
        git merge -q main -m merged; git rebase -q main
        git clone -q . ../copy; git -C ../copy log -1 --format=%s
        git worktree add -q ../tree main; git gc -q; git fsck
        git tag v1; git archive v1 | tar t | grep -q d/b
        ",
    );
}

#[test]
fn git_reads_under_a_read_only_policy() {
    let world = World::new(User::Current);
    let (success, text) = operator(
        &world,
        Policy::Workspace,
        "git init -q .; git add mine; git commit -q -m first; echo x >> mine",
    );
    assert!(success, "{text}");
    let (success, text) = operator(
        &world,
        Policy::ReadOnly,
        "git status --short | grep -q mine; git log --oneline; git diff | grep -q '^+'; git show; \
         grep -r x . > /dev/null; find . > /dev/null; ls -la; cat mine; python3 -c 'print(1)'",
    );
    assert!(success, "{text}");
    let (success, text) = operator(&world, Policy::ReadOnly, "git commit -qam second");
    assert!(
        !success && (text.contains("denied") || text.contains("Read-only")),
        "{text}"
    );
}

#[test]
fn gcc_and_make() {
    works(
        "make",
        "
        printf '#include <stdio.h>\\nint main(){puts(\"built\");}\\n' > a.c
        printf 'all: a b.o\\na: a.c\\n\\tgcc -O2 -o a a.c\\nb.o: a.c\\n\\tgcc -g -c -o b.o a.c\\n' > Makefile
        make -j2; ./a | grep built; strip a; ar rcs lib.a b.o; install -m 755 a installed; ./installed
        ",
    );
}

#[test]
fn python() {
    works(
        "python3",
        "
        python3 -m venv env || python3 -m venv --without-pip env
        env/bin/python -c '
import sqlite3, subprocess, tempfile, threading, socket, asyncio, json, os, multiprocessing
db = sqlite3.connect(\"t.db\"); db.execute(\"create table t(a)\"); db.execute(\"insert into t values(1)\"); db.commit()
assert subprocess.check_output([\"echo\", \"hi\"]) == b\"hi\\n\"
with tempfile.TemporaryDirectory() as d: open(os.path.join(d, \"f\"), \"w\").write(\"x\")
a, b = socket.socketpair(); a.send(b\"x\"); assert b.recv(1) == b\"x\"
asyncio.run(asyncio.sleep(0.01))
os.makedirs(\"deep/er\"); os.utime(\"deep/er\", (1, 1)); os.chmod(\"deep\", 0o700)
import shutil; shutil.copytree(\"deep\", \"copy\"); shutil.copy2(\"t.db\", \"u.db\"); shutil.rmtree(\"copy\")
'
        python3 -m compileall -q env/lib > /dev/null || true
        ",
    );
}

#[test]
fn node() {
    works(
        "node",
        "
        printf '{\"name\":\"p\",\"version\":\"1.0.0\",\"scripts\":{\"test\":\"node t.js\"}}' > package.json
        echo 'const fs=require(\"fs\"),cp=require(\"child_process\");fs.writeFileSync(\"o\",cp.execSync(\"echo hi\"));fs.chmodSync(\"o\",0o600);console.log(\"tested\")' > t.js
        node t.js
        if npm --version > /dev/null; then npm test --offline | grep tested; fi
        ",
    );
}

#[test]
fn cargo() {
    works(
        "cargo",
        "
        cargo new --vcs none demo; cd demo
        cargo build --offline; cargo test --offline; cargo run --offline | grep Hello
        ",
    );
}

#[test]
fn archives_pipes_and_substitutions() {
    works(
        "tar",
        "
        mkdir -p tree/x; for i in 1 2 3 4 5 6 7 8 9; do echo $i > tree/x/$i; done
        touch -d 2001-01-01 tree/x/1; chmod 600 tree/x/2; ln -s 1 tree/x/link; ln tree/x/1 tree/x/hard
        tar czf t.tar.gz tree; mkdir out; tar xzpf t.tar.gz -C out; diff -r tree out/tree
        test \"$(stat -c %a out/tree/x/2)\" = 600; test \"$(stat -c %Y out/tree/x/1)\" = \"$(stat -c %Y tree/x/1)\"
        cp -a tree copy; mv copy moved; rm -rf moved
        seq 100000 | sort -rn | head -1 | grep -q 100000
        bash -c 'diff <(seq 3) <(printf \"1\\n2\\n3\\n\")'
        mktemp; mkfifo pipe; (echo through > pipe &); cat pipe; sed -i s/1/one/ tree/x/1; cat <<END
here
END
        ",
    );
}
