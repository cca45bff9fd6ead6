//! The form, and the opening of a system.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use quietus_contract::{
    Adapter, AdapterError, Disposer, ErrorKind, Form, Inventory, Key, Result, Scope, Shape,
    SystemConfig,
};

use crate::link::Link;
use crate::store::Store;

/// What `systems.toml` may say of a store in memory.
pub static FORM: Form = Form {
    adapter: "memory",
    about: "A store of records in the memory of this process; for tests.",
    system: &[
        Key {
            name: "store",
            shape: Shape::Text,
            required: true,
            about: "The name under which the store was added.",
        },
        Key {
            name: "deadline_ms",
            shape: Shape::Number,
            required: false,
            about: "How long to wait for an answer, in milliseconds; 30000 where it is not said.",
        },
    ],
    holding: &[
        Key {
            name: "shelf",
            shape: Shape::Text,
            required: true,
            about: "The shelf whose records these are.",
        },
        Key {
            name: "label",
            shape: Shape::Text,
            required: false,
            about: "Only records with this label; every record of the shelf where it is not said.",
        },
    ],
    date_sources: &["the name of one of the record's dates"],
};

const DEADLINE_DEFAULT: Duration = Duration::from_secs(30);

/// The adapter: knows the stores that were added to it. Clones know the same stores.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    stores: Arc<Mutex<BTreeMap<String, Store>>>,
}

impl Memory {
    /// Makes an adapter that knows no store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a store under a name.
    pub fn add(&self, name: &str, store: Store) {
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        stores.insert(name.to_owned(), store);
    }

    fn open(&self, system: &SystemConfig) -> Result<Client> {
        let name = system.settings.required_text("store")?;
        let stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        let store = stores.get(name).cloned().ok_or_else(|| {
            let place = system.settings.place_of("store");
            AdapterError::new(ErrorKind::Misconfigured, format!("{place}: there is no such store"))
        })?;
        let deadline =
            system.settings.number("deadline_ms").map_or(DEADLINE_DEFAULT, Duration::from_millis);
        let link = Link { store, secret: system.secret.clone(), deadline };
        Ok(Client { link, name: name.to_owned() })
    }
}

#[async_trait]
impl Adapter for Memory {
    fn form(&self) -> &'static Form {
        &FORM
    }

    async fn open_inventory(&self, system: &SystemConfig) -> Result<Box<dyn Inventory>> {
        Ok(Box::new(self.open(system)?))
    }

    async fn open_disposer(&self, system: &SystemConfig) -> Result<Box<dyn Disposer>> {
        Ok(Box::new(self.open(system)?))
    }
}

/// An opened store.
#[derive(Debug)]
pub(crate) struct Client {
    pub link: Link,
    /// The name under which the store was added.
    pub name: String,
}

/// The label by which the holding selects, if it does.
pub(crate) fn label_of(scope: &Scope) -> Option<&str> {
    scope.holding.settings.text("label")
}

/// The holding's shelf.
pub(crate) fn shelf_of(scope: &Scope) -> Result<&str> {
    scope.holding.settings.required_text("shelf")
}
