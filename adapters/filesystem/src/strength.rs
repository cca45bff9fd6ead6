//! What deleting and overwriting are worth on the medium under a root.

use std::path::PathBuf;

use quietus_contract::Result;
use rustix::fs::fstatfs;

use crate::error;
use crate::root::Root;

/// What the medium does with old bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Overwrites in place, with a journal for names only.
    InPlace,
    /// As before, but the journal keeps content too (ext4 `data=journal`).
    JournalsContent,
    /// In place, unless the file's blocks are shared with another (XFS reflinks).
    MayShare,
    /// Writes new content elsewhere.
    CopyOnWrite,
    /// Behind a server or a program that does what it wants.
    Remote,
    /// In memory and swap.
    Memory,
    /// Nobody knows.
    Unknown,
}

/// What the block device does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Device {
    /// It turns; a block stays where it is.
    Rotating,
    /// Flash, thin or virtual: old blocks may survive out of reach.
    Remaps,
    /// The kernel does not tell.
    Unknown,
}

/// The medium under a root.
#[derive(Clone, Debug)]
pub(crate) struct Medium {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) device: Device,
    pub(crate) notes: Vec<String>,
}

/// File systems by the number that `statfs` gives (linux/magic.h and each system's source).
const KINDS: &[(u64, &str, Kind)] = &[
    (0xef53, "ext4", Kind::InPlace),
    (0x5846_5342, "xfs", Kind::MayShare),
    (0x9123_683e, "btrfs", Kind::CopyOnWrite),
    (0x2fc1_2fc1, "zfs", Kind::CopyOnWrite),
    (0xf2f5_2010, "f2fs", Kind::CopyOnWrite),
    (0xca45_1a4e, "bcachefs", Kind::CopyOnWrite),
    (0x3434, "nilfs", Kind::CopyOnWrite),
    (0x6969, "nfs", Kind::Remote),
    (0xff53_4d42, "cifs", Kind::Remote),
    (0xfe53_4d42, "smb2", Kind::Remote),
    (0x517b, "smb", Kind::Remote),
    (0x6573_5546, "fuse", Kind::Remote),
    (0x0102_1997, "9p", Kind::Remote),
    (0x00c3_6400, "ceph", Kind::Remote),
    (0x794c_7630, "overlay", Kind::Unknown),
    (0x0102_1994, "tmpfs", Kind::Memory),
    (0x8584_58f6, "ramfs", Kind::Memory),
    (0x4d44, "vfat", Kind::InPlace),
    (0x2011_bab0, "exfat", Kind::InPlace),
    (0x7366_746e, "ntfs", Kind::InPlace),
];

impl Medium {
    /// Looks at the file system and the block device of a root.
    pub(crate) fn of(root: &Root) -> Result<Self> {
        let magic = fstatfs(root.fd())
            .map_err(|errno| error::call("the root's file system cannot be read", errno))?
            .f_type;
        let magic = u64::try_from(magic).unwrap_or(0) & 0xffff_ffff;
        let known = KINDS.iter().find(|(number, ..)| *number == magic);
        let (name, mut kind) = known.map_or(("other", Kind::Unknown), |(_, n, k)| (n, *k));
        let mount = mount_of(root.device()).unwrap_or_default();
        if name == "ext4" && mount.contains("data=journal") {
            kind = Kind::JournalsContent;
        }
        let device = match kind {
            Kind::Remote | Kind::Memory => Device::Unknown,
            _ => device_of(root.device()),
        };
        Ok(Self { name, kind, device, notes: notes(name, kind, device, &mount) })
    }

    /// Tells whether overwriting reaches the bytes at all.
    pub(crate) fn overwrites(&self) -> bool {
        matches!(self.kind, Kind::InPlace | Kind::MayShare) && self.device == Device::Rotating
    }

    /// Says what unlinking is worth here.
    pub(crate) fn deleting(&self) -> String {
        let rest = match self.kind {
            Kind::Remote => {
                "what the server behind it keeps (recycle folder, snapshots, versions) \
                             is not known"
            }
            Kind::Memory => "the bytes stay in memory or swap until they are used again",
            _ => "the bytes stay in free blocks until the file system uses or discards them",
        };
        format!("The name is removed from the {} file system; {rest}.", self.name)
    }

