//! `dispose`, where nothing goes wrong on the way.

use quietus_contract::{Absence, Disposer, Inventory, Outcome, RecordRef};

use crate::report::{CaseResult, Failure, ensure};
use crate::room::{Bench, Room, same_contents};
use crate::suite::{Case, case};
use crate::testbed::{Ability, Account, Seed, Side};

/// How many records a case seeds at most to fill an order; the rest are names of nothing.
const SEEDS_MAX: usize = 400;

pub(crate) const CASES: &[Case] = &[
    case!("dispose/exactly_the_order_goes", exactly_the_order),
    case!("dispose/each_is_answered_as_such", each_answered),
    case!("dispose/batch_of_none_and_of_one", none_and_one),
    case!("dispose/batch_of_the_maximum", maximum),
    case!("dispose/more_than_the_maximum_is_not_skipped", more_than_maximum),
    case!("dispose/held_record_stays", held, [Ability::Hold]),
    case!("dispose/hold_after_the_plan_wins", held_late, [Ability::Hold]),
    case!("dispose/protected_record_stays", protected, [Ability::Protect]),
    case!("dispose/read_only_account_disposes_of_nothing", read_only, [Ability::ReadOnlyAccount]),
    case!("dispose/repeated_order_is_harmless", repeated),
    case!("dispose/record_named_twice_is_harmless", named_twice),
    case!("dispose/two_at_once_dispose_of_each_once", two_at_once),
    case!("dispose/members_go_with_it", members, [Ability::Members]),
];

pub(crate) fn is_disposed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Disposed { .. })
}

/// Says that each of these was disposed of.
pub(crate) fn all_disposed(outcomes: &[Outcome], count: usize) -> CaseResult {
    ensure!(outcomes.len() == count, "{} outcomes for {count} records", outcomes.len());
    ensure!(outcomes.iter().all(is_disposed), "not all are disposed of: {outcomes:?}");
    Ok(())
}

async fn exactly_the_order(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(9)).await?;
    let before = room.contents().await?;
    let plan = room.plan(&[7, 1, 4]).await?;
    all_disposed(&room.dispose(&plan).await?, 3)?;
    room.only_gone(&before, &[7, 1, 4]).await?;
    let left = room.records(10).await?;
    ensure!(left.len() == 6, "{} records are left of 9", left.len());
    Ok(())
}

/// Changed, absent, held and protected ones among good ones, in an order that is not theirs.
async fn each_answered(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(10)).await?;
    let numbers = [8, 2, 5, 0, 7, 3, 6, 1];
    let (can_hold, can_protect) = (bench.can(Ability::Hold), bench.can(Ability::Protect));
    // Before the plan: on some targets either of them changes the version.
    if can_hold {
        room.target.hold(&room.name(3)).await?;
    }
    if can_protect {
        room.target.protect(&room.name(6)).await?;
    }
    let plan = room.plan(&numbers).await?;
    room.target.change(&room.name(2)).await?;
    room.target.remove(&room.name(0)).await?;
    let before = room.contents().await?;
    let outcomes = room.dispose(&plan).await?;
    ensure!(outcomes.len() == numbers.len(), "{} outcomes for 8 records", outcomes.len());
    let mut gone = Vec::new();
    for (number, outcome) in numbers.iter().zip(&outcomes) {
        let fits = match number {
            2 => *outcome == Outcome::Changed,
            0 => *outcome == Outcome::AlreadyAbsent,
            3 if can_hold => matches!(outcome, Outcome::Held { .. }),
            6 if can_protect => matches!(outcome, Outcome::Refused { .. } | Outcome::Held { .. }),
            _ => is_disposed(outcome),
        };
        ensure!(fits, "record {number} is answered with {outcome:?}");
        gone.extend(is_disposed(outcome).then_some(*number));
    }
    room.only_gone(&before, &gone).await
}

async fn none_and_one(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(3)).await?;
    let before = room.contents().await?;
    ensure!(room.dispose(&[]).await?.is_empty(), "an order of none has an outcome");
    same_contents(&before, &room.contents().await?)?;
    let plan = room.plan(&[2]).await?;
    all_disposed(&room.dispose(&plan).await?, 1)?;
    room.only_gone(&before, &[2]).await
}

