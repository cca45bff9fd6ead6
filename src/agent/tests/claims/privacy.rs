//! After a run nothing of a disposed record is left in the programme's folder or in the log.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::civil::date;
use quietus::approval::Decision;
use quietus::durable::{Durable, FailAt, FaultEffect};
use quietus::execution::Request;
use quietus_contract::{AdapterError, ErrorKind};
use quietus_memory::{Fault, Kind, Times};

use crate::world::{OLD, World, item, totals};

/// Three texts that no other thing contains: a name, a subject, a field of the content.
const LOCATOR: &str = "CANARYLOCATOR";
const SUBJECT: &str = "CANARYSUBJECT";
const CONTENT: &str = "CANARYCONTENT";
const TODAY: jiff::civil::Date = date(2026, 3, 12);

fn put(world: &World, shelf: &str) {
    for n in 1..=3 {
        let mut record = item(OLD, SUBJECT);
        record.content = CONTENT.to_owned();
        world.store.put(shelf, &[format!("{LOCATOR}{n}")], record);
    }
}

fn world() -> World {
    let world = World::new();
    put(&world, "std");
    world
}

/// Returns the files below a folder that contain one of the canaries.
fn found(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(self::found(&path));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for canary in [LOCATOR, SUBJECT, CONTENT] {
            if bytes.windows(canary.len()).any(|window| window == canary.as_bytes()) {
                found.push(format!("{}: {canary}", path.strip_prefix(folder).unwrap().display()));
            }
        }
    }
    found
}

fn clean(world: &World) {
    assert_eq!(found(world.dir.path()), Vec::<String>::new());
}

#[test]
fn nothing_of_a_disposed_record_stays_in_the_folder() {
    let world = world();
    let plan = world.plan(TODAY);
    assert!(!found(world.dir.path()).is_empty(), "the search finds what a plan lists");
    assert_eq!(totals(&world.run_plan(&plan.plan.id).unwrap()).disposed, 3);
    clean(&world);
}

#[test]
fn a_plan_that_another_one_made_needless_keeps_no_names_either() {
    let world = world();
    world.plan(TODAY);
    world.plan(date(2027, 1, 1));
    assert_eq!(world.run_all().disposed, 3);
    clean(&world);
}

#[test]
fn a_plan_that_waits_keeps_the_names_of_what_waits_and_of_nothing_else() {
    let world = world();
    world.put("own", "O1", OLD);
    assert_eq!(world.run_all().disposed, 3);
    clean(&world);
    let plan = world.plans().remove(0);
    world.decide(&plan, Decision::Approve, &[]);
    assert_eq!(world.run_all().disposed, 1);
    assert!(world.there().is_empty());
}

#[test]
fn a_record_that_its_owner_left_out_is_not_named_in_the_folder() {
    let world = World::new();
    put(&world, "own");
    world.run_all();
    let plan = world.plans().remove(0);
    world.decide(&plan, Decision::Approve, &[&format!("{LOCATOR}2")]);
    let outcome = world.run().unwrap();
    assert_eq!(outcome.runs[0].totals().disposed, 2);
    // The record that was left out is still due, and listed again for its owner.
    let others: Vec<String> = found(&world.path("state"));
    assert_eq!(others, Vec::<String>::new());
    assert_eq!(found(&world.path("ledger")), Vec::<String>::new());
    assert_eq!(found(&world.path("evidence")), Vec::<String>::new());
    assert_eq!(found(&plan.folder), Vec::<String>::new());
}

#[test]
fn after_any_fault_and_a_good_run_nothing_stays_in_the_folder() {
    let clean_run = Durable::new();
    world().run_as(Request::default(), clean_run.clone()).unwrap();
    for operation in 1..=clean_run.operations() {
        for effect in [FaultEffect::Lost, FaultEffect::PersistedButReportedFailed] {
            let world = world();
            let fault = FailAt { operation, effect };
            assert!(world.run_as(Request::default(), Durable::failing(fault)).is_err());
            world.run().unwrap();
            assert!(world.there().is_empty());
            let found = found(world.dir.path());
            assert_eq!(found, Vec::<String>::new(), "operation {operation}, {effect:?}");
        }
    }
}

#[test]
fn what_a_killed_planner_left_behind_is_taken_away_by_the_next_run() {
    let world = world();
    let plan = world.plan(TODAY);
    // As if it had been killed before the header was there, and in the middle of a segment.
    std::fs::remove_file(plan.folder.join("plan.json")).unwrap();
    let partial = plan.folder.join(format!(".2.records.{}.1.new", i32::MAX));
    std::fs::write(partial, LOCATOR).unwrap();
    world.run().unwrap();
    clean(&world);
}

/// A log that a test can read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_log_names_no_record_whatever_goes_wrong() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // One test process has one log: other tests of this process may write into it, too.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    for fault in [
        None,
        Some(Fault::LoseResponse),
        Some(Fault::LoseRequest),
        Some(Fault::Partial),
        Some(Fault::CrashAfter(1)),
    ] {
        let world = world();
        if let Some(fault) = fault {
            world.store.inject(fault, Some(Kind::Dispose), Times::Count(1));
        }
        world.run().unwrap();
        world.tap.with(|hooks| {
            hooks.outcomes =
                Some(Box::new(|_, _| Err(AdapterError::new(ErrorKind::Broken, "no answer"))));
            hooks.absences =
                Some(Box::new(|_, _| Err(AdapterError::new(ErrorKind::Broken, "no answer"))));
        });
        put(&world, "std");
        let error = world.run().unwrap_err();
        assert!(!format!("{error:?} {error}").contains("CANARY"), "{error:?}");
    }
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("an order failed"), "the log is captured: {text}");
    for canary in [LOCATOR, SUBJECT, CONTENT] {
        assert!(!text.contains(canary), "{canary} is in the log");
    }
}
