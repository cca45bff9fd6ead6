//! Limits: at the limit a class goes, one record more and nothing of it does.

use quietus::error::Exit;
use quietus_evidence::statement::NilReason;

use crate::world::{NEW, OLD, SCHEDULE, SYSTEMS, World, line, totals};

fn standing() -> World {
    World::of(&SCHEDULE.replace("each batch", "standing"), SYSTEMS)
}

/// Makes records of STD due and others not, and says whether the due ones go.
fn goes(limits: &str, due: usize, not_due: usize) -> bool {
    let world = standing();
    world.settings(limits);
    world.put_many("std", "S", due, OLD);
    world.put_many("std", "K", not_due, NEW);
    let outcome = world.run().unwrap();
    let counts = totals(&outcome);
    let gone = counts.disposed == u64::try_from(due).unwrap();
    assert_eq!(world.there().len(), if gone { not_due } else { due + not_due });
    assert_eq!(outcome.exit(), if gone { Exit::Done } else { Exit::Refused });
    assert!(gone || counts.refused == u64::try_from(due).unwrap());
    assert!(gone || world.tap.orders() == 0);
    gone
}

#[test]
fn as_many_records_as_the_limit_go_and_one_more_stops_them_all() {
    let limits = "records_max = 20\nshare_max_percent = 100";
    assert!(goes(limits, 20, 0));
    assert!(!goes(limits, 21, 0));
}

#[test]
fn as_large_a_share_as_the_limit_goes_and_one_more_stops_them_all() {
    assert!(goes("share_max_percent = 25", 25, 75));
    assert!(!goes("share_max_percent = 25", 26, 75));
}

#[test]
fn as_much_growth_as_the_limit_goes_and_one_more_stops_them_all() {
    for (more, gone) in [(45, true), (46, false)] {
        let world = standing();
        world.settings("growth_max_times = 3\nshare_max_percent = 100");
        for day in 0..3 {
            world.put_many("std", &format!("D{day}"), 15, OLD);
            assert_eq!(world.run_all().disposed, 15);
            world.wait_days(1);
        }
        world.put_many("std", "S", more, OLD);
        let counts = world.run_all();
        assert_eq!(counts.disposed > 0, gone, "{more}");
        assert_eq!(counts.disposed + counts.refused, u64::try_from(more).unwrap());
    }
}

#[test]
fn a_class_over_its_limit_stays_while_another_goes() {
    let world = standing();
    world.settings("records_max = 20\nshare_max_percent = 100");
    world.put_many("std", "S", 21, OLD);
    world.put_many("own", "O", 20, OLD);
    let outcome = world.run().unwrap();
    assert_eq!(outcome.exit(), Exit::Refused);
    let run = &outcome.runs[0];
    assert_eq!((line(run, "STD").refused, line(run, "OWN").disposed), (21, 20));
    assert!(world.there().iter().all(|name| name.starts_with('S')));
    assert_eq!(world.there().len(), 21);
    assert!(run.totals().add_up());
    world.verified();
}

#[test]
fn a_run_that_limits_stopped_leaves_a_signed_record_that_says_so() {
    let world = standing();
    world.settings("records_max = 1");
    world.put_many("std", "S", 2, OLD);
    assert_eq!(world.run().unwrap().exit(), Exit::Refused);
    let report = world.verified();
    assert_eq!(report.nils.len(), 1);
    assert_eq!(report.nils[0].why, NilReason::Limited);
    assert_eq!(report.nils[0].totals.due, 2);
}

#[test]
fn a_limit_that_was_raised_for_one_class_lets_that_class_go() {
    let world = standing();
    world.settings("records_max = 1");
    world.put_many("std", "S", 2, OLD);
    world.put_many("own", "O", 2, OLD);
    assert_eq!(world.run_all().refused, 4);
    world.settings("records_max = 1\n[limits.class.STD]\nrecords_max = 2");
    let counts = world.run_all();
    assert_eq!((counts.disposed, counts.refused), (2, 2));
}
