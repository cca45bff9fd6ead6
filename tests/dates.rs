//! The date rules against an independent second implementation, `oracle/dates.py`.
//!
//! Every run takes other cases; `QUIETUS_SEED` repeats one. `QUIETUS_DATE_CASES` takes fewer.

#[cfg(test)]
#[path = "dates/cases.rs"]
mod cases;
#[cfg(test)]
#[path = "dates/oracle.rs"]
mod oracle;
#[cfg(test)]
#[path = "dates/spec.rs"]
mod spec;

use oracle::{Wrong, compare};

const CASES: u64 = 1_000_000;

fn seed() -> u64 {
    let said = std::env::var("QUIETUS_SEED").ok().and_then(|text| text.parse().ok());
    let seed = said.unwrap_or_else(|| getrandom::u64().unwrap_or(1));
    println!("seed: QUIETUS_SEED={seed}");
    seed
}

fn cases() -> u64 {
    std::env::var("QUIETUS_DATE_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(CASES)
}

#[test]
fn a_million_random_cases_agree_with_the_second_implementation() {
    let sums = compare(seed(), cases(), Wrong::Nothing);
    println!("{sums:#?}");
    assert_eq!(sums.cases, cases());
    assert_eq!((sums.disagreements, sums.early), (0, 0), "{:#?}", sums.examples);
    for kind in [
        "due in time",
        "due overdue",
        "not due",
        "permanent",
        "awaiting",
        "implausible",
        "cannot jurisdiction",
        "cannot unreadable",
        "cannot beyond",
    ] {
        let seen = sums.kinds.get(kind).copied().unwrap_or(0);
        assert!(seen * 1_000 >= sums.cases, "only {seen} cases are {kind}");
    }
}

/// Breaks a rule on purpose; the second implementation must notice, and notice what is early.
fn caught(wrong: Wrong) {
    let sums = compare(seed(), 20_000, wrong);
    assert!(sums.disagreements > 0, "{wrong:?} was not noticed");
    assert!(sums.early > 0, "{wrong:?} was not seen to be early");
}

#[test]
fn a_rule_that_is_one_day_early_is_caught() {
    caught(Wrong::OneDayEarly);
}

#[test]
fn a_rule_that_forgets_the_later_clause_is_caught() {
    caught(Wrong::FirstClauseOnly);
}

#[test]
fn a_rule_that_counts_days_in_utc_is_caught() {
    caught(Wrong::DaysInUtc);
}

#[test]
fn a_rule_that_takes_sentinels_for_dates_is_caught() {
    caught(Wrong::SentinelsAreDates);
}
