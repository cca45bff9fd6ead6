//! A database of letters, and another route into it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::civil::Date;
use quietus_conformance::{
    Ability, Contents, Done, Fault, PlantedCopy, Seed, SeedDate, Side, Target, Testbed,
};
use quietus_contract::{
    Action, Adapter, DisposalOrder, Holding, Locator, OrderId, Place, RecordRef, Scope, Setting,
    Settings, SystemConfig, Value, Version,
};
use quietus_sqlite::Sqlite;
use rusqlite::{Connection, OptionalExtension, params};
use tempfile::TempDir;

const WITHIN: &str = "letters";
const BESIDE: &str = "letters-old";
const SCHEMA: &str = "
    CREATE TABLE letter (
        box TEXT NOT NULL, name TEXT NOT NULL, written, writer TEXT, content TEXT NOT NULL,
        closed INTEGER NOT NULL DEFAULT 1,
        PRIMARY KEY (box, name)
    );
    CREATE TABLE enclosure (
        box TEXT NOT NULL, name TEXT NOT NULL, sheet TEXT,
        FOREIGN KEY (box, name) REFERENCES letter (box, name)
    );
    CREATE INDEX enclosure_letter ON enclosure (box, name);
    CREATE TABLE forgotten (note TEXT);
    INSERT INTO forgotten VALUES ('kept for ever');
    CREATE TABLE sealed (box TEXT, name TEXT);
    CREATE TRIGGER no_delete BEFORE DELETE ON letter
        WHEN EXISTS (SELECT 1 FROM sealed WHERE box = old.box AND name = old.name)
        BEGIN SELECT RAISE(ABORT, 'sealed'); END;
";

/// Database files in temporary folders.
#[derive(Clone, Copy, Debug)]
pub struct SqliteBed {
    /// The journal mode.
    pub write_ahead: bool,
}

struct SqliteTarget {
    folder: TempDir,
    /// The other route.
    raw: Mutex<Connection>,
}

#[async_trait]
impl Testbed for SqliteBed {
    fn name(&self) -> &str {
        if self.write_ahead { "sqlite, write-ahead log" } else { "sqlite, rollback journal" }
    }

    fn abilities(&self) -> Vec<Ability> {
        use Ability::*;
        let mut all = vec![
            Undated, Unreadable, Subject, Members, Redate, Protect, Anonymise, Cut, Copies, Crash,
            Forgotten, Leave, Schema, Replace,
        ];
        if !self.write_ahead {
            // With a write-ahead log readers go on while another program writes.
            all.push(Fault(quietus_conformance::Fault::Busy));
        }
        all
    }

    async fn fresh(&self, seeds: &[Seed]) -> Done<Box<dyn Target>> {
        let folder = tempfile::tempdir()?;
        let raw = Connection::open(folder.path().join("letters.db"))?;
        let mode = if self.write_ahead { "WAL" } else { "DELETE" };
        raw.pragma_update(None, "journal_mode", mode)?;
        raw.pragma_update(None, "synchronous", "OFF")?;
        raw.execute_batch(SCHEMA)?;
        let target = SqliteTarget { folder, raw: Mutex::new(raw) };
        target.with(|raw| {
            raw.execute_batch("BEGIN")?;
            seeds.iter().try_for_each(|seed| add(raw, seed))?;
            raw.execute_batch("COMMIT")
        })?;
        Ok(Box::new(target))
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(20)
    }
}

fn side_box(side: Side) -> &'static str {
    if side == Side::Within { WITHIN } else { BESIDE }
}

fn add(raw: &Connection, seed: &Seed) -> rusqlite::Result<()> {
    let written = match seed.date {
        SeedDate::Day(day) => Some(day.to_string()),
        SeedDate::Absent => None,
        SeedDate::Unreadable => Some("some day".to_owned()),
    };
    let letters = side_box(seed.side);
    raw.prepare_cached("INSERT INTO letter VALUES (?1, ?2, ?3, ?4, ?5, 1)")?.execute(params![
        letters,
        seed.name,
        written,
        seed.subject,
        seed.content
    ])?;
    for sheet in 0..seed.members {
        raw.prepare_cached("INSERT INTO enclosure VALUES (?1, ?2, ?3)")?.execute(params![
            letters,
            seed.name,
            format!("sheet {sheet}")
        ])?;
    }
    Ok(())
}

fn setting(value: Value) -> Setting {
    Setting { value, place: Place::default() }
}

fn text(text: &str) -> Setting {
    setting(Value::Text(text.to_owned()))
}

fn list(texts: &[&str]) -> Setting {
    setting(Value::Texts(texts.iter().map(|t| (*t).to_owned()).collect()))
}

