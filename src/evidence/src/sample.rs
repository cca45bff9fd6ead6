//! Entries for tests.

use crate::hash::Hash;
use crate::key::FileKey;
use crate::key::Signer as _;
use crate::ledger::{Appended, Head, Keys, append as append_entry};
use crate::statement::{Event, Genesis, Issuer, PublicKeyBytes, Tool};
use crate::time::Timestamp;

pub(crate) const ORIGIN: &str = "disposal.example.org/agent-7";

pub(crate) struct Pair {
    pub(crate) log: FileKey,
    pub(crate) certificate: FileKey,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self { log: FileKey::from_seed(&[1; 32]), certificate: FileKey::from_seed(&[3; 32]) }
    }

    pub(crate) fn keys(&self) -> Keys<'_> {
        Keys { log: &self.log, certificate: &self.certificate }
    }
}

pub(crate) fn at() -> Timestamp {
    Timestamp::from_unix(1_795_312_800).unwrap()
}

pub(crate) fn append(head: &Head, tail: &[u8], event: Event) -> Appended {
    append_entry(head, tail, at(), event, Pair::new().keys()).unwrap()
}

pub(crate) fn issuer() -> Issuer {
    Issuer {
        org: "Example GmbH".to_owned(),
        unit: Some("Customer Service".to_owned()),
        contact: None,
        agent: "agent-7".to_owned(),
        host: "srv-ret-01".to_owned(),
    }
}

pub(crate) fn tool() -> Tool {
    Tool { name: "quietus".to_owned(), version: "1.0.0".to_owned(), sha256: Hash::of(b"binary") }
}

pub(crate) fn genesis() -> Event {
    let pair = Pair::new();
    Event::Genesis(Genesis {
        issuer: issuer(),
        tool: tool(),
        log_key: PublicKeyBytes(pair.log.public()),
        certificate_key: PublicKeyBytes(pair.certificate.public()),
        previous: None,
    })
}

pub(crate) fn nil_or_genesis(i: u32) -> Event {
    if i == 0 {
        return genesis();
    }
    Event::Incident(crate::statement::Incident {
        code: "test".to_owned(),
        summary: format!("number {i}"),
        run: None,
    })
}
