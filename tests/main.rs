//! The test suite: one binary; the folders are the contents page.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test makes a world, looks at it from outside, and fails loudly"
)]

/// The operator's environment: directories, policy files, and what of them is refused.
mod ambient;
/// The audit log: what it holds, that it cannot be changed unseen, what is asked of it.
mod audit;
/// The command line, by the real program.
mod cli;
/// Attacks from inside commands, and tools that must work there, by the real program.
mod containment;
/// The daemon and the emergency brake, by the real program and real sockets.
mod daemon;
/// Decisions: tables, properties, messages, and every policy and example as a document.
mod decisions;
/// Agents that ask before they use a tool: answers to recorded calls, and their settings.
mod hooks;
/// The host that the tests run on: who they can be, and what is said of what it lacks.
mod host;
/// The MCP server, by its protocol and by real clients.
mod mcp;
/// What plans are made of and come to, for every kernel, on any host.
mod plans;
/// File requests: each operation, hostile paths, races, random trees.
mod probes;
/// Copies of programs, for worlds that run them.
mod programs;
/// The proof that users make on their own hosts: that it holds here, and that it can fail.
mod prove;
/// What was once wrong, and fits nowhere else.
mod regression;
/// Stand-ins for shells: quoting, options, and tools that take their shell from us.
mod shim;
/// The rules of the house: layers, sizes, first lines, names.
mod tidy;
