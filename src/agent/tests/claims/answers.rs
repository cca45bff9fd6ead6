//! Whatever a target answers: each record is counted once, in the right place, and certificates
//! say no more than is known.

use quietus::error::Exit;
use quietus::plan::Counts;
use quietus_contract::{Absence, AdapterError, ErrorKind, Outcome, TargetHold};
use quietus_memory::{Fault, Kind, Rights, Times};

use crate::world::{NEW, OLD, World, code, item, totals};

/// Ten records that are due and two that are not.
fn world() -> World {
    let world = World::new();
    world.put_many("std", "S", 10, OLD);
    world.put_many("std", "K", 2, NEW);
    world
}

fn outcomes(world: &World, name: &str) -> Vec<String> {
    world.certified().remove(name).unwrap_or_default()
}

/// Runs to the end; checks evidence against the target, and how the command ends.
fn run(world: &World, exit: Exit) -> Counts {
    let before = (1..=10).map(|n| format!("S{n:03}")).collect();
    let outcome = world.run().unwrap_or_else(|e| panic!("{e}: {:?}", e.source));
    assert_eq!(outcome.exit(), exit);
    world.agrees(&before);
    assert!(world.there().contains("K001") && world.there().contains("K002"));
    assert!(world.tap.sent().iter().all(|name| name.starts_with('S')));
    totals(&outcome)
}

#[test]
fn a_run_without_faults_disposes_of_what_is_due_and_of_nothing_else() {
    let counts = run(&world(), Exit::Done);
    assert_eq!((counts.matched, counts.due, counts.disposed), (12, 10, 10));
}

#[test]
fn an_answer_that_was_lost_is_found_out_and_certified_as_unacknowledged() {
    let world = world();
    world.store.inject(Fault::LoseResponse, Some(Kind::Dispose), Times::Count(1));
    assert_eq!(run(&world, Exit::Done).disposed, 10);
    assert_eq!(world.verified().certificates[0].result.scope.counts.unacknowledged, 10);
    assert_eq!(world.tap.orders(), 1, "nothing is sent twice that is known to be gone");
}

#[test]
fn a_request_that_was_lost_leaves_its_records_and_the_next_run_takes_them() {
    let world = world();
    world.store.inject(Fault::LoseRequest, Some(Kind::Dispose), Times::Count(1));
    let first = run(&world, Exit::Partly);
    assert_eq!((first.disposed, first.failed), (0, 10));
    assert_eq!(outcomes(&world, "S001"), ["failed"]);
    assert_eq!(run(&world, Exit::Done).disposed, 10);
    assert_eq!(outcomes(&world, "S001"), ["failed", "destroyed"]);
}

#[test]
fn a_target_that_dies_midway_is_asked_what_it_did() {
    let world = world();
    world.store.inject(Fault::CrashAfter(4), Some(Kind::Dispose), Times::Count(1));
    let first = run(&world, Exit::Partly);
    assert_eq!((first.disposed, first.failed), (4, 6));
    assert_eq!(run(&world, Exit::Done).disposed, 6);
}

#[test]
fn an_answer_that_broke_off_is_completed_by_looking() {
    let world = world();
    world.store.inject(Fault::Partial, Some(Kind::Dispose), Times::Count(1));
    assert_eq!(run(&world, Exit::Done).disposed, 10);
    assert_eq!(world.verified().certificates[0].result.scope.counts.unacknowledged, 5);
}

#[test]
fn a_target_that_cannot_be_reached_has_lost_nothing() {
    let world = world();
    world.store.inject(Fault::Unreachable, Some(Kind::Dispose), Times::Count(1));
    let counts = run(&world, Exit::Partly);
    assert_eq!((counts.disposed, counts.failed), (0, 10));
}

#[test]
fn an_answer_of_the_wrong_length_counts_for_nothing_and_the_target_is_looked_at() {
    for length in [0, 9, 11] {
        let world = world();
        world.tap.with(|hooks| {
            hooks.outcomes = Some(Box::new(move |_, answer| {
                answer.map(|mut all| {
                    all.resize(length, Outcome::Disposed { members: 0 });
                    all
                })
            }));
        });
        assert_eq!(run(&world, Exit::Done).disposed, 10, "length {length}");
        assert_eq!(world.verified().certificates[0].result.scope.counts.unacknowledged, 10);
    }
}

