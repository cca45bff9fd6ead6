//! Records that two classes match: due only when due under both.

use jiff::civil::Date;
use quietus_contract::{AdapterError, Inventory, Locator};
use quietus_schedule::rules::Verdict;

use crate::selection::Selection;

/// What the other holdings of the same space say of some records: for each record the class of
/// the first one that is not due there, if any.
pub(super) async fn objections(
    target: &dyn Inventory,
    others: &[&Selection<'_>],
    locators: &[Locator],
    as_of: Date,
) -> Result<Vec<Option<String>>, AdapterError> {
    let mut objections = vec![None; locators.len()];
    for other in others {
        let found = target.look(&other.scope, locators).await?;
        for (objection, record) in objections.iter_mut().zip(found) {
            let Some(record) = record else { continue };
            let facts = other.facts(&record.dates, &record.fields);
            if !matches!(other.judge(&facts, as_of), Verdict::Due { .. }) {
                objection.get_or_insert_with(|| other.holding.class.clone());
            }
        }
    }
    Ok(objections)
}
