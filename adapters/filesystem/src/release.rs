//! Gives files that an interrupted order claimed their names back.

use quietus_contract::{AdapterError, ErrorKind, RecordRef, Result};
use rustix::fd::AsFd;
use rustix::fs::fsync;
use rustix::io::Errno;

use crate::claim::{self, Claims, Found};
use crate::root::Root;
use crate::version::{Print, Seen};
use crate::{error, names};

/// What could not be put back.
#[derive(Default)]
struct Lost {
    /// Files whose names other files have now.
    stranded: u64,
    /// Records that the order had begun to destroy.
    broken: u64,
}

/// Looks for each record's claims and renames them back, never over another file.
pub(crate) fn all(root: &Root, suffix: Option<&str>, records: &[RecordRef]) -> Result<()> {
    let mut lost = Lost::default();
    for record in records {
        match one(root, suffix, record, &mut lost) {
            Ok(()) => {}
            Err(errno) if error::is_absence(errno) => {}
            Err(errno) => return Err(error::call("a record could not be put back", errno)),
        }
    }
    let mut said = Vec::new();
    if lost.stranded > 0 {
        said.push(format!(
            "{} files could not get their names back, for other files have them now; they stand \
             beside those, whole, under names that begin with `.quietus-`",
            lost.stranded
        ));
    }
    if lost.broken > 0 {
        said.push(format!(
            "{} records could not be put back whole, for the order had begun to destroy them",
            lost.broken
        ));
    }
    if said.is_empty() {
        return Ok(());
    }
    Err(AdapterError::new(ErrorKind::Broken, said.join("; ")))
}

fn one(
    root: &Root,
    suffix: Option<&str>,
    record: &RecordRef,
    lost: &mut Lost,
) -> std::result::Result<(), Errno> {
    let path = names::path_of(&record.locator);
    let (Some(path), Some(seen)) = (path, Seen::from_version(&record.version)) else {
        return Ok(());
    };
    let (folder, name) = names::split(&path);
    let fd = root.folder(folder)?;
    let slots = claim::slots(fd.as_fd())?;
    let side = suffix.map(|suffix| [name, suffix.as_bytes()].concat());
    let sidecar = side.zip(seen.sidecar.map(|(print, _)| print));
    let files = std::iter::once((name.to_vec(), seen.file)).chain(sidecar);
    let claims = Claims { slots: &slots, own: true };
    let (mut claimed, mut gone, mut damaged) = (false, false, false);
    for (name, planned) in files {
        match claim::find(fd.as_fd(), &name, &planned, claims)? {
            Found::Claimed(stat, _) if !planned.matches_claimed(&Print::of(&stat)) => {
                // Overwritten in part: under its own name it would pass for the record.
                damaged = true;
            }
            Found::Claimed(_, claim) => {
                claimed = true;
                lost.stranded += u64::from(!claim::put_back(fd.as_fd(), &name, &claim));
                fsync(&fd)?;
            }
            Found::Gone { other: false } => gone = true,
            Found::Named(_) | Found::Gone { other: true } => {}
        }
    }
    // An order claims all files of a record before it destroys the first: one that is claimed
    // beside one that is gone was half-way. Without a claim, someone else took the file.
    lost.broken += u64::from(damaged || (claimed && gone));
    Ok(())
}
