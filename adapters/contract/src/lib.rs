//! The agreement between the agent and a target.
//!
//! ```text
//! form ----> what an owner of a system may write about it (keys of `systems.toml`)
//! adapter -> opens a system: as an `Inventory` (reads only), or as a `Disposer`
//! probe ---> what the target promises, and which target it is
//! scope ---> one holding: where its records are, how to read their dates
//! survey --> what the target says of that holding: store, size, method, obstacles
//! record --> one record, as the plan saw it
//! order ---> what the journal tells a disposer to dispose of
//! outcome -> what became of each record; absence -> what a separate read found
//! residual > where copies survive
//! ```
//!
//! Types and traits only: no I/O, no clock, no runtime.

mod adapter;
mod error;
mod form;
mod order;
mod outcome;
mod probe;
mod record;
mod residual;
mod scope;
mod short;
mod survey;

pub use adapter::{Adapter, Disposer, Inventory};
pub use error::{AdapterError, ErrorKind, Retry};
pub use form::{Form, Key, Shape};
pub use order::{DisposalOrder, OrderId};
pub use outcome::{Absence, Checked, Outcome};
pub use probe::{Capabilities, Clock, Probe, TargetIdentity};
pub use record::{DateValue, Locator, Record, RecordRef, TargetHold, Version};
pub use residual::{Knowledge, ResidualCopies, ResidualCopy};
pub use scope::{
    Action, Cursor, Holding, Page, Place, Scope, Secret, Setting, Settings, SystemConfig, Value,
};
pub use survey::{Method, MethodClass, Survey, Uncovered};

/// The result of a call to an adapter.
pub type Result<T> = std::result::Result<T, AdapterError>;
