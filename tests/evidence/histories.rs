//! Histories that were cut, forked, reordered or continued against the rules.

use quietus_evidence::bundle::Selection;
use quietus_evidence::layout::{CHECKPOINT, records_path};
use quietus_evidence::statement::{
    Abort, Batch, Correct, HoldAction, HoldChange, Incident, Ref, SaltsDestroyed,
};
use quietus_evidence::verify::Severity;
use quietus_evidence::{
    Bundle, Event, Hash, Input, Level, RecordOutcome, Report, Timestamp, TrustPolicy, verify,
};
use quietus_tests::sample::{PlannedBatch, Sample, policy_text};

use super::common::{assert_fault, check, faults};

fn last_seen(sample: &Sample, kept: &[u8], selection: Selection) -> Report {
    let policy = TrustPolicy::parse(policy_text(false).unwrap().as_bytes()).unwrap();
    let bundle = Bundle::open(sample.bundle(selection, &[]).unwrap()).unwrap();
    let last_seen = Some(kept);
    verify(Input { source: &bundle, policy: Some(&policy), last_seen, disclosures: &[] })
}

fn planned(run: &str, records: &[&str]) -> PlannedBatch {
    let records: Vec<String> = records.iter().map(|record| (*record).to_owned()).collect();
    let batch = Batch { n: 1, of: 1 };
    PlannedBatch::new(run, batch, &records, |_| RecordOutcome::Destroyed).unwrap()
}

#[test]
fn a_longer_history_agrees_with_an_earlier_head() {
    let mut sample = Sample::small().unwrap();
    let kept = sample.files[CHECKPOINT].clone();
    assert_eq!(last_seen(&sample, &kept, Selection::Full).level, Level::Signed);
    for run in ["run-4", "run-5", "run-6"] {
        sample.append(sample.nil(run).unwrap()).unwrap();
        let report = last_seen(&sample, &kept, Selection::Full);
        assert_eq!((faults(&report), report.level), (vec![], Level::Signed));
    }
    let single = last_seen(&sample, &kept, Selection::Single { seq: 3, records: false });
    assert_eq!(single.level, Level::Signed);
    assert!(single.not_checked.iter().any(|line| line.starts_with("last seen")));
}

#[test]
fn a_cut_tail_is_detected_with_the_head_that_was_seen() {
    let short = Sample::small().unwrap();
    let mut long = short.clone();
    long.append(long.nil("run-4").unwrap()).unwrap();
    let kept = long.files[CHECKPOINT].clone();
    assert_eq!(check(&short).level, Level::Signed);
    assert_fault(&last_seen(&short, &kept, Selection::Full), "its end was cut off");
}

#[test]
fn a_fork_is_detected_with_the_head_that_was_seen() {
    let base = Sample::small().unwrap();
    let (mut one, mut other) = (base.clone(), base);
    one.append(one.nil("run-4").unwrap()).unwrap();
    other.append(other.nil("run-5").unwrap()).unwrap();
    let kept = one.files[CHECKPOINT].clone();
    let fork = "two histories are signed by one key";
    assert_fault(&last_seen(&other, &kept, Selection::Full), fork);
    let single = Selection::Single { seq: 3, records: false };
    assert_fault(&last_seen(&other, &kept, single), fork);
    other.append(other.nil("run-6").unwrap()).unwrap();
    assert_fault(&last_seen(&other, &kept, Selection::Full), fork);
}

#[test]
fn a_kept_head_must_be_signed_by_the_same_ledger() {
    let sample = Sample::small().unwrap();
    let kept = String::from_utf8(sample.files[CHECKPOINT].clone()).unwrap();
    let bent = kept.replacen("\n9\n", "\n8\n", 1);
    assert_fault(&last_seen(&sample, bent.as_bytes(), Selection::Full), "the signature of");
    let other = kept.replacen("agent-7", "agent-8", 1);
    assert_fault(&last_seen(&sample, other.as_bytes(), Selection::Full), "another ledger");
    assert_fault(&last_seen(&sample, b"", Selection::Full), "last seen");
}

#[test]
fn a_folder_cut_to_an_older_head_is_found_by_its_files() {
    let mut sample = Sample::small().unwrap();
    let old = sample.files[CHECKPOINT].clone();
    sample.append(sample.nil("run-4").unwrap()).unwrap();
    let mut files = sample.files.clone();
    files.insert(CHECKPOINT.to_owned(), old);
    sample.files = files;
    let report = check(&sample);
    // The tiles of the older size are gone, so the older head cannot be shown any more.
    assert_fault(&report, "it is missing");
}

#[test]
fn an_intent_without_a_result_stays_open() {
    let mut sample = Sample::new().unwrap();
    sample.append(sample.intent(&planned("run-1", &["1"])).unwrap()).unwrap();
    let report = check(&sample);
    assert_eq!((report.level, report.open_intents), (Level::Signed, vec![2]));
}

#[test]
fn an_intent_is_answered_once() {
    let mut sample = Sample::new().unwrap();
    let batch = planned("run-1", &["1", "2"]);
    let seq = sample.batch(&batch).unwrap();
    let intent = Ref { seq: 2, leaf: sample_leaf(&sample, 2) };
    let (_, again) = sample.result(&batch, intent).unwrap();
    sample.append(again).unwrap();
    assert_fault(
        &check(&sample),
        &format!("entry {}: it names an entry that is no intent", seq + 1),
    );
}

