//! Parts that several kinds of statements share.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::hash::Hash;
use crate::time::{Date, Timestamp};

/// The name of a run, safe in file names: 1 to 64 of `a-z`, `0-9`, `-`, not starting with `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(String);

/// Text that cannot name a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a run is named by 1 to 64 of a-z, 0-9 and -, not starting with -")]
pub struct NotARunId;

impl RunId {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunId {
    type Err = NotARunId;

    fn from_str(text: &str) -> Result<Self, NotARunId> {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let good =
            (1..=64).contains(&text.len()) && text.bytes().all(known) && !text.starts_with('-');
        if good { Ok(Self(text.to_owned())) } else { Err(NotARunId) }
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for RunId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RunId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Something that is known, or said to be unknown: never guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known<T> {
    /// Its value.
    Value(T),
    /// Nobody can tell.
    Unknown,
}

impl<T> From<Option<T>> for Known<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Unknown, Self::Value)
    }
}

const UNKNOWN: &str = "unknown";

impl<T: Serialize> Serialize for Known<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::Unknown => serializer.serialize_str(UNKNOWN),
        }
    }
}

impl<'de> Deserialize<'de> for Known<u64> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Known<u64>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer or \"unknown\"")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Known<u64>, E> {
                Ok(Known::Value(value))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Known<u64>, E> {
                if text == UNKNOWN {
                    Ok(Known::Unknown)
                } else {
                    Err(E::invalid_value(de::Unexpected::Str(text), &self))
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl<'de> Deserialize<'de> for Known<Date> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == UNKNOWN {
            return Ok(Self::Unknown);
        }
        text.parse().map(Self::Value).map_err(de::Error::custom)
    }
}

/// Who the statement speaks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The organisation.
    pub org: String,
    /// A part of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Where to ask; a function's address, not a person's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// The agent.
    pub agent: String,
    /// The host that it ran on.
    pub host: String,
}

/// The program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the running binary.
    pub sha256: Hash,
}

/// Which batch of how many in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// The batch, from 1; no two of a run have the same.
    pub n: u64,
    /// How many the run has.
    pub of: u64,
}

/// An earlier entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ref {
    /// Its number.
    pub seq: u64,
    /// Its leaf hash.
    pub leaf: Hash,
}

/// A file, by its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDigest {
    /// Its name.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: Hash,
    /// How many bytes.
    pub bytes: u64,
}

/// A head of another ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogHead {
    /// Its origin.
    pub log: String,
    /// Its size.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

/// What a batch is taken from, and by which rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntentScope {
    /// The store, as in the commitments.
    pub store: String,
    /// The class of records.
    pub series: String,
    /// The holding.
    pub holding: String,
    /// The rule, in words or by its id.
    pub rule: String,
    /// The day that the run looked from.
    pub cutoff: Date,
}

/// What a batch was taken from, how, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultScope {
    /// The store, as in the commitments.
    pub store: String,
    /// The class of records.
    pub series: String,
    /// The holding.
    pub holding: String,
    /// The rule, in words or by its id.
    pub rule: String,
    /// The day that the run looked from.
    pub cutoff: Date,
    /// How records were disposed of.
    pub method: Method,
    /// How many records.
    pub counts: Counts,
    /// The suite of the commitments.
    pub commit: String,
    /// The root over the commitments.
    pub intent_root: Hash,
    /// The root over the lines.
    pub result_root: Hash,
    /// The records file.
    pub records: RecordsFile,
}

/// How records were disposed of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// The class.
    pub class: MethodClass,
    /// The technique.
    pub technique: String,
    /// Its real strength, in one honest sentence.
    pub strength: String,
    /// The standard claimed: none.
    pub standard: Standard,
}

/// Classes of methods. The words of media sanitisation are not among them on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MethodClass {
    /// The target no longer shows the record.
    LogicalDelete,
    /// As before, and the bytes were overwritten where that means something.
    LogicalDeleteOverwritten,
    /// The record stays without what identifies a person.
    Anonymise,
    /// The key that opens the record was destroyed.
    KeyDestruction,
}

/// Standards of sanitisation that may be claimed: none, in this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standard {
    /// No standard is claimed.
    NoneClaimed,
}

/// How many records, by what became of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// All of the batch.
    pub selected: u64,
    /// Disposed of, and found absent.
    pub destroyed: u64,
    /// Not there any more when their turn came.
    pub already_absent: u64,
    /// Not disposed of, or not proved to be.
    pub failed: u64,
    /// Kept by a hold.
    pub held: u64,
    /// Of the destroyed: gone, but the target's own answer was lost.
    pub unacknowledged: u64,
    /// Other things that went with the records.
    pub members: Known<u64>,
    /// Records in the holding before.
    pub before: Known<u64>,
    /// Records in the holding after.
    pub after: Known<u64>,
    /// Records that are still due.
    pub remaining_due: Known<u64>,
}

/// The records file of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordsFile {
    /// Its name, `batch-0001.records.jsonl` for batch 1.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: Hash,
    /// How many bytes.
    pub bytes: u64,
}

/// On whose word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// The digest of the policy entry.
    pub policy: Hash,
    /// Its number.
    pub policy_seq: u64,
    /// The schedule's name.
    pub schedule: String,
    /// The schedule's version.
    pub version: String,
    /// The class of records.
    pub class: String,
    /// The law, as the schedule cites it.
    pub legal_basis: Vec<String>,
    /// Who signed off.
    pub approvals: Vec<Approval>,
}

/// One sign-off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The role; no names of persons.
    pub role: String,
    /// SHA-256 of the approver's public key.
    pub key: Hash,
    /// When.
    pub at: Timestamp,
}

/// From when to when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Time {
    /// The start of disposal.
    pub started: Timestamp,
    /// The end of verification.
    pub finished: Timestamp,
}

/// The separate read after disposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// Who looked.
    pub by: String,
    /// How: `by-record`, `by-listing`.
    pub method: String,
    /// How many records were looked for.
    pub sampled: u64,
    /// How many of them were still there.
    pub found: u64,
    /// Whether the same read saw something that is there.
    pub control: bool,
}

/// Copies that remain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Residual {
    /// Where, in words.
    pub place: String,
    /// What kind.
    pub kind: String,
    /// The day by which they are gone.
    pub clears_by: Known<Date>,
}

/// How far the list of remaining copies can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResidualKnowledge {
    /// Somebody looked.
    Observed,
    /// The operator said so.
    Declared,
    /// Nobody can tell.
    Unknown,
}

/// The last look at the register of holds before disposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldsChecked {
    /// When.
    pub at: Timestamp,
    /// SHA-256 of the register.
    pub register: Hash,
    /// How many holds were in force.
    pub count: u64,
}

/// What a run found, when it disposes of nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// All records: the sum of the others.
    pub matched: u64,
    /// Due, and not held.
    pub due: u64,
    /// Not due yet.
    pub not_due: u64,
    /// Kept for good.
    pub permanent: u64,
    /// Their trigger has not happened.
    pub awaiting_event: u64,
    /// Their date cannot be true.
    pub implausible_date: u64,
    /// They cannot be judged.
    pub cannot_evaluate: u64,
    /// Kept by a hold.
    pub held: u64,
}
