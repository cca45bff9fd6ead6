//! Which fault comes next, and what it waits for.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What happens to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is reset.
    Cut(Cut),
    /// The response ends in an orderly way after so many bytes, and with it the connection.
    Truncate(usize),
    /// The request is swallowed, and all that follows; the connection stays open.
    Stall,
    /// The request is passed on, and all that the server says is swallowed.
    StallResponse,
    /// So many bytes of the response pass, then nothing for that time, then the rest.
    Delay {
        /// How many bytes pass first.
        after_bytes: usize,
        /// How long nothing passes.
        wait: Duration,
    },
    /// The proxy answers in the server's place with these bytes, and ends the connection.
    Answer(Vec<u8>),
}

/// Where a connection is reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Before anything of the request is passed on.
    BeforeRequest,
    /// After so many bytes of the request.
    WithinRequest(usize),
    /// After all of the request, before anything of the response.
    BeforeResponse,
    /// After so many bytes of the response.
    WithinResponse(usize),
}

/// What a fault waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The next request of any connection.
    NextRequest,
    /// A request that has these bytes in it.
    RequestWith(Vec<u8>),
}

/// How often a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// To one request.
    Once,
    /// To every request, until it is mended.
    Always,
}

#[derive(Debug)]
struct Planned {
    fault: Fault,
    trigger: Trigger,
    times: Times,
}

/// All faults that wait.
#[derive(Debug, Default)]
pub(crate) struct Script {
    planned: Mutex<VecDeque<Planned>>,
    refuses: AtomicBool,
    /// Counts how often it was mended.
    mended: AtomicU64,
}

impl Script {
    fn planned(&self) -> MutexGuard<'_, VecDeque<Planned>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn add(&self, fault: Fault, trigger: Trigger, times: Times) {
        self.planned().push_back(Planned { fault, trigger, times });
    }

    pub fn clear(&self) {
        self.planned().clear();
        self.mended.fetch_add(1, Ordering::SeqCst);
    }

    pub fn refuse(&self, on: bool) {
        self.refuses.store(on, Ordering::SeqCst);
    }

    pub fn refuses(&self) -> bool {
        self.refuses.load(Ordering::SeqCst)
    }

    pub fn mended(&self) -> u64 {
        self.mended.load(Ordering::SeqCst)
    }

    /// Takes the first fault that is meant for a request that looks like this so far.
    pub fn take(&self, request: &[u8]) -> Option<Fault> {
        let mut planned = self.planned();
        let at = planned.iter().position(|p| match &p.trigger {
            Trigger::NextRequest => true,
            Trigger::RequestWith(bytes) => contains(request, bytes),
        })?;
        match planned.get(at)?.times {
            Times::Always => planned.get(at).map(|p| p.fault.clone()),
            Times::Once => planned.remove(at).map(|p| p.fault),
        }
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    needle.is_empty() || haystack.windows(needle.len()).any(|window| window == needle)
}
