//! Disposal: look, claim, look again, destroy.
//!
//! For each record: the folder is opened beneath the root; the file (and its sidecar) is compared
//! with the state that the plan saw; it is claimed (see `claim`) and compared again; with `shred`
//! it is overwritten; it is unlinked. At the end of an order every folder that lost a name is
//! brought to the disk, and only then an outcome says "disposed".
//!
//! # Behavior
//!
//! - A crash at any point leaves a record under its own name, under its claim, or gone; repeating
//!   the order goes on from each of them. A record with a sidecar is gone when both are.
//! - An order is cut into as many runs of neighbours as there are processors, at most four; two
//!   threads halve the time, since the kernel frees inodes in parallel.
//! - A folder that is moved out of the root, with its files, in the microseconds between the
//!   check and the unlinking, loses the planned file there: no call of Linux can prevent that.
//!   What was not planned is never touched.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use quietus_contract::{
    Absence, Cursor, DisposalOrder, Disposer, Inventory, Locator, Outcome, Page, Probe, Record,
    RecordRef, ResidualCopies, Result, Scope, Survey, SystemConfig, Uncovered,
};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, StatxAttributes, fsync, syncfs, unlinkat};
use rustix::io::Errno;

use crate::claim::{self, Found};
use crate::config::{Selection, Technique};
use crate::inventory::{FileTree, hold_of};
use crate::pattern::Scratch;
use crate::sidecar::{self, Beside};
use crate::version::{Print, Seen, is_regular, stat, stat_open};
use crate::{error, names, shred};

/// Threads of one order at most.
const THREADS_MAX: usize = 4;
/// Fewer records than this are not worth a thread.
const RECORDS_PER_THREAD_MIN: usize = 128;
/// Folders that a thread keeps open until the end of an order; if there are more, the whole file
/// system is brought to the disk instead.
const FOLDERS_OPEN_MAX: usize = 64;

/// A file tree, open for disposal.
pub(crate) struct Remover(FileTree);

impl Remover {
    pub(crate) fn open(system: &SystemConfig) -> Result<Self> {
        Ok(Self(FileTree::open(system)?))
    }

    fn dispose_now(&self, order: &DisposalOrder) -> Result<Vec<Outcome>> {
        self.0.root.check()?;
        let selection = self.0.selection(&order.scope().holding)?;
        let records = order.records();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = threads.min(THREADS_MAX).min(records.len() / RECORDS_PER_THREAD_MIN).max(1);
        let stop = AtomicBool::new(false);
        let work = |records: &[RecordRef]| Work::new(&self.0, &selection, &stop).all(records);
        if threads == 1 {
            return Ok(work(records));
        }
        let parts: Vec<&[RecordRef]> = records.chunks(records.len().div_ceil(threads)).collect();
        let done = std::thread::scope(|scope| {
            let running: Vec<_> = parts.iter().map(|part| scope.spawn(|| work(part))).collect();
            running.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        let outcomes = done.into_iter().zip(&parts).flat_map(|(outcomes, part)| {
            outcomes.unwrap_or_else(|_| {
                part.iter().map(|_| indeterminate("the work broke off")).collect()
            })
        });
        Ok(outcomes.collect())
    }
}

#[async_trait]
impl Disposer for Remover {
    async fn dispose(&self, order: &DisposalOrder) -> Result<Vec<Outcome>> {
        self.dispose_now(order)
    }
}

#[async_trait]
impl Inventory for Remover {
    async fn probe(&self) -> Result<Probe> {
        self.0.probe().await
    }

    async fn survey(&self, scope: &Scope) -> Result<Survey> {
        self.0.survey(scope).await
    }

    async fn page(&self, scope: &Scope, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        self.0.page(scope, after, limit).await
    }

    async fn look(&self, scope: &Scope, locators: &[Locator]) -> Result<Vec<Option<Record>>> {
        self.0.look(scope, locators).await
    }

    async fn verify_absent(&self, scope: &Scope, records: &[RecordRef]) -> Result<Vec<Absence>> {
        self.0.verify_absent(scope, records).await
    }

    async fn uncovered(&self, scopes: &[Scope]) -> Result<Vec<Uncovered>> {
        self.0.uncovered(scopes).await
    }

    async fn residual_copies(
        &self,
        scope: &Scope,
        records: &[RecordRef],
    ) -> Result<ResidualCopies> {
        self.0.residual_copies(scope, records).await
    }
}

/// One thread's share of an order.
struct Work<'a> {
    tree: &'a FileTree,
    selection: &'a Selection,
    scratch: Scratch,
    folder: Option<Folder>,
    /// Folders that lost a name, and the records of each, by position.
    touched: Vec<(Arc<OwnedFd>, Vec<usize>)>,
    /// Records in folders beyond those kept open.
    beyond: Vec<usize>,
    /// Set when something is wrong with the whole file system.
    stop: &'a AtomicBool,
}

struct Folder {
    path: Vec<u8>,
    fd: Arc<OwnedFd>,
    print: Print,
    touched: Option<usize>,
}

/// Why a record was not disposed of.
enum Stop {
    /// With nothing done.
    Outcome(Outcome),
    /// The kernel refused a step before anything was done.
    Refused(Errno),
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Self {
        Self::Refused(errno)
    }
}

impl From<Outcome> for Stop {
    fn from(outcome: Outcome) -> Self {
        Self::Outcome(outcome)
    }
}

/// A file of a record that will be destroyed.
struct Target {
    name: Vec<u8>,
    claim: Vec<u8>,
    planned: Print,
    /// It has been under its claim's name since an interrupted order.
    claimed: bool,
}

impl<'a> Work<'a> {
    fn new(tree: &'a FileTree, selection: &'a Selection, stop: &'a AtomicBool) -> Self {
        let scratch = Scratch::default();
        let (touched, beyond) = (Vec::new(), Vec::new());
        Self { tree, selection, scratch, folder: None, touched, beyond, stop }
    }

