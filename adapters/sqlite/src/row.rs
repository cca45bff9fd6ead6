//! One row as a record.

use std::rc::Rc;

use quietus_contract::{Locator, Record, RecordRef, Version};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Row, Statement};

use crate::bounds::Bound;
use crate::date;
use crate::dialect::Sql;
use crate::selection::{Selection, Source};
use crate::value::{self, Cell, Digester};

/// Reads rows of a selection.
pub(crate) struct RowReader<'s> {
    selection: &'s Selection,
    digester: Digester,
    width: usize,
    members_at: usize,
}

impl<'s> RowReader<'s> {
    /// Makes a reader.
    pub(crate) fn new(selection: &'s Selection) -> Self {
        Self {
            selection,
            digester: Digester::default(),
            width: selection.width(),
            members_at: selection.members_at(),
        }
    }

    /// Hashes the row: every column that is read, the dates, how many rows go with it, and whether
    /// the holding's condition is true. Equal rows have equal versions, whatever holding reads them,
    /// as long as its dates are columns and nothing goes with them.
    pub(crate) fn version(&mut self, row: &Row<'_>) -> rusqlite::Result<Version> {
        self.digester.begin();
        for position in 0..self.members_at {
            self.digester.add(row.get_ref(position)?);
        }
        for position in self.members_at..self.width - 1 {
            let count: i64 = row.get(position)?;
            if count != 0 {
                self.digester.add_count(position - self.members_at, count);
            }
        }
        if !self.is_selected(row)? {
            self.digester.add_unselected();
        }
        Ok(self.digester.version())
    }

    /// Says whether the holding's condition is true.
    pub(crate) fn is_selected(&self, row: &Row<'_>) -> rusqlite::Result<bool> {
        row.get(self.width - 1)
    }

    /// Reads the key.
    pub(crate) fn key(&self, row: &Row<'_>) -> rusqlite::Result<Vec<Cell>> {
        let parts = self.selection.key.iter();
        parts.map(|part| row.get_ref(part.position).map(Cell::from)).collect()
    }

    /// Counts what goes with the record.
    pub(crate) fn members(&self, row: &Row<'_>) -> rusqlite::Result<u32> {
        let mut members = 0_u32;
        for position in self.members_at..self.width - 1 {
            let count: i64 = row.get(position)?;
            members = members.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        }
        Ok(members)
    }

    /// Says whether a bound on an expression leaves the row out; those on columns are part of the
    /// statement.
    pub(crate) fn is_beyond(
        &self,
        row: &Row<'_>,
        bounds: &[Option<Bound>],
    ) -> rusqlite::Result<bool> {
        let mut expression = self.selection.columns.len();
        for (source, bound) in self.selection.dates.iter().zip(bounds) {
            if let Source::Expression(_) = source {
                if bound
                    .as_ref()
                    .is_some_and(|b| row.get_ref(expression).is_ok_and(|v| b.is_later(v)))
                {
                    return Ok(true);
                }
                expression += 1;
            }
        }
        Ok(false)
    }

    fn locator(&self, row: &Row<'_>) -> rusqlite::Result<Locator> {
        let key = &self.selection.key;
        if let [only] = key.as_slice()
            && let ValueRef::Integer(number) = row.get_ref(only.position)?
            && !only.text
        {
            return Ok(Locator::new(&[value::Decimal::of(number).as_str()]));
        }
        let mut parts = Vec::with_capacity(key.len());
        for part in key {
            parts.push(value::part(row.get_ref(part.position)?, part.text));
        }
        Ok(Locator::new(&parts))
    }

    /// Reads the record.
    pub(crate) fn record(&mut self, row: &Row<'_>) -> rusqlite::Result<Record> {
        let selection = self.selection;
        let locator = self.locator(row)?;
        let mut dates = Vec::with_capacity(selection.dates.len());
        let mut expression = selection.columns.len();
        for source in &selection.dates {
            let position = match source {
                Source::Column(position) => *position,
                Source::Expression(_) => {
                    expression += 1;
                    expression - 1
                }
            };
            dates.push(date::read(row.get_ref(position)?, selection.epoch));
        }
        let fields = selection.fields.iter();
        let fields = fields.map(|position| row.get_ref(*position).map(value::field_text));
        Ok(Record {
            reference: RecordRef { locator, version: self.version(row)? },
            dates,
            fields: fields.collect::<rusqlite::Result<_>>()?,
            target_hold: None,
            bytes: None,
            members: self.members(row)?,
        })
    }
}

/// Reads the number that a locator stands for, where the key is the number of the row.
pub(crate) fn number_of(selection: &Selection, locator: &Locator) -> Option<i64> {
    if !selection.is_keyed_by_number() {
        return None;
    }
    let digits = locator.as_str().strip_prefix("[\"")?.strip_suffix("\"]")?;
    let unsigned = digits.strip_prefix('-').unwrap_or(digits);
    let canonical = !unsigned.starts_with('0') || digits == "0";
    (canonical && unsigned.bytes().all(|b| b.is_ascii_digit())).then_some(())?;
    digits.parse().ok()
}

/// Reads the numbers that locators stand for, where all are numbers of rows.
pub(crate) fn numbers<'l>(
    selection: &Selection,
    locators: impl Iterator<Item = &'l Locator>,
) -> Option<Vec<i64>> {
    locators.map(|locator| number_of(selection, locator)).collect()
}

/// Reads the numbers that locators stand for, where each is greater than the one before it.
pub(crate) fn rising_numbers<'l>(
    selection: &Selection,
    locators: impl Iterator<Item = &'l Locator>,
) -> Option<Vec<i64>> {
    numbers(selection, locators).filter(|numbers| numbers.is_sorted_by(|a, b| a < b))
}

/// Makes the list that `rarray` takes.
pub(crate) fn array(numbers: &[i64]) -> Rc<Vec<Value>> {
    Rc::new(numbers.iter().map(|n| Value::Integer(*n)).collect())
}

/// Reads the key that a locator of this selection stands for.
pub(crate) fn key_of(selection: &Selection, locator: &Locator) -> Option<Vec<Cell>> {
    if let Some(number) = number_of(selection, locator) {
        return Some(vec![Cell::Integer(number)]);
    }
    let parts = locator.parts();
    if parts.len() != selection.key.len() {
        return None;
    }
    let columns = parts.iter().zip(&selection.key);
    columns.map(|(part, column)| value::read_part(part, column.text)).collect()
}

/// Binds what the caller binds first, and then the statement's own values.
pub(crate) fn bind(
    statement: &mut Statement<'_>,
    first: &[Cell],
    sql: &Sql,
) -> rusqlite::Result<()> {
    bind_from(statement, 1, first)?;
    bind_from(statement, sql.reserved + 1, &sql.values)
}

/// Binds values to the parameters from a number on.
pub(crate) fn bind_from(
    statement: &mut Statement<'_>,
    from: usize,
    values: &[Cell],
) -> rusqlite::Result<()> {
    for (n, cell) in values.iter().enumerate() {
        statement.raw_bind_parameter(from + n, cell)?;
    }
    Ok(())
}
