//! Connections: how they are opened, and what they may do.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use quietus_contract::Result;
use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, OpenFlags};

use crate::bounds;
use crate::dialect::same_name;
use crate::error::from_sqlite;
use crate::statement::{MEANT, SAME};

/// The longest time that one call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(900);
/// Virtual machine steps between two looks at the clock.
const DEADLINE_STEPS: i32 = 100_000;
const STATEMENTS_KEPT_MAX: usize = 64;

/// A connection with its watch and its deadline.
#[derive(Debug)]
pub(crate) struct Link {
    /// The connection.
    pub(crate) sqlite: Connection,
    /// What statements may do.
    pub(crate) watch: Watch,
    deadline: Arc<Mutex<Option<Instant>>>,
}

impl Link {
    /// Opens a database for reading: the file is opened read-only, and statements that change
    /// anything are refused three times over (by the file's mode, by `query_only`, by the watch).
    pub(crate) fn open_reader(path: &Path, busy: Duration) -> Result<Self> {
        let link = Self::open(path, OpenFlags::SQLITE_OPEN_READ_ONLY, busy)?;
        link.pragmas("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;")?;
        Ok(link)
    }

    /// Opens a database for disposal.
    ///
    /// `EXTRA`: a removed rollback journal is not back after a power cut either.
    pub(crate) fn open_writer(path: &Path, busy: Duration) -> Result<Self> {
        let link = Self::open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, busy)?;
        // For triggers; what the owner wrote was compiled by the reader, with this off.
        link.sqlite
            .set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, true)
            .map_err(|e| from_sqlite("opening the database", &e))?;
        link.pragmas(
            "PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA synchronous = EXTRA;
             PRAGMA temp_store = MEMORY; PRAGMA recursive_triggers = OFF;
             PRAGMA wal_autocheckpoint = 0;",
        )?;
        Ok(link)
    }

    fn open(path: &Path, mode: OpenFlags, busy: Duration) -> Result<Self> {
        let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let link = Connection::open_with_flags(path, flags)
            .and_then(|sqlite| Self::prepare(sqlite, busy))
            .map_err(|e| from_sqlite("opening the database", &e))?;
        Ok(link)
    }

    fn prepare(mut sqlite: Connection, busy: Duration) -> rusqlite::Result<Self> {
        sqlite.busy_timeout(busy)?;
        sqlite.set_prepared_statement_cache_capacity(STATEMENTS_KEPT_MAX);
        sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        rusqlite::vtab::array::load_module(&sqlite)?;
        add_functions(&sqlite)?;
        let deadline: Arc<Mutex<Option<Instant>>> = Arc::default();
        let seen = Arc::clone(&deadline);
        sqlite.progress_handler(
            DEADLINE_STEPS,
            Some(move || locked(&seen).is_some_and(|end| Instant::now() > end)),
        )?;
        let watch = Watch::default();
        Ok(Self { sqlite, watch, deadline })
    }

    /// Runs settings of ours, sees that the file is a database, and sets the watch.
    fn pragmas(&self, text: &str) -> Result<()> {
        self.sqlite
            .execute_batch(text)
            .and_then(|()| {
                self.sqlite.query_row("SELECT count(*) FROM main.sqlite_schema", [], |_| Ok(()))
            })
            .map_err(|e| from_sqlite("opening the database", &e))
    }

    /// Posts the watch: from here on each statement is looked at when it is compiled.
    pub(crate) fn guarded(mut self) -> Result<Self> {
        let watch = self.watch.clone();
        self.sqlite
            .authorizer(Some(move |context: AuthContext<'_>| watch.judge(&context)))
            .map_err(|e| from_sqlite("opening the database", &e))?;
        Ok(self)
    }

    /// Runs something while texts in double quotes are allowed: triggers of old applications have
    /// them. Statements of ours name each column with its table, which cannot be a text.
    pub(crate) fn with_loose_quotes<T>(
        &self,
        run: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, true)?;
        let result = run(&self.sqlite);
        self.sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        result
    }

    /// Starts the clock of a call.
    pub(crate) fn start_call(&self) {
        *locked(&self.deadline) = Instant::now().checked_add(CALL_TIMEOUT);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The function that pushes the bounds of dates down: `quietus_later(value, epoch, bound)`.
pub(crate) const LATER: &str = "quietus_later";

fn add_functions(sqlite: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_DIRECTONLY;
    sqlite.create_scalar_function(LATER, 3, flags, |context| {
        Ok(bounds::is_later(context.get_raw(0), context.get_raw(1), context.get_raw(2)))
    })
}

/// What the statements of a connection may do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch(Arc<Mutex<Orders>>);

#[derive(Debug, Default)]
struct Orders {
    duty: Duty,
    /// What was seen while [`Duty::Record`].
    seen: Vec<Deed>,
}

/// How strictly the watch looks.
#[derive(Clone, Debug, Default)]
pub(crate) enum Duty {
    /// Reads of tables, and functions without effects. The state between all others.
    #[default]
    ReadOnly,
    /// Statements of ours that read the catalogue.
    Catalogue,
    /// A statement is compiled, never run, to see what it would do.
    Record,
    /// Statements of a disposal: these tables may lose rows, these columns may be set.
    Dispose {
        /// Tables, in lower case.
        delete: Arc<BTreeSet<String>>,
        /// Tables and columns, in lower case.
        update: Arc<BTreeSet<(String, String)>>,
        /// Tables of virtual tables, in lower case: when a trigger writes to a full-text index, the
        /// index writes to these by statements of its own.
        shadow: Arc<BTreeSet<String>>,
    },
}

/// A change that a statement would make.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deed {
    /// What it does to rows.
    pub(crate) kind: DeedKind,
    /// Of which table.
    pub(crate) table: String,
    /// Within which trigger; `None` for the statement itself and for foreign keys.
    pub(crate) trigger: Option<String>,
}

/// What is done to rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DeedKind {
    /// Rows are added.
    Insert,
    /// Rows are changed.
    Update,
    /// Rows are removed.
    Delete,
}

