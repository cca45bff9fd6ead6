//! The store: the target itself, and the other route into it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::civil::Date;
use quietus_contract::{Clock, TargetHold};

use crate::link::{Fault, Faults, Kind, Times};
use crate::shelf::{Entry, Item, Name, Shelf, Stored};

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Reads and disposes.
    Full,
    /// Reads only.
    ReadOnly,
    /// May connect, and is shown nothing: every shelf looks as if it were not there.
    Blind,
}

/// A handle on a store; clones are handles on the same one.
#[derive(Clone, Debug)]
pub struct Store {
    state: Arc<Mutex<State>>,
}

/// Everything that is in a store, as text: shelf, name parts, and the state of that record.
///
/// Earlier versions and trash are other maps, so that nothing hides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Current records.
    pub records: BTreeMap<(String, Vec<String>), String>,
    /// Earlier versions.
    pub earlier: BTreeMap<(String, Vec<String>), Vec<String>>,
    /// Trash.
    pub trash: BTreeMap<(String, Vec<String>), String>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub identity: String,
    pub clock: Clock,
    pub shelves: BTreeMap<String, Shelf>,
    /// Rights by secret; without any account everyone has all rights.
    pub accounts: BTreeMap<String, Rights>,
    /// Whether an order is carried out as a whole.
    pub transactional: bool,
    /// Whether a change keeps the earlier version.
    pub keeps_versions: bool,
    /// Whether disposed records go to a trash, and the day by which that is emptied.
    pub trash: Option<Option<Date>>,
    pub faults: Faults,
    pub requests: u64,
    counter: u64,
}

impl State {
    /// Returns a version that no record ever had.
    pub fn next_version(&mut self) -> u64 {
        self.counter = self.counter.saturating_add(1);
        self.counter
    }
}

