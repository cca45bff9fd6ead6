//! The reading half.

use async_trait::async_trait;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use quietus_contract::{
    Absence, Action, Capabilities, Cursor, DateValue, Inventory, Knowledge, Locator, Method,
    MethodClass, Page, Probe, Record, RecordRef, ResidualCopies, ResidualCopy, Result, Scope,
    Survey, TargetIdentity, Uncovered, Version,
};

use crate::config::{Client, label_of, shelf_of};
use crate::error::{broken_answer, foreign, lost, no_shelf};
use crate::link::{Kind, Wire};
use crate::shelf::{Item, Line, Shelf};
use crate::store::{Rights, State};

pub(crate) const ORDER_RECORDS_MAX: usize = 64;
pub(crate) const PAGE_RECORDS_MAX: usize = 100;

/// Returns the shelf, if this account is shown it.
///
/// This is the positive control as well: an account that is shown the shelf sees all of its
/// records, and a blind one is not shown it.
pub(crate) fn visible<'s>(state: &'s State, wire: &Wire, shelf: &str) -> Option<&'s Shelf> {
    if wire.rights == Rights::Blind { None } else { state.shelves.get(shelf) }
}

/// Writes a version; [`read_version`] reads it.
pub(crate) fn version(counter: u64) -> Version {
    Version::new(&counter.to_be_bytes())
}

pub(crate) fn read_version(version: &Version) -> Result<u64> {
    version.as_bytes().try_into().map(u64::from_be_bytes).map_err(|_| foreign("version"))
}

/// The push-down: hides only records whose date is there, is a real one, and lies later.
fn within_bounds(scope: &Scope, item: &Item) -> bool {
    let dates = &scope.holding.dates;
    !dates.iter().zip(&scope.bounds).any(|((source, _), bound)| {
        let (Some(bound), Some(value)) = (bound, item.dates.get(source)) else { return false };
        day(value).is_some_and(|day| day > *bound && !scope.holding.not_a_date.contains(&day))
    })
}

fn day(value: &DateValue) -> Option<Date> {
    match value {
        DateValue::Day(date) => Some(*date),
        DateValue::Local(at) => Some(at.date()),
        DateValue::Moment(at) => Some(at.to_zoned(TimeZone::UTC).date()),
        DateValue::Absent | DateValue::Unreadable(_) => None,
    }
}

fn record(scope: &Scope, line: &Line) -> Record {
    let item = &line.stored.item;
    let holding = &scope.holding;
    Record {
        reference: RecordRef {
            locator: Locator::new(&line.name),
            version: version(line.stored.version),
        },
        dates: holding
            .dates
            .iter()
            .map(|(source, _)| item.dates.get(source).copied().unwrap_or(DateValue::Absent))
            .collect(),
        fields: holding.fields.iter().map(|(name, _)| item.fields.get(name).cloned()).collect(),
        target_hold: item.hold.clone(),
        bytes: u64::try_from(item.content.len()).ok(),
        members: item.members.saturating_add(line.earlier),
    }
}

impl Client {
    /// Says where copies will survive; a store tells everything about itself.
    fn copies_ahead(state: &State) -> ResidualCopies {
        let copies = state.trash.iter().map(|clears_by| ResidualCopy {
            place: "the trash of the store".to_owned(),
            kind: "trash".to_owned(),
            clears_by: *clears_by,
            records: None,
        });
        ResidualCopies { copies: copies.collect(), knowledge: Knowledge::Observed }
    }
}

#[async_trait]
impl Inventory for Client {
    async fn probe(&self) -> Result<Probe> {
        self.link
            .call(Kind::Hello, |state, wire| Probe {
                identity: TargetIdentity(state.identity.clone()),
                account: if state.accounts.is_empty() { "anyone" } else { "an account" }.to_owned(),
                rights: vec![format!("{:?}", wire.rights)],
                product: "store in memory".to_owned(),
                clock: state.clock,
                capabilities: Capabilities {
                    guarded: true,
                    transactional: state.transactional,
                    own_holds: true,
                    order_records_max: ORDER_RECORDS_MAX,
                    page_records_max: PAGE_RECORDS_MAX,
                },
                notes: Vec::new(),
            })
            .await
            .map_err(lost)
    }

