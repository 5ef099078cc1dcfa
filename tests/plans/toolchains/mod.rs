//! Which toolchains are found, on disks as people have them. No disk is touched.

mod world;

use lobsterpot::sandbox::toolchain::Seen;

use world::{Paper, World, left_out, paths, search_path, variable};

#[test]
fn a_plain_system_needs_nothing_more() {
    let found = World {
        disk: Paper::system(),
        search_path: &["/usr/local/bin", "/usr/bin", "/bin", "/usr/games"],
        variables: &[],
        granted: &["/home/a/work"],
    }
    .discover();
    assert_eq!(paths(&found), [""; 0]);
    // What does not exist is left out; a repeated entry stays once under each name.
    assert_eq!(search_path(&found), ["/usr/local/bin", "/usr/bin", "/bin"]);
    assert_eq!(left_out(&found), []);
}

#[test]
fn rustup_and_cargo_are_found_without_the_credentials() {
    let found = World {
        disk: Paper::system()
            .directories(&[
                "/home/a/.rustup/toolchains",
                "/home/a/.rustup/downloads",
                "/home/a/.cargo/registry",
                "/home/a/.cargo/git",
            ])
            .with("/home/a/.rustup/settings.toml", Seen::File)
            .with("/home/a/.cargo/config.toml", Seen::File)
            .programs(&["/home/a/.cargo/bin/rustup"])
            .link("/home/a/.cargo/bin/cargo", "rustup"),
        search_path: &["/home/a/.cargo/bin", "/usr/bin"],
        variables: &[],
        granted: &[],
    }
    .discover();
    assert_eq!(
        paths(&found),
        [
            "/home/a/.cargo/bin",
            "/home/a/.cargo/config.toml",
            "/home/a/.cargo/git",
            "/home/a/.cargo/registry",
            "/home/a/.rustup/settings.toml",
            "/home/a/.rustup/toolchains",
        ]
    );
    assert_eq!(variable(&found, "CARGO_HOME"), Some("/home/a/.cargo"));
    assert_eq!(variable(&found, "RUSTUP_HOME"), Some("/home/a/.rustup"));
    assert_eq!(left_out(&found), []);
}

#[test]
fn a_link_to_a_neighbour_that_is_a_link_itself_leads_as_far() {
    let found = World {
        disk: Paper::system()
            .programs(&["/opt/tool/bin/tool-2", "/home/a/bin/other"])
            .link("/home/a/bin/tool-2", "/opt/tool/bin/tool-2")
            .link("/home/a/bin/tool", "tool-2")
            .link("/home/a/bin/t", "./tool"),
        search_path: &["/home/a/bin", "/usr/bin"],
        variables: &[],
        granted: &[],
    }
    .discover();
    assert_eq!(paths(&found), ["/home/a/bin", "/opt/tool"]);
}

#[test]
fn a_toolchain_that_nothing_leads_to_is_not_granted() {
    let found = World {
        disk: Paper::system().directories(&["/home/a/.rustup/toolchains", "/home/a/.nvm/versions"]),
        search_path: &["/usr/bin"],
        variables: &[],
        granted: &[],
    }
    .discover();
    assert_eq!(paths(&found), [""; 0]);
}

#[test]
fn the_operators_variable_says_where_a_toolchain_is() {
    let found = World {
        disk: Paper::system()
            .directories(&["/data/rustup/toolchains", "/data/cargo/registry"])
            .programs(&["/data/cargo/bin/cargo"]),
        search_path: &["/data/cargo/bin", "/usr/bin"],
        variables: &[
            ("RUSTUP_HOME", "/data/rustup"),
            ("CARGO_HOME", "/data/cargo"),
        ],
        granted: &[],
    }
    .discover();
    assert_eq!(
        paths(&found),
        [
            "/data/cargo/bin",
            "/data/cargo/registry",
            "/data/rustup/toolchains"
        ]
    );
    assert_eq!(variable(&found, "CARGO_HOME"), Some("/data/cargo"));
}

