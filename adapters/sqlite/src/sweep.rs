//! A sweep: a whole order in one statement.
//!
//! The statement asks two functions of ours of each row: whether it is meant, and whether it is as
//! the plan saw it. So the database itself refuses a record in another version, and no record
//! costs a statement of its own. Only for tables whose rows go alone: no members, no triggers, no
//! records that refer to each other.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quietus_contract::{Action, RecordRef, Version};
use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;

use crate::row;
use crate::selection::Selection;
use crate::statement::{MEANT, Reach, SAME};
use crate::value::Digester;

/// How many rows may be read for each that is meant, before going to each is cheaper.
const ROWS_FOR_EACH_MAX: i64 = 8;

/// What the functions know: shared between a connection and whoever sweeps with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected(Arc<Mutex<Rows>>);

#[derive(Debug, Default)]
struct Rows {
    /// In rising order.
    rows: Vec<Row>,
    /// Where the last one was found: the next is most often the one behind it.
    near: usize,
    digester: Digester,
}

#[derive(Debug)]
struct Row {
    number: i64,
    /// Its place in the order.
    place: usize,
    version: Version,
    is_same: bool,
}

impl Rows {
    fn find(&mut self, number: i64) -> Option<&mut Row> {
        let is_near = |place: usize| self.rows.get(place).is_some_and(|row| row.number == number);
        let place = if is_near(self.near) {
            self.near
        } else if is_near(self.near + 1) {
            self.near + 1
        } else {
            self.rows.binary_search_by_key(&number, |row| row.number).ok()?
        };
        self.near = place;
        self.rows.get_mut(place)
    }
}

impl Expected {
    fn locked(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Teaches a connection the two functions.
    pub(crate) fn add_functions(&self, sqlite: &Connection) -> rusqlite::Result<()> {
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DIRECTONLY;
        let known = self.clone();
        sqlite.create_scalar_function(MEANT, 1, flags, move |context| {
            let ValueRef::Integer(number) = context.get_raw(0) else { return Ok(false) };
            Ok(known.locked().find(number).is_some())
        })?;
        let known = self.clone();
        sqlite.create_scalar_function(SAME, -1, flags, move |context| Ok(known.is_same(context)))
    }

    /// Hashes the values behind the number as [`row::RowReader::version`] does.
    fn is_same(&self, context: &Context<'_>) -> bool {
        let mut rows = self.locked();
        let mut digester = std::mem::take(&mut rows.digester);
        digester.begin();
        let last = context.len().saturating_sub(1);
        for place in 1..last {
            digester.add(context.get_raw(place));
        }
        let selected = last > 0 && context.get_raw(last) == ValueRef::Integer(1);
        let mut is_same = false;
        if let ValueRef::Integer(number) = context.get_raw(0)
            && let Some(row) = rows.find(number)
        {
            is_same = selected && digester.is(&row.version);
            row.is_same = is_same;
        }
        rows.digester = digester;
        is_same
    }
}

/// Says whether an order on this selection can be swept.
pub(crate) fn can(sqlite: &Connection, selection: &Selection) -> rusqlite::Result<bool> {
    let graph = &selection.graph;
    let alone = graph.members.is_empty() && graph.own.is_empty() && graph.back.is_empty();
    let arguments_max = usize::try_from(sqlite.limit(Limit::SQLITE_LIMIT_FUNCTION_ARG)?);
    let fits = arguments_max.is_ok_and(|max| selection.width() < max);
    Ok(alone
        && fits
        && selection.is_keyed_by_number()
        && !selection.has_triggers
        && selection.holding.action == Action::Destroy)
}

/// Deletes those of the records that are as the plan saw them, and says which were.
///
/// `None`: a record stands twice, or the database deleted another number of rows than it should
/// have; then nothing counts, and the transaction must be rolled back.
pub(crate) fn sweep(
    sqlite: &Connection,
    selection: &Selection,
    expected: &Expected,
    records: &[RecordRef],
) -> rusqlite::Result<Option<Vec<bool>>> {
    let Some(rows) = in_order(selection, records) else { return Ok(None) };
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Ok(Some(Vec::new()));
    };
    let (first, last) = (first.number, last.number);
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let reach = match last.checked_sub(first).map(|span| span / count) {
        Some(span) if span < ROWS_FOR_EACH_MAX => Reach::Between,
        _ => Reach::Each,
    };
    let sql = selection.sweep(reach);
    let mut statement = sqlite.prepare_cached(&sql.text)?;
    match reach {
        Reach::Between => {
            statement.raw_bind_parameter(1, first)?;
            statement.raw_bind_parameter(2, last)?;
        }
        Reach::Each => {
            let numbers: Vec<i64> = rows.iter().map(|row| row.number).collect();
            statement.raw_bind_parameter(1, row::array(&numbers))?;
        }
    }
    row::bind_from(&mut statement, sql.reserved + 1, &sql.values)?;
    {
        let mut known = expected.locked();
        known.near = 0;
        known.rows = rows;
    }
    let deleted = statement.raw_execute()?;
    let mut same = vec![false; records.len()];
    for row in expected.locked().rows.drain(..) {
        same.get_mut(row.place).into_iter().for_each(|slot| *slot = row.is_same);
    }
    let should = same.iter().filter(|is_same| **is_same).count();
    Ok((deleted == should).then_some(same))
}

/// Puts the records in the order of their numbers; `None` where one stands twice.
fn in_order(selection: &Selection, records: &[RecordRef]) -> Option<Vec<Row>> {
    let mut rows = Vec::with_capacity(records.len());
    for (place, record) in records.iter().enumerate() {
        let number = row::number_of(selection, &record.locator)?;
        rows.push(Row { number, place, version: record.version.clone(), is_same: false });
    }
    if !rows.is_sorted_by(|a, b| a.number < b.number) {
        rows.sort_unstable_by_key(|row| row.number);
    }
    rows.is_sorted_by(|a, b| a.number < b.number).then_some(rows)
}
