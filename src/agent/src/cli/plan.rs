//! `quietus plan`: the frozen list of what is due. Deletes nothing, and cannot.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde::Serialize;

use super::args::Plan as Ask;
use super::console::Console;
use super::context::Context;
use super::progress::Bar;
use super::words::{count, number, table, wrap};
use crate::clock::Clock;
use crate::error::{Exit, UserError};
use crate::plan::{self, Counts, Failure, PlannedHolding, StoredPlan};
use crate::settings::Breach;

const WIDTH: usize = 100;

/// A plan as people and programs read it.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    plan: String,
    digest: String,
    as_of: String,
    planned: u64,
    holdings: Vec<HoldingLine>,
    totals: Counts,
    failures: Vec<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<Vec<RecordLine>>,
}

#[derive(Debug, Serialize)]
struct HoldingLine {
    class: String,
    system: String,
    disposition: String,
    needs_approval: bool,
    store: String,
    method: String,
    technique: String,
    strength: String,
    residual: Vec<String>,
    notes: Vec<String>,
    #[serde(flatten)]
    counts: Counts,
    held_by: BTreeMap<String, u64>,
    kept: BTreeMap<String, u64>,
    limits_exceeded: Vec<LimitLine>,
}

#[derive(Debug, Serialize)]
pub(super) struct LimitLine {
    limit: &'static str,
    words: String,
    would_pass_with: u64,
}

#[derive(Debug, Serialize)]
struct RecordLine {
    class: String,
    system: String,
    record: String,
    due_on: String,
    members: u32,
}

impl From<&Breach> for LimitLine {
    fn from(breach: &Breach) -> Self {
        Self {
            limit: breach.key(),
            words: breach.to_string(),
            would_pass_with: breach.would_pass_with(),
        }
    }
}

pub(super) fn run(context: &Context, console: &mut Console, ask: &Ask) -> Result<Exit, UserError> {
    let loaded = context.load()?;
    let agent = context.agent(&loaded);
    if let Some(class) = &ask.class {
        agent.class(class)?;
    }
    if let Some(system) = &ask.system {
        agent.system(system)?;
    }
    let journal = agent.journal()?;
    let holds = agent.holds();
    let request = plan::Request {
        as_of: ask.as_of.unwrap_or_else(|| agent.today()),
        now: context.clock.now(),
        class: ask.class.as_deref(),
        system: ask.system.as_deref(),
        waiting: BTreeSet::new(),
    };
    let bar = Bar::new();
    let stored = context.wait_for(plan::make(&agent, &journal, &holds, &request, &bar))?;
    bar.done();
    let answer = answer(&stored, ask.records)?;
    console.answer(&answer, || words(&answer))?;
    let over = stored.plan.holdings.iter().any(|h| !h.breaches.is_empty());
    let failures = &stored.plan.failures;
    Ok(match over || failures.iter().any(|failure| failure.refused) {
        true => Exit::Refused,
        false if failures.is_empty() => Exit::Done,
        false => Exit::Partly,
    })
}

/// Describes a plan.
pub(super) fn answer(stored: &StoredPlan, with_records: bool) -> Result<Answer, UserError> {
    Ok(Answer {
        plan: stored.plan.id.clone(),
        digest: stored.digest.clone(),
        as_of: stored.plan.as_of.to_string(),
        planned: stored.plan.planned(),
        holdings: stored.plan.holdings.iter().map(holding_line).collect(),
        totals: stored.plan.totals(),
        failures: stored.plan.failures.clone(),
        records: with_records.then(|| records(stored)).transpose()?,
    })
}

fn holding_line(holding: &PlannedHolding) -> HoldingLine {
    HoldingLine {
        class: holding.class.clone(),
        system: holding.system.clone(),
        disposition: holding.disposition.clone(),
        needs_approval: holding.needs_approval,
        store: holding.store.clone(),
        method: holding.method.clone(),
        technique: holding.technique.clone(),
        strength: holding.strength.clone(),
        residual: holding.residual.clone(),
        notes: holding.notes.clone(),
        counts: holding.counts,
        held_by: holding.held_by.clone(),
        kept: holding.kept.clone(),
        limits_exceeded: holding.breaches.iter().map(LimitLine::from).collect(),
    }
}

fn records(stored: &StoredPlan) -> Result<Vec<RecordLine>, UserError> {
    let mut lines = Vec::new();
    plan::for_each_record(stored, |holding, record| {
        lines.push(RecordLine {
            class: holding.class.clone(),
            system: holding.system.clone(),
            record: record_name(&record.reference.locator),
            due_on: record.due.to_string(),
            members: record.members,
        });
    })?;
    Ok(lines)
}

