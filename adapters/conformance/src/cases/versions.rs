//! `dispose`, where records are not what the plan saw.

use jiff::civil::date;
use quietus_contract::{Absence, Disposer, Inventory, Outcome, RecordRef, Scope, Version};

use crate::cases::dispose::{all_disposed, is_disposed};
use crate::report::{CaseResult, ensure};
use crate::room::{Bench, Room, same_contents};
use crate::suite::{Case, case};
use crate::testbed::{Ability, Seed};

pub(crate) const CASES: &[Case] = &[
    case!("dispose/changed_record_stays", changed),
    case!("dispose/redated_record_stays", redated, [Ability::Redate]),
    case!("dispose/recreated_record_survives", recreated),
    case!("dispose/equal_record_made_anew_survives", twin, [Ability::TellsTwins]),
    case!("dispose/repeated_order_spares_a_new_record", repeated_after_recreation),
    case!("dispose/foreign_version_disposes_of_nothing", foreign_version),
    case!("dispose/stale_version_beside_the_true_one_is_changed", stale_and_true),
    case!("dispose/open_instance_heeds_what_changed", no_cache),
    case!("dispose/record_that_left_the_scope_stays", left, [Ability::Leave]),
    case!("dispose/bounds_do_not_hide_what_was_ordered", bounded),
    case!("dispose/record_beside_the_scope_stays", beside),
];

/// Disposes of three, of which the middle one is not what it was.
async fn middle_stays(room: &Room<'_>, plan: &[RecordRef]) -> CaseResult {
    let before = room.contents().await?;
    let outcomes = room.dispose(plan).await?;
    ensure!(outcomes.len() == 3, "{} outcomes for 3 records", outcomes.len());
    let middle = outcomes.get(1);
    ensure!(middle == Some(&Outcome::Changed), "it is answered with {middle:?}");
    room.only_gone(&before, &[0, 2]).await?;
    let found = room.verify(plan).await?;
    ensure!(found.get(1) == Some(&Absence::Newer), "then it is {:?}", found.get(1));
    Ok(())
}

async fn changed(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(4)).await?;
    let plan = room.plan(&[0, 1, 2]).await?;
    room.target.change(&room.name(1)).await?;
    middle_stays(&room, &plan).await
}

async fn redated(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(4)).await?;
    let plan = room.plan(&[0, 1, 2]).await?;
    room.target.redate(&room.name(1), date(2037, 8, 9)).await?;
    middle_stays(&room, &plan).await
}

async fn recreated(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(4)).await?;
    let plan = room.plan(&[0, 1, 2]).await?;
    room.target.remove(&room.name(1)).await?;
    room.target.add(&anew(bench, 1)).await?;
    middle_stays(&room, &plan).await
}

async fn twin(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(4)).await?;
    let plan = room.plan(&[0, 1, 2]).await?;
    room.target.remove(&room.name(1)).await?;
    room.target.add(&bench.seed(1)).await?;
    middle_stays(&room, &plan).await
}

/// A record of the same name, with other content.
fn anew(bench: &Bench<'_>, n: usize) -> Seed {
    Seed { content: format!("{}-made anew, another text", bench.marker()), ..bench.seed(n) }
}

async fn repeated_after_recreation(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(4)).await?;
    let plan = room.plan(&[1, 2]).await?;
    let order = room.order(&room.scope, &plan);
    all_disposed(&room.writer().await?.dispose(&order).await?, 2)?;
    room.target.add(&anew(bench, 1)).await?;
    let before = room.contents().await?;
    let outcomes = room.writer().await?.dispose(&order).await?;
    let honest = [Outcome::Changed, Outcome::AlreadyAbsent];
    ensure!(outcomes == honest, "the repeated order is answered with {outcomes:?}");
    same_contents(&before, &room.contents().await?)
}

/// Versions come back from a journal: one that was damaged must not open a door.
async fn foreign_version(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(3)).await?;
    let plan = room.plan(&[0]).await?;
    let before = room.contents().await?;
    let real = plan.first().map(|r| r.version.as_bytes().to_vec()).unwrap_or_default();
    let mut flipped = real.clone();
    if let Some(last) = flipped.last_mut() {
        *last ^= 1;
    }
    let shorter = real.get(1..).unwrap_or_default().to_vec();
    for bytes in [flipped, shorter, vec![], vec![0xff; 255], b"'; --".to_vec()] {
        let foreign = RecordRef { locator: room.locator(0), version: Version::new(&bytes) };
        let writer = room.writer().await?;
        if let Ok(outcomes) = writer.dispose(&room.order(&room.scope, &[foreign])).await {
            ensure!(!outcomes.iter().any(is_disposed), "it is answered with {outcomes:?}");
        }
        same_contents(&before, &room.contents().await?)?;
    }
    Ok(())
}

