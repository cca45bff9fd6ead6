//! The checked programme.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use quietus_contract::{Action, Place, Settings};

use crate::{Hold, Period, Template};

/// Everything that the files say, checked.
#[derive(Clone, Debug)]
pub struct Programme {
    /// What, how long, from when, then what, why.
    pub schedule: Schedule,
    /// Where.
    pub systems: IndexMap<String, System>,
    /// Which records of which system, in the order of the file.
    pub holdings: Vec<Holding>,
    /// What must not be destroyed.
    pub holds: Vec<Hold>,
    /// Recorded events, by register.
    pub registers: BTreeMap<String, Register>,
}

/// What the records owners wrote.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The title.
    pub title: String,
    /// The organisation.
    pub organisation: String,
    /// The version, in the organisation's own numbering.
    pub version: String,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// When.
    pub approved_on: Option<Date>,
    /// The day from which it is in force.
    pub effective_from: Option<Date>,
    /// The day by which someone should look at it again.
    pub review_by: Option<Date>,
    /// The jurisdiction that classes are written for.
    pub jurisdiction: String,
    /// Further jurisdictions in which classes apply as they stand.
    pub other_jurisdictions: Vec<String>,
    /// The zone in which days are counted.
    pub time_zone: TimeZone,
    /// When years end.
    pub years: Years,
    /// What starts clocks: name and meaning.
    pub triggers: IndexMap<String, String>,
    /// Why: laws and needs.
    pub authorities: IndexMap<String, Authority>,
    /// The classes, in the order of the file.
    pub classes: IndexMap<String, Class>,
}

impl Schedule {
    /// Returns whether somebody approved it. An unapproved schedule may plan and not dispose.
    pub fn approved(&self) -> bool {
        self.approved_by.is_some() && self.approved_on.is_some()
    }

    /// Returns whether it is approved and in force on a day.
    pub fn in_force(&self, on: Date) -> bool {
        self.approved()
            && self.approved_on.is_some_and(|approved| approved <= on)
            && self.effective_from.is_none_or(|from| from <= on)
    }
}

/// When the years end that cutoffs may name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Years {
    /// The fiscal year.
    pub fiscal: Option<YearEnd>,
    /// The tax year.
    pub tax: Option<YearEnd>,
    /// The academic year.
    pub academic: Option<YearEnd>,
}

/// The last day of a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct YearEnd {
    /// The month, from 1.
    pub month: i8,
    /// The day; 29 in February means the last day of February, whatever the year.
    pub day: i8,
}

/// A law, a contract or a need.
#[derive(Clone, Debug)]
pub struct Authority {
    /// The citation.
    pub citation: String,
    /// Where it applies; everywhere if it does not say.
    pub jurisdiction: Option<String>,
    /// The shortest retention that it allows.
    pub minimum: Option<Retention>,
    /// What it asks for, where that is not a number.
    pub requires: Option<String>,
    /// From when it counts, in its own words.
    pub counts_from: Option<String>,
    /// Who checked it for this organisation.
    pub checked_by: Option<String>,
    /// When.
    pub checked_on: Option<Date>,
}

/// For how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// For ever.
    Permanent,
    /// For a period.
    For(Period),
}

impl Retention {
    /// Returns whether this is never shorter than `minimum`.
    pub fn never_shorter_than(&self, minimum: &Self) -> bool {
        match (self, minimum) {
            (Self::Permanent, _) => true,
            (Self::For(_), Self::Permanent) => false,
            (Self::For(ours), Self::For(theirs)) => ours.never_shorter_than(theirs),
        }
    }
}

impl std::fmt::Display for Retention {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Permanent => f.write_str("permanent"),
            Self::For(period) => period.fmt(f),
        }
    }
}

/// A records class.
#[derive(Clone, Debug)]
pub struct Class {
    /// Its identifier, on every certificate, never used again for something else.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What is in it, and what is not.
    pub description: Option<String>,
    /// Who owns the records and approves their disposal.
    pub owner: String,
    /// For how long they are kept.
    pub terms: Terms,
    /// Other terms elsewhere.
    pub variants: IndexMap<String, Variant>,
    /// What happens then.
    pub disposition: Disposition,
    /// Who reviews, where the disposition is a review.
    pub reviewer: Option<String>,
    /// Whether each batch is approved.
    pub approval: Approval,
    /// How soon after it is due a record must be gone.
    pub dispose_within: Period,
    /// Why.
    pub authorities: Vec<String>,
    /// Whether the records are on paper and nowhere else.
    pub held_on_paper: bool,
    /// The class that took its place.
    pub superseded_by: Option<String>,
    /// The function or activity that makes such records.
    pub function: Option<String>,
    /// Whether it holds personal data: `none`, `personal`, `sensitive`.
    pub personal_data: Option<String>,
    /// Remarks.
    pub notes: Option<String>,
}

/// For how long, from when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Terms {
    /// For ever.
    Permanent,
    /// Until the last of these is over: the main clause first, then each "and at least".
    Clauses(Vec<Clause>),
}

impl Terms {
    /// Returns the clauses; none where records are kept for ever.
    pub fn clauses(&self) -> &[Clause] {
        match self {
            Self::Permanent => &[],
            Self::Clauses(clauses) => clauses,
        }
    }
}

