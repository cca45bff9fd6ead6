//! Locks: one deleter at a time, and a gate between disposals and new holds.
//!
//! ```text
//! run.lock       held by a run for the life of its process: one deleter (P15)
//! turn.lock      whoever wants to pass the gate takes it first, so that nobody starves
//! plan.lock      shared by whoever makes a plan
//! dispatch.lock  held by the executor during one order; `hold add` waits until it is free (P1)
//! ```
//!
//! The kernel drops these locks when their process ends, however it ends. No command breaks one,
//! and none is ever judged stale by its age.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

/// Bytes of a lock file that are read to name its holder.
const HOLDER_BYTES_MAX: u64 = 1024;
/// How often a lock file may turn out to have been replaced while it was being taken.
const REPLACED_TRIES_MAX: u32 = 8;
/// How long a planner waits for one that takes leftovers away.
const PLANNING_PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two looks at a lock that another process holds.
const WAIT_STEP: Duration = Duration::from_millis(10);

/// What can go wrong with a lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("another run is at work ({holder})")]
    Taken {
        /// Who, as far as the lock file tells.
        holder: String,
    },
    /// It did not become free in time.
    #[error("{path} did not become free within {seconds} s ({holder})", path = .path.display())]
    TimedOut {
        /// The lock file.
        path: PathBuf,
        /// How long was waited.
        seconds: u64,
        /// Who has it, as far as the lock file tells.
        holder: String,
    },
    /// The lock file was replaced under its holder.
    #[error("{path} is no longer the file that this run locked", path = .path.display())]
    Lost {
        /// The lock file.
        path: PathBuf,
    },
    /// The lock file cannot be used.
    #[error("{path} cannot be locked: {source}", path = .path.display())]
    Broken {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

type Result<T> = std::result::Result<T, LockError>;

/// The right to dispose of records, held for the life of the process.
#[derive(Debug)]
pub struct RunLock {
    file: File,
    path: PathBuf,
}

impl RunLock {
    /// Takes `run.lock` in the state folder, or says who has it.
    pub fn take(state: &Path, now: Timestamp) -> Result<Self> {
        let path = state.join("run.lock");
        let mut file = open_and_try(&path, FlockOperation::NonBlockingLockExclusive)?
            .ok_or_else(|| LockError::Taken { holder: read_holder(&path) })?;
        write_holder(&mut file, now).map_err(|source| broken(&path, source))?;
        Ok(Self { file, path })
    }

    /// Fails if the lock file was removed or replaced, so that another run could have started.
    pub fn check(&self) -> Result<()> {
        if same_file(&self.file, &self.path) {
            return Ok(());
        }
        Err(LockError::Lost { path: self.path.clone() })
    }
}

/// Held while a plan is being made, by any number of planners: what others left half made may be
/// taken away only while there is none.
#[derive(Debug)]
pub struct PlanningLock {
    _file: File,
}

impl PlanningLock {
    /// Says that a plan is being made.
    pub fn share(state: &Path) -> Result<Self> {
        let path = state.join("plan.lock");
        let file = wait_for(&path, FlockOperation::NonBlockingLockShared, PLANNING_PATIENCE)?;
        Ok(Self { _file: file })
    }

    /// Makes sure that no plan is being made; `None` if one is.
    pub fn try_alone(state: &Path) -> Result<Option<Self>> {
        let path = state.join("plan.lock");
        let file = open_and_try(&path, FlockOperation::NonBlockingLockExclusive)?;
        Ok(file.map(|file| Self { _file: file }))
    }
}

/// The gate between disposals and holds.
///
/// # Behavior
///
/// - The executor passes it for each order, and reads the holds *after* it passed.
/// - `hold add` shuts it, writes the hold, and then waits until the order in flight is done: no
///   order that begins later can have read the old holds.
/// - Who shuts it is never starved by a run of orders.
#[derive(Debug)]
pub struct DispatchGate {
    turn: PathBuf,
    dispatch: PathBuf,
}

/// The executor's passage; the order is over when it is dropped.
#[derive(Debug)]
pub struct OrderPassage {
    _dispatch: File,
}

/// The gate is shut: no new order begins until this is dropped.
#[derive(Debug)]
pub struct ShutGate {
    _turn: File,
    dispatch: PathBuf,
}

/// No order is in flight, and none begins until this is dropped.
#[derive(Debug)]
pub struct QuietGate {
    _shut: ShutGate,
    _dispatch: File,
}

impl DispatchGate {
    /// Names the gate of a state folder.
    pub fn new(state: &Path) -> Self {
        Self { turn: state.join("turn.lock"), dispatch: state.join("dispatch.lock") }
    }

    /// Passes the gate for one order; waits while a hold is being placed.
    pub fn pass(&self, patience: Duration) -> Result<OrderPassage> {
        let turn = wait_for(&self.turn, FlockOperation::NonBlockingLockExclusive, patience)?;
        let dispatch = wait_for(&self.dispatch, FlockOperation::NonBlockingLockShared, patience)?;
        drop(turn);
        Ok(OrderPassage { _dispatch: dispatch })
    }

    /// Shuts the gate for new orders; one may still be in flight.
    pub fn shut(&self, patience: Duration) -> Result<ShutGate> {
        let turn = wait_for(&self.turn, FlockOperation::NonBlockingLockExclusive, patience)?;
        Ok(ShutGate { _turn: turn, dispatch: self.dispatch.clone() })
    }
}

impl ShutGate {
    /// Waits until the order in flight is done.
    ///
    /// # Behavior
    ///
    /// - On a time-out the gate opens again; a hold that was written before stays written and
    ///   counts for every later order. Only the order in flight may have missed it.
    pub fn wait_quiet(self, patience: Duration) -> Result<QuietGate> {
        let dispatch =
            wait_for(&self.dispatch, FlockOperation::NonBlockingLockExclusive, patience)?;
        Ok(QuietGate { _shut: self, _dispatch: dispatch })
    }

    /// Says whether an order is in flight at this moment.
    pub fn is_order_in_flight(&self) -> Result<bool> {
        Ok(open_and_try(&self.dispatch, FlockOperation::NonBlockingLockExclusive)?.is_none())
    }
}

fn wait_for(path: &Path, operation: FlockOperation, patience: Duration) -> Result<File> {
    let begun = Instant::now();
    loop {
        if let Some(file) = open_and_try(path, operation)? {
            return Ok(file);
        }
        if begun.elapsed() >= patience {
            return Err(LockError::TimedOut {
                path: path.to_path_buf(),
                seconds: patience.as_secs(),
                holder: "another quietus process on this host".into(),
            });
        }
        std::thread::sleep(WAIT_STEP);
    }
}

/// Takes the lock on the file that the path names now; `None` if another process has it.
fn open_and_try(path: &Path, operation: FlockOperation) -> Result<Option<File>> {
    for _ in 0..REPLACED_TRIES_MAX {
        let flags = OFlags::CREATE | OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = rustix::fs::open(path, flags, Mode::from_raw_mode(0o666))
            .map(File::from)
            .map_err(|e| broken(path, e.into()))?;
        match rustix::fs::flock(&file, operation) {
            // A lock on a file that the path no longer names keeps nobody out.
            Ok(()) if same_file(&file, path) => return Ok(Some(file)),
            Ok(()) | Err(Errno::INTR) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(broken(path, error.into())),
        }
    }
    Err(LockError::Lost { path: path.to_path_buf() })
}

fn same_file(file: &File, path: &Path) -> bool {
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(held), Ok(named)) => (held.dev(), held.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// Notes who has the lock, for people: the lock itself is the kernel's.
fn write_holder(file: &mut File, now: Timestamp) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    write!(file, "process {}, since {now:.0}", std::process::id())
}

fn read_holder(path: &Path) -> String {
    let mut text = String::new();
    let read = File::open(path).and_then(|f| f.take(HOLDER_BYTES_MAX).read_to_string(&mut text));
    match read {
        Ok(_) if !text.is_empty() => text.chars().filter(|c| !c.is_control()).collect(),
        _ => "its process has not said who it is yet".into(),
    }
}

fn broken(path: &Path, source: io::Error) -> LockError {
    LockError::Broken { path: path.to_path_buf(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    const LONG: Duration = Duration::from_secs(20);
    const SHORT: Duration = Duration::from_millis(30);

    fn now() -> Timestamp {
        "2026-01-02T03:04:05Z".parse().unwrap()
    }

    #[test]
    fn a_second_run_is_refused_and_told_who_has_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let first = RunLock::take(dir.path(), now()).unwrap();
        let error = RunLock::take(dir.path(), now()).unwrap_err().to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        assert!(error.contains("2026-01-02T03:04:05Z"), "{error}");
        drop(first);
        RunLock::take(dir.path(), now()).unwrap();
    }

    #[test]
    fn a_lock_file_that_was_replaced_is_noticed_by_its_holder() {
        let dir = tempfile::tempdir().unwrap();
        let lock = RunLock::take(dir.path(), now()).unwrap();
        lock.check().unwrap();
        let path = dir.path().join("run.lock");
        rustix::fs::unlink(&path).unwrap();
        assert!(matches!(lock.check(), Err(LockError::Lost { .. })));
        File::create(&path).unwrap();
        assert!(matches!(lock.check(), Err(LockError::Lost { .. })));
    }

    #[test]
    fn a_hold_waits_for_the_order_in_flight() {
        let dir = tempfile::tempdir().unwrap();
        let gate = DispatchGate::new(dir.path());
        let order = gate.pass(LONG).unwrap();
        let shut = gate.shut(LONG).unwrap();
        assert!(shut.is_order_in_flight().unwrap());
        assert!(matches!(shut.wait_quiet(SHORT), Err(LockError::TimedOut { .. })));
        drop(order);
        gate.shut(LONG).unwrap().wait_quiet(LONG).unwrap();
    }

    #[test]
    fn no_order_begins_while_a_hold_is_being_placed() {
        let dir = tempfile::tempdir().unwrap();
        let gate = DispatchGate::new(dir.path());
        let shut = gate.shut(LONG).unwrap();
        assert!(gate.pass(SHORT).is_err());
        let quiet = shut.wait_quiet(LONG).unwrap();
        assert!(gate.pass(SHORT).is_err());
        drop(quiet);
        gate.pass(LONG).unwrap();
    }

    #[test]
    fn a_stream_of_orders_does_not_starve_a_hold() {
        let dir = tempfile::tempdir().unwrap();
        let (stop, orders) = (AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let gate = DispatchGate::new(dir.path());
                while !stop.load(Ordering::SeqCst) {
                    let passage = gate.pass(LONG).unwrap();
                    orders.fetch_add(1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(2));
                    drop(passage);
                }
            });
            let gate = DispatchGate::new(dir.path());
            for _ in 0..20 {
                let quiet = gate.shut(LONG).unwrap().wait_quiet(LONG).unwrap();
                let before = orders.load(Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(3));
                assert_eq!(before, orders.load(Ordering::SeqCst));
                drop(quiet);
            }
            stop.store(true, Ordering::SeqCst);
        });
    }
}