#[test]
fn a_result_without_its_intent_is_invalid() {
    let mut sample = Sample::new().unwrap();
    let batch = planned("run-1", &["1", "2"]);
    for intent in [Ref { seq: 1, leaf: Hash::ZERO }, Ref { seq: 99, leaf: Hash::ZERO }] {
        let (records, event) = sample.result(&batch, intent).unwrap();
        sample.files.insert(records_path(&batch.run, 1), records);
        sample.append(event).unwrap();
        assert_fault(&check(&sample), "intent does not name an earlier entry by its hash");
    }
}

#[test]
fn a_result_for_other_records_than_intended_is_invalid() {
    let mut sample = Sample::new().unwrap();
    let (meant, done) = (planned("run-1", &["1", "2"]), planned("run-1", &["1", "3"]));
    let intent = sample.append(sample.intent(&meant).unwrap()).unwrap().reference();
    let (records, event) = sample.result(&done, intent).unwrap();
    sample.files.insert(records_path(&done.run, 1), records);
    sample.append(event).unwrap();
    assert_fault(&check(&sample), "its intent_root is not that of its intent");
}

#[test]
fn a_batch_is_intended_once() {
    let mut sample = Sample::new().unwrap();
    for _ in 0..2 {
        sample.append(sample.intent(&planned("run-1", &["1"])).unwrap()).unwrap();
    }
    assert_fault(&check(&sample), "another intent has the same run and batch");
}

#[test]
fn a_policy_that_was_never_in_force_is_no_authority() {
    let mut sample = Sample::new().unwrap();
    sample.policy.seq = 0;
    sample.append(sample.nil("run-1").unwrap()).unwrap();
    assert_fault(&check(&sample), "policy_seq and policy do not name an earlier policy entry");
}

#[test]
fn an_abort_closes_only_an_intent_of_its_run() {
    let mut sample = Sample::new().unwrap();
    let intent = sample.append(sample.intent(&planned("run-1", &["1"])).unwrap()).unwrap();
    let abort = |run: &str, intent| {
        Event::Abort(Abort {
            run: run.parse().unwrap(),
            reason: "stopped".to_owned(),
            intent: Some(intent),
        })
    };
    let mut wrong = sample.clone();
    wrong.append(abort("run-2", intent.reference())).unwrap();
    assert_fault(&check(&wrong), "it closes the intent of another run");
    sample.append(abort("run-1", intent.reference())).unwrap();
    let report = check(&sample);
    assert_eq!((report.level, report.open_intents), (Level::Signed, vec![]));
    sample.append(abort("run-1", intent.reference())).unwrap();
    assert_fault(&check(&sample), "it names an entry that is no intent");
}

#[test]
fn corrections_incidents_holds_and_lost_salts_are_told() {
    let mut sample = Sample::small().unwrap();
    let leaf = sample_leaf(&sample, 3);
    for event in [
        Event::Correct(Correct { corrects: Ref { seq: 3, leaf }, reason: "wrong unit".into() }),
        Event::Incident(Incident {
            code: "clock".into(),
            summary: "the clock went back".into(),
            run: None,
        }),
        Event::Hold(HoldChange {
            action: HoldAction::Placed,
            holds: vec!["H-2026-1".into()],
            register: Hash::of(b"r"),
            count: 2,
        }),
        Event::SaltsDestroyed(SaltsDestroyed { results: vec![3, 5] }),
    ] {
        sample.append(event).unwrap();
    }
    let report = check(&sample);
    assert_eq!((faults(&report), report.level), (vec![], Level::Signed));
    let told = |part: &str| report.findings.iter().any(|one| one.message.contains(part));
    assert!(told("it corrects entry 3") && told("incident clock"));
    for results in [vec![3], vec![4], vec![99]] {
        let mut wrong = sample.clone();
        wrong.append(Event::SaltsDestroyed(SaltsDestroyed { results })).unwrap();
        assert_fault(&check(&wrong), "is no result with a batch key");
    }
    let wrong = Ref { seq: 3, leaf: Hash::ZERO };
    sample.append(Event::Correct(Correct { corrects: wrong, reason: "x".into() })).unwrap();
    assert_fault(&check(&sample), "corrects does not name an earlier entry");
}

#[test]
fn a_clock_that_went_back_is_told() {
    let mut sample = Sample::small().unwrap();
    let early = Timestamp::from_unix(0).unwrap();
    sample.append_at(early, sample.nil("run-4").unwrap()).unwrap();
    let report = check(&sample);
    assert_eq!(report.level, Level::Signed);
    let told = |one: &&quietus_evidence::verify::Finding| one.message.contains("clock went back");
    let found = report.findings.iter().find(told).unwrap();
    assert_eq!(found.severity, Severity::Notice);
}

#[test]
fn a_ledger_of_several_tiles_verifies() {
    let mut sample = Sample::new().unwrap();
    for i in 0..600 {
        sample.append(sample.nil(&format!("run-{i}")).unwrap()).unwrap();
    }
    let report = check(&sample);
    assert_eq!((faults(&report), report.level, report.size), (vec![], Level::Signed, 602));
    let bytes = sample.bundle(Selection::Full, &[]).unwrap();
    assert_eq!(super::common::check_bundle(&bytes).level, Level::Signed);
    let single = Selection::Single { seq: 555, records: false };
    assert_eq!(
        super::common::check_bundle(&sample.bundle(single, &[]).unwrap()).level,
        Level::Signed
    );
    for path in ["ledger/tile/0/001", "ledger/tile/1/000.p/2", "ledger/tile/entries/000"] {
        let mut bent = sample.clone();
        bent.files.get_mut(path).unwrap()[40] ^= 1;
        assert_eq!(check(&bent).level, Level::Invalid, "{path}");
    }
}

fn sample_leaf(sample: &Sample, seq: u64) -> Hash {
    Hash::leaf(&sample.files[&quietus_evidence::layout::statement_path(seq)])
}
