//! From text to a spanned tree, and syntax errors in an owner's words.

use toml::de::DeTable;

use crate::codes;
use crate::sheet::{Say, Sheet, say};
use crate::source::Span;

/// The largest file that is read; a schedule has some kilobytes, a register some megabytes.
const BYTES_MAX: usize = 32 * 1024 * 1024;

/// How many times the file is read again without its broken lines.
const PASSES_MAX: usize = 32;

/// Reads the tree of a text that [`readable`] gave.
pub(crate) fn tree(text: &str) -> DeTable<'_> {
    DeTable::parse_recoverable(text).0.into_inner()
}

/// Returns the text of a file with what cannot be read left out, and reports that.
///
/// # Behavior
///
/// - A line with a syntax error is reported and left out, and the rest is read; so an error does
///   not hide those after it.
/// - A heading that cannot be read takes its whole section with it.
pub(crate) fn readable(sheet: &mut Sheet<'_>) -> String {
    let file = sheet.file;
    if file.text.len() > BYTES_MAX {
        let message = format!("{} has more than {BYTES_MAX} bytes", file.name);
        sheet.error(&(0..0), say(codes::TOO_LARGE, message, "too large", None));
        return String::new();
    }
    if let Some(at) = file.text.find('\u{fffd}') {
        sheet.error(
            &(at..at + '\u{fffd}'.len_utf8()),
            say(
                codes::NOT_TEXT,
                format!("{} has a character that nobody can read", file.name),
                "unreadable",
                Some("save the file as UTF-8, and write the character again".to_owned()),
            ),
        );
    }
    let mut text = file.text.clone();
    for _ in 0..PASSES_MAX {
        let (_, errors) = DeTable::parse_recoverable(&text);
        let mut broken = Vec::new();
        for error in &errors {
            let span = error.span().unwrap_or(0..0);
            let line = sheet.lines.line_of(span.start.min(text.len()));
            let known = sheet.damaged.iter().any(|seen| seen.abs_diff(line) <= 1);
            if error.message() == "duplicate key" {
                report_twice(sheet, &span);
                continue;
            }
            if !known && !broken.contains(&line) {
                report(sheet, error.message(), &span, line);
            }
            broken.push(line);
        }
        if broken.is_empty() {
            return text;
        }
        for line in broken {
            drop_line(sheet, &mut text, line);
        }
    }
    String::new()
}

/// Blanks a line, or the section below it where it is a heading; offsets stay as they are.
fn drop_line(sheet: &mut Sheet<'_>, text: &mut String, line: usize) {
    let heading = |n: usize| {
        let span = sheet.lines.span(&sheet.file.text, n);
        sheet.file.text.get(span).is_some_and(|t| t.trim_start().starts_with('['))
    };
    let mut last = line;
    if heading(line) {
        while last + 1 < sheet.lines.count() && !heading(last + 1) {
            last += 1;
        }
        sheet.lost_section = true;
    }
    let start = sheet.lines.span(text, line).start;
    let end = sheet.lines.span(text, last).end;
    let blank: String = text
        .get(start..end)
        .unwrap_or_default()
        .chars()
        .flat_map(|c| std::iter::repeat_n(if c == '\n' { '\n' } else { ' ' }, c.len_utf8()))
        .collect();
    text.replace_range(start..end, &blank);
    for line in line..=last {
        if !sheet.damaged.contains(&line) {
            sheet.damaged.push(line);
        }
    }
}

fn report_twice(sheet: &mut Sheet<'_>, span: &Span) {
    let seen = sheet.defects.iter().any(|d| d.code == codes::DUPLICATE_KEY && d.span == *span);
    if seen {
        return;
    }
    let word = sheet.file.text.get(span.clone()).unwrap_or_default().to_owned();
    sheet.error(
        span,
        say(
            codes::DUPLICATE_KEY,
            format!("\"{}\" is written twice", word.trim_matches('"')),
            "again",
            Some("keep one of the two".to_owned()),
        ),
    );
}

