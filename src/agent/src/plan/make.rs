//! Making a plan: read, judge, take out what is held, freeze.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use quietus_contract::{Inventory, Knowledge, Locator, ResidualCopies, Survey};
use quietus_schedule::{Approval, Disposition, System};

use super::overlap::{Objection, Other};
use super::pages::Pages;
use super::reading::{Candidate, Reading};
use super::segment::SegmentWriter;
use super::{
    FORMAT, Failure, Plan, PlanRecord, PlannedHolding, StoredPlan, overlap, store, written,
};
use crate::agent::Agent;
use crate::error::{Exit, UserError};
use crate::hold::HoldRegister;
use crate::journal::Journal;
use crate::lock::PlanningLock;
use crate::progress::Watch;
use crate::selection::Selection;
use crate::settings::History;
use crate::targets;

/// How many runs before are looked at to know what is usual.
const HISTORY_RUNS_MAX: u32 = 90;

/// What to plan.
pub struct Request<'a> {
    /// The evaluation date.
    pub as_of: Date,
    /// When the plan is made.
    pub now: Timestamp,
    /// Only this class.
    pub class: Option<&'a str>,
    /// Only this system.
    pub system: Option<&'a str>,
    /// Holdings whose due records stand in an earlier plan that waits for its owner: they are
    /// counted, and not listed a second time.
    pub waiting: BTreeSet<usize>,
}

/// Makes a plan and freezes it. Nothing is disposed of: the targets are open for reading only.
pub async fn make(
    agent: &Agent<'_>,
    journal: &Journal,
    holds: &HoldRegister,
    request: &Request<'_>,
    watch: &dyn Watch,
) -> Result<StoredPlan, UserError> {
    let _planning = PlanningLock::share(&agent.dir().join("state"))?;
    let id = name(request.now)?;
    let folder = store::folder(agent.dir(), &id);
    agent.durable.create_dir(&folder)?;
    let mut maker = Maker {
        agent,
        journal,
        holds,
        request,
        watch,
        writer: SegmentWriter::new(&agent.durable, &folder),
        kept_lines: Vec::new(),
        planned: Vec::new(),
        failures: Vec::new(),
    };
    let programme = &agent.loaded.programme;
    let mut first_failure = None;
    for system in programme.systems.values() {
        if request.system.is_none_or(|name| name == system.name) {
            match maker.system(system).await {
                Err(error) if error.is_of_one_system() => {
                    maker.give_up(system, &error);
                    first_failure.get_or_insert(error);
                }
                outcome => outcome?,
            }
        }
    }
    // Where no system could be read, there is nothing to freeze.
    if let Some(error) = first_failure.filter(|_| maker.planned.is_empty()) {
        return Err(error);
    }
    let Maker { writer, kept_lines, mut planned, failures, .. } = maker;
    planned.sort_by_key(|holding| holding.holding);
    let segments = writer.finish()?;
    store::write_kept(&agent.durable, &folder, &kept_lines)?;
    let plan = Plan {
        format: FORMAT.to_owned(),
        id,
        made_at: request.now,
        as_of: request.as_of,
        pins: agent.pins(),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        holdings: planned,
        failures,
        segments,
    };
    let stored = store::freeze(&agent.durable, folder, plan)?;
    // A crash before this leaves a plan that nobody may carry out.
    store::note_frozen(journal, &stored)?;
    Ok(stored)
}

/// Names a plan by the moment, and so that two of the same second differ.
fn name(now: Timestamp) -> Result<String, UserError> {
    let salt: [u8; 4] = crate::keys::random_bytes()?;
    Ok(format!("{}-{}", now.strftime("%Y%m%d-%H%M%S"), crate::hex::encode(&salt)))
}

struct Maker<'a> {
    agent: &'a Agent<'a>,
    journal: &'a Journal,
    holds: &'a HoldRegister,
    request: &'a Request<'a>,
    watch: &'a dyn Watch,
    writer: SegmentWriter<'a>,
    kept_lines: Vec<u8>,
    planned: Vec<PlannedHolding>,
    failures: Vec<Failure>,
}

