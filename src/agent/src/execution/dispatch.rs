//! Orders: re-check, write down, send, write down the answers.

use std::collections::BTreeMap;
use std::time::Duration;

use quietus_contract::RecordRef;
use quietus_evidence::Hash;

use super::Execution;
use super::carrying::Carried;
use crate::error::{UserError, code};
use crate::hold::HoldFilter;
use crate::journal::{Fate, Fates, OrderRow, Reasons, State};
use crate::lock::OrderPassage;
use crate::plan::{self, PlanRecord};

/// Records in one order at most, whatever the target would take: what a crash leaves in doubt.
const ORDER_RECORDS_MAX: usize = 16_384;

/// How often an order is sent before its records are given up for this run.
const ATTEMPTS_MAX: u32 = 3;

/// How long an order waits while a hold is being placed.
const GATE_PATIENCE: Duration = Duration::from_secs(120);

impl Execution<'_> {
    /// Sends every order of a batch that is not settled, then settles the batch.
    pub(super) async fn dispatch(&mut self, carried: &mut Carried<'_>) -> Result<(), UserError> {
        let run = self.run.id.clone();
        let batch = carried.row.batch.n;
        let known = self.journal.orders(&run, batch)?;
        let size = carried.order_records.clamp(1, ORDER_RECORDS_MAX);
        let orders = carried.prepared.records.len().div_ceil(size);
        for n in 0..orders {
            let start = n * size;
            let number = u32::try_from(n + 1).map_err(|_| too_many())?;
            let mut order = match known.iter().find(|order| order.n == number) {
                Some(order) => order.clone(),
                None => {
                    let records = carried.prepared.records.len().min(start + size) - start;
                    OrderRow::new(
                        number,
                        u32::try_from(start).map_err(|_| too_many())?,
                        u32::try_from(records).map_err(|_| too_many())?,
                    )
                }
            };
            if order.state != State::Settled {
                self.order(carried, &mut order).await?;
            }
            let done = u64::try_from(start + size).unwrap_or(0);
            self.tell(carried, "disposing of", done.min(carried.row.batch.records.into()));
        }
        carried.row = self.journal.batch(&run, batch)?;
        self.journal.settle_batch(&run, &carried.row)?;
        Ok(())
    }

    /// Takes one order to its settled state.
    async fn order(
        &mut self,
        carried: &Carried<'_>,
        order: &mut OrderRow,
    ) -> Result<(), UserError> {
        // Known to be gone, or changed, from a look after a lost answer.
        let mut known: Vec<Option<Fate>> = vec![None; records(carried, order)?.len()];
        if order.state == State::Dispatched {
            self.reconcile(carried, order, &mut known).await?;
        }
        while order.state != State::Settled {
            let passage = self.pass()?;
            let held = self.held_through_others(carried, order).await?;
            let (fates, send) = self.sift(carried, order, &known, &held)?;
            self.release(carried, order, &known, &send).await?;
            if send.is_empty() || order.attempts >= ATTEMPTS_MAX {
                self.settle_unsent(carried, order, fates, &send)?;
                return Ok(());
            }
            if self.send(carried, order, fates, send, &passage).await? {
                return Ok(());
            }
            drop(passage);
            self.reconcile(carried, order, &mut known).await?;
        }
        Ok(())
    }

    /// Passes the gate: whoever places a hold waits until the order is settled.
    fn pass(&mut self) -> Result<OrderPassage, UserError> {
        let passage = self.gate.pass(GATE_PATIENCE)?;
        // Only now: a hold that was acknowledged before is seen, one that comes later waits.
        self.holds.reload()?;
        self.lock.check()?;
        self.agent.durable.check()?;
        Ok(passage)
    }

    /// Decides for each record of an order whether it may be sent, at the last moment.
    fn sift(
        &mut self,
        carried: &Carried<'_>,
        order: &mut OrderRow,
        known: &[Option<Fate>],
        held: &[Option<String>],
    ) -> Result<(Sifted, Vec<usize>), UserError> {
        let mut sifted = Sifted { fates: vec![None; known.len()], reasons: Reasons::default() };
        let mut send = Vec::new();
        let records = records(carried, order)?;
        let holding = carried.holding;
        let holds = self.holds.filter(&holding.class, &holding.system, self.today());
        let exceptions = self.decisions.exceptions();
        for (n, (record, fate)) in records.iter().zip(known).enumerate() {
            let kept = match fate {
                Some(fate) => Some((*fate, None)),
                None if let Some(Some(hold)) = held.get(n) => {
                    Some((Fate::Held, Some(format!("hold {hold}"))))
                }
                None => self.keeps(carried, record, &holds, &exceptions)?,
            };
            match kept {
                None => send.push(n),
                Some((fate, reason)) => {
                    if let Some(slot) = sifted.fates.get_mut(n) {
                        *slot = Some(fate);
                    }
                    if let Some(reason) = reason {
                        sifted.reasons.add(&reason);
                    }
                }
            }
        }
        order.kept = sifted.fates.iter().map(|fate| fate.map_or(0, Fate::byte)).collect();
        Ok((sifted, send))
    }

    /// Says why a record must stay, if it must: a hold, its owner's exception, the second judge,
    /// or a programme that changed since the plan.
    fn keeps(
        &self,
        carried: &Carried<'_>,
        record: &PlanRecord,
        holds: &HoldFilter,
        exceptions: &BTreeMap<Hash, &str>,
    ) -> Result<Option<(Fate, Option<String>)>, UserError> {
        if let Some(reason) = &self.frozen_out {
            return Ok(Some((Fate::NotAttempted, Some(reason.clone()))));
        }
        if !holds.is_empty() {
            let facts = carried.selection.facts_again(record.dates.clone(), &record.fields);
            if let Some((hold, _)) = carried.selection.hold(holds, &facts) {
                return Ok(Some((Fate::Held, Some(format!("hold {}", hold.id)))));
            }
        }
        if !exceptions.is_empty() {
            let digest = plan::record_digest(&carried.holding.store, &record.reference.locator);
            if let Some(reason) = exceptions.get(&digest) {
                let reason = format!("excepted by its owner: {reason}");
                return Ok(Some((Fate::Held, Some(reason))));
            }
        }
        if !carried.selection.is_agreed(&record.dates, &record.fields, record.due, self.run.as_of) {
            let reason = "the second judge does not find it due; tell the makers of quietus";
            return Ok(Some((Fate::Refused, Some(reason.to_owned()))));
        }
        Ok(None)
    }

    /// Puts back what an interrupted order had taken hold of and will not dispose of after all.
    async fn release(
        &self,
        carried: &Carried<'_>,
        order: &OrderRow,
        known: &[Option<Fate>],
        send: &[usize],
    ) -> Result<(), UserError> {
        if order.attempts == 0 {
            return Ok(());
        }
        let given_up = order.attempts >= ATTEMPTS_MAX;
        let mut keep = Vec::new();
        for (n, (record, fate)) in records(carried, order)?.iter().zip(known).enumerate() {
            if fate.is_none() && (given_up || send.binary_search(&n).is_err()) {
                keep.push(record.reference.clone());
            }
        }
        if keep.is_empty() {
            return Ok(());
        }
        let scope = &carried.selection.scope;
        let system = &carried.holding.system;
        carried.target.release(scope, &keep).await.map_err(|e| UserError::from(e).in_system(system))
    }

    /// Settles an order of which nothing is sent (any more).
    fn settle_unsent(
        &mut self,
        carried: &Carried<'_>,
        order: &mut OrderRow,
        mut sifted: Sifted,
        given_up: &[usize],
    ) -> Result<(), UserError> {
        for n in given_up {
            sifted.reasons.add("the target failed again and again");
            if let Some(slot) = sifted.fates.get_mut(*n) {
                *slot = Some(Fate::NotAttempted);
            }
        }
        let fates = sifted.complete(&[], Fates::default())?;
        self.journal.settle(&self.run.id, carried.row.batch.n, order, fates)?;
        Ok(())
    }

    /// Sends an order; returns whether the target answered for each of its records.
    async fn send(
        &mut self,
        carried: &Carried<'_>,
        order: &mut OrderRow,
        sifted: Sifted,
        send: Vec<usize>,
        _passage: &OrderPassage,
    ) -> Result<bool, UserError> {
        let records = records(carried, order)?;
        let references: Vec<RecordRef> =
            send.iter().filter_map(|n| records.get(*n)).map(|r| r.reference.clone()).collect();
        let scope = carried.selection.scope.clone();
        // A crash from here on leaves the order dispatched: the target is asked what became of it.
        let command =
            self.journal.dispatch(&self.run.id, &carried.row, order, scope, references)?;
        // A records file may have failed on another thread while this was written down.
        self.agent.durable.check()?;
        let answer = carried.target.dispose(&command).await;
        let outcomes = match answer {
            Ok(outcomes) if outcomes.len() == send.len() => outcomes,
            Ok(_) => {
                tracing::error!(system = carried.holding.system, "the adapter lost count");
                return Ok(false);
            }
            Err(error) => {
                tracing::warn!(system = carried.holding.system, %error, "an order failed");
                return Ok(false);
            }
        };
        let mut answered = Fates::default();
        for outcome in outcomes {
            answered.push(outcome);
        }
        let fates = sifted.complete(&send, answered)?;
        self.journal.settle(&self.run.id, carried.row.batch.n, order, fates)?;
        Ok(true)
    }
}

