//! Which level evidence reaches, and what is said not to have been checked.

use quietus_evidence::bundle::Selection;
use quietus_evidence::verify::{Freshness, Report};
use quietus_evidence::{Bundle, Input, Level, TrustPolicy, verify};
use quietus_tests::sample::{Sample, policy_text};

use super::common::{check, check_bundle, faults};

fn report(bytes: &[u8], policy: Option<&str>) -> Report {
    let bundle = Bundle::open(bytes).unwrap();
    let policy = policy.map(|text| TrustPolicy::parse(text.as_bytes()).unwrap());
    let policy = policy.as_ref();
    verify(Input { source: &bundle, policy, last_seen: None, disclosures: &[] })
}

#[test]
fn without_a_policy_evidence_is_self_consistent_at_best() {
    let bytes = Sample::small().unwrap().bundle(Selection::Full, &[]).unwrap();
    let report = report(&bytes, None);
    assert_eq!(faults(&report), [""; 0]);
    assert_eq!(report.level, Level::SelfConsistent);
    assert!(report.not_checked.iter().any(|line| line.starts_with("who signed")));
}

#[test]
fn with_the_pinned_key_evidence_is_signed() {
    let sample = Sample::small().unwrap();
    let report = check_bundle(&sample.bundle(Selection::Full, &[]).unwrap());
    assert_eq!(faults(&report), [""; 0]);
    assert_eq!((report.level, report.is_met()), (Level::Signed, true));
    assert_eq!((report.size, report.certificates.len(), report.nils.len()), (9, 2, 1));
    assert_eq!(report.records, 7);
    assert_eq!(report.open_intents, [0; 0]);
    assert!(matches!(report.freshness, Some(Freshness::Claimed(_))));
    assert_eq!(report.not_checked.len(), 5);
}

#[test]
fn a_folder_verifies_as_its_bundle_does() {
    let sample = Sample::small().unwrap();
    let mut folder = check(&sample);
    let bundle = check_bundle(&sample.bundle(Selection::Full, &[]).unwrap());
    folder.kind = bundle.kind;
    assert_eq!(folder, bundle);
}

#[test]
fn the_quorum_makes_evidence_witnessed() {
    let mut sample = Sample::small().unwrap();
    let policy = policy_text(true).unwrap();
    let unseen = report(&sample.bundle(Selection::Full, &[]).unwrap(), Some(&policy));
    assert_eq!((unseen.level, unseen.is_met()), (Level::Signed, false));
    sample.cosign(1_795_320_000).unwrap();
    let bytes = sample.bundle(Selection::Full, &[]).unwrap();
    let seen = report(&bytes, Some(&policy));
    assert_eq!(faults(&seen), [""; 0]);
    assert_eq!((seen.level, seen.is_met()), (Level::Witnessed, true));
    let Some(Freshness::Witnessed(at)) = seen.freshness else { panic!("{seen:?}") };
    assert_eq!(at.unix(), 1_795_320_000);
    let own = report(&bytes, None);
    assert_eq!(own.level, Level::SelfConsistent);
    assert!(own.not_checked.iter().any(|line| line.starts_with("cosignatures")));
}

#[test]
fn another_ledgers_policy_makes_it_invalid() {
    let bytes = Sample::small().unwrap().bundle(Selection::Full, &[]).unwrap();
    let other = policy_text(false).unwrap().replace("log disposal", "# log disposal");
    let report = report(&bytes, Some(&other));
    super::common::assert_fault(&report, "the policy does not have the ledger");
}

#[test]
fn a_single_certificate_says_what_it_leaves_out() {
    let sample = Sample::small().unwrap();
    for (seq, records, lines) in [(3, true, 3), (3, false, 0), (5, true, 4), (6, false, 0)] {
        let bytes = sample.bundle(Selection::Single { seq, records }, &[]).unwrap();
        let report = check_bundle(&bytes);
        assert_eq!(faults(&report), [""; 0], "{seq}");
        assert_eq!((report.level, report.records), (Level::Signed, lines));
        assert!(report.not_checked.iter().any(|line| line.starts_with("the chain")));
        let left_out = report.not_checked.iter().any(|line| line.contains("records.jsonl"));
        assert_eq!(left_out, seq < 6 && !records);
    }
    assert!(sample.bundle(Selection::Single { seq: 9, records: false }, &[]).is_err());
}