impl Store {
    /// Makes an empty store; the identity names it for ever.
    pub fn new(identity: &str) -> Self {
        let state = State {
            identity: identity.to_owned(),
            clock: Clock::Unknown,
            shelves: BTreeMap::new(),
            accounts: BTreeMap::new(),
            transactional: false,
            keeps_versions: false,
            trash: None,
            faults: Faults::default(),
            requests: 0,
            counter: 0,
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Makes another store with equal records, as a restored backup would be.
    pub fn copy(&self, identity: &str) -> Self {
        let copy = Self::new(identity);
        {
            let (from, mut to) = (self.lock(), copy.lock());
            to.shelves.clone_from(&from.shelves);
            to.accounts.clone_from(&from.accounts);
            (to.transactional, to.keeps_versions) = (from.transactional, from.keeps_versions);
            (to.trash, to.clock, to.counter) = (from.trash, from.clock, from.counter);
        }
        copy
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic inside a request leaves the state as that request left it, as a server would.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets what the target's clock shows.
    pub fn set_clock(&self, clock: Clock) {
        self.lock().clock = clock;
    }

    /// Makes orders transactional, or not.
    pub fn set_transactional(&self, on: bool) {
        self.lock().transactional = on;
    }

    /// Makes the target keep earlier versions, or not.
    pub fn set_keeps_versions(&self, on: bool) {
        self.lock().keeps_versions = on;
    }

    /// Gives the target a trash that is emptied by that day, or none.
    pub fn set_trash(&self, trash: Option<Option<Date>>) {
        self.lock().trash = trash;
    }

    /// Adds an account.
    pub fn set_account(&self, secret: &str, rights: Rights) {
        self.lock().accounts.insert(secret.to_owned(), rights);
    }

    /// Makes a shelf, if there is none of that name.
    pub fn add_shelf(&self, shelf: &str) {
        self.lock().shelves.entry(shelf.to_owned()).or_default();
    }

    /// Puts a record, in a version that it never had; an earlier one under that name is replaced.
    pub fn put(&self, shelf: &str, name: &[String], item: Item) {
        let mut state = self.lock();
        let version = state.next_version();
        let keeps = state.keeps_versions;
        let shelf = state.shelves.entry(shelf.to_owned()).or_default();
        let entry = shelf.entries.entry(name.to_vec()).or_default();
        if let Some(old) = entry.current.replace(Stored { version, item })
            && keeps
        {
            entry.earlier.push(old);
        }
    }

    /// Changes a record and its version; says whether there was one.
    pub fn change(&self, shelf: &str, name: &[String], change: impl FnOnce(&mut Item)) -> bool {
        let item = self.lock().shelves.get(shelf).and_then(|s| s.current(name)).cloned();
        let Some(mut stored) = item else { return false };
        change(&mut stored.item);
        self.put(shelf, name, stored.item);
        true
    }

    /// Takes a record away; with `keep_earlier` its earlier versions stay, and this one with them.
    pub fn remove(&self, shelf: &str, name: &[String], keep_earlier: bool) -> bool {
        let mut state = self.lock();
        let Some(shelf) = state.shelves.get_mut(shelf) else { return false };
        let Some(mut entry) = shelf.entries.remove(name) else { return false };
        let had = entry.current.is_some();
        if keep_earlier {
            let current = entry.current.take();
            entry.earlier.extend(current);
            shelf.entries.insert(name.to_vec(), entry);
        }
        had
    }

    /// Sets or lifts the target's own hold without changing the version.
    pub fn set_hold(&self, shelf: &str, name: &[String], hold: Option<TargetHold>) -> bool {
        self.edit(shelf, name, |item| item.hold = hold)
    }

    /// Protects a record against everyone, without changing the version.
    pub fn set_protected(&self, shelf: &str, name: &[String], on: bool) -> bool {
        self.edit(shelf, name, |item| item.protected = on)
    }

    fn edit(&self, shelf: &str, name: &[String], edit: impl FnOnce(&mut Item)) -> bool {
        let mut state = self.lock();
        let entry = state.shelves.get_mut(shelf).and_then(|s| s.entries.get_mut(name));
        let Some(stored) = entry.and_then(|e| e.current.as_mut()) else { return false };
        edit(&mut stored.item);
        true
    }

    /// Makes listings not show a record that is there.
    pub fn lag(&self, shelf: &str, name: &[String]) {
        if let Some(shelf) = self.lock().shelves.get_mut(shelf) {
            shelf.lagging.insert(name.to_vec());
        }
    }

    /// Injects a fault into the next requests of a kind.
    pub fn inject(&self, fault: Fault, kind: Option<Kind>, times: Times) {
        self.lock().faults.add(fault, kind, times);
    }

    /// Takes all faults away.
    pub fn mend(&self) {
        self.lock().faults = Faults::default();
    }

    /// Returns how many requests the target has received.
    pub fn requests(&self) -> u64 {
        self.lock().requests
    }

    /// Returns everything that is in the store.
    pub fn snapshot(&self) -> Snapshot {
        let state = self.lock();
        let mut all = Snapshot::default();
        for (shelf_name, shelf) in &state.shelves {
            for (name, entry) in &shelf.entries {
                let key = (shelf_name.clone(), name.clone());
                add_entry(&mut all, key, entry);
            }
            for trashed in &shelf.trash {
                let key = (shelf_name.clone(), trashed.name.clone());
                all.trash.insert(key, text(&trashed.stored));
            }
        }
        all
    }
}

fn add_entry(all: &mut Snapshot, key: (String, Name), entry: &Entry) {
    if let Some(stored) = &entry.current {
        all.records.insert(key.clone(), text(stored));
    }
    if !entry.earlier.is_empty() {
        all.earlier.insert(key, entry.earlier.iter().map(text).collect());
    }
}

/// Holds fields and content in plain: a test looks for them.
fn text(stored: &Stored) -> String {
    let Item { label, dates, fields, content, members, hold, protected } = &stored.item;
    format!(
        "version {} label {label} dates {dates:?} fields {fields:?} content {content} members {members} \
         hold {hold:?} protected {protected}",
        stored.version
    )
}
