//! The shared suite that every adapter must pass, and adapters that lie.
//!
//! ```text
//! testbed --> what an adapter brings: fresh targets, and another route into them
//! suite ----> runs the cases over it; `cases` has one file for each method of the contract
//! watch ----> stands between suite and adapter: deadlines, form of answers, leaks
//! capture --> reads the logs
//! report ---> what became of each case
//! lies -----> adapters that lie, each of which the suite must catch
//! proxy ----> a TCP proxy with scripted faults, for adapters that reach over a network
//! ```
//!
//! `docs/specs/adapter.md` tells how an adapter joins.

mod capture;
mod cases;
mod lies;
mod memory_bed;
pub mod proxy;
mod report;
mod room;
mod suite;
mod testbed;
mod watch;

pub use lies::Lie;
pub use memory_bed::MemoryBed;
pub use report::{CaseReport, Report, Verdict};
pub use suite::{assert_conformant, is_caught, run, run_lying};
pub use testbed::{
    Ability, Account, Claim, Contents, Done, Fault, PlantedCopy, Seed, SeedDate, Side, Target,
    Testbed,
};
