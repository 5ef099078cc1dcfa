//! `lobsterpot mcp`, by the real program and by real clients.

mod calling;
mod clients;
mod hostile;
mod http;
mod leaving;
mod offering;
mod restarted;
mod roots;
mod shells;
mod world;
mod wrapping;
