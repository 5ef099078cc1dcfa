//! Which environment variables a command gets, and which a request may set.

use super::terms::Environment;

/// Variables that make a program load or run code, or tell where it looks for things.
/// A request sets them only where the policy names the variable itself, never by a `*`.
const STEERING: [&str; 26] = [
    "LD_*",
    "DYLD_*",
    "GCONV_PATH",
    "GLIBC_TUNABLES",
    "PATH",
    "HOME",
    "SHELL",
    "IFS",
    "ENV",
    "BASH_*",
    "PROMPT_COMMAND",
    "SHELLOPTS",
    "PS4",
    "PYTHON*",
    "PERL*",
    "RUBY*",
    "NODE_*",
    "JAVA_TOOL_OPTIONS",
    "GIT_*",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "LESSOPEN",
    "XDG_*",
    "TMPDIR",
    "LOBSTERPOT_*",
];

impl Environment {
    /// Whether the variable is taken over from the operator's own environment.
    pub fn passes(&self, name: &str) -> bool {
        self.pass.iter().any(|pattern| covers(pattern, name))
    }

    /// Whether a request may set the variable.
    pub fn may_request(&self, name: &str) -> bool {
        is_name(name)
            && self
                .request
                .iter()
                .any(|pattern| pattern == name || (covers(pattern, name) && !is_steering(name)))
    }
}

/// Whether the pattern, a name or the beginning of one with a last `*`, covers the name.
fn covers(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => pattern == name,
    }
}

/// Whether the text is the name of a variable.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether the text is a name, or the beginning of one with a last `*`.
pub(super) fn is_name_pattern(text: &str) -> bool {
    is_name(text.strip_suffix('*').unwrap_or(text))
}

/// Whether the variable steers what programs load or run.
pub(super) fn is_steering(name: &str) -> bool {
    STEERING.iter().any(|pattern| covers(pattern, name))
}

#[cfg(test)]
mod tests {
    use super::{Environment, is_name_pattern};

    fn requesting(names: &[&str]) -> Environment {
        Environment {
            request: names.iter().map(|name| (*name).to_owned()).collect(),
            ..Environment::default()
        }
    }

    #[test]
    fn a_star_never_covers_what_steers_programs() {
        let environment = requesting(&["L*", "P*", "RUST_*"]);
        assert!(environment.may_request("LANG"));
        assert!(environment.may_request("RUST_LOG"));
        for name in [
            "LD_PRELOAD",
            "LD_LIBRARY_PATH",
            "PATH",
            "PYTHONPATH",
            "rust_log",
            "RUST",
        ] {
            assert!(!environment.may_request(name), "{name}");
        }
        assert!(requesting(&["LD_PRELOAD"]).may_request("LD_PRELOAD"));
    }

    #[test]
    fn what_is_no_name_is_never_set() {
        let environment = requesting(&["A*"]);
        for name in ["A=B", "A B", "A\0", "", "Ä"] {
            assert!(!environment.may_request(name), "{name:?}");
        }
        assert!(!is_name_pattern("*") && !is_name_pattern("A*B") && !is_name_pattern("1A"));
        assert!(is_name_pattern("LC_*") && is_name_pattern("_x"));
    }

    #[test]
    fn nothing_is_passed_that_is_not_named() {
        assert!(!Environment::default().passes("PATH"));
    }
}
