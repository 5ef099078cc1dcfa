//! Attacks from inside commands, by the real program, and tools that must work there.
//!
//! Every attack is made twice: without the sandbox, where it must work, and inside it, where
//! its effect must be missing. The effect is looked at from outside, never told by the
//! attacker; the attacker only tells its errno.

/// Compiles the attacker, and runs it with and without the sandbox.
mod world;

/// Other processes of the same user stay as they are.
mod baseline;
mod bystanders;
/// What lies outside, or in a grant without the right, cannot be changed.
mod changing;
/// What grants hide and protect.
mod exceptions;
/// Control groups bound what all processes of a session take together.
mod groups;
/// What the kernel's own audit tells, beside what the other witnesses do.
mod kernel;
/// Several commands of one session at the same time.
mod lanes;
/// Who takes more than its share is stopped, and nobody else.
mod limits;
/// Inside containers and other sandboxes.
mod nested;
/// Nothing leaves the machine, and no daemon of it can be asked.
mod network;
/// Privileges, dangerous calls, and what a command inherits.
mod processes;
/// The supervisor of metadata changes, under races.
mod races;
/// What lies outside cannot be read, listed, executed or watched.
mod reading;
/// The private directory can be used like any other.
mod scratch;
/// Standard streams, signals, exit codes, a terminal.
mod streams;
/// Nothing of a command is left when it ends, however it ends.
mod survivors;
/// Terminals, and streams that are not there.
mod terminals;
/// Everyday tools do their work.
mod tools;
/// What leads out of a view is told, and answered alike.
mod tripwire;
