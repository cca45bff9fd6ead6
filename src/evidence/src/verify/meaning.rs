//! What entries mean together (step 8): intents and results, policies, corrections.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::entries::{Ledger, entry_place};
use crate::hash::Hash;
use crate::statement::{BatchResult, Event, Intent, Known, PolicyInForce, Ref, RunId, Statement};
use crate::time::Date;

/// What has been said so far.
#[derive(Default)]
pub(super) struct Meaning {
    policies: BTreeMap<u64, PolicyInForce>,
    /// Intents that nothing closed yet.
    open: BTreeMap<u64, Intent>,
    batches: HashMap<RunId, HashSet<u64>>,
    results: HashSet<u64>,
    saltless: HashSet<u64>,
    copies: BTreeMap<String, Copies>,
}

/// Copies that remain in one place, over all certificates.
struct Copies {
    certificates: u64,
    /// The latest day, as long as every certificate knows one.
    clears_by: Known<Date>,
}

impl Meaning {
    /// Takes the next entry, and checks what it says of earlier ones.
    pub(super) fn entry(&mut self, ledger: &mut Ledger<'_, '_>, statement: &Statement, leaf: Hash) {
        let seq = statement.seq;
        if ledger.leaves.get(seq) != Some(leaf) {
            // It lies about its own number, which is found already.
            return;
        }
        match &statement.event {
            Event::Policy(policy) => {
                self.policies.insert(seq, policy.clone());
            }
            Event::Intent(intent) => self.intent(ledger, seq, intent),
            Event::Result(result) => self.result(ledger, seq, result),
            Event::Nil(nil) => {
                self.policy(ledger, seq, nil.policy_seq, nil.policy);
            }
            Event::Abort(abort) => {
                if let Some(closes) = abort.intent
                    && let Some(intent) = self.close(ledger, seq, closes)
                    && intent.run != abort.run
                {
                    ledger.invalid(seq, "it closes the intent of another run");
                }
            }
            Event::Correct(correct) => {
                earlier(ledger, seq, correct.corrects, "corrects");
                let message = format!("it corrects entry {}", correct.corrects.seq);
                ledger.run.report.notice(&entry_place(seq), message);
            }
            Event::Incident(incident) => {
                let message = format!("incident {}: {}", incident.code, incident.summary);
                ledger.run.report.notice(&entry_place(seq), message);
            }
            Event::SaltsDestroyed(salts) => self.salts(ledger, seq, &salts.results),
            Event::Genesis(_) | Event::Hold(_) => {}
        }
    }

    fn intent(&mut self, ledger: &mut Ledger<'_, '_>, seq: u64, intent: &Intent) {
        self.policy(ledger, seq, intent.policy_seq, intent.policy);
        if !self.batches.entry(intent.run.clone()).or_default().insert(intent.batch.n) {
            ledger.invalid(seq, "another intent has the same run and batch");
        }
        self.open.insert(seq, intent.clone());
    }

    fn result(&mut self, ledger: &mut Ledger<'_, '_>, seq: u64, result: &BatchResult) {
        let authority = &result.authority;
        if let Some(policy) = self.policy(ledger, seq, authority.policy_seq, authority.policy)
            && (policy.schedule != authority.schedule || policy.version != authority.version)
        {
            ledger.invalid(seq, "schedule and version are not those of the policy");
        }
        if let Some(intent) = self.close(ledger, seq, result.intent)
            && let Some(what) = difference(&intent, result)
        {
            ledger.invalid(seq, format!("its {what} is not that of its intent"));
        }
        self.results.insert(seq);
        notices(ledger, seq, result);
        for copy in &result.residual {
            let known = self
                .copies
                .entry(copy.place.clone())
                .or_insert(Copies { certificates: 0, clears_by: copy.clears_by });
            known.certificates += 1;
            known.clears_by = match (known.clears_by, copy.clears_by) {
                (Known::Value(one), Known::Value(other)) => Known::Value(one.max(other)),
                _ => Known::Unknown,
            };
        }
    }