    fn all(mut self, records: &[RecordRef]) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(records.len());
        for (position, record) in records.iter().enumerate() {
            if self.stop.load(Ordering::Relaxed) {
                outcomes.push(Outcome::NotAttempted {
                    reason: "the file system failed on an earlier record".to_owned(),
                });
                continue;
            }
            outcomes.push(match self.one(position, record) {
                Ok(outcome) | Err(Stop::Outcome(outcome)) => outcome,
                Err(Stop::Refused(errno)) => {
                    if error::concerns_all(errno) {
                        self.stop.store(true, Ordering::Relaxed);
                    }
                    refused(error::words(errno))
                }
            });
        }
        self.make_durable(&mut outcomes);
        outcomes
    }

    fn one(&mut self, position: usize, record: &RecordRef) -> std::result::Result<Outcome, Stop> {
        let path = names::path_of(&record.locator);
        let (Some(path), Some(seen)) = (path, Seen::from_version(&record.version)) else {
            return Err(refused("the record is not one of this adapter's").into());
        };
        if self.selection.matches(&path, &mut self.scratch).is_none() {
            return Err(refused("the holding does not select the record").into());
        }
        let (folder, name) = names::split(&path);
        let fd = match self.enter(folder) {
            Ok(fd) => fd,
            Err(errno) if error::is_absence(errno) => return Ok(Outcome::AlreadyAbsent),
            Err(errno) => return Err(errno.into()),
        };
        let targets = self.targets(fd.as_fd(), name, &seen)?;
        let members = u32::from(targets.iter().any(|t| t.name != name));
        let outcome = self.destroy(fd.as_fd(), &targets, members);
        if matches!(outcome, Ok(Outcome::Disposed { .. })) {
            self.note(position);
        }
        outcome
    }

    /// Returns the record's folder. The one of the record before is used again only if the path
    /// still leads to it.
    fn enter(&mut self, path: &[u8]) -> std::result::Result<Arc<OwnedFd>, Errno> {
        if let Some(folder) = self.folder.as_ref().filter(|f| f.path == path) {
            let now = self.tree.root.folder_to_look(path)?;
            if Print::of(&stat_open(now.as_fd())?).same_file(&folder.print) {
                return Ok(Arc::clone(&folder.fd));
            }
        }
        self.folder = None;
        let fd = Arc::new(self.tree.root.folder(path)?);
        let print = Print::of(&stat_open((*fd).as_fd())?);
        let folder = Folder { path: path.to_vec(), fd: Arc::clone(&fd), print, touched: None };
        self.folder = Some(folder);
        Ok(fd)
    }

