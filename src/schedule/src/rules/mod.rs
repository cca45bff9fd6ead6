//! The date rules: whether a record is due.
//!
//! The rules have the numbers of `docs/specs/schedule.md`. All date arithmetic of quietus is in
//! this module and in [`crate::Period`].

mod bounds;
mod calendar;
mod explain;

use std::sync::LazyLock;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use quietus_contract::DateValue;

use crate::model::{Holding, Programme, Terms, Years};
use crate::period::Period;
use calendar::Boundary;
use explain::{Silent, Trace};

pub use explain::{Explanation, Step};

/// The rule of one holding: its class, and what its system says of dates.
#[derive(Clone, Debug)]
pub struct Rule {
    class: String,
    triggers: Vec<String>,
    home: Vec<String>,
    terms: Compiled,
    variants: Vec<(String, Compiled)>,
    zone: TimeZone,
    system: String,
    system_zone: Option<TimeZone>,
    not_a_date: Vec<Date>,
    plausible_from: Option<Date>,
    dispose_within: Period,
}

#[derive(Clone, Debug)]
enum Compiled {
    Permanent,
    Clauses(Vec<CompiledClause>),
}

#[derive(Clone, Debug)]
struct CompiledClause {
    /// Position among the triggers; beyond the last where the holding has no date for it, which
    /// is then absent.
    trigger: usize,
    cutoff: Option<Boundary>,
    retention: Period,
}

/// What the rules say of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its time has come.
    Due {
        /// The first day on which it may go.
        due: Date,
        /// Whether it should have gone already.
        overdue: bool,
    },
    /// Its time will come.
    NotDue {
        /// The first day on which it may go.
        due: Date,
    },
    /// It is kept for ever.
    Permanent,
    /// What starts the clock has not happened.
    AwaitingEvent {
        /// Position of the trigger.
        trigger: usize,
    },
    /// A date is too early to be believed.
    Implausible {
        /// Position of the trigger.
        trigger: usize,
        /// The date.
        date: Date,
    },
    /// Nobody can tell.
    CannotEvaluate {
        /// Why.
        reason: Reason,
    },
}

impl Verdict {
    /// Returns whether the record is due.
    pub fn is_due(&self) -> bool {
        matches!(self, Self::Due { .. })
    }
}

/// Why nobody can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The class differs by jurisdiction, and the record's is not known.
    UnknownJurisdiction,
    /// Something stands where a date should be.
    UnreadableDate {
        /// Position of the trigger.
        trigger: usize,
    },
    /// A day lies beyond the calendar.
    BeyondCalendar {
        /// Position of the trigger.
        trigger: usize,
    },
    /// The class has no terms.
    NoTerms,
}

impl Reason {
    /// Returns the reason in a few words.
    pub fn words(&self) -> &'static str {
        match self {
            Self::UnknownJurisdiction => "jurisdiction not known",
            Self::UnreadableDate { .. } => "date not readable",
            Self::BeyondCalendar { .. } => "date beyond the calendar",
            Self::NoTerms => "class has no terms",
        }
    }
}

/// What a date value turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Day {
    Known(Date),
    Absent,
    Sentinel(Date),
    Implausible(Date),
    Unreadable(&'static str),
    Beyond,
}

impl Rule {
    /// Compiles the rule of a holding.
    ///
    /// # Behavior
    ///
    /// - The programme must be the one that the holding is of. With another one nothing is due:
    ///   a class that is not there has no terms, a system that is not there has no zone.
    pub fn compile(programme: &Programme, holding: &Holding) -> Self {
        let schedule = &programme.schedule;
        let class = schedule.classes.get(&holding.class);
        let system = programme.systems.get(&holding.system);
        let triggers: Vec<String> = holding.dates.keys().cloned().collect();
        let compiled = |terms: &Terms| compile(terms, &triggers, &schedule.years);
        let home = std::iter::once(&schedule.jurisdiction).chain(&schedule.other_jurisdictions);
        Self {
            class: holding.class.clone(),
            home: home.cloned().collect(),
            terms: class.map_or(Compiled::Clauses(Vec::new()), |class| compiled(&class.terms)),
            variants: class.map_or_else(Vec::new, |class| {
                class.variants.iter().map(|(k, v)| (k.clone(), compiled(&v.terms))).collect()
            }),
            zone: schedule.time_zone.clone(),
            system: holding.system.clone(),
            system_zone: system.and_then(|system| system.time_zone.clone()),
            not_a_date: system.map_or_else(Vec::new, |system| system.not_a_date.clone()),
            plausible_from: system.and_then(|system| system.plausible_from),
            dispose_within: class.map_or(Period::days(0), |class| class.dispose_within),
            triggers,
        }
    }

