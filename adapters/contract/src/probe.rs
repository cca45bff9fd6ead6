//! What a target promises.

use jiff::Timestamp;

/// Which target it is; two targets never have the same, one target always has the same.
///
/// A restored copy of a target is another target where the adapter can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetIdentity(pub String);

/// The answer to `probe`.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Which target.
    pub identity: TargetIdentity,
    /// As whom the agent is known there: user, role, uid.
    pub account: String,
    /// What the account may do, in words.
    pub rights: Vec<String>,
    /// Product and version.
    pub product: String,
    /// The target's clock.
    pub clock: Clock,
    /// What the adapter can promise on this target.
    pub capabilities: Capabilities,
    /// Anything an operator should know.
    pub notes: Vec<String>,
}

/// The clock of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The target is on this host and shares its clock.
    Shared,
    /// What the target's clock showed.
    Shows(Timestamp),
    /// The target does not tell.
    Unknown,
}

/// What an adapter can promise on a target. Each one that is claimed is tested by the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The target itself refuses to dispose of a record in another version.
    pub guarded: bool,
    /// An order is carried out in one transaction: all of it or nothing survives a crash.
    pub transactional: bool,
    /// The target keeps holds of its own, and the adapter sees them.
    pub own_holds: bool,
    /// Records in one order at most.
    pub order_records_max: usize,
    /// Records in one page at most.
    pub page_records_max: usize,
}
