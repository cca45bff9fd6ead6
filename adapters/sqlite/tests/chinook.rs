//! The sample shop: answers that are known beforehand.

#[cfg(test)]
mod common;

use common::{Bench, all_pages, holding, now};
use jiff::civil::Date;
use quietus_contract::{Absence, Checked, Outcome, Scope};

const BOUND: Date = Date::constant(2022, 12, 31);

fn invoices() -> Scope {
    holding("Invoice", &["InvoiceId"])
        .dispose_with(&["InvoiceLine"])
        .date("InvoiceDate", Some(BOUND))
        .fields(&["CustomerId", "BillingCountry"])
        .scope()
}

#[test]
fn the_due_invoices_go_with_their_lines_and_nothing_else() {
    let Some(bench) = Bench::chinook() else { return };
    let before = bench.everything_but("Invoice%");
    let scope = invoices();
    let records = all_pages(bench.inventory().as_ref(), &scope, 100);
    assert_eq!(records.len(), 166);
    assert_eq!(records.iter().map(|r| r.members).sum::<u32>(), 909);
    assert_eq!(records[0].fields[0].as_deref(), Some("2"));

    let survey = now(bench.inventory().survey(&scope)).unwrap();
    assert_eq!(survey.population, Some(412));
    assert_eq!(survey.store, "sqlite:shop/main.Invoice");

    assert!(bench.verify(&scope, &records).iter().all(|a| *a == Absence::Present));
    let outcomes = bench.dispose(&scope, &records);
    for (outcome, record) in outcomes.iter().zip(&records) {
        assert_eq!(*outcome, Outcome::Disposed { members: record.members });
    }
    let gone = Absence::Absent(Checked::ByRecord);
    assert!(bench.verify(&scope, &records).iter().all(|a| *a == gone));
    assert_eq!(bench.number("SELECT count(*) FROM Invoice"), 412 - 166);
    assert_eq!(bench.number("SELECT count(*) FROM InvoiceLine"), 2240 - 909);
    assert_eq!(bench.number("SELECT count(*) FROM pragma_foreign_key_check"), 0);
    assert_eq!(bench.everything_but("Invoice%"), before);
    let again = bench.dispose(&scope, &records);
    assert!(again.iter().all(|o| *o == Outcome::AlreadyAbsent));
}

#[test]
fn undeclared_lines_are_refused() {
    let Some(bench) = Bench::chinook() else { return };
    let scope = holding("Invoice", &["InvoiceId"]).date("InvoiceDate", None).scope();
    let refusal = bench.refusal(&scope);
    assert!(refusal.contains("`InvoiceLine`"), "{refusal}");
    assert!(refusal.contains("dispose_with = [\"InvoiceLine\"]"), "{refusal}");
}

#[test]
fn a_manager_goes_only_with_all_who_report_to_him() {
    let Some(bench) = Bench::chinook() else { return };
    let scope = holding("Employee", &["EmployeeId"])
        .filter("Title LIKE '%IT%'")
        .date("HireDate", None)
        .scope();
    // Customers refer to employees.
    assert!(bench.refusal(&scope).contains("`Customer`"));
    bench.raw().execute_batch("UPDATE Customer SET SupportRepId = NULL").unwrap();
    let scope = holding("Employee", &["EmployeeId"])
        .filter("Title LIKE '%IT%'")
        .dispose_with(&["Customer", "Invoice", "InvoiceLine"])
        .date("HireDate", None)
        .scope();
    let records = bench.records(&scope);
    assert_eq!(common::names(&records), ["[\"6\"]", "[\"7\"]", "[\"8\"]"]);
    // 7 and 8 report to 6: alone, 6 stays.
    let alone = bench.dispose(&scope, &records[..1]);
    assert!(matches!(alone[0], Outcome::Refused { .. }), "{alone:?}");
    let all = bench.dispose(&scope, &records);
    assert!(all.iter().all(|o| matches!(o, Outcome::Disposed { .. })), "{all:?}");
    assert_eq!(bench.number("SELECT count(*) FROM Employee"), 5);
    assert_eq!(bench.number("SELECT count(*) FROM Customer"), 59);
}
