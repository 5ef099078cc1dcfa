//! What an author is told about a policy that is wrong, dangerous, or surprising.

use lobsterpot::model::{PrincipalId, Right};
use lobsterpot::policy::{Diagnostics, Policy, Severity};

/// A policy that is fine but for what is inserted.
fn policy(insert: &str) -> String {
    format!(
        "name = \"p\"\ndescription = \"A test.\"\n\n{insert}\n\n\
         [tier.owner]\nrights = [\"list\", \"read\", \"write\", \"create\", \"delete\", \"execute\"]\n\
         commands = \"all\"\ngrants = \"all\"\nreason = \"theirs\"\n\n\
         [principal]\nowner = \"owner\"\n"
    )
}

fn grant(path: &str, rest: &str) -> String {
    format!(
        "[[grant]]\nname = \"g\"\npath = \"{path}\"\nrights = [\"read\", \"write\"]\nreason = \"r\"\n{rest}"
    )
}

fn check(insert: &str) -> Diagnostics {
    Policy::check("p.toml", &policy(insert)).1
}

fn names(found: &Diagnostics) -> Vec<&'static str> {
    found.iter().map(|one| one.name).collect()
}

#[test]
fn a_message_shows_the_place_the_line_and_a_way_on() {
    let found =
        check("[[grant]]\nnam = \"g\"\npath = \"${root}\"\nrights = [\"read\"]\nreason = \"r\"");
    assert_eq!(
        found.to_string(),
        "p.toml:5:1: error: unknown key `nam` [unknown-key]\n  \
         nam = \"g\"\n  \
         ^^^\n  \
         help: did you mean `name`?"
    );
}

#[test]
fn everything_wrong_is_reported_at_once() {
    let text = "name = \"P!\"\ndescription = \" \"\ngrants = 1\n\
                [[grant]]\nname = \"g\"\npath = \"src\"\nrights = []\nhide = [\"/x\", \"a[b]\"]\nreason = \"\"\n\
                [limits]\nwall = \"soon\"\nwal = \"1s\"\nmemory = 0\n\
                [commands]\nrun = \"some\"\nreason = \"r\"\n\
                [tier.boss]\nrights = [\"read\"]\ncommands = \"none\"\ngrants = \"all\"\nreason = \"r\"\n\
                [principal]\nme = \"owner\"\nyou = \"onwer\"\n";
    let (policy, found) = Policy::check("p.toml", text);
    assert!(policy.is_none());
    let mut names = names(&found);
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "empty-list",
            "empty-text",
            "empty-text",
            "name",
            "path",
            "pattern",
            "pattern",
            "unknown-key",
            "unknown-key",
            "unknown-word",
            "unknown-word",
            "unknown-word",
        ],
        "{found}"
    );
}

