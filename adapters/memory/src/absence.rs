//! Verifies that records are gone, and looks for copies.

use quietus_contract::{
    Absence, Action, Checked, Knowledge, RecordRef, ResidualCopies, ResidualCopy, Result, Scope,
};

use crate::config::{Client, shelf_of};
use crate::error::{broken_answer, lost, no_shelf};
use crate::inventory::{read_version, visible};
use crate::link::Kind;
use crate::shelf::{Entry, Shelf, Stored};

impl Client {
    /// Asks for each record by its name, never by a listing, which may lag.
    pub(crate) async fn verify(
        &self,
        scope: &Scope,
        records: &[RecordRef],
    ) -> Result<Vec<Absence>> {
        let shelf = shelf_of(scope)?;
        let asked = numbered(records)?;
        let action = scope.holding.action;
        let answer = self
            .link
            .call(Kind::Get, |state, wire| {
                let shelf = visible(state, wire, shelf)?;
                let found = asked.iter().map(|(name, version)| {
                    shelf.entries.get(name).map_or(Absence::Absent(Checked::ByRecord), |entry| {
                        match action {
                            Action::Destroy => destroyed(entry, *version),
                            Action::Anonymise => anonymised(entry, *version),
                        }
                    })
                });
                Some(wire.send(found.collect()))
            })
            .await;
        match answer {
            Ok(Some(found)) if found.len() == records.len() => Ok(found),
            Ok(Some(_)) => Err(broken_answer()),
            Ok(None) => Ok(unknown(records, "this credential is not shown the shelf")),
            Err(why) => Ok(unknown(records, &lost(why).message)),
        }
    }

    /// Looks into trash and earlier versions.
    pub(crate) async fn copies(
        &self,
        scope: &Scope,
        records: &[RecordRef],
    ) -> Result<ResidualCopies> {
        let shelf = shelf_of(scope)?;
        let asked = numbered(records)?;
        let copies = self
            .link
            .call(Kind::Copies, |state, wire| {
                visible(state, wire, shelf).map(|shelf| find_copies(shelf, &asked))
            })
            .await
            .map_err(lost)?
            .ok_or_else(no_shelf)?;
        Ok(ResidualCopies { copies, knowledge: Knowledge::Observed })
    }
}

fn numbered(records: &[RecordRef]) -> Result<Vec<(Vec<String>, u64)>> {
    records.iter().map(|r| Ok((r.locator.parts(), read_version(&r.version)?))).collect()
}

fn unknown(records: &[RecordRef], reason: &str) -> Vec<Absence> {
    records.iter().map(|_| Absence::Unknown { reason: reason.to_owned() }).collect()
}

fn destroyed(entry: &Entry, version: u64) -> Absence {
    match &entry.current {
        Some(stored) if stored.version == version => Absence::Present,
        Some(_) => Absence::Newer,
        // Not in any listing, but an earlier version can still be read.
        None => Absence::Present,
    }
}

fn anonymised(entry: &Entry, version: u64) -> Absence {
    let identifying = |stored: &Stored| stored.item.identifies();
    match &entry.current {
        Some(stored) if identifying(stored) && stored.version == version => Absence::Present,
        Some(stored) if identifying(stored) => Absence::Newer,
        _ if entry.earlier.iter().any(identifying) => Absence::Present,
        _ => Absence::Absent(Checked::ByRecord),
    }
}

fn find_copies(shelf: &Shelf, asked: &[(Vec<String>, u64)]) -> Vec<ResidualCopy> {
    let mut copies = Vec::new();
    let mut trashed: Vec<_> = shelf
        .trash
        .iter()
        .filter(|t| {
            asked.iter().any(|(name, version)| *name == t.name && *version == t.stored.version)
        })
        .map(|t| t.clears_by)
        .collect();
    trashed.sort_unstable();
    for group in trashed.chunk_by(|a, b| a == b) {
        copies.push(ResidualCopy {
            place: "the trash of the store".to_owned(),
            kind: "trash".to_owned(),
            clears_by: group.first().copied().flatten(),
            records: u64::try_from(group.len()).ok(),
        });
    }
    let earlier = asked
        .iter()
        .filter(|(name, _)| shelf.entries.get(name).is_some_and(|e| !e.earlier.is_empty()))
        .count();
    if earlier > 0 {
        copies.push(ResidualCopy {
            place: "earlier versions in the store".to_owned(),
            kind: "old-version".to_owned(),
            clears_by: None,
            records: u64::try_from(earlier).ok(),
        });
    }
    copies
}
