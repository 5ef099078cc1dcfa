//! What is known at one place of a command line: the working directory and the variables.
//!
//! Only what the line itself says is known. Whatever may differ from that is
//! unknown, and the unknown is never judged.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::HostPath;

/// A text that is known before the command runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    /// The text after expansion.
    pub(super) text: String,
    /// The text as the user wrote it, for messages.
    pub(super) written: String,
}

/// What is known at one place of a command line.
#[derive(Debug, Clone)]
pub(super) struct Scope<'w> {
    home: &'w HostPath,
    /// Unknown after a `cd` to an unknown directory.
    directory: Option<HostPath>,
    /// The variables that the line touches; `None` when their value is unknown.
    variables: BTreeMap<String, Option<Value>>,
    functions: BTreeSet<String>,
}

impl<'w> Scope<'w> {
    /// Where nothing but the working directory and the home directory is known.
    pub(super) fn new(directory: &HostPath, home: &'w HostPath) -> Self {
        Self {
            home,
            directory: Some(directory.clone()),
            variables: BTreeMap::new(),
            functions: BTreeSet::new(),
        }
    }

    /// What a new program knows that is started here: no unexported variable, no function.
    pub(super) fn program(&self) -> Self {
        Self {
            variables: BTreeMap::new(),
            functions: BTreeSet::new(),
            ..self.clone()
        }
    }

    /// Forgets what may or may not have happened: all that differs in the other scope.
    pub(super) fn forget_differences(&mut self, other: &Self) {
        if self.directory != other.directory {
            self.directory = None;
        }
        for (name, value) in &other.variables {
            if self.variables.get(name) != Some(value) {
                self.variables.insert(name.clone(), None);
            }
        }
        self.functions.extend(other.functions.iter().cloned());
    }

    /// Forgets every variable, because code that is not on the line may have set them.
    pub(super) fn forget_variables(&mut self) {
        self.variables.values_mut().for_each(|value| *value = None);
        for name in ["HOME", "PWD"] {
            self.variables.insert(name.to_owned(), None);
        }
    }

    /// The value of a variable, where it is known.
    pub(super) fn value(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.variables.get(name) {
            return value.clone();
        }
        match name {
            "HOME" => self.tilde("").map(|text| Value {
                text,
                written: "$HOME".to_owned(),
            }),
            "PWD" => Some(Value {
                text: shown_directory(self.directory.as_ref()?)?,
                written: "$PWD".to_owned(),
            }),
            _ => None,
        }
    }

    /// Sets a variable; `None` makes it unknown.
    pub(super) fn set(&mut self, name: &str, value: Option<Value>) {
        self.variables.insert(name.to_owned(), value);
    }

    /// What `~user` stands for; `~` alone is the operator's own home, not the sandbox's.
    pub(super) fn tilde(&self, user: &str) -> Option<String> {
        match user {
            "" => shown_directory(self.home),
            "+" => shown_directory(self.directory.as_ref()?),
            "root" => Some("/root".to_owned()),
            _ if user.starts_with(['-', '+']) || user.starts_with(|c: char| c.is_ascii_digit()) => {
                None
            }
            _ => Some(format!("/home/{user}")),
        }
    }

    /// The path that a text names here; unknown when it is relative to an unknown directory.
    pub(super) fn resolve(&self, text: &str) -> Option<HostPath> {
        if text.starts_with('/') {
            HostPath::absolute(text).ok()
        } else {
            self.directory.as_ref()?.join(text).ok()
        }
    }

    /// Changes the working directory; `None` makes it unknown.
    pub(super) fn enter(&mut self, directory: Option<HostPath>) {
        self.directory = directory;
    }

    /// Remembers a function, whose name then no longer means the command of that name.
    pub(super) fn define(&mut self, function: &str) {
        self.functions.insert(function.to_owned());
    }

    /// Whether the line defines a function of that name.
    pub(super) fn defines(&self, function: &str) -> bool {
        self.functions.contains(function)
    }
}

fn shown_directory(directory: &HostPath) -> Option<String> {
    directory.as_path().to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{Scope, Value};
    use crate::model::HostPath;

    fn value(text: &str) -> Value {
        Value {
            text: text.into(),
            written: text.into(),
        }
    }

    #[test]
    fn what_differs_in_a_branch_is_unknown_afterwards() {
        let (cwd, home) = (
            HostPath::absolute("/work").unwrap(),
            HostPath::absolute("/root").unwrap(),
        );
        let mut scope = Scope::new(&cwd, &home);
        scope.set("SAME", Some(value("a")));
        let mut branch = scope.clone();
        branch.set("SAME", Some(value("a")));
        branch.set("OTHER", Some(value("b")));
        branch.enter(None);
        scope.forget_differences(&branch);
        assert_eq!(scope.value("SAME"), Some(value("a")));
        assert_eq!(scope.value("OTHER"), None);
        assert_eq!(scope.resolve("x"), None);
        assert!(scope.resolve("/x").is_some());
    }

    #[test]
    fn homes_are_the_operators_own_and_those_of_others() {
        let (cwd, home) = (
            HostPath::absolute("/work").unwrap(),
            HostPath::absolute("/home/op").unwrap(),
        );
        let scope = Scope::new(&cwd, &home);
        assert_eq!(scope.tilde("").as_deref(), Some("/home/op"));
        assert_eq!(scope.tilde("root").as_deref(), Some("/root"));
        assert_eq!(scope.tilde("eve").as_deref(), Some("/home/eve"));
        assert_eq!(scope.tilde("-"), None);
        assert_eq!(scope.value("PWD").unwrap().text, "/work");
    }
}
