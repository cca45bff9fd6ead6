//! The policy in force: which files a run went by, as an entry of the ledger.

use jiff::Timestamp;
use quietus_evidence::statement::{Event, FileDigest, PolicyInForce};

use crate::agent::Agent;
use crate::certificate::short;
use crate::error::UserError;
use crate::journal::Journal;
use crate::ledger::Ledger;
use crate::programme::HOLDS;

/// The policy entry that statements refer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its place in the ledger.
    pub seq: u64,
    /// Its digest, in hex.
    pub digest: String,
}

/// Facts of the journal that name the last policy entry.
const SEQ: &str = "policy_seq";
const DIGEST: &str = "policy_digest";

/// Returns the entry of the policy in force, and writes it if the files changed.
///
/// A crash between the entry and the facts leads to a second entry of the same policy: harmless,
/// statements name theirs by place.
pub fn in_force(
    agent: &Agent<'_>,
    journal: &Journal,
    ledger: &mut Ledger,
    at: Timestamp,
) -> Result<Policy, UserError> {
    let digests = &agent.loaded.digests;
    let bytes_of = |name: &str| {
        let file = agent.loaded.files.iter().find(|file| file.name == name);
        file.and_then(|file| u64::try_from(file.text.len()).ok()).unwrap_or(0)
    };
    // Holds change more often than the policy does, and have entries of their own.
    let files: Vec<FileDigest> = digests
        .iter()
        .filter(|(name, _)| name.as_str() != HOLDS)
        .map(|(name, sha256)| FileDigest {
            name: name.clone(),
            sha256: *sha256,
            bytes: bytes_of(name),
        })
        .collect();
    let digest = crate::hex::encode(&PolicyInForce::digest_of(&files).0);
    let known = journal.fact(DIGEST)?.filter(|known| *known == digest);
    if let Some(seq) = known.and(journal.fact(SEQ)?).and_then(|seq| seq.parse().ok()) {
        return Ok(Policy { seq, digest });
    }
    let schedule = &agent.loaded.programme.schedule;
    let policy = PolicyInForce {
        digest: PolicyInForce::digest_of(&files),
        files,
        schedule: short(&schedule.title),
        version: short(&schedule.version),
        approved_by: short(schedule.approved_by.as_deref().unwrap_or("nobody yet")),
    };
    let reference = ledger.record(journal, at, Event::Policy(policy))?;
    journal.set_fact(SEQ, &reference.seq.to_string())?;
    journal.set_fact(DIGEST, &digest)?;
    Ok(Policy { seq: reference.seq, digest })
}