/// Names a record as `quietus explain` takes it.
pub(super) fn record_name(locator: &quietus_contract::Locator) -> String {
    let parts = locator.parts();
    match parts.as_slice() {
        [one] if !one.starts_with('[') => one.clone(),
        _ => locator.as_str().to_owned(),
    }
}

/// Says it for people.
pub(super) fn words(answer: &Answer) -> String {
    let mut text = format!(
        "Plan {}, as of {}\ndigest {}\n\n{}\n",
        answer.plan,
        answer.as_of,
        answer.digest,
        lines(answer)
    );
    for failure in &answer.failures {
        text.push_str(&wrap(&format!("\nLeft out: {}\n", failure.message), "", WIDTH));
    }
    for holding in &answer.holdings {
        for limit in &holding.limits_exceeded {
            text.push_str(&wrap(
                &format!(
                    "\n{} in {} is over a limit: {}. Nothing of it goes. If that is right, set {} \
                     = {} under [limits.class.{}] in quietus.toml, and make a new plan.",
                    holding.class,
                    holding.system,
                    limit.words,
                    limit.limit,
                    limit.would_pass_with,
                    holding.class
                ),
                "",
                WIDTH,
            ));
            text.push('\n');
        }
    }
    text.push_str(&details(answer));
    if let Some(records) = &answer.records {
        let rows: Vec<Vec<String>> = records
            .iter()
            .map(|r| vec![r.class.clone(), r.system.clone(), r.due_on.clone(), r.record.clone()])
            .collect();
        text.push_str(&format!("\n{}\n", table(&["class", "system", "due on", "record"], &rows)));
    }
    let planned = count(answer.planned, "record", "records");
    text.push_str(&format!("\n{planned} could go by this plan. Nothing was disposed of.\n"));
    let waits =
        |h: &&HoldingLine| h.needs_approval && h.counts.planned > 0 && h.limits_exceeded.is_empty();
    let owners: Vec<&str> =
        answer.holdings.iter().filter(waits).map(|h| h.class.as_str()).collect();
    if !owners.is_empty() {
        let line = format!(
            "To be approved by their owners: {}. They sign with `quietus approve {} --key FILE`.",
            owners.join(", "),
            answer.plan
        );
        text.push_str(&wrap(&line, "", WIDTH));
        text.push('\n');
    }
    text
}

/// Draws the table of a plan.
pub(super) fn lines(answer: &Answer) -> String {
    let rows: Vec<Vec<String>> = answer
        .holdings
        .iter()
        .map(|holding| {
            let counts = &holding.counts;
            let unclear = counts.awaiting_event + counts.implausible_date + counts.cannot_evaluate;
            let mut row = vec![holding.class.clone(), holding.system.clone()];
            row.extend(
                [counts.matched, counts.not_due, unclear, counts.due, counts.held, counts.planned]
                    .map(number),
            );
            row.push(match (counts.planned, holding.needs_approval) {
                (0, _) => String::new(),
                (_, true) => "to be approved".into(),
                (_, false) => "standing".into(),
            });
            row
        })
        .collect();
    let head =
        ["class", "system", "records", "not due", "unclear date", "due", "held", "would go", ""];
    table(&head, &rows)
}

fn details(answer: &Answer) -> String {
    let mut text = String::new();
    let mut say = |line: String| {
        text.push_str(&wrap(&line, "", WIDTH));
        text.push('\n');
    };
    for holding in &answer.holdings {
        let place = format!("{} in {}", holding.class, holding.system);
        for (hold, records) in &holding.held_by {
            say(format!("{place}: {} held by {hold}.", count(*records, "record", "records")));
        }
        for (reason, records) in &holding.kept {
            say(format!("{place}: {} kept: {reason}.", count(*records, "record", "records")));
        }
    }
    let going = |h: &&HoldingLine| h.counts.planned > 0;
    for (place, note) in together(answer.holdings.iter(), |h| &h.notes) {
        say(format!("{place}: {}.", note.trim_end_matches(['.', ';'])));
    }
    for (place, copies) in together(answer.holdings.iter().filter(going), |h| &h.residual) {
        say(format!("{place}: copies will remain: {}.", copies.trim_end_matches('.')));
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

/// Says what holds for several classes of a system once.
fn together<'a>(
    holdings: impl Iterator<Item = &'a HoldingLine>,
    lines: impl Fn(&'a HoldingLine) -> &'a [String],
) -> Vec<(String, &'a str)> {
    let mut found: IndexMap<(&str, &str), Vec<&str>> = IndexMap::new();
    for holding in holdings {
        for line in lines(holding) {
            found.entry((&holding.system, line)).or_default().push(&holding.class);
        }
    }
    found
        .into_iter()
        .map(|((system, line), classes)| (format!("{} in {system}", classes.join(", ")), line))
        .collect()
}