impl Watch {
    /// Runs something under another duty.
    pub(crate) fn during<T>(&self, duty: Duty, run: impl FnOnce() -> T) -> T {
        let before = std::mem::replace(&mut locked(&self.0).duty, duty);
        let result = run();
        locked(&self.0).duty = before;
        result
    }

    /// Takes what was seen.
    pub(crate) fn take_seen(&self) -> Vec<Deed> {
        std::mem::take(&mut locked(&self.0).seen)
    }

    fn judge(&self, context: &AuthContext<'_>) -> Authorization {
        let mut orders = locked(&self.0);
        let Orders { duty, seen } = &mut *orders;
        let allowed = match duty {
            Duty::ReadOnly => reads(&context.action),
            Duty::Catalogue => reads(&context.action) || reads_catalogue(&context.action),
            Duty::Record => {
                seen.extend(deed(context));
                !reaches_out(&context.action)
            }
            Duty::Dispose { delete, update, shadow } => {
                reads(&context.action)
                    || context.accessor.is_some() && !reaches_out(&context.action)
                    || disposes(&context.action, delete, update)
                    || deed(context).is_some_and(|d| shadow.contains(&d.table.to_ascii_lowercase()))
            }
        };
        if allowed { Authorization::Allow } else { Authorization::Deny }
    }
}

fn reads(action: &AuthAction<'_>) -> bool {
    match action {
        AuthAction::Select | AuthAction::Recursive | AuthAction::Transaction { .. } => true,
        AuthAction::Savepoint { .. } => true,
        AuthAction::Read { table_name, .. } => {
            !table_name.to_ascii_lowercase().starts_with("pragma_")
        }
        AuthAction::Function { function_name } => {
            FUNCTIONS.iter().any(|known| same_name(known, function_name))
        }
        AuthAction::Pragma { pragma_name, pragma_value } => {
            pragma_value.is_none() && PRAGMAS_READ.contains(pragma_name)
                || *pragma_name == "defer_foreign_keys"
                || *pragma_name == "wal_checkpoint"
        }
        _ => false,
    }
}

