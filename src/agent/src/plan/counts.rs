//! Counts that add up.

use serde::{Deserialize, Serialize};

/// The counts of a selection.
///
/// # Behavior
///
/// - `matched = due + not_due + awaiting_event + implausible_date + cannot_evaluate`
/// - `due = disposed + already_absent + changed + held + refused + failed + indeterminate +
///   awaiting_approval + awaiting_review + planned`; a finished run leaves `planned` at 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Records of the selection.
    pub matched: u64,
    /// Records whose time has come.
    pub due: u64,
    /// Disposed of, and seen to be gone.
    pub disposed: u64,
    /// Gone before we came.
    pub already_absent: u64,
    /// Changed since the plan; kept.
    pub changed: u64,
    /// Held; kept.
    pub held: u64,
    /// Refused by the target or by a guard; kept.
    pub refused: u64,
    /// Not disposed of though it was tried, or not tried because of a failure.
    pub failed: u64,
    /// Nobody can tell.
    pub indeterminate: u64,
    /// Waiting for the owner's sign-off; kept.
    pub awaiting_approval: u64,
    /// Waiting for a review or a transfer; kept.
    pub awaiting_review: u64,
    /// In a plan that was not carried out yet.
    pub planned: u64,
    /// Kept: the event that starts the clock is not known.
    pub awaiting_event: u64,
    /// Kept: a date is before anything plausible.
    pub implausible_date: u64,
    /// Kept: no rule can be applied.
    pub cannot_evaluate: u64,
    /// Kept: its time has not come, or it is permanent.
    pub not_due: u64,
    /// Due for longer than the class allows; a part of `due`.
    pub overdue: u64,
    /// Not due only because another class matches too; a part of `not_due`.
    pub overlapping: u64,
    /// Other things that went, or will go, with the records: child rows, sidecars.
    pub members: u64,
}

impl Counts {
    /// Adds other counts.
    pub fn add(&mut self, other: &Self) {
        let Self {
            matched,
            due,
            disposed,
            already_absent,
            changed,
            held,
            refused,
            failed,
            indeterminate,
            awaiting_approval,
            awaiting_review,
            planned,
            awaiting_event,
            implausible_date,
            cannot_evaluate,
            not_due,
            overdue,
            overlapping,
            members,
        } = other;
        self.matched += matched;
        self.due += due;
        self.disposed += disposed;
        self.already_absent += already_absent;
        self.changed += changed;
        self.held += held;
        self.refused += refused;
        self.failed += failed;
        self.indeterminate += indeterminate;
        self.awaiting_approval += awaiting_approval;
        self.awaiting_review += awaiting_review;
        self.planned += planned;
        self.awaiting_event += awaiting_event;
        self.implausible_date += implausible_date;
        self.cannot_evaluate += cannot_evaluate;
        self.not_due += not_due;
        self.overdue += overdue;
        self.overlapping += overlapping;
        self.members += members;
    }

    /// Returns whether the counts add up.
    pub fn add_up(&self) -> bool {
        let judged = self.due
            + self.not_due
            + self.awaiting_event
            + self.implausible_date
            + self.cannot_evaluate;
        let settled = self.disposed
            + self.already_absent
            + self.changed
            + self.held
            + self.refused
            + self.failed
            + self.indeterminate
            + self.awaiting_approval
            + self.awaiting_review
            + self.planned;
        self.matched == judged && self.due == settled
    }

    /// Returns whether something needs a person.
    pub fn is_done(&self) -> bool {
        self.refused == 0
            && self.failed == 0
            && self.indeterminate == 0
            && self.awaiting_approval == 0
            && self.awaiting_review == 0
            && self.changed == 0
            && self.planned == 0
    }
}
