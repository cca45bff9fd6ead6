//! The reading half.

use async_trait::async_trait;
use quietus_contract::{
    Absence, AdapterError, Cursor, ErrorKind, Inventory, Locator, Page, Probe, Record, RecordRef,
    ResidualCopies, Result, Scope, Survey, Uncovered,
};

use crate::bounds::Bound;
use crate::finder::{self, Part};
use crate::reader::{Reader, Session, failed};
use crate::row::{self, RowReader};
use crate::selection::Selection;
use crate::{absence, probe, residual, survey, value};

/// Records in one page, and in one order, at most.
pub(crate) const RECORDS_MAX: usize = 65_536;

const READING: &str = "reading records";

#[async_trait]
impl Inventory for Reader {
    async fn probe(&self) -> Result<Probe> {
        self.call("looking at the database", |session| probe::probe(&self.database, session))
    }

    async fn survey(&self, scope: &Scope) -> Result<Survey> {
        self.call("surveying a table", |session| survey::survey(&self.database, session, scope))
    }

    async fn page(&self, scope: &Scope, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        self.call(READING, |session| page(session, scope, after, limit.clamp(1, RECORDS_MAX)))
    }

    async fn look(&self, scope: &Scope, locators: &[Locator]) -> Result<Vec<Option<Record>>> {
        self.call(READING, |session| look(session, scope, locators))
    }

    async fn verify_absent(&self, scope: &Scope, records: &[RecordRef]) -> Result<Vec<Absence>> {
        self.call("looking for disposed records", |session| {
            absence::verify(session, scope, records)
        })
    }

    async fn uncovered(&self, scopes: &[Scope]) -> Result<Vec<Uncovered>> {
        self.call("listing tables", |session| survey::uncovered(session, scopes))
    }

    async fn residual_copies(
        &self,
        scope: &Scope,
        records: &[RecordRef],
    ) -> Result<ResidualCopies> {
        self.call("looking for copies", |session| {
            let selection = session.selection(scope)?;
            residual::copies(&self.database, session, &selection, records.len())
        })
    }
}

fn bounds_of(scope: &Scope, selection: &Selection) -> Vec<Option<Bound>> {
    let not_a_date = &scope.holding.not_a_date;
    let bounds = scope.bounds.iter();
    bounds
        .map(|bound| bound.map(|latest| Bound::new(latest, not_a_date, selection.epoch)))
        .collect()
}

fn page(
    session: &mut Session,
    scope: &Scope,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page> {
    let selection = session.selection(scope)?;
    let key = after.map(|cursor| cursor_key(cursor, &selection)).transpose()?;
    let bounds = bounds_of(scope, &selection);
    let part = finder::next_part(session, scope, &selection, &bounds, key.as_deref(), limit)?;
    if let Some(part) = part {
        return page_of(session, &selection, &bounds, &part).map_err(failed(READING));
    }
    let sql = selection.page(&bounds, key.is_some());
    let read = || -> rusqlite::Result<Page> {
        let mut statement = session.link.sqlite.prepare_cached(&sql.text)?;
        row::bind(&mut statement, key.as_deref().unwrap_or_default(), &sql)?;
        let mut reader = RowReader::new(&selection);
        let mut rows = statement.raw_query();
        let mut records = Vec::new();
        let mut last = Vec::new();
        while let Some(row) = rows.next()? {
            if reader.is_beyond(row, &bounds)? {
                continue;
            }
            // One row more than asked for tells whether anything follows.
            if records.len() == limit {
                return Ok(Page { records, next: Some(value::cursor(&last)) });
            }
            records.push(reader.record(row)?);
            if records.len() == limit {
                last = reader.key(row)?;
            }
        }
        Ok(Page { records, next: None })
    };
    read().map_err(failed(READING))
}

/// A page of rows that an index found; those that do not fit are left out.
fn page_of(
    session: &Session,
    selection: &Selection,
    bounds: &[Option<Bound>],
    part: &Part,
) -> rusqlite::Result<Page> {
    let sql = selection.page_of_each(bounds);
    let mut statement = session.link.sqlite.prepare_cached(&sql.text)?;
    row::bind(&mut statement, &[], &sql)?;
    statement.raw_bind_parameter(1, row::array(&part.numbers))?;
    let mut reader = RowReader::new(selection);
    let mut rows = statement.raw_query();
    let mut records = Vec::with_capacity(part.numbers.len());
    while let Some(row) = rows.next()? {
        if !reader.is_beyond(row, bounds)? {
            records.push(reader.record(row)?);
        }
    }
    let last = part.numbers.last().filter(|_| part.goes_on);
    let next = last.map(|number| value::cursor(&[value::Cell::Integer(*number)]));
    Ok(Page { records, next })
}

fn cursor_key(cursor: &Cursor, selection: &Selection) -> Result<Vec<value::Cell>> {
    value::read_cursor(cursor).filter(|key| key.len() == selection.key.len()).ok_or_else(|| {
        AdapterError::new(ErrorKind::Misconfigured, "the cursor is not one of this table")
            .with_help("`key` was changed while a run was open; begin the inventory anew")
    })
}

fn look(session: &mut Session, scope: &Scope, locators: &[Locator]) -> Result<Vec<Option<Record>>> {
    let selection = session.selection(scope)?;
    if let Some(numbers) = row::rising_numbers(&selection, locators.iter()) {
        return look_at_each(session, &selection, &numbers).map_err(failed(READING));
    }
    let sql = selection.look();
    let read = || -> rusqlite::Result<Vec<Option<Record>>> {
        let mut statement = session.link.sqlite.prepare_cached(&sql.text)?;
        row::bind(&mut statement, &[], &sql)?;
        let mut reader = RowReader::new(&selection);
        let mut found = Vec::with_capacity(locators.len());
        for locator in locators {
            let Some(key) = row::key_of(&selection, locator) else {
                found.push(None);
                continue;
            };
            row::bind_from(&mut statement, 1, &key)?;
            let mut rows = statement.raw_query();
            found.push(match rows.next()? {
                // A collation may find a row whose key is written otherwise: another record.
                Some(row) if reader.is_selected(row)? && reader.key(row)? == key => {
                    Some(reader.record(row)?)
                }
                _ => None,
            });
        }
        Ok(found)
    };
    read().map_err(failed(READING))
}

/// The same in one statement, where the key is the number of the row.
fn look_at_each(
    session: &Session,
    selection: &Selection,
    numbers: &[i64],
) -> rusqlite::Result<Vec<Option<Record>>> {
    let sql = selection.look_at_each();
    let mut statement = session.link.sqlite.prepare_cached(&sql.text)?;
    row::bind(&mut statement, &[], &sql)?;
    statement.raw_bind_parameter(1, row::array(numbers))?;
    let key = selection.key.first().map_or(0, |part| part.position);
    let mut reader = RowReader::new(selection);
    let mut rows = statement.raw_query();
    let mut found = Vec::with_capacity(numbers.len());
    let mut row = rows.next()?;
    for number in numbers {
        let there = match row {
            Some(row) => row.get::<_, i64>(key)? == *number,
            None => false,
        };
        let Some(current) = row.filter(|_| there) else {
            found.push(None);
            continue;
        };
        let selected = reader.is_selected(current)?;
        found.push(if selected { Some(reader.record(current)?) } else { None });
        row = rows.next()?;
    }
    Ok(found)
}
