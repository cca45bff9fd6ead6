//! `quietus run`: goes on with what is open, then plans, disposes, verifies and certifies.

use serde::Serialize;

use super::args::Run;
use super::console::Console;
use super::context::Context;
use super::progress::Bar;
use super::words::{count, number, table, wrap};
use crate::error::{Exit, UserError};
use crate::execution::{self, Line, Outcome, Request, RunReport};
use crate::plan::Counts;

const WIDTH: usize = 100;

#[derive(Debug, Serialize)]
struct Answer<'o> {
    #[serde(flatten)]
    last: Option<&'o RunReport>,
    totals: Counts,
    /// Runs that the same call went on with first, or that carried out plans that were approved
    /// meanwhile.
    earlier_runs: &'o [RunReport],
}

pub(super) fn run(context: &Context, console: &mut Console, ask: &Run) -> Result<Exit, UserError> {
    let outcome = carry_out(context, ask, &Bar::new().announcing())?;
    let (last, earlier) = match outcome.runs.split_last() {
        Some((last, earlier)) => (Some(last), earlier),
        None => (None, &[][..]),
    };
    let mut totals = Counts::default();
    for report in &outcome.runs {
        totals.add(&report.totals());
    }
    let answer = Answer { last, totals, earlier_runs: earlier };
    console.answer(&answer, || outcome.runs.iter().map(words).collect::<Vec<_>>().join("\n"))?;
    Ok(outcome.exit())
}

/// Runs, with a bar for whoever watches.
pub(super) fn carry_out(context: &Context, ask: &Run, bar: &Bar) -> Result<Outcome, UserError> {
    let loaded = context.load()?;
    let agent = context.agent(&loaded);
    let request = Request { as_of: ask.as_of, plan: ask.plan.as_deref() };
    let outcome = context.wait_for(execution::run(&agent, request, bar));
    bar.done();
    outcome
}

/// Says what a run did, for people.
pub(super) fn words(report: &RunReport) -> String {
    let resumed = if report.resumed { ", which went on where it was interrupted" } else { "" };
    let mut text = format!(
        "Run {}{resumed}, as of {}\nplan {}, digest {}\n\n{}\n",
        report.run,
        report.as_of,
        report.plan,
        report.plan_digest,
        lines(report)
    );
    for line in &report.counts {
        text.push_str(&remarks(line));
    }
    for failure in &report.failures {
        text.push_str(&wrap(&format!("Left out: {}\n", failure.message), "", WIDTH));
    }
    let totals = report.totals();
    let places: Vec<String> = report.certificates.iter().map(|n| format!("#{n}")).collect();
    let disposed = count(totals.disposed, "record", "records");
    text.push_str(&if totals.disposed + totals.already_absent == 0 {
        format!(
            "\nNothing was disposed of. That somebody looked is signed, in entry {} of the ledger.\n",
            places.join(", ")
        )
    } else {
        format!(
            "\n{disposed} disposed of and seen to be gone. Certificates: entries {} of the \
             ledger.\n",
            places.join(", ")
        )
    });
    text
}

/// Draws the table of a run.
pub(super) fn lines(report: &RunReport) -> String {
    let rows: Vec<Vec<String>> = report
        .counts
        .iter()
        .map(|line| {
            let counts = &line.counts;
            let waiting = counts.awaiting_approval + counts.awaiting_review;
            let open = counts.failed + counts.indeterminate + counts.refused + counts.changed;
            let unclear = counts.awaiting_event + counts.implausible_date + counts.cannot_evaluate;
            let mut row = vec![line.class.clone(), line.system.clone()];
            row.extend(
                [
                    counts.matched,
                    counts.not_due,
                    unclear,
                    counts.due,
                    counts.held,
                    waiting,
                    open,
                    counts.disposed + counts.already_absent,
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
        "not due",
        "unclear date",
        "due",
        "held",
        "waiting",
        "not done",
        "gone",
    ];
    table(&head, &rows)
}

fn remarks(line: &Line) -> String {
    let mut text = String::new();
    let place = format!("{} in {}", line.class, line.system);
    let mut say = |words: String| {
        text.push_str(&wrap(&words, "", WIDTH));
        text.push('\n');
    };
    for (hold, records) in &line.held_by {
        say(format!("{place}: {} held by {hold}.", count(*records, "record", "records")));
    }
    for (reason, records) in &line.kept.0 {
        say(format!("{place}: {} kept: {reason}.", count(*records, "record", "records")));
    }
    for breach in &line.breaches {
        say(format!(
            "{place}: over a limit, nothing of it went: {breach}. If that is right, set {} = {} \
             under [limits.class.{}] in quietus.toml.",
            breach.key(),
            breach.would_pass_with(),
            line.class
        ));
    }
    if line.counts.awaiting_approval > 0 {
        let records = count(line.counts.awaiting_approval, "record waits", "records wait");
        say(format!("{place}: {records} for the owner's approval."));
    }
    if line.counts.awaiting_review > 0 {
        let records = count(line.counts.awaiting_review, "record waits", "records wait");
        say(format!("{place}: {records} for review."));
    }
    text
}
