//! `probe`, `survey`, `uncovered`, and the testbed's own honesty.

use jiff::civil::date;
use quietus_contract::{
    ErrorKind, Inventory, Knowledge, MethodClass, Place, Scope, TargetIdentity,
};

use crate::report::{CaseResult, Failure, ensure};
use crate::room::{Bench, Room, enumerate, same_contents};
use crate::suite::{Case, case};
use crate::testbed::{Ability, Claim, SeedDate, Side};

pub(crate) const CASES: &[Case] = &[
    case!("testbed/other_route_sees_what_happens", other_route_sees),
    case!("probe/same_target_same_identity", same_identity),
    case!("probe/copy_in_its_place_is_another_target", replaced, [Ability::Replace]),
    case!("probe/reading_writes_nothing", reading_writes_nothing),
    case!("probe/claims_can_be_exercised", claims),
    case!("survey/names_and_population_are_stable", survey),
    case!("survey/unknown_source_or_field_is_an_error", unknown_source, [Ability::Schema]),
    case!("uncovered/names_the_forgotten", forgotten, [Ability::Forgotten]),
];

/// A testbed whose other route is blind would pass everything.
async fn other_route_sees(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(3)).await?;
    let before = room.contents().await?;
    ensure!(before.records.len() == 6, "it shows {} of 6 records", before.records.len());
    for seed in &room.seeds {
        let state = before.records.get(&(seed.side, seed.name.clone()));
        let state = state.ok_or_else(|| Failure(format!("it does not show {:?}", seed.name)))?;
        ensure!(state.contains(&seed.content), "it does not show the content of {:?}", seed.name);
        let subject = !bench.can(Ability::Subject) || state.contains(&seed.subject);
        ensure!(subject, "it does not show the subject of {:?}", seed.name);
    }
    ensure!(before == room.contents().await?, "it changes what it shows");
    let within = |n: usize| (Side::Within, room.name(n));
    room.target.change(&room.name(0)).await?;
    let changed = room.contents().await?;
    let differs = before.records.get(&within(0)) != changed.records.get(&within(0));
    ensure!(differs, "it does not show a change");
    room.target.remove(&room.name(1)).await?;
    room.target.add(&bench.seed(7)).await?;
    let found = room.contents().await?;
    ensure!(!found.records.contains_key(&within(1)), "it shows a record that was removed");
    ensure!(found.records.contains_key(&within(7)), "it does not show a record that was added");
    let untouched = |side, n: usize| (side, room.name(n));
    for key in [untouched(Side::Within, 2), untouched(Side::Beside, 0)] {
        ensure!(before.records.get(&key) == found.records.get(&key), "{key:?} changed by itself");
    }
    if bench.can(Ability::Redate) {
        room.target.redate(&room.name(2), date(2012, 2, 2)).await?;
        let redated = room.contents().await?;
        ensure!(found != redated, "it does not show a change of date");
    }
    Ok(())
}

async fn identity(room: &Room<'_>) -> CaseResult<TargetIdentity> {
    Ok(room.reader().await?.probe().await?.identity)
}

async fn same_identity(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(2)).await?;
    let first = identity(&room).await?;
    ensure!(first == identity(&room).await?, "another identity at the second look");
    room.target.add(&bench.seed(8)).await?;
    room.target.change(&room.name(0)).await?;
    ensure!(first == identity(&room).await?, "another identity after records changed");
    ensure!(
        first == room.writer().await?.probe().await?.identity,
        "another identity for the disposer"
    );
    let other = bench.room(bench.seeds(2)).await?;
    ensure!(first != identity(&other).await?, "two targets with the same records have the same");
    Ok(())
}

/// A restored backup, or another disk at the old place, is not what was enrolled.
async fn replaced(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(2)).await?;
    let first = identity(&room).await?;
    room.target.replace().await?;
    if let Ok(reader) = room.reader().await {
        ensure!(
            reader.probe().await.map_or(true, |probe| probe.identity != first),
            "a copy in the target's place has its identity"
        );
    }
    Ok(())
}

async fn unknown_source(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(2)).await?;
    let unknown = ("no_such_thing_there".to_owned(), Place::default());
    let mut of_dates = (*room.scope.holding).clone();
    of_dates.dates = vec![unknown.clone()];
    let mut of_fields = (*room.scope.holding).clone();
    of_fields.fields = vec![unknown];
    for holding in [of_dates, of_fields] {
        let scope = Scope { holding: holding.into(), ..room.scope.clone() };
        let reader = room.reader().await?;
        match reader.survey(&scope).await {
            Ok(_) => return Err(Failure("the survey accepts what is not there".to_owned())),
            Err(e) => ensure!(e.kind == ErrorKind::Misconfigured, "the error is {:?}", e.kind),
        }
        ensure!(reader.page(&scope, None, 5).await.is_err(), "and a page comes all the same");
    }
    Ok(())
}