fn report(sheet: &mut Sheet<'_>, message: &str, span: &Span, line: usize) {
    let mut span = span.clone();
    let line_span = sheet.lines.span(&sheet.file.text, line);
    if span.is_empty() && span.start > line_span.start && span.start >= line_span.end {
        // At the end of a line there is nothing to underline: take the last word before it.
        let text = sheet.file.text.get(line_span.clone()).unwrap_or_default().trim_end();
        let word = text.rfind(char::is_whitespace).map_or(0, |n| n + 1);
        span = line_span.start + word..line_span.start + text.len();
    }
    let said = in_words(message);
    sheet.error(&span, said);
}

/// Says a parser's message in an owner's words.
fn in_words(message: &str) -> Say {
    /// Part of the parser's message; what is wrong; label; what to do.
    const WORDS: &[(&str, &str, &str, &str)] = &[
        (
            "string values must be quoted",
            "a text stands without quotation marks",
            "needs quotation marks",
            "write \"...\" around the text",
        ),
        (
            "invalid basic string",
            "a text is opened with a quotation mark and not closed on its line",
            "no closing quotation mark",
            "write a quotation mark at the end of the text; inside a text, write \\\" and \\\\",
        ),
        (
            "invalid literal string",
            "a text is opened with an apostrophe and not closed on its line",
            "no closing apostrophe",
            "write an apostrophe at the end of the text",
        ),
        (
            "multi-line",
            "a text that runs over several lines is not closed",
            "not closed",
            "close it with three quotation marks",
        ),
        (
            "escape",
            "a backslash inside a text is followed by something that has no meaning",
            "no such escape",
            "for a backslash itself write two, or put the text between apostrophes",
        ),
        (
            "array table",
            "a heading in double brackets is not closed",
            "not closed",
            "write ]] at its end",
        ),
        ("unclosed table", "a heading is not closed", "not closed", "write ] at its end"),
        ("unclosed array", "a list is not closed", "not closed", "write ] at the end of the list"),
        (
            "unclosed inline table",
            "a table in braces is not closed",
            "not closed",
            "write } at its end",
        ),
        (
            "key with no value",
            "a key stands alone, without = and a value",
            "no value",
            "write key = \"value\"",
        ),
        (
            "missing value",
            "nothing stands behind the =",
            "no value",
            "write a value, or remove the line",
        ),
        ("missing assignment", "an = is missing", "no =", "write key = \"value\""),
        (
            "missing comma",
            "a comma is missing",
            "no comma before this",
            "write a comma between the two",
        ),
        ("extra comma", "there is a comma too many", "one too many", "remove it"),
        ("extra", "there is an = too many", "one too many", "remove it"),
        (
            "unexpected `=`",
            "an = stands inside a list",
            "= in a list",
            "a list has values only; keys belong into braces",
        ),
        (
            "date-time",
            "this is not a date that exists",
            "no such date",
            "write year, month and day: 2026-03-12",
        ),
        (
            "leading zero",
            "a number begins with a zero",
            "leading zero",
            "remove the zero; for a date write year, month and day: 2026-03-12",
        ),
        ("recurse", "this is nested deeper than any schedule needs", "too deep", "write it flat"),
        (
            "unexpected key or value",
            "something follows the value on its line",
            "belongs on its own line",
            "write one key on each line; put the whole text into quotation marks",
        ),
        (
            "key",
            "this is not a key",
            "not a key",
            "keys have letters, digits, - and _; put any other into quotation marks",
        ),
        ("comment", "a comment has a character that it must not have", "not allowed", "remove it"),
        (
            "carriage return",
            "a line ends in an unusual way",
            "odd line end",
            "save the file with ordinary line ends",
        ),
    ];
    let found = WORDS.iter().find(|(part, ..)| message.contains(part));
    match found {
        Some((_, what, label, help)) => say(codes::SYNTAX, *what, *label, Some((*help).to_owned())),
        None => say(
            codes::SYNTAX,
            "this is not TOML",
            message,
            Some("texts stand in quotation marks, dates and numbers do not".to_owned()),
        ),
    }
}
