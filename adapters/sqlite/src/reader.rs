//! What both halves share: an open database, and the selections that were checked on it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quietus_contract::{AdapterError, Holding, Result, Scope};

use crate::config::Database;
use crate::connection::Link;
use crate::error::from_sqlite;
use crate::finder::Found;
use crate::selection::Selection;

/// An open database.
#[derive(Debug)]
pub(crate) struct Reader {
    /// The file.
    pub(crate) database: Database,
    session: Mutex<Session>,
}

/// A connection and what is known of the database behind it.
#[derive(Debug)]
pub(crate) struct Session {
    /// The connection.
    pub(crate) link: Link,
    /// What indexes found for enumerations that are under way.
    pub(crate) found: Vec<Found>,
    known: Vec<Known>,
}

#[derive(Debug)]
struct Known {
    holding: Arc<Holding>,
    schema: i64,
    selection: Arc<Selection>,
}

/// Selections that are remembered.
const KNOWN_MAX: usize = 256;

impl Reader {
    /// Opens a database for reading.
    pub(crate) fn open(database: Database) -> Result<Self> {
        let link = Link::open_reader(&database.path, database.busy_timeout)?.guarded()?;
        Ok(Self { database, session: Mutex::new(Session::new(link)) })
    }

    /// Takes the connection for one call, within one transaction, so that everything that the
    /// call reads is of one moment.
    pub(crate) fn call<T>(
        &self,
        doing: &'static str,
        run: impl FnOnce(&mut Session) -> Result<T>,
    ) -> Result<T> {
        self.database.is_same_file()?;
        let mut session = self.locked();
        session.link.start_call();
        // An earlier call may have failed to end its transaction.
        let begin = if session.link.sqlite.is_autocommit() { "BEGIN" } else { "ROLLBACK; BEGIN" };
        session.link.sqlite.execute_batch(begin).map_err(|e| from_sqlite(doing, &e))?;
        let result = run(&mut session);
        let ended = session.link.sqlite.execute_batch("ROLLBACK");
        let result = result?;
        ended.map_err(|e| from_sqlite(doing, &e))?;
        Ok(result)
    }

    fn locked(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// Begins with nothing known.
    pub(crate) fn new(link: Link) -> Self {
        Self { link, found: Vec::new(), known: Vec::new() }
    }

    /// Returns the checked selection of a holding; it is checked again when the schema changed.
    pub(crate) fn selection(&mut self, scope: &Scope) -> Result<Arc<Selection>> {
        let schema = self.schema()?;
        let holding = &scope.holding;
        let known = self
            .known
            .iter()
            .find(|known| known.schema == schema && Arc::ptr_eq(&known.holding, holding));
        if let Some(known) = known {
            return Ok(Arc::clone(&known.selection));
        }
        let selection = Arc::new(Selection::resolve(&self.link, holding)?);
        self.known.retain(|known| known.schema == schema);
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        self.known.push(Known {
            holding: Arc::clone(holding),
            schema,
            selection: Arc::clone(&selection),
        });
        Ok(selection)
    }

    /// Returns the number that grows with each change of the schema.
    pub(crate) fn schema(&self) -> Result<i64> {
        self.link
            .sqlite
            .prepare_cached("PRAGMA schema_version")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .map_err(|e| from_sqlite("reading the catalogue", &e))
    }
}

/// Names what was being done when SQLite failed.
pub(crate) fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> AdapterError {
    move |error| from_sqlite(doing, &error)
}
