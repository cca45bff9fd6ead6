//! Reading one file by hand: each value with its place, each defect collected.

use jiff::civil::Date;
use quietus_contract::Place;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::defect::{Defect, Severity};
use crate::keys::Field;
use crate::model::Retention;
use crate::period::{NotAPeriod, Period};
use crate::source::{Lines, SourceFile, Span, Told, may_hold_secret};
use crate::{codes, words};

/// A file that is being read.
#[derive(Debug)]
pub(crate) struct Sheet<'f> {
    /// The file.
    pub file: &'f SourceFile,
    /// Its lines.
    pub lines: Lines,
    /// What was found so far.
    pub defects: Vec<Defect>,
    /// Lines, from 0, that could not be read.
    pub damaged: Vec<usize>,
    /// Whether a whole section could not be read.
    pub lost_section: bool,
}

/// What to say of a defect besides its place.
#[derive(Debug)]
pub(crate) struct Say {
    /// The code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to write beside the word.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
}

/// Makes what to say.
pub(crate) fn say(
    code: &'static str,
    message: impl Into<String>,
    label: impl Into<String>,
    help: impl Into<Option<String>>,
) -> Say {
    Say { code, message: message.into(), label: label.into(), help: help.into() }
}

impl<'f> Sheet<'f> {
    /// Starts reading a file.
    pub fn new(file: &'f SourceFile) -> Self {
        Self {
            file,
            lines: Lines::new(&file.text),
            defects: Vec::new(),
            damaged: Vec::new(),
            lost_section: false,
        }
    }

    /// Returns the place of a byte.
    pub fn place(&self, offset: usize) -> Place {
        self.lines.place(self.file, offset)
    }

    /// Adds an error.
    pub fn error(&mut self, span: &Span, say: Say) {
        self.add(Severity::Error, span, say);
    }

    /// Adds a warning.
    pub fn warn(&mut self, span: &Span, say: Say) {
        self.add(Severity::Warning, span, say);
    }

    fn add(&mut self, severity: Severity, span: &Span, say: Say) {
        let end = span.end.min(self.file.text.len());
        let span = span.start.min(end)..end;
        let word = self.file.text.get(span.clone()).unwrap_or_default().to_owned();
        let place = self.place(span.start);
        let Say { code, message, label, help } = say;
        let line = self.lines.span(&self.file.text, self.lines.line_of(span.start));
        let is_secret = self.file.text.get(line).is_some_and(may_hold_secret);
        let word = if is_secret { String::new() } else { word };
        let defect = Defect { severity, code, place, span, word, message, label, help, is_secret };
        self.defects.push(defect);
    }

    /// Returns the defects in the order of the text, and forgets them.
    pub fn finish(&mut self) -> Vec<Defect> {
        /// More defects than a person reads in one go; what follows is left for the next run.
        const DEFECTS_MAX: usize = 1_000;
        let mut defects = std::mem::take(&mut self.defects);
        defects.sort_by_key(|defect| (defect.span.start, defect.severity));
        defects.truncate(DEFECTS_MAX);
        defects
    }

    /// Returns whether a part of the section that begins at `offset` could not be read.
    fn is_damaged(&self, offset: usize) -> bool {
        let first = self.lines.line_of(offset);
        let next = (first + 1..self.lines.count())
            .find(|line| {
                let span = self.lines.span(&self.file.text, *line);
                self.file.text.get(span).is_some_and(|text| text.trim_start().starts_with('['))
            })
            .unwrap_or(self.lines.count());
        self.damaged.iter().any(|line| (first..next).contains(line))
    }
}

/// A table of the file.
#[derive(Debug)]
pub(crate) struct Table<'t> {
    /// What messages call it: `class FIN-010`.
    pub who: String,
    /// What to underline when something is missing: its name in the heading.
    pub span: Span,
    /// Whether a part of it could not be read.
    pub damaged: bool,
    entries: &'t DeTable<'t>,
}

/// The value of one key.
pub(crate) type Value<'t> = &'t Spanned<DeValue<'t>>;

