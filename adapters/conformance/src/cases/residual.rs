//! `residual_copies`.

use quietus_contract::{Inventory, Knowledge};

use crate::cases::dispose::all_disposed;
use crate::report::{CaseResult, ensure};
use crate::room::Bench;
use crate::suite::{Case, case};
use crate::testbed::Ability;

pub(crate) const CASES: &[Case] = &[
    case!("residual_copies/planted_copies_are_listed", planted, [Ability::Copies]),
    case!("residual_copies/can_be_asked_before_and_after", asked),
    case!("residual_copies/cut_off_target_is_not_clean", cut_off, [Ability::Cut]),
];

async fn planted(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(4)).await?;
    let planted = room.target.plant_copies(&room.name(1)).await?;
    ensure!(!planted.is_empty(), "the testbed planted nothing");
    let plan = room.plan(&[1, 2]).await?;
    let ahead = room.reader().await?.survey(&room.scope).await?.residual;
    all_disposed(&room.dispose(&plan).await?, 2)?;
    let found = room.reader().await?.residual_copies(&room.scope, &plan).await?;
    for copy in &planted {
        let seen = found.copies.iter().find(|c| c.kind == copy.kind);
        ensure!(seen.is_some(), "{:?} is not listed: {found:?}", copy.kind);
        let clears_by = seen.and_then(|c| c.clears_by);
        ensure!(clears_by == copy.clears_by, "{:?} clears by {clears_by:?}", copy.kind);
    }
    // Ahead of a disposal a plan must not promise more than the certificate will.
    let promised_clean = ahead.copies.is_empty() && ahead.knowledge == Knowledge::Observed;
    ensure!(!promised_clean, "the survey promised that nothing would remain");
    Ok(())
}

async fn asked(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(3)).await?;
    let plan = room.plan(&[0, 1]).await?;
    room.reader().await?.residual_copies(&room.scope, &plan).await?;
    all_disposed(&room.dispose(&plan).await?, 2)?;
    let after = room.reader().await?.residual_copies(&room.scope, &plan).await?;
    let bounded = after.copies.iter().all(|c| c.records.is_none_or(|n| n <= 2));
    ensure!(bounded, "more copies than records: {after:?}");
    Ok(())
}

/// "None" and "nobody can tell" are two answers.
async fn cut_off(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(2)).await?;
    let plan = room.plan(&[0]).await?;
    let reader = room.reader().await?;
    room.target.cut().await?;
    if let Ok(found) = reader.residual_copies(&room.scope, &plan).await {
        ensure!(found.knowledge != Knowledge::Observed, "it was observed: {found:?}");
    }
    Ok(())
}
