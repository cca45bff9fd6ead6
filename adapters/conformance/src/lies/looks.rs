//! Lies about what is there now.

use quietus_contract::{
    AdapterError, ErrorKind, Inventory, Locator, Record, RecordRef, Result, Scope,
};

use super::Lie;
use super::inventories::LyingInventory;

impl<I: Inventory + ?Sized> LyingInventory<I> {
    pub async fn look_once(
        &self,
        scope: &Scope,
        locators: &[Locator],
    ) -> Result<Vec<Option<Record>>> {
        let found = self.honest.look(scope, locators).await?;
        let mut notes = self.shared.notes();
        let noted = locators.iter().zip(found);
        Ok(noted.map(|(l, now)| notes.looks.entry(l.clone()).or_insert(now).clone()).collect())
    }

    /// Looks beside the scope where the scope has nothing.
    pub async fn look_anywhere(
        &self,
        scope: &Scope,
        locators: &[Locator],
    ) -> Result<Vec<Option<Record>>> {
        let mut found = self.honest.look(scope, locators).await?;
        if let Some(beside) = &self.shared.beside {
            let there = self.honest.look(beside, locators).await?;
            for (record, other) in found.iter_mut().zip(there) {
                *record = record.take().or(other);
            }
        }
        Ok(found)
    }

    /// Puts the version that is there now in place of one that this liar gave.
    pub async fn real(&self, scope: &Scope, records: &[RecordRef]) -> Result<Vec<RecordRef>> {
        let locators: Vec<Locator> = records.iter().map(|r| r.locator.clone()).collect();
        let found = self.honest.look(scope, &locators).await?;
        let honest = |(record, planned): (Option<Record>, &RecordRef)| {
            let Some(mut now) = record else { return planned.clone() };
            let there = now.reference.clone();
            self.twist(&mut now);
            // A liar that is blind to all versions takes each; one that is blind to dates takes
            // those that it would give itself.
            let taken = self.lie() != Lie::DateBlind || now.reference == *planned;
            if taken { there } else { planned.clone() }
        };
        Ok(found.into_iter().zip(records).map(honest).collect())
    }

    /// Makes the error of a chatty adapter.
    pub fn chatty(record: &RecordRef) -> AdapterError {
        let text = format!("cannot dispose of {}", record.locator.as_str());
        AdapterError::new(ErrorKind::Broken, text)
    }
}

#[expect(clippy::panic, reason = "this is the lie: an adapter must not")]
pub(super) fn panic_now() {
    std::panic::panic_any("a record is not there");
}
