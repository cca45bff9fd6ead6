//! What the tests share.

use quietus_evidence::verify::{Report, Severity};
use quietus_evidence::{Bundle, Input, Source, TrustPolicy, verify};
use quietus_tests::sample::policy_text;

/// Verifies with the auditor's policy, without a witness.
pub fn check(source: &dyn Source) -> Report {
    let policy = TrustPolicy::parse(policy_text(false).unwrap().as_bytes()).unwrap();
    verify(Input { source, policy: Some(&policy), last_seen: None, disclosures: &[] })
}

/// Opens and verifies a bundle with the auditor's policy.
pub fn check_bundle(bytes: &[u8]) -> Report {
    match Bundle::open(bytes) {
        Ok(bundle) => check(&bundle),
        Err(error) => Report::unreadable(error.to_string()),
    }
}

/// Lists what makes a report invalid.
pub fn faults(report: &Report) -> Vec<String> {
    let invalid = report.findings.iter().filter(|one| one.severity == Severity::Invalid);
    invalid.map(ToString::to_string).collect()
}

#[track_caller]
pub fn assert_fault(report: &Report, part: &str) {
    assert_eq!(report.level, quietus_evidence::Level::Invalid);
    let faults = faults(report);
    assert!(faults.iter().any(|fault| fault.contains(part)), "{part} is not in {faults:#?}");
}
