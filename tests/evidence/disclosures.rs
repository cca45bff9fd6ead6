//! One record opened, and every way in which an opening can be false.

use quietus_evidence::bundle::Selection;
use quietus_evidence::{
    Bundle, Disclosure, Input, Level, RecordOutcome, Report, TrustPolicy, verify,
};
use quietus_tests::sample::{ORIGIN, STORE, Sample, batch_key, policy_text};

use super::common::{assert_fault, check_bundle, faults};

fn with(sample: &Sample, selection: Selection, disclosure: &[u8]) -> Report {
    let policy = TrustPolicy::parse(policy_text(false).unwrap().as_bytes()).unwrap();
    let bytes = sample.bundle(selection, &[]).unwrap();
    let bundle = Bundle::open(bytes).unwrap();
    let policy = Some(&policy);
    verify(Input { source: &bundle, policy, last_seen: None, disclosures: &[disclosure] })
}

#[test]
fn an_opened_record_is_proved_from_the_bundle_alone() {
    let sample = Sample::small().unwrap();
    let opened = [sample.disclose(3, 1, "1002").unwrap(), sample.disclose(5, 2, "2003").unwrap()];
    let report = check_bundle(&sample.bundle(Selection::Full, &opened).unwrap());
    assert_eq!(faults(&report), [""; 0]);
    let told: Vec<_> = report
        .disclosures
        .iter()
        .map(|one| (one.record_key.as_str(), one.line.outcome, one.line.due.to_string()))
        .collect();
    let due = || "2026-10-31".to_owned();
    assert_eq!(
        told,
        [("1002", RecordOutcome::Destroyed, due()), ("2003", RecordOutcome::Failed, due())]
    );
}

#[test]
fn a_single_certificate_is_enough_for_an_opening() {
    let sample = Sample::small().unwrap();
    let opened = sample.disclose(3, 1, "1001").unwrap().encode().unwrap();
    let report = with(&sample, Selection::Single { seq: 3, records: false }, &opened);
    assert_eq!((faults(&report), report.level), (vec![], Level::Signed));
    assert_eq!(report.disclosures.len(), 1);
}

#[test]
fn an_opening_of_an_absent_certificate_is_false() {
    let sample = Sample::small().unwrap();
    let opened = sample.disclose(5, 2, "2001").unwrap().encode().unwrap();
    let report = with(&sample, Selection::Single { seq: 3, records: false }, &opened);
    assert_fault(&report, "entry 5 is not a result that is here");
}

#[test]
fn every_changed_byte_of_an_opening_is_detected() {
    let sample = Sample::small().unwrap();
    let opened = sample.disclose(3, 1, "1002").unwrap().encode().unwrap();
    assert_eq!(with(&sample, Selection::Full, &opened).level, Level::Signed);
    for at in 0..opened.len() {
        let mut bent = opened.clone();
        bent[at] ^= 1 << (at % 8);
        let report = with(&sample, Selection::Single { seq: 3, records: false }, &bent);
        assert_eq!(report.level, Level::Invalid, "byte {at}");
    }
}

#[test]
fn an_opening_proves_nothing_of_another_record_or_batch() {
    let sample = Sample::small().unwrap();
    let path = "evidence/run-1/batch-0001.records.jsonl";
    let records = &sample.files[path];
    let make =
        |store, record, n| Disclosure::make(ORIGIN, 3, store, record, &batch_key(n), records);
    assert!(make(STORE, "1003", 1).is_ok());
    assert!(make(STORE, "1004", 1).is_err());
    assert!(make(STORE, "1003", 2).is_err());
    assert!(make("pg:crm/public.orders", "1003", 1).is_err());
    let mut moved = make(STORE, "1003", 1).unwrap();
    moved.seq = 5;
    assert_fault(&with(&sample, Selection::Full, &moved.encode().unwrap()), "its size");
}

#[test]
fn a_record_may_have_any_name() {
    let name = "a\u{0}b\n\"c\"\\ \u{202e}d".to_owned();
    let mut sample = Sample::new().unwrap();
    let batch = quietus_evidence::statement::Batch { n: 1, of: 1 };
    let names = [name.clone(), String::new()];
    let planned = quietus_tests::sample::PlannedBatch::new("run-1", batch, &names, |_| {
        RecordOutcome::Destroyed
    });
    let seq = sample.batch(&planned.unwrap()).unwrap();
    let opened = [sample.disclose(seq, 1, &name).unwrap(), sample.disclose(seq, 1, "").unwrap()];
    let report = check_bundle(&sample.bundle(Selection::Full, &opened).unwrap());
    assert_eq!(faults(&report), [""; 0]);
    assert_eq!(report.disclosures.len(), 2);
}
