//! `dispose`, where something goes wrong on the way.

use std::task::Poll;

use quietus_contract::{Absence, Disposer, Inventory, Outcome, Result};

use crate::cases::dispose::is_disposed;
use crate::report::{CaseResult, ensure};
use crate::room::{Bench, Room, same_contents};
use crate::suite::{Case, case};
use crate::testbed::{Ability, Contents, Fault, Side};

pub(crate) const CASES: &[Case] = &[
    case!(
        "dispose/lost_request_is_never_disposed",
        lost_request,
        [Ability::Fault(Fault::RequestLost)]
    ),
    case!(
        "dispose/lost_response_is_indeterminate",
        lost_response,
        [Ability::Fault(Fault::ResponseLost)]
    ),
    case!(
        "dispose/cut_response_claims_only_what_was_read",
        cut_response,
        [Ability::Fault(Fault::ResponseCut)]
    ),
    case!("dispose/cut_off_target_is_never_disposed", cut_off, [Ability::Cut]),
    case!("dispose/dropped_future_harms_nothing_outside", dropped),
    case!("dispose/crash_leaves_a_part_of_the_order_at_most", crash, [Ability::Crash]),
    case!("release/is_harmless_for_what_was_never_reached", release),
    case!("release/puts_back_what_a_crash_left", release_after_crash, [Ability::Crash]),
];

/// Says that each outcome fits to what the other route sees.
async fn truthful(
    room: &Room<'_>,
    before: &Contents,
    numbers: &[usize],
    outcomes: &Result<Vec<Outcome>>,
) -> CaseResult {
    room.none_gone_but(before, numbers).await?;
    let now = room.contents().await?;
    // An error says nothing about any record: that is truthful always.
    let Ok(outcomes) = outcomes else { return Ok(()) };
    ensure!(outcomes.len() == numbers.len(), "{} outcomes", outcomes.len());
    for (number, outcome) in numbers.iter().zip(outcomes) {
        let there = now.records.contains_key(&(Side::Within, room.name(*number)));
        let fits = match outcome {
            Outcome::Disposed { .. } | Outcome::AlreadyAbsent => !there,
            Outcome::Indeterminate { .. } => true,
            Outcome::Changed
            | Outcome::Held { .. }
            | Outcome::Refused { .. }
            | Outcome::NotAttempted { .. } => there,
        };
        ensure!(fits, "record {number} is {outcome:?}, and there: {there}");
    }
    Ok(())
}

async fn with_fault(bench: &Bench<'_>, fault: Fault) -> CaseResult<Result<Vec<Outcome>>> {
    let room = bench.room(bench.seeds(6)).await?;
    let numbers = [1, 2, 4, 5];
    let plan = room.plan(&numbers).await?;
    let before = room.contents().await?;
    let writer = room.writer().await?;
    room.target.fault(fault).await?;
    let outcomes = writer.dispose(&room.order(&room.scope, &plan)).await;
    drop(writer);
    room.target.mend().await?;
    truthful(&room, &before, &numbers, &outcomes).await?;
    Ok(outcomes)
}

/// It may have been sent again: then the second one may dispose.
async fn lost_request(bench: &Bench<'_>) -> CaseResult {
    with_fault(bench, Fault::RequestLost).await.map(drop)
}

async fn lost_response(bench: &Bench<'_>) -> CaseResult {
    if let Ok(outcomes) = with_fault(bench, Fault::ResponseLost).await? {
        let first = outcomes.first();
        // What was answered is lost, and "not there any more" would be said of a stranger's work.
        let honest = matches!(first, Some(Outcome::Indeterminate { .. }));
        ensure!(honest, "the record whose answer was lost is answered with {first:?}");
    }
    Ok(())
}

async fn cut_response(bench: &Bench<'_>) -> CaseResult {
    if let Ok(outcomes) = with_fault(bench, Fault::ResponseCut).await? {
        let last = outcomes.last();
        ensure!(
            !last.is_some_and(is_disposed),
            "the record whose answer was cut off is answered with {last:?}"
        );
    }
    Ok(())
}

async fn cut_off(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(4)).await?;
    let plan = room.plan(&[0, 1, 2]).await?;
    let before = room.contents().await?;
    let writer = room.writer().await?;
    room.target.cut().await?;
    let outcomes = writer.dispose(&room.order(&room.scope, &plan)).await;
    drop(writer);
    room.target.mend().await?;
    same_contents(&before, &room.contents().await?)?;
    if let Ok(outcomes) = outcomes {
        let claims = |o: &Outcome| is_disposed(o) || *o == Outcome::AlreadyAbsent;
        ensure!(!outcomes.iter().any(claims), "answered with {outcomes:?}");
    }
    let outcomes = room.dispose(&plan).await?;
    ensure!(outcomes.iter().all(is_disposed), "when it is back: {outcomes:?}");
    room.only_gone(&before, &[0, 1, 2]).await
}