impl<'t> Table<'t> {
    /// Opens the table of the whole file.
    pub fn root(sheet: &mut Sheet<'_>, entries: &'t DeTable<'t>, fields: &[Field]) -> Self {
        let who = sheet.file.name.clone();
        let table = Self { who, span: 0..0, damaged: !sheet.damaged.is_empty(), entries };
        table.check_keys(sheet, fields, &[]);
        table
    }

    /// Opens a table, and reports what keys it lacks and what keys it should not have.
    pub fn open(
        sheet: &mut Sheet<'_>,
        who: impl Into<String>,
        span: Span,
        value: Value<'t>,
        fields: &[Field],
    ) -> Option<Self> {
        let table = Self::open_freely(sheet, who, span, value)?;
        table.check_keys(sheet, fields, &[]);
        Some(table)
    }

    /// Opens a table whose keys the caller checks.
    pub fn open_freely(
        sheet: &mut Sheet<'_>,
        who: impl Into<String>,
        span: Span,
        value: Value<'t>,
    ) -> Option<Self> {
        let who = who.into();
        let DeValue::Table(entries) = value.get_ref() else {
            let found = kind_of(value.get_ref());
            sheet.error(
                &value.span(),
                say(
                    codes::WRONG_SHAPE,
                    format!("{who}: a table belongs here, not {found}"),
                    "not a table",
                    Some("a table has a heading in square brackets, and keys below it".to_owned()),
                ),
            );
            return None;
        };
        // A table that only the headings below it speak of may have had one that was lost.
        let after = sheet.file.text.get(span.end..).unwrap_or_default();
        let implied = sheet.lost_section && after.starts_with('.');
        let damaged = implied || sheet.is_damaged(span.start);
        Some(Self { who, span, damaged, entries })
    }

    /// Reports keys that the table lacks or should not have.
    pub fn check_keys(&self, sheet: &mut Sheet<'_>, fields: &[Field], more: &[&str]) {
        let known = || fields.iter().map(|f| f.name).chain(more.iter().copied());
        for key in self.entries.keys() {
            let name = key.get_ref().as_ref();
            if known().any(|k| k == name) {
                continue;
            }
            let list: Vec<&str> = known().collect();
            let help = words::did_you_mean(name, known())
                .unwrap_or_else(|| format!("known here: {}", words::all(&list)));
            self.error(
                sheet,
                &key.span(),
                say(
                    codes::UNKNOWN_KEY,
                    format!("nothing here is called \"{name}\""),
                    "unknown key",
                    Some(help),
                ),
            );
        }
        self.require_all(sheet, fields);
    }

    /// Reports the keys that are missing; once for a table that is empty.
    pub fn require_all(&self, sheet: &mut Sheet<'_>, fields: &[Field]) {
        let mut required = fields.iter().filter(|f| f.required).peekable();
        if self.is_empty() && !self.damaged && required.peek().is_some() && !self.span.is_empty() {
            let names: Vec<&str> = required.map(|field| field.name).collect();
            let help = format!("write {}, or remove it", words::all(&names));
            let said = say(codes::BLANK, "it is empty", "nothing below it", Some(help));
            self.error(sheet, &self.span, said);
            return;
        }
        for field in required {
            self.require(sheet, field.name, field.about);
        }
    }

    /// Reports a key that is missing, unless the table could not be read in full.
    pub fn require(&self, sheet: &mut Sheet<'_>, name: &str, about: &str) {
        if self.entries.get(name).is_none() && !self.damaged {
            self.error(
                sheet,
                &self.span,
                say(
                    codes::MISSING_KEY,
                    format!("\"{name}\" is missing"),
                    format!("no {name}"),
                    Some(about.to_owned()),
                ),
            );
        }
    }

    /// Reports that of two keys that belong together one is missing. Returns whether either is
    /// there.
    pub fn both_or_neither(&self, sheet: &mut Sheet<'_>, one: &str, other: &str) -> bool {
        let (there, missing) = match (self.value(one), self.value(other)) {
            (Some(value), None) => (value.span(), (one, other)),
            (None, Some(value)) => (value.span(), (other, one)),
            (one, _) => return one.is_some() || self.damaged,
        };
        if !self.damaged {
            let (said, missing) = missing;
            self.error(
                sheet,
                &there,
                say(
                    codes::HALF_SAID,
                    format!("\"{said}\" is there and \"{missing}\" is not"),
                    format!("no {missing}"),
                    Some("write both, or neither".to_owned()),
                ),
            );
        }
        true
    }

