//! The end of a run: counts, history, the nil record.

use quietus_evidence::statement::{Event, Nil, NilReason, Totals};

use super::choose::{Standing, standing};
use super::report::{Line, RunReport};
use super::{Execution, Steps};
use crate::certificate::{evidence_date, policy_hash, run_id, short};
use crate::error::UserError;
use crate::journal::{BatchRow, Fate, Fates, History, Pending, Reasons};
use crate::plan::{self, Counts, PlannedHolding};

/// Systems that a nil record names at most.
const NOT_READ_MAX: usize = 10;

/// Closes a run whose batches are all certified.
pub(super) fn close(
    mut execution: Execution<'_>,
    steps: Steps,
    resumed: bool,
) -> Result<RunReport, UserError> {
    let rows = execution.journal.batches(&execution.run.id)?;
    let mut lines = Vec::new();
    for holding in &execution.stored.plan.holdings {
        lines.push(line(&execution, holding, &rows)?);
    }
    // A crash from here on finds all batches certified, and needs their records no more.
    purge(&execution, &rows)?;
    let mut certificates = steps.certificates;
    let at = execution.now();
    let history = history(&lines, at)?;
    let nil = if rows.is_empty() { Some(execution.nil(&lines)?) } else { None };
    let ending = if rows.is_empty() { "nil" } else { "certified" };
    execution.journal.close_run(&execution.run.id, ending, at, &history, nil.as_ref())?;
    if let Some(nil) = nil {
        certificates.push(execution.ledger.append(&nil)?.seq);
    }
    let schedule_in_force = execution.is_in_force();
    let Execution { run, stored, .. } = execution;
    Ok(RunReport {
        run: run.id,
        as_of: run.as_of,
        plan: stored.plan.id,
        plan_digest: stored.digest,
        certificates,
        resumed,
        schedule_in_force,
        counts: lines,
        failures: stored.plan.failures,
    })
}

/// Counts what became of a holding's due records.
fn line(
    execution: &Execution<'_>,
    holding: &PlannedHolding,
    rows: &[BatchRow],
) -> Result<Line, UserError> {
    let mut counts = holding.counts;
    let mut kept = Reasons::default();
    for (reason, records) in &holding.kept {
        kept.add_many(reason, *records);
    }
    let mut held_by = holding.held_by.clone();
    let carried: Vec<&Fates> = rows
        .iter()
        .filter(|row| {
            let segments = &execution.stored.plan.segments;
            segments.iter().any(|s| s.n == row.batch.segment && s.holding == holding.holding)
        })
        .filter_map(|row| row.fates.as_ref())
        .collect();
    if carried.is_empty() {
        let planned = std::mem::take(&mut counts.planned);
        counts.members = 0;
        match standing(execution.agent, &execution.stored, &execution.decisions, holding)? {
            Standing::Refused => {
                counts.refused += planned;
                if planned > 0 && !execution.is_in_force() {
                    kept.add_many("the schedule is not approved, or not in force yet", planned);
                }
            }
            Standing::AwaitingApproval => counts.awaiting_approval += planned,
            Standing::Rejected => {
                counts.held += planned;
                *held_by.entry("the owner rejected the plan".to_owned()).or_default() += planned;
            }
            Standing::Go | Standing::Nothing => {
                not_tried(execution, &mut counts, &mut kept, planned)
            }
            // An earlier run of this plan certified them.
            Standing::Done => {
                counts.due -= planned;
                counts.matched -= planned;
            }
        }
    } else {
        let mut left = std::mem::take(&mut counts.planned);
        counts.members = 0;
        for fates in carried {
            settle(&mut counts, fates);
            kept.merge(&fates.reasons);
            left = left.saturating_sub(u64::try_from(fates.fates.len()).unwrap_or(u64::MAX));
        }
        not_tried(execution, &mut counts, &mut kept, left);
    }
    Ok(Line {
        class: holding.class.clone(),
        system: holding.system.clone(),
        counts,
        held_by,
        kept,
        breaches: holding.breaches.clone(),
    })
}

