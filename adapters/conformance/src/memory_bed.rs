//! The testbed of the memory adapter: the example to follow.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::civil::{Date, date};
use quietus_contract::{
    Action, Adapter, DateValue, DisposalOrder, Holding, Locator, Place, Scope, Secret, Setting,
    Settings, SystemConfig, TargetHold, Value,
};
use quietus_memory::{Fault as MemoryFault, Item, Kind, Memory, Rights, Store, Times};

use crate::testbed::{
    Ability, Account, Contents, Done, Fault, PlantedCopy, Seed, SeedDate, Side, Target, Testbed,
};

const WITHIN: &str = "letters";
const BESIDE: &str = "letters-old";
const FORGOTTEN: &str = "forgotten";
const LABEL: &str = "closed";
const SECRET: &str = "memory-secret-1";
const SECRET_READ_ONLY: &str = "memory-secret-2";
const SECRET_BLIND: &str = "memory-secret-3";
const DEADLINE: Duration = Duration::from_millis(150);
const TRASH_CLEARS_BY: Date = date(2031, 5, 1);

static TARGETS: AtomicU32 = AtomicU32::new(1);

/// Stores in memory, with or without transactions.
#[derive(Clone, Copy, Debug)]
pub struct MemoryBed {
    /// Whether orders are all or nothing.
    pub transactional: bool,
}

#[async_trait]
impl Testbed for MemoryBed {
    fn name(&self) -> &str {
        if self.transactional { "memory, transactional" } else { "memory" }
    }

    fn abilities(&self) -> Vec<Ability> {
        use Ability::*;
        let faults = [
            crate::Fault::RequestLost,
            crate::Fault::ResponseLost,
            crate::Fault::ResponseCut,
            crate::Fault::ListingCut,
            crate::Fault::Silent,
            crate::Fault::Busy,
        ];
        let mut all = vec![
            Undated,
            Unreadable,
            Subject,
            Members,
            Redate,
            TellsTwins,
            Hold,
            Protect,
            Anonymise,
            ReadOnlyAccount,
            BlindAccount,
            Cut,
            Lag,
            Bury,
            Copies,
            Requests,
            Crash,
            Forgotten,
            Leave,
            Replace,
        ];
        all.extend(faults.map(Fault));
        all
    }

    async fn fresh(&self, seeds: &[Seed]) -> Done<Box<dyn Target>> {
        let n = TARGETS.fetch_add(1, Ordering::Relaxed);
        let store = Store::new(&format!("store-{n}"));
        store.set_transactional(self.transactional);
        store.set_account(SECRET, Rights::Full);
        store.set_account(SECRET_READ_ONLY, Rights::ReadOnly);
        store.set_account(SECRET_BLIND, Rights::Blind);
        for shelf in [WITHIN, BESIDE, FORGOTTEN] {
            store.add_shelf(shelf);
        }
        let memory = Memory::new();
        memory.add("main", store.clone());
        let target = MemoryTarget { store, memory };
        for seed in seeds {
            target.add(seed).await?;
        }
        Ok(Box::new(target))
    }

    fn deadline(&self) -> Duration {
        DEADLINE * 10
    }
}

struct MemoryTarget {
    store: Store,
    memory: Memory,
}

/// A locator has two parts, to show that nothing depends on one.
fn parts(name: &str) -> [String; 2] {
    ["file".to_owned(), name.to_owned()]
}

fn setting(value: Value) -> Setting {
    Setting { value, place: Place::default() }
}

fn scope_of(shelf: &str, action: Action) -> Scope {
    let by_key = BTreeMap::from([
        ("shelf".to_owned(), setting(Value::Text(shelf.to_owned()))),
        ("label".to_owned(), setting(Value::Text(LABEL.to_owned()))),
    ]);
    Scope {
        holding: Arc::new(Holding {
            index: 0,
            class: "letters".to_owned(),
            settings: Settings { by_key, place: Place::default() },
            dates: vec![("written".to_owned(), Place::default())],
            fields: vec![("writer".to_owned(), Place::default())],
            not_a_date: Vec::new(),
            action,
        }),
        bounds: vec![None],
    }
}

fn missing() -> Box<dyn std::error::Error + Send + Sync> {
    "there is no such record".into()
}

impl MemoryTarget {
    fn system_with(&self, secret: &str) -> SystemConfig {
        let deadline = u64::try_from(DEADLINE.as_millis()).unwrap_or(u64::MAX);
        let by_key = BTreeMap::from([
            ("store".to_owned(), setting(Value::Text("main".to_owned()))),
            ("deadline_ms".to_owned(), setting(Value::Number(deadline))),
        ]);
        SystemConfig {
            name: "archive".to_owned(),
            settings: Settings { by_key, place: Place::default() },
            secret: Some(Secret::new(secret.to_owned())),
            base: std::path::PathBuf::new(),
        }
    }
}

#[async_trait]
impl Target for MemoryTarget {
    fn adapter(&self) -> Arc<dyn Adapter> {
        Arc::new(self.memory.clone())
    }

    fn system(&self) -> SystemConfig {
        self.system_with(SECRET)
    }

    fn scope(&self, action: Action) -> Scope {
        scope_of(WITHIN, action)
    }

