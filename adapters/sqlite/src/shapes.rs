//! Whatever the names and values are, only statements of known shapes run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use quietus_contract::{
    Action, DisposalOrder, Disposer, Holding, Inventory, OrderId, Outcome, Place, RecordRef, Scope,
    Setting, Settings, SystemConfig, Value,
};
use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};

use crate::config::Database;
use crate::dialect::quoted;
use crate::dispose::Writer;

const TABLES: usize = 150;
const ROWS: usize = 70;

type Log = Arc<Mutex<BTreeSet<String>>>;

/// Texts that were made to be mistaken for SQL, and any others.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "[\"'`\\[\\];(),. -]{1,12}",
        "(select|table|from|rowid|index|null|x' |\"|';|\\)|--|/\\*|DROP TABLE t;|\\?1|:a|@b){1,6}",
        "\\PC{1,12}",
        "[a-zäöü\u{1F600}%_*?\\\\]{1,8}",
    ]
}

/// The names of one table: its own, its child's, and columns.
#[derive(Clone, Debug)]
struct Names {
    table: String,
    child: String,
    key: String,
    day: String,
    note: String,
    refers: String,
}

impl Names {
    fn plain() -> Self {
        Self::of(["t", "child", "key", "day", "note", "refers"].map(str::to_owned), "plain")
    }

    /// The number keeps names apart; SQLite's own prefix is not to be had.
    fn of([table, child, key, day, note, refers]: [String; 6], number: &str) -> Self {
        Self {
            table: format!("{table}{number}"),
            child: format!("c{number}{child}"),
            key: format!("k{key}"),
            day: format!("d{day}"),
            note: format!("n{note}"),
            refers: format!("r{refers}"),
        }
    }

    fn create(&self, sqlite: &Connection, values: &[String]) {
        let [table, child, key, day, note, refers] =
            [&self.table, &self.child, &self.key, &self.day, &self.note, &self.refers]
                .map(|name| quoted(name));
        sqlite
            .execute_batch(&format!(
                "CREATE TABLE {table} ({key} TEXT PRIMARY KEY NOT NULL, {day} TEXT, {note} TEXT);
                 CREATE TABLE {child} ({refers} TEXT REFERENCES {table});
                 CREATE INDEX {child_index} ON {child} ({refers});",
                child_index = quoted(&format!("i{}", self.child)),
            ))
            .unwrap();
        for value in values {
            let insert = format!("INSERT OR IGNORE INTO {table} VALUES (?1, ?2, ?3)");
            sqlite.execute(&insert, [value, value, value]).unwrap();
            sqlite.execute(&format!("INSERT INTO {child} VALUES (?1)"), [value]).unwrap();
        }
    }

    fn scope(&self) -> Scope {
        let setting = |value| Setting { value, place: Place::default() };
        let by_key = BTreeMap::from([
            ("table".to_owned(), setting(Value::Text(self.table.clone()))),
            ("key".to_owned(), setting(Value::Texts(vec![self.key.clone()]))),
            ("dispose_with".to_owned(), setting(Value::Texts(vec![self.child.clone()]))),
        ]);
        Scope {
            holding: Arc::new(Holding {
                index: 0,
                class: "C".to_owned(),
                settings: Settings { by_key, place: Place::default() },
                dates: vec![(self.day.clone(), Place::default())],
                fields: vec![(self.note.clone(), Place::default())],
                not_a_date: Vec::new(),
                action: Action::Destroy,
            }),
            bounds: vec![Some(jiff::civil::date(2024, 1, 1))],
        }
    }
}

/// Replaces names in double quotes by `N`, and texts in single ones by `S`: SQLite's own catalogue
/// functions write names so.
fn shape(sql: &str) -> String {
    let mut out = String::new();
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '"' && c != '\'' {
            out.push(c);
            continue;
        }
        while let Some(inner) = chars.next() {
            if inner == c && chars.next_if_eq(&c).is_none() {
                break;
            }
        }
        out.push(if c == '"' { 'N' } else { 'S' });
    }
    out
}

fn watch(sqlite: &mut Connection, log: &Log) {
    let log = Arc::clone(log);
    let note = move |event: TraceEvent<'_>| {
        if let TraceEvent::Stmt(statement, _) = event {
            log.lock().unwrap().insert(shape(&statement.sql()));
        }
    };
    sqlite.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(note)).unwrap();
}