/// Counts records of batches that were dropped before anything of them was promised.
fn not_tried(execution: &Execution<'_>, counts: &mut Counts, kept: &mut Reasons, records: u64) {
    counts.failed += records;
    if let Some(why) = execution.frozen_out.as_ref().filter(|_| records > 0) {
        kept.add_many(why, records);
    }
}

fn settle(counts: &mut Counts, fates: &Fates) {
    counts.disposed += fates.count(Fate::Disposed) + fates.count(Fate::Unacknowledged);
    counts.already_absent += fates.count(Fate::AlreadyAbsent);
    counts.changed += fates.count(Fate::Changed);
    counts.held += fates.count(Fate::Held);
    counts.refused += fates.count(Fate::Refused);
    counts.failed += fates.count(Fate::NotAttempted) + fates.count(Fate::StillThere);
    counts.indeterminate += fates.count(Fate::Indeterminate);
    counts.members += fates.members;
}

fn history(lines: &[Line], at: jiff::Timestamp) -> Result<Vec<History>, UserError> {
    let mut merged: Vec<History> = Vec::new();
    let mut sums: Vec<Counts> = Vec::new();
    for line in lines {
        let known = merged.iter().position(|h| h.class == line.class && h.system == line.system);
        match known.and_then(|n| sums.get_mut(n)) {
            Some(sum) => sum.add(&line.counts),
            None => {
                sums.push(line.counts);
                merged.push(History {
                    class: line.class.clone(),
                    system: line.system.clone(),
                    at,
                    matched: 0,
                    disposed: 0,
                    counts: String::new(),
                });
            }
        }
    }
    for (history, sum) in merged.iter_mut().zip(&sums) {
        history.matched = sum.matched;
        history.disposed = sum.disposed;
        history.counts = serde_json::to_string(sum).unwrap_or_default();
    }
    Ok(merged)
}

/// Removes the records of segments that were carried out.
fn purge(execution: &Execution<'_>, rows: &[BatchRow]) -> Result<(), UserError> {
    let mut segments: Vec<u32> = rows.iter().map(|row| row.batch.segment).collect();
    segments.dedup();
    for n in &segments {
        plan::purge_segment(&execution.agent.durable, &execution.stored, *n)?;
    }
    let (durable, dir) = (&execution.agent.durable, execution.agent.dir());
    plan::purge_superseded(durable, dir, &execution.stored, &segments)?;
    let plan = &execution.stored.plan;
    if !plan.segments.iter().any(|segment| plan::has_records(&execution.stored, segment)) {
        plan::purge_kept(&execution.agent.durable, &execution.stored)?;
    }
    Ok(())
}

impl Execution<'_> {
    fn is_in_force(&self) -> bool {
        self.agent.loaded.programme.schedule.in_force(self.today())
    }

    /// Names the systems that nobody could look into.
    fn not_read(&self) -> Vec<String> {
        let failures = &self.stored.plan.failures;
        failures
            .iter()
            .take(NOT_READ_MAX)
            .map(|failure| short(&format!("system {}: {}", failure.system, failure.code)))
            .collect()
    }

    /// Composes the signed record of a run that disposed of nothing.
    fn nil(&mut self, lines: &[Line]) -> Result<Pending, UserError> {
        let mut totals = Counts::default();
        for line in lines {
            totals.add(&line.counts);
        }
        let why = if totals.refused + totals.failed > 0 {
            NilReason::Limited
        } else if totals.awaiting_approval > 0 {
            NilReason::AwaitingApproval
        } else if !self.stored.plan.failures.is_empty() {
            NilReason::Unreachable
        } else {
            NilReason::NothingDue
        };
        let nil = Nil {
            run: run_id(&self.run.id)?,
            why,
            policy: policy_hash(&self.policy.digest)?,
            policy_seq: self.policy.seq,
            cutoff: evidence_date(self.run.as_of)?,
            totals: Totals {
                matched: totals.matched,
                due: totals.due - totals.held,
                not_due: totals.not_due,
                permanent: 0,
                awaiting_event: totals.awaiting_event,
                implausible_date: totals.implausible_date,
                cannot_evaluate: totals.cannot_evaluate,
                held: totals.held,
            },
            not_checked: self.not_read(),
        };
        let at = self.now();
        self.ledger.compose(at, Event::Nil(nil))
    }
}
