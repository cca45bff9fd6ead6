//! A ledger in memory, written by the agent's own code, for harnesses that verify or break it.

use std::collections::BTreeMap;
use std::io;

use quietus_evidence::bundle::{self, Selection};
use quietus_evidence::commitment::SUITE;
use quietus_evidence::layout::{CHECKPOINT, records_file, records_path};
use quietus_evidence::ledger::LedgerError;
use quietus_evidence::note::{self, KeyType, VerifierKey};
use quietus_evidence::source::too_large;
use quietus_evidence::statement::{
    Abort, Approval, Authority, Batch, BatchResult, Counts, FileDigest, Genesis, HoldsChecked,
    Intent, IntentScope, Issuer, Known, Method, MethodClass, Nil, NilReason, PolicyInForce,
    PublicKeyBytes, RecordsFile, Ref, Residual, ResidualKnowledge, ResultScope, RunId, Standard,
    Time, Tool, Totals, Verification,
};
use quietus_evidence::{
    Appended, BatchKey, Commitment, Date, Disclosure, Event, FileKey, Hash, Head, Keys, PublicKey,
    RecordLine, RecordOutcome, RecordsSummary, Signer, Source, Timestamp, append, commit_all,
    intent_root, write_records,
};

/// The name of the sample ledger.
pub const ORIGIN: &str = "disposal.example.org/agent-7";
/// The name of the sample witness.
pub const WITNESS: &str = "witness.auditor.example/w1";
/// The store of the sample records.
pub const STORE: &str = "pg:crm/public.customers";
/// The seed of the key that signs checkpoints.
pub const LOG_SEED: [u8; 32] = [1; 32];
/// The seed of the witness's key.
pub const WITNESS_SEED: [u8; 32] = [2; 32];
/// The seed of the key that signs statements.
pub const CERTIFICATE_SEED: [u8; 32] = [3; 32];

/// 2026-11-22T02:00:00Z
const START: i64 = 1_795_312_800;

/// A ledger and its evidence, file by file, as a programme folder has them.
#[derive(Clone)]
pub struct Sample {
    /// Path to content.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The head after the last entry.
    pub head: Head,
    /// The policy entry in force.
    pub policy: Ref,
    digest: Hash,
}

/// A batch that is not in the ledger yet.
pub struct PlannedBatch {
    /// Its run.
    pub run: RunId,
    /// Which of how many.
    pub batch: Batch,
    /// Its lines in their order.
    pub lines: Vec<RecordLine>,
}

impl PlannedBatch {
    /// Commits to records, all of one due date; `outcome` says what becomes of record `i`.
    pub fn new(
        run: &str,
        batch: Batch,
        records: &[String],
        outcome: impl Fn(usize) -> RecordOutcome,
    ) -> anyhow::Result<Self> {
        let due = Date::new(2026, 10, 31).ok_or_else(|| anyhow::anyhow!("no such day"))?;
        let made = commit_all(&batch_key(batch.n), STORE, records.iter().map(String::as_str));
        let mut lines: Vec<RecordLine> = made
            .into_iter()
            .enumerate()
            .map(|(i, c)| RecordLine { c, due, outcome: outcome(i) })
            .collect();
        lines.sort_by_key(|line| line.c);
        Ok(Self { run: run.parse()?, batch, lines })
    }

    /// Returns the root that the intent states.
    pub fn intent_root(&self) -> anyhow::Result<Hash> {
        let sorted: Vec<Commitment> = self.lines.iter().map(|line| line.c).collect();
        intent_root(&sorted).ok_or_else(|| anyhow::anyhow!("the lines are not in order"))
    }
}

/// The key of a sample batch: its number in all bytes, 0x42 for the first.
pub fn batch_key(n: u64) -> BatchKey {
    BatchKey::from_bytes([n.wrapping_add(0x41).to_le_bytes()[0]; 32])
}

