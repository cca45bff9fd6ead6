//! What of a plan may go.

use crate::agent::Agent;
use crate::approval::{ClassDecision, Decisions};
use crate::error::UserError;
use crate::plan::{PlannedHolding, StoredPlan, has_records};

/// What stands in the way of a holding's due records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing: they go.
    Go,
    /// There is nothing to dispose of.
    Nothing,
    /// The owner has not signed off.
    AwaitingApproval,
    /// The owner said no.
    Rejected,
    /// A limit is broken, or the schedule is not approved.
    Refused,
    /// An earlier run of this plan did it.
    Done,
}

/// Says what stands in the way of a holding.
pub(super) fn standing(
    agent: &Agent<'_>,
    stored: &StoredPlan,
    decisions: &Decisions,
    holding: &PlannedHolding,
) -> Result<Standing, UserError> {
    let mut segments =
        stored.plan.segments.iter().filter(|s| s.holding == holding.holding).peekable();
    if segments.peek().is_none() {
        return Ok(Standing::Nothing);
    }
    if !segments.all(|segment| has_records(stored, segment)) {
        return Ok(Standing::Done);
    }
    if !agent.loaded.programme.schedule.in_force(agent.today()) || !holding.breaches.is_empty() {
        return Ok(Standing::Refused);
    }
    let Ok(class) = agent.class(&holding.class) else { return Ok(Standing::Refused) };
    Ok(match decisions.of(class, &agent.loaded.settings) {
        ClassDecision::Standing | ClassDecision::Approved(_) => Standing::Go,
        ClassDecision::Rejected(_) => Standing::Rejected,
        ClassDecision::Awaiting => Standing::AwaitingApproval,
    })
}