/// Fates that are known before an order is sent.
pub(super) struct Sifted {
    fates: Vec<Option<Fate>>,
    reasons: Reasons,
}

impl Sifted {
    /// Puts the target's answers in their places.
    fn complete(mut self, sent: &[usize], answered: Fates) -> Result<Fates, UserError> {
        for (n, fate) in sent.iter().zip(&answered.fates) {
            if let Some(slot) = self.fates.get_mut(*n) {
                *slot = Some(*fate);
            }
        }
        let fates = self.fates.into_iter().collect::<Option<Vec<_>>>().ok_or_else(lost_count)?;
        self.reasons.merge(&answered.reasons);
        Ok(Fates { fates, reasons: self.reasons, members: answered.members })
    }
}

/// Returns the records of an order.
pub(super) fn records<'a>(
    carried: &'a Carried<'_>,
    order: &OrderRow,
) -> Result<&'a [PlanRecord], UserError> {
    let start = usize::try_from(order.start).map_err(|_| too_many())?;
    let records = usize::try_from(order.records).map_err(|_| too_many())?;
    carried.prepared.records.get(start..start + records).ok_or_else(lost_count)
}

fn lost_count() -> UserError {
    UserError::new(&code::STATE_UNREADABLE, "an order and its batch do not fit together")
        .with_help("keep the state folder as it is and ask for help; nothing more was disposed of")
}

fn too_many() -> UserError {
    UserError::new(&code::STATE_UNREADABLE, "a batch has more records than quietus can count")
}