#[test]
fn each_mistake_has_its_name() {
    let cases: &[(&str, &str)] = &[
        ("syntax", "x = "),
        ("syntax", "description = \"twice\""),
        ("unknown-key", "[limit]\nwall = \"1s\""),
        (
            "unknown-key",
            "[commands]\nrun = \"all\"\nreason = \"r\"\nonly = [\"git\"]",
        ),
        ("wrong-type", "[commands]\nrun = \"all\"\nreason = 1"),
        ("wrong-type", "[grant]\nname = \"g\""),
        ("wrong-type", "commands = \"all\""),
        ("missing-key", "[commands]\nrun = \"all\""),
        ("unknown-word", "[network]\nallow = \"all\""),
        ("unknown-word", "[containment]\naccept = [\"everything\"]"),
        ("empty-list", "[containment]\nprofiles = []"),
        ("empty-list", "[environment]\npass = []"),
        ("empty-list", "[environment]\nset = {}"),
        (
            "duplicate",
            "[containment]\nprofiles = [\"base\", \"base\"]",
        ),
        (
            "duplicate",
            "[containment]\naccept = [\"outside-signals\", \"outside-signals\"]",
        ),
        ("quantity", "[limits]\nwall = \"0s\""),
        ("quantity", "[limits]\nmemory = \"4GB\""),
        ("quantity", "[limits]\nentries = 0"),
        ("quantity", "[limits]\nentries = 5000000000"),
        ("quantity", "[limits]\nwall = \"10000h\""),
        ("quantity", "[limits]\nmemory = 9000000000000000000"),
        ("quantity", "[containment]\nminimum-landlock-abi = 0"),
        ("wrong-type", "[limits]\nopen-files = -1"),
        ("wrong-type", "[limits]\nmemory = 1.5"),
        ("variable", "[environment]\npass = [\"*\"]"),
        ("variable", "[environment]\nrequest = [\"A=B\"]"),
        ("variable", "[environment]\nset = { \"a b\" = \"c\" }"),
        (
            "tier-blocked",
            "[tier.blocked]\nrights = [\"read\"]\ncommands = \"none\"\ngrants = \"all\"\nreason = \"r\"",
        ),
        (
            "unknown-grant",
            "[tier.agent]\nrights = [\"read\"]\ncommands = \"none\"\ngrants = [\"x\"]\nreason = \"r\"",
        ),
        (
            "tier-exceeds",
            "[tier.friend]\nrights = [\"read\"]\ncommands = \"none\"\ngrants = \"all\"\nreason = \"r\"",
        ),
        ("deceptive-character", "# \u{202e}"),
        ("deceptive-character", "# a\u{200b}b"),
    ];
    for (name, insert) in cases {
        let found = check(insert);
        assert!(
            found.has_errors() && names(&found).contains(name),
            "{name}: {insert}\n{found}"
        );
    }
}

#[test]
fn a_text_that_goes_on_and_on_is_read_in_time() {
    let keys: Vec<String> = (0..5_000).map(|number| format!("k{number} = 1")).collect();
    let keys = keys.join("\n");
    for text in [
        "[".repeat(100_000),
        format!("x = {}", "[".repeat(10_000)),
        format!("x = {}", "{a=".repeat(5_000)),
        "\u{200b}".repeat(80_000),
        format!("[limits]\n{keys}"),
        format!("{} = 1", "k".repeat(20_000)),
        keys,
    ] {
        let (policy, found) = Policy::check("p.toml", &text);
        assert!(policy.is_none() && found.has_errors());
    }
}

#[test]
fn what_a_message_repeats_cannot_deceive_its_reader() {
    let long = "x".repeat(5_000);
    let found = check(&format!(
        "\"\\u001b[2J\\u202e\" = 1\n[{long}]\n\"{long}\\u0007\" = 1"
    ));
    let text = found.to_string();
    assert!(text.contains("unknown key `\\u{1b}[2J\\u{202e}`"), "{text}");
    assert!(text.lines().all(|line| !line.contains(char::is_control)));
    let excerpts = text.lines().filter(|line| line.starts_with("  "));
    assert!(excerpts.clone().all(|line| line.len() < 400) && excerpts.count() > 2);
}

#[test]
fn each_mistake_in_a_path_or_pattern_has_its_name() {
    for (name, path, rest) in [
        ("path", "", ""),
        ("path", "src", ""),
        ("path", "${root}/../x", ""),
        ("path", "/a/./b", ""),
        ("path", "$HOME/x", ""),
        ("path", "${rot}/x", ""),
        ("path", "${root}x", ""),
        ("path", "~root/x", ""),
        ("path", "/srv/*", ""),
        ("pattern", "${root}", "hide = [\"../x\"]"),
        ("pattern", "${root}", "protect = [\"\"]"),
        ("empty-list", "${root}", "hide = []"),
        ("duplicate", "${root}", "hide = [\"a\", \"a\"]"),
        (
            "contradiction",
            "${root}",
            "hide = [\"a/\"]\nprotect = [\"a\"]",
        ),
        (
            "contradiction",
            "${root}/a",
            "[[deny]]\npath = \"${root}//a/\"\nreason = \"r\"",
        ),
        (
            "duplicate",
            "${root}/a",
            "[[deny]]\npath = \"/b\"\nreason = \"r\"\n[[deny]]\npath = \"/b/\"\nreason = \"r\"",
        ),
        (
            "duplicate",
            "${root}",
            "[[grant]]\nname = \"h\"\npath = \"${root}/\"\nrights = [\"read\"]\nreason = \"r\"",
        ),
        (
            "duplicate",
            "${root}",
            "[[grant]]\nname = \"g\"\npath = \"/b\"\nrights = [\"read\"]\nreason = \"r\"",
        ),
    ] {
        let found = check(&grant(path, rest));
        assert!(
            found.has_errors() && names(&found).contains(&name),
            "{name}: {path} {rest}\n{found}"
        );
    }
}

