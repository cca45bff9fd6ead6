//! The whole way on a real database: plan, dispose, verify, certify.

#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::path::{Path, PathBuf};

use jiff::civil::{Date, date};
use quietus::adapters::Adapters;
use quietus::agent::Agent;
use quietus::clock::SystemClock;
use quietus::durable::Durable;
use quietus::execution::{self, Request, RunReport};
use quietus::keys::AgentKeys;
use quietus::programme::{self, Folder};
use quietus::progress::Unwatched;

const SCHEDULE: &str = r#"
[schedule]
title          = "Records Retention and Disposal Schedule"
organisation   = "Chinook Records Limited"
version        = "2026.1"
approved_by    = "Board"
approved_on    = 2020-01-01
effective_from = 2020-01-01
jurisdiction   = "JM"
time_zone      = "America/Jamaica"

[triggers]
"invoice date" = "The day the invoice was written."

[authorities.BUSINESS]
citation = "Business need, approved by the owner"

[class.FIN-010]
title       = "Invoices"
owner       = "Finance Manager"
trigger     = "invoice date"
cutoff      = "end of calendar year"
retention   = "2 years"
disposition = "destroy"
approval    = "standing"
authority   = ["BUSINESS"]
"#;

const SYSTEMS: &str = r#"
[system.shop]
adapter   = "sqlite"
path      = "shop.sqlite"
time_zone = "America/Jamaica"

[[holding]]
class        = "FIN-010"
system       = "shop"
table        = "Invoice"
key          = ["InvoiceId"]
dispose_with = ["InvoiceLine"]
dates        = { "invoice date" = "InvoiceDate" }
subject      = "customer:{CustomerId}"
"#;

const SETTINGS: &str = r#"
[limits]
share_max_percent = 100
"#;

/// The sample shop, if the folder of real data is there.
fn chinook() -> Option<PathBuf> {
    let folder = std::env::var_os("QUIETUS_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = folder.join("chinook/Chinook_Sqlite.sqlite");
    if !path.exists() {
        println!("{} is absent: this test looks at nothing", path.display());
        return None;
    }
    Some(path)
}

struct Programme {
    dir: tempfile::TempDir,
    adapters: Adapters,
}

impl Programme {
    fn new(chinook: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::copy(chinook, dir.path().join("shop.sqlite")).unwrap();
        let durable = Durable::new();
        for (name, text) in
            [("schedule.toml", SCHEDULE), ("systems.toml", SYSTEMS), ("quietus.toml", SETTINGS)]
        {
            durable.write_new(&dir.path().join(name), text.as_bytes()).unwrap();
        }
        durable.create_dir(&dir.path().join("keys")).unwrap();
        AgentKeys::create(&durable, &dir.path().join("keys"), "records.example.org/agent-1")
            .unwrap();
        Self { dir, adapters: Adapters::built_in() }
    }

    fn run(&self, as_of: Date) -> RunReport {
        let folder = Folder::new(self.dir.path());
        let loaded = programme::load(&folder, &self.adapters.forms()).unwrap();
        let agent = Agent {
            loaded: &loaded,
            adapters: &self.adapters,
            durable: Durable::new(),
            clock: &SystemClock,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
        let request = Request { as_of: Some(as_of), plan: None };
        let outcome =
            runtime.unwrap().block_on(execution::run(&agent, request, &Unwatched)).unwrap();
        outcome.runs.into_iter().next_back().unwrap()
    }

    fn count(&self, sql: &str) -> i64 {
        let db = rusqlite::Connection::open(self.dir.path().join("shop.sqlite")).unwrap();
        db.query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

#[test]
fn the_sample_shop_loses_exactly_the_invoices_that_are_due() {
    let Some(chinook) = chinook() else { return };
    let programme = Programme::new(&chinook);

    let report = programme.run(date(2025, 1, 1));
    let totals = report.totals();
    assert!(totals.add_up(), "{totals:?}");
    assert_eq!((totals.matched, totals.due, totals.disposed), (412, 166, 166));
    assert_eq!(totals.members, 909);
    assert_eq!(report.certificates.len(), 1);
    assert_eq!(programme.count("SELECT count(*) FROM Invoice"), 246);
    assert_eq!(programme.count("SELECT count(*) FROM pragma_foreign_key_check"), 0);

    let again = programme.run(date(2025, 1, 1));
    assert_eq!(again.totals().due, 0);
    assert_eq!(again.certificates.len(), 1, "a run with nothing due leaves a signed record");
}

#[test]
fn one_day_earlier_only_the_year_before_is_due() {
    let Some(chinook) = chinook() else { return };
    let programme = Programme::new(&chinook);
    assert_eq!(programme.run(date(2024, 12, 31)).totals().disposed, 83);
    assert_eq!(programme.count("SELECT count(*) FROM Invoice"), 329);
}

#[test]
fn a_system_that_cannot_be_read_does_not_stop_the_others() {
    let Some(chinook) = chinook() else { return };
    let programme = Programme::new(&chinook);
    let more = "\n[system.gone]\nadapter = \"sqlite\"\npath = \"gone.sqlite\"\n\n[[holding]]\n\
                class = \"FIN-010\"\nsystem = \"gone\"\ntable = \"t\"\nkey = [\"k\"]\n\
                dates = { \"invoice date\" = \"d\" }\n";
    let path = programme.dir.path().join("systems.toml");
    Durable::new().replace(&path, format!("{SYSTEMS}{more}").as_bytes()).unwrap();

    let report = programme.run(date(2025, 1, 1));
    assert_eq!(report.totals().disposed, 166);
    let [failure] = &report.failures[..] else { panic!("{:?}", report.failures) };
    assert_eq!(failure.system, "gone");
}
