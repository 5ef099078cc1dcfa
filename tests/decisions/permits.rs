//! What a permit admits when the kernel has resolved the path that it was made for.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use lobsterpot::model::{PrincipalId, RefusalCode, Right, Rights};
use lobsterpot::policy::{Below, Permit, Policy};

fn permit(path: &str, rights: impl Into<Rights>) -> Permit {
    let policy = super::bound(Policy::built_in("workspace").expect("built in"));
    super::ask(&policy, "agent:main", path, rights)
        .into_result()
        .unwrap_or_else(|denial| panic!("{}", denial.message))
}

#[test]
fn a_link_to_a_hidden_file_is_not_admitted() {
    let permit = permit("/home/u/project/readme", Right::Read);
    assert_eq!(permit.relative(), Path::new("readme"));
    assert!(permit.admits(Path::new("docs/README.md")).is_ok());
    let denial = permit.admits(Path::new(".env")).unwrap_err();
    assert_eq!(denial.code, RefusalCode::HiddenPath);
    assert_eq!(denial.path.as_deref(), Some("/home/u/project/readme"));
    assert!(!denial.message.contains(".env"), "{}", denial.message);
}

#[test]
fn a_link_to_a_protected_file_is_read_and_not_written() {
    let config = Path::new(".git/config");
    let reading = permit("/home/u/project/c", Right::Read);
    assert!(reading.admits(config).is_ok());
    let writing = permit("/home/u/project/c", Right::Write);
    let denial = writing.admits(config).unwrap_err();
    assert_eq!(denial.code, RefusalCode::ProtectedPath);
}

#[test]
fn nothing_but_a_path_below_the_grant_is_admitted() {
    let permit = permit("/home/u/project/a", Right::Read);
    for path in ["..", "../x", "/home/u/project/a", "/", "a/../../x", "a/.."] {
        let denial = permit.admits(Path::new(path)).unwrap_err();
        assert_eq!(denial.code, RefusalCode::OutsideCapability, "{path}");
    }
    assert!(
        permit
            .admits(Path::new(OsStr::from_bytes(b"a\0b")))
            .is_err()
    );
    assert!(permit.admits(Path::new(OsStr::from_bytes(b"\xff"))).is_ok());
    assert!(permit.admits(Path::new("")).is_ok());
}

#[test]
fn a_directory_that_turns_out_to_hold_an_exception_does_not_move() {
    let permit = permit("/home/u/project/link", Right::Delete);
    assert_eq!(permit.admits_tree(Path::new("src")), Ok(Below::Nothing));
    assert!(permit.admits(Path::new(".git")).is_ok());
    let denial = permit.admits_tree(Path::new(".git")).unwrap_err();
    assert_eq!(denial.code, RefusalCode::ProtectedPath);
    assert!(permit.admits(Path::new("")).is_err());
}

#[test]
fn an_entry_that_a_wildcard_matches_is_found_by_the_walk() {
    let text = Policy::built_in_text("workspace").expect("built in");
    let text = text.replace("hide = [\".env\"", "hide = [\"**/*.pem\", \".env\"");
    let policy = super::bound(super::parsed(&text));
    let ask = |path| super::ask(&policy, "agent:main", path, Right::Delete);
    let permit = ask("/home/u/project/docs").into_result().expect("allowed");
    assert_eq!(permit.admits_tree(Path::new("docs")), Ok(Below::Possible));
    assert!(permit.admits(Path::new("docs/a.md")).is_ok());
    assert!(permit.admits(Path::new("docs/x/key.pem")).is_err());
}

#[test]
fn other_rights_are_decided_about_anew() {
    let reading = permit("/home/u/project/a", Right::Read);
    assert!(reading.admits_to(Right::Write, Path::new("a")).is_ok());
    let denial = reading.admits_to(Right::Write, Path::new(".git/config"));
    assert_eq!(denial.unwrap_err().code, RefusalCode::ProtectedPath);
    assert!(reading.admits_to(Rights::NONE, Path::new("a")).is_err());
}

#[test]
fn a_refusal_found_later_names_the_same_rule() {
    let permit = permit("/home/u/project/a", Right::Write);
    let denial = permit.refuse(RefusalCode::ProtectedPath);
    assert_eq!(denial.rule, *permit.rule());
    let place = denial.rule.place.expect("a line of the policy");
    assert_eq!(place.file, "built-in:workspace");
    let line = Policy::built_in_text("workspace")
        .and_then(|text| text.lines().nth(place.line as usize - 1));
    assert_eq!(line, Some("path = \"${root}\""));
}

#[test]
fn a_command_permit_reaches_what_its_principal_has() {
    let policy = super::bound(Policy::built_in("read-only").expect("built in"));
    let agent = PrincipalId::new("agent:main");
    let permit = policy
        .decide_command(&agent, "exec.run", "git status")
        .into_result()
        .expect("allowed");
    assert_eq!(permit.subject(), "git status");
    let reach = permit.reach();
    assert_eq!(reach.len(), 1);
    assert!(!reach[0].rights.change_something());
    assert!(policy.is_read_only(&agent));
    assert!(policy.is_read_only(&PrincipalId::new("nobody")));
}
