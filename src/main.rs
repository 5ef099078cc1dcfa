//! The program: one thin step into the library, taken before any thread exists.

fn main() -> std::process::ExitCode {
    // In the sandbox of a proof this program is the attacker, which knows no other command.
    lobsterpot::prove::run_if_named().unwrap_or_else(lobsterpot::cli::main)
}
