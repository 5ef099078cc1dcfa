//! The command line, by the real program: what users read, and what others script against.

mod agents;
mod audit;
mod call;
mod check;
mod doctor;
mod generated;
mod library;
mod policy;
mod profiles;
mod prompt;
mod report;
mod run;
mod told;
mod unrecorded;
mod usage;
pub(crate) mod world;
