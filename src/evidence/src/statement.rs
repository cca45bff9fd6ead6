//! Statements: what the entries of a ledger say.
//!
//! `docs/formats/statement.md` has the members. A statement is an in-toto Statement v1 in the
//! strict JSON profile; its bytes are the leaf of the ledger and the payload of the envelope.

mod check;
mod event;
mod parts;

use serde_json::{Map, Value, json};

use crate::canonical::{self, CanonicalError};
use crate::checkpoint::is_origin;
use crate::hash::Hash;
use crate::time::Timestamp;

pub use check::{Contradiction, RUN_BATCHES_MAX};
pub use event::{
    Abort, BatchResult, Correct, Event, Genesis, HoldAction, HoldChange, Incident, Intent, Nil,
    NilReason, PolicyInForce, PublicKeyBytes, SaltsDestroyed,
};
pub use parts::{
    Approval, Authority, Batch, Counts, FileDigest, HoldsChecked, IntentScope, Issuer, Known,
    LogHead, Method, MethodClass, NotARunId, RecordsFile, Ref, Residual, ResidualKnowledge,
    ResultScope, RunId, Standard, Time, Tool, Totals, Verification,
};

/// The longest statement: its signed form is then at most 4,096 bytes.
pub const STATEMENT_BYTES_MAX: usize = 4_052;

const TYPE: &str = "https://in-toto.io/Statement/v1";
const PREDICATE_TYPE: &str = "urn:quietus:disposal-certificate:v1";

/// One entry of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The ledger's origin.
    pub log: String,
    /// The number of the entry, from 0.
    pub seq: u64,
    /// The leaf hash of the entry before; zeros for the first.
    pub prev: Hash,
    /// When the agent made it, by the agent's clock.
    pub at: Timestamp,
    /// What it says.
    pub event: Event,
}

/// A statement that cannot be written, or bytes that are not a statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Outside the strict profile, or with wrong members.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// A kind that this version does not know.
    #[error("its kind, {0:?}, is not known")]
    Kind(String),
    /// It contradicts itself.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    /// The frame around the predicate is wrong.
    #[error("it is not an in-toto Statement v1 of this predicate type with the right subject")]
    Frame,
    /// The origin is not one.
    #[error("its log is not an origin")]
    Origin,
    /// Too long to sign.
    #[error(
        "it has {bytes} bytes, and at most {STATEMENT_BYTES_MAX} can be signed: shorten its lists"
    )]
    Long {
        /// How many bytes it has.
        bytes: usize,
    },
}

impl Statement {
    /// Writes the statement's bytes.
    pub fn encode(&self) -> Result<Vec<u8>, StatementError> {
        self.event.check()?;
        if !is_origin(&self.log) {
            return Err(StatementError::Origin);
        }
        let bytes = canonical::write(&self.to_value()?)?;
        if bytes.len() > STATEMENT_BYTES_MAX {
            return Err(StatementError::Long { bytes: bytes.len() });
        }
        Ok(bytes)
    }

    /// Reads a statement, and checks all that can be checked without other entries.
    pub fn decode(bytes: &[u8]) -> Result<Self, StatementError> {
        let mut frame = object(canonical::read(bytes, STATEMENT_BYTES_MAX)?)?;
        let predicate = object(frame.remove("predicate").ok_or(StatementError::Frame)?)?;
        let found = Self::from_predicate(predicate)?;
        if found.frame() != frame {
            return Err(StatementError::Frame);
        }
        found.event.check()?;
        Ok(found)
    }

    fn from_predicate(mut predicate: Map<String, Value>) -> Result<Self, StatementError> {
        let mut take = |name: &str| predicate.remove(name).ok_or(StatementError::Frame);
        let log: String = canonical::typed(take("log")?)?;
        let seq = canonical::typed(take("seq")?)?;
        let prev = canonical::typed(take("prev")?)?;
        let at = canonical::typed(take("at")?)?;
        let kind: String = canonical::typed(take("kind")?)?;
        if !is_origin(&log) {
            return Err(StatementError::Origin);
        }
        let event = Event::from_value(&kind, Value::Object(predicate))
            .ok_or(StatementError::Kind(kind))??;
        Ok(Self { log, seq, prev, at, event })
    }

    fn to_value(&self) -> Result<Value, StatementError> {
        let mut predicate = object(self.event.to_value()?)?;
        for (name, value) in [
            ("log", json!(self.log)),
            ("seq", json!(self.seq)),
            ("prev", json!(self.prev)),
            ("at", json!(self.at)),
            ("kind", json!(self.event.kind())),
        ] {
            predicate.insert(name.to_owned(), value);
        }
        let mut frame = self.frame();
        frame.insert("predicate".to_owned(), Value::Object(predicate));
        Ok(Value::Object(frame))
    }

    /// Everything around the predicate; it follows from it.
    fn frame(&self) -> Map<String, Value> {
        let (name, digest) = match &self.event {
            Event::Genesis(event) => ("certificate-key", Hash::of(&event.certificate_key.0)),
            Event::Policy(event) => ("policy", event.digest),
            Event::Intent(event) => ("intent", event.intent_root),
            Event::Result(event) => (event.scope.records.file.as_str(), event.scope.records.sha256),
            _ => ("previous-entry", self.prev),
        };
        let subject = json!([{"name": name, "digest": {"sha256": digest}}]);
        [
            ("_type".to_owned(), json!(TYPE)),
            ("predicateType".to_owned(), json!(PREDICATE_TYPE)),
            ("subject".to_owned(), subject),
        ]
        .into_iter()
        .collect()
    }
}

fn object(value: Value) -> Result<Map<String, Value>, StatementError> {
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(StatementError::Frame),
    }
}
