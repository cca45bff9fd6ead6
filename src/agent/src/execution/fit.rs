//! Whether a plan still fits: its own files, the programme, the targets.

use quietus_contract::Inventory;

use super::run::Runner;
use crate::error::{UserError, code};
use crate::journal::NewBatch;
use crate::lock::PlanningLock;
use crate::plan::{self, PlannedHolding, StoredPlan};
use crate::targets;

/// A plan older than this is not carried out any more.
const PLAN_DAYS_MAX: i32 = 30;

impl Runner<'_> {
    /// Proves that a plan is the one that was frozen, and rests on the programme as it is now.
    /// Holds may have come since: they are checked at every order.
    pub(super) fn is_current(&self, stored: &StoredPlan) -> Result<(), UserError> {
        let today = self.agent.today();
        if !plan::is_frozen(self.journal, stored)? {
            return Err(stale(format!(
                "plan {} is not the one that was frozen here: its header was edited, or the state \
                 folder is a new one",
                stored.plan.id
            )));
        }
        if stored.plan.as_of > today {
            return Err(UserError::new(
                &code::PLAN_STALE,
                format!(
                    "plan {} looks from {}, which lies in the future: today is {today}",
                    stored.plan.id, stored.plan.as_of
                ),
            )
            .with_help("such a plan only shows what will be due; make another on that day"));
        }
        let now = &self.agent.pins();
        for (name, digest) in &stored.plan.pins {
            if name != crate::programme::HOLDS && now.get(name) != Some(digest) {
                return Err(stale(format!(
                    "{name} changed since plan {} was made",
                    stored.plan.id
                )));
            }
        }
        if self.is_too_old(stored) {
            return Err(stale(format!(
                "plan {} is older than {PLAN_DAYS_MAX} days",
                stored.plan.id
            )));
        }
        Ok(())
    }

    pub(super) fn is_too_old(&self, stored: &StoredPlan) -> bool {
        let age = self.agent.clock.now().duration_since(stored.plan.made_at);
        age > jiff::SignedDuration::from_hours(i64::from(PLAN_DAYS_MAX) * 24)
    }

    /// Proves that the targets of batches are those of the plan, before a run is opened: a run
    /// that nothing can end must not begin.
    pub(super) async fn fits_targets(
        &self,
        stored: &StoredPlan,
        batches: &[NewBatch],
    ) -> Result<(), UserError> {
        let now = self.agent.clock.now();
        let mut seen: Vec<&str> = Vec::new();
        for holding in needed(stored, batches) {
            if seen.contains(&holding.system.as_str()) {
                continue;
            }
            seen.push(&holding.system);
            let system = self.agent.system(&holding.system)?;
            let agent = self.agent;
            let target: Box<dyn Inventory> =
                targets::inventory(agent.adapters, agent.dir(), system).await?;
            let probe = targets::probe(target.as_ref(), system).await?;
            agent.prove_identity(self.journal, system, &probe.identity, now)?;
            if probe.identity.0 != holding.identity {
                return Err(stale(format!(
                    "system {} is not the one that plan {} saw",
                    system.name, stored.plan.id
                )));
            }
        }
        Ok(())
    }

    /// Says why nothing more of an interrupted run may be sent, if that is so.
    pub(super) fn frozen_out(&self, stored: &StoredPlan) -> Result<Option<String>, UserError> {
        if self.is_current(stored).is_err() {
            let why = "the programme changed after this run began, so nothing more of it was sent";
            return Ok(Some(why.to_owned()));
        }
        for holding in &stored.plan.holdings {
            let enrolled = self.journal.enrolled(&holding.system)?;
            if enrolled.is_some_and(|identity| identity != holding.identity) {
                return Ok(Some(format!(
                    "system {} was enrolled anew after this run began, so nothing more of it was \
                     sent",
                    holding.system
                )));
            }
        }
        Ok(None)
    }

    /// Takes away what planners left that were killed, unless one is at work.
    pub(super) fn sweep_plans(&self) -> Result<(), UserError> {
        let state = self.agent.dir().join("state");
        if let Some(_alone) = PlanningLock::try_alone(&state)? {
            plan::sweep(&self.agent.durable, self.agent.dir())?;
        }
        Ok(())
    }
}

/// Returns the holdings that batches are of.
fn needed<'p>(
    stored: &'p StoredPlan,
    batches: &[NewBatch],
) -> impl Iterator<Item = &'p PlannedHolding> {
    let segments: Vec<u32> = batches.iter().map(|batch| batch.segment).collect();
    stored.plan.holdings.iter().filter(move |holding| {
        let of = |n: &u32| {
            stored.plan.segments.iter().any(|s| s.n == *n && s.holding == holding.holding)
        };
        segments.iter().any(of)
    })
}

fn stale(why: String) -> UserError {
    UserError::new(&code::PLAN_STALE, why)
        .with_help("make a new plan, and have it approved if its class asks for that")
}
