//! Defects: what is wrong with the files, in the words of those who write them.

use std::fmt::Write as _;

use quietus_contract::Place;

use crate::source::{Lines, SourceFile, Span};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// Whether the programme can work with it.
    pub severity: Severity,
    /// The code, one of [`crate::codes::ALL`].
    pub code: &'static str,
    /// Where the word begins.
    pub place: Place,
    /// The word as a byte range of the file's text.
    pub span: Span,
    /// The word.
    pub word: String,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to write beside the underlined word.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
}

/// Whether the programme can work with a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but someone should look.
    Warning,
}

impl Severity {
    /// Returns the word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl Defect {
    /// Renders the defect with the line that it is on, without colours.
    ///
    /// `file` must be the file that the defect was found in.
    pub fn render(&self, file: &SourceFile) -> String {
        let mut out = String::new();
        self.write(&mut out, file);
        out
    }

    fn write(&self, out: &mut String, file: &SourceFile) {
        let lines = Lines::new(&file.text);
        let line = lines.line_of(self.span.start);
        let line_span = lines.span(&file.text, line);
        let text = file.text.get(line_span.clone()).unwrap_or_default();
        let text = text.trim_end_matches('\r');
        let before = file.text.get(line_span.start..self.span.start).unwrap_or_default();
        let in_line = self.span.end.min(line_span.start + text.len());
        let marked = file.text.get(self.span.start..in_line).unwrap_or_default();
        let number = self.place.line.to_string();
        let gutter = " ".repeat(number.len());
        let pad: String = before.chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let marks = "^".repeat(marked.chars().count().max(1));
        // Writing to a String cannot fail.
        writeln!(out, "{}[{}]: {}", self.severity.word(), self.code, self.message).ok();
        writeln!(out, "{gutter}--> {}", self.place).ok();
        writeln!(out, "{gutter} |").ok();
        writeln!(out, "{number} | {text}").ok();
        let label = if self.label.is_empty() { String::new() } else { format!(" {}", self.label) };
        writeln!(out, "{gutter} | {pad}{marks}{label}").ok();
        if let Some(help) = &self.help {
            writeln!(out, "{gutter} = help: {help}").ok();
        }
    }
}