/// Polls so often, then drops; a blocking adapter is done at the first poll, and that is fine.
async fn poll_and_drop<T>(call: impl Future<Output = T>, polls: usize) {
    let mut call = Box::pin(call);
    let mut left = polls;
    std::future::poll_fn(move |context| {
        if left == 0 || call.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        left -= 1;
        if left == 0 {
            return Poll::Ready(());
        }
        // Woken by itself, so that a call that waits for its target is dropped as well.
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

async fn dropped(bench: &Bench<'_>) -> CaseResult {
    for polls in [1, 2, 3, 5, 20] {
        let room = bench.room(bench.seeds(6)).await?;
        let numbers = [0, 1, 2, 3];
        let plan = room.plan(&numbers).await?;
        let before = room.contents().await?;
        let writer = room.writer().await?;
        let order = room.order(&room.scope, &plan);
        poll_and_drop(writer.dispose(&order), polls).await;
        room.none_gone_but(&before, &numbers).await?;
        // The same instance goes on to work, or says that it does not.
        let outcomes = writer.dispose(&order).await;
        truthful(&room, &before, &numbers, &outcomes).await?;
        drop(writer);
        let outcomes = room.writer().await?.dispose(&order).await?;
        let settled = |o: &Outcome| is_disposed(o) || *o == Outcome::AlreadyAbsent;
        ensure!(outcomes.iter().all(settled), "a new instance answers with {outcomes:?}");
        room.only_gone(&before, &numbers).await?;
    }
    Ok(())
}

async fn crash(bench: &Bench<'_>) -> CaseResult {
    for after in [0, 1, 3] {
        let room = bench.room(bench.seeds(7)).await?;
        let transactional = room.reader().await?.probe().await?.capabilities.transactional;
        let numbers = [1, 2, 3, 4, 5];
        let plan = room.plan(&numbers).await?;
        let before = room.contents().await?;
        room.target.crash(room.order(&room.scope, &plan), after).await?;
        room.records_kept_but(&before, &numbers).await?;
        let now = room.contents().await?;
        let left = numbers
            .iter()
            .filter(|n| now.records.contains_key(&(Side::Within, room.name(**n))))
            .count();
        ensure!(
            !transactional || left == 0 || left == numbers.len(),
            "orders are said to be all or nothing, and {left} of {} are left",
            numbers.len()
        );
        // What a run does next: repeat the order.
        let outcomes = room.dispose(&plan).await;
        let outcomes = outcomes?;
        let settled = |o: &Outcome| is_disposed(o) || *o == Outcome::AlreadyAbsent;
        ensure!(outcomes.iter().all(settled), "after the crash: {outcomes:?}");
        room.only_gone(&before, &numbers).await?;
    }
    Ok(())
}

/// A hold came in between intent and dispatch: nothing was done, and nothing must be.
async fn release(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(6)).await?;
    let plan = room.plan(&[0, 1, 2, 3]).await?;
    room.dispose(plan.get(..1).unwrap_or_default()).await?;
    room.target.change(&room.name(1)).await?;
    room.target.remove(&room.name(2)).await?;
    let before = room.contents().await?;
    room.writer().await?.release(&room.scope, &plan).await?;
    same_contents(&before, &room.contents().await?)?;
    // Released, not forgiven for ever: the record that stayed as it was can still be ordered.
    let outcomes = room.dispose(&plan).await?;
    ensure!(outcomes.last().is_some_and(is_disposed), "then it is {:?}", outcomes.last());
    room.only_gone(&before, &[3]).await
}

/// What is left of an order that a crash interrupted is kept after all.
async fn release_after_crash(bench: &Bench<'_>) -> CaseResult {
    for after in [1, 3] {
        let room = bench.room(bench.seeds(7)).await?;
        let numbers = [1, 2, 3, 4, 5];
        let plan = room.plan(&numbers).await?;
        let before = room.contents().await?;
        room.target.crash(room.order(&room.scope, &plan), after).await?;
        let left = room.contents().await?;
        let released = room.writer().await?.release(&room.scope, &plan).await;
        room.records_kept_but(&before, &numbers).await?;
        if released.is_err() {
            // One is there in part only: somebody has to look, and is told so.
            continue;
        }
        // As they were, for whoever looks at the target by another route.
        let now = room.contents().await?;
        let gone = |n: &usize| !now.records.contains_key(&(Side::Within, room.name(*n)));
        let gone: Vec<usize> = numbers.into_iter().filter(gone).collect();
        room.only_gone(&before, &gone).await?;
        let lost = left.records.keys().find(|key| !now.records.contains_key(*key));
        ensure!(lost.is_none(), "{lost:?} went when it was released");
        let found = room.verify(&plan).await?;
        for (n, absence) in numbers.iter().zip(&found) {
            let fits = matches!(absence, Absence::Absent(_)) == gone.contains(n);
            ensure!(fits, "after the release record {n} is {absence:?}");
        }
    }
    Ok(())
}