/// One period and what starts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// What starts the clock.
    pub trigger: String,
    /// What rounds the start up.
    pub cutoff: Option<Cutoff>,
    /// The period.
    pub retention: Period,
    /// Why, where the clause says so itself.
    pub authorities: Vec<String>,
}

/// Other terms in one jurisdiction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The terms in full, with what was taken over from the class.
    pub terms: Terms,
    /// The authorities that count there.
    pub authorities: Vec<String>,
}

/// The end of a period of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cutoff {
    /// End of month.
    Month,
    /// End of quarter: March, June, September, December.
    Quarter,
    /// End of calendar year.
    CalendarYear,
    /// End of fiscal year.
    FiscalYear,
    /// End of tax year.
    TaxYear,
    /// End of academic year.
    AcademicYear,
}

impl Cutoff {
    /// All cutoffs.
    pub const ALL: [Self; 6] = [
        Self::Month,
        Self::Quarter,
        Self::CalendarYear,
        Self::FiscalYear,
        Self::TaxYear,
        Self::AcademicYear,
    ];

    /// Returns the words behind `cutoff =`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Month => "end of month",
            Self::Quarter => "end of quarter",
            Self::CalendarYear => "end of calendar year",
            Self::FiscalYear => "end of fiscal year",
            Self::TaxYear => "end of tax year",
            Self::AcademicYear => "end of academic year",
        }
    }
}

/// What happens at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Records are destroyed.
    Destroy,
    /// Somebody looks at them; silence is never consent.
    Review,
    /// They go to an archive.
    Transfer,
    /// They stay, without what identifies a person.
    Anonymise,
    /// They are kept for ever.
    RetainPermanently,
}

impl Disposition {
    /// All dispositions.
    pub const ALL: [Self; 5] =
        [Self::Destroy, Self::Review, Self::Transfer, Self::Anonymise, Self::RetainPermanently];

    /// Returns the words behind `disposition =`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Destroy => "destroy",
            Self::Review => "review",
            Self::Transfer => "transfer",
            Self::Anonymise => "anonymise",
            Self::RetainPermanently => "retain permanently",
        }
    }

    /// Returns what an adapter does about it, if anything.
    pub fn action(self) -> Option<Action> {
        match self {
            Self::Destroy => Some(Action::Destroy),
            Self::Anonymise => Some(Action::Anonymise),
            Self::Review | Self::Transfer | Self::RetainPermanently => None,
        }
    }
}

/// Whether each batch is approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// The owner approves each plan.
    EachBatch,
    /// The approval of the schedule is enough.
    Standing,
}

impl Approval {
    /// Both.
    pub const ALL: [Self; 2] = [Self::EachBatch, Self::Standing];

    /// Returns the words behind `approval =`.
    pub fn words(self) -> &'static str {
        match self {
            Self::EachBatch => "each batch",
            Self::Standing => "standing",
        }
    }
}

/// A system, as IT describes it.
#[derive(Clone, Debug)]
pub struct System {
    /// The name behind `[system.NAME]`.
    pub name: String,
    /// The adapter.
    pub adapter: String,
    /// Where its secret is.
    pub connect: Option<Connect>,
    /// The zone of its dates with a time and without a zone. Where it is not declared, such dates
    /// are taken for the last moment that they can be anywhere on earth.
    pub time_zone: Option<TimeZone>,
    /// Dates that mean "no date".
    pub not_a_date: Vec<Date>,
    /// Dates before this day are not believed.
    pub plausible_from: Option<Date>,
    /// After how many days the last backup copy is gone, as IT declares.
    pub backup_days: Option<u64>,
    /// Remarks.
    pub description: Option<String>,
    /// The settings of the adapter's form.
    pub settings: Settings,
}

/// Where a secret is. Never the secret itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connect {
    /// In an environment variable.
    Env(String),
    /// In a file, relative to the programme's folder.
    File(String),
}

/// Which records of which system belong to a class.
#[derive(Clone, Debug)]
pub struct Holding {
    /// Position in `systems.toml`, from 0.
    pub index: usize,
    /// The class.
    pub class: String,
    /// The system.
    pub system: String,
    /// Where the date of each trigger comes from, in the order of the file.
    pub dates: IndexMap<String, DateSource>,
    /// How to name the person or thing that a record is about.
    pub subject: Option<Template>,
    /// How to name the keeper of a record.
    pub custodian: Option<Template>,
    /// How to tell the jurisdiction of a record.
    pub jurisdiction: Option<Template>,
    /// How to find a record's event in a register.
    pub event: Option<Template>,
    /// Remarks.
    pub description: Option<String>,
    /// The settings of the adapter's form.
    pub settings: Settings,
    /// What an adapter does with due records; nothing for reviews, transfers, permanent classes.
    pub action: Option<Action>,
}

/// Where a date comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DateSource {
    /// From the target: a column, an expression, `mtime`, `path:NAME`.
    Target {
        /// As written.
        source: String,
        /// Where it stands.
        place: Place,
    },
    /// From a register of events.
    Register {
        /// The register's name.
        name: String,
        /// Where it stands.
        place: Place,
    },
}

/// A register of events that people record.
#[derive(Clone, Debug, Default)]
pub struct Register {
    /// The name: that of its file.
    pub name: String,
    /// The day of each event.
    pub events: BTreeMap<String, Date>,
}

impl Register {
    /// Returns the day of an event.
    pub fn date_of(&self, event: &str) -> Option<Date> {
        self.events.get(event).copied()
    }
}
