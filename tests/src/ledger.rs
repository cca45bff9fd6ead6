//! Reads certificates and record lines by another route than the agent: straight from the files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use quietus_evidence::BatchKey;
use quietus_evidence::commitment::commit;
use rusqlite::Connection;
use serde_json::Value;

/// One batch as the ledger shows it.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// Its place in the ledger.
    pub seq: u64,
    /// Outcome of each record, by its name; a commitment that fits no record keeps its digits.
    pub outcomes: BTreeMap<String, String>,
}

/// What the ledger says.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Certificates in order.
    pub certificates: Vec<Certificate>,
    /// Intents that neither a result nor an abort closes.
    pub open_intents: Vec<u64>,
    /// The kinds of all entries, in order.
    pub kinds: Vec<String>,
}

/// How one batch can be opened.
struct Opening {
    store: String,
    records: u64,
    key: [u8; 32],
}

impl Ledger {
    /// Reads a programme's ledger and opens each certificate with the keys that the journal keeps.
    ///
    /// `names` maps locators to names.
    pub fn read(programme: &Path, names: &BTreeMap<String, String>) -> Result<Self> {
        let openings = openings(programme)?;
        let mut ledger = Self::default();
        let mut open = Vec::new();
        for seq in 0_u64.. {
            let path = programme.join(format!("ledger/certificates/{seq:09}.json"));
            let Ok(bytes) = fs::read(&path) else { break };
            let statement: Value = serde_json::from_slice(&bytes)?;
            let predicate = statement.get("predicate").context("no predicate")?;
            let kind = text(predicate, "kind")?;
            match kind {
                "intent" => open.push(seq),
                "result" | "abort" => {
                    let named = predicate.pointer("/intent/seq").and_then(Value::as_u64);
                    open.retain(|intent| Some(*intent) != named);
                }
                _ => {}
            }
            if kind == "result" {
                let outcomes = outcomes(programme, predicate, openings.get(&seq), names)?;
                ledger.certificates.push(Certificate { seq, outcomes });
            }
            ledger.kinds.push(kind.to_owned());
        }
        ledger.open_intents = open;
        Ok(ledger)
    }

    /// Returns the places of the certificates that give a record this outcome.
    pub fn with_outcome(&self, name: &str, outcome: &str) -> Vec<u64> {
        let says = |one: &&Certificate| one.outcomes.get(name).is_some_and(|o| o == outcome);
        self.certificates.iter().filter(says).map(|one| one.seq).collect()
    }
}

fn text<'v>(value: &'v Value, name: &str) -> Result<&'v str> {
    value.get(name).and_then(Value::as_str).with_context(|| format!("no {name}"))
}

fn openings(programme: &Path) -> Result<BTreeMap<u64, Opening>> {
    let path = programme.join("state/journal.sqlite");
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    let db = Connection::open(path)?;
    let exists: bool =
        db.query_row("SELECT count(*) > 0 FROM sqlite_master WHERE name = 'opening'", [], |row| {
            row.get(0)
        })?;
    if !exists {
        return Ok(BTreeMap::new());
    }
    let mut select = db.prepare("SELECT result_seq, store, records, key FROM opening")?;
    let mut rows = select.query([])?;
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let seq = u64::try_from(row.get::<_, i64>(0)?)?;
        let records = u64::try_from(row.get::<_, i64>(2)?)?;
        found.insert(seq, Opening { store: row.get(1)?, records, key: row.get(3)? });
    }
    Ok(found)
}

fn outcomes(
    programme: &Path,
    predicate: &Value,
    opening: Option<&Opening>,
    names: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>> {
    let file = predicate.pointer("/scope/records/file").and_then(Value::as_str);
    let path = programme.join("evidence").join(text(predicate, "run")?).join(file.context("file")?);
    let mut by_commitment = BTreeMap::new();
    for line in fs::read_to_string(&path).with_context(|| path.display().to_string())?.lines() {
        let line: Value = serde_json::from_str(line)?;
        by_commitment.insert(text(&line, "c")?.to_owned(), text(&line, "o")?.to_owned());
    }
    let opening = opening.context("a certificate that nobody can open")?;
    let key = BatchKey::from_bytes(opening.key);
    let salts: Vec<_> = (0..opening.records).map(|i| key.salt(i)).collect();
    let mut outcomes = BTreeMap::new();
    for (locator, name) in names {
        for salt in &salts {
            let commitment = commit(salt, &opening.store, locator).to_string();
            if let Some(outcome) = by_commitment.remove(&commitment)
                && outcomes.insert(name.clone(), outcome).is_some()
            {
                bail!("{name} is twice in one batch");
            }
        }
    }
    outcomes.extend(by_commitment);
    Ok(outcomes)
}
