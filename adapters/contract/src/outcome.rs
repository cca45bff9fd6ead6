//! What became of a record.

use jiff::civil::Date;

/// What a disposer says of one record of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The target confirmed it, for exactly this record in exactly this version.
    Disposed {
        /// How many other things went with it.
        members: u32,
    },
    /// It was not there any more.
    AlreadyAbsent,
    /// It is there in another state than the plan saw; nothing was done.
    Changed,
    /// The target holds it; nothing was done.
    Held {
        /// In words.
        by: String,
        /// The last day of the hold, where the target says.
        until: Option<Date>,
    },
    /// The target, or the adapter's own guard, said no; nothing was done.
    Refused {
        /// In words, without content.
        reason: String,
    },
    /// It was not tried, for instance because an earlier one failed.
    NotAttempted {
        /// In words, without content.
        reason: String,
    },
    /// It may or may not be gone: the answer was lost.
    Indeterminate {
        /// In words, without content.
        reason: String,
    },
}

/// What a separate read found of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absence {
    /// It is not there; a positive control showed that the read could have seen it.
    Absent(Checked),
    /// It is there, in the version that was asked for.
    Present,
    /// Something is there under the same locator in another version: the record was changed or
    /// made anew.
    Newer,
    /// The read could not tell.
    Unknown {
        /// In words, without content.
        reason: String,
    },
}

/// How an absence was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// The target was asked for this very record.
    ByRecord,
    /// A complete and consistent listing does not have it.
    ByListing,
}
