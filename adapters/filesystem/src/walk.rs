//! Names below the root, in a fixed order, from any place on.
//!
//! The order is that of paths compared part by part, byte by byte. Each folder is opened beneath
//! the root, then listed (by `walkdir`, one level) through its descriptor, so that a folder that
//! is swapped for a link between the two cannot lead elsewhere. A walk that goes on after a path
//! opens only the folders on the way to it; all that sort before it are left closed.
//!
//! BUG: a folder's names are sorted in memory, about 60 bytes each; a single folder of ten
//! million files takes 600 MB while it is read.

use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use quietus_contract::Result;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::io::Errno;
use walkdir::WalkDir;

use crate::config::Selection;
use crate::error;
use crate::names::{PATH_BYTES_MAX, join};
use crate::pattern::Scratch;
use crate::root::Root;
use crate::version::{device_of, stat_open};

/// A walk through the folders in which records of a selection may lie.
pub(crate) struct Walk {
    root: Arc<Root>,
    selection: Arc<Selection>,
    stack: Vec<Frame>,
    /// The folder of the file that was returned last, open.
    open: Option<(Arc<[u8]>, Arc<OwnedFd>)>,
    /// Only what sorts after this path is returned.
    after: Option<Vec<u8>>,
    scratch: Scratch,
    not_entered: u64,
}

/// A file's name and its folder, open.
pub(crate) struct Name {
    pub(crate) folder: Arc<[u8]>,
    pub(crate) open: Arc<OwnedFd>,
    pub(crate) name: Box<[u8]>,
}

struct Frame {
    folder: Arc<[u8]>,
    entries: std::vec::IntoIter<Entry>,
}

struct Entry {
    name: Box<[u8]>,
    folder: bool,
}

impl Walk {
    /// Starts a walk; with `after`, behind that path.
    pub(crate) fn start(
        root: &Arc<Root>,
        selection: &Arc<Selection>,
        after: Option<Vec<u8>>,
    ) -> Result<Self> {
        let mut walk = Self {
            root: Arc::clone(root),
            selection: Arc::clone(selection),
            stack: Vec::new(),
            open: None,
            after,
            scratch: Scratch::default(),
            not_entered: 0,
        };
        walk.descend(selection.base())?;
        Ok(walk)
    }

    /// Returns how many folders were left out, for they are on another file system, mount or
    /// subvolume than the root.
    pub(crate) fn not_entered(&self) -> u64 {
        self.not_entered
    }

    /// Returns the next name of a file.
    pub(crate) fn next(&mut self) -> Result<Option<Name>> {
        loop {
            let Some(frame) = self.stack.last_mut() else { return Ok(None) };
            let Some(entry) = frame.entries.next() else {
                self.stack.pop();
                continue;
            };
            let folder = Arc::clone(&frame.folder);
            if entry.folder {
                self.descend(join(&folder, &entry.name))?;
            } else if let Some(open) = self.reopen(&folder)? {
                return Ok(Some(Name { folder, open, name: entry.name }));
            }
        }
    }

    /// Returns the folder open, or nothing if it has gone meanwhile.
    fn reopen(&mut self, folder: &Arc<[u8]>) -> Result<Option<Arc<OwnedFd>>> {
        if let Some((path, fd)) = &self.open
            && Arc::ptr_eq(path, folder)
        {
            return Ok(Some(Arc::clone(fd)));
        }
        let Some(fd) = gone_is_none(self.root.folder(folder))? else { return Ok(None) };
        let fd = Arc::new(fd);
        self.open = Some((Arc::clone(folder), Arc::clone(&fd)));
        Ok(Some(fd))
    }

    fn descend(&mut self, folder: Vec<u8>) -> Result<()> {
        if folder.len() > PATH_BYTES_MAX || !self.selection.may_be_below(&folder, &mut self.scratch)
        {
            return Ok(());
        }
        let Some(after) = self.part_after(&folder) else { return Ok(()) };
        let opened = self.root.folder(&folder);
        self.not_entered += u64::from(matches!(opened, Err(Errno::XDEV)));
        let Some(fd) = gone_is_none(opened)? else { return Ok(()) };
        let stat = stat_open(rustix::fd::AsFd::as_fd(&fd));
        let stat = stat.map_err(|errno| error::call("a folder cannot be read", errno))?;
        if device_of(&stat) != self.root.device() {
            self.not_entered += 1;
            return Ok(());
        }
        let mut entries = list(&fd)?;
        if let Some(after) = after {
            entries.retain(|e| *e.name > *after || (e.folder && *e.name == *after));
        }
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let folder: Arc<[u8]> = folder.into();
        self.open = Some((Arc::clone(&folder), Arc::new(fd)));
        self.stack.push(Frame { folder, entries: entries.into_iter() });
        Ok(())
    }

    /// Says where to begin in a folder: `None` if all of it sorts before the start,
    /// `Some(None)` if all of it is to be returned, otherwise the part of the start that lies in
    /// the folder.
    fn part_after(&self, folder: &[u8]) -> Option<Option<Vec<u8>>> {
        let Some(after) = &self.after else { return Some(None) };
        let mut parts = after.split(|b| *b == b'/');
        for name in folder.split(|b| *b == b'/').filter(|part| !part.is_empty()) {
            match parts.next() {
                Some(part) if part == name => {}
                Some(part) if name < part => return None,
                _ => return Some(None),
            }
        }
        Some(parts.next().map(<[u8]>::to_vec))
    }
}

/// Treats a folder that went away, or became something else, as one without names.
fn gone_is_none(opened: std::result::Result<OwnedFd, Errno>) -> Result<Option<OwnedFd>> {
    match opened {
        Ok(fd) => Ok(Some(fd)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => Ok(None),
        Err(errno) => Err(error::call("a folder below the root cannot be opened", errno)
            .with_help(
                "give the agent's account the right to read it, or name it in `except_paths`; \
                 records that cannot be seen are never counted as none",
            )),
    }
}

/// Lists one folder through its descriptor.
fn list(fd: &OwnedFd) -> Result<Vec<Entry>> {
    let through = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let walk =
        WalkDir::new(through).min_depth(1).max_depth(1).follow_links(false).same_file_system(true);
    let mut entries = Vec::new();
    for entry in walk {
        match entry {
            Ok(entry) => {
                let (name, kind) = (entry.file_name().as_bytes().into(), entry.file_type());
                // Links, devices, sockets and pipes are no records.
                if kind.is_dir() || kind.is_file() {
                    entries.push(Entry { name, folder: kind.is_dir() });
                }
            }
            // A folder that walkdir could not open: it is opened again, and judged, if the
            // selection goes there at all.
            Err(failed) if failed.depth() == 1 && failed.path().is_some() => {
                let name = failed.path().and_then(std::path::Path::file_name);
                let name = name.map(|name| name.as_bytes().into()).unwrap_or_default();
                entries.push(Entry { name, folder: true });
            }
            Err(failed) => {
                let errno = failed.io_error().and_then(Errno::from_io_error);
                return Err(error::call(
                    "a folder below the root cannot be listed",
                    errno.unwrap_or(Errno::IO),
                ));
            }
        }
    }
    Ok(entries)
}
