//! The states of a batch, and the one table of its changes.
//!
//! A record's state is that of its batch, and within a batch that of its order: a record is
//! *planned* until its batch is intended, *dispatched* from the moment its order is written down
//! as sent, *settled* when the order's outcomes are durable.

use std::fmt;

/// A state of a batch or of one of its orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// In the frozen plan; nothing happened.
    Planned,
    /// The intent is durable, here and in the ledger.
    Intended,
    /// An order was sent, or was about to be; its answer is not known.
    Dispatched,
    /// Every record has an outcome.
    Settled,
    /// Every outcome was checked by a separate read.
    Verified,
    /// The certificate is durable, here and in the ledger.
    Certified,
}

/// Something that changes a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The intent was written.
    Intend,
    /// An order is about to be sent.
    Dispatch,
    /// The target answered for every record.
    Settle,
    /// After a lost answer, a read found the records still there as planned.
    FoundUntouched,
    /// A read checked every outcome.
    Verify,
    /// The certificate was written.
    Certify,
}

/// A change that the table does not have.
#[derive(Debug, thiserror::Error)]
#[error(
    "a batch that is {state} cannot {event:?}: the journal is damaged, keep it and ask for help"
)]
pub struct Illegal {
    state: State,
    event: Event,
}

impl State {
    /// All states, in order.
    pub const ALL: [Self; 6] = [
        Self::Planned,
        Self::Intended,
        Self::Dispatched,
        Self::Settled,
        Self::Verified,
        Self::Certified,
    ];

    /// Returns the state after `event`.
    pub fn after(self, event: Event) -> Result<Self, Illegal> {
        match (self, event) {
            (Self::Planned, Event::Intend) => Ok(Self::Intended),
            (Self::Intended, Event::Dispatch) => Ok(Self::Dispatched),
            // Nothing of it was sent: holds, guards and exceptions took every record out.
            (Self::Intended, Event::Settle) => Ok(Self::Settled),
            (Self::Dispatched, Event::Settle) => Ok(Self::Settled),
            (Self::Dispatched, Event::FoundUntouched) => Ok(Self::Intended),
            (Self::Settled, Event::Verify) => Ok(Self::Verified),
            (Self::Verified, Event::Certify) => Ok(Self::Certified),
            (state, event) => Err(Illegal { state, event }),
        }
    }

    /// Returns the word that the journal has for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Intended => "intended",
            Self::Dispatched => "dispatched",
            Self::Settled => "settled",
            Self::Verified => "verified",
            Self::Certified => "certified",
        }
    }

    /// Reads the journal's word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

impl Event {
    /// All events, in order.
    pub const ALL: [Self; 6] = [
        Self::Intend,
        Self::Dispatch,
        Self::Settle,
        Self::FoundUntouched,
        Self::Verify,
        Self::Certify,
    ];
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Renders the table as `docs/lifecycle.md` has it.
    fn table() -> String {
        let mut text = String::from("| state |");
        for event in Event::ALL {
            text += &format!(" {event:?} |");
        }
        text += "\n|---|---|---|---|---|---|---|\n";
        for state in State::ALL {
            text += &format!("| {state} |");
            for event in Event::ALL {
                text += &match state.after(event) {
                    Ok(next) => format!(" {next} |"),
                    Err(_) => " - |".to_owned(),
                };
            }
            text.push('\n');
        }
        text
    }

    #[test]
    fn the_lifecycle_page_has_this_table() {
        let page = std::fs::read_to_string(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/lifecycle.md"
        ))
        .unwrap();
        assert!(page.contains(&table()), "put this into docs/lifecycle.md:\n{}", table());
    }

    #[test]
    fn no_event_leads_back_behind_an_intent() {
        for state in State::ALL {
            for event in Event::ALL {
                if let Ok(next) = state.after(event) {
                    assert!(next > State::Planned);
                }
            }
        }
    }
}
