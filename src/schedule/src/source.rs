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

impl SourceFile {
    /// Returns the text with asterisks on lines that may hold a secret; offsets stay as they are.
    ///
    /// # Behavior
    ///
    /// - A line that sets `connect` or the like to anything but `env:` or `file:` is such a line.
    /// - Whoever shows a part of a file shows this.
    pub fn shown(&self) -> String {
        let mut shown = String::with_capacity(self.text.len());
        for line in self.text.split_inclusive('\n') {
            let named = line.contains("\"env:") || line.contains("\"file:");
            let value = line.find('=').map_or(0, |equals| equals + 1);
            match (line.get(..value), line.get(value..)) {
                (Some(key), Some(value)) if !named && may_hold_secret(line) => {
                    shown.push_str(key);
                    let hidden = value.bytes().map(|b| match b {
                        b'\n' | b'\r' | b' ' => char::from(b),
                        _ => '*',
                    });
                    shown.extend(hidden);
                }
                _ => shown.push_str(line),
            }
        }
        shown
    }
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

/// Whether a line sets a key whose value may be a secret, though it should not be.
pub(crate) fn may_hold_secret(line: &str) -> bool {
    const NAMES: [&str; 6] = ["connect", "passw", "secret", "token", "credential", "login"];
    /// A longer line is no line of a systems file, and not worth showing.
    const LENGTH_MAX: usize = 4_096;
    if line.len() > LENGTH_MAX {
        return true;
    }
    let lower = line.to_lowercase();
    lower.match_indices('=').any(|(equals, _)| {
        let before = lower.get(..equals).unwrap_or_default().trim_end();
        let key = before.rsplit([' ', '\t', ',', '{', '.', '=']).next().unwrap_or_default();
        NAMES.iter().any(|name| key.contains(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        let text = "[system.erp]\r\nconnect = \"pw\u{e9} x\"\nuser_token=1\n\
                    connect = \"env:ERP\"\nroot = \"/mnt\"\n";
        let file = SourceFile { name: "systems.toml".to_owned(), text: text.to_owned() };
        let shown = file.shown();
        assert_eq!(shown.len(), text.len());
        assert_eq!(
            shown,
            "[system.erp]\r\nconnect = ***** **\nuser_token=*\n\
             connect = \"env:ERP\"\nroot = \"/mnt\"\n"
        );
    }
}
