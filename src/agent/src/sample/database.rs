//! The sample's database: a shop.

use std::path::Path;

use jiff::civil::Date;
use rusqlite::{Connection, params};

use super::{HELD_CUSTOMER, ODD_PAYSLIP, UNPAID_INVOICE, day, pick, word};

const INVOICES: i64 = 9_000;
const PAYSLIPS: i64 = 6_000;
const EMPLOYEES: i64 = 300;
const ACCOUNTS: i64 = 1_500;
const CONTACTS: i64 = 3_000;
const VISITS: i64 = 2_400;

const YEAR: i64 = 365;

const SCHEMA: &str = "
CREATE TABLE invoice (
  invoice_id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, issued_on TEXT NOT NULL,
  paid_on TEXT, total_cents INTEGER NOT NULL);
CREATE TABLE invoice_line (
  line_id INTEGER PRIMARY KEY, invoice_id INTEGER NOT NULL REFERENCES invoice (invoice_id),
  article TEXT NOT NULL, cents INTEGER NOT NULL);
CREATE INDEX invoice_line_of ON invoice_line (invoice_id);
CREATE TABLE payslip (
  payslip_id INTEGER PRIMARY KEY, employee_id INTEGER NOT NULL, pay_date TEXT NOT NULL,
  gross_cents INTEGER NOT NULL);
CREATE TABLE former_employee (
  employee_id INTEGER PRIMARY KEY, full_name TEXT NOT NULL, left_on TEXT NOT NULL);
CREATE TABLE appraisal (
  appraisal_id INTEGER PRIMARY KEY,
  employee_id INTEGER NOT NULL REFERENCES former_employee (employee_id), remarks TEXT NOT NULL);
CREATE INDEX appraisal_of ON appraisal (employee_id);
CREATE TABLE closed_account (
  customer_id INTEGER PRIMARY KEY, full_name TEXT NOT NULL, closed_on TEXT NOT NULL,
  last_transaction_on TEXT NOT NULL);
CREATE TABLE account_note (
  note_id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES closed_account (customer_id), note TEXT NOT NULL);
CREATE INDEX account_note_of ON account_note (customer_id);
CREATE TABLE marketing_contact (
  contact_id INTEGER PRIMARY KEY, email TEXT, full_name TEXT, phone TEXT,
  last_activity_at TEXT NOT NULL);
CREATE TABLE visitor (
  visit_id INTEGER PRIMARY KEY, full_name TEXT NOT NULL, visited_at TEXT NOT NULL);
";

const FIRST: &[&str] =
    &["Ada", "Benjamin", "Clarice", "Desmond", "Elena", "Fabian", "Grace", "Hugh"];
const LAST: &[&str] =
    &["Allen", "Bryce", "Clarke", "Dacosta", "Ellis", "Francis", "Grant", "Hylton"];
const ARTICLES: &[&str] =
    &["cement, bag", "paint, 5 l", "hinges, pair", "timber, 3 m", "wire, 10 m"];

/// Makes the database; returns how many of its rows are records.
pub(super) fn make(path: &Path, today: Date) -> rusqlite::Result<i64> {
    let mut db = Connection::open_with_flags(
        path,
        rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_CREATE,
    )?;
    let tx = db.transaction()?;
    tx.execute_batch(SCHEMA)?;
    invoices(&tx, today)?;
    payslips(&tx, today)?;
    employees(&tx, today)?;
    accounts(&tx, today)?;
    contacts(&tx, today)?;
    visitors(&tx, today)?;
    tx.commit()?;
    Ok(INVOICES + PAYSLIPS + EMPLOYEES + ACCOUNTS + CONTACTS + VISITS)
}

/// Returns the lowest number of an invoice that is not there.
pub(super) fn first_missing_invoice(path: &Path) -> rusqlite::Result<Option<i64>> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let db = Connection::open_with_flags(path, flags)?;
    let mut there = db.prepare("SELECT 1 FROM invoice WHERE invoice_id = ?1")?;
    for n in 1..=INVOICES {
        if !there.exists([n])? {
            return Ok(Some(n));
        }
    }
    Ok(None)
}

