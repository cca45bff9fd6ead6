//! Statements: what the entries of a ledger say.
//!
//! `docs/formats/statement.md` has the members. A statement is an in-toto Statement v1 in the
//! strict JSON profile; its bytes are the leaf of the ledger and the payload of the envelope.

mod check;
mod event;
mod fit;
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

    /// Writes the statement's bytes; where a result is too long to be signed, with its free texts
    /// and lists cut.
    ///
    /// # Behavior
    ///
    /// - The same statement gives the same bytes, and so does what those bytes are read as.
    pub fn encode_to_fit(&self) -> Result<Vec<u8>, StatementError> {
        let whole = self.encode();
        let (Err(StatementError::Long { .. }), Event::Result(result)) = (&whole, &self.event)
        else {
            return whole;
        };
        let shorter = fit::shorter(result).map(|result| {
            let event = Event::Result(Box::new(result));
            Self { event, log: self.log.clone(), ..*self }.encode()
        });
        { shorter }.find(Result::is_ok).unwrap_or(whole)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn statement(event: Event) -> Statement {
        let prev = Hash::of(b"before");
        Statement { log: sample::ORIGIN.to_owned(), seq: 7, prev, at: sample::at(), event }
    }

    fn text(event: Event) -> String {
        String::from_utf8(statement(event).encode().unwrap()).unwrap()
    }

    fn decode(text: &str) -> Result<Statement, StatementError> {
        Statement::decode(text.as_bytes())
    }

    #[test]
    fn every_kind_is_read_back() {
        for event in sample::one_of_each() {
            let made = statement(event);
            assert_eq!(Statement::decode(&made.encode().unwrap()), Ok(made));
        }
    }

    #[test]
    fn kinds_and_members_that_are_not_known_are_refused() {
        for event in sample::one_of_each() {
            let good = text(event.clone());
            let kind = format!("\"kind\":\"{}\"", event.kind());
            assert!(good.contains(&kind));
            let unknown = decode(&good.replace(&kind, "\"kind\":\"key.rotate\""));
            assert_eq!(unknown, Err(StatementError::Kind("key.rotate".to_owned())));
            let more = decode(&good.replace("\"seq\":7", "\"seq\":7,\"shadow\":1"));
            assert!(more.is_err(), "{}", event.kind());
            let outside = decode(&good.replace("\"subject\":", "\"shadow\":1,\"subject\":"));
            assert_eq!(outside, Err(StatementError::Frame));
        }
    }

    #[test]
    fn no_member_may_be_missing() {
        for event in sample::one_of_each() {
            let Value::Object(whole) = statement(event).to_value().unwrap() else { panic!() };
            let predicate = whole["predicate"].as_object().unwrap();
            for name in
                predicate.keys().filter(|name| !["unit", "previous"].contains(&name.as_str()))
            {
                let mut less = whole.clone();
                less["predicate"].as_object_mut().unwrap().remove(name);
                let optional = ["run", "intent"].contains(&name.as_str())
                    && ["abort", "incident"].contains(&predicate["kind"].as_str().unwrap());
                if !optional {
                    let bytes = canonical::write(&Value::Object(less)).unwrap();
                    assert!(Statement::decode(&bytes).is_err(), "{name} of {predicate:?}");
                }
            }
        }
    }

    #[test]
    fn the_subject_follows_from_the_predicate() {
        for event in sample::one_of_each() {
            let good = text(event);
            let at = good.rfind("\"sha256\":\"").unwrap() + 10;
            let digit = if &good[at..=at] == "0" { "1" } else { "0" };
            let bent = format!("{}{digit}{}", &good[..at], &good[at + 1..]);
            assert_eq!(decode(&bent), Err(StatementError::Frame), "{bent}");
            assert!(decode(&good.replace("certificate:v1", "certificate:v2")).is_err());
        }
    }

    #[test]
    fn statements_that_contradict_themselves_are_neither_written_nor_read() {
        let good = text(sample::result());
        assert!(decode(&good).is_ok());
        for (from, to) in [
            ("\"destroyed\":3", "\"destroyed\":2"),
            ("\"unacknowledged\":0", "\"unacknowledged\":4"),
            ("\"sampled\":3", "\"sampled\":4"),
            ("\"found\":0", "\"found\":1"),
            ("\"control\":true", "\"control\":false"),
            ("\"started\":\"2026", "\"started\":\"2027"),
            ("\"n\":1", "\"n\":0"),
            ("\"n\":1", "\"n\":3"),
            ("batch-0001.records", "batch-0002.records"),
            ("hmac-sha256/v1", "hmac-sha256/v2"),
            ("none-claimed", "nist-purge"),
            ("\"class\":\"logical-delete\"", "\"class\":\"purge\""),
            ("\"members\":\"unknown\"", "\"members\":\"many\""),
            ("\"clears_by\":\"2027-02-22\"", "\"clears_by\":\"2027-02-30\""),
            ("\"run\":\"run-1\"", "\"run\":\"../run\""),
            ("\"residual_knowledge\":\"declared\"", "\"residual_knowledge\":\"guessed\""),
        ] {
            assert!(good.contains(from), "{from}");
            assert!(decode(&good.replace(from, to)).is_err(), "{from} -> {to}");
        }
        let mut wrong = sample::batch_result();
        wrong.scope.counts.held = 1;
        assert!(statement(Event::Result(Box::new(wrong))).encode().is_err());
    }

    #[test]
    fn totals_policies_and_keys_must_hold() {
        for (event, from, to) in [
            (sample::nil(), "\"matched\":7", "\"matched\":8"),
            (sample::nil(), "\"due\":0,\"held\":1", "\"due\":1,\"held\":0"),
            (sample::policy(), "schedule.toml", "schedule.tomk"),
            (sample::policy(), "\"bytes\":7,\"name\":\"schedule", "\"bytes\":7,\"name\":\"z"),
            (sample::genesis(), "\"log_key\":\"8a88e3dd", "\"log_key\":\"8a88e3de"),
            (sample::intent(), "\"count\":3", "\"count\":0"),
            (sample::intent(), "\"count\":3", "\"count\":65537"),
            (sample::hold(), "[\"H-1\"]", "[]"),
            (sample::salts_destroyed(), "[3,5]", "[5,3]"),
            (sample::salts_destroyed(), "[3,5]", "[]"),
        ] {
            let good = text(event);
            assert!(good.contains(from), "{from} in {good}");
            assert!(decode(&good.replace(from, to)).is_err(), "{from} -> {to}");
        }
    }

    #[test]
    fn too_long_a_statement_is_an_error_that_says_so() {
        let mut result = sample::batch_result();
        result.not_checked = vec!["x".repeat(100); 40];
        let long = statement(Event::Result(Box::new(result)));
        assert!(matches!(long.encode(), Err(StatementError::Long { bytes }) if bytes > 4052));
        let cut = Statement::decode(&long.encode_to_fit().unwrap()).unwrap();
        let Event::Result(cut) = cut.event else { panic!() };
        assert_eq!(cut.not_checked.len(), 5);
        assert_eq!(cut.not_checked[4], "and 36 more");
    }

    #[test]
    fn a_result_fits_whatever_its_free_texts_are() {
        let odd = "\u{1f5d1}\"".repeat(500);
        let mut result = sample::batch_result();
        for text in [&mut result.issuer.org, &mut result.issuer.agent, &mut result.issuer.host] {
            *text = odd.clone();
        }
        result.issuer.contact = Some(odd.clone());
        result.scope.method.strength = odd.clone();
        result.scope.method.technique = odd.clone();
        result.verification.by = odd.clone();
        result.authority.legal_basis = vec![odd.clone(); 50];
        result.not_checked = vec![odd.clone(); 50];
        result.residual = vec![result.residual[0].clone(); 500];
        result.residual[0].place = odd;
        let long = statement(Event::Result(Box::new(result)));
        let bytes = long.encode_to_fit().unwrap();
        let read = Statement::decode(&bytes).unwrap();
        assert_eq!(read.encode_to_fit().unwrap(), bytes);
    }
}
