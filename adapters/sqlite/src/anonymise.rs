//! Anonymisation: what becomes of the columns that identify a person.

use crate::date;
use crate::dialect::Sql;
use crate::value::Cell;

/// What a column gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// NULL.
    Null,
    /// The same text in every record.
    Constant(String),
    /// The year of a date, as a text; NULL where it cannot be read.
    Year,
    /// The year and month of a date, as a text; NULL where it cannot be read.
    Month,
}

impl Treatment {
    /// What may be written, for messages.
    pub(crate) const WORDS: &'static str =
        "`null`, `constant:TEXT`, `generalise:year` or `generalise:month`";

    /// Reads what an owner wrote.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        Some(match text {
            "null" => Self::Null,
            "generalise:year" => Self::Year,
            "generalise:month" => Self::Month,
            _ => Self::Constant(text.strip_prefix("constant:")?.to_owned()),
        })
    }

    /// Says whether the column may become null.
    pub(crate) fn may_be_null(&self) -> bool {
        !matches!(self, Self::Constant(_))
    }

    /// Returns the new value.
    pub(crate) fn apply(&self, old: &Cell, epoch: Option<date::Epoch>) -> Cell {
        match self {
            Self::Null => Cell::Null,
            Self::Constant(text) => Cell::text(text.clone()),
            Self::Year | Self::Month if self.is_done(old) => old.clone(),
            Self::Year | Self::Month => match date::day_of(&date::read(old.as_ref(), epoch)) {
                Some(day) if *self == Self::Year => Cell::text(format!("{:04}", day.year())),
                Some(day) => Cell::text(format!("{:04}-{:02}", day.year(), day.month())),
                None => Cell::Null,
            },
        }
    }

    /// Says whether a value has nothing left to take away.
    pub(crate) fn is_done(&self, value: &Cell) -> bool {
        if *value == Cell::Null {
            return self.may_be_null();
        }
        let text = match value {
            Cell::Text(bytes) => bytes.clone(),
            Cell::Integer(number) => number.to_string().into_bytes(),
            Cell::Real(number) => return self.is_constant_number(*number),
            Cell::Null | Cell::Blob(_) => return false,
        };
        match self {
            Self::Null => false,
            Self::Constant(constant) => text == constant.as_bytes(),
            Self::Year => is_digits(&text, &[4]),
            Self::Month => is_digits(&text, &[4, 2]),
        }
    }

    /// A column may have turned the text of a constant into a number.
    fn is_constant_number(&self, number: f64) -> bool {
        match self {
            Self::Constant(text) => text.trim().parse() == Ok(number),
            _ => false,
        }
    }

    /// Adds the condition that a column has nothing left to take away.
    pub(crate) fn push_done(&self, column: &str, sql: &mut Sql) {
        match self {
            Self::Null => {
                sql.push(column).push(" IS NULL");
            }
            Self::Constant(text) => {
                sql.push(column).push(" IS ").bind(Cell::text(text.clone()));
            }
            Self::Year => push_glob(column, "[0-9][0-9][0-9][0-9]", sql),
            Self::Month => push_glob(column, "[0-9][0-9][0-9][0-9]-[0-9][0-9]", sql),
        }
    }
}

fn push_glob(column: &str, pattern: &str, sql: &mut Sql) {
    sql.push("(").push(column).push(" IS NULL OR ").push(column);
    sql.push(" GLOB ").bind(Cell::text(pattern)).push(")");
}

fn is_digits(text: &[u8], groups: &[usize]) -> bool {
    let mut pieces = text.split(|b| *b == b'-');
    let fits = groups.iter().all(|count| {
        pieces.next().is_some_and(|p| p.len() == *count && p.iter().all(u8::is_ascii_digit))
    });
    fits && pieces.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn treatments_take_away_and_know_when_they_are_done() {
        let table = [
            ("null", Cell::text("Ann"), Cell::Null),
            ("constant:removed", Cell::text("Ann"), Cell::text("removed")),
            ("constant:", Cell::text("Ann"), Cell::text("")),
            ("generalise:year", Cell::text("1980-05-31"), Cell::text("1980")),
            ("generalise:month", Cell::text("1980-05-31 10:00"), Cell::text("1980-05")),
            ("generalise:year", Cell::text("May 1980"), Cell::Null),
            ("generalise:year", Cell::Integer(1980), Cell::Integer(1980)),
            ("generalise:year", Cell::Integer(19_800_531), Cell::Null),
        ];
        for (text, old, new) in table {
            let treatment = Treatment::from_text(text).unwrap();
            let treated = treatment.apply(&old, None);
            assert_eq!(treated, new, "{text}");
            assert!(treatment.is_done(&treated), "{text}");
        }
        assert_eq!(Treatment::from_text("hash"), None);
        assert!(!Treatment::Null.is_done(&Cell::text("Ann")));
        assert!(!Treatment::Constant("x".to_owned()).is_done(&Cell::Null));
    }
}
