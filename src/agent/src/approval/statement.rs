//! The statement that an approver signs: in-toto Statement v1 in the strict JSON profile.
//!
//! ```json
//! {"_type":"https://in-toto.io/Statement/v1",
//!  "predicate":{"at":"2026-11-20T09:00:00Z","classes":["FIN-010"],"decision":"approve",
//!               "exceptions":"<sha256 of the list>","key":"<sha256>","name":"J. Brown",
//!               "role":"Finance Manager"},
//!  "predicateType":"urn:quietus:approval:v1",
//!  "subject":[{"digest":{"sha256":"<plan digest>"},"name":"<plan id>"}]}
//! ```

use jiff::Timestamp;
use quietus_evidence::{Hash, canonical};
use serde::{Deserialize, Serialize};

use super::{Draft, PlanRef};
use crate::error::{UserError, code};
use crate::keys::SecretKey;
use crate::settings::Approver;

const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
const PREDICATE_TYPE: &str = "urn:quietus:approval:v1";
/// The largest statement that is read; an envelope signs no more than about 4 KB.
const STATEMENT_BYTES_MAX: usize = 4_096;
/// The largest list of exceptions.
const EXCEPTIONS_BYTES_MAX: usize = 64 << 20;

/// Yes or no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The classes may go.
    Approve,
    /// They may not, for this reason.
    Reject(String),
}

impl Decision {
    /// Returns the word that file names begin with.
    pub fn file_word(&self) -> &'static str {
        match self {
            Self::Approve => "approval",
            Self::Reject(_) => "rejection",
        }
    }
}

/// A record that an approval leaves out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// The digest that the plan gives the record.
    pub record: Hash,
    /// Why.
    pub reason: String,
}

/// What a decision says.
#[derive(Debug)]
pub(super) struct Statement {
    pub plan: PlanRef,
    pub role: String,
    pub name: String,
    pub key: Hash,
    pub at: Timestamp,
    pub decision: Decision,
    pub classes: Vec<String>,
    pub exceptions: Option<Hash>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(rename = "_type")]
    kind: String,
    predicate: RawPredicate,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    subject: Vec<RawSubject>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPredicate {
    at: String,
    classes: Vec<String>,
    decision: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exceptions: Option<Hash>,
    key: Hash,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    role: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSubject {
    digest: RawDigest,
    name: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDigest {
    sha256: Hash,
}

impl Statement {
    pub fn of(
        draft: &Draft<'_>,
        approver: &Approver,
        key: &SecretKey,
        exceptions: Option<&[u8]>,
    ) -> Self {
        Self {
            plan: draft.plan.clone(),
            role: approver.role.clone(),
            name: approver.name.clone(),
            key: key.verifier().key().id(),
            at: draft.at,
            decision: draft.decision.clone(),
            classes: draft.classes.clone(),
            exceptions: exceptions.map(Hash::of),
        }
    }

    pub fn encode(&self) -> Result<Vec<u8>, UserError> {
        let (decision, reason) = match &self.decision {
            Decision::Approve => ("approve", None),
            Decision::Reject(reason) => ("reject", Some(reason.clone())),
        };
        encode(&Raw {
            kind: STATEMENT_TYPE.into(),
            predicate: RawPredicate {
                at: format!("{:.0}", self.at),
                classes: self.classes.clone(),
                decision: decision.into(),
                exceptions: self.exceptions,
                key: self.key,
                name: self.name.clone(),
                reason,
                role: self.role.clone(),
            },
            predicate_type: PREDICATE_TYPE.into(),
            subject: vec![RawSubject {
                digest: RawDigest { sha256: self.plan.digest },
                name: self.plan.id.clone(),
            }],
        })
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let raw: Raw = decode(bytes, STATEMENT_BYTES_MAX)?;
        if raw.kind != STATEMENT_TYPE || raw.predicate_type != PREDICATE_TYPE {
            return Err("it is not a decision about a plan".into());
        }
        let Ok([subject]) = <[RawSubject; 1]>::try_from(raw.subject) else {
            return Err("it is not about exactly one plan".into());
        };
        let predicate = raw.predicate;
        let decision = match (predicate.decision.as_str(), predicate.reason) {
            ("approve", None) => Decision::Approve,
            ("reject", Some(reason)) => Decision::Reject(reason),
            _ => return Err("it neither approves nor rejects with a reason".into()),
        };
        Ok(Self {
            plan: PlanRef { id: subject.name, digest: subject.digest.sha256 },
            role: predicate.role,
            name: predicate.name,
            key: predicate.key,
            at: predicate.at.parse().map_err(|_| "its time is not a time")?,
            decision,
            classes: predicate.classes,
            exceptions: predicate.exceptions,
        })
    }
}

/// Writes a list of exceptions; nothing if there are none.
pub(super) fn exceptions_bytes(list: &[Exception]) -> Result<Option<Vec<u8>>, UserError> {
    if list.is_empty() { Ok(None) } else { encode(&list).map(Some) }
}

/// Reads a list of exceptions.
pub(super) fn exceptions_from(bytes: &[u8]) -> Result<Vec<Exception>, String> {
    decode(bytes, EXCEPTIONS_BYTES_MAX)
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, UserError> {
    let unfit = |error: String| {
        UserError::new(&code::COMMAND_LINE, format!("the decision cannot be written down: {error}"))
            .with_help("reasons and names are plain text on one line")
    };
    let value = serde_json::to_value(value).map_err(|e| unfit(e.to_string()))?;
    canonical::write(&value).map_err(|e| unfit(e.to_string()))
}

fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8], max: usize) -> Result<T, String> {
    let value = canonical::read(bytes, max).map_err(|e| e.to_string())?;
    serde_json::from_value(value).map_err(|e| e.to_string())
}
