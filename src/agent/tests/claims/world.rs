//! A programme over a store in memory, and the reading of its evidence.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use quietus::adapters::Adapters;
use quietus::agent::Agent;
use quietus::approval::{self, Decision, Draft, Exception};
use quietus::auditing::{self, Trust};
use quietus::clock::FixedClock;
use quietus::durable::Durable;
use quietus::error::UserError;
use quietus::execution::{self, Outcome, Request, RunReport};
use quietus::keys::{AgentKeys, SecretKey};
use quietus::plan::{self, Counts, StoredPlan};
use quietus::programme::{self, Folder, Loaded};
use quietus::progress::Unwatched;
use quietus_contract::DateValue;
use quietus_evidence::BatchKey;
use quietus_evidence::commitment::commit;
use quietus_evidence::verify::Report;
use quietus_memory::{Item, Memory, Store};

use crate::tap::{Tap, Tapped};

/// Two classes: one goes by standing approval, one by its owner's for each batch.
pub const SCHEDULE: &str = r#"
[schedule]
title          = "Schedule"
organisation   = "Blue Mountain Trading Limited"
version        = "1"
approved_by    = "Board"
approved_on    = 2020-01-15
effective_from = 2020-02-01
jurisdiction   = "JM"
time_zone      = "UTC"

[triggers]
"closure" = "The file was closed."

[authorities.NEED]
citation = "Business need"

[class.STD]
title       = "Files"
owner       = "Case Manager"
trigger     = "closure"
retention   = "1 year"
disposition = "destroy"
approval    = "standing"
authority   = ["NEED"]

[class.OWN]
title       = "Files that their owner signs off"
owner       = "Case Manager"
trigger     = "closure"
retention   = "1 year"
disposition = "destroy"
approval    = "each batch"
authority   = ["NEED"]
"#;

/// One store with a shelf for each class.
pub const SYSTEMS: &str = r#"
[system.main]
adapter     = "memory"
store       = "main"
deadline_ms = 1500

[[holding]]
class   = "STD"
system  = "main"
shelf   = "std"
dates   = { "closure" = "closed" }
subject = "customer:{customer}"

[[holding]]
class  = "OWN"
system = "main"
shelf  = "own"
dates  = { "closure" = "closed" }
"#;

/// Long due.
pub const OLD: Date = date(2020, 1, 1);
/// Not due.
pub const NEW: Date = date(2026, 1, 1);
/// The first moment of every world.
pub const START: &str = "2026-03-12T12:00:00Z";

/// A programme with its target.
pub struct World {
    pub dir: tempfile::TempDir,
    pub memory: Memory,
    pub store: Store,
    pub tap: Tap,
    pub adapters: Adapters,
    pub owner: SecretKey,
    now: Mutex<Timestamp>,
}

impl World {
    /// Makes a programme of the usual files.
    pub fn new() -> Self {
        Self::of(SCHEDULE, SYSTEMS)
    }

    /// Makes a programme.
    pub fn of(schedule: &str, systems: &str) -> Self {
        let (memory, store, tap) = (Memory::new(), Store::new("store-1"), Tap::default());
        memory.add("main", store.clone());
        for shelf in ["std", "own"] {
            store.add_shelf(shelf);
        }
        let tapped = Tapped { memory: memory.clone(), tap: tap.clone() };
        let world = Self {
            dir: tempfile::tempdir().unwrap(),
            memory,
            store,
            tap,
            adapters: Adapters::of(vec![Box::new(tapped)]),
            owner: SecretKey::generate("case-manager").unwrap(),
            now: Mutex::new(START.parse().unwrap()),
        };
        world.write("schedule.toml", schedule);
        world.write("systems.toml", systems);
        world.settings("share_max_percent = 100");
        let keys = world.path("keys");
        AgentKeys::create(&Durable::new(), &keys, "records.example.org/agent-1").unwrap();
        world
    }

    /// Names a file of the programme.
    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file of the programme.
    pub fn write(&self, name: &str, text: &str) {
        Durable::new().replace(&self.path(name), text.as_bytes()).unwrap();
    }