    fn scope_beside(&self) -> Option<Scope> {
        Some(scope_of(BESIDE, Action::Destroy))
    }

    fn locator(&self, name: &str) -> Locator {
        Locator::new(&parts(name))
    }

    async fn contents(&self) -> Done<Contents> {
        let snapshot = self.store.snapshot();
        let mut contents = Contents::default();
        for ((shelf, name), state) in snapshot.records {
            let side = if shelf == WITHIN { Side::Within } else { Side::Beside };
            let name = name.into_iter().next_back().unwrap_or_default();
            contents.records.insert((side, name), state);
        }
        Ok(contents)
    }

    async fn add(&self, seed: &Seed) -> Done {
        let shelf = if seed.side == Side::Within { WITHIN } else { BESIDE };
        let date = match seed.date {
            SeedDate::Day(date) => DateValue::Day(date),
            SeedDate::Absent => DateValue::Absent,
            SeedDate::Unreadable => DateValue::Unreadable("text"),
        };
        let item = Item {
            label: LABEL.to_owned(),
            dates: BTreeMap::from([("written".to_owned(), date)]),
            fields: BTreeMap::from([("writer".to_owned(), seed.subject.clone())]),
            content: seed.content.clone(),
            members: seed.members,
            hold: None,
            protected: false,
        };
        self.store.put(shelf, &parts(&seed.name), item);
        Ok(())
    }

    async fn change(&self, name: &str) -> Done {
        let changed = self.store.change(WITHIN, &parts(name), |item| item.content.push('!'));
        changed.then_some(()).ok_or_else(missing)
    }

    async fn remove(&self, name: &str) -> Done {
        self.store.remove(WITHIN, &parts(name), false).then_some(()).ok_or_else(missing)
    }

    async fn redate(&self, name: &str, date: Date) -> Done {
        let changed = self.store.change(WITHIN, &parts(name), |item| {
            item.dates.insert("written".to_owned(), DateValue::Day(date));
        });
        changed.then_some(()).ok_or_else(missing)
    }

    async fn hold(&self, name: &str) -> Done {
        let hold = TargetHold { kind: "legal hold".to_owned(), until: Some(date(2040, 1, 31)) };
        self.store.set_hold(WITHIN, &parts(name), Some(hold)).then_some(()).ok_or_else(missing)
    }

    async fn protect(&self, name: &str) -> Done {
        self.store.set_protected(WITHIN, &parts(name), true).then_some(()).ok_or_else(missing)
    }

    async fn account(&self, account: Account) -> Done<SystemConfig> {
        Ok(self.system_with(match account {
            Account::ReadOnly => SECRET_READ_ONLY,
            Account::Blind => SECRET_BLIND,
        }))
    }

    async fn cut(&self) -> Done {
        self.store.inject(MemoryFault::Unreachable, None, Times::Forever);
        Ok(())
    }

    async fn fault(&self, fault: Fault) -> Done {
        let (fault, kind, times) = match fault {
            Fault::RequestLost => (MemoryFault::LoseRequest, Some(Kind::Dispose), Times::Count(1)),
            Fault::ResponseLost => {
                (MemoryFault::LoseResponse, Some(Kind::Dispose), Times::Count(1))
            }
            Fault::ResponseCut => (MemoryFault::Partial, Some(Kind::Dispose), Times::Count(1)),
            Fault::ListingCut => (MemoryFault::Partial, Some(Kind::List), Times::Count(1)),
            Fault::Silent => (MemoryFault::LoseRequest, None, Times::Forever),
            Fault::Busy => (MemoryFault::Busy, None, Times::Forever),
        };
        self.store.inject(fault, kind, times);
        Ok(())
    }

    async fn mend(&self) -> Done {
        self.store.mend();
        Ok(())
    }

    async fn lag(&self, name: &str) -> Done {
        self.store.lag(WITHIN, &parts(name));
        Ok(())
    }

    async fn bury(&self, name: &str) -> Done {
        self.store.remove(WITHIN, &parts(name), true).then_some(()).ok_or_else(missing)
    }

    async fn plant_copies(&self, _name: &str) -> Done<Vec<PlantedCopy>> {
        self.store.set_trash(Some(Some(TRASH_CLEARS_BY)));
        Ok(vec![PlantedCopy { kind: "trash".to_owned(), clears_by: Some(TRASH_CLEARS_BY) }])
    }

    async fn requests(&self) -> Done<u64> {
        Ok(self.store.requests())
    }

    async fn crash(&self, order: DisposalOrder, after: usize) -> Done {
        self.store.inject(MemoryFault::CrashAfter(after), Some(Kind::Dispose), Times::Count(1));
        let disposer = self.memory.open_disposer(&self.system()).await?;
        disposer.dispose(&order).await?;
        Ok(())
    }

    async fn leave(&self, name: &str) -> Done {
        let changed =
            self.store.change(WITHIN, &parts(name), |item| item.label = "open".to_owned());
        changed.then_some(()).ok_or_else(missing)
    }

    async fn replace(&self) -> Done {
        let n = TARGETS.fetch_add(1, Ordering::Relaxed);
        self.memory.add("main", self.store.copy(&format!("store-{n}")));
        Ok(())
    }

    fn forgotten(&self) -> Option<String> {
        Some(FORGOTTEN.to_owned())
    }
}
