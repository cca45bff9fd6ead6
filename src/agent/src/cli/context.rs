//! What every command works with.

use std::future::Future;
use std::path::Path;

use jiff::civil::Date;
use quietus_contract::Form;

use crate::adapters::Adapters;
use crate::agent::Agent;
use crate::clock::{Clock, SystemClock};
use crate::durable::Durable;
use crate::error::{UserError, code};
use crate::programme::{self, Folder, Loaded};

/// Threads that work besides the one that waits for the targets.
const WORKERS: usize = 2;

/// The folder, the clock, the adapters, the writer of state.
pub(super) struct Context {
    pub folder: Folder,
    pub adapters: Adapters,
    pub forms: Vec<&'static Form>,
    pub clock: SystemClock,
    pub durable: Durable,
}

impl Context {
    pub fn new(dir: &Path) -> Self {
        let adapters = Adapters::built_in();
        let forms = adapters.forms();
        Self {
            folder: Folder::new(dir),
            adapters,
            forms,
            clock: SystemClock,
            durable: Durable::new(),
        }
    }

    /// Reads and checks the programme.
    pub fn load(&self) -> Result<Loaded, UserError> {
        programme::load(&self.folder, &self.forms)
    }

    /// Makes everything that works on a programme.
    pub fn agent<'a>(&'a self, loaded: &'a Loaded) -> Agent<'a> {
        Agent {
            loaded,
            adapters: &self.adapters,
            durable: self.durable.clone(),
            clock: &self.clock,
        }
    }

    /// Returns today in the schedule's zone.
    pub fn today(&self, loaded: &Loaded) -> Date {
        self.clock.now().to_zoned(loaded.programme.schedule.time_zone.clone()).date()
    }

    /// Returns today in the schedule's zone, or in UTC if the schedule cannot be read: a hold must
    /// always be possible.
    pub fn today_anywhere(&self) -> Date {
        match self.load() {
            Ok(loaded) => self.today(&loaded),
            Err(_) => self.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date(),
        }
    }

    /// Makes the folder of working state.
    pub fn state(&self) -> Result<std::path::PathBuf, UserError> {
        let state = self.folder.state();
        self.durable.create_dir(&state)?;
        Ok(state)
    }

    /// Runs what waits for targets.
    pub fn wait_for<T>(
        &self,
        work: impl Future<Output = Result<T, UserError>>,
    ) -> Result<T, UserError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            // One batch is prepared and one is written down beside the one at hand: more at once
            // would only take more memory.
            .max_blocking_threads(1)
            .enable_time()
            .build()
            .map_err(|error| {
                UserError::new(&code::OUTPUT_FAILED, "the system gives no threads to work with")
                    .with_help("let the agent's account start a few threads")
                    .with_source(error)
            })?;
        runtime.block_on(work)
    }
}