/// The policy file of an auditor who trusts the sample ledger, with or without its witness.
pub fn policy_text(witnessed: bool) -> anyhow::Result<String> {
    let log = verifier_key(ORIGIN, KeyType::Ed25519, &LOG_SEED)?;
    let witness = verifier_key(WITNESS, KeyType::Cosignature, &WITNESS_SEED)?;
    let quorum = if witnessed { "w1" } else { "none" };
    Ok(format!("log {log}\nwitness w1 {witness}\nquorum {quorum}\n"))
}

fn verifier_key(name: &str, kind: KeyType, seed: &[u8; 32]) -> anyhow::Result<VerifierKey> {
    let key = PublicKey::from_bytes(&FileKey::from_seed(seed).public())?;
    Ok(VerifierKey::new(name, kind, key)?)
}

impl Sample {
    /// Starts a ledger with its genesis and a policy.
    pub fn new() -> anyhow::Result<Self> {
        let mut sample = Self {
            files: BTreeMap::new(),
            head: Head::new(ORIGIN)?,
            policy: Ref { seq: 0, leaf: Hash::ZERO },
            digest: Hash::ZERO,
        };
        sample.append(Event::Genesis(Genesis {
            issuer: issuer(),
            tool: tool(),
            log_key: PublicKeyBytes(FileKey::from_seed(&LOG_SEED).public()),
            certificate_key: PublicKeyBytes(FileKey::from_seed(&CERTIFICATE_SEED).public()),
            previous: None,
        }))?;
        let file = |name: &str| FileDigest {
            name: name.to_owned(),
            sha256: Hash::of(name.as_bytes()),
            bytes: 7,
        };
        let files = vec![file("schedule.toml"), file("systems.toml")];
        sample.digest = PolicyInForce::digest_of(&files);
        let policy = PolicyInForce {
            digest: sample.digest,
            files,
            schedule: "RS-2026".to_owned(),
            version: "14".to_owned(),
            approved_by: "records-officer".to_owned(),
        };
        sample.policy = sample.append(Event::Policy(policy))?.reference();
        Ok(sample)
    }

    /// A small ledger with one of everything: two batches of three records, a nil and an abort.
    pub fn small() -> anyhow::Result<Self> {
        let mut sample = Self::new()?;
        let keys = ["1001", "1002", "1003"].map(str::to_owned);
        let first =
            PlannedBatch::new("run-1", Batch { n: 1, of: 2 }, &keys, |_| RecordOutcome::Destroyed)?;
        sample.batch(&first)?;
        let keys = ["2001", "2002", "2003", "2004"].map(str::to_owned);
        let second = PlannedBatch::new("run-1", Batch { n: 2, of: 2 }, &keys, |i| {
            let outcomes = [RecordOutcome::Destroyed, RecordOutcome::Absent, RecordOutcome::Failed];
            outcomes.get(i).copied().unwrap_or(RecordOutcome::Held)
        })?;
        sample.batch(&second)?;
        sample.append(sample.nil("run-2")?)?;
        let third =
            PlannedBatch::new("run-3", Batch { n: 1, of: 1 }, &keys, |_| RecordOutcome::Destroyed)?;
        let intent = sample.append(sample.intent(&third)?)?.reference();
        sample.append(Event::Abort(Abort {
            run: third.run,
            reason: "hold_placed".to_owned(),
            intent: Some(intent),
        }))?;
        Ok(sample)
    }

    /// The time of the next entry: one minute after the one before.
    pub fn at(&self) -> anyhow::Result<Timestamp> {
        time(60 * i64::try_from(self.head.size())?)
    }

    /// Appends an entry as the agent does.
    pub fn append(&mut self, event: Event) -> anyhow::Result<Appended> {
        Ok(self.append_at(self.at()?, event)?)
    }

