//! The fourteen date rules, one after the other.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;
use quietus_contract::DateValue;
use quietus_schedule::rules::{Reason, Rule, Verdict, is_brought_forward, join};
use quietus_schedule::{SourceFile, Sources, check};

use crate::common;

/// The rule of a class with these lines, in a system with those.
fn rule(class: &str, system: &str) -> Rule {
    rule_in("America/Jamaica", class, system)
}

fn rule_in(zone: &str, class: &str, system: &str) -> Rule {
    let file = |name: &str, text: String| SourceFile { name: name.to_owned(), text };
    let schedule = format!(
        r#"
[schedule]
title = "T"
organisation = "O"
version = "1"
jurisdiction = "JM"
other_jurisdictions = ["BB"]
time_zone = "{zone}"
[years]
fiscal = "ends 31 March"
[triggers]
payment = "It was paid."
closure = "It was closed."
[authorities.NEED]
citation = "Business need"
[class.FIN-010]
title = "Invoices"
owner = "Finance Manager"
disposition = "destroy"
authority = ["NEED"]
trigger = "payment"
{class}
"#
    );
    let dates = if class.contains("closure") {
        r#"{ payment = "paid_on", closure = "closed_on" }"#
    } else {
        r#"{ payment = "paid_on" }"#
    };
    let systems = format!(
        "[system.erp]\nadapter = \"postgres\"\n{system}\n[[holding]]\nclass = \"FIN-010\"\n\
         system = \"erp\"\ntable = \"invoice\"\nkey = [\"id\"]\njurisdiction = \"{{country}}\"\n\
         dates = {dates}\n"
    );
    let sources = Sources {
        schedule: file("schedule.toml", schedule),
        systems: file("systems.toml", systems),
        holds: None,
        registers: Vec::new(),
    };
    let checked = check(&sources, common::FORMS);
    let errors = common::render(&sources, &checked.defects);
    let programme = checked.programme.unwrap_or_else(|| panic!("{errors}"));
    Rule::compile(&programme, &programme.holdings[0])
}

const SEVEN: &str = r#"retention = "7 years""#;

fn moment(text: &str) -> DateValue {
    DateValue::Moment(text.parse().unwrap())
}

fn local(text: &str) -> DateValue {
    DateValue::Local(text.parse().unwrap())
}

/// The day from which a record may go, or the verdict that says why there is none.
fn due(rule: &Rule, values: &[DateValue]) -> Result<Date, Verdict> {
    match rule.judge(values, Some("JM"), date(1990, 1, 1)) {
        Verdict::Due { due, .. } | Verdict::NotDue { due } => Ok(due),
        other => Err(other),
    }
}

