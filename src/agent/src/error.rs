//! The errors that users see: a code, a sentence, a place and what to do.
//!
//! Every error of a module becomes a [`UserError`] here and nowhere else. Each code has a section
//! in `docs/errors.md` and a snapshot; a test pairs the three.

use std::error::Error;

use quietus_contract::{AdapterError, ErrorKind, Place};

use crate::durable::DurableError;
use crate::journal::JournalError;
use crate::lock::LockError;

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// The files or the command line are wrong.
    Wrong = 2,
    /// A guard refused.
    Refused = 3,
    /// Done in part: something failed, is indeterminate or awaits approval.
    Partly = 4,
    /// Verification failed or reached less than the level asked for.
    NotVerified = 5,
}

impl Exit {
    /// Returns the number that the process ends with.
    pub fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Wrong => 2,
            Self::Refused => 3,
            Self::Partly => 4,
            Self::NotVerified => 5,
        }
    }
}

/// A kind of error: its stable name and how the command ends.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// The name, a section of `docs/errors.md`.
    pub name: &'static str,
    /// How the command ends.
    pub exit: Exit,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $constant:ident = $name:literal, $exit:ident;)*) => {
        /// All kinds of errors.
        pub mod code {
            use super::{Code, Exit};
            $($(#[$doc])* pub static $constant: Code = Code { name: $name, exit: Exit::$exit };)*
            /// Every code, in the order of `docs/errors.md`.
            pub static ALL: &[&Code] = &[$(&$constant),*];
        }
    };
}

codes! {
    /// A file of the programme is missing or cannot be read.
    PROGRAMME_UNREADABLE = "programme_unreadable", Wrong;
    /// The programme's files have defects.
    PROGRAMME_DEFECTS = "programme_defects", Wrong;
    /// `holds.toml` cannot be understood, so nobody can tell what is held.
    HOLDS_UNREADABLE = "holds_unreadable", Refused;
    /// A command cannot be carried out with these arguments.
    COMMAND_LINE = "command_line", Wrong;
    /// A system, class or record of that name is not there.
    NOT_FOUND = "not_found", Wrong;
    /// Another run is at work.
    LOCKED = "locked", Refused;
    /// A lock could not be used.
    LOCK_BROKEN = "lock_broken", Failed;
    /// State could not be written.
    WRITE_FAILED = "write_failed", Failed;
    /// A file is there already.
    FILE_EXISTS = "file_exists", Refused;
    /// A file of the programme's state cannot be read.
    STATE_UNREADABLE = "state_unreadable", Failed;
    /// A key file is missing.
    KEY_MISSING = "key_missing", Wrong;
    /// A key file is not what it should be.
    KEY_UNUSABLE = "key_unusable", Wrong;
    /// A key file can be read by others.
    KEY_EXPOSED = "key_exposed", Refused;
    /// A key may not do what was asked.
    KEY_NOT_ALLOWED = "key_not_allowed", Refused;
    /// The answer could not be printed.
    OUTPUT_FAILED = "output_failed", Failed;
    /// The sample programme could not be made.
    SAMPLE_FAILED = "sample_failed", Failed;
    /// The operating system gives no random bytes.
    RANDOMNESS = "randomness", Failed;
    /// The target cannot be reached.
    TARGET_UNREACHABLE = "target_unreachable", Failed;
    /// The target does not let the agent.
    TARGET_DENIED = "target_denied", Failed;
    /// It is another target than the enrolled one.
    TARGET_CHANGED = "target_changed", Refused;
    /// The settings do not fit the target.
    TARGET_SETTINGS = "target_settings", Wrong;
    /// The target lacks something that is needed.
    TARGET_UNSUPPORTED = "target_unsupported", Refused;
    /// The target failed within.
    TARGET_BROKEN = "target_broken", Failed;
    /// A secret that `connect` names is not there.
    SECRET_MISSING = "secret_missing", Wrong;
    /// A plan no longer fits.
    PLAN_STALE = "plan_stale", Refused;
    /// Nobody can tell whether records are gone.
    IN_DOUBT = "in_doubt", Partly;
    /// The clock is not believed.
    CLOCK_REFUSED = "clock_refused", Refused;
    /// The ledger takes no entry.
    LEDGER_REFUSED = "ledger_refused", Failed;
    /// The ledger is not as it was left.
    LEDGER_CHANGED = "ledger_changed", Refused;
    /// An auditor's policy cannot be used.
    POLICY_UNUSABLE = "policy_unusable", Wrong;
    /// Evidence cannot be read.
    EVIDENCE_UNREADABLE = "evidence_unreadable", Failed;
    /// The journal cannot be used.
    JOURNAL_BROKEN = "journal_broken", Failed;
}

/// An error as a user sees it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct UserError {
    /// Which kind.
    pub code: &'static Code,
    /// What is wrong and where, in one sentence.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// Where it stands in a file.
    pub place: Option<Place>,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl UserError {
    /// Makes an error.
    pub fn new(code: &'static Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None, place: None, source: None }
    }

    /// Adds what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds where it stands.
    #[must_use]
    pub fn with_place(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Says whether the error is about one system, so that others can go on.
    pub fn is_of_one_system(&self) -> bool {
        [
            &code::TARGET_UNREACHABLE,
            &code::TARGET_DENIED,
            &code::TARGET_CHANGED,
            &code::TARGET_SETTINGS,
            &code::TARGET_UNSUPPORTED,
            &code::TARGET_BROKEN,
            &code::SECRET_MISSING,
        ]
        .contains(&self.code)
    }

    /// Puts the system's name in front of the message.
    #[must_use]
    pub fn in_system(mut self, system: &str) -> Self {
        self.message = format!("system {system}: {}", self.message);
        self
    }
}

impl From<DurableError> for UserError {
    fn from(error: DurableError) -> Self {
        let code = match error {
            DurableError::Failed { .. } | DurableError::Stopped { .. } => &code::WRITE_FAILED,
            DurableError::Exists { .. } | DurableError::Differs { .. } => &code::FILE_EXISTS,
        };
        let help = error.help();
        Self::new(code, error.to_string()).with_help(help)
    }
}

impl From<JournalError> for UserError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Durable(error) => error.into(),
            JournalError::Database(_) => Self::new(&code::JOURNAL_BROKEN, error.to_string())
                .with_help(
                    "look for room and rights in the state folder, then run again: the run goes on \
                     where it stopped",
                ),
            JournalError::Illegal(_) | JournalError::Damaged(_) => {
                Self::new(&code::JOURNAL_BROKEN, error.to_string())
                    .with_help("nothing more was disposed of")
            }
        }
    }
}

