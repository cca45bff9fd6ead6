//! A hold beats everything, up to the last moment before an order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use quietus::durable::Durable;
use quietus::error::Exit;
use quietus::hold::{self, NewHold, Release};
use quietus::lock::DispatchGate;
use quietus::programme::Folder;

use crate::world::{OLD, World, code, item, totals};

const TODAY: jiff::civil::Date = jiff::civil::date(2026, 3, 12);

/// Three orders of records, of whom every third is about customer 9.
fn world() -> World {
    let world = World::new();
    for n in 1..=150 {
        let customer = if n % 3 == 0 { "9" } else { "7" };
        world.store.put("std", &[format!("S{n:03}")], item(OLD, customer));
    }
    world
}

fn new_hold(customer: &str) -> NewHold {
    NewHold {
        matter: "Acme v. Blue Mountain".into(),
        reason: "litigation".into(),
        ordered_by: "General Counsel".into(),
        subjects: vec![format!("customer:{customer}")],
        classes: vec!["STD".into()],
        ..NewHold::default()
    }
}

fn place(folder: &Folder, new: &NewHold) -> String {
    hold::add(folder, &Durable::new(), &[&quietus_memory::FORM], new, TODAY).unwrap()
}

fn folder(world: &World) -> Folder {
    Folder::new(world.dir.path())
}

fn of_customer_9(world: &World) -> usize {
    let is_held = |name: &&String| name[1..].parse::<u32>().unwrap() % 3 == 0;
    world.there().iter().filter(is_held).count()
}

#[test]
fn what_is_held_at_the_plan_is_never_sent() {
    let world = world();
    place(&folder(&world), &new_hold("9"));
    let outcome = world.run().unwrap();
    let counts = totals(&outcome);
    assert_eq!((counts.disposed, counts.held, outcome.exit()), (100, 50, Exit::Done));
    assert_eq!(of_customer_9(&world), 50);
    assert_eq!(world.tap.sent().len(), 100);
    assert_eq!(outcome.runs[0].counts[0].held_by.get("2026-001"), Some(&50));
}

#[test]
fn a_hold_between_plan_and_run_is_respected_and_certified() {
    let world = world();
    let stored = world.plan(TODAY);
    assert_eq!(stored.plan.planned(), 150);
    place(&folder(&world), &new_hold("9"));
    let counts = totals(&world.run_plan(&stored.plan.id).unwrap());
    assert_eq!((counts.disposed, counts.held), (100, 50));
    assert_eq!(of_customer_9(&world), 50);
    let certified = world.certified();
    assert_eq!(certified["S003"], ["held"]);
    assert_eq!(certified["S001"], ["destroyed"]);
    let result = &world.verified().certificates[0].result;
    assert_eq!((result.scope.counts.held, result.holds_checked.count), (50, 1));
}

/// Places a hold during the first order, as the command does; returns when it was acknowledged:
/// after how many orders had begun, and whether the one in flight was over.
fn place_during_the_first_order(world: &World) -> (usize, bool) {
    let folder = folder(world);
    let gate = DispatchGate::new(&folder.state());
    let (over, thread) = (Arc::new(AtomicBool::new(false)), Arc::new(std::sync::Mutex::new(None)));
    let begun = Arc::new(AtomicUsize::new(0));
    let (over_too, thread_too, begun_too) = (over.clone(), thread.clone(), begun.clone());
    world.tap.with(|hooks| {
        hooks.before = Some(Box::new(move |n, _| {
            begun_too.store(n, Ordering::SeqCst);
            if n > 1 {
                return;
            }
            let (folder, begun, over) = (folder.clone(), begun_too.clone(), over_too.clone());
            let shut = gate.shut(Duration::from_secs(5)).unwrap();
            place(&folder, &new_hold("9"));
            assert!(shut.is_order_in_flight().unwrap());
            *thread_too.lock().unwrap() = Some(std::thread::spawn(move || {
                let quiet = shut.wait_quiet(Duration::from_secs(30)).unwrap();
                let seen = (begun.load(Ordering::SeqCst), over.load(Ordering::SeqCst));
                drop(quiet);
                seen
            }));
            // Whoever waits is given time to be acknowledged too early.
            std::thread::sleep(Duration::from_millis(100));
        }));
        let over = over.clone();
        hooks.outcomes = Some(Box::new(move |_, answer| {
            over.store(true, Ordering::SeqCst);
            answer
        }));
    });
    let outcome = world.run().unwrap();
    assert!(totals(&outcome).held > 0);
    let thread = thread.lock().unwrap().take().unwrap();
    thread.join().unwrap()
}

