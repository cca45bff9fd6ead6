//! What a verification found.

use std::fmt;

use super::Input;
use crate::hash::Hash;
use crate::records::RecordLine;
use crate::source::Kind;
use crate::statement::{BatchResult, NilReason, Totals};
use crate::time::{Date, Timestamp};

/// How far evidence can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something is false.
    Invalid,
    /// All is of one piece, by a key that nobody vouched for.
    SelfConsistent,
    /// Signed by the ledger's key in the policy.
    Signed,
    /// And seen by a time-stamp authority. This version never reaches it by itself.
    Timestamped,
    /// And seen by the quorum of the policy's witnesses.
    Witnessed,
    /// And looked at by an independent second signer. This version never reaches it.
    Corroborated,
}

impl Level {
    /// Returns the word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Invalid => "INVALID",
            Self::SelfConsistent => "SELF-CONSISTENT",
            Self::Signed => "SIGNED",
            Self::Timestamped => "TIMESTAMPED",
            Self::Witnessed => "WITNESSED",
            Self::Corroborated => "CORROBORATED",
        }
    }

    /// Reads the word, in any case.
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::Invalid,
            Self::SelfConsistent,
            Self::Signed,
            Self::Timestamped,
            Self::Witnessed,
            Self::Corroborated,
        ]
        .into_iter()
        .find(|level| level.word().eq_ignore_ascii_case(word))
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It makes the evidence invalid.
    Invalid,
    /// Somebody should know.
    Notice,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// Where: a path, `entry 42`, or the place of copies that remain.
    pub place: String,
    /// What, in words.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Until when something is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The latest witness's clock.
    Witnessed(Timestamp),
    /// The agent's own clock.
    Claimed(Timestamp),
}

/// A witness of the policy that cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessSummary {
    /// The name of its key.
    pub name: String,
    /// Its clock.
    pub at: Option<Timestamp>,
}

/// A certificate of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateSummary {
    /// The entry.
    pub seq: u64,
    /// When the agent made it.
    pub at: Timestamp,
    /// What it says.
    pub result: BatchResult,
    /// Whether its records file was there and was checked.
    pub records_checked: bool,
}

/// A run that disposed of nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NilSummary {
    /// The entry.
    pub seq: u64,
    /// When the agent made it.
    pub at: Timestamp,
    /// Why.
    pub why: NilReason,
    /// The day that the run looked from.
    pub cutoff: Date,
    /// What it found.
    pub totals: Totals,
}

/// An opened record that is true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisclosureSummary {
    /// The entry.
    pub seq: u64,
    /// The store.
    pub store: String,
    /// The record's name in it.
    pub record_key: String,
    /// What became of it.
    pub line: RecordLine,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The level reached.
    pub level: Level,
    /// The level that the policy asks for; without a policy, `SELF-CONSISTENT`.
    pub asked: Level,
    /// What was verified.
    pub kind: Kind,
    /// The ledger's name.
    pub origin: Option<String>,
    /// The number of entries that the checkpoint covers.
    pub size: u64,
    /// The root over them.
    pub root: Option<Hash>,
    /// What was found: first what makes it invalid, then notices; of each at most
    /// [`FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// What nobody looked at: never empty.
    pub not_checked: Vec<String>,
    /// The certificates, in order.
    pub certificates: Vec<CertificateSummary>,
    /// The runs that disposed of nothing.
    pub nils: Vec<NilSummary>,
    /// Record lines that were checked one by one.
    pub records: u64,
    /// Intents that nothing closed.
    pub open_intents: Vec<u64>,
    /// Until when something is proven.
    pub freshness: Option<Freshness>,
    /// The witnesses of the policy that cosigned.
    pub witnesses: Vec<WitnessSummary>,
    /// The opened records that are true.
    pub disclosures: Vec<DisclosureSummary>,
    pub(super) quorum_met: bool,
    pub(super) any_invalid: bool,
}

/// The most findings of one weight that are kept.
pub const FINDINGS_MAX: usize = 1_000;

impl Report {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            level: Level::Invalid,
            asked: Level::SelfConsistent,
            kind,
            origin: None,
            size: 0,
            root: None,
            findings: Vec::new(),
            not_checked: Vec::new(),
            certificates: Vec::new(),
            nils: Vec::new(),
            records: 0,
            open_intents: Vec::new(),
            freshness: None,
            witnesses: Vec::new(),
            disclosures: Vec::new(),
            quorum_met: false,
            any_invalid: false,
        }
    }

    /// Makes the report of a file that is not even a bundle.
    pub fn unreadable(message: impl Into<String>) -> Self {
        let mut report = Self::new(Kind::Full);
        report.invalid("bundle", message);
        report.not_checked.push("everything: the container is damaged".to_owned());
        report
    }

    /// Tells whether the policy's demand is met and nothing is false.
    pub fn is_met(&self) -> bool {
        self.level != Level::Invalid && self.level >= self.asked
    }

    pub(super) fn invalid(&mut self, place: &str, message: impl Into<String>) {
        self.any_invalid = true;
        self.add(Severity::Invalid, place, message.into());
    }

    pub(super) fn notice(&mut self, place: &str, message: impl Into<String>) {
        self.add(Severity::Notice, place, message.into());
    }

    fn add(&mut self, severity: Severity, place: &str, message: String) {
        let same = self.findings.iter().filter(|found| found.severity == severity).count();
        if same < FINDINGS_MAX {
            self.findings.push(Finding { severity, place: place.to_owned(), message });
        }
    }

    /// Sets the level, and says what never is checked.
    pub(super) fn settle(&mut self, input: &Input<'_>) {
        self.findings.sort_by_key(|found| found.severity == Severity::Notice);
        let quorum = input.policy.is_some_and(|policy| policy.has_quorum());
        self.asked = match (input.policy.is_some(), quorum) {
            (false, _) => Level::SelfConsistent,
            (true, false) => Level::Signed,
            (true, true) => Level::Witnessed,
        };
        self.level = match (self.any_invalid || self.root.is_none(), input.policy.is_some()) {
            (true, _) => Level::Invalid,
            (false, false) => Level::SelfConsistent,
            (false, true) if self.quorum_met => Level::Witnessed,
            (false, true) => Level::Signed,
        };
        let mut more: Vec<&str> = Vec::new();
        if input.policy.is_none() {
            more.push("who signed: no policy was given, so anybody could have made this");
        }
        if self.kind == Kind::Single {
            more.push("the chain, and all other entries: this is a single certificate");
        }
        if input.last_seen.is_none() {
            more.push("whether the end of the ledger was cut off: no earlier checkpoint was given");
        }
        if !self.quorum_met {
            more.push("whether others were shown another ledger: no quorum of witnesses cosigned");
        }
        more.push("RFC 3161 time stamps");
        more.push("a second signer");
        more.push("whether the statements are true: what was asserted, by whom, unchanged, is");
        self.not_checked.extend(more.into_iter().map(str::to_owned));
    }
}
