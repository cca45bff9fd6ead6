//! Verification: from a bundle, or a programme folder, to a level and a list of what was not
//! checked.
//!
//! `docs/formats/verification.md` has the steps and their numbers. Trust comes from the caller's
//! policy alone. Nothing stops at the first defect that need not.

mod entries;
mod evidence;
mod head;
mod meaning;
mod report;

use crate::hash::Hash;
use crate::layout::Role;
use crate::policy::TrustPolicy;
use crate::source::{Kind, Source};

pub use report::{
    CertificateSummary, DisclosureSummary, FINDINGS_MAX, Finding, Freshness, Level, NilSummary,
    Report, Severity, WitnessSummary,
};

/// What is to be verified, and what the auditor brings along.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The evidence.
    pub source: &'a dyn Source,
    /// Whom the auditor trusts.
    pub policy: Option<&'a TrustPolicy>,
    /// A checkpoint that the auditor kept from before.
    pub last_seen: Option<&'a [u8]>,
    /// Opened records beside the evidence.
    pub disclosures: &'a [&'a [u8]],
}

/// Verifies evidence.
///
/// # Behavior
///
/// - It never fails: what cannot be read is a finding, and makes the level `INVALID`.
/// - Records files are streamed; memory grows with the number of entries, not of records.
pub fn verify(input: Input<'_>) -> Report {
    let mut run = Run { input, paths: Vec::new(), report: Report::new(input.source.kind()) };
    run.container(Depth::AllButRecords);
    let head = run.head();
    if let Some(head) = head {
        let mut ledger = entries::Ledger::new(&mut run, head);
        ledger.walk();
        ledger.last_seen();
        ledger.disclosures();
        ledger.finish();
    }
    run.report.settle(&input);
    run.report
}

/// Says whether evidence is free of defects; stops at the first file that is not what
/// `bundle.json` says.
///
/// # Behavior
///
/// - It answers as [`verify`] does: false where that says `INVALID`, true otherwise. It is for
///   callers that ask of many bundles and want no reasons.
pub fn is_sound(input: Input<'_>) -> bool {
    let mut run = Run { input, paths: Vec::new(), report: Report::new(input.source.kind()) };
    run.container(Depth::Everything);
    !run.report.any_invalid && verify(input).level != Level::Invalid
}

/// Which files the check of the container reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    AllButRecords,
    Everything,
}

/// One verification under way.
struct Run<'a> {
    input: Input<'a>,
    paths: Vec<String>,
    report: Report,
}

impl Run<'_> {
    /// Compares every file with what the bundle claims of it; records files come later, when they
    /// are streamed anyway.
    fn container(&mut self, depth: Depth) {
        let paths = match self.input.source.paths() {
            Ok(paths) => paths,
            Err(error) => return self.report.invalid("files", format!("{error}")),
        };
        for path in &paths {
            let Some(listed) = self.input.source.listed(path) else { continue };
            let Some(role) = Role::of(path) else { continue };
            if role == Role::Records && depth == Depth::AllButRecords {
                continue;
            }
            if let Some(bytes) = self.read(path, role)
                && Hash::of(&bytes) != listed.sha256
            {
                self.report.invalid(path, "its SHA-256 is not the one in bundle.json");
            }
        }
        self.paths = paths;
    }

    /// Reads a file that must be there; says so where it is not.
    fn read(&mut self, path: &str, role: Role) -> Option<Vec<u8>> {
        match self.input.source.read(path, role.bytes_max()) {
            Ok(Some(bytes)) => return Some(bytes),
            Ok(None) => self.report.invalid(path, "it is missing"),
            Err(error) => self.report.invalid(path, format!("it cannot be read: {error}")),
        }
        None
    }

    fn is_single(&self) -> bool {
        self.input.source.kind() == Kind::Single
    }
}