#[test]
fn a_hold_during_a_run_is_acknowledged_after_the_order_in_flight_and_nothing_it_covers_goes_then() {
    let world = world();
    let (orders, over) = place_during_the_first_order(&world);
    assert!(over, "the acknowledgement waits for the order in flight");
    assert_eq!(orders, 1, "no order begins while it waits");
    let sent = world.tap.with(|hooks| hooks.sent.clone());
    assert_eq!(sent.len(), 3);
    let held = |name: &String| name[1..].parse::<u32>().unwrap() % 3 == 0;
    assert!(sent[0].iter().any(held), "the first order was under way");
    assert!(!sent[1..].concat().iter().any(held));
    assert_eq!(of_customer_9(&world), 50 - sent[0].iter().filter(|name| held(name)).count());
}

#[test]
fn a_hold_whose_selector_cannot_be_resolved_holds_the_class_in_that_system() {
    let world = world();
    world.put_many("own", "O", 3, OLD);
    world.edit("schedule.toml", "each batch", "standing");
    let mut hold = new_hold("9");
    // OWN does not say whom its records are about.
    hold.classes = vec!["OWN".into()];
    place(&folder(&world), &hold);
    let counts = totals(&world.run().unwrap());
    assert_eq!((counts.disposed, counts.held), (150, 3));
    assert!(world.there().contains("O001"));
}

#[test]
fn a_record_that_does_not_say_whom_it_is_about_is_held_by_a_hold_on_anyone() {
    let world = world();
    let mut anonymous = item(OLD, "");
    anonymous.fields.clear();
    world.store.put("std", &["S777".to_owned()], anonymous);
    place(&folder(&world), &new_hold("1234"));
    let counts = totals(&world.run().unwrap());
    assert_eq!((counts.disposed, counts.held), (150, 1));
    assert!(world.there().contains("S777"));
}

#[test]
fn a_register_that_becomes_unreadable_during_a_run_stops_everything() {
    let world = world();
    let holds = world.path("holds.toml");
    world.tap.with(|hooks| {
        hooks.before = Some(Box::new(move |_, _| {
            Durable::new().replace(&holds, b"[hold.A]\nmatter = \"x\"\n").unwrap();
        }));
    });
    let error = world.run().unwrap_err();
    assert_eq!((error.code.name, error.code.exit), ("holds_unreadable", Exit::Refused));
    assert_eq!(world.tap.orders(), 1);
    world.tap.quiet();
    let before = world.tap.sent().into_iter().chain(world.there()).collect();
    std::fs::remove_file(world.path("holds.toml")).unwrap();
    place(&folder(&world), &new_hold("9"));
    world.run().unwrap();
    let sent = world.tap.sent();
    assert_eq!(
        of_customer_9(&world),
        50 - sent.iter().filter(|n| n[1..].parse::<u32>().unwrap() % 3 == 0).count()
    );
    world.agrees(&before);
}

#[test]
fn a_register_that_is_unreadable_at_the_start_stops_the_run_before_it_looks() {
    let world = world();
    world.write("holds.toml", "[hold.A]\nmatter = \"x\"\n");
    let folder = folder(&world);
    let error = quietus::programme::load(&folder, &world.adapters.forms()).unwrap_err();
    assert_eq!(error.code.exit, Exit::Wrong);
}

#[test]
fn a_hold_that_is_released_during_a_run_frees_nothing_in_it() {
    let world = world();
    let id = place(&folder(&world), &new_hold("9"));
    let released = folder(&world);
    world.tap.with(|hooks| {
        hooks.before = Some(Box::new(move |n, _| {
            if n == 1 {
                let given = Release { id: id.clone(), by: "General Counsel".into() };
                let forms = [&quietus_memory::FORM];
                hold::release(&released, &Durable::new(), &forms, &given, TODAY).unwrap();
            }
        }));
    });
    let counts = totals(&world.run().unwrap());
    assert_eq!((counts.disposed, counts.held), (100, 50));
    assert_eq!(of_customer_9(&world), 50);
    world.tap.quiet();
    assert_eq!(totals(&world.run().unwrap()).disposed, 50, "the next run takes them");
}

#[test]
fn a_hold_that_came_after_the_plan_and_went_during_the_run_still_covers_until_its_end() {
    let world = world();
    let stored = world.plan(TODAY);
    let id = place(&folder(&world), &new_hold("9"));
    let released = folder(&world);
    world.tap.with(|hooks| {
        hooks.before = Some(Box::new(move |n, _| {
            if n == 1 {
                let given = Release { id: id.clone(), by: "General Counsel".into() };
                let forms = [&quietus_memory::FORM];
                hold::release(&released, &Durable::new(), &forms, &given, TODAY).unwrap();
            }
        }));
    });
    assert_eq!(totals(&world.run_plan(&stored.plan.id).unwrap()).held, 50);
    assert_eq!(code(world.run_plan("nothing")), "not_found");
}
