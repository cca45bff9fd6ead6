//! Reading a register of events.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::model::Register;
use crate::sheet::{Sheet, Table, say};
use crate::{codes, keys, syntax};

/// Reads `events/NAME.toml`.
pub(crate) fn register(sheet: &mut Sheet<'_>) -> Register {
    let text = syntax::readable(sheet);
    let tree = syntax::tree(&text);
    let file = Table::root(sheet, &tree, keys::REGISTER_FILE);
    let mut events = BTreeMap::new();
    for value in file.tables(sheet, "event") {
        let Some(mut table) = Table::open_freely(sheet, "event", value.span(), value) else {
            continue;
        };
        let record = table.text(sheet, "record");
        if let Some(record) = &record {
            table.who = format!("event \"{}\"", record.value);
        }
        table.check_keys(sheet, keys::EVENT, &[]);
        let date = table.date(sheet, "date");
        table.text(sheet, "recorded_by");
        table.text(sheet, "notes");
        let Some((record, date)) = record.zip(date) else { continue };
        match events.entry(record.value) {
            Entry::Vacant(free) => {
                free.insert(date.value);
            }
            Entry::Occupied(taken) => table.error(
                sheet,
                &record.span,
                say(
                    codes::REPEATED,
                    format!("it was recorded before, on {}", taken.get()),
                    "again",
                    Some("keep the one that is right".to_owned()),
                ),
            ),
        }
    }
    Register { name: name_of(&sheet.file.name), events }
}

/// Returns the name of a register: its file's, without folders and ending.
pub(crate) fn name_of(file: &str) -> String {
    let base = file.rsplit(['/', '\\']).next().unwrap_or(file);
    base.strip_suffix(".toml").unwrap_or(base).to_owned()
}