impl<'a> Maker<'a> {
    /// Takes a system out of the plan that could not be read to its end; the others go on.
    fn give_up(&mut self, system: &System, error: &UserError) {
        tracing::error!(system = system.name, %error, "a system is left out of the plan");
        let holdings = &self.agent.loaded.programme.holdings;
        let is_of = |n: usize| holdings.get(n).is_some_and(|h| h.system == system.name);
        self.writer.drop_holdings(is_of);
        self.planned.retain(|planned| !is_of(planned.holding));
        self.failures.push(Failure {
            system: system.name.clone(),
            code: error.code.name.to_owned(),
            message: error.message.clone(),
            refused: error.code.exit == Exit::Refused,
        });
    }

    async fn system(&mut self, system: &'a System) -> Result<(), UserError> {
        let programme = &self.agent.loaded.programme;
        let holdings: Vec<_> =
            programme.holdings.iter().filter(|h| h.system == system.name).collect();
        let wanted = |class: &str| self.request.class.is_none_or(|name| name == class);
        if !holdings.iter().any(|holding| wanted(&holding.class)) {
            return Ok(());
        }
        let target = targets::inventory(self.agent.adapters, self.agent.dir(), system).await?;
        let target: Arc<dyn Inventory> = Arc::from(target);
        let probe = targets::probe(target.as_ref(), system).await?;
        self.agent.prove_identity(self.journal, system, &probe.identity, self.request.now)?;
        let mut surveyed = Vec::new();
        for holding in holdings {
            let selection = Selection::new(programme, holding, Some(self.request.as_of));
            let survey = target.survey(&selection.scope).await.map_err(|e| {
                UserError::from(e)
                    .in_system(&system.name)
                    .with_place(holding.settings.place.clone())
            })?;
            surveyed.push((selection, survey));
        }
        for (n, (selection, survey)) in surveyed.iter().enumerate() {
            if !wanted(&selection.holding.class) {
                continue;
            }
            let others = surveyed
                .iter()
                .enumerate()
                .filter(|(m, (_, other))| *m != n && other.space == survey.space)
                .map(|(_, (other, _))| self.other(other))
                .collect::<Result<Vec<_>, _>>()?;
            let planned = self
                .holding(&target, system, selection, survey, &others, &probe.identity.0)
                .await?;
            self.planned.push(planned);
        }
        Ok(())
    }

    /// Makes ready what another class may have against a disposal.
    fn other<'s>(&self, selection: &'s Selection<'s>) -> Result<Other<'s>, UserError>
    where
        'a: 's,
    {
        let holding = selection.holding;
        let today = self.agent.today();
        Ok(Other {
            selection,
            class: self.agent.class(&holding.class)?,
            holds: self.holds.filter(&holding.class, &holding.system, today),
        })
    }

