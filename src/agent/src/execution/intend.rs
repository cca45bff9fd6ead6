//! The intent: what is going to be disposed of, before anything is.

use quietus_evidence::commitment::SUITE;
use quietus_evidence::statement::{Batch, Event, Intent, IntentScope};
use quietus_evidence::{Hash, intent_root};

use super::Execution;
use super::carrying::Carried;
use crate::certificate::{evidence_date, policy_hash, run_id};
use crate::error::{UserError, code};

impl Execution<'_> {
    /// Writes a batch's intent into the journal and the ledger.
    ///
    /// A crash before the journal's commit leaves the batch planned. A crash after it leaves the
    /// statement in the outbox, from where it reaches the ledger before anything else happens.
    pub(super) fn intend(&mut self, carried: &mut Carried<'_>) -> Result<(), UserError> {
        let mut sorted = carried.prepared.commitments.clone();
        sorted.sort_unstable();
        let Some(root) = intent_root(&sorted) else {
            // Otherwise the run could never end.
            self.journal.drop_planned(&self.run.id)?;
            return Err(twins());
        };
        let at = self.now();
        let event = Event::Intent(Intent {
            run: run_id(&self.run.id)?,
            batch: Batch { n: carried.row.batch.n.into(), of: carried.of.into() },
            policy: policy_hash(&self.policy.digest)?,
            policy_seq: self.policy.seq,
            plan: hash(&self.stored.digest)?,
            scope: self.scope(carried)?,
            count: carried.row.batch.records.into(),
            intent_root: root,
            commit: SUITE.to_owned(),
        });
        let pending = self.ledger.compose(at, event)?;
        self.journal.intend(&self.run.id, &carried.row, &carried.prepared.key, at, &pending)?;
        self.ledger.append(&pending)?;
        Ok(())
    }

    /// Says what a batch is taken from, and by which rule.
    pub(super) fn scope(&self, carried: &Carried<'_>) -> Result<IntentScope, UserError> {
        let jurisdiction = carried.segment.jurisdiction.as_deref();
        Ok(IntentScope {
            store: carried.survey.store.clone(),
            series: carried.class.id.clone(),
            holding: format!("{} in {}", carried.class.id, carried.holding.system),
            rule: crate::certificate::rule_words(carried.class, jurisdiction),
            cutoff: evidence_date(self.run.as_of)?,
        })
    }
}

fn hash(hex: &str) -> Result<Hash, UserError> {
    crate::hex::digest(hex)
        .map(Hash)
        .ok_or_else(|| UserError::new(&code::STATE_UNREADABLE, "the plan's digest cannot be read"))
}

fn twins() -> UserError {
    UserError::new(
        &code::PLAN_STALE,
        "the plan has the same record twice, or none: the target changed while it was read",
    )
    .with_help("nothing was disposed of by it; make a new plan")
}
