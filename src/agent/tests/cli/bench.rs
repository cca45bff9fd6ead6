//! A programme in a temporary folder, and the commands that are run on it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A schedule of one class that each batch is approved for, and one with a standing approval.
pub const SCHEDULE: &str = r#"[schedule]
title        = "Schedule"
organisation = "Blue Mountain Trading Limited"
version      = "1"
approved_by  = "Chief Financial Officer"
approved_on  = 2020-01-01
jurisdiction = "JM"
time_zone    = "America/Jamaica"

[triggers]
"final payment" = "Paid in full or written off."
"visit"         = "The day of the visit."

[authorities.BUSINESS]
citation   = "Business need"
checked_by = "Counsel"
checked_on = 2020-01-01

[class.FIN-010]
title       = "Invoices"
owner       = "Finance Manager"
trigger     = "final payment"
cutoff      = "end of calendar year"
retention   = "2 years"
disposition = "destroy"
authority   = ["BUSINESS"]

[class.OPS-010]
title       = "Visitors' book"
owner       = "Security Manager"
trigger     = "visit"
retention   = "90 days"
disposition = "destroy"
approval    = "standing"
authority   = ["BUSINESS"]
"#;

const SYSTEMS: &str = r#"[system.shop]
adapter        = "sqlite"
path           = "shop.sqlite"
time_zone      = "America/Jamaica"
plausible_from = 1990-01-01

[[holding]]
class        = "FIN-010"
system       = "shop"
table        = "invoice"
key          = ["invoice_id"]
dispose_with = ["invoice_line"]
dates        = { "final payment" = "paid_on" }
subject      = "customer:{customer_id}"

[[holding]]
class  = "OPS-010"
system = "shop"
table  = "visitor"
key    = ["visit_id"]
dates  = { "visit" = "visited_on" }
"#;

const DATABASE: &str = "
CREATE TABLE invoice (invoice_id INTEGER PRIMARY KEY, customer_id INTEGER, paid_on TEXT);
CREATE TABLE invoice_line (
  line_id INTEGER PRIMARY KEY, invoice_id INTEGER REFERENCES invoice (invoice_id));
CREATE TABLE visitor (visit_id INTEGER PRIMARY KEY, visited_on TEXT);
INSERT INTO invoice VALUES (1, 1001, '2020-05-06'), (2, 1042, '2021-02-03'), (3, 1001, '2022-12-31'),
  (4, 1001, '2023-01-01'), (5, 1001, NULL), (6, 1001, '1899-12-30');
INSERT INTO invoice_line (invoice_id) VALUES (1), (1), (2), (3), (4);
INSERT INTO visitor VALUES (1, '2024-01-01'), (2, '2024-12-24');
";

/// A programme that is thrown away.
pub struct Bench {
    dir: tempfile::TempDir,
}

/// What a command left.
pub struct Said {
    pub exit: i32,
    pub out: String,
    pub err: String,
}

impl Bench {
    /// Begins with an empty folder.
    pub fn empty() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// Begins with a small shop, its keys and one approver.
    pub fn shop() -> Self {
        let bench = Self::empty();
        bench.write("schedule.toml", SCHEDULE);
        bench.write("systems.toml", SYSTEMS);
        let db = rusqlite::Connection::open(bench.path("shop.sqlite")).unwrap();
        db.execute_batch(DATABASE).unwrap();
        assert_eq!(bench.run(&["init", "--origin", "records.example.com/test"]).exit, 0);
        bench.run(&["key", "new", "finance", "--to", &bench.text("keys")]);
        let public = std::fs::read_to_string(bench.path("keys/finance.pub")).unwrap();
        bench.write(
            "quietus.toml",
            &format!(
                "[agent]\nname = \"test\"\n\n[[approver]]\nrole = \"Finance Manager\"\n\
                 name = \"J. Brown\"\nkey = \"{}\"\n",
                public.trim()
            ),
        );
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    #[expect(clippy::disallowed_methods, reason = "a test's own files, not the agent's state")]
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Runs a command on the programme.
    pub fn run(&self, arguments: &[&str]) -> Said {
        self.command(arguments, self.dir.path())
    }

    /// Runs a command somewhere.
    pub fn command(&self, arguments: &[&str], dir: &Path) -> Said {
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_quietus"))
            .args(arguments)
            .current_dir(dir)
            .env_remove("QUIETUS_LOG")
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        Said {
            exit: status.code().unwrap(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    /// Runs commands one after the other, and writes down what each said.
    pub fn transcript(&self, commands: &[&[&str]]) -> String {
        let mut text = String::new();
        for arguments in commands {
            let said = self.run(arguments);
            text.push_str(&format!("$ quietus {}\n", arguments.join(" ")));
            text.push_str(&said.out);
            if !said.err.is_empty() {
                text.push_str(&format!("--- stderr\n{}", said.err));
            }
            text.push_str(&format!("--- exit {}\n\n", said.exit));
        }
        self.tidy(&text)
    }

    /// Takes out what differs from run to run: folders, keys, digests, times, names of plans.
    pub fn tidy(&self, text: &str) -> String {
        let dir = self.dir.path().to_str().unwrap();
        let text = text.replace(dir, "DIR");
        text.split('\n').map(tidy_line).collect::<Vec<_>>().join("\n")
    }

    /// Counts rows of the shop.
    pub fn count(&self, table: &str) -> i64 {
        let db = rusqlite::Connection::open(self.path("shop.sqlite")).unwrap();
        db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }
}

impl Said {
    /// Reads the answer.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.out, self.err))
    }
}

fn tidy_line(line: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-+/=:".contains(c);
    let mut out = String::new();
    let mut word = String::new();
    for c in line.chars().chain(['\n']) {
        if is_word(c) {
            word.push(c);
            continue;
        }
        out.push_str(&tidy_word(&word));
        word.clear();
        if c != '\n' {
            out.push(c);
        }
    }
    out
}

fn tidy_word(word: &str) -> String {
    let hex = |text: &str| text.chars().all(|c| c.is_ascii_hexdigit());
    let parts: Vec<&str> = word.split('-').collect();
    let trimmed = word.trim_end_matches(':');
    if let [name, id, key] = word.splitn(3, '+').collect::<Vec<_>>().as_slice()
        && id.len() == 8
        && hex(id)
        && key.len() == 44
    {
        return format!("{name}+ID+KEY");
    }
    if let [day, time, salt] = parts.as_slice()
        && day.len() == 8
        && time.len() == 6
        && salt.len() >= 8
        && hex(salt.trim_end_matches(':'))
    {
        return word.replace(trimmed, "PLAN");
    }
    if trimmed.len() == 20 && trimmed.ends_with('Z') && trimmed.contains('T') {
        return word.replace(trimmed, "TIME");
    }
    if word.len() == 8 && hex(word) {
        return "ID".into();
    }
    if trimmed.len() == 64 && hex(trimmed) {
        return word.replace(trimmed, "DIGEST");
    }
    word.to_owned()
}
