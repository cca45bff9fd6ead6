//! Compares target, plan, journal and ledger after the dust has settled.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use rusqlite::Connection;

use crate::ledger::Ledger;
use crate::world::{Truth, World};

/// What may be wrong in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// A record is gone, and no certificate says that it was destroyed.
    GoneWithoutCertificate,
    /// A certificate says that a record was destroyed, and it is there.
    CertifiedWhilePresent,
    /// A record that a hold covers was touched.
    HeldTouched,
    /// A record that was not to be touched was touched: not due, or in no holding.
    UnplannedTouched,
    /// A record has two certificates of its destruction.
    CertifiedTwice,
    /// An intent has no final state.
    IntentLeftOpen,
    /// The journal has a run that is still open.
    RunLeftOpen,
    /// A certificate speaks of a record that nobody has.
    UnknownRecord,
    /// A due record is still there although nothing stood in its way.
    LeftOver,
    /// The ledger does not verify.
    LedgerInvalid,
    /// The agent panicked, or could not finish.
    AgentFailed,
}

/// What is wrong, and with what.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What is wrong.
    pub violation: Violation,
    /// With which record, or how.
    pub what: String,
}

impl Finding {
    /// Makes a finding.
    pub fn new(violation: Violation, what: impl Into<String>) -> Self {
        Self { violation, what: what.into() }
    }
}

/// Compares a world with what its ledger says. `stuck` records may stay: their target lies.
pub fn judge(world: &World, stuck: bool) -> Result<Vec<Finding>> {
    let names: BTreeMap<String, String> =
        world.records.keys().map(|name| (world.locator(name), name.clone())).collect();
    // Locators of different tables may agree; names of sample records never do.
    anyhow::ensure!(names.len() == world.records.len(), "two records with one locator");
    let ledger = Ledger::read(&world.programme, &names)?;
    let mut now = world.look()?;
    if stuck {
        now =
            now.into_iter().map(|(name, digest)| (claimed(world, name, digest), digest)).collect();
    }
    let mut findings = Vec::new();
    let mut note = |violation, what: &str| findings.push(Finding::new(violation, what));
    for (name, record) in &world.records {
        let certified = ledger.with_outcome(name, "destroyed");
        if certified.len() > 1 {
            note(Violation::CertifiedTwice, name);
        }
        match now.get(name) {
            Some(digest) if *digest == record.digest => {
                if !certified.is_empty() {
                    note(Violation::CertifiedWhilePresent, name);
                } else if record.truth == Truth::Due && !stuck {
                    note(Violation::LeftOver, name);
                }
            }
            changed => {
                match record.truth {
                    Truth::Due => {}
                    Truth::Held => note(Violation::HeldTouched, name),
                    Truth::NotDue | Truth::Unplanned => note(Violation::UnplannedTouched, name),
                }
                if changed.is_none() && certified.is_empty() {
                    note(Violation::GoneWithoutCertificate, name);
                }
                if changed.is_some() {
                    note(Violation::UnplannedTouched, &format!("{name}: changed"));
                }
            }
        }
    }
    for name in now.keys().filter(|name| !world.records.contains_key(*name)) {
        note(Violation::UnplannedTouched, &format!("{name}: new"));
    }
    for seq in &ledger.open_intents {
        note(Violation::IntentLeftOpen, &seq.to_string());
    }
    let known: BTreeSet<&String> = world.records.keys().collect();
    for certificate in &ledger.certificates {
        for name in certificate.outcomes.keys().filter(|name| !known.contains(name)) {
            note(Violation::UnknownRecord, &format!("{} in {}", name, certificate.seq));
        }
    }
    if open_runs(world)? > 0 {
        note(Violation::RunLeftOpen, "");
    }
    Ok(findings)
}

/// The name of a record that the agent had claimed (renamed beside itself) when its target lied;
/// no two sample records have the same content.
fn claimed(world: &World, name: String, digest: [u8; 32]) -> String {
    if !name.contains("/.quietus-") {
        return name;
    }
    let same = world.records.iter().find(|(_, record)| record.digest == digest);
    same.map_or(name, |(known, _)| known.clone())
}

fn open_runs(world: &World) -> Result<u64> {
    let path = world.programme.join("state/journal.sqlite");
    if !path.exists() {
        return Ok(0);
    }
    let db = Connection::open(path)?;
    let open: i64 =
        db.query_row("SELECT count(*) FROM run WHERE closed_at IS NULL", [], |row| row.get(0))?;
    Ok(u64::try_from(open)?)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::world::{Record, Target};

    #[test]
    fn a_claimed_record_is_still_that_record() {
        let record = Record { truth: Truth::Due, digest: [7; 32] };
        let world = World {
            programme: PathBuf::new(),
            target: Target::Filesystem,
            place: PathBuf::new(),
            records: BTreeMap::from([("case/a.txt".to_owned(), record)]),
        };
        let name = |name: &str, digest| claimed(&world, name.to_owned(), [digest; 32]);
        assert_eq!(name("case/.quietus-slot-0", 7), "case/a.txt");
        assert_eq!(name("case/.quietus-slot-0", 8), "case/.quietus-slot-0");
        assert_eq!(name("case/other.txt", 7), "case/other.txt");
    }
}
