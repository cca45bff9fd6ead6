//! The separate read that says whether records are gone.

use quietus_contract::{Absence, Action, Checked, RecordRef, Result, Scope};
use rusqlite::Row;

use crate::dialect::table;
use crate::reader::{Session, failed};
use crate::row::{self, RowReader};
use crate::selection::Selection;
use crate::value::Cell;

const LOOKING: &str = "looking for disposed records";

/// Looks whether records are gone.
///
/// The positive control: the catalogue shows the table to this connection, and where the table has
/// any row left, one was read in the same moment.
pub(crate) fn verify(
    session: &mut Session,
    scope: &Scope,
    records: &[RecordRef],
) -> Result<Vec<Absence>> {
    let selection = session.selection(scope)?;
    if let Some(reason) = cannot_see(session, &selection)? {
        return Ok(vec![Absence::Unknown { reason: reason.to_owned() }; records.len()]);
    }
    let sql = selection.look();
    if none_there(session, &selection, records).map_err(failed(LOOKING))? {
        return Ok(vec![Absence::Absent(Checked::ByRecord); records.len()]);
    }
    let read = || -> rusqlite::Result<Vec<Absence>> {
        let mut statement = session.link.sqlite.prepare_cached(&sql.text)?;
        row::bind(&mut statement, &[], &sql)?;
        let mut reader = RowReader::new(&selection);
        let mut answers = Vec::with_capacity(records.len());
        for record in records {
            let Some(key) = row::key_of(&selection, &record.locator) else {
                let reason = "the locator is not one of this table".to_owned();
                answers.push(Absence::Unknown { reason });
                continue;
            };
            row::bind_from(&mut statement, 1, &key)?;
            let mut rows = statement.raw_query();
            answers.push(match rows.next()? {
                Some(row) if reader.key(row)? == key => {
                    found(&selection, &mut reader, row, record)?
                }
                _ => Absence::Absent(Checked::ByRecord),
            });
        }
        Ok(answers)
    };
    read().map_err(failed(LOOKING))
}

/// The short way: asks for all records at once, where the key is the number of the row, and says
/// whether not one of them is there.
fn none_there(
    session: &Session,
    selection: &Selection,
    records: &[RecordRef],
) -> rusqlite::Result<bool> {
    let locators = records.iter().map(|record| &record.locator);
    let Some(numbers) = row::numbers(selection, locators) else { return Ok(false) };
    let sql = selection.numbers_there();
    let mut statement = session.link.sqlite.prepare_cached(&sql.text)?;
    statement.raw_bind_parameter(1, row::array(&numbers))?;
    Ok(statement.raw_query().next()?.is_none())
}

fn found(
    selection: &Selection,
    reader: &mut RowReader<'_>,
    row: &Row<'_>,
    record: &RecordRef,
) -> rusqlite::Result<Absence> {
    if selection.holding.action == Action::Anonymise && is_anonymous(selection, row)? {
        return Ok(Absence::Absent(Checked::ByRecord));
    }
    let same = reader.version(row)? == record.version;
    Ok(if same { Absence::Present } else { Absence::Newer })
}

/// Says whether nothing is left to take away from a row.
pub(crate) fn is_anonymous(selection: &Selection, row: &Row<'_>) -> rusqlite::Result<bool> {
    for (position, treatment) in &selection.treatments {
        if !treatment.is_done(&Cell::from(row.get_ref(*position)?)) {
            return Ok(false);
        }
    }
    Ok(!selection.treatments.is_empty())
}

fn cannot_see(session: &Session, selection: &Selection) -> Result<Option<&'static str>> {
    let read = || -> rusqlite::Result<Option<&'static str>> {
        let listed: i64 = session
            .link
            .sqlite
            .prepare_cached(
                "SELECT count(*) FROM main.sqlite_schema WHERE type = 'table' AND name = ?1",
            )?
            .query_row([selection.table()], |row| row.get(0))?;
        if listed != 1 {
            return Ok(Some("the catalogue does not show the table"));
        }
        let any = format!("SELECT 1 FROM {} LIMIT 1", table(selection.table()));
        let mut statement = session.link.sqlite.prepare_cached(&any)?;
        statement.exists([])?;
        Ok(None)
    };
    read().map_err(failed(LOOKING))
}