/// Makes an order of that length: real ones at both ends, and names of nothing between, where
/// the length is more than a testbed should have to seed.
async fn long_order<'b>(
    bench: &'b Bench<'b>,
    length: usize,
) -> CaseResult<(Room<'b>, Vec<RecordRef>, Vec<Option<usize>>)> {
    let real = length.min(SEEDS_MAX);
    let room = bench.room(bench.seeds(real.saturating_add(2))).await?;
    let numbers: Vec<usize> = (0..real).collect();
    let mut plan = room.plan(&numbers).await?;
    let mut numbers: Vec<Option<usize>> = numbers.into_iter().map(Some).collect();
    let version = plan.first().map(|r| r.version.clone());
    let version = version.ok_or_else(|| Failure("no record was planned".into()))?;
    let half = real / 2;
    let phantoms: Vec<RecordRef> = (real..length)
        .map(|n| RecordRef {
            locator: room.target.locator(&format!("{}-none-{n}", bench.marker())),
            version: version.clone(),
        })
        .collect();
    numbers.splice(half..half, phantoms.iter().map(|_| None));
    plan.splice(half..half, phantoms);
    Ok((room, plan, numbers))
}

fn fits(outcome: &Outcome, number: Option<usize>) -> bool {
    match number {
        Some(_) => is_disposed(outcome),
        None => *outcome == Outcome::AlreadyAbsent,
    }
}

async fn order_records_max(bench: &Bench<'_>) -> CaseResult<usize> {
    let room = bench.room(bench.seeds(1)).await?;
    Ok(room.writer().await?.probe().await?.capabilities.order_records_max)
}

async fn maximum(bench: &Bench<'_>) -> CaseResult {
    let max = order_records_max(bench).await?;
    let (room, plan, numbers) = long_order(bench, max).await?;
    let before = room.contents().await?;
    let reader = room.reader().await?;
    let locators: Vec<_> = plan.iter().map(|r| r.locator.clone()).collect();
    reader.look(&room.scope, &locators).await?;
    reader.verify_absent(&room.scope, &plan).await?;
    drop(reader);
    let outcomes = room.dispose(&plan).await?;
    ensure!(outcomes.len() == plan.len(), "{} outcomes for {max} records", outcomes.len());
    let odd = outcomes.iter().zip(&numbers).find(|(o, n)| !fits(o, **n));
    ensure!(odd.is_none(), "of {max} records one is answered with {odd:?}");
    let gone: Vec<usize> = numbers.into_iter().flatten().collect();
    room.only_gone(&before, &gone).await?;
    let found = room.verify(&plan).await?;
    let absent = found.iter().all(|a| matches!(a, Absence::Absent(_)));
    ensure!(absent && found.len() == plan.len(), "afterwards not all are absent");
    room.reader().await?.residual_copies(&room.scope, &plan).await.map(drop)?;
    Ok(())
}

async fn more_than_maximum(bench: &Bench<'_>) -> CaseResult {
    let max = order_records_max(bench).await?;
    let (room, plan, numbers) = long_order(bench, max.saturating_add(1)).await?;
    let before = room.contents().await?;
    let writer = room.writer().await?;
    let Ok(outcomes) = writer.dispose(&room.order(&room.scope, &plan)).await else {
        // Refused as a whole: then nothing went.
        return same_contents(&before, &room.contents().await?);
    };
    ensure!(outcomes.len() == plan.len(), "{} outcomes for {}", outcomes.len(), plan.len());
    let answered = outcomes.iter().zip(&numbers);
    let odd =
        answered.clone().find(|(o, n)| !fits(o, **n) && !matches!(o, Outcome::NotAttempted { .. }));
    ensure!(odd.is_none(), "one is answered with {odd:?}");
    let gone: Vec<usize> =
        answered.filter(|(o, _)| is_disposed(o)).filter_map(|(_, n)| *n).collect();
    room.only_gone(&before, &gone).await
}

/// Held when it was planned, and ordered all the same: the target's hold wins.
async fn held(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(4)).await?;
    room.target.hold(&room.name(1)).await?;
    let plan = room.plan(&[0, 1, 2]).await?;
    let before = room.contents().await?;
    let outcomes = room.dispose(&plan).await?;
    let held = matches!(outcomes.as_slice(), [_, Outcome::Held { .. }, _]);
    ensure!(held, "a held record is answered with {:?}", outcomes.get(1));
    let gone: Vec<usize> = (0..3).filter(|n| outcomes.get(*n).is_some_and(is_disposed)).collect();
    ensure!(gone == [0, 2], "the hold of one keeps others: {outcomes:?}");
    room.only_gone(&before, &gone).await
}

/// Where a hold changes the version, that alone keeps the record.
async fn held_late(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(4)).await?;
    let plan = room.plan(&[0, 1, 2]).await?;
    room.target.hold(&room.name(1)).await?;
    let before = room.contents().await?;
    let outcomes = room.dispose(&plan).await?;
    let kept = matches!(outcomes.get(1), Some(Outcome::Held { .. } | Outcome::Changed));
    ensure!(kept, "a held record is answered with {:?}", outcomes.get(1));
    room.only_gone(&before, &[0, 2]).await
}

