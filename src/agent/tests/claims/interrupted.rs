//! A run that was interrupted ends by what it was started with, or sends nothing more.

use std::sync::mpsc;

use quietus::durable::Durable;
use quietus::error::Exit;
use quietus::execution::Request;
use quietus_evidence::statement::NilReason;

use crate::world::{OLD, SCHEDULE, SYSTEMS, World, line, totals};

/// Interrupts a run when its second of three orders was sent: the answer is lost, and so is the
/// journal.
fn interrupted() -> World {
    let world = World::of(&SCHEDULE.replace("each batch", "standing"), SYSTEMS);
    world.put_many("std", "S", 150, OLD);
    world.put_many("own", "O", 3, OLD);
    let durable = Durable::new();
    let broken = durable.clone();
    world.tap.with(|hooks| {
        hooks.before = Some(Box::new(move |n, _| {
            if n == 2 {
                broken.poison("a test pulled the plug");
            }
        }));
    });
    assert!(world.run_as(Request::default(), durable).is_err());
    world.tap.quiet();
    assert_eq!(world.there().len(), 150 + 3 - 128);
    world
}

/// Resumes; what was sent is certified, nothing more of the old run is sent.
fn resumes_without_sending(world: &World, before: &std::collections::BTreeSet<String>) {
    let outcome = world.run().unwrap_or_else(|e| panic!("a dead end: {e} {:?}", e.source));
    let first = &outcome.runs[0];
    assert!(first.resumed);
    let std = line(first, "STD");
    assert_eq!((std.disposed, std.failed), (128, 22));
    assert!(first.totals().add_up());
    world.agrees(before);
}

fn everything(world: &World) -> std::collections::BTreeSet<String> {
    world.there().into_iter().chain(world.tap.sent()).collect()
}

#[test]
fn an_interrupted_run_goes_on_where_it_was() {
    let world = interrupted();
    let before = everything(&world);
    let outcome = world.run().unwrap();
    assert!(outcome.runs[0].resumed);
    assert_eq!(totals(&outcome).disposed, 153);
    assert_eq!(world.tap.sent().len(), 153, "nothing was sent twice");
    assert!(world.there().is_empty());
    world.agrees(&before);
}

#[test]
fn after_a_change_of_the_schedule_nothing_more_of_an_interrupted_run_is_sent() {
    let world = interrupted();
    let before = everything(&world);
    world.edit("schedule.toml", "retention   = \"1 year\"", "retention   = \"99 years\"");
    resumes_without_sending(&world, &before);
    assert_eq!(world.there().len(), 25, "by the new rule nothing is due");
    assert_eq!(world.tap.orders(), 2);
}

#[test]
fn after_a_change_of_systems_nothing_more_of_an_interrupted_run_is_sent() {
    let world = interrupted();
    let before = everything(&world);
    world.edit("systems.toml", "deadline_ms = 1500", "deadline_ms = 1600");
    resumes_without_sending(&world, &before);
}

#[test]
fn holdings_that_changed_places_do_not_mislead_an_interrupted_run() {
    let world = interrupted();
    let before = everything(&world);
    let (head, holdings) = SYSTEMS.split_once("[[holding]]").unwrap();
    let (first, second) = holdings.split_once("[[holding]]").unwrap();
    world.write("systems.toml", &format!("{head}[[holding]]{second}\n[[holding]]{first}"));
    resumes_without_sending(&world, &before);
}

#[test]
fn a_class_that_is_gone_from_the_schedule_is_in_the_way_of_nothing() {
    let world = interrupted();
    let before = everything(&world);
    let systems = std::fs::read_to_string(world.path("systems.toml")).unwrap();
    let (kept, _) = systems.rsplit_once("[[holding]]").unwrap();
    world.write("systems.toml", kept);
    let schedule = std::fs::read_to_string(world.path("schedule.toml")).unwrap();
    let (kept, _) = schedule.split_once("[class.OWN]").unwrap();
    world.write("schedule.toml", kept);
    // The class that is gone was never sent: it is in nobody's way.
    resumes_without_sending(&world, &before);
}

#[test]
fn a_holding_that_selects_something_else_now_does_not_pass_for_the_one_that_was_sent() {
    let world = interrupted();
    let before = everything(&world);
    let systems = std::fs::read_to_string(world.path("systems.toml")).unwrap();
    world.store.add_shelf("other");
    world.edit("systems.toml", "shelf   = \"std\"", "shelf   = \"other\"");
    let error = world.run().unwrap_err();
    assert_eq!((error.code.name, error.code.exit), ("plan_stale", Exit::Refused));
    assert!(error.help.unwrap().contains("systems.toml"));
    assert_eq!(world.verified().certificates.len(), 0);
    world.write("systems.toml", &systems);
    assert_eq!(totals(&world.run().unwrap()).disposed, 153);
    world.agrees(&before);
}

#[test]
fn a_schedule_that_nobody_approved_plans_and_disposes_of_nothing() {
    let approval = "approved_by    = \"Board\"\napproved_on    = 2020-01-15\n";
    for (from, to) in
        [(approval, ""), ("effective_from = 2020-02-01", "effective_from = 2026-03-13")]
    {
        let schedule = SCHEDULE.replace("each batch", "standing").replace(from, to);
        let world = World::of(&schedule, SYSTEMS);
        world.put_many("std", "S", 5, OLD);
        let outcome = world.run().unwrap();
        assert_eq!(outcome.exit(), Exit::Refused, "without {from}");
        assert_eq!(totals(&outcome).refused, 5);
        assert_eq!((world.there().len(), world.tap.orders()), (5, 0));
        assert_eq!(world.plans()[0].plan.planned(), 5, "the plan shows what would go");
        assert_eq!(world.verified().nils[0].why, NilReason::Limited);
    }
}

#[test]
fn a_schedule_disposes_from_the_day_on_which_it_takes_effect() {
    let schedule = SCHEDULE.replace("2020-02-01", "2026-03-13");
    let world = World::of(&schedule, SYSTEMS);
    world.put_many("std", "S", 5, OLD);
    assert_eq!(world.run_all().refused, 5);
    world.wait_days(1);
    assert_eq!(world.run_all().disposed, 5);
}

#[test]
fn a_second_run_is_refused_while_the_first_is_at_work_and_is_told_who_it_is() {
    let world = std::sync::Arc::new(World::new());
    world.put_many("std", "S", 5, OLD);
    let (ask, asked) = mpsc::channel::<()>();
    let (answer, answered) = mpsc::channel::<()>();
    world.tap.with(|hooks| {
        hooks.before = Some(Box::new(move |_, _| {
            ask.send(()).unwrap();
            answered.recv().unwrap();
        }));
    });
    let first = std::sync::Arc::clone(&world);
    let thread = std::thread::spawn(move || totals(&first.run().unwrap()));
    asked.recv().unwrap();
    let error = world.run().unwrap_err();
    answer.send(()).unwrap();
    assert_eq!((error.code.name, error.code.exit), ("locked", Exit::Refused));
    assert!(error.message.contains(&std::process::id().to_string()), "{error}");
    assert_eq!(thread.join().unwrap().disposed, 5);
    assert_eq!(world.tap.orders(), 1);
    world.tap.quiet();
    assert_eq!(world.run().unwrap().exit(), Exit::Done);
}
