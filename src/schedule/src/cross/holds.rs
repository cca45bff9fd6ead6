//! Checks of `holds.toml` against schedule and systems.

use super::unknown;
use crate::codes;
use crate::read::{RawHold, RawHolding, RawSchedule, RawSystems};
use crate::sheet::{Sheet, say};
use crate::source::Told;
use crate::template::Template;

/// Checks each hold.
pub(crate) fn holds(
    sheet: &mut Sheet<'_>,
    holds: &[RawHold],
    schedule: &RawSchedule,
    systems: &RawSystems,
) {
    for hold in holds {
        let who = format!("hold {}", hold.id.value);
        for class in &hold.classes {
            let what = format!("{who}: there is no class \"{}\"", class.value);
            let (code, names) = (codes::UNKNOWN_CLASS, &schedule.class_names);
            let listed = "Classes are written in schedule.toml.";
            if let Some(said) = unknown(code, "class", what, &class.value, names, listed) {
                sheet.error(&class.span, said);
            }
        }
        for system in &hold.systems {
            let what = format!("{who}: there is no system \"{}\"", system.value);
            let (code, names) = (codes::UNKNOWN_SYSTEM, &systems.system_names);
            let listed = "Systems are described in systems.toml.";
            if let Some(said) = unknown(code, "system", what, &system.value, names, listed) {
                sheet.error(&system.span, said);
            }
        }
        dates(sheet, hold, &who);
        if !hold.has_selector && !hold.damaged {
            sheet.error(
                &hold.id.span,
                say(
                    codes::EMPTY_HOLD,
                    format!("{who}: it does not say what it holds"),
                    "holds what?",
                    Some(
                        "write classes, systems, subjects or custodians; for everything, list \
                         every system"
                            .to_owned(),
                    ),
                ),
            );
        }
        let within: Vec<&RawHolding> =
            systems.holdings.iter().filter(|holding| touches(hold, holding)).collect();
        wider(sheet, hold, &who, &within);
        unseen(sheet, &who, "subject", &hold.subjects, &within, |h| h.subject.as_ref());
        unseen(sheet, &who, "custodian", &hold.custodians, &within, |h| h.custodian.as_ref());
    }
}

fn touches(hold: &RawHold, holding: &RawHolding) -> bool {
    let listed = |list: &[Told<String>], name: &Option<Told<String>>| {
        list.is_empty()
            || name.as_ref().is_some_and(|name| list.iter().any(|l| l.value == name.value))
    };
    listed(&hold.classes, &holding.class) && listed(&hold.systems, &holding.system)
}

/// Warns where a hold covers all of a class in a system, though it names people (rule 12).
fn wider(sheet: &mut Sheet<'_>, hold: &RawHold, who: &str, within: &[&RawHolding]) {
    for holding in within {
        let lists = [
            ("subject", "whom its records are about", &hold.subjects, holding.has_subject),
            ("custodian", "who keeps its records", &hold.custodians, holding.has_custodian),
        ];
        for (kind, what, names, known) in lists {
            let Some(first) = names.first().filter(|_| !known) else { continue };
            sheet.warn(
                &first.span,
                say(
                    codes::HOLDS_MORE,
                    format!(
                        "{who}: it holds everything in the {}, which does not say {what}",
                        holding.who
                    ),
                    format!("cannot be told by {kind} there"),
                    Some(format!(
                        "that is safe; to hold less, write {kind} in the holding, or one hold for \
                         subjects and another for custodians"
                    )),
                ),
            );
        }
    }
}

/// Warns of a name that no template can give.
fn unseen(
    sheet: &mut Sheet<'_>,
    who: &str,
    kind: &str,
    names: &[Told<String>],
    within: &[&RawHolding],
    template: impl Fn(&RawHolding) -> Option<&Template>,
) {
    let templates: Vec<&Template> = within.iter().filter_map(|h| template(h)).collect();
    if templates.is_empty() {
        return;
    }
    for name in names.iter().filter(|name| !templates.iter().any(|t| t.could_be(&name.value))) {
        let mut forms: Vec<String> =
            templates.iter().map(|t| format!("\"{}\"", t.as_str())).collect();
        forms.dedup();
        sheet.warn(
            &name.span,
            say(
                codes::UNSEEN_SUBJECT,
                format!("{who}: no record can have the {kind} \"{}\"", name.value),
                "matches nothing",
                Some(format!("the systems write {}", crate::words::either(&forms))),
            ),
        );
    }
}

fn dates(sheet: &mut Sheet<'_>, hold: &RawHold, who: &str) {
    let pairs = [
        ("review_by", &hold.review_by, "placed_on", &hold.placed_on),
        ("released_on", &hold.released_on, "placed_on", &hold.placed_on),
        ("to", &hold.to, "from", &hold.from),
    ];
    for (late_key, late, early_key, early) in pairs {
        if let (Some(late), Some(early)) = (late, early)
            && late.value < early.value
        {
            sheet.error(
                &late.span,
                say(
                    codes::DATE_ORDER,
                    format!("{who}: {late_key} is before {early_key}, {}", early.value),
                    "too early",
                    Some("one of the two days is wrong".to_owned()),
                ),
            );
        }
    }
}
