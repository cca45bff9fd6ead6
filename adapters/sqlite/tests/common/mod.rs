//! A database in a temporary folder, and a holding on it.

#![expect(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::civil::Date;
use quietus_contract::{
    Absence, Action, Adapter, AdapterError, Cursor, DisposalOrder, Disposer, Holding, Inventory,
    Locator, OrderId, Outcome, Place, Record, RecordRef, Scope, Setting, Settings, SystemConfig,
    Value,
};
use quietus_sqlite::Sqlite;
use rusqlite::Connection;
use tempfile::TempDir;

/// A database file that goes with the test.
pub struct Bench {
    pub folder: TempDir,
    pub file: &'static str,
}

impl Bench {
    /// Makes a database of statements.
    pub fn new(sql: &str) -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap(), file: "test.db" };
        bench.raw().execute_batch(sql).unwrap();
        bench
    }

    /// Copies the shop, if the folder of shared data is there.
    pub fn chinook() -> Option<Self> {
        let root = std::env::var_os("QUIETUS_DATA").map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
            PathBuf::from,
        );
        let file = root.join("chinook/Chinook_Sqlite.sqlite");
        if !file.exists() {
            println!("skipped: the folder of shared data is absent ({})", file.display());
            return None;
        }
        let bench = Self { folder: tempfile::tempdir().unwrap(), file: "test.db" };
        let bytes = std::fs::read(file).unwrap();
        let mut copy = std::fs::File::create(bench.path()).unwrap();
        std::io::Write::write_all(&mut copy, &bytes).unwrap();
        Some(bench)
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join(self.file)
    }

    /// Another way to the database: the oracle.
    pub fn raw(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    pub fn number(&self, sql: &str) -> i64 {
        self.raw().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// All content of all tables but those with such a name.
    pub fn everything_but(&self, pattern: &str) -> Vec<String> {
        let raw = self.raw();
        let mut tables = raw
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE ?1")
            .unwrap();
        let tables = tables.query_map([pattern], |row| row.get::<_, String>(0)).unwrap();
        let mut content = Vec::new();
        for table in tables.map(Result::unwrap) {
            let mut statement = raw.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
            let width = statement.column_count();
            let mut rows = statement.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                let cells = (0..width).map(|n| format!("{:?}", row.get_ref(n).unwrap()));
                content.push(format!("{table}: {}", cells.collect::<Vec<_>>().join("|")));
            }
        }
        content
    }

    pub fn system(&self) -> SystemConfig {
        SystemConfig {
            name: "shop".to_owned(),
            settings: settings(&[
                ("path", Value::Text(self.file.to_owned())),
                ("busy_timeout_secs", Value::Number(1)),
            ]),
            secret: None,
            base: self.folder.path().to_owned(),
        }
    }

    pub fn inventory(&self) -> Box<dyn Inventory> {
        now(Sqlite.open_inventory(&self.system())).unwrap()
    }

    pub fn disposer(&self) -> Box<dyn Disposer> {
        now(Sqlite.open_disposer(&self.system())).unwrap()
    }

    /// Everything that a holding hands over.
    pub fn records(&self, scope: &Scope) -> Vec<Record> {
        all_pages(self.inventory().as_ref(), scope, 7)
    }

    /// What survey refuses, in words: the message and the help.
    pub fn refusal(&self, scope: &Scope) -> String {
        words(&now(self.inventory().survey(scope)).unwrap_err())
    }

    pub fn notes(&self, scope: &Scope) -> Vec<String> {
        now(self.inventory().survey(scope)).unwrap().notes
    }

    pub fn dispose(&self, scope: &Scope, records: &[Record]) -> Vec<Outcome> {
        now(self.disposer().dispose(&order(scope, records))).unwrap()
    }

    pub fn verify(&self, scope: &Scope, records: &[Record]) -> Vec<Absence> {
        now(self.inventory().verify_absent(scope, &references(records))).unwrap()
    }
}