#[test]
fn each_surprise_has_its_name_and_the_policy_works() {
    for (name, insert) in [
        (
            "environment-secret",
            "[environment]\npass = [\"GITHUB_TOKEN\"]".to_owned(),
        ),
        (
            "environment-unused",
            "[environment]\npass = [\"PATH\"]".to_owned(),
        ),
        (
            "environment-steering",
            "[environment]\nrequest = [\"LD_PRELOAD\"]".to_owned(),
        ),
        (
            "no-profile",
            "[commands]\nrun = \"all\"\nreason = \"r\"".to_owned(),
        ),
        ("top-only-pattern", grant("${root}", "hide = [\"*.pem\"]")),
        (
            "redundant-pattern",
            grant("${root}", "hide = [\"a\"]\nprotect = [\"a/b\"]"),
        ),
    ] {
        let found = check(&insert);
        assert_eq!(names(&found), [name], "{insert}\n{found}");
        assert!(!found.has_errors());
    }
    let (policy, found) = Policy::check(
        "p.toml",
        &policy("").replace("owner = \"owner\"", "me = \"friend\""),
    );
    assert!(policy.is_some());
    assert_eq!(names(&found), ["tier-without-ceiling"]);
}

/// The findings about one grant at the directories of these tests.
fn dangers(path: &str, rights: &str) -> Vec<(Severity, &'static str)> {
    let text = policy(&grant(path, "")).replace("[\"read\", \"write\"]", rights);
    let policy = super::parsed(&text);
    let found = match policy.bind(&super::anchors()) {
        Ok(bound) => bound.warnings().clone(),
        Err(found) => found,
    };
    found.iter().map(|one| (one.severity, one.name)).collect()
}

#[test]
fn a_grant_that_undoes_the_policy_is_an_error() {
    for (path, name) in [
        ("/", "grant-everything"),
        ("~", "grant-home-directory"),
        ("/home", "grant-home-directory"),
        ("/home/u/", "grant-home-directory"),
        ("~/.local/state", "grant-state-directory"),
        ("~/.local/state/lobsterpot", "grant-state-directory"),
        ("~/.local/state/lobsterpot/audit", "grant-state-directory"),
        ("~/.config", "grant-config-directory"),
        ("~/.config/lobsterpot/policies", "grant-config-directory"),
        ("/proc", "grant-kernel-files"),
        ("/sys/fs/cgroup", "grant-kernel-files"),
        ("/dev", "grant-kernel-files"),
        ("/run", "grant-control-socket"),
        ("/var", "grant-control-socket"),
        ("/var/run/docker.sock", "grant-control-socket"),
        ("/run/user/1000", "grant-control-socket"),
        ("/srv/app/control.sock", "grant-control-socket"),
        ("~/.ssh", "grant-private-keys"),
        ("~/.ssh/config", "grant-private-keys"),
        ("~/.gnupg", "grant-private-keys"),
        ("~/.local/share", "grant-private-keys"),
    ] {
        assert_eq!(
            dangers(path, "[\"read\"]"),
            [(Severity::Error, name)],
            "{path}"
        );
    }
}

#[test]
fn a_grant_that_gives_away_much_is_a_warning() {
    for (path, name) in [
        ("~/.aws", "grant-credentials"),
        ("~/.docker/config.json", "grant-credentials"),
        ("/tmp", "grant-shared-temporary"),
        ("~/.bashrc", "grant-startup-files"),
        ("~/.config/git", "grant-startup-files"),
        ("/etc", "grant-system-directory"),
        ("/usr/local/bin", "grant-system-directory"),
    ] {
        let found = dangers(path, "[\"read\", \"write\"]");
        assert_eq!(found, [(Severity::Warning, name)], "{path}");
    }
    assert_eq!(dangers("/etc", "[\"read\"]"), []);
    assert_eq!(dangers("~/.bashrc", "[\"read\"]"), []);
    assert_eq!(dangers("${root}", "[\"read\", \"write\"]"), []);
    assert_eq!(dangers("/run/media/u/disk", "[\"read\", \"write\"]"), []);
    assert_eq!(dangers("/srv/data", "[\"read\", \"write\"]"), []);
}

