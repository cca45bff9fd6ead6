//! Edits `holds.toml`, keeping what Legal wrote and how.

use jiff::civil::Date;
use quietus_contract::Form;
use quietus_schedule::{SourceFile, Sources};
use toml_edit::{DocumentMut, Item, Table, value};

use super::errors_in_holds;
use crate::durable::Durable;
use crate::error::{UserError, code};
use crate::programme::{self, Defects, Folder, HOLDS, SCHEDULE, SYSTEMS};

/// The most holds that get a number of their own in one year.
const NUMBERS_MAX: u32 = 9_999;

/// A hold to be placed.
#[derive(Clone, Debug, Default)]
pub struct NewHold {
    /// Its identifier; the next number of the year where nobody gives one.
    pub id: Option<String>,
    /// The case, audit or request.
    pub matter: String,
    /// What kind of matter: `litigation`, `audit`, ...
    pub reason: String,
    /// Who ordered it.
    pub ordered_by: String,
    /// When someone looks whether it is still needed.
    pub review_by: Option<Date>,
    /// Only these classes.
    pub classes: Vec<String>,
    /// Only these systems.
    pub systems: Vec<String>,
    /// Records about these.
    pub subjects: Vec<String>,
    /// Records kept by these.
    pub custodians: Vec<String>,
    /// Only records with a date on or after this day.
    pub from: Option<Date>,
    /// Only records with a date on or before this day.
    pub to: Option<Date>,
}

/// A release of a hold.
#[derive(Clone, Debug)]
pub struct Release {
    /// The hold.
    pub id: String,
    /// Who released it.
    pub by: String,
}

