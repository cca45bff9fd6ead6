//! What a case works in: one fresh target, opened and watched.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::civil::{Date, date};
use quietus_contract::{
    Absence, Action, Adapter, Cursor, DisposalOrder, Disposer, Inventory, Locator, OrderId,
    Outcome, Record, RecordRef, Scope, SystemConfig,
};

use crate::lies::Lie;
use crate::report::{CaseResult, Failure, ensure};
use crate::testbed::{Ability, Account, Contents, Seed, SeedDate, Side, Target, Testbed};
use crate::watch::{Watch, Watched};

/// Pages that one enumeration may have: an adapter whose cursors go in circles ends here.
const PAGES_MAX: usize = 10_000;

/// The testbed and what all cases of one run share.
pub(crate) struct Bench<'t> {
    pub testbed: &'t dyn Testbed,
    pub abilities: Vec<Ability>,
    pub watch: Watch,
    pub lie: Option<Lie>,
    pub orders: AtomicU32,
    /// The targets of the case that runs, with what was beside the scope at first.
    pub targets: Mutex<Vec<(Arc<dyn Target>, Contents)>>,
}

/// Every name, subject and content has the run's marker in it, so that a leak is recognised.
impl Bench<'_> {
    pub fn can(&self, ability: Ability) -> bool {
        self.abilities.contains(&ability)
    }

    pub fn marker(&self) -> &str {
        &self.watch.marker
    }

    /// Returns the plain name of a record.
    pub fn name(&self, n: usize) -> String {
        format!("{}-{n:05}", self.marker())
    }

    /// Makes a seed with a plain name, long due.
    pub fn seed(&self, n: usize) -> Seed {
        self.named(&self.name(n))
    }

    /// Makes a seed of that name, long due.
    pub fn named(&self, name: &str) -> Seed {
        let marker = self.marker();
        Seed {
            side: Side::Within,
            name: name.to_owned(),
            date: SeedDate::Day(OLD),
            subject: format!("{marker}-subject-of-{}", name.len()),
            content: format!("{marker}-content of {} letters", name.len()),
            members: 0,
        }
    }

    /// Makes so many seeds within the scope, and three beside it that have the same names.
    pub fn seeds(&self, count: usize) -> Vec<Seed> {
        let within = (0..count).map(|n| self.seed(n));
        let beside = (0..3).map(|n| Seed { side: Side::Beside, ..self.seed(n) });
        within.chain(beside).collect()
    }

    fn targets(&self) -> MutexGuard<'_, Vec<(Arc<dyn Target>, Contents)>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that nothing beside the scope changed in any target of the case, and forgets them.
    pub async fn nothing_beside_changed(&self) -> CaseResult {
        let targets = std::mem::take(&mut *self.targets());
        for (target, before) in targets {
            target.mend().await?;
            let mut after = target.contents().await?;
            after.records.retain(|(side, _), _| *side == Side::Beside);
            ensure!(before.records == after.records, "records beside the scope changed");
        }
        Ok(())
    }

    /// Opens a fresh target with these records.
    pub async fn room(&self, seeds: Vec<Seed>) -> CaseResult<Room<'_>> {
        let target: Arc<dyn Target> = self.testbed.fresh(&seeds).await?.into();
        let mut beside = target.contents().await?;
        beside.records.retain(|(side, _), _| *side == Side::Beside);
        self.targets().push((target.clone(), beside));
        let adapter = match self.lie {
            Some(lie) => lie.tell(target.adapter(), &*target),
            None => target.adapter(),
        };
        let scope = target.scope(Action::Destroy);
        Ok(Room { bench: self, target, adapter, scope, seeds })
    }
}

/// The date that a seed has unless a case says otherwise.
pub(crate) const OLD: Date = date(2011, 3, 17);

/// A fresh target.
pub(crate) struct Room<'b> {
    pub bench: &'b Bench<'b>,
    pub target: Arc<dyn Target>,
    pub adapter: Arc<dyn Adapter>,
    pub scope: Scope,
    pub seeds: Vec<Seed>,
}

pub(crate) type Reader = Watched<dyn Inventory>;
pub(crate) type Writer = Watched<dyn Disposer>;

