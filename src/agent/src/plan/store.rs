//! Plans on disk.

use std::io;
use std::path::{Path, PathBuf};

use quietus_contract::Locator;
use quietus_evidence::Hash;
use sha2::{Digest, Sha256};

use super::{Damaged, FORMAT, Plan, PlanRecord, PlannedHolding, Segment, read_batch};
use crate::approval::PlanRef;
use crate::durable::{Durable, DurableError};
use crate::error::{UserError, code};
use crate::journal::Journal;

/// What can go wrong with a plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A file of the plan cannot be read.
    #[error("a file of the plan cannot be read: {0}")]
    Read(#[source] io::Error),
    /// A file of the plan cannot be written.
    #[error("a file of the plan cannot be written: {0}")]
    Write(#[source] io::Error),
    /// A durable write failed.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// The records are not what was frozen.
    #[error("the plan's list of records is not the one that was frozen")]
    Edited,
    /// The bytes make no sense.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// The header makes no sense.
    #[error("the plan's header cannot be read: {0}")]
    Header(#[source] serde_json::Error),
    /// It is of another version of quietus.
    #[error("the plan has the format {0}, this quietus reads {FORMAT}")]
    Format(String),
    /// There is no such plan.
    #[error("there is no plan {0}")]
    Missing(String),
    /// A number does not fit.
    #[error("a plan has more records or segments than quietus can count")]
    TooMany,
}

impl StoredPlan {
    /// Names the plan for a sign-off.
    pub fn reference(&self) -> Result<PlanRef, PlanError> {
        let digest = crate::hex::digest(&self.digest).map(Hash).ok_or(PlanError::Edited)?;
        Ok(PlanRef { id: self.plan.id.clone(), digest })
    }
}

impl From<PlanError> for UserError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Durable(error) => error.into(),
            PlanError::Write(_) => Self::new(&code::WRITE_FAILED, error.to_string())
                .with_help("free space for the programme's folder, then make the plan again"),
            PlanError::Missing(_) => Self::new(&code::NOT_FOUND, error.to_string())
                .with_help("`quietus status` lists the plans that are there"),
            PlanError::Edited | PlanError::Damaged(_) => {
                Self::new(&code::PLAN_STALE, error.to_string())
                    .with_help("nothing was disposed of by it; make a new plan")
            }
            _ => Self::new(&code::STATE_UNREADABLE, error.to_string())
                .with_help("make a new plan; keep the damaged one for whoever looks into it"),
        }
    }
}

/// A plan with its digest and folder.
#[derive(Clone, Debug)]
pub struct StoredPlan {
    /// The header.
    pub plan: Plan,
    /// SHA-256 of the header's bytes, in hex: what approvals are bound to.
    pub digest: String,
    /// Its folder.
    pub folder: PathBuf,
}

pub(super) fn folder(programme: &Path, id: &str) -> PathBuf {
    programme.join("plans").join(id)
}

pub(super) fn segment_path(folder: &Path, n: u32) -> PathBuf {
    folder.join(format!("{n}.records"))
}

fn kept_path(folder: &Path) -> PathBuf {
    folder.join("kept.jsonl")
}

/// Writes the list of records that someone must look after.
pub(super) fn write_kept(durable: &Durable, folder: &Path, lines: &[u8]) -> Result<(), PlanError> {
    Ok(durable.replace(&kept_path(folder), lines)?)
}

/// Writes the header: from here on the plan exists.
pub(super) fn freeze(
    durable: &Durable,
    folder: PathBuf,
    plan: Plan,
) -> Result<StoredPlan, PlanError> {
    let bytes = serde_json::to_vec_pretty(&plan).map_err(PlanError::Header)?;
    durable.write_new(&folder.join("plan.json"), &bytes)?;
    Ok(StoredPlan { plan, digest: crate::hex::encode(&Sha256::digest(&bytes)), folder })
}

/// Reads a plan.
pub fn load(programme: &Path, id: &str) -> Result<StoredPlan, PlanError> {
    let is_name = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !is_name {
        return Err(PlanError::Missing(id.to_owned()));
    }
    let folder = folder(programme, id);
    let bytes = match std::fs::read(folder.join("plan.json")) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(PlanError::Missing(id.to_owned()));
        }
        Err(error) => return Err(PlanError::Read(error)),
    };
    let plan: Plan = serde_json::from_slice(&bytes).map_err(PlanError::Header)?;
    if plan.format != FORMAT {
        return Err(PlanError::Format(plan.format));
    }
    if plan.id != id {
        return Err(PlanError::Edited);
    }
    Ok(StoredPlan { plan, digest: crate::hex::encode(&Sha256::digest(&bytes)), folder })
}

