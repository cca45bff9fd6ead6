//! Reading `schedule.toml`.

use indexmap::IndexMap;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::class::{RawClass, class};
use super::{Names, check_jurisdiction, check_name, time_zone};
use crate::model::{Retention, YearEnd, Years};
use crate::sheet::{Sheet, Table, say};
use crate::source::{Span, Told};
use crate::{codes, keys, syntax};

/// What `schedule.toml` says.
#[derive(Debug, Default)]
pub(crate) struct RawSchedule {
    pub header: RawHeader,
    pub years: Years,
    /// Whether `[years]` could be read in full.
    pub years_complete: bool,
    /// Years that are written and cannot be read.
    pub bad_years: Vec<&'static str>,
    pub triggers: Names,
    pub meanings: IndexMap<String, String>,
    pub authority_names: Names,
    pub authorities: IndexMap<String, RawAuthority>,
    pub class_names: Names,
    pub classes: Vec<RawClass>,
}

/// What `[schedule]` says.
#[derive(Debug, Default)]
pub(crate) struct RawHeader {
    pub span: Span,
    pub title: Option<String>,
    pub organisation: Option<String>,
    pub version: Option<String>,
    /// Whether anything is said of an approval.
    pub approval_written: bool,
    pub approved_by: Option<Told<String>>,
    pub approved_on: Option<Told<Date>>,
    pub effective_from: Option<Told<Date>>,
    pub review_by: Option<Told<Date>>,
    pub jurisdiction: Option<Told<String>>,
    pub other_jurisdictions: Vec<String>,
    pub time_zone: Option<TimeZone>,
}

/// What `[authorities.NAME]` says.
#[derive(Debug)]
pub(crate) struct RawAuthority {
    pub name: Told<String>,
    pub citation: Option<String>,
    pub jurisdiction: Option<String>,
    pub minimum: Option<Retention>,
    pub requires: Option<String>,
    pub counts_from: Option<String>,
    /// Whether anything is said of a check.
    pub check_written: bool,
    pub checked_by: Option<Told<String>>,
    pub checked_on: Option<Told<Date>>,
}

/// Reads the file.
pub(crate) fn schedule(sheet: &mut Sheet<'_>) -> RawSchedule {
    let text = syntax::readable(sheet);
    let tree = syntax::tree(&text);
    let file = Table::root(sheet, &tree, keys::SCHEDULE_FILE);
    let mut raw = RawSchedule { years_complete: true, ..RawSchedule::default() };
    if let Some((span, value)) = file.key_span("schedule").zip(file.value("schedule"))
        && let Some(table) = Table::open(sheet, "schedule", span, value, keys::HEADER)
    {
        raw.header = header(sheet, &table);
    }
    if let Some((span, value)) = file.key_span("years").zip(file.value("years"))
        && let Some(table) = Table::open(sheet, "years", span, value, keys::YEARS)
    {
        raw.years_complete = !table.damaged;
        years(sheet, &table, &mut raw);
    }
    triggers(sheet, &file, &mut raw);
    authorities(sheet, &file, &mut raw);
    raw.class_names.complete = !sheet.lost_section;
    if let Some(table) = file.named(sheet, "class") {
        for (name, value) in table.named_tables() {
            raw.class_names.complete &= check_name(sheet, "class", &name);
            raw.class_names.list.push(name.clone());
            if let Some(class) = class(sheet, name, value) {
                raw.classes.push(class);
            }
        }
    }
    raw
}

fn header(sheet: &mut Sheet<'_>, table: &Table<'_>) -> RawHeader {
    let jurisdiction = table.text(sheet, "jurisdiction");
    let others = table.texts(sheet, "other_jurisdictions").unwrap_or_default();
    for name in jurisdiction.iter().chain(&others) {
        check_jurisdiction(sheet, &table.who, name);
    }
    table.text(sheet, "notes");
    RawHeader {
        span: table.span.clone(),
        title: table.text(sheet, "title").map(|t| t.value),
        organisation: table.text(sheet, "organisation").map(|t| t.value),
        version: table.text(sheet, "version").map(|t| t.value),
        approval_written: table.both_or_neither(sheet, "approved_by", "approved_on"),
        approved_by: table.text(sheet, "approved_by"),
        approved_on: table.date(sheet, "approved_on"),
        effective_from: table.date(sheet, "effective_from"),
        review_by: table.date(sheet, "review_by"),
        jurisdiction,
        other_jurisdictions: others.into_iter().map(|t| t.value).collect(),
        time_zone: time_zone(table, sheet, "time_zone"),
    }
}

