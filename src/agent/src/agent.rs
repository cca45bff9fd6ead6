//! Everything that a command works with.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use quietus_contract::TargetIdentity;
use quietus_schedule::{Class, System};

use crate::adapters::Adapters;
use crate::clock::Clock;
use crate::durable::Durable;
use crate::error::{UserError, code};
use crate::hold::HoldRegister;
use crate::journal::Journal;
use crate::programme::Loaded;
use crate::settings::{Identity, host_name};

/// A programme with everything that is needed to work on it.
pub struct Agent<'a> {
    /// The programme's files, read once.
    pub loaded: &'a Loaded,
    /// The adapters.
    pub adapters: &'a Adapters,
    /// The only writer of state.
    pub durable: Durable,
    /// The clock.
    pub clock: &'a dyn Clock,
}

impl Agent<'_> {
    /// Returns the programme's folder.
    pub fn dir(&self) -> &Path {
        self.loaded.folder.path()
    }

    /// Returns today in the schedule's zone.
    pub fn today(&self) -> Date {
        let zone = self.loaded.programme.schedule.time_zone.clone();
        self.clock.now().to_zoned(zone).date()
    }

    /// Returns digests of the files that were read, by name, in hex.
    pub fn pins(&self) -> BTreeMap<String, String> {
        let digests = &self.loaded.digests;
        digests.iter().map(|(name, hash)| (name.clone(), crate::hex::encode(&hash.0))).collect()
    }

    /// Returns who this agent is.
    pub fn identity(&self) -> Identity {
        let organisation = &self.loaded.programme.schedule.organisation;
        self.loaded.settings.identity(organisation, &host_name())
    }

    /// Begins with the holds as they were read.
    pub fn holds(&self) -> HoldRegister {
        HoldRegister::new(self.loaded, &self.adapters.forms())
    }

    /// Opens the journal.
    pub fn journal(&self) -> Result<Journal, UserError> {
        let state = self.dir().join("state");
        self.durable.create_dir(&state)?;
        Ok(Journal::open(&state.join("journal.sqlite"), self.durable.clone())?)
    }

    /// Returns a class by its id.
    pub fn class(&self, id: &str) -> Result<&Class, UserError> {
        self.loaded.programme.schedule.classes.get(id).ok_or_else(|| {
            UserError::new(&code::NOT_FOUND, format!("the schedule has no class {id}"))
        })
    }

    /// Returns a system by its name.
    pub fn system(&self, name: &str) -> Result<&System, UserError> {
        self.loaded.programme.systems.get(name).ok_or_else(|| {
            UserError::new(&code::NOT_FOUND, format!("systems.toml has no system {name}"))
                .with_help("`quietus probe` lists the systems")
        })
    }

    /// Proves that a system is the one that was enrolled; enrols it when it is met first.
    ///
    /// A plan is the first that meets a system, and a plan cannot dispose of anything: whoever
    /// signs it signs its target too.
    pub fn prove_identity(
        &self,
        journal: &Journal,
        system: &System,
        identity: &TargetIdentity,
        now: Timestamp,
    ) -> Result<(), UserError> {
        match journal.enrolled(&system.name)? {
            None => Ok(journal.enrol(&system.name, &identity.0, now)?),
            Some(enrolled) if enrolled == identity.0 => Ok(()),
            Some(enrolled) => Err(UserError::new(
                &code::TARGET_CHANGED,
                format!(
                    "system {} is not the one that was enrolled: it was {enrolled}, it is {}",
                    system.name, identity.0
                ),
            )
            .with_help(format!(
                "if it was moved or restored on purpose, look that it is complete and current, \
                 then enrol it again: quietus probe {} --enrol",
                system.name
            ))),
        }
    }
}
