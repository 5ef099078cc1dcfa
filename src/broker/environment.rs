//! The environment of a command: what the policy names, and nothing else.

use std::collections::BTreeMap;
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use crate::ambient::Operator;
use crate::model::HostPath;
use crate::policy::Environment;
use crate::sandbox::Sandbox;

/// What a command's environment is made from.
pub(super) struct Sources<'a> {
    /// The operator's own variables.
    pub operator: &'a Operator,
    /// The policy's word on them.
    pub policy: &'a Environment,
    /// What the request sets, already allowed.
    pub request: &'a BTreeMap<String, String>,
    /// Where the command runs.
    pub cwd: &'a HostPath,
}

/// `NAME=value` each, in the order of their names.
pub(super) fn environment(sources: &Sources<'_>, sandbox: &Sandbox) -> Vec<CString> {
    let mut variables = sources.operator.environment_for(sources.policy);
    let mut set = |name: &str, value: OsString| drop(variables.insert(name.into(), value));
    let scratch = sandbox.scratch().as_path();
    let plan = sandbox.plan();
    for (name, value) in &plan.environment {
        set(name, with_scratch(value, scratch).into());
    }
    set("HOME", scratch.join("home").into());
    set("TMPDIR", scratch.join("tmp").into());
    set("PATH", joined(&plan.search_path));
    set("PWD", sources.cwd.as_path().into());
    set("SHELL", "/bin/sh".into());
    for (name, value) in &sources.policy.set {
        set(name, with_scratch(value, scratch).into());
    }
    for (name, value) in sources.request {
        set(name, value.into());
    }
    let pair = |(name, value): (OsString, OsString)| {
        let mut pair = name.into_vec();
        pair.push(b'=');
        pair.extend(value.into_vec());
        // A request can hold a NUL byte, and a variable with one cannot be given to a program.
        CString::new(pair).ok()
    };
    variables.into_iter().filter_map(pair).collect()
}

fn with_scratch(value: &str, scratch: &Path) -> String {
    value.replace("${scratch}", &scratch.display().to_string())
}

fn joined(search_path: &[HostPath]) -> OsString {
    let paths: Vec<_> = search_path
        .iter()
        .map(|path| path.as_path().as_os_str())
        .collect();
    paths.join(std::ffi::OsStr::new(":"))
}
