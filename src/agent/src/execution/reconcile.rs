//! After a lost answer: ask the target what became of the records that were sent.

use quietus_contract::{Absence, RecordRef};

use super::Execution;
use super::carrying::Carried;
use super::dispatch::records;
use super::sabotage::{self, Sabotage};
use crate::error::{UserError, code};
use crate::journal::{Fate, OrderRow};

impl Execution<'_> {
    /// Looks at every record of a dispatched order that was really sent.
    ///
    /// # Behavior
    ///
    /// - Gone: it was us, and the answer was lost. Another version: somebody changed it.
    /// - Still there as planned: the order goes back to *intended*, and such records are judged
    ///   again before they are sent again.
    /// - Unknown: nothing is settled and nothing more is sent; the run stays open for the next
    ///   try, when the target can be read.
    pub(super) async fn reconcile(
        &mut self,
        carried: &Carried<'_>,
        order: &mut OrderRow,
        known: &mut [Option<Fate>],
    ) -> Result<(), UserError> {
        let all = records(carried, order)?;
        // What an earlier look found stands in the journal: killed once more, it is still so.
        for (slot, byte) in known.iter_mut().zip(&order.kept) {
            let found = Fate::from_byte(*byte)
                .filter(|fate| matches!(fate, Fate::Unacknowledged | Fate::Changed));
            *slot = slot.or(found);
        }
        let sent: Vec<usize> = (0..all.len())
            .filter(|n| order.kept.get(*n).is_none_or(|byte| *byte == 0))
            .filter(|n| known.get(*n).is_some_and(Option::is_none))
            .collect();
        if sabotage::is(Sabotage::TrustReturnCode) {
            for n in sent {
                if let Some(slot) = known.get_mut(n) {
                    *slot = Some(Fate::Disposed);
                }
            }
            return Ok(self.journal.found_untouched(&self.run.id, carried.row.batch.n, order)?);
        }
        let references: Vec<RecordRef> =
            sent.iter().filter_map(|n| all.get(*n)).map(|r| r.reference.clone()).collect();
        let system = &carried.holding.system;
        let absences = carried
            .target
            .verify_absent(&carried.selection.scope, &references)
            .await
            .map_err(|e| in_doubt(system, references.len()).with_source(e))?;
        if absences.len() != references.len() {
            return Err(in_doubt(system, references.len()));
        }
        for (n, absence) in sent.iter().zip(&absences) {
            let Some(slot) = known.get_mut(*n) else { continue };
            *slot = match absence {
                Absence::Absent(_) => Some(Fate::Unacknowledged),
                Absence::Newer => Some(Fate::Changed),
                Absence::Present => None,
                Absence::Unknown { .. } => return Err(in_doubt(system, references.len())),
            };
        }
        Ok(self.journal.found_untouched(&self.run.id, carried.row.batch.n, order)?)
    }
}

fn in_doubt(system: &str, records: usize) -> UserError {
    UserError::new(
        &code::IN_DOUBT,
        format!(
            "system {system}: an answer was lost, and it cannot be read whether {records} records \
             are gone"
        ),
    )
    .with_help("look that the system can be reached and read, then run again: the run goes on")
}
