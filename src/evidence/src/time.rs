//! Days and seconds as statements write them.
//!
//! One spelling for each value, so that the text of a statement is determined by its content. No
//! clock, no zones, no arithmetic beyond the calendar.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A day of the Gregorian calendar, years 0001 to 9999, written `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// A second in UTC, written `YYYY-MM-DDTHH:MM:SSZ`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    date: Date,
    second: u32,
}

/// Text that is not a date or a time in the one spelling allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not a real {0}")]
pub struct NotATime(&'static str);

const DATE: NotATime = NotATime("date, written YYYY-MM-DD");
const TIME: NotATime = NotATime("second in UTC, written YYYY-MM-DDTHH:MM:SSZ");
const SECONDS_A_DAY: i64 = 86_400;

impl Date {
    /// Makes a date; `None` where the calendar has no such day.
    pub fn new(year: i16, month: u8, day: u8) -> Option<Self> {
        let year = u16::try_from(year).ok()?;
        let exists = (1..=9999).contains(&year) && day >= 1 && day <= days_in(year, month);
        exists.then_some(Self { year, month, day })
    }

    /// Returns year, month and day.
    pub fn parts(self) -> (i16, u8, u8) {
        (i16::try_from(self.year).unwrap_or(i16::MAX), self.month, self.day)
    }

    /// Reads exactly ten bytes.
    pub(crate) fn read(text: &[u8; 10]) -> Option<Self> {
        let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text else { return None };
        let year = two(y1, y2)? * 100 + two(y3, y4)?;
        let (month, day) = (two(m1, m2)?, two(d1, d2)?);
        Self::new(i16::try_from(year).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
    }

    /// Writes exactly ten bytes.
    pub(crate) fn bytes(self) -> [u8; 10] {
        let [y1, y2] = digits(u32::from(self.year) / 100);
        let [y3, y4] = digits(u32::from(self.year) % 100);
        let [m1, m2] = digits(u32::from(self.month));
        let [d1, d2] = digits(u32::from(self.day));
        [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2]
    }

    /// Days since 1970-01-01.
    fn epoch_day(self) -> i64 {
        let before = i64::from(self.year) - 1;
        let leaps = before / 4 - before / 100 + before / 400;
        let months: i64 = (1..self.month).map(|month| i64::from(days_in(self.year, month))).sum();
        before * 365 + leaps + months + i64::from(self.day) - 1 - DAYS_TO_1970
    }

    fn from_epoch_day(day: i64) -> Option<Self> {
        let mut rest = day + DAYS_TO_1970;
        let guess = u16::try_from(rest / 366 + 1).ok()?;
        let mut year = guess;
        let start = |year: u16| Self { year, month: 1, day: 1 }.epoch_day() + DAYS_TO_1970;
        while year < 9999 && start(year + 1) <= rest {
            year += 1;
        }
        rest -= start(year);
        let mut month = 1;
        while rest >= i64::from(days_in(year, month)) && month < 12 {
            rest -= i64::from(days_in(year, month));
            month += 1;
        }
        Self::new(i16::try_from(year).ok()?, month, u8::try_from(rest + 1).ok()?)
    }
}

/// Days from 0001-01-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_162;

impl Timestamp {
    /// Makes a time from seconds since 1970-01-01T00:00:00Z; `None` outside years 0001 to 9999.
    pub fn from_unix(seconds: i64) -> Option<Self> {
        let date = Date::from_epoch_day(seconds.div_euclid(SECONDS_A_DAY))?;
        let second = u32::try_from(seconds.rem_euclid(SECONDS_A_DAY)).ok()?;
        Some(Self { date, second })
    }

    /// Returns the seconds since 1970-01-01T00:00:00Z.
    pub fn unix(self) -> i64 {
        self.date.epoch_day() * SECONDS_A_DAY + i64::from(self.second)
    }
}

fn days_in(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        1..=12 => 31,
        _ => 0,
    }
}

fn two(tens: u8, ones: u8) -> Option<u16> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
    Some(digit(tens)? * 10 + digit(ones)?)
}

fn digits(value: u32) -> [u8; 2] {
    let digit = |value: u32| b'0' + u8::try_from(value % 10).unwrap_or(0);
    [digit(value / 10), digit(value)]
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (minutes, second) = (self.second / 60, self.second % 60);
        write!(f, "{}T{:02}:{:02}:{second:02}Z", self.date, minutes / 60, minutes % 60)
    }
}

impl FromStr for Date {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        let bytes: &[u8; 10] = text.as_bytes().try_into().map_err(|_| DATE)?;
        Self::read(bytes).ok_or(DATE)
    }
}

impl FromStr for Timestamp {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        let bytes: &[u8; 20] = text.as_bytes().try_into().map_err(|_| TIME)?;
        let (date, clock) = bytes.split_first_chunk::<10>().ok_or(TIME)?;
        let date = Date::read(date).ok_or(TIME)?;
        let [b'T', h1, h2, b':', m1, m2, b':', s1, s2, b'Z'] = *clock else { return Err(TIME) };
        let read = |tens, ones, below| two(tens, ones).filter(|value| *value < below).ok_or(TIME);
        let (hour, minute, second) = (read(h1, h2, 24)?, read(m1, m2, 60)?, read(s1, s2, 60)?);
        let second = u32::from(hour) * 3600 + u32::from(minute) * 60 + u32::from(second);
        Ok(Self { date, second })
    }
}

macro_rules! as_text {
    ($($name:ty),*) => { $(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )* };
}
as_text!(Date, Timestamp);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_seconds_have_their_text() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_868_799, "2000-02-29T23:59:59Z"),
            (1_795_392_452, "2026-11-23T00:07:32Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
            (-62_135_596_800, "0001-01-01T00:00:00Z"),
        ] {
            let time = Timestamp::from_unix(seconds).unwrap();
            assert_eq!(time.to_string(), text);
            assert_eq!(text.parse::<Timestamp>().unwrap().unix(), seconds);
        }
    }

    #[test]
    fn seconds_outside_the_calendar_have_no_text() {
        for seconds in [i64::MIN, -62_135_596_801, 253_402_300_800, i64::MAX] {
            assert_eq!(Timestamp::from_unix(seconds), None, "{seconds}");
        }
    }

    #[test]
    fn every_day_is_read_back() {
        for day in (-719_162..2_932_896).step_by(13) {
            let date = Date::from_epoch_day(day).unwrap();
            assert_eq!(date.epoch_day(), day);
            assert_eq!(Date::read(&date.bytes()), Some(date));
            assert_eq!(date.to_string().as_bytes(), date.bytes());
        }
    }

    #[test]
    fn days_and_seconds_that_do_not_exist_are_refused() {
        for text in
            ["2026-02-29", "1900-02-29", "2026-13-01", "2026-00-10", "0000-01-01", "2026-1-1"]
        {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
        for text in [
            "2026-01-01T24:00:00Z",
            "2026-01-01T23:59:60Z",
            "2026-01-01T23:60:00Z",
            "2026-01-01t00:00:00Z",
            "2026-01-01T00:00:00z",
            "2026-01-01T00:00:00+00:00",
            "2026-01-01T00:00:00.0Z",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }
}
