//! Certificates: what the journal and the plan know, in the words of the evidence format.

use std::collections::BTreeSet;

use quietus_contract::{Knowledge, ResidualCopies};
use quietus_evidence::commitment::SUITE;
use quietus_evidence::statement::{
    Approval, Authority, BatchResult, Counts, HoldsChecked, Intent, Issuer, Known, Method,
    MethodClass, PolicyInForce, RecordsFile, Ref, Residual, ResidualKnowledge, ResultScope, RunId,
    Standard, Time, Tool, Verification,
};
use quietus_evidence::{Date, Hash, RecordsSummary, Timestamp};
use quietus_schedule::{Class, Terms};

use crate::agent::Agent;
use crate::approval::ClassDecision;
use crate::error::{UserError, code};
use crate::execution::{Carried, Execution};
use crate::journal::{Fate, Fates};

/// Texts of a certificate are cut to this many characters: its size has a limit.
const TEXT_CHARS_MAX: usize = 160;

/// Copies that remain, named on one certificate at most; the last line says how many more.
const RESIDUAL_MAX: usize = 5;

/// Citations on one certificate at most.
const CITATIONS_MAX: usize = 5;

/// What is particular to one certificate.
pub(crate) struct Subject<'a> {
    pub(crate) intent: Ref,
    /// What the intent says: a run that was interrupted ends by what it was started with.
    pub(crate) meant: Intent,
    /// The policy that the intent names.
    pub(crate) policy: PolicyInForce,
    pub(crate) records_file: String,
    pub(crate) summary: &'a RecordsSummary,
    pub(crate) fates: &'a Fates,
}

/// Writes the certificate of a verified batch.
pub(crate) fn write(
    execution: &Execution<'_>,
    carried: &Carried<'_>,
    subject: Subject<'_>,
) -> Result<BatchResult, UserError> {
    let Subject { intent, meant, policy, records_file, summary, fates } = subject;
    let authority = authority(execution, carried, &meant, &policy)?;
    let scope = meant.scope;
    let row = &carried.row;
    let time = |t: Option<jiff::Timestamp>| evidence_time(t.unwrap_or(row_opened(execution)));
    let claims = fates.fates.iter().filter(|fate| was_looked_for(**fate)).count();
    let found = fates.count(Fate::StillThere);
    Ok(BatchResult {
        run: run_id(&execution.run.id)?,
        batch: meant.batch,
        intent,
        issuer: issuer(execution.agent),
        tool: execution.tool.clone(),
        authority,
        time: Time { started: time(row.began_at)?, finished: time(row.ended_at)? },
        scope: ResultScope {
            store: scope.store,
            series: scope.series,
            holding: scope.holding,
            rule: scope.rule,
            cutoff: scope.cutoff,
            method: method(carried),
            counts: counts(carried, fates),
            commit: SUITE.to_owned(),
            intent_root: summary.intent_root,
            result_root: summary.result_root,
            records: RecordsFile {
                file: records_file,
                sha256: summary.sha256,
                bytes: summary.bytes,
            },
        },
        verification: Verification {
            by: issuer(execution.agent).agent,
            method: "by-record".to_owned(),
            sampled: u64::try_from(claims).unwrap_or(u64::MAX),
            found,
            // Adapters claim an absence only after a positive control of the same read.
            control: fates.fates.iter().any(|fate| is_gone(*fate)),
        },
        residual: residual(execution, carried, &carried.survey.residual)?,
        residual_knowledge: knowledge(carried.survey.residual.knowledge),
        holds_checked: HoldsChecked {
            at: time(row.ended_at)?,
            register: execution.holds.digest(),
            count: u64::try_from(execution.holds.active(execution.today())).unwrap_or(u64::MAX),
        },
        not_checked: vec![
            "copies that people made outside this system".to_owned(),
            "paper and removable media".to_owned(),
        ],
    })
}

fn row_opened(execution: &Execution<'_>) -> jiff::Timestamp {
    execution.run.opened_at
}

fn is_gone(fate: Fate) -> bool {
    matches!(fate, Fate::Disposed | Fate::AlreadyAbsent | Fate::Unacknowledged)
}

fn was_looked_for(fate: Fate) -> bool {
    matches!(
        fate,
        Fate::Disposed
            | Fate::AlreadyAbsent
            | Fate::Unacknowledged
            | Fate::StillThere
            | Fate::Indeterminate
    )
}

