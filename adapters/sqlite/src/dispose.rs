//! The half that disposes.
//!
//! ```text
//! begin ---> one immediate transaction for an order: nobody else writes meanwhile
//! check ---> each record is read again, whole: condition, dates, members, version
//! order ---> records that refer to each other: those that refer go first
//! delete --> members, then the row; exactly one row must go
//! commit --> durable
//! close ---> the write-ahead log is emptied, if nobody reads from it
//! ```

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use quietus_contract::{
    Absence, Action, AdapterError, Cursor, DisposalOrder, Disposer, ErrorKind, Inventory, Locator,
    Outcome, Page, Probe, Record, RecordRef, ResidualCopies, Result, Retry, Scope, Survey,
    Uncovered,
};
use rusqlite::{Connection, Statement};

use crate::absence::is_anonymous;
use crate::config::Database;
use crate::connection::{Duty, Link};
use crate::error::{constraint, from_sqlite};
use crate::own::{self, Ready};
use crate::reader::{Reader, failed};
use crate::row::{self, RowReader};
use crate::selection::Selection;
use crate::sweep::{self, Expected};
use crate::value::Cell;

/// How long the write-ahead log may get within a run of orders; each emptying costs three waits
/// for the disk.
const LOG_BYTES_MAX: u64 = 64 * 1024 * 1024;

const DISPOSING: &str = "disposing of records";

/// An open database with the power to change it.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) reader: Reader,
    pub(crate) link: Mutex<Link>,
    expected: Expected,
}

impl Writer {
    /// Opens a database for disposal.
    pub(crate) fn open(database: Database) -> Result<Self> {
        let link = Link::open_writer(&database.path, database.busy_timeout)?.guarded()?;
        let expected = Expected::default();
        expected.add_functions(&link.sqlite).map_err(failed("opening the database"))?;
        Ok(Self { reader: Reader::open(database)?, link: Mutex::new(link), expected })
    }

    fn dispose_now(&self, order: &DisposalOrder) -> Result<Vec<Outcome>> {
        let scope = order.scope();
        let (selection, schema) = self
            .reader
            .call(DISPOSING, |session| Ok((session.selection(scope)?, session.schema()?)))?;
        let link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        link.start_call();
        let work = Work { link: &link, selection: &selection, schema, expected: &self.expected };
        let outcomes = link.watch.during(duty(&selection), || work.run(order.records()))?;
        if self.reader.database.write_ahead_log_bytes() >= LOG_BYTES_MAX {
            empty_write_ahead_log(&link.sqlite, self.reader.database.busy_timeout);
        }
        Ok(outcomes)
    }

    fn empty_log(&self) {
        if self.reader.database.write_ahead_log_bytes() > 0 {
            let link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
            empty_write_ahead_log(&link.sqlite, self.reader.database.busy_timeout);
        }
    }
}

/// Whoever closes the database leaves no copy of what was disposed of in the log.
impl Drop for Writer {
    fn drop(&mut self) {
        self.empty_log();
    }
}

/// What the statements of a disposal may touch; triggers of the database may do more.
fn duty(selection: &Selection) -> Duty {
    let lower = |name: &String| name.to_ascii_lowercase();
    let mut delete = BTreeSet::new();
    let mut update = BTreeSet::new();
    let table = selection.table().to_ascii_lowercase();
    for (position, _) in &selection.treatments {
        update.insert((table.clone(), selection.column(*position).to_ascii_lowercase()));
    }
    if selection.holding.action == Action::Destroy {
        delete.insert(table);
        delete.extend(selection.graph.members.iter().map(|member| lower(&member.table)));
    }
    for key in &selection.graph.cleared {
        update.extend(key.columns.iter().map(|column| (lower(&key.child), lower(column))));
    }
    let shadow = selection.shadows.iter().map(lower).collect();
    Duty::Dispose { delete: Arc::new(delete), update: Arc::new(update), shadow: Arc::new(shadow) }
}

/// How careful an attempt is. Each next one is slower, and is taken only after the one before met
/// a record that the database refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// One transaction, one statement; only where rows go alone.
    Sweep,
    /// One transaction, nothing to go back to within it.
    Together,
    /// One transaction with a savepoint for each record.
    Careful,
    /// A transaction for each record: a refusal that shows only at commit, or that ends the whole
    /// transaction, concerns one record.
    Single,
}

