//! `quietus.toml`: who the agent is, how much it may dispose of, and who approves.
//!
//! ```toml
//! [agent]
//! organisation = "Blue Mountain Trading Limited"   # default: the schedule's
//! unit         = "Records Office"
//! contact      = "records@example.com"
//! name         = "agent-1"                         # default: the host's name
//! origin       = "records.example.com/agent-1"     # default: the key's; never changes
//!
//! [limits]
//! records_max       = 1000
//! share_max_percent = 25
//! growth_max_times  = 3
//!
//! [limits.class.FIN-010]
//! records_max = 20000
//!
//! [[approver]]
//! role    = "Finance Manager"
//! name    = "J. Brown"
//! key     = "finance-manager+1a2b3c4d+AQ..."
//! classes = ["FIN-010"]                            # besides those that the role owns
//! ```

mod limits;
mod read;

use indexmap::IndexMap;
use quietus_contract::Place;
use quietus_evidence::note::VerifierKey;

pub use limits::{Breach, History, Limits};
pub(crate) use read::is_origin;
pub use read::{class_names, read};

use crate::keys::key_id;

/// The agent's settings.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The organisation; the schedule's where this says nothing.
    pub organisation: Option<String>,
    /// The unit that answers for the agent.
    pub unit: Option<String>,
    /// How to reach it.
    pub contact: Option<String>,
    /// The agent's name; the host's where this says nothing.
    pub name: Option<String>,
    /// The ledger's name for ever.
    pub origin: Option<String>,
    /// How much may be disposed of in one run.
    pub limits: LimitTable,
    /// Who may approve.
    pub approvers: Vec<Approver>,
}

/// Limits in general and for single classes.
#[derive(Clone, Debug, Default)]
pub struct LimitTable {
    /// In general.
    pub general: Limits,
    /// For single classes, with the place of each table.
    pub by_class: IndexMap<String, (Limits, Place)>,
}

impl LimitTable {
    /// Returns the limits of a class.
    pub fn of(&self, class: &str) -> Limits {
        self.by_class.get(class).map_or(self.general, |(limits, _)| *limits)
    }
}

/// Somebody who may approve disposals.
#[derive(Clone, Debug)]
pub struct Approver {
    /// The role, as classes name their owner.
    pub role: String,
    /// The person.
    pub name: String,
    /// The public key.
    pub key: VerifierKey,
    /// Classes besides those that the role owns.
    pub classes: Vec<String>,
    /// Where the table stands.
    pub place: Place,
}

impl Approver {
    /// Returns the id of the approver's key.
    pub fn key_id(&self) -> String {
        key_id(&self.key)
    }

    /// Says whether this approver may approve the disposal of a class.
    pub fn may_approve(&self, class: &str, owner: &str) -> bool {
        self.role == owner || self.classes.iter().any(|c| c == class)
    }
}

/// Who the agent is, with nothing left open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The organisation.
    pub organisation: String,
    /// The unit, empty where nobody said.
    pub unit: String,
    /// The contact, empty where nobody said.
    pub contact: String,
    /// The agent's name.
    pub name: String,
    /// The host's name.
    pub host: String,
}

impl Settings {
    /// Fills in what the settings leave open.
    pub fn identity(&self, schedule_organisation: &str, host: &str) -> Identity {
        Identity {
            organisation: self
                .organisation
                .clone()
                .unwrap_or_else(|| schedule_organisation.to_owned()),
            unit: self.unit.clone().unwrap_or_default(),
            contact: self.contact.clone().unwrap_or_default(),
            name: self.name.clone().unwrap_or_else(|| host.to_owned()),
            host: host.to_owned(),
        }
    }

    /// Returns the approver with a key.
    pub fn approver(&self, key_id: &str) -> Option<&Approver> {
        self.approvers.iter().find(|a| a.key_id() == key_id)
    }
}

/// Returns the host's name.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
