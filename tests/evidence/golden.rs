//! The committed bundles of every released format version: they verify for ever.

use std::path::{Path, PathBuf};

use quietus_evidence::bundle::Selection;
use quietus_evidence::{Bundle, Input, Level, TrustPolicy, verify};
use quietus_tests::sample::{Sample, policy_text};

use super::common::faults;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/bundle-1")
}

fn made() -> Vec<(&'static str, Vec<u8>)> {
    let mut sample = Sample::small().unwrap();
    sample.cosign(1_795_320_000).unwrap();
    let opened = [sample.disclose(3, 1, "1002").unwrap()];
    vec![
        ("full.disposal.tar", sample.bundle(Selection::Full, &opened).unwrap()),
        (
            "single.disposal.tar",
            sample.bundle(Selection::Single { seq: 3, records: true }, &opened).unwrap(),
        ),
        ("policy.txt", policy_text(true).unwrap().into_bytes()),
        ("last-seen", Sample::new().unwrap().files["ledger/checkpoint"].clone()),
    ]
}

/// Set `QUIETUS_GOLDEN=write` to write the files, for a new format version only.
#[test]
fn what_is_written_today_is_what_was_committed() {
    for (name, bytes) in made() {
        let path = folder().join(name);
        if std::env::var_os("QUIETUS_GOLDEN").is_some_and(|value| value == "write") {
            std::fs::create_dir_all(folder()).unwrap();
            std::io::Write::write_all(&mut std::fs::File::create(&path).unwrap(), &bytes).unwrap();
        }
        let committed = std::fs::read(&path).unwrap();
        assert!(committed == bytes, "{name} differs from the committed one");
    }
}

#[test]
fn committed_bundles_verify() {
    let read = |name| std::fs::read(folder().join(name)).unwrap();
    let policy = TrustPolicy::parse(&read("policy.txt")).unwrap();
    let kept = read("last-seen");
    for name in ["full.disposal.tar", "single.disposal.tar"] {
        let bundle = Bundle::open(read(name)).unwrap();
        let (policy, last_seen) = (Some(&policy), Some(kept.as_slice()));
        let report = verify(Input { source: &bundle, policy, last_seen, disclosures: &[] });
        assert_eq!((faults(&report), report.level), (vec![], Level::Witnessed), "{name}");
        assert_eq!(report.disclosures.len(), 1);
    }
}