fn scope_of(letters: &str, action: Action) -> Scope {
    let mut by_key = BTreeMap::from([
        ("table".to_owned(), text("letter")),
        ("key".to_owned(), list(&["box", "name"])),
        ("where".to_owned(), text(&format!("box = '{letters}' AND closed = 1"))),
    ]);
    match action {
        Action::Destroy => {
            by_key.insert("dispose_with".to_owned(), list(&["enclosure"]));
        }
        Action::Anonymise => {
            let columns = vec![("writer".to_owned(), "null".to_owned())];
            by_key.insert("anonymise".to_owned(), setting(Value::Table(columns)));
        }
    }
    Scope {
        holding: Arc::new(Holding {
            index: 0,
            class: "letters".to_owned(),
            settings: Settings { by_key, place: Place::default() },
            dates: vec![("written".to_owned(), Place::default())],
            fields: vec![("writer".to_owned(), Place::default())],
            not_a_date: Vec::new(),
            action,
        }),
        bounds: vec![None],
    }
}

fn system_in(folder: &Path) -> SystemConfig {
    let by_key = BTreeMap::from([
        ("path".to_owned(), text("letters.db")),
        ("busy_timeout_secs".to_owned(), setting(Value::Number(1))),
    ]);
    SystemConfig {
        name: "post".to_owned(),
        settings: Settings { by_key, place: Place::default() },
        secret: None,
        base: folder.to_owned(),
    }
}

impl SqliteTarget {
    fn with<T>(&self, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Done<T> {
        let raw = self.raw.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(run(&raw)?)
    }

    fn one(&self, sql: &str, name: &str) -> Done {
        let changed = self.with(|raw| raw.execute(sql, params![WITHIN, name]))?;
        if changed == 1 { Ok(()) } else { Err("there is no such record".into()) }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("letters.db")
    }

    fn away(&self) -> PathBuf {
        self.folder.path().join("away.db")
    }
}

fn contents(raw: &Connection) -> rusqlite::Result<Contents> {
    let mut contents = Contents::default();
    let mut letters = raw.prepare(
        "SELECT box, name, quote(written) || ' ' || quote(writer) || ' ' || quote(content) || ' ' || closed || ' ' ||
             (SELECT count(*) FROM enclosure e WHERE e.box = l.box AND e.name = l.name)
         FROM letter l",
    )?;
    let mut rows = letters.query([])?;
    while let Some(row) = rows.next()? {
        let side = if row.get::<_, String>(0)? == WITHIN { Side::Within } else { Side::Beside };
        contents.records.insert((side, row.get(1)?), row.get(2)?);
    }
    let mut schema = raw.prepare("SELECT name, coalesce(sql, '') FROM sqlite_schema")?;
    let mut rows = schema.query([])?;
    while let Some(row) = rows.next()? {
        contents.rest.insert(format!("schema {}", row.get::<_, String>(0)?), row.get(1)?);
    }
    let note = raw.query_row("SELECT note FROM forgotten", [], |row| row.get(0)).optional()?;
    contents.rest.insert("forgotten".to_owned(), note.unwrap_or_default());
    let orphans = "SELECT count(*) FROM enclosure WHERE (box, name) NOT IN
                       (SELECT box, name FROM letter)";
    let orphans: i64 = raw.query_row(orphans, [], |row| row.get(0))?;
    contents.rest.insert("orphans".to_owned(), orphans.to_string());
    Ok(contents)
}

#[async_trait]
impl Target for SqliteTarget {
    fn adapter(&self) -> Arc<dyn Adapter> {
        Arc::new(Sqlite)
    }

    fn system(&self) -> SystemConfig {
        system_in(self.folder.path())
    }

    fn scope(&self, action: Action) -> Scope {
        scope_of(WITHIN, action)
    }

    fn scope_beside(&self) -> Option<Scope> {
        Some(scope_of(BESIDE, Action::Destroy))
    }

    fn locator(&self, name: &str) -> Locator {
        Locator::new(&[WITHIN.to_owned(), name.replace('%', "%25")])
    }

    async fn contents(&self) -> Done<Contents> {
        self.with(contents)
    }

    async fn add(&self, seed: &Seed) -> Done {
        self.with(|raw| add(raw, seed))
    }

    async fn change(&self, name: &str) -> Done {
        self.one("UPDATE letter SET content = content || '!' WHERE box = ?1 AND name = ?2", name)
    }

    async fn remove(&self, name: &str) -> Done {
        self.with(|raw| {
            raw.execute("DELETE FROM enclosure WHERE box = ?1 AND name = ?2", params![WITHIN, name])
        })?;
        self.one("DELETE FROM letter WHERE box = ?1 AND name = ?2", name)
    }

    async fn redate(&self, name: &str, date: Date) -> Done {
        let sql = format!("UPDATE letter SET written = '{date}' WHERE box = ?1 AND name = ?2");
        self.one(&sql, name)
    }

    async fn protect(&self, name: &str) -> Done {
        self.one("INSERT INTO sealed VALUES (?1, ?2)", name)
    }

