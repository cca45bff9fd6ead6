//! The enrolled root: everything below it is reached through its descriptor.
//!
//! BUG: no call to a file system can be given a deadline; on a share whose server is gone (an NFS
//! mount without `soft`) a call lasts until the server is back.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use quietus_contract::{AdapterError, ErrorKind, Result, SystemConfig, TargetIdentity};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{
    Access, AtFlags, Mode, OFlags, ResolveFlags, accessat, fstatfs, fstatvfs, open, openat2,
};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use crate::error::{self, misconfigured};
use crate::version::{Print, stat_open};

/// A folder, open for as long as the system is.
#[derive(Debug)]
pub(crate) struct Root {
    fd: OwnedFd,
    path: PathBuf,
    print: Print,
}

impl Root {
    /// Opens the folder that `root` names. Links on the way to it are the operator's; from the
    /// root on none is followed.
    pub(crate) fn open(system: &SystemConfig) -> Result<Self> {
        let text = system.settings.required_text("root")?;
        let place = system.settings.place_of("root");
        let written = system.base.join(text);
        let path = std::fs::canonicalize(&written).map_err(|e| {
            let errno = Errno::from_io_error(&e).unwrap_or(Errno::IO);
            error::call(
                &format!("{place}: the root of system {} cannot be opened", system.name),
                errno,
            )
        })?;
        if path.parent().is_none() {
            return Err(misconfigured(format!(
                "{place}: the root of a system cannot be `/`, the whole computer"
            )));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let doing = format!("{place}: the root of system {} cannot be opened", system.name);
        let fd = open(&path, flags, Mode::empty()).map_err(|errno| error::call(&doing, errno))?;
        let stat = stat_open(fd.as_fd()).map_err(|errno| error::call(&doing, errno))?;
        let root = Self { fd, path, print: Print::of(&stat) };
        match root.folder(b"") {
            Err(Errno::NOSYS) => Err(AdapterError::new(
                ErrorKind::Unsupported,
                "this kernel has no openat2 (Linux 5.6); without it a swapped folder could lead \
                 out of the root",
            )
            .with_help("run the agent on a newer kernel, or let the sandbox permit openat2")),
            Err(errno) => Err(error::call(&doing, errno)),
            Ok(_) => Ok(root),
        }
    }

    /// Opens a folder below the root for reading.
    pub(crate) fn folder(&self, path: &[u8]) -> std::result::Result<OwnedFd, Errno> {
        let name = if path.is_empty() { b"." } else { path };
        beneath(self.fd.as_fd(), name, OFlags::RDONLY | OFlags::DIRECTORY)
    }

    /// Opens a folder below the root only to look up names in it.
    pub(crate) fn folder_to_look(&self, path: &[u8]) -> std::result::Result<OwnedFd, Errno> {
        let name = if path.is_empty() { b"." } else { path };
        beneath(self.fd.as_fd(), name, OFlags::PATH | OFlags::DIRECTORY)
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    pub(crate) fn device(&self) -> u64 {
        self.print.device
    }

    /// Checks that the path still leads to the folder that was opened.
    pub(crate) fn check(&self) -> Result<()> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let now = open(&self.path, flags, Mode::empty())
            .and_then(|fd| stat_open(fd.as_fd()))
            .map_err(|errno| error::call("the root cannot be opened again", errno))?;
        if Print::of(&now).same_file(&self.print) {
            return Ok(());
        }
        Err(AdapterError::new(
            ErrorKind::WrongTarget,
            "the root's path leads to another folder than when the system was opened",
        ))
    }

    /// Says what the account may do in the root folder itself; folders below may differ.
    pub(crate) fn rights(&self) -> Vec<String> {
        let may = |access| accessat(&self.fd, ".", access, AtFlags::EACCESS).is_ok();
        let mut rights = Vec::new();
        if may(Access::READ_OK | Access::EXEC_OK) {
            rights.push("list and read the root folder".to_owned());
        }
        if may(Access::WRITE_OK | Access::EXEC_OK) {
            rights.push("rename and unlink in the root folder".to_owned());
        }
        rights
    }

    /// Says which target this is: file system, root folder, and where it stands.
    pub(crate) fn identity(&self) -> Result<TargetIdentity> {
        let doing = "the root's file system cannot be read";
        let kind = fstatfs(&self.fd).map_err(|errno| error::call(doing, errno))?.f_type;
        let id = fstatvfs(&self.fd).map_err(|errno| error::call(doing, errno))?.f_fsid;
        let digest = Sha256::digest(self.path.as_os_str().as_bytes());
        let path: String = digest.iter().take(8).map(|b| format!("{b:02x}")).collect();
        let inode = self.print.inode;
        Ok(TargetIdentity(format!("filesystem:{kind:x}:{id:016x}:{inode}:{path}")))
    }
}

/// Opens a name below an open folder: beneath it, no link on the way, no mount crossed.
pub(crate) fn beneath(
    folder: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
) -> std::result::Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV;
    // Without NOFOLLOW: it would hide a link that has taken a folder's place behind ENOTDIR.
    openat2(folder, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve)
}
