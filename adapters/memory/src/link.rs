//! The wire between adapter and store, where faults happen.

use std::collections::VecDeque;
use std::time::Duration;

use crate::store::{Rights, State, Store};

/// Kinds of requests, to aim a fault at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Who are you.
    Hello,
    /// A listing.
    List,
    /// Single records.
    Get,
    /// Destroys or redacts.
    Dispose,
    /// Trash and earlier versions.
    Copies,
}

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It never arrives, and no answer ever comes.
    LoseRequest,
    /// It is carried out, and the answer never comes.
    LoseResponse,
    /// It is carried out after that time.
    Slow(Duration),
    /// The answer breaks off in its middle, after everything was carried out.
    Partial,
    /// The target asks to come back later; nothing is carried out.
    Busy,
    /// The connection is refused.
    Unreachable,
    /// The target dies after that many records of an order, and comes back; no answer.
    CrashAfter(usize),
}

/// How often a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// So often.
    Count(u32),
    /// Until it is mended.
    Forever,
}

/// The faults that wait for requests.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    waiting: VecDeque<(Fault, Option<Kind>, Times)>,
}

impl Faults {
    pub fn add(&mut self, fault: Fault, kind: Option<Kind>, times: Times) {
        self.waiting.push_back((fault, kind, times));
    }

    /// Takes the first fault that is meant for such a request.
    fn take(&mut self, kind: Kind) -> Option<Fault> {
        let at = self.waiting.iter().position(|(_, k, _)| k.is_none_or(|k| k == kind))?;
        let (fault, _, times) = self.waiting.get_mut(at)?;
        let fault = *fault;
        match times {
            Times::Forever => {}
            Times::Count(n) if *n > 1 => *n -= 1,
            Times::Count(_) => {
                self.waiting.remove(at);
            }
        }
        Some(fault)
    }
}

/// Why a request has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// Nothing came back in time: it may or may not have been carried out.
    NoAnswer,
    /// Nothing was carried out: the connection was refused.
    Unreachable,
    /// Nothing was carried out: the target asks to come back later.
    Busy,
    /// Nothing was carried out: the credential is not known there.
    Denied,
}

/// How a request reaches the store: what the closure of a request is told.
pub(crate) struct Wire {
    /// What the account may do.
    pub rights: Rights,
    /// After how many records the target dies.
    pub crash_after: Option<usize>,
    /// Whether the answer breaks off.
    partial: bool,
}

impl Wire {
    /// Breaks an answer off where the fault says so.
    pub fn send<T>(&self, mut answer: Vec<T>) -> Vec<T> {
        if self.partial {
            answer.truncate(answer.len() / 2);
        }
        answer
    }
}

/// Attempts for one request that the target put off.
pub(crate) const ATTEMPTS_MAX: u32 = 3;
const PAUSE: Duration = Duration::from_millis(5);

/// One end of the wire: a credential and a deadline.
#[derive(Debug)]
pub(crate) struct Link {
    pub store: Store,
    pub secret: Option<quietus_contract::Secret>,
    pub deadline: Duration,
}

impl Link {
    /// Sends one request; tries again, a bounded number of times, what the target put off.
    pub async fn call<T>(
        &self,
        kind: Kind,
        act: impl Fn(&mut State, &Wire) -> T,
    ) -> Result<T, Lost> {
        let attempts = async {
            let mut pause = PAUSE;
            for _ in 1..ATTEMPTS_MAX {
                match self.send(kind, &act).await {
                    Err(Lost::Busy) => tokio::time::sleep(pause).await,
                    answer => return answer,
                }
                pause *= 2;
            }
            self.send(kind, &act).await
        };
        tokio::time::timeout(self.deadline, attempts).await.unwrap_or(Err(Lost::NoAnswer))
    }

    async fn send<T>(&self, kind: Kind, act: &impl Fn(&mut State, &Wire) -> T) -> Result<T, Lost> {
        let fault = {
            let mut state = self.store.lock();
            state.requests = state.requests.saturating_add(1);
            state.faults.take(kind)
        };
        match fault {
            Some(Fault::LoseRequest) => std::future::pending().await,
            Some(Fault::Slow(wait)) => tokio::time::sleep(wait).await,
            Some(Fault::Busy) => return Err(Lost::Busy),
            Some(Fault::Unreachable) => return Err(Lost::Unreachable),
            _ => tokio::task::yield_now().await,
        }
        let answer = self.carry_out(fault, act)?;
        match fault {
            Some(Fault::LoseResponse | Fault::CrashAfter(_)) => std::future::pending().await,
            _ => tokio::task::yield_now().await,
        }
        Ok(answer)
    }

    /// The target's side.
    fn carry_out<T>(
        &self,
        fault: Option<Fault>,
        act: &impl Fn(&mut State, &Wire) -> T,
    ) -> Result<T, Lost> {
        let mut state = self.store.lock();
        let secret = self.secret.as_ref().map_or("", |s| s.reveal());
        let rights = match state.accounts.get(secret) {
            Some(rights) => *rights,
            None if state.accounts.is_empty() => Rights::Full,
            None => return Err(Lost::Denied),
        };
        let wire = Wire {
            rights,
            crash_after: match fault {
                Some(Fault::CrashAfter(n)) => Some(n),
                _ => None,
            },
            partial: fault == Some(Fault::Partial),
        };
        Ok(act(&mut state, &wire))
    }
}
