//! Random records, chosen where date rules go wrong.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use quietus_contract::DateValue;
use quietus_schedule::rules::{Reason, Rule, Verdict};
use quietus_tests::chance::Chance;

use crate::spec::Spec;

/// A record, and the day on which it is looked at.
pub struct Case {
    pub as_of: Date,
    pub jurisdiction: Option<&'static str>,
    pub values: Vec<DateValue>,
}

fn number(chance: &mut Chance, low: i64, high: i64) -> i64 {
    low + i64::try_from(chance.below(u64::try_from(high - low + 1).unwrap())).unwrap()
}

/// A day: mostly of our time, often at the end of a month, sometimes at the ends of the calendar.
fn day(chance: &mut Chance, spec: &Spec) -> Date {
    let year = match chance.below(100) {
        0..=89 => number(chance, 1890, 2110),
        90..=95 => number(chance, 2, 9998),
        _ => number(chance, 9700, 9998),
    };
    let year = i16::try_from(year).unwrap();
    let month = i8::try_from(number(chance, 1, 12)).unwrap();
    let first = Date::new(year, month, 1).unwrap();
    let near = |text: &str, chance: &mut Chance| {
        let day: Date = text.parse().unwrap();
        day.checked_add(number(chance, -1, 1).days()).unwrap_or(day)
    };
    match chance.below(100) {
        0..=59 => first.checked_add(number(chance, 0, 27).days()).unwrap(),
        60..=79 => first.last_of_month(),
        80..=84 => {
            Date::new(year, 2, 28).unwrap().checked_add(number(chance, 0, 1).days()).unwrap()
        }
        85..=91 => match chance.pick(&spec.not_a_date) {
            Some(sentinel) => near(sentinel, chance),
            None => first,
        },
        92..=97 => spec.plausible_from.map_or(first, |from| near(from, chance)),
        98 => Date::new(1, 1, 1).unwrap().checked_add(number(chance, 0, 40).days()).unwrap(),
        _ => Date::new(9999, 12, 31).unwrap().checked_sub(number(chance, 0, 40).days()).unwrap(),
    }
}

fn time(chance: &mut Chance) -> Time {
    let nanos = i32::try_from(number(chance, 0, 999_999_999)).unwrap();
    match chance.below(6) {
        0 => Time::midnight(),
        1 => Time::new(23, 59, 59, 999_999_999).unwrap(),
        2 => Time::new(0, 0, 0, 1).unwrap(),
        _ => {
            let part = |chance: &mut Chance, max| i8::try_from(number(chance, 0, max)).unwrap();
            Time::new(part(chance, 23), part(chance, 59), part(chance, 59), nanos).unwrap()
        }
    }
}

/// A moment within two hours of a change of the zone's clocks, where it has one.
fn clock_change(chance: &mut Chance, zone: &str) -> Option<Timestamp> {
    let start = Timestamp::from_second(number(chance, -2_600_000_000, 3_900_000_000)).ok()?;
    let zone = TimeZone::get(zone).ok()?;
    let change = zone.following(start).next()?.timestamp();
    if change.as_second() > 200_000_000_000 {
        return None;
    }
    let nanos = i32::try_from(number(chance, 0, 1) * 999_999_999).ok()?;
    Timestamp::new(change.as_second() + number(chance, -7_200, 7_200), nanos).ok()
}

fn within(day: Date) -> bool {
    (2..=9998).contains(&day.year())
}

fn local(chance: &mut Chance, spec: &Spec) -> DateTime {
    if let Some(zone) = spec.system_zone.as_deref().filter(|_| chance.percent(40))
        && let Some(moment) = clock_change(chance, zone)
    {
        // Read with the offset of before the change: so skipped and repeated times come up.
        let zone = TimeZone::get(zone).unwrap();
        let before = zone.to_offset(moment.checked_sub(3.hours()).unwrap());
        return before.to_datetime(moment);
    }
    let day = day(chance, spec);
    let day = if within(day) { day } else { Date::new(2024, 2, 29).unwrap() };
    day.to_datetime(time(chance))
}

fn value(chance: &mut Chance, spec: &Spec) -> DateValue {
    match chance.below(100) {
        0..=2 => DateValue::Absent,
        3 => DateValue::Unreadable("a text"),
        4..=39 => DateValue::Day(day(chance, spec)),
        40..=69 => DateValue::Local(local(chance, spec)),
        _ => {
            if chance.percent(40)
                && let Some(moment) = clock_change(chance, &spec.zone)
            {
                return DateValue::Moment(moment);
            }
            let local = local(chance, spec);
            DateValue::Moment(TimeZone::UTC.to_timestamp(local).unwrap())
        }
    }
}

impl Case {
    pub fn random(chance: &mut Chance, spec: &Spec, rule: &Rule) -> Self {
        let places = [None, Some("JM"), Some("US"), Some("DE"), Some("GB"), Some("FR"), Some("de")];
        let mut case = Self {
            as_of: day(chance, spec),
            jurisdiction: *chance.pick(&places).unwrap(),
            values: spec.dates.iter().map(|_| value(chance, spec)).collect(),
        };
        // Mostly look at a record on the days around which something happens.
        if chance.percent(75)
            && let Verdict::Due { due, .. } | Verdict::NotDue { due } =
                rule.judge(&case.values, case.jurisdiction, case.as_of)
        {
            let near = match chance.below(4) {
                0 => number(chance, 80, 100),
                1 => number(chance, 0, 400),
                _ => number(chance, -2, 1),
            };
            case.as_of = due.checked_add(near.days()).unwrap_or(due);
        }
        case
    }

    /// The case as the oracle reads it.
    pub fn line(&self, verdict: &Verdict) -> String {
        let values: Vec<String> = self.values.iter().map(write_value).collect();
        format!(
            "C {}\t{}\t{}\t{}\n",
            self.as_of,
            self.jurisdiction.unwrap_or("-"),
            values.join(";"),
            write_verdict(verdict)
        )
    }
}

fn write_value(value: &DateValue) -> String {
    match value {
        DateValue::Absent => "-".to_owned(),
        DateValue::Unreadable(_) => "?".to_owned(),
        DateValue::Day(day) => format!("D{day}"),
        DateValue::Local(local) => format!("L{local}"),
        DateValue::Moment(moment) => format!("M{}", TimeZone::UTC.to_datetime(*moment)),
    }
}

fn write_verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Due { due, overdue: true } => format!("due {due} overdue"),
        Verdict::Due { due, overdue: false } => format!("due {due} in time"),
        Verdict::NotDue { due } => format!("not due {due}"),
        Verdict::Permanent => "permanent".to_owned(),
        Verdict::AwaitingEvent { trigger } => format!("awaiting {trigger}"),
        Verdict::Implausible { trigger, date } => format!("implausible {trigger} {date}"),
        Verdict::CannotEvaluate { reason } => match reason {
            Reason::UnknownJurisdiction => "cannot jurisdiction".to_owned(),
            Reason::UnreadableDate { trigger } => format!("cannot unreadable {trigger}"),
            Reason::BeyondCalendar { trigger } => format!("cannot beyond {trigger}"),
            Reason::NoTerms => "cannot".to_owned(),
        },
    }
}
