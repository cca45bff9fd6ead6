//! `quietus hold`: the register of holds.

use std::time::Duration;

use serde::Serialize;

use super::args::{HoldAdd, HoldCommand, HoldRelease};
use super::console::Console;
use super::context::Context;
use super::plan::record_name;
use super::words::{count, table};
use crate::error::{Exit, UserError};
use crate::hold::{self, NewHold, Release};
use crate::journal::Journal;
use crate::lock::{DispatchGate, LockError};
use crate::programme::HOLDS;

/// How long a hold waits until no other one is being placed.
const TURN_PATIENCE: Duration = Duration::from_secs(60);
/// Records in doubt that are shown one by one; JSON has all of them.
const SHOWN_MAX: usize = 20;
/// How long the acknowledgement waits for the order in flight.
const ORDER_PATIENCE: Duration = Duration::from_secs(300);

#[derive(Debug, Serialize)]
struct HoldLine {
    hold: String,
    active: bool,
    matter: String,
    reason: String,
    ordered_by: String,
    placed_on: String,
    review_by: Option<String>,
    classes: Vec<String>,
    systems: Vec<String>,
    subjects: Vec<String>,
    custodians: Vec<String>,
    from: Option<String>,
    to: Option<String>,
    released_on: Option<String>,
    released_by: Option<String>,
}

#[derive(Debug, Serialize)]
struct Holds {
    active: usize,
    holds: Vec<HoldLine>,
}

#[derive(Debug, Serialize)]
struct Acknowledged {
    hold: String,
    /// Whether no order that missed the hold can still be under way.
    acknowledged: bool,
    /// Records of an interrupted run of which nobody can say yet whether they are gone.
    in_doubt: u64,
    /// Those of them that the hold covers, where the programme can be read.
    in_doubt_covered: Vec<DoubtLine>,
}

#[derive(Debug, Serialize)]
struct DoubtLine {
    system: String,
    class: String,
    record: String,
}

pub(super) fn run(
    context: &Context,
    console: &mut Console,
    command: &HoldCommand,
) -> Result<Exit, UserError> {
    match command {
        HoldCommand::Add(ask) => add(context, console, ask),
        HoldCommand::Release(ask) => release(context, console, ask),
        HoldCommand::List { all } => list(context, console, *all),
    }
}

fn add(context: &Context, console: &mut Console, ask: &HoldAdd) -> Result<Exit, UserError> {
    let new = NewHold {
        id: ask.id.clone(),
        matter: ask.matter.clone(),
        reason: ask.reason.clone(),
        ordered_by: ask.ordered_by.clone(),
        review_by: ask.review_by,
        classes: ask.classes.clone(),
        systems: ask.systems.clone(),
        subjects: ask.subjects.clone(),
        custodians: ask.custodians.clone(),
        from: ask.from,
        to: ask.to,
    };
    let today = context.today_anywhere();
    let state = context.state()?;
    let shut = DispatchGate::new(&state).shut(TURN_PATIENCE)?;
    let id = hold::add(&context.folder, &context.durable, &context.forms, &new, today)?;
    if shut.is_order_in_flight()? {
        console.say(&format!("Hold {id} is written. Waiting for the order in flight ..."));
    }
    let acknowledged = match shut.wait_quiet(ORDER_PATIENCE) {
        Ok(quiet) => {
            drop(quiet);
            true
        }
        Err(LockError::TimedOut { .. }) => false,
        Err(error) => return Err(error.into()),
    };
    let (in_doubt, in_doubt_covered) = doubt(context, &id)?;
    let answer = Acknowledged { hold: id, acknowledged, in_doubt, in_doubt_covered };
    console.answer(&answer, || acknowledgement(&answer))?;
    Ok(if answer.acknowledged && answer.in_doubt == 0 { Exit::Done } else { Exit::Partly })
}

fn acknowledgement(answer: &Acknowledged) -> String {
    let mut text = format!("Hold {} is in {HOLDS}.\n", answer.hold);
    if answer.acknowledged {
        text.push_str(
            "No order that missed it is under way: from now on nothing it covers goes.\n",
        );
    } else {
        text.push_str(&format!(
            "An order that may have missed it is still under way after {} s. Every later order \
             respects the hold; run `quietus status` to see how that one ended.\n",
            ORDER_PATIENCE.as_secs()
        ));
    }
    if answer.in_doubt > 0 {
        let records = count(answer.in_doubt, "record", "records");
        text.push_str(&format!(
            "{records} of an interrupted run are in doubt: they were sent to be disposed of, and \
             the answer is not known. `quietus run` finds out.\n"
        ));
        for line in answer.in_doubt_covered.iter().take(SHOWN_MAX) {
            text.push_str(&format!(
                "  covered by the hold: {} in {} ({})\n",
                line.record, line.system, line.class
            ));
        }
        let covered = u64::try_from(answer.in_doubt_covered.len()).unwrap_or(u64::MAX);
        let verb = if covered == 1 { "is" } else { "are" };
        text.push_str(&format!("{covered} of them {verb} covered by the hold.\n"));
    }
    text
}

