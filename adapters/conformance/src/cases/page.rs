//! `page`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use quietus_contract::{Cursor, DateValue, Inventory, Locator, Record};

use crate::report::{CaseResult, Failure, ensure};
use crate::room::{Bench, Room, enumerate};
use crate::suite::{Case, case};
use crate::testbed::{Ability, Account, Fault, Seed, SeedDate, Side};

pub(crate) const CASES: &[Case] = &[
    case!("page/limits_give_each_record_once", limits),
    case!("page/new_instance_resumes_from_every_cursor", resumes),
    case!("page/values_are_those_of_the_target", values),
    case!("page/hostile_names_round_trip", hostile_names),
    case!("page/neighbours_never_appear", neighbours),
    case!("page/nothing_is_missed_while_others_come_and_go", coming_and_going),
    case!("page/links_are_not_followed", links, [Ability::Links]),
    case!("page/own_hold_is_reported", own_hold, [Ability::Hold]),
    case!("page/empty_holding_is_no_error", empty),
    case!("page/blind_account_is_no_empty_holding", blind, [Ability::BlindAccount]),
    case!("page/cut_off_target_is_an_error", cut_off, [Ability::Cut]),
    case!("page/cut_listing_is_not_the_end", cut_listing, [Ability::Fault(Fault::ListingCut)]),
];

/// Says that the listing has exactly these names, each once.
fn exactly(room: &Room<'_>, records: &[Record], names: &[String]) -> CaseResult {
    let mut wanted: BTreeMap<Locator, &String> =
        names.iter().map(|name| (room.target.locator(name), name)).collect();
    let mut seen = BTreeSet::new();
    for record in records {
        let locator = &record.reference.locator;
        ensure!(seen.insert(locator.clone()), "a record appears twice: {}", locator.as_str());
        ensure!(
            wanted.remove(locator).is_some(),
            "what is not there appears: {}",
            locator.as_str()
        );
    }
    ensure!(wanted.is_empty(), "missing: {:?}", wanted.values().collect::<Vec<_>>());
    Ok(())
}

fn names(room: &Room<'_>) -> Vec<String> {
    let within = room.seeds.iter().filter(|s| s.side == Side::Within);
    within.map(|s| s.name.clone()).collect()
}

async fn limits(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(7)).await?;
    let max = room.reader().await?.probe().await?.capabilities.page_records_max;
    for limit in [1, 2, 6, 7, 8, max, max.saturating_add(1)] {
        let records = room.records(limit).await?;
        exactly(&room, &records, &names(&room))
            .map_err(|Failure(why)| Failure(format!("with limit {limit}: {why}")))?;
    }
    Ok(())
}

async fn resumes(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(6)).await?;
    let mut collected: Vec<Record> = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        // Every page by an instance of its own, and every cursor through plain bytes.
        let reader = room.reader().await?;
        let page = reader.page(&room.scope, after.as_ref(), 1).await?;
        collected.extend(page.records);
        ensure!(collected.len() <= 6, "a new instance starts again, or never ends");
        let Some(next) = page.next else { break };
        // The rest from here, in one go, must be the complement of what was collected.
        let rest = rest_after(&room, &next).await?;
        let all: Vec<Record> = collected.iter().cloned().chain(rest).collect();
        exactly(&room, &all, &names(&room))?;
        after = Some(Cursor(next.0.clone()));
    }
    exactly(&room, &collected, &names(&room))
}

async fn rest_after(room: &Room<'_>, cursor: &Cursor) -> CaseResult<Vec<Record>> {
    let reader = room.reader().await?;
    let mut records = Vec::new();
    let mut after = cursor.clone();
    for _ in 0..100 {
        let page = reader.page(&room.scope, Some(&after), 50).await?;
        records.extend(page.records);
        let Some(next) = page.next else { return Ok(records) };
        after = next;
    }
    Err(Failure("no end after 100 pages".into()))
}

/// Returns the day that a value has, as the bounds count it.
fn day(value: Option<&DateValue>) -> Option<Date> {
    match value? {
        DateValue::Day(date) => Some(*date),
        DateValue::Local(at) => Some(at.date()),
        DateValue::Moment(at) => Some(at.to_zoned(TimeZone::UTC).date()),
        DateValue::Absent | DateValue::Unreadable(_) => None,
    }
}

