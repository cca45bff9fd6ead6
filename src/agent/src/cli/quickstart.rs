//! `quietus quickstart`: a sample programme, and all of it explained step by step.

mod tell;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::Serialize;

use super::approve;
use super::args::{Quickstart, Run};
use super::console::Console;
use super::context::Context;
use super::evidence;
use super::explain;
use super::key::policy_of;
use super::progress::Bar;
use super::run as running;
use crate::approval::Decision;
use crate::auditing::{self, Trust};
use crate::clock::Clock;
use crate::error::{Exit, UserError, code};
use crate::execution::Outcome;
use crate::keys::load_public;
use crate::looking::Asked;
use crate::plan::{self, Counts, StoredPlan};
use crate::programme::{Loaded, SCHEDULE};
use crate::sample;
use tell::Tale;

/// Bundles of one sample, at most.
const BUNDLES_MAX: u32 = 10_000;

/// What the tour did, for programs.
#[derive(Debug, Serialize)]
struct Answer {
    folder: String,
    made_sample: bool,
    plan: Option<String>,
    run: Option<String>,
    certificates: Vec<u64>,
    totals: Counts,
    bundle: String,
    level: &'static str,
    met: bool,
    disclosed: Option<String>,
}

pub(super) fn run(console: &mut Console, ask: &Quickstart) -> Result<Exit, UserError> {
    let context = Context::new(&ask.target);
    let mut tale = Tale::new(console);
    let again = context.folder.file(SCHEDULE).exists();
    let today = context.clock.now().to_zoned(sample_zone()?).date();
    tale.opening(&ask.target, again)?;
    if !again {
        let made = sample::make(&context.durable, &ask.target, today)?;
        tale.sample(&made, today)?;
    }
    let loaded = context.load()?;
    if loaded.settings.origin.as_deref() != Some(sample::ORIGIN) {
        return Err(UserError::new(
            &code::FILE_EXISTS,
            format!("{} is a programme of somebody's own, not the sample", ask.target.display()),
        )
        .with_help("name a folder that does not exist yet; the tour touches nothing else"));
    }
    tale.check(&loaded)?;
    // A tour that was interrupted before its plan begins here again.
    let planned = !plan::list(context.folder.path())?.is_empty();
    let plan = if planned { None } else { Some(plan_and_approve(&context, &loaded, &mut tale)?) };
    let ask_run = Run { as_of: None, plan: plan.as_ref().map(|p| p.plan.id.clone()) };
    let outcome = running::carry_out(&context, &ask_run, &Bar::new())?;
    tale.run(&outcome)?;
    if !again {
        examples(&context, &mut tale)?;
    }
    let answer = prove(&context, &mut tale, plan.as_ref(), &outcome, !again)?;
    tale.closing(&ask.target, again)?;
    if console.is_json() {
        console.answer(&answer, String::new)?;
    }
    Ok(if answer.met { outcome.exit() } else { Exit::NotVerified })
}

fn sample_zone() -> Result<jiff::tz::TimeZone, UserError> {
    jiff::tz::TimeZone::get("America/Jamaica").map_err(|error| {
        UserError::new(&code::SAMPLE_FAILED, "the sample's time zone is not known here")
            .with_help("report this")
            .with_source(error)
    })
}

/// Makes the plan and signs it with the sample's keys.
fn plan_and_approve(
    context: &Context,
    loaded: &Loaded,
    tale: &mut Tale<'_>,
) -> Result<StoredPlan, UserError> {
    let agent = context.agent(loaded);
    let journal = agent.journal()?;
    let holds = agent.holds();
    let request = plan::Request {
        as_of: agent.today(),
        now: context.clock.now(),
        class: None,
        system: None,
        waiting: BTreeSet::new(),
    };
    let watch = crate::progress::Unwatched;
    let stored = context.wait_for(plan::make(&agent, &journal, &holds, &request, &watch))?;
    tale.plan(&super::plan::answer(&stored, false)?)?;
    let mut words = Vec::new();
    for key in sample::approver_keys(&context.folder) {
        let asked = approve::Asked {
            plan: Some(&stored.plan.id),
            key: &key,
            classes: &[],
            except: &[],
            decision: Decision::Approve,
        };
        words.push(approve::words(&approve::decide(context, &asked)?));
    }
    tale.approvals(&words)?;
    Ok(stored)
}

