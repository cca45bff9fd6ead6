//! The holding that a plan rests on, found again in the files as they are now.

use quietus_schedule::{Holding, Programme};
use sha2::{Digest, Sha256};

use super::PlannedHolding;

/// Names what a holding selects and what happens to it: while this is the same, a record's name
/// means the same record, and "gone" means the same.
pub(super) fn selection(programme: &Programme, holding: &Holding) -> String {
    let adapter = programme.systems.get(&holding.system).map(|system| system.adapter.as_str());
    let class = programme.schedule.classes.get(&holding.class);
    let action = class.and_then(|class| class.disposition.action());
    let settings: Vec<_> =
        holding.settings.by_key.iter().map(|(key, setting)| (key, &setting.value)).collect();
    let text = format!("{:?}", (adapter, &holding.system, &holding.class, action, settings));
    crate::hex::encode(&Sha256::digest(text))
}

/// Finds a planned holding in the files as they are now, wherever it stands there.
pub fn written<'p>(programme: &'p Programme, planned: &PlannedHolding) -> Option<&'p Holding> {
    let is_it = |holding: &&Holding| selection(programme, holding) == planned.selection;
    let there = programme.holdings.get(planned.holding).filter(is_it);
    there.or_else(|| programme.holdings.iter().find(is_it))
}
