//! Batches: the unit of a certificate.

use jiff::Timestamp;
use rusqlite::params;

use super::outbox::{self, Pending};
use super::{Event, Fates, Journal, JournalError, Reasons, Result, State, count, stored};

/// A stretch of a plan's segment, of at most as many records as a batch may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBatch {
    /// Number in the run, from 1.
    pub n: u32,
    /// The segment, by its number in the plan.
    pub segment: u32,
    /// First byte.
    pub start: u64,
    /// Bytes.
    pub length: u64,
    /// Records.
    pub records: u32,
    /// Digest of the bytes.
    pub sha256: [u8; 32],
}

/// A batch in the journal.
#[derive(Clone, Debug)]
pub struct BatchRow {
    /// What it consists of.
    pub batch: NewBatch,
    /// Its state.
    pub state: State,
    /// The key of its commitments, once it is intended.
    pub key: Option<[u8; 32]>,
    /// When its first record was intended.
    pub began_at: Option<Timestamp>,
    /// When its last record was verified.
    pub ended_at: Option<Timestamp>,
    /// Where its intent stands in the ledger.
    pub intent_seq: Option<u64>,
    /// Where its certificate stands in the ledger.
    pub result_seq: Option<u64>,
    /// The final fates, once it is verified.
    pub fates: Option<Fates>,
}

/// What is needed to prove one record's disposal later.
#[derive(Clone)]
pub struct Opening {
    /// The run.
    pub run: String,
    /// The batch.
    pub batch: u32,
    /// The class.
    pub class: String,
    /// The store's name.
    pub store: String,
    /// How many records the batch has.
    pub records: u32,
    /// The key of the batch's commitments.
    pub key: [u8; 32],
    /// The certificate.
    pub result_seq: u64,
}

impl Journal {
    /// Returns all batches of a run, in order.
    pub fn batches(&self, run: &str) -> Result<Vec<BatchRow>> {
        let mut select = self.db.prepare_cached(
            "SELECT n, state, segment, start, length, records, sha256, key, began_at, ended_at,
                    intent_seq, result_seq, fates, reasons, members
             FROM batch WHERE run = ?1 ORDER BY n",
        )?;
        let mut rows = select.query([run])?;
        let mut batches = Vec::new();
        while let Some(row) = rows.next()? {
            batches.push(read(row)?);
        }
        Ok(batches)
    }

    /// Returns one batch of a run.
    pub fn batch(&self, run: &str, n: u32) -> Result<BatchRow> {
        let mut select = self.db.prepare_cached(
            "SELECT n, state, segment, start, length, records, sha256, key, began_at, ended_at,
                    intent_seq, result_seq, fates, reasons, members
             FROM batch WHERE run = ?1 AND n = ?2",
        )?;
        let mut rows = select.query(params![run, n])?;
        match rows.next()? {
            Some(row) => read(row),
            None => Err(JournalError::Damaged("a batch is missing")),
        }
    }

    /// Drops the batches of a run that were never intended: nobody was told of them.
    pub fn drop_planned(&self, run: &str) -> Result<()> {
        self.write(|tx| {
            tx.execute(
                "DELETE FROM batch WHERE run = ?1 AND state = ?2",
                [run, State::Planned.word()],
            )?;
            Ok(())
        })
    }

    /// Writes a batch's intent: its key, and the statement on its way into the ledger.
    ///
    /// A crash before this leaves the batch planned; after it, the statement reaches the ledger
    /// before anything else happens.
    pub fn intend(
        &self,
        run: &str,
        batch: &BatchRow,
        key: &[u8; 32],
        at: Timestamp,
        statement: &Pending,
    ) -> Result<()> {
        let next = batch.state.after(Event::Intend)?;
        self.write(|tx| {
            tx.execute(
                "UPDATE batch SET state = ?3, key = ?4, began_at = ?5, intent_seq = ?6
                 WHERE run = ?1 AND n = ?2",
                params![
                    run,
                    batch.batch.n,
                    next.word(),
                    key,
                    at.to_string(),
                    stored(statement.seq)?
                ],
            )?;
            outbox::put(tx, statement)
        })
    }

    /// Notes that every order of a batch is settled.
    pub fn settle_batch(&self, run: &str, batch: &BatchRow) -> Result<()> {
        let next = batch.state.after(Event::Settle)?;
        self.write(|tx| {
            tx.execute(
                "UPDATE batch SET state = ?3 WHERE run = ?1 AND n = ?2",
                params![run, batch.batch.n, next.word()],
            )?;
            Ok(())
        })
    }

