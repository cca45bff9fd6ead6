//! What can be asked.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;

/// Enforces a records retention schedule, and proves it.
#[derive(Debug, Parser)]
#[command(name = "quietus", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 done; 1 failed; 2 the files or the command line are wrong; \
    3 a guard refused; 4 done in part; 5 verification failed.")]
pub(super) struct Arguments {
    /// The programme's folder.
    #[arg(long, global = true, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// How to print the answer.
    #[arg(long, global = true, value_name = "text|json", default_value = "text")]
    #[arg(hide_possible_values = true, hide_default_value = true)]
    pub output: Output,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The form of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people.
    Text,
    /// One JSON object, for programs.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Begin a programme: files with comments, and keys. Overwrites nothing.
    Init(Init),
    /// Report every defect of every file at once.
    Check,
    /// Print the schedule as people sign it.
    Schedule {
        /// What to do with it.
        #[command(subcommand)]
        command: ScheduleCommand,
    },
    /// Ask systems who they are, what they let us do, and what they promise.
    Probe(Probe),
    /// Say what is there by class and system, and what no rule covers.
    Inventory,
    /// Freeze the list of what is due, with reasons. Deletes nothing, and cannot.
    Plan(Plan),
    /// Say why one record is kept or due: every rule, date and hold.
    Explain(Explain),
    /// Sign off a plan.
    Approve(Approve),
    /// Say no to a plan.
    Reject(Reject),
    /// The register of holds.
    Hold {
        /// What to do with it.
        #[command(subcommand)]
        command: HoldCommand,
    },
    /// Go on with what is open, then plan, dispose, verify and certify.
    Run(Run),
    /// Say what is open, overdue, held, and waiting for somebody.
    Status,
    /// Check a ledger folder or a bundle. Needs nothing else.
    Verify(Verify),
    /// Hand evidence to others.
    Evidence {
        /// What to hand over.
        #[command(subcommand)]
        command: EvidenceCommand,
    },
    /// Print the agent's public keys, or make a key for an approver.
    Key {
        /// What to do; prints the agent's keys if left out.
        #[command(subcommand)]
        command: Option<KeyCommand>,
    },
    /// Make a sample programme and go through all of it, explaining each step.
    Quickstart(Quickstart),
}

/// `init`.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// The organisation whose records these are.
    #[arg(long, value_name = "NAME", default_value = "Example Organisation")]
    pub organisation: String,
    /// The ledger's name for ever: a host name and a path.
    #[arg(long, value_name = "ORIGIN")]
    pub origin: Option<String>,
    /// The time zone in which days are counted.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub time_zone: String,
    /// Where the classes apply, such as JM.
    #[arg(long, value_name = "PLACE", default_value = "JM")]
    pub jurisdiction: String,
}

/// `schedule ...`.
#[derive(Debug, Subcommand)]
pub(super) enum ScheduleCommand {
    /// Print one sentence for each class, with owner and authority.
    Print,
}

/// `probe`.
#[derive(Debug, Args)]
pub(super) struct Probe {
    /// The system; all if left out.
    pub system: Option<String>,
    /// Take the system as it is now for the right one, in place of the one known so far.
    #[arg(long, requires = "system")]
    pub enrol: bool,
}

/// `plan`.
#[derive(Debug, Args)]
pub(super) struct Plan {
    /// The day for which the rules are asked; today if left out. A plan may look ahead.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Date>,
    /// Only this class.
    #[arg(long, value_name = "CLASS")]
    pub class: Option<String>,
    /// Only this system.
    #[arg(long, value_name = "SYSTEM")]
    pub system: Option<String>,
    /// Also list each record, with its due date.
    #[arg(long)]
    pub records: bool,
}

/// `explain`.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The system.
    pub system: String,
    /// The record: its key or its path.
    pub record: String,
    /// Only under this class.
    #[arg(long, value_name = "CLASS")]
    pub class: Option<String>,
    /// The day for which the rules are asked; today if left out.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Date>,
}

/// `approve`.
#[derive(Debug, Args)]
pub(super) struct Approve {
    /// The plan; the newest with records in it if left out.
    pub plan: Option<String>,
    /// The key file to sign with.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Only this class; may be given more than once. All that the key may speak for if left out.
    #[arg(long = "class", value_name = "CLASS")]
    pub classes: Vec<String>,
    /// A record to leave out; each one needs a --reason.
    #[arg(long = "except", value_name = "RECORD", requires = "reasons")]
    pub except: Vec<String>,
    /// Why the record is left out.
    #[arg(long = "reason", value_name = "TEXT", requires = "except")]
    pub reasons: Vec<String>,
}

