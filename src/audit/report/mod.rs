//! The incident page: one session as one HTML file, for people.
//!
//! Pure: records in, a page out. The page holds no script, asks for nothing from anywhere, and
//! forbids both itself; nothing from a record is ever markup in it. Its size is bounded, and
//! what is left out is counted in it.

mod columns;
mod exposed;
mod map;
mod markup;
mod page;
mod picture;
mod places;
mod processes;
mod refusals;
mod requests;
mod story;
mod style;
mod table;
mod timeline;

pub use exposed::{ExposedName, Exposure};
pub use page::{Case, incident_page};
pub use story::{Head, Story};