/// Says who speaks.
pub(crate) fn issuer(agent: &Agent<'_>) -> Issuer {
    let identity = agent.identity();
    let some = |text: String| (!text.is_empty()).then(|| short(&text));
    Issuer {
        org: short(&identity.organisation),
        unit: some(identity.unit),
        contact: some(identity.contact),
        agent: short(&identity.name),
        host: short(&identity.host),
    }
}

/// Says which program it is, by the digest of the running binary.
pub(crate) fn tool() -> Result<Tool, UserError> {
    let unreadable = |source: std::io::Error| {
        UserError::new(&code::STATE_UNREADABLE, "the running program cannot read its own binary")
            .with_help("certificates name the binary: start quietus from a file that it may read")
            .with_source(source)
    };
    let path = std::env::current_exe().map_err(unreadable)?;
    let bytes = std::fs::read(path).map_err(unreadable)?;
    Ok(Tool {
        name: "quietus".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sha256: Hash::of(&bytes),
    })
}

fn authority(
    execution: &Execution<'_>,
    carried: &Carried<'_>,
    meant: &Intent,
    policy: &PolicyInForce,
) -> Result<Authority, UserError> {
    let jurisdiction = carried.segment.jurisdiction.as_deref();
    let decision = execution.decisions.of(carried.class, &execution.agent.loaded.settings);
    let approvals = match decision {
        ClassDecision::Approved(signed) => signed,
        _ => Vec::new(),
    };
    Ok(Authority {
        policy: meant.policy,
        policy_seq: meant.policy_seq,
        schedule: policy.schedule.clone(),
        version: policy.version.clone(),
        class: carried.class.id.clone(),
        legal_basis: citations(execution, carried.class, jurisdiction),
        approvals: approvals
            .into_iter()
            .map(|approval| {
                Ok(Approval {
                    role: short(&approval.role),
                    key: approval.key,
                    at: evidence_time(approval.at)?,
                })
            })
            .collect::<Result<_, UserError>>()?,
    })
}

/// Returns the law that a class rests on, shortened to what a certificate can hold.
fn citations(execution: &Execution<'_>, class: &Class, jurisdiction: Option<&str>) -> Vec<String> {
    let schedule = &execution.agent.loaded.programme.schedule;
    let variant = jurisdiction.and_then(|j| class.variants.get(j));
    let clauses = terms(class, jurisdiction).clauses();
    let of_clauses = clauses.iter().flat_map(|clause| &clause.authorities);
    let mut seen = BTreeSet::new();
    variant
        .map_or(&class.authorities, |v| &v.authorities)
        .iter()
        .chain(of_clauses)
        .filter(|id| seen.insert(id.as_str()))
        .filter_map(|id| schedule.authorities.get(id.as_str()))
        .map(|authority| short(&authority.citation))
        .take(CITATIONS_MAX)
        .collect()
}

fn terms<'a>(class: &'a Class, jurisdiction: Option<&str>) -> &'a Terms {
    jurisdiction.and_then(|j| class.variants.get(j)).map_or(&class.terms, |v| &v.terms)
}

/// Says the rule in words: `7 years after final payment`.
pub(crate) fn rule_words(class: &Class, jurisdiction: Option<&str>) -> String {
    let clauses: Vec<String> = terms(class, jurisdiction)
        .clauses()
        .iter()
        .map(|clause| match clause.cutoff {
            Some(cutoff) => {
                format!("{} after the {} of {}", clause.retention, cutoff.words(), clause.trigger)
            }
            None => format!("{} after {}", clause.retention, clause.trigger),
        })
        .collect();
    let mut words = if clauses.is_empty() {
        "kept permanently".to_owned()
    } else {
        clauses.join(", and at least ")
    };
    if let Some(jurisdiction) = jurisdiction {
        words = format!("in {jurisdiction}: {words}");
    }
    short(&words)
}

fn method(carried: &Carried<'_>) -> Method {
    let method = &carried.survey.method;
    Method {
        class: match method.class {
            quietus_contract::MethodClass::LogicalDelete => MethodClass::LogicalDelete,
            quietus_contract::MethodClass::LogicalDeleteOverwritten => {
                MethodClass::LogicalDeleteOverwritten
            }
            quietus_contract::MethodClass::Anonymise => MethodClass::Anonymise,
            quietus_contract::MethodClass::KeyDestruction => MethodClass::KeyDestruction,
        },
        technique: short(&method.technique),
        strength: cut(&method.strength, 2 * TEXT_CHARS_MAX),
        standard: Standard::NoneClaimed,
    }
}