    /// Returns the triggers, in the order of the values that [`Rule::judge`] takes: the order of
    /// the holding's dates.
    pub fn triggers(&self) -> &[String] {
        &self.triggers
    }

    /// Judges a record.
    ///
    /// # Behavior
    ///
    /// - `values` has one value for each trigger; a value that is not there counts as absent.
    /// - `jurisdiction` is looked at only where the class has variants. It is known when it is
    ///   the schedule's, one of its other jurisdictions, or a variant's, letter by letter.
    /// - Where several dates are amiss, the first clause's is reported.
    pub fn judge(&self, values: &[DateValue], jurisdiction: Option<&str>, as_of: Date) -> Verdict {
        self.evaluate(values, jurisdiction, as_of, &mut Silent)
    }

    /// Judges a record as [`Rule::judge`] does, and says every step in words.
    pub fn explain(
        &self,
        values: &[DateValue],
        jurisdiction: Option<&str>,
        as_of: Date,
    ) -> Explanation {
        let mut steps = Vec::new();
        let verdict = self.evaluate(values, jurisdiction, as_of, &mut steps);
        Explanation { verdict, steps }
    }

    /// Returns the days of a record in the schedule's zone, one for each trigger; `None` where
    /// there is no date that can be used. Holds look at these.
    pub fn days(&self, values: &[DateValue]) -> Vec<Option<Date>> {
        (0..self.triggers.len())
            .map(|n| match self.day(values.get(n)) {
                Day::Known(day) => Some(day),
                _ => None,
            })
            .collect()
    }

    fn evaluate(
        &self,
        values: &[DateValue],
        jurisdiction: Option<&str>,
        as_of: Date,
        trace: &mut impl Trace,
    ) -> Verdict {
        let clauses = match self.terms_in(jurisdiction, trace) {
            Err(reason) => return Verdict::CannotEvaluate { reason },
            Ok(Compiled::Permanent) => {
                trace.step(3, || "records of this class are kept for ever".to_owned());
                return Verdict::Permanent;
            }
            Ok(Compiled::Clauses(clauses)) => clauses,
        };
        let mut last_kept: Option<Date> = None;
        let mut amiss: Option<Verdict> = None;
        for clause in clauses {
            match self.last_kept(clause, values.get(clause.trigger), trace) {
                Ok(day) => last_kept = Some(last_kept.map_or(day, |latest| latest.max(day))),
                Err(verdict) => amiss = amiss.or(Some(verdict)),
            }
        }
        if let Some(verdict) = amiss {
            return verdict;
        }
        let Some(last_kept) = last_kept else {
            return Verdict::CannotEvaluate { reason: Reason::NoTerms };
        };
        if clauses.len() > 1 {
            trace.step(5, || format!("the latest of these last days governs: {last_kept}"));
        }
        self.settle(last_kept, clauses, as_of, trace)
    }

    fn settle(
        &self,
        last_kept: Date,
        clauses: &[CompiledClause],
        as_of: Date,
        trace: &mut impl Trace,
    ) -> Verdict {
        // Rule 4.
        let Ok(due) = last_kept.tomorrow() else {
            let trigger = clauses.first().map_or(0, |clause| clause.trigger);
            trace.step(4, || "the day after lies beyond the calendar".to_owned());
            return Verdict::CannotEvaluate { reason: Reason::BeyondCalendar { trigger } };
        };
        trace.step(4, || format!("it is due from the day after: {due}"));
        if as_of < due {
            trace.step(6, || format!("as of {as_of} it is not due"));
            return Verdict::NotDue { due };
        }
        trace.step(6, || format!("as of {as_of} it is due"));
        // Rule 11. A deadline beyond the calendar is never over.
        let deadline = self.dispose_within.after(due);
        let overdue = deadline.is_some_and(|deadline| as_of > deadline);
        trace.step(11, || {
            let until = deadline.map_or_else(|| "the end of days".to_owned(), |d| d.to_string());
            let is = if overdue { "it is overdue" } else { "it is not overdue" };
            format!("it should be gone within {}, by {until}: {is}", self.dispose_within)
        });
        Verdict::Due { due, overdue }
    }