pub fn words(error: &AdapterError) -> String {
    format!("{} / {}", error.message, error.help.as_deref().unwrap_or("-"))
}

/// Runs a call of an adapter to its end.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub fn settings(pairs: &[(&str, Value)]) -> Settings {
    let pairs = pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Setting { value: value.clone(), place: place() }));
    Settings { by_key: pairs.collect::<BTreeMap<_, _>>(), place: place() }
}

pub fn place() -> Place {
    Place { file: "systems.toml".to_owned(), line: 1, column: 1 }
}

pub fn texts(names: &[&str]) -> Value {
    Value::Texts(names.iter().map(|n| (*n).to_owned()).collect())
}

/// A holding in the making.
#[derive(Clone)]
pub struct Make {
    settings: Vec<(&'static str, Value)>,
    dates: Vec<String>,
    fields: Vec<String>,
    bounds: Vec<Option<Date>>,
    not_a_date: Vec<Date>,
    action: Action,
}

pub fn holding(table: &str, key: &[&str]) -> Make {
    Make {
        settings: vec![("table", Value::Text(table.to_owned())), ("key", texts(key))],
        dates: Vec::new(),
        fields: Vec::new(),
        bounds: Vec::new(),
        not_a_date: Vec::new(),
        action: Action::Destroy,
    }
}

impl Make {
    pub fn date(mut self, source: &str, bound: Option<Date>) -> Self {
        self.dates.push(source.to_owned());
        self.bounds.push(bound);
        self
    }

    pub fn with(mut self, key: &'static str, value: Value) -> Self {
        self.settings.push((key, value));
        self
    }

    pub fn filter(self, text: &str) -> Self {
        self.with("where", Value::Text(text.to_owned()))
    }

    pub fn dispose_with(self, tables: &[&str]) -> Self {
        self.with("dispose_with", texts(tables))
    }

    pub fn fields(mut self, names: &[&str]) -> Self {
        self.fields = names.iter().map(|n| (*n).to_owned()).collect();
        self
    }

    pub fn not_a_date(mut self, day: Date) -> Self {
        self.not_a_date.push(day);
        self
    }

    pub fn anonymise(mut self, pairs: &[(&str, &str)]) -> Self {
        self.action = Action::Anonymise;
        let pairs = pairs.iter().map(|(c, t)| ((*c).to_owned(), (*t).to_owned()));
        self.with("anonymise", Value::Table(pairs.collect()))
    }

    pub fn scope(self) -> Scope {
        Scope {
            holding: Arc::new(Holding {
                index: 0,
                class: "TEST".to_owned(),
                settings: settings(&self.settings),
                dates: self.dates.into_iter().map(|d| (d, place())).collect(),
                fields: self.fields.into_iter().map(|f| (f, place())).collect(),
                not_a_date: self.not_a_date,
                action: self.action,
            }),
            bounds: self.bounds,
        }
    }
}

pub fn all_pages(inventory: &dyn Inventory, scope: &Scope, limit: usize) -> Vec<Record> {
    let mut records = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let page = now(inventory.page(scope, after.as_ref(), limit)).unwrap();
        assert!(page.records.len() <= limit);
        records.extend(page.records);
        match page.next {
            Some(next) => after = Some(next),
            None => return records,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a test stands for the journal")]
pub fn order(scope: &Scope, records: &[Record]) -> DisposalOrder {
    let id = OrderId { run: "test".to_owned(), batch: 1, order: 1 };
    DisposalOrder::from_journal(id, scope.clone(), references(records))
}

pub fn references(records: &[Record]) -> Vec<RecordRef> {
    records.iter().map(|r| r.reference.clone()).collect()
}

pub fn locators(records: &[Record]) -> Vec<Locator> {
    records.iter().map(|r| r.reference.locator.clone()).collect()
}

pub fn names(records: &[Record]) -> Vec<String> {
    records.iter().map(|r| r.reference.locator.as_str().to_owned()).collect()
}