impl Room<'_> {
    pub async fn reader(&self) -> CaseResult<Reader> {
        Ok(self.reader_as(&self.target.system()).await?)
    }

    pub async fn reader_as(&self, system: &SystemConfig) -> quietus_contract::Result<Reader> {
        self.bench.watch.inventory(&*self.adapter, system).await
    }

    pub async fn writer(&self) -> CaseResult<Writer> {
        Ok(self.writer_as(&self.target.system()).await?)
    }

    pub async fn writer_as(&self, system: &SystemConfig) -> quietus_contract::Result<Writer> {
        self.bench.watch.disposer(&*self.adapter, system).await
    }

    pub async fn account(&self, account: Account) -> CaseResult<SystemConfig> {
        Ok(self.target.account(account).await?)
    }

    pub fn name(&self, n: usize) -> String {
        self.bench.name(n)
    }

    pub fn locator(&self, n: usize) -> Locator {
        self.target.locator(&self.name(n))
    }

    /// Pages through the scope.
    pub async fn records(&self, limit: usize) -> CaseResult<Vec<Record>> {
        let reader = self.reader().await?;
        enumerate(&reader, &self.scope, limit).await
    }

    /// Returns what a plan would hold of the records with these numbers.
    pub async fn plan(&self, numbers: &[usize]) -> CaseResult<Vec<RecordRef>> {
        let names: Vec<String> = numbers.iter().map(|n| self.name(*n)).collect();
        self.plan_named(&names).await
    }

    /// Returns what a plan would hold of the records with these names.
    pub async fn plan_named(&self, names: &[String]) -> CaseResult<Vec<RecordRef>> {
        let records = self.records(100).await?;
        let mut by_locator: BTreeMap<Locator, RecordRef> =
            records.into_iter().map(|r| (r.reference.locator.clone(), r.reference)).collect();
        let mut plan = Vec::with_capacity(names.len());
        for name in names {
            let found = by_locator.remove(&self.target.locator(name));
            plan.push(found.ok_or_else(|| {
                Failure(format!("page does not have the record {name:?} under its locator"))
            })?);
        }
        Ok(plan)
    }

    /// Makes an order as the journal would.
    pub fn order(&self, scope: &Scope, records: &[RecordRef]) -> DisposalOrder {
        let order = self.bench.orders.fetch_add(1, Ordering::Relaxed);
        let id = OrderId { run: "conformance".to_owned(), batch: 1, order };
        make_order(id, scope.clone(), records.to_vec())
    }

    /// Opens the system and disposes.
    pub async fn dispose(&self, records: &[RecordRef]) -> CaseResult<Vec<Outcome>> {
        let writer = self.writer().await?;
        Ok(writer.dispose(&self.order(&self.scope, records)).await?)
    }

    /// Opens the system anew and verifies.
    pub async fn verify(&self, records: &[RecordRef]) -> CaseResult<Vec<Absence>> {
        let reader = self.reader().await?;
        Ok(reader.verify_absent(&self.scope, records).await?)
    }

    pub async fn contents(&self) -> CaseResult<Contents> {
        Ok(self.target.contents().await?)
    }

    /// Says that exactly these records within the scope went since `before`.
    pub async fn only_gone(&self, before: &Contents, numbers: &[usize]) -> CaseResult {
        let names: Vec<String> = numbers.iter().map(|n| self.name(*n)).collect();
        self.only_gone_named(before, &names).await
    }

    /// Says that exactly the records of these names within the scope went since `before`.
    pub async fn only_gone_named(&self, before: &Contents, names: &[String]) -> CaseResult {
        let mut expected = before.clone();
        expected.records.retain(|(side, name), _| *side != Side::Within || !names.contains(name));
        let after = self.contents().await?;
        same_contents(&expected, &after)
    }

    /// As [`Room::none_gone_but`], for records alone: work that was interrupted may lie about.
    pub async fn records_kept_but(&self, before: &Contents, numbers: &[usize]) -> CaseResult {
        let before = Contents { rest: BTreeMap::new(), ..before.clone() };
        let now = Contents { rest: BTreeMap::new(), ..self.contents().await? };
        let names: BTreeSet<String> = numbers.iter().map(|n| self.name(*n)).collect();
        same_contents(&kept(&before, &names), &kept(&now, &names))
    }

    /// Says that nothing outside these numbers changed since `before`; those may be gone or not.
    pub async fn none_gone_but(&self, before: &Contents, numbers: &[usize]) -> CaseResult {
        let names: BTreeSet<String> = numbers.iter().map(|n| self.name(*n)).collect();
        same_contents(&kept(before, &names), &kept(&self.contents().await?, &names))
    }
}

/// Leaves out records within the scope.
fn kept(contents: &Contents, but: &BTreeSet<String>) -> Contents {
    let mut kept = contents.clone();
    kept.records.retain(|(side, name), _| *side != Side::Within || !but.contains(name));
    kept
}

#[expect(clippy::disallowed_methods, reason = "the suite plays the journal's part")]
pub(crate) fn make_order(id: OrderId, scope: Scope, records: Vec<RecordRef>) -> DisposalOrder {
    DisposalOrder::from_journal(id, scope, records)
}

/// Pages through a scope from its beginning.
pub(crate) async fn enumerate(
    reader: &(impl Inventory + ?Sized),
    scope: &Scope,
    limit: usize,
) -> CaseResult<Vec<Record>> {
    let mut records = Vec::new();
    let mut after: Option<Cursor> = None;
    for _ in 0..PAGES_MAX {
        let page = reader.page(scope, after.as_ref(), limit).await?;
        records.extend(page.records);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(records),
        }
    }
    Err(Failure(format!("no end after {PAGES_MAX} pages")))
}

/// Compares two states of a target, and names the differences.
pub(crate) fn same_contents(expected: &Contents, found: &Contents) -> CaseResult {
    let mut differences = Vec::new();
    for (key, state) in &expected.records {
        match found.records.get(key) {
            None => differences.push(format!("{key:?} is gone")),
            Some(now) if now != state => {
                differences.push(format!("{key:?} changed from [{state}] to [{now}]"));
            }
            Some(_) => {}
        }
    }
    for key in found.records.keys().filter(|key| !expected.records.contains_key(*key)) {
        differences.push(format!("{key:?} is there"));
    }
    for (key, state) in &expected.rest {
        if found.rest.get(key) != Some(state) {
            differences
                .push(format!("{key} changed from [{state}] to [{:?}]", found.rest.get(key)));
        }
    }
    for key in found.rest.keys().filter(|key| !expected.rest.contains_key(*key)) {
        differences.push(format!("{key} is new"));
    }
    differences.truncate(8);
    ensure!(differences.is_empty(), "{}", differences.join("; "));
    Ok(())
}
