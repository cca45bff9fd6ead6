//! Rows that may be due, found by an index on a date.
//!
//! Where few rows of a large table are due, an index tells which, and only these are read. The
//! numbers of the rows are found at once, and remembered from page to page. Where they are many,
//! reading the table in its own order is cheaper, and this gives up.

use std::sync::Arc;

use jiff::civil::Date;
use quietus_contract::{Holding, Result, Scope};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::bounds::Bound;
use crate::dialect::Sql;
use crate::reader::{Session, failed};
use crate::row;
use crate::selection::{Selection, Source};
use crate::statement::Stretch;
use crate::value::Cell;

/// Rows that an index may find before reading the table is cheaper.
const FOUND_MAX: usize = 250_000;
/// Different later values that are looked at one by one, each at the cost of one search. Dates
/// without a time of day have so many in fifty years.
const LATER_VALUES_MAX: usize = 20_000;
/// Enumerations that are remembered.
const REMEMBERED_MAX: usize = 4;

/// What an index found for a holding.
#[derive(Debug)]
pub(crate) struct Found {
    holding: Arc<Holding>,
    bounds: Vec<Option<Date>>,
    /// In rising order; `None` where there were too many.
    numbers: Option<Arc<Vec<i64>>>,
}

/// A part of what was found.
#[derive(Debug)]
pub(crate) struct Part {
    /// In rising order.
    pub(crate) numbers: Vec<i64>,
    /// Whether more follow.
    pub(crate) goes_on: bool,
}

/// Returns the next numbers; `None` where the table itself must be read.
pub(crate) fn next_part(
    session: &mut Session,
    scope: &Scope,
    selection: &Selection,
    bounds: &[Option<Bound>],
    after: Option<&[Cell]>,
    limit: usize,
) -> Result<Option<Part>> {
    let Some((index, column, bound)) = usable(selection, bounds) else { return Ok(None) };
    let is_meant =
        |found: &Found| Arc::ptr_eq(&found.holding, &scope.holding) && found.bounds == scope.bounds;
    if after.is_none() {
        // A new enumeration sees what is there now.
        session.found.retain(|found| !is_meant(found));
    }
    let numbers = match session.found.iter().find(|found| is_meant(found)) {
        Some(found) => found.numbers.clone(),
        None => {
            let search = Search { sqlite: &session.link.sqlite, selection, index, column, bound };
            let numbers = search.run().map_err(failed("reading records"))?.map(Arc::new);
            if session.found.len() >= REMEMBERED_MAX {
                session.found.remove(0);
            }
            session.found.push(Found {
                holding: Arc::clone(&scope.holding),
                bounds: scope.bounds.clone(),
                numbers: numbers.clone(),
            });
            numbers
        }
    };
    let Some(numbers) = numbers else { return Ok(None) };
    let begin = match after {
        Some([Cell::Integer(last)]) => numbers.partition_point(|n| n <= last),
        Some(_) => return Ok(None),
        None => 0,
    };
    let rest = numbers.get(begin..).unwrap_or_default();
    let part = rest.get(..limit).unwrap_or(rest);
    let goes_on = part.len() < rest.len();
    if !goes_on {
        session.found.retain(|found| !is_meant(found));
    }
    Ok(Some(Part { numbers: part.to_vec(), goes_on }))
}

/// Finds a date that has a bound and an index.
fn usable<'s>(
    selection: &'s Selection,
    bounds: &'s [Option<Bound>],
) -> Option<(&'s str, usize, &'s Bound)> {
    if !selection.is_keyed_by_number() {
        return None;
    }
    selection.dates.iter().zip(bounds).find_map(|(source, bound)| {
        let (Source::Column(column), Some(bound)) = (source, bound) else { return None };
        let name = selection.column(*column);
        let index = selection.shape.indexes.iter().find(|index| {
            !index.partial
                && index.columns.first().is_some_and(|(first, collation)| {
                    first.as_deref() == Some(name) && collation == "BINARY"
                })
        })?;
        Some((index.name.as_str(), *column, bound))
    })
}

struct Search<'s> {
    sqlite: &'s Connection,
    selection: &'s Selection,
    index: &'s str,
    column: usize,
    bound: &'s Bound,
}

impl Search<'_> {
    /// Finds every row whose date is not known to be later.
    fn run(&self) -> rusqlite::Result<Option<Vec<i64>>> {
        let Some(next) = self.bound.first_beyond() else { return Ok(None) };
        let mut numbers = Vec::new();
        for stretch in [Stretch::Null, Stretch::Before(next.clone())] {
            if !self.collect(&self.statement(&stretch), &mut numbers)? {
                return Ok(None);
            }
        }
        let enough = match self.strange_values(&next)? {
            Some(values) => {
                let mut enough = true;
                for value in values {
                    enough = enough
                        && self.collect(&self.statement(&Stretch::Equal(value)), &mut numbers)?;
                }
                enough
            }
            None => {
                let stretch = Stretch::NotLater(next, self.bound.clone());
                self.collect(&self.statement(&stretch), &mut numbers)?
            }
        };
        numbers.sort_unstable();
        numbers.dedup();
        Ok(enough.then_some(numbers))
    }

    fn statement(&self, stretch: &Stretch) -> Sql {
        self.selection.numbers_by_index(self.index, self.column, stretch)
    }

    /// Adds what a statement finds; `false` when that would be too many.
    fn collect(&self, sql: &Sql, numbers: &mut Vec<i64>) -> rusqlite::Result<bool> {
        let mut statement = self.sqlite.prepare_cached(&sql.text)?;
        row::bind(&mut statement, &[], sql)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            if numbers.len() >= FOUND_MAX {
                return Ok(false);
            }
            numbers.push(row.get(0)?);
        }
        Ok(true)
    }

    /// Goes from one value beyond the bound to the next different one, and returns those that are
    /// no later dates; `None` when there are too many different ones.
    fn strange_values(&self, from: &Cell) -> rusqlite::Result<Option<Vec<Cell>>> {
        let (first, further) = self.selection.least_by_index(self.index, self.column);
        let mut strange = Vec::new();
        let mut statement = self.sqlite.prepare_cached(&first)?;
        statement.raw_bind_parameter(1, from)?;
        let mut value = least(&mut statement)?;
        let mut statement = self.sqlite.prepare_cached(&further)?;
        for _ in 0..LATER_VALUES_MAX {
            let Some(current) = value else { return Ok(Some(strange)) };
            if !self.bound.is_later(current.as_ref()) {
                strange.push(current.clone());
            }
            statement.raw_bind_parameter(1, &current)?;
            value = least(&mut statement)?;
        }
        Ok(None)
    }
}

fn least(statement: &mut rusqlite::Statement<'_>) -> rusqlite::Result<Option<Cell>> {
    let mut rows = statement.raw_query();
    let Some(row) = rows.next()? else { return Ok(None) };
    let value = row.get_ref(0)?;
    Ok((value != ValueRef::Null).then(|| Cell::from(value)))
}
