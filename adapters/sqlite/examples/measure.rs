//! Measures each call against the bare `DELETE`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use jiff::civil::date;
use quietus_contract::{
    Action, Adapter, Cursor, DisposalOrder, Holding, OrderId, Outcome, Place, RecordRef, Scope,
    Setting, Settings, SystemConfig, Value,
};
use quietus_sqlite::Sqlite;
use rusqlite::Connection;

type Done<T = ()> = Result<T, Box<dyn std::error::Error>>;

const ORDER: usize = 65_536;

/// Due rows stand together, as in a ledger of years, or spread evenly over the table.
fn fill(path: &Path, rows: u64, due: u64, spread: bool) -> Done {
    let sqlite = Connection::open(path)?;
    sqlite.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
         CREATE TABLE invoice (
             invoice_id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, paid_on TEXT NOT NULL,
             amount_cents INTEGER NOT NULL, remark TEXT NOT NULL
         ) STRICT;",
    )?;
    let is_due = if spread { "(n * ?2) % ?1 < ?2" } else { "n <= ?2" };
    let sql = format!(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
         INSERT INTO invoice SELECT n, n % 50000,
             CASE WHEN {is_due} THEN 2010 + n % 10 ELSE 2024 END
                 || printf('-%02d-%02d', 1 + n % 12, 1 + n % 28),
             n % 1000000, 'Invoice ' || n || ' for goods delivered' FROM n"
    );
    sqlite.execute(&sql, [i64::try_from(rows)?, i64::try_from(due)?])?;
    sqlite.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

fn setting(value: Value) -> Setting {
    Setting { value, place: Place::default() }
}

fn text(text: &str) -> Setting {
    setting(Value::Text(text.to_owned()))
}

fn scope() -> Scope {
    let by_key = BTreeMap::from([
        ("table".to_owned(), text("invoice")),
        ("key".to_owned(), setting(Value::Texts(vec!["invoice_id".to_owned()]))),
    ]);
    Scope {
        holding: Arc::new(Holding {
            index: 0,
            class: "accounts".to_owned(),
            settings: Settings { by_key, place: Place::default() },
            dates: vec![("paid_on".to_owned(), Place::default())],
            fields: vec![("customer_id".to_owned(), Place::default())],
            not_a_date: Vec::new(),
            action: Action::Destroy,
        }),
        bounds: vec![Some(date(2020, 1, 1))],
    }
}

/// How long this thread was on a processor: steadier than the clock on a machine that is shared.
fn busy_secs() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos = stat.split(' ').next().and_then(|word| word.parse::<f64>().ok());
    nanos.unwrap_or(0.0) / 1e9
}

async fn measure(folder: &Path) -> Done<f64> {
    let by_key = BTreeMap::from([("path".to_owned(), text("ours.db"))]);
    let system = SystemConfig {
        name: "crm".to_owned(),
        settings: Settings { by_key, place: Place::default() },
        secret: None,
        base: folder.to_owned(),
    };
    let scope = scope();
    let inventory = Sqlite.open_inventory(&system).await?;
    let disposer = Sqlite.open_disposer(&system).await?;
    let begin = Instant::now();
    let (mut last, mut last_busy) = (begin, busy_secs());
    let mut lap = |name: &str| {
        let busy = busy_secs();
        println!("{name:8} {:.3} s, busy {:.3} s", last.elapsed().as_secs_f64(), busy - last_busy);
        (last, last_busy) = (Instant::now(), busy);
    };
    let survey = inventory.survey(&scope).await?;
    lap("survey");
    let mut records: Vec<RecordRef> = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let page = inventory.page(&scope, after.as_ref(), ORDER).await?;
        records.extend(page.records.into_iter().map(|r| r.reference));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    lap("pages");
    let mut found = 0;
    for chunk in records.chunks(ORDER) {
        let locators: Vec<_> = chunk.iter().map(|r| r.locator.clone()).collect();
        found += inventory.look(&scope, &locators).await?.iter().flatten().count();
    }
    lap("look");
    let mut disposed = 0;
    for (number, chunk) in (1..).zip(records.chunks(ORDER)) {
        let id = OrderId { run: "measure".to_owned(), batch: 1, order: number };
        #[expect(clippy::disallowed_methods, reason = "a measurement stands for the journal")]
        let order = DisposalOrder::from_journal(id, scope.clone(), chunk.to_vec());
        let outcomes = disposer.dispose(&order).await?;
        disposed += outcomes.iter().filter(|o| matches!(o, Outcome::Disposed { .. })).count();
    }
    lap("dispose");
    let mut absent = 0;
    for chunk in records.chunks(ORDER) {
        absent += inventory.verify_absent(&scope, chunk).await?.len();
    }
    lap("verify");
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "population {:?}, due {}, looked at {found}, disposed {disposed}, absent {absent}",
        survey.population,
        records.len()
    );
    Ok(seconds)
}

fn bare(path: &Path) -> Done<f64> {
    let sqlite = Connection::open(path)?;
    let (begin, busy) = (Instant::now(), busy_secs());
    let gone = sqlite.execute("DELETE FROM invoice WHERE paid_on < '2023-01-01'", [])?;
    sqlite.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    let seconds = begin.elapsed().as_secs_f64();
    println!("bare     {seconds:.3} s, busy {:.3} s, {gone} rows", busy_secs() - busy);
    Ok(seconds)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Done {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, rest @ ..] = arguments.as_slice() else {
        return Err("measure FOLDER [ROWS DUE together|spread]: fills, or measures".into());
    };
    let folder = Path::new(folder);
    if let [rows, due, order] = rest {
        return fill(&folder.join("source.db"), rows.parse()?, due.parse()?, order == "spread");
    }
    let theirs = folder.join("theirs.db");
    std::fs::copy(folder.join("source.db"), &theirs)?;
    let bare = bare(&theirs)?;
    std::fs::copy(folder.join("source.db"), folder.join("ours.db"))?;
    let seconds = measure(folder).await?;
    println!("ours {seconds:.3} s, ratio {:.2}", seconds / bare);
    Ok(())
}
