//! Where everything stands: the open run, plans that wait, and what the last runs found.

use jiff::Timestamp;

use crate::agent::Agent;
use crate::approval::{self, ClassDecision};
use crate::error::UserError;
use crate::journal::{History, State};
use crate::plan;

/// Where everything stands.
pub struct Status {
    /// A run that was interrupted, or is at work.
    pub open_run: Option<OpenRun>,
    /// The last run that closed: its name, when, and how it ended.
    pub last_run: Option<(String, Timestamp, String)>,
    /// Plans with records that wait for something.
    pub waiting: Vec<WaitingPlan>,
    /// What the last run found, by class and system.
    pub lines: Vec<History>,
    /// How many systems the programme has.
    pub systems: usize,
    /// How many of them have a holding.
    pub systems_with_rules: usize,
    /// How many classes are on paper, or have no holding.
    pub classes_without_holding: Vec<String>,
    /// Holds in force.
    pub holds: usize,
}

/// A run that is not closed.
pub struct OpenRun {
    /// Its name.
    pub run: String,
    /// When it was opened.
    pub since: Timestamp,
    /// Its batches.
    pub batches: usize,
    /// How many of them are certified.
    pub certified: usize,
}

/// A plan that waits.
pub struct WaitingPlan {
    /// Its name.
    pub plan: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// Classes whose owner has not signed off, with the number of records.
    pub awaiting: Vec<(String, u64)>,
    /// Classes over a limit, with the number of records.
    pub over_limit: Vec<(String, u64)>,
}

/// Gathers where everything stands.
pub fn status(agent: &Agent<'_>) -> Result<Status, UserError> {
    let journal = agent.journal()?;
    let programme = &agent.loaded.programme;
    let open_run = match journal.current_run()? {
        None => None,
        Some(run) => {
            let batches = journal.batches(&run.id)?;
            Some(OpenRun {
                since: run.opened_at,
                certified: batches.iter().filter(|b| b.state == State::Certified).count(),
                batches: batches.len(),
                run: run.id,
            })
        }
    };
    let has_holding = |system: &str| programme.holdings.iter().any(|h| h.system == system);
    Ok(Status {
        open_run,
        last_run: journal.last_run()?,
        waiting: waiting(agent)?,
        lines: journal.history_lines()?,
        systems: programme.systems.len(),
        systems_with_rules: programme.systems.keys().filter(|name| has_holding(name)).count(),
        classes_without_holding: programme
            .schedule
            .classes
            .keys()
            .filter(|class| !programme.holdings.iter().any(|h| h.class == **class))
            .cloned()
            .collect(),
        holds: agent.holds().active(agent.today()),
    })
}

fn waiting(agent: &Agent<'_>) -> Result<Vec<WaitingPlan>, UserError> {
    let mut waiting = Vec::new();
    for id in plan::list(agent.dir())? {
        let stored = plan::load(agent.dir(), &id)?;
        let settings = &agent.loaded.settings;
        let decisions = approval::load(&stored.folder, &stored.reference()?, settings)?;
        let (mut awaiting, mut over_limit) = (Vec::new(), Vec::new());
        for holding in &stored.plan.holdings {
            let mut segments =
                stored.plan.segments.iter().filter(|s| s.holding == holding.holding).peekable();
            if segments.peek().is_none() || !segments.all(|s| plan::has_records(&stored, s)) {
                continue;
            }
            let entry = (holding.class.clone(), holding.counts.planned);
            // A class that left the schedule makes the plan stale; it waits for nothing.
            let Ok(class) = agent.class(&holding.class) else { continue };
            if !holding.breaches.is_empty() {
                over_limit.push(entry);
            } else if matches!(decisions.of(class, settings), ClassDecision::Awaiting) {
                awaiting.push(entry);
            }
        }
        if !awaiting.is_empty() || !over_limit.is_empty() {
            waiting.push(WaitingPlan {
                plan: id,
                made_at: stored.plan.made_at,
                awaiting,
                over_limit,
            });
        }
    }
    Ok(waiting)
}
