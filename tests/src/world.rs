//! A sample programme over a real target, and what is true of each of its records.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};
use walkdir::WalkDir;

use crate::chance::Chance;

/// The day for which the rules are asked: long enough ago for every clock.
pub const AS_OF: &str = "2025-01-01";

/// The kind of target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A file tree.
    Filesystem,
    /// A SQLite database.
    Sqlite,
}

impl Target {
    /// All targets of the sample programmes.
    pub const ALL: [Self; 2] = [Self::Filesystem, Self::Sqlite];

    /// Returns the adapter's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Filesystem => "filesystem",
            Self::Sqlite => "sqlite",
        }
    }
}

/// What may happen to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It is due, and shall go.
    Due,
    /// It is due, and a hold covers it.
    Held,
    /// Its time has not come.
    NotDue,
    /// No holding selects it.
    Unplanned,
}

/// A record as it was when the world was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What may happen to it.
    pub truth: Truth,
    /// Digest of its content, members included.
    pub digest: [u8; 32],
}

/// A sample programme.
#[derive(Debug)]
pub struct World {
    /// The programme folder.
    pub programme: PathBuf,
    /// The kind of target.
    pub target: Target,
    /// The folder or database.
    pub place: PathBuf,
    /// Every record, by its name.
    pub records: BTreeMap<String, Record>,
}

/// The schedule of every sample: two classes, two years after closure, standing approval.
pub const SCHEDULE: &str = r#"[schedule]
title          = "Sample schedule"
organisation   = "Sample Limited"
version        = "1"
approved_by    = "Chief Financial Officer"
approved_on    = 2020-01-15
effective_from = 2020-02-01
review_by      = 2099-01-31
jurisdiction   = "JM"
time_zone      = "UTC"

[triggers]
"closure" = "The file was closed."

[authorities.BUSINESS]
citation = "Business need, approved by the owner"

[class.CASE]
title       = "Case files"
owner       = "Case Manager"
trigger     = "closure"
retention   = "2 years"
disposition = "destroy"
approval    = "standing"
authority   = ["BUSINESS"]

[class.SUIT]
title       = "Files in dispute"
owner       = "Case Manager"
trigger     = "closure"
retention   = "2 years"
disposition = "destroy"
approval    = "standing"
authority   = ["BUSINESS"]
"#;

/// A hold on one of the classes.
pub const HOLDS: &str = r#"[hold.H-1]
matter     = "Sample v. Sample"
reason     = "litigation"
ordered_by = "General Counsel"
placed_on  = 2024-01-01
review_by  = 2099-01-01
classes    = ["SUIT"]
"#;

/// Settings without a limit that a sample could reach.
pub const SETTINGS: &str = r#"[agent]
organisation = "Sample Limited"
name         = "agent-1"

[limits]
records_max       = 100000000
share_max_percent = 100
growth_max_times  = 1000000
"#;

impl World {
    /// Makes a programme folder with `due` due records, and others around them.
    pub fn make(folder: &Path, target: Target, due: u64, chance: &mut Chance) -> Result<Self> {
        Self::make_with(folder, target, due, 3, chance)
    }

    /// As `make`, with so many members (child rows) to each record.
    pub fn make_with(
        folder: &Path,
        target: Target,
        due: u64,
        members: u64,
        chance: &mut Chance,
    ) -> Result<Self> {
        let programme = folder.join("programme");
        let place = folder.join(match target {
            Target::Filesystem => "share",
            Target::Sqlite => "erp.sqlite",
        });
        write_programme(&programme, &systems(target, &place))?;
        let records = list(due, chance);
        match target {
            Target::Filesystem => make_files(&place, &records)?,
            Target::Sqlite => make_rows(&place, &records, members)?,
        }
        let mut world = Self { programme, target, place, records: BTreeMap::new() };
        let seen = world.look()?;
        for (name, (truth, _)) in &records {
            let digest = *seen.get(name).with_context(|| format!("{name} was not made"))?;
            world.records.insert(name.clone(), Record { truth: *truth, digest });
        }
        Ok(world)
    }