/// Returns the names of all plans, newest first.
pub fn list(programme: &Path) -> Result<Vec<String>, PlanError> {
    let entries = match std::fs::read_dir(programme.join("plans")) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(PlanError::Read(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(PlanError::Read)?;
        if entry.path().join("plan.json").is_file() {
            names.extend(entry.file_name().into_string());
        }
    }
    names.sort_by(|a, b| b.cmp(a));
    Ok(names)
}

/// Names a record in a sign-off: its owner can except it without its name standing there.
pub fn record_digest(store: &str, locator: &Locator) -> Hash {
    let mut bytes = b"quietus/plan-record/v1\0".to_vec();
    bytes.extend_from_slice(store.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(locator.as_str().as_bytes());
    Hash::of(&bytes)
}

/// Goes through the records of a plan that are still there, batch by batch.
pub fn for_each_record(
    stored: &StoredPlan,
    mut visit: impl FnMut(&PlannedHolding, &PlanRecord),
) -> Result<(), PlanError> {
    let plan = &stored.plan;
    for segment in plan.segments.iter().filter(|s| has_records(stored, s)) {
        let holding = plan.holdings.iter().find(|h| h.holding == segment.holding);
        let holding = holding.ok_or(PlanError::Edited)?;
        for batch in &segment.batches {
            let sha256 = crate::hex::digest(&batch.sha256).ok_or(PlanError::Edited)?;
            let (start, length) = (batch.start, batch.length);
            for record in read_batch(&stored.folder, segment.n, start, length, &sha256)? {
                visit(holding, &record);
            }
        }
    }
    Ok(())
}

/// Returns whether the records of a segment are still there: it was not carried out yet.
pub fn has_records(stored: &StoredPlan, segment: &Segment) -> bool {
    segment_path(&stored.folder, segment.n).is_file()
}

/// Notes in the journal what was frozen: a header that was edited since is no plan of ours.
pub(super) fn note_frozen(
    journal: &Journal,
    stored: &StoredPlan,
) -> Result<(), crate::journal::JournalError> {
    journal.set_fact(&frozen_fact(&stored.plan.id), &stored.digest)
}

/// Returns whether a plan's header is the one that was frozen here.
pub fn is_frozen(
    journal: &Journal,
    stored: &StoredPlan,
) -> Result<bool, crate::journal::JournalError> {
    let frozen = journal.fact(&frozen_fact(&stored.plan.id))?;
    Ok(frozen.as_deref() == Some(stored.digest.as_str()))
}

fn frozen_fact(id: &str) -> String {
    format!("plan/{id}")
}

/// Removes the records of other plans that a run has made needless: they are of the same
/// holdings as the segments that were carried out, and name records that are gone.
pub fn purge_superseded(
    durable: &Durable,
    programme: &Path,
    by: &StoredPlan,
    segments: &[u32],
) -> Result<(), PlanError> {
    let of_carried = |holding: &&PlannedHolding| {
        let mut own = by.plan.segments.iter().filter(|s| s.holding == holding.holding);
        own.any(|s| segments.contains(&s.n))
    };
    let carried: Vec<&PlannedHolding> = by.plan.holdings.iter().filter(of_carried).collect();
    for id in list(programme)?.iter().filter(|id| **id != by.plan.id) {
        let Ok(other) = load(programme, id) else { continue };
        let same_files = other.plan.pins == by.plan.pins;
        for segment in other.plan.segments.iter().filter(|s| has_records(&other, s)) {
            let Some(theirs) = other.plan.holdings.iter().find(|h| h.holding == segment.holding)
            else {
                continue;
            };
            let is_same = |ours: &&PlannedHolding| {
                let place = (&ours.class, &ours.system) == (&theirs.class, &theirs.system);
                ours.selection == theirs.selection || (place && !same_files)
            };
            if carried.iter().any(is_same) {
                purge_segment(durable, &other, segment.n)?;
            }
        }
        if !carried.is_empty() {
            // It named records that lacked something then; a newer look was just taken.
            purge_kept(durable, &other)?;
        }
    }
    Ok(())
}

/// Removes what planners left that were killed. No planner may be at work.
pub fn sweep(durable: &Durable, programme: &Path) -> Result<(), PlanError> {
    let entries = match std::fs::read_dir(programme.join("plans")) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(PlanError::Read(error)),
    };
    for entry in entries {
        let folder = entry.map_err(PlanError::Read)?.path();
        if !folder.is_dir() {
            continue;
        }
        durable.sweep(&folder)?;
        if folder.join("plan.json").exists() {
            continue;
        }
        for file in std::fs::read_dir(&folder).map_err(PlanError::Read)? {
            let path = file.map_err(PlanError::Read)?.path();
            let is_list = path.extension().is_some_and(|e| e == "records" || e == "jsonl");
            if is_list {
                durable.remove(&path)?;
            }
        }
    }
    Ok(())
}

/// Removes all records of a plan; its header and its sign-offs stay.
pub fn purge(durable: &Durable, stored: &StoredPlan) -> Result<(), PlanError> {
    for segment in &stored.plan.segments {
        purge_segment(durable, stored, segment.n)?;
    }
    purge_kept(durable, stored)
}

/// Removes the records of a segment that was carried out.
pub fn purge_segment(durable: &Durable, stored: &StoredPlan, n: u32) -> Result<(), PlanError> {
    let path = segment_path(&stored.folder, n);
    if path.exists() {
        durable.remove(&path)?;
    }
    Ok(())
}

/// Removes the list of records that someone must look after.
pub fn purge_kept(durable: &Durable, stored: &StoredPlan) -> Result<(), PlanError> {
    let path = kept_path(&stored.folder);
    if path.exists() {
        durable.remove(&path)?;
    }
    Ok(())
}
