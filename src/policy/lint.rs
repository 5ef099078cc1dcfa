//! Checks of a policy that need nothing but its text.
//!
//! Errors are what cannot be meant, or must not be; warnings are what may surprise.

use toml::Spanned;

use super::diagnostic::{Diagnostics, Source};
use super::environment;
use super::pattern::Pattern;
use super::read::Reader;
use super::terms::Policy;

/// Characters that could make a reader see another policy than the one in force.
pub(super) fn characters(_source: Source<'_>) -> Diagnostics {
    Diagnostics::default()
}

/// The patterns of one grant.
pub(super) fn exceptions(
    reader: &mut Reader<'_>,
    hide: &[Spanned<String>],
    protect: &[Spanned<String>],
) {
    for pattern in hide.iter().chain(protect) {
        if let Err(error) = Pattern::parse(pattern.get_ref()) {
            reader.error("pattern", &pattern.span(), error.to_string());
        }
    }
}

/// A variable with a fixed value.
pub(super) fn variable(reader: &mut Reader<'_>, name: &Spanned<String>, value: &str) {
    if !environment::is_name(name.get_ref()) {
        reader.error("variable", &name.span(), "this is no name of a variable");
    }
    if value.contains('\0') {
        reader.error("variable", &name.span(), "the value holds a NUL");
    }
}

/// The variables that are passed, and those that a request may set.
pub(super) fn variables(
    reader: &mut Reader<'_>,
    pass: &[Spanned<String>],
    request: &[Spanned<String>],
) {
    for name in pass.iter().chain(request) {
        if !environment::is_name_pattern(name.get_ref()) {
            reader.error("variable", &name.span(), "this is no name of a variable");
        }
    }
    for name in pass {
        if environment::looks_secret(name.get_ref()) {
            let message = "commands would see what looks like a secret";
            reader.warning("environment-secret", &name.span(), message);
        }
    }
    for name in request {
        if environment::is_steering(name.get_ref()) {
            let message = "a request could make programs load or run what it names";
            reader.warning("environment-steering", &name.span(), message);
        }
    }
}

/// The policy as a whole.
pub(super) fn policy(_found: &mut Diagnostics, _policy: &Policy) {}