async fn values(bench: &Bench<'_>) -> CaseResult {
    let mut seeds = bench.seeds(4);
    for (seed, n) in seeds.iter_mut().zip(0_u32..) {
        let later = jiff::Span::new().days(i64::from(n) * 40);
        seed.date = SeedDate::Day(date(2012, 1, 1).saturating_add(later));
        seed.subject = format!("{}-person-{n}", bench.marker());
        seed.members = n;
    }
    let room = bench.room(seeds).await?;
    for record in room.records(3).await? {
        let locator = &record.reference.locator;
        let seed = room
            .seeds
            .iter()
            .find(|s| s.side == Side::Within && room.target.locator(&s.name) == *locator);
        let seed = seed.ok_or_else(|| Failure("a locator is not the one expected".into()))?;
        let found = day(record.dates.first());
        ensure!(SeedDate::Day(found.unwrap_or_default()) == seed.date, "a date is {found:?}");
        if bench.can(Ability::Subject) {
            let found = record.fields.first().cloned().flatten();
            ensure!(found.as_ref() == Some(&seed.subject), "a field is {found:?}");
        }
        if bench.can(Ability::Members) {
            ensure!(
                record.members == seed.members,
                "{} members instead of {}",
                record.members,
                seed.members
            );
        }
        ensure!(record.target_hold.is_none(), "a hold that nobody placed");
    }
    Ok(())
}

async fn hostile_names(bench: &Bench<'_>) -> CaseResult {
    let m = bench.marker();
    let hostile = [
        format!("{m} in words"),
        format!("{m}-ünïcödé-名前-🦀"),
        format!("{m}-e\u{301} and {m}-\u{e9}"),
        format!("{m}-\u{e9} and {m}-e\u{301}"),
        format!("{m}\nnew\tline"),
        format!("{m}'quote\"double`back"),
        format!("{m}'; DROP TABLE x; --"),
        format!("../{m}"),
        format!("{m}/../x"),
        format!("-rf {m}"),
        format!("--{m}"),
        format!("{m}%00%2e%s"),
        format!("{m}%"),
        format!("{m}%25"),
        format!("{m}/"),
        format!("{m}//x"),
        format!("{m}\\x"),
        format!("{m}*?[a]{{b}}"),
        format!("{m}$HOME`id`$(id)"),
        format!(" {m} "),
        format!(".{m}"),
        format!("{m}\u{202e}gnp"),
        format!("{m}\u{7f}\u{1b}[31m"),
        format!("{m}_UPPER"),
        format!("{m}_upper"),
        format!("{m}&<>\r\n.\r\n"),
        format!("{m}-{}", "long".repeat(40)),
    ];
    let fitting: Vec<String> =
        hostile.into_iter().filter(|name| bench.testbed.can_name(name)).collect();
    ensure!(fitting.len() >= 8, "only {} hostile names fit there", fitting.len());
    let seeds: Vec<Seed> = fitting.iter().map(|name| bench.named(name)).collect();
    let room = bench.room(seeds).await?;
    let before = room.contents().await?;
    let records = room.records(4).await?;
    exactly(&room, &records, &fitting)?;
    let reader = room.reader().await?;
    let locators: Vec<Locator> = fitting.iter().map(|n| room.target.locator(n)).collect();
    let found = reader.look(&room.scope, &locators).await?;
    let lost: Vec<&String> =
        fitting.iter().zip(&found).filter(|(_, r)| r.is_none()).map(|(n, _)| n).collect();
    ensure!(lost.is_empty(), "look does not find {lost:?}");
    // One after the other, so that a name that means another one shows.
    for name in &fitting {
        let before = room.contents().await?;
        let plan = room.plan_named(std::slice::from_ref(name)).await?;
        let outcomes = room.dispose(&plan).await?;
        let gone = matches!(outcomes.as_slice(), [quietus_contract::Outcome::Disposed { .. }]);
        ensure!(gone, "{name:?}: {outcomes:?}");
        room.only_gone_named(&before, std::slice::from_ref(name)).await?;
    }
    room.only_gone_named(&before, &fitting).await
}

async fn neighbours(bench: &Bench<'_>) -> CaseResult {
    let mut seeds = bench.seeds(2);
    seeds.push(Seed { side: Side::Beside, ..bench.seed(70) });
    let room = bench.room(seeds).await?;
    exactly(&room, &room.records(10).await?, &names(&room))?;
    let beside = room.target.locator(&room.name(70));
    let found = room.reader().await?.look(&room.scope, &[beside]).await?;
    ensure!(found.iter().all(Option::is_none), "look finds a record beside the scope");
    Ok(())
}

async fn coming_and_going(bench: &Bench<'_>) -> CaseResult {
    for limit in [1, 2, 3] {
        let room = bench.room(bench.seeds(10)).await?;
        let mut seen: BTreeSet<Locator> = BTreeSet::new();
        let (mut after, mut touched) = (None, BTreeSet::new());
        for step in 0..200_usize {
            let reader = room.reader().await?;
            let page = reader.page(&room.scope, after.as_ref(), limit).await?;
            let last = page.records.last().map(|r| r.reference.locator.clone());
            for record in page.records {
                let locator = record.reference.locator;
                let again = !seen.insert(locator.clone());
                ensure!(!again || touched.contains(&locator), "an untouched record appears twice");
            }
            let Some(next) = page.next else { break };
            after = Some(next);
            disturb(&room, step, &seen, last.as_ref(), &mut touched).await?;
        }
        let untouched = (0..10).map(|n| room.locator(n)).filter(|l| !touched.contains(l));
        let missed = untouched.filter(|l| !seen.contains(l)).count();
        ensure!(missed == 0, "with limit {limit}: {missed} untouched records were missed");
    }
    Ok(())
}