    /// Finds the policy that an entry names.
    fn policy(
        &mut self,
        ledger: &mut Ledger<'_, '_>,
        seq: u64,
        policy_seq: u64,
        digest: Hash,
    ) -> Option<PolicyInForce> {
        let found = self.policies.get(&policy_seq).filter(|policy| policy.digest == digest);
        if found.is_none() && (policy_seq >= seq || known(ledger, policy_seq)) {
            ledger.invalid(seq, "policy_seq and policy do not name an earlier policy entry");
        }
        found.cloned()
    }

    /// Closes the intent that a result or an abort names.
    fn close(&mut self, ledger: &mut Ledger<'_, '_>, seq: u64, closes: Ref) -> Option<Intent> {
        if !earlier(ledger, seq, closes, "intent") {
            return None;
        }
        let intent = self.open.remove(&closes.seq);
        if intent.is_none() && known(ledger, closes.seq) {
            ledger.invalid(seq, "it names an entry that is no intent, or one that is closed");
        }
        intent
    }

    fn salts(&mut self, ledger: &mut Ledger<'_, '_>, seq: u64, results: &[u64]) {
        for result in results {
            let twice = !self.saltless.insert(*result);
            let other = !self.results.contains(result) && known(ledger, *result);
            if twice || other || *result >= seq {
                ledger.invalid(seq, format!("entry {result} is no result with a batch key"));
            }
        }
    }

    /// Lists copies that remain, and what stayed open.
    pub(super) fn finish(&mut self, ledger: &mut Ledger<'_, '_>) {
        for (place, copies) in std::mem::take(&mut self.copies) {
            let until = match copies.clears_by {
                Known::Value(day) => format!("until {day}"),
                Known::Unknown => "nobody knows how long".to_owned(),
            };
            let of = copies.certificates;
            let message = format!("copies of records of {of} certificates remain, {until}");
            ledger.run.report.notice(&place, message);
        }
        let single = ledger.run.is_single();
        for (seq, intent) in std::mem::take(&mut self.open) {
            if !single {
                let message = format!(
                    "open: run {} batch {} has neither a result nor an abort",
                    intent.run, intent.batch.n
                );
                ledger.run.report.notice(&entry_place(seq), message);
                ledger.run.report.open_intents.push(seq);
            }
        }
    }
}

/// Tells whether an entry must be there: all in a full ledger; in a single bundle, those a result
/// rests on are demanded where they are named.
fn known(ledger: &Ledger<'_, '_>, seq: u64) -> bool {
    !ledger.run.is_single() || ledger.leaves.get(seq).is_some()
}

/// Checks a reference to an earlier entry.
fn earlier(ledger: &mut Ledger<'_, '_>, seq: u64, named: Ref, member: &str) -> bool {
    let leaf = ledger.leaves.get(named.seq);
    let good = named.seq < seq
        && match leaf {
            Some(leaf) => leaf == named.leaf,
            None => ledger.run.is_single(),
        };
    if !good {
        ledger.invalid(seq, format!("{member} does not name an earlier entry by its hash"));
    }
    good
}

/// Names the first thing in which a result differs from its intent.
fn difference(intent: &Intent, result: &BatchResult) -> Option<&'static str> {
    let (meant, done) = (&intent.scope, &result.scope);
    [
        (intent.run == result.run, "run"),
        (intent.batch == result.batch, "batch"),
        (intent.policy == result.authority.policy, "policy"),
        (intent.policy_seq == result.authority.policy_seq, "policy_seq"),
        (intent.intent_root == done.intent_root, "intent_root"),
        (intent.commit == done.commit, "commit"),
        (intent.count == done.counts.selected, "selected"),
        (meant.cutoff == done.cutoff, "cutoff"),
        (meant.holding == done.holding, "holding"),
        (meant.rule == done.rule, "rule"),
        (meant.series == done.series, "series"),
        (meant.store == done.store, "store"),
    ]
    .into_iter()
    .find_map(|(same, what)| (!same).then_some(what))
}

fn notices(ledger: &mut Ledger<'_, '_>, seq: u64, result: &BatchResult) {
    let counts = &result.scope.counts;
    let place = entry_place(seq);
    for (count, what) in [
        (counts.failed, "records were not disposed of, or not proved to be"),
        (counts.held, "records were kept by a hold that came after the plan"),
        (counts.unacknowledged, "records are gone although the target's own answer was lost"),
    ] {
        if count > 0 {
            ledger.run.report.notice(&place, format!("{count} {what}"));
        }
    }
}
