//! Lies of the half that disposes.

use std::sync::PoisonError;

use async_trait::async_trait;
use quietus_contract::{
    Absence, Action, Cursor, DisposalOrder, Disposer, Holding, Inventory, Locator, OrderId,
    Outcome, Page, Probe, Record, RecordRef, ResidualCopies, Result, Scope, Survey, Uncovered,
};

use super::Lie;
use super::inventories::LyingInventory;
use crate::room::make_order;

/// An honest disposer behind a liar.
pub(super) struct LyingDisposer {
    reading: LyingInventory<dyn Disposer>,
}

impl LyingDisposer {
    pub fn new(reading: LyingInventory<dyn Disposer>) -> Self {
        Self { reading }
    }

    /// Gives the honest one another order than the one that came.
    async fn instead(
        &self,
        order: &DisposalOrder,
        records: Vec<RecordRef>,
    ) -> Result<Vec<Outcome>> {
        let other = make_order(order.id().clone(), order.scope().clone(), records);
        self.reading.honest.dispose(&other).await
    }

    async fn over_reach(&self, order: &DisposalOrder) -> Result<Vec<Outcome>> {
        let all = self.reading.everything(order.scope()).await?;
        let unordered = all
            .into_iter()
            .map(|r| r.reference)
            .find(|r| order.records().iter().all(|o| o.locator != r.locator));
        let mut records = order.records().to_vec();
        records.extend(unordered);
        let mut outcomes = self.instead(order, records).await?;
        outcomes.truncate(order.records().len());
        Ok(outcomes)
    }

    async fn with_neighbour(&self, order: &DisposalOrder) -> Result<Vec<Outcome>> {
        if let Some(beside) = &self.reading.shared.beside {
            let victims = self.reading.honest.page(beside, None, 1).await?.records;
            let victims = victims.into_iter().map(|r| r.reference).collect();
            let other = make_order(order.id().clone(), beside.clone(), victims);
            self.reading.honest.dispose(&other).await?;
        }
        self.reading.honest.dispose(order).await
    }

    async fn silent_skip(&self, order: &DisposalOrder) -> Result<Vec<Outcome>> {
        let mut records = order.records().to_vec();
        let skipped = if records.len() > 1 { records.pop() } else { None };
        let mut outcomes = self.instead(order, records).await?;
        outcomes.extend(skipped.map(|_| Outcome::Disposed { members: 0 }));
        Ok(outcomes)
    }

    /// Sends what is beyond the maximum nowhere.
    async fn truncate(&self, order: &DisposalOrder) -> Result<Vec<Outcome>> {
        let max = self.reading.honest.probe().await?.capabilities.order_records_max;
        let records = order.records().iter().take(max).cloned().collect();
        let mut outcomes = self.instead(order, records).await?;
        outcomes.resize(order.records().len(), Outcome::Disposed { members: 0 });
        Ok(outcomes)
    }

    async fn quit(&self, order: &DisposalOrder) -> Result<Vec<Outcome>> {
        let mut outcomes = Vec::new();
        for record in order.records() {
            let one = self.instead(order, vec![record.clone()]).await?;
            let stop = !matches!(one.as_slice(), [Outcome::Disposed { .. }]);
            outcomes.extend(one);
            if stop {
                break;
            }
        }
        outcomes.resize(order.records().len(), Outcome::NotAttempted { reason: "stopped".into() });
        Ok(outcomes)
    }

    async fn erase(&self, order: &DisposalOrder) -> Result<Vec<Outcome>> {
        let holding = Holding { action: Action::Destroy, ..(*order.scope().holding).clone() };
        let scope = Scope { holding: holding.into(), ..order.scope().clone() };
        let other = make_order(order.id().clone(), scope, order.records().to_vec());
        self.reading.honest.dispose(&other).await
    }

    fn log(&self, order: &DisposalOrder) {
        for record in order.records() {
            tracing::debug!(locator = record.locator.as_str(), "disposing of a record");
        }
    }

