//! `quietus approve` and `reject`: a person's word on a plan, bound to its digest.

use std::path::Path;

use serde::Serialize;

use super::args::{Approve, Reject};
use super::console::Console;
use super::context::Context;
use super::plan::record_name;
use super::words::{count, wrap};
use crate::agent::Agent;
use crate::approval::{self, Decision, Draft, Exception};
use crate::clock::Clock;
use crate::error::{Exit, UserError, code};
use crate::keys::SecretKey;
use crate::plan::{self, StoredPlan};
use crate::settings::Approver;

#[derive(Debug, Serialize)]
pub(super) struct Answer {
    plan: String,
    digest: String,
    decision: &'static str,
    role: String,
    name: String,
    classes: Vec<ClassLine>,
    exceptions: usize,
}

#[derive(Debug, Serialize)]
struct ClassLine {
    class: String,
    records: u64,
}

pub(super) fn approve(
    context: &Context,
    console: &mut Console,
    ask: &Approve,
) -> Result<Exit, UserError> {
    if ask.except.len() != ask.reasons.len() {
        return Err(UserError::new(
            &code::COMMAND_LINE,
            format!("{} --except and {} --reason", ask.except.len(), ask.reasons.len()),
        )
        .with_help("give each record that is left out its own reason, in the same order"));
    }
    let except: Vec<(&str, &str)> =
        ask.except.iter().zip(&ask.reasons).map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let asked = Asked {
        plan: ask.plan.as_deref(),
        key: &ask.key,
        classes: &ask.classes,
        except: &except,
        decision: Decision::Approve,
    };
    let answer = decide(context, &asked)?;
    console.answer(&answer, || words(&answer))?;
    Ok(Exit::Done)
}

pub(super) fn reject(
    context: &Context,
    console: &mut Console,
    ask: &Reject,
) -> Result<Exit, UserError> {
    let asked = Asked {
        plan: ask.plan.as_deref(),
        key: &ask.key,
        classes: &ask.classes,
        except: &[],
        decision: Decision::Reject(ask.reason.clone()),
    };
    let answer = decide(context, &asked)?;
    console.answer(&answer, || words(&answer))?;
    Ok(Exit::Done)
}

/// What was asked, of either command.
pub(super) struct Asked<'a> {
    pub plan: Option<&'a str>,
    pub key: &'a Path,
    pub classes: &'a [String],
    pub except: &'a [(&'a str, &'a str)],
    pub decision: Decision,
}

/// Signs a decision and stores it with its plan.
pub(super) fn decide(context: &Context, asked: &Asked<'_>) -> Result<Answer, UserError> {
    let loaded = context.load()?;
    let agent = context.agent(&loaded);
    let stored = stored_plan(&agent, asked.plan)?;
    let key = SecretKey::load(asked.key)?;
    let approver = loaded.settings.approver(&key.id()).ok_or_else(|| {
        UserError::new(
            &code::KEY_NOT_ALLOWED,
            format!("quietus.toml lists no approver with the key {} ({})", key.id(), key.name()),
        )
        .with_help("whoever looks after quietus.toml adds an [[approver]] with the .pub line")
    })?;
    let classes = classes(&agent, &stored, approver, asked.classes)?;
    let exceptions = exceptions(&stored, &classes, asked.except)?;
    let reference = stored.reference()?;
    let draft = Draft {
        plan: &reference,
        decision: asked.decision.clone(),
        classes: classes.iter().map(|c| c.class.clone()).collect(),
        exceptions,
        at: context.clock.now(),
    };
    approval::sign(&context.durable, &stored.folder, &draft, approver, &key)?;
    Ok(Answer {
        plan: reference.id.clone(),
        digest: stored.digest.clone(),
        decision: match asked.decision {
            Decision::Approve => "approve",
            Decision::Reject(_) => "reject",
        },
        role: approver.role.clone(),
        name: approver.name.clone(),
        exceptions: draft.exceptions.len(),
        classes,
    })
}

fn stored_plan(agent: &Agent<'_>, id: Option<&str>) -> Result<StoredPlan, UserError> {
    if let Some(id) = id {
        return Ok(plan::load(agent.dir(), id)?);
    }
    // A plan whose records are all gone, or in an earlier list, waits for nobody.
    for id in plan::list(agent.dir())? {
        let stored = plan::load(agent.dir(), &id)?;
        if stored.plan.segments.iter().any(|segment| plan::has_records(&stored, segment)) {
            return Ok(stored);
        }
    }
    Err(UserError::new(&code::NOT_FOUND, "no plan waits for anybody")
        .with_help("`quietus plan` makes one"))
}

