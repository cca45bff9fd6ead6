//! Bundles that an organisation, an insider or an outsider changed.

use quietus_evidence::bundle::Selection;
use quietus_evidence::layout::{CHECKPOINT, envelope_path, statement_path};
use quietus_evidence::{Bundle, Level};
use quietus_tests::sample::Sample;

use super::common::{assert_fault, check, check_bundle};

const BLOCK: usize = 512;

fn bundle() -> Vec<u8> {
    let sample = Sample::small().unwrap();
    let opened = [sample.disclose(3, 1, "1002").unwrap()];
    sample.bundle(Selection::Full, &opened).unwrap()
}

/// Where each file of a tar starts, header included.
fn members(bytes: &[u8]) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while bytes[at] != 0 {
        let name = bytes[at..at + 100].split(|byte| *byte == 0).next().unwrap();
        let size = std::str::from_utf8(&bytes[at + 124..at + 135]).unwrap();
        let size = usize::from_str_radix(size, 8).unwrap();
        let end = at + BLOCK + size.div_ceil(BLOCK) * BLOCK;
        found.push((String::from_utf8(name.to_vec()).unwrap(), at, end));
        at = end;
    }
    found
}

#[test]
fn changed_bits_are_detected_everywhere() {
    let good = bundle();
    assert_eq!(check_bundle(&good).level, Level::Signed);
    // Every bit is the tamper harness's work; here, one bit of every eleventh byte.
    for at in (0..good.len()).step_by(11) {
        let mut bent = good.clone();
        bent[at] ^= 1 << (at % 8);
        assert_eq!(check_bundle(&bent).level, Level::Invalid, "byte {at}");
    }
}

#[test]
fn truncations_and_additions_are_detected() {
    let good = bundle();
    for length in (0..good.len()).step_by(7).chain([good.len() - 1, good.len() - BLOCK]) {
        assert_eq!(check_bundle(&good[..length]).level, Level::Invalid, "{length}");
    }
    for more in [&b"x"[..], &[0], &[0; BLOCK], &good] {
        assert_eq!(check_bundle(&[&good, more].concat()).level, Level::Invalid);
    }
}

#[test]
fn files_dropped_doubled_or_swapped_are_detected() {
    let good = bundle();
    let members = members(&good);
    assert!(members.len() > 20);
    for (i, (name, start, end)) in members.iter().enumerate() {
        let dropped = [&good[..*start], &good[*end..]].concat();
        assert_eq!(check_bundle(&dropped).level, Level::Invalid, "{name} dropped");
        let doubled = [&good[..*end], &good[*start..]].concat();
        assert_eq!(check_bundle(&doubled).level, Level::Invalid, "{name} doubled");
        if let Some((_, _, next)) = members.get(i + 1) {
            let parts = [&good[..*start], &good[*end..*next], &good[*start..*end], &good[*next..]];
            assert_eq!(check_bundle(&parts.concat()).level, Level::Invalid, "{name} swapped");
        }
    }
}

#[test]
fn names_that_leave_the_bundle_are_refused() {
    let good = bundle();
    for name in ["../../etc/passwd", "/etc/passwd", "ledger/../x", "ledger/\u{1}"] {
        let mut bent = good.clone();
        bent[..100].fill(0);
        bent[..name.len()].copy_from_slice(name.as_bytes());
        sum(&mut bent);
        assert_fault(&check_bundle(&bent), "no bundle has such a file");
    }
    for (at, value) in [(156, b'2'), (156, b'5'), (156, b'x'), (108, b'7'), (345, b'a')] {
        let mut bent = good.clone();
        bent[at] = value;
        sum(&mut bent);
        assert_fault(&check_bundle(&bent), "the header is not in the subset");
    }
}

#[test]
fn sizes_that_do_not_exist_are_refused_at_once() {
    let good = bundle();
    for size in ["77777777777", "00000200001", "00000200000"] {
        let mut bent = good.clone();
        bent[124..135].copy_from_slice(size.as_bytes());
        sum(&mut bent);
        assert_eq!(check_bundle(&bent).level, Level::Invalid, "{size}");
    }
    let huge = [&good[..good.len() - 2 * BLOCK], &vec![0; 5_000_000]].concat();
    assert_eq!(check_bundle(&huge).level, Level::Invalid);
}

