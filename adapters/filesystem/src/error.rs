//! What an error number of the kernel means for a call, and for one record.

use quietus_contract::{AdapterError, ErrorKind, Retry};
use rustix::io::Errno;

/// Makes the error of a whole call. `doing` says what was tried, without a path below the root.
pub(crate) fn call(doing: &str, errno: Errno) -> AdapterError {
    let message = format!("{doing}: {}", words(errno));
    let error = AdapterError::new(kind(errno), message).with_source(std::io::Error::from(errno));
    match errno {
        Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::AGAIN | Errno::INTR => {
            error.with_retry(Retry::Later)
        }
        _ => error,
    }
}

/// Makes an error about settings, at its place.
pub(crate) fn misconfigured(message: impl Into<String>) -> AdapterError {
    AdapterError::new(ErrorKind::Misconfigured, message)
}

fn kind(errno: Errno) -> ErrorKind {
    match errno {
        Errno::ACCESS | Errno::PERM | Errno::ROFS => ErrorKind::Denied,
        Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL => ErrorKind::Unsupported,
        Errno::NOENT | Errno::NOTDIR | Errno::NODEV | Errno::NXIO => ErrorKind::Unreachable,
        Errno::STALE | Errno::TIMEDOUT | Errno::HOSTDOWN | Errno::NOTCONN => ErrorKind::Unreachable,
        _ => ErrorKind::Broken,
    }
}

/// Says in words what an error number means here; without a name or path.
pub(crate) fn words(errno: Errno) -> &'static str {
    match errno {
        Errno::ACCESS => "the agent's account may not do this here",
        Errno::PERM => "the file system does not permit it (owner, sticky folder or a flag)",
        Errno::ROFS => "the file system is mounted read-only",
        Errno::NOENT => "it is not there",
        Errno::NOTDIR => "something on the way is not a folder",
        Errno::LOOP => "a folder on the way is a link now",
        Errno::XDEV => "a folder on the way is outside the root or on another mount now",
        Errno::BUSY => "it is in use as a mount point or by the system",
        Errno::TXTBSY => "it is a program that runs",
        Errno::NAMETOOLONG => "the name is too long for this file system",
        Errno::NOSPC => "no space is left",
        Errno::DQUOT => "the quota is used up",
        Errno::IO => "the disk reported an error",
        Errno::STALE => "the server no longer knows the file",
        Errno::MFILE | Errno::NFILE => "too many files are open",
        Errno::NOSYS => "the kernel lacks the call",
        Errno::INVAL | Errno::OPNOTSUPP => "the file system lacks the operation",
        Errno::NOMEM => "no memory is left",
        _ => "the file system refused with an error that has no words here",
    }
}

/// Tells whether an error concerns the whole file system, so that nothing more is tried.
pub(crate) fn concerns_all(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::IO | Errno::ROFS | Errno::STALE | Errno::NOMEM | Errno::MFILE | Errno::NFILE
    )
}

/// Tells whether an error says that nothing has that name.
pub(crate) fn is_absence(errno: Errno) -> bool {
    matches!(errno, Errno::NOENT | Errno::NOTDIR)
}
