//! The certificate: the records file, then the statement.

use quietus_evidence::statement::Event;
use quietus_evidence::{RecordLine, RecordOutcome, write_records};

use super::Execution;
use super::carrying::Carried;
use crate::certificate::{self, Subject};
use crate::error::{UserError, code};
use crate::journal::{Fate, Fates, Opening};

impl Execution<'_> {
    /// Writes a batch's records file and its certificate.
    ///
    /// A crash before the journal's commit leaves the batch verified: the same file is written
    /// again, from the same fates.
    pub(super) fn certify(&mut self, carried: &mut Carried<'_>) -> Result<(), UserError> {
        let fates = carried.row.fates.clone().ok_or_else(damaged)?;
        let lines = lines(carried, &fates)?;
        let mut bytes = Vec::new();
        let summary = write_records(lines, &mut bytes).map_err(|e| damaged().with_source(e))?;
        let name = format!("batch-{:04}.records.jsonl", carried.row.batch.n);
        let folder = self.agent.dir().join("evidence").join(&self.run.id);
        self.agent.durable.create_dir(&folder)?;
        self.agent.durable.write_same(&folder.join(&name), &bytes)?;
        let subject = Subject {
            intent: self.ledger.reference(carried.row.intent_seq.ok_or_else(damaged)?)?,
            scope: self.scope(carried)?,
            records_file: name,
            summary: &summary,
            fates: &fates,
        };
        let result = certificate::write(self, carried, subject)?;
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
        Ok(())
    }
}

/// Joins commitments, due dates and fates, sorted by commitment.
fn lines(carried: &Carried<'_>, fates: &Fates) -> Result<Vec<RecordLine>, UserError> {
    let prepared = &carried.prepared;
    let mut lines = Vec::with_capacity(prepared.records.len());
    for ((record, c), fate) in prepared.records.iter().zip(&prepared.commitments).zip(&fates.fates)
    {
        lines.push(RecordLine {
            c: *c,
            due: certificate::evidence_date(record.due)?,
            outcome: outcome(*fate),
        });
    }
    if lines.len() != prepared.records.len() {
        return Err(damaged());
    }
    lines.sort_unstable_by_key(|line| line.c);
    Ok(lines)
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
