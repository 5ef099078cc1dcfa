//! Everyday tools do their work: a sandbox in which they break is switched off.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use super::world::{Place, Policy, User, World, skip};

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
    told(world, command, script)
}

fn told(world: &World, mut command: Command, script: &str) -> (bool, String) {
    fs::write(world.workspace().join("script.sh"), script).unwrap();
    let output = command.args(["sh", "-e", "script.sh"]).output().unwrap();
    let mut text = format!(
        "{:?}: {}",
        world.mode,
        String::from_utf8_lossy(&output.stdout)
    );
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

fn is_missing(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").output();
    let is_missing = !found.is_ok_and(|found| found.status.success());
    if is_missing {
        skip(&format!("{tool} is not installed"));
    }
    is_missing
}

fn works(tool: &str, script: &str) {
    if is_missing(tool) {
        return;
    }
    for world in World::in_modes(User::Current) {
        let (success, text) = operator(&world, Policy::Workspace, script);
        assert!(success, "{text}");
        assert!(world.scratch_left().is_empty());
    }
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

/// Settings of the user that the sandbox cannot follow: a key and hooks that are outside. Hooks
/// of the repository run.
#[test]
fn git_commits_whatever_the_users_settings_demand() {
    if is_missing("git") {
        return;
    }
    for world in World::in_modes(User::Current) {
        let settings = "[user]\nname = A\nemail = a@example.org\nsigningKey = ABCDEF\n\
                        [commit]\ngpgSign = true\n[tag]\ngpgSign = true\n";
        fs::write(world.path("home/.gitconfig"), settings).unwrap();
        let made = Command::new("git")
            .args(["init", "-q", "."])
            .current_dir(world.workspace())
            .status();
        assert!(made.unwrap().success());
        let hook = world.workspace().join(".git/hooks/pre-commit");
        fs::write(&hook, "#!/bin/sh\necho hook > ran\n").unwrap();
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
        let (success, text) = told(
            &world,
            world.run(Policy::Workspace),
            "git add mine; git commit -q -m first; grep hook ran
             git tag -m one v1; git log --format=%an | grep -q A",
        );
        assert!(success, "{text}");
    }
}

#[test]
fn looking_works_under_a_read_only_policy() {
    if is_missing("git") {
        return;
    }
    for world in World::in_modes(User::Current) {
        let (success, text) = operator(
            &world,
            Policy::Workspace,
            "git init -q .; git add mine; git commit -q -m first; echo x >> mine",
        );
        assert!(success, "{text}");
        let before = world.witness(Place::Workspace);
        let (success, text) = operator(
            &world,
            Policy::ReadOnly,
            "git status --short | grep -q mine; git log --oneline; git diff | grep -q '^+'
             git show; git blame mine; grep -r x . > /dev/null; find . > /dev/null; ls -la
             cat mine; python3 -c 'print(1)'; sort mine | uniq -c; awk 1 mine; sed -n 1p mine
             if command -v rg; then rg -n x mine; rg -l x | grep -q mine; fi",
        );
        assert!(success, "{text}");
        let (success, text) = operator(&world, Policy::ReadOnly, "git commit -qam second");
        assert!(
            !success && (text.contains("denied") || text.contains("Read-only")),
            "{text}"
        );
        let mut after = world.witness(Place::Workspace);
        // The scripts themselves are written from outside.
        let script = world.workspace().join("script.sh");
        let mut before = before;
        let top = world.workspace();
        for seen in [&mut before, &mut after] {
            seen.remove(&script);
            seen.remove(&top);
        }
        assert!(before == after, "{:?}: something has changed", world.mode);
    }
}

/// A program that looks whether there is input for it finds none, and searches the directory.
#[test]
fn a_search_without_input_looks_at_the_directory() {
    if is_missing("rg") {
        return;
    }
    for world in World::in_modes(User::Current) {
        fs::write(world.workspace().join("hay"), "needle\n").unwrap();
        for policy in [Policy::Workspace, Policy::ReadOnly] {
            let output = world.run(policy).args(["rg", "needle"]).output().unwrap();
            assert_eq!(
                output.stdout, b"hay:needle\n",
                "{:?}: {output:?}",
                world.mode
            );
        }
        let request = r#"{"id": 1, "op": "exec.run", "argv": ["rg", "needle"]}"#;
        let mut call = world.program();
        let mut call = call
            .arg("call")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        call.stdin
            .take()
            .unwrap()
            .write_all(request.as_bytes())
            .unwrap();
        let output = call.wait_with_output().unwrap();
        let reply = String::from_utf8_lossy(&output.stdout);
        assert!(reply.contains("hay:needle"), "{:?}: {reply}", world.mode);
    }
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
        python3 -c '
import zipfile
with zipfile.ZipFile(\"tiny-1.0-py3-none-any.whl\", \"w\") as wheel:
    about = \"tiny-1.0.dist-info/\"
    wheel.writestr(\"tiny.py\", \"answer = 42\")
    wheel.writestr(about + \"METADATA\", \"Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n\")
    wheel.writestr(about + \"WHEEL\", \"Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n\")
    wheel.writestr(about + \"RECORD\", \"tiny.py,,\\n\")
'
        if env/bin/python -m pip --version; then
            env/bin/python -m pip install ./tiny-1.0-py3-none-any.whl
            env/bin/python -c 'import tiny; assert tiny.answer == 42'
        fi
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
        echo 'import test from \"node:test\"; test(\"one\", () => {});' > one.test.mjs
        node --test one.test.mjs | grep -q 'pass 1'
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

/// From what is downloaded already, as these tests' own dependencies are.
#[test]
fn cargo_finds_downloaded_dependencies() {
    works(
        "cargo",
        "
        cargo new --vcs none --lib demo; cd demo
        printf 'thiserror = \"*\"\\n' >> Cargo.toml
        echo '#[derive(Debug, thiserror::Error)] #[error(\"told\")] struct Told;
        #[test] fn tells() { assert_eq!(Told.to_string(), \"told\"); }' > src/lib.rs
        cargo test | grep '1 passed'
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
