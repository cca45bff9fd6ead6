//! `look`.

use jiff::civil::date;
use quietus_contract::{Inventory, Version};

use crate::report::{CaseResult, Failure, ensure};
use crate::room::{Bench, Room};
use crate::suite::{Case, case};
use crate::testbed::{Ability, Account};

pub(crate) const CASES: &[Case] = &[
    case!("look/answers_each_in_order", in_order),
    case!("look/version_is_that_of_page", same_version),
    case!("look/version_follows_content", version_follows_content),
    case!("look/version_follows_the_date", version_follows_date, [Ability::Redate]),
    case!("look/open_instance_sees_what_changed", no_cache),
    case!("look/cut_off_is_an_error", cut_off, [Ability::Cut]),
    case!("look/blind_account_is_an_error", blind, [Ability::BlindAccount]),
];

async fn in_order(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(5)).await?;
    let reader = room.reader().await?;
    // 40 was never there; one is asked for twice.
    let numbers = [3, 40, 0, 4, 3, 1];
    let locators: Vec<_> = numbers.iter().map(|n| room.locator(*n)).collect();
    let found = reader.look(&room.scope, &locators).await?;
    ensure!(found.len() == numbers.len(), "{} answers to {}", found.len(), numbers.len());
    for (number, (record, locator)) in numbers.iter().zip(found.iter().zip(&locators)) {
        let fits = match record {
            Some(record) => record.reference.locator == *locator && *number != 40,
            None => *number == 40,
        };
        ensure!(fits, "the answer for {number} is another's");
    }
    let none = reader.look(&room.scope, &[]).await?;
    ensure!(none.is_empty(), "no question has an answer");
    Ok(())
}

async fn version(room: &Room<'_>, n: usize) -> CaseResult<Version> {
    let found = room.reader().await?.look(&room.scope, &[room.locator(n)]).await?;
    let record = found.into_iter().next().flatten();
    Ok(record.ok_or_else(|| Failure("look does not find it".into()))?.reference.version)
}

async fn same_version(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(3)).await?;
    for (n, planned) in [0, 1, 2].into_iter().zip(room.plan(&[0, 1, 2]).await?) {
        ensure!(version(&room, n).await? == planned.version, "look has another version than page");
        ensure!(version(&room, n).await? == planned.version, "a look changes the version");
    }
    Ok(())
}

async fn version_follows_content(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(3)).await?;
    let (first, other) = (version(&room, 0).await?, version(&room, 1).await?);
    room.target.change(&room.name(0)).await?;
    ensure!(version(&room, 0).await? != first, "a change of content leaves the version");
    ensure!(version(&room, 1).await? == other, "a change of one changes another's version");
    Ok(())
}

async fn version_follows_date(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(2)).await?;
    let first = version(&room, 0).await?;
    room.target.redate(&room.name(0), date(2035, 5, 5)).await?;
    ensure!(version(&room, 0).await? != first, "a later date leaves the version");
    Ok(())
}

/// What was read once is not what is there now.
async fn no_cache(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(4)).await?;
    let writer = room.writer().await?;
    let locators: Vec<_> = (0..4).map(|n| room.locator(n)).collect();
    let first = writer.look(&room.scope, &locators).await?;
    writer.page(&room.scope, None, 10).await?;
    room.target.change(&room.name(0)).await?;
    room.target.remove(&room.name(1)).await?;
    let second = writer.look(&room.scope, &locators).await?;
    let version = |found: &[Option<quietus_contract::Record>], n: usize| {
        found.get(n).and_then(Option::as_ref).map(|r| r.reference.version.clone())
    };
    ensure!(version(&first, 0) != version(&second, 0), "it does not see a change");
    ensure!(version(&second, 1).is_none(), "it still sees what was removed");
    ensure!(version(&first, 2) == version(&second, 2), "it sees a change that was none");
    Ok(())
}

async fn cut_off(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(2)).await?;
    let reader = room.reader().await?;
    room.target.cut().await?;
    let found = reader.look(&room.scope, &[room.locator(0)]).await;
    ensure!(found.is_err(), "a target that is cut off has an answer");
    Ok(())
}

async fn blind(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(2)).await?;
    let system = room.account(Account::Blind).await?;
    let Ok(reader) = room.reader_as(&system).await else { return Ok(()) };
    let found = reader.look(&room.scope, &[room.locator(0)]).await;
    ensure!(found.is_err(), "what a blind account cannot see is said not to be there");
    Ok(())
}
