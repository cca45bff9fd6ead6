//! One thread's share of an order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use quietus_contract::{Outcome, RecordRef};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, Statx, StatxAttributes, fsync, renameat, syncfs, unlinkat};
use rustix::io::Errno;

use crate::claim::{self, Claims, Found, Occupied};
use crate::config::{Selection, Technique};
use crate::inventory::FileTree;
use crate::members;
use crate::pattern::Scratch;
use crate::reader::hold_of;
use crate::version::{Print, Seen, is_regular, stat, stat_open};
use crate::{error, names};

/// Folders that a thread keeps open until the end of an order; if there are more, the whole file
/// system is brought to the disk instead.
const FOLDERS_OPEN_MAX: usize = 64;

pub(crate) const NO_FREE_NAME: &str = "other files have the names that the agent needs for claims";

/// A share of an order being carried out.
pub(crate) struct Work<'a> {
    tree: &'a FileTree,
    pub(crate) selection: &'a Selection,
    scratch: Scratch,
    /// The name of this thread's slot.
    slot: Vec<u8>,
    /// Whether no other thread works on the order.
    alone: bool,
    folder: Option<Folder>,
    /// Folders that lost a name, open, with the positions of the records that were in them.
    touched: Vec<(Arc<OwnedFd>, Vec<usize>)>,
    /// Positions of records in folders beyond those.
    beyond: Vec<usize>,
    /// Set when something is wrong with the whole file system.
    stop: &'a AtomicBool,
}

/// The folder of the record before.
struct Folder {
    path: Vec<u8>,
    fd: Arc<OwnedFd>,
    print: Print,
    slots: Arc<Vec<Occupied>>,
    touched: Option<usize>,
    /// What stands in this thread's slot: compared with the plan, and to be destroyed next.
    pending: Option<Pending>,
}

struct Pending {
    position: usize,
    name: Vec<u8>,
    inode: u64,
}

/// Why a record is not disposed of.
pub(crate) enum Stop {
    /// This became of it.
    Outcome(Outcome),
    /// The kernel refused a step before anything was done.
    Refused(Errno),
    /// It must wait until the other threads are done.
    Later,
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

pub(crate) type Step<T> = Result<T, Stop>;

impl<'a> Work<'a> {
    pub(crate) fn alone(tree: &'a FileTree, select: &'a Selection, stop: &'a AtomicBool) -> Self {
        Self { alone: true, ..Self::beside_others(tree, select, stop, 0) }
    }

    pub(crate) fn beside_others(
        tree: &'a FileTree,
        selection: &'a Selection,
        stop: &'a AtomicBool,
        number: u8,
    ) -> Self {
        Self {
            tree,
            selection,
            scratch: Scratch::default(),
            slot: claim::slot(number),
            alone: false,
            folder: None,
            touched: Vec::new(),
            beyond: Vec::new(),
            stop,
        }
    }

    /// Disposes of all records that have no outcome yet, as far as it may.
    pub(crate) fn all(mut self, records: &[RecordRef], outcomes: &mut [Option<Outcome>]) {
        for (position, record) in records.iter().enumerate() {
            if outcomes.get(position).is_none_or(Option::is_some) {
                continue;
            }
            if self.stop.load(Ordering::Relaxed) {
                let reason = "the file system failed on an earlier record".to_owned();
                settle(outcomes, position, Outcome::NotAttempted { reason });
                continue;
            }
            match self.one(position, record, outcomes) {
                Ok(()) | Err(Stop::Later) => {}
                Err(Stop::Outcome(outcome)) => settle(outcomes, position, outcome),
                Err(Stop::Refused(errno)) => {
                    self.stop.fetch_or(error::concerns_all(errno), Ordering::Relaxed);
                    settle(outcomes, position, refused(error::words(errno)));
                }
            }
        }
        self.leave(outcomes);
        self.make_durable(outcomes);
    }

