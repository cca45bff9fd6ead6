//! The second judge: whether a record is due, computed again by other means (P24).
//!
//! The rules of the schedule crate decide; this module contradicts them where it can. It shares
//! no arithmetic with them: days are counted here as whole numbers since 1970-01-01, with the
//! civil calendar written out below, and of the calendar library it takes nothing but the offset
//! of a zone at a moment. A record goes only if both say that it is due, on the same day.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use quietus_contract::DateValue;
use quietus_schedule::{Clause, Cutoff, Holding, Programme, Terms, Unit, YearEnd, Years};

const DAY_SECONDS: i64 = 86_400;
/// How far the last place on earth is behind UTC.
const ANYWHERE_BEHIND_SECONDS: i64 = 12 * 3_600;
/// No zone is further from UTC than this.
const OFFSET_SECONDS_MAX: i64 = 26 * 3_600;

/// A day, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EpochDay(pub i64);

impl EpochDay {
    /// Counts the days up to a date.
    pub fn of(date: Date) -> Self {
        Self(days_from_civil(date.year().into(), date.month().into(), date.day().into()))
    }
}

/// What the second judge says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// The record may go since this day.
    Due(EpochDay),
    /// It may not, or nobody can tell.
    Keep,
}

/// The second judge of one holding.
#[derive(Clone, Debug)]
pub struct Guard {
    base: Vec<GuardClause>,
    variants: Vec<(String, Vec<GuardClause>)>,
    base_places: Vec<String>,
    days_in: TimeZone,
    undated_in: Option<TimeZone>,
    not_a_date: Vec<i64>,
    plausible_from: Option<i64>,
}

/// One clause: which value starts it, and what is added.
#[derive(Clone, Debug)]
struct GuardClause {
    value: Option<usize>,
    round_up: Option<RoundUp>,
    count: i64,
    unit: Unit,
}

#[derive(Clone, Copy, Debug)]
enum RoundUp {
    /// To the last day of the group of this many months, counted from January.
    Months(i64),
    /// To the next last day of a year that ends on this day.
    YearEnding(i64, i64),
    /// The year is not defined: nothing is ever due by it.
    Never,
}

impl Guard {
    /// Takes what it needs from the checked programme.
    pub fn compile(programme: &Programme, holding: &Holding) -> Self {
        let schedule = &programme.schedule;
        let clauses = |terms: &Terms| match terms {
            Terms::Permanent => Vec::new(),
            Terms::Clauses(list) => {
                list.iter().map(|c| GuardClause::of(c, holding, &schedule.years)).collect()
            }
        };
        let class = schedule.classes.get(&holding.class);
        let system = programme.systems.get(&holding.system);
        let mut base_places = vec![schedule.jurisdiction.clone()];
        base_places.extend(schedule.other_jurisdictions.iter().cloned());
        Self {
            base: class.map(|c| clauses(&c.terms)).unwrap_or_default(),
            variants: class
                .map(|c| c.variants.iter().map(|(k, v)| (k.clone(), clauses(&v.terms))).collect())
                .unwrap_or_default(),
            base_places,
            days_in: schedule.time_zone.clone(),
            undated_in: system.and_then(|s| s.time_zone.clone()),
            not_a_date: system
                .map(|s| s.not_a_date.iter().map(|d| EpochDay::of(*d).0).collect())
                .unwrap_or_default(),
            plausible_from: system.and_then(|s| s.plausible_from).map(|d| EpochDay::of(d).0),
        }
    }

    /// Judges one record: one value for each of the holding's dates, in their order.
    pub fn judge(&self, values: &[DateValue], jurisdiction: Option<&str>, as_of: Date) -> Opinion {
        match self.due_day(values, jurisdiction) {
            Some(day) if day <= EpochDay::of(as_of).0 => Opinion::Due(EpochDay(day)),
            _ => Opinion::Keep,
        }
    }

    /// Says whether the record may go, and since the same day that the rules found.
    pub fn agrees(
        &self,
        values: &[DateValue],
        jurisdiction: Option<&str>,
        due: Date,
        as_of: Date,
    ) -> bool {
        self.judge(values, jurisdiction, as_of) == Opinion::Due(EpochDay::of(due))
    }

    fn due_day(&self, values: &[DateValue], jurisdiction: Option<&str>) -> Option<i64> {
        let mut latest: Option<i64> = None;
        for clause in self.clauses_for(jurisdiction)? {
            let day = self.day_of(values.get(clause.value?)?)?;
            let due = clause.last_day_kept(day)?.checked_add(1)?;
            latest = Some(latest.map_or(due, |l| l.max(due)));
        }
        latest
    }

