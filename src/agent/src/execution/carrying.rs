//! Carrying out one batch: the loop over its states.
//!
//! ```text
//! planned -> intended -> dispatched -> settled -> verified -> certified
//!    intend.rs    dispatch.rs, reconcile.rs   verify.rs   certify.rs
//! ```
//!
//! A first run takes this way from the first state, a run after a crash from wherever the journal
//! is: there is no other way. The records file of a verified batch is made on another thread while
//! the next batch is disposed of.

use jiff::Timestamp;
use quietus_contract::{Disposer, Survey};
use quietus_schedule::Class;

use super::Execution;
use super::prepare::Prepared;
use super::sabotage::{self, Sabotage};
use crate::error::UserError;
use crate::journal::{BatchRow, State};
use crate::plan::{PlannedHolding, Segment};
use crate::selection::Selection;

/// A batch with everything that carrying it out needs.
pub(crate) struct Carried<'a> {
    pub(crate) row: BatchRow,
    pub(crate) of: u32,
    pub(super) prepared: Prepared,
    pub(crate) segment: &'a Segment,
    pub(crate) holding: &'a PlannedHolding,
    pub(crate) class: &'a Class,
    pub(super) selection: &'a Selection<'a>,
    pub(crate) survey: &'a Survey,
    pub(super) target: &'a dyn Disposer,
    pub(super) order_records: usize,
}

impl Execution<'_> {
    /// Takes a batch from wherever it is to the separate read.
    pub(super) async fn carry(&mut self, carried: &mut Carried<'_>) -> Result<(), UserError> {
        loop {
            match carried.row.state {
                State::Planned => {
                    if sabotage::is(Sabotage::IntentAfterDelete) {
                        self.dispatch_unintended(carried).await?;
                    }
                    self.intend(carried)?;
                }
                State::Intended | State::Dispatched => self.dispatch(carried).await?,
                State::Settled => self.verify(carried).await?,
                State::Verified | State::Certified => return Ok(()),
            }
            carried.row = self.journal.batch(&self.run.id, carried.row.batch.n)?;
        }
    }

    /// Returns the moment, cut to the second as certificates have it.
    pub(super) fn now(&self) -> Timestamp {
        let now = self.agent.clock.now();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }
}
