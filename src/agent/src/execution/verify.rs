//! After an order: a separate read looks whether what is said to be gone is gone.

use quietus_contract::{Absence, RecordRef};

use super::Execution;
use super::carrying::Carried;
use super::sabotage::{self, Sabotage};
use crate::error::{UserError, code};
use crate::journal::{Fate, Fates};

/// Records looked for in one call.
const VERIFY_RECORDS: usize = 16_384;

/// How often a record is looked for of which the target could not tell.
const LOOKS_MAX: u32 = 3;

impl Execution<'_> {
    /// Checks every claim of a batch, and writes the final fates.
    pub(super) async fn verify(&mut self, carried: &mut Carried<'_>) -> Result<(), UserError> {
        let mut fates = self.gather(carried)?;
        if !sabotage::is(Sabotage::TrustReturnCode) {
            self.look(carried, &mut fates).await?;
        }
        let at = self.now();
        self.journal.verify_batch(&self.run.id, &carried.row, &fates, at)?;
        Ok(())
    }

    /// Joins the fates of all orders.
    fn gather(&self, carried: &Carried<'_>) -> Result<Fates, UserError> {
        let mut all = Fates::default();
        for order in self.journal.orders(&self.run.id, carried.row.batch.n)? {
            let fates = order.fates.ok_or_else(incomplete)?;
            all.fates.extend(fates.fates);
            all.reasons.merge(&fates.reasons);
            all.members += fates.members;
        }
        if all.fates.len() != carried.prepared.records.len() {
            return Err(incomplete());
        }
        Ok(all)
    }

    /// Looks for records; those of which the target could not tell are looked for again, for an
    /// answer that is late must not make a disposal that succeeded one that nobody can tell.
    async fn absences(
        &self,
        carried: &Carried<'_>,
        records: &[RecordRef],
    ) -> Result<Vec<Absence>, UserError> {
        let scope = &carried.selection.scope;
        let system = &carried.holding.system;
        let answer = carried.target.verify_absent(scope, records).await;
        let mut absences = answer.map_err(|e| unreadable(system).with_source(e))?;
        if absences.len() != records.len() {
            return Err(unreadable(system));
        }
        for _ in 1..LOOKS_MAX {
            let open = unknown(&absences);
            if open.is_empty() {
                break;
            }
            let again: Vec<RecordRef> =
                open.iter().filter_map(|n| records.get(*n)).cloned().collect();
            let Ok(found) = carried.target.verify_absent(scope, &again).await else { break };
            for (n, absence) in open.iter().zip(found) {
                if let Some(slot) = absences.get_mut(*n) {
                    *slot = absence;
                }
            }
        }
        Ok(absences)
    }

    async fn look(&self, carried: &Carried<'_>, fates: &mut Fates) -> Result<(), UserError> {
        let claims: Vec<usize> = (0..fates.fates.len())
            .filter(|n| fates.fates.get(*n).is_some_and(|fate| fate.claims_absence()))
            .collect();
        for (part, claims) in claims.chunks(VERIFY_RECORDS).enumerate() {
            let references: Vec<RecordRef> = claims
                .iter()
                .filter_map(|n| carried.prepared.records.get(*n))
                .map(|record| record.reference.clone())
                .collect();
            let absences = self.absences(carried, &references).await?;
            for (n, absence) in claims.iter().zip(&absences) {
                let Some(fate) = fates.fates.get_mut(*n) else { continue };
                let verified = fate.verified(absence);
                note(&mut fates.reasons, verified, absence);
                *fate = verified;
            }
            let done = u64::try_from(part * VERIFY_RECORDS + claims.len()).unwrap_or(0);
            self.tell(carried, "checking", done);
        }
        Ok(())
    }
}

/// Returns the places of the records of which a look could not tell.
fn unknown(absences: &[Absence]) -> Vec<usize> {
    let places = absences.iter().enumerate();
    places.filter(|(_, a)| matches!(a, Absence::Unknown { .. })).map(|(n, _)| n).collect()
}

fn note(reasons: &mut crate::journal::Reasons, fate: Fate, absence: &Absence) {
    match (fate, absence) {
        (Fate::StillThere, _) => reasons.add("the target confirmed its disposal and still has it"),
        (Fate::Indeterminate, Absence::Unknown { reason }) => {
            reasons.add(&format!("cannot be read whether it is gone: {reason}"));
        }
        (Fate::NotAttempted, Absence::Present) => reasons.add("still there"),
        _ => {}
    }
}

fn incomplete() -> UserError {
    UserError::new(&code::STATE_UNREADABLE, "a batch is settled and not all its orders are")
        .with_help("keep the state folder as it is and ask for help; nothing more was disposed of")
}

fn unreadable(system: &str) -> UserError {
    UserError::new(
        &code::IN_DOUBT,
        format!("system {system}: it cannot be read whether disposed records are gone"),
    )
    .with_help("look that the system can be reached and read, then run again: the run goes on")
}
