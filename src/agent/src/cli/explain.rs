//! `quietus explain`: why one record is kept or due.

use std::collections::BTreeMap;

use jiff::civil::Date;
use quietus_schedule::rules::Verdict;
use serde::Serialize;

use super::args::Explain;
use super::console::Console;
use super::context::Context;
use super::words::count;
use crate::error::{Exit, UserError, code};
use crate::looking::{self, Asked, Explained};

#[derive(Debug, Serialize)]
pub(super) struct Answer {
    system: String,
    record: String,
    as_of: String,
    /// One for each store that has a record of that name.
    records: Vec<RecordAnswer>,
}

#[derive(Debug, Serialize)]
struct RecordAnswer {
    #[serde(rename = "store")]
    space: String,
    /// `due` only if it is due under every class that has it, and no hold covers it.
    decision: &'static str,
    classes: Vec<ClassAnswer>,
}

#[derive(Debug, Serialize)]
struct ClassAnswer {
    class: String,
    title: String,
    rule: String,
    disposition: &'static str,
    verdict: &'static str,
    due_on: Option<String>,
    overdue: bool,
    dates: BTreeMap<String, Option<String>>,
    steps: Vec<StepLine>,
    holds: Vec<HoldLine>,
    system_hold: Option<String>,
    members: u32,
}

#[derive(Debug, Serialize)]
struct StepLine {
    rule: u8,
    words: String,
}

#[derive(Debug, Serialize)]
struct HoldLine {
    hold: String,
    why: &'static str,
}

pub(super) fn run(
    context: &Context,
    console: &mut Console,
    ask: &Explain,
) -> Result<Exit, UserError> {
    let asked = Asked { system: &ask.system, record: &ask.record, class: ask.class.as_deref() };
    let answer = explain(context, asked, ask.as_of)?;
    console.answer(&answer, || words(&answer))?;
    Ok(Exit::Done)
}

/// Explains what a system has under one name.
pub(super) fn explain(
    context: &Context,
    asked: Asked<'_>,
    as_of: Option<Date>,
) -> Result<Answer, UserError> {
    let loaded = context.load()?;
    let agent = context.agent(&loaded);
    let as_of = as_of.unwrap_or_else(|| agent.today());
    let holds = agent.holds();
    let found = context.wait_for(looking::explain(&agent, &holds, asked, as_of))?;
    if found.is_empty() {
        return Err(UserError::new(
            &code::NOT_FOUND,
            format!("system {}: no holding has a record {}", asked.system, asked.record),
        )
        .with_help(
            "it is not there (any more), or no rule covers it; name a row by its key, a file by \
             its path below the root",
        ));
    }
    let mut records: Vec<RecordAnswer> = Vec::new();
    for explained in found {
        let space = explained.space.clone();
        let class = class_answer(explained);
        match records.iter_mut().find(|r| r.space == space) {
            Some(record) => record.classes.push(class),
            None => records.push(RecordAnswer { space, decision: "", classes: vec![class] }),
        }
    }
    for record in &mut records {
        record.decision = decision(&record.classes);
    }
    Ok(Answer {
        system: asked.system.to_owned(),
        record: asked.record.to_owned(),
        as_of: as_of.to_string(),
        records,
    })
}

fn class_answer(found: Explained) -> ClassAnswer {
    let (verdict, due_on, overdue) = match found.explanation.verdict {
        Verdict::Due { due, overdue } => ("due", Some(due.to_string()), overdue),
        Verdict::NotDue { due } => ("not_due", Some(due.to_string()), false),
        Verdict::Permanent => ("permanent", None, false),
        Verdict::AwaitingEvent { .. } => ("awaiting_event", None, false),
        Verdict::Implausible { .. } => ("implausible_date", None, false),
        Verdict::CannotEvaluate { .. } => ("cannot_evaluate", None, false),
    };
    ClassAnswer {
        class: found.class,
        title: found.title,
        rule: found.rule,
        disposition: found.disposition,
        verdict,
        due_on,
        overdue,
        dates: found.dates.into_iter().map(|(k, d)| (k, d.map(|d| d.to_string()))).collect(),
        steps: found
            .explanation
            .steps
            .into_iter()
            .map(|step| StepLine { rule: step.rule, words: step.words })
            .collect(),
        holds: found.holds.into_iter().map(|(hold, why)| HoldLine { hold, why }).collect(),
        system_hold: found.target_hold.map(|hold| match hold.until {
            Some(day) => format!("{} until {day}", hold.kind),
            None => hold.kind,
        }),
        members: found.members,
    }
}

fn decision(classes: &[ClassAnswer]) -> &'static str {
    let held = |c: &ClassAnswer| !c.holds.is_empty() || c.system_hold.is_some();
    match classes.iter().find(|c| c.verdict != "due") {
        Some(keeps) => keeps.verdict,
        None if classes.iter().any(held) => "held",
        None => "due",
    }
}

/// Says it for people.
pub(super) fn words(answer: &Answer) -> String {
    answer.records.iter().map(|r| record_words(answer, r)).collect::<Vec<_>>().join("\n")
}

fn record_words(answer: &Answer, record: &RecordAnswer) -> String {
    let mut text =
        format!("Record {} in {}, as of {}:\n", answer.record, answer.system, answer.as_of);
    for class in &record.classes {
        text.push_str(&format!("\n  {} {}: {}\n", class.class, class.title, class.rule));
        for step in &class.steps {
            text.push_str(&format!("    - {}\n", step.words));
        }
        for hold in &class.holds {
            text.push_str(&format!("    - held by {}: {}\n", hold.hold, hold.why));
        }
        if let Some(hold) = &class.system_hold {
            text.push_str(&format!("    - held by the system itself: {hold}\n"));
        }
        if class.members > 0 {
            let others = count(class.members.into(), "other thing", "other things");
            text.push_str(&format!("    - {others} would go with it\n"));
        }
    }
    let conclusion = match record.decision {
        "due" => "Its time has come.",
        "held" => "Its time has come, and a hold keeps it.",
        "not_due" => "It is kept: its time has not come.",
        "permanent" => "It is kept for ever.",
        "awaiting_event" => {
            "It is kept: what starts the clock has not happened, or nobody knows when."
        }
        "implausible_date" => "It is kept and reported: its date cannot be right.",
        _ => "It is kept and reported: nobody can tell whether its time has come.",
    };
    text.push_str(&format!("\n{conclusion}\n"));
    text
}
