//! An adapter between the agent and the store: it counts, calls hooks, and lies on demand.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use quietus_contract::{
    Absence, Adapter, Cursor, DisposalOrder, Disposer, Form, Inventory, Locator, Outcome, Page,
    Probe, Record, RecordRef, ResidualCopies, Result, Scope, Survey, SystemConfig, Uncovered,
};
use quietus_memory::Memory;

type BeforeDispose = Box<dyn FnMut(usize, &DisposalOrder) + Send>;
type Twist<T> = Box<dyn FnMut(usize, Result<Vec<T>>) -> Result<Vec<T>> + Send>;

/// What a test does to the calls that pass.
#[derive(Default)]
pub struct Hooks {
    /// Called before an order reaches the store, with its number from 1.
    pub before: Option<BeforeDispose>,
    /// Changes the answer to an order.
    pub outcomes: Option<Twist<Outcome>>,
    /// Changes the answer to a look for what is gone.
    pub absences: Option<Twist<Absence>>,
    /// Whether orders are kept from the store.
    pub swallow: bool,
    /// The records of each order that was sent.
    pub sent: Vec<Vec<String>>,
    /// Looks for what is gone.
    pub looks: usize,
}

/// The tap; clones are the same.
#[derive(Clone, Default)]
pub struct Tap(Arc<Mutex<Hooks>>);

impl Tap {
    /// Reaches the hooks.
    pub fn with<T>(&self, act: impl FnOnce(&mut Hooks) -> T) -> T {
        act(&mut self.0.lock().unwrap())
    }

    /// Takes all hooks away; what was counted stays.
    pub fn quiet(&self) {
        self.with(|hooks| {
            (hooks.before, hooks.outcomes, hooks.absences) = (None, None, None);
            hooks.swallow = false;
        });
    }

    /// Returns every record that was sent, in order, as often as it was sent.
    pub fn sent(&self) -> Vec<String> {
        self.with(|hooks| hooks.sent.concat())
    }

    /// Returns how many orders were sent.
    pub fn orders(&self) -> usize {
        self.with(|hooks| hooks.sent.len())
    }
}

/// The store's adapter behind a tap.
pub struct Tapped {
    pub memory: Memory,
    pub tap: Tap,
}

#[async_trait]
impl Adapter for Tapped {
    fn form(&self) -> &'static Form {
        self.memory.form()
    }

    async fn open_inventory(&self, system: &SystemConfig) -> Result<Box<dyn Inventory>> {
        self.memory.open_inventory(system).await
    }

    async fn open_disposer(&self, system: &SystemConfig) -> Result<Box<dyn Disposer>> {
        let inner = self.memory.open_disposer(system).await?;
        Ok(Box::new(TappedDisposer { inner, tap: self.tap.clone() }))
    }
}

struct TappedDisposer {
    inner: Box<dyn Disposer>,
    tap: Tap,
}

#[async_trait]
impl Inventory for TappedDisposer {
    async fn probe(&self) -> Result<Probe> {
        self.inner.probe().await
    }

    async fn survey(&self, scope: &Scope) -> Result<Survey> {
        self.inner.survey(scope).await
    }

    async fn page(&self, scope: &Scope, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        self.inner.page(scope, after, limit).await
    }

    async fn look(&self, scope: &Scope, locators: &[Locator]) -> Result<Vec<Option<Record>>> {
        self.inner.look(scope, locators).await
    }

    async fn verify_absent(&self, scope: &Scope, records: &[RecordRef]) -> Result<Vec<Absence>> {
        let answer = self.inner.verify_absent(scope, records).await;
        self.tap.with(|hooks| {
            hooks.looks += 1;
            let n = hooks.looks;
            match &mut hooks.absences {
                Some(twist) => twist(n, answer),
                None => answer,
            }
        })
    }

    async fn uncovered(&self, scopes: &[Scope]) -> Result<Vec<Uncovered>> {
        self.inner.uncovered(scopes).await
    }

    async fn residual_copies(
        &self,
        scope: &Scope,
        records: &[RecordRef],
    ) -> Result<ResidualCopies> {
        self.inner.residual_copies(scope, records).await
    }
}

#[async_trait]
impl Disposer for TappedDisposer {
    async fn dispose(&self, order: &DisposalOrder) -> Result<Vec<Outcome>> {
        let names = order.records().iter().map(|r| r.locator.parts().join("/")).collect();
        let n = self.tap.with(|hooks| {
            hooks.sent.push(names);
            hooks.sent.len()
        });
        // Not under the lock: a hook may wait for others who look at the tap.
        if let Some(mut before) = self.tap.with(|hooks| hooks.before.take()) {
            before(n, order);
            self.tap.with(|hooks| {
                hooks.before.get_or_insert(before);
            });
        }
        let answer = if self.tap.with(|hooks| hooks.swallow) {
            Ok(order.records().iter().map(|_| Outcome::Disposed { members: 0 }).collect())
        } else {
            self.inner.dispose(order).await
        };
        self.tap.with(|hooks| match &mut hooks.outcomes {
            Some(twist) => twist(n, answer),
            None => answer,
        })
    }
}