async fn stale_and_true(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(3)).await?;
    let stale = room.plan(&[1]).await?;
    room.target.change(&room.name(1)).await?;
    let current = room.plan(&[1]).await?;
    let before = room.contents().await?;
    let plan: Vec<RecordRef> = stale.into_iter().chain(current).collect();
    let writer = room.writer().await?;
    match writer.dispose(&room.order(&room.scope, &plan)).await {
        // By the time of the answer the record is gone for both, if the true one came first.
        Ok(outcomes) => {
            let honest = matches!(
                outcomes.as_slice(),
                [Outcome::Changed | Outcome::AlreadyAbsent, Outcome::Disposed { .. }]
            );
            ensure!(honest, "they are answered with {outcomes:?}");
            room.only_gone(&before, &[1]).await
        }
        Err(_) => same_contents(&before, &room.contents().await?),
    }
}

/// The instance that planned is the one that disposes: it must look again.
async fn no_cache(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(4)).await?;
    let writer = room.writer().await?;
    let page = writer.page(&room.scope, None, 50).await?;
    let locators: Vec<_> = page.records.iter().map(|r| r.reference.locator.clone()).collect();
    writer.look(&room.scope, &locators).await?;
    let plan = room.plan(&[0, 1, 2]).await?;
    room.target.change(&room.name(1)).await?;
    let before = room.contents().await?;
    let outcomes = writer.dispose(&room.order(&room.scope, &plan)).await?;
    let middle = outcomes.get(1);
    ensure!(middle == Some(&Outcome::Changed), "it is answered with {middle:?}");
    room.only_gone(&before, &[0, 2]).await
}

async fn left(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(4)).await?;
    let plan = room.plan(&[0, 1, 2]).await?;
    room.target.leave(&room.name(1)).await?;
    let listed = room.records(10).await?;
    let still = listed.iter().any(|r| r.reference.locator == room.locator(1));
    ensure!(!still, "page still has a record that left the scope");
    let found = room.reader().await?.look(&room.scope, &[room.locator(1)]).await?;
    ensure!(found.iter().all(Option::is_none), "look still has a record that left the scope");
    let before = room.contents().await?;
    let outcomes = room.dispose(&plan).await?;
    let middle = outcomes.get(1);
    let honest = matches!(middle, Some(Outcome::Changed | Outcome::Refused { .. }));
    ensure!(honest, "it is answered with {middle:?}");
    room.only_gone(&before, &[0, 2]).await?;
    let found = room.verify(&plan).await?;
    let there = matches!(found.get(1), Some(Absence::Newer | Absence::Present));
    ensure!(there, "it is there under its locator, and is {:?}", found.get(1));
    Ok(())
}

/// A plan was judged under other bounds than today's, or under none.
async fn bounded(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(3)).await?;
    let before = room.contents().await?;
    let plan = room.plan(&[0, 1]).await?;
    let scope = Scope { bounds: vec![Some(date(1981, 1, 1))], ..room.scope.clone() };
    let found = room.reader().await?.verify_absent(&scope, &plan).await?;
    ensure!(found == [Absence::Present, Absence::Present], "verified: {found:?}");
    let outcomes = room.writer().await?.dispose(&room.order(&scope, &plan)).await?;
    all_disposed(&outcomes, 2)?;
    room.only_gone(&before, &[0, 1]).await
}

/// An order names what its scope does not select: the target has it, and it stays.
async fn beside(bench: &Bench<'_>) -> CaseResult {
    let mut seeds = bench.seeds(2);
    seeds.push(Seed { side: crate::Side::Beside, ..bench.seed(60) });
    let room = bench.room(seeds).await?;
    let before = room.contents().await?;
    let plan = room.plan(&[0]).await?;
    let strays: Vec<RecordRef> = plan
        .iter()
        .map(|r| RecordRef { locator: room.locator(60), version: r.version.clone() })
        .collect();
    let writer = room.writer().await?;
    if let Ok(outcomes) = writer.dispose(&room.order(&room.scope, &strays)).await {
        ensure!(!outcomes.iter().any(is_disposed), "it is answered with {outcomes:?}");
    }
    same_contents(&before, &room.contents().await?)
}