/// `reject`.
#[derive(Debug, Args)]
pub(super) struct Reject {
    /// The plan; the newest with records in it if left out.
    pub plan: Option<String>,
    /// The key file to sign with.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Only this class; may be given more than once. All that the key may speak for if left out.
    #[arg(long = "class", value_name = "CLASS")]
    pub classes: Vec<String>,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// `hold ...`.
#[derive(Debug, Subcommand)]
pub(super) enum HoldCommand {
    /// Place a hold. Returns once no order that missed it can still be under way.
    Add(HoldAdd),
    /// Release a hold.
    Release(HoldRelease),
    /// List the holds.
    List {
        /// Released ones too.
        #[arg(long)]
        all: bool,
    },
}

/// `hold add`.
#[derive(Debug, Args)]
pub(super) struct HoldAdd {
    /// Its identifier; the next number of the year if left out.
    #[arg(long)]
    pub id: Option<String>,
    /// The case, audit or request.
    #[arg(long, value_name = "TEXT")]
    pub matter: String,
    /// What kind of matter: litigation, audit, investigation, regulator, claim, subject request,
    /// other.
    #[arg(long, value_name = "WORD")]
    pub reason: String,
    /// Who ordered it.
    #[arg(long, value_name = "ROLE")]
    pub ordered_by: String,
    /// Only this class; may be given more than once.
    #[arg(long = "class", value_name = "CLASS")]
    pub classes: Vec<String>,
    /// Only this system; may be given more than once.
    #[arg(long = "system", value_name = "SYSTEM")]
    pub systems: Vec<String>,
    /// Records about this person or thing, such as customer:1042; may be given more than once.
    #[arg(long = "subject", value_name = "SUBJECT")]
    pub subjects: Vec<String>,
    /// Records kept by this person; may be given more than once.
    #[arg(long = "custodian", value_name = "CUSTODIAN")]
    pub custodians: Vec<String>,
    /// Only records with a date on or after this day.
    #[arg(long, value_name = "DATE")]
    pub from: Option<Date>,
    /// Only records with a date on or before this day.
    #[arg(long, value_name = "DATE")]
    pub to: Option<Date>,
    /// When someone looks whether it is still needed.
    #[arg(long, value_name = "DATE")]
    pub review_by: Option<Date>,
}

/// `hold release`.
#[derive(Debug, Args)]
pub(super) struct HoldRelease {
    /// The hold.
    pub id: String,
    /// Who releases it.
    #[arg(long, value_name = "ROLE")]
    pub by: String,
}

/// `run`.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The day for which the rules are asked; today if left out. Never in the future.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Date>,
    /// Carry out this plan.
    #[arg(long, value_name = "PLAN")]
    pub plan: Option<String>,
}

/// `verify`.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// A bundle, or a programme's folder.
    pub path: PathBuf,
    /// The auditor's own policy: which ledgers and witnesses are trusted.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// A checkpoint of the same ledger that was seen before.
    #[arg(long, value_name = "FILE")]
    pub last_seen: Option<PathBuf>,
    /// The opening of one record, to be checked too; may be given more than once.
    #[arg(long = "disclosure", value_name = "FILE")]
    pub disclosures: Vec<PathBuf>,
    /// The level that must be reached.
    #[arg(long, value_name = "LEVEL")]
    pub level: Option<String>,
}

/// `evidence ...`.
#[derive(Debug, Subcommand)]
pub(super) enum EvidenceCommand {
    /// Write a bundle: one file with everything an auditor needs.
    Export {
        /// The file to write.
        file: PathBuf,
        /// Only the certificate with this sequence number.
        #[arg(long, value_name = "SEQ")]
        certificate: Option<u64>,
    },
    /// Open the line of one record, and nothing else.
    Disclose {
        /// The system.
        system: String,
        /// The record: its key or its path.
        record: String,
        /// The file to write.
        file: PathBuf,
        /// The class, where records of two tables have the same key.
        #[arg(long, value_name = "CLASS")]
        class: Option<String>,
    },
}

/// `key ...`.
#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Print the agent's public keys.
    Show,
    /// Print a policy file for auditors: what they pin, to be handed over on paper or in person.
    Policy,
    /// Make a key for an approver.
    New {
        /// The key's name, such as finance-manager.
        name: String,
        /// Where to write NAME.key and NAME.pub.
        #[arg(long, value_name = "DIR", default_value = ".")]
        to: PathBuf,
    },
}

/// `quickstart`.
#[derive(Debug, Args)]
pub(super) struct Quickstart {
    /// Where to make the sample programme.
    #[arg(default_value = "quietus-sample")]
    pub target: PathBuf,
}
