//! The certificate: the records file, then the statement.

use std::path::PathBuf;

use jiff::civil::Date;
use quietus_evidence::layout::records_file;
use quietus_evidence::statement::Event;
use quietus_evidence::{Commitment, RecordLine, RecordOutcome, RecordsSummary, write_records};
use tokio::task::JoinHandle;

use super::Execution;
use super::carrying::Carried;
use crate::certificate::{self, Subject};
use crate::durable::Durable;
use crate::error::{UserError, code};
use crate::journal::{Fate, Fates, Opening};

/// A verified batch whose records file is being made on another thread.
pub(super) struct Certifying<'a> {
    carried: Carried<'a>,
    fates: Fates,
    records_file: String,
    summary: JoinHandle<Result<RecordsSummary, UserError>>,
}

impl Execution<'_> {
    /// Begins to make a batch's records file.
    ///
    /// A crash leaves the batch verified: the same file is made again, from the same fates.
    pub(super) fn begin_certificate<'a>(
        &self,
        mut carried: Carried<'a>,
    ) -> Result<Certifying<'a>, UserError> {
        let fates = carried.row.fates.clone().ok_or_else(damaged)?;
        let records_file = records_file(carried.row.batch.n.into());
        let folder = self.agent.dir().join("evidence").join(&self.run.id);
        self.agent.durable.create_dir(&folder)?;
        let work = Work {
            due: carried.prepared.records.drain(..).map(|record| record.due).collect(),
            commitments: std::mem::take(&mut carried.prepared.commitments),
            fates: fates.fates.clone(),
            path: folder.join(&records_file),
            durable: self.agent.durable.clone(),
        };
        let summary = tokio::task::spawn_blocking(move || work.make());
        Ok(Certifying { carried, fates, records_file, summary })
    }

    /// Writes a batch's certificate; returns its place in the ledger.
    pub(super) async fn certify(&mut self, batch: Certifying<'_>) -> Result<u64, UserError> {
        let Certifying { carried, fates, records_file, summary } = batch;
        let summary = summary.await.map_err(|e| damaged().with_source(e))??;
        let intent_seq = carried.row.intent_seq.ok_or_else(damaged)?;
        let meant = self.ledger.intent(intent_seq)?;
        let subject = Subject {
            intent: self.ledger.reference(intent_seq)?,
            policy: self.ledger.policy(meant.policy_seq)?,
            meant,
            records_file,
            summary: &summary,
            fates: &fates,
        };
        let result = certificate::write(self, &carried, subject)?;
        let at = self.now();
        let pending = self.ledger.compose(at, Event::Result(Box::new(result)))?;
        let opening = Opening {
            run: self.run.id.clone(),
            batch: carried.row.batch.n,
            class: carried.holding.class.clone(),
            store: carried.survey.store.clone(),
            records: carried.row.batch.records,
            key: carried.prepared.key,
            result_seq: pending.seq,
        };
        self.journal.certify(
            &self.run.id,
            &carried.row,
            &pending,
            &opening,
            &carried.holding.system,
        )?;
        self.ledger.append(&pending)?;
        Ok(pending.seq)
    }
}

/// What a records file is made of.
struct Work {
    due: Vec<Date>,
    commitments: Vec<Commitment>,
    fates: Vec<Fate>,
    path: PathBuf,
    durable: Durable,
}

impl Work {
    /// Joins commitments, due dates and fates, sorted by commitment, and writes them durably.
    fn make(self) -> Result<RecordsSummary, UserError> {
        let mut lines = Vec::with_capacity(self.due.len());
        for ((due, c), fate) in self.due.iter().zip(&self.commitments).zip(&self.fates) {
            let due = certificate::evidence_date(*due)?;
            lines.push(RecordLine { c: *c, due, outcome: outcome(*fate) });
        }
        if lines.len() != self.due.len() || lines.len() != self.fates.len() {
            return Err(damaged());
        }
        lines.sort_unstable_by_key(|line| line.c);
        let mut bytes = Vec::new();
        let summary = write_records(lines, &mut bytes).map_err(|e| damaged().with_source(e))?;
        self.durable.write_same(&self.path, &bytes)?;
        Ok(summary)
    }
}

/// Returns the record's outcome as evidence has it: whatever is not proved to be gone, and is not
/// held, failed.
pub(crate) fn outcome(fate: Fate) -> RecordOutcome {
    match fate {
        Fate::Disposed | Fate::Unacknowledged => RecordOutcome::Destroyed,
        Fate::AlreadyAbsent => RecordOutcome::Absent,
        Fate::Held => RecordOutcome::Held,
        Fate::Changed
        | Fate::Refused
        | Fate::NotAttempted
        | Fate::Indeterminate
        | Fate::StillThere => RecordOutcome::Failed,
    }
}

fn damaged() -> UserError {
    UserError::new(&code::STATE_UNREADABLE, "a batch and its fates do not fit together")
        .with_help("keep the state folder as it is and ask for help; nothing more was disposed of")
}