impl From<LockError> for UserError {
    fn from(error: LockError) -> Self {
        let (code, help) = match error {
            LockError::Taken { .. } => (
                &code::LOCKED,
                "wait until it has ended; nothing but the end of that process frees the lock",
            ),
            LockError::TimedOut { .. } => (
                &code::LOCKED,
                "look which quietus process is at work on this host, and try again when it is done",
            ),
            LockError::Lost { .. } => (
                &code::LOCK_BROKEN,
                "somebody removed or replaced files in the state folder; leave them to quietus, \
                 make sure that no other run is at work, and run again",
            ),
            LockError::Broken { .. } => (
                &code::LOCK_BROKEN,
                "the state folder must be on a local file system that the agent's account may \
                 write to",
            ),
        };
        Self::new(code, error.to_string()).with_help(help)
    }
}

/// Says what to do about a target where its adapter does not.
fn usual_help(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Unreachable => "look that the system is up and can be reached, then run again",
        ErrorKind::Denied => "look at the rights of the account that `connect` names",
        ErrorKind::WrongTarget => {
            "look which target `systems.toml` names; `quietus probe --enrol` takes it as the right one"
        }
        ErrorKind::Misconfigured => "mend what systems.toml says of it",
        ErrorKind::Unsupported => "`quietus probe` says what the system lacks",
        ErrorKind::Broken => "look into the system's own log; when it is well again, run again",
    }
}

impl From<AdapterError> for UserError {
    fn from(error: AdapterError) -> Self {
        let code = match error.kind {
            ErrorKind::Unreachable => &code::TARGET_UNREACHABLE,
            ErrorKind::Denied => &code::TARGET_DENIED,
            ErrorKind::WrongTarget => &code::TARGET_CHANGED,
            ErrorKind::Misconfigured => &code::TARGET_SETTINGS,
            ErrorKind::Unsupported => &code::TARGET_UNSUPPORTED,
            ErrorKind::Broken => &code::TARGET_BROKEN,
        };
        let help = error.help.unwrap_or_else(|| usual_help(error.kind).to_owned());
        Self { code, message: error.message, help: Some(help), place: None, source: error.source }
    }
}