    /// Disposes of a record, or claims it for the next step to destroy.
    fn one(
        &mut self,
        position: usize,
        record: &RecordRef,
        outcomes: &mut [Option<Outcome>],
    ) -> Step<()> {
        let path = names::path_of(&record.locator);
        let (Some(path), Some(seen)) = (path, Seen::from_version(&record.version)) else {
            return Err(refused("the record is not one of this adapter's").into());
        };
        if self.selection.matches(&path, &mut self.scratch).is_none() {
            return Err(refused("the holding does not select the record").into());
        }
        let (folder, name) = names::split(&path);
        match self.enter(folder, outcomes) {
            Ok(()) => {}
            Err(Stop::Refused(errno)) if error::is_absence(errno) => {
                return Err(Outcome::AlreadyAbsent.into());
            }
            Err(stop) => return Err(stop),
        }
        if self.selection.is_plain(self.technique()) {
            return self.plain(position, name, &seen.file, outcomes);
        }
        let Some(folder) = &self.folder else { return Err(Stop::Later) };
        let (fd, slots) = (Arc::clone(&folder.fd), Arc::clone(&folder.slots));
        let claims = Claims { slots: &slots, own: true };
        let members = members::dispose(self, (*fd).as_fd(), claims, name, &seen)?;
        self.gone(position, Outcome::Disposed { members }, outcomes);
        Ok(())
    }

    pub(crate) fn technique(&self) -> Technique {
        self.tree.technique
    }

    /// Opens the record's folder. The one of the record before is used again only if the path
    /// still leads to it.
    fn enter(&mut self, path: &[u8], outcomes: &mut [Option<Outcome>]) -> Step<()> {
        if let Some(folder) = self.folder.as_ref().filter(|folder| folder.path == path) {
            let now = self.tree.root.folder_to_look(path);
            let now = now.and_then(|fd| stat_open(fd.as_fd()));
            if now.is_ok_and(|now| Print::of(&now).same_file(&folder.print)) {
                return Ok(());
            }
        }
        self.leave(outcomes);
        let fd = Arc::new(self.tree.root.folder(path)?);
        let slots = claim::slots((*fd).as_fd())?;
        if !self.alone && !slots.is_empty() {
            return Err(Stop::Later);
        }
        let print = Print::of(&stat_open((*fd).as_fd())?);
        let (path, slots) = (path.to_vec(), Arc::new(slots));
        self.folder = Some(Folder { path, fd, print, slots, touched: None, pending: None });
        Ok(())
    }

    /// Disposes of a plain file: claims it in the slot, which destroys the one before it.
    fn plain(
        &mut self,
        position: usize,
        name: &[u8],
        planned: &Print,
        outcomes: &mut [Option<Outcome>],
    ) -> Step<()> {
        let Some(folder) = &self.folder else { return Err(Stop::Later) };
        if folder.pending.as_ref().is_some_and(|pending| pending.inode == planned.inode) {
            // The order names it twice, or it has two names that are records.
            self.flush(outcomes);
        }
        let Some(folder) = &self.folder else { return Err(Stop::Later) };
        let fd = Arc::clone(&folder.fd);
        let claims = Claims { slots: &folder.slots, own: false };
        match claim::find((*fd).as_fd(), name, planned, claims)? {
            Found::Named(stat) => self.permit(&stat, planned)?,
            Found::Claimed(stat, claim) => {
                self.permit_claimed(&Print::of(&stat), planned)?;
                unlinkat(&*fd, &claim, AtFlags::empty())?;
                self.gone(position, Outcome::Disposed { members: 0 }, outcomes);
                return Ok(());
            }
            Found::Gone { other: true } => return Err(Outcome::Changed.into()),
            Found::Gone { other: false } => return Err(Outcome::AlreadyAbsent.into()),
        }
        self.take(&fd, name)?;
        // Now that which was pending is gone, unless the rename did nothing: the name is, for
        // instance, a hard link to it.
        let now = stat((*fd).as_fd(), &self.slot).map(|stat| Print::of(&stat));
        let before = self.folder.as_mut().and_then(|folder| folder.pending.take());
        if let Some(before) = before {
            if now.as_ref().is_ok_and(|now| now.inode == before.inode) {
                self.pend(before);
                return Err(Outcome::Changed.into());
            }
            self.gone(before.position, Outcome::Disposed { members: 0 }, outcomes);
        }
        match now {
            Ok(now) if planned.matches_claimed(&now) => {
                self.pend(Pending { position, name: name.to_vec(), inode: planned.inode });
                Ok(())
            }
            _ if claim::put_back((*fd).as_fd(), name, &self.slot) => Err(Outcome::Changed.into()),
            _ => Err(stranded().into()),
        }
    }

