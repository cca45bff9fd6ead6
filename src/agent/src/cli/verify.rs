//! `quietus verify`: checks a ledger folder or a bundle, and needs nothing else.

use quietus_evidence::statement::{MethodClass, NilReason};
use quietus_evidence::verify::{Freshness, Level, Report, Severity};
use serde::Serialize;

use super::args::Verify;
use super::console::Console;
use super::context::Context;
use super::words::{count, number, wrap};
use crate::auditing::{self, Trust};
use crate::error::{Exit, UserError, code};

const WIDTH: usize = 100;

#[derive(Debug, Serialize)]
struct Answer {
    level: &'static str,
    asked: &'static str,
    met: bool,
    origin: Option<String>,
    entries: u64,
    root: Option<String>,
    findings: Vec<FindingLine>,
    not_checked: Vec<String>,
    certificates: Vec<CertificateLine>,
    nil_runs: Vec<NilLine>,
    records: u64,
    open_intents: Vec<u64>,
    proven_until: Option<String>,
    proven_by: Option<&'static str>,
    witnesses: Vec<String>,
    disclosures: Vec<DisclosureLine>,
}

#[derive(Debug, Serialize)]
struct FindingLine {
    severity: &'static str,
    place: String,
    message: String,
}

#[derive(Debug, Serialize)]
struct CertificateLine {
    certificate: u64,
    at: String,
    class: String,
    store: String,
    rule: String,
    method_class: MethodClass,
    method: String,
    destroyed: u64,
    already_absent: u64,
    failed: u64,
    held: u64,
    records_checked: bool,
}

#[derive(Debug, Serialize)]
struct NilLine {
    certificate: u64,
    at: String,
    why: NilReason,
    cutoff: String,
}

#[derive(Debug, Serialize)]
struct DisclosureLine {
    certificate: u64,
    store: String,
    record: String,
    due: String,
    outcome: String,
}

pub(super) fn run(
    _context: &Context,
    console: &mut Console,
    ask: &Verify,
) -> Result<Exit, UserError> {
    let asked = ask.level.as_deref().map(level).transpose()?;
    let trust = Trust {
        policy: ask.policy.as_deref(),
        last_seen: ask.last_seen.as_deref(),
        disclosures: &ask.disclosures,
    };
    let report = auditing::verify_path(&ask.path, trust)?;
    let asked = asked.unwrap_or(report.asked);
    let met = report.is_met() && report.level >= asked;
    let answer = answer(&report, asked, met);
    console.answer(&answer, || words(&answer))?;
    Ok(if met { Exit::Done } else { Exit::NotVerified })
}

/// Says for people what a verification found.
pub(super) fn words_of(report: &Report) -> String {
    words(&answer(report, report.asked, report.is_met()))
}

fn level(word: &str) -> Result<Level, UserError> {
    Level::from_word(word).ok_or_else(|| {
        UserError::new(&code::COMMAND_LINE, format!("{word:?} is no level of verification"))
            .with_help(
                "the levels are self-consistent, signed, timestamped, witnessed, corroborated",
            )
    })
}

fn answer(report: &Report, asked: Level, met: bool) -> Answer {
    let (proven_until, proven_by) = match report.freshness {
        Some(Freshness::Witnessed(at)) => (Some(at.to_string()), Some("witness")),
        Some(Freshness::Claimed(at)) => (Some(at.to_string()), Some("agent")),
        None => (None, None),
    };
    Answer {
        level: report.level.word(),
        asked: asked.word(),
        met,
        origin: report.origin.clone(),
        entries: report.size,
        root: report.root.map(|root| root.to_string()),
        findings: report.findings.iter().map(finding).collect(),
        not_checked: report.not_checked.clone(),
        certificates: report.certificates.iter().map(certificate).collect(),
        nil_runs: report
            .nils
            .iter()
            .map(|nil| NilLine {
                certificate: nil.seq,
                at: nil.at.to_string(),
                why: nil.why,
                cutoff: nil.cutoff.to_string(),
            })
            .collect(),
        records: report.records,
        open_intents: report.open_intents.clone(),
        proven_until,
        proven_by,
        witnesses: report.witnesses.iter().map(|w| w.name.clone()).collect(),
        disclosures: report
            .disclosures
            .iter()
            .map(|opened| DisclosureLine {
                certificate: opened.seq,
                store: opened.store.clone(),
                record: opened.record_key.clone(),
                due: opened.line.due.to_string(),
                outcome: opened.line.outcome.word().to_owned(),
            })
            .collect(),
    }
}

