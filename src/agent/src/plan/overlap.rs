//! Records that two classes match: they go only when both let them go.

use jiff::civil::Date;
use quietus_contract::{AdapterError, Inventory, Locator};
use quietus_schedule::rules::Verdict;
use quietus_schedule::{Approval, Class};

use crate::hold::HoldFilter;
use crate::selection::Selection;

/// Another holding that may select the same records.
pub(super) struct Other<'a> {
    pub(super) selection: &'a Selection<'a>,
    pub(super) class: &'a Class,
    pub(super) holds: HoldFilter,
}

/// What another class has against a record's disposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Objection {
    /// It keeps the record, for this reason.
    Keeps(String),
    /// This hold on it covers the record.
    Held(String),
}

/// What the other holdings of the same space say of some records: for each record the first
/// objection, if any; a hold comes before all others.
pub(super) async fn objections(
    target: &dyn Inventory,
    own: &Class,
    others: &[Other<'_>],
    locators: &[Locator],
    as_of: Date,
) -> Result<Vec<Option<Objection>>, AdapterError> {
    let mut objections: Vec<Option<Objection>> = vec![None; locators.len()];
    for other in others {
        let found = target.look(&other.selection.scope, locators).await?;
        for (objection, record) in objections.iter_mut().zip(found) {
            let Some(record) = record else { continue };
            let facts = other.selection.facts(&record.dates, &record.fields);
            if let Some((hold, _)) = other.selection.hold(&other.holds, &facts) {
                *objection = Some(Objection::Held(hold.id.clone()));
            } else if objection.is_none() {
                let due = matches!(other.selection.judge(&facts, as_of), Verdict::Due { .. });
                *objection = keeps(own, other.class, due).map(|why| {
                    Objection::Keeps(format!("{} matches too, and {why}", other.class.id))
                });
            }
        }
    }
    Ok(objections)
}

/// Says why another class keeps a record, if it does.
fn keeps(own: &Class, other: &Class, due: bool) -> Option<&'static str> {
    let signs = other.approval == Approval::EachBatch && own.approval == Approval::Standing;
    match (due, other.disposition.action().is_some()) {
        (false, _) => Some("keeps it"),
        (true, false) => Some("has it reviewed or transferred first"),
        (true, true) if signs => Some("its owner signs off each batch"),
        (true, true) => None,
    }
}
