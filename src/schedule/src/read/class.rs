//! Reading `[class.ID]`.

use super::check_jurisdiction;
use crate::model::{Approval, Cutoff, Disposition, Retention};
use crate::period::Period;
use crate::sheet::{Sheet, Table, Value};
use crate::source::{Span, Told};
use crate::{codes, keys, sheet::say};

/// What a class says.
#[derive(Debug)]
pub(crate) struct RawClass {
    pub id: Told<String>,
    /// Whether a part of it could not be read.
    pub damaged: bool,
    pub title: Option<String>,
    pub description: Option<String>,
    pub owner: Option<String>,
    pub trigger: Option<Told<String>>,
    /// Whether the key is there, well written or not.
    pub has_trigger: bool,
    pub cutoff: Option<Told<Cutoff>>,
    pub retention: Option<Told<Retention>>,
    pub disposition: Option<Told<Disposition>>,
    pub authority: Vec<Told<String>>,
    pub dispose_within: Option<Told<Period>>,
    pub reviewer: Option<Told<String>>,
    pub has_reviewer: bool,
    pub approval: Option<Told<Approval>>,
    pub held_on_paper: Option<Span>,
    pub superseded_by: Option<Told<String>>,
    pub function: Option<String>,
    pub personal_data: Option<String>,
    pub notes: Option<String>,
    pub and_at_least: Vec<RawFurther>,
    pub variants: Vec<RawVariant>,
}

/// What `[[class.ID.and_at_least]]` says.
#[derive(Debug)]
pub(crate) struct RawFurther {
    pub span: Span,
    /// Whether a part of it could not be read.
    pub damaged: bool,
    pub trigger: Option<Told<String>>,
    pub cutoff: Option<Told<Cutoff>>,
    pub retention: Option<Told<Period>>,
    pub authority: Vec<Told<String>>,
}

/// What `[class.ID.in.PLACE]` says.
#[derive(Debug)]
pub(crate) struct RawVariant {
    /// Whether a part of it could not be read.
    pub damaged: bool,
    pub name: Told<String>,
    pub trigger: Option<Told<String>>,
    /// `Some(None)` for "none".
    pub cutoff: Option<Told<Option<Cutoff>>>,
    pub retention: Option<Told<Retention>>,
    /// Whether it names authorities of its own.
    pub authority: Option<Vec<Told<String>>>,
    pub and_at_least: Vec<RawFurther>,
}

/// Reads a class.
pub(super) fn class(sheet: &mut Sheet<'_>, id: Told<String>, value: Value<'_>) -> Option<RawClass> {
    let who = format!("class {}", id.value);
    let table = Table::open(sheet, who, id.span.clone(), value, keys::CLASS)?;
    let variants = variants(sheet, &table);
    let personal = ["none", "personal", "sensitive"];
    let and_at_least = further(sheet, &table);
    let incomplete = sheet.lost_section
        || and_at_least.iter().any(|further| further.damaged)
        || variants.iter().any(|variant| variant.damaged);
    Some(RawClass {
        damaged: table.damaged || incomplete,
        title: table.text(sheet, "title").map(|t| t.value),
        description: table.text(sheet, "description").map(|t| t.value),
        owner: table.text(sheet, "owner").map(|t| t.value),
        trigger: table.text(sheet, "trigger"),
        has_trigger: table.has("trigger"),
        cutoff: cutoff(sheet, &table),
        retention: table.retention(sheet, "retention"),
        disposition: table
            .word(sheet, "disposition", keys::DISPOSITIONS)
            .and_then(|told| pick(told, &Disposition::ALL)),
        authority: table.texts(sheet, "authority").unwrap_or_default(),
        dispose_within: table.period(sheet, "dispose_within"),
        reviewer: table.text(sheet, "reviewer"),
        has_reviewer: table.has("reviewer"),
        approval: table
            .word(sheet, "approval", &Approval::ALL.map(Approval::words))
            .and_then(|told| pick(told, &Approval::ALL)),
        held_on_paper: table.word(sheet, "held_on", &["paper"]).map(|told| told.span),
        superseded_by: table.text(sheet, "superseded_by"),
        function: table.text(sheet, "function").map(|t| t.value),
        personal_data: table
            .word(sheet, "personal_data", &personal)
            .and_then(|told| personal.get(told.value).map(|word| (*word).to_owned())),
        notes: table.text(sheet, "notes").map(|t| t.value),
        and_at_least,
        variants,
        id,
    })
}

fn pick<T: Copy>(told: Told<usize>, all: &[T]) -> Option<Told<T>> {
    let value = *all.get(told.value)?;
    Some(told.map(|_| value))
}

fn cutoff(sheet: &mut Sheet<'_>, table: &Table<'_>) -> Option<Told<Cutoff>> {
    table.word(sheet, "cutoff", keys::CUTOFFS).and_then(|told| pick(told, &Cutoff::ALL))
}

fn further(sheet: &mut Sheet<'_>, class: &Table<'_>) -> Vec<RawFurther> {
    let mut all = Vec::new();
    for value in class.tables(sheet, "and_at_least") {
        let span = value.span();
        let who = format!("{}, and at least", class.who);
        let Some(table) = Table::open(sheet, who, span.clone(), value, keys::FURTHER) else {
            continue;
        };
        all.push(RawFurther {
            span,
            damaged: table.damaged,
            trigger: table.text(sheet, "trigger"),
            cutoff: cutoff(sheet, &table),
            retention: table.period(sheet, "retention"),
            authority: table.texts(sheet, "authority").unwrap_or_default(),
        });
    }
    all
}

fn variants(sheet: &mut Sheet<'_>, class: &Table<'_>) -> Vec<RawVariant> {
    let mut all = Vec::new();
    let Some(places) = class.named(sheet, "in") else { return all };
    for (name, value) in places.named_tables() {
        let who = format!("{} in {}", class.who, name.value);
        check_jurisdiction(sheet, &who, &name);
        let Some(table) = Table::open(sheet, who, name.span.clone(), value, keys::VARIANT) else {
            continue;
        };
        if table.is_empty() && !table.damaged {
            table.error(
                sheet,
                &name.span,
                say(
                    codes::NO_EFFECT,
                    "the variant changes nothing",
                    "empty",
                    Some(
                        "say what is different there, or remove it; a place where the class \
                          applies as it stands belongs in other_jurisdictions"
                            .to_owned(),
                    ),
                ),
            );
        }
        let cutoff = table.word(sheet, "cutoff", keys::VARIANT_CUTOFFS);
        let and_at_least = further(sheet, &table);
        all.push(RawVariant {
            damaged: table.damaged || and_at_least.iter().any(|further| further.damaged),
            trigger: table.text(sheet, "trigger"),
            cutoff: cutoff.map(|told| told.map(|n| Cutoff::ALL.get(n).copied())),
            retention: table.retention(sheet, "retention"),
            authority: table
                .has("authority")
                .then(|| table.texts(sheet, "authority").unwrap_or_default()),
            and_at_least,
            name,
        });
    }
    all
}
