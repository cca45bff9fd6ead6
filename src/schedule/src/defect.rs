//! Defects: what is wrong with the files, in the words of those who write them.

use std::fmt::Write as _;

use quietus_contract::Place;

use crate::source::{SourceFile, Span};

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
    /// Whether the line may hold a secret: then its place may be shown, and its text never.
    pub is_secret: bool,
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
        let start = file.text.get(..self.span.start).and_then(|before| before.rfind('\n'));
        let start = start.map_or(0, |newline| newline + 1);
        let end = file.text.get(self.span.start..).and_then(|after| after.find('\n'));
        let line_span = start..end.map_or(file.text.len(), |newline| self.span.start + newline);
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
        if self.is_secret {
            writeln!(out, "{number} | (not shown: it may be a secret) {}", self.label).ok();
        } else {
            writeln!(out, "{number} | {text}").ok();
            let label = format!("{pad}{marks} {}", self.label);
            writeln!(out, "{gutter} | {}", label.trim_end()).ok();
        }
        if let Some(help) = &self.help {
            writeln!(out, "{gutter} = help: {help}").ok();
        }
    }
}
