//! Lies of the reading half.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use quietus_contract::{
    Absence, Checked, Cursor, DateValue, ErrorKind, Inventory, Knowledge, Locator, Page, Probe,
    Record, RecordRef, ResidualCopies, Result, Scope, Survey, TargetIdentity, Uncovered,
};

use super::{Lie, Shared};
use crate::room::make_order;

/// An honest inventory behind a liar.
pub(super) struct LyingInventory<I: ?Sized> {
    pub shared: Arc<Shared>,
    pub honest: Box<I>,
    /// Locators that this instance said it disposed of.
    pub disposed: Mutex<BTreeSet<Locator>>,
    /// Cursors that this instance gave.
    given: Mutex<Vec<Cursor>>,
    calls: AtomicUsize,
}

impl<I: Inventory + ?Sized> LyingInventory<I> {
    pub fn new(shared: Arc<Shared>, honest: Box<I>) -> Self {
        Self {
            shared,
            honest,
            disposed: Mutex::default(),
            given: Mutex::default(),
            calls: AtomicUsize::new(0),
        }
    }

    pub fn lie(&self) -> Lie {
        self.shared.lie
    }

    /// Reads a whole listing by the honest one.
    pub async fn everything(&self, scope: &Scope) -> Result<Vec<Record>> {
        let unbounded = Scope { bounds: vec![None; scope.bounds.len()], ..scope.clone() };
        let mut records = Vec::new();
        let mut after = None;
        for _ in 0..10_000 {
            let page = self.honest.page(&unbounded, after.as_ref(), 100).await?;
            records.extend(page.records);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(records)
    }

    async fn write_secretly(&self, scope: &Scope) -> Result<()> {
        let victim = self.honest.page(scope, None, 1).await?.records;
        let victim: Vec<RecordRef> = victim.into_iter().map(|r| r.reference).collect();
        let id = quietus_contract::OrderId { run: "lie".to_owned(), batch: 1, order: 1 };
        let writer = self.shared.honest.open_disposer(&self.shared.system).await?;
        writer.dispose(&make_order(id, scope.clone(), victim)).await.map(drop)
    }

    /// Pages by counting: a cursor is how many records came before.
    async fn offset_page(
        &self,
        scope: &Scope,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page> {
        let bytes = after.and_then(|c| <[u8; 8]>::try_from(c.0.as_slice()).ok());
        let skip = bytes.map_or(0, u64::from_be_bytes);
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let all = self.everything(scope).await?;
        let records: Vec<Record> = all.iter().skip(skip).take(limit).cloned().collect();
        let end = skip.saturating_add(records.len());
        let next = u64::try_from(end).unwrap_or(u64::MAX).to_be_bytes().to_vec();
        Ok(Page { records, next: (end < all.len()).then_some(Cursor(next)) })
    }

    /// Takes an error of that kind for the end of the listing.
    async fn page_or_void(
        &self,
        kind: ErrorKind,
        scope: &Scope,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page> {
        match self.honest.page(scope, after, limit).await {
            Err(error) if error.kind == kind => Ok(Page::default()),
            page => page,
        }
    }

    async fn lying_page(
        &self,
        scope: &Scope,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page> {
        match self.lie() {
            Lie::OffsetPager => return self.offset_page(scope, after, limit).await,
            // Takes a listing that ends in an error for one that ended.
            Lie::HalfLister => {
                return self.page_or_void(ErrorKind::Broken, scope, after, limit).await;
            }
            Lie::VoidSeer => {
                return self.page_or_void(ErrorKind::Unreachable, scope, after, limit).await;
            }
            Lie::BlindLister => {
                return self.page_or_void(ErrorKind::Denied, scope, after, limit).await;
            }
            Lie::ReadOnlyWriter if after.is_none() => self.write_secretly(scope).await?,
            Lie::CursorLoser => {
                let stands = after.and_then(|c| std::str::from_utf8(&c.0).ok());
                let stands = stands.and_then(Locator::from_canonical);
                if let Some(locator) = stands
                    && self.honest.look(scope, &[locator]).await?.iter().all(Option::is_none)
                {
                    return Ok(Page::default());
                }
            }
            Lie::CursorAmnesiac => {
                let given = self.given.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let known = after.filter(|a| given.contains(a));
                let page = self.honest.page(scope, known, limit).await?;
                let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
                given.extend(page.next.clone());
                return Ok(page);
            }
            Lie::NeighbourTaker if after.is_none() => {
                let mut page = self.honest.page(scope, after, limit).await?;
                if let Some(beside) = &self.shared.beside {
                    page.records.pop();
                    page.records.extend(self.honest.page(beside, None, 1).await?.records);
                }
                return Ok(page);
            }
            _ => {}
        }
        let mut page = self.honest.page(scope, after, limit).await?;
        match self.lie() {
            Lie::LastPageForgetter if page.next.is_none() && after.is_some() => {
                page.records.clear();
            }
            Lie::Repeater => self.repeat(scope, &mut page, limit).await?,
            Lie::UndatedHider => page.records.retain(|r| r.dates.iter().all(is_a_date)),
            Lie::EarlyBound => page.records.retain(|r| before_bounds(scope, r)),
            _ => page.records.iter_mut().for_each(|r| self.twist(r)),
        }
        Ok(page)
    }

    async fn repeat(&self, scope: &Scope, page: &mut Page, limit: usize) -> Result<()> {
        let first = self.honest.page(scope, None, 1).await?.records;
        if page.next.is_none() && page.records.len() < limit {
            page.records.extend(first);
        }
        Ok(())
    }

    /// Falsifies one record.
    pub fn twist(&self, record: &mut Record) {
        match self.lie() {
            Lie::HoldBlind => record.target_hold = None,
            Lie::DateBlind => {
                // As if the version covered the content alone.
                let reference = &mut record.reference;
                let first = (record.bytes, reference.version.clone());
                let mut notes = self.shared.notes();
                let noted = notes.versions.entry(reference.locator.clone()).or_insert(first);
                if noted.0 == record.bytes {
                    reference.version = noted.1.clone();
                }
            }
            Lie::Misnamer => {
                let parts = record.reference.locator.parts();
                let tame = |c: char| if c.is_control() { '?' } else { c };
                let parts: Vec<String> =
                    parts.iter().map(|p| p.trim().chars().map(tame).collect()).collect();
                record.reference.locator = Locator::new(&parts);
            }
            _ => {}
        }
    }
}

fn is_a_date(value: &DateValue) -> bool {
    matches!(value, DateValue::Day(_) | DateValue::Local(_) | DateValue::Moment(_))
}

fn before_bounds(scope: &Scope, record: &Record) -> bool {
    let day = |value: &DateValue| -> Option<Date> {
        match value {
            DateValue::Day(day) => Some(*day),
            DateValue::Local(at) => Some(at.date()),
            DateValue::Moment(at) => Some(Timestamp::to_zoned(*at, TimeZone::UTC).date()),
            DateValue::Absent | DateValue::Unreadable(_) => None,
        }
    };
    let mut dates = record.dates.iter().zip(&scope.bounds);
    dates.all(|(value, bound)| match (day(value), bound) {
        (Some(day), Some(bound)) => day < *bound,
        _ => true,
    })
}

#[async_trait]
impl<I: Inventory + ?Sized> Inventory for LyingInventory<I> {
    async fn probe(&self) -> Result<Probe> {
        let mut probe = self.honest.probe().await?;
        match self.lie() {
            Lie::FirstImpression => {
                let mut notes = self.shared.notes();
                probe.identity = notes.identity.get_or_insert(probe.identity).clone();
            }
            Lie::OneIdentity => probe.identity = TargetIdentity("the one".to_owned()),
            Lie::Boaster => probe.capabilities.transactional = true,
            Lie::HoldBlind => probe.capabilities.own_holds = false,
            _ => {}
        }
        Ok(probe)
    }

    async fn survey(&self, scope: &Scope) -> Result<Survey> {
        let mut survey = self.honest.survey(scope).await?;
        match self.lie() {
            Lie::Spotless => survey.residual.copies.clear(),
            Lie::Renamer => {
                let mut notes = self.shared.notes();
                notes.surveys = notes.surveys.saturating_add(1);
                survey.store = format!("{} {}", survey.store, notes.surveys);
            }
            _ => {}
        }
        Ok(survey)
    }

    async fn page(&self, scope: &Scope, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        if self.lie() == Lie::Sleeper && self.calls.fetch_add(1, Ordering::Relaxed) > 0 {
            std::future::pending::<()>().await;
        }
        if self.lie() == Lie::Hammer {
            for _ in 0..100 {
                let page = self.honest.page(scope, after, limit).await;
                if page.is_ok() {
                    return page;
                }
            }
        }
        self.lying_page(scope, after, limit).await
    }

    async fn look(&self, scope: &Scope, locators: &[Locator]) -> Result<Vec<Option<Record>>> {
        match self.lie() {
            Lie::Cacher => return self.look_once(scope, locators).await,
            Lie::ScopeBlind => return self.look_anywhere(scope, locators).await,
            Lie::ErrorIsNone => {
                let found = self.honest.look(scope, locators).await;
                return Ok(found.unwrap_or_else(|_| vec![None; locators.len()]));
            }
            _ => {}
        }
        let mut found = self.honest.look(scope, locators).await?;
        found.iter_mut().flatten().for_each(|r| self.twist(r));
        match self.lie() {
            Lie::LookShuffler => found.reverse(),
            Lie::Panicker if found.iter().any(Option::is_none) => {
                super::looks::panic_now();
            }
            _ => {}
        }
        Ok(found)
    }

    async fn verify_absent(&self, scope: &Scope, records: &[RecordRef]) -> Result<Vec<Absence>> {
        let absent = || Absence::Absent(Checked::ByRecord);
        match self.lie() {
            Lie::DeniedIsAbsent => match self.honest.verify_absent(scope, records).await {
                Ok(found) => Ok(found
                    .into_iter()
                    .map(|a| if matches!(a, Absence::Unknown { .. }) { absent() } else { a })
                    .collect()),
                Err(_) => Ok(records.iter().map(|_| absent()).collect()),
            },
            Lie::Believer => {
                let mut found = self.honest.verify_absent(scope, records).await?;
                let disposed = self.disposed.lock().unwrap_or_else(PoisonError::into_inner);
                for (absence, record) in found.iter_mut().zip(records) {
                    if disposed.contains(&record.locator) {
                        *absence = absent();
                    }
                }
                Ok(found)
            }
            Lie::ListingTruster => {
                let listed = self.everything(scope).await?;
                let listed: BTreeSet<Locator> =
                    listed.into_iter().map(|r| r.reference.locator).collect();
                let mut found = self.honest.verify_absent(scope, records).await?;
                for (absence, record) in found.iter_mut().zip(records) {
                    if !listed.contains(&record.locator) {
                        *absence = Absence::Absent(Checked::ByListing);
                    }
                }
                Ok(found)
            }
            Lie::NewerIsAbsent => {
                let found = self.honest.verify_absent(scope, records).await?;
                let twist = |a| if a == Absence::Newer { absent() } else { a };
                Ok(found.into_iter().map(twist).collect())
            }
            Lie::BoundedVerifier => {
                let mut found = self.honest.verify_absent(scope, records).await?;
                let (mut listed, mut after) = (BTreeSet::new(), None);
                loop {
                    let page = self.honest.page(scope, after.as_ref(), 100).await?;
                    listed.extend(page.records.into_iter().map(|r| r.reference.locator));
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
                for (absence, record) in found.iter_mut().zip(records) {
                    if !listed.contains(&record.locator) {
                        *absence = absent();
                    }
                }
                Ok(found)
            }
            Lie::ScopedVerifier => {
                let mut found = self.honest.verify_absent(scope, records).await?;
                let locators: Vec<Locator> = records.iter().map(|r| r.locator.clone()).collect();
                let seen = self.honest.look(scope, &locators).await?;
                for (absence, _) in found.iter_mut().zip(seen).filter(|(_, r)| r.is_none()) {
                    *absence = absent();
                }
                Ok(found)
            }
            Lie::DateBlind => {
                let real = self.real(scope, records).await?;
                self.honest.verify_absent(scope, &real).await
            }
            _ => self.honest.verify_absent(scope, records).await,
        }
    }

    async fn uncovered(&self, scopes: &[Scope]) -> Result<Vec<Uncovered>> {
        let found = self.honest.uncovered(scopes).await?;
        Ok(if self.lie() == Lie::NothingForgotten { Vec::new() } else { found })
    }

    async fn residual_copies(
        &self,
        scope: &Scope,
        records: &[RecordRef],
    ) -> Result<ResidualCopies> {
        if self.lie() == Lie::Spotless {
            return Ok(ResidualCopies { copies: Vec::new(), knowledge: Knowledge::Observed });
        }
        self.honest.residual_copies(scope, records).await
    }
}