#[test]
fn a_variable_that_names_the_home_gives_nothing_away() {
    let found = World {
        disk: Paper::system().programs(&["/home/a/bin/pyenv", "/home/a/.nvm/x/bin/node"]),
        search_path: &["/home/a/bin", "/home/a/.nvm/x/bin"],
        variables: &[
            ("PYENV_ROOT", "/home/a"),
            ("NVM_DIR", "/"),
            ("GOPATH", "relative"),
        ],
        granted: &[],
    }
    .discover();
    assert_eq!(paths(&found), ["/home/a/.nvm/x/bin", "/home/a/bin"]);
    let why = "it is a home, or a directory around one";
    assert_eq!(left_out(&found), [("/home/a", why), ("/", why)]);
    assert_eq!(variable(&found, "PYENV_ROOT"), None);
}

#[test]
fn pyenv_nvm_and_go_are_found_through_the_search_path() {
    let found = World {
        disk: Paper::system()
            .programs(&[
                "/home/a/.pyenv/shims/python3",
                "/home/a/.pyenv/bin/pyenv",
                "/home/a/.nvm/versions/node/v22/bin/node",
                "/home/a/sdk/go1.25/bin/go",
            ])
            .directories(&[
                "/home/a/go/pkg/mod",
                "/home/a/go/src/private",
                "/home/a/sdk/go1.24/bin",
            ]),
        search_path: &[
            "/home/a/.pyenv/shims",
            "/home/a/.nvm/versions/node/v22/bin",
            "/home/a/sdk/go1.25/bin",
            "/usr/bin",
        ],
        variables: &[],
        granted: &[],
    }
    .discover();
    let granted = paths(&found);
    for path in [
        "/home/a/.pyenv",
        "/home/a/.nvm",
        "/home/a/go/pkg/mod",
        "/home/a/sdk/go1.25",
    ] {
        assert!(granted.contains(&path), "{path} in {granted:?}");
    }
    assert!(!granted.iter().any(|path| path.contains("go1.24")));
    assert!(!granted.contains(&"/home/a/go"));
    assert_eq!(variable(&found, "GOMODCACHE"), Some("/home/a/go/pkg/mod"));
    assert_eq!(variable(&found, "PYENV_ROOT"), Some("/home/a/.pyenv"));
}

#[test]
fn links_in_a_directory_of_programs_are_followed_to_their_toolchain() {
    let found = World {
        disk: Paper::system()
            .link(
                "/home/a/.local/bin/ruff",
                "/home/a/.local/share/uv/tools/ruff/bin/ruff",
            )
            .programs(&[
                "/home/a/.local/share/uv/tools/ruff/bin/ruff",
                "/home/a/.local/share/uv/python/cpython-3.13/bin/python3.13",
                "/home/a/src/mine/target/release/mine",
            ])
            .link(
                "/home/a/.local/bin/mine",
                "../../src/mine/target/release/mine",
            )
            .link("/home/a/.local/bin/notes", "../../notes.txt")
            .link("/home/a/.local/bin/key", "/home/a/.ssh/id_ed25519")
            .link("/home/a/.local/bin/loop", "loop"),
        search_path: &["/home/a/.local/bin", "/usr/bin"],
        variables: &[],
        granted: &[],
    }
    .discover();
    assert_eq!(
        paths(&found),
        [
            "/home/a/.local/bin",
            "/home/a/.local/share/uv/python",
            "/home/a/.local/share/uv/tools",
            // One program, not the sources around it.
            "/home/a/src/mine/target/release/mine",
        ]
    );
}

#[test]
fn a_link_to_a_program_among_secrets_is_left_out() {
    let found = World {
        disk: Paper::system()
            .programs(&[
                "/home/a/.ssh/agent-helper",
                "/home/a/.local/state/lobsterpot/x",
            ])
            .link("/home/a/bin/helper", "../.ssh/agent-helper")
            .link("/home/a/bin/x", "../.local/state/lobsterpot/x"),
        search_path: &["/home/a/bin"],
        variables: &[],
        granted: &[],
    }
    .discover();
    assert_eq!(paths(&found), ["/home/a/bin"]);
    assert_eq!(
        left_out(&found),
        [
            (
                "/home/a/.ssh/agent-helper",
                "it holds or lies in /home/a/.ssh: keys and passwords"
            ),
            (
                "/home/a/.local/state/lobsterpot/x",
                "it holds or lies in /home/a/.local/state/lobsterpot: \
                 records and settings of the sandbox"
            ),
        ]
    );
}

