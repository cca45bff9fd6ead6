//! Dates as a database has them.
//!
//! Text is read as ISO 8601: a day, or a day and a time, with or without a zone. Numbers are read
//! only where the holding says what they count, because a number alone does not tell.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use quietus_contract::DateValue;
use rusqlite::types::ValueRef;

/// What the numbers of a holding's date sources count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Epoch {
    /// Seconds since 1970-01-01 UTC.
    Seconds,
    /// Milliseconds since 1970-01-01 UTC.
    Milliseconds,
    /// Days since 1970-01-01.
    Days,
    /// Julian days: days since noon UTC of 24 November 4714 before our era.
    Julian,
}

impl Epoch {
    /// The words for `epoch =`.
    pub(crate) const WORDS: &'static [&'static str] =
        &["seconds", "milliseconds", "days", "julian"];

    /// Reads one of [`Epoch::WORDS`].
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "seconds" => Self::Seconds,
            "milliseconds" => Self::Milliseconds,
            "days" => Self::Days,
            "julian" => Self::Julian,
            _ => return None,
        })
    }

    /// Returns a number for the unit, for [`Epoch::from_number`].
    pub(crate) fn to_number(self) -> i64 {
        match self {
            Self::Seconds => 1,
            Self::Milliseconds => 2,
            Self::Days => 3,
            Self::Julian => 4,
        }
    }

    /// Reads what [`Epoch::to_number`] gave.
    pub(crate) fn from_number(number: i64) -> Option<Self> {
        [Self::Seconds, Self::Milliseconds, Self::Days, Self::Julian]
            .into_iter()
            .find(|epoch| epoch.to_number() == number)
    }

    /// Returns the number of the first moment (UTC) of a day.
    pub(crate) fn number_of(self, day: Date) -> f64 {
        let days = f64::from(days_since_1970(day));
        match self {
            Self::Seconds => days * DAY_SECS,
            Self::Milliseconds => days * DAY_SECS * 1000.0,
            Self::Days => days,
            Self::Julian => days + JULIAN_1970,
        }
    }

    /// Reads a whole number.
    pub(crate) fn read_integer(self, number: i64) -> DateValue {
        let moment = match self {
            Self::Seconds => Timestamp::from_second(number).ok(),
            Self::Milliseconds => Timestamp::from_millisecond(number).ok(),
            Self::Days => {
                let day = i32::try_from(number).ok().and_then(|days| {
                    EPOCH_DAY.checked_add(jiff::Span::new().try_days(days).ok()?).ok()
                });
                return day.map_or(OUT_OF_RANGE, DateValue::Day);
            }
            // A julian day beyond the exact range of f64 is beyond every calendar as well.
            Self::Julian => match i32::try_from(number) {
                Ok(days) => return self.read_real(f64::from(days)),
                Err(_) => None,
            },
        };
        moment.map_or(OUT_OF_RANGE, DateValue::Moment)
    }

    /// Reads a number with a fraction.
    pub(crate) fn read_real(self, number: f64) -> DateValue {
        let seconds = match self {
            Self::Seconds => number,
            Self::Milliseconds => number / 1000.0,
            Self::Days => number * DAY_SECS,
            Self::Julian => (number - JULIAN_1970) * DAY_SECS,
        };
        // Rounded to milliseconds, so that a day stored as a fraction stays the same day.
        let moment = SignedDuration::try_from_secs_f64((seconds * 1000.0).round() / 1000.0)
            .ok()
            .and_then(|since| Timestamp::from_duration(since).ok());
        let Some(moment) = moment else { return OUT_OF_RANGE };
        // A count of days without a fraction of a day is a day: no zone may make it the one before.
        let at = TimeZone::UTC.to_datetime(moment);
        match self {
            Self::Days | Self::Julian if at.time() == Time::midnight() => DateValue::Day(at.date()),
            _ => DateValue::Moment(moment),
        }
    }
}

const DAY_SECS: f64 = 86_400.0;
const JULIAN_1970: f64 = 2_440_587.5;
const EPOCH_DAY: Date = Date::constant(1970, 1, 1);
const OUT_OF_RANGE: DateValue = DateValue::Unreadable("a number beyond the calendar");

