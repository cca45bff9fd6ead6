//! What the agent claims, tried on a store in memory: each test is named for its claim.
//!
//! ```text
//! world ---> a programme over a store, a clock, and the reading of its evidence
//! tap -----> an adapter between agent and store: counts, hooks, lies
//! the rest > claims, by subject
//! ```

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what went wrong by failing"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test plays the others: it edits files and takes them away"
)]

mod answers;
mod approvals;
mod durability;
mod holds;
mod identity;
mod interrupted;
mod ledger;
mod limits;
mod overlap;
mod privacy;
mod sources;
mod tap;
mod world;
