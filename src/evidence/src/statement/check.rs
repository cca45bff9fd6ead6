//! What must hold within one statement, whoever made it.

use super::event::{
    Abort, BatchResult, Correct, Event, Genesis, HoldChange, Incident, Intent, Nil, NilReason,
    PolicyInForce, SaltsDestroyed,
};
use super::parts::{Batch, Totals};
use crate::commitment::SUITE;
use crate::key::PublicKey;
use crate::layout;
use crate::records::BATCH_RECORDS_MAX;

/// The most batches in a run.
pub const RUN_BATCHES_MAX: u64 = 999_999;

/// A statement that contradicts itself, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Contradiction(pub &'static str);

type Check = Result<(), Contradiction>;

fn must(good: bool, what: &'static str) -> Check {
    if good { Ok(()) } else { Err(Contradiction(what)) }
}

impl Event {
    /// Checks all that can be checked without other entries.
    pub fn check(&self) -> Result<(), Contradiction> {
        match self {
            Self::Genesis(event) => genesis(event),
            Self::Policy(event) => policy(event),
            Self::Intent(event) => intent(event),
            Self::Result(event) => result(event),
            Self::Nil(event) => nil(event),
            Self::Hold(event) => hold(event),
            Self::SaltsDestroyed(event) => salts_destroyed(event),
            Self::Abort(Abort { .. })
            | Self::Correct(Correct { .. })
            | Self::Incident(Incident { .. }) => Ok(()),
        }
    }
}

fn genesis(event: &Genesis) -> Check {
    must(PublicKey::from_bytes(&event.log_key.0).is_ok(), "log_key is not a usable key")?;
    let certificate_key = PublicKey::from_bytes(&event.certificate_key.0);
    must(certificate_key.is_ok(), "certificate_key is not a usable key")?;
    must(event.log_key != event.certificate_key, "log_key and certificate_key are the same")
}

fn policy(event: &PolicyInForce) -> Check {
    must(!event.files.is_empty(), "files is empty")?;
    let names = event.files.iter().map(|file| &file.name);
    must(names.is_sorted_by(|a, b| a < b), "the names of files do not rise")?;
    must(PolicyInForce::digest_of(&event.files) == event.digest, "digest is not that of files")
}

fn batch(batch: Batch) -> Check {
    let good = 1 <= batch.n && batch.n <= batch.of && batch.of <= RUN_BATCHES_MAX;
    must(good, "batch is not one of its run")
}

fn intent(event: &Intent) -> Check {
    batch(event.batch)?;
    must((1..=BATCH_RECORDS_MAX).contains(&event.count), "count is not from 1 to 65,536")?;
    must(event.commit == SUITE, "commit is not hmac-sha256/v1")
}

fn result(event: &BatchResult) -> Check {
    batch(event.batch)?;
    let counts = &event.scope.counts;
    must(event.scope.commit == SUITE, "commit is not hmac-sha256/v1")?;
    must((1..=BATCH_RECORDS_MAX).contains(&counts.selected), "selected is not from 1 to 65,536")?;
    let sum = [counts.destroyed, counts.already_absent, counts.failed, counts.held]
        .into_iter()
        .try_fold(0_u64, u64::checked_add);
    must(sum == Some(counts.selected), "the outcomes do not add up to selected")?;
    must(counts.unacknowledged <= counts.destroyed, "unacknowledged is more than destroyed")?;
    let verification = &event.verification;
    must(verification.sampled <= counts.selected, "sampled is more than selected")?;
    must(
        verification.found <= counts.failed.saturating_add(counts.held),
        "more records were found than failed or were held",
    )?;
    must(
        counts.destroyed == 0 || verification.control,
        "destruction is claimed without a positive control",
    )?;
    must(event.time.started <= event.time.finished, "it finished before it started")?;
    let file = layout::records_file(event.batch.n);
    must(event.scope.records.file == file, "the records file is not that of the batch")
}

fn nil(event: &Nil) -> Check {
    let Totals {
        matched,
        due,
        not_due,
        permanent,
        awaiting_event,
        implausible_date,
        cannot_evaluate,
        held,
    } = event.totals;
    let parts = [due, not_due, permanent, awaiting_event, implausible_date, cannot_evaluate, held];
    let sum = parts.into_iter().try_fold(0_u64, u64::checked_add);
    must(sum == Some(matched), "the totals do not add up to matched")?;
    must(event.why != NilReason::NothingDue || due == 0, "nothing_due, and yet due is not 0")
}

fn hold(event: &HoldChange) -> Check {
    must(!event.holds.is_empty(), "holds is empty")
}

fn salts_destroyed(event: &SaltsDestroyed) -> Check {
    must(!event.results.is_empty(), "results is empty")?;
    must(event.results.is_sorted_by(|a, b| a < b), "results do not rise")
}