async fn reading_writes_nothing(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(5)).await?;
    let before = room.contents().await?;
    let reader = room.reader().await?;
    reader.probe().await?;
    same_contents(&before, &room.contents().await?)?;
    reader.survey(&room.scope).await?;
    reader.uncovered(std::slice::from_ref(&room.scope)).await?;
    same_contents(&before, &room.contents().await?)?;
    let records = enumerate(&reader, &room.scope, 2).await?;
    same_contents(&before, &room.contents().await?)?;
    let plan: Vec<_> = records.into_iter().map(|r| r.reference).collect();
    let locators: Vec<_> = plan.iter().map(|r| r.locator.clone()).collect();
    reader.look(&room.scope, &locators).await?;
    reader.verify_absent(&room.scope, &plan).await?;
    reader.residual_copies(&room.scope, &plan).await?;
    same_contents(&before, &room.contents().await?)?;
    let writer = room.writer().await?;
    writer.probe().await?;
    writer.survey(&room.scope).await?;
    enumerate(&writer, &room.scope, 2).await?;
    same_contents(&before, &room.contents().await?)
}

/// What is claimed and can be shown nowhere is not worth claiming.
async fn claims(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(1)).await?;
    let can = room.reader().await?.probe().await?.capabilities;
    let elsewhere = bench.testbed.shown_elsewhere();
    let shown = |claim: Claim, ability: Ability| {
        bench.can(ability)
            || elsewhere.iter().any(|(shown, test)| *shown == claim && !test.trim().is_empty())
    };
    for (claimed, claim, ability) in [
        (can.transactional, Claim::Transactional, Ability::Crash),
        (can.own_holds, Claim::OwnHolds, Ability::Hold),
    ] {
        ensure!(
            !claimed || shown(claim, ability),
            "{claim:?} is claimed, and the testbed neither has {ability:?} nor names another test"
        );
    }
    ensure!(
        can.own_holds || !bench.can(Ability::Hold),
        "the target has holds of its own, and the adapter does not claim to see them"
    );
    Ok(())
}

async fn survey(bench: &Bench<'_>) -> CaseResult {
    let mut seeds = bench.seeds(4);
    if bench.can(Ability::Undated) {
        seeds.push(crate::Seed { date: SeedDate::Absent, ..bench.seed(4) });
    }
    let within = u64::try_from(seeds.len()).unwrap_or(u64::MAX).saturating_sub(3);
    let room = bench.room(seeds).await?;
    let first = room.reader().await?.survey(&room.scope).await?;
    ensure!(!first.store.is_empty() && !first.space.is_empty(), "a store or space has no name");
    ensure!(
        first.population.is_none_or(|n| n == within),
        "the population is {:?}, and {within} records are there",
        first.population
    );
    ensure!(
        first.method.class != MethodClass::Anonymise,
        "a holding that is destroyed has the method of one that is anonymised"
    );
    ensure!(
        !first.method.technique.is_empty() && !first.method.strength.is_empty(),
        "the method has no technique or no strength"
    );
    ensure!(
        first.residual.knowledge != Knowledge::Declared,
        "an adapter declares nothing: that is the operator's part"
    );
    room.target.remove(&room.name(0)).await?;
    let second = room.writer().await?.survey(&room.scope).await?;
    ensure!(first.store == second.store, "the store changed its name");
    ensure!(first.space == second.space, "the space changed its name");
    ensure!(
        second.population.is_none_or(|n| n.checked_add(1) == Some(within)),
        "the population does not follow a removal"
    );
    if let Some(beside) = room.target.scope_beside() {
        let beside = room.reader().await?.survey(&beside).await?;
        ensure!(
            beside.store != first.store || beside.space == first.space,
            "two holdings of one store are in two spaces"
        );
    }
    Ok(())
}

async fn forgotten(bench: &Bench<'_>) -> CaseResult {
    let room = bench.room(bench.seeds(2)).await?;
    let name = room.target.forgotten();
    let name = name.ok_or_else(|| Failure("the testbed names no forgotten container".into()))?;
    let found = room.reader().await?.uncovered(std::slice::from_ref(&room.scope)).await?;
    ensure!(found.iter().any(|u| u.container == name), "it does not name {name:?}");
    let all = room.reader().await?.uncovered(&[]).await?;
    ensure!(all.len() > found.len(), "the container of a holding counts as uncovered, or is never");
    Ok(())
}