/// Returns the classes that are meant: those that the plan has something of and that the approver
/// may speak for.
fn classes(
    agent: &Agent<'_>,
    stored: &StoredPlan,
    approver: &Approver,
    asked: &[String],
) -> Result<Vec<ClassLine>, UserError> {
    let mut lines: Vec<ClassLine> = Vec::new();
    for holding in &stored.plan.holdings {
        let class = agent.class(&holding.class)?;
        let named = asked.is_empty() || asked.contains(&class.id);
        if !named || holding.counts.planned == 0 {
            continue;
        }
        if !approver.may_approve(&class.id, &class.owner) {
            if asked.is_empty() {
                continue;
            }
            return Err(UserError::new(
                &code::KEY_NOT_ALLOWED,
                format!("{} ({}) may not decide about {}", approver.name, approver.role, class.id),
            )
            .with_help(format!("its owner is the {}", class.owner)));
        }
        match lines.iter_mut().find(|l| l.class == class.id) {
            Some(line) => line.records += holding.counts.planned,
            None => {
                lines.push(ClassLine { class: class.id.clone(), records: holding.counts.planned })
            }
        }
    }
    if let Some(missing) = asked.iter().find(|c| !lines.iter().any(|l| l.class == **c)) {
        return Err(UserError::new(
            &code::NOT_FOUND,
            format!("plan {} has nothing of class {missing}", stored.plan.id),
        )
        .with_help("leave --class out to decide about all that the key may speak for"));
    }
    if lines.is_empty() {
        return Err(UserError::new(
            &code::KEY_NOT_ALLOWED,
            format!(
                "plan {} has nothing that {} ({}) may decide about",
                stored.plan.id, approver.name, approver.role
            ),
        )
        .with_help("each class is approved by its owner; quietus.toml may list further classes"));
    }
    Ok(lines)
}

/// Finds the records that are left out in the plan.
fn exceptions(
    stored: &StoredPlan,
    classes: &[ClassLine],
    except: &[(&str, &str)],
) -> Result<Vec<Exception>, UserError> {
    if except.is_empty() {
        return Ok(Vec::new());
    }
    let mut found: Vec<Vec<Exception>> = except.iter().map(|_| Vec::new()).collect();
    plan::for_each_record(stored, |holding, record| {
        if !classes.iter().any(|c| c.class == holding.class) {
            return;
        }
        let locator = &record.reference.locator;
        for ((name, reason), found) in except.iter().zip(&mut found) {
            if record_name(locator) == *name || locator.as_str() == *name {
                found.push(Exception {
                    record: plan::record_digest(&holding.store, locator),
                    reason: (*reason).to_owned(),
                });
            }
        }
    })?;
    let mut exceptions = Vec::new();
    for ((name, _), mut found) in except.iter().zip(found) {
        match found.len() {
            1 => exceptions.append(&mut found),
            0 => {
                return Err(UserError::new(
                    &code::NOT_FOUND,
                    format!("plan {} has no record {name} to leave out", stored.plan.id),
                )
                .with_help("`quietus plan --records` lists the records of a plan"));
            }
            n => {
                return Err(UserError::new(
                    &code::COMMAND_LINE,
                    format!("plan {} has {n} records called {name}", stored.plan.id),
                )
                .with_help("say which class with --class"));
            }
        }
    }
    Ok(exceptions)
}

/// Says it for people.
pub(super) fn words(answer: &Answer) -> String {
    let classes: Vec<String> = answer
        .classes
        .iter()
        .map(|c| format!("{} ({})", c.class, count(c.records, "record", "records")))
        .collect();
    let word = if answer.decision == "approve" { "approves" } else { "rejects" };
    let mut text = format!(
        "{} ({}) {word} plan {}: {}.",
        answer.name,
        answer.role,
        answer.plan,
        classes.join(", ")
    );
    if answer.exceptions > 0 {
        let n = u64::try_from(answer.exceptions).unwrap_or(u64::MAX);
        text.push_str(&format!(" {} left out.", count(n, "record is", "records are")));
    }
    format!("{}\nThe signature is bound to the digest {}.\n", wrap(&text, "", 100), answer.digest)
}