    /// Adds an error that names the table.
    pub fn error(&self, sheet: &mut Sheet<'_>, span: &Span, mut said: Say) {
        said.message = format!("{}: {}", self.who, said.message);
        sheet.error(span, said);
    }

    /// Returns the value of a key.
    pub fn value(&self, key: &str) -> Option<Value<'t>> {
        self.entries.get(key)
    }

    /// Returns whether the key is written.
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Returns the place of a key itself.
    pub fn key_span(&self, key: &str) -> Option<Span> {
        self.entries.get_key_value(key).map(|(key, _)| key.span())
    }

    /// Returns all entries, in the order of the file.
    pub fn entries(&self) -> impl Iterator<Item = (Told<String>, Value<'t>)> + use<'t> {
        self.entries.iter().map(|(key, value)| {
            (Told { value: key.get_ref().to_string(), span: key.span() }, value)
        })
    }

    fn wrong_shape(&self, sheet: &mut Sheet<'_>, key: &str, value: Value<'_>, wanted: &str) {
        let found = kind_of(value.get_ref());
        let help = match value.get_ref() {
            DeValue::Datetime(_) | DeValue::Integer(_) | DeValue::Boolean(_)
                if wanted == "a text" =>
            {
                Some("put it in quotation marks".to_owned())
            }
            DeValue::String(text) if wanted.starts_with("a list") => {
                Some(format!("put it in square brackets: [\"{text}\"]"))
            }
            DeValue::String(_) if wanted == "true or false" || wanted.contains("number") => {
                Some("leave the quotation marks away".to_owned())
            }
            DeValue::String(_) if wanted.starts_with("a table") => {
                Some(format!("write {key} = {{ \"...\" = \"...\" }}"))
            }
            _ => None,
        };
        self.error(
            sheet,
            &value.span(),
            say(
                codes::WRONG_SHAPE,
                format!("\"{key}\" must be {wanted}, not {found}"),
                format!("not {wanted}"),
                help,
            ),
        );
    }

    fn blank(&self, sheet: &mut Sheet<'_>, key: &str, span: &Span) {
        self.error(
            sheet,
            span,
            say(
                codes::BLANK,
                format!("\"{key}\" says nothing"),
                "blank",
                Some(
                    "write something, or remove the key where the table may be without it"
                        .to_owned(),
                ),
            ),
        );
    }

    /// Reads a text.
    pub fn text(&self, sheet: &mut Sheet<'_>, key: &str) -> Option<Told<String>> {
        let value = self.value(key)?;
        self.as_text(sheet, key, value)
    }

    fn as_text(&self, sheet: &mut Sheet<'_>, key: &str, value: Value<'_>) -> Option<Told<String>> {
        match value.get_ref() {
            DeValue::String(text) if text.trim().is_empty() => {
                self.blank(sheet, key, &value.span());
                None
            }
            DeValue::String(text) => Some(Told { value: text.to_string(), span: value.span() }),
            _ => {
                self.wrong_shape(sheet, key, value, "a text");
                None
            }
        }
    }

    /// Reads a list of texts: not empty, none blank, none twice.
    pub fn texts(&self, sheet: &mut Sheet<'_>, key: &str) -> Option<Vec<Told<String>>> {
        let value = self.value(key)?;
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_shape(sheet, key, value, "a list of texts");
            return None;
        };
        if items.is_empty() {
            self.blank(sheet, key, &value.span());
            return None;
        }
        let mut texts: Vec<Told<String>> = Vec::with_capacity(items.len());
        let mut seen = std::collections::HashSet::with_capacity(items.len());
        for item in items.iter() {
            let Some(text) = self.as_text(sheet, key, item) else { continue };
            if seen.insert(text.value.clone()) {
                texts.push(text);
            } else {
                self.error(
                    sheet,
                    &text.span,
                    say(
                        codes::REPEATED,
                        format!("\"{key}\" has \"{}\" twice", text.value),
                        "again",
                        Some("remove one of them".to_owned()),
                    ),
                );
            }
        }
        Some(texts)
    }

    /// Reads a table of texts: not empty, none blank.
    pub fn texted(
        &self,
        sheet: &mut Sheet<'_>,
        key: &str,
    ) -> Option<Vec<(Told<String>, Told<String>)>> {
        let value = self.value(key)?;
        let DeValue::Table(entries) = value.get_ref() else {
            self.wrong_shape(sheet, key, value, "a table of texts");
            return None;
        };
        if entries.is_empty() {
            self.blank(sheet, key, &value.span());
            return None;
        }
        let mut texts = Vec::with_capacity(entries.len());
        for (name, value) in entries.iter() {
            let said = name.get_ref().as_ref();
            if said.trim().is_empty() {
                self.blank(sheet, key, &name.span());
            } else if let Some(text) = self.as_text(sheet, said, value) {
                texts.push((Told { value: said.to_owned(), span: name.span() }, text));
            }
        }
        Some(texts)
    }

    /// Reads one of a list of words, and returns its position in the list.
    pub fn word(&self, sheet: &mut Sheet<'_>, key: &str, known: &[&str]) -> Option<Told<usize>> {
        let text = self.text(sheet, key)?;
        if let Some(position) = known.iter().position(|word| *word == text.value) {
            return Some(text.map(|_| position));
        }
        let list = words::either(&words::quoted(known));
        self.error(
            sheet,
            &text.span,
            say(
                codes::UNKNOWN_WORD,
                format!("\"{}\" is not {}", text.value, words::a(&key.replace('_', " "))),
                "unknown word",
                words::sentences(
                    words::did_you_mean(&text.value, known.iter().copied()),
                    format!("write {list}"),
                ),
            ),
        );
        None
    }

    /// Reads `true` or `false`.
    pub fn flag(&self, sheet: &mut Sheet<'_>, key: &str) -> Option<Told<bool>> {
        let value = self.value(key)?;
        let Some(flag) = value.get_ref().as_bool() else {
            self.wrong_shape(sheet, key, value, "true or false");
            return None;
        };
        Some(Told { value: flag, span: value.span() })
    }

    /// Reads a whole number, zero or more.
    pub fn number(&self, sheet: &mut Sheet<'_>, key: &str) -> Option<Told<u64>> {
        let value = self.value(key)?;
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|n| u64::from_str_radix(n.as_str(), n.radix()).ok())
            .filter(|n| i64::try_from(*n).is_ok());
        let Some(number) = number else {
            self.wrong_shape(sheet, key, value, "a whole number, zero or more");
            return None;
        };
        Some(Told { value: number, span: value.span() })
    }

    /// Reads a calendar date.
    pub fn date(&self, sheet: &mut Sheet<'_>, key: &str) -> Option<Told<Date>> {
        let value = self.value(key)?;
        self.as_date(sheet, key, value, false)
    }

    /// Reads a list of calendar dates, also written as texts.
    pub fn dates(&self, sheet: &mut Sheet<'_>, key: &str) -> Option<Vec<Told<Date>>> {
        let value = self.value(key)?;
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_shape(sheet, key, value, "a list of dates");
            return None;
        };
        if items.is_empty() {
            self.blank(sheet, key, &value.span());
            return None;
        }
        Some(items.iter().filter_map(|item| self.as_date(sheet, key, item, true)).collect())
    }

    fn as_date(
        &self,
        sheet: &mut Sheet<'_>,
        key: &str,
        value: Value<'_>,
        text_too: bool,
    ) -> Option<Told<Date>> {
        let date = match value.get_ref() {
            DeValue::Datetime(said) if said.time.is_none() => said.date.and_then(|d| {
                let year = i16::try_from(d.year).ok()?;
                Date::new(year, i8::try_from(d.month).ok()?, i8::try_from(d.day).ok()?).ok()
            }),
            DeValue::String(text) if text_too => written_date(text),
            _ => None,
        };
        if let Some(date) = date {
            return Some(Told { value: date, span: value.span() });
        }
        let (label, help) = match value.get_ref() {
            DeValue::String(text) if written_date(text).is_some() => {
                ("a text", format!("leave the quotation marks away: {text}"))
            }
            DeValue::Datetime(_) => ("not a day", "write the day alone: 2026-03-12".to_owned()),
            _ => ("not a date", "write year, month and day: 2026-03-12".to_owned()),
        };
        self.error(
            sheet,
            &value.span(),
            say(codes::BAD_DATE, format!("\"{key}\" is not a calendar date"), label, Some(help)),
        );
        None
    }

    /// Reads a period, or "permanent".
    pub fn retention(&self, sheet: &mut Sheet<'_>, key: &str) -> Option<Told<Retention>> {
        let text = self.text(sheet, key)?;
        if text.value == "permanent" {
            return Some(text.map(|_| Retention::Permanent));
        }
        self.as_period(sheet, text, ", or \"permanent\"").map(|told| told.map(Retention::For))
    }

    /// Reads a period.
    pub fn period(&self, sheet: &mut Sheet<'_>, key: &str) -> Option<Told<Period>> {
        let text = self.text(sheet, key)?;
        self.as_period(sheet, text, "")
    }

    fn as_period(
        &self,
        sheet: &mut Sheet<'_>,
        text: Told<String>,
        or: &str,
    ) -> Option<Told<Period>> {
        let why = match Period::parse(&text.value) {
            Ok(period) => return Some(text.map(|_| period)),
            Err(why) => why,
        };
        let (message, label, help) = match why {
            NotAPeriod::Form => (
                format!("\"{}\" is not a period", text.value),
                "not a period",
                format!(
                    "write a number and a unit: \"7 years\", \"18 months\", \"6 weeks\", \
                     \"90 days\"{or}"
                ),
            ),
            NotAPeriod::TooLong => (
                format!("\"{}\" is longer than a thousand years", text.value),
                "too long",
                "to keep records for ever, write \"permanent\"".to_owned(),
            ),
        };
        self.error(sheet, &text.span, say(codes::BAD_PERIOD, message, label, Some(help)));
        None
    }

    /// Returns the tables of a list of tables, each with the place of its heading.
    pub fn tables(&self, sheet: &mut Sheet<'_>, key: &str) -> Vec<Value<'t>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        match value.get_ref() {
            DeValue::Array(items) if !items.is_empty() => items.iter().collect(),
            DeValue::Array(_) => {
                self.blank(sheet, key, &value.span());
                Vec::new()
            }
            found => {
                let found = kind_of(found);
                self.error(
                    sheet,
                    &value.span(),
                    say(
                        codes::WRONG_SHAPE,
                        format!("\"{key}\" must be a list of tables, not {found}"),
                        "not a list",
                        Some("write its heading in double brackets, between [[ and ]]".to_owned()),
                    ),
                );
                Vec::new()
            }
        }
    }

    /// Returns the entries of a table of named tables, in the order of the file.
    pub fn named_tables(&self) -> Vec<(Told<String>, Value<'t>)> {
        let mut all: Vec<_> = self.entries().collect();
        all.sort_by_key(|(name, _)| name.span.start);
        all
    }

    /// Returns whether the table has no key.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns whether a part of the section behind a key could not be read.
    pub fn section_damaged(&self, sheet: &Sheet<'_>, key: &str) -> bool {
        self.key_span(key).is_some_and(|span| sheet.is_damaged(span.start))
    }

    /// Opens the table of named tables behind a key.
    pub fn named(&self, sheet: &mut Sheet<'_>, key: &str) -> Option<Self> {
        let value = self.value(key)?;
        let span = self.key_span(key)?;
        let table = Self::open_freely(sheet, key, span, value)?;
        if table.entries.is_empty() {
            self.blank(sheet, key, &table.span);
        }
        Some(table)
    }
}

/// Reads "2026-03-12" and nothing else.
fn written_date(text: &str) -> Option<Date> {
    let form = text.len() == 10
        && text.bytes().enumerate().all(|(n, b)| match n {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    form.then(|| text.parse().ok()).flatten()
}

fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
