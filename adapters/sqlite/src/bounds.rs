//! Bounds on dates: which rows the target need not hand over.

use jiff::civil::Date;
use rusqlite::types::ValueRef;

use crate::connection::LATER;
use crate::date::{self, Epoch};
use crate::dialect::Sql;
use crate::value::Cell;

/// A bound on one date source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    /// Values later than this day need not be handed over.
    latest: Date,
    /// Days, packed, that are handed over all the same.
    kept: Vec<i64>,
    epoch: Option<Epoch>,
}

impl Bound {
    /// Makes a bound. Values on a day that means "no date" are kept, and those of the days before
    /// and after it: the zone that decides is not known here.
    pub(crate) fn new(latest: Date, not_a_date: &[Date], epoch: Option<Epoch>) -> Self {
        let mut kept: Vec<i64> = not_a_date
            .iter()
            .flat_map(|day| [day.yesterday().ok(), Some(*day), day.tomorrow().ok()])
            .flatten()
            .map(date::packed)
            .collect();
        kept.sort_unstable();
        kept.dedup();
        Self { latest, kept, epoch }
    }

    /// Says whether a value need not be handed over.
    pub(crate) fn is_later(&self, value: ValueRef<'_>) -> bool {
        let value = date::read(value, self.epoch);
        date::day_of(&value).is_some_and(|day| {
            day > self.latest && self.kept.binary_search(&date::packed(day)).is_err()
        })
    }

    /// Adds the condition on a column.
    ///
    /// # Behavior
    ///
    /// - `NULL`, and what [`LATER`] does not know as a later date, is handed over: text that is no
    ///   date, a number without a unit, bytes.
    /// - The comparison before it lets the database answer most rows, or use an index, alone; it
    ///   only ever adds rows.
    pub(crate) fn push(&self, column: &str, sql: &mut Sql) {
        sql.push("(").push(column).push(" IS NULL OR ");
        if let Some(next) = self.first_beyond() {
            sql.push(column).push(" < ").bind(next).push(" OR ");
        }
        self.push_not_later(column, sql);
        sql.push(")");
    }

    /// Adds the condition that a column, which is not null, is not known as a later date.
    pub(crate) fn push_not_later(&self, column: &str, sql: &mut Sql) {
        sql.push("NOT ").push(LATER).push("(").push(column).push(", ");
        sql.bind(Cell::Integer(self.epoch.map_or(0, Epoch::to_number))).push(", ");
        sql.bind(Cell::Blob(self.to_bytes())).push(")");
    }

    /// The first value beyond the bound, as it would be stored.
    pub(crate) fn first_beyond(&self) -> Option<Cell> {
        let next = self.latest.tomorrow().ok()?;
        match self.epoch {
            Some(epoch) => Some(Cell::Real(epoch.number_of(next))),
            // Texts of years before 0000 do not compare as their days do.
            None => (next.year() >= 0).then(|| Cell::text(next.to_string())),
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let numbers = std::iter::once(date::packed(self.latest)).chain(self.kept.iter().copied());
        numbers.flat_map(i64::to_be_bytes).collect()
    }
}

/// Answers [`LATER`] for a bound as [`Bound::push`] wrote it.
pub(crate) fn is_later(value: ValueRef<'_>, epoch: ValueRef<'_>, bound: ValueRef<'_>) -> bool {
    let epoch = match epoch {
        ValueRef::Integer(number) => Epoch::from_number(number),
        _ => None,
    };
    let ValueRef::Blob(bytes) = bound else { return false };
    let (words, _) = bytes.as_chunks::<8>();
    let mut words = words.iter().map(|word| i64::from_be_bytes(*word));
    let Some(latest) = words.next() else { return false };
    let value = date::read(value, epoch);
    date::day_of(&value)
        .map(date::packed)
        .is_some_and(|day| day > latest && !words.any(|kept| kept == day))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: Date = Date::constant(2024, 6, 30);
    const NO_DATE: Date = Date::constant(9999, 12, 31);

    #[test]
    fn only_readable_later_dates_are_left_out() {
        let bound = Bound::new(DAY, &[NO_DATE], None);
        let table = [
            ("2024-06-30", false),
            ("2024-07-01", true),
            ("2024-07-01T00:00:00+02:00", false),
            ("9999-12-31", false),
            ("9999-12-30T23:00:00Z", false),
            ("31/12/2030", false),
            ("2030-02-30", false),
            ("", false),
        ];
        for (text, expected) in table {
            assert_eq!(bound.is_later(ValueRef::Text(text.as_bytes())), expected, "{text}");
        }
        assert!(!bound.is_later(ValueRef::Integer(20_300_101)));
        assert!(!bound.is_later(ValueRef::Null));
    }

    proptest! {
        #[test]
        fn the_function_agrees_with_the_bound(
            text in "(2024|9999)-(0[67]|12)-(01|30|31)([ T][0-2][0-9]:00(Z|[+-]02)?)?",
            number: i64,
        ) {
            for epoch in [None, Some(Epoch::Seconds)] {
                let bound = Bound::new(DAY, &[NO_DATE], epoch);
                let epoch = ValueRef::Integer(epoch.map_or(0, Epoch::to_number));
                let bytes = bound.to_bytes();
                for value in [ValueRef::Text(text.as_bytes()), ValueRef::Integer(number)] {
                    prop_assert_eq!(
                        is_later(value, epoch, ValueRef::Blob(&bytes)),
                        bound.is_later(value)
                    );
                }
            }
        }
    }
}
