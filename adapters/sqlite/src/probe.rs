//! What the agent may do with the file, and what can be promised on it.

use quietus_contract::{Capabilities, Clock, Probe, Result};
use rustix::fs::{Access, access};

use crate::config::Database;
use crate::inventory::RECORDS_MAX;
use crate::reader::{Session, failed};

/// Says which database it is and what can be promised on it.
pub(crate) fn probe(database: &Database, session: &Session) -> Result<Probe> {
    let asked = || -> rusqlite::Result<(i64, String)> {
        let sqlite = &session.link.sqlite;
        Ok((
            sqlite.query_row("PRAGMA application_id", [], |row| row.get(0))?,
            sqlite.query_row("PRAGMA journal_mode", [], |row| row.get(0))?,
        ))
    };
    let (application_id, journal_mode) = asked().map_err(failed("looking at the database"))?;
    let file_writable = access(&database.path, Access::WRITE_OK).is_ok();
    let folder = database.path.parent();
    let folder_writable =
        folder.is_some_and(|f| access(f, Access::WRITE_OK | Access::EXEC_OK).is_ok());
    let mut rights = vec!["read the database file".to_owned()];
    let mut notes = vec![format!("the journal mode is {journal_mode}")];
    if file_writable && folder_writable {
        rights.push("change the database file".to_owned());
    } else {
        notes.push(
            "disposal needs the right to write to the file and to its folder (for the journal)"
                .to_owned(),
        );
    }
    Ok(Probe {
        identity: database.identity(application_id),
        account: format!("user id {}", rustix::process::geteuid().as_raw()),
        rights,
        product: format!("SQLite {}", rusqlite::version()),
        clock: Clock::Shared,
        capabilities: Capabilities {
            guarded: true,
            transactional: true,
            own_holds: false,
            order_records_max: RECORDS_MAX,
            page_records_max: RECORDS_MAX,
        },
        notes,
    })
}
