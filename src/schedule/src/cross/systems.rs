//! Checks of `systems.toml` against the schedule and the registers.

use std::collections::{BTreeMap, HashSet};

use super::unknown;
use crate::model::{Disposition, Register, Retention};
use crate::read::{RawClass, RawHolding, RawSchedule, RawSystems};
use crate::sheet::{Sheet, say};
use crate::source::Told;
use crate::{codes, words};

/// Checks holdings, and that every class is held somewhere.
pub(crate) fn systems(
    sheet: &mut Sheet<'_>,
    schedule_sheet: &mut Sheet<'_>,
    raw: &RawSystems,
    schedule: &RawSchedule,
    registers: &BTreeMap<String, Register>,
) {
    for holding in &raw.holdings {
        check_holding(sheet, raw, schedule, registers, holding);
    }
    held_somewhere(schedule_sheet, raw, schedule);
    let used: HashSet<&str> =
        raw.holdings.iter().flat_map(|h| &h.system).map(|s| s.value.as_str()).collect();
    if !sheet.damaged.is_empty() {
        return;
    }
    for system in raw.systems.iter().filter(|s| !used.contains(s.name.value.as_str())) {
        let misspelt = used.iter().copied().filter(|u| !raw.system_names.has(u));
        if words::nearest(&system.name.value, misspelt).is_some() {
            continue;
        }
        sheet.warn(
            &system.name.span,
            say(
                codes::UNUSED,
                format!("system {}: no holding is in it", system.name.value),
                "not used",
                Some("add a [[holding]] for each class that it has records of".to_owned()),
            ),
        );
    }
}

/// Every trigger that a class uses, once, in the order of its clauses.
fn needed_triggers(class: &RawClass) -> Vec<&str> {
    let own = class.trigger.iter().chain(class.and_at_least.iter().flat_map(|f| &f.trigger));
    let of_variants = class
        .variants
        .iter()
        .flat_map(|v| v.trigger.iter().chain(v.and_at_least.iter().flat_map(|f| &f.trigger)));
    let mut needed: Vec<&str> = Vec::new();
    for trigger in own.chain(of_variants) {
        if !needed.contains(&trigger.value.as_str()) {
            needed.push(&trigger.value);
        }
    }
    needed
}

fn held_somewhere(sheet: &mut Sheet<'_>, raw: &RawSystems, schedule: &RawSchedule) {
    for class in &schedule.classes {
        let held = raw
            .holdings
            .iter()
            .any(|h| h.class.as_ref().is_some_and(|c| c.value == class.id.value));
        match (&class.held_on_paper, held) {
            (Some(paper), true) => sheet.error(
                paper,
                say(
                    codes::HELD_TWICE,
                    format!("class {}: it is on paper only, and a system holds it", class.id.value),
                    "not only",
                    Some("remove this line, or the holding in systems.toml".to_owned()),
                ),
            ),
            (None, false)
                if raw.holdings_complete && !class.damaged && !misspelt(raw, schedule, class) =>
            {
                sheet.error(
                    &class.id.span,
                    say(
                        codes::NO_HOLDING,
                        format!("class {}: no system holds it", class.id.value),
                        "held nowhere",
                        Some(
                            "add a [[holding]] to systems.toml, or write held_on = \"paper\""
                                .to_owned(),
                        ),
                    ),
                );
            }
            _ => {}
        }
    }
}

/// Whether a holding seems to mean this class and misspells it, which is reported there.
fn misspelt(raw: &RawSystems, schedule: &RawSchedule, class: &RawClass) -> bool {
    raw.holdings.iter().any(|holding| match &holding.class {
        None => true,
        Some(said) if schedule.class_names.has(&said.value) => false,
        Some(said) => words::nearest(&said.value, schedule.class_names.iter())
            .is_some_and(|meant| meant == class.id.value),
    })
}

fn check_holding(
    sheet: &mut Sheet<'_>,
    raw: &RawSystems,
    schedule: &RawSchedule,
    registers: &BTreeMap<String, Register>,
    holding: &RawHolding,
) {
    if let Some(system) = &holding.system {
        let what = format!("{}: there is no system \"{}\"", holding.who, system.value);
        let listed = "Systems are described in [system.NAME].";
        let code = codes::UNKNOWN_SYSTEM;
        let names = &raw.system_names;
        if let Some(said) = unknown(code, "system", what, &system.value, names, listed) {
            sheet.error(&system.span, said);
        }
    }
    register_sources(sheet, registers, holding);
    let Some(named) = &holding.class else { return };
    let what = format!("{}: there is no class \"{}\"", holding.who, named.value);
    let listed = "Classes are written in schedule.toml.";
    let code = codes::UNKNOWN_CLASS;
    let names = &schedule.class_names;
    if let Some(said) = unknown(code, "class", what, &named.value, names, listed) {
        sheet.error(&named.span, said);
    }
    let Some(class) = schedule.classes.iter().find(|class| class.id.value == named.value) else {
        return;
    };
    dates(sheet, schedule, holding, class, named);
    if !class.variants.is_empty() && !holding.has_jurisdiction {
        let places: Vec<&str> = class.variants.iter().map(|v| v.name.value.as_str()).collect();
        sheet.error(
            &named.span,
            say(
                codes::JURISDICTION_MISSING,
                format!("{}: nothing says which jurisdiction a record is under", holding.who),
                format!("has other periods in {}", words::all(&places)),
                Some("write jurisdiction = \"{...}\", with the field that has it".to_owned()),
            ),
        );
    }
    anonymise(sheet, holding, class, named);
}