/// Between pages: the last that was seen goes, one that was not goes, others come before and
/// after.
async fn disturb(
    room: &Room<'_>,
    step: usize,
    seen: &BTreeSet<Locator>,
    last: Option<&Locator>,
    touched: &mut BTreeSet<Locator>,
) -> CaseResult {
    if step > 3 {
        return Ok(());
    }
    let is_free = |n: &usize| !touched.contains(&room.locator(*n));
    let was_seen = (0..10).filter(is_free).filter(|n| seen.contains(&room.locator(*n)));
    // The one on which the cursor stands, if it is not one of those that were touched.
    let was_seen = was_seen.max_by_key(|n| (last == Some(&room.locator(*n)), 10 - n));
    let is_ahead = (0..10).rev().filter(is_free).find(|n| !seen.contains(&room.locator(*n)));
    match step {
        0 | 2 => {
            for n in was_seen.into_iter().chain(if step == 0 { None } else { is_ahead }) {
                touched.insert(room.locator(n));
                room.target.remove(&room.name(n)).await?;
            }
        }
        _ => {
            for n in is_ahead.into_iter().chain(if step == 1 { None } else { was_seen }) {
                touched.insert(room.locator(n));
                room.target.change(&room.name(n)).await?;
            }
        }
    }
    for name in [format!("{}-0", room.bench.marker()), format!("{}-9", room.bench.marker())] {
        let name = format!("{name}-new-{step}");
        touched.insert(room.target.locator(&name));
        room.target.add(&room.bench.named(&name)).await?;
        touched.insert(room.target.locator(&name));
    }
    Ok(())
}

async fn links(bench: &Bench<'_>) -> CaseResult {
    let mut seeds = bench.seeds(2);
    seeds.push(Seed { side: Side::Beside, ..bench.seed(80) });
    let room = bench.room(seeds).await?;
    let link = bench.name(90);
    room.target.link(&link, &room.name(80)).await?;
    let before = room.contents().await?;
    let mut plan = Vec::new();
    for record in room.records(2).await? {
        let locator = record.reference.locator.clone();
        let known = [room.locator(0), room.locator(1), room.target.locator(&link)];
        ensure!(known.contains(&locator), "what lies behind a link appears: {}", locator.as_str());
        plan.push(record.reference);
    }
    room.dispose(&plan).await?;
    let after = room.contents().await?;
    for n in [0, 80] {
        let key = (Side::Beside, room.name(n));
        ensure!(
            before.records.get(&key) == after.records.get(&key),
            "a record beside the scope changed when a link to it was disposed of"
        );
    }
    Ok(())
}

async fn own_hold(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(3)).await?;
    room.target.hold(&room.name(1)).await?;
    let held = room.locator(1);
    let records = room.records(2).await?;
    let locators: Vec<Locator> = (0..3).map(|n| room.locator(n)).collect();
    let looked = room.reader().await?.look(&room.scope, &locators).await?;
    for record in records.iter().chain(looked.iter().flatten()) {
        let is_held = record.reference.locator == held;
        ensure!(record.target_hold.is_some() == is_held, "a hold is not reported, or is made up");
    }
    Ok(())
}

async fn empty(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(vec![Seed { side: Side::Beside, ..bench.seed(0) }]).await?;
    let found = room.records(10).await?;
    ensure!(found.is_empty(), "an empty holding has {} records", found.len());
    Ok(())
}

/// A run that sees nothing must not look like a run that found nothing due.
async fn blind(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(3)).await?;
    let system = room.account(Account::Blind).await?;
    let Ok(reader) = room.reader_as(&system).await else { return Ok(()) };
    let found = enumerate(&reader, &room.scope, 10).await;
    ensure!(found.is_err(), "it is an empty holding to an account that is shown nothing");
    Ok(())
}

async fn cut_off(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(3)).await?;
    let reader = room.reader().await?;
    let first = reader.page(&room.scope, None, 1).await?;
    room.target.cut().await?;
    let next = reader.page(&room.scope, first.next.as_ref(), 10).await;
    ensure!(next.is_err(), "the rest of the listing comes from a target that is cut off");
    if let Ok(reader) = room.reader().await {
        let found = enumerate(&reader, &room.scope, 10).await;
        ensure!(found.is_err(), "a target that is cut off is an empty holding");
    }
    Ok(())
}

async fn cut_listing(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(6)).await?;
    let reader = room.reader().await?;
    room.target.fault(Fault::ListingCut).await?;
    let found = enumerate(&reader, &room.scope, 10).await;
    room.target.mend().await?;
    // Tried again inside, or an error: both are fine. Half of the holding is not.
    if let Ok(found) = found {
        exactly(&room, &found, &names(&room))?;
    }
    Ok(())
}
