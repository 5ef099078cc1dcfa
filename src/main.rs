//! The program: one thin step into the library, taken before any thread exists.

fn main() -> std::process::ExitCode {
    lobsterpot::cli::main()
}
