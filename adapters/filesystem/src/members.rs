//! Records of more than one plain file: with a sidecar, or overwritten before they go.
//!
//! Every file of the record is claimed and compared before the first is destroyed, so that a
//! record goes whole or stays whole; after a crash the repeated order finishes it.

use quietus_contract::Outcome;
use rustix::fd::BorrowedFd;
use rustix::fs::{AtFlags, unlinkat};
use rustix::io::Errno;

use crate::claim::{self, Claims, Found};
use crate::config::Technique;
use crate::sidecar::{self, Beside};
use crate::version::{Print, Seen, is_regular, stat};
use crate::work::{NO_FREE_NAME, Step, Stop, Work, indeterminate, refused, stranded};
use crate::{error, shred};

/// A file of a record that will be destroyed.
struct Target {
    name: Vec<u8>,
    claim: Vec<u8>,
    planned: Print,
    /// It has been under its claim's name since an interrupted order.
    claimed: bool,
}

/// Disposes of one record and returns how many other files went with it.
pub(crate) fn dispose(
    work: &Work<'_>,
    fd: BorrowedFd<'_>,
    claims: Claims<'_>,
    name: &[u8],
    seen: &Seen,
) -> Step<u32> {
    let targets = targets(work, fd, claims, name, seen)?;
    for (n, target) in targets.iter().enumerate() {
        if let Err(stop) = claim(fd, target) {
            return Err(put_back(fd, targets.get(..n).unwrap_or_default()).unwrap_or(stop));
        }
    }
    // A crash from here on leaves claims; the same order, repeated, goes on with them.
    for (n, target) in targets.iter().enumerate() {
        if let Err(errno) = erase(work, fd, target) {
            work.failed(errno);
            let lost = put_back(fd, targets.get(n..).unwrap_or_default());
            return Err(match lost {
                Some(stop) => stop,
                None if n == 0 && work.technique() == Technique::Delete => errno.into(),
                None => indeterminate("only a part of it could be destroyed").into(),
            });
        }
    }
    Ok(u32::from(targets.iter().any(|target| target.name != name)))
}

/// Compares a record's files with the plan and returns those that are there to destroy.
fn targets(
    work: &Work<'_>,
    fd: BorrowedFd<'_>,
    claims: Claims<'_>,
    name: &[u8],
    seen: &Seen,
) -> Step<Vec<Target>> {
    let mut targets = Vec::with_capacity(2);
    let mut under_way = true;
    match claim::find(fd, name, &seen.file, claims)? {
        Found::Named(stat) => {
            work.permit(&stat, &seen.file)?;
            targets.push(Target::fresh(name, &seen.file));
            under_way = false;
        }
        Found::Claimed(stat, claim) => {
            work.permit_claimed(&Print::of(&stat), &seen.file)?;
            targets.push(Target { claimed: true, claim, ..Target::fresh(name, &seen.file) });
        }
        Found::Gone { other: true } => return Err(Outcome::Changed.into()),
        Found::Gone { other: false } => {}
    }
    if let Some(suffix) = &work.selection.sidecar {
        let side = [name, suffix.as_bytes()].concat();
        match &seen.sidecar {
            Some(planned) => {
                let target = sidecar_target(work, fd, claims, &side, planned, under_way)?;
                targets.extend(target);
            }
            None if targets.is_empty() => {}
            None => none_has_appeared(fd, &side)?,
        }
    }
    if targets.is_empty() { Err(Outcome::AlreadyAbsent.into()) } else { Ok(targets) }
}

/// Compares the sidecar. `under_way`: the file is gone or claimed, so the sidecar may be gone.
fn sidecar_target(
    work: &Work<'_>,
    fd: BorrowedFd<'_>,
    claims: Claims<'_>,
    side: &[u8],
    (print, digest): &(Print, [u8; crate::version::DIGEST_BYTES]),
    under_way: bool,
) -> Step<Option<Target>> {
    match claim::find(fd, side, print, claims)? {
        Found::Named(stat) => {
            work.permit(&stat, print)?;
            match sidecar::read(fd, side)? {
                Beside::File(now) if now.print == *print && now.digest == *digest => {
                    Ok(Some(Target::fresh(side, print)))
                }
                _ => Err(Outcome::Changed.into()),
            }
        }
        Found::Claimed(stat, claim) => {
            work.permit_claimed(&Print::of(&stat), print)?;
            Ok(Some(Target { claimed: true, claim, ..Target::fresh(side, print) }))
        }
        Found::Gone { other: false } if under_way => Ok(None),
        Found::Gone { .. } => Err(Outcome::Changed.into()),
    }
}

/// The plan saw no sidecar; one that appeared may say something else of the record.
fn none_has_appeared(fd: BorrowedFd<'_>, side: &[u8]) -> Step<()> {
    match stat(fd, side) {
        Err(errno) if error::is_absence(errno) => Ok(()),
        Ok(stat) if !is_regular(&stat) => Ok(()),
        Ok(_) => Err(Outcome::Changed.into()),
        // The name is too long for a sidecar to have it.
        Err(Errno::NAMETOOLONG) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

fn claim(fd: BorrowedFd<'_>, target: &Target) -> Step<()> {
    if target.claimed {
        return Ok(());
    }
    match claim::take(fd, &target.name, &target.claim) {
        Ok(()) => {}
        Err(errno) if error::is_absence(errno) => return Err(Outcome::AlreadyAbsent.into()),
        Err(Errno::EXIST) => {
            return Err(refused(NO_FREE_NAME).into());
        }
        Err(errno) => return Err(errno.into()),
    }
    match stat(fd, &target.claim).map(|stat| Print::of(&stat)) {
        Ok(now) if target.planned.matches_claimed(&now) => Ok(()),
        _ if claim::put_back(fd, &target.name, &target.claim) => Err(Outcome::Changed.into()),
        _ => Err(stranded().into()),
    }
}

fn erase(work: &Work<'_>, fd: BorrowedFd<'_>, target: &Target) -> Result<(), Errno> {
    if work.technique() == Technique::Shred {
        shred::overwrite(fd, &target.claim, &target.planned)?;
    }
    unlinkat(fd, &target.claim, AtFlags::empty())
}

impl Target {
    fn fresh(name: &[u8], planned: &Print) -> Self {
        let claim = claim::own(planned.inode, name);
        Self { name: name.to_vec(), claim, planned: *planned, claimed: false }
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
