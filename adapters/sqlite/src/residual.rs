//! Where copies of disposed rows survive.

use quietus_contract::{Knowledge, ResidualCopies, ResidualCopy, Result};

use crate::catalogue::{self, Kind};
use crate::config::Database;
use crate::connection::{DeedKind, Duty};
use crate::dialect::same_name;
use crate::reader::{Session, failed};
use crate::selection::Selection;
use crate::trigger;

const LOOKING: &str = "looking for copies";

/// Looks where copies are, or before a disposal, where they would be.
///
/// # Behavior
///
/// - The write-ahead log keeps the pages as they were until a checkpoint could empty it.
/// - A rollback journal that was removed leaves its blocks to the file system.
/// - Rows are overwritten with zeros as they go, but the application may have left earlier states
///   of them behind: in free pages, and in the unused space of pages that it split. Nobody can
///   look for these; VACUUM rewrites the file without them.
/// - What lies outside of the file and its companions, such as backups, cannot be seen from here;
///   `backup_days` of the system declares it.
pub(crate) fn copies(
    database: &Database,
    session: &Session,
    selection: &Selection,
    records: usize,
) -> Result<ResidualCopies> {
    let mut copies = files(database, session)?;
    copies.extend(statistics(session)?);
    for deed in trigger::deeds(session, selection)? {
        let goes = selection.graph.members.iter().any(|m| same_name(&m.table, &deed.table));
        if deed.kind == DeedKind::Delete || goes {
            continue;
        }
        copies.push(if is_virtual(session, &deed.table)? {
            copy("fts-index", format!("the index `{}`, until it is optimised", deed.table))
        } else {
            copy("trigger-copy", format!("`{}`, to which a trigger writes", deed.table))
        });
    }
    copies.dedup();
    let concerned = u64::try_from(records).ok().filter(|n| *n > 0);
    copies.iter_mut().for_each(|copy| copy.records = concerned);
    Ok(ResidualCopies { copies, knowledge: Knowledge::Observed })
}

fn copy(kind: &str, place: impl Into<String>) -> ResidualCopy {
    ResidualCopy { place: place.into(), kind: kind.to_owned(), clears_by: None, records: None }
}

fn files(database: &Database, session: &Session) -> Result<Vec<ResidualCopy>> {
    let asked = || -> rusqlite::Result<(String, i64)> {
        let sqlite = &session.link.sqlite;
        Ok((
            sqlite.query_row("PRAGMA journal_mode", [], |row| row.get(0))?,
            sqlite.query_row("PRAGMA freelist_count", [], |row| row.get(0))?,
        ))
    };
    let (journal_mode, free_pages) = asked().map_err(failed(LOOKING))?;
    let mut copies = Vec::new();
    if database.write_ahead_log_bytes() > 0 {
        copies.push(copy("write-ahead-log", "the write-ahead log, until it is checkpointed"));
    }
    if database.rollback_journal_bytes() > 0 {
        copies.push(copy("rollback-journal", "the rollback journal beside the file"));
    } else if journal_mode != "wal" {
        copies.push(copy(
            "rollback-journal",
            "blocks of the file system in which rollback journals were",
        ));
    }
    copies.push(copy(
        "free-pages",
        if free_pages > 0 {
            "free pages of the file, with what was deleted before, until VACUUM"
        } else {
            "unused space within the pages of the file, with earlier states of rows, until VACUUM"
        },
    ));
    Ok(copies)
}

/// `ANALYZE` keeps samples of indexed values.
fn statistics(session: &Session) -> Result<Option<ResidualCopy>> {
    let samples: i64 = session
        .link
        .sqlite
        .query_row(
            "SELECT count(*) FROM main.sqlite_schema WHERE name IN ('sqlite_stat3', 'sqlite_stat4')",
            [],
            |row| row.get(0),
        )
        .map_err(failed(LOOKING))?;
    Ok((samples > 0).then(|| copy("statistics", "samples of indexed values, until ANALYZE")))
}

fn is_virtual(session: &Session, table: &str) -> Result<bool> {
    let tables = session
        .link
        .watch
        .during(Duty::Catalogue, || catalogue::tables(&session.link.sqlite))
        .map_err(failed(LOOKING))?;
    Ok(tables.iter().any(|t| same_name(&t.name, table) && t.kind == Kind::Virtual))
}
