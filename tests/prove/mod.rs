//! The proof itself: that it holds here, that it can fail, and that it leaves nothing behind.

mod failing;
mod holding;
mod world;