fn invoices(db: &Connection, today: Date) -> rusqlite::Result<()> {
    let mut invoice = db.prepare("INSERT INTO invoice VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let mut line = db.prepare("INSERT INTO invoice_line VALUES (NULL, ?1, ?2, ?3)")?;
    for n in 1..=INVOICES {
        let issued = day(1, n, today, 10 * YEAR);
        let paid = issued.saturating_add(jiff::Span::new().days(30)).min(today);
        let paid = (n != UNPAID_INVOICE).then(|| paid.to_string());
        let customer = 1_001 + pick(2, n, 500);
        let total = 1_000 + pick(3, n, 90_000);
        invoice.execute(params![n, customer, issued.to_string(), paid, total])?;
        for item in 0..1 + pick(4, n, 3) {
            line.execute(params![n, word(ARTICLES, 5, n + item), 100 + pick(6, n + item, 9_000)])?;
        }
    }
    Ok(())
}

fn payslips(db: &Connection, today: Date) -> rusqlite::Result<()> {
    let mut insert = db.prepare("INSERT INTO payslip VALUES (?1, ?2, ?3, ?4)")?;
    for n in 1..=PAYSLIPS {
        let paid = match n {
            ODD_PAYSLIP => "1899-12-30".to_owned(),
            _ => day(7, n, today, 9 * YEAR).last_of_month().min(today).to_string(),
        };
        insert.execute(params![n, 1 + pick(8, n, 200), paid, 150_000 + pick(9, n, 400_000)])?;
    }
    Ok(())
}

fn employees(db: &Connection, today: Date) -> rusqlite::Result<()> {
    let mut insert = db.prepare("INSERT INTO former_employee VALUES (?1, ?2, ?3)")?;
    let mut child = db.prepare("INSERT INTO appraisal VALUES (NULL, ?1, 'met expectations')")?;
    for n in 1..=EMPLOYEES {
        let left = day(10, n, today, 10 * YEAR);
        insert.execute(params![n, name(11, n), left.to_string()])?;
        for _ in 0..pick(12, n, 4) {
            child.execute([n])?;
        }
    }
    Ok(())
}

fn accounts(db: &Connection, today: Date) -> rusqlite::Result<()> {
    let mut insert = db.prepare("INSERT INTO closed_account VALUES (?1, ?2, ?3, ?4)")?;
    let mut child =
        db.prepare("INSERT INTO account_note VALUES (NULL, ?1, 'called, no answer')")?;
    for n in 1_001..1_001 + ACCOUNTS {
        let closed = match n {
            // The customer on hold would be long due.
            HELD_CUSTOMER => super::ago(today, 3_000),
            _ => day(13, n, today, 10 * YEAR),
        };
        let last = closed.saturating_sub(jiff::Span::new().days(60));
        // Now and then a refund comes after the closure: the later date governs.
        let last =
            if pick(14, n, 10) == 0 && n != HELD_CUSTOMER { today.min(closed) } else { last };
        insert.execute(params![n, name(15, n), closed.to_string(), last.to_string()])?;
        for _ in 0..pick(16, n, 3) {
            child.execute([n])?;
        }
    }
    Ok(())
}

fn contacts(db: &Connection, today: Date) -> rusqlite::Result<()> {
    let mut insert = db.prepare("INSERT INTO marketing_contact VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for n in 1..=CONTACTS {
        let at = format!("{} {:02}:15:00", day(17, n, today, 3 * YEAR), pick(18, n, 24));
        let email = format!("contact{n}@example.net");
        let phone = format!("+1 876 555 {:04}", pick(19, n, 10_000));
        insert.execute(params![n, email, name(20, n), phone, at])?;
    }
    Ok(())
}

fn visitors(db: &Connection, today: Date) -> rusqlite::Result<()> {
    let mut insert = db.prepare("INSERT INTO visitor VALUES (?1, ?2, ?3)")?;
    for n in 1..=VISITS {
        let at = format!("{} {:02}:30:00", day(21, n, today, 200), 8 + pick(22, n, 9));
        insert.execute(params![n, name(23, n), at])?;
    }
    Ok(())
}

fn name(series: u64, n: i64) -> String {
    format!("{} {}", word(FIRST, series, n), word(LAST, series + 100, n))
}