fn dates(
    sheet: &mut Sheet<'_>,
    schedule: &RawSchedule,
    holding: &RawHolding,
    class: &RawClass,
    named: &Told<String>,
) {
    let who = &holding.who;
    let needed = needed_triggers(class);
    let permanent = class.retention.as_ref().is_some_and(|t| t.value == Retention::Permanent);
    // Where the class's own triggers are amiss, nobody can tell what it does not ask for.
    let clear = !class.damaged
        && needed.iter().all(|trigger| schedule.triggers.has(trigger))
        && (permanent || class.has_trigger);
    let mut meant: Vec<&str> = Vec::new();
    for (trigger, _) in &holding.dates {
        let said = trigger.value.as_str();
        let listed = schedule.triggers.has(said);
        if needed.contains(&said) || (listed && !clear) {
            continue;
        }
        let near = words::nearest(said, needed.iter().copied());
        if !listed && !schedule.triggers.complete {
            continue;
        }
        let (code, message, label) = if listed {
            (
                codes::DATE_UNUSED,
                format!("{who}: the class has no trigger \"{said}\""),
                "not asked for",
            )
        } else {
            (
                codes::UNKNOWN_TRIGGER,
                format!("{who}: there is no trigger \"{said}\""),
                "unknown trigger",
            )
        };
        let help = if permanent {
            "the class is kept for ever: no date is needed".to_owned()
        } else {
            format!("the class needs {}", words::all(&words::quoted(&needed)))
        };
        let did = near.map(|word| format!("did you mean \"{word}\"?")).filter(|_| !listed);
        meant.extend(near.filter(|_| !listed));
        sheet.error(&trigger.span, say(code, message, label, words::sentences(did, help)));
    }
    missing_dates(sheet, schedule, holding, named, &needed, &meant);
}

/// Reports the triggers that have no date; `meant` are those that a misspelt one stands for.
fn missing_dates(
    sheet: &mut Sheet<'_>,
    schedule: &RawSchedule,
    holding: &RawHolding,
    named: &Told<String>,
    needed: &[&str],
    meant: &[&str],
) {
    let who = &holding.who;
    if !holding.dates_complete {
        return;
    }
    for &trigger in needed {
        let there = holding.dates.iter().any(|(name, _)| name.value == trigger);
        // A trigger that is itself unknown was reported in the schedule.
        if there || meant.contains(&trigger) || !schedule.triggers.has(trigger) {
            continue;
        }
        let sources = holding.form.map(|form| words::either(&words::quoted(form.date_sources)));
        let help = sources.filter(|list| !list.is_empty()).map_or_else(
            || format!("write dates = {{ \"{trigger}\" = \"...\" }}"),
            |list| format!("write dates = {{ \"{trigger}\" = ... }}, with {list}"),
        );
        sheet.error(
            &named.span,
            say(
                codes::DATE_MISSING,
                format!("{who}: nothing says when \"{trigger}\" was"),
                format!("no date for \"{trigger}\""),
                Some(help),
            ),
        );
    }
}

/// The prefix of a date source that is a register of events.
const REGISTER: &str = "register:";

fn register_sources(
    sheet: &mut Sheet<'_>,
    registers: &BTreeMap<String, Register>,
    holding: &RawHolding,
) {
    let mut any = false;
    for (_, source) in &holding.dates {
        let Some(name) = source.value.strip_prefix(REGISTER) else { continue };
        any = true;
        if !registers.contains_key(name) {
            sheet.error(
                &source.span,
                say(
                    codes::UNKNOWN_REGISTER,
                    format!("{}: there is no register \"{name}\"", holding.who),
                    "unknown register",
                    words::sentences(
                        words::did_you_mean(name, registers.keys().map(String::as_str)),
                        format!("A register is a file: events/{name}.toml."),
                    ),
                ),
            );
        }
        if !holding.has_event {
            sheet.error(
                &source.span,
                say(
                    codes::EVENT_MISSING,
                    format!(
                        "{}: nothing says which event of the register is a record's",
                        holding.who
                    ),
                    "no event",
                    Some("write event = \"{...}\", with the field that names it".to_owned()),
                ),
            );
        }
    }
    if holding.event.is_some() && !any && holding.dates_complete {
        sheet.error(
            &holding.span,
            say(
                codes::NO_EFFECT,
                format!("{}: \"event\" is written, and no date comes from a register", holding.who),
                "no register",
                Some(
                    "write \"register:NAME\" as the source of a date, or remove \"event\""
                        .to_owned(),
                ),
            ),
        );
    }
}

fn anonymise(sheet: &mut Sheet<'_>, holding: &RawHolding, class: &RawClass, named: &Told<String>) {
    let (Some(disposition), Some(form)) = (&class.disposition, holding.form) else { return };
    let wanted = disposition.value == Disposition::Anonymise;
    let able = form.holding.iter().any(|key| key.name == "anonymise");
    let who = &holding.who;
    let (span, message, label, help) = match (&holding.anonymise, wanted, able) {
        (None, true, true) if holding.dates_complete => (
            named.span.clone(),
            format!("{who}: nothing says what to put in the place of a person's data"),
            "no anonymise",
            "write anonymise = { email = \"null\", ... }, with every field that identifies a \
             person",
        ),
        (_, true, false) => (
            named.span.clone(),
            format!("{who}: the adapter \"{}\" cannot anonymise", form.adapter),
            "cannot anonymise",
            "choose another disposition, or hold the class elsewhere",
        ),
        (Some(span), false, true) => (
            span.clone(),
            format!("{who}: the class says \"{}\"", disposition.value.words()),
            "not asked for",
            "remove this, or write disposition = \"anonymise\" in the class",
        ),
        _ => return,
    };
    sheet.error(&span, say(codes::ANONYMISE, message, label, Some(help.to_owned())));
}
