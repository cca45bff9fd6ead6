//! From SQLite's errors to the contract's.

use quietus_contract::{AdapterError, ErrorKind, Place, Retry};
use rusqlite::ErrorCode;

/// Turns an error of SQLite into one of the contract.
///
/// The words of SQLite are left out: a trigger may have put content into them.
pub(crate) fn from_sqlite(doing: &str, error: &rusqlite::Error) -> AdapterError {
    let Some(failure) = error.sqlite_error() else {
        return AdapterError::new(
            ErrorKind::Broken,
            format!("{doing}: the database gave an answer that does not fit"),
        );
    };
    let (kind, retry, words, help) = meaning(failure.code);
    let number = failure.extended_code;
    let mut mapped = AdapterError::new(kind, format!("{doing}: {words} (SQLite code {number})"))
        .with_retry(retry);
    if !help.is_empty() {
        mapped = mapped.with_help(help);
    }
    mapped
}

fn meaning(code: ErrorCode) -> (ErrorKind, Retry, &'static str, &'static str) {
    use ErrorCode as E;
    use ErrorKind as K;
    match code {
        E::DatabaseBusy | E::DatabaseLocked | E::FileLockingProtocolFailed => (
            K::Unreachable,
            Retry::Later,
            "another program holds the database locked",
            "raise `busy_timeout_secs`, or run when the application is quiet",
        ),
        E::OperationInterrupted => {
            (K::Unreachable, Retry::Later, "it took longer than a call may take", "")
        }
        E::CannotOpen => (
            K::Unreachable,
            Retry::Never,
            "the database file cannot be opened",
            "see that the file is there, and that the agent may enter its folder; a database in WAL \
             mode needs a folder where the agent may write",
        ),
        E::PermissionDenied | E::ReadOnly | E::AuthorizationForStatementDenied => {
            (K::Denied, Retry::Never, "the agent may not do that", "")
        }
        E::NotADatabase => {
            (K::Misconfigured, Retry::Never, "the file is not a SQLite database", "")
        }
        E::DatabaseCorrupt => (
            K::Broken,
            Retry::Never,
            "the database file is damaged",
            "run `PRAGMA integrity_check`",
        ),
        E::DiskFull => (K::Broken, Retry::Later, "the disk is full", ""),
        E::SystemIoFailure => (K::Broken, Retry::Never, "reading or writing the file failed", ""),
        E::SchemaChanged => (K::Broken, Retry::Later, "the tables changed meanwhile", ""),
        _ => (K::Broken, Retry::Never, "the database refused", ""),
    }
}

/// Says whether a statement failed because a rule of the database forbids it.
pub(crate) fn constraint(error: &rusqlite::Error) -> Option<&'static str> {
    let failure = error.sqlite_error()?;
    if failure.code != ErrorCode::ConstraintViolation {
        return None;
    }
    use rusqlite::ffi;
    Some(match failure.extended_code {
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => "another row still refers to it",
        ffi::SQLITE_CONSTRAINT_TRIGGER => "a trigger of the database refused",
        ffi::SQLITE_CONSTRAINT_CHECK => "a CHECK of the table refused",
        ffi::SQLITE_CONSTRAINT_NOTNULL => "a column may not be null",
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => {
            "another row has the same value where each must be different"
        }
        _ => "a constraint of the database refused",
    })
}

/// Turns the error of a statement of ours that SQLite cannot compile; nothing but the schema is in
/// its words.
///
/// A trigger may need a function that only the application has, an index its collation, or a
/// foreign key does not fit the table that it refers to.
pub(crate) fn does_not_compile(error: &rusqlite::Error) -> AdapterError {
    let words = match error {
        rusqlite::Error::SqliteFailure(_, Some(words)) => words,
        rusqlite::Error::SqlInputError { msg, .. } => msg,
        other => return from_sqlite("compiling the statements for a table", other),
    };
    AdapterError::new(
        ErrorKind::Misconfigured,
        format!("SQLite cannot carry out what this holding needs: {words}"),
    )
    .with_help("what only the application can do with its tables, the agent cannot")
}

/// Makes the error for a setting that does not fit the database.
pub(crate) fn misfit(place: &Place, message: impl std::fmt::Display) -> AdapterError {
    AdapterError::new(ErrorKind::Misconfigured, format!("{place}: {message}"))
}