    /// Compares a record's files with the plan and returns those that are there to destroy.
    fn targets(
        &self,
        fd: BorrowedFd<'_>,
        name: &[u8],
        seen: &Seen,
    ) -> std::result::Result<Vec<Target>, Stop> {
        let mut targets = Vec::with_capacity(2);
        let mut other = false;
        match claim::find(fd, name, &seen.file)? {
            Found::Named(stat) => {
                self.permit(&stat, &seen.file)?;
                targets.push(Target::new(name, &seen.file, false));
            }
            Found::Claimed(stat) => {
                self.permit_claimed(&Print::of(&stat), &seen.file)?;
                targets.push(Target::new(name, &seen.file, true));
            }
            Found::Gone { other: true } => other = true,
            Found::Gone { other: false } => {}
        }
        if !other && let Some(target) = self.sidecar_target(fd, name, seen)? {
            targets.push(target);
        }
        match targets.is_empty() {
            false => Ok(targets),
            true if other => Err(Outcome::Changed.into()),
            true => Err(Outcome::AlreadyAbsent.into()),
        }
    }

    fn sidecar_target(
        &self,
        fd: BorrowedFd<'_>,
        name: &[u8],
        seen: &Seen,
    ) -> std::result::Result<Option<Target>, Stop> {
        let Some(suffix) = &self.selection.sidecar else { return Ok(None) };
        let mut side = name.to_vec();
        side.extend_from_slice(suffix.as_bytes());
        let Some((print, digest)) = &seen.sidecar else {
            // The plan saw none; one that appeared may say something else of the record.
            return match stat(fd, &side) {
                Err(errno) if error::is_absence(errno) => Ok(None),
                Ok(stat) if !is_regular(&stat) => Ok(None),
                Ok(_) => Err(Outcome::Changed.into()),
                Err(errno) => Err(errno.into()),
            };
        };
        match claim::find(fd, &side, print)? {
            Found::Named(stat) => {
                self.permit(&stat, print)?;
                match sidecar::read(fd, &side)? {
                    Beside::File(now) if now.print == *print && now.digest == *digest => {
                        Ok(Some(Target::new(&side, print, false)))
                    }
                    _ => Err(Outcome::Changed.into()),
                }
            }
            Found::Claimed(stat) => {
                self.permit_claimed(&Print::of(&stat), print)?;
                Ok(Some(Target::new(&side, print, true)))
            }
            // Gone already, in an order that was interrupted; or changed, and then it stays.
            Found::Gone { other: false } if self.file_is_on_its_way(fd, name, seen) => Ok(None),
            Found::Gone { .. } => Err(Outcome::Changed.into()),
        }
    }

    /// Tells whether the record's file is gone or claimed, so that its sidecar may be gone too.
    fn file_is_on_its_way(&self, fd: BorrowedFd<'_>, name: &[u8], seen: &Seen) -> bool {
        matches!(
            claim::find(fd, name, &seen.file),
            Ok(Found::Claimed(_) | Found::Gone { other: false })
        )
    }