    /// Reads what is in the target now, by another route than the agent: name to digest.
    pub fn look(&self) -> Result<BTreeMap<String, [u8; 32]>> {
        match self.target {
            Target::Filesystem => look_at_files(&self.place),
            Target::Sqlite => look_at_rows(&self.place),
        }
    }

    /// Places a hold on everything that is due, while runs come and go: from now on nothing more
    /// of it may be touched.
    pub fn hold_the_rest(&mut self) -> Result<()> {
        let more = HOLDS.replace("H-1", "H-2").replace("SUIT", "CASE");
        fs::write(self.programme.join("holds.toml"), format!("{HOLDS}\n{more}"))?;
        // A record that a killed run had claimed stands under another name, and is held all the
        // same; no two sample records have the same content.
        let there: BTreeSet<[u8; 32]> = self.look()?.into_values().collect();
        for record in self.records.values_mut() {
            if record.truth == Truth::Due && there.contains(&record.digest) {
                record.truth = Truth::Held;
            }
        }
        Ok(())
    }

    /// Returns the locator of a record, as the adapter writes it.
    pub fn locator(&self, name: &str) -> String {
        let part = match self.target {
            Target::Filesystem => name,
            Target::Sqlite => name.split_once('/').map_or(name, |(_, key)| key),
        };
        // A percent sign is what adapters escape with, so it is escaped itself.
        serde_json::Value::from(vec![part.replace('%', "%25")]).to_string()
    }
}

/// Writes the files of a programme folder.
pub fn write_programme(programme: &Path, systems: &str) -> Result<()> {
    // A class that no system holds must say where it is.
    let title = "title       = \"Files in dispute\"\n";
    let schedule = match systems.contains("\"SUIT\"") {
        true => SCHEDULE.to_owned(),
        false => SCHEDULE.replace(title, &format!("{title}held_on     = \"paper\"\n")),
    };
    fs::create_dir_all(programme)?;
    fs::write(programme.join("schedule.toml"), schedule)?;
    fs::write(programme.join("holds.toml"), HOLDS)?;
    fs::write(programme.join("quietus.toml"), SETTINGS)?;
    fs::write(programme.join("systems.toml"), systems)?;
    Ok(())
}

fn systems(target: Target, place: &Path) -> String {
    let place = place.display();
    match target {
        Target::Filesystem => format!(
            r#"[system.share]
adapter = "filesystem"
root    = "{place}"

[[holding]]
class  = "CASE"
system = "share"
paths  = ["case/{{date:closed}}/*"]
dates  = {{ "closure" = "path:closed" }}

[[holding]]
class  = "SUIT"
system = "share"
paths  = ["suit/{{date:closed}}/*"]
dates  = {{ "closure" = "path:closed" }}
"#
        ),
        Target::Sqlite => format!(
            r#"[system.erp]
adapter   = "sqlite"
path      = "{place}"
time_zone = "UTC"

[[holding]]
class        = "CASE"
system       = "erp"
table        = "case_file"
key          = ["name"]
dispose_with = ["case_line"]
dates        = {{ "closure" = "closed_on" }}

[[holding]]
class  = "SUIT"
system = "erp"
table  = "suit_file"
key    = ["name"]
dates  = {{ "closure" = "closed_on" }}
"#
        ),
    }
}

/// Names, with the truth and the day of closure of each.
fn list(due: u64, chance: &mut Chance) -> BTreeMap<String, (Truth, String)> {
    let mut all = BTreeMap::new();
    let mut add = |folder: &str, n: u64, truth, year: u64, chance: &mut Chance| {
        let day = format!("{year}-{:02}-{:02}", 1 + chance.below(12), 1 + chance.below(28));
        // Names with a space, a quote and a percent sign, in some places.
        let mark =
            [" ", "'", "%", "é", "-"].get(usize::try_from(n % 9).unwrap_or(0)).unwrap_or(&"");
        let name = match folder {
            "case" | "suit" => format!("{folder}/{day}/{n:04}{mark}.txt"),
            _ => format!("{folder}/{n:04}{mark}.txt"),
        };
        all.insert(name, (truth, day));
    };
    for n in 0..due {
        let year = 2010 + chance.below(12);
        add("case", n, Truth::Due, year, chance);
    }
    for n in 0..due / 2 {
        add("case", 5000 + n, Truth::NotDue, 2024, chance);
    }
    for n in 0..due / 4 {
        let year = 2010 + chance.below(12);
        add("suit", 6000 + n, Truth::Held, year, chance);
    }
    for n in 0..due / 4 {
        add("cases", 7000 + n, Truth::Unplanned, 2012, chance);
    }
    all
}

