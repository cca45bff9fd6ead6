//! The ends of months, quarters and years (rule 2).

use jiff::civil::Date;

use crate::model::{Cutoff, YearEnd, Years};

/// The end of a recurring period of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Boundary {
    Month,
    Quarter,
    Year(YearEnd, &'static str),
    /// A year that nobody defined; it never ends, so nothing is ever due.
    Undefined,
}

impl Boundary {
    /// Looks a cutoff up.
    pub fn new(cutoff: Cutoff, years: &Years) -> Self {
        let words = cutoff.words();
        let defined = |end: Option<YearEnd>| end.map_or(Self::Undefined, |e| Self::Year(e, words));
        match cutoff {
            Cutoff::Month => Self::Month,
            Cutoff::Quarter => Self::Quarter,
            Cutoff::CalendarYear => Self::Year(YearEnd { month: 12, day: 31 }, words),
            Cutoff::FiscalYear => defined(years.fiscal),
            Cutoff::TaxYear => defined(years.tax),
            Cutoff::AcademicYear => defined(years.academic),
        }
    }

    /// Returns the words for it.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Month => "end of month",
            Self::Quarter => "end of quarter",
            Self::Year(_, words) => words,
            Self::Undefined => "end of a year that is not defined",
        }
    }

    /// Returns the last day of the period that contains `day`; `None` beyond the calendar.
    pub fn last_day(&self, day: Date) -> Option<Date> {
        match self {
            Self::Month => Some(day.last_of_month()),
            Self::Quarter => {
                let month = (day.month() - 1) / 3 * 3 + 3;
                Some(Date::new(day.year(), month, 1).ok()?.last_of_month())
            }
            Self::Year(end, _) => {
                let this_year = end_in(day.year(), *end)?;
                if day <= this_year {
                    return Some(this_year);
                }
                end_in(day.year().checked_add(1)?, *end)
            }
            Self::Undefined => None,
        }
    }
}

/// The last day of the year that ends in calendar year `year`.
fn end_in(year: i16, end: YearEnd) -> Option<Date> {
    let month = Date::new(year, end.month, 1).ok()?;
    if end.day > month.days_in_month() {
        return Some(month.last_of_month());
    }
    Date::new(year, end.month, end.day).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn years_end_on_their_day_and_not_before() {
        let fiscal = Boundary::Year(YearEnd { month: 3, day: 31 }, "end of fiscal year");
        assert_eq!(fiscal.last_day(date(2024, 3, 31)), Some(date(2024, 3, 31)));
        assert_eq!(fiscal.last_day(date(2024, 4, 1)), Some(date(2025, 3, 31)));
        assert_eq!(fiscal.last_day(date(9999, 4, 1)), None);
        assert_eq!(Boundary::Undefined.last_day(date(2024, 4, 1)), None);
    }

    #[test]
    fn the_last_day_of_february_is_29_february_in_leap_years() {
        let end = Boundary::Year(YearEnd { month: 2, day: 29 }, "end of fiscal year");
        assert_eq!(end.last_day(date(2023, 2, 28)), Some(date(2023, 2, 28)));
        assert_eq!(end.last_day(date(2023, 3, 1)), Some(date(2024, 2, 29)));
        let fixed = Boundary::Year(YearEnd { month: 2, day: 28 }, "end of fiscal year");
        assert_eq!(fixed.last_day(date(2024, 2, 29)), Some(date(2025, 2, 28)));
    }

    #[test]
    fn quarters_end_with_march_june_september_december() {
        for (month, end) in [(1, 31), (3, 31), (4, 30), (6, 30), (7, 30), (10, 31), (12, 31)] {
            let last = Boundary::Quarter.last_day(date(2025, month, 1)).unwrap();
            assert_eq!((last.month() % 3, last.day()), (0, end), "{month}");
            assert!(last.month() >= month && last.month() - month < 3, "{month}");
        }
    }
}
