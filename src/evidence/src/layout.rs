//! The names of files, in a programme folder and in a bundle alike.

use crate::hash::Hash;
use crate::statement::RunId;

/// The signed head.
pub const CHECKPOINT: &str = "ledger/checkpoint";
/// The list of a bundle's files.
pub const MANIFEST: &str = "bundle.json";
/// What explains a bundle.
pub const README: &str = "README.txt";
/// Where the ledger's files are.
pub const LEDGER: &str = "ledger/";

/// Returns the path of a statement.
pub fn statement_path(seq: u64) -> String {
    format!("ledger/certificates/{seq:09}.json")
}

/// Returns the path of an envelope.
pub fn envelope_path(seq: u64) -> String {
    format!("ledger/certificates/{seq:09}.dsse.json")
}

/// Returns the path of an inclusion proof.
pub fn proof_path(seq: u64) -> String {
    format!("proofs/{seq:09}.tlog-proof")
}

/// Returns the path of a disclosure.
pub fn disclosure_path(seq: u64, index: u64) -> String {
    format!("disclosures/{seq:09}-{index}.json")
}

/// Returns the name of a batch's records file.
pub fn records_file(batch: u64) -> String {
    format!("batch-{batch:04}.records.jsonl")
}

/// Returns the path of a batch's records file.
pub fn records_path(run: &RunId, batch: u64) -> String {
    format!("evidence/{run}/{}", records_file(batch))
}

/// What a file is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `README.txt`
    Readme,
    /// `bundle.json`
    Manifest,
    /// An opened record.
    Disclosure,
    /// A records file.
    Records,
    /// A signed statement.
    Envelope,
    /// A statement.
    Statement,
    /// The signed head.
    Checkpoint,
    /// A tile of hashes.
    Tile,
    /// A tile of entries.
    Entries,
    /// An inclusion proof.
    Proof,
}

impl Role {
    /// Tells what a file of a bundle is; `None` for a name that no bundle has.
    pub fn of(path: &str) -> Option<Self> {
        match path {
            README => return Some(Self::Readme),
            MANIFEST => return Some(Self::Manifest),
            CHECKPOINT => return Some(Self::Checkpoint),
            _ => {}
        }
        if let Some(rest) = path.strip_prefix("ledger/certificates/") {
            return match (rest.strip_suffix(".dsse.json"), rest.strip_suffix(".json")) {
                (Some(seq), _) => seq_of(seq).map(|_| Self::Envelope),
                (None, Some(seq)) => seq_of(seq).map(|_| Self::Statement),
                _ => None,
            };
        }
        if let Some(rest) = path.strip_prefix("ledger/tile/entries/") {
            return is_tile_index(rest).then_some(Self::Entries);
        }
        if let Some(rest) = path.strip_prefix("ledger/tile/") {
            let (level, index) = rest.split_once('/')?;
            let level = decimal(level).is_some_and(|level| level < 8);
            return (level && is_tile_index(index)).then_some(Self::Tile);
        }
        if let Some(rest) = path.strip_prefix("proofs/") {
            return seq_of(rest.strip_suffix(".tlog-proof")?).map(|_| Self::Proof);
        }
        if let Some(rest) = path.strip_prefix("disclosures/") {
            let (seq, index) = rest.strip_suffix(".json")?.split_once('-')?;
            return seq_of(seq).and(decimal(index)).map(|_| Self::Disclosure);
        }
        let (run, file) = path.strip_prefix("evidence/")?.split_once('/')?;
        let batch = file.strip_prefix("batch-")?.strip_suffix(".records.jsonl")?;
        let batch = batch.parse().ok().filter(|batch| *batch >= 1 && records_file(*batch) == file);
        (run.parse::<RunId>().is_ok() && batch.is_some()).then_some(Self::Records)
    }