    fn remember(&self, order: &DisposalOrder) {
        let mut disposed = self.reading.disposed.lock().unwrap_or_else(PoisonError::into_inner);
        disposed.extend(order.records().iter().map(|r| r.locator.clone()));
    }
}

/// Falsifies one outcome.
fn twist(lie: Lie, outcome: Outcome, record: &RecordRef) -> Outcome {
    match (lie, outcome) {
        (Lie::Optimist, Outcome::Indeterminate { .. } | Outcome::NotAttempted { .. })
        | (Lie::AbsentIsDisposed, Outcome::AlreadyAbsent) => Outcome::Disposed { members: 0 },
        (Lie::ChattyInErrors, Outcome::Refused { .. }) => {
            Outcome::Refused { reason: format!("no right on {}", record.locator.as_str()) }
        }
        (Lie::MemberMiscounter, Outcome::Disposed { members }) => {
            Outcome::Disposed { members: members.saturating_add(1) }
        }
        (_, outcome) => outcome,
    }
}

#[async_trait]
impl Disposer for LyingDisposer {
    async fn dispose(&self, order: &DisposalOrder) -> Result<Vec<Outcome>> {
        let lie = self.reading.lie();
        let answer = match lie {
            Lie::SilentSkip => self.silent_skip(order).await,
            Lie::OverReach => self.over_reach(order).await,
            Lie::NeighbourDisposer => self.with_neighbour(order).await,
            Lie::BatchTruncator => self.truncate(order).await,
            Lie::Quitter => self.quit(order).await,
            Lie::Eraser => self.erase(order).await,
            Lie::VersionBlind | Lie::DateBlind => {
                let real = self.reading.real(order.scope(), order.records()).await?;
                self.instead(order, real).await
            }
            Lie::Chatty => {
                self.log(order);
                self.reading.honest.dispose(order).await
            }
            _ => self.reading.honest.dispose(order).await,
        };
        if lie == Lie::ChattyInErrors
            && let (Err(_), Some(first)) = (&answer, order.records().first())
        {
            return Err(LyingInventory::<dyn Disposer>::chatty(first));
        }
        self.remember(order);
        let mut outcomes: Vec<Outcome> = answer?
            .into_iter()
            .zip(order.records())
            .map(|(outcome, record)| twist(lie, outcome, record))
            .collect();
        match lie {
            Lie::Shuffler => outcomes.reverse(),
            Lie::ShortAnswerer => outcomes.retain(|o| matches!(o, Outcome::Disposed { .. })),
            _ => {}
        }
        Ok(outcomes)
    }

    async fn release(&self, scope: &Scope, records: &[RecordRef]) -> Result<()> {
        let honest = self.reading.honest.release(scope, records).await;
        if self.reading.lie() == Lie::Finisher {
            // As if to release an order meant to bring it to its end.
            let id = OrderId { run: "lie".to_owned(), batch: 1, order: 2 };
            let order = make_order(id, scope.clone(), records.to_vec());
            self.reading.honest.dispose(&order).await?;
        }
        honest
    }
}

#[async_trait]
impl Inventory for LyingDisposer {
    async fn probe(&self) -> Result<Probe> {
        self.reading.probe().await
    }

    async fn survey(&self, scope: &Scope) -> Result<Survey> {
        self.reading.survey(scope).await
    }

    async fn page(&self, scope: &Scope, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        self.reading.page(scope, after, limit).await
    }

    async fn look(&self, scope: &Scope, locators: &[Locator]) -> Result<Vec<Option<Record>>> {
        self.reading.look(scope, locators).await
    }

    async fn verify_absent(&self, scope: &Scope, records: &[RecordRef]) -> Result<Vec<Absence>> {
        self.reading.verify_absent(scope, records).await
    }

    async fn uncovered(&self, scopes: &[Scope]) -> Result<Vec<Uncovered>> {
        self.reading.uncovered(scopes).await
    }

    async fn residual_copies(
        &self,
        scope: &Scope,
        records: &[RecordRef],
    ) -> Result<ResidualCopies> {
        self.reading.residual_copies(scope, records).await
    }
}