    fn clauses_for(&self, jurisdiction: Option<&str>) -> Option<&[GuardClause]> {
        if self.variants.is_empty() {
            return Some(&self.base);
        }
        let place = jurisdiction?;
        if let Some((_, clauses)) = self.variants.iter().find(|(name, _)| name == place) {
            return Some(clauses);
        }
        self.base_places.iter().any(|p| p == place).then_some(&self.base)
    }

    /// Turns a value into a day of the schedule; `None` where it must not count as one.
    fn day_of(&self, value: &DateValue) -> Option<i64> {
        let (stored, day) = match value {
            DateValue::Absent | DateValue::Unreadable(_) => return None,
            DateValue::Day(date) => ([None; 2], EpochDay::of(*date).0),
            DateValue::Local(local) => {
                let seconds = local_seconds(*local);
                let moment = match &self.undated_in {
                    Some(zone) => latest_moment(zone, seconds)?,
                    // Nobody says where: no place on earth is further behind than this.
                    None => seconds.checked_add(ANYWHERE_BEHIND_SECONDS)?,
                };
                let written = EpochDay::of(local.date()).0;
                ([Some(written), None], day_at(&self.days_in, moment)?)
            }
            DateValue::Moment(moment) => {
                let nanoseconds = moment.as_nanosecond().div_euclid(1_000_000_000);
                let seconds = i64::try_from(nanoseconds).ok()?;
                let there = self.undated_in.as_ref().and_then(|zone| day_at(zone, seconds));
                let in_utc = seconds.div_euclid(DAY_SECONDS);
                ([Some(in_utc), there], day_at(&self.days_in, seconds)?)
            }
        };
        // A sentinel may be meant as it is stored, or as it reads in a zone.
        let means_none = |d: i64| self.not_a_date.contains(&d);
        let sentinel = means_none(day) || stored.into_iter().flatten().any(means_none);
        let plausible = self.plausible_from.is_none_or(|from| day >= from);
        (!sentinel && plausible).then_some(day)
    }
}

impl GuardClause {
    fn of(clause: &Clause, holding: &Holding, years: &Years) -> Self {
        let year = |end: Option<YearEnd>| {
            end.map_or(RoundUp::Never, |e| RoundUp::YearEnding(e.month.into(), e.day.into()))
        };
        Self {
            value: holding.dates.get_index_of(&clause.trigger),
            round_up: clause.cutoff.map(|cutoff| match cutoff {
                Cutoff::Month => RoundUp::Months(1),
                Cutoff::Quarter => RoundUp::Months(3),
                Cutoff::CalendarYear => RoundUp::Months(12),
                Cutoff::FiscalYear => year(years.fiscal),
                Cutoff::TaxYear => year(years.tax),
                Cutoff::AcademicYear => year(years.academic),
            }),
            count: clause.retention.count().into(),
            unit: clause.retention.unit(),
        }
    }

    fn last_day_kept(&self, day: i64) -> Option<i64> {
        let start = match self.round_up {
            None => day,
            Some(RoundUp::Never) => return None,
            Some(RoundUp::Months(group)) => {
                let (year, month, _) = civil_from_days(day);
                let last_month = (month + group - 1) / group * group;
                days_from_civil(year, last_month, month_length(year, last_month))
            }
            Some(RoundUp::YearEnding(month, last)) => {
                let (year, _, _) = civil_from_days(day);
                let end = |y| days_from_civil(y, month, last.min(month_length(y, month)));
                if day <= end(year) { end(year) } else { end(year + 1) }
            }
        };
        match self.unit {
            Unit::Days => start.checked_add(self.count),
            Unit::Weeks => start.checked_add(self.count.checked_mul(7)?),
            Unit::Months => Some(add_months(start, self.count)),
            Unit::Years => Some(add_months(start, self.count.checked_mul(12)?)),
        }
    }
}

fn add_months(day: i64, months: i64) -> i64 {
    let (year, month, day_of_month) = civil_from_days(day);
    let index = year * 12 + (month - 1) + months;
    let (year, month) = (index.div_euclid(12), index.rem_euclid(12) + 1);
    days_from_civil(year, month, day_of_month.min(month_length(year, month)))
}