/// Why an attempt was given up, with nothing done.
enum GivenUp {
    /// A record was refused: go on more carefully.
    Refused(&'static str),
    /// The whole call failed.
    Failed(AdapterError),
}

impl From<AdapterError> for GivenUp {
    fn from(error: AdapterError) -> Self {
        Self::Failed(error)
    }
}

/// One order being carried out.
struct Work<'w> {
    link: &'w Link,
    selection: &'w Selection,
    schema: i64,
    expected: &'w Expected,
}

impl Work<'_> {
    fn run(&self, records: &[RecordRef]) -> Result<Vec<Outcome>> {
        let can_sweep = sweep::can(&self.link.sqlite, self.selection).map_err(failed(DISPOSING))?;
        let paces = [Pace::Sweep, Pace::Together, Pace::Careful];
        for pace in paces.into_iter().skip(usize::from(!can_sweep)) {
            match self.attempt(records, pace) {
                Ok(outcomes) => return Ok(outcomes),
                Err(GivenUp::Refused(_)) => {}
                Err(GivenUp::Failed(error)) => return Err(error),
            }
        }
        // A crash within leaves some records disposed of and the others untouched.
        let mut outcomes = Vec::with_capacity(records.len());
        for record in records.chunks(1) {
            match self.attempt(record, Pace::Single) {
                Ok(outcome) => outcomes.extend(outcome),
                Err(GivenUp::Refused(why)) => {
                    outcomes.push(Outcome::Refused { reason: why.to_owned() });
                }
                Err(GivenUp::Failed(error)) => return Err(error),
            }
        }
        Ok(outcomes)
    }

    /// Carries the order out within one transaction, or leaves everything as it was.
    fn attempt(
        &self,
        records: &[RecordRef],
        pace: Pace,
    ) -> std::result::Result<Vec<Outcome>, GivenUp> {
        let sqlite = &self.link.sqlite;
        self.begin()?;
        let within = match pace {
            Pace::Sweep => self.sweep(records),
            _ => self.within(records, pace),
        };
        let result = within.and_then(|outcomes| {
            // Commit point: a crash before it leaves every record, one after it none.
            match sqlite.prepare_cached("COMMIT").and_then(|mut s| s.raw_execute()) {
                Ok(_) => Ok(outcomes),
                Err(error) => Err(self.given_up(&error)),
            }
        });
        if result.is_err() && !sqlite.is_autocommit() {
            sqlite.execute_batch("ROLLBACK").map_err(|e| GivenUp::Failed(failed(DISPOSING)(e)))?;
        }
        result
    }

    fn begin(&self) -> Result<()> {
        let sqlite = &self.link.sqlite;
        if !sqlite.is_autocommit() {
            // What an earlier call could not undo.
            sqlite.execute_batch("ROLLBACK").map_err(failed(DISPOSING))?;
        }
        sqlite.execute_batch("BEGIN IMMEDIATE").map_err(failed(DISPOSING))?;
        let schema = sqlite
            .prepare_cached("PRAGMA schema_version")
            .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)));
        let defer = if self.refers_to_itself() {
            sqlite.execute_batch("PRAGMA defer_foreign_keys = ON")
        } else {
            Ok(())
        };
        let found = defer.and(schema);
        if matches!(found, Ok(found) if found == self.schema) {
            return Ok(());
        }
        sqlite.execute_batch("ROLLBACK").map_err(failed(DISPOSING))?;
        found.map_err(failed(DISPOSING))?;
        Err(AdapterError::new(ErrorKind::Broken, "the tables changed meanwhile")
            .with_retry(Retry::Later))
    }

    fn refers_to_itself(&self) -> bool {
        !self.selection.graph.own.is_empty() || !self.selection.graph.back.is_empty()
    }

    fn given_up(&self, error: &rusqlite::Error) -> GivenUp {
        match constraint(error) {
            Some(why) => GivenUp::Refused(why),
            None => GivenUp::Failed(from_sqlite(DISPOSING, error)),
        }
    }

    /// Deletes all that are as the plan saw them at once, and looks what became of the others.
    fn sweep(&self, records: &[RecordRef]) -> std::result::Result<Vec<Outcome>, GivenUp> {
        let sqlite = &self.link.sqlite;
        let same = sweep::sweep(sqlite, self.selection, self.expected, records)
            .map_err(|e| self.given_up(&e))?
            .ok_or(GivenUp::Refused("the records cannot be swept"))?;
        let mut outcomes = vec![Outcome::Disposed { members: 0 }; records.len()];
        let others: Vec<usize> =
            same.iter().enumerate().filter(|(_, same)| !**same).map(|(n, _)| n).collect();
        let records: Vec<RecordRef> =
            others.iter().filter_map(|place| records.get(*place).cloned()).collect();
        let (found, ready) =
            self.check(&records).map_err(|e| GivenUp::Failed(failed(DISPOSING)(e)))?;
        if !ready.is_empty() {
            return Err(GivenUp::Refused("a record was passed over"));
        }
        for (place, outcome) in others.into_iter().zip(found) {
            set(&mut outcomes, place, outcome);
        }
        Ok(outcomes)
    }

    fn within(
        &self,
        records: &[RecordRef],
        pace: Pace,
    ) -> std::result::Result<Vec<Outcome>, GivenUp> {
        let (mut outcomes, mut ready) =
            self.check(records).map_err(|e| GivenUp::Failed(failed(DISPOSING)(e)))?;
        if !self.selection.graph.own.is_empty() {
            let blocked = own::arrange(&self.link.sqlite, self.selection, &mut ready)
                .map_err(|e| GivenUp::Failed(failed(DISPOSING)(e)))?;
            for place in blocked {
                let reason = "another record, which stays, still refers to it".to_owned();
                set(&mut outcomes, place, Outcome::Refused { reason });
            }
        }
        let mut tools =
            Tools::new(&self.link.sqlite, self.selection).map_err(|e| self.given_up(&e))?;
        for record in &ready {
            let outcome = match pace {
                Pace::Sweep | Pace::Together | Pace::Single => {
                    tools.dispose(record).map_err(|e| self.given_up(&e))?
                }
                Pace::Careful => self.with_savepoint(&mut tools, record)?,
            };
            set(&mut outcomes, record.place, outcome);
        }
        Ok(outcomes)
    }

    /// Reads every record of the order again, before anything is changed.
    fn check(&self, records: &[RecordRef]) -> rusqlite::Result<(Vec<Outcome>, Vec<Ready>)> {
        let selection = self.selection;
        let sql = selection.look();
        let mut statement = self.link.sqlite.prepare_cached(&sql.text)?;
        row::bind(&mut statement, &[], &sql)?;
        let mut reader = RowReader::new(selection);
        let referred = selection.referred();
        let mut outcomes = Vec::with_capacity(records.len());
        let mut ready = Vec::with_capacity(records.len());
        // Where a second deletion would not show that a record stands twice, this does.
        let tell_twice =
            !selection.graph.own.is_empty() || selection.holding.action == Action::Anonymise;
        let mut seen = HashSet::new();
        for (place, record) in records.iter().enumerate() {
            if tell_twice && !seen.insert(&record.locator) {
                outcomes.push(Outcome::AlreadyAbsent);
                continue;
            }
            let Some(key) = row::key_of(selection, &record.locator) else {
                let reason = "the locator is not one of this table".to_owned();
                outcomes.push(Outcome::Refused { reason });
                continue;
            };
            row::bind_from(&mut statement, 1, &key)?;
            let mut rows = statement.raw_query();
            outcomes.push(match rows.next()? {
                // A collation may find a row whose key is written otherwise: another record.
                Some(row) if reader.key(row)? == key => {
                    if selection.holding.action == Action::Anonymise
                        && is_anonymous(selection, row)?
                    {
                        Outcome::AlreadyAbsent
                    } else if reader.version(row)? != record.version || !reader.is_selected(row)? {
                        Outcome::Changed
                    } else {
                        ready.push(Ready::read(selection, place, key, row, &referred)?);
                        Outcome::Disposed { members: reader.members(row)? }
                    }
                }
                _ => Outcome::AlreadyAbsent,
            });
        }
        // Ready records are `Disposed` only once they are: until then each has its count noted.
        for record in &mut ready {
            if let Some(outcome) = outcomes.get_mut(record.place) {
                if let Outcome::Disposed { members } = outcome {
                    record.members = *members;
                }
                *outcome = Outcome::NotAttempted { reason: String::new() };
            }
        }
        Ok((outcomes, ready))
    }

    fn with_savepoint(
        &self,
        tools: &mut Tools<'_>,
        record: &Ready,
    ) -> std::result::Result<Outcome, GivenUp> {
        let sqlite = &self.link.sqlite;
        let run = |text: &str| {
            sqlite
                .prepare_cached(text)
                .and_then(|mut statement| statement.raw_execute())
                .map_err(|e| GivenUp::Failed(failed(DISPOSING)(e)))
        };
        run("SAVEPOINT record")?;
        match tools.dispose(record) {
            Ok(outcome) => {
                run("RELEASE record")?;
                Ok(outcome)
            }
            Err(error) => match self.given_up(&error) {
                GivenUp::Refused(why) if !sqlite.is_autocommit() => {
                    run("ROLLBACK TO record")?;
                    run("RELEASE record")?;
                    Ok(Outcome::Refused { reason: why.to_owned() })
                }
                other => Err(other),
            },
        }
    }
}