    /// Returns the word in `bundle.json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Readme => "readme",
            Self::Manifest => "manifest",
            Self::Disclosure => "disclosure",
            Self::Records => "records",
            Self::Envelope => "envelope",
            Self::Statement => "statement",
            Self::Checkpoint => "checkpoint",
            Self::Tile => "tile",
            Self::Entries => "entries",
            Self::Proof => "proof",
        }
    }

    /// Returns the most bytes that such a file may have.
    pub fn bytes_max(self) -> u64 {
        match self {
            Self::Readme => 65_536,
            Self::Manifest => 134_217_728,
            Self::Disclosure | Self::Envelope => 16_384,
            Self::Records => crate::records::RECORDS_BYTES_MAX,
            Self::Statement => 4_096,
            Self::Checkpoint => 131_072,
            Self::Tile => 8_192,
            Self::Entries => 1_049_088,
            Self::Proof => 262_144,
        }
    }
}

/// Reads the number in the name of a statement, an envelope or a proof.
pub(crate) fn seq_of(text: &str) -> Option<u64> {
    let seq = text.parse().ok()?;
    (format!("{seq:09}") == text).then_some(seq)
}

fn decimal(text: &str) -> Option<u64> {
    let value: u64 = text.parse().ok()?;
    (value.to_string() == text).then_some(value)
}

fn is_tile_index(text: &str) -> bool {
    let (index, width) = match text.split_once(".p/") {
        None => (text, true),
        Some((index, width)) => {
            (index, decimal(width).is_some_and(|width| (1..256).contains(&width)))
        }
    };
    let digits = |part: &str| part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = index.rsplit('/');
    let last = parts.next().is_some_and(digits);
    let mut more = 0;
    let others = parts.all(|part| {
        more += 1;
        part.strip_prefix('x').is_some_and(digits)
    });
    let shortest = more == 0 || !index.starts_with("x000");
    width && last && others && more < 5 && shortest
}

/// A file's size and digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// How many bytes.
    pub bytes: u64,
    /// SHA-256 of them.
    pub sha256: Hash,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_roles() {
        let run: RunId = "0199f0a2-7b1c".parse().unwrap();
        for (path, role) in [
            (statement_path(42), Role::Statement),
            (statement_path(1_234_567_890), Role::Statement),
            (envelope_path(0), Role::Envelope),
            (proof_path(7), Role::Proof),
            (disclosure_path(7, 12), Role::Disclosure),
            (records_path(&run, 1), Role::Records),
            (records_path(&run, 12_345), Role::Records),
            (CHECKPOINT.to_owned(), Role::Checkpoint),
            ("ledger/tile/0/000".to_owned(), Role::Tile),
            ("ledger/tile/1/x001/234.p/17".to_owned(), Role::Tile),
            ("ledger/tile/entries/000.p/255".to_owned(), Role::Entries),
        ] {
            assert_eq!(Role::of(&path), Some(role), "{path}");
        }
    }

    #[test]
    fn other_names_have_none() {
        for path in [
            "",
            "/etc/passwd",
            "../ledger/checkpoint",
            "ledger/../ledger/checkpoint",
            "ledger//checkpoint",
            "ledger/checkpoint/",
            "ledger/certificates/42.json",
            "ledger/certificates/0000000042.json",
            "ledger/certificates/+00000042.json",
            "ledger/tile/8/000",
            "ledger/tile/00/000",
            "ledger/tile/0/0000",
            "ledger/tile/0/x000/000",
            "ledger/tile/0/000.p/0",
            "ledger/tile/0/000.p/256",
            "ledger/tile/0/000.p/01",
            "evidence/UPPER/batch-0001.records.jsonl",
            "evidence/../batch-0001.records.jsonl",
            "evidence/r/batch-0000.records.jsonl",
            "evidence/r/batch-00001.records.jsonl",
            "evidence/r/batch-1.records.jsonl",
            "evidence/r/x/batch-0001.records.jsonl",
            "proofs/000000001.json",
            "disclosures/000000001-01.json",
            "trust/policy",
        ] {
            assert_eq!(Role::of(path), None, "{path}");
        }
    }
}
