//! Where copies survive, as far as a look at the tree can tell.

use std::collections::{BTreeMap, HashSet};

use quietus_contract::{Knowledge, RecordRef, ResidualCopies, ResidualCopy};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::Dir;
use rustix::io::Errno;

use crate::config::Technique;
use crate::names;
use crate::root::Root;
use crate::strength::{Kind, Medium};
use crate::version::{Seen, stat};

/// Names read of one folder at most; beyond, nothing is said of it.
const NAMES_MAX: usize = 1_000_000;

/// Folders in which servers and desktops keep what was deleted, or snapshots.
const KEEPERS: &[(&str, &str, &str)] = &[
    (".recycle", "trash", "recycle folder of a file server"),
    ("#recycle", "trash", "recycle folder of a file server"),
    ("@Recycle", "trash", "recycle folder of a file server"),
    ("$RECYCLE.BIN", "trash", "recycle folder of a desktop"),
    (".Trash", "trash", "trash folder of a desktop"),
    (".Trash-", "trash", "trash folder of a desktop"),
    ("@GMT-", "snapshot", "shadow copy"),
    ("@GMT", "snapshot", "shadow copies"),
    (".snapshot", "snapshot", "snapshot folder"),
    (".snapshots", "snapshot", "snapshot folder"),
    (".zfs", "snapshot", "snapshot folder"),
];

/// Says what the medium keeps of every deleted file.
pub(crate) fn of_medium(root: &Root, medium: &Medium, technique: Technique) -> Vec<ResidualCopy> {
    let mut copies = Vec::new();
    let overwritten = technique == Technique::Shred && medium.overwrites();
    if !overwritten && !matches!(medium.kind, Kind::Remote | Kind::Memory) {
        copies.push(copy("free blocks of the file system", "free-blocks", None));
    }
    if let Ok(fd) = root.folder(b"") {
        copies.extend(keepers(fd.as_fd()).into_iter().map(|(_, kind, place)| {
            copy(&format!("{place} in the root, which the agent cannot read through"), kind, None)
        }));
    }
    copies
}

/// Looks for copies of single records, after or before their disposal.
pub(crate) fn of_records(
    root: &Root,
    medium: &Medium,
    technique: Technique,
    records: &[RecordRef],
) -> ResidualCopies {
    let mut found: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut by_folder: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
    for record in records {
        let Some(path) = names::path_of(&record.locator) else { continue };
        if Seen::from_version(&record.version).is_some_and(|seen| seen.file.names > 1) {
            *found.entry(("hard-link", "another name of the same file")).or_default() += 1;
        }
        let (folder, name) = names::split(&path);
        by_folder.entry(folder.to_vec()).or_default().push(name.to_vec());
    }
    for (folder, names) in &by_folder {
        beside(root, folder, names, &mut found);
    }
    if let Ok(fd) = root.folder(b"") {
        for (keeper, kind, place) in keepers(fd.as_fd()) {
            let kept = records.iter().filter(|r| is_kept(fd.as_fd(), &keeper, r)).count();
            if kept > 0 {
                *found.entry((kind, place)).or_default() += u64::try_from(kept).unwrap_or(0);
            }
        }
    }
    let mut copies = of_medium(root, medium, technique);
    copies.extend(found.iter().map(|((kind, place), n)| copy(place, kind, Some(*n))));
    // Snapshots and backups of the whole file system cannot be seen from within it.
    ResidualCopies { copies, knowledge: Knowledge::Unknown }
}

/// Looks for what editors and servers leave beside files.
fn beside<'a>(
    root: &Root,
    folder: &[u8],
    records: &[Vec<u8>],
    found: &mut BTreeMap<(&'a str, &'a str), u64>,
) {
    let Ok(fd) = root.folder(folder) else { return };
    let Ok(there) = names_in(fd.as_fd()) else { return };
    let there: HashSet<Vec<u8>> = there.into_iter().collect();
    let hidden = there.iter().filter(|name| name.starts_with(b".nfs")).count();
    if hidden > 0 {
        let n = u64::try_from(hidden).unwrap_or(0);
        *found.entry(("open-file", "open files that an NFS client renamed")).or_default() += n;
    }
    for name in records {
        let around = |before: &[u8], after: &[u8]| [before, name.as_slice(), after].concat();
        let backups = [
            around(b"", b"~"),
            around(b"", b".bak"),
            around(b".", b".swp"),
            around(b".", b".swo"),
            around(b"#", b"#"),
            around(b".~lock.", b"#"),
        ];
        if backups.iter().any(|backup| there.contains(backup)) {
            *found.entry(("editor-backup", "an editor's backup beside the file")).or_default() += 1;
        }
    }
}

/// Returns the names of a folder, without `.` and `..`.
pub(crate) fn names_in(fd: BorrowedFd<'_>) -> Result<Vec<Vec<u8>>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(fd)?.take(NAMES_MAX) {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            names.push(name.to_vec());
        }
    }
    Ok(names)
}

fn keepers(fd: BorrowedFd<'_>) -> Vec<(Vec<u8>, &'static str, &'static str)> {
    let mut keepers = Vec::new();
    for name in names_in(fd).unwrap_or_default() {
        let known = KEEPERS.iter().find(|(known, ..)| {
            let known = known.as_bytes();
            name == known || (known.ends_with(b"-") && name.starts_with(known))
        });
        keepers.extend(known.map(|(_, kind, place)| (name, *kind, *place)));
    }
    keepers
}

/// Tells whether a keeper has a file of a record's path or name.
fn is_kept(root: BorrowedFd<'_>, keeper: &[u8], record: &RecordRef) -> bool {
    let Some(path) = names::path_of(&record.locator) else { return false };
    let (_, name) = names::split(&path);
    [&path[..], name, &names::join(b"files", name)].iter().any(|below| {
        let (folder, name) = names::split(below);
        let kept = names::join(keeper, folder);
        let kept = kept.strip_suffix(b"/").unwrap_or(&kept);
        crate::root::beneath(root, kept, rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY)
            .is_ok_and(|fd| stat(fd.as_fd(), name).is_ok())
    })
}

fn copy(place: &str, kind: &str, records: Option<u64>) -> ResidualCopy {
    ResidualCopy { place: place.to_owned(), kind: kind.to_owned(), clears_by: None, records }
}