fn set(outcomes: &mut [Outcome], place: usize, outcome: Outcome) {
    if let Some(slot) = outcomes.get_mut(place) {
        *slot = outcome;
    }
}

/// The statements of an attempt.
struct Tools<'t> {
    sqlite: &'t Connection,
    selection: &'t Selection,
    members: Vec<Statement<'t>>,
    change: Statement<'t>,
}

impl<'t> Tools<'t> {
    fn new(sqlite: &'t Connection, selection: &'t Selection) -> rusqlite::Result<Self> {
        let members = 0..selection.graph.members.len();
        let members = members.map(|member| sqlite.prepare(&selection.delete_member(member).text));
        let change = match selection.holding.action {
            Action::Destroy => selection.delete(),
            Action::Anonymise => selection.update(),
        };
        Ok(Self {
            sqlite,
            selection,
            members: members.collect::<rusqlite::Result<_>>()?,
            change: sqlite.prepare(&change.text)?,
        })
    }

    fn dispose(&mut self, record: &Ready) -> rusqlite::Result<Outcome> {
        for statement in &mut self.members {
            // A member behind another may not need every value.
            let needed = statement.parameter_count().min(record.referred.len());
            row::bind_from(statement, 1, record.referred.get(..needed).unwrap_or_default())?;
            statement.raw_execute()?;
        }
        row::bind_from(&mut self.change, 1, &record.key)?;
        row::bind_from(&mut self.change, record.key.len() + 1, &record.treated)?;
        let changed = self.change.raw_execute()?;
        if changed == 0 {
            if self.is_there(&record.key)? {
                let reason = "a trigger of the database kept the row".to_owned();
                return Ok(Outcome::Refused { reason });
            }
            // It was there when this transaction began: it went with another record of the order,
            // by a cascade, or it stood twice in the order.
            if self.selection.graph.own.is_empty() {
                return Ok(Outcome::AlreadyAbsent);
            }
        }
        Ok(Outcome::Disposed { members: record.members })
    }

