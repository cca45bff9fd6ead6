//! Certificates, ledger, checkpoints, bundles and their verification.
//!
//! ```text
//! commitment -> records -> statement -> dsse -> ledger -> bundle -> verify
//!                  |           |                  |                    |
//!               merkle     canonical      tiles, checkpoint,      policy, disclosure
//!                                               note
//! ```
//!
//! Pure: no I/O, no clock, no randomness; the same code runs in the agent, on an auditor's machine
//! and in a browser. `docs/formats` has every byte.

pub mod commitment;
pub mod records;

pub mod canonical;
pub mod statement;

pub mod dsse;
pub mod key;

pub mod checkpoint;
pub mod ledger;
pub mod merkle;
pub mod note;
pub mod tiles;

pub mod bundle;
pub mod layout;
pub mod proof;
pub mod source;

pub mod disclosure;
pub mod policy;
pub mod verify;

mod b64;
mod hash;
#[cfg(test)]
mod sample;
mod tar;
mod time;

pub use bundle::Bundle;
pub use commitment::{BatchKey, Commitment, Salt, commit_all};
pub use disclosure::Disclosure;
pub use hash::{Hash, NotHex, hex};
pub use key::{FileKey, PublicKey, Signer};
pub use ledger::{Appended, Head, Keys, append};
pub use policy::TrustPolicy;
pub use records::{RecordLine, RecordOutcome, RecordsSummary, intent_root, write_records};
pub use source::{ReadAt, Source};
pub use statement::{Event, Statement};
pub use time::{Date, NotATime, Timestamp};
pub use verify::{Input, Level, Report, is_sound, verify};
