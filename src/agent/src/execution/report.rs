//! What a run reports.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use crate::journal::Reasons;
use crate::plan::{Breach, Counts, Failure};

/// What a run did, for people and for `--output json`.
#[derive(Clone, Debug, Serialize)]
pub struct RunReport {
    /// The run.
    pub run: String,
    /// The evaluation date.
    pub as_of: Date,
    /// The plan that it carried out.
    pub plan: String,
    /// The plan's digest.
    pub plan_digest: String,
    /// Places of the certificates in the ledger; that of the nil record where nothing was
    /// disposed of.
    pub certificates: Vec<u64>,
    /// Whether this run went on where an earlier one was interrupted.
    pub resumed: bool,
    /// Whether the schedule is approved and in force: without that nothing is disposed of.
    pub schedule_in_force: bool,
    /// What became of each class in each system.
    pub counts: Vec<Line>,
    /// Systems that could not be read.
    pub failures: Vec<Failure>,
}

/// What became of one class in one system.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// The class.
    pub class: String,
    /// The system.
    pub system: String,
    /// The counts.
    #[serde(flatten)]
    pub counts: Counts,
    /// How many due records each hold covers.
    pub held_by: BTreeMap<String, u64>,
    /// Why records were kept.
    pub kept: Reasons,
    /// Limits that stopped it.
    pub breaches: Vec<Breach>,
}

impl RunReport {
    /// Returns the sum over all lines.
    pub fn totals(&self) -> Counts {
        let mut totals = Counts::default();
        for line in &self.counts {
            totals.add(&line.counts);
        }
        totals
    }

    /// Returns whether a guard refused something.
    pub fn is_refused(&self) -> bool {
        let waits = !self.schedule_in_force && self.totals().refused > 0;
        waits
            || self.counts.iter().any(|line| !line.breaches.is_empty())
            || self.failures.iter().any(|failure| failure.refused)
    }
}
