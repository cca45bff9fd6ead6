//! How many records a second the date rules and the hold checks take, on one core.
//!
//! Prints one line for each: `bench NAME N records/s`. Build it in release mode.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context as _, Result};
use indexmap::IndexSet;
use jiff::Timestamp;
use jiff::civil::{Date, date};
use quietus_contract::{DateValue, Form, Key, Shape};
use quietus_schedule::holds::{Facts, Hold, covers};
use quietus_schedule::rules::Rule;
use quietus_schedule::{SourceFile, Sources, check};

const RECORDS: usize = 2_000_000;
const ROUNDS: usize = 3;
const AS_OF: Date = date(2026, 11, 24);

const FORM: &Form = &Form {
    adapter: "plain",
    about: "Stands in for any adapter.",
    system: &[],
    holding: &[Key { name: "table", shape: Shape::Text, required: true, about: "A table." }],
    date_sources: &[],
};

const SCHEDULE: &str = r#"
[schedule]
title = "T"
organisation = "O"
version = "1"
jurisdiction = "JM"
time_zone = "America/Jamaica"
[years]
fiscal = "ends 31 March"
[triggers]
"final payment" = "It was paid."
"last transaction" = "Something happened."
[authorities.NEED]
citation = "Business need"
[class.FIN-010]
title = "Invoices"
owner = "Finance Manager"
trigger = "final payment"
cutoff = "end of fiscal year"
retention = "7 years"
disposition = "destroy"
authority = ["NEED"]
[[class.FIN-010.and_at_least]]
trigger = "last transaction"
retention = "7 years"
[class.FIN-010.in.DE]
cutoff = "end of calendar year"
retention = "8 years"
"#;

const SYSTEMS: &str = r#"
[system.erp]
adapter = "plain"
time_zone = "Europe/Berlin"
not_a_date = ["9999-12-31", "1900-01-01"]
plausible_from = 1998-01-01
[[holding]]
class = "FIN-010"
system = "erp"
table = "invoice"
jurisdiction = "{country}"
dates = { "final payment" = "paid_at", "last transaction" = "ordered_at" }
"#;

fn rule() -> Result<Rule> {
    let file = |name: &str, text: &str| SourceFile { name: name.to_owned(), text: text.to_owned() };
    let sources = Sources {
        schedule: file("schedule.toml", SCHEDULE),
        systems: file("systems.toml", SYSTEMS),
        holds: None,
        registers: Vec::new(),
    };
    let programme = check(&sources, &[FORM]).programme.context("the schedule has a defect")?;
    let holding = programme.holdings.first().context("there is no holding")?;
    Ok(Rule::compile(&programme, holding))
}

/// A local time and a moment for each record: the dearest kinds of value.
fn records() -> Result<Vec<[DateValue; 2]>> {
    let mut records = Vec::with_capacity(RECORDS);
    for n in 0..i64::try_from(RECORDS)? {
        let moment = Timestamp::from_second(900_000_000 + n * 401)?;
        let local = jiff::tz::TimeZone::UTC.to_datetime(moment);
        records.push([DateValue::Local(local), DateValue::Moment(moment)]);
    }
    Ok(records)
}

fn hold() -> Hold {
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
    Hold {
        id: "2026-003".to_owned(),
        matter: "Acme v. Blue Mountain".to_owned(),
        reason: "litigation".to_owned(),
        ordered_by: "General Counsel".to_owned(),
        placed_on: date(2026, 3, 12),
        review_by: None,
        classes: words(&["FIN-010", "CON-010", "COR-010"]),
        systems: IndexSet::new(),
        subjects: (0..1_000).map(|n| format!("customer:{}", n * 7)).collect(),
        custodians: words(&["purchasing@example.com", "sales@example.com"]),
        from: Some(date(2023, 1, 1)),
        to: Some(date(2026, 3, 12)),
        released_by: None,
        released_on: None,
    }
}

/// Prints the best of some rounds; others were disturbed by the machine.
fn bench(name: &str, mut round: impl FnMut() -> usize) -> Result<()> {
    let mut best = f64::INFINITY;
    let mut hits = 0;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        hits = black_box(round());
        best = best.min(start.elapsed().as_secs_f64());
    }
    let records = f64::from(u32::try_from(RECORDS)?);
    println!("bench {name} {:.0} records/s ({hits} of {RECORDS} records)", records / best);
    Ok(())
}

fn main() -> Result<()> {
    let rule = rule()?;
    let records = records()?;
    let place = |n: usize| if n.is_multiple_of(5) { Some("DE") } else { Some("JM") };
    bench("rules.judge", || {
        let due = |(n, values): &(usize, &[DateValue; 2])| {
            rule.judge(black_box(*values), place(*n), AS_OF).is_due()
        };
        records.iter().enumerate().filter(due).count()
    })?;

    let hold = hold();
    let subjects: Vec<String> = (0..RECORDS).map(|n| format!("customer:{}", n % 10_000)).collect();
    let days = [Some(date(2024, 5, 6)), Some(date(2019, 5, 6))];
    bench("rules.covers", || {
        let held = |subject: &&String| {
            let facts = Facts {
                class: "FIN-010",
                system: "erp",
                subject: Some(subject),
                custodian: Some("info@example.com"),
                days: &days,
                has_subject_template: true,
                has_custodian_template: true,
            };
            covers(&hold, black_box(&facts)).is_some()
        };
        subjects.iter().filter(held).count()
    })
}
