//! The traits.

use async_trait::async_trait;

use crate::{
    Absence, Cursor, DisposalOrder, Form, Locator, Outcome, Page, Probe, Record, RecordRef,
    ResidualCopies, Result, Scope, Survey, SystemConfig, Uncovered,
};

/// An adapter: what the agent's register of adapters has one of for each kind of system.
#[async_trait]
pub trait Adapter: Send + Sync {
    /// Returns the keys that `systems.toml` may have for it.
    fn form(&self) -> &'static Form;

    /// Opens a system for reading. What this returns has no power to change the target.
    async fn open_inventory(&self, system: &SystemConfig) -> Result<Box<dyn Inventory>>;

    /// Opens a system for disposal.
    async fn open_disposer(&self, system: &SystemConfig) -> Result<Box<dyn Disposer>>;
}

/// The reading half.
///
/// # Behavior
///
/// - Every call has a deadline and writes nothing to the target.
/// - Errors, logs and reasons hold no secret, locator or content.
/// - An adapter of an embedded target may block inside a call.
#[async_trait]
pub trait Inventory: Send + Sync {
    /// Says which target this is and what can be promised on it.
    async fn probe(&self) -> Result<Probe>;

    /// Checks a holding's selection against the target.
    async fn survey(&self, scope: &Scope) -> Result<Survey>;

    /// Returns the next records of a holding, at most `limit`.
    ///
    /// # Behavior
    ///
    /// - Each record that is there throughout appears exactly once, whatever the limits.
    /// - A cursor works in a new instance, also after others came and went.
    /// - A page may leave out what `scope.bounds` allows to leave out.
    async fn page(&self, scope: &Scope, after: Option<&Cursor>, limit: usize) -> Result<Page>;

    /// Reads single records of a holding again: one answer for each locator, in order, `None`
    /// where the selection has no such record (bounds do not count here).
    async fn look(&self, scope: &Scope, locators: &[Locator]) -> Result<Vec<Option<Record>>>;

    /// Looks whether records are gone: one answer for each, in order.
    ///
    /// `Absent` only after a positive control: the same credential read something that is known
    /// to be there. For [`crate::Action::Anonymise`], "absent" means that what identified a
    /// person is no longer in the record.
    async fn verify_absent(&self, scope: &Scope, records: &[RecordRef]) -> Result<Vec<Absence>>;

    /// Lists what this credential can see on the target and no holding selects.
    ///
    /// Containers, not records: tables, folders of the first level, shelves. It is what an
    /// organisation forgot to schedule.
    async fn uncovered(&self, scopes: &[Scope]) -> Result<Vec<Uncovered>>;

    /// Says where copies of disposed records survive.
    async fn residual_copies(&self, scope: &Scope, records: &[RecordRef])
    -> Result<ResidualCopies>;
}

/// The half that disposes.
#[async_trait]
pub trait Disposer: Inventory {
    /// Disposes of the records of an order: one outcome for each, in order.
    ///
    /// # Behavior
    ///
    /// - Depends on the version: a record in another state is `Changed` and stays.
    /// - `Disposed` is durable: a power cut after the answer does not bring the record back.
    /// - Repeating an order is harmless.
    /// - An error says nothing about any record; all of them count as indeterminate.
    /// - Dropping the future midway harms nothing outside the order.
    async fn dispose(&self, order: &DisposalOrder) -> Result<Vec<Outcome>>;

    /// Puts records of an interrupted order back as they were, as far as they are still there:
    /// those that will not be disposed of after all, for a hold came in between.
    ///
    /// # Behavior
    ///
    /// - Harmless for records that the order never reached, and for those that are gone.
    /// - An error where a record cannot be put back whole: someone has to look.
    /// - Only adapters whose disposal has more than one step have something to do.
    async fn release(&self, _scope: &Scope, _records: &[RecordRef]) -> Result<()> {
        Ok(())
    }
}