/// Explains three records that were kept, each for another reason.
fn examples(context: &Context, tale: &mut Tale<'_>) -> Result<(), UserError> {
    let held = sample::HELD_CUSTOMER.to_string();
    let unpaid = sample::UNPAID_INVOICE.to_string();
    let odd = sample::ODD_PAYSLIP.to_string();
    let mut texts = Vec::new();
    for (class, record) in [("CUS-010", &held), ("FIN-010", &unpaid), ("TAX-010", &odd)] {
        let asked = Asked { system: "shop", record, class: Some(class) };
        texts.push(explain::words(&explain::explain(context, asked, None)?));
    }
    tale.kept(&texts)
}

/// Exports, hands over, verifies, and opens one record.
fn prove(
    context: &Context,
    tale: &mut Tale<'_>,
    plan: Option<&StoredPlan>,
    outcome: &Outcome,
    first: bool,
) -> Result<Answer, UserError> {
    let auditor = context.folder.path().join("auditor");
    context.durable.create_dir(&auditor)?;
    let policy = auditor.join("policy");
    if !policy.exists() {
        let log = load_public(&context.folder.keys().join("log.pub"))?;
        context.durable.write_new(&policy, policy_of(&log.to_string()).as_bytes())?;
    }
    let bundle = free_name(&auditor)?;
    let bytes = evidence::export(context, None, &bundle)?;
    let mut opened = Vec::new();
    if first && let Some(record) = disposed_invoice(context, outcome)? {
        let file = auditor.join(format!("invoice-{record}.json"));
        evidence::disclose(context, "shop", &record, Some("FIN-010"), &file)?;
        opened.push((record, file));
    }
    let disclosures: Vec<PathBuf> = opened.iter().map(|(_, file)| file.clone()).collect();
    let trust = Trust { policy: Some(&policy), last_seen: None, disclosures: &disclosures };
    let report = auditing::verify_path(&bundle, trust)?;
    tale.proof(&bundle, bytes, &policy, &report)?;
    let mut totals = Counts::default();
    for report in &outcome.runs {
        totals.add(&report.totals());
    }
    Ok(Answer {
        folder: context.folder.path().display().to_string(),
        made_sample: first,
        plan: plan.map(|p| p.plan.id.clone()),
        run: outcome.runs.last().map(|r| r.run.clone()),
        certificates: outcome.runs.iter().flat_map(|r| r.certificates.clone()).collect(),
        totals,
        bundle: bundle.display().to_string(),
        level: report.level.word(),
        met: report.is_met(),
        disclosed: opened.into_iter().next().map(|(record, _)| record),
    })
}

fn free_name(auditor: &Path) -> Result<PathBuf, UserError> {
    (1..=BUNDLES_MAX)
        .map(|n| auditor.join(format!("evidence-{n}.tar")))
        .find(|path| !path.exists())
        .ok_or_else(|| {
            UserError::new(&code::FILE_EXISTS, "the auditor has enough bundles of this sample")
                .with_help("begin another sample in a new folder")
        })
}

/// Finds an invoice that the run disposed of: the first number that is no longer there.
fn disposed_invoice(context: &Context, outcome: &Outcome) -> Result<Option<String>, UserError> {
    let gone = outcome
        .runs
        .iter()
        .flat_map(|r| &r.counts)
        .any(|line| line.class == "FIN-010" && line.counts.disposed > 0);
    if !gone {
        return Ok(None);
    }
    let path = context.folder.path().join("systems/shop.sqlite");
    sample::first_missing_invoice(&path).map(|n| n.map(|n| n.to_string()))
}

/// Returns a date as people write it in a letter.
fn long_date(day: Date) -> String {
    day.strftime("%-d %B %Y").to_string()
}