/// Writes a new hold into `holds.toml`, durably; returns its identifier.
///
/// # Behavior
///
/// - The caller has shut the gate ([`crate::lock::DispatchGate::shut`]), and acknowledges only
///   after it is quiet.
/// - What the file said stays as it was, comments included. A file that would have an error
///   afterwards is not written: a hold on a class that does not exist holds nothing.
/// - Defects of other files do not keep a hold from being placed.
pub fn add(
    folder: &Folder,
    durable: &Durable,
    forms: &[&'static Form],
    new: &NewHold,
    today: Date,
) -> Result<String, UserError> {
    let mut document = read(folder)?;
    let holds = holds_table(&mut document)?;
    let id = match &new.id {
        Some(id) => id.clone(),
        None => next_id(holds, today)?,
    };
    if holds.contains_key(&id) {
        return Err(UserError::new(&code::COMMAND_LINE, format!("there is a hold {id} already"))
            .with_help("give another --id, or none: the next free number is then taken"));
    }
    let mut table = table_of(new, today);
    keep_remarks_above(&mut document, &mut table);
    holds_table(&mut document)?.insert(&id, Item::Table(table));
    write(folder, durable, forms, &document)?;
    Ok(id)
}

/// Marks a hold as released from today on, durably. The hold stays in the file.
pub fn release(
    folder: &Folder,
    durable: &Durable,
    forms: &[&'static Form],
    release: &Release,
    today: Date,
) -> Result<(), UserError> {
    let mut document = read(folder)?;
    let holds = holds_table(&mut document)?;
    let known: Vec<String> = holds.iter().map(|(id, _)| id.to_owned()).collect();
    let Some(hold) = holds.get_mut(&release.id).and_then(Item::as_table_like_mut) else {
        let help = match known.as_slice() {
            [] => "holds.toml has no hold".to_owned(),
            ids => format!("holds.toml has: {}", ids.join(", ")),
        };
        return Err(UserError::new(&code::NOT_FOUND, format!("there is no hold {}", release.id))
            .with_help(help));
    };
    if let Some(since) = hold.get("released_on") {
        let since = since.to_string().trim().to_owned();
        return Err(UserError::new(
            &code::COMMAND_LINE,
            format!("hold {} was released already, on {since}", release.id),
        )
        .with_help("nothing to do"));
    }
    hold.insert("released_on", date_item(today));
    hold.insert("released_by", value(release.by.as_str()));
    write(folder, durable, forms, &document)
}

fn read(folder: &Folder) -> Result<DocumentMut, UserError> {
    let text = programme::read_text(folder, HOLDS)?.map(|f| f.text).unwrap_or_default();
    text.parse().map_err(|error: toml_edit::TomlError| {
        UserError::new(&code::HOLDS_UNREADABLE, format!("holds.toml cannot be edited: {error}"))
            .with_help("`quietus check` shows its defects; mend them and try again")
    })
}

fn holds_table(document: &mut DocumentMut) -> Result<&mut Table, UserError> {
    let mut fresh = Table::new();
    fresh.set_implicit(true);
    document.entry("hold").or_insert(Item::Table(fresh)).as_table_mut().ok_or_else(|| {
        UserError::new(&code::HOLDS_UNREADABLE, "holds.toml: `hold` is not written as tables")
            .with_help("write each hold as a table of its own: [hold.2026-001]")
    })
}

/// Puts the remarks at the end of the file before a table that comes after them.
fn keep_remarks_above(document: &mut DocumentMut, table: &mut Table) {
    let remarks = document.trailing().as_str().unwrap_or_default().to_owned();
    let gap = if remarks.is_empty() && document.as_table().is_empty() { "" } else { "\n" };
    document.set_trailing("");
    table.decor_mut().set_prefix(format!("{remarks}{gap}"));
}

fn next_id(holds: &Table, today: Date) -> Result<String, UserError> {
    (1..=NUMBERS_MAX)
        .map(|n| format!("{}-{n:03}", today.year()))
        .find(|id| !holds.contains_key(id))
        .ok_or_else(|| {
            UserError::new(&code::COMMAND_LINE, "every number of this year is taken")
                .with_help("give the hold a name with --id")
        })
}

fn table_of(new: &NewHold, today: Date) -> Table {
    let mut table = Table::new();
    table.insert("matter", value(new.matter.as_str()));
    table.insert("reason", value(new.reason.as_str()));
    table.insert("ordered_by", value(new.ordered_by.as_str()));
    table.insert("placed_on", date_item(today));
    if let Some(day) = new.review_by {
        table.insert("review_by", date_item(day));
    }
    for (key, list) in [
        ("classes", &new.classes),
        ("systems", &new.systems),
        ("subjects", &new.subjects),
        ("custodians", &new.custodians),
    ] {
        if !list.is_empty() {
            table.insert(key, value(list.iter().collect::<toml_edit::Array>()));
        }
    }
    for (key, day) in [("from", new.from), ("to", new.to)] {
        if let Some(day) = day {
            table.insert(key, date_item(day));
        }
    }
    table
}

fn date_item(day: Date) -> Item {
    // A civil date in its usual form is a TOML date; a text in its place would be refused by the
    // check of the written file.
    match day.to_string().parse::<toml_edit::Datetime>() {
        Ok(date) => value(date),
        Err(_) => value(day.to_string()),
    }
}

fn write(
    folder: &Folder,
    durable: &Durable,
    forms: &[&'static Form],
    document: &DocumentMut,
) -> Result<(), UserError> {
    let text = document.to_string();
    let file = |name: &str| -> Result<SourceFile, UserError> {
        let found = programme::read_text(folder, name)?;
        Ok(found.unwrap_or(SourceFile { name: name.to_owned(), text: String::new() }))
    };
    let holds = SourceFile { name: HOLDS.to_owned(), text: text.clone() };
    let sources = Sources {
        schedule: file(SCHEDULE)?,
        systems: file(SYSTEMS)?,
        holds: Some(holds.clone()),
        registers: Vec::new(),
    };
    let list = errors_in_holds(&sources, forms);
    if !list.is_empty() {
        return Err(UserError::new(
            &code::HOLDS_UNREADABLE,
            "the register of holds would have defects; it was left as it was",
        )
        .with_help("put right what is marked, and try again")
        .with_source(Defects { list, files: vec![holds] }));
    }
    durable.replace(&folder.file(HOLDS), text.as_bytes())?;
    Ok(())
}
