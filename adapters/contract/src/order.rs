//! A disposal order: what the journal tells a disposer to do.

use crate::{RecordRef, Scope};

/// Names an order for ever: a repeated order has the same id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OrderId {
    /// The run.
    pub run: String,
    /// The batch of the run, from 1.
    pub batch: u32,
    /// The order of the batch, from 1.
    pub order: u32,
}

/// The records to dispose of, in the order in which outcomes are expected.
///
/// An order exists only for records whose intent is durable. Its one constructor is for the
/// journal (and for the conformance suite); a lint bans every other caller.
#[derive(Debug)]
pub struct DisposalOrder {
    id: OrderId,
    scope: Scope,
    records: Vec<RecordRef>,
}

impl DisposalOrder {
    /// Makes an order of records whose intent the journal holds durably.
    pub fn from_journal(id: OrderId, scope: Scope, records: Vec<RecordRef>) -> Self {
        Self { id, scope, records }
    }

    /// Returns the order's name.
    pub fn id(&self) -> &OrderId {
        &self.id
    }

    /// Returns the holding.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Returns the records.
    pub fn records(&self) -> &[RecordRef] {
        &self.records
    }
}