    /// Says what overwriting is worth here.
    pub(crate) fn overwriting(&self) -> String {
        let name = self.name;
        match (self.kind, self.device) {
            (Kind::CopyOnWrite, _) => format!(
                "Overwriting is worth nothing on {name}: it writes the new bytes elsewhere and \
                 the old ones stay in free blocks and snapshots."
            ),
            (Kind::Remote, _) => format!(
                "Overwriting is worth nothing that can be relied on over {name}: the server \
                 decides where the new bytes go."
            ),
            (Kind::Memory, _) => format!(
                "Overwriting {name} clears the pages of the file; copies in swap may remain."
            ),
            (Kind::JournalsContent, _) => format!(
                "Overwriting is worth little on {name} with data=journal: content passes through \
                 the journal and stays there until it is used again."
            ),
            (Kind::Unknown, _) => format!(
                "What overwriting is worth on this file system ({name}) is not known; count it \
                 as a plain deletion."
            ),
            (_, Device::Remaps | Device::Unknown) => format!(
                "Overwriting on {name} replaces the bytes that the file system shows, but the \
                 device below may keep the old ones out of reach (flash, thin or virtual disk); \
                 count it as a plain deletion."
            ),
            (Kind::MayShare, Device::Rotating) => format!(
                "The blocks of the file were overwritten in place on {name}, best effort; blocks \
                 that the file shared with another (reflink) or that a snapshot keeps were not."
            ),
            (Kind::InPlace, Device::Rotating) => format!(
                "The blocks of the file were overwritten in place on {name}, best effort; earlier \
                 copies, the name in the journal, and snapshots below were not reached."
            ),
        }
    }
}

fn notes(name: &str, kind: Kind, device: Device, mount: &str) -> Vec<String> {
    let mut notes = Vec::new();
    match kind {
        Kind::CopyOnWrite => notes.push(format!(
            "{name} may have snapshots, which keep every file that is deleted; the agent cannot \
             see them"
        )),
        Kind::Remote => notes.push(format!(
            "{name} hides what the server keeps: recycle folders, snapshots, renamed open files"
        )),
        Kind::Unknown => notes.push("the file system is not one that the agent knows".to_owned()),
        _ => {}
    }
    if device == Device::Remaps {
        notes.push("the device does not turn: overwriting may not reach old blocks".to_owned());
    }
    if mount.split([',', ' ']).any(|option| option == "discard") {
        notes.push("mounted with discard: freed blocks are reported to the device".to_owned());
    }
    notes
}

/// Returns the line of the mount table for a device.
fn mount_of(device: u64) -> Option<String> {
    let (major, minor) = (device >> 32, device & 0xffff_ffff);
    let numbers = format!("{major}:{minor}");
    let table = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let mut lines = table.lines();
    lines.find(|line| line.split(' ').nth(2) == Some(&numbers)).map(str::to_owned)
}

/// Asks the kernel whether the disk under a device number turns.
fn device_of(device: u64) -> Device {
    let (major, minor) = (device >> 32, device & 0xffff_ffff);
    let entry = PathBuf::from(format!("/sys/dev/block/{major}:{minor}"));
    let read = |file: PathBuf| std::fs::read_to_string(file).ok();
    // A partition has no queue of its own; its disk has.
    let rotating = read(entry.join("queue/rotational")).or_else(|| {
        let disk = std::fs::canonicalize(&entry).ok()?;
        read(disk.parent()?.join("queue/rotational"))
    });
    match rotating.as_deref().map(str::trim) {
        Some("1") if !is_stacked(&entry) => Device::Rotating,
        Some("0") => Device::Remaps,
        _ => Device::Unknown,
    }
}

/// Tells whether a device stands on another or on a file (LVM, RAID, loop), so that its own word
/// on turning says nothing.
fn is_stacked(entry: &std::path::Path) -> bool {
    let slaves = std::fs::read_dir(entry.join("slaves"));
    let stands_on_others = slaves.is_ok_and(|mut names| names.next().is_some());
    stands_on_others || entry.join("loop").exists()
}
