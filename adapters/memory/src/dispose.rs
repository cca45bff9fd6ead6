//! The half that disposes.

use async_trait::async_trait;
use quietus_contract::{Action, AdapterError, DisposalOrder, Disposer, ErrorKind, Outcome, Result};

use crate::config::{Client, label_of, shelf_of};
use crate::inventory::{ORDER_RECORDS_MAX, read_version};
use crate::link::{Kind, Lost, Wire};
use crate::shelf::Done;
use crate::store::{Rights, State};

#[async_trait]
impl Disposer for Client {
    async fn dispose(&self, order: &DisposalOrder) -> Result<Vec<Outcome>> {
        let records = order.records();
        if records.len() > ORDER_RECORDS_MAX {
            return Err(AdapterError::new(
                ErrorKind::Unsupported,
                format!("an order has at most {ORDER_RECORDS_MAX} records"),
            ));
        }
        let asked = records
            .iter()
            .map(|r| Ok((r.locator.parts(), read_version(&r.version)?)))
            .collect::<Result<Vec<_>>>()?;
        let job = Job {
            shelf: shelf_of(order.scope())?,
            label: label_of(order.scope()),
            action: order.scope().holding.action,
            asked: &asked,
        };
        let answer =
            self.link.call(Kind::Dispose, |state, wire| carry_out(state, wire, &job)).await;
        Ok(match answer {
            Ok(done) => {
                let known = done.into_iter().map(outcome);
                let cut = || Outcome::Indeterminate {
                    reason: "the store's answer broke off before this record".to_owned(),
                };
                known.chain(std::iter::repeat_with(cut)).take(records.len()).collect()
            }
            Err(why) => records.iter().map(|_| without_answer(why)).collect(),
        })
    }
}

/// What an order asks of the store.
struct Job<'o> {
    shelf: &'o str,
    label: Option<&'o str>,
    action: Action,
    asked: &'o [(Vec<String>, u64)],
}

/// The target's side: all records under one lock; a transactional store that dies midway
/// comes back as it was.
fn carry_out(state: &mut State, wire: &Wire, job: &Job<'_>) -> Vec<Option<Done>> {
    if wire.rights != Rights::Full || !state.shelves.contains_key(job.shelf) {
        return job.asked.iter().map(|_| None).collect();
    }
    let records_max = match wire.crash_after {
        Some(_) if state.transactional => 0,
        Some(n) => n,
        None => usize::MAX,
    };
    let trash = state.trash;
    let mut done = Vec::with_capacity(job.asked.len());
    for (name, version) in job.asked.iter().take(records_max) {
        let next = state.next_version();
        let Some(shelf) = state.shelves.get_mut(job.shelf) else { break };
        done.push(Some(match job.action {
            Action::Destroy => shelf.destroy(name, *version, job.label, trash),
            Action::Anonymise => shelf.redact(name, *version, job.label, next),
        }));
    }
    wire.send(done)
}

fn outcome(done: Option<Done>) -> Outcome {
    match done {
        Some(Done::Gone { members }) => Outcome::Disposed { members },
        Some(Done::Missing) => Outcome::AlreadyAbsent,
        Some(Done::OtherVersion) => Outcome::Changed,
        Some(Done::Held(hold)) => Outcome::Held { by: hold.kind, until: hold.until },
        Some(Done::Protected) => {
            Outcome::Refused { reason: "the store protects this record".to_owned() }
        }
        None => Outcome::Refused {
            reason: "the store does not let this account dispose of records there".to_owned(),
        },
    }
}

fn without_answer(why: Lost) -> Outcome {
    match why {
        Lost::NoAnswer => {
            Outcome::Indeterminate { reason: "the store did not answer in time".to_owned() }
        }
        Lost::Unreachable => {
            Outcome::NotAttempted { reason: "the store cannot be reached".to_owned() }
        }
        Lost::Busy => {
            Outcome::NotAttempted { reason: "the store asks to come back later".to_owned() }
        }
        Lost::Denied => {
            Outcome::Refused { reason: "the store does not know the credential".to_owned() }
        }
    }
}