#[test]
fn an_order_that_fails_after_it_was_carried_out_is_not_sent_again() {
    let world = world();
    world.tap.with(|hooks| {
        hooks.outcomes =
            Some(Box::new(|_, _| Err(AdapterError::new(ErrorKind::Broken, "it broke midway"))));
    });
    assert_eq!(run(&world, Exit::Done).disposed, 10);
    assert_eq!(world.tap.orders(), 1);
}

#[test]
fn an_order_that_fails_before_it_was_carried_out_is_given_up_after_a_few_tries() {
    let world = world();
    world.tap.with(|hooks| {
        hooks.swallow = true;
        hooks.outcomes =
            Some(Box::new(|_, _| Err(AdapterError::new(ErrorKind::Broken, "it broke at once"))));
    });
    let counts = run(&world, Exit::Partly);
    assert_eq!((counts.disposed, counts.failed, world.tap.orders()), (0, 10, 3));
    assert_eq!(outcomes(&world, "S001"), ["failed"]);
}

#[test]
fn a_record_that_is_said_to_be_gone_and_is_there_is_certified_as_failed() {
    let world = world();
    world.tap.with(|hooks| hooks.swallow = true);
    let counts = run(&world, Exit::Partly);
    assert_eq!((counts.disposed, counts.failed), (0, 10));
    assert_eq!(outcomes(&world, "S001"), ["failed"]);
    assert_eq!(world.verified().certificates[0].result.verification.found, 10);
}

#[test]
fn what_cannot_be_read_afterwards_is_counted_as_indeterminate_and_certified_as_failed() {
    let world = world();
    world.tap.with(|hooks| {
        hooks.absences = Some(Box::new(|_, answer| {
            answer.map(|mut all| {
                let at = all.len().saturating_sub(7).min(3);
                all[at] = Absence::Unknown { reason: "no right to read it".to_owned() };
                all
            })
        }));
    });
    let outcome = world.run().unwrap();
    assert_eq!(outcome.exit(), Exit::Partly);
    let counts = totals(&outcome);
    assert_eq!((counts.disposed, counts.indeterminate), (9, 1));
    assert_eq!(outcomes(&world, "S004"), ["failed"]);
}

#[test]
fn what_cannot_be_read_at_once_is_looked_for_again() {
    let world = world();
    world.tap.with(|hooks| {
        hooks.absences = Some(Box::new(|n, answer| {
            answer.map(|mut all| {
                if n == 1 {
                    all[3] = Absence::Unknown { reason: "it is busy".to_owned() };
                }
                all
            })
        }));
    });
    assert_eq!(run(&world, Exit::Done).disposed, 10);
    assert_eq!(world.tap.orders(), 1);
}

#[test]
fn a_look_that_fails_leaves_the_run_open_and_the_next_one_ends_it() {
    let world = world();
    world.tap.with(|hooks| {
        hooks.absences = Some(Box::new(|n, answer| {
            if n == 1 { Err(AdapterError::new(ErrorKind::Broken, "no answer")) } else { answer }
        }));
    });
    assert_eq!(code(world.run()), "in_doubt");
    assert_eq!(world.verified().certificates.len(), 0);
    assert_eq!(world.verified().open_intents.len(), 1);
    assert_eq!(run(&world, Exit::Done).disposed, 10);
    assert_eq!(world.tap.orders(), 1);
}

#[test]
fn a_look_of_the_wrong_length_is_no_look() {
    let world = world();
    world.tap.with(|hooks| {
        hooks.absences = Some(Box::new(|n, answer| {
            answer.map(|all| if n == 1 { all[1..].to_vec() } else { all })
        }));
    });
    assert_eq!(code(world.run()), "in_doubt");
    assert_eq!(run(&world, Exit::Done).disposed, 10);
}

