//! Records of which nobody can say whether they are gone, when a hold comes (P1).
//!
//! A run that was interrupted may have sent an order and lost the answer. Whoever places a hold
//! is told which records that it covers are among them.

use quietus_contract::Locator;
use quietus_schedule::holds::covers;

use crate::agent::Agent;
use crate::error::UserError;
use crate::journal::{BatchRow, OrderRow, RunRow, State};
use crate::plan::{self, PlanError, PlanRecord, PlannedHolding, StoredPlan};
use crate::selection::Selection;

/// Records that were sent, and whose answer nobody has.
#[derive(Clone, Debug, Default)]
pub struct Doubt {
    /// All of them.
    pub records: u64,
    /// Those that the hold covers.
    pub covered: Vec<Doubtful>,
}

/// A record that a hold covers and that may be gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubtful {
    /// The system.
    pub system: String,
    /// The class.
    pub class: String,
    /// The record.
    pub record: Locator,
}

/// Looks what is in doubt, and what of it a hold covers.
pub fn in_doubt(agent: &Agent<'_>, hold: &str) -> Result<Doubt, UserError> {
    let journal = agent.journal()?;
    let mut doubt = Doubt::default();
    let Some(run) = journal.current_run()? else { return Ok(doubt) };
    for batch in journal.batches(&run.id)? {
        for order in journal.orders(&run.id, batch.batch.n)? {
            if order.state == State::Dispatched {
                look(agent, &run, &batch, &order, hold, &mut doubt)?;
            }
        }
    }
    Ok(doubt)
}

fn look(
    agent: &Agent<'_>,
    run: &RunRow,
    batch: &BatchRow,
    order: &OrderRow,
    hold: &str,
    doubt: &mut Doubt,
) -> Result<(), UserError> {
    let stored = plan::load(agent.dir(), &run.plan)?;
    let (planned, records) = records_of(&stored, batch, order)?;
    let programme = &agent.loaded.programme;
    let holding = programme.holdings.get(planned.holding).ok_or(PlanError::Edited)?;
    let selection = Selection::new(programme, holding, None);
    let hold = programme.holds.iter().find(|h| h.id == hold);
    for (n, record) in records.iter().enumerate() {
        // What was kept back when the order was sent is not in doubt.
        if order.kept.get(n).is_some_and(|fate| *fate != 0) {
            continue;
        }
        doubt.records += 1;
        let facts = selection.facts_again(record.dates.clone(), &record.fields);
        let days = selection.rule.days(&facts.dates);
        let covered = hold.and_then(|h| covers(h, &selection.hold_facts(&facts, &days)));
        if covered.is_some() {
            doubt.covered.push(Doubtful {
                system: planned.system.clone(),
                class: planned.class.clone(),
                record: record.reference.locator.clone(),
            });
        }
    }
    Ok(())
}

fn records_of<'p>(
    stored: &'p StoredPlan,
    batch: &BatchRow,
    order: &OrderRow,
) -> Result<(&'p PlannedHolding, Vec<PlanRecord>), UserError> {
    let plan = &stored.plan;
    let row = &batch.batch;
    let segment = plan.segments.iter().find(|s| s.n == row.segment).ok_or(PlanError::Edited)?;
    let planned = plan.holdings.iter().find(|h| h.holding == segment.holding);
    let planned = planned.ok_or(PlanError::Edited)?;
    let mut records =
        plan::read_batch(&stored.folder, row.segment, row.start, row.length, &row.sha256)?;
    let start = usize::try_from(order.start).map_err(|_| PlanError::TooMany)?;
    let count = usize::try_from(order.records).map_err(|_| PlanError::TooMany)?;
    if start + count > records.len() {
        return Err(PlanError::Edited.into());
    }
    records.truncate(start + count);
    Ok((planned, records.split_off(start)))
}
