//! A separate look whether records are gone.

use quietus_contract::{Absence, Checked, RecordRef};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;

use crate::claim::{self, Claims, Found, Occupied};
use crate::config::Technique;
use crate::root::Root;
use crate::sidecar::{self, Beside};
use crate::version::{DIGEST_BYTES, Print, Seen};
use crate::{error, names};

/// Threads that look at most.
const THREADS_MAX: usize = 4;
/// Fewer records than this are not worth a thread.
const RECORDS_PER_THREAD_MIN: usize = 512;

/// What a look needs to know.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) root: &'a Root,
    pub(crate) technique: Technique,
    /// What is added to a name to find its sidecar.
    pub(crate) suffix: Option<&'a str>,
}

/// A folder in which records are looked for.
struct Open {
    path: Vec<u8>,
    fd: OwnedFd,
    slots: Vec<Occupied>,
}

impl Look<'_> {
    /// Looks for each record: one answer for each, in order.
    ///
    /// The positive control: the root is the folder that was opened, and in the record's folder
    /// (or, if that is gone, in the nearest folder above it) a look-up by the same account
    /// succeeds. "No such file" is only answered to an account that may search the folder.
    pub(crate) fn all(self, records: &[RecordRef]) -> Vec<Absence> {
        if let Err(lost) = self.root.check() {
            return records.iter().map(|_| unknown(&lost.message)).collect();
        }
        let look = |records: &[RecordRef]| -> Vec<Absence> {
            let mut open: Option<Open> = None;
            records.iter().map(|record| self.one(record, &mut open)).collect()
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
        let part = records.len().div_ceil(threads).max(RECORDS_PER_THREAD_MIN);
        if records.len() <= part {
            return look(records);
        }
        std::thread::scope(|scope| {
            let looks: Vec<_> =
                records.chunks(part).map(|part| (part, scope.spawn(move || look(part)))).collect();
            let broken = |part: &[RecordRef]| vec![unknown("the look broke off"); part.len()];
            let ended = looks.into_iter();
            ended.flat_map(|(part, look)| look.join().unwrap_or_else(|_| broken(part))).collect()
        })
    }

    /// Looks for one record; `open` is the folder of the one before.
    fn one(self, record: &RecordRef, open: &mut Option<Open>) -> Absence {
        let path = names::path_of(&record.locator);
        let (Some(path), Some(seen)) = (path, Seen::from_version(&record.version)) else {
            return unknown("the record is not one of this adapter's");
        };
        let (folder, name) = names::split(&path);
        if open.as_ref().is_none_or(|open| open.path != folder) {
            match self.open(folder) {
                Ok(now) => *open = Some(now),
                Err(errno) if error::is_absence(errno) => return self.above(folder),
                Err(errno) => return unknown(error::words(errno)),
            }
        }
        let Some(open) = open else { return unknown("the folder is not open") };
        self.judge(open, name, &seen).unwrap_or_else(|errno| unknown(error::words(errno)))
    }

    fn open(self, folder: &[u8]) -> Result<Open, Errno> {
        let fd = self.root.folder_to_look(folder)?;
        let slots = claim::slots(fd.as_fd())?;
        Ok(Open { path: folder.to_vec(), fd, slots })
    }

    fn claims(self, open: &Open) -> Claims<'_> {
        let own = self.technique == Technique::Shred || self.suffix.is_some();
        Claims { slots: &open.slots, own }
    }

    fn judge(self, open: &Open, name: &[u8], seen: &Seen) -> Result<Absence, Errno> {
        let fd = open.fd.as_fd();
        let side = self.suffix.map(|suffix| [name, suffix.as_bytes()].concat());
        match claim::find(fd, name, &seen.file, self.claims(open))? {
            Found::Named(stat) if Print::of(&stat) == seen.file => {
                let same = match side {
                    Some(side) => is_beside(fd, &side, seen.sidecar.as_ref())?,
                    None => true,
                };
                Ok(if same { Absence::Present } else { Absence::Newer })
            }
            Found::Claimed(stat, _) if self.is_claim_of(&Print::of(&stat), &seen.file) => {
                Ok(Absence::Present)
            }
            Found::Named(_) | Found::Claimed(..) | Found::Gone { other: true } => {
                Ok(Absence::Newer)
            }
            Found::Gone { other: false } => match side.zip(seen.sidecar.as_ref()) {
                Some((side, (print, digest))) => self.judge_sidecar(open, &side, print, digest),
                None => Ok(Absence::Absent(Checked::ByRecord)),
            },
        }
    }

    /// The file is gone; a record is gone when its sidecar is, too.
    fn judge_sidecar(
        self,
        open: &Open,
        side: &[u8],
        print: &Print,
        digest: &[u8; DIGEST_BYTES],
    ) -> Result<Absence, Errno> {
        match claim::find(open.fd.as_fd(), side, print, self.claims(open))? {
            Found::Gone { other: false } => Ok(Absence::Absent(Checked::ByRecord)),
            Found::Gone { other: true } => Ok(Absence::Newer),
            Found::Claimed(stat, _) if self.is_claim_of(&Print::of(&stat), print) => {
                Ok(Absence::Present)
            }
            Found::Claimed(..) => Ok(Absence::Newer),
            Found::Named(_) => match sidecar::read(open.fd.as_fd(), side)? {
                Beside::File(now) if now.print == *print && now.digest == *digest => {
                    Ok(Absence::Present)
                }
                _ => Ok(Absence::Newer),
            },
        }
    }

    /// Tells whether what stands under a claim's name is what was claimed; if files are
    /// overwritten, it may be overwritten in part.
    fn is_claim_of(self, now: &Print, planned: &Print) -> bool {
        planned.matches_claimed(now)
            || (self.technique == Technique::Shred && now.size == planned.size)
    }

    /// The record's folder is gone; says so only if a folder above it can be opened.
    fn above(self, folder: &[u8]) -> Absence {
        let mut folder = folder;
        while !folder.is_empty() {
            folder = names::split(folder).0;
            match self.root.folder_to_look(folder) {
                Ok(_) => return Absence::Absent(Checked::ByRecord),
                Err(errno) if error::is_absence(errno) => {}
                Err(errno) => return unknown(error::words(errno)),
            }
        }
        unknown("the root itself cannot be opened")
    }
}

/// Tells whether the sidecar is as the plan saw it.
fn is_beside(
    fd: BorrowedFd<'_>,
    side: &[u8],
    planned: Option<&(Print, [u8; DIGEST_BYTES])>,
) -> Result<bool, Errno> {
    Ok(match (sidecar::read(fd, side)?, planned) {
        (Beside::File(now), Some((print, digest))) => now.print == *print && now.digest == *digest,
        (Beside::Nothing | Beside::NoFile, None) => true,
        _ => false,
    })
}

fn unknown(reason: &str) -> Absence {
    Absence::Unknown { reason: reason.to_owned() }
}
