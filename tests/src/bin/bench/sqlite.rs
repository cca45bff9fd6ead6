//! Certified disposal of rows against one `DELETE`; verification of the evidence; peak memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use quietus_tests::agent::Agent;
use quietus_tests::world::{AS_OF, write_programme};
use rusqlite::Connection;

use crate::Bench;
use crate::stopwatch::{Measured, measure, print, settle, time};

const ROWS: u64 = 5_000_000;
const DUE: u64 = 1_000_000;
const MEMORY_ROWS: [u64; 2] = [100_000, 2_000_000];
const MIB_KIB: u64 = 1024;

fn systems(database: &Path) -> String {
    let database = database.display();
    format!(
        r#"[system.erp]
adapter   = "sqlite"
path      = "{database}"
time_zone = "UTC"

[[holding]]
class  = "CASE"
system = "erp"
table  = "invoice"
key    = ["invoice_id"]
dates  = {{ "closure" = "paid_on" }}
"#
    )
}

/// Invoices in the order of their days, as a ledger of years has them; the first `due` are due.
fn make(database: &Path, rows: u64, due: u64) -> Result<()> {
    let mut db = Connection::open(database)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "OFF")?;
    db.execute_batch(
        "CREATE TABLE invoice (
           invoice_id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, paid_on TEXT NOT NULL,
           amount_cents INTEGER NOT NULL, remark TEXT NOT NULL
         ) STRICT",
    )?;
    let tx = db.transaction()?;
    {
        let mut insert = tx.prepare("INSERT INTO invoice VALUES (?1, ?2, ?3, ?4, ?5)")?;
        let due = i64::try_from(due)?;
        for n in 0..i64::try_from(rows)? {
            let year = if n < due { 2010 + n * 10 / due } else { 2024 };
            let day = format!("{year}-{:02}-{:02}", 1 + n % 12, 1 + n % 28);
            let remark = format!("Invoice {n} for goods delivered");
            insert.execute((n + 1, n % 50_000, day, n % 1_000_000, remark))?;
        }
    }
    tx.commit()?;
    drop(db);
    settle()
}

fn left(database: &Path) -> Result<u64> {
    let db = Connection::open(database)?;
    let rows: i64 = db.query_row("SELECT count(*) FROM invoice", [], |row| row.get(0))?;
    Ok(u64::try_from(rows)?)
}

fn delete(database: &Path) -> Result<()> {
    let db = Connection::open(database)?;
    db.execute("DELETE FROM invoice WHERE paid_on < '2023-01-01'", [])?;
    // As the agent leaves it: the log is folded into the database.
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

/// A programme over a copy of a database, and one certified run over it.
fn dispose(bench: &Bench, folder: &Path, from: &Path) -> Result<(PathBuf, Measured)> {
    fs::create_dir_all(folder)?;
    let database = folder.join("erp.sqlite");
    fs::copy(from, &database)?;
    settle()?;
    let programme = folder.join("programme");
    write_programme(&programme, &systems(&database))?;
    Agent::new(&bench.agent).must(&programme, &["init"])?;
    let measured = measure(
        Command::new(&bench.agent).arg("--dir").arg(&programme).args(["run", "--as-of", AS_OF]),
    )?;
    Ok((programme, measured))
}

pub fn run(bench: &Bench) -> Result<()> {
    let (rows, due) = (ROWS / bench.part, DUE / bench.part);
    let source = bench.scratch.join("source.sqlite");
    make(&source, rows, due)?;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..bench.rounds {
        let folder = bench.scratch.join(format!("sqlite-{round}"));
        let (_, measured) = dispose(bench, &folder, &source)?;
        ours.push(measured);
        ensure!(left(&folder.join("erp.sqlite"))? == rows - due, "rows are left, or too few");
        fs::remove_dir_all(&folder)?;

        let copy = bench.scratch.join("bare.sqlite");
        fs::copy(&source, &copy)?;
        settle()?;
        bare.push(time(|| delete(&copy))?);
        ensure!(left(&copy)? == rows - due, "the bare DELETE took another number");
        fs::remove_file(&copy)?;
    }
    fs::remove_file(&source)?;
    print("sqlite", due, &ours, &bare);
    Ok(())
}

/// Verification of the whole evidence of a disposal, against reading it once (`sha256sum`).
pub fn verify(bench: &Bench) -> Result<()> {
    let due = DUE / bench.part;
    let source = bench.scratch.join("source.sqlite");
    make(&source, due, due)?;
    let folder = bench.scratch.join("verify");
    let (programme, _) = dispose(bench, &folder, &source)?;
    let bundle = folder.join("evidence.disposal.tar");
    let path = bundle.to_str().context("a strange path")?;
    Agent::new(&bench.agent).must(&programme, &["evidence", "export", path])?;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..bench.rounds.max(5) {
        ours.push(measure(Command::new(&bench.agent).args(["verify", path]))?);
        bare.push(measure(Command::new("sha256sum").arg(&bundle))?);
    }
    fs::remove_dir_all(&folder)?;
    fs::remove_file(&source)?;
    print("verify", due, &ours, &bare);
    Ok(())
}

/// Peak memory at two sizes: it must not grow with the number of records.
pub fn memory(bench: &Bench) -> Result<()> {
    let mut peaks = Vec::new();
    for rows in MEMORY_ROWS {
        let rows = rows / bench.part;
        let source = bench.scratch.join("source.sqlite");
        make(&source, rows, rows)?;
        let folder = bench.scratch.join("memory");
        let (_, measured) = dispose(bench, &folder, &source)?;
        fs::remove_dir_all(&folder)?;
        fs::remove_file(&source)?;
        println!("bench memory n {rows} peak {} MiB", measured.peak_kib.div_ceil(MIB_KIB));
        peaks.push((rows, measured));
    }
    if let [(_, few), (n, many)] = peaks.as_slice() {
        let ratio = |kib: u64| u32::try_from(kib).map(f64::from);
        println!(
            "bench memory ratio {:.2} (peak at the larger size over peak at the smaller, n {n}, peak {} MiB)",
            ratio(many.peak_kib)? / ratio(few.peak_kib)?,
            many.peak_kib.div_ceil(MIB_KIB)
        );
    }
    Ok(())
}
