//! The reference target: a store of records in memory, with faults on demand.
//!
//! ```text
//! store -----> the target: shelves of records, versions, holds, trash, accounts; and its other
//!              route, by which a test puts records, changes them and looks at everything
//! link ------> the wire: every request passes it, and here faults are injected
//! config ----> the form, and the opening of a system
//! inventory -> reads; absence -> verifies and looks for copies; dispose -> disposes
//! ```
//!
//! Other adapters are compared to this one, so it is written for clarity: one request is one
//! closure that the store runs under its lock.

mod absence;
mod config;
mod dispose;
mod error;
mod inventory;
mod link;
mod shelf;
mod store;

pub use config::{FORM, Memory};
pub use link::{Fault, Kind, Times};
pub use shelf::Item;
pub use store::{Rights, Snapshot, Store};
