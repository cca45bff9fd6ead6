//! `quietus status`: what is open, overdue, held, and waiting for somebody.

use serde::Serialize;

use super::console::Console;
use super::context::Context;
use super::words::{count, number, table};
use crate::error::{Exit, UserError};
use crate::plan::Counts;
use crate::status::{self, Status};

#[derive(Debug, Serialize)]
struct Answer {
    open_run: Option<OpenRun>,
    last_run: Option<LastRun>,
    waiting: Vec<Waiting>,
    lines: Vec<Line>,
    holds: usize,
    systems: usize,
    systems_with_rules: usize,
    classes_without_holding: Vec<String>,
}

#[derive(Debug, Serialize)]
struct OpenRun {
    run: String,
    since: String,
    batches: usize,
    certified: usize,
}

#[derive(Debug, Serialize)]
struct LastRun {
    run: String,
    closed_at: String,
    ending: String,
}

#[derive(Debug, Serialize)]
struct Waiting {
    plan: String,
    made_at: String,
    awaiting_approval: Vec<ClassCount>,
    over_limit: Vec<ClassCount>,
}

#[derive(Debug, Serialize)]
struct ClassCount {
    class: String,
    records: u64,
}

#[derive(Debug, Serialize)]
struct Line {
    class: String,
    system: String,
    at: String,
    #[serde(flatten)]
    counts: Counts,
}

pub(super) fn run(context: &Context, console: &mut Console) -> Result<Exit, UserError> {
    let loaded = context.load()?;
    let found = status::status(&context.agent(&loaded))?;
    let waits = !found.waiting.is_empty() || found.open_run.is_some();
    let answer = answer(found);
    console.answer(&answer, || words(&answer))?;
    Ok(if waits { Exit::Partly } else { Exit::Done })
}

fn answer(found: Status) -> Answer {
    let classes = |list: Vec<(String, u64)>| {
        list.into_iter().map(|(class, records)| ClassCount { class, records }).collect()
    };
    Answer {
        open_run: found.open_run.map(|open| OpenRun {
            run: open.run,
            since: format!("{:.0}", open.since),
            batches: open.batches,
            certified: open.certified,
        }),
        last_run: found.last_run.map(|(run, at, ending)| LastRun {
            run,
            closed_at: format!("{at:.0}"),
            ending,
        }),
        waiting: found
            .waiting
            .into_iter()
            .map(|plan| Waiting {
                plan: plan.plan,
                made_at: format!("{:.0}", plan.made_at),
                awaiting_approval: classes(plan.awaiting),
                over_limit: classes(plan.over_limit),
            })
            .collect(),
        lines: found
            .lines
            .into_iter()
            .map(|line| Line {
                at: format!("{:.0}", line.at),
                counts: serde_json::from_str(&line.counts).unwrap_or_default(),
                class: line.class,
                system: line.system,
            })
            .collect(),
        holds: found.holds,
        systems: found.systems,
        systems_with_rules: found.systems_with_rules,
        classes_without_holding: found.classes_without_holding,
    }
}

fn words(answer: &Answer) -> String {
    let mut text = String::new();
    match &answer.open_run {
        Some(open) => text.push_str(&format!(
            "Run {} is open since {}: {} of {} batches are certified. `quietus run` goes on with \
             it.\n",
            open.run, open.since, open.certified, open.batches
        )),
        None => text.push_str("No run is open.\n"),
    }
    if let Some(last) = &answer.last_run {
        text.push_str(&format!(
            "The last run, {}, closed at {}: {}.\n",
            last.run,
            last.closed_at,
            last.ending.replace('_', " ")
        ));
    }
    for plan in &answer.waiting {
        for class in &plan.awaiting_approval {
            let records = count(class.records, "record waits", "records wait");
            text.push_str(&format!(
                "Plan {}: {records} for the approval of {}.\n",
                plan.plan, class.class
            ));
        }
        for class in &plan.over_limit {
            let records = count(class.records, "record", "records");
            text.push_str(&format!(
                "Plan {}: {} is over a limit, with {records}.\n",
                plan.plan, class.class
            ));
        }
    }
    let holds = u64::try_from(answer.holds).unwrap_or(u64::MAX);
    text.push_str(&format!(
        "{} in force. {} of {} systems have rules.\n",
        count(holds, "hold is", "holds are"),
        answer.systems_with_rules,
        answer.systems
    ));
    if !answer.classes_without_holding.is_empty() {
        text.push_str(&format!(
            "No system holds: {}.\n",
            answer.classes_without_holding.join(", ")
        ));
    }
    if !answer.lines.is_empty() {
        text.push_str(&format!("\nWhat the last run of each class found:\n\n{}\n", lines(answer)));
    }
    text
}

fn lines(answer: &Answer) -> String {
    let rows: Vec<Vec<String>> = answer
        .lines
        .iter()
        .map(|line| {
            let counts = &line.counts;
            let unclear = counts.awaiting_event + counts.implausible_date + counts.cannot_evaluate;
            let mut row = vec![line.class.clone(), line.system.clone()];
            row.extend(
                [counts.matched, counts.due, counts.overdue, counts.disposed, counts.held, unclear]
                    .map(number),
            );
            row
        })
        .collect();
    let head = ["class", "system", "records", "due", "overdue", "disposed", "held", "unclear date"];
    table(&head, &rows)
}
