//! A target is the one that was enrolled, or nothing of it goes.

use quietus::durable::Durable;
use quietus::error::Exit;
use quietus::looking;
use quietus_contract::{AdapterError, ErrorKind};

use crate::world::{OLD, World, totals, wait};

const TODAY: jiff::civil::Date = jiff::civil::date(2026, 3, 12);

fn world() -> World {
    let world = World::new();
    world.put_many("std", "S", 70, OLD);
    world
}

/// Puts a copy of the store in its place, as a restored backup would be.
fn replace(world: &World) -> quietus_memory::Store {
    let copy = world.store.copy("store-2");
    world.memory.add("main", copy.clone());
    copy
}

fn refused(result: Result<quietus::execution::Outcome, quietus::error::UserError>) {
    let error = result.unwrap_err();
    assert_eq!((error.code.name, error.code.exit), ("target_changed", Exit::Refused));
}

fn enrol(world: &World) {
    world.as_agent(Durable::new(), |agent| {
        wait(looking::probe(agent, "main", true)).map(|_| ()).unwrap();
    });
}

fn left(store: &quietus_memory::Store) -> usize {
    store.snapshot().records.len()
}

#[test]
fn a_target_that_was_replaced_between_runs_is_refused_until_it_is_enrolled() {
    let world = World::new();
    world.put("std", "S001", OLD);
    assert_eq!(world.run_all().disposed, 1);
    world.put("std", "S002", OLD);
    let copy = replace(&world);
    refused(world.run());
    assert_eq!(left(&copy), 1);
    enrol(&world);
    assert_eq!(world.run_all().disposed, 1);
    assert_eq!(left(&copy), 0);
}

#[test]
fn looking_at_a_replaced_target_does_not_enrol_it() {
    let world = World::new();
    world.run_all();
    replace(&world);
    world.as_agent(Durable::new(), |agent| {
        let probed = wait(looking::probe(agent, "main", false)).unwrap();
        assert_eq!(probed.enrolled.as_deref(), Some("store-1"));
    });
    refused(world.run());
}

#[test]
fn a_target_that_was_replaced_between_plan_and_run_is_refused_and_enrolling_heals() {
    let world = world();
    let stored = world.plan(TODAY);
    let copy = replace(&world);
    refused(world.run_plan(&stored.plan.id));
    assert_eq!((left(&copy), world.tap.orders()), (70, 0));
    refused(world.run());
    enrol(&world);
    // The plan is about another target now: it is not carried out, and it is in nobody's way.
    let error = world.run_plan(&stored.plan.id).unwrap_err();
    assert_eq!(error.code.exit, Exit::Refused);
    assert_eq!(left(&copy), 70);
    let counts = totals(&world.run().unwrap_or_else(|e| panic!("a dead end: {e}")));
    assert_eq!(counts.disposed, 70);
    assert_eq!(left(&copy), 0);
    world.verified();
}

#[test]
fn a_target_that_was_replaced_during_a_run_is_refused_and_enrolling_heals() {
    let world = world();
    // The second order finds nothing, and nobody can tell what became of it.
    world.tap.with(|hooks| {
        hooks.outcomes = Some(Box::new(|n, answer| {
            if n == 2 { Err(AdapterError::new(ErrorKind::Broken, "gone")) } else { answer }
        }));
        hooks.absences = Some(Box::new(|_, _| Err(AdapterError::new(ErrorKind::Broken, "gone"))));
    });
    assert_eq!(world.run().unwrap_err().code.name, "in_doubt");
    world.tap.quiet();
    let copy = replace(&world);
    copy.put("std", &["S900".to_owned()], crate::world::item(OLD, "7"));
    refused(world.run());
    let sent = world.tap.orders();
    enrol(&world);
    let outcome = world.run().unwrap_or_else(|e| panic!("a dead end: {e}"));
    assert_eq!(outcome.runs.len(), 2);
    assert!(outcome.runs[0].resumed);
    assert_eq!(outcome.runs[0].totals().disposed, 70);
    assert_eq!(world.tap.orders(), sent + 1, "of the old run nothing more is sent");
    assert_eq!((outcome.runs[1].totals().disposed, left(&copy)), (1, 0));
    world.verified();
}
