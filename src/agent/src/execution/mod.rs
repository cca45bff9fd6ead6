//! Execution: the one place that holds a `Disposer`.
//!
//! ```text
//! run.rs        lock, resume, plans that were signed off, a new plan
//! choose.rs     what of a plan may go: approvals, limits, the schedule's own approval
//! fit.rs        whether a plan still fits the programme and its targets
//! this file     one run: its batches one after the other, the next one prepared meanwhile
//! carrying.rs   one batch: the loop over its states
//! close.rs      counts, history, the nil record, the end
//! ```

mod carrying;
mod certify;
mod choose;
mod close;
mod dispatch;
mod fit;
mod intend;
mod prepare;
mod reconcile;
mod report;
mod run;
mod sabotage;
mod sharing;
mod verify;

use std::collections::BTreeMap;

use jiff::civil::Date;
use quietus_contract::{Disposer, Survey};
use quietus_evidence::statement::Tool;

pub(crate) use carrying::Carried;
pub use report::{Line, RunReport};
pub use run::{Outcome, Request, run};

use self::certify::Certifying;
use self::prepare::{Prepared, Raw};
use crate::agent::Agent;
use crate::approval::Decisions;
use crate::error::{UserError, code};
use crate::hold::HoldRegister;
use crate::journal::{BatchRow, Journal, RunRow, State};
use crate::ledger::Ledger;
use crate::lock::{DispatchGate, RunLock};
use crate::plan::{self, PlannedHolding, Segment, StoredPlan};
use crate::policy::Policy;
use crate::progress::Watch;
use crate::selection::Selection;
use crate::targets;

/// One run while it is carried out.
pub(crate) struct Execution<'a> {
    pub(crate) agent: &'a Agent<'a>,
    pub(crate) journal: &'a Journal,
    pub(crate) ledger: &'a mut Ledger,
    pub(crate) holds: &'a mut HoldRegister,
    pub(crate) decisions: Decisions,
    pub(crate) policy: Policy,
    pub(crate) tool: Tool,
    pub(crate) run: RunRow,
    pub(crate) stored: StoredPlan,
    lock: &'a RunLock,
    gate: &'a DispatchGate,
    watch: &'a dyn Watch,
    /// Why nothing more may be sent though the run is open: the programme changed since.
    frozen_out: Option<String>,
}

/// What the steps of a run gave.
#[derive(Default)]
struct Steps {
    certificates: Vec<u64>,
}

/// A system opened for disposal, with its holdings made ready and surveyed.
struct Opened<'a> {
    target: Box<dyn Disposer>,
    order_records: usize,
    holdings: BTreeMap<usize, (Selection<'a>, Survey)>,
}

impl<'a> Execution<'a> {
    /// Takes every batch of the run to its certificate.
    async fn carry_all(&mut self) -> Result<Steps, UserError> {
        let mut steps = Steps::default();
        let mut rows = self.journal.batches(&self.run.id)?;
        let of = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        steps.certificates.extend(rows.iter().filter_map(|row| row.result_seq));
        rows.retain(|row| row.state != State::Certified);
        let stored = self.stored.clone();
        let opened = self.open_all(&stored, &rows).await?;
        let mut ahead = None;
        let mut behind: Option<Certifying<'_>> = None;
        for (n, row) in rows.iter().enumerate() {
            let (segment, holding) = place(&stored, row)?;
            let prepared = match ahead.take() {
                Some(task) => joined(task).await?,
                None => joined(self.prepare(&stored, row)?).await?,
            };
            // The next batch is read and committed to while this one is disposed of.
            ahead = rows.get(n + 1).map(|next| self.prepare(&stored, next)).transpose()?;
            let system = opened.get(&holding.system).ok_or_else(stale)?;
            let (selection, survey) = system.holdings.get(&holding.holding).ok_or_else(stale)?;
            let mut carried = Carried {
                row: row.clone(),
                of,
                prepared,
                segment,
                holding,
                class: self
                    .agent
                    .class(&holding.class)
                    .map_err(|_| self.put_back(&holding.class))?,
                selection,
                survey,
                target: system.target.as_ref(),
                order_records: system.order_records,
            };
            self.carry(&mut carried).await?;
            if let Some(before) = behind.replace(self.begin_certificate(carried)?) {
                steps.certificates.push(self.certify(before).await?);
            }
        }
        if let Some(last) = behind {
            steps.certificates.push(self.certify(last).await?);
        }
        steps.certificates.sort_unstable();
        Ok(steps)
    }

