//! From text to a spanned tree, and syntax errors in an owner's words.

use std::ops::Range;

use toml::de::DeTable;

use crate::codes;
use crate::sheet::{Say, Sheet, say};
use crate::source::Span;

/// The largest file that is read; a schedule has some kilobytes, a register some megabytes.
const BYTES_MAX: usize = 32 * 1024 * 1024;

/// How many errors are looked at each time; one line more or less of a hopeless file is no loss.
const ERRORS_MAX: usize = 100;

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
        let mut broken: Vec<Range<usize>> = Vec::new();
        let mut again = false;
        for error in errors.iter().take(ERRORS_MAX) {
            let span = error.span().unwrap_or(0..0);
            let line = sheet.lines.line_of(span.start.min(text.len()));
            if error.message() == "duplicate key" {
                if !broken.is_empty() {
                    // It may come from the broken line; if not, the next pass has it again.
                    continue;
                }
                report_twice(sheet, &span);
                if is_heading(sheet, line) {
                    // The second table would be mixed with the first.
                    drop_second(sheet, &mut text, line);
                    again = true;
                    break;
                }
                continue;
            }
            if let Some(opened) = opened_before(sheet, error.message(), &span, line) {
                // All that follows was read as a part of the list: look again without it.
                report_open(sheet, opened);
                broken.push(opened..line);
                break;
            }
            let seen = broken.iter().any(|lines| lines.contains(&line));
            if !seen && !sheet.damaged.iter().any(|known| known.abs_diff(line) <= 1) {
                report(sheet, error.message(), &span, line);
            }
            broken.push(line..line + 1);
        }
        if broken.is_empty() && !again {
            return text;
        }
        for line in broken.into_iter().flatten() {
            drop_line(sheet, &mut text, line);
        }
    }
    // More broken lines than passes: take what is there, and trust nothing that is missing.
    sheet.lost_section = true;
    text
}

/// Where a list or a table in braces was opened and not closed, so that the next key or heading
/// was taken for a part of it: the line on which it was opened.
fn opened_before(sheet: &Sheet<'_>, message: &str, span: &Span, line: usize) -> Option<usize> {
    let of_list = ["comma", "array", "inline table", "key-value pairs"];
    if !of_list.iter().any(|part| message.contains(part)) || message.contains("array table") {
        return None;
    }
    let text = |line| sheet.file.text.get(sheet.lines.span(&sheet.file.text, line));
    let before = sheet.file.text.get(sheet.lines.span(&sheet.file.text, line).start..span.start);
    let at_start = before.is_none_or(|before| !before.contains(['=', '[', '{', '"', '\'']));
    let is_new = text(line).is_some_and(|line| is_key(line) || line.trim_start().starts_with('['));
    let at_end = span.start >= sheet.file.text.trim_end().len();
    if !(at_start && is_new || at_end) {
        return None;
    }
    (0..line).rev().find(|n| text(*n).is_some_and(is_key))
}

/// Whether a line is a heading, or would be one with its opening bracket.
fn is_heading(sheet: &Sheet<'_>, line: usize) -> bool {
    let text = text_of(sheet, line);
    text.starts_with('[') || is_unopened(text)
}

fn is_unopened(line: &str) -> bool {
    line.starts_with(|c: char| c.is_ascii_alphanumeric())
        && line.ends_with(']')
        && !line.contains(['=', '[', ',', '\'', '{', '#'])
}

/// A line without the space around it.
fn text_of<'f>(sheet: &Sheet<'f>, line: usize) -> &'f str {
    let file = sheet.file;
    file.text.get(sheet.lines.span(&file.text, line)).unwrap_or_default().trim()
}

/// Whether a line begins with a key and an equals sign.
fn is_key(line: &str) -> bool {
    line.split_once('=').is_some_and(|(key, _)| {
        let key = key.trim();
        let bare = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !key.is_empty() && (key.starts_with('"') && key.ends_with('"') || key.chars().all(bare))
    })
}

fn report_open(sheet: &mut Sheet<'_>, line: usize) {
    if sheet.damaged.contains(&line) {
        return;
    }
    let span = sheet.lines.span(&sheet.file.text, line);
    let text = sheet.file.text.get(span.clone()).unwrap_or_default();
    let value = text.find('=').map_or(0, |n| n + 1);
    let spaces = text.get(value..).map_or(0, |rest| rest.len() - rest.trim_start().len());
    let span = span.start + value + spaces..span.start + text.trim_end().len();
    sheet.error(
        &span,
        say(
            codes::SYNTAX,
            "a list, or a table in braces, is opened here and not closed",
            "not closed",
            Some("write ] at the end of a list, and } at the end of a table in braces".to_owned()),
        ),
    );
}

/// Leaves out the second table of a name; only its heading where the first has nothing below it.
fn drop_second(sheet: &mut Sheet<'_>, text: &mut String, line: usize) {
    let heading = text_of(sheet, line);
    let before = (0..line).rev().map(|n| text_of(sheet, n)).find(|text| !text.is_empty());
    if before == Some(heading) {
        blank(sheet, text, line, line);
    } else {
        drop_line(sheet, text, line);
    }
}

/// Blanks a line, or the section below it where it is a heading; offsets stay as they are.
fn drop_line(sheet: &mut Sheet<'_>, text: &mut String, line: usize) {
    let mut last = line;
    if is_heading(sheet, line) {
        while last + 1 < sheet.lines.count() && !is_heading(sheet, last + 1) {
            last += 1;
        }
        sheet.lost_section = true;
    }
    blank(sheet, text, line, last);
}

/// Blanks the lines from `line` to `last`.
fn blank(sheet: &mut Sheet<'_>, text: &mut String, line: usize, last: usize) {
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
    let is_blank = sheet.file.text.get(span.clone()).is_none_or(|text| text.trim().is_empty());
    let message =
        if is_blank && message.contains("must be quoted") { "missing value" } else { message };
    let line_span = sheet.lines.span(&sheet.file.text, line);
    if is_blank && span.start > line_span.start {
        // At the end of a line there is nothing to underline: take the last word before it.
        let text = sheet.file.text.get(line_span.clone()).unwrap_or_default().trim_end();
        let word = text.rfind(char::is_whitespace).map_or(0, |n| n + 1);
        span = line_span.start + word..line_span.start + text.len();
    }
    let heading = text_of(sheet, line);
    let one_of_two = heading.starts_with('[') && !heading.starts_with("[[");
    let said = if is_unopened(heading) || (one_of_two && heading.ends_with("]]")) {
        let what = "a heading is closed with a bracket and not opened with one";
        say(codes::SYNTAX, what, "no opening bracket", Some("write [ before it".to_owned()))
    } else {
        in_words(message)
    };
    sheet.error(&span, said);
}

/// Says a parser's message in an owner's words.
fn in_words(message: &str) -> Say {
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
        "opening quote",
        "a text is closed with a quotation mark and not opened with one",
        "no opening quotation mark",
        "write a quotation mark at the beginning of the text",
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
        "invalid date",
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
