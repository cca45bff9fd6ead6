//! Nothing of a class with an owner's sign-off goes without it, and never more than was signed.

use quietus::approval::Decision;
use quietus::error::Exit;
use quietus::keys::SecretKey;
use quietus::plan::StoredPlan;

use crate::world::{NEW, OLD, World, code, line, totals};

const TODAY: jiff::civil::Date = jiff::civil::date(2026, 3, 12);

/// Five records that wait for their owner, and two that need nobody.
fn world() -> World {
    let world = World::new();
    world.put_many("own", "O", 5, OLD);
    world.put_many("std", "S", 2, OLD);
    world.put_many("own", "K", 1, NEW);
    world
}

/// Runs once; returns the plan that then waits.
fn waiting(world: &World) -> StoredPlan {
    let outcome = world.run().unwrap();
    assert_eq!(outcome.exit(), Exit::Partly);
    assert_eq!(line(&outcome.runs[0], "OWN").awaiting_approval, 5);
    world.plans().into_iter().next().unwrap()
}

fn gone(world: &World) -> usize {
    5 - world.there().iter().filter(|name| name.starts_with('O')).count()
}

#[test]
fn what_needs_a_sign_off_waits_and_is_listed_once_however_often_runs_come() {
    let world = world();
    let stored = waiting(&world);
    assert_eq!(stored.plan.planned(), 7);
    for _ in 0..2 {
        world.wait_days(1);
        let outcome = world.run().unwrap();
        assert_eq!((outcome.exit(), totals(&outcome).awaiting_approval), (Exit::Partly, 5));
    }
    let listed: u64 = world.plans().iter().map(|p| p.plan.planned()).sum();
    assert_eq!(listed, 7, "the five are in one plan");
    assert_eq!(gone(&world), 0);
    assert!(world.tap.sent().iter().all(|name| name.starts_with('S')));
}

#[test]
fn after_the_sign_off_a_plain_run_carries_the_plan_out_and_names_who_signed() {
    let world = world();
    let stored = waiting(&world);
    world.decide(&stored, Decision::Approve, &[]);
    world.wait_days(1);
    let outcome = world.run().unwrap();
    assert_eq!(outcome.exit(), Exit::Done);
    assert_eq!(totals(&outcome).disposed, 5);
    assert_eq!(gone(&world), 5);
    let report = world.verified();
    let result = &report.certificates.last().unwrap().result;
    assert_eq!(result.authority.approvals.len(), 1);
    assert_eq!(result.authority.approvals[0].role, "Case Manager");
    world.wait_days(1);
    assert_eq!(world.run().unwrap().exit(), Exit::Done);
    assert_eq!(world.verified().certificates.len(), report.certificates.len());
}

#[test]
fn a_record_that_its_owner_leaves_out_stays_and_is_certified_as_held() {
    let world = world();
    let stored = waiting(&world);
    world.decide(&stored, Decision::Approve, &["O003"]);
    let outcome = world.run().unwrap();
    assert_eq!(line(&outcome.runs[0], "OWN").disposed, 4);
    assert_eq!(line(&outcome.runs[0], "OWN").held, 1);
    assert!(world.there().contains("O003"));
    assert_eq!(world.certified()["O003"], ["held"]);
    assert_eq!(world.verified().certificates.last().unwrap().result.scope.counts.held, 1);
}

#[test]
fn what_its_owner_rejects_stays() {
    let world = world();
    let stored = waiting(&world);
    world.decide(&stored, Decision::Reject("audit ahead".to_owned()), &[]);
    let outcome = world.run_plan(&stored.plan.id).unwrap();
    assert_eq!(line(&outcome.runs[0], "OWN").held, 5);
    world.decide(&stored, Decision::Approve, &[]);
    let outcome = world.run().unwrap();
    assert!(outcome.runs.iter().all(|run| line(run, "OWN").disposed == 0));
    assert_eq!(gone(&world), 0, "a rejection beats an approval");
}

#[test]
fn a_sign_off_of_another_plan_counts_for_nothing() {
    let world = world();
    let first = waiting(&world);
    world.decide(&first, Decision::Approve, &[]);
    let second = world.plan(TODAY);
    for entry in std::fs::read_dir(&first.folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_string_lossy().starts_with("approval") {
            std::fs::rename(entry.path(), second.folder.join(entry.file_name())).unwrap();
        }
    }
    let outcome = world.run_plan(&second.plan.id).unwrap();
    assert_eq!(line(&outcome.runs[0], "OWN").awaiting_approval, 5);
    assert_eq!(gone(&world), 0);
}