fn month_length(year: i64, month: i64) -> i64 {
    let leap = year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Counts the days from 1970-01-01, in the Gregorian calendar carried back for ever.
///
/// Years are taken to begin in March, so that the leap day is the last of its year; 400 such
/// years have 146,097 days.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`]: year, month, day.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let leaps = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leaps) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

fn local_seconds(local: DateTime) -> i64 {
    let time = i64::from(local.hour()) * 3_600 + i64::from(local.minute()) * 60;
    EpochDay::of(local.date()).0 * DAY_SECONDS + time + i64::from(local.second())
}

fn day_at(zone: &TimeZone, moment: i64) -> Option<i64> {
    Some((moment + offset_at(zone, moment)?).div_euclid(DAY_SECONDS))
}

fn offset_at(zone: &TimeZone, moment: i64) -> Option<i64> {
    Some(zone.to_offset(Timestamp::from_second(moment).ok()?).seconds().into())
}

/// Finds the moment that a clock on the wall of `zone` means; the later one where it means two,
/// and the later reading where clocks were moved past it.
fn latest_moment(zone: &TimeZone, local: i64) -> Option<i64> {
    let before = local - offset_at(zone, local - OFFSET_SECONDS_MAX)?;
    let after = local - offset_at(zone, local + OFFSET_SECONDS_MAX)?;
    if before == after {
        return Some(before);
    }
    let means = |moment: i64| offset_at(zone, moment).map(|offset| moment + offset == local);
    match (means(before)?, means(after)?) {
        (true, false) => Some(before),
        (false, true) => Some(after),
        _ => Some(before.max(after)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use quietus_schedule::rules::{Rule, Verdict};

    #[test]
    fn the_calendar_is_the_same_as_the_librarys_on_every_day_of_a_thousand_years() {
        let mut date = jiff::civil::date(1600, 1, 1);
        let mut day = EpochDay::of(date).0;
        assert_eq!(EpochDay::of(jiff::civil::date(1970, 1, 1)).0, 0);
        while date.year() < 2600 {
            assert_eq!(EpochDay::of(date).0, day, "{date}");
            let (y, m, d) = civil_from_days(day);
            assert_eq!((y, m, d), (date.year().into(), date.month().into(), date.day().into()));
            assert_eq!(month_length(y, m), i64::from(date.days_in_month()));
            date = date.tomorrow().unwrap();
            day += 1;
        }
    }

    #[test]
    fn a_leap_day_and_a_month_that_is_too_short_end_on_its_last_day() {
        let day = |y, m, d| days_from_civil(y, m, d);
        assert_eq!(add_months(day(2000, 2, 29), 84), day(2007, 2, 28));
        assert_eq!(add_months(day(2023, 8, 31), 6), day(2024, 2, 29));
        assert_eq!(add_months(day(2022, 8, 31), 6), day(2023, 2, 28));
        assert_eq!(add_months(day(2022, 12, 31), 1), day(2023, 1, 31));
    }

    #[test]
    fn a_clock_time_that_comes_twice_means_the_later_and_one_that_is_skipped_the_later_reading() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let at = |text: &str| local_seconds(text.parse().unwrap());
        let utc = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
        let twice = latest_moment(&zone, at("2023-10-29T02:30:00"));
        assert_eq!(twice, Some(utc("2023-10-29T01:30:00Z")));
        let never = latest_moment(&zone, at("2023-03-26T02:30:00"));
        assert_eq!(never, Some(utc("2023-03-26T01:30:00Z")));
        let plain = latest_moment(&zone, at("2023-06-01T12:00:00"));
        assert_eq!(plain, Some(utc("2023-06-01T10:00:00Z")));
    }

    proptest! {
        #[test]
        fn moments_fall_on_the_day_that_the_library_shows(
            second in -60_000_000_000i64..200_000_000_000,
            zone in prop::sample::select(vec![
                "America/Jamaica", "Pacific/Apia", "Asia/Kathmandu", "Europe/London",
                "Africa/Casablanca", "Australia/Lord_Howe", "UTC",
            ]),
        ) {
            let zone = TimeZone::get(zone).unwrap();
            let date = Timestamp::from_second(second).unwrap().to_zoned(zone.clone()).date();
            prop_assert_eq!(day_at(&zone, second), Some(EpochDay::of(date).0));
        }
    }

    /// A programme with one class whose terms are drawn, and systems as they are drawn.
    fn programme(terms: &str, variant: &str, days_in: &str, zone: &str) -> Programme {
        let schedule = format!(
            "[schedule]\ntitle = \"S\"\norganisation = \"O\"\nversion = \"1\"\n\
             approved_by = \"A\"\napproved_on = 2026-01-15\njurisdiction = \"JM\"\n\
             time_zone = \"{days_in}\"\n[years]\nfiscal = \"ends 31 March\"\n\
             tax = \"ends 5 April\"\nacademic = \"ends 29 February\"\n\
             [triggers]\n\"a\" = \"A.\"\n\"b\" = \"B.\"\n\
             [authorities.N]\ncitation = \"Need\"\n[class.C]\ntitle = \"C\"\nowner = \"O\"\n\
             trigger = \"a\"\n{terms}\ndisposition = \"destroy\"\nauthority = [\"N\"]\n\
             {variant}\n[[class.C.and_at_least]]\ntrigger = \"b\"\nretention = \"3 months\"\n\
             authority = [\"N\"]\n"
        );
        let systems = format!(
            "[system.s]\nadapter = \"memory\"\nstore = \"m\"\n{zone}\n\
             not_a_date = [1900-01-01, 9999-12-31]\nplausible_from = 1950-01-01\n\
             [[holding]]\nclass = \"C\"\nsystem = \"s\"\nshelf = \"x\"\n\
             dates = {{ \"a\" = \"a\", \"b\" = \"b\" }}\njurisdiction = \"{{j}}\"\n"
        );
        crate::testing::programme_of(&schedule, &systems)
    }

    fn value() -> impl Strategy<Value = DateValue> {
        let range = -30_000i64..60_000;
        let date = |day: i64| {
            let (y, m, d) = civil_from_days(day);
            let small = |n: i64| i8::try_from(n).unwrap();
            jiff::civil::date(i16::try_from(y).unwrap(), small(m), small(d))
        };
        let local = (range.clone(), 0i8..24, 0i8..60)
            .prop_map(move |(day, h, m)| DateValue::Local(date(day).at(h, m, 0, 0)));
        let moment = (-2_600_000_000i64..5_000_000_000, -5i32..5).prop_map(|(s, n)| {
            let duration = jiff::SignedDuration::new(s, n);
            DateValue::Moment(Timestamp::from_duration(duration).unwrap())
        });
        prop_oneof![
            1 => Just(DateValue::Absent),
            1 => Just(DateValue::Unreadable("text")),
            1 => Just(DateValue::Day(jiff::civil::date(1900, 1, 1))),
            1 => Just(DateValue::Day(jiff::civil::date(9999, 12, 31))),
            8 => range.prop_map(move |day| DateValue::Day(date(day))),
            8 => local,
            8 => moment,
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn the_two_judges_agree(
            count in 0u32..50,
            unit in prop::sample::select(vec!["days", "weeks", "months", "years"]),
            cutoff in prop::sample::select(vec![
                "", "end of month", "end of quarter", "end of calendar year",
                "end of fiscal year", "end of tax year", "end of academic year",
            ]),
            variant in any::<bool>(),
            days_in in prop::sample::select(ZONES.to_vec()),
            zone in prop::option::of(prop::sample::select(ZONES.to_vec())),
            cases in prop::collection::vec(
                (value(), value(), prop::sample::select(vec![None, Some("JM"), Some("DE"), Some("X")]),
                 -5i64..5, -30_000i64..60_000),
                100,
            ),
        ) {
            let cutoff = if cutoff.is_empty() { String::new() } else { format!("cutoff = \"{cutoff}\"") };
            let terms = format!("{cutoff}\nretention = \"{count} {unit}\"");
            let variant = if variant { "[class.C.in.DE]\nretention = \"7 weeks\"" } else { "" };
            let zone = zone.map(|z| format!("time_zone = \"{z}\"")).unwrap_or_default();
            let programme = programme(&terms, variant, days_in, &zone);
            let holding = programme.holdings.first().unwrap();
            let (rule, guard) = (Rule::compile(&programme, holding), Guard::compile(&programme, holding));
            for (a, b, place, near, far) in cases {
                let values = [a, b];
                // Mostly the days around the due day, where the judges could part.
                let day = guard.due_day(&values, place).map_or(far, |d| d + near);
                let (y, m, d) = civil_from_days(day.clamp(-200_000, 2_900_000));
                let small = |n: i64| i8::try_from(n).unwrap();
                let as_of = jiff::civil::date(i16::try_from(y).unwrap(), small(m), small(d));
                let second = match guard.judge(&values, place, as_of) {
                    Opinion::Due(day) => Some(day),
                    Opinion::Keep => None,
                };
                let first = match rule.judge(&values, place, as_of) {
                    Verdict::Due { due, .. } => Some(EpochDay::of(due)),
                    _ => None,
                };
                prop_assert_eq!(first, second, "{:?} {:?} as of {}", values, place, as_of);
            }
        }
    }

    #[test]
    fn a_judge_that_is_a_day_early_does_not_agree() {
        let programme = programme("retention = \"30 days\"", "", "UTC", "time_zone = \"UTC\"");
        let holding = programme.holdings.first().unwrap();
        let mut guard = Guard::compile(&programme, holding);
        let values = [DateValue::Day(jiff::civil::date(2026, 1, 1)); 2];
        let (as_of, due) = (jiff::civil::date(2026, 5, 1), jiff::civil::date(2026, 4, 2));
        assert!(guard.agrees(&values, None, due, as_of));
        for clause in &mut guard.base {
            clause.unit = Unit::Days;
            clause.count = 89;
        }
        assert!(!guard.agrees(&values, None, due, as_of));
    }

    const ZONES: [&str; 8] = [
        "America/Jamaica",
        "Pacific/Apia",
        "Asia/Kathmandu",
        "Europe/London",
        "Africa/Casablanca",
        "Australia/Lord_Howe",
        "America/Sao_Paulo",
        "UTC",
    ];
}
