//! What plans are made of, and what they come to: pure data, for every kernel, on any host.

/// System call filters.
mod seccomp;
/// Toolchains below a home.
mod toolchains;
