//! Opening one record of a batch: what became of it, and nothing about any other.
//!
//! `docs/formats/disclosure.md` has the members.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::canonical::{self, CanonicalError};
use crate::commitment::{self, BatchKey, Salt};
use crate::hash::Hash;
use crate::merkle::{self, ProofError};
use crate::records::{RecordLine, RecordsError, RecordsReader};
use crate::statement::BatchResult;

/// The longest disclosure.
pub const DISCLOSURE_BYTES_MAX: usize = 16_384;
const FORMAT: &str = "quietus-disclosure/1";

/// One opened record.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disclosure {
    format: String,
    /// The ledger's origin.
    pub log: String,
    /// The entry of kind `result`.
    pub seq: u64,
    /// The store.
    pub store: String,
    /// The record's name in it.
    pub record_key: String,
    salt: Hash,
    line: String,
    /// The position of the line in the records file.
    pub index: u64,
    /// The number of lines.
    pub size: u64,
    path: Vec<Hash>,
}

/// A disclosure that cannot be made, read, or believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DisclosureError {
    /// Outside the canonical form, or with wrong members.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// Another format.
    #[error("it is not of the format {FORMAT}")]
    Format,
    /// Not a line of a records file.
    #[error("its line does not follow the template")]
    Line,
    /// It speaks of another ledger, store or batch.
    #[error("its {0} is not that of the certificate")]
    Other(&'static str),
    /// The name does not fit the commitment.
    #[error("the record's name and salt do not give the commitment of the line")]
    Commitment,
    /// The line is not in the certificate.
    #[error("the line is not under the certificate's result_root: {0}")]
    Proof(#[from] ProofError),
    /// The records file is damaged.
    #[error("the records file is damaged: {0}")]
    Records(#[from] RecordsError),
    /// The record is not in the batch, or the key is another batch's.
    #[error("no record of that name is in this batch under this batch key")]
    NotFound,
}

impl fmt::Debug for Disclosure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Disclosure({} {} line {})", self.log, self.seq, self.index)
    }
}

impl Disclosure {
    /// Opens a record of a batch.
    ///
    /// # Behavior
    ///
    /// - `records` are the bytes of the batch's records file. The selection number need not be
    ///   known: all are tried, two MACs each.
    pub fn make(
        log: &str,
        seq: u64,
        store: &str,
        record_key: &str,
        key: &BatchKey,
        records: &[u8],
    ) -> Result<Self, DisclosureError> {
        let mut reader = RecordsReader::new();
        reader.push(records)?;
        let size = reader.finish()?.counts.total();
        let lines: Vec<&[u8]> =
            records.strip_suffix(b"\n").unwrap_or(records).split(|byte| *byte == b'\n').collect();
        let commitments: Vec<Hash> = lines
            .iter()
            .map(|line| parse(line).map(|line| line.c))
            .collect::<Option<_>>()
            .ok_or(DisclosureError::Line)?;
        let found = commitment::find(key, store, record_key, size, |c| {
            commitments.binary_search(c).is_ok()
        });
        let (_, salt, c) = found.ok_or(DisclosureError::NotFound)?;
        let at = commitments.binary_search(&c).map_err(|_| DisclosureError::NotFound)?;
        let line = lines.get(at).and_then(|line| parse(line)).ok_or(DisclosureError::Line)?;
        let leaves: Vec<Hash> = lines.iter().map(|line| Hash::leaf(line)).collect();
        Ok(Self {
            format: FORMAT.to_owned(),
            log: log.to_owned(),
            seq,
            store: store.to_owned(),
            record_key: record_key.to_owned(),
            salt: Hash(salt.0),
            line: line.text(),
            index: u64::try_from(at).map_err(|_| ProofError::Range)?,
            size,
            path: merkle::inclusion_proof(&leaves, at).ok_or(ProofError::Range)?,
        })
    }

    /// Writes the disclosure's bytes.
    pub fn encode(&self) -> Result<Vec<u8>, DisclosureError> {
        let bytes = canonical::write_free_text(&canonical::value_of(self)?)?;
        if bytes.len() > DISCLOSURE_BYTES_MAX {
            return Err(CanonicalError::Long(DISCLOSURE_BYTES_MAX).into());
        }
        Ok(bytes)
    }

    /// Reads a disclosure; nothing is believed yet.
    pub fn decode(bytes: &[u8]) -> Result<Self, DisclosureError> {
        let found: Self = canonical::read_free_text(bytes, DISCLOSURE_BYTES_MAX)?;
        if found.format != FORMAT {
            return Err(DisclosureError::Format);
        }
        found.record_line()?;
        Ok(found)
    }

    /// Returns the line: the record's due date and what became of it.
    pub fn record_line(&self) -> Result<RecordLine, DisclosureError> {
        RecordLine::parse(&self.line).ok_or(DisclosureError::Line)
    }

    /// Checks it against the certificate that it names, which is itself checked elsewhere.
    pub fn check(&self, log: &str, result: &BatchResult) -> Result<RecordLine, DisclosureError> {
        let line = self.record_line()?;
        for (same, what) in [
            (self.log == log, "log"),
            (self.store == result.scope.store, "store"),
            (self.size == result.scope.counts.selected, "size"),
        ] {
            if !same {
                return Err(DisclosureError::Other(what));
            }
        }
        if commitment::commit(&Salt(self.salt.0), &self.store, &self.record_key) != line.c {
            return Err(DisclosureError::Commitment);
        }
        let leaf = Hash::leaf(self.line.as_bytes());
        let root = result.scope.result_root;
        merkle::check_inclusion(leaf, self.index, self.size, &self.path, root)?;
        Ok(line)
    }
}

fn parse(line: &[u8]) -> Option<RecordLine> {
    RecordLine::parse(std::str::from_utf8(line).ok()?)
}
