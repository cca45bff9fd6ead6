//! Runs, and the history that outlives them.

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{OptionalExtension, params};

use super::outbox::{self, Pending};
use super::{Journal, JournalError, NewBatch, Result, count, stored};

/// What a run is opened with.
pub struct NewRun<'a> {
    /// Its name.
    pub id: &'a str,
    /// The plan that it carries out.
    pub plan: &'a str,
    /// The evaluation date.
    pub as_of: Date,
    /// Digests of everything that the run was started with, as JSON.
    pub pins: &'a str,
    /// When.
    pub at: Timestamp,
}

/// A run in the journal.
#[derive(Clone, Debug)]
pub struct RunRow {
    /// Its name.
    pub id: String,
    /// The plan that it carries out.
    pub plan: String,
    /// The evaluation date.
    pub as_of: Date,
    /// Digests of everything that the run was started with, as JSON.
    pub pins: String,
    /// When it was opened.
    pub opened_at: Timestamp,
}

/// What one run did for one class in one system.
#[derive(Clone, Debug)]
pub struct History {
    /// The class.
    pub class: String,
    /// The system.
    pub system: String,
    /// When the run closed.
    pub at: Timestamp,
    /// Records of the selection.
    pub matched: u64,
    /// Records disposed of.
    pub disposed: u64,
    /// All counts, as JSON.
    pub counts: String,
}

impl Journal {
    /// Opens a run with its batches, all planned.
    ///
    /// A crash before the commit leaves no trace of the run; after it, the run is resumed.
    pub fn open_run(&self, run: &NewRun<'_>, batches: &[NewBatch]) -> Result<()> {
        self.write(|tx| {
            tx.execute(
                "INSERT INTO run VALUES (?1, ?2, ?3, ?4, ?5, NULL, NULL)",
                params![run.id, run.plan, run.as_of.to_string(), run.pins, run.at.to_string()],
            )?;
            let mut insert = tx.prepare(
                "INSERT INTO batch (run, n, state, segment, start, length, records, sha256)
                 VALUES (?1, ?2, 'planned', ?3, ?4, ?5, ?6, ?7)",
            )?;
            for batch in batches {
                insert.execute(params![
                    run.id,
                    batch.n,
                    batch.segment,
                    stored(batch.start)?,
                    stored(batch.length)?,
                    batch.records,
                    batch.sha256,
                ])?;
            }
            Ok(())
        })
    }

    /// Returns the open run.
    pub fn current_run(&self) -> Result<Option<RunRow>> {
        let row = self
            .db
            .query_row(
                "SELECT id, plan, as_of, pins, opened_at FROM run WHERE closed_at IS NULL",
                [],
                |row| {
                    let texts: [String; 5] =
                        [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?];
                    Ok(texts)
                },
            )
            .optional()?;
        let Some([id, plan, as_of, pins, opened_at]) = row else { return Ok(None) };
        Ok(Some(RunRow {
            id,
            plan,
            as_of: as_of.parse().map_err(|_| JournalError::Damaged("a run's date"))?,
            pins,
            opened_at: opened_at.parse().map_err(|_| JournalError::Damaged("a run's time"))?,
        }))
    }

    /// Closes a run: its history stays, its batches and orders go, and its last statement, if it
    /// has one, is on its way into the ledger.
    pub fn close_run(
        &self,
        run: &str,
        ending: &str,
        at: Timestamp,
        history: &[History],
        statement: Option<&Pending>,
    ) -> Result<()> {
        self.write(|tx| {
            if let Some(statement) = statement {
                outbox::put(tx, statement)?;
            }
            let mut insert =
                tx.prepare("INSERT OR REPLACE INTO history VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
            for line in history {
                insert.execute(params![
                    run,
                    line.class,
                    line.system,
                    line.at.to_string(),
                    stored(line.matched)?,
                    stored(line.disposed)?,
                    line.counts,
                ])?;
            }
            tx.execute("DELETE FROM batch_order WHERE run = ?1", [run])?;
            tx.execute("DELETE FROM batch WHERE run = ?1", [run])?;
            tx.execute(
                "UPDATE run SET closed_at = ?2, ending = ?3 WHERE id = ?1",
                [run, &at.to_string(), ending],
            )?;
            Ok(())
        })
    }

    /// Returns the last runs' lines for a class in a system, newest first.
    ///
    /// Runs are taken in the order in which they were opened: two may close in one second.
    pub fn history(&self, class: &str, system: &str, runs_max: u32) -> Result<Vec<History>> {
        let mut select = self.db.prepare_cached(
            "SELECT h.at, h.matched, h.disposed, h.counts FROM history h JOIN run ON run.id = h.run
             WHERE h.class = ?1 AND h.system = ?2 ORDER BY run.rowid DESC LIMIT ?3",
        )?;
        let rows = select.query_map(params![class, system, runs_max], |row| {
            Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
        rows.map(|row| {
            let (at, matched, disposed, counts) = row?;
            Ok(History {
                class: class.to_owned(),
                system: system.to_owned(),
                at: at.parse().map_err(|_| JournalError::Damaged("a history's time"))?,
                matched: count(matched)?,
                disposed: count(disposed)?,
                counts,
            })
        })
        .collect()
    }

    /// Returns every class and system with a history.
    pub fn history_lines(&self) -> Result<Vec<History>> {
        let mut select =
            self.db.prepare("SELECT DISTINCT class, system FROM history ORDER BY class, system")?;
        let pairs = select
            .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?
            .collect::<std::result::Result<Vec<_>, _>>()?;
        let mut lines = Vec::new();
        for (class, system) in pairs {
            lines.extend(self.history(&class, &system, 1)?);
        }
        Ok(lines)
    }

    /// Returns when the last run closed, and how.
    pub fn last_run(&self) -> Result<Option<(String, Timestamp, String)>> {
        let row: Option<(String, String, String)> = self
            .db
            .query_row(
                "SELECT id, closed_at, ending FROM run WHERE closed_at IS NOT NULL
                 ORDER BY rowid DESC LIMIT 1",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .optional()?;
        let Some((id, at, ending)) = row else { return Ok(None) };
        let at = at.parse().map_err(|_| JournalError::Damaged("a run's time"))?;
        Ok(Some((id, at, ending)))
    }
}
