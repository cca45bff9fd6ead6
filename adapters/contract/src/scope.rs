//! A scope: one holding, and how to read it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;

use crate::{AdapterError, ErrorKind, Record, Result};

/// The value of a setting, already of the shape that the form asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// A whole number.
    Number(u64),
    /// A flag.
    Flag(bool),
    /// A calendar date.
    Date(Date),
    /// A table of texts, in the order of the file.
    Table(Vec<(String, String)>),
}

/// Where a setting was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file's name.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1, in characters.
    pub column: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A setting with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The value.
    pub value: Value,
    /// Where it stands.
    pub place: Place,
}

/// The settings of a system or of a holding, by key.
///
/// The checks of the form are done: a key that is required is there, and shapes are right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// All settings.
    pub by_key: BTreeMap<String, Setting>,
    /// Where the table itself begins.
    pub place: Place,
}

impl Settings {
    /// Returns the text behind `key`.
    pub fn text(&self, key: &str) -> Option<&str> {
        match &self.by_key.get(key)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the text behind a key that the form requires.
    pub fn required_text(&self, key: &str) -> Result<&str> {
        self.text(key).ok_or_else(|| {
            AdapterError::new(
                ErrorKind::Misconfigured,
                format!("{}: `{key}` is missing", self.place),
            )
        })
    }

    /// Returns the list behind `key`; empty where there is none.
    pub fn texts(&self, key: &str) -> &[String] {
        match self.by_key.get(key).map(|s| &s.value) {
            Some(Value::Texts(texts)) => texts,
            _ => &[],
        }
    }

    /// Returns the number behind `key`.
    pub fn number(&self, key: &str) -> Option<u64> {
        match self.by_key.get(key)?.value {
            Value::Number(n) => Some(n),
            _ => None,
        }
    }

    /// Returns whether the flag `key` is set to true.
    pub fn flag(&self, key: &str) -> bool {
        matches!(self.by_key.get(key).map(|s| &s.value), Some(Value::Flag(true)))
    }

    /// Returns the table behind `key`; empty where there is none.
    pub fn table(&self, key: &str) -> &[(String, String)] {
        match self.by_key.get(key).map(|s| &s.value) {
            Some(Value::Table(pairs)) => pairs,
            _ => &[],
        }
    }

    /// Returns where `key` stands, or where the table begins.
    pub fn place_of(&self, key: &str) -> &Place {
        self.by_key.get(key).map_or(&self.place, |s| &s.place)
    }
}

/// A system as `systems.toml` describes it.
#[derive(Clone, Debug)]
pub struct SystemConfig {
    /// The name behind `[system.NAME]`.
    pub name: String,
    /// The settings of the adapter's form.
    pub settings: Settings,
    /// The secret that `connect` names, resolved by the agent. Never printed.
    pub secret: Option<Secret>,
    /// The folder against which relative paths in settings count: the programme's folder.
    pub base: std::path::PathBuf,
}

/// A secret, printed as dots.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Shows it to the one call that must have it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(...)")
    }
}

/// What happens to a record whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is destroyed, with everything that `dispose_with` names.
    Destroy,
    /// It stays, without what identifies a person.
    Anonymise,
}

/// One holding: which records, how to read their dates, and what to read besides.
///
/// Cheap to clone. A scope never selects "everything" by omission: forms require a selector.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The holding.
    pub holding: Arc<Holding>,
    /// For each entry of `holding.dates`: a record whose date there is *later* than this day is
    /// not due yet, so the target need not hand it over. `None`: hand all over.
    ///
    /// # Behavior
    ///
    /// - The bound is already a few days wider than the rules need; compare civil days as stored.
    /// - Records without a date, with one of `holding.not_a_date`, or with an unreadable one are
    ///   handed over always: someone must be told of them.
    /// - An adapter may ignore bounds; the rules judge each record again.
    pub bounds: Vec<Option<Date>>,
}

/// The part of a scope that does not change from run to run.
#[derive(Clone, Debug)]
pub struct Holding {
    /// Position in `systems.toml`, from 0: names the holding in messages and in the plan.
    pub index: usize,
    /// The records class.
    pub class: String,
    /// The settings of the adapter's form.
    pub settings: Settings,
    /// Date sources in a fixed order, as written: a column, an expression, `mtime`, `path:NAME`.
    /// Sources that the agent resolves itself (`register:`) are not among them.
    pub dates: Vec<(String, Place)>,
    /// Names of fields to read for templates: columns, path captures, `mailbox`.
    pub fields: Vec<(String, Place)>,
    /// Dates that mean "no date", as written.
    pub not_a_date: Vec<Date>,
    /// What will happen to due records.
    pub action: Action,
}

/// A place to go on from, as the adapter wrote it; safe to journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub Vec<u8>);

/// Some records of a holding.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// At most as many as asked for.
    pub records: Vec<Record>,
    /// `None` when nothing follows. A page may be empty and still have a cursor.
    pub next: Option<Cursor>,
}