    /// Edits a file of the programme.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{name} has no {from:?}");
        self.write(name, &text.replace(from, to));
    }

    /// Writes settings with these limits, and the owner as approver.
    pub fn settings(&self, limits: &str) {
        let approver = format!(
            "[[approver]]\nrole = \"Case Manager\"\nname = \"J. Brown\"\nkey = \"{}\"\n",
            self.owner.verifier()
        );
        self.write("quietus.toml", &format!("[limits]\n{limits}\n\n{approver}"));
    }

    /// Puts a record.
    pub fn put(&self, shelf: &str, name: &str, closed: Date) {
        self.store.put(shelf, &[name.to_owned()], item(closed, "7"));
    }

    /// Puts records `prefix001` and on, all of one day.
    pub fn put_many(&self, shelf: &str, prefix: &str, records: usize, closed: Date) {
        for n in 1..=records {
            self.put(shelf, &format!("{prefix}{n:03}"), closed);
        }
    }

    /// Returns the names of the records that are there.
    pub fn there(&self) -> BTreeSet<String> {
        self.store.snapshot().records.into_keys().map(|(_, name)| name.join("/")).collect()
    }

    /// Moves the clock.
    pub fn set_now(&self, now: &str) {
        *self.now.lock().unwrap() = now.parse().unwrap();
    }

    /// Moves the clock forward.
    pub fn wait_days(&self, days: i64) {
        let mut now = self.now.lock().unwrap();
        *now += jiff::SignedDuration::from_hours(24 * days);
    }

    /// Reads the programme.
    pub fn load(&self) -> Loaded {
        let folder = Folder::new(self.dir.path());
        programme::load(&folder, &self.adapters.forms())
            .unwrap_or_else(|e| panic!("{e}: {:?}", e.source))
    }

    /// Does something as the agent.
    pub fn as_agent<T>(&self, durable: Durable, act: impl FnOnce(&Agent<'_>) -> T) -> T {
        let loaded = self.load();
        let clock = FixedClock(*self.now.lock().unwrap());
        act(&Agent { loaded: &loaded, adapters: &self.adapters, durable, clock: &clock })
    }

    /// Runs.
    pub fn run(&self) -> Result<Outcome, UserError> {
        self.run_as(Request::default(), Durable::new())
    }

    /// Runs as asked.
    pub fn run_as(&self, request: Request<'_>, durable: Durable) -> Result<Outcome, UserError> {
        self.as_agent(durable, |agent| wait(execution::run(agent, request, &Unwatched)))
    }

    /// Carries out a plan.
    pub fn run_plan(&self, plan: &str) -> Result<Outcome, UserError> {
        self.run_as(Request { as_of: None, plan: Some(plan) }, Durable::new())
    }

    /// Runs; every run must close with counts that add up. Returns the sum over all runs.
    pub fn run_all(&self) -> Counts {
        totals(&self.run().unwrap())
    }

    /// Makes a plan, as `quietus plan` does.
    pub fn plan(&self, as_of: Date) -> StoredPlan {
        self.as_agent(Durable::new(), |agent| {
            let request = plan::Request {
                as_of,
                now: agent.clock.now(),
                class: None,
                system: None,
                waiting: BTreeSet::new(),
            };
            let (journal, holds) = (agent.journal().unwrap(), agent.holds());
            wait(plan::make(agent, &journal, &holds, &request, &Unwatched)).unwrap()
        })
    }

    /// Returns the plans, newest first.
    pub fn plans(&self) -> Vec<StoredPlan> {
        let names = plan::list(self.dir.path()).unwrap();
        names.iter().map(|id| plan::load(self.dir.path(), id).unwrap()).collect()
    }

    /// Decides about the class OWN as its owner.
    pub fn decide(&self, stored: &StoredPlan, decision: Decision, except: &[&str]) {
        self.decide_as(&self.owner, stored, decision, except);
    }

    /// Decides about the class OWN with any key, as if that key were the owner's.
    pub fn decide_as(
        &self,
        key: &SecretKey,
        stored: &StoredPlan,
        decision: Decision,
        except: &[&str],
    ) {
        let mut exceptions = Vec::new();
        plan::for_each_record(stored, |holding, record| {
            let name = record.reference.locator.parts().join("/");
            if except.contains(&name.as_str()) {
                exceptions.push(Exception {
                    record: plan::record_digest(&holding.store, &record.reference.locator),
                    reason: "in dispute".to_owned(),
                });
            }
        })
        .unwrap();
        assert_eq!(exceptions.len(), except.len());
        let reference = stored.reference().unwrap();
        let draft = Draft {
            plan: &reference,
            decision,
            classes: vec!["OWN".to_owned()],
            exceptions,
            at: *self.now.lock().unwrap(),
        };
        let mut approver = self.load().settings.approvers[0].clone();
        approver.key = key.verifier().clone();
        approval::sign(&Durable::new(), &stored.folder, &draft, &approver, key).unwrap();
    }

    /// Verifies the ledger, which must be without fault.
    pub fn verified(&self) -> Report {
        let report = auditing::verify_path(self.dir.path(), Trust::default()).unwrap();
        assert!(report.is_met(), "{:#?}", report.findings);
        report
    }

    /// Returns what certificates say, by record name: the outcomes in order.
    pub fn certified(&self) -> BTreeMap<String, Vec<String>> {
        let report = self.verified();
        let mut names = self
            .store
            .snapshot()
            .records
            .into_keys()
            .map(|(_, n)| n.join("/"))
            .collect::<BTreeSet<_>>();
        names.extend(self.tap.sent());
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for certificate in &report.certificates {
            let lines = self
                .lines(&certificate.result.run.to_string(), &certificate.result.scope.records.file);
            let (store, key, records) = self.opening(certificate.seq);
            let by_commitment: BTreeMap<String, String> = lines.into_iter().collect();
            for name in &names {
                let locator = serde_json::to_string(&[name]).unwrap();
                for i in 0..records {
                    let c = commit(&key.salt(i), &store, &locator).to_string();
                    if let Some(outcome) = by_commitment.get(&c) {
                        found.entry(name.clone()).or_default().push(outcome.clone());
                    }
                }
            }
        }
        found
    }

    fn lines(&self, run: &str, file: &str) -> Vec<(String, String)> {
        let text = std::fs::read_to_string(self.path("evidence").join(run).join(file)).unwrap();
        text.lines()
            .map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                (line["c"].as_str().unwrap().to_owned(), line["o"].as_str().unwrap().to_owned())
            })
            .collect()
    }

    fn opening(&self, seq: u64) -> (String, BatchKey, u64) {
        let db = rusqlite::Connection::open(self.path("state/journal.sqlite")).unwrap();
        db.query_row(
            "SELECT store, key, records FROM opening WHERE result_seq = ?1",
            [i64::try_from(seq).unwrap()],
            |row| Ok((row.get(0)?, BatchKey::from_bytes(row.get(1)?), row.get::<_, i64>(2)?)),
        )
        .map(|(store, key, records)| (store, key, u64::try_from(records).unwrap()))
        .unwrap()
    }

    /// Proves that certificates and target say the same: what is gone was certified once, what
    /// was certified is gone, and nothing is open.
    pub fn agrees(&self, before: &BTreeSet<String>) {
        let report = self.verified();
        assert!(report.open_intents.is_empty(), "open intents {:?}", report.open_intents);
        let there = self.there();
        let certified = self.certified();
        for name in before {
            let outcomes = certified.get(name).cloned().unwrap_or_default();
            let destroyed = outcomes.iter().filter(|o| *o == "destroyed").count();
            let wanted = usize::from(!there.contains(name));
            assert_eq!(destroyed, wanted, "{name}: {outcomes:?}");
        }
    }
}