#[test]
fn rule_1_days_are_counted_in_the_schedules_zone() {
    let rule = rule(SEVEN, r#"time_zone = "Europe/Berlin""#);
    // 02:00 UTC is the evening before in Jamaica.
    assert_eq!(due(&rule, &[moment("2017-01-01T02:00:00Z")]), Ok(date(2024, 1, 1)));
    assert_eq!(due(&rule, &[moment("2017-01-01T05:00:00Z")]), Ok(date(2024, 1, 2)));
    // So is 05:59 in Berlin.
    assert_eq!(due(&rule, &[local("2017-01-01T05:59:59")]), Ok(date(2024, 1, 1)));
    assert_eq!(due(&rule, &[local("2017-01-01T06:00:00")]), Ok(date(2024, 1, 2)));
    assert_eq!(due(&rule, &[DateValue::Day(date(2017, 1, 1))]), Ok(date(2024, 1, 2)));
}

#[test]
fn rule_1_a_time_without_any_zone_is_the_last_moment_that_it_can_be() {
    // When it is 17:00 at the last place on earth, Jamaica begins the next day.
    let rule = rule(SEVEN, "");
    assert_eq!(due(&rule, &[local("2016-12-31T16:59:59")]), Ok(date(2024, 1, 1)));
    assert_eq!(due(&rule, &[local("2016-12-31T17:00:00")]), Ok(date(2024, 1, 2)));
}

#[test]
fn rule_1_a_local_time_that_was_skipped_or_repeated_is_the_later_one() {
    // Havana goes from 0:59 back to midnight; only the second 0:30 is on the later UTC hour.
    let havana = rule_in("UTC", SEVEN, r#"time_zone = "America/Havana""#);
    let repeated = TimeZone::get("America/Havana").unwrap();
    let twice = "2016-11-06T00:30:00".parse().unwrap();
    assert!(repeated.to_ambiguous_timestamp(twice).is_ambiguous());
    assert_eq!(due(&havana, &[DateValue::Local(twice)]), Ok(date(2023, 11, 7)));
    // Samoa had no 30 December 2011.
    let apia = rule_in("Pacific/Apia", SEVEN, r#"time_zone = "Pacific/Apia""#);
    assert_eq!(due(&apia, &[local("2011-12-30T12:00:00")]), Ok(date(2019, 1, 1)));
}

#[test]
fn rule_2_a_cutoff_moves_to_the_last_day_of_its_period() {
    let cases = [
        ("end of month", date(2017, 2, 3), date(2024, 2, 29)),
        ("end of quarter", date(2017, 2, 3), date(2024, 4, 1)),
        ("end of calendar year", date(2017, 2, 3), date(2025, 1, 1)),
        ("end of fiscal year", date(2017, 3, 31), date(2024, 4, 1)),
        ("end of fiscal year", date(2017, 4, 1), date(2025, 4, 1)),
    ];
    for (cutoff, paid, first) in cases {
        let rule = rule(&format!("cutoff = \"{cutoff}\"\n{SEVEN}"), "");
        assert_eq!(due(&rule, &[DateValue::Day(paid)]), Ok(first), "{cutoff} of {paid}");
    }
}

#[test]
fn rule_3_a_day_that_does_not_exist_becomes_the_last_of_its_month() {
    let seven = rule(SEVEN, "");
    assert_eq!(due(&seven, &[DateValue::Day(date(2000, 2, 29))]), Ok(date(2007, 3, 1)));
    let six = rule(r#"retention = "6 months""#, "");
    assert_eq!(due(&six, &[DateValue::Day(date(2025, 8, 31))]), Ok(date(2026, 3, 1)));
}

#[test]
fn rule_3_nothing_beyond_the_calendar_is_due() {
    let reason = Reason::BeyondCalendar { trigger: 0 };
    let seven = rule(SEVEN, "");
    // Seven years on is the last day of the calendar, which has no day after it.
    for day in [date(9993, 1, 1), date(9992, 12, 31)] {
        let verdict = due(&seven, &[DateValue::Day(day)]);
        assert_eq!(verdict, Err(Verdict::CannotEvaluate { reason }), "{day}");
    }
    assert_eq!(due(&seven, &[DateValue::Day(date(9992, 12, 30))]), Ok(date(9999, 12, 31)));
}

#[test]
fn rule_4_a_record_is_due_from_the_day_after_the_last_day_kept() {
    let rule = rule(SEVEN, "");
    let paid = [DateValue::Day(date(2017, 5, 6))];
    let judge = |as_of| rule.judge(&paid, None, as_of);
    assert_eq!(judge(date(2024, 5, 6)), Verdict::NotDue { due: date(2024, 5, 7) });
    assert_eq!(judge(date(2024, 5, 7)), Verdict::Due { due: date(2024, 5, 7), overdue: false });
}

const TWO: &str = r#"retention = "7 years"
[[class.FIN-010.and_at_least]]
trigger = "closure"
retention = "2 years""#;

#[test]
fn rule_5_the_latest_of_several_clauses_governs() {
    let rule = rule(TWO, "");
    let day = |d| DateValue::Day(d);
    let early = [day(date(2017, 5, 6)), day(date(2017, 6, 1))];
    assert_eq!(due(&rule, &early), Ok(date(2024, 5, 7)));
    let late = [day(date(2017, 5, 6)), day(date(2023, 6, 1))];
    assert_eq!(due(&rule, &late), Ok(date(2025, 6, 2)));
    let open = [day(date(2017, 5, 6)), DateValue::Absent];
    assert_eq!(due(&rule, &open), Err(Verdict::AwaitingEvent { trigger: 1 }));
}

#[test]
fn rule_7_without_a_date_nothing_is_ever_due() {
    let rule = rule(SEVEN, "not_a_date = [\"9999-12-31\", 1900-01-01]\ntime_zone = \"UTC\"");
    let awaiting = Err(Verdict::AwaitingEvent { trigger: 0 });
    assert_eq!(due(&rule, &[]), awaiting);
    assert_eq!(due(&rule, &[DateValue::Absent]), awaiting);
    assert_eq!(due(&rule, &[DateValue::Day(date(1900, 1, 1))]), awaiting);
    assert_eq!(due(&rule, &[local("1900-01-01T00:00:00")]), awaiting);
    // Stored as midnight in UTC, it is another day in Jamaica.
    assert_eq!(due(&rule, &[moment("1900-01-01T00:00:00Z")]), awaiting);
    assert_eq!(due(&rule, &[local("9999-12-31T23:59:59")]), awaiting);
    let unreadable = Reason::UnreadableDate { trigger: 0 };
    let verdict = due(&rule, &[DateValue::Unreadable("a text")]);
    assert_eq!(verdict, Err(Verdict::CannotEvaluate { reason: unreadable }));
}

#[test]
fn rule_8_a_date_that_is_too_early_is_reported_and_not_acted_on() {
    let rule = rule(SEVEN, "plausible_from = 1998-01-01");
    let early = DateValue::Day(date(1997, 12, 31));
    let verdict = Verdict::Implausible { trigger: 0, date: date(1997, 12, 31) };
    assert_eq!(rule.judge(&[early], None, date(2030, 1, 1)), verdict);
    assert_eq!(due(&rule, &[DateValue::Day(date(1998, 1, 1))]), Ok(date(2005, 1, 2)));
}

const VARIANTS: &str = r#"retention = "7 years"
[[class.FIN-010.and_at_least]]
trigger = "closure"
retention = "1 year"
[class.FIN-010.in.DE]
cutoff = "end of calendar year"
retention = "8 years"
[class.FIN-010.in.FR]
retention = "permanent""#;

#[test]
fn rule_9_an_unknown_jurisdiction_cannot_be_evaluated_where_variants_exist() {
    let rule = rule(VARIANTS, "");
    let values = [DateValue::Day(date(2010, 5, 6)), DateValue::Day(date(2010, 5, 6))];
    let judge = |place| rule.judge(&values, place, date(2030, 1, 1));
    let unknown = Verdict::CannotEvaluate { reason: Reason::UnknownJurisdiction };
    for place in [None, Some("US"), Some("de"), Some("Germany"), Some("")] {
        assert_eq!(judge(place), unknown, "{place:?}");
    }
    for (place, first) in
        [("JM", date(2017, 5, 7)), ("BB", date(2017, 5, 7)), ("DE", date(2019, 1, 1))]
    {
        assert_eq!(judge(Some(place)), Verdict::Due { due: first, overdue: true }, "{place}");
    }
    assert_eq!(judge(Some("FR")), Verdict::Permanent);
}

#[test]
fn rule_9_a_variant_keeps_the_further_clauses_of_its_class() {
    let rule = rule(VARIANTS, "");
    let values = [DateValue::Day(date(2010, 5, 6)), DateValue::Day(date(2025, 5, 6))];
    let verdict = rule.judge(&values, Some("DE"), date(2030, 1, 1));
    assert_eq!(verdict, Verdict::Due { due: date(2026, 5, 7), overdue: true });
}

#[test]
fn rule_10_a_record_of_two_classes_is_due_when_due_under_both() {
    let d = |day| Verdict::Due { due: date(2024, 1, day), overdue: day == 1 };
    assert_eq!(join(&[d(1), d(2)]), Some(d(2)));
    let later = Verdict::NotDue { due: date(2025, 1, 1) };
    assert_eq!(join(&[d(1), later, d(2)]), Some(later));
    let awaiting = Verdict::AwaitingEvent { trigger: 0 };
    assert_eq!(join(&[d(1), awaiting, later]), Some(awaiting));
    assert_eq!(join(&[awaiting, Verdict::Permanent]), Some(Verdict::Permanent));
    assert_eq!(join(&[]), None);
}

#[test]
fn rule_11_a_record_is_overdue_after_dispose_within() {
    let rule = rule("dispose_within = \"7 days\"\nretention = \"30 days\"", "");
    let values = [DateValue::Day(date(2026, 1, 1))];
    let judge = |as_of| rule.judge(&values, None, as_of);
    let first = date(2026, 2, 1);
    assert_eq!(judge(date(2026, 2, 8)), Verdict::Due { due: first, overdue: false });
    assert_eq!(judge(date(2026, 2, 9)), Verdict::Due { due: first, overdue: true });
}

#[test]
fn rule_14_a_change_that_brings_records_forward_is_noticed() {
    let d = |year| Verdict::NotDue { due: date(year, 1, 1) };
    assert!(is_brought_forward(&d(2030), &d(2029)));
    assert!(!is_brought_forward(&d(2030), &d(2030)));
    assert!(!is_brought_forward(&d(2030), &d(2031)));
    assert!(is_brought_forward(&Verdict::Permanent, &d(2030)));
    assert!(is_brought_forward(&Verdict::AwaitingEvent { trigger: 0 }, &d(2030)));
    assert!(!is_brought_forward(&d(2030), &Verdict::Permanent));
}

#[test]
fn explanations_say_every_step() {
    let rule = rule(
        VARIANTS,
        "time_zone = \"UTC\"\nnot_a_date = [\"1900-01-01\"]\nplausible_from = 1998-01-01",
    );
    let as_of = date(2026, 11, 24);
    let day = |d| DateValue::Day(d);
    let cases: [(&str, [DateValue; 2], Option<&str>); 9] = [
        ("due", [day(date(2016, 5, 6)), day(date(2020, 5, 6))], Some("JM")),
        ("in DE", [day(date(2018, 5, 6)), day(date(2020, 5, 6))], Some("DE")),
        ("in FR", [day(date(2016, 5, 6)), day(date(2020, 5, 6))], Some("FR")),
        ("nowhere", [day(date(2016, 5, 6)), day(date(2020, 5, 6))], None),
        ("elsewhere", [day(date(2016, 5, 6)), day(date(2020, 5, 6))], Some("US")),
        ("not due", [local("2019-11-25T03:00:00"), moment("2025-01-01T03:00:00Z")], Some("JM")),
        ("awaiting both", [DateValue::Absent, day(date(1900, 1, 1))], Some("JM")),
        ("implausible", [day(date(1970, 1, 1)), DateValue::Unreadable("a text")], Some("JM")),
        ("beyond", [day(date(9999, 1, 1)), day(date(9999, 12, 31))], Some("JM")),
    ];
    let mut all = String::new();
    for (name, values, place) in cases {
        let explained = rule.explain(&values, place, as_of);
        assert_eq!(explained.verdict, rule.judge(&values, place, as_of), "{name}");
        all.push_str(&format!("{name}: {:?}\n{explained}\n", explained.verdict));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn bounds_are_as_narrow_as_zones_allow() {
    let as_of = date(2026, 11, 24);
    let rule = rule("cutoff = \"end of fiscal year\"\nretention = \"7 years\"", "");
    // Paid by 31 March 2019: the year ends that day, and seven years later it is due.
    assert_eq!(rule.bounds(as_of), [Some(date(2019, 4, 2))]);
    let never = self::rule("retention = \"1000 years\"", "");
    assert_eq!(never.bounds(date(500, 1, 1)), [Some(date(-501, 12, 31) + 2.days())]);
}

#[test]
fn a_trigger_that_a_variant_does_not_use_is_not_bounded() {
    let as_of = date(2026, 11, 24);
    let rule = rule("retention = \"7 years\"\n[class.FIN-010.in.DE]\ntrigger = \"closure\"", "");
    assert_eq!(rule.bounds(as_of), [None, None]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// What is due lies within the bounds, in whatever zone the target stores it.
    #[test]
    fn nothing_that_is_due_lies_beyond_the_bounds(
        which in 0_usize..4,
        seconds in proptest::array::uniform2(0_i64..1_800_000_000),
        kinds in proptest::array::uniform2(0_u8..3),
        place in 0_usize..3,
        later in 0_i64..4_000,
    ) {
        static RULES: std::sync::LazyLock<[Rule; 4]> = std::sync::LazyLock::new(|| [
            rule_in("Pacific/Kiritimati", VARIANTS, "time_zone = \"Etc/GMT+12\""),
            rule_in("Etc/GMT+12", VARIANTS, "time_zone = \"Pacific/Kiritimati\""),
            rule_in("America/Jamaica", TWO, "time_zone = \"Asia/Kolkata\""),
            rule_in("Europe/Berlin", "cutoff = \"end of month\"\nretention = \"1 month\"\n\
                [[class.FIN-010.and_at_least]]\ntrigger = \"closure\"\nretention = \"0 days\"",
                "time_zone = \"Pacific/Apia\""),
        ]);
        let rule = &RULES[which];
        let moments = seconds.map(|s| Timestamp::from_second(s).unwrap());
        let utc = moments.map(|m| TimeZone::UTC.to_datetime(m));
        let mut values = [DateValue::Absent; 2];
        for (n, value) in values.iter_mut().enumerate() {
            *value = match kinds[n] {
                0 => DateValue::Day(utc[n].date()),
                1 => DateValue::Local(utc[n]),
                _ => DateValue::Moment(moments[n]),
            };
        }
        let as_of = utc[0].date().max(utc[1].date()).checked_add(later.days()).unwrap();
        let places = ["JM", "DE", "FR"];
        if rule.judge(&values, Some(places[place]), as_of).is_due() {
            for (n, bound) in rule.bounds(as_of).into_iter().enumerate() {
                if let Some(bound) = bound {
                    prop_assert!(utc[n].date() <= bound, "{} beyond {bound}", utc[n]);
                }
            }
        }
    }
}
