//! Enforces records retention and proves it.
//!
//! ```text
//! programme  settings        the files of a programme, read once and checked
//! selection  hold  guard     how a holding is read, judged, held, and judged again
//! plan       approval        the frozen list, and who signed it
//! journal    execution       working state, and the one place that disposes
//! certificate  ledger        evidence
//! cli        sample          the command line, and the programme of its guided tour
//! ```

pub mod adapters;
pub mod agent;
pub mod approval;
pub mod auditing;
mod certificate;
pub mod cli;
pub mod clock;
pub mod durable;
pub mod error;
pub mod execution;
pub mod guard;
mod hex;
pub mod hold;
pub mod journal;
pub mod keys;
pub mod ledger;
pub mod lock;
pub mod looking;
pub mod plan;
mod policy;
pub mod programme;
pub mod progress;
pub mod sample;
pub mod selection;
pub mod settings;
pub mod status;
mod targets;
#[cfg(test)]
mod testing;