#[test]
fn a_policy_protects_its_own_file_in_its_grants() {
    let bound = |file: &str, rest: &str| {
        let text = policy(&grant("${root}", rest));
        let policy = Policy::parse(file, &text).expect("valid");
        policy.bind(&super::anchors())
    };
    let protected = |file: &str, rest: &str| {
        let bound = bound(file, rest).expect("bound");
        let protect = &bound.grants()[0].protect;
        protect
            .iter()
            .map(|one| one.as_str().to_owned())
            .collect::<Vec<_>>()
    };
    let nothing: Vec<String> = Vec::new();
    let inside = "/home/u/project/conf/own.toml";
    assert_eq!(protected(inside, ""), ["conf/own.toml"]);
    assert_eq!(protected(inside, "protect = [\"conf\"]"), ["conf"]);
    assert_eq!(protected(inside, "hide = [\"**/*.toml\"]"), nothing);
    assert_eq!(protected("/home/u/own.toml", ""), nothing);
    assert_eq!(protected("built-in:x", ""), nothing);
    let odd = bound("/home/u/project/[own].toml", "").unwrap_err();
    assert_eq!(names(&odd), ["policy-in-grant"]);
}

#[test]
fn a_hole_that_lies_in_no_grant_is_a_warning() {
    let deny = "[[deny]]\npath = \"/srv\"\nreason = \"r\"";
    let bound = super::bound(super::parsed(&policy(&grant("${root}", deny))));
    assert_eq!(names(bound.warnings()), ["useless-deny"]);
}

#[test]
fn patterns_that_name_nothing_are_found_by_looking() {
    let rest = "hide = [\".env\", \"**/*.pem\"]\nprotect = [\".git/hooks/**\"]";
    let bound = super::bound(super::parsed(&policy(&grant("${root}", rest))));
    let hooks = super::at("/home/u/project/.git/hooks");
    let root = super::at("/home/u/project");
    // Nothing is said of a directory that is yet to be made.
    assert!(names(&bound.unmatched(&|path| *path == hooks)).is_empty());
    let found = bound.unmatched(&|path| [&root, &hooks].contains(&path));
    assert_eq!(names(&found), ["pattern-matches-nothing"]);
    assert!(
        found.to_string().contains("`.env` matches nothing here"),
        "{found}"
    );
}

#[test]
fn the_root_that_the_operator_chose_is_checked_like_any_grant() {
    let mut anchors = super::anchors();
    anchors.root = super::at("/home/u");
    let policy = Policy::built_in("read-only").expect("built in");
    let found = policy.bind(&anchors).unwrap_err().to_string();
    assert!(found.contains("[grant-home-directory]"), "{found}");
    assert!(found.contains("help: choose another root"), "{found}");
}

#[test]
fn two_grants_of_one_directory_are_refused_when_they_meet() {
    let second =
        "[[grant]]\nname = \"h\"\npath = \"~/project\"\nrights = [\"read\"]\nreason = \"r\"";
    let policy = super::parsed(&policy(&grant("${root}", second)));
    let found = policy.bind(&super::anchors()).unwrap_err().to_string();
    assert!(found.contains("[same-directory]"), "{found}");
}

#[test]
fn where_a_hole_meets_a_grant_at_one_directory_the_hole_wins() {
    let deny = "[[deny]]\npath = \"~/project\"\nreason = \"r\"";
    let policy = super::bound(super::parsed(&policy(&grant("${root}", deny))));
    let decision = super::ask(&policy, "owner", "/home/u/project/a", Right::Read);
    let denial = decision.into_result().unwrap_err();
    assert_eq!(denial.rule.name, "deny ~/project");
    let reach = policy.reach(&PrincipalId::new("owner")).expect("known");
    assert_eq!(reach, []);
}
