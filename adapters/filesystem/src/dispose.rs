//! Disposal: look, claim, look again, destroy.
//!
//! For each record: the folder is opened beneath the root; the file (and its sidecar) is compared
//! with the state that the plan saw; it is claimed (see `claim`) and compared again; with `shred`
//! it is overwritten; it is destroyed. `work` goes through the records, `members` is for those
//! that are more than one plain file. At the end of an order every folder that lost a name is
//! brought to the disk, and only then an outcome says "disposed".
//!
//! # Behavior
//!
//! - A crash at any point leaves a record under its own name, under its claim, or gone; repeating
//!   the order goes on from each of them. A record with a sidecar is gone when both are.
//! - An order is cut into as many runs of neighbours as there are processors, at most four; two
//!   threads nearly halve the time, since the kernel frees inodes in parallel. Records in a folder
//!   where a claim stands (of an interrupted order, or of another thread) wait until the threads
//!   are done, and are then disposed of one after the other.
//! - A folder that is moved out of the root, with its files, in the microseconds between the
//!   check and the unlinking, loses the planned file there: no call of Linux can prevent that.
//!   What was not planned is never touched.

use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use quietus_contract::{
    Absence, Cursor, DisposalOrder, Disposer, Inventory, Locator, Outcome, Page, Probe, Record,
    RecordRef, ResidualCopies, Result, Scope, Survey, SystemConfig, Uncovered,
};

use crate::inventory::FileTree;
use crate::work::{Work, indeterminate};
use crate::{claim, release};

/// Fewer records than this are not worth a thread.
const RECORDS_PER_THREAD_MIN: usize = 128;

/// A file tree, open for disposal.
pub(crate) struct Remover(FileTree);

impl Remover {
    pub(crate) fn open(system: &SystemConfig) -> Result<Self> {
        Ok(Self(FileTree::open(system)?))
    }

    fn dispose_now(&self, order: &DisposalOrder) -> Result<Vec<Outcome>> {
        self.0.root.check()?;
        let selection = self.0.selection(&order.scope().holding)?;
        let records = order.records();
        let stop = AtomicBool::new(false);
        let mut outcomes = vec![None; records.len()];
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = threads.min(records.len() / RECORDS_PER_THREAD_MIN);
        if threads > 1 {
            let part = records.len().div_ceil(threads.min(usize::from(claim::SLOTS)));
            let parts = records.chunks(part).zip(outcomes.chunks_mut(part));
            std::thread::scope(|scope| {
                for (number, (records, outcomes)) in (0..claim::SLOTS).zip(parts) {
                    let work = Work::beside_others(&self.0, &selection, &stop, number);
                    scope.spawn(move || work.all(records, outcomes));
                }
            });
        }
        // What is left, in order; all of it if one thread does it.
        Work::alone(&self.0, &selection, &stop).all(records, &mut outcomes);
        let broken = || indeterminate("the work broke off");
        Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(broken)).collect())
    }
}

#[async_trait]
impl Disposer for Remover {
    async fn dispose(&self, order: &DisposalOrder) -> Result<Vec<Outcome>> {
        self.dispose_now(order)
    }

    async fn release(&self, scope: &Scope, records: &[RecordRef]) -> Result<()> {
        self.0.root.check()?;
        let selection = self.0.selection(&scope.holding)?;
        release::all(&self.0.root, selection.sidecar.as_deref(), records)
    }
}

#[async_trait]
impl Inventory for Remover {
    async fn probe(&self) -> Result<Probe> {
        self.0.probe().await
    }

    async fn survey(&self, scope: &Scope) -> Result<Survey> {
        self.0.survey(scope).await
    }

    async fn page(&self, scope: &Scope, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        self.0.page(scope, after, limit).await
    }

    async fn look(&self, scope: &Scope, locators: &[Locator]) -> Result<Vec<Option<Record>>> {
        self.0.look(scope, locators).await
    }

    async fn verify_absent(&self, scope: &Scope, records: &[RecordRef]) -> Result<Vec<Absence>> {
        self.0.verify_absent(scope, records).await
    }

    async fn uncovered(&self, scopes: &[Scope]) -> Result<Vec<Uncovered>> {
        self.0.uncovered(scopes).await
    }

    async fn residual_copies(
        &self,
        scope: &Scope,
        records: &[RecordRef],
    ) -> Result<ResidualCopies> {
        self.0.residual_copies(scope, records).await
    }
}
