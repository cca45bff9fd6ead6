//! Segments: the records of a plan, by holding and jurisdiction, cut into batches.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::store::{PlanError, segment_path};
use super::{BATCH_RECORDS_MAX, PlanRecord};
use crate::durable::{Durable, DurableFile};

/// A stretch of records of one holding under one jurisdiction.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Its number in the plan, from 1; names its file.
    pub n: u32,
    /// The holding, by position in `systems.toml`.
    pub holding: usize,
    /// The jurisdiction of its records, where the class has variants.
    pub jurisdiction: Option<String>,
    /// Records.
    pub records: u32,
    /// What goes with them.
    pub members: u64,
    /// Their size, where known.
    pub bytes: u64,
    /// The earliest due date.
    pub due_first: Date,
    /// The latest due date.
    pub due_last: Date,
    /// The batches, in order.
    pub batches: Vec<Batch>,
}

/// A stretch of a segment that is certified as one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// First byte.
    pub start: u64,
    /// Bytes.
    pub length: u64,
    /// Records.
    pub records: u32,
    /// SHA-256 of the bytes, in hex.
    pub sha256: String,
}

/// Writes the segments of a plan.
pub(super) struct SegmentWriter<'a> {
    durable: &'a Durable,
    folder: &'a Path,
    open: BTreeMap<(usize, Option<String>), Open>,
    last: u32,
}

struct Open {
    segment: Segment,
    file: DurableFile,
    buffer: Vec<u8>,
    hash: Sha256,
    batch: Batch,
}

impl<'a> SegmentWriter<'a> {
    pub(super) fn new(durable: &'a Durable, folder: &'a Path) -> Self {
        Self { durable, folder, open: BTreeMap::new(), last: 0 }
    }

    pub(super) fn push(
        &mut self,
        holding: usize,
        jurisdiction: Option<&str>,
        record: &PlanRecord,
    ) -> Result<(), PlanError> {
        let key = (holding, jurisdiction.map(str::to_owned));
        let next = self.last.checked_add(1).ok_or(PlanError::TooMany)?;
        let open = match self.open.entry(key) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let (holding, jurisdiction) = entry.key().clone();
                let file = self.durable.create(&segment_path(self.folder, next))?;
                self.last = next;
                entry.insert(Open::new(next, holding, jurisdiction, record.due, file))
            }
        };
        open.push(record)
    }

    /// Drops what was written of some holdings.
    pub(super) fn drop_holdings(&mut self, is_dropped: impl Fn(usize) -> bool) {
        self.open.retain(|(holding, _), _| !is_dropped(*holding));
    }

    /// Makes the segments durable and returns them in the order of their numbers.
    pub(super) fn finish(self) -> Result<Vec<Segment>, PlanError> {
        let mut segments = Vec::new();
        for mut open in self.open.into_values() {
            open.end_batch();
            open.file.commit()?;
            segments.push(open.segment);
        }
        segments.sort_by_key(|segment| segment.n);
        Ok(segments)
    }
}

impl Open {
    fn new(
        n: u32,
        holding: usize,
        jurisdiction: Option<String>,
        due: Date,
        file: DurableFile,
    ) -> Self {
        Self {
            segment: Segment {
                n,
                holding,
                jurisdiction,
                records: 0,
                members: 0,
                bytes: 0,
                due_first: due,
                due_last: due,
                batches: Vec::new(),
            },
            file,
            buffer: Vec::new(),
            hash: Sha256::new(),
            batch: Batch { start: 0, length: 0, records: 0, sha256: String::new() },
        }
    }

    fn push(&mut self, record: &PlanRecord) -> Result<(), PlanError> {
        if self.batch.records >= BATCH_RECORDS_MAX {
            self.end_batch();
        }
        self.buffer.clear();
        record.encode(&mut self.buffer)?;
        self.file.write_all(&self.buffer).map_err(PlanError::Write)?;
        self.hash.update(&self.buffer);
        self.batch.length += u64::try_from(self.buffer.len()).unwrap_or(0);
        self.batch.records += 1;
        let segment = &mut self.segment;
        segment.records = segment.records.checked_add(1).ok_or(PlanError::TooMany)?;
        segment.members += u64::from(record.members);
        segment.bytes += record.bytes.unwrap_or(0);
        segment.due_first = segment.due_first.min(record.due);
        segment.due_last = segment.due_last.max(record.due);
        Ok(())
    }

    fn end_batch(&mut self) {
        let start = self.batch.start + self.batch.length;
        let next = Batch { start, length: 0, records: 0, sha256: String::new() };
        let mut done = std::mem::replace(&mut self.batch, next);
        done.sha256 = crate::hex::encode(&std::mem::take(&mut self.hash).finalize());
        self.segment.batches.push(done);
    }
}

/// Reads a batch back and proves that it is what the plan froze.
pub fn read_batch(
    folder: &Path,
    segment: u32,
    start: u64,
    length: u64,
    sha256: &[u8; 32],
) -> Result<Vec<PlanRecord>, PlanError> {
    let mut file = File::open(segment_path(folder, segment)).map_err(PlanError::Read)?;
    file.seek(SeekFrom::Start(start)).map_err(PlanError::Read)?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes).map_err(PlanError::Read)?;
    if Sha256::digest(&bytes).as_slice() != sha256 {
        return Err(PlanError::Edited);
    }
    let mut rest = bytes.as_slice();
    let mut records = Vec::new();
    while let Some(record) = PlanRecord::decode(&mut rest)? {
        records.push(record);
    }
    Ok(records)
}