async fn protected(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(4)).await?;
    room.target.protect(&room.name(1)).await?;
    let plan = room.plan(&[0, 1, 2]).await?;
    let before = room.contents().await?;
    let outcomes = room.dispose(&plan).await?;
    let kept = outcomes.get(1);
    let refused = matches!(kept, Some(Outcome::Refused { .. } | Outcome::Held { .. }));
    ensure!(refused, "a record that the target keeps is answered with {kept:?}");
    room.only_gone(&before, &[0, 2]).await?;
    let still = room.verify(&plan).await?;
    let present = matches!(still.get(1), Some(quietus_contract::Absence::Present));
    ensure!(present, "the record that stayed is {:?}", still.get(1));
    Ok(())
}

async fn read_only(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(3)).await?;
    let plan = room.plan(&[0, 1]).await?;
    let before = room.contents().await?;
    let system = room.account(Account::ReadOnly).await?;
    if let Ok(writer) = room.writer_as(&system).await
        && let Ok(outcomes) = writer.dispose(&room.order(&room.scope, &plan)).await
    {
        let honest =
            |o: &Outcome| matches!(o, Outcome::Refused { .. } | Outcome::NotAttempted { .. });
        ensure!(outcomes.iter().all(honest), "answered with {outcomes:?}");
    }
    same_contents(&before, &room.contents().await?)
}

async fn repeated(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(6)).await?;
    let before = room.contents().await?;
    let plan = room.plan(&[1, 3]).await?;
    let writer = room.writer().await?;
    let order = room.order(&room.scope, &plan);
    all_disposed(&writer.dispose(&order).await?, 2)?;
    let again = writer.dispose(&order).await?;
    let absent = again.iter().all(|o| *o == Outcome::AlreadyAbsent);
    ensure!(absent && again.len() == 2, "the same instance answers again with {again:?}");
    let again = room.writer().await?.dispose(&order).await?;
    let absent = again.iter().all(|o| *o == Outcome::AlreadyAbsent);
    ensure!(absent && again.len() == 2, "a new instance answers again with {again:?}");
    room.only_gone(&before, &[1, 3]).await
}

async fn named_twice(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(4)).await?;
    let before = room.contents().await?;
    let mut plan = room.plan(&[1, 2]).await?;
    plan.extend(plan.first().cloned());
    let writer = room.writer().await?;
    match writer.dispose(&room.order(&room.scope, &plan)).await {
        Ok(outcomes) => {
            ensure!(outcomes.len() == 3, "{} outcomes for 3 records", outcomes.len());
            let twice = outcomes.first().is_some_and(is_disposed)
                && outcomes.get(2).is_some_and(is_disposed);
            ensure!(!twice, "one record is disposed of twice");
            room.only_gone(&before, &[1, 2]).await
        }
        Err(_) => same_contents(&before, &room.contents().await?),
    }
}

/// Two agents where there should be one: nothing outside goes, nothing is claimed twice.
async fn two_at_once(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(8)).await?;
    let before = room.contents().await?;
    let numbers = [0, 1, 2, 3, 4, 5];
    let plan = room.plan(&numbers).await?;
    let (one, two) = (room.writer().await?, room.writer().await?);
    let (order_one, order_two) = (room.order(&room.scope, &plan), room.order(&room.scope, &plan));
    let (said_one, said_two) = tokio::join!(one.dispose(&order_one), two.dispose(&order_two));
    room.none_gone_but(&before, &numbers).await?;
    if let (Ok(one), Ok(two)) = (&said_one, &said_two) {
        let twice = one.iter().zip(two).filter(|(a, b)| is_disposed(a) && is_disposed(b)).count();
        ensure!(twice == 0, "{twice} records are disposed of twice");
    }
    drop((one, two));
    let settled = |o: &Outcome| is_disposed(o) || *o == Outcome::AlreadyAbsent;
    let outcomes = room.dispose(&plan).await?;
    ensure!(outcomes.iter().all(settled), "afterwards: {outcomes:?}");
    room.only_gone(&before, &numbers).await
}

async fn members(bench: &Bench<'_>) -> CaseResult {
    let seeds: Vec<Seed> = (0..4)
        .flat_map(|n| {
            let seed = Seed { members: 2, ..bench.seed(n) };
            [seed.clone(), Seed { side: Side::Beside, ..seed }]
        })
        .collect();
    let room = bench.room(seeds).await?;
    let before = room.contents().await?;
    let plan = room.plan(&[0, 2]).await?;
    let outcomes = room.dispose(&plan).await?;
    let told = outcomes.iter().all(|o| *o == Outcome::Disposed { members: 2 });
    ensure!(told && outcomes.len() == 2, "answered with {outcomes:?}");
    room.only_gone(&before, &[0, 2]).await
}
