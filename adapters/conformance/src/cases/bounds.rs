//! `page`, where a bound allows to leave records out.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use quietus_contract::{DateValue, Inventory, Locator, Scope};

use crate::report::{CaseResult, Failure, ensure};
use crate::room::{Bench, enumerate};
use crate::suite::{Case, case};
use crate::testbed::{Ability, SeedDate};

pub(crate) const CASES: &[Case] = &[
    case!("page/bounds_hide_only_later_dates", bounds),
    case!("page/undated_is_handed_over", undated, [Ability::Undated]),
    case!("page/unreadable_date_is_handed_over", unreadable, [Ability::Unreadable]),
];

fn bounded(scope: &Scope, bound: Date) -> Scope {
    Scope { bounds: scope.holding.dates.iter().map(|_| Some(bound)).collect(), ..scope.clone() }
}

async fn bounds(bench: &Bench<'_>) -> CaseResult {
    let bound = date(2015, 6, 30);
    let days = [date(1970, 1, 2), date(2015, 6, 29), bound, date(2015, 7, 1), date(2036, 1, 1)];
    let mut seeds = bench.seeds(days.len());
    for (seed, day) in seeds.iter_mut().zip(days) {
        seed.date = SeedDate::Day(day);
    }
    let room = bench.room(seeds).await?;
    let reader = room.reader().await?;
    for limit in [1, 3, 50] {
        let found = enumerate(&reader, &bounded(&room.scope, bound), limit).await?;
        let found: BTreeSet<Locator> = found.into_iter().map(|r| r.reference.locator).collect();
        for n in 0..3 {
            ensure!(found.contains(&room.locator(n)), "the bound hides {:?}", days.get(n));
        }
    }
    let late = [room.locator(4)];
    let found = reader.look(&bounded(&room.scope, bound), &late).await?;
    ensure!(found.iter().all(Option::is_some), "look heeds the bound");
    // The scope's own "not a date" is no later date, however late it looks.
    let mut scope = bounded(&room.scope, bound);
    let mut holding = (*scope.holding).clone();
    holding.not_a_date = vec![date(2036, 1, 1)];
    scope.holding = holding.into();
    let found = enumerate(&reader, &scope, 50).await?;
    let handed_over = found.iter().any(|r| r.reference.locator == room.locator(4));
    ensure!(handed_over, "a date that means `no date` is hidden by the bound");
    Ok(())
}

async fn always_there(bench: &Bench<'_>, odd: SeedDate) -> CaseResult {
    let mut seeds = bench.seeds(3);
    if let Some(seed) = seeds.get_mut(1) {
        seed.date = odd;
    }
    let room = bench.room(seeds).await?;
    let reader = room.reader().await?;
    for scope in [room.scope.clone(), bounded(&room.scope, date(1990, 1, 1))] {
        for limit in [1, 50] {
            let found = enumerate(&reader, &scope, limit).await?;
            let record = found.iter().find(|r| r.reference.locator == room.locator(1));
            let record = record.ok_or_else(|| Failure("it is not handed over".into()))?;
            let fits = matches!(
                (odd, record.dates.first()),
                (SeedDate::Absent, Some(DateValue::Absent))
                    | (SeedDate::Unreadable, Some(DateValue::Unreadable(_)))
            );
            ensure!(fits, "its date is {:?}", record.dates);
        }
    }
    Ok(())
}

async fn undated(bench: &Bench<'_>) -> CaseResult {
    always_there(bench, SeedDate::Absent).await
}

async fn unreadable(bench: &Bench<'_>) -> CaseResult {
    always_there(bench, SeedDate::Unreadable).await
}