    /// Appends an entry at a given time.
    pub fn append_at(&mut self, at: Timestamp, event: Event) -> Result<Appended, LedgerError> {
        let (log, certificate) =
            (FileKey::from_seed(&LOG_SEED), FileKey::from_seed(&CERTIFICATE_SEED));
        let keys = Keys { log: &log, certificate: &certificate };
        let tail = self.head.tail_path().and_then(|path| self.files.get(&path).cloned());
        let made = append(&self.head, &tail.unwrap_or_default(), at, event, keys)?;
        self.files.extend(made.files.clone());
        for path in &made.superseded {
            self.files.remove(path);
        }
        self.head = made.head.clone();
        Ok(made)
    }

    /// Appends intent and result of a batch, and its records file; returns the result's number.
    pub fn batch(&mut self, planned: &PlannedBatch) -> anyhow::Result<u64> {
        let intent = self.append(self.intent(planned)?)?.reference();
        let (records, event) = self.result(planned, intent)?;
        self.files.insert(records_path(&planned.run, planned.batch.n), records);
        Ok(self.append(event)?.seq)
    }

    /// Makes the intent of a batch.
    pub fn intent(&self, planned: &PlannedBatch) -> anyhow::Result<Event> {
        Ok(Event::Intent(Intent {
            run: planned.run.clone(),
            batch: planned.batch,
            policy: self.digest,
            policy_seq: self.policy.seq,
            plan: Hash::of(b"plan"),
            scope: IntentScope {
                store: STORE.to_owned(),
                series: "customers-closed".to_owned(),
                holding: "customers".to_owned(),
                rule: "7 years after closure".to_owned(),
                cutoff: cutoff()?,
            },
            count: u64::try_from(planned.lines.len())?,
            intent_root: planned.intent_root()?,
            commit: SUITE.to_owned(),
        }))
    }

    /// Makes the records file and the result of a batch.
    pub fn result(&self, planned: &PlannedBatch, intent: Ref) -> anyhow::Result<(Vec<u8>, Event)> {
        let mut records = Vec::new();
        let summary = write_records(planned.lines.iter().copied(), &mut records)?;
        let event = BatchResult {
            run: planned.run.clone(),
            batch: planned.batch,
            intent,
            issuer: issuer(),
            tool: tool(),
            authority: Authority {
                policy: self.digest,
                policy_seq: self.policy.seq,
                schedule: "RS-2026".to_owned(),
                version: "14".to_owned(),
                class: "customers-closed".to_owned(),
                legal_basis: vec!["GDPR Art. 5(1)(e)".to_owned()],
                approvals: vec![Approval {
                    role: "records-officer".to_owned(),
                    key: Hash::of(b"key"),
                    at: time(-86_400)?,
                }],
            },
            time: Time { started: self.at()?, finished: self.at()? },
            scope: scope(planned.batch, &summary)?,
            verification: Verification {
                by: "agent-7".to_owned(),
                method: "by-record".to_owned(),
                sampled: summary.counts.total(),
                found: summary.counts.failed,
                control: true,
            },
            residual: vec![Residual {
                place: "backup copies of the system".to_owned(),
                kind: "backup".to_owned(),
                clears_by: Known::Value(Date::new(2027, 2, 22).unwrap_or(cutoff()?)),
            }],
            residual_knowledge: ResidualKnowledge::Declared,
            holds_checked: HoldsChecked { at: self.at()?, register: Hash::of(b"holds"), count: 1 },
            not_checked: vec!["application caches".to_owned(), "analyst exports".to_owned()],
        };
        Ok((records, Event::Result(Box::new(event))))
    }

    /// Makes the record of a run that found nothing due.
    pub fn nil(&self, run: &str) -> anyhow::Result<Event> {
        Ok(Event::Nil(Nil {
            run: run.parse()?,
            why: NilReason::NothingDue,
            policy: self.digest,
            policy_seq: self.policy.seq,
            cutoff: cutoff()?,
            totals: Totals { matched: 10, not_due: 8, held: 1, permanent: 1, ..Totals::default() },
            not_checked: vec![],
        }))
    }