/// Waits for the agent on a runtime of its own.
pub fn wait<T>(work: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap().block_on(work)
}

/// Makes a record's content.
pub fn item(closed: Date, customer: &str) -> Item {
    Item {
        dates: [("closed".to_owned(), DateValue::Day(closed))].into(),
        fields: [("customer".to_owned(), customer.to_owned())].into(),
        ..Item::default()
    }
}

/// Returns the sum over all runs, each of which must add up.
pub fn totals(outcome: &Outcome) -> Counts {
    let mut totals = Counts::default();
    for report in &outcome.runs {
        assert!(report.totals().add_up(), "{:?}", report.totals());
        totals.add(&report.totals());
    }
    totals
}

/// Returns the line of a class in the last run.
pub fn line<'o>(report: &'o RunReport, class: &str) -> &'o Counts {
    &report.counts.iter().find(|line| line.class == class).unwrap().counts
}

/// Returns the name of an error's code.
pub fn code(result: Result<Outcome, UserError>) -> &'static str {
    match result {
        Ok(outcome) => panic!("it went through: {:?}", outcome.runs),
        Err(error) => {
            assert!(error.help.as_ref().is_some_and(|help| !help.is_empty()), "no help: {error}");
            error.code.name
        }
    }
}

/// Copies a folder.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
