//! Bytes that nobody meant to be evidence: no parser panics, and none takes them.

use std::sync::LazyLock;

use proptest::prelude::*;
use quietus_evidence::bundle::Selection;
use quietus_evidence::checkpoint::Checkpoint;
use quietus_evidence::dsse::Envelope;
use quietus_evidence::note::{Note, VerifierKey};
use quietus_evidence::proof::Proof;
use quietus_evidence::records::RecordsReader;
use quietus_evidence::{Bundle, Disclosure, Level, RecordLine, Statement, TrustPolicy, canonical};
use quietus_tests::sample::{Sample, policy_text};

use super::common::check_bundle;

fn read_all(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    std::hint::black_box((
        Bundle::open(bytes).is_ok(),
        Note::parse(bytes).is_ok(),
        Checkpoint::parse(bytes).is_ok(),
        Statement::decode(bytes).is_ok(),
        Envelope::decode(bytes).is_ok(),
        TrustPolicy::parse(bytes).is_ok(),
        Disclosure::decode(bytes).is_ok(),
        Proof::parse(bytes).is_some(),
        canonical::read(bytes, 4096).is_ok(),
        text.parse::<VerifierKey>().is_ok(),
        RecordLine::parse(&text).is_some(),
    ));
    let mut reader = RecordsReader::new();
    let pushed = bytes.chunks(13).try_for_each(|piece| reader.push(piece));
    std::hint::black_box(pushed.is_ok() && reader.finish().is_ok());
}

/// Bytes made of pieces that the formats know.
fn almost() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\",
        "\n",
        "\n\n",
        "\u{2014} ",
        " ",
        "0",
        "1",
        "-1",
        "1e9",
        "9007199254740992",
        "null",
        "true",
        "log",
        "witness",
        "group",
        "quorum",
        "none",
        "any",
        "all",
        "{\"c\":\"",
        "\",\"due\":\"",
        "2026-02-30",
        "\",\"o\":\"",
        "destroyed\"}\n",
        "disposal.example.org/agent-7",
        "AQ==",
        "index 0",
        "c2sp.org/tlog-proof@v1\n",
        "\"payload\":",
        "\"_type\":",
        "\"predicate\":",
        "\u{feff}",
        "\0",
        "\u{202e}",
        "disposal.example.org/agent-7+77b1d250+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c",
    ];
    let word = prop::sample::select(words.to_vec());
    prop::collection::vec(word, 0..60).prop_map(|words| words.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        read_all(&bytes);
    }

    #[test]
    fn almost_right_bytes_are_read_without_panic(bytes in almost()) {
        read_all(&bytes);
    }
}

static GOOD: LazyLock<Vec<u8>> =
    LazyLock::new(|| Sample::small().unwrap().bundle(Selection::Full, &[]).unwrap());

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn a_bundle_with_any_part_overwritten_is_invalid(
        at in any::<prop::sample::Index>(),
        part in prop::collection::vec(any::<u8>(), 1..700),
    ) {
        let good = GOOD.clone();
        let at = at.index(good.len());
        let mut bent = good.clone();
        let end = (at + part.len()).min(good.len());
        bent[at..end].copy_from_slice(&part[..end - at]);
        if bent != good {
            prop_assert_eq!(check_bundle(&bent).level, Level::Invalid);
        }
        read_all(&bent);
    }
}

#[test]
fn the_good_forms_are_taken() {
    let sample = Sample::small().unwrap();
    let policy = policy_text(true).unwrap();
    assert!(TrustPolicy::parse(policy.as_bytes()).is_ok());
    assert!(Checkpoint::parse(&sample.files["ledger/checkpoint"]).is_ok());
    assert!(Statement::decode(&sample.files["ledger/certificates/000000003.json"]).is_ok());
    assert!(Envelope::decode(&sample.files["ledger/certificates/000000003.dsse.json"]).is_ok());
}