#[test]
fn entries_that_would_give_too_much_are_left_out_of_the_search_path() {
    let found = World {
        disk: Paper::system()
            .link("/home/a/tools", "/home/a/.ssh")
            .directories(&["/home/a/.config/gh", "/home/a/.config/app"])
            .directories(&["/run/user/1000/bin", "/etc/bin"]),
        search_path: &[
            "",
            ".",
            "bin",
            "/",
            "/home",
            "/home/a",
            "/home/a/../a",
            "/home/a/tools",
            "/home/a/.config",
            "/home/a/.local/state",
            "/tmp",
            "/run/user/1000/bin",
            "/etc/bin",
            "/usr/bin",
        ],
        variables: &[],
        granted: &[],
    }
    .discover();
    assert_eq!(paths(&found), [""; 0]);
    assert_eq!(search_path(&found), ["/usr/bin"]);
    let refused = left_out(&found);
    assert_eq!(refused.len(), 12, "{refused:#?}");
    assert!(refused.contains(&("/tmp", "every user can put programs there")));
}

#[test]
fn nothing_is_looked_at_inside_a_grant() {
    // A command of an earlier session could have made these links.
    let found = World {
        disk: Paper::system()
            .link("/home/a/work/venv/bin/python", "/home/a/notes-as-program")
            .link("/home/a/bin/tool", "/home/a/work/tool")
            .link("/home/a/work/tool", "/home/a/notes-as-program")
            .link("/home/a/work/tools", "/home/a/private")
            .programs(&["/home/a/notes-as-program", "/home/a/private/x"]),
        search_path: &[
            "/home/a/work/venv/bin",
            "/home/a/work/tools",
            "/home/a/bin",
            "/usr/bin",
        ],
        variables: &[("CARGO_HOME", "/home/a/work/.cargo")],
        granted: &["/home/a/work"],
    }
    .discover();
    assert_eq!(paths(&found), ["/home/a/bin"]);
    assert_eq!(
        search_path(&found),
        [
            "/home/a/work/venv/bin",
            "/home/a/work/tools",
            "/home/a/bin",
            "/usr/bin"
        ]
    );
    // The operator keeps it in the workspace; commands must find it there.
    assert_eq!(variable(&found, "CARGO_HOME"), Some("/home/a/work/.cargo"));
}

#[test]
fn a_home_behind_a_link_is_guarded_and_served_under_both_names() {
    let found = World {
        disk: Paper::default()
            .programs(&["/usr/bin/git", "/var/home/a/.pyenv/bin/pyenv"])
            .link("/home", "var/home")
            .directories(&["/var/home/a/.ssh"]),
        search_path: &["/var/home/a", "/home/a/.pyenv/bin", "/usr/bin"],
        variables: &[],
        granted: &[],
    }
    .discover();
    assert_eq!(
        paths(&found),
        [
            "/home/a/.pyenv",
            "/home/a/.pyenv/bin",
            "/var/home/a/.pyenv",
            "/var/home/a/.pyenv/bin",
        ]
    );
    assert_eq!(search_path(&found), ["/home/a/.pyenv/bin", "/usr/bin"]);
}

#[test]
fn a_package_below_opt_is_granted_when_the_search_path_leads_into_it() {
    let found = World {
        disk: Paper::system().programs(&["/opt/tool/bin/tool", "/opt/other/bin/other"]),
        search_path: &["/opt/tool/bin", "/usr/bin"],
        variables: &[],
        granted: &[],
    }
    .discover();
    assert!(paths(&found).contains(&"/opt/tool"), "{:?}", paths(&found));
    assert!(!paths(&found).iter().any(|path| path.contains("other")));
}