    /// Renames a file to the slot: over the pending one, or to a free slot.
    fn take(&mut self, fd: &OwnedFd, name: &[u8]) -> Step<()> {
        let taken = if self.folder.as_ref().is_some_and(|folder| folder.pending.is_some()) {
            renameat(fd, name, fd, &self.slot)
        } else {
            match claim::take(fd.as_fd(), name, &self.slot) {
                Err(Errno::EXIST) => {
                    // Of an interrupted order: it moves aside, to where its own order finds it.
                    match claim::clear(fd.as_fd(), &self.slot) {
                        Err(Errno::EXIST) => return Err(refused(NO_FREE_NAME).into()),
                        cleared => cleared?,
                    }
                    let slots = claim::slots(fd.as_fd())?;
                    if let Some(folder) = &mut self.folder {
                        folder.slots = Arc::new(slots);
                    }
                    claim::take(fd.as_fd(), name, &self.slot)
                }
                taken => taken,
            }
        };
        match taken {
            Ok(()) => Ok(()),
            Err(Errno::NOENT) => Err(Outcome::AlreadyAbsent.into()),
            Err(Errno::NOTDIR | Errno::ISDIR) => Err(Outcome::Changed.into()),
            Err(Errno::EXIST) => Err(refused(NO_FREE_NAME).into()),
            Err(errno) => Err(errno.into()),
        }
    }

    fn pend(&mut self, pending: Pending) {
        if let Some(folder) = &mut self.folder {
            folder.pending = Some(pending);
        }
    }

    /// Destroys what is pending.
    fn flush(&mut self, outcomes: &mut [Option<Outcome>]) {
        let Some(folder) = &mut self.folder else { return };
        let Some(pending) = folder.pending.take() else { return };
        let fd = Arc::clone(&folder.fd);
        match unlinkat(&*fd, &self.slot, AtFlags::empty()) {
            Ok(()) => self.gone(pending.position, Outcome::Disposed { members: 0 }, outcomes),
            Err(errno) => {
                self.stop.fetch_or(error::concerns_all(errno), Ordering::Relaxed);
                let back = claim::put_back((*fd).as_fd(), &pending.name, &self.slot);
                let outcome = if back { refused(error::words(errno)) } else { stranded() };
                settle(outcomes, pending.position, outcome);
            }
        }
    }

    fn leave(&mut self, outcomes: &mut [Option<Outcome>]) {
        self.flush(outcomes);
        self.folder = None;
    }

    /// Says whether a file that stands under its own name may go.
    pub(crate) fn permit(&self, stat: &Statx, planned: &Print) -> Step<()> {
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

    /// Says whether what stands under a claim is what was claimed.
    pub(crate) fn permit_claimed(&self, now: &Print, planned: &Print) -> Step<()> {
        let overwritten = self.technique() == Technique::Shred && now.size == planned.size;
        if planned.matches_claimed(now) || overwritten {
            return Ok(());
        }
        Err(Outcome::Changed.into())
    }

    /// Settles a record whose name went from the open folder.
    fn gone(&mut self, position: usize, outcome: Outcome, outcomes: &mut [Option<Outcome>]) {
        settle(outcomes, position, outcome);
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

    pub(crate) fn failed(&self, errno: Errno) {
        self.stop.fetch_or(error::concerns_all(errno), Ordering::Relaxed);
    }

    /// Brings every folder that lost a name to the disk. Where that fails, nobody knows what a
    /// power cut would bring back; it is not tried again.
    fn make_durable(&self, outcomes: &mut [Option<Outcome>]) {
        let lost = || indeterminate("unlinked, but the folder could not be made durable");
        if !self.beyond.is_empty() && syncfs(self.tree.root.fd()).is_err() {
            self.beyond.iter().for_each(|position| settle(outcomes, *position, lost()));
        }
        for (fd, positions) in &self.touched {
            if fsync(fd).is_err() {
                positions.iter().for_each(|position| settle(outcomes, *position, lost()));
            }
        }
    }
}

fn settle(outcomes: &mut [Option<Outcome>], position: usize, outcome: Outcome) {
    if let Some(place) = outcomes.get_mut(position) {
        *place = Some(outcome);
    }
}

pub(crate) fn refused(reason: &str) -> Outcome {
    Outcome::Refused { reason: reason.to_owned() }
}

pub(crate) fn indeterminate(reason: &str) -> Outcome {
    Outcome::Indeterminate { reason: reason.to_owned() }
}

pub(crate) fn stranded() -> Outcome {
    indeterminate(
        "incident: another program put a file in the way, and what was there could not go back \
         under its name; it stands beside it, whole, under a name that begins with `.quietus-`",
    )
}
