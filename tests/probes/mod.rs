//! File requests: what they do inside a grant, and that they cannot do anything else.

/// What the operations that change something do, and how they fail.
mod changing;
/// Hostile paths, links, kinds of files and names.
mod hostile;
/// Opening the grants, and who resolves below them.
mod opening;
/// Names swapped by another thread while a request is carried out.
mod races;
/// What the operations that change nothing find, and how they fail.
mod reading;
/// A grant in a temporary directory, with something outside it.
mod world;