    /// Says whether a file that stands under its own name may go.
    fn permit(&self, stat: &rustix::fs::Statx, planned: &Print) -> std::result::Result<(), Stop> {
        // Before the state is compared: setting the flag is a change, too.
        if let Some(hold) = hold_of(stat) {
            return Err(Outcome::Held { by: hold.kind, until: hold.until }.into());
        }
        if !is_regular(stat) || Print::of(stat) != *planned {
            return Err(Outcome::Changed.into());
        }
        if stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT) {
            return Err(refused("something is mounted over the file").into());
        }
        if stat.stx_nlink > 1 && !self.selection.unlink_hard_links {
            return Err(refused(
                "the file has other names (hard links), which would still show it; the holding \
                 may say hard_links = \"unlink\"",
            )
            .into());
        }
        Ok(())
    }

    fn permit_claimed(&self, now: &Print, planned: &Print) -> std::result::Result<(), Stop> {
        let overwritten = self.tree.technique == Technique::Shred && now.size == planned.size;
        if planned.matches_claimed(now) || overwritten {
            return Ok(());
        }
        Err(Outcome::Changed.into())
    }

    /// Claims all files of a record, looks again, and destroys them.
    fn destroy(
        &self,
        fd: BorrowedFd<'_>,
        targets: &[Target],
        members: u32,
    ) -> std::result::Result<Outcome, Stop> {
        for (n, target) in targets.iter().enumerate() {
            let claimed = self.claim(fd, target);
            if let Err(stop) = claimed {
                return Err(put_back(fd, targets.get(..n).unwrap_or_default()).unwrap_or(stop));
            }
        }
        // A crash from here on leaves claims; the same order, repeated, goes on with them.
        for (n, target) in targets.iter().enumerate() {
            let gone = self.erase(fd, target);
            if let Err(errno) = gone {
                self.stop.fetch_or(error::concerns_all(errno), Ordering::Relaxed);
                let rest = targets.get(n..).unwrap_or_default();
                let lost = put_back(fd, rest);
                return Err(match lost {
                    Some(stop) => stop,
                    None if n == 0 && self.tree.technique == Technique::Delete => errno.into(),
                    None => indeterminate("only a part of it could be destroyed").into(),
                });
            }
        }
        Ok(Outcome::Disposed { members })
    }

    fn claim(&self, fd: BorrowedFd<'_>, target: &Target) -> std::result::Result<(), Stop> {
        if target.claimed {
            return Ok(());
        }
        match claim::take(fd, &target.name, &target.claim) {
            Ok(()) => {}
            Err(errno) if error::is_absence(errno) => return Err(Outcome::AlreadyAbsent.into()),
            Err(Errno::EXIST) => {
                return Err(refused("another file has the name that the agent needs").into());
            }
            Err(errno) => return Err(errno.into()),
        }
        let now = stat(fd, &target.claim).map(|stat| Print::of(&stat));
        match now {
            Ok(now) if target.planned.matches_claimed(&now) => Ok(()),
            _ if claim::put_back(fd, &target.name, &target.claim) => Err(Outcome::Changed.into()),
            _ => Err(stranded().into()),
        }
    }

    fn erase(&self, fd: BorrowedFd<'_>, target: &Target) -> std::result::Result<(), Errno> {
        if self.tree.technique == Technique::Shred {
            shred::overwrite(fd, &target.claim, &target.planned)?;
        }
        unlinkat(fd, &target.claim, AtFlags::empty())
    }

    /// Notes that the open folder lost a name.
    fn note(&mut self, position: usize) {
        let Some(folder) = &mut self.folder else { return };
        if folder.touched.is_none() && self.touched.len() < FOLDERS_OPEN_MAX {
            folder.touched = Some(self.touched.len());
            self.touched.push((Arc::clone(&folder.fd), Vec::new()));
        }
        match folder.touched.and_then(|n| self.touched.get_mut(n)) {
            Some((_, positions)) => positions.push(position),
            None => self.beyond.push(position),
        }
    }

    /// Brings every folder that lost a name to the disk. Where that fails, nobody knows what a
    /// power cut would bring back; it is not tried again.
    fn make_durable(&self, outcomes: &mut [Outcome]) {
        let mut lost = BTreeSet::new();
        if !self.beyond.is_empty() && syncfs(self.tree.root.fd()).is_err() {
            lost.extend(self.beyond.iter().copied());
        }
        for (fd, positions) in &self.touched {
            if fsync(fd).is_err() {
                lost.extend(positions.iter().copied());
            }
        }
        for position in lost {
            if let Some(outcome) = outcomes.get_mut(position) {
                *outcome = indeterminate("unlinked, but the folder could not be made durable");
            }
        }
    }
}

impl Target {
    fn new(name: &[u8], planned: &Print, claimed: bool) -> Self {
        let claim = claim::name(planned.inode, name);
        Self { name: name.to_vec(), claim, planned: *planned, claimed }
    }
}

/// Puts claimed files back under their names; says so if one could not be.
fn put_back(fd: BorrowedFd<'_>, targets: &[Target]) -> Option<Stop> {
    let mut all = true;
    for target in targets {
        all &= claim::put_back(fd, &target.name, &target.claim);
    }
    (!all).then(|| stranded().into())
}

fn refused(reason: &str) -> Outcome {
    Outcome::Refused { reason: reason.to_owned() }
}

fn indeterminate(reason: &str) -> Outcome {
    Outcome::Indeterminate { reason: reason.to_owned() }
}

fn stranded() -> Outcome {
    indeterminate(
        "incident: another program put a file in the way, and what was there could not go back \
         under its name; it stands beside it, whole, under a name that begins with `.quietus-`",
    )
}
