//! Checks within `schedule.toml`.

use std::collections::HashSet;

use super::class;
use crate::read::RawSchedule;
use crate::sheet::{Sheet, say};
use crate::{codes, words};

/// Checks header, authorities and classes against each other.
pub(crate) fn schedule(sheet: &mut Sheet<'_>, raw: &RawSchedule) {
    header(sheet, raw);
    authorities(sheet, raw);
    for class in &raw.classes {
        class::class(sheet, raw, class);
    }
    unused(sheet, raw);
}

fn header(sheet: &mut Sheet<'_>, raw: &RawSchedule) {
    let header = &raw.header;
    if header.span.is_empty() {
        return;
    }
    if !header.approval_written {
        sheet.warn(
            &header.span,
            say(
                codes::UNAPPROVED,
                "schedule: nobody has approved it",
                "not approved",
                Some(
                    "plans can be made, and nothing is disposed of; once it is approved, write \
                     approved_by and approved_on"
                        .to_owned(),
                ),
            ),
        );
    }
    let starts = [("approved_on", &header.approved_on), ("effective_from", &header.effective_from)];
    for (key, start) in starts {
        if let (Some(start), Some(review)) = (start, &header.review_by)
            && review.value < start.value
        {
            sheet.error(
                &review.span,
                say(
                    codes::DATE_ORDER,
                    format!("schedule: review_by is before {key}, {}", start.value),
                    "too early",
                    Some("a schedule is reviewed after it was approved".to_owned()),
                ),
            );
            break;
        }
    }
}

fn authorities(sheet: &mut Sheet<'_>, raw: &RawSchedule) {
    for authority in raw.authorities.values() {
        let who = format!("authority {}", authority.name.value);
        let claims = authority.minimum.is_some() || authority.requires.is_some();
        if claims && !authority.check_written {
            sheet.warn(
                &authority.name.span,
                say(
                    codes::UNCHECKED_AUTHORITY,
                    format!("{who}: nobody has checked it for your organisation"),
                    "not checked",
                    Some(
                        "have it checked by someone who knows the law, and write checked_by and \
                         checked_on"
                            .to_owned(),
                    ),
                ),
            );
        }
    }
}

fn unused(sheet: &mut Sheet<'_>, raw: &RawSchedule) {
    if !raw.class_names.complete || !sheet.damaged.is_empty() {
        return;
    }
    let mut triggers: HashSet<&str> = HashSet::new();
    let mut cited: HashSet<&str> = HashSet::new();
    for class in &raw.classes {
        let further =
            class.and_at_least.iter().chain(class.variants.iter().flat_map(|v| &v.and_at_least));
        for clause in further {
            triggers.extend(clause.trigger.as_ref().map(|t| t.value.as_str()));
            cited.extend(clause.authority.iter().map(|t| t.value.as_str()));
        }
        let of_variants = class.variants.iter();
        triggers.extend(class.trigger.as_ref().map(|t| t.value.as_str()));
        triggers.extend(of_variants.clone().flat_map(|v| &v.trigger).map(|t| t.value.as_str()));
        cited.extend(class.authority.iter().map(|t| t.value.as_str()));
        cited.extend(of_variants.flat_map(|v| &v.authority).flatten().map(|t| t.value.as_str()));
    }
    let lists =
        [("trigger", &raw.triggers, &triggers), ("authority", &raw.authority_names, &cited)];
    for (kind, names, used) in lists {
        for name in names.list.iter().filter(|name| !used.contains(name.value.as_str())) {
            // A misspelt use was reported already; do not report its other end too.
            if words::nearest(&name.value, used.iter().copied().filter(|u| !names.has(u))).is_some()
            {
                continue;
            }
            sheet.warn(
                &name.span,
                say(
                    codes::UNUSED,
                    format!("{kind} {}: no class uses it", name.value),
                    "not used",
                    Some("remove it, or use it".to_owned()),
                ),
            );
        }
    }
}
