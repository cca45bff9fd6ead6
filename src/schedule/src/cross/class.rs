//! Checks of one class.

use super::{minimum, unknown};
use crate::codes;
use crate::model::{Approval, Cutoff, Disposition, Retention};
use crate::read::{RawClass, RawSchedule};
use crate::sheet::{Sheet, say};
use crate::source::{Span, Told};

/// Checks a class.
pub(super) fn class(sheet: &mut Sheet<'_>, raw: &RawSchedule, class: &RawClass) {
    let who = format!("class {}", class.id.value);
    names(sheet, raw, class, &who);
    home(sheet, raw, class, &who);
    years(sheet, raw, class, &who);
    disposition(sheet, class, &who);
    permanence(sheet, class, &who);
    minimum::minimums(sheet, raw, class, &who);
}

fn names(sheet: &mut Sheet<'_>, raw: &RawSchedule, class: &RawClass, who: &str) {
    for trigger in triggers(class) {
        let what = format!("{who}: nothing called \"{}\" can start the clock", trigger.value);
        let listed = "Triggers are listed once, in [triggers].";
        let code = codes::UNKNOWN_TRIGGER;
        if let Some(said) = unknown(code, "trigger", what, &trigger.value, &raw.triggers, listed) {
            sheet.error(&trigger.span, said);
        }
    }
    for authority in cited(class) {
        let what = format!("{who}: there is no authority \"{}\"", authority.value);
        let listed = "Authorities are listed once, in [authorities.NAME].";
        let code = codes::UNKNOWN_AUTHORITY;
        let names = &raw.authority_names;
        if let Some(said) = unknown(code, "authority", what, &authority.value, names, listed) {
            sheet.error(&authority.span, said);
        }
    }
    let Some(successor) = &class.superseded_by else { return };
    if successor.value == class.id.value {
        sheet.error(
            &successor.span,
            say(
                codes::NO_EFFECT,
                format!("{who}: a class cannot take its own place"),
                "itself",
                Some("name the class that took its place, or remove the line".to_owned()),
            ),
        );
    }
    let what = format!("{who}: there is no class \"{}\"", successor.value);
    let code = codes::UNKNOWN_CLASS;
    if let Some(said) = unknown(code, "class", what, &successor.value, &raw.class_names, "") {
        sheet.error(&successor.span, said);
    }
}

/// A variant of the place that the class is written for says the same thing twice.
fn home(sheet: &mut Sheet<'_>, raw: &RawSchedule, class: &RawClass, who: &str) {
    let Some(home) = &raw.header.jurisdiction else { return };
    let Some(variant) = class.variants.iter().find(|v| v.name.value == home.value) else { return };
    sheet.error(
        &variant.name.span,
        say(
            codes::REPEATED,
            format!("{who}: a variant for {}, which the class itself is for", home.value),
            "the schedule's own jurisdiction",
            Some("write these periods in the class, and remove the variant".to_owned()),
        ),
    );
}

/// Every trigger that the class names, with its place.
fn triggers(class: &RawClass) -> impl Iterator<Item = &Told<String>> {
    let of_variants = class
        .variants
        .iter()
        .flat_map(|v| v.trigger.iter().chain(v.and_at_least.iter().flat_map(|f| &f.trigger)));
    class
        .trigger
        .iter()
        .chain(class.and_at_least.iter().flat_map(|further| &further.trigger))
        .chain(of_variants)
}

fn cited(class: &RawClass) -> impl Iterator<Item = &Told<String>> {
    let of_variants = class.variants.iter().flat_map(|v| {
        v.authority.iter().flatten().chain(v.and_at_least.iter().flat_map(|f| &f.authority))
    });
    class
        .authority
        .iter()
        .chain(class.and_at_least.iter().flat_map(|further| &further.authority))
        .chain(of_variants)
}

fn years(sheet: &mut Sheet<'_>, raw: &RawSchedule, class: &RawClass, who: &str) {
    if !raw.years_complete || !raw.class_names.complete {
        return;
    }
    let mut cutoffs: Vec<(Cutoff, Span)> = Vec::new();
    let mut add = |told: &Told<Cutoff>| cutoffs.push((told.value, told.span.clone()));
    class.cutoff.iter().for_each(&mut add);
    class.and_at_least.iter().flat_map(|f| &f.cutoff).for_each(&mut add);
    for variant in &class.variants {
        variant.and_at_least.iter().flat_map(|f| &f.cutoff).for_each(&mut add);
        if let Some(Told { value: Some(value), span }) = &variant.cutoff {
            add(&Told { value: *value, span: span.clone() });
        }
    }
    for (cutoff, span) in cutoffs {
        let (name, end) = match cutoff {
            Cutoff::FiscalYear => ("fiscal", raw.years.fiscal),
            Cutoff::TaxYear => ("tax", raw.years.tax),
            Cutoff::AcademicYear => ("academic", raw.years.academic),
            Cutoff::Month | Cutoff::Quarter | Cutoff::CalendarYear => continue,
        };
        if end.is_none() && !raw.bad_years.contains(&name) {
            sheet.error(
                &span,
                say(
                    codes::UNKNOWN_YEAR,
                    format!("{who}: nothing says when the {name} year ends"),
                    "no such year",
                    Some(format!("write {name} = \"ends 31 March\" below [years]")),
                ),
            );
        }
    }
}

