//! Reading `holds.toml`.

use jiff::civil::Date;

use super::check_name;
use crate::sheet::{Sheet, Table, Value};
use crate::source::Told;
use crate::{keys, syntax};

/// What `[hold.ID]` says.
#[derive(Debug)]
pub(crate) struct RawHold {
    pub id: Told<String>,
    /// Whether a part of it could not be read.
    pub damaged: bool,
    pub matter: Option<String>,
    pub reason: Option<String>,
    pub ordered_by: Option<String>,
    pub placed_on: Option<Told<Date>>,
    pub review_by: Option<Told<Date>>,
    pub classes: Vec<Told<String>>,
    pub systems: Vec<Told<String>>,
    pub subjects: Vec<Told<String>>,
    pub custodians: Vec<Told<String>>,
    /// Whether any of the four lists is written.
    pub has_selector: bool,
    pub from: Option<Told<Date>>,
    pub to: Option<Told<Date>>,
    pub released_by: Option<Told<String>>,
    pub released_on: Option<Told<Date>>,
}

/// Reads the file.
pub(crate) fn holds(sheet: &mut Sheet<'_>) -> Vec<RawHold> {
    let text = syntax::readable(sheet);
    let tree = syntax::tree(&text);
    let file = Table::root(sheet, &tree, keys::HOLDS_FILE);
    let Some(table) = file.named(sheet, "hold") else { return Vec::new() };
    let mut all = Vec::new();
    for (id, value) in table.named_tables() {
        check_name(sheet, "hold", &id);
        all.extend(hold(sheet, id, value));
    }
    all
}

fn hold(sheet: &mut Sheet<'_>, id: Told<String>, value: Value<'_>) -> Option<RawHold> {
    let who = format!("hold {}", id.value);
    let table = Table::open(sheet, who, id.span.clone(), value, keys::HOLD)?;
    table.both_or_neither(sheet, "released_by", "released_on");
    let mut list = |key| table.texts(sheet, key).unwrap_or_default();
    let (classes, systems) = (list("classes"), list("systems"));
    let (subjects, custodians) = (list("subjects"), list("custodians"));
    table.text(sheet, "notes");
    Some(RawHold {
        damaged: table.damaged,
        matter: table.text(sheet, "matter").map(|t| t.value),
        reason: table
            .word(sheet, "reason", keys::REASONS)
            .and_then(|told| keys::REASONS.get(told.value).map(|word| (*word).to_owned())),
        ordered_by: table.text(sheet, "ordered_by").map(|t| t.value),
        placed_on: table.date(sheet, "placed_on"),
        review_by: table.date(sheet, "review_by"),
        has_selector: ["classes", "systems", "subjects", "custodians"]
            .iter()
            .any(|key| table.has(key)),
        classes,
        systems,
        subjects,
        custodians,
        from: table.date(sheet, "from"),
        to: table.date(sheet, "to"),
        released_by: table.text(sheet, "released_by"),
        released_on: table.date(sheet, "released_on"),
        id,
    })
}