/// Reads a value of any type.
///
/// # Behavior
///
/// - A number without a unit is unreadable: 19783 may be days, and 1717200000 seconds.
pub(crate) fn read(value: ValueRef<'_>, epoch: Option<Epoch>) -> DateValue {
    match (value, epoch) {
        (ValueRef::Null, _) => DateValue::Absent,
        (ValueRef::Text(text), _) => read_text(text),
        (ValueRef::Integer(number), Some(epoch)) => epoch.read_integer(number),
        (ValueRef::Real(number), Some(epoch)) => epoch.read_real(number),
        (ValueRef::Integer(_) | ValueRef::Real(_), None) => {
            DateValue::Unreadable("a number, and the holding has no `epoch`")
        }
        (ValueRef::Blob(_), _) => DateValue::Unreadable("bytes"),
    }
}

/// Packs a day into a number that grows with it.
pub(crate) fn packed(day: Date) -> i64 {
    i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100 + i64::from(day.day())
}

fn days_since_1970(day: Date) -> i32 {
    EPOCH_DAY.until(day).map_or(0, |span| span.get_days())
}

/// Returns the civil day of a value as it is stored, moments in UTC.
pub(crate) fn day_of(value: &DateValue) -> Option<Date> {
    match value {
        DateValue::Day(day) => Some(*day),
        DateValue::Local(at) => Some(at.date()),
        DateValue::Moment(at) => Some(TimeZone::UTC.to_datetime(*at).date()),
        DateValue::Absent | DateValue::Unreadable(_) => None,
    }
}

/// Reads a text.
///
/// # Behavior
///
/// - `2024-05-31` is a day; `2024-05-31 10:00`, `2024-05-31T10:00:00.5` have no zone;
///   `...Z`, `...+01:00`, `... +0100`, `...+01` are moments.
/// - A leap second counts as the second before it. Fractions beyond nanoseconds are cut off.
/// - Nothing else is a date: no surrounding blanks, no other separators, no names of zones.
pub(crate) fn read_text(text: &[u8]) -> DateValue {
    if text.is_empty() {
        return DateValue::Unreadable("an empty text");
    }
    read_iso(text).unwrap_or(DateValue::Unreadable("a text that is not an ISO 8601 date"))
}

fn read_iso(text: &[u8]) -> Option<DateValue> {
    let mut rest = Rest(text);
    let year = i16::try_from(rest.digits(4)?).ok()?;
    rest.literal(b'-')?;
    let month = i8::try_from(rest.digits(2)?).ok()?;
    rest.literal(b'-')?;
    let day = i8::try_from(rest.digits(2)?).ok()?;
    let date = Date::new(year, month, day).ok()?;
    if rest.0.is_empty() {
        return Some(DateValue::Day(date));
    }
    if !matches!(rest.next()?, b'T' | b't' | b' ') {
        return None;
    }
    let at = DateTime::from_parts(date, rest.time()?);
    if rest.0.is_empty() {
        return Some(DateValue::Local(at));
    }
    let offset = rest.zone()?;
    rest.0.is_empty().then_some(())?;
    offset.to_timestamp(at).ok().map(DateValue::Moment)
}

/// What is left of a text.
struct Rest<'t>(&'t [u8]);

