//! Progress of long work, for whoever watches.

/// Someone who watches.
pub trait Watch: Sync {
    /// Tells how far a stage is; `total` is `None` where nobody knows.
    fn step(&self, stage: &str, done: u64, total: Option<u64>);
}

/// Nobody watches.
pub struct Unwatched;

impl Watch for Unwatched {
    fn step(&self, _stage: &str, _done: u64, _total: Option<u64>) {}
}