    async fn survey(&self, scope: &Scope) -> Result<Survey> {
        let shelf = shelf_of(scope)?;
        let label = label_of(scope);
        let name = format!("memory:{}/{shelf}", self.name);
        let (class, technique, strength) = match scope.holding.action {
            Action::Destroy => {
                (MethodClass::LogicalDelete, "remove", "The store no longer has the record.")
            }
            Action::Anonymise => {
                (MethodClass::Anonymise, "redact", "The record stays, without fields and content.")
            }
        };
        self.link
            .call(Kind::Hello, |state, wire| {
                let shelf = visible(state, wire, shelf)?;
                let selected = |item: &Item| item.has_label(label);
                Some(Survey {
                    store: name.clone(),
                    space: name.clone(),
                    population: u64::try_from(shelf.list(None, usize::MAX, selected).len()).ok(),
                    method: Method {
                        class,
                        technique: technique.to_owned(),
                        strength: strength.to_owned(),
                    },
                    residual: Self::copies_ahead(state),
                    notes: Vec::new(),
                })
            })
            .await
            .map_err(lost)?
            .ok_or_else(no_shelf)
    }

    async fn page(&self, scope: &Scope, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        let shelf = shelf_of(scope)?;
        let label = label_of(scope);
        let after = after.map(read_cursor).transpose()?;
        let limit = limit.min(PAGE_RECORDS_MAX);
        let (lines, count) = self
            .link
            .call(Kind::List, |state, wire| {
                let shelf = visible(state, wire, shelf)?;
                let wanted = |item: &Item| item.has_label(label) && within_bounds(scope, item);
                let lines = shelf.list(after.as_ref(), limit.saturating_add(1), wanted);
                let count = lines.len();
                Some((wire.send(lines), count))
            })
            .await
            .map_err(lost)?
            .ok_or_else(no_shelf)?;
        if lines.len() != count {
            return Err(broken_answer());
        }
        let records: Vec<Record> = lines.iter().take(limit).map(|l| record(scope, l)).collect();
        let more = count > limit;
        let next = if more { Some(cursor(records.last(), after.as_deref())) } else { None };
        Ok(Page { records, next })
    }

    async fn look(&self, scope: &Scope, locators: &[Locator]) -> Result<Vec<Option<Record>>> {
        let (shelf, label) = (shelf_of(scope)?, label_of(scope));
        let lines = self
            .link
            .call(Kind::Get, |state, wire| {
                let shelf = visible(state, wire, shelf)?;
                let line = |l: &Locator| {
                    shelf.line(&l.parts()).filter(|line| line.stored.item.has_label(label))
                };
                Some(wire.send(locators.iter().map(line).collect()))
            })
            .await
            .map_err(lost)?
            .ok_or_else(no_shelf)?;
        if lines.len() != locators.len() {
            return Err(broken_answer());
        }
        Ok(lines.iter().map(|line| line.as_ref().map(|l| record(scope, l))).collect())
    }

    async fn verify_absent(&self, scope: &Scope, records: &[RecordRef]) -> Result<Vec<Absence>> {
        self.verify(scope, records).await
    }

    async fn uncovered(&self, scopes: &[Scope]) -> Result<Vec<Uncovered>> {
        let covered = scopes.iter().map(shelf_of).collect::<Result<Vec<_>>>()?;
        self.link
            .call(Kind::List, |state, wire| {
                state
                    .shelves
                    .iter()
                    .filter(|_| wire.rights != Rights::Blind)
                    .filter(|(name, _)| !covered.contains(&name.as_str()))
                    .map(|(name, shelf)| Uncovered {
                        container: name.clone(),
                        records: u64::try_from(shelf.list(None, usize::MAX, |_| true).len()).ok(),
                    })
                    .collect()
            })
            .await
            .map_err(lost)
    }

    async fn residual_copies(
        &self,
        scope: &Scope,
        records: &[RecordRef],
    ) -> Result<ResidualCopies> {
        self.copies(scope, records).await
    }
}

/// A cursor is the name of the last record that was handed over.
fn cursor(last: Option<&Record>, after: Option<&[String]>) -> Cursor {
    let text = last.map(|r| r.reference.locator.clone()).or_else(|| after.map(Locator::new));
    Cursor(text.map(|l| l.as_str().as_bytes().to_vec()).unwrap_or_default())
}

fn read_cursor(cursor: &Cursor) -> Result<Vec<String>> {
    std::str::from_utf8(&cursor.0)
        .ok()
        .and_then(Locator::from_canonical)
        .map(|l| l.parts())
        .ok_or_else(|| foreign("cursor"))
}
