//! What holds for every call.

use quietus_contract::{Disposer, Inventory, Outcome, Retry};

use crate::capture::CONTROL;
use crate::cases::dispose::is_disposed;
use crate::report::{CaseReport, CaseResult, Verdict, ensure};
use crate::room::Bench;
use crate::suite::{Case, case};
use crate::testbed::{Ability, Account, Fault};

pub(crate) const CASES: &[Case] = &[
    case!("all/silence_ends_within_the_deadline", silence, [Ability::Fault(Fault::Silent)]),
    case!("all/attempts_are_bounded", attempts, [Ability::Fault(Fault::Busy), Ability::Requests]),
    case!("all/busy_target_is_worth_a_later_try", busy, [Ability::Fault(Fault::Busy)]),
    case!("all/every_account_is_discreet", accounts),
];

/// Requests that one call may cost while the target puts it off.
const REQUESTS_MAX: u64 = 20;

/// The watch notes a call that is late; here every call meets a target that never answers.
async fn silence(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(3)).await?;
    let plan = room.plan(&[0, 1]).await?;
    let before = room.contents().await?;
    let (reader, writer) = (room.reader().await?, room.writer().await?);
    let order = room.order(&room.scope, &plan);
    room.target.fault(Fault::Silent).await?;
    ensure!(reader.probe().await.is_err(), "a silent target is probed");
    ensure!(reader.survey(&room.scope).await.is_err(), "a silent target is surveyed");
    ensure!(reader.page(&room.scope, None, 5).await.is_err(), "a silent target has a page");
    let looked = reader.look(&room.scope, &[room.locator(0)]).await;
    ensure!(looked.is_err(), "a silent target answers a look");
    let outcomes = writer.dispose(&order).await;
    if let Ok(outcomes) = outcomes {
        let honest =
            |o: &Outcome| matches!(o, Outcome::Indeterminate { .. } | Outcome::NotAttempted { .. });
        ensure!(outcomes.iter().all(honest), "a silent target disposed: {outcomes:?}");
    }
    drop((reader, writer));
    room.target.mend().await?;
    room.none_gone_but(&before, &[0, 1]).await?;
    let late = bench.watch.with(|b| b.late.clone());
    ensure!(late.is_empty(), "calls outlasted their deadline: {late:?}");
    Ok(())
}

async fn attempts(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(3)).await?;
    let plan = room.plan(&[0]).await?;
    let (reader, writer) = (room.reader().await?, room.writer().await?);
    let order = room.order(&room.scope, &plan);
    room.target.fault(Fault::Busy).await?;
    let start = room.target.requests().await?;
    let page = reader.page(&room.scope, None, 5).await;
    let read = room.target.requests().await?;
    let outcomes = writer.dispose(&order).await;
    let disposed = room.target.requests().await?;
    room.target.mend().await?;
    ensure!(page.is_err(), "a target that puts everything off has a page");
    let claims = outcomes.is_ok_and(|o| o.iter().any(is_disposed));
    ensure!(!claims, "a target that puts everything off disposed");
    for spent in [read.saturating_sub(start), disposed.saturating_sub(read)] {
        ensure!(spent > 0, "the testbed counts no requests");
        ensure!(spent <= REQUESTS_MAX, "{spent} requests for one call");
    }
    Ok(())
}

async fn busy(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(3)).await?;
    let reader = room.reader().await?;
    room.target.fault(Fault::Busy).await?;
    let page = reader.page(&room.scope, None, 5).await;
    room.target.mend().await?;
    if let Err(error) = page {
        ensure!(error.retry == Retry::Later, "it is said not to be worth another try");
    }
    let again = reader.page(&room.scope, None, 5).await?;
    ensure!(!again.records.is_empty(), "it does not come back");
    Ok(())
}

/// Errors of accounts that may not do something are where names and secrets get out.
async fn accounts(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(3)).await?;
    let plan = room.plan(&[0]).await?;
    for (account, ability) in
        [(Account::Blind, Ability::BlindAccount), (Account::ReadOnly, Ability::ReadOnlyAccount)]
    {
        if !bench.can(ability) {
            continue;
        }
        let system = room.account(account).await?;
        if let Ok(writer) = room.writer_as(&system).await {
            // Of the others only what they say counts here; the watch reads it.
            drop(writer.probe().await.err());
            drop(writer.survey(&room.scope).await.err());
            drop(writer.residual_copies(&room.scope, &plan).await.err());
            let outcomes = writer.dispose(&room.order(&room.scope, &plan)).await;
            let claims = outcomes.is_ok_and(|o| o.iter().any(is_disposed));
            ensure!(!claims, "{account:?} disposes of records");
        }
    }
    Ok(())
}

/// Judges what the watch and the logs collected over all cases.
pub(crate) fn collected(bench: &Bench<'_>, logs: Vec<String>) -> Vec<CaseReport> {
    let control = logs.iter().any(|line| line.contains(CONTROL));
    let lines: Vec<String> =
        logs.into_iter().filter(|line| !line.contains(CONTROL)).take(3).collect();
    let leaks_in_logs = if !control {
        Err("the logs could not be read: another subscriber is installed".to_owned())
    } else if lines.is_empty() {
        Ok(())
    } else {
        Err(format!("logged: {}", lines.join("; ")))
    };
    let none = |what: Vec<String>| {
        if what.is_empty() { Ok(()) } else { Err(shorten(what)) }
    };
    let (late, leaks, form, beside) =
        bench.watch.with(|b| (b.late.clone(), b.leaks.clone(), b.form.clone(), b.beside.clone()));
    [
        ("all/every_call_keeps_its_deadline", none(late)),
        ("all/answers_have_the_form_of_the_contract", none(form)),
        ("all/nothing_beside_the_scope_changes", none(beside)),
        ("all/errors_and_reasons_are_discreet", none(leaks)),
        ("all/logs_are_discreet", leaks_in_logs),
    ]
    .into_iter()
    .map(|(name, result)| CaseReport {
        name,
        verdict: match result {
            Ok(()) => Verdict::Passed,
            Err(why) => Verdict::Failed(why),
        },
    })
    .collect()
}

fn shorten(mut what: Vec<String>) -> String {
    what.dedup();
    let count = what.len();
    what.truncate(3);
    format!("{count} times: {}", what.join("; "))
}
