//! The words of the product, as types: who asks, for what, and what is answered.
//!
//! Everything here is plain data. This module must never do I/O, read a clock,
//! or know how anything is enforced.

mod code;
mod denial;
mod enforced;
mod operation;
mod path;
mod principal;
mod reply;
mod request;
mod right;
mod secret;
mod sighting;
mod tally;
mod text;
mod violations;
mod wording;

pub use code::RefusalCode;
pub use denial::{Besides, Denial, Folded, PathSource, Place, Rule};
pub use enforced::{Enforced, Mode, WeakerGuarantee};
pub use operation::{
    ExecRun, FileAppend, FileCopy, FileDelete, FileEdit, FileGlob, FileGrep, FileList, FileMkdir,
    FileMove, FileRead, FileStat, FileWrite, LineRange, Operation, Program,
};
pub use path::{HostPath, PathError};
pub use principal::{PrincipalId, Tier};
pub use reply::{Reply, Status};
pub use request::{Cancel, Incoming, Request, RequestError};
pub use right::{Right, Rights};
pub use secret::{SecretFile, secret_file, secret_variable};
pub use sighting::{Intent, Sighting, only_looks};
pub use tally::{Bounds, Noise, Surroundings, Tally};
pub use text::{fit, shown, shown_path};
pub use violations::{Told, violations};
pub use wording::Wording;
