//! Where copies survive.

use jiff::civil::Date;

/// Copies that remain after a disposal.
///
/// # Behavior
///
/// - No copies and `Observed`: someone looked, and there are none. No copies and `Unknown`:
///   nobody can tell. The two are never mixed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResidualCopies {
    /// The copies.
    pub copies: Vec<ResidualCopy>,
    /// How far this list can be trusted.
    pub knowledge: Knowledge,
}

/// How something is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Knowledge {
    /// Nobody can tell.
    Unknown,
    /// The operator said so.
    Declared,
    /// The adapter saw it.
    Observed,
}

/// One place where copies survive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResidualCopy {
    /// Where, in words, without locators: `write-ahead log`, `another hard link`, `audit_log`.
    pub place: String,
    /// What kind: `free-pages`, `hard-link`, `trigger-copy`, `trash`, `snapshot`, `backup`.
    pub kind: String,
    /// The day by which it is gone, where that is known.
    pub clears_by: Option<Date>,
    /// How many records it concerns, where that is known.
    pub records: Option<u64>,
}
