//! Statements on their way from the journal into the ledger.
//!
//! A statement is written here in the same transaction as the change of state that it tells of,
//! and appended to the ledger next. It is written with the ledger's head before and after, so
//! that a crash in between leads to the very same entry, once. The last one stays: with its heads
//! the ledger is continued, and only there.

use rusqlite::{OptionalExtension, Transaction, params};

use super::{Journal, Result, count, stored};

/// A statement with its place in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The place.
    pub seq: u64,
    /// The bytes.
    pub statement: Vec<u8>,
    /// The ledger's head before, as JSON.
    pub head_before: String,
    /// The ledger's head after, as JSON.
    pub head_after: String,
}

/// Puts a statement in; older ones have arrived by then.
pub(super) fn put(tx: &Transaction<'_>, statement: &Pending) -> Result<()> {
    tx.execute("DELETE FROM outbox WHERE seq < ?1", [stored(statement.seq)?])?;
    tx.execute(
        "INSERT INTO outbox VALUES (?1, ?2, ?3, ?4)",
        params![
            stored(statement.seq)?,
            statement.statement,
            statement.head_before,
            statement.head_after
        ],
    )?;
    Ok(())
}

impl Journal {
    /// Puts a statement in that no change of state goes with.
    pub fn put_statement(&self, statement: &Pending) -> Result<()> {
        self.write(|tx| put(tx, statement))
    }

    /// Returns the last statement; it may not have arrived.
    pub fn pending(&self) -> Result<Option<Pending>> {
        let row: Option<(i64, Vec<u8>, String, String)> = self
            .db
            .query_row(
                "SELECT seq, statement, head_before, head_after FROM outbox
                 ORDER BY seq DESC LIMIT 1",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
            )
            .optional()?;
        row.map(|(seq, statement, head_before, head_after)| {
            Ok(Pending { seq: count(seq)?, statement, head_before, head_after })
        })
        .transpose()
    }
}