const PRAGMAS_READ: [&str; 9] = [
    "encoding",
    "data_version",
    "schema_version",
    "application_id",
    "freelist_count",
    "journal_mode",
    "secure_delete",
    "foreign_keys",
    "page_count",
];

fn reads_catalogue(action: &AuthAction<'_>) -> bool {
    matches!(action, AuthAction::Read { .. })
        || matches!(action, AuthAction::Pragma { pragma_name, .. } if [
            "table_list", "table_xinfo", "foreign_key_list", "index_list", "index_xinfo",
        ].contains(pragma_name))
}

/// Whether an action leaves the rows of this database.
fn reaches_out(action: &AuthAction<'_>) -> bool {
    !matches!(
        action,
        AuthAction::Select
            | AuthAction::Recursive
            | AuthAction::Read { .. }
            | AuthAction::Function { .. }
            | AuthAction::Insert { .. }
            | AuthAction::Update { .. }
            | AuthAction::Delete { .. }
    )
}

fn disposes(
    action: &AuthAction<'_>,
    delete: &BTreeSet<String>,
    update: &BTreeSet<(String, String)>,
) -> bool {
    match action {
        AuthAction::Delete { table_name } => delete.contains(&table_name.to_ascii_lowercase()),
        AuthAction::Update { table_name, column_name } => {
            update.contains(&(table_name.to_ascii_lowercase(), column_name.to_ascii_lowercase()))
        }
        _ => false,
    }
}

fn deed(context: &AuthContext<'_>) -> Option<Deed> {
    let (kind, table) = match context.action {
        AuthAction::Insert { table_name } => (DeedKind::Insert, table_name),
        AuthAction::Update { table_name, .. } => (DeedKind::Update, table_name),
        AuthAction::Delete { table_name } => (DeedKind::Delete, table_name),
        _ => return None,
    };
    Some(Deed { kind, table: table.to_owned(), trigger: context.accessor.map(str::to_owned) })
}

/// The functions that owner-written SQL may use: each gives the same answer for the same row and
/// does nothing else. The functions of dates and times are among them; what they make of `now` is
/// the owner's business.
const FUNCTIONS: &[&str] = &[
    "->",
    "->>",
    "abs",
    "avg",
    "ceil",
    "ceiling",
    "char",
    "coalesce",
    "concat",
    "concat_ws",
    "count",
    "current_date",
    "current_time",
    "current_timestamp",
    "date",
    "datetime",
    "exp",
    "floor",
    "format",
    "glob",
    "group_concat",
    "hex",
    "if",
    "ifnull",
    "iif",
    "instr",
    "json",
    "json_array",
    "json_array_length",
    "json_extract",
    "json_group_array",
    "json_group_object",
    "json_object",
    "json_patch",
    "json_quote",
    "json_remove",
    "json_type",
    "json_valid",
    "julianday",
    "length",
    "like",
    "likelihood",
    "likely",
    "ln",
    "log",
    "log10",
    "log2",
    "lower",
    "ltrim",
    "max",
    "min",
    "mod",
    "nullif",
    "octet_length",
    "pi",
    "pow",
    "power",
    "printf",
    "quote",
    "replace",
    "round",
    "row_number",
    "rtrim",
    "sign",
    "sqrt",
    "strftime",
    "string_agg",
    "substr",
    "substring",
    "subtype",
    "sum",
    "time",
    "timediff",
    "total",
    "trim",
    "trunc",
    "typeof",
    "unhex",
    "unicode",
    "unixepoch",
    "unlikely",
    "upper",
    LATER,
    MEANT,
    SAME,
];