#[test]
fn a_sign_off_by_a_key_that_may_not_counts_for_nothing() {
    let world = world();
    let stored = waiting(&world);
    let stranger = SecretKey::generate("stranger").unwrap();
    world.decide_as(&stranger, &stored, Decision::Approve, &[]);
    assert_eq!(totals(&world.run().unwrap()).awaiting_approval, 5);
    assert_eq!(gone(&world), 0);
    world.decide(&stored, Decision::Approve, &[]);
    assert_eq!(totals(&world.run().unwrap()).disposed, 5, "the owner's counts");
}

#[test]
fn a_sign_off_from_before_a_change_of_the_schedule_counts_for_nothing() {
    let world = world();
    let stored = waiting(&world);
    world.decide(&stored, Decision::Approve, &[]);
    world.edit("schedule.toml", "retention   = \"1 year\"", "retention   = \"2 years\"");
    assert_eq!(code(world.run_plan(&stored.plan.id)), "plan_stale");
    let outcome = world.run().unwrap();
    assert_eq!(totals(&outcome).awaiting_approval, 5);
    assert_eq!(gone(&world), 0);
}

/// Changes one byte of a file of a plan.
fn flip(stored: &StoredPlan, name: &str) {
    let path = stored.folder.join(name);
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn an_edited_list_of_records_is_refused_and_the_next_run_is_free_of_it() {
    for standing in [false, true] {
        let world = world();
        if standing {
            world.edit("schedule.toml", "each batch", "standing");
        }
        let stored = world.plan(TODAY);
        world.decide(&stored, Decision::Approve, &[]);
        for segment in &stored.plan.segments {
            flip(&stored, &format!("{}.records", segment.n));
        }
        assert_eq!(code(world.run_plan(&stored.plan.id)), "plan_stale");
        assert_eq!(world.tap.orders(), 0);
        let outcome = world.run().unwrap_or_else(|e| panic!("a dead end: {e}"));
        assert!(totals(&outcome).disposed >= 2);
        world.verified();
    }
}

#[test]
fn an_edited_header_is_refused_even_where_nobody_signs() {
    let world = world();
    world.edit("schedule.toml", "each batch", "standing");
    world.settings("records_max = 1");
    let stored = world.plan(TODAY);
    assert!(stored.plan.holdings.iter().all(|h| !h.breaches.is_empty()));
    let path = stored.folder.join("plan.json");
    let mut header: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for holding in header["holdings"].as_array_mut().unwrap() {
        holding["breaches"] = serde_json::json!([]);
    }
    std::fs::write(&path, header.to_string()).unwrap();
    assert_eq!(code(world.run_plan(&stored.plan.id)), "plan_stale");
    assert_eq!(world.tap.orders(), 0);
}

#[test]
fn an_edited_header_makes_its_sign_off_worthless() {
    let world = world();
    let stored = waiting(&world);
    world.decide(&stored, Decision::Approve, &[]);
    let path = stored.folder.join("plan.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text + "\n").unwrap();
    world.run().unwrap();
    assert_eq!(gone(&world), 0);
}

#[test]
fn a_plan_is_carried_out_within_thirty_days_and_not_after() {
    for (days, done) in [(30, true), (31, false)] {
        let world = world();
        let stored = waiting(&world);
        world.decide(&stored, Decision::Approve, &[]);
        world.wait_days(days);
        if done {
            assert_eq!(totals(&world.run().unwrap()).disposed, 5);
        } else {
            assert_eq!(code(world.run_plan(&stored.plan.id)), "plan_stale");
            assert_eq!(totals(&world.run().unwrap()).awaiting_approval, 5);
            assert_eq!(gone(&world), 0);
            assert!(!stored.folder.join("1.records").exists(), "its list of records goes");
        }
    }
}

#[test]
fn a_plan_that_looks_ahead_is_never_carried_out() {
    let world = world();
    let ahead = jiff::civil::date(2027, 6, 1);
    let stored = world.plan(ahead);
    assert_eq!(stored.plan.planned(), 8, "it shows what will be due");
    world.decide(&stored, Decision::Approve, &[]);
    assert_eq!(code(world.run_plan(&stored.plan.id)), "plan_stale");
    world.run().unwrap();
    assert_eq!(gone(&world), 0);
    assert!(world.there().contains("K001"));
    let request = quietus::execution::Request { as_of: Some(ahead), plan: None };
    let durable = quietus::durable::Durable::new();
    assert_eq!(code(world.run_as(request, durable)), "command_line");
}