fn disposition(sheet: &mut Sheet<'_>, class: &RawClass, who: &str) {
    let Some(disposition) = &class.disposition else { return };
    let is_review = disposition.value == Disposition::Review;
    if is_review && !class.has_reviewer && !class.damaged {
        sheet.error(
            &disposition.span,
            say(
                codes::DISPOSITION,
                format!("{who}: nobody is named to review these records"),
                "by whom?",
                Some("write reviewer = \"...\"".to_owned()),
            ),
        );
    }
    if let Some(reviewer) = class.reviewer.as_ref().filter(|_| !is_review) {
        sheet.error(
            &reviewer.span,
            say(
                codes::DISPOSITION,
                format!(
                    "{who}: a reviewer is named, and the disposition is \"{}\"",
                    disposition.value.words()
                ),
                "nothing to review",
                Some("write disposition = \"review\", or remove the reviewer".to_owned()),
            ),
        );
    }
    if let Some(approval) = &class.approval
        && approval.value == Approval::Standing
        && disposition.value.action().is_none()
    {
        sheet.error(
            &approval.span,
            say(
                codes::DISPOSITION,
                format!(
                    "{who}: \"{}\" cannot be approved once and for all",
                    disposition.value.words()
                ),
                "no standing approval",
                Some(
                    "standing approval is for \"destroy\" and \"anonymise\"; remove the line"
                        .to_owned(),
                ),
            ),
        );
    }
}

fn permanence(sheet: &mut Sheet<'_>, class: &RawClass, who: &str) {
    let Some(retention) = &class.retention else { return };
    let permanent = retention.value == Retention::Permanent;
    if let Some(disposition) = &class.disposition {
        let for_ever = disposition.value == Disposition::RetainPermanently;
        if permanent && !for_ever {
            sheet.error(
                &disposition.span,
                say(
                    codes::PERMANENT,
                    format!(
                        "{who}: what is kept for ever cannot have the disposition \"{}\"",
                        disposition.value.words()
                    ),
                    "contradicts \"permanent\"",
                    Some(
                        "write disposition = \"retain permanently\", or a period in place of \
                         \"permanent\""
                            .to_owned(),
                    ),
                ),
            );
        }
        if !permanent && for_ever {
            sheet.error(
                &retention.span,
                say(
                    codes::PERMANENT,
                    format!("{who}: \"retain permanently\" does not end after a period"),
                    "contradicts \"retain permanently\"",
                    Some("write retention = \"permanent\", or another disposition".to_owned()),
                ),
            );
        }
    }
    if permanent {
        without_clock(sheet, class, who);
    } else if !class.has_trigger && !class.damaged {
        sheet.error(
            &class.id.span,
            say(
                codes::MISSING_KEY,
                format!("{who}: \"trigger\" is missing"),
                "no trigger",
                Some("Say what starts the clock: one of [triggers].".to_owned()),
            ),
        );
    }
}

/// Reports the keys that mean nothing where no clock runs.
fn without_clock(sheet: &mut Sheet<'_>, class: &RawClass, who: &str) {
    let spans = [
        ("trigger", class.trigger.as_ref().map(|t| t.span.clone())),
        ("cutoff", class.cutoff.as_ref().map(|t| t.span.clone())),
        ("dispose_within", class.dispose_within.as_ref().map(|t| t.span.clone())),
        ("and_at_least", class.and_at_least.first().map(|f| f.span.clone())),
        ("in", class.variants.first().map(|v| v.name.span.clone())),
    ];
    for (key, span) in spans {
        let Some(span) = span else { continue };
        sheet.error(
            &span,
            say(
                codes::PERMANENT,
                format!("{who}: records that are kept for ever have no \"{key}\""),
                "contradicts \"permanent\"",
                Some("remove it, or write a period in place of \"permanent\"".to_owned()),
            ),
        );
    }
}
