//! What became of a record, as one byte in the journal.

use std::collections::BTreeMap;

use quietus_contract::{Absence, Outcome};
use serde::{Deserialize, Serialize};

/// The fate of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Fate {
    /// The target confirmed its disposal.
    Disposed = 1,
    /// It was gone before.
    AlreadyAbsent = 2,
    /// It is in another state than the plan saw; it stays.
    Changed = 3,
    /// A hold covers it, or its owner excepted it; it stays.
    Held = 4,
    /// The target or a guard refused; it stays.
    Refused = 5,
    /// It was not tried; it stays.
    NotAttempted = 6,
    /// Nobody can tell whether it is gone.
    Indeterminate = 7,
    /// It is gone, and the answer to our request was lost.
    Unacknowledged = 8,
    /// The target confirmed its disposal, and it is still there.
    StillThere = 9,
}

impl Fate {
    /// All fates.
    pub const ALL: [Self; 9] = [
        Self::Disposed,
        Self::AlreadyAbsent,
        Self::Changed,
        Self::Held,
        Self::Refused,
        Self::NotAttempted,
        Self::Indeterminate,
        Self::Unacknowledged,
        Self::StillThere,
    ];

    /// Returns the journal's byte.
    pub fn byte(self) -> u8 {
        match self {
            Self::Disposed => 1,
            Self::AlreadyAbsent => 2,
            Self::Changed => 3,
            Self::Held => 4,
            Self::Refused => 5,
            Self::NotAttempted => 6,
            Self::Indeterminate => 7,
            Self::Unacknowledged => 8,
            Self::StillThere => 9,
        }
    }

    /// Reads the journal's byte.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|fate| fate.byte() == byte)
    }

    /// Returns whether a separate read must show that the record is gone.
    pub fn claims_absence(self) -> bool {
        matches!(
            self,
            Self::Disposed | Self::AlreadyAbsent | Self::Indeterminate | Self::Unacknowledged
        )
    }

    /// Returns the fate after a separate read.
    ///
    /// # Behavior
    ///
    /// - A claim that the read does not support becomes *still there* or *indeterminate*: never a
    ///   disposal.
    /// - Another version under the same locator means that the planned one is gone, if the target
    ///   confirmed that; otherwise that somebody changed the record.
    pub fn verified(self, absence: &Absence) -> Self {
        match (self, absence) {
            (Self::Disposed, Absence::Absent(_) | Absence::Newer) => Self::Disposed,
            (Self::AlreadyAbsent, Absence::Absent(_)) => Self::AlreadyAbsent,
            (Self::Indeterminate | Self::Unacknowledged, Absence::Absent(_)) => {
                Self::Unacknowledged
            }
            (Self::Disposed, Absence::Present) => Self::StillThere,
            (Self::AlreadyAbsent | Self::Unacknowledged, Absence::Present) => Self::NotAttempted,
            (Self::Indeterminate, Absence::Present) => Self::NotAttempted,
            (Self::AlreadyAbsent | Self::Unacknowledged | Self::Indeterminate, Absence::Newer) => {
                Self::Changed
            }
            (fate, Absence::Unknown { .. }) if fate.claims_absence() => Self::Indeterminate,
            (fate, _) => fate,
        }
    }
}

/// Reasons with the number of records that each concerns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reasons(pub BTreeMap<String, u64>);

impl Reasons {
    /// More different reasons than this are summed up under one.
    const MAX: usize = 64;

    /// Counts a reason.
    pub fn add(&mut self, reason: &str) {
        self.add_many(reason, 1);
    }

    /// Counts a reason for several records.
    pub fn add_many(&mut self, reason: &str, records: u64) {
        if self.0.len() >= Self::MAX && !self.0.contains_key(reason) {
            *self.0.entry("other reasons".to_owned()).or_default() += records;
        } else {
            *self.0.entry(reason.to_owned()).or_default() += records;
        }
    }

    /// Adds all reasons of another list.
    pub fn merge(&mut self, other: &Self) {
        for (reason, records) in &other.0 {
            self.add_many(reason, *records);
        }
    }
}

/// The fates of consecutive records, with reasons and members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fates {
    /// One for each record, in the plan's order.
    pub fates: Vec<Fate>,
    /// Why records were kept.
    pub reasons: Reasons,
    /// How many members went with disposed records.
    pub members: u64,
}

impl Fates {
    /// Notes a target's answer.
    pub fn push(&mut self, outcome: Outcome) {
        self.fates.push(match outcome {
            Outcome::Disposed { members } => {
                self.members += u64::from(members);
                Fate::Disposed
            }
            Outcome::AlreadyAbsent => Fate::AlreadyAbsent,
            Outcome::Changed => {
                self.reasons.add("changed since the plan was made");
                Fate::Changed
            }
            Outcome::Held { by, until } => {
                self.reasons.add(&match until {
                    Some(day) => format!("held by the target: {by}, until {day}"),
                    None => format!("held by the target: {by}"),
                });
                Fate::Held
            }
            Outcome::Refused { reason } => {
                self.reasons.add(&format!("refused: {reason}"));
                Fate::Refused
            }
            Outcome::NotAttempted { reason } => {
                self.reasons.add(&format!("not attempted: {reason}"));
                Fate::NotAttempted
            }
            Outcome::Indeterminate { reason } => {
                self.reasons.add(&format!("answer lost: {reason}"));
                Fate::Indeterminate
            }
        });
    }

    /// Notes a decision of our own to keep a record.
    pub fn keep(&mut self, fate: Fate, reason: &str) {
        self.reasons.add(reason);
        self.fates.push(fate);
    }

    /// Returns the journal's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.fates.iter().map(|fate| fate.byte()).collect()
    }

    /// Reads the journal's bytes.
    pub fn from_bytes(bytes: &[u8], reasons: Reasons, members: u64) -> Option<Self> {
        let fates = bytes.iter().map(|byte| Fate::from_byte(*byte)).collect::<Option<_>>()?;
        Some(Self { fates, reasons, members })
    }

    /// Counts a fate.
    pub fn count(&self, fate: Fate) -> u64 {
        self.fates.iter().map(|f| u64::from(*f == fate)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quietus_contract::Checked;

    #[test]
    fn only_an_absence_makes_a_disposal() {
        let unknown = Absence::Unknown { reason: "lag".to_owned() };
        for fate in Fate::ALL {
            for absence in [Absence::Present, unknown.clone()] {
                let verified = fate.verified(&absence);
                assert!(
                    !matches!(
                        verified,
                        Fate::Disposed | Fate::AlreadyAbsent | Fate::Unacknowledged
                    ),
                    "{fate:?} {absence:?} {verified:?}"
                );
            }
        }
    }

    #[test]
    fn a_kept_record_stays_kept_whatever_the_read_says() {
        for fate in [Fate::Changed, Fate::Held, Fate::Refused, Fate::NotAttempted] {
            assert_eq!(fate.verified(&Absence::Absent(Checked::ByRecord)), fate);
        }
    }
}
