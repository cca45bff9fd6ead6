//! One shelf: the container of a holding.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use quietus_contract::{DateValue, TargetHold};

/// A record as a test puts it on a shelf.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// What a holding may select by.
    pub label: String,
    /// Dates by name.
    pub dates: BTreeMap<String, DateValue>,
    /// Fields by name; what identifies a person.
    pub fields: BTreeMap<String, String>,
    /// The content; what identifies a person, too.
    pub content: String,
    /// How many other things go with it.
    pub members: u32,
    /// A hold of the target's own.
    pub hold: Option<TargetHold>,
    /// Whether the target lets nobody dispose of it.
    pub protected: bool,
}

impl Item {
    /// Returns whether a holding with that label selects it; one without selects every item.
    pub(crate) fn has_label(&self, label: Option<&str>) -> bool {
        label.is_none_or(|label| label == self.label)
    }

    /// Returns whether something in it identifies a person.
    pub(crate) fn identifies(&self) -> bool {
        !self.fields.is_empty() || !self.content.is_empty()
    }
}

/// A record's name: the parts of its locator.
pub(crate) type Name = Vec<String>;

/// An item in one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub version: u64,
    pub item: Item,
}

/// All versions of one record. An entry without a current one is not in listings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub current: Option<Stored>,
    pub earlier: Vec<Stored>,
}

/// A disposed record that the target keeps for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trashed {
    pub name: Name,
    pub stored: Stored,
    pub clears_by: Option<Date>,
}

/// The container of a holding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shelf {
    pub entries: BTreeMap<Name, Entry>,
    pub trash: Vec<Trashed>,
    /// Names that listings do not show yet.
    pub lagging: BTreeSet<Name>,
}

/// One line of a listing.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub name: Name,
    pub stored: Stored,
    pub earlier: u32,
}

/// What a deletion or redaction did.
#[derive(Clone, Debug)]
pub(crate) enum Done {
    Gone { members: u32 },
    Missing,
    OtherVersion,
    Held(TargetHold),
    Protected,
}

impl Shelf {
    pub fn current(&self, name: &[String]) -> Option<&Stored> {
        self.entries.get(name)?.current.as_ref()
    }

    pub fn line(&self, name: &[String]) -> Option<Line> {
        let entry = self.entries.get(name)?;
        let stored = entry.current.clone()?;
        let earlier = u32::try_from(entry.earlier.len()).unwrap_or(u32::MAX);
        Some(Line { name: name.to_vec(), stored, earlier })
    }

    /// Lists current records after a name for which `wanted` holds.
    pub fn list(
        &self,
        after: Option<&Name>,
        limit: usize,
        wanted: impl Fn(&Item) -> bool,
    ) -> Vec<Line> {
        use std::ops::Bound::{Excluded, Unbounded};
        self.entries
            .range((after.map_or(Unbounded, |a| Excluded(a.clone())), Unbounded))
            .filter(|(name, _)| !self.lagging.contains(*name))
            .filter(|(_, entry)| entry.current.as_ref().is_some_and(|s| wanted(&s.item)))
            .filter_map(|(name, _)| self.line(name))
            .take(limit)
            .collect()
    }

    /// Destroys a record in exactly this version, with all its earlier versions.
    pub fn destroy(
        &mut self,
        name: &[String],
        version: u64,
        label: Option<&str>,
        trash: Option<Option<Date>>,
    ) -> Done {
        let Some(entry) = self.entries.get_mut(name) else { return Done::Missing };
        let members = match admit(entry, version, label) {
            Ok(stored) => stored.item.members,
            Err(refusal) => return refusal,
        };
        let earlier = u32::try_from(entry.earlier.len()).unwrap_or(u32::MAX);
        if let (Some(clears_by), Some(stored)) = (trash, entry.current.take()) {
            self.trash.push(Trashed { name: name.to_vec(), stored, clears_by });
        }
        self.entries.remove(name);
        self.lagging.remove(name);
        Done::Gone { members: members.saturating_add(earlier) }
    }

    /// Takes out of a record in exactly this version what identifies a person.
    pub fn redact(
        &mut self,
        name: &[String],
        version: u64,
        label: Option<&str>,
        next: u64,
    ) -> Done {
        let Some(entry) = self.entries.get_mut(name) else { return Done::Missing };
        if entry.current.as_ref().is_some_and(|s| !s.item.identifies())
            && entry.earlier.iter().all(|s| !s.item.identifies())
        {
            return Done::Missing;
        }
        if let Err(refusal) = admit(entry, version, label) {
            return refusal;
        }
        let earlier = u32::try_from(entry.earlier.len()).unwrap_or(u32::MAX);
        entry.earlier.clear();
        if let Some(stored) = entry.current.as_mut() {
            stored.version = next;
            stored.item.fields.clear();
            stored.item.content.clear();
        }
        Done::Gone { members: earlier }
    }
}

/// Says whether a record in this version may be touched by a holding with that label.
fn admit<'e>(entry: &'e Entry, version: u64, label: Option<&str>) -> Result<&'e Stored, Done> {
    let Some(stored) = &entry.current else {
        // Only earlier versions are left: not the record that the plan saw, and not absent.
        return Err(Done::OtherVersion);
    };
    if stored.version != version || !stored.item.has_label(label) {
        return Err(Done::OtherVersion);
    }
    if let Some(hold) = &stored.item.hold {
        return Err(Done::Held(hold.clone()));
    }
    if stored.item.protected {
        return Err(Done::Protected);
    }
    Ok(stored)
}
