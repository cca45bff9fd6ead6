//! A run as it is started: by hand, by a timer, after a crash.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::choose::{Standing, standing};
use super::report::RunReport;
use super::sabotage::{self, Sabotage};
use super::{Execution, close};
use crate::agent::Agent;
use crate::approval::{self, ClassDecision, Decisions};
use crate::certificate::{run_id, short, tool};
use crate::error::{Exit, UserError, code};
use crate::hold::HoldRegister;
use crate::journal::{Journal, NewBatch, NewRun, RunRow};
use crate::keys::AgentKeys;
use crate::ledger::Ledger;
use crate::lock::{DispatchGate, RunLock};
use crate::plan::{self, StoredPlan};
use crate::progress::Watch;
use quietus_evidence::statement::{Event, Incident};

/// A clock this many seconds behind the last run is not believed.
const CLOCK_BACK_SECONDS_MAX: i64 = 300;

/// What is asked of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// The evaluation date; today if none. Never in the future.
    pub as_of: Option<Date>,
    /// Carry out this plan instead of making one.
    pub plan: Option<&'a str>,
}

/// What a call did: often one run; more where an interrupted one, or plans that were signed off
/// meanwhile, came first.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The runs, in order.
    pub runs: Vec<RunReport>,
}

impl Outcome {
    /// Says how a command that did this ends.
    pub fn exit(&self) -> Exit {
        if self.runs.iter().any(RunReport::is_refused) {
            return Exit::Refused;
        }
        let done = self.runs.iter().all(|r| r.totals().is_done() && r.failures.is_empty());
        if done { Exit::Done } else { Exit::Partly }
    }
}

/// Resumes what is open, carries out what was signed off, then makes a plan and carries it out.
///
/// # Behavior
///
/// - A second run on the same folder is refused while this one lives.
/// - It ends with a signed record: certificates, a nil record, or an incident.
pub async fn run(
    agent: &Agent<'_>,
    request: Request<'_>,
    watch: &dyn Watch,
) -> Result<Outcome, UserError> {
    let now = agent.clock.now();
    let state = agent.dir().join("state");
    agent.durable.create_dir(&state)?;
    let lock = RunLock::take(&state, now)?;
    let gate = DispatchGate::new(&state);
    let journal = agent.journal()?;
    let keys = AgentKeys::load(&agent.dir().join("keys"))?;
    let mut ledger = Ledger::open(agent, &journal, keys)?;
    let mut holds = agent.holds();
    let mut runner = Runner {
        agent,
        journal: &journal,
        ledger: &mut ledger,
        holds: &mut holds,
        lock: &lock,
        gate: &gate,
        watch,
    };
    match runner.all(request).await {
        Ok(outcome) => {
            journal.fold()?;
            Ok(outcome)
        }
        Err(error) => {
            runner.note(&error);
            Err(error)
        }
    }
}

pub(super) struct Runner<'a> {
    pub(super) agent: &'a Agent<'a>,
    pub(super) journal: &'a Journal,
    ledger: &'a mut Ledger,
    holds: &'a mut HoldRegister,
    lock: &'a RunLock,
    gate: &'a DispatchGate,
    watch: &'a dyn Watch,
}

