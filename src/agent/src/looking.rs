//! Looking at targets without any power over them: probe, inventory, explain.

use std::collections::BTreeMap;

use jiff::civil::Date;
use quietus_contract::{Clock, Locator, Probe, TargetHold, Uncovered};
use quietus_schedule::rules::{Explanation, Verdict};

use crate::agent::Agent;
use crate::error::{UserError, code};
use crate::hold::HoldRegister;
use crate::plan::Counts;
use crate::progress::Watch;
use crate::selection::Selection;
use crate::targets;

/// Records read at once.
const PAGE_RECORDS: usize = 4096;

/// What a probe found.
pub struct Probed {
    /// The system.
    pub system: String,
    /// What the target says.
    pub probe: Probe,
    /// The identity under which it is enrolled, if it is.
    pub enrolled: Option<String>,
    /// Seconds by which the target's clock is ahead of ours, where it tells.
    pub clock_ahead_seconds: Option<i64>,
}

/// Probes a system; with `enrol`, the target becomes the one that is expected from now on.
pub async fn probe(agent: &Agent<'_>, system: &str, enrol: bool) -> Result<Probed, UserError> {
    let system = agent.system(system)?;
    let target = targets::inventory(agent.adapters, agent.dir(), system).await?;
    let probe = targets::probe(target.as_ref(), system).await?;
    let journal = agent.journal()?;
    if enrol {
        journal.enrol(&system.name, &probe.identity.0, agent.clock.now())?;
    }
    let clock_ahead_seconds = match probe.clock {
        Clock::Shared => Some(0),
        Clock::Shows(theirs) => Some(theirs.as_second() - agent.clock.now().as_second()),
        Clock::Unknown => None,
    };
    Ok(Probed {
        system: system.name.clone(),
        enrolled: journal.enrolled(&system.name)?,
        probe,
        clock_ahead_seconds,
    })
}

/// What is there of one class in one system.
pub struct InventoryLine {
    /// The class.
    pub class: String,
    /// The system.
    pub system: String,
    /// The store's name.
    pub store: String,
    /// The counts; `planned` are those that a plan could have.
    pub counts: Counts,
}

/// What is there of one system.
pub struct SystemInventory {
    /// The system.
    pub system: String,
    /// What the holdings select.
    pub lines: Vec<InventoryLine>,
    /// What no holding selects.
    pub uncovered: Vec<Uncovered>,
}

