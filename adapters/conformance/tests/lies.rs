//! Every lie is caught, by the cases that are there to catch it.

use quietus_conformance::{Lie, MemoryBed, run, run_lying};

#[tokio::test(start_paused = true)]
async fn every_lie_is_caught_and_every_case_catches_one() {
    let bed = MemoryBed { transactional: false };
    let honest = run(&bed).await;
    assert!(honest.is_conformant(), "{honest}");
    let mut escaped = Vec::new();
    let mut idle: Vec<&str> = honest.passed();
    // That one is about the testbed, and has its own test.
    idle.retain(|case| *case != "testbed/other_route_sees_what_happens");
    for lie in Lie::ALL {
        let report = run_lying(&bed, *lie).await;
        let failed = report.failed();
        println!("{lie:?}: {failed:?}");
        idle.retain(|case| !failed.contains(case));
        let missing: Vec<_> = lie.caught_by().iter().filter(|c| !failed.contains(c)).collect();
        if !missing.is_empty() {
            escaped.push(format!("{lie:?} escapes {missing:?}; caught by {failed:?}"));
        }
    }
    assert!(escaped.is_empty(), "{}", escaped.join("\n"));
    assert!(idle.is_empty(), "no lie shows that these cases can fail: {idle:?}");
}

#[test]
fn every_lie_is_in_the_list_once() {
    for lie in Lie::ALL {
        assert_eq!(Lie::ALL.iter().filter(|l| *l == lie).count(), 1, "{lie:?}");
        assert!(!lie.caught_by().is_empty(), "{lie:?}");
    }
}
