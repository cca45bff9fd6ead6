//! The state in which a file was seen.

use quietus_contract::Version;
use rustix::fd::BorrowedFd;
use rustix::fs::{AtFlags, FileType, Statx, StatxFlags, statx};
use rustix::io::Errno;

/// First byte of a version, so that a later layout can be told from this one.
const LAYOUT: u8 = 1;

/// Bytes of a sidecar's digest that the version keeps.
pub(crate) const DIGEST_BYTES: usize = 16;

/// What tells one state of one file from every other.
///
/// # Behavior
///
/// - Device and inode say which file; size, times and the number of names say which state. The
///   change time moves with content, owner, mode and names, and no program can set it.
/// - Renaming moves the change time too, so a file that was claimed (see `claim`) is compared
///   without it, after it was compared with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Print {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    pub(crate) modified: (i64, u32),
    pub(crate) changed: (i64, u32),
    pub(crate) names: u32,
}

impl Print {
    pub(crate) fn of(stat: &Statx) -> Self {
        Self {
            device: device_of(stat),
            inode: stat.stx_ino,
            size: stat.stx_size,
            modified: (stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
            changed: (stat.stx_ctime.tv_sec, stat.stx_ctime.tv_nsec),
            names: stat.stx_nlink,
        }
    }

    /// Tells whether the other is the same file in the same state, its change time left aside.
    pub(crate) fn matches_claimed(&self, other: &Self) -> bool {
        Self { changed: other.changed, ..*self } == *other
    }

    /// Tells whether the other is the same file.
    pub(crate) fn same_file(&self, other: &Self) -> bool {
        self.device == other.device && self.inode == other.inode
    }

    fn push(&self, out: &mut Vec<u8>) {
        for word in [self.device, self.inode, self.size] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        for (secs, nanos) in [self.modified, self.changed] {
            out.extend_from_slice(&secs.to_le_bytes());
            out.extend_from_slice(&nanos.to_le_bytes());
        }
        out.extend_from_slice(&self.names.to_le_bytes());
    }

    fn pull(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self {
            device: u64::from_le_bytes(take(bytes)?),
            inode: u64::from_le_bytes(take(bytes)?),
            size: u64::from_le_bytes(take(bytes)?),
            modified: (i64::from_le_bytes(take(bytes)?), u32::from_le_bytes(take(bytes)?)),
            changed: (i64::from_le_bytes(take(bytes)?), u32::from_le_bytes(take(bytes)?)),
            names: u32::from_le_bytes(take(bytes)?),
        })
    }
}

/// The states of a record: the file, and the sidecar that goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) file: Print,
    pub(crate) sidecar: Option<(Print, [u8; DIGEST_BYTES])>,
}

impl Seen {
    pub(crate) fn to_version(&self) -> Version {
        let mut bytes = Vec::with_capacity(128);
        bytes.push(LAYOUT);
        self.file.push(&mut bytes);
        if let Some((print, digest)) = &self.sidecar {
            print.push(&mut bytes);
            bytes.extend_from_slice(digest);
        }
        Version::new(&bytes)
    }

    pub(crate) fn from_version(version: &Version) -> Option<Self> {
        let mut bytes = version.as_bytes();
        if take::<1>(&mut bytes)? != [LAYOUT] {
            return None;
        }
        let file = Print::pull(&mut bytes)?;
        let sidecar = match bytes {
            [] => None,
            _ => Some((Print::pull(&mut bytes)?, take(&mut bytes)?)),
        };
        bytes.is_empty().then_some(Self { file, sidecar })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

/// Reads the state of a name in an open folder, without following a link.
pub(crate) fn stat(folder: BorrowedFd<'_>, name: &[u8]) -> Result<Statx, Errno> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    statx(folder, name, flags, StatxFlags::BASIC_STATS)
}

/// Reads the state of what is open.
pub(crate) fn stat_open(fd: BorrowedFd<'_>) -> Result<Statx, Errno> {
    statx(fd, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)
}

pub(crate) fn device_of(stat: &Statx) -> u64 {
    (u64::from(stat.stx_dev_major) << 32) | u64::from(stat.stx_dev_minor)
}

pub(crate) fn is_regular(stat: &Statx) -> bool {
    FileType::from_raw_mode(u32::from(stat.stx_mode)) == FileType::RegularFile
}

pub(crate) fn is_folder(stat: &Statx) -> bool {
    FileType::from_raw_mode(u32::from(stat.stx_mode)) == FileType::Directory
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn print() -> impl Strategy<Value = Print> {
        (any::<[u64; 3]>(), any::<[(i64, u32); 2]>(), any::<u32>()).prop_map(|(w, t, names)| {
            Print { device: w[0], inode: w[1], size: w[2], modified: t[0], changed: t[1], names }
        })
    }

    proptest! {
        #[test]
        fn a_version_gives_the_states_back(file in print(), side in proptest::option::of((print(), any::<[u8; DIGEST_BYTES]>()))) {
            let seen = Seen { file, sidecar: side };
            let version = seen.to_version();
            prop_assert!(version.as_bytes().len() <= 255);
            prop_assert_eq!(Seen::from_version(&version), Some(seen));
        }

        #[test]
        fn no_bytes_make_the_reader_fail(bytes in proptest::collection::vec(any::<u8>(), 0..255)) {
            let version = Version::new(&bytes);
            prop_assert!(Seen::from_version(&version).is_none_or(|s| s.to_version() == version));
        }
    }
}
