//! stdout is data, stderr is talk.

use std::io::{IsTerminal, Write};

use serde::Serialize;

use super::args::Output;
use crate::error::{UserError, code};

/// Where answers and talk go.
#[derive(Debug)]
pub(super) struct Console {
    output: Output,
}

impl Console {
    pub fn new(output: Output) -> Self {
        Self { output }
    }

    /// Says whether answers are for programs.
    pub fn is_json(&self) -> bool {
        self.output == Output::Json
    }

    /// Prints the answer: the value as JSON, or the text.
    pub fn answer<T: Serialize>(
        &mut self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), UserError> {
        let printed = match self.output {
            Output::Json => serde_json::to_string_pretty(value).map_err(|error| {
                UserError::new(&code::OUTPUT_FAILED, "the answer cannot be written as JSON")
                    .with_help("use --output text, and report this")
                    .with_source(error)
            })?,
            Output::Text => text(),
        };
        self.print(&printed)
    }

    /// Prints data.
    pub fn print(&mut self, text: &str) -> Result<(), UserError> {
        let mut out = std::io::stdout().lock();
        let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
        match write!(out, "{text}{end}").and_then(|()| out.flush()) {
            Ok(()) => Ok(()),
            // Whoever listened has heard enough: `quietus ... | head`.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(UserError::new(
                &code::OUTPUT_FAILED,
                format!("the answer cannot be printed: {error}"),
            )
            .with_help("what was done stays done; see `quietus status`")),
        }
    }

    /// Says something to whoever watches.
    pub fn say(&mut self, text: &str) {
        // Nobody may be listening; the work goes on all the same.
        writeln!(std::io::stderr().lock(), "{text}").unwrap_or_default();
    }
}

/// Says whether colours are wanted on a stream.
pub(super) fn colour(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}