fn sum(header: &mut [u8]) {
    header[148..156].fill(b' ');
    let sum: u32 = header[..BLOCK].iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// Someone with all files but without the keys changes one and makes a sound bundle of it.
#[test]
fn a_repacked_bundle_is_detected_for_each_file() {
    let sample = Sample::small().unwrap();
    let paths: Vec<String> = sample.files.keys().cloned().collect();
    for path in paths {
        let mut bent = sample.clone();
        let file = bent.files.get_mut(&path).unwrap();
        let at = file.len() / 2;
        file[at] ^= 1;
        assert_eq!(check(&bent).level, Level::Invalid, "{path}");
        if let Ok(bytes) = bent.bundle(Selection::Full, &[]) {
            assert!(Bundle::open(bytes.as_slice()).is_ok());
            assert_eq!(check_bundle(&bytes).level, Level::Invalid, "{path}");
        }
        let mut less = sample.clone();
        less.files.remove(&path);
        assert_eq!(check(&less).level, Level::Invalid, "{path} removed");
    }
}

#[test]
fn files_of_another_entry_do_not_pass() {
    let sample = Sample::small().unwrap();
    for make in [statement_path, envelope_path] {
        let mut bent = sample.clone();
        let other = bent.files[&make(4)].clone();
        bent.files.insert(make(3), other);
        assert_eq!(check(&bent).level, Level::Invalid);
    }
}

/// The thief of the statement key signs another statement under the same checkpoint.
#[test]
fn a_statement_that_is_not_in_the_tree_is_invalid() {
    let sample = Sample::small().unwrap();
    let mut other = Sample::new().unwrap();
    other.append(other.nil("run-x").unwrap()).unwrap();
    let mut bent = sample.clone();
    for make in [statement_path, envelope_path] {
        bent.files.insert(make(2), other.files[&make(2)].clone());
    }
    assert_fault(&check(&bent), "it is not the entry of that number");
}

/// A bundle that ships a ledger of its own under the same name.
#[test]
fn another_key_under_the_same_name_is_invalid() {
    let mut bent = Sample::small().unwrap();
    let checkpoint = bent.head.checkpoint();
    let thief = quietus_evidence::FileKey::from_seed(&[9; 32]);
    let forged = checkpoint.sign(&thief).unwrap();
    bent.files.insert(CHECKPOINT.to_owned(), forged.into_bytes());
    assert_fault(&check(&bent), "it is not signed by");
    let own =
        quietus_evidence::Input { source: &bent, policy: None, last_seen: None, disclosures: &[] };
    assert_fault(&quietus_evidence::verify(own), "it is not signed by");
}

#[test]
fn files_that_the_ledger_does_not_speak_of_are_refused() {
    let sample = Sample::small().unwrap();
    let single = sample.bundle(Selection::Single { seq: 3, records: true }, &[]).unwrap();
    // A single bundle that calls itself full has not the tiles.
    let bent = relabelled(&single, "single", "full");
    assert_eq!(check_bundle(&bent).level, Level::Invalid);
    let full = sample.bundle(Selection::Full, &[]).unwrap();
    let bent = relabelled(&full, "full", "single");
    assert_eq!(check_bundle(&bent).level, Level::Invalid);
}

/// Rewrites the kind in bundle.json, its size and its padding.
fn relabelled(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let (_, start, end) =
        members(bytes).into_iter().find(|(name, ..)| name == "bundle.json").unwrap();
    let size = std::str::from_utf8(&bytes[start + 124..start + 135]).unwrap();
    let size = usize::from_str_radix(size, 8).unwrap();
    let text = std::str::from_utf8(&bytes[start + BLOCK..start + BLOCK + size]).unwrap();
    let mut text =
        text.replace(&format!("\"kind\":\"{from}\""), &format!("\"kind\":\"{to}\"")).into_bytes();
    let mut header = bytes[start..start + BLOCK].to_vec();
    header[124..135].copy_from_slice(format!("{:011o}", text.len()).as_bytes());
    sum(&mut header);
    text.resize(text.len().div_ceil(BLOCK) * BLOCK, 0);
    let bent = [&bytes[..start], &header, &text, &bytes[end..]].concat();
    assert!(Bundle::open(bent.as_slice()).is_ok());
    bent
}
