//! Errors of whole calls, in the contract's words.

use quietus_contract::{AdapterError, ErrorKind, Retry};

use crate::link::Lost;

/// Turns a lost request into the error of the call.
pub(crate) fn lost(lost: Lost) -> AdapterError {
    let (kind, retry, message) = match lost {
        Lost::NoAnswer => {
            (ErrorKind::Unreachable, Retry::Later, "the store did not answer in time")
        }
        Lost::Unreachable => (ErrorKind::Unreachable, Retry::Later, "the store cannot be reached"),
        Lost::Busy => (ErrorKind::Unreachable, Retry::Later, "the store asks to come back later"),
        Lost::Denied => (ErrorKind::Denied, Retry::Never, "the store does not know the credential"),
    };
    AdapterError::new(kind, message).with_retry(retry)
}

/// The credential is shown no such shelf: it is not there, or we may not see it.
pub(crate) fn no_shelf() -> AdapterError {
    AdapterError::new(ErrorKind::Denied, "the store shows no such shelf to this credential")
        .with_help("check the name of the shelf and the rights of the account")
}

/// The answer has fewer lines than it says.
pub(crate) fn broken_answer() -> AdapterError {
    AdapterError::new(ErrorKind::Broken, "the store's answer broke off").with_retry(Retry::Later)
}

/// A cursor or version that this adapter never wrote.
pub(crate) fn foreign(what: &str) -> AdapterError {
    AdapterError::new(ErrorKind::Broken, format!("a {what} is not one of this adapter's"))
}
