//! Gives files that an interrupted order claimed their names back.

use quietus_contract::{AdapterError, ErrorKind, RecordRef, Result};
use rustix::fd::AsFd;
use rustix::fs::fsync;
use rustix::io::Errno;

use crate::claim::{self, Claims, Found};
use crate::root::Root;
use crate::version::Seen;
use crate::{error, names};

/// Looks for each record's claims and renames them back, never over another file.
pub(crate) fn all(root: &Root, suffix: Option<&str>, records: &[RecordRef]) -> Result<()> {
    let mut stranded = 0;
    for record in records {
        match one(root, suffix, record) {
            Ok(lost) => stranded += lost,
            Err(errno) if error::is_absence(errno) => {}
            Err(errno) => return Err(error::call("a record could not be put back", errno)),
        }
    }
    if stranded == 0 {
        return Ok(());
    }
    Err(AdapterError::new(
        ErrorKind::Broken,
        format!(
            "{stranded} files could not get their names back, for other files have them now; they \
             stand beside those, whole, under names that begin with `.quietus-`"
        ),
    ))
}

fn one(root: &Root, suffix: Option<&str>, record: &RecordRef) -> std::result::Result<u64, Errno> {
    let path = names::path_of(&record.locator);
    let (Some(path), Some(seen)) = (path, Seen::from_version(&record.version)) else {
        return Ok(0);
    };
    let (folder, name) = names::split(&path);
    let fd = root.folder(folder)?;
    let slots = claim::slots(fd.as_fd())?;
    let side = suffix.map(|suffix| [name, suffix.as_bytes()].concat());
    let sidecar = side.zip(seen.sidecar.map(|(print, _)| print));
    let files = std::iter::once((name.to_vec(), seen.file)).chain(sidecar);
    let claims = Claims { slots: &slots, own: true };
    let mut stranded = 0;
    for (name, planned) in files {
        if let Found::Claimed(_, claim) = claim::find(fd.as_fd(), &name, &planned, claims)? {
            stranded += u64::from(!claim::put_back(fd.as_fd(), &name, &claim));
            fsync(&fd)?;
        }
    }
    Ok(stranded)
}