fn counts(carried: &Carried<'_>, fates: &Fates) -> Counts {
    let unacknowledged = fates.count(Fate::Unacknowledged);
    let destroyed = fates.count(Fate::Disposed) + unacknowledged;
    let already_absent = fates.count(Fate::AlreadyAbsent);
    let held = fates.count(Fate::Held);
    let selected = u64::try_from(fates.fates.len()).unwrap_or(u64::MAX);
    Counts {
        selected,
        destroyed,
        already_absent,
        failed: selected - destroyed - already_absent - held,
        held,
        unacknowledged,
        // What went with records whose answer was lost, nobody counted.
        members: if unacknowledged == 0 { Known::Value(fates.members) } else { Known::Unknown },
        before: Known::from(carried.survey.population),
        after: Known::Unknown,
        remaining_due: Known::Unknown,
    }
}

fn residual(
    execution: &Execution<'_>,
    carried: &Carried<'_>,
    seen: &ResidualCopies,
) -> Result<Vec<Residual>, UserError> {
    let mut copies = Vec::new();
    for copy in &seen.copies {
        copies.push(Residual {
            place: short(&copy.place),
            kind: short(&copy.kind),
            clears_by: Known::from(copy.clears_by.map(evidence_date).transpose()?),
        });
    }
    let system = execution.agent.system(&carried.holding.system)?;
    let clears_by = system
        .backup_days
        .and_then(|days| i64::try_from(days).ok())
        .and_then(|days| execution.today().checked_add(jiff::Span::new().days(days)).ok());
    copies.push(Residual {
        place: "backup copies of the system".to_owned(),
        kind: "backup".to_owned(),
        clears_by: Known::from(clears_by.map(evidence_date).transpose()?),
    });
    let more = copies.len().saturating_sub(RESIDUAL_MAX);
    if more > 0 {
        copies.drain(RESIDUAL_MAX - 1..copies.len() - 1);
        copies.push(Residual {
            place: format!("{} more places, named in the plan", more + 1),
            kind: "see-plan".to_owned(),
            clears_by: Known::Unknown,
        });
    }
    Ok(copies)
}

fn knowledge(knowledge: Knowledge) -> ResidualKnowledge {
    match knowledge {
        Knowledge::Unknown => ResidualKnowledge::Unknown,
        Knowledge::Declared => ResidualKnowledge::Declared,
        Knowledge::Observed => ResidualKnowledge::Observed,
    }
}

/// Names a run in the evidence format.
pub(crate) fn run_id(run: &str) -> Result<RunId, UserError> {
    run.parse().map_err(|_| {
        UserError::new(&code::STATE_UNREADABLE, format!("the journal has a run called {run:?}"))
    })
}

/// Reads a digest in hex.
pub(crate) fn policy_hash(hex: &str) -> Result<Hash, UserError> {
    crate::hex::digest(hex)
        .map(Hash)
        .ok_or_else(|| UserError::new(&code::STATE_UNREADABLE, "a digest cannot be read"))
}

/// Writes a day as evidence has it.
pub(crate) fn evidence_date(date: jiff::civil::Date) -> Result<Date, UserError> {
    let month = u8::try_from(date.month()).unwrap_or(0);
    let day = u8::try_from(date.day()).unwrap_or(0);
    Date::new(date.year(), month, day).ok_or_else(|| {
        UserError::new(&code::STATE_UNREADABLE, format!("evidence cannot have the date {date}"))
    })
}

/// Writes a moment as evidence has it.
pub(crate) fn evidence_time(at: jiff::Timestamp) -> Result<Timestamp, UserError> {
    Timestamp::from_unix(at.as_second()).ok_or_else(|| {
        UserError::new(&code::STATE_UNREADABLE, format!("evidence cannot have the time {at}"))
    })
}

/// Cuts a text to what a certificate can hold, and takes out what statements may not have.
pub(crate) fn short(text: &str) -> String {
    cut(text, TEXT_CHARS_MAX)
}

fn cut(text: &str, chars_max: usize) -> String {
    let is_odd =
        |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let clean: String = text.chars().map(|c| if is_odd(c) { ' ' } else { c }).collect();
    let clean = clean.trim();
    if clean.is_empty() {
        return "not given".to_owned();
    }
    if clean.chars().count() <= chars_max {
        return clean.to_owned();
    }
    let mut cut: String = clean.chars().take(chars_max.saturating_sub(1)).collect();
    cut.push('\u{2026}');
    cut
}