fn make_files(root: &Path, records: &BTreeMap<String, (Truth, String)>) -> Result<()> {
    for name in records.keys() {
        let path = root.join(name);
        fs::create_dir_all(path.parent().context("no parent")?)?;
        fs::write(path, format!("content of {name}\n").repeat(20))?;
    }
    Ok(())
}

fn look_at_files(root: &Path) -> Result<BTreeMap<String, [u8; 32]>> {
    let mut found = BTreeMap::new();
    for entry in WalkDir::new(root) {
        let entry = entry?;
        if !entry.file_type().is_dir() {
            let name = entry.path().strip_prefix(root)?.to_string_lossy().into_owned();
            found.insert(name, Sha256::digest(fs::read(entry.path())?).into());
        }
    }
    Ok(found)
}

const TABLES: &str = "
CREATE TABLE case_file (name TEXT PRIMARY KEY, closed_on TEXT, body TEXT) STRICT;
CREATE TABLE case_line (
  id INTEGER PRIMARY KEY, case_name TEXT NOT NULL REFERENCES case_file (name), body TEXT
) STRICT;
CREATE INDEX case_line_of ON case_line (case_name);
CREATE TABLE suit_file (name TEXT PRIMARY KEY, closed_on TEXT, body TEXT) STRICT;
CREATE TABLE cases_file (name TEXT PRIMARY KEY, closed_on TEXT, body TEXT) STRICT;
";

fn make_rows(
    place: &Path,
    records: &BTreeMap<String, (Truth, String)>,
    members: u64,
) -> Result<()> {
    let mut db = Connection::open(place)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.execute_batch(TABLES)?;
    let tx = db.transaction()?;
    for (name, (_, day)) in records {
        let (table, key) = name.split_once('/').context("a name without a table")?;
        tx.execute(
            &format!("INSERT INTO {table}_file VALUES (?1, ?2, ?3)"),
            [key, day, &format!("content of {name}")],
        )?;
        for line in 0..if table == "case" { members } else { 0 } {
            tx.execute(
                "INSERT INTO case_line (case_name, body) VALUES (?1, ?2)",
                [key, &format!("line {line} of {name}")],
            )?;
        }
    }
    tx.commit()?;
    Ok(())
}

fn look_at_rows(place: &Path) -> Result<BTreeMap<String, [u8; 32]>> {
    let db = Connection::open(place)?;
    let mut contents: BTreeMap<String, String> = BTreeMap::new();
    for table in ["case", "suit", "cases"] {
        let mut select =
            db.prepare(&format!("SELECT name, closed_on, body FROM {table}_file ORDER BY name"))?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let (name, day, body): (String, String, String) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            contents.insert(format!("{table}/{name}"), format!("{day} {body}"));
        }
    }
    let mut select = db.prepare("SELECT case_name, body FROM case_line ORDER BY id")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (name, body): (String, String) = (row.get(0)?, row.get(1)?);
        // A line that is left behind is a record that is half gone, which is a record still there.
        let content = contents.entry(format!("case/{name}")).or_default();
        write!(content, "\n{body}")?;
    }
    Ok(contents.into_iter().map(|(name, text)| (name, Sha256::digest(text).into())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_is_what_it_says() {
        for target in Target::ALL {
            let folder = tempfile::tempdir().unwrap();
            let world = World::make(folder.path(), target, 40, &mut Chance::new(1)).unwrap();
            let count =
                |truth| world.records.values().filter(|record| record.truth == truth).count();
            assert_eq!(count(Truth::Due), 40, "{target:?}");
            assert_eq!(count(Truth::NotDue), 20);
            assert_eq!((count(Truth::Held), count(Truth::Unplanned)), (10, 10));
            assert_eq!(world.look().unwrap().len(), 80);
        }
    }
}
