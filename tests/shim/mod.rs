//! Stand-ins for programs that agents already call, by the real program and real callers.

mod daemon;
mod openclaw;
mod shell;
mod tools;
mod words;
mod world;
