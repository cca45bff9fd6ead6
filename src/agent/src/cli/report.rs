//! Defects and errors, as people and as programs read them.

use std::error::Error;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource};
use quietus_schedule::{Defect, Severity};
use serde::Serialize;

use super::console::{Console, colour};
use super::words::wrap;
use crate::error::UserError;
use crate::programme::Defects;

/// Columns of a report.
const WIDTH: usize = 100;

/// A defect as programs read it.
#[derive(Debug, Serialize)]
pub(super) struct DefectLine<'d> {
    severity: &'static str,
    code: &'d str,
    file: &'d str,
    line: u32,
    column: u32,
    word: &'d str,
    message: &'d str,
    label: &'d str,
    help: Option<&'d str>,
}

impl<'d> From<&'d Defect> for DefectLine<'d> {
    fn from(defect: &'d Defect) -> Self {
        Self {
            severity: defect.severity.word(),
            code: defect.code,
            file: &defect.place.file,
            line: defect.place.line,
            column: defect.place.column,
            word: &defect.word,
            message: &defect.message,
            label: &defect.label,
            help: defect.help.as_deref(),
        }
    }
}

/// Renders defects with the lines that they are on.
pub(super) fn defects(defects: &Defects, colours: bool) -> String {
    let mut out = String::new();
    for defect in &defects.list {
        out.push_str(&one(defects, defect, colours));
        out.push('\n');
    }
    out
}

fn one(defects: &Defects, defect: &Defect, colours: bool) -> String {
    let Some(file) = defects.file_of(defect) else {
        return format!("{}: {}", defect.place, defect.message);
    };
    if defect.is_secret {
        return defect.render(file);
    }
    let label = if defect.label.is_empty() { "here" } else { &defect.label };
    let severity = match defect.severity {
        Severity::Error => miette::Severity::Error,
        Severity::Warning => miette::Severity::Warning,
    };
    let span = LabeledSpan::at(defect.span.clone(), label);
    let title = format!("{}: {}", defect.severity.word(), defect.message);
    let mut diagnostic = MietteDiagnostic::new(title).with_severity(severity).with_label(span);
    if let Some(help) = &defect.help {
        diagnostic = diagnostic.with_help(help);
    }
    let source = NamedSource::new(&file.name, file.shown());
    let report = miette::Report::new(diagnostic).with_source_code(source);
    let theme = if colours { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let mut text = String::new();
    let rendered = GraphicalReportHandler::new_themed(theme)
        .with_width(WIDTH)
        .with_links(false)
        .with_context_lines(1)
        .render_report(&mut text, report.as_ref());
    match rendered {
        Ok(()) => text,
        // A span outside the text cannot be drawn; its place can still be said.
        Err(_) => defect.render(file),
    }
}

/// An error as programs read it.
#[derive(Debug, Serialize)]
struct ErrorAnswer<'e> {
    error: ErrorBody<'e>,
}

#[derive(Debug, Serialize)]
struct ErrorBody<'e> {
    code: &'static str,
    message: &'e str,
    help: Option<&'e str>,
    file: Option<&'e str>,
    line: Option<u32>,
    column: Option<u32>,
    causes: Vec<String>,
    defects: Vec<DefectLine<'e>>,
}

/// Reports why a command ended: to people on stderr, to programs on stdout.
pub(super) fn error(console: &mut Console, error: &UserError) {
    let found = error.source.as_ref().and_then(|s| s.downcast_ref::<Defects>());
    if console.is_json() {
        let body = ErrorBody {
            code: error.code.name,
            message: &error.message,
            help: error.help.as_deref(),
            file: error.place.as_ref().map(|p| p.file.as_str()),
            line: error.place.as_ref().map(|p| p.line),
            column: error.place.as_ref().map(|p| p.column),
            causes: if found.is_some() { Vec::new() } else { causes(error) },
            defects: found
                .map(|d| d.list.iter().map(DefectLine::from).collect())
                .unwrap_or_default(),
        };
        if let Err(failed) = console.answer(&ErrorAnswer { error: body }, String::new) {
            console.say(&text(&failed));
        }
        return;
    }
    if let Some(found) = found {
        console.say(&defects(found, colour(&std::io::stderr())));
    }
    console.say(&text(error));
}

/// Renders an error for people.
pub(super) fn text(error: &UserError) -> String {
    let mut out = wrap(&format!("error[{}]: {}", error.code.name, error.message), "", WIDTH);
    if let Some(place) = &error.place {
        out.push_str(&format!("\n  at {place}"));
    }
    if error.source.as_ref().is_none_or(|s| !s.is::<Defects>()) {
        for cause in causes(error) {
            out.push('\n');
            out.push_str(&wrap(&format!("because: {cause}"), "  ", WIDTH));
        }
    }
    if let Some(help) = &error.help {
        out.push('\n');
        out.push_str(&wrap(&format!("help: {help}"), "  ", WIDTH));
    }
    out
}

fn causes(error: &UserError) -> Vec<String> {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        // Many messages end with their cause already.
        if !error.message.contains(&words) {
            causes.push(words);
        }
        next = cause.source();
    }
    causes
}
