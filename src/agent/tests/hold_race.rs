//! Holds that are placed while a run is at work: after the acknowledgement nothing they cover goes.

#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;

/// Races of each kind; `QUIETUS_RACES` asks for more.
const RACES: u32 = 12;
/// Tries to meet an order under way.
const TRIES: u32 = 30;
const RECORDS: i64 = 40_000;

const SCHEDULE: &str = r#"[schedule]
title        = "S"
organisation = "O"
version      = "1"
approved_by  = "A"
approved_on  = 2020-01-01
jurisdiction = "JM"
time_zone    = "UTC"
[triggers]
"visit" = "The day of the visit."
[authorities.N]
citation = "Need"
[class.V]
title       = "V"
owner       = "O"
trigger     = "visit"
retention   = "90 days"
disposition = "destroy"
approval    = "standing"
authority   = ["N"]
"#;

const SYSTEMS: &str = r#"[system.s]
adapter   = "sqlite"
path      = "s.sqlite"
time_zone = "UTC"
[[holding]]
class   = "V"
system  = "s"
table   = "visit"
key     = ["id"]
dates   = { "visit" = "day" }
subject = "person:{who}"
"#;

const HOLD: &str = "[hold.H]\nmatter = \"M\"\nreason = \"audit\"\nordered_by = \"G\"\n\
                    placed_on = 2020-01-01\nsubjects = [\"person:7\"]\n";

struct Template(tempfile::TempDir);

impl Template {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        write(&dir.path().join("schedule.toml"), SCHEDULE);
        write(&dir.path().join("systems.toml"), SYSTEMS);
        let limits = format!("[limits]\nrecords_max = {RECORDS}\nshare_max_percent = 100\n");
        write(&dir.path().join("quietus.toml"), &limits);
        let db = Connection::open(dir.path().join("s.sqlite")).unwrap();
        db.execute_batch(&format!(
            "CREATE TABLE visit (id INTEGER PRIMARY KEY, who INTEGER, day TEXT, note TEXT);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {RECORDS})
             INSERT INTO visit SELECT i, i % 10, '2020-01-01', hex(zeroblob(40)) FROM n;"
        ))
        .unwrap();
        let init = quietus(dir.path(), &["init", "--origin", "example.com/race"]).wait().unwrap();
        assert!(init.success());
        Self(dir)
    }

    fn copy(&self) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        std::fs::create_dir(copy.path().join("keys")).unwrap();
        for name in ["schedule.toml", "systems.toml", "quietus.toml", "holds.toml", "s.sqlite"] {
            std::fs::copy(self.0.path().join(name), copy.path().join(name)).unwrap();
        }
        for name in ["log.key", "log.pub", "certificate.key", "certificate.pub"] {
            let name = PathBuf::from("keys").join(name);
            std::fs::copy(self.0.path().join(&name), copy.path().join(&name)).unwrap();
        }
        copy
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's own files, not the agent's state")]
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

