//! `lobsterpot mcp`, by the real program and by real clients.

mod calling;
mod hostile;
mod offering;
mod shells;
mod world;
