//! Whatever durable operation fails: nothing goes without evidence, and the next run ends well.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use quietus::durable::{Durable, FailAt, FaultEffect};
use quietus::execution::Request;

use crate::world::{NEW, OLD, SCHEDULE, SYSTEMS, World, line};

/// A world with two batches, one of two orders, and records that must stay.
fn world() -> (World, BTreeSet<String>) {
    let world = World::of(&SCHEDULE.replace("each batch", "standing"), SYSTEMS);
    world.put_many("std", "S", 70, OLD);
    world.put_many("own", "O", 3, OLD);
    world.put_many("std", "K", 3, NEW);
    let before = world.there();
    (world, before)
}

/// Runs once with a fault, once without, and proves what must be true of both.
fn try_fault(operation: u64, effect: FaultEffect) {
    let (world, before) = world();
    let durable = Durable::failing(FailAt { operation, effect });
    let late = Arc::new(AtomicUsize::new(0));
    let (watched, counter) = (durable.clone(), Arc::clone(&late));
    world.tap.with(|hooks| {
        hooks.before = Some(Box::new(move |_, _| {
            if watched.check().is_err() {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        }));
    });
    let failed = world.run_as(Request::default(), durable);
    let Err(error) = failed else { panic!("operation {operation} {effect:?} was not noticed") };
    assert!(["write_failed", "journal_broken"].contains(&error.code.name), "{operation}: {error}");
    // A records file is written on another thread: its failure may come when one order is past
    // its last check. No second one follows.
    let late = late.load(Ordering::SeqCst);
    assert!(late <= 1, "{operation} {effect:?}: {late} orders after the fault");
    let kept = |world: &World| world.there().iter().filter(|name| name.starts_with('K')).count();
    assert_eq!(kept(&world), 3);

    world.tap.quiet();
    let outcome =
        world.run().unwrap_or_else(|e| panic!("{operation} {effect:?}: {e} {:?}", e.source));
    assert!(outcome.runs.iter().all(|run| run.totals().add_up()));
    assert_eq!(world.there().len(), 3, "{operation} {effect:?}");
    assert_eq!(kept(&world), 3);
    world.agrees(&before);
    assert!(!world.tap.sent().iter().any(|name| name.starts_with('K')));
}

fn operations() -> u64 {
    let (world, before) = world();
    let durable = Durable::new();
    let outcome = world.run_as(Request::default(), durable.clone()).unwrap();
    assert_eq!(line(&outcome.runs[0], "STD").disposed, 70);
    assert_eq!(world.there().len(), 3);
    world.agrees(&before);
    durable.operations()
}

#[test]
fn a_lost_write_stops_the_run_and_the_next_one_completes_it() {
    let operations = operations();
    assert!(operations > 20, "{operations}");
    for operation in 1..=operations {
        try_fault(operation, FaultEffect::Lost);
    }
}

#[test]
fn a_write_that_is_misreported_stops_the_run_and_the_next_one_completes_it() {
    for operation in 1..=operations() {
        try_fault(operation, FaultEffect::PersistedButReportedFailed);
    }
}

#[test]
fn a_journal_that_cannot_be_written_stops_the_run_before_any_order() {
    let (world, before) = world();
    let broken = Durable::new();
    let seen = broken.clone();
    world.tap.with(|hooks| {
        hooks.before = Some(Box::new(move |n, _| {
            if n == 2 {
                seen.poison("a test pulled the plug");
            }
        }));
    });
    assert!(world.run_as(Request::default(), broken).is_err());
    assert_eq!(world.tap.orders(), 2, "nothing is sent after the failure");
    world.tap.quiet();
    world.run().unwrap();
    assert_eq!(world.there().len(), 3);
    world.agrees(&before);
}
