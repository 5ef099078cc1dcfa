//! The program: dispatches to the library.

fn main() {}
