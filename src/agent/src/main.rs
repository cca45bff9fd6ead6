//! The `quietus` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(quietus::cli::main())
}