impl Runner<'_> {
    async fn all(&mut self, request: Request<'_>) -> Result<Outcome, UserError> {
        self.believe_clock()?;
        let today = self.agent.today();
        let as_of = request.as_of.unwrap_or(today);
        if as_of > today {
            return Err(UserError::new(
                &code::COMMAND_LINE,
                format!("--as-of {as_of} lies in the future: today is {today}"),
            )
            .with_help("a run looks from today or an earlier day; `quietus plan` may look ahead"));
        }
        let mut outcome = Outcome::default();
        if let Some(open) = self.journal.current_run()? {
            if sabotage::is(Sabotage::NoRecovery) {
                let at = self.agent.clock.now();
                self.journal.close_run(&open.id, "dropped", at, &[], None)?;
            } else {
                outcome.runs.push(self.resume(open).await?);
            }
        }
        if let Some(id) = request.plan {
            let stored = plan::load(self.agent.dir(), id)?;
            self.is_current(&stored)?;
            plan::for_each_record(&stored, |_, _| {})?;
            outcome.runs.push(self.carry_out(stored).await?);
            return Ok(outcome);
        }
        self.sweep_plans()?;
        let mut waiting = BTreeSet::new();
        for stored in self.earlier_plans()? {
            if self.is_ready(&stored)? {
                if let Err(error) = plan::for_each_record(&stored, |_, _| {}) {
                    tracing::error!(plan = stored.plan.id, %error, "a plan is left alone");
                    continue;
                }
                outcome.runs.push(self.carry_out(stored.clone()).await?);
            }
            waiting.extend(self.waiting(&stored)?);
        }
        let now = self.agent.clock.now();
        let made = plan::Request { as_of, now, class: None, system: None, waiting };
        let stored = plan::make(self.agent, self.journal, self.holds, &made, self.watch).await?;
        outcome.runs.push(self.carry_out(stored).await?);
        Ok(outcome)
    }

    /// Goes on with a run that was interrupted.
    async fn resume(&mut self, open: RunRow) -> Result<RunReport, UserError> {
        tracing::info!(run = open.id, "an interrupted run goes on");
        let stored = plan::load(self.agent.dir(), &open.plan)?;
        let changed = self.frozen_out(&stored)?;
        if changed.is_some() {
            // Nothing of these was promised or sent.
            self.journal.drop_planned(&open.id)?;
        }
        self.watch.begins(&stored);
        let mut execution = self.execution(stored, open)?;
        execution.frozen_out = changed;
        let steps = execution.carry_all().await?;
        close::close(execution, steps, true)
    }

    /// Carries out what may go of a plan.
    async fn carry_out(&mut self, stored: StoredPlan) -> Result<RunReport, UserError> {
        self.watch.begins(&stored);
        let decisions = self.decisions(&stored)?;
        let mut batches = Vec::new();
        for holding in &stored.plan.holdings {
            if standing(self.agent, &stored, &decisions, holding)? != Standing::Go {
                continue;
            }
            let segments = stored.plan.segments.iter().filter(|s| s.holding == holding.holding);
            for segment in segments {
                for batch in &segment.batches {
                    batches.push(NewBatch {
                        n: u32::try_from(batches.len() + 1).map_err(|_| too_many())?,
                        segment: segment.n,
                        start: batch.start,
                        length: batch.length,
                        records: batch.records,
                        sha256: crate::hex::digest(&batch.sha256).ok_or_else(too_many)?,
                    });
                }
            }
        }
        self.fits_targets(&stored, &batches).await?;
        let at = self.agent.clock.now();
        let salt: [u8; 4] = crate::keys::random_bytes()?;
        let id = format!("{}-{}", at.strftime("%Y%m%d-%H%M%S"), crate::hex::encode(&salt));
        let pins =
            serde_json::to_string(&stored.plan.pins).map_err(|e| too_many().with_source(e))?;
        let new =
            NewRun { id: &id, plan: &stored.plan.id, as_of: stored.plan.as_of, pins: &pins, at };
        // A crash before this leaves a plan and nothing else; after it, the run is resumed.
        self.journal.open_run(&new, &batches)?;
        let row = RunRow {
            id,
            plan: stored.plan.id.clone(),
            as_of: stored.plan.as_of,
            pins,
            opened_at: at,
        };
        let mut execution = self.execution(stored, row)?;
        let steps = execution.carry_all().await?;
        close::close(execution, steps, false)
    }

    fn execution(&mut self, stored: StoredPlan, run: RunRow) -> Result<Execution<'_>, UserError> {
        let at = self.agent.clock.now();
        let policy = crate::policy::in_force(self.agent, self.journal, self.ledger, at)?;
        Ok(Execution {
            agent: self.agent,
            journal: self.journal,
            decisions: self.decisions(&stored)?,
            ledger: self.ledger,
            holds: self.holds,
            policy,
            tool: tool()?,
            run,
            stored,
            lock: self.lock,
            gate: self.gate,
            watch: self.watch,
            frozen_out: None,
        })
    }

    fn decisions(&self, stored: &StoredPlan) -> Result<Decisions, UserError> {
        approval::load(&stored.folder, &stored.reference()?, &self.agent.loaded.settings)
    }

    /// Returns earlier plans that still fit, oldest first; drops the records of those that are too
    /// old to be carried out.
    fn earlier_plans(&self) -> Result<Vec<StoredPlan>, UserError> {
        let mut plans = Vec::new();
        for id in plan::list(self.agent.dir())?.into_iter().rev() {
            let stored = match plan::load(self.agent.dir(), &id) {
                Ok(stored) => stored,
                Err(error) => {
                    tracing::warn!(plan = id, %error, "a plan cannot be read, and is left alone");
                    continue;
                }
            };
            if self.is_too_old(&stored) {
                plan::purge(&self.agent.durable, &stored)?;
            } else if self.is_current(&stored).is_ok() {
                plans.push(stored);
            }
        }
        Ok(plans)
    }

    /// Returns the holdings of a plan that wait for their owner.
    fn waiting(&self, stored: &StoredPlan) -> Result<Vec<usize>, UserError> {
        let decisions = self.decisions(stored)?;
        let mut waiting = Vec::new();
        for holding in &stored.plan.holdings {
            if standing(self.agent, stored, &decisions, holding)? == Standing::AwaitingApproval {
                waiting.push(holding.holding);
            }
        }
        Ok(waiting)
    }

    /// Returns whether an earlier plan has something that was signed off since.
    fn is_ready(&self, stored: &StoredPlan) -> Result<bool, UserError> {
        let decisions = self.decisions(stored)?;
        for holding in &stored.plan.holdings {
            // Without a sign-off of its own nothing of an old plan goes: `plan` only shows.
            let class = self.agent.class(&holding.class)?;
            let decision = decisions.of(class, &self.agent.loaded.settings);
            if matches!(decision, ClassDecision::Approved(_))
                && standing(self.agent, stored, &decisions, holding)? == Standing::Go
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn believe_clock(&self) -> Result<(), UserError> {
        let now = self.agent.clock.now();
        let Some((_, last, _)) = self.journal.last_run()? else { return Ok(()) };
        if now.as_second() + CLOCK_BACK_SECONDS_MAX < last.as_second() {
            return Err(UserError::new(
                &code::CLOCK_REFUSED,
                format!("the clock shows {now}, and the last run ended at {last}"),
            )
            .with_help("set this host's clock; nothing is disposed of by a clock that went back"));
        }
        Ok(())
    }

    /// Leaves a signed record of a run that failed, if the ledger still takes one.
    fn note(&mut self, error: &UserError) {
        if self.agent.durable.check().is_err() {
            return;
        }
        let run = self.journal.current_run().ok().flatten();
        let incident = Incident {
            code: error.code.name.to_owned(),
            summary: short(&error.message),
            run: run.and_then(|run| run_id(&run.id).ok()),
        };
        let at = self.agent.clock.now();
        if let Err(second) = self.ledger.record(self.journal, at, Event::Incident(incident)) {
            tracing::error!(error = %second, "the failed run could not be recorded");
        }
    }
}

fn too_many() -> UserError {
    UserError::new(&code::STATE_UNREADABLE, "the plan cannot be cut into batches")
}
