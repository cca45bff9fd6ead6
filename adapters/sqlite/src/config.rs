//! The form, and what the settings of a system say.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use quietus_contract::{
    AdapterError, ErrorKind, Form, Key, Result, Shape, SystemConfig, TargetIdentity,
};

use crate::date::Epoch;

/// What `systems.toml` may say of a SQLite database and its holdings.
pub static FORM: Form = Form {
    adapter: "sqlite",
    about: "Rows of a table of a SQLite database.",
    system: &[
        Key {
            name: "path",
            shape: Shape::Text,
            required: true,
            about: "The database file, relative to the programme's folder.",
        },
        Key {
            name: "busy_timeout_secs",
            shape: Shape::Number,
            required: false,
            about: "How long to wait for another program's lock; 10 where it is not said.",
        },
    ],
    holding: &[
        Key {
            name: "table",
            shape: Shape::Text,
            required: true,
            about: "The table whose rows are the records.",
        },
        Key {
            name: "key",
            shape: Shape::Texts,
            required: true,
            about: "The columns that tell one record from every other.",
        },
        Key {
            name: "where",
            shape: Shape::Text,
            required: false,
            about: "An SQL expression: only rows for which it is true are records of the holding.",
        },
        Key {
            name: "dispose_with",
            shape: Shape::Texts,
            required: false,
            about: "Tables whose rows refer to a record and are destroyed with it.",
        },
        Key {
            name: "anonymise",
            shape: Shape::Table,
            required: false,
            about: "Columns that identify a person, each with null, constant:TEXT, \
                    generalise:year or generalise:month.",
        },
        Key {
            name: "epoch",
            shape: Shape::Word(Epoch::WORDS),
            required: false,
            about: "What the numbers of the date sources count since 1970 (julian: julian days); \
                    texts are read as ISO 8601.",
        },
    ],
    date_sources: &["a column", "an SQL expression"],
};

const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const BUSY_TIMEOUT_MAX: Duration = Duration::from_secs(600);

/// A database file, as the settings of a system name it.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    /// The system's name.
    pub(crate) system: String,
    /// The file, without links on the way.
    pub(crate) path: PathBuf,
    /// How long to wait for locks.
    pub(crate) busy_timeout: Duration,
    /// The file that was there when the system was opened.
    pub(crate) file: FileIdentity,
}

/// Which file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    device: u64,
    inode: u64,
}

impl Database {
    /// Finds the file that the settings name.
    pub(crate) fn find(system: &SystemConfig) -> Result<Self> {
        let named = system.base.join(system.settings.required_text("path")?);
        let place = system.settings.place_of("path");
        let path = named.canonicalize().map_err(|error| {
            let kind = match error.kind() {
                std::io::ErrorKind::PermissionDenied => ErrorKind::Denied,
                _ => ErrorKind::Unreachable,
            };
            AdapterError::new(kind, format!("{place}: the database file cannot be reached"))
                .with_help("see that the path is right and that the agent may enter its folders")
                .with_source(error)
        })?;
        let file = FileIdentity::of(&path)?;
        let busy_timeout = system
            .settings
            .number("busy_timeout_secs")
            .map_or(BUSY_TIMEOUT, Duration::from_secs)
            .min(BUSY_TIMEOUT_MAX);
        Ok(Self { system: system.name.clone(), path, busy_timeout, file })
    }

    /// Sees that the path still leads to the file that was opened.
    ///
    /// A restore renames another file into place; a connection would go on with the old one.
    pub(crate) fn is_same_file(&self) -> Result<()> {
        if FileIdentity::of(&self.path)? == self.file {
            return Ok(());
        }
        Err(AdapterError::new(
            ErrorKind::WrongTarget,
            "another file took the place of the database while it was open",
        ))
    }

    /// Returns the size of the write-ahead log; 0 where there is none.
    pub(crate) fn write_ahead_log_bytes(&self) -> u64 {
        size(&self.beside("-wal"))
    }

    /// Returns the size of the rollback journal; 0 where there is none.
    pub(crate) fn rollback_journal_bytes(&self) -> u64 {
        size(&self.beside("-journal"))
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    }

    /// Names the target: path, device, inode, and the mark that the application left in the file.
    ///
    /// # Behavior
    ///
    /// - A copy that is moved into place has another inode, so it is another target.
    /// - A copy that is written *over* the file keeps the inode and cannot be told apart.
    pub(crate) fn identity(&self, application_id: i64) -> TargetIdentity {
        let FileIdentity { device, inode } = self.file;
        TargetIdentity(format!(
            "sqlite:{}?device={device}&inode={inode}&application_id={application_id}",
            self.path.display()
        ))
    }
}

fn size(path: &std::path::Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}

impl FileIdentity {
    fn of(path: &std::path::Path) -> Result<Self> {
        let found = std::fs::metadata(path).map_err(|error| {
            AdapterError::new(ErrorKind::Unreachable, "the database file cannot be reached")
                .with_source(error)
        })?;
        if !found.is_file() {
            return Err(AdapterError::new(ErrorKind::Misconfigured, "`path` is not a file"));
        }
        Ok(Self { device: found.dev(), inode: found.ino() })
    }
}
