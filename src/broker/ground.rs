//! What a session stands on, so that a later one can be compared with it.

use std::io;

use serde::{Deserialize, Serialize};

use super::session::Session;
use crate::model::HostPath;
use crate::sys::metadata::Identity;

/// A directory or file, by its path and by what was opened there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ground {
    /// The path, for comparison alone.
    pub path: String,
    /// The device it lies on.
    pub device: u64,
    /// Its inode number there.
    pub inode: u64,
}

impl Session {
    /// The root, and after it every grant that was opened.
    ///
    /// # Errors
    /// When the root is not there any more.
    pub fn grounds(&self) -> io::Result<(Ground, Vec<Ground>)> {
        let root = &self.terms.policy.anchors().root;
        let ground = |(path, at): (&HostPath, Identity)| Ground {
            path: path.as_path().to_string_lossy().into_owned(),
            device: at.device,
            inode: at.inode,
        };
        let opened = self.capabilities.opened()?.into_iter().map(ground);
        let root = ground((root, self.capabilities.identity_at(root)?));
        Ok((root, opened.collect()))
    }
}