impl Rest<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn literal(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    fn skip(&mut self, byte: u8) -> bool {
        let found = self.0.first() == Some(&byte);
        if found {
            self.next();
        }
        found
    }

    fn digits(&mut self, count: usize) -> Option<i32> {
        let mut number = 0;
        for _ in 0..count {
            let digit = self.next()?;
            digit.is_ascii_digit().then_some(())?;
            number = number * 10 + i32::from(digit - b'0');
        }
        Some(number)
    }

    fn time(&mut self) -> Option<Time> {
        let hour = i8::try_from(self.digits(2)?).ok()?;
        self.literal(b':')?;
        let minute = i8::try_from(self.digits(2)?).ok()?;
        let mut second = 0;
        let mut nanos = 0;
        if self.skip(b':') {
            second = i8::try_from(self.digits(2)?).ok()?;
            if second == 60 {
                second = 59;
            }
            if self.skip(b'.') || self.skip(b',') {
                nanos = self.fraction()?;
            }
        }
        Time::new(hour, minute, second, nanos).ok()
    }

    fn fraction(&mut self) -> Option<i32> {
        let mut nanos = self.digits(1)?;
        let mut places = 1;
        while self.0.first().is_some_and(u8::is_ascii_digit) {
            let digit = self.digits(1)?;
            if places < 9 {
                nanos = nanos * 10 + digit;
                places += 1;
            }
        }
        for _ in places..9 {
            nanos *= 10;
        }
        Some(nanos)
    }

    fn zone(&mut self) -> Option<Offset> {
        self.skip(b' ');
        let sign = match self.next()? {
            b'Z' | b'z' => return Some(Offset::UTC),
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let hours = self.digits(2)?;
        let mut minutes = 0;
        if !self.0.is_empty() {
            self.skip(b':');
            minutes = self.digits(2)?;
        }
        (hours <= 23 && minutes <= 59).then_some(())?;
        Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn moment(text: &str) -> DateValue {
        DateValue::Moment(text.parse().unwrap())
    }

    fn local(text: &str) -> DateValue {
        DateValue::Local(text.parse().unwrap())
    }

    #[test]
    fn iso_texts_are_read() {
        let table = [
            ("2024-02-29", DateValue::Day(Date::constant(2024, 2, 29))),
            ("0001-01-01", DateValue::Day(Date::constant(1, 1, 1))),
            ("2024-05-31 10:00", local("2024-05-31T10:00:00")),
            ("2024-05-31t23:59:60", local("2024-05-31T23:59:59")),
            ("2024-05-31T10:00:00.5", local("2024-05-31T10:00:00.5")),
            ("2024-05-31 10:00:00,1234567891", local("2024-05-31T10:00:00.123456789")),
            ("2024-05-31T10:00Z", moment("2024-05-31T10:00:00Z")),
            ("2024-05-31 10:00:00 +0100", moment("2024-05-31T09:00:00Z")),
            ("2024-01-01T00:30:00+02:00", moment("2023-12-31T22:30:00Z")),
            ("2024-05-31 10:00:00-05", moment("2024-05-31T15:00:00Z")),
        ];
        for (text, expected) in table {
            assert_eq!(read_text(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_iso_is_unreadable() {
        for text in [
            "",
            " ",
            "2024",
            "2024-1-5",
            "20240105",
            "05/01/2024",
            "2024/01/05",
            "5 Jan 2024",
            "2023-02-29",
            "2024-13-01",
            "0000-00-00",
            "2024-01-05 ",
            " 2024-01-05",
            "2024-01-05T",
            "2024-01-05T1",
            "2024-01-05T24:00",
            "2024-01-05T10:00:00[Europe/Paris]",
            "2024-01-05T10:00:00+24:00",
            "2024-01-05T10:00:00.",
            "2024-01-05x",
            "+12024-01-05",
            "-2024-01-05",
            "2024-01-05T10:00:00 CET",
            "\u{0662}024-01-05",
            "2024-01-05\0",
        ] {
            assert!(matches!(read_text(text.as_bytes()), DateValue::Unreadable(_)), "{text:?}");
        }
    }

    #[test]
    fn numbers_are_read_in_the_unit_that_was_named() {
        let day = Date::constant(2024, 3, 1);
        for epoch in [Epoch::Seconds, Epoch::Milliseconds, Epoch::Days, Epoch::Julian] {
            assert_eq!(day_of(&epoch.read_real(epoch.number_of(day))), Some(day), "{epoch:?}");
        }
        assert_eq!(Epoch::Seconds.read_integer(0), moment("1970-01-01T00:00:00Z"));
        assert_eq!(Epoch::Milliseconds.read_integer(-1), moment("1969-12-31T23:59:59.999Z"));
        assert_eq!(Epoch::Days.read_integer(19_783), DateValue::Day(day));
        assert_eq!(Epoch::Julian.read_integer(2_440_588), moment("1970-01-01T12:00:00Z"));
        assert!(matches!(Epoch::Seconds.read_integer(i64::MAX), DateValue::Unreadable(_)));
        assert_eq!(Epoch::Julian.read_real(2_440_587.5), DateValue::Day(EPOCH_DAY));
        assert_eq!(Epoch::Days.read_real(0.25), moment("1970-01-01T06:00:00Z"));
        assert!(matches!(Epoch::Days.read_real(f64::INFINITY), DateValue::Unreadable(_)));
    }

    proptest! {
        #[test]
        fn every_moment_survives_its_own_text(seconds in -60_000_000_000_i64..250_000_000_000) {
            let at = Timestamp::from_second(seconds).unwrap();
            prop_assert_eq!(read_text(at.to_string().as_bytes()), DateValue::Moment(at));
        }

        #[test]
        fn no_bytes_make_the_reader_fail(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            read_text(&bytes);
        }

        #[test]
        fn what_reads_as_a_day_is_the_text_of_that_day(text in "[0-9]{3,5}-[0-9]{1,3}-[0-9]{1,3}") {
            if let DateValue::Day(day) = read_text(text.as_bytes()) {
                prop_assert_eq!(day.to_string(), text);
            }
        }
    }
}
