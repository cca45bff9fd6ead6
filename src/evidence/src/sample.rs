//! Entries for tests.

use crate::commitment::SUITE;
use crate::hash::Hash;
use crate::key::FileKey;
use crate::key::Signer as _;
use crate::ledger::{Appended, Head, Keys, append as append_entry};
use crate::statement::{
    Abort, Approval, Authority, Batch, BatchResult, Correct, Counts, Event, FileDigest, Genesis,
    HoldAction, HoldChange, HoldsChecked, Incident, Intent, IntentScope, Issuer, Known, Method,
    MethodClass, Nil, NilReason, PolicyInForce, PublicKeyBytes, RecordsFile, Ref, Residual,
    ResidualKnowledge, ResultScope, SaltsDestroyed, Standard, Time, Tool, Totals, Verification,
};
use crate::time::{Date, Timestamp};

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

pub(crate) fn policy() -> Event {
    let file = |name: &str| FileDigest {
        name: name.to_owned(),
        sha256: Hash::of(name.as_bytes()),
        bytes: 7,
    };
    let files = vec![file("schedule.toml"), file("systems.toml")];
    Event::Policy(PolicyInForce {
        digest: PolicyInForce::digest_of(&files),
        files,
        schedule: "RS-2026".to_owned(),
        version: "14".to_owned(),
        approved_by: "records-officer".to_owned(),
    })
}

pub(crate) fn intent() -> Event {
    Event::Intent(Intent {
        run: "run-1".parse().unwrap(),
        batch: Batch { n: 1, of: 2 },
        policy: Hash::of(b"policy"),
        policy_seq: 1,
        plan: Hash::of(b"plan"),
        scope: IntentScope {
            store: "pg:crm/public.customers".to_owned(),
            series: "customers-closed".to_owned(),
            holding: "customers".to_owned(),
            rule: "7 years after closure".to_owned(),
            cutoff: Date::new(2026, 11, 22).unwrap(),
        },
        count: 3,
        intent_root: Hash::of(b"intents"),
        commit: SUITE.to_owned(),
    })
}

pub(crate) fn result() -> Event {
    Event::Result(Box::new(batch_result()))
}

pub(crate) fn batch_result() -> BatchResult {
    let reference = Ref { seq: 2, leaf: Hash::of(b"leaf") };
    BatchResult {
        run: "run-1".parse().unwrap(),
        batch: Batch { n: 1, of: 2 },
        intent: reference,
        issuer: issuer(),
        tool: tool(),
        authority: Authority {
            policy: Hash::of(b"policy"),
            policy_seq: 1,
            schedule: "RS-2026".to_owned(),
            version: "14".to_owned(),
            class: "customers-closed".to_owned(),
            legal_basis: vec!["GDPR Art. 5(1)(e)".to_owned()],
            approvals: vec![Approval {
                role: "records-officer".to_owned(),
                key: Hash::of(b"key"),
                at: at(),
            }],
        },
        time: Time { started: at(), finished: at() },
        scope: ResultScope {
            store: "pg:crm/public.customers".to_owned(),
            series: "customers-closed".to_owned(),
            holding: "customers".to_owned(),
            rule: "7 years after closure".to_owned(),
            cutoff: Date::new(2026, 11, 22).unwrap(),
            method: Method {
                class: MethodClass::LogicalDelete,
                technique: "sql.delete".to_owned(),
                strength: "The target no longer shows the row.".to_owned(),
                standard: Standard::NoneClaimed,
            },
            counts: Counts {
                selected: 3,
                destroyed: 3,
                already_absent: 0,
                failed: 0,
                held: 0,
                unacknowledged: 0,
                members: Known::Unknown,
                before: Known::Value(10),
                after: Known::Value(7),
                remaining_due: Known::Value(0),
            },
            commit: SUITE.to_owned(),
            intent_root: Hash::of(b"intents"),
            result_root: Hash::of(b"results"),
            records: RecordsFile {
                file: "batch-0001.records.jsonl".to_owned(),
                sha256: Hash::of(b"file"),
                bytes: 324,
            },
        },
        verification: Verification {
            by: "agent-7".to_owned(),
            method: "by-record".to_owned(),
            sampled: 3,
            found: 0,
            control: true,
        },
        residual: vec![Residual {
            place: "backup copies of the system".to_owned(),
            kind: "backup".to_owned(),
            clears_by: Known::Value(Date::new(2027, 2, 22).unwrap()),
        }],
        residual_knowledge: ResidualKnowledge::Declared,
        holds_checked: HoldsChecked { at: at(), register: Hash::of(b"holds"), count: 1 },
        not_checked: vec!["application caches".to_owned()],
    }
}

pub(crate) fn nil() -> Event {
    Event::Nil(Nil {
        run: "run-2".parse().unwrap(),
        why: NilReason::NothingDue,
        policy: Hash::of(b"policy"),
        policy_seq: 1,
        cutoff: Date::new(2026, 11, 22).unwrap(),
        totals: Totals { matched: 7, not_due: 6, held: 1, ..Totals::default() },
        not_checked: vec![],
    })
}

pub(crate) fn hold() -> Event {
    Event::Hold(HoldChange {
        action: HoldAction::Released,
        holds: vec!["H-1".to_owned()],
        register: Hash::of(b"holds"),
        count: 0,
    })
}

pub(crate) fn salts_destroyed() -> Event {
    Event::SaltsDestroyed(SaltsDestroyed { results: vec![3, 5] })
}

/// One event of each kind.
pub(crate) fn one_of_each() -> Vec<Event> {
    let reference = Ref { seq: 2, leaf: Hash::of(b"leaf") };
    vec![
        genesis(),
        policy(),
        intent(),
        result(),
        nil(),
        Event::Abort(Abort {
            run: "run-3".parse().unwrap(),
            reason: "hold_placed".to_owned(),
            intent: Some(reference),
        }),
        hold(),
        Event::Correct(Correct { corrects: reference, reason: "wrong unit".to_owned() }),
        Event::Incident(Incident {
            code: "clock".to_owned(),
            summary: "the clock went back".to_owned(),
            run: Some("run-4".parse().unwrap()),
        }),
        salts_destroyed(),
    ]
}

pub(crate) fn nil_or_genesis(i: u32) -> Event {
    if i == 0 {
        return genesis();
    }
    Event::Incident(Incident { code: "test".to_owned(), summary: format!("number {i}"), run: None })
}
