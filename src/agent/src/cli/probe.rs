//! `quietus probe`: who the systems are, what they let us do, what they promise.

use quietus_contract::Clock;
use serde::Serialize;

use super::args::Probe;
use super::console::Console;
use super::context::Context;
use super::words::wrap;
use crate::error::{Exit, UserError};
use crate::looking::{self, Probed};

/// A target's clock that is further away than this is worth a word.
const CLOCK_SECONDS_MAX: i64 = 5;

#[derive(Debug, Serialize)]
struct Answer {
    systems: Vec<SystemLine>,
}

#[derive(Debug, Serialize)]
struct SystemLine {
    system: String,
    reachable: bool,
    error: Option<String>,
    help: Option<String>,
    product: Option<String>,
    identity: Option<String>,
    enrolled: Option<String>,
    account: Option<String>,
    rights: Vec<String>,
    clock: Option<&'static str>,
    clock_ahead_seconds: Option<i64>,
    guarded: Option<bool>,
    transactional: Option<bool>,
    own_holds: Option<bool>,
    notes: Vec<String>,
}

pub(super) fn run(
    context: &Context,
    console: &mut Console,
    ask: &Probe,
) -> Result<Exit, UserError> {
    let loaded = context.load()?;
    let agent = context.agent(&loaded);
    let names: Vec<String> = match &ask.system {
        Some(name) => vec![agent.system(name)?.name.clone()],
        None => loaded.programme.systems.keys().cloned().collect(),
    };
    let systems = context.wait_for(async {
        let mut systems = Vec::new();
        for name in &names {
            systems.push(match looking::probe(&agent, name, ask.enrol).await {
                Ok(probed) => line(probed),
                Err(error) if ask.system.is_some() => return Err(error),
                Err(error) => unreachable(name, &error),
            });
        }
        Ok(systems)
    })?;
    let all = systems.iter().all(|s| s.reachable);
    let answer = Answer { systems };
    console.answer(&answer, || {
        if answer.systems.is_empty() {
            return "systems.toml has no system.\n".into();
        }
        answer.systems.iter().map(words).collect::<Vec<_>>().join("\n")
    })?;
    Ok(if all { Exit::Done } else { Exit::Failed })
}

fn line(probed: Probed) -> SystemLine {
    let Probed { system, probe, enrolled, clock_ahead_seconds } = probed;
    SystemLine {
        system,
        reachable: true,
        error: None,
        help: None,
        product: Some(probe.product),
        identity: Some(probe.identity.0),
        enrolled,
        account: Some(probe.account),
        rights: probe.rights,
        clock: Some(match probe.clock {
            Clock::Shared => "shared",
            Clock::Shows(_) => "own",
            Clock::Unknown => "unknown",
        }),
        clock_ahead_seconds,
        guarded: Some(probe.capabilities.guarded),
        transactional: Some(probe.capabilities.transactional),
        own_holds: Some(probe.capabilities.own_holds),
        notes: probe.notes,
    }
}

fn unreachable(name: &str, error: &UserError) -> SystemLine {
    SystemLine {
        system: name.to_owned(),
        reachable: false,
        error: Some(error.message.clone()),
        help: error.help.clone(),
        product: None,
        identity: None,
        enrolled: None,
        account: None,
        rights: Vec::new(),
        clock: None,
        clock_ahead_seconds: None,
        guarded: None,
        transactional: None,
        own_holds: None,
        notes: Vec::new(),
    }
}

fn words(line: &SystemLine) -> String {
    let mut text = format!("{}\n", line.system);
    let mut row = |what: &str, value: String| {
        if !value.is_empty() {
            text.push_str(&format!("  {what:<10}{value}\n"));
        }
    };
    let text_of = |value: &Option<String>| value.clone().unwrap_or_default();
    if !line.reachable {
        row("problem", text_of(&line.error));
        row("help", text_of(&line.help));
        return text;
    }
    row("product", text_of(&line.product));
    row("identity", text_of(&line.identity));
    row(
        "enrolled",
        match &line.enrolled {
            None => "not yet; the first plan enrols it".into(),
            Some(known) if Some(known) == line.identity.as_ref() => "yes, as this one".into(),
            Some(known) => format!("as {known}, which is another one: nothing is disposed of"),
        },
    );
    row("account", text_of(&line.account));
    row("rights", line.rights.join(", "));
    row(
        "clock",
        match (line.clock, line.clock_ahead_seconds) {
            (Some("shared"), _) => "this host's".into(),
            (_, Some(ahead)) if ahead.abs() > CLOCK_SECONDS_MAX => {
                format!("its own, {ahead} s ahead of this host's")
            }
            (_, Some(_)) => "its own, and the same as this host's".into(),
            (_, None) => "it does not tell".into(),
        },
    );
    let mut promises = Vec::new();
    for (given, words) in [
        (line.guarded, "refuses records that changed"),
        (line.transactional, "carries out an order whole or not at all"),
        (line.own_holds, "has holds of its own, which are respected"),
    ] {
        if given == Some(true) {
            promises.push(words);
        }
    }
    row("promises", promises.join("; "));
    for note in &line.notes {
        let wrapped = wrap(note, "            ", 100);
        row("note", wrapped.trim_start().to_owned());
    }
    text
}
