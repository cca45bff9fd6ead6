//! The checkpoint and who signed it (steps 2 and 3).

use super::{Freshness, Run, WitnessSummary};
use crate::checkpoint::Checkpoint;
use crate::key::PublicKey;
use crate::layout::{CHECKPOINT, Role};
use crate::note::{KeyType, Note, VerifierKey};
use crate::policy::TrustPolicy;
use crate::time::Timestamp;

/// The checkpoint, read and, where there is a policy, found signed.
pub(super) struct SignedHead {
    pub(super) checkpoint: Checkpoint,
    pub(super) bytes: Vec<u8>,
    note: Note,
}

impl Run<'_> {
    /// Reads the checkpoint, and checks it against the policy.
    pub(super) fn head(&mut self) -> Option<SignedHead> {
        let bytes = self.read(CHECKPOINT, Role::Checkpoint)?;
        let (checkpoint, note) = match Checkpoint::parse(&bytes) {
            Ok(parsed) => parsed,
            Err(error) => {
                self.report.invalid(CHECKPOINT, error.to_string());
                return None;
            }
        };
        if checkpoint.size == 0 {
            self.report.invalid(CHECKPOINT, "the ledger is empty");
            return None;
        }
        self.report.origin = Some(checkpoint.origin.clone());
        self.report.size = checkpoint.size;
        self.report.root = Some(checkpoint.root);
        if self.input.source.origin().is_some_and(|origin| origin != checkpoint.origin) {
            self.report.invalid(CHECKPOINT, "its origin is not the one in bundle.json");
        }
        if let Some(policy) = self.input.policy {
            self.policy(policy, &checkpoint, &note);
        }
        Some(SignedHead { checkpoint, bytes, note })
    }

    fn policy(&mut self, policy: &TrustPolicy, checkpoint: &Checkpoint, note: &Note) {
        match policy.log(&checkpoint.origin) {
            Some(key) => self.signature(CHECKPOINT, note, key),
            None => {
                let message = format!("the policy does not have the ledger {}", checkpoint.origin);
                self.report.invalid(CHECKPOINT, message);
            }
        }
        let mut signed = Vec::with_capacity(policy.witnesses().len());
        let mut latest = None;
        for key in policy.witnesses() {
            let found = match note.check(key) {
                Ok(found) => found,
                Err(error) => {
                    self.report.invalid(CHECKPOINT, error.to_string());
                    None
                }
            };
            signed.push(found.is_some());
            if let Some(found) = found {
                let seconds = found.time.and_then(|time| i64::try_from(time).ok());
                let at = seconds.and_then(Timestamp::from_unix);
                latest = latest.max(at);
                self.report.witnesses.push(WitnessSummary { name: key.name().to_owned(), at });
            }
        }
        self.report.quorum_met = policy.is_witnessed(&signed);
        self.report.freshness = latest.map(Freshness::Witnessed);
        let known = signed.iter().filter(|signed| **signed).count() + 1;
        let unknown = note.signatures().len().saturating_sub(known);
        if unknown > 0 {
            let line = format!("{unknown} signatures of the checkpoint by keys not in the policy");
            self.report.not_checked.push(line);
        }
    }

    /// Checks that a key signed a note.
    fn signature(&mut self, place: &str, note: &Note, key: &VerifierKey) {
        match note.check(key) {
            Ok(Some(_)) => {}
            Ok(None) => {
                let name = key.name();
                self.report.invalid(place, format!("it is not signed by {name}'s key {key}"));
            }
            Err(error) => self.report.invalid(place, error.to_string()),
        }
    }

    /// Checks a head against the key that the ledger itself names (step 6).
    pub(super) fn own_key(&mut self, head: &SignedHead, log_key: &[u8; 32]) {
        let Some(key) = log_key_of(&head.checkpoint.origin, log_key) else { return };
        match self.input.policy {
            None => {
                self.signature(CHECKPOINT, &head.note, &key);
                if head.note.signatures().len() > 1 {
                    let line = "cosignatures of the checkpoint: no policy was given";
                    self.report.not_checked.push(line.to_owned());
                }
            }
            Some(policy) => {
                let pinned = policy.log(&head.checkpoint.origin);
                if pinned.is_some_and(|pinned| pinned.key() != key.key()) {
                    self.report.invalid("entry 0", "log_key is not the policy's key");
                }
            }
        }
    }

    /// Reads the checkpoint that the auditor kept, and checks it with the same key (step 10).
    pub(super) fn kept(
        &mut self,
        head: &SignedHead,
        log_key: Option<&[u8; 32]>,
    ) -> Option<Checkpoint> {
        let bytes = self.input.last_seen?;
        let place = "last seen";
        let (kept, note) = match Checkpoint::parse(bytes) {
            Ok(parsed) => parsed,
            Err(error) => {
                self.report.invalid(place, error.to_string());
                return None;
            }
        };
        if kept.size == 0 || kept.origin != head.checkpoint.origin {
            self.report.invalid(place, "it is of another ledger, or of an empty one");
            return None;
        }
        let pinned = self.input.policy.and_then(|policy| policy.log(&kept.origin)).cloned();
        let own = || log_key.and_then(|key| log_key_of(&kept.origin, key));
        match pinned.or_else(own) {
            Some(key) => self.signature(place, &note, &key),
            None => self.report.invalid(place, "there is no key to check it with"),
        }
        Some(kept)
    }
}

fn log_key_of(origin: &str, key: &[u8; 32]) -> Option<VerifierKey> {
    let key = PublicKey::from_bytes(key).ok()?;
    VerifierKey::new(origin, KeyType::Ed25519, key).ok()
}