fn open(folder: &Path, log: &Log) -> Writer {
    let setting = Setting { value: Value::Text("x.db".to_owned()), place: Place::default() };
    let by_key = BTreeMap::from([("path".to_owned(), setting)]);
    let system = SystemConfig {
        name: "x".to_owned(),
        settings: Settings { by_key, place: Place::default() },
        secret: None,
        base: folder.to_owned(),
    };
    let writer = Writer::open(Database::find(&system).unwrap()).unwrap();
    watch(&mut writer.link.lock().unwrap().sqlite, log);
    writer
        .reader
        .call("watching", |session| {
            watch(&mut session.link.sqlite, log);
            Ok(())
        })
        .unwrap();
    writer
}

/// Takes a table through everything; half of its records go.
async fn everything(writer: &Writer, scope: &Scope) -> usize {
    writer.survey(scope).await.unwrap();
    let mut records = Vec::new();
    let mut after = None;
    loop {
        let page = writer.page(scope, after.as_ref(), 40).await.unwrap();
        records.extend(page.records);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let chosen: Vec<RecordRef> = records.iter().step_by(2).map(|r| r.reference.clone()).collect();
    let locators: Vec<_> = chosen.iter().map(|r| r.locator.clone()).collect();
    assert!(writer.look(scope, &locators).await.unwrap().iter().all(Option::is_some));
    let id = OrderId { run: "r".to_owned(), batch: 1, order: 1 };
    #[expect(clippy::disallowed_methods, reason = "a test stands for the journal")]
    let order = DisposalOrder::from_journal(id, scope.clone(), chosen.clone());
    let outcomes = writer.dispose(&order).await.unwrap();
    assert!(outcomes.iter().all(|o| *o == Outcome::Disposed { members: 1 }), "{outcomes:?}");
    writer.verify_absent(scope, &chosen).await.unwrap();
    writer.residual_copies(scope, &chosen).await.unwrap();
    records.len()
}

#[tokio::test]
async fn ten_thousand_hostile_names_and_values_run_no_other_statement() {
    let folder = tempfile::tempdir().unwrap();
    let raw = Connection::open(folder.path().join("x.db")).unwrap();
    raw.execute_batch("PRAGMA synchronous = OFF; BEGIN").unwrap();
    let plain = Names::plain();
    let values: Vec<String> = (0..ROWS).map(|n| format!("value {n}")).collect();
    plain.create(&raw, &values);
    let mut runner = TestRunner::deterministic();
    let names = proptest::array::uniform6(hostile());
    let rows = proptest::collection::hash_set(hostile(), ROWS);
    let mut hostile = Vec::new();
    let mut used = TABLES * 6;
    for number in 0..TABLES {
        let names = names.new_tree(&mut runner).unwrap().current();
        let rows: Vec<String> = rows.new_tree(&mut runner).unwrap().current().into_iter().collect();
        used += rows.len();
        let names = Names::of(names, &number.to_string());
        names.create(&raw, &rows);
        hostile.push((names, rows.len()));
    }
    raw.execute_batch("COMMIT").unwrap();
    assert!(used > 10_000, "only {used} names and values");

    let known = Log::default();
    everything(&open(folder.path(), &known), &plain.scope()).await;
    let known = known.lock().unwrap().clone();
    assert!(known.iter().any(|s| s == "DELETE FROM main.N WHERE N.N COLLATE N = ?1"), "{known:?}");
    let seen = Log::default();
    let writer = open(folder.path(), &seen);
    for (names, rows) in hostile {
        assert_eq!(everything(&writer, &names.scope()).await, rows, "{names:?}");
    }
    let seen = seen.lock().unwrap().clone();
    let strange: Vec<&String> = seen.difference(&known).collect();
    assert!(strange.is_empty(), "{strange:#?}");
    assert!(seen.len() > 10);
}

/// The control: a name that is not quoted as it must be shows as another shape.
#[test]
fn a_name_that_breaks_out_has_another_shape() {
    let name = "t\" WHERE 1 --";
    let right = format!("DELETE FROM {}", quoted(name));
    let wrong = format!("DELETE FROM \"{name}\"");
    assert_eq!(shape(&right), "DELETE FROM N");
    assert_ne!(shape(&wrong), shape(&right));
}