    async fn holding(
        &mut self,
        target: &Arc<dyn Inventory>,
        system: &System,
        selection: &Selection<'_>,
        survey: &Survey,
        others: &[Other<'_>],
        identity: &str,
    ) -> Result<PlannedHolding, UserError> {
        let holding = selection.holding;
        let class = self.agent.class(&holding.class)?;
        let mut reading = Reading::new(
            selection,
            class,
            system,
            self.holds.filter(&class.id, &system.name, self.agent.today()),
        );
        if class.disposition == Disposition::RetainPermanently && survey.population.is_some() {
            // Nothing of it can be due: its size is all that the plan needs.
        } else {
            self.read(target, &mut reading, survey, others).await?;
        }
        let counts = &mut reading.counts;
        let left_out = survey.population.unwrap_or(0).saturating_sub(counts.matched);
        counts.matched += left_out;
        counts.not_due += left_out;
        let limits = self.agent.loaded.settings.limits.of(&class.id);
        let history = self.journal.history(&class.id, &system.name, HISTORY_RUNS_MAX)?;
        Ok(PlannedHolding {
            holding: holding.index,
            class: class.id.clone(),
            system: system.name.clone(),
            disposition: class.disposition.words().to_owned(),
            needs_approval: class.approval == Approval::EachBatch,
            shares_with: others.iter().map(|other| other.selection.holding.index).collect(),
            selection: written::selection(&self.agent.loaded.programme, holding),
            identity: identity.to_owned(),
            store: survey.store.clone(),
            method: survey.method.class.word().to_owned(),
            technique: survey.method.technique.clone(),
            strength: survey.method.strength.clone(),
            notes: survey.notes.clone(),
            residual: residual_words(&survey.residual),
            breaches: limits.breaches(
                reading.counts.planned,
                survey.population.map(|known| known.max(reading.counts.matched)),
                &History::new(history.iter().map(|line| line.disposed)),
            ),
            counts: reading.counts,
            held_by: reading.held_by,
            kept: reading.kept,
        })
    }

    async fn read(
        &mut self,
        target: &Arc<dyn Inventory>,
        reading: &mut Reading<'_>,
        survey: &Survey,
        others: &[Other<'_>],
    ) -> Result<(), UserError> {
        let stage = format!("{} in {}", reading.class.id, reading.system.name);
        let failed = |e| UserError::from(e).in_system(&reading.system.name);
        let mut pages = Pages::read(Arc::clone(target), reading.selection.scope.clone());
        while let Some(page) = pages.next().await.map_err(failed)? {
            let due: Vec<Candidate> = page
                .records
                .into_iter()
                .filter_map(|record| reading.judge(record, self.request.as_of))
                .collect();
            let objections = if others.is_empty() || due.is_empty() {
                vec![None; due.len()]
            } else {
                let locators: Vec<Locator> =
                    due.iter().map(|c| c.record.reference.locator.clone()).collect();
                let as_of = self.request.as_of;
                overlap::objections(target.as_ref(), reading.class, others, &locators, as_of)
                    .await
                    .map_err(failed)?
            };
            for (candidate, objection) in due.into_iter().zip(objections) {
                self.decide(reading, candidate, objection)?;
            }
            self.kept_lines.append(&mut reading.kept_lines);
            self.watch.step(&stage, reading.counts.matched, survey.population);
        }
        Ok(())
    }

    /// Decides about a record whose own class says that its time has come.
    fn decide(
        &mut self,
        reading: &mut Reading<'_>,
        candidate: Candidate,
        objection: Option<Objection>,
    ) -> Result<(), UserError> {
        let Candidate { record, facts, due, overdue } = candidate;
        if let Some(Objection::Keeps(reason)) = &objection {
            reading.counts.not_due += 1;
            reading.counts.overlapping += 1;
            reading.keep(&record.reference.locator, reason, None);
            return Ok(());
        }
        reading.counts.due += 1;
        reading.counts.overdue += u64::from(overdue);
        if let Some(Objection::Held(hold)) = &objection {
            reading.hold(hold);
            return Ok(());
        }
        if let Some(hold) = &record.target_hold {
            reading.hold(&format!("the system itself: {}", hold.kind));
            return Ok(());
        }
        if let Some(hold) = reading.selection.hold(&reading.holds, &facts) {
            let id = hold.0.id.clone();
            reading.hold(&id);
            return Ok(());
        }
        if reading.class.disposition.action().is_none() {
            reading.counts.awaiting_review += 1;
            return Ok(());
        }
        if self.request.waiting.contains(&reading.selection.holding.index) {
            reading.counts.awaiting_approval += 1;
            return Ok(());
        }
        reading.counts.planned += 1;
        reading.counts.members += u64::from(record.members);
        let jurisdiction =
            facts.jurisdiction.as_deref().filter(|j| reading.class.variants.contains_key(*j));
        let planned = PlanRecord {
            reference: record.reference,
            due,
            dates: facts.dates.clone(),
            fields: record.fields,
            members: record.members,
            bytes: record.bytes,
        };
        Ok(self.writer.push(reading.selection.holding.index, jurisdiction, &planned)?)
    }
}

/// Says in words where copies will survive.
fn residual_words(residual: &ResidualCopies) -> Vec<String> {
    let mut words: Vec<String> = residual
        .copies
        .iter()
        .map(|copy| match copy.clears_by {
            Some(day) => format!("{} ({}), gone by {day}", copy.place, copy.kind),
            None => format!("{} ({})", copy.place, copy.kind),
        })
        .collect();
    if residual.knowledge == Knowledge::Unknown {
        words.push("whether there are other copies is not known".to_owned());
    }
    words
}
