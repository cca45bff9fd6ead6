//! Which dates a target need not hand over.

use jiff::ToSpan;
use jiff::civil::Date;

use super::explain::Silent;
use super::{Compiled, CompiledClause, Rule, last_day};

/// How many days a stored date and the schedule's day may lie apart: zones differ by 26 hours.
const ZONE_DAYS: i64 = 2;

impl Rule {
    /// Returns for each trigger the latest date with which a record can be due; a record with a
    /// later one is not.
    ///
    /// # Behavior
    ///
    /// - Wide enough for every variant and zone. `None`: any date can be.
    /// - Found by asking the rules themselves, so it cannot differ from them.
    pub fn bounds(&self, as_of: Date) -> Vec<Option<Date>> {
        (0..self.triggers.len()).map(|trigger| self.bound(trigger, as_of)).collect()
    }

    fn bound(&self, trigger: usize, as_of: Date) -> Option<Date> {
        let all = std::iter::once(&self.terms).chain(self.variants.iter().map(|(_, terms)| terms));
        let mut latest = Date::MIN;
        for terms in all {
            // Nothing that is kept for ever can be due, whatever its dates.
            let Compiled::Clauses(clauses) = terms else { continue };
            // All clauses on the trigger must be over, so the earliest bound of them counts.
            let bound = clauses
                .iter()
                .filter(|clause| clause.trigger == trigger)
                .map(|clause| last_due(clause, as_of))
                .min()?;
            latest = latest.max(bound);
        }
        Some(latest.checked_add(ZONE_DAYS.days()).unwrap_or(Date::MAX))
    }
}

/// The latest start with which a clause alone is over, or the first day of the calendar.
fn last_due(clause: &CompiledClause, as_of: Date) -> Date {
    let is_over = |start: Date| last_day(clause, start, &mut Silent).is_some_and(|l| l < as_of);
    let day = |number: i32| Date::MIN.checked_add(i64::from(number).days()).unwrap_or(Date::MAX);
    let (mut low, mut high) = (0, DAYS_IN_CALENDAR);
    // Invariant: every start below `low` is over, none from `high` on is.
    while low < high {
        let middle = low + (high - low) / 2;
        if is_over(day(middle)) { low = middle + 1 } else { high = middle }
    }
    day(low.saturating_sub(1))
}

/// From 1 January -9999 to 31 December 9999.
const DAYS_IN_CALENDAR: i32 = 7_304_484;