fn finding(finding: &quietus_evidence::verify::Finding) -> FindingLine {
    FindingLine {
        severity: match finding.severity {
            Severity::Invalid => "invalid",
            Severity::Notice => "notice",
        },
        place: finding.place.clone(),
        message: finding.message.clone(),
    }
}

fn certificate(summary: &quietus_evidence::verify::CertificateSummary) -> CertificateLine {
    let scope = &summary.result.scope;
    CertificateLine {
        certificate: summary.seq,
        at: summary.at.to_string(),
        class: scope.series.clone(),
        store: scope.store.clone(),
        rule: scope.rule.clone(),
        method_class: scope.method.class,
        method: scope.method.technique.clone(),
        destroyed: scope.counts.destroyed,
        already_absent: scope.counts.already_absent,
        failed: scope.counts.failed,
        held: scope.counts.held,
        records_checked: summary.records_checked,
    }
}

fn words(answer: &Answer) -> String {
    let verdict = if answer.met { "as asked" } else { "NOT what was asked" };
    let mut text = format!("{} (asked for {}: {verdict})\n", answer.level, answer.asked);
    if let Some(origin) = &answer.origin {
        let entries = count(answer.entries, "entry", "entries");
        text.push_str(&format!("\nLedger {origin}: {entries}\n"));
    }
    for line in &answer.certificates {
        text.push_str(&certificate_words(line));
    }
    for nil in &answer.nil_runs {
        text.push_str(&format!(
            "  #{} {}  nothing was disposed of, as of {}: {}\n",
            nil.certificate,
            nil.at,
            nil.cutoff,
            why_words(nil.why)
        ));
    }
    let lines = count(answer.records, "record line", "record lines");
    text.push_str(&format!("{lines} checked one by one.\n"));
    for opened in &answer.disclosures {
        text.push_str(&format!(
            "Record {} of {}: {}, due {}, by certificate #{}.\n",
            opened.record, opened.store, opened.outcome, opened.due, opened.certificate
        ));
    }
    for finding in &answer.findings {
        let line = format!("{}: {}: {}", finding.severity, finding.place, finding.message);
        text.push_str(&wrap(&line, "", WIDTH));
        text.push('\n');
    }
    if !answer.open_intents.is_empty() {
        let open: Vec<String> = answer.open_intents.iter().map(u64::to_string).collect();
        text.push_str(&format!("Intents that nothing closed: {}.\n", open.join(", ")));
    }
    match (&answer.proven_until, answer.proven_by) {
        (Some(at), Some("witness")) => {
            text.push_str(&format!("Nothing is proven after {at}, a witness's clock.\n"));
        }
        (Some(at), _) => {
            text.push_str(&format!("Nothing is proven after {at}, the agent's own clock.\n"));
        }
        (None, _) => {}
    }
    text.push_str("\nNot checked:\n");
    for item in &answer.not_checked {
        text.push_str(&wrap(&format!("- {item}"), "  ", WIDTH));
        text.push('\n');
    }
    text
}

fn why_words(why: NilReason) -> &'static str {
    match why {
        NilReason::NothingDue => "nothing was due that may go",
        NilReason::AwaitingApproval => "what was due awaits approval",
        NilReason::Limited => "a guard refused",
        NilReason::Unreachable => "a system could not be reached",
    }
}

fn certificate_words(line: &CertificateLine) -> String {
    let word = if line.method_class == MethodClass::Anonymise { "anonymised" } else { "destroyed" };
    let mut parts = vec![format!("{} {word}", number(line.destroyed))];
    for (n, word) in
        [(line.already_absent, "already absent"), (line.failed, "failed"), (line.held, "held")]
    {
        if n > 0 {
            parts.push(format!("{} {word}", number(n)));
        }
    }
    let checked = if line.records_checked { "" } else { "; its record lines are not here" };
    format!(
        "  #{} {}  {} in {}: {} ({}){checked}\n",
        line.certificate,
        line.at,
        line.class,
        line.store,
        parts.join(", "),
        line.method
    )
}
