//! Holdings that are anonymised.

use quietus_contract::{
    Absence, Action, Disposer, Holding, Inventory, MethodClass, Outcome, Scope,
};

use crate::cases::dispose::is_disposed;
use crate::report::{CaseResult, Failure, ensure};
use crate::room::Bench;
use crate::suite::{Case, case};
use crate::testbed::{Ability, Seed, Side};

pub(crate) const CASES: &[Case] = &[
    case!("dispose/order_to_anonymise_destroys_nothing", destroys_nothing),
    case!("dispose/anonymised_record_stays_without_the_person", anonymised, [Ability::Anonymise]),
    case!("dispose/changed_record_is_not_anonymised", changed, [Ability::Anonymise]),
];

fn seeds(bench: &Bench<'_>) -> Vec<Seed> {
    let mut seeds = bench.seeds(4);
    for (n, seed) in seeds.iter_mut().enumerate() {
        seed.subject = format!("{}-person-{n}", bench.marker());
    }
    seeds
}

/// Also where the adapter cannot anonymise, or the holding does not say how.
async fn destroys_nothing(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(seeds(bench)).await?;
    let plan = room.plan(&[0, 2]).await?;
    let before = room.contents().await?;
    let holding = Holding { action: Action::Anonymise, ..(*room.scope.holding).clone() };
    let scope = Scope { holding: holding.into(), ..room.scope.clone() };
    let surveyed = room.reader().await?.survey(&scope).await;
    let outcomes = room.writer().await?.dispose(&room.order(&scope, &plan)).await;
    let after = room.contents().await?;
    let there: Vec<_> = after.records.keys().collect();
    ensure!(there == before.records.keys().collect::<Vec<_>>(), "records went");
    match outcomes {
        Ok(outcomes) if outcomes.iter().any(is_disposed) => {
            ensure!(
                surveyed.is_ok_and(|s| s.method.class == MethodClass::Anonymise),
                "it anonymises what the survey does not know how to"
            );
            ensure!(before != after, "it says that it anonymised, and did nothing");
        }
        _ => ensure!(before == after, "it refuses, and changes records all the same"),
    }
    Ok(())
}

async fn anonymised(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(seeds(bench)).await?;
    let scope = room.target.scope(Action::Anonymise);
    let before = room.contents().await?;
    let plan = room.plan(&[0, 2]).await?;
    let reader = room.reader().await?;
    let method = reader.survey(&scope).await?.method.class;
    ensure!(method == MethodClass::Anonymise, "the method is {method:?}");
    let present = reader.verify_absent(&scope, &plan).await?;
    ensure!(present.iter().all(|a| *a == Absence::Present), "before: {present:?}");
    let order = room.order(&scope, &plan);
    let outcomes = room.writer().await?.dispose(&order).await?;
    ensure!(outcomes.len() == 2 && outcomes.iter().all(is_disposed), "answered: {outcomes:?}");
    let after = room.contents().await?;
    ensure!(before.records.len() == after.records.len(), "a record went");
    for ((side, name), state) in &before.records {
        let now = after.records.get(&(*side, name.clone()));
        let now = now.ok_or_else(|| Failure(format!("{name:?} is gone")))?;
        let ordered = *side == Side::Within && [room.name(0), room.name(2)].contains(name);
        let seed = room.seeds.iter().find(|s| s.side == *side && s.name == *name);
        let subject = seed.map(|s| s.subject.as_str()).unwrap_or_default();
        if ordered {
            ensure!(!now.contains(subject), "the person is still in {name:?}");
        } else {
            ensure!(now == state, "{name:?} on the side {side:?} changed");
        }
    }
    let found = room.reader().await?.verify_absent(&scope, &plan).await?;
    let absent = found.iter().all(|a| matches!(a, Absence::Absent(_)));
    ensure!(absent, "after: {found:?}");
    let again = room.writer().await?.dispose(&order).await?;
    let harmless = again.iter().all(|o| matches!(o, Outcome::AlreadyAbsent | Outcome::Changed));
    ensure!(harmless, "the repeated order: {again:?}");
    ensure!(after == room.contents().await?, "the repeated order changed something");
    Ok(())
}

async fn changed(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(seeds(bench)).await?;
    let scope = room.target.scope(Action::Anonymise);
    let plan = room.plan(&[1]).await?;
    room.target.change(&room.name(1)).await?;
    let before = room.contents().await?;
    let outcomes = room.writer().await?.dispose(&room.order(&scope, &plan)).await?;
    ensure!(outcomes == [Outcome::Changed], "answered with {outcomes:?}");
    ensure!(before == room.contents().await?, "it was anonymised all the same");
    Ok(())
}
