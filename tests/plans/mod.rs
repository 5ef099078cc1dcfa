//! What plans are made of, and what they come to: pure data, for every kernel, on any host.

/// What bounds commands together.
mod bounds;
/// The built-in policies on every kernel.
mod golden;
/// What profiles give, and never give.
mod profiles;
/// System call filters.
mod seccomp;
/// Toolchains below a home.
mod toolchains;