fn years(sheet: &mut Sheet<'_>, table: &Table<'_>, raw: &mut RawSchedule) {
    let mut year = |key: &'static str| {
        let text = table.text(sheet, key);
        let end = text.as_ref().and_then(|text| year_end(&text.value));
        if end.is_none() && table.has(key) {
            raw.bad_years.push(key);
        }
        if let (Some(text), None) = (text, end) {
            table.error(
                sheet,
                &text.span,
                say(
                    codes::BAD_YEAR_END,
                    format!("\"{}\" does not say when the {key} year ends", text.value),
                    "not a year's end",
                    Some(
                        "write \"ends 31 March\"; \"ends 29 February\" means the last day of \
                          February"
                            .to_owned(),
                    ),
                ),
            );
        }
        end
    };
    let years = Years { fiscal: year("fiscal"), tax: year("tax"), academic: year("academic") };
    raw.years = years;
}

/// Reads "ends 31 March".
fn year_end(text: &str) -> Option<YearEnd> {
    const MONTHS: [(&str, i8); 12] = [
        ("January", 31),
        ("February", 29),
        ("March", 31),
        ("April", 30),
        ("May", 31),
        ("June", 30),
        ("July", 31),
        ("August", 31),
        ("September", 30),
        ("October", 31),
        ("November", 30),
        ("December", 31),
    ];
    let (day, month) = text.strip_prefix("ends ")?.split_once(' ')?;
    if day.len() > 2 || !day.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let position = MONTHS.iter().position(|(name, _)| *name == month)?;
    let (_, last) = MONTHS.get(position)?;
    let day: i8 = day.parse().ok()?;
    (1..=*last).contains(&day).then_some(YearEnd { month: i8::try_from(position + 1).ok()?, day })
}

fn triggers(sheet: &mut Sheet<'_>, file: &Table<'_>, raw: &mut RawSchedule) {
    raw.triggers.complete = !sheet.lost_section && !file.section_damaged(sheet, "triggers");
    for (mut name, meaning) in file.texted(sheet, "triggers").unwrap_or_default() {
        if name.value.trim() != name.value {
            sheet.error(
                &name.span,
                say(
                    codes::BAD_NAME,
                    format!("trigger \"{}\": a space stands before or behind the name", name.value),
                    "space around it",
                    Some(format!("write \"{}\"", name.value.trim())),
                ),
            );
            name.value = name.value.trim().to_owned();
        }
        raw.meanings.insert(name.value.clone(), meaning.value);
        raw.triggers.list.push(name);
    }
}

fn authorities(sheet: &mut Sheet<'_>, file: &Table<'_>, raw: &mut RawSchedule) {
    raw.authority_names.complete = !sheet.lost_section;
    let Some(table) = file.named(sheet, "authorities") else { return };
    for (name, value) in table.named_tables() {
        raw.authority_names.complete &= check_name(sheet, "authority", &name);
        let who = format!("authority {}", name.value);
        raw.authority_names.list.push(name.clone());
        let Some(table) = Table::open(sheet, who, name.span.clone(), value, keys::AUTHORITY) else {
            continue;
        };
        let jurisdiction = table.text(sheet, "jurisdiction");
        if let Some(jurisdiction) = &jurisdiction {
            check_jurisdiction(sheet, &table.who, jurisdiction);
        }
        table.text(sheet, "notes");
        let authority = RawAuthority {
            citation: table.text(sheet, "citation").map(|t| t.value),
            jurisdiction: jurisdiction.map(|t| t.value),
            minimum: table.retention(sheet, "minimum").map(|t| t.value),
            requires: table.text(sheet, "requires").map(|t| t.value),
            counts_from: table.text(sheet, "counts_from").map(|t| t.value),
            check_written: table.both_or_neither(sheet, "checked_by", "checked_on"),
            checked_by: table.text(sheet, "checked_by"),
            checked_on: table.date(sheet, "checked_on"),
            name: name.clone(),
        };
        raw.authorities.insert(name.value, authority);
    }
}
