//! Which rights each file operation needs, on which of its paths.
//!
//! The broker asks the policy for exactly these. What only shows when the path is opened
//! (a file that exists needs `write` where a new one needs `create`) the operation asks
//! of its permit itself.

use crate::model::{Operation, Right, Rights};

/// What one path of a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need<'a> {
    /// The path as written.
    pub path: &'a str,
    /// The rights that will do: the first that the policy allows becomes the permit.
    pub any_of: &'static [Rights],
}

const LIST: Rights = Rights::only(Right::List);
const READ: Rights = Rights::only(Right::Read);
const WRITE: Rights = Rights::only(Right::Write);
const CREATE: Rights = Rights::only(Right::Create);
const DELETE: Rights = Rights::only(Right::Delete);
/// Which text a file holds shows in whether it can be replaced.
const EDIT: Rights = READ.union(WRITE);
const SEARCH: Rights = READ.union(LIST);
/// What is moved can be read at its new place.
const TAKE: Rights = READ.union(DELETE);

/// The paths of a file operation, in the order in which the operation takes its permits, and
/// the rights that it needs on them. Empty for `exec.run`, which is decided on as a command.
pub fn needs(operation: &Operation) -> Vec<Need<'_>> {
    let one = |path, any_of| vec![Need { path, any_of }];
    match operation {
        Operation::FileRead(ask) => one(&ask.path, &[READ]),
        Operation::FileWrite(ask) => one(&ask.path, &[WRITE, CREATE]),
        Operation::FileAppend(ask) => one(&ask.path, &[WRITE, CREATE]),
        Operation::FileEdit(ask) => one(&ask.path, &[EDIT]),
        Operation::FileList(ask) => one(&ask.path, &[LIST]),
        Operation::FileStat(ask) => one(&ask.path, &[LIST, READ]),
        Operation::FileGlob(ask) => one(here(ask.path.as_deref()), &[LIST]),
        Operation::FileGrep(ask) => one(here(ask.path.as_deref()), &[SEARCH, READ]),
        Operation::FileMkdir(ask) => one(&ask.path, &[CREATE]),
        Operation::FileMove(ask) => vec![
            Need {
                path: &ask.from,
                any_of: &[TAKE],
            },
            Need {
                path: &ask.to,
                any_of: &[CREATE, WRITE],
            },
        ],
        Operation::FileCopy(ask) => vec![
            Need {
                path: &ask.from,
                any_of: &[READ],
            },
            Need {
                path: &ask.to,
                any_of: &[WRITE, CREATE],
            },
        ],
        Operation::FileDelete(ask) => one(&ask.path, &[DELETE]),
        Operation::ExecRun(_) => Vec::new(),
    }
}

/// The path of an operation that may name none: the working directory.
fn here(path: Option<&str>) -> &str {
    path.unwrap_or(".")
}
