//! Periods: one whole number and one unit.

use std::fmt;

use jiff::Span;
use jiff::civil::Date;

/// A calendar period such as "7 years", "18 months", "6 weeks" or "90 days".
///
/// Equality is of the words: "12 months" is not equal to "1 year", though it is as long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Period {
    count: u32,
    unit: Unit,
}

/// The unit of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Days.
    Days,
    /// Seven days each.
    Weeks,
    /// Calendar months.
    Months,
    /// Calendar years.
    Years,
}

impl Unit {
    /// About a thousand years of each; more is a slip of the pen.
    const fn count_max(self) -> u32 {
        match self {
            Self::Days => 366_000,
            Self::Weeks => 52_000,
            Self::Months => 12_000,
            Self::Years => 1_000,
        }
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Days => ("day", "days"),
            Self::Weeks => ("week", "weeks"),
            Self::Months => ("month", "months"),
            Self::Years => ("year", "years"),
        }
    }

    const ALL: [Self; 4] = [Self::Days, Self::Weeks, Self::Months, Self::Years];
}

/// Why a text is not a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotAPeriod {
    /// It has another form.
    Form,
    /// It is longer than a thousand years.
    TooLong,
}

impl Period {
    /// Makes a period of days.
    pub(crate) const fn days(count: u32) -> Self {
        Self { count, unit: Unit::Days }
    }