fn release(context: &Context, console: &mut Console, ask: &HoldRelease) -> Result<Exit, UserError> {
    let given = Release { id: ask.id.clone(), by: ask.by.clone() };
    let today = context.today_anywhere();
    let state = context.state()?;
    let shut = DispatchGate::new(&state).shut(TURN_PATIENCE)?;
    hold::release(&context.folder, &context.durable, &context.forms, &given, today)?;
    drop(shut);
    #[derive(Debug, Serialize)]
    struct Released<'r> {
        hold: &'r str,
        released_on: String,
        released_by: &'r str,
    }
    let answer =
        Released { hold: &given.id, released_on: today.to_string(), released_by: &given.by };
    console.answer(&answer, || {
        format!(
            "Hold {} is released from {today} on. It stays in {HOLDS}. A run that is under way \
             still respects it.\n",
            given.id
        )
    })?;
    Ok(Exit::Done)
}

fn list(context: &Context, console: &mut Console, all: bool) -> Result<Exit, UserError> {
    let loaded = context.load()?;
    let today = context.today(&loaded);
    let date = |d: Option<jiff::civil::Date>| d.map(|d| d.to_string());
    let texts = |set: &indexmap::IndexSet<String>| set.iter().cloned().collect();
    let shown = loaded.programme.holds.iter().filter(|h| all || h.is_active(today));
    let holds: Vec<HoldLine> = shown
        .map(|hold| HoldLine {
            hold: hold.id.clone(),
            active: hold.is_active(today),
            matter: hold.matter.clone(),
            reason: hold.reason.clone(),
            ordered_by: hold.ordered_by.clone(),
            placed_on: hold.placed_on.to_string(),
            review_by: date(hold.review_by),
            classes: texts(&hold.classes),
            systems: texts(&hold.systems),
            subjects: texts(&hold.subjects),
            custodians: texts(&hold.custodians),
            from: date(hold.from),
            to: date(hold.to),
            released_on: date(hold.released_on),
            released_by: hold.released_by.clone(),
        })
        .collect();
    let answer = Holds { active: holds.iter().filter(|h| h.active).count(), holds };
    console.answer(&answer, || listing(&answer))?;
    Ok(Exit::Done)
}

fn listing(answer: &Holds) -> String {
    if answer.holds.is_empty() {
        return "No hold is in force.\n".into();
    }
    let rows: Vec<Vec<String>> = answer
        .holds
        .iter()
        .map(|hold| {
            let state = match &hold.released_on {
                Some(day) => format!("released {day}"),
                None => format!("since {}", hold.placed_on),
            };
            vec![hold.hold.clone(), state, scope(hold), hold.matter.clone()]
        })
        .collect();
    table(&["hold", "in force", "covers", "matter"], &rows)
}

fn scope(hold: &HoldLine) -> String {
    let mut parts = Vec::new();
    for (word, list) in [
        ("class", &hold.classes),
        ("system", &hold.systems),
        ("subject", &hold.subjects),
        ("custodian", &hold.custodians),
    ] {
        if !list.is_empty() {
            parts.push(format!("{word} {}", list.join(", ")));
        }
    }
    match (&hold.from, &hold.to) {
        (Some(from), Some(to)) => parts.push(format!("{from} to {to}")),
        (Some(from), None) => parts.push(format!("from {from}")),
        (None, Some(to)) => parts.push(format!("to {to}")),
        (None, None) => {}
    }
    parts.join("; ")
}

/// Finds the records that were sent and whose answer nobody has, and which of them a hold covers.
fn doubt(context: &Context, hold: &str) -> Result<(u64, Vec<DoubtLine>), UserError> {
    let path = context.folder.state().join("journal.sqlite");
    if !path.exists() {
        return Ok((0, Vec::new()));
    }
    let Ok(loaded) = context.load() else {
        // The hold stands all the same; what it covers cannot be told.
        let journal = Journal::open(&path, context.durable.clone())?;
        return Ok((journal.records_in_doubt()?, Vec::new()));
    };
    let found = hold::in_doubt(&context.agent(&loaded), hold)?;
    let lines = found.covered.into_iter().map(|doubtful| DoubtLine {
        system: doubtful.system,
        class: doubtful.class,
        record: record_name(&doubtful.record),
    });
    Ok((found.records, lines.collect()))
}
