//! The command line.
//!
//! ```text
//! args ------> what was asked
//! context ---> the folder, the clock, the adapters
//! command ---> one module each: asks the library, hands over an answer
//! console ---> stdout is data (text or JSON), stderr is talk
//! report ----> defects and errors, as people and as programs read them
//! ```

mod approve;
mod args;
mod check;
mod console;
mod context;
mod evidence;
mod explain;
mod hold;
mod init;
mod inventory;
mod key;
mod plan;
mod probe;
mod progress;
mod quickstart;
mod report;
mod run;
mod schedule;
mod status;
mod verify;
mod words;

use clap::Parser;

use crate::error::{Exit, UserError};
use args::{Arguments, Command};
use console::Console;
use context::Context;

/// Runs the command line of this process; returns the number that it ends with.
pub fn main() -> u8 {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are answers; anything else is a command line that is wrong.
            let exit = if error.use_stderr() { Exit::Wrong } else { Exit::Done };
            return if error.print().is_ok() { exit.number() } else { Exit::Failed.number() };
        }
    };
    start_logging();
    let mut console = Console::new(arguments.output);
    let exit = match carry_out(&arguments, &mut console) {
        Ok(exit) => exit,
        Err(error) => {
            report::error(&mut console, &error);
            error.code.exit
        }
    };
    exit.number()
}

/// Renders an error as the command line shows it.
pub fn render_error(error: &UserError) -> String {
    report::text(error)
}

fn carry_out(arguments: &Arguments, console: &mut Console) -> Result<Exit, UserError> {
    let context = Context::new(&arguments.dir);
    match &arguments.command {
        Command::Init(ask) => init::run(&context, console, ask),
        Command::Check => check::run(&context, console),
        Command::Schedule { command } => schedule::run(&context, console, command),
        Command::Probe(ask) => probe::run(&context, console, ask),
        Command::Inventory => inventory::run(&context, console),
        Command::Plan(ask) => plan::run(&context, console, ask),
        Command::Explain(ask) => explain::run(&context, console, ask),
        Command::Approve(ask) => approve::approve(&context, console, ask),
        Command::Reject(ask) => approve::reject(&context, console, ask),
        Command::Hold { command } => hold::run(&context, console, command),
        Command::Run(ask) => run::run(&context, console, ask),
        Command::Status => status::run(&context, console),
        Command::Verify(ask) => verify::run(&context, console, ask),
        Command::Evidence { command } => evidence::run(&context, console, command),
        Command::Key { command } => key::run(&context, console, command.as_ref()),
        Command::Quickstart(ask) => quickstart::run(console, ask),
    }
}

/// Sends the log to stderr: warnings, or what `QUIETUS_LOG` asks for.
fn start_logging() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_env("QUIETUS_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let begun = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(console::colour(&std::io::stderr()))
        .with_target(false)
        .try_init();
    // Only a second start in one process fails, and then the log is there already.
    drop(begun);
}