    /// Reads "7 years".
    ///
    /// # Behavior
    ///
    /// - One whole number, one space, one unit, in small letters; "1 years" and "7 year" are
    ///   understood.
    /// - Nothing longer than about a thousand years: 1000 years, 12000 months, 52000 weeks,
    ///   366000 days.
    pub(crate) fn parse(text: &str) -> Result<Self, NotAPeriod> {
        let (number, word) = text.split_once(' ').ok_or(NotAPeriod::Form)?;
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NotAPeriod::Form);
        }
        let unit = Unit::ALL
            .into_iter()
            .find(|unit| unit.words().0 == word || unit.words().1 == word)
            .ok_or(NotAPeriod::Form)?;
        match number.parse() {
            Ok(count) if count <= unit.count_max() => Ok(Self { count, unit }),
            _ => Err(NotAPeriod::TooLong),
        }
    }

    /// Returns the number.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns the unit.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// Returns the form of ISO 8601, for machines: `P7Y`.
    pub fn iso(&self) -> String {
        let letter = match self.unit {
            Unit::Days => 'D',
            Unit::Weeks => 'W',
            Unit::Months => 'M',
            Unit::Years => 'Y',
        };
        format!("P{}{letter}", self.count)
    }

    /// Returns the day that lies this period after `day`, by calendar.
    ///
    /// # Behavior
    ///
    /// - Where the month has no such day, its last day: 29 February 2000 + 7 years is
    ///   28 February 2007.
    /// - `None` beyond the year 9999.
    pub fn after(&self, day: Date) -> Option<Date> {
        let count = i64::from(self.count);
        let span = match self.unit {
            Unit::Days => Span::new().days(count),
            Unit::Weeks => Span::new().weeks(count),
            Unit::Months => Span::new().months(count),
            Unit::Years => Span::new().years(count),
        };
        day.checked_add(span).ok()
    }

    /// Returns whether this period is never shorter than `other`, whatever day both start on.
    ///
    /// # Behavior
    ///
    /// - "84 months" is as long as "7 years"; "6 weeks" as long as "42 days".
    /// - "2555 days" is shorter than "7 years": seven years have 2557 days at most.
    pub fn never_shorter_than(&self, other: &Self) -> bool {
        match (self.whole_months(), other.whole_months()) {
            (Some(ours), Some(theirs)) => ours >= theirs,
            (None, None) => self.longest_days() >= other.longest_days(),
            _ if self.count == 0 => other.count == 0,
            (Some(_), None) => self.shortest_days() >= other.longest_days(),
            (None, Some(_)) => self.shortest_days() >= other.longest_days(),
        }
    }

    fn whole_months(&self) -> Option<u32> {
        match self.unit {
            Unit::Years => Some(self.count * 12),
            Unit::Months => Some(self.count),
            Unit::Days | Unit::Weeks => None,
        }
    }

    fn whole_days(&self) -> Option<u32> {
        match self.unit {
            Unit::Days => Some(self.count),
            Unit::Weeks => Some(self.count * 7),
            Unit::Months | Unit::Years => None,
        }
    }

    fn longest_days(&self) -> u32 {
        self.whole_days().unwrap_or_else(|| self.lengths().max().unwrap_or(u32::MAX))
    }

    fn shortest_days(&self) -> u32 {
        self.whole_days().unwrap_or_else(|| self.lengths().min().unwrap_or_default())
    }

    /// How many days the period has from each day of a whole Gregorian cycle of 400 years.
    fn lengths(&self) -> impl Iterator<Item = u32> {
        const CYCLE_DAYS: usize = 146_097;
        let period = *self;
        jiff::civil::date(2000, 3, 1).series(Span::new().days(1)).take(CYCLE_DAYS).filter_map(
            move |start| {
                let days = start.until(period.after(start)?).ok()?.get_days();
                u32::try_from(days).ok()
            },
        )
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, many) = self.unit.words();
        write!(f, "{} {}", self.count, if self.count == 1 { one } else { many })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn period(text: &str) -> Period {
        Period::parse(text).unwrap()
    }

    #[test]
    fn only_one_number_and_one_unit_is_a_period() {
        for text in [
            "",
            " ",
            "7",
            "years",
            "7years",
            "7  years",
            " 7 years",
            "7 years ",
            "-7 years",
            "+7 years",
            "7.5 years",
            "7 Years",
            "P7Y",
            "1 year, 6 months",
            "1 year 6 months",
            "3 hours",
            "two years",
            "7\tyears",
            "٧ years",
            "permanent",
        ] {
            assert_eq!(Period::parse(text), Err(NotAPeriod::Form), "{text:?}");
        }
        for text in ["1001 years", "99999999999999999999 days"] {
            assert_eq!(Period::parse(text), Err(NotAPeriod::TooLong), "{text:?}");
        }
        for (text, again) in [("7 years", "7 years"), ("1 years", "1 year"), ("0 day", "0 days")] {
            assert_eq!(period(text).to_string(), again);
        }
    }

    #[test]
    fn a_day_that_the_month_lacks_becomes_its_last_day() {
        assert_eq!(period("7 years").after(date(2000, 2, 29)), Some(date(2007, 2, 28)));
        assert_eq!(period("6 months").after(date(2025, 8, 31)), Some(date(2026, 2, 28)));
        assert_eq!(period("4 years").after(date(2000, 2, 29)), Some(date(2004, 2, 29)));
        assert_eq!(period("1 year").after(date(9999, 1, 1)), None);
    }

    #[test]
    fn lengths_are_compared_by_calendar() {
        let longer_or_same = [
            ("84 months", "7 years"),
            ("7 years", "84 months"),
            ("6 weeks", "42 days"),
            ("2557 days", "7 years"),
            ("7 years", "2555 days"),
            ("366 days", "1 year"),
            ("31 days", "1 month"),
            ("1 month", "28 days"),
            ("0 days", "0 years"),
            ("0 years", "0 days"),
            ("100 years", "36524 days"),
            ("92 days", "3 months"),
        ];
        for (ours, theirs) in longer_or_same {
            assert!(period(ours).never_shorter_than(&period(theirs)), "{ours} against {theirs}");
        }
        let shorter = [
            ("2555 days", "7 years"),
            ("2556 days", "7 years"),
            ("7 years", "2556 days"),
            ("365 days", "1 year"),
            ("1 year", "366 days"),
            ("30 days", "1 month"),
            ("1 month", "29 days"),
            ("83 months", "7 years"),
            ("0 days", "1 day"),
            ("0 years", "1 day"),
            ("100 years", "36525 days"),
            ("91 days", "3 months"),
        ];
        for (ours, theirs) in shorter {
            assert!(!period(ours).never_shorter_than(&period(theirs)), "{ours} against {theirs}");
        }
    }
}
