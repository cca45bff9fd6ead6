//! The schedule as people sign it.

use std::fmt::Write as _;

use crate::model::{Class, Clause, Cutoff, Disposition, Programme, Retention, Terms};

/// Returns one sentence for each class, read aloud in the meeting that signs the schedule.
pub fn sentences(programme: &Programme) -> String {
    let mut out = String::new();
    for class in programme.schedule.classes.values() {
        write_class(&mut out, class);
    }
    out
}

/// Returns the sentences with owners, authorities and the header: what the meeting signs.
pub fn signing(programme: &Programme) -> String {
    let schedule = &programme.schedule;
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(text.trim_end());
        out.push('\n');
    };
    line(schedule.title.clone());
    line(format!("{}, version {}", schedule.organisation, schedule.version));
    line(match (&schedule.approved_by, schedule.approved_on) {
        (Some(by), Some(on)) => format!("Approved by {by} on {on}"),
        _ => "Not approved".to_owned(),
    });
    if let Some(from) = schedule.effective_from {
        line(format!("In force from {from}"));
    }
    if let Some(by) = schedule.review_by {
        line(format!("To be reviewed by {by}"));
    }
    for class in schedule.classes.values() {
        let mut text = String::new();
        write_class(&mut text, class);
        line(String::new());
        line(text);
        line(format!("    Owner: {}", class.owner));
        for name in cited(class) {
            let Some(authority) = schedule.authorities.get(name) else { continue };
            let mut text = format!("    Authority {name}: {}", authority.citation);
            match (authority.minimum, &authority.requires) {
                (Some(Retention::For(period)), _) => {
                    let minimum = format!(". At least {period}");
                    text.push_str(&minimum);
                    if let Some(from) = &authority.counts_from {
                        text.push_str(&format!(" from {from}"));
                    }
                }
                (Some(Retention::Permanent), _) => text.push_str(". For ever"),
                (None, Some(requires)) => text.push_str(&format!(": {requires}")),
                (None, None) => {}
            }
            line(text);
        }
        if let Some(reviewer) = &class.reviewer {
            line(format!("    Reviewer: {reviewer}"));
        }
        if class.disposition.action().is_some() {
            line(format!("    Approval: {}", class.approval.words()));
            line(format!("    Gone within: {}", class.dispose_within));
        }
    }
    out
}

/// Every authority that a class cites, once.
fn cited(class: &Class) -> Vec<&str> {
    let mut names: Vec<&str> = class.authorities.iter().map(String::as_str).collect();
    let further = class
        .terms
        .clauses()
        .iter()
        .flat_map(|clause| clause.authorities.iter())
        .chain(class.variants.values().flat_map(|v| v.authorities.iter()))
        .chain(
            class.variants.values().flat_map(|v| v.terms.clauses()).flat_map(|c| &c.authorities),
        );
    for name in further {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names
}

fn write_class(out: &mut String, class: &Class) {
    // Writing to a String cannot fail.
    write!(out, "{} {}. ", class.id, class.title.trim_end_matches('.')).ok();
    match &class.terms {
        Terms::Permanent => out.push_str("Keep permanently."),
        Terms::Clauses(clauses) => {
            for (n, clause) in clauses.iter().enumerate() {
                out.push_str(if n == 0 { "Keep for " } else { ", and at least " });
                write!(out, "{} after {}", clause.retention, start(clause)).ok();
            }
            out.push('.');
        }
    }
    match class.disposition {
        Disposition::RetainPermanently => {}
        other => {
            write!(out, " Then {}.", other.words()).ok();
        }
    }
    if class.held_on_paper {
        out.push_str(" Held on paper.");
    }
    out.push('\n');
    for (place, variant) in &class.variants {
        write!(out, "    in {place}: ").ok();
        match &variant.terms {
            Terms::Permanent => out.push_str("permanently"),
            Terms::Clauses(clauses) => write_variant(out, clauses, class.terms.clauses()),
        }
        out.push('\n');
    }
}

/// What a variant says differently; further clauses of the class hold there too and were said.
fn write_variant(out: &mut String, clauses: &[Clause], of_class: &[Clause]) {
    let Some((main, further)) = clauses.split_first() else { return };
    write!(out, "{}", main.retention).ok();
    if of_class.first().is_some_and(|class| class.trigger != main.trigger) {
        write!(out, " after {}", main.trigger).ok();
    }
    match (main.cutoff, of_class.first().and_then(|class| class.cutoff)) {
        (Some(cutoff), _) => {
            write!(out, ", {}", cutoff.words()).ok();
        }
        (None, Some(_)) => out.push_str(", no cutoff"),
        (None, None) => {}
    }
    for clause in further.iter().skip(of_class.len().saturating_sub(1)) {
        write!(out, ", and at least {} after {}", clause.retention, start(clause)).ok();
    }
}

/// From when a clause counts: "account closure", "the end of the fiscal year of the ...".
fn start(clause: &Clause) -> String {
    match clause.cutoff.map(Cutoff::words).and_then(|words| words.strip_prefix("end of ")) {
        None => clause.trigger.clone(),
        Some(period) => format!("the end of the {period} of the {}", clause.trigger),
    }
}
