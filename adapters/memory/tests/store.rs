//! What the suite does not ask of a store: versions, trash, and settings that do not fit.

#![cfg(test)]

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::date;
use quietus_contract::{
    Absence, Action, Adapter, DisposalOrder, ErrorKind, Holding, OrderId, Outcome, Place,
    RecordRef, Scope, Secret, Setting, Settings, SystemConfig, Value,
};
use quietus_memory::{FORM, Fault, Item, Kind, Memory, Rights, Store, Times};

const SHELF: &str = "files";

fn name() -> Vec<String> {
    vec!["a".to_owned(), "1".to_owned()]
}

fn item(content: &str) -> Item {
    Item {
        fields: BTreeMap::from([("who".to_owned(), "someone".to_owned())]),
        content: content.to_owned(),
        ..Item::default()
    }
}

fn settings(pairs: &[(&str, &str)]) -> Settings {
    let text = |v: &str| Setting { value: Value::Text(v.to_owned()), place: Place::default() };
    let by_key = pairs.iter().map(|(k, v)| ((*k).to_owned(), text(v))).collect();
    Settings { by_key, place: Place::default() }
}

fn scope(action: Action) -> Scope {
    let holding = Holding {
        index: 0,
        class: "files".to_owned(),
        settings: settings(&[("shelf", SHELF)]),
        dates: Vec::new(),
        fields: Vec::new(),
        not_a_date: Vec::new(),
        action,
    };
    Scope { holding: Arc::new(holding), bounds: Vec::new() }
}

fn system(store: &str, secret: Option<&str>) -> SystemConfig {
    SystemConfig {
        name: "archive".to_owned(),
        settings: settings(&[("store", store)]),
        secret: secret.map(|s| Secret::new(s.to_owned())),
        base: std::path::PathBuf::new(),
    }
}

struct Desk {
    store: Store,
    memory: Memory,
}

impl Desk {
    fn new() -> Self {
        let (store, memory) = (Store::new("store"), Memory::new());
        store.add_shelf(SHELF);
        memory.add("main", store.clone());
        Self { store, memory }
    }

    async fn plan(&self) -> Vec<RecordRef> {
        let reader = self.memory.open_inventory(&system("main", None)).await.unwrap();
        let page = reader.page(&scope(Action::Destroy), None, 10).await.unwrap();
        page.records.into_iter().map(|r| r.reference).collect()
    }

    #[expect(clippy::disallowed_methods, reason = "the test plays the journal's part")]
    async fn dispose(&self, action: Action, records: &[RecordRef]) -> Vec<Outcome> {
        let id = OrderId { run: "run".to_owned(), batch: 1, order: 1 };
        let order = DisposalOrder::from_journal(id, scope(action), records.to_vec());
        let writer = self.memory.open_disposer(&system("main", None)).await.unwrap();
        writer.dispose(&order).await.unwrap()
    }

    async fn verify(&self, action: Action, records: &[RecordRef]) -> Vec<Absence> {
        let reader = self.memory.open_inventory(&system("main", None)).await.unwrap();
        reader.verify_absent(&scope(action), records).await.unwrap()
    }
}

#[tokio::test]
async fn earlier_versions_go_with_the_record_and_are_counted() {
    let desk = Desk::new();
    desk.store.set_keeps_versions(true);
    desk.store.put(SHELF, &name(), Item { members: 3, ..item("first") });
    desk.store.put(SHELF, &name(), Item { members: 3, ..item("second") });
    desk.store.change(SHELF, &name(), |item| item.content.push('!'));
    let plan = desk.plan().await;
    assert_eq!(desk.store.snapshot().earlier.values().map(Vec::len).sum::<usize>(), 2);
    let outcomes = desk.dispose(Action::Destroy, &plan).await;
    assert_eq!(outcomes, [Outcome::Disposed { members: 5 }]);
    assert_eq!(desk.store.snapshot(), quietus_memory::Snapshot::default());
}

#[tokio::test]
async fn earlier_versions_are_anonymised_with_the_record() {
    let desk = Desk::new();
    desk.store.set_keeps_versions(true);
    desk.store.put(SHELF, &name(), item("first"));
    desk.store.put(SHELF, &name(), item("second"));
    let plan = desk.plan().await;
    assert_eq!(desk.verify(Action::Anonymise, &plan).await, [Absence::Present]);
    desk.dispose(Action::Anonymise, &plan).await;
    let snapshot = format!("{:?}", desk.store.snapshot());
    assert!(!snapshot.contains("someone") && !snapshot.contains("first"), "{snapshot}");
    assert!(matches!(desk.verify(Action::Anonymise, &plan).await[..], [Absence::Absent(_)]));
}

#[tokio::test]
async fn an_earlier_version_that_identifies_is_not_anonymised() {
    let desk = Desk::new();
    desk.store.set_keeps_versions(true);
    desk.store.put(SHELF, &name(), item("first"));
    desk.store.put(SHELF, &name(), Item::default());
    let plan = desk.plan().await;
    assert_eq!(desk.verify(Action::Anonymise, &plan).await, [Absence::Present]);
    assert_eq!(desk.dispose(Action::Anonymise, &plan).await, [Outcome::Disposed { members: 1 }]);
}

#[tokio::test]
async fn trash_is_a_copy_and_no_record() {
    let desk = Desk::new();
    desk.store.set_trash(Some(Some(date(2030, 1, 31))));
    desk.store.put(SHELF, &name(), item("first"));
    let plan = desk.plan().await;
    desk.dispose(Action::Destroy, &plan).await;
    assert!(matches!(desk.verify(Action::Destroy, &plan).await[..], [Absence::Absent(_)]));
    let reader = desk.memory.open_inventory(&system("main", None)).await.unwrap();
    let residual = reader.residual_copies(&scope(Action::Destroy), &plan).await.unwrap();
    let copy = residual.copies.first().unwrap();
    assert_eq!((copy.kind.as_str(), copy.records), ("trash", Some(1)));
    assert_eq!(copy.clears_by, Some(date(2030, 1, 31)));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_slow_is_waited_for() {
    let desk = Desk::new();
    desk.store.put(SHELF, &name(), item("first"));
    let plan = desk.plan().await;
    let wait = std::time::Duration::from_secs(29);
    desk.store.inject(Fault::Slow(wait), Some(Kind::Dispose), Times::Count(1));
    let outcomes = desk.dispose(Action::Destroy, &plan).await;
    assert_eq!(outcomes, [Outcome::Disposed { members: 0 }]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_too_slow_has_answered_nothing() {
    let desk = Desk::new();
    desk.store.put(SHELF, &name(), item("first"));
    let plan = desk.plan().await;
    let wait = std::time::Duration::from_secs(31);
    desk.store.inject(Fault::Slow(wait), Some(Kind::Dispose), Times::Count(1));
    let outcomes = desk.dispose(Action::Destroy, &plan).await;
    assert!(matches!(outcomes[..], [Outcome::Indeterminate { .. }]), "{outcomes:?}");
}

#[tokio::test]
async fn what_is_not_configured_is_an_error() {
    let desk = Desk::new();
    let error = desk.memory.open_inventory(&system("other", None)).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Misconfigured);
    desk.store.set_account("right", Rights::Full);
    let reader = desk.memory.open_inventory(&system("main", Some("wrong"))).await.unwrap();
    let error = reader.probe().await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(!format!("{error} {error:?}").contains("wrong"));
}

#[test]
fn a_form_requires_a_selector() {
    assert!(FORM.holding.iter().any(|key| key.name == "shelf" && key.required));
}
