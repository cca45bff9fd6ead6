//! `quietus schedule print`: the schedule as people sign it.

use serde::Serialize;

use super::args::ScheduleCommand;
use super::console::Console;
use super::context::Context;
use crate::error::{Exit, UserError};

#[derive(Debug, Serialize)]
struct Answer<'s> {
    title: &'s str,
    organisation: &'s str,
    version: &'s str,
    approved_by: Option<&'s str>,
    approved_on: Option<String>,
    classes: Vec<ClassLine<'s>>,
}

#[derive(Debug, Serialize)]
struct ClassLine<'s> {
    class: &'s str,
    title: &'s str,
    owner: &'s str,
    disposition: &'static str,
    approval: &'static str,
    authorities: &'s [String],
    sentence: String,
}

pub(super) fn run(
    context: &Context,
    console: &mut Console,
    command: &ScheduleCommand,
) -> Result<Exit, UserError> {
    let ScheduleCommand::Print = command;
    let loaded = context.load()?;
    let schedule = &loaded.programme.schedule;
    let sentences = quietus_schedule::print::sentences(&loaded.programme);
    let sentence_of = |id: &str| {
        let head = format!("{id} ");
        let mut lines = sentences.lines().skip_while(|line| !line.starts_with(&head));
        let first = lines.next().unwrap_or_default().to_owned();
        let variants = lines.take_while(|line| line.starts_with(' ')).map(str::trim);
        std::iter::once(first.as_str()).chain(variants).collect::<Vec<_>>().join("; ")
    };
    let classes = schedule.classes.values().map(|class| ClassLine {
        class: &class.id,
        title: &class.title,
        owner: &class.owner,
        disposition: class.disposition.words(),
        approval: class.approval.words(),
        authorities: &class.authorities,
        sentence: sentence_of(&class.id),
    });
    let answer = Answer {
        title: &schedule.title,
        organisation: &schedule.organisation,
        version: &schedule.version,
        approved_by: schedule.approved_by.as_deref(),
        approved_on: schedule.approved_on.map(|d| d.to_string()),
        classes: classes.collect(),
    };
    console.answer(&answer, || quietus_schedule::print::signing(&loaded.programme))?;
    Ok(Exit::Done)
}
