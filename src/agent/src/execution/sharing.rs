//! Holds that reach a record through another class that selects it too.

use quietus_contract::Locator;

use super::Execution;
use super::carrying::Carried;
use super::dispatch::records;
use crate::error::UserError;
use crate::journal::OrderRow;
use crate::selection::Selection;

impl Execution<'_> {
    /// Returns for each record of an order the hold that covers it under another class, if one
    /// does. The target is asked only where a hold is in force on such a class.
    pub(super) async fn held_through_others(
        &self,
        carried: &Carried<'_>,
        order: &OrderRow,
    ) -> Result<Vec<Option<String>>, UserError> {
        let all = records(carried, order)?;
        let mut held = vec![None; all.len()];
        let programme = &self.agent.loaded.programme;
        let shared = &carried.holding.shares_with;
        for other in shared.iter().filter_map(|n| programme.holdings.get(*n)) {
            let holds = self.holds.filter(&other.class, &other.system, self.today());
            if holds.is_empty() || self.frozen_out.is_some() {
                continue;
            }
            let selection = Selection::new(programme, other, None);
            let locators: Vec<Locator> = all.iter().map(|r| r.reference.locator.clone()).collect();
            let found = carried
                .target
                .look(&selection.scope, &locators)
                .await
                .map_err(|e| UserError::from(e).in_system(&other.system))?;
            for (slot, record) in held.iter_mut().zip(found) {
                let Some(record) = record else { continue };
                let facts = selection.facts(&record.dates, &record.fields);
                if let Some((hold, _)) = selection.hold(&holds, &facts) {
                    slot.get_or_insert_with(|| hold.id.clone());
                }
            }
        }
        Ok(held)
    }
}