    fn is_there(&self, key: &[Cell]) -> rusqlite::Result<bool> {
        let sql = self.selection.exists();
        let mut statement = self.sqlite.prepare_cached(&sql.text)?;
        row::bind(&mut statement, key, &sql)?;
        Ok(statement.raw_query().next()?.is_some())
    }
}

/// Moves what was written into the file and empties the log, unless someone reads from it.
///
/// What became of it is not an outcome: `residual_copies` looks at the log.
fn empty_write_ahead_log(sqlite: &Connection, busy_timeout: Duration) {
    let emptied = sqlite.busy_timeout(Duration::ZERO).and_then(|()| {
        let mut statement = sqlite.prepare_cached("PRAGMA wal_checkpoint(TRUNCATE)")?;
        statement.query_row([], |row| row.get::<_, i64>(0))
    });
    if let Err(error) = &emptied {
        tracing::debug!(%error, "The write-ahead log could not be emptied.");
    }
    if let Err(error) = sqlite.busy_timeout(busy_timeout) {
        tracing::warn!(%error, "The time to wait for locks could not be set back.");
    }
}

#[async_trait]
impl Disposer for Writer {
    async fn dispose(&self, order: &DisposalOrder) -> Result<Vec<Outcome>> {
        self.dispose_now(order)
    }
}

/// Reading goes through the read-only connection.
#[async_trait]
impl Inventory for Writer {
    async fn probe(&self) -> Result<Probe> {
        self.reader.probe().await
    }

    async fn survey(&self, scope: &Scope) -> Result<Survey> {
        self.reader.survey(scope).await
    }

    async fn page(&self, scope: &Scope, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        self.reader.page(scope, after, limit).await
    }

    async fn look(&self, scope: &Scope, locators: &[Locator]) -> Result<Vec<Option<Record>>> {
        self.reader.look(scope, locators).await
    }

    async fn verify_absent(&self, scope: &Scope, records: &[RecordRef]) -> Result<Vec<Absence>> {
        self.reader.verify_absent(scope, records).await
    }

    async fn uncovered(&self, scopes: &[Scope]) -> Result<Vec<Uncovered>> {
        self.reader.uncovered(scopes).await
    }

    async fn residual_copies(
        &self,
        scope: &Scope,
        records: &[RecordRef],
    ) -> Result<ResidualCopies> {
        self.empty_log();
        self.reader.residual_copies(scope, records).await
    }
}
