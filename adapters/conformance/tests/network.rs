//! The suite through the proxy: a store behind a real connection, with the proxy's faults.
//!
//! It shows that the faults of the proxy bring an adapter to every case that needs one, and that
//! an adapter of a network can pass them all.

#![cfg(test)]

#[path = "network/bed.rs"]
mod bed;
#[path = "network/remote.rs"]
mod remote;

use quietus_conformance::{Lie, Verdict, assert_conformant, is_caught, run};

use bed::NetworkBed;

#[tokio::test]
async fn store_behind_a_connection_is_conformant() {
    assert_conformant(&NetworkBed).await;
}

/// Those are the memory store's own gaps: it has neither links nor a schema, and a connection
/// lets nobody make the listing lag or the store die within an order that memory could not.
#[tokio::test]
async fn every_fault_is_there() {
    let report = run(&NetworkBed).await;
    let left_out = report.cases.iter().filter_map(|case| match &case.verdict {
        Verdict::NotApplicable(why) => Some(why.as_str()),
        _ => None,
    });
    assert!(left_out.clone().all(|why| !why.contains("Fault") && !why.contains("Cut")), "{report}");
}

#[tokio::test]
async fn lies_about_the_connection_are_caught() {
    for (lie, case) in [
        (Lie::Optimist, "dispose/lost_request_is_never_disposed"),
        (Lie::Optimist, "dispose/lost_response_is_indeterminate"),
        (Lie::Optimist, "dispose/cut_response_claims_only_what_was_read"),
        (Lie::Optimist, "dispose/cut_off_target_is_never_disposed"),
        (Lie::DeniedIsAbsent, "verify_absent/cut_off_target_is_unknown"),
        (Lie::DeniedIsAbsent, "verify_absent/silence_is_unknown"),
        (Lie::HalfLister, "page/cut_listing_is_not_the_end"),
        (Lie::HalfLister, "page/cut_off_target_is_an_error"),
        (Lie::VoidSeer, "all/attempts_are_bounded"),
        (Lie::Hammer, "all/attempts_are_bounded"),
    ] {
        assert!(is_caught(&NetworkBed, lie, case).await, "{lie:?} escapes {case}");
    }
}
