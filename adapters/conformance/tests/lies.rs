//! Every lie is caught, by the cases that are there to catch it.

use quietus_conformance::{Lie, MemoryBed, run, run_lying};

#[tokio::test(start_paused = true)]
async fn every_lie_is_caught_by_its_cases() {
    let bed = MemoryBed { transactional: false };
    let honest = run(&bed).await;
    assert!(honest.is_conformant(), "{honest}");
    let mut escaped = Vec::new();
    for lie in Lie::ALL {
        let report = run_lying(&bed, *lie).await;
        let failed = report.failed();
        println!("{lie:?}: {failed:?}");
        let missing: Vec<_> = lie.caught_by().iter().filter(|c| !failed.contains(c)).collect();
        if !missing.is_empty() {
            escaped.push(format!("{lie:?} escapes {missing:?}; caught by {failed:?}"));
        }
    }
    assert!(escaped.is_empty(), "{}", escaped.join("\n"));
}

#[test]
fn every_lie_is_in_the_list_once() {
    for lie in Lie::ALL {
        assert_eq!(Lie::ALL.iter().filter(|l| *l == lie).count(), 1, "{lie:?}");
        assert!(!lie.caught_by().is_empty(), "{lie:?}");
    }
}
