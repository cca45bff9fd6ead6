//! The tests that look at the whole house, and what their harnesses share.
//!
//! ```text
//! chance ---> numbers that look random and can be had again from the seed
//! agent ----> runs the real binary: to its end, killed at a moment, or under strace
//! world ----> a sample programme over real targets, and what is true of each of its records
//! ledger ---> reads certificates and record lines by another route than the agent
//! judge ----> compares target, plan, journal and ledger
//! container > takes bundles apart and seals them again
//! sample ---> a ledger in memory, to verify or to break
//! ```
#![expect(clippy::disallowed_methods, reason = "a harness makes and reads its own files")]

pub mod agent;
pub mod chance;
pub mod container;
pub mod judge;
pub mod ledger;
pub mod sample;
pub mod world;