/// Changes something just before the order reaches the store.
fn meanwhile(world: &World, change: impl Fn(&quietus_memory::Store) + Send + 'static) {
    let store = world.store.clone();
    world.tap.with(|hooks| {
        hooks.before = Some(Box::new(move |_, _| change(&store)));
    });
}

fn name(text: &str) -> Vec<String> {
    vec![text.to_owned()]
}

#[test]
fn a_record_that_changed_after_the_plan_stays_and_is_counted_as_changed() {
    let world = world();
    meanwhile(&world, |store| {
        store.change("std", &name("S002"), |item| item.content.push('x'));
    });
    let counts = run(&world, Exit::Partly);
    assert_eq!((counts.disposed, counts.changed), (9, 1));
    assert!(world.there().contains("S002"));
    assert_eq!(outcomes(&world, "S002"), ["failed"]);
}

#[test]
fn a_record_that_was_made_anew_after_the_plan_stays() {
    let world = world();
    meanwhile(&world, |store| {
        store.remove("std", &name("S002"), false);
        store.put("std", &name("S002"), item(OLD, "8"));
    });
    let counts = run(&world, Exit::Partly);
    assert_eq!((counts.disposed, counts.changed), (9, 1));
    assert!(world.there().contains("S002"));
}

#[test]
fn a_record_that_somebody_else_took_away_is_certified_as_absent() {
    let world = world();
    meanwhile(&world, |store| {
        store.remove("std", &name("S002"), false);
    });
    let outcome = world.run().unwrap();
    let counts = totals(&outcome);
    assert_eq!((counts.disposed, counts.already_absent, outcome.exit()), (9, 1, Exit::Done));
    assert_eq!(outcomes(&world, "S002"), ["absent"]);
}

#[test]
fn a_record_that_the_target_begins_to_hold_stays_and_is_counted_as_held() {
    let world = world();
    meanwhile(&world, |store| {
        let hold = TargetHold { kind: "legal hold".to_owned(), until: None };
        store.set_hold("std", &name("S002"), Some(hold));
    });
    let counts = run(&world, Exit::Done);
    assert_eq!((counts.disposed, counts.held), (9, 1));
    assert_eq!(outcomes(&world, "S002"), ["held"]);
}

#[test]
fn a_record_that_the_target_holds_at_the_plan_is_never_sent() {
    let world = world();
    let hold = TargetHold { kind: "legal hold".to_owned(), until: None };
    world.store.set_hold("std", &name("S002"), Some(hold));
    let counts = run(&world, Exit::Done);
    assert_eq!((counts.disposed, counts.held), (9, 1));
    assert!(!world.tap.sent().contains(&"S002".to_owned()));
}

#[test]
fn a_record_that_the_target_refuses_stays_and_is_counted_as_refused() {
    let world = world();
    world.store.set_protected("std", &name("S002"), true);
    let counts = run(&world, Exit::Partly);
    assert_eq!((counts.disposed, counts.refused), (9, 1));
    assert_eq!(outcomes(&world, "S002"), ["failed"]);
}

#[test]
fn an_account_that_may_only_read_disposes_of_nothing() {
    let world = world();
    world.store.set_account("", Rights::ReadOnly);
    let counts = run(&world, Exit::Partly);
    assert_eq!((counts.disposed, counts.refused), (0, 10));
}

#[test]
fn an_account_that_is_shown_nothing_is_an_error_and_not_an_empty_shelf() {
    let world = world();
    world.store.set_account("", Rights::Blind);
    assert_eq!(code(world.run()), "target_denied");
    assert_eq!(world.there().len(), 12);
    assert_eq!(world.verified().nils.len(), 0, "that is no run in which nothing was due");
}

#[test]
fn a_listing_that_broke_off_is_an_error_and_nothing_goes() {
    let world = world();
    world.store.inject(Fault::Partial, Some(Kind::List), Times::Count(1));
    assert_eq!(code(world.run()), "target_broken");
    assert_eq!(world.tap.orders(), 0);
    assert_eq!(run(&world, Exit::Done).disposed, 10);
}
