//! A batch read back from the plan, with its commitments.

use std::path::PathBuf;

use quietus_evidence::{BatchKey, Commitment, commit_all};

use crate::error::UserError;
use crate::journal::NewBatch;
use crate::plan::{self, PlanRecord};

/// A batch ready to be carried out.
pub(super) struct Prepared {
    /// The records, in the plan's order.
    pub(super) records: Vec<PlanRecord>,
    /// The key of the commitments.
    pub(super) key: [u8; 32],
    /// One commitment for each record, in the plan's order.
    pub(super) commitments: Vec<Commitment>,
}

/// What a batch is prepared from; owned, so that it can be done ahead on another thread.
pub(super) struct Raw {
    pub(super) folder: PathBuf,
    pub(super) batch: NewBatch,
    pub(super) key: Option<[u8; 32]>,
    pub(super) store: String,
}

impl Raw {
    /// Reads the records and commits to them. Nothing is written.
    pub(super) fn prepare(self) -> Result<Prepared, UserError> {
        let Self { folder, batch, key, store } = self;
        let records =
            plan::read_batch(&folder, batch.segment, batch.start, batch.length, &batch.sha256)?;
        let key = match key {
            Some(key) => key,
            None => crate::keys::random_bytes()?,
        };
        let keys = records.iter().map(|record| record.reference.locator.as_str());
        let commitments = commit_all(&BatchKey::from_bytes(key), &store, keys);
        Ok(Prepared { records, key, commitments })
    }
}