    /// Opens a record of the batch whose result is entry `seq`.
    pub fn disclose(&self, seq: u64, batch: u64, record: &str) -> anyhow::Result<Disclosure> {
        let path = records_path(&"run-1".parse()?, batch);
        let records = self.files.get(&path).ok_or_else(|| anyhow::anyhow!("no {path}"))?;
        Ok(Disclosure::make(ORIGIN, seq, STORE, record, &batch_key(batch), records)?)
    }

    /// Adds the witness's cosignature to the checkpoint.
    pub fn cosign(&mut self, time: u64) -> anyhow::Result<()> {
        let text = self.head.checkpoint().text();
        let line = note::cosign(&text, WITNESS, time, &FileKey::from_seed(&WITNESS_SEED))?;
        if let Some(checkpoint) = self.files.get_mut(CHECKPOINT) {
            checkpoint.extend_from_slice(line.as_bytes());
        }
        Ok(())
    }

    /// Writes a bundle.
    pub fn bundle(
        &self,
        selection: Selection,
        disclosures: &[Disclosure],
    ) -> anyhow::Result<Vec<u8>> {
        let mut out = Vec::new();
        bundle::write(self, selection, disclosures, &mut out)?;
        Ok(out)
    }
}

impl Source for Sample {
    fn paths(&self) -> io::Result<Vec<String>> {
        Ok(self.files.keys().cloned().collect())
    }

    fn read(&self, path: &str, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(bytes) = self.files.get(path) else { return Ok(None) };
        if u64::try_from(bytes.len()).is_ok_and(|length| length <= bytes_max) {
            Ok(Some(bytes.clone()))
        } else {
            Err(too_large(path, bytes_max))
        }
    }

    fn stream(&self, path: &str, sink: &mut dyn FnMut(&[u8]) -> bool) -> io::Result<bool> {
        let Some(bytes) = self.files.get(path) else { return Ok(false) };
        let _ended = bytes.chunks(4096).all(sink);
        Ok(true)
    }
}

fn scope(batch: Batch, summary: &RecordsSummary) -> anyhow::Result<ResultScope> {
    let counts = &summary.counts;
    Ok(ResultScope {
        store: STORE.to_owned(),
        series: "customers-closed".to_owned(),
        holding: "customers".to_owned(),
        rule: "7 years after closure".to_owned(),
        cutoff: cutoff()?,
        method: Method {
            class: MethodClass::LogicalDelete,
            technique: "sql.delete".to_owned(),
            strength: "The target no longer shows the row.".to_owned(),
            standard: Standard::NoneClaimed,
        },
        counts: Counts {
            selected: counts.total(),
            destroyed: counts.destroyed,
            already_absent: counts.absent,
            failed: counts.failed,
            held: counts.held,
            unacknowledged: 0,
            members: Known::Unknown,
            before: Known::Value(5_200_000),
            after: Known::Value(5_200_000 - counts.destroyed),
            remaining_due: Known::Value(counts.failed + counts.held),
        },
        commit: SUITE.to_owned(),
        intent_root: summary.intent_root,
        result_root: summary.result_root,
        records: RecordsFile {
            file: records_file(batch.n),
            sha256: summary.sha256,
            bytes: summary.bytes,
        },
    })
}

/// Seconds after the start of the sample.
fn time(seconds: i64) -> anyhow::Result<Timestamp> {
    Timestamp::from_unix(START + seconds).ok_or_else(|| anyhow::anyhow!("no such time"))
}

fn cutoff() -> anyhow::Result<Date> {
    Date::new(2026, 11, 22).ok_or_else(|| anyhow::anyhow!("no such day"))
}

fn issuer() -> Issuer {
    Issuer {
        org: "Example GmbH".to_owned(),
        unit: Some("Customer Service".to_owned()),
        contact: None,
        agent: "agent-7".to_owned(),
        host: "srv-ret-01".to_owned(),
    }
}

fn tool() -> Tool {
    Tool { name: "quietus".to_owned(), version: "1.0.0".to_owned(), sha256: Hash::of(b"binary") }
}
