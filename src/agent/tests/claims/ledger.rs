//! One history: the ledger is continued where it ended, or not at all.

use quietus::auditing::{self, Trust};
use quietus::durable::Durable;
use quietus::error::Exit;
use quietus::keys::AgentKeys;

use crate::world::{OLD, World, copy_folder};

fn after_a_run() -> World {
    let world = World::new();
    world.put_many("std", "S", 3, OLD);
    assert_eq!(world.run_all().disposed, 3);
    world
}

fn replace_folder(world: &World, name: &str, with: &std::path::Path) {
    std::fs::remove_dir_all(world.path(name)).unwrap();
    copy_folder(with, &world.path(name));
}

/// The next run must be refused, and nothing go.
fn refused(world: &World, code: &str) {
    world.put("std", "S900", OLD);
    let sent = world.tap.orders();
    let error = world.run().unwrap_err();
    assert_eq!(error.code.name, code, "{error}");
    assert_eq!(world.tap.orders(), sent);
    assert!(world.there().contains("S900"));
}

#[test]
fn an_older_copy_of_the_ledger_is_refused() {
    let world = after_a_run();
    let copy = tempfile::tempdir().unwrap();
    copy_folder(&world.path("ledger"), copy.path());
    // The last entry alone would come again from the journal, byte for byte.
    for _ in 0..2 {
        world.wait_days(1);
        world.run_all();
    }
    replace_folder(&world, "ledger", copy.path());
    refused(&world, "ledger_changed");
}

#[test]
fn a_ledger_that_is_gone_is_not_begun_anew() {
    let world = after_a_run();
    std::fs::remove_dir_all(world.path("ledger")).unwrap();
    refused(&world, "ledger_changed");
}

#[test]
fn an_older_copy_of_the_state_is_refused() {
    let world = after_a_run();
    let copy = tempfile::tempdir().unwrap();
    copy_folder(&world.path("state"), copy.path());
    world.wait_days(1);
    world.run_all();
    replace_folder(&world, "state", copy.path());
    refused(&world, "ledger_changed");
}

#[test]
fn without_its_state_the_same_ledger_is_continued() {
    let world = after_a_run();
    let before = world.verified();
    std::fs::remove_dir_all(world.path("state")).unwrap();
    world.wait_days(1);
    world.put("std", "S900", OLD);
    assert_eq!(world.run_all().disposed, 1);
    let after = world.verified();
    assert_eq!(after.origin, before.origin);
    assert!(after.size > before.size);
    assert_eq!(after.certificates.len(), 2);
    assert_eq!(after.certificates[0], before.certificates[0]);
}

#[test]
fn the_keys_of_another_agent_are_refused() {
    for origin in ["records.example.org/agent-1", "records.example.org/agent-2"] {
        for state in [true, false] {
            let world = after_a_run();
            std::fs::remove_dir_all(world.path("keys")).unwrap();
            AgentKeys::create(&Durable::new(), &world.path("keys"), origin).unwrap();
            if !state {
                std::fs::remove_dir_all(world.path("state")).unwrap();
            }
            world.put("std", "S900", OLD);
            let error = world.run().unwrap_err();
            assert!(error.code.name.starts_with("ledger_"), "{error}");
            assert_eq!(world.tap.orders(), 1, "{origin}, state {state}");
            let report = auditing::verify_path(world.dir.path(), Trust::default()).unwrap();
            assert!(report.is_met(), "the old history stays whole: {:#?}", report.findings);
        }
    }
}

#[test]
fn a_clock_that_went_back_is_refused() {
    let world = after_a_run();
    world.set_now("2026-03-12T11:50:00Z");
    let error = world.run().unwrap_err();
    assert_eq!((error.code.name, error.code.exit), ("clock_refused", Exit::Refused));
    assert_eq!(world.tap.orders(), 1);
    world.set_now("2026-03-12T12:00:01Z");
    world.run_all();
    world.verified();
}

#[test]
fn a_run_with_nothing_due_leaves_a_signed_record() {
    let world = World::new();
    world.run_all();
    let report = world.verified();
    assert_eq!((report.nils.len(), report.certificates.len()), (1, 0));
}

#[test]
fn an_entry_that_was_changed_is_found() {
    let world = after_a_run();
    let path = world.path("ledger/certificates");
    let entry = std::fs::read_dir(path).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&entry).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(&entry, bytes).unwrap();
    let report = auditing::verify_path(world.dir.path(), Trust::default()).unwrap();
    assert!(!report.is_met());
}
