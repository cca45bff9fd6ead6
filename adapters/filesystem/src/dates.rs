//! Dates as file names, time stamps and sidecars have them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use quietus_contract::DateValue;

const NOT_A_DATE: &str = "a name where a date was expected";
const NO_SUCH_DAY: &str = "digits in a name that are no day of the calendar";
const NO_DATE_TEXT: &str = "a text that is not a date";

/// Returns how many bytes at the start of `text` have the shape of a date: `YYYY-MM-DD`,
/// `YYYYMMDD`, `YYYY-MM` or `YYYY`, the longest that fits and is not followed by a digit.
pub(crate) fn shape(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        text.get(from..).map_or(0, |rest| rest.iter().take_while(|b| b.is_ascii_digit()).count())
    };
    match digits(0) {
        8 => Some(8),
        4 if text.get(4) != Some(&b'-') || digits(5) != 2 => Some(4),
        4 if text.get(7) != Some(&b'-') || digits(8) != 2 => Some(7),
        4 => Some(10),
        _ => None,
    }
}

/// As [`shape`], for a place within a path: a digit before it is a number gone on, not a date.
pub(crate) fn shape_at(path: &[u8], at: usize) -> Option<usize> {
    let before = at.checked_sub(1).and_then(|i| path.get(i));
    if before.is_some_and(u8::is_ascii_digit) {
        return None;
    }
    shape(path.get(at..)?)
}

/// Reads the date that a part of a path is. A part that cuts a longer date short is unreadable.
pub(crate) fn at(path: &[u8], from: usize, to: usize) -> DateValue {
    match shape_at(path, from) {
        Some(len) if from + len == to => of_name(path.get(from..to).unwrap_or_default()),
        _ => DateValue::Unreadable(NOT_A_DATE),
    }
}

/// Reads a date of one of the shapes; a month or a year means its last day.
pub(crate) fn of_name(text: &[u8]) -> DateValue {
    match shape(text) {
        Some(len) if len == text.len() => {}
        _ => return DateValue::Unreadable(NOT_A_DATE),
    }
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        str::from_utf8(digits).ok()?.parse::<i16>().ok()
    };
    let day = match text.len() {
        10 => day(number(0, 4), number(5, 7), number(8, 10)),
        8 => day(number(0, 4), number(4, 6), number(6, 8)),
        7 => day(number(0, 4), number(5, 7), Some(1)).map(Date::last_of_month),
        _ => day(number(0, 4), Some(12), Some(31)),
    };
    day.map_or(DateValue::Unreadable(NO_SUCH_DAY), DateValue::Day)
}

fn day(year: Option<i16>, month: Option<i16>, day: Option<i16>) -> Option<Date> {
    Date::new(year?, i8::try_from(month?).ok()?, i8::try_from(day?).ok()?).ok()
}

/// Reads a time stamp of the file system.
pub(crate) fn of_stamp((secs, nanos): (i64, u32)) -> DateValue {
    let nanos = i32::try_from(nanos).unwrap_or(0);
    Timestamp::new(secs, nanos)
        .map_or(DateValue::Unreadable("a time stamp out of every calendar"), DateValue::Moment)
}

/// Reads a date as people write it into a sidecar: a day, a day and time, or a moment.
pub(crate) fn of_text(text: &str) -> DateValue {
    let text = text.trim();
    if text.is_empty() {
        return DateValue::Absent;
    }
    if text.len() <= 10 {
        return text.parse().map_or(DateValue::Unreadable(NO_DATE_TEXT), DateValue::Day);
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return DateValue::Moment(moment);
    }
    // A zone or offset that could not be read must not be dropped silently.
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b':' | b'.' | b'T' | b't' | b' '));
    match text.parse::<DateTime>() {
        Ok(local) if plain => DateValue::Local(local),
        _ => DateValue::Unreadable(NO_DATE_TEXT),
    }
}

/// Tells whether a value is later than a bound, so that its record need not be handed over.
pub(crate) fn is_later(value: &DateValue, bound: Date, not_a_date: &[Date]) -> bool {
    let day = match value {
        DateValue::Day(day) => *day,
        DateValue::Local(local) => local.date(),
        // The bound is days wider than any zone; the day in UTC is near enough.
        DateValue::Moment(moment) => jiff::tz::Offset::UTC.to_datetime(*moment).date(),
        DateValue::Absent | DateValue::Unreadable(_) => return false,
    };
    day > bound && !not_a_date.contains(&day)
}

/// Returns the later of two readings of one name; what cannot be read wins, for it is reported.
pub(crate) fn later(one: DateValue, other: DateValue) -> DateValue {
    match (one, other) {
        (DateValue::Day(a), DateValue::Day(b)) => DateValue::Day(a.max(b)),
        (DateValue::Day(_), other) => other,
        (one, _) => one,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_month_or_year_means_its_last_day() {
        for (text, day) in [
            ("2024-05-13", date(2024, 5, 13)),
            ("20240513", date(2024, 5, 13)),
            ("2024-02", date(2024, 2, 29)),
            ("2023-02", date(2023, 2, 28)),
            ("2024", date(2024, 12, 31)),
        ] {
            assert_eq!(of_name(text.as_bytes()), DateValue::Day(day), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_unreadable() {
        for text in [
            "",
            "2024-13",
            "2024-02-30",
            "20241301",
            "202405",
            "24",
            "2024-5",
            "x2024",
            "2024-05-1",
            "2024 ",
        ] {
            assert!(matches!(of_name(text.as_bytes()), DateValue::Unreadable(_)), "{text}");
        }
    }

    #[test]
    fn a_sidecar_text_keeps_its_precision() {
        assert_eq!(of_text("2024-05-13"), DateValue::Day(date(2024, 5, 13)));
        assert_eq!(
            of_text("2024-05-13T10:00:00"),
            DateValue::Local(date(2024, 5, 13).at(10, 0, 0, 0))
        );
        assert_eq!(
            of_text("2024-05-13T10:00:00Z"),
            DateValue::Moment("2024-05-13T10:00:00Z".parse().unwrap())
        );
        assert_eq!(
            of_text("2024-05-13T10:00:00+05:00"),
            DateValue::Moment("2024-05-13T05:00:00Z".parse().unwrap())
        );
        assert_eq!(of_text(" "), DateValue::Absent);
        for text in ["soon", "13/05/2024", "2024-05-13T10:00:00 EST", "2024-02-30"] {
            assert!(matches!(of_text(text), DateValue::Unreadable(_)), "{text}");
        }
    }

    #[test]
    fn a_sentinel_and_an_unreadable_date_are_handed_over() {
        let bound = date(2020, 1, 1);
        assert!(is_later(&DateValue::Day(date(2020, 1, 2)), bound, &[]));
        assert!(!is_later(&DateValue::Day(date(2020, 1, 1)), bound, &[]));
        assert!(!is_later(&DateValue::Day(date(9999, 12, 31)), bound, &[date(9999, 12, 31)]));
        assert!(!is_later(&DateValue::Unreadable("x"), bound, &[]));
        assert!(!is_later(&DateValue::Absent, bound, &[]));
    }
}