    /// Rule 9: which terms govern.
    fn terms_in(
        &self,
        jurisdiction: Option<&str>,
        trace: &mut impl Trace,
    ) -> Result<&Compiled, Reason> {
        if self.variants.is_empty() {
            return Ok(&self.terms);
        }
        let Some(place) = jurisdiction else {
            trace.step(9, || {
                format!("{} differs by jurisdiction, and the record has none", self.class)
            });
            return Err(Reason::UnknownJurisdiction);
        };
        if let Some((_, terms)) = self.variants.iter().find(|(name, _)| name == place) {
            trace.step(9, || format!("the record is under {place}, which has terms of its own"));
            return Ok(terms);
        }
        if self.home.iter().any(|home| home == place) {
            trace.step(9, || format!("the record is under {place}: the class applies as it is"));
            return Ok(&self.terms);
        }
        trace.step(9, || {
            format!("the record's jurisdiction is none that the schedule knows for {}", self.class)
        });
        Err(Reason::UnknownJurisdiction)
    }

    /// The last day on which one clause keeps the record.
    fn last_kept(
        &self,
        clause: &CompiledClause,
        value: Option<&DateValue>,
        trace: &mut impl Trace,
    ) -> Result<Date, Verdict> {
        let trigger = clause.trigger;
        let name = || self.triggers.get(trigger).map_or("?", String::as_str);
        let start = self.start(trigger, value, trace)?;
        let last = last_day(clause, start, trace);
        if last.is_none() {
            trace.step(3, || format!("the last day for {} lies beyond the calendar", name()));
        }
        let reason = Reason::BeyondCalendar { trigger };
        last.ok_or(Verdict::CannotEvaluate { reason })
    }

    /// Rules 1, 7 and 8: the day on which a trigger happened.
    fn start(
        &self,
        trigger: usize,
        value: Option<&DateValue>,
        trace: &mut impl Trace,
    ) -> Result<Date, Verdict> {
        let name = || self.triggers.get(trigger).map_or("its trigger", String::as_str);
        let cannot = |reason| Err(Verdict::CannotEvaluate { reason });
        match self.day(value) {
            Day::Known(day) => {
                trace.step(1, || format!("{} was on {day}{}", name(), self.zone_words(value)));
                Ok(day)
            }
            Day::Absent => {
                trace.step(7, || format!("{} has no date: awaiting the event", name()));
                Err(Verdict::AwaitingEvent { trigger })
            }
            Day::Sentinel(day) => {
                trace.step(7, || {
                    let system = &self.system;
                    format!("{}: in {system}, {day} means \"no date\": awaiting the event", name())
                });
                Err(Verdict::AwaitingEvent { trigger })
            }
            Day::Implausible(date) => {
                trace.step(8, || {
                    let from = self.plausible_from.unwrap_or(Date::MIN);
                    let system = &self.system;
                    format!("{} was on {date}, and in {system} nothing is before {from}", name())
                });
                Err(Verdict::Implausible { trigger, date })
            }
            Day::Unreadable(kind) => {
                trace.step(7, || format!("{} is not a date but {kind}", name()));
                cannot(Reason::UnreadableDate { trigger })
            }
            Day::Beyond => {
                trace.step(1, || format!("{} lies beyond the calendar", name()));
                cannot(Reason::BeyondCalendar { trigger })
            }
        }
    }

    fn zone_words(&self, value: Option<&DateValue>) -> String {
        match value {
            Some(DateValue::Local(_)) if self.system_zone.is_none() => {
                format!(" at the latest: it has a time, and {} declares no time zone", self.system)
            }
            Some(DateValue::Local(_) | DateValue::Moment(_)) => {
                format!(" in {}", self.zone.iana_name().unwrap_or("the schedule's zone"))
            }
            _ => String::new(),
        }
    }

