//! `verify_absent`.

use quietus_contract::{Absence, Inventory, RecordRef};

use crate::report::{CaseResult, ensure};
use crate::room::{Bench, Room};
use crate::suite::{Case, case};
use crate::testbed::{Ability, Account, Fault, Seed, Side};

pub(crate) const CASES: &[Case] = &[
    case!("verify_absent/present_before_absent_after", before_and_after),
    case!("verify_absent/answers_each_in_order", in_order),
    case!("verify_absent/last_records_of_a_holding_are_absent", last_records),
    case!("verify_absent/what_is_under_the_locator_now_is_newer", newer),
    case!("verify_absent/return_after_disposal_is_seen", comes_back),
    case!("verify_absent/earlier_version_is_present", earlier_version, [Ability::Bury]),
    case!("verify_absent/blind_account_is_unknown", blind, [Ability::BlindAccount]),
    case!("verify_absent/cut_off_target_is_unknown", cut_off, [Ability::Cut]),
    case!("verify_absent/silence_is_unknown", silence, [Ability::Fault(Fault::Silent)]),
    case!("verify_absent/cut_listing_is_not_absent", cut, [Ability::Fault(Fault::ListingCut)]),
    case!("verify_absent/lagging_listing_is_not_absent", lagging, [Ability::Lag]),
];

fn is_absent(absence: &Absence) -> bool {
    matches!(absence, Absence::Absent(_))
}

async fn before_and_after(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(5)).await?;
    let plan = room.plan(&[0, 3]).await?;
    let before = room.verify(&plan).await?;
    ensure!(before == [Absence::Present, Absence::Present], "before: {before:?}");
    room.dispose(&plan).await?;
    let after = room.verify(&plan).await?;
    ensure!(after.len() == 2 && after.iter().all(is_absent), "after: {after:?}");
    Ok(())
}

async fn in_order(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(6)).await?;
    let numbers = [5, 1, 4, 0, 2];
    let plan = room.plan(&numbers).await?;
    for n in [1, 0] {
        room.target.remove(&room.name(n)).await?;
    }
    room.target.change(&room.name(2)).await?;
    let found = room.verify(&plan).await?;
    for (number, absence) in numbers.iter().zip(&found) {
        let fits = match number {
            0 | 1 => is_absent(absence),
            2 => *absence == Absence::Newer,
            _ => *absence == Absence::Present,
        };
        ensure!(fits, "record {number} is {absence:?}");
    }
    ensure!(room.verify(&[]).await?.is_empty(), "no question has an answer");
    Ok(())
}

/// After the last record went there is nothing left in the scope to read as a control.
async fn last_records(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(2)).await?;
    let plan = room.plan(&[0, 1]).await?;
    room.dispose(&plan).await?;
    let after = room.verify(&plan).await?;
    ensure!(after.len() == 2 && after.iter().all(is_absent), "after: {after:?}");
    Ok(())
}

async fn newer(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(3)).await?;
    let plan = room.plan(&[0, 1]).await?;
    room.target.change(&room.name(0)).await?;
    room.target.remove(&room.name(1)).await?;
    room.target.add(&anew(bench, 1)).await?;
    let found = room.verify(&plan).await?;
    ensure!(found == [Absence::Newer, Absence::Newer], "found: {found:?}");
    Ok(())
}

fn anew(bench: &Bench<'_>, n: usize) -> Seed {
    Seed { content: format!("{}-made anew, another text", bench.marker()), ..bench.seed(n) }
}

/// The answer is the target's, not the adapter's memory of what it did.
async fn comes_back(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(3)).await?;
    let plan = room.plan(&[0, 1]).await?;
    let writer = room.writer().await?;
    let order = room.order(&room.scope, &plan);
    quietus_contract::Disposer::dispose(&writer, &order).await?;
    room.target.add(&anew(bench, 1)).await?;
    let found = writer.verify_absent(&room.scope, &plan).await?;
    let seen = matches!(found.as_slice(), [Absence::Absent(_), Absence::Newer | Absence::Present]);
    ensure!(seen, "found: {found:?}");
    Ok(())
}

async fn earlier_version(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(3)).await?;
    let plan = room.plan(&[0]).await?;
    room.target.bury(&room.name(0)).await?;
    let found = room.verify(&plan).await?;
    ensure!(found == [Absence::Present], "found: {found:?}");
    Ok(())
}

/// Says that nothing is claimed to be absent; an error claims nothing.
fn nothing_absent(found: &quietus_contract::Result<Vec<Absence>>) -> CaseResult {
    if let Ok(found) = found {
        ensure!(!found.iter().any(is_absent), "found: {found:?}");
    }
    Ok(())
}

/// One record that is there, one that went: neither can be known.
async fn planned<'b>(bench: &'b Bench<'b>) -> CaseResult<(Room<'b>, Vec<RecordRef>)> {
    let mut seeds = bench.seeds(4);
    seeds.push(Seed { side: Side::Beside, ..bench.seed(50) });
    let room = bench.room(seeds).await?;
    let plan = room.plan(&[0, 1]).await?;
    Ok((room, plan))
}

async fn blind(bench: &Bench<'_>) -> CaseResult {
    let (room, plan) = planned(bench).await?;
    let system = room.account(Account::Blind).await?;
    let Ok(reader) = room.reader_as(&system).await else { return Ok(()) };
    nothing_absent(&reader.verify_absent(&room.scope, &plan).await)
}

async fn cut_off(bench: &Bench<'_>) -> CaseResult {
    let (room, plan) = planned(bench).await?;
    let reader = room.reader().await?;
    room.target.cut().await?;
    nothing_absent(&reader.verify_absent(&room.scope, &plan).await)?;
    if let Ok(reader) = room.reader().await {
        nothing_absent(&reader.verify_absent(&room.scope, &plan).await)?;
    }
    Ok(())
}

async fn silence(bench: &Bench<'_>) -> CaseResult {
    let (room, plan) = planned(bench).await?;
    let reader = room.reader().await?;
    room.target.fault(Fault::Silent).await?;
    let found = reader.verify_absent(&room.scope, &plan).await;
    drop(reader);
    room.target.mend().await?;
    nothing_absent(&found)
}

async fn cut(bench: &Bench<'_>) -> CaseResult {
    let (room, plan) = planned(bench).await?;
    let reader = room.reader().await?;
    room.target.fault(Fault::ListingCut).await?;
    let found = reader.verify_absent(&room.scope, &plan).await;
    room.target.mend().await?;
    nothing_absent(&found)
}

async fn lagging(bench: &Bench<'_>) -> CaseResult {
    let (room, plan) = planned(bench).await?;
    room.target.lag(&room.name(0)).await?;
    let found = room.reader().await?.verify_absent(&room.scope, &plan).await;
    nothing_absent(&found)
}
