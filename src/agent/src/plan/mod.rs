//! A plan: the frozen list of what a run may dispose of, and why.
//!
//! ```text
//! plans/ID/plan.json     header: inputs, counts, limits, segments; its SHA-256 is the plan's digest
//! plans/ID/N.records     segment N: the records, until the run closes
//! plans/ID/approval-*    sign-offs, bound to the digest
//! ```
//!
//! Making a plan needs the reading half of adapters only: it cannot dispose of anything.

mod counts;
mod make;
mod overlap;
mod pages;
mod reading;
mod record;
mod segment;
mod store;
mod written;

pub use crate::settings::Breach;
pub use counts::Counts;
pub use make::{Request, make};
pub use record::{Damaged, PlanRecord};
pub use segment::{Batch, Segment, read_batch};
pub use store::{PlanError, StoredPlan, has_records, list, load, purge, purge_kept, purge_segment};
pub use store::{for_each_record, is_frozen, purge_superseded, record_digest, sweep};
pub use written::written;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The version of the header.
pub const FORMAT: &str = "quietus-plan/1";

/// Records in one batch at most: the unit of a certificate, and what memory must hold.
pub const BATCH_RECORDS_MAX: u32 = 65_536;

/// The header of a plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Always [`FORMAT`].
    pub format: String,
    /// Its name.
    pub id: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// The evaluation date.
    pub as_of: Date,
    /// Digests of the files that it rests on, by file name.
    pub pins: BTreeMap<String, String>,
    /// The version of quietus that made it.
    pub tool: String,
    /// What each holding had, in the order of `systems.toml`.
    pub holdings: Vec<PlannedHolding>,
    /// Systems that could not be read: nothing of them is in the plan.
    pub failures: Vec<Failure>,
    /// The stretches of records, by holding and jurisdiction.
    pub segments: Vec<Segment>,
}

/// A system that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The system.
    pub system: String,
    /// The error's code.
    pub code: String,
    /// What is wrong, in words.
    pub message: String,
    /// Whether a guard refused it: it is not the system that was enrolled.
    pub refused: bool,
}

/// What a plan says of one holding.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedHolding {
    /// Position in `systems.toml`, from 0.
    pub holding: usize,
    /// The class.
    pub class: String,
    /// The system.
    pub system: String,
    /// What happens to due records: `destroy`, `anonymise`, `review`, `transfer`, ...
    pub disposition: String,
    /// Whether each batch needs its owner's sign-off.
    pub needs_approval: bool,
    /// Names what it selects, and what happens to it, in hex.
    pub selection: String,
    /// Other holdings that may select the same records, by position.
    pub shares_with: Vec<usize>,
    /// Which target it was.
    pub identity: String,
    /// The store's name.
    pub store: String,
    /// The class of the method.
    pub method: String,
    /// The technique.
    pub technique: String,
    /// Its real strength, in words.
    pub strength: String,
    /// What the adapter wants people to know.
    pub notes: Vec<String>,
    /// Where copies will survive, in words.
    pub residual: Vec<String>,
    /// The counts.
    pub counts: Counts,
    /// How many due records each hold covers, by its name.
    pub held_by: BTreeMap<String, u64>,
    /// Why records were kept that someone must look after, with the number of records.
    pub kept: BTreeMap<String, u64>,
    /// Limits that this holding's due records break.
    pub breaches: Vec<Breach>,
}

impl Plan {
    /// Returns how many records the plan may dispose of.
    pub fn planned(&self) -> u64 {
        self.segments.iter().map(|segment| u64::from(segment.records)).sum()
    }

    /// Returns the sum of all counts.
    pub fn totals(&self) -> Counts {
        let mut totals = Counts::default();
        for holding in &self.holdings {
            totals.add(&holding.counts);
        }
        totals
    }
}
