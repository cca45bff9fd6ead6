//! The kinds of statements.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::parts::{
    Authority, Batch, FileDigest, HoldsChecked, IntentScope, Issuer, LogHead, Ref, Residual,
    ResidualKnowledge, ResultScope, RunId, Time, Tool, Totals, Verification,
};
use crate::canonical::{self, CanonicalError};
use crate::hash::{Hash, unhex};
use crate::time::Date;

/// What an entry says. The names are those of the member `kind`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// `genesis`
    Genesis(Genesis),
    /// `policy`
    Policy(PolicyInForce),
    /// `intent`
    Intent(Intent),
    /// `result`
    Result(Box<BatchResult>),
    /// `nil`
    Nil(Nil),
    /// `abort`
    Abort(Abort),
    /// `hold`
    Hold(HoldChange),
    /// `correct`
    Correct(Correct),
    /// `incident`
    Incident(Incident),
    /// `salts.destroyed`
    SaltsDestroyed(SaltsDestroyed),
}

/// The first entry: whose ledger it is, and by which keys it speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// Who.
    pub issuer: Issuer,
    /// The program.
    pub tool: Tool,
    /// The public key of the checkpoints.
    pub log_key: PublicKeyBytes,
    /// The public key of the envelopes.
    pub certificate_key: PublicKeyBytes,
    /// The last head of the ledger before this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<LogHead>,
}

/// 32 bytes of a public key, written as hexadecimal digits; not checked to be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKeyBytes(pub [u8; 32]);

impl TryFrom<String> for PublicKeyBytes {
    type Error = crate::hash::NotHex;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        unhex(text.as_bytes()).map(Self).ok_or(crate::hash::NotHex)
    }
}

impl From<PublicKeyBytes> for String {
    fn from(key: PublicKeyBytes) -> Self {
        crate::hash::hex(&key.0)
    }
}

/// The rules from here on, by the digests of the files that hold them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyInForce {
    /// The files, their names rising.
    pub files: Vec<FileDigest>,
    /// The digest over all of them.
    pub digest: Hash,
    /// The schedule's name.
    pub schedule: String,
    /// The schedule's version.
    pub version: String,
    /// The role that approved it.
    pub approved_by: String,
}

impl PolicyInForce {
    /// Computes the digest over files: SHA-256 of what `sha256sum` prints for them.
    pub fn digest_of(files: &[FileDigest]) -> Hash {
        let lines: String =
            files.iter().map(|file| format!("{}  {}\n", file.sha256, file.name)).collect();
        Hash::of(lines.as_bytes())
    }
}

/// What is about to be disposed of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// The run.
    pub run: RunId,
    /// The batch.
    pub batch: Batch,
    /// The digest of the policy entry.
    pub policy: Hash,
    /// Its number.
    pub policy_seq: u64,
    /// The digest of the plan.
    pub plan: Hash,
    /// Whence, and by which rule.
    pub scope: IntentScope,
    /// How many records.
    pub count: u64,
    /// The root over their commitments.
    pub intent_root: Hash,
    /// The suite of the commitments.
    pub commit: String,
}

/// What became of a batch: the certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchResult {
    /// The run.
    pub run: RunId,
    /// The batch.
    pub batch: Batch,
    /// The intent that it answers.
    pub intent: Ref,
    /// Who.
    pub issuer: Issuer,
    /// The program.
    pub tool: Tool,
    /// On whose word.
    pub authority: Authority,
    /// From when to when.
    pub time: Time,
    /// What, how, and how many.
    pub scope: ResultScope,
    /// The separate read afterwards.
    pub verification: Verification,
    /// Copies that remain.
    pub residual: Vec<Residual>,
    /// How far that list can be trusted.
    pub residual_knowledge: ResidualKnowledge,
    /// The look at the register of holds.
    pub holds_checked: HoldsChecked,
    /// What nobody looked at.
    pub not_checked: Vec<String>,
}