    /// Turns a value into a day of the schedule's zone.
    ///
    /// # Behavior
    ///
    /// - A local time of a system that declares no zone is taken for the last moment at which it
    ///   was that time anywhere on earth: never early.
    /// - A local time that happened twice, or never, because clocks were changed, is taken for
    ///   the later moment: never early.
    /// - A sentinel is recognised as it is stored, in the system's zone and in the schedule's.
    fn day(&self, value: Option<&DateValue>) -> Day {
        let (stored, moment) = match value {
            None | Some(DateValue::Absent) => return Day::Absent,
            Some(DateValue::Unreadable(kind)) => return Day::Unreadable(kind),
            Some(DateValue::Day(day)) => return self.believe(*day),
            Some(DateValue::Local(local)) => {
                if self.is_sentinel(local.date()) {
                    return Day::Sentinel(local.date());
                }
                let zone = self.system_zone.as_ref().unwrap_or(&ANYWHERE);
                let Ok(moment) = zone.to_ambiguous_timestamp(*local).later() else {
                    return Day::Beyond;
                };
                (None, moment)
            }
            Some(DateValue::Moment(moment)) => {
                let utc = TimeZone::UTC.to_datetime(*moment).date();
                let zoned = self.system_zone.as_ref().map(|zone| zone.to_datetime(*moment).date());
                (Some((utc, zoned)), *moment)
            }
        };
        if let Some((utc, zoned)) = stored
            && let Some(day) =
                [Some(utc), zoned].into_iter().flatten().find(|d| self.is_sentinel(*d))
        {
            return Day::Sentinel(day);
        }
        self.believe(self.zone.to_datetime(moment).date())
    }

    fn believe(&self, day: Date) -> Day {
        if self.is_sentinel(day) {
            return Day::Sentinel(day);
        }
        match self.plausible_from {
            Some(from) if day < from => Day::Implausible(day),
            _ => Day::Known(day),
        }
    }

    fn is_sentinel(&self, day: Date) -> bool {
        self.not_a_date.contains(&day)
    }
}

/// The zone that is last of all to reach a time of day.
static ANYWHERE: LazyLock<TimeZone> = LazyLock::new(|| TimeZone::fixed(jiff::tz::offset(-12)));

/// Rules 2 and 3: the last day on which a clause keeps what started on `start`; `None` beyond the
/// calendar.
fn last_day(clause: &CompiledClause, start: Date, trace: &mut impl Trace) -> Option<Date> {
    let end = match clause.cutoff {
        None => start,
        Some(boundary) => {
            let end = boundary.last_day(start)?;
            trace.step(2, || format!("{}: {end}", boundary.words()));
            end
        }
    };
    let last = clause.retention.after(end)?;
    trace.step(3, || format!("kept for {} after that: the last day is {last}", clause.retention));
    Some(last)
}

fn compile(terms: &Terms, triggers: &[String], years: &Years) -> Compiled {
    let Terms::Clauses(clauses) = terms else { return Compiled::Permanent };
    let clauses = clauses.iter().map(|clause| CompiledClause {
        trigger: triggers
            .iter()
            .position(|trigger| *trigger == clause.trigger)
            .unwrap_or(triggers.len()),
        cutoff: clause.cutoff.map(|cutoff| Boundary::new(cutoff, years)),
        retention: clause.retention,
    });
    Compiled::Clauses(clauses.collect())
}

/// Joins the verdicts of all classes that one record is in (rule 10).
///
/// # Behavior
///
/// - Due only when due under all of them, from the latest of the days.
/// - Otherwise what keeps it: for ever before not known before awaited before not due.
/// - `None` without verdicts.
pub fn join(verdicts: &[Verdict]) -> Option<Verdict> {
    let strength = |verdict: &Verdict| match verdict {
        Verdict::Due { .. } => 0,
        Verdict::NotDue { .. } => 1,
        Verdict::AwaitingEvent { .. } => 2,
        Verdict::Implausible { .. } => 3,
        Verdict::CannotEvaluate { .. } => 4,
        Verdict::Permanent => 5,
    };
    let day = |verdict: &Verdict| match verdict {
        Verdict::Due { due, .. } | Verdict::NotDue { due } => *due,
        _ => Date::MIN,
    };
    verdicts.iter().copied().max_by_key(|verdict| (strength(verdict), day(verdict)))
}

/// Returns whether a change of the schedule brings a record forward (rule 14).
///
/// # Behavior
///
/// - It does when the record may go on an earlier day than before, or may go now while before
///   it could not.
pub fn is_brought_forward(before: &Verdict, after: &Verdict) -> bool {
    let day = |verdict: &Verdict| match verdict {
        Verdict::Due { due, .. } | Verdict::NotDue { due } => Some(*due),
        _ => None,
    };
    match (day(before), day(after)) {
        (Some(before), Some(after)) => after < before,
        (None, Some(_)) => true,
        (_, None) => false,
    }
}
