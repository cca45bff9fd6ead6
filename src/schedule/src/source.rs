//! The files as text.

use std::ops::Range;

use quietus_contract::Place;

/// A byte range of a file.
pub(crate) type Span = Range<usize>;

/// A value and where it was written.
#[derive(Clone, Debug)]
pub(crate) struct Told<T> {
    /// The value.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl<T> Told<T> {
    /// Keeps the place and changes the value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Told<U> {
        Told { value: f(self.value), span: self.span }
    }
}

/// One file.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The name that messages show, such as `schedule.toml` or `events/vacancies.toml`.
    pub name: String,
    /// The text.
    pub text: String,
}

/// The files of a programme.
#[derive(Clone, Debug)]
pub struct Sources {
    /// `schedule.toml`, by the records owners.
    pub schedule: SourceFile,
    /// `systems.toml`, by IT.
    pub systems: SourceFile,
    /// `holds.toml`, by Legal.
    pub holds: Option<SourceFile>,
    /// The registers of `events/`, one file each; a register is called like its file.
    pub registers: Vec<SourceFile>,
}

/// Where the lines of a text begin.
#[derive(Debug)]
pub(crate) struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    /// Finds the lines of `text`.
    pub fn new(text: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(n, _)| n + 1));
        Self { starts }
    }

    /// Returns the index, from 0, of the line that `offset` is on.
    pub fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// Returns the bytes of a line, without its end.
    pub fn span(&self, text: &str, line: usize) -> Span {
        let start = self.starts.get(line).copied().unwrap_or(text.len());
        let end = self.starts.get(line + 1).map_or(text.len(), |next| next - 1);
        start..end.max(start)
    }

    /// Returns how many lines there are.
    pub fn count(&self) -> usize {
        self.starts.len()
    }

    /// Returns the place of `offset`.
    pub fn place(&self, file: &SourceFile, offset: usize) -> Place {
        let line = self.line_of(offset);
        let start = self.starts.get(line).copied().unwrap_or_default();
        let before = file.text.get(start..offset).unwrap_or_default();
        Place {
            file: file.name.clone(),
            line: u32::try_from(line + 1).unwrap_or(u32::MAX),
            column: u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX),
        }
    }
}