    async fn cut(&self) -> Done {
        Ok(rename(&self.path(), &self.away())?)
    }

    async fn fault(&self, fault: Fault) -> Done {
        assert_eq!(fault, Fault::Busy, "no other is declared");
        self.with(|raw| raw.execute_batch("BEGIN EXCLUSIVE"))
    }

    async fn mend(&self) -> Done {
        if self.away().exists() {
            rename(&self.away(), &self.path())?;
        }
        self.with(|raw| if raw.is_autocommit() { Ok(()) } else { raw.execute_batch("ROLLBACK") })
    }

    async fn plant_copies(&self, _name: &str) -> Done<Vec<PlantedCopy>> {
        self.with(|raw| {
            raw.execute_batch(
                "CREATE TABLE audit (what TEXT);
                 CREATE TRIGGER keep_copy AFTER DELETE ON letter
                     BEGIN INSERT INTO audit VALUES (old.content); END;",
            )
        })?;
        Ok(vec![PlantedCopy { kind: "trigger-copy".to_owned(), clears_by: None }])
    }

    /// A trigger keeps the database busy at one record of the order, until the process is killed.
    async fn crash(&self, order: DisposalOrder, after: usize) -> Done {
        let parts = order.records()[after].locator.parts();
        self.with(|raw| {
            raw.execute_batch(&format!(
                "CREATE VIEW forever AS WITH RECURSIVE n(n) AS
                     (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000000000) SELECT n FROM n;
                 CREATE TRIGGER stuck BEFORE DELETE ON letter WHEN old.name = '{}'
                     BEGIN SELECT count(*) FROM forever; END;",
                parts[1]
            ))
        })?;
        kill_within(self.folder.path(), order.records())?;
        self.with(|raw| raw.execute_batch("DROP TRIGGER stuck; DROP VIEW forever"))
    }

    async fn leave(&self, name: &str) -> Done {
        self.one("UPDATE letter SET closed = 0 WHERE box = ?1 AND name = ?2", name)
    }

    async fn replace(&self) -> Done {
        let copy = self.folder.path().join("copy.db");
        self.with(|raw| raw.execute("VACUUM INTO ?1", [copy.to_string_lossy()]))?;
        Ok(rename(&copy, &self.path())?)
    }

    fn forgotten(&self) -> Option<String> {
        Some("forgotten".to_owned())
    }
}

#[expect(clippy::disallowed_methods, reason = "a test moves its own file, no state of quietus")]
fn rename(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::rename(from, to)
}

const CHILD_FOLDER: &str = "QUIETUS_TEST_CHILD_FOLDER";
const CHILD_ORDER: &str = "QUIETUS_TEST_CHILD_ORDER";
const CHILD_BEGINS: &str = "the child begins";

fn kill_within(folder: &Path, records: &[RecordRef]) -> Done {
    let lines: Vec<String> = records
        .iter()
        .map(|r| {
            let version: String = r.version.as_bytes().iter().map(|b| format!("{b:02x}")).collect();
            format!("{version} {}", r.locator.as_str())
        })
        .collect();
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--exact", "suite::child_that_is_killed", "--nocapture"])
        .env(CHILD_FOLDER, folder)
        .env(CHILD_ORDER, lines.join("\n"))
        .stdout(Stdio::piped())
        .spawn()?;
    let output = child.stdout.take().ok_or("the child says nothing")?;
    let began = BufReader::new(output).lines().any(|l| l.is_ok_and(|l| l.contains(CHILD_BEGINS)));
    std::thread::sleep(Duration::from_millis(200));
    child.kill()?;
    let status = child.wait()?;
    if began && !status.success() { Ok(()) } else { Err("the child was not killed".into()) }
}

/// What the child does: carries the order out, and is killed meanwhile.
pub async fn carry_out_as_child() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else { return };
    let order = std::env::var(CHILD_ORDER).unwrap();
    let records = order.lines().map(|line| {
        let (version, locator) = line.split_once(' ').unwrap();
        let bytes: Vec<u8> = (0..version.len() / 2)
            .map(|n| u8::from_str_radix(&version[2 * n..2 * n + 2], 16).unwrap())
            .collect();
        let locator = Locator::from_canonical(locator).unwrap();
        RecordRef { locator, version: Version::new(&bytes) }
    });
    let disposer = Sqlite.open_disposer(&system_in(Path::new(&folder))).await.unwrap();
    let id = OrderId { run: "child".to_owned(), batch: 1, order: 1 };
    #[expect(clippy::disallowed_methods, reason = "a test stands for the journal")]
    let order =
        DisposalOrder::from_journal(id, scope_of(WITHIN, Action::Destroy), records.collect());
    println!("{CHILD_BEGINS}");
    disposer.dispose(&order).await.unwrap();
}