fn quietus(dir: &Path, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_quietus"))
        .args(arguments)
        .current_dir(dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn held_records(dir: &Path) -> i64 {
    let db = Connection::open(dir.join("s.sqlite")).unwrap();
    db.busy_timeout(Duration::from_secs(30)).unwrap();
    db.query_row("SELECT count(*) FROM visit WHERE who = 7", [], |row| row.get(0)).unwrap()
}

/// What a race left: held records at the acknowledgement, and after the run.
struct Raced {
    then: i64,
    after: i64,
}

fn race(template: &Template, delay: Duration) -> Raced {
    let dir = template.copy();
    let mut run = quietus(dir.path(), &["run"]);
    std::thread::sleep(delay);
    assert!(quietus(dir.path(), &ADD).wait().unwrap().success());
    let then = held_records(dir.path());
    let status = run.wait().unwrap();
    assert!(matches!(status.code(), Some(0 | 4)), "{status}");
    Raced { then, after: held_records(dir.path()) }
}

const ADD: [&str; 10] = [
    "hold",
    "add",
    "--matter",
    "M",
    "--reason",
    "audit",
    "--ordered-by",
    "G",
    "--subject",
    "person:7",
];

/// Starts a run and waits until an order is under way; `None` if the run was faster.
fn run_until_an_order_is_under_way(dir: &Path) -> Option<Child> {
    let mut run = quietus(dir, &["run"]);
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let sent = "SELECT count(*) FROM batch_order WHERE state = 'dispatched'";
    while run.try_wait().unwrap().is_none() {
        let journal = Connection::open_with_flags(dir.join("state/journal.sqlite"), flags);
        let Ok(journal) = journal else { continue };
        // Until the run has made its tables the question itself is an error.
        while let Ok(orders) = journal.query_row(sent, [], |row| row.get::<_, i64>(0)) {
            if orders > 0 {
                return Some(run);
            }
            if run.try_wait().unwrap().is_some() {
                return None;
            }
        }
    }
    None
}

/// How long a run takes when nobody disturbs it.
fn duration(template: &Template) -> Duration {
    let dir = template.copy();
    let begun = Instant::now();
    assert!(quietus(dir.path(), &["run"]).wait().unwrap().success());
    assert_eq!(held_records(dir.path()), 0, "without a hold all of them go");
    begun.elapsed()
}

#[test]
fn after_the_acknowledgement_of_a_hold_nothing_it_covers_goes() {
    let template = Template::new();
    let whole = duration(&template);
    let races = std::env::var("QUIETUS_RACES").ok().and_then(|n| n.parse().ok()).unwrap_or(RACES);
    let mut spared = 0;
    for n in 0..races {
        let raced = race(&template, whole * n / races);
        assert_eq!(
            raced.then, raced.after,
            "race {n}: a held record went after the acknowledgement"
        );
        spared += u32::from(raced.after > 0);
    }
    assert!(spared > 0, "no hold came in time: the races prove nothing");
    println!("{races} races, {spared} of them spared held records");
}

/// Kills a run while an order is under way, and then places a hold.
#[test]
fn records_that_an_interrupted_run_left_in_doubt_are_listed() {
    let template = Template::new();
    for _ in 0..TRIES {
        let dir = template.copy();
        let Some(mut run) = run_until_an_order_is_under_way(dir.path()) else { continue };
        run.kill().unwrap();
        run.wait().unwrap();
        let added = Command::new(env!("CARGO_BIN_EXE_quietus"))
            .args(ADD)
            .args(["--output", "json"])
            .current_dir(dir.path())
            .output()
            .unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&added.stdout).unwrap();
        let in_doubt = answer["in_doubt"].as_u64().unwrap();
        if in_doubt == 0 {
            // The order was settled between the look and the end of the process.
            continue;
        }
        assert_eq!(added.status.code(), Some(4));
        let covered = answer["in_doubt_covered"].as_array().unwrap();
        assert!(!covered.is_empty() && u64::try_from(covered.len()).unwrap() < in_doubt);
        for line in covered {
            let id: i64 = line["record"].as_str().unwrap().parse().unwrap();
            assert_eq!((id % 10, &line["class"]), (7, &"V".into()));
        }
        let before = held_records(dir.path());
        quietus(dir.path(), &["run"]).wait().unwrap();
        assert_eq!(held_records(dir.path()), before, "recovery respects the hold");
        return;
    }
    panic!("{TRIES} tries, and no order was under way");
}

/// The negative control: a hold that is only written into the file is acknowledged too early, and
/// an order in flight goes on without it.
#[test]
fn an_acknowledgement_that_does_not_wait_is_caught() {
    let template = Template::new();
    for _ in 0..TRIES {
        let dir = template.copy();
        let Some(mut run) = run_until_an_order_is_under_way(dir.path()) else { continue };
        write(&dir.path().join("holds.toml"), HOLD);
        let then = held_records(dir.path());
        run.wait().unwrap();
        if then != held_records(dir.path()) {
            return;
        }
    }
    panic!("{TRIES} tries, and the harness never saw the broken variant fail");
}
