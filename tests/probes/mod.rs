//! File requests: what they do inside a grant, and that they cannot do anything else.

/// What the operations that change something do, and how they fail.
mod changing;
/// Hostile paths and links.
mod hostile;
/// What is no regular file, has several names, or a name that deceives.
mod kinds;
/// Opening the grants, and who resolves below them.
mod opening;
/// Names swapped by another thread while a request is carried out.
mod races;
/// Random trees, links and paths, against two other resolvers.
mod random;
/// What the operations that change nothing find, and how they fail.
mod reading;
/// A grant in a temporary directory, with something outside it.
mod world;