/// A run that disposes of nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nil {
    /// The run.
    pub run: RunId,
    /// Why.
    pub why: NilReason,
    /// The digest of the policy entry.
    pub policy: Hash,
    /// Its number.
    pub policy_seq: u64,
    /// The day that the run looked from.
    pub cutoff: Date,
    /// What it found.
    pub totals: Totals,
    /// What it could not look at.
    pub not_checked: Vec<String>,
}

/// Why a run disposes of nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NilReason {
    /// Nothing was due.
    NothingDue,
    /// A sign-off is missing.
    AwaitingApproval,
    /// A guard refused.
    Limited,
    /// A system could not be reached.
    Unreachable,
}

/// An end before anything of an intent was disposed of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Abort {
    /// The run.
    pub run: RunId,
    /// Why, as a code.
    pub reason: String,
    /// The intent that it closes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<Ref>,
}

/// A change of the register of holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldChange {
    /// Placed or released.
    pub action: HoldAction,
    /// The ids of the holds; no names of persons.
    pub holds: Vec<String>,
    /// SHA-256 of the register afterwards.
    pub register: Hash,
    /// Holds in force afterwards.
    pub count: u64,
}

/// What happened to a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HoldAction {
    /// It came into force.
    Placed,
    /// It ended.
    Released,
}

/// A correction of an earlier entry, which stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correct {
    /// The entry.
    pub corrects: Ref,
    /// What was wrong, in words.
    pub reason: String,
}

/// Something that should not have happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// What kind.
    pub code: String,
    /// In words, without names and content.
    pub summary: String,
    /// The run that met it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
}

/// Batch keys that are gone: no record of these results can be named any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaltsDestroyed {
    /// The entries of kind `result`, rising.
    pub results: Vec<u64>,
}

impl Event {
    /// Returns the word in the member `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Genesis(_) => "genesis",
            Self::Policy(_) => "policy",
            Self::Intent(_) => "intent",
            Self::Result(_) => "result",
            Self::Nil(_) => "nil",
            Self::Abort(_) => "abort",
            Self::Hold(_) => "hold",
            Self::Correct(_) => "correct",
            Self::Incident(_) => "incident",
            Self::SaltsDestroyed(_) => "salts.destroyed",
        }
    }

    pub(super) fn to_value(&self) -> Result<Value, CanonicalError> {
        match self {
            Self::Genesis(event) => canonical::value_of(event),
            Self::Policy(event) => canonical::value_of(event),
            Self::Intent(event) => canonical::value_of(event),
            Self::Result(event) => canonical::value_of(event),
            Self::Nil(event) => canonical::value_of(event),
            Self::Abort(event) => canonical::value_of(event),
            Self::Hold(event) => canonical::value_of(event),
            Self::Correct(event) => canonical::value_of(event),
            Self::Incident(event) => canonical::value_of(event),
            Self::SaltsDestroyed(event) => canonical::value_of(event),
        }
    }

    /// Reads the members that are left when the head is taken away; `None` for an unknown kind.
    pub(super) fn from_value(kind: &str, value: Value) -> Option<Result<Self, CanonicalError>> {
        Some(match kind {
            "genesis" => canonical::typed(value).map(Self::Genesis),
            "policy" => canonical::typed(value).map(Self::Policy),
            "intent" => canonical::typed(value).map(Self::Intent),
            "result" => canonical::typed(value).map(|event| Self::Result(Box::new(event))),
            "nil" => canonical::typed(value).map(Self::Nil),
            "abort" => canonical::typed(value).map(Self::Abort),
            "hold" => canonical::typed(value).map(Self::Hold),
            "correct" => canonical::typed(value).map(Self::Correct),
            "incident" => canonical::typed(value).map(Self::Incident),
            "salts.destroyed" => canonical::typed(value).map(Self::SaltsDestroyed),
            _ => return None,
        })
    }
}