    /// Opens every system that the run still needs.
    async fn open_all(
        &self,
        stored: &StoredPlan,
        rows: &[BatchRow],
    ) -> Result<BTreeMap<String, Opened<'a>>, UserError> {
        let mut opened = BTreeMap::new();
        let mut needed: BTreeMap<&str, Vec<&PlannedHolding>> = BTreeMap::new();
        for row in rows {
            let (_, holding) = place(stored, row)?;
            let known = needed.entry(holding.system.as_str()).or_default();
            if !known.iter().any(|other| other.holding == holding.holding) {
                known.push(holding);
            }
        }
        for (system, holdings) in needed {
            opened.insert(system.to_owned(), self.open(system, &holdings).await?);
        }
        Ok(opened)
    }

    /// Opens a system for disposal, after it proved to be the one of the plan.
    ///
    /// An interrupted run of which nothing more is sent may also end on a target that was enrolled
    /// in place of the old one.
    async fn open(
        &self,
        system: &str,
        planned: &[&PlannedHolding],
    ) -> Result<Opened<'a>, UserError> {
        let agent = self.agent;
        let system = agent.system(system).map_err(|_| self.put_back(system))?;
        let target = targets::disposer(agent.adapters, agent.dir(), system).await?;
        let probe = target.probe().await.map_err(|e| UserError::from(e).in_system(&system.name))?;
        agent.prove_identity(self.journal, system, &probe.identity, self.now())?;
        let is_same = planned.iter().all(|holding| holding.identity == probe.identity.0);
        if !is_same && self.frozen_out.is_none() {
            return Err(UserError::new(
                &code::TARGET_CHANGED,
                format!("system {} is not the one that the plan saw", system.name),
            )
            .with_help("make a new plan, and have it approved if its class asks for that"));
        }
        let programme = &agent.loaded.programme;
        let mut holdings = BTreeMap::new();
        for planned in planned {
            let written =
                plan::written(programme, planned).ok_or_else(|| self.put_back(&planned.class))?;
            let selection = Selection::new(programme, written, None);
            let survey = target
                .survey(&selection.scope)
                .await
                .map_err(|e| UserError::from(e).in_system(&system.name))?;
            if survey.store != planned.store {
                return Err(self.put_back(&planned.class));
            }
            holdings.insert(planned.holding, (selection, survey));
        }
        Ok(Opened { target, order_records: probe.capabilities.order_records_max, holdings })
    }

    /// Says that the files lack what the run needs to end.
    fn put_back(&self, name: &str) -> UserError {
        UserError::new(
            &code::PLAN_STALE,
            format!("run {} is open, and {name} is not in the files as it was", self.run.id),
        )
        .with_help(
            "put what systems.toml and schedule.toml said of it back and run again: what was sent \
             is then certified; after that change the files as you like",
        )
    }

    /// Begins to read a batch and to commit to it, on another thread.
    fn prepare(
        &self,
        stored: &StoredPlan,
        row: &BatchRow,
    ) -> Result<tokio::task::JoinHandle<Result<Prepared, UserError>>, UserError> {
        let (_, holding) = place(stored, row)?;
        let raw = Raw {
            folder: stored.folder.clone(),
            batch: row.batch.clone(),
            key: row.key,
            store: holding.store.clone(),
        };
        Ok(tokio::task::spawn_blocking(move || raw.prepare()))
    }

    /// Tells whoever watches.
    fn tell(&self, carried: &Carried<'_>, doing: &str, done: u64) {
        let stage = format!("{doing} {} in {}", carried.holding.class, carried.holding.system);
        self.watch.step(&stage, done, Some(carried.row.batch.records.into()));
    }

    /// Returns today in the schedule's zone.
    pub(crate) fn today(&self) -> Date {
        self.agent.today()
    }
}

async fn joined(
    task: tokio::task::JoinHandle<Result<Prepared, UserError>>,
) -> Result<Prepared, UserError> {
    task.await.map_err(|e| {
        UserError::new(&code::STATE_UNREADABLE, "a batch could not be prepared").with_source(e)
    })?
}

/// Finds a batch's segment and holding in the plan.
fn place<'a>(
    stored: &'a StoredPlan,
    row: &BatchRow,
) -> Result<(&'a Segment, &'a PlannedHolding), UserError> {
    let plan = &stored.plan;
    let segment = plan.segments.iter().find(|s| s.n == row.batch.segment).ok_or_else(stale)?;
    let holding = plan.holdings.iter().find(|h| h.holding == segment.holding).ok_or_else(stale)?;
    Ok((segment, holding))
}

fn stale() -> UserError {
    UserError::new(&code::PLAN_STALE, "the plan does not fit the programme any more")
        .with_help("make a new plan, and have it approved if its class asks for that")
}