    /// Writes the final fates of a batch, after a separate read.
    pub fn verify_batch(
        &self,
        run: &str,
        batch: &BatchRow,
        fates: &Fates,
        at: Timestamp,
    ) -> Result<()> {
        let next = batch.state.after(Event::Verify)?;
        self.write(|tx| {
            tx.execute(
                "UPDATE batch SET state = ?3, fates = ?4, reasons = ?5, members = ?6,
                        ended_at = ?7
                 WHERE run = ?1 AND n = ?2",
                params![
                    run,
                    batch.batch.n,
                    next.word(),
                    fates.bytes(),
                    text_of(&fates.reasons)?,
                    stored(fates.members)?,
                    at.to_string(),
                ],
            )?;
            Ok(())
        })
    }

    /// Writes a batch's certificate on its way into the ledger, and keeps the key with which one
    /// record's disposal can be proved.
    pub fn certify(
        &self,
        run: &str,
        batch: &BatchRow,
        statement: &Pending,
        opening: &Opening,
        system: &str,
    ) -> Result<()> {
        let next = batch.state.after(Event::Certify)?;
        self.write(|tx| {
            tx.execute(
                "UPDATE batch SET state = ?3, result_seq = ?4 WHERE run = ?1 AND n = ?2",
                params![run, batch.batch.n, next.word(), stored(statement.seq)?],
            )?;
            tx.execute(
                "INSERT OR REPLACE INTO opening VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    run,
                    batch.batch.n,
                    system,
                    opening.class,
                    opening.store,
                    opening.records,
                    opening.key,
                    stored(statement.seq)?,
                ],
            )?;
            outbox::put(tx, statement)
        })
    }

    /// Returns the openings of a system, newest first.
    pub fn openings(&self, system: &str) -> Result<Vec<Opening>> {
        let mut select = self.db.prepare(
            "SELECT run, batch, class, store, records, key, result_seq FROM opening
             WHERE system = ?1 ORDER BY result_seq DESC",
        )?;
        let rows = select.query_map([system], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
                row.get(5)?,
                row.get::<_, i64>(6)?,
            ))
        })?;
        rows.map(|row| {
            let (run, batch, class, store, records, key, result_seq) = row?;
            let result_seq = count(result_seq)?;
            Ok(Opening { run, batch, class, store, records, key, result_seq })
        })
        .collect()
    }
}

fn read(row: &rusqlite::Row<'_>) -> Result<BatchRow> {
    let state: String = row.get("state")?;
    let time = |name: &str| -> Result<Option<Timestamp>> {
        let text: Option<String> = row.get(name)?;
        text.map(|t| t.parse().map_err(|_| JournalError::Damaged("a batch's time"))).transpose()
    };
    let seq = |name: &str| -> Result<Option<u64>> {
        row.get::<_, Option<i64>>(name)?.map(count).transpose()
    };
    let bytes: Option<Vec<u8>> = row.get("fates")?;
    let fates = bytes
        .map(|bytes| {
            let reasons = reasons_of(row.get("reasons")?)?;
            Fates::from_bytes(&bytes, reasons, count(row.get("members")?)?)
                .ok_or(JournalError::Damaged("a batch's fates"))
        })
        .transpose()?;
    Ok(BatchRow {
        batch: NewBatch {
            n: row.get("n")?,
            segment: row.get("segment")?,
            start: count(row.get("start")?)?,
            length: count(row.get("length")?)?,
            records: row.get("records")?,
            sha256: row.get("sha256")?,
        },
        state: State::from_word(&state).ok_or(JournalError::Damaged("a batch's state"))?,
        key: row.get("key")?,
        began_at: time("began_at")?,
        ended_at: time("ended_at")?,
        intent_seq: seq("intent_seq")?,
        result_seq: seq("result_seq")?,
        fates,
    })
}

/// Writes reasons as the journal has them.
pub(super) fn text_of(reasons: &Reasons) -> Result<String> {
    serde_json::to_string(reasons).map_err(|_| JournalError::Damaged("reasons"))
}

/// Reads reasons as the journal has them.
pub(super) fn reasons_of(text: Option<String>) -> Result<Reasons> {
    text.map_or_else(
        || Ok(Reasons::default()),
        |text| serde_json::from_str(&text).map_err(|_| JournalError::Damaged("reasons")),
    )
}
