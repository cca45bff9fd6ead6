//! Progress of long work, for whoever watches.

use crate::plan::StoredPlan;

/// Someone who watches.
pub trait Watch: Sync {
    /// Tells how far a stage is; `total` is `None` where nobody knows.
    fn step(&self, stage: &str, done: u64, total: Option<u64>);

    /// Tells which plan is about to be carried out, before anything is disposed of by it.
    fn begins(&self, _plan: &StoredPlan) {}
}

/// Nobody watches.
pub struct Unwatched;

impl Watch for Unwatched {
    fn step(&self, _stage: &str, _done: u64, _total: Option<u64>) {}
}
