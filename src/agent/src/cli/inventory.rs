//! `quietus inventory`: what is there, and what no rule covers.

use serde::Serialize;

use super::console::Console;
use super::context::Context;
use super::progress::Bar;
use super::words::{number, table};
use crate::error::{Exit, UserError};
use crate::looking::{self, SystemInventory};

#[derive(Debug, Serialize)]
struct Answer {
    as_of: String,
    lines: Vec<InventoryLine>,
    uncovered: Vec<UncoveredLine>,
}

#[derive(Debug, Serialize)]
struct InventoryLine {
    system: String,
    class: String,
    store: String,
    matched: u64,
    due: u64,
    overdue: u64,
    not_due: u64,
    awaiting_event: u64,
    implausible_date: u64,
    cannot_evaluate: u64,
}

#[derive(Debug, Serialize)]
struct UncoveredLine {
    system: String,
    what: String,
    records: Option<u64>,
}

pub(super) fn run(context: &Context, console: &mut Console) -> Result<Exit, UserError> {
    let loaded = context.load()?;
    let agent = context.agent(&loaded);
    let as_of = agent.today();
    let bar = Bar::new();
    let found = context.wait_for(looking::inventory(&agent, as_of, &bar))?;
    bar.done();
    let answer = answer(as_of.to_string(), found);
    console.answer(&answer, || words(&answer))?;
    Ok(Exit::Done)
}

fn answer(as_of: String, found: Vec<SystemInventory>) -> Answer {
    let (mut lines, mut uncovered) = (Vec::new(), Vec::new());
    for system in found {
        uncovered.extend(system.uncovered.into_iter().map(|u| UncoveredLine {
            system: system.system.clone(),
            what: u.container,
            records: u.records,
        }));
        lines.extend(system.lines.into_iter().map(|line| InventoryLine {
            system: line.system,
            class: line.class,
            store: line.store,
            matched: line.counts.matched,
            due: line.counts.due,
            overdue: line.counts.overdue,
            not_due: line.counts.not_due,
            awaiting_event: line.counts.awaiting_event,
            implausible_date: line.counts.implausible_date,
            cannot_evaluate: line.counts.cannot_evaluate,
        }));
    }
    Answer { as_of, lines, uncovered }
}

fn words(answer: &Answer) -> String {
    let rows: Vec<Vec<String>> = answer
        .lines
        .iter()
        .map(|line| {
            let mut row = vec![line.class.clone(), line.system.clone()];
            row.extend(
                [
                    line.matched,
                    line.due,
                    line.overdue,
                    line.not_due,
                    line.awaiting_event,
                    line.implausible_date,
                    line.cannot_evaluate,
                ]
                .map(number),
            );
            row
        })
        .collect();
    let head = [
        "class",
        "system",
        "records",
        "due",
        "overdue",
        "not due",
        "awaiting event",
        "implausible date",
        "cannot evaluate",
    ];
    let mut text = format!("As of {}:\n\n{}\n", answer.as_of, table(&head, &rows));
    if answer.uncovered.is_empty() {
        text.push_str("\nEverything that was seen is covered by a rule.\n");
    } else {
        text.push_str("\nNo rule covers:\n");
        for line in &answer.uncovered {
            let records = line.records.map(|n| format!(" ({})", number(n))).unwrap_or_default();
            text.push_str(&format!("  {}: {}{records}\n", line.system, line.what));
        }
    }
    text
}
