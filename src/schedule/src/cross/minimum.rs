//! Whether periods are as long as the authorities ask for.

use std::collections::HashSet;

use crate::codes;
use crate::model::Retention;
use crate::read::{RawAuthority, RawClass, RawSchedule};
use crate::sheet::{Sheet, say};
use crate::source::{Span, Told};

/// Checks every period of a class against the minimums of what is cited for it.
///
/// # Behavior
///
/// - An authority of one jurisdiction counts for the class's own terms only where those govern
///   there; for a variant only in the variant's own.
/// - A variant that cites authorities is checked against those alone, otherwise against those of
///   the class.
/// - Lengths are compared, not what they count from; the message names both.
pub(super) fn minimums(sheet: &mut Sheet<'_>, raw: &RawSchedule, class: &RawClass, who: &str) {
    let trigger = class.trigger.as_ref().map(|t| t.value.as_str());
    if let Some(retention) = &class.retention {
        let counts = |authority: &RawAuthority| {
            authority.jurisdiction.as_ref().is_none_or(|place| class_governs(raw, class, place))
        };
        let asked = Asked { who, retention: retention.clone(), trigger };
        check(sheet, raw, &asked, &class.authority, counts);
    }
    further(sheet, raw, &class.and_at_least, who);
    for variant in &class.variants {
        let who = format!("{who} in {}", variant.name.value);
        further(sheet, raw, &variant.and_at_least, &who);
        let own = variant.authority.as_deref();
        if let Some(own) = own {
            elsewhere(sheet, raw, own, &variant.name.value, &who);
        }
        let retention = match (&variant.retention, &class.retention) {
            (Some(own), _) => own.clone(),
            // Taken over from the class, and underlined where the variant begins.
            (None, Some(class)) if !variant.damaged => {
                Told { value: class.value, span: variant.name.span.clone() }
            }
            _ => continue,
        };
        let trigger = variant.trigger.as_ref().map(|t| t.value.as_str()).or(trigger);
        let counts = |authority: &RawAuthority| {
            authority.jurisdiction.as_ref().is_none_or(|place| *place == variant.name.value)
        };
        let asked = Asked { who: &who, retention, trigger };
        check(sheet, raw, &asked, own.unwrap_or(&class.authority), counts);
    }
}

/// Whether the class's own terms govern in a jurisdiction.
fn class_governs(raw: &RawSchedule, class: &RawClass, place: &str) -> bool {
    let has_variant = class.variants.iter().any(|variant| variant.name.value == place);
    let at_home = raw.header.jurisdiction.as_ref().is_some_and(|home| home.value == place)
        || raw.header.other_jurisdictions.iter().any(|other| other == place);
    !has_variant && (class.variants.is_empty() || at_home)
}

fn further(sheet: &mut Sheet<'_>, raw: &RawSchedule, all: &[crate::read::RawFurther], who: &str) {
    let who = format!("{who}, and at least");
    for clause in all {
        let Some(period) = &clause.retention else { continue };
        let retention = period.clone().map(Retention::For);
        let trigger = clause.trigger.as_ref().map(|t| t.value.as_str());
        check(sheet, raw, &Asked { who: &who, retention, trigger }, &clause.authority, |_| true);
    }
}

/// Warns of authorities that a variant cites and that are of another place.
fn elsewhere(
    sheet: &mut Sheet<'_>,
    raw: &RawSchedule,
    cited: &[Told<String>],
    place: &str,
    who: &str,
) {
    for name in cited {
        let Some(of) = raw.authorities.get(&name.value).and_then(|a| a.jurisdiction.as_ref())
        else {
            continue;
        };
        if of != place {
            sheet.error(
                &name.span,
                say(
                    codes::NO_EFFECT,
                    format!(
                        "{who}: {} is an authority of {of}, and counts nowhere else",
                        name.value
                    ),
                    format!("of {of}"),
                    Some(format!("cite an authority of {place}, or one without a jurisdiction")),
                ),
            );
        }
    }
}

struct Asked<'c> {
    who: &'c str,
    retention: Told<Retention>,
    trigger: Option<&'c str>,
}

fn check(
    sheet: &mut Sheet<'_>,
    raw: &RawSchedule,
    asked: &Asked<'_>,
    cited: &[Told<String>],
    counts: impl Fn(&RawAuthority) -> bool,
) {
    let mut seen: HashSet<&str> = HashSet::new();
    for name in cited.iter().filter(|name| seen.insert(&name.value)) {
        let Some(authority) = raw.authorities.get(&name.value).filter(|a| counts(a)) else {
            continue;
        };
        let Some(minimum) = authority.minimum else { continue };
        if !asked.retention.value.never_shorter_than(&minimum) {
            let span = asked.retention.span.clone();
            too_short(sheet, asked, &span, authority, minimum);
        }
    }
}

fn too_short(
    sheet: &mut Sheet<'_>,
    asked: &Asked<'_>,
    span: &Span,
    authority: &RawAuthority,
    minimum: Retention,
) {
    let length = asked.retention.value;
    let needs = match minimum {
        Retention::Permanent => "for ever".to_owned(),
        Retention::For(period) => format!("the {period}"),
    };
    let mut help = authority.citation.clone().unwrap_or_default();
    help.push_str(" - raise the retention, or remove the authority if it does not apply");
    if let (Some(counts_from), Some(trigger)) = (&authority.counts_from, asked.trigger) {
        help.push_str(&format!(
            ". The authority counts from {counts_from}, the class from {trigger}: compare those \
             too"
        ));
    }
    sheet.error(
        span,
        say(
            codes::TOO_SHORT,
            format!(
                "{}: {length} is shorter than {needs} that {} requires",
                asked.who, authority.name.value
            ),
            "too short",
            Some(help),
        ),
    );
}
