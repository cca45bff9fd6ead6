//! The journal: working state of runs, in an embedded SQLite database.
//!
//! ```text
//! run ---> one open run at most; pins what it was started with
//! batch -> a stretch of a plan's segment; its state, its key, its final fates
//! order -> a stretch of a batch; sent, or answered with fates
//! outbox > a statement on its way into the ledger
//! ```
//!
//! The journal holds no locators: those stand in the plan's segments, which go when the run
//! closes. What outlives a run is the history of counts, the enrolled identities and the keys
//! with which one record's disposal can be proved later.
//!
//! After the first failed write nothing more is written and no order is made.

mod batch;
mod fate;
mod order;
mod outbox;
mod run;
mod transitions;

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

pub use batch::{BatchRow, NewBatch, Opening};
pub use fate::{Fate, Fates, Reasons};
pub use order::OrderRow;
pub use outbox::Pending;
pub use run::{History, NewRun, RunRow};
pub use transitions::{Event, Illegal, State};

use crate::durable::Durable;

/// How long a command waits for another that is writing to the journal.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// The journal.
pub struct Journal {
    db: Connection,
    durable: Durable,
}

/// Why the journal could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The database failed. Nothing more is written, and no order is made, after a failed write.
    #[error("the journal cannot be used: {0}")]
    Database(#[from] rusqlite::Error),
    /// A change of state that the table does not have.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// Something that we wrote cannot be read back.
    #[error("the journal is damaged: {0}; keep the folder as it is and ask for help")]
    Damaged(&'static str),
    /// An earlier write failed.
    #[error(transparent)]
    Durable(#[from] crate::durable::DurableError),
}

type Result<T> = std::result::Result<T, JournalError>;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS run (
  id TEXT PRIMARY KEY, plan TEXT NOT NULL, as_of TEXT NOT NULL, pins TEXT NOT NULL,
  opened_at TEXT NOT NULL, closed_at TEXT, ending TEXT
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS one_open_run ON run ((1)) WHERE closed_at IS NULL;
CREATE TABLE IF NOT EXISTS batch (
  run TEXT NOT NULL REFERENCES run (id), n INTEGER NOT NULL, state TEXT NOT NULL,
  segment INTEGER NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL,
  records INTEGER NOT NULL, sha256 BLOB NOT NULL, key BLOB, began_at TEXT, ended_at TEXT,
  intent_seq INTEGER, result_seq INTEGER, fates BLOB, reasons TEXT, members INTEGER,
  PRIMARY KEY (run, n)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batch_order (
  run TEXT NOT NULL, batch INTEGER NOT NULL, n INTEGER NOT NULL, state TEXT NOT NULL,
  start INTEGER NOT NULL, records INTEGER NOT NULL, attempts INTEGER NOT NULL, kept BLOB,
  fates BLOB, reasons TEXT, members INTEGER,
  PRIMARY KEY (run, batch, n), FOREIGN KEY (run, batch) REFERENCES batch (run, n)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (
  seq INTEGER PRIMARY KEY, statement BLOB NOT NULL, head_before TEXT NOT NULL,
  head_after TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS opening (
  run TEXT NOT NULL, batch INTEGER NOT NULL, system TEXT NOT NULL, class TEXT NOT NULL,
  store TEXT NOT NULL, records INTEGER NOT NULL, key BLOB NOT NULL, result_seq INTEGER NOT NULL,
  PRIMARY KEY (run, batch)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS history (
  run TEXT NOT NULL, class TEXT NOT NULL, system TEXT NOT NULL, at TEXT NOT NULL,
  matched INTEGER NOT NULL, disposed INTEGER NOT NULL, counts TEXT NOT NULL,
  PRIMARY KEY (run, class, system)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS enrolment (
  system TEXT PRIMARY KEY, identity TEXT NOT NULL, since TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
";

impl Journal {
    /// Opens or makes the journal.
    ///
    /// # Behavior
    ///
    /// - A commit is on disk before it is answered (`synchronous = FULL`), or opening fails.
    /// - What is deleted is overwritten (`secure_delete`).
    pub fn open(path: &Path, durable: Durable) -> Result<Self> {
        let db = Connection::open(path)?;
        db.busy_timeout(BUSY_TIMEOUT)?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "secure_delete", "ON")?;
        db.pragma_update(None, "foreign_keys", "ON")?;
        let synchronous: i64 = db.pragma_query_value(None, "synchronous", |row| row.get(0))?;
        if synchronous != 2 {
            return Err(JournalError::Damaged("it does not write through to the disk"));
        }
        let journal = Self { db, durable };
        journal.write(|tx| Ok(tx.execute_batch(SCHEMA)?))?;
        // Where the switch fails on the disk, SQLite keeps the old mode without a word; and it may
        // claim the new one until something is written.
        let mode: String = journal.db.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        if mode != "wal" {
            return Err(JournalError::Damaged("its disk refused the write-ahead mode"));
        }
        // SQLite does not say when the folder's own sync fails; so it is done again, and said.
        if let Some(folder) = path.parent() {
            journal.durable.sync_dir(folder)?;
        }
        Ok(journal)
    }

    /// Folds the write-ahead log into the journal at the end of a run.
    ///
    /// Closing would do it too, and would not say when the disk refuses. Nothing is lost then: the
    /// log is durable, and the next run reads it.
    pub fn fold(&self) -> Result<()> {
        self.durable.check()?;
        let folded = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = &folded {
            self.durable.poison(format!("writing the journal failed: {error}"));
        }
        Ok(folded?)
    }

    /// Runs a transaction; a failure poisons everything that writes.
    fn write<T>(&self, change: impl FnOnce(&rusqlite::Transaction<'_>) -> Result<T>) -> Result<T> {
        self.durable.check()?;
        let outcome = (|| {
            let tx = rusqlite::Transaction::new_unchecked(
                &self.db,
                rusqlite::TransactionBehavior::Immediate,
            )?;
            let answer = change(&tx)?;
            tx.commit()?;
            Ok(answer)
        })();
        if let Err(JournalError::Database(error)) = &outcome {
            self.durable.poison(format!("writing the journal failed: {error}"));
        }
        outcome
    }

    /// Reads a fact that outlives runs.
    pub fn fact(&self, name: &str) -> Result<Option<String>> {
        let mut select = self.db.prepare_cached("SELECT value FROM fact WHERE name = ?1")?;
        Ok(select.query_row([name], |row| row.get(0)).optional()?)
    }

    /// Writes a fact that outlives runs.
    pub fn set_fact(&self, name: &str, value: &str) -> Result<()> {
        self.write(|tx| {
            tx.execute("INSERT OR REPLACE INTO fact VALUES (?1, ?2)", [name, value])?;
            Ok(())
        })
    }

    /// Returns the identity under which a system is enrolled.
    pub fn enrolled(&self, system: &str) -> Result<Option<String>> {
        let mut select =
            self.db.prepare_cached("SELECT identity FROM enrolment WHERE system = ?1")?;
        Ok(select.query_row([system], |row| row.get(0)).optional()?)
    }

    /// Enrols a system under an identity.
    pub fn enrol(&self, system: &str, identity: &str, at: jiff::Timestamp) -> Result<()> {
        self.write(|tx| {
            tx.execute(
                "INSERT OR REPLACE INTO enrolment VALUES (?1, ?2, ?3)",
                [system, identity, &at.to_string()],
            )?;
            Ok(())
        })
    }
}

/// Turns a count into what SQLite stores.
fn stored(count: u64) -> Result<i64> {
    i64::try_from(count).map_err(|_| JournalError::Damaged("a count is too large"))
}

/// Turns what SQLite stores into a count.
fn count(stored: i64) -> Result<u64> {
    u64::try_from(stored).map_err(|_| JournalError::Damaged("a count is negative"))
}