/// Counts what is there, by class and system, and what no holding selects.
pub async fn inventory(
    agent: &Agent<'_>,
    as_of: Date,
    watch: &dyn Watch,
) -> Result<Vec<SystemInventory>, UserError> {
    let programme = &agent.loaded.programme;
    let mut systems = Vec::new();
    for system in programme.systems.values() {
        let failed = |e| UserError::from(e).in_system(&system.name);
        let target = targets::inventory(agent.adapters, agent.dir(), system).await?;
        let mut lines = Vec::new();
        let mut scopes = Vec::new();
        for holding in programme.holdings.iter().filter(|h| h.system == system.name) {
            let selection = Selection::new(programme, holding, None);
            let survey = target.survey(&selection.scope).await.map_err(failed)?;
            let mut counts = Counts::default();
            let mut cursor = None;
            loop {
                let page = target
                    .page(&selection.scope, cursor.as_ref(), PAGE_RECORDS)
                    .await
                    .map_err(failed)?;
                for record in &page.records {
                    let facts = selection.facts(&record.dates, &record.fields);
                    count(&mut counts, &selection.judge(&facts, as_of));
                }
                watch.step(&holding.class, counts.matched, survey.population);
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            lines.push(InventoryLine {
                class: holding.class.clone(),
                system: system.name.clone(),
                store: survey.store,
                counts,
            });
            scopes.push(selection.scope.clone());
        }
        let uncovered = target.uncovered(&scopes).await.map_err(failed)?;
        systems.push(SystemInventory { system: system.name.clone(), lines, uncovered });
    }
    Ok(systems)
}

fn count(counts: &mut Counts, verdict: &Verdict) {
    counts.matched += 1;
    match verdict {
        Verdict::Due { overdue, .. } => {
            counts.due += 1;
            counts.planned += 1;
            counts.overdue += u64::from(*overdue);
        }
        Verdict::NotDue { .. } | Verdict::Permanent => counts.not_due += 1,
        Verdict::AwaitingEvent { .. } => counts.awaiting_event += 1,
        Verdict::Implausible { .. } => counts.implausible_date += 1,
        Verdict::CannotEvaluate { .. } => counts.cannot_evaluate += 1,
    }
}

/// Why one record is kept or due, under one holding.
pub struct Explained {
    /// Where it is: under two holdings of one space it is the same record.
    pub space: String,
    /// The class.
    pub class: String,
    /// Its title.
    pub title: String,
    /// The class's terms, in words.
    pub rule: String,
    /// What happens to due records.
    pub disposition: &'static str,
    /// Every step of the rules, and the verdict.
    pub explanation: Explanation,
    /// The dates as read, by trigger.
    pub dates: BTreeMap<String, Option<Date>>,
    /// Holds that cover it, with the reason.
    pub holds: Vec<(String, &'static str)>,
    /// A hold of the target's own.
    pub target_hold: Option<TargetHold>,
    /// How many other things would go with it.
    pub members: u32,
}

/// Which record is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The system.
    pub system: &'a str,
    /// The record's name, as people write it.
    pub record: &'a str,
    /// Only under this class: two tables may each have a row 1042.
    pub class: Option<&'a str>,
}

/// Explains one record: every holding of the system that selects it. Empty: none does.
pub async fn explain(
    agent: &Agent<'_>,
    holds: &HoldRegister,
    asked: Asked<'_>,
    as_of: Date,
) -> Result<Vec<Explained>, UserError> {
    let programme = &agent.loaded.programme;
    let system = agent.system(asked.system)?;
    if let Some(class) = asked.class {
        agent.class(class)?;
    }
    let locator = locator(asked.record)?;
    let failed = |e| UserError::from(e).in_system(&system.name);
    let target = targets::inventory(agent.adapters, agent.dir(), system).await?;
    let mut explained = Vec::new();
    let wanted = |class: &str| asked.class.is_none_or(|name| name == class);
    let holdings = programme.holdings.iter().filter(|h| h.system == system.name);
    for holding in holdings.filter(|h| wanted(&h.class)) {
        let selection = Selection::new(programme, holding, None);
        let survey = target.survey(&selection.scope).await.map_err(failed)?;
        let found = target
            .look(&selection.scope, std::slice::from_ref(&locator))
            .await
            .map_err(failed)?
            .into_iter()
            .next()
            .flatten();
        let Some(record) = found else { continue };
        let class = agent.class(&holding.class)?;
        let facts = selection.facts(&record.dates, &record.fields);
        let days = selection.rule.days(&facts.dates);
        let filter = holds.filter(&holding.class, &system.name, agent.today());
        let covering = filter.all_covering(&selection.hold_facts(&facts, &days));
        let jurisdiction = facts.jurisdiction.as_deref();
        explained.push(Explained {
            space: survey.space,
            class: class.id.clone(),
            title: class.title.clone(),
            rule: crate::certificate::rule_words(
                class,
                jurisdiction.filter(|j| class.variants.contains_key(*j)),
            ),
            disposition: class.disposition.words(),
            explanation: selection.rule.explain(&facts.dates, jurisdiction, as_of),
            dates: selection.rule.triggers().iter().cloned().zip(days.iter().copied()).collect(),
            holds: covering.iter().map(|(hold, why)| (hold.id.clone(), why.words())).collect(),
            target_hold: record.target_hold,
            members: record.members,
        });
    }
    Ok(explained)
}

/// Reads a record's name as people write it: `1042`, or `["DE","1042"]` for a key of two parts.
pub fn locator(record: &str) -> Result<Locator, UserError> {
    if record.starts_with('[') {
        return Locator::from_canonical(record).ok_or_else(|| {
            UserError::new(
                &code::COMMAND_LINE,
                format!("{record} is no list of texts like [\"DE\",\"1042\"]"),
            )
            .with_help("write the parts in double quotes, without spaces between them")
        });
    }
    Ok(Locator::new(&[record]))
}
