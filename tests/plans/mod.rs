//! What plans are made of, and what they come to: pure data, for every kernel, on any host.

mod seccomp;
