//! Overwriting in place.
//!
//! One pass of random bytes, one of zeros, each brought to the disk. Only what is allocated is
//! overwritten: writing into the holes of a sparse file would fill the disk and reach nothing.
//! What this is worth depends on the medium; `strength` says it. The size is left as it is.

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{OFlags, SeekFrom, fdatasync, seek};
use rustix::io::{Errno, pwrite};

use crate::root::beneath;
use crate::version::{Print, is_regular, stat_open};

const CHUNK_BYTES: usize = 64 * 1024;

/// Overwrites a claimed file.
///
/// # Behavior
///
/// - What is open is compared with the plan once more; a file with other names is refused, for
///   they would show zeros.
pub(crate) fn overwrite(folder: BorrowedFd<'_>, name: &[u8], planned: &Print) -> Result<(), Errno> {
    let fd = beneath(folder, name, OFlags::WRONLY | OFlags::NONBLOCK)?;
    let stat = stat_open(fd.as_fd())?;
    let now = Print::of(&stat);
    if !is_regular(&stat) || !now.same_file(planned) || now.size != planned.size || now.names != 1 {
        return Err(Errno::STALE);
    }
    let mut noise = Noise::new()?;
    pass(&fd, now.size, |chunk| noise.fill(chunk))?;
    pass(&fd, now.size, |chunk| chunk.fill(0))
}

fn pass(fd: &OwnedFd, size: u64, mut fill: impl FnMut(&mut [u8])) -> Result<(), Errno> {
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut at = 0;
    while let Some((from, to)) = extent(fd, at, size)? {
        at = from;
        while at < to {
            let length = usize::try_from(to - at).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            let chunk = buffer.get_mut(..length).unwrap_or_default();
            fill(chunk);
            at += write_all(fd, chunk, at)?;
        }
    }
    fdatasync(fd)
}

/// Returns the next allocated stretch at or after a place.
fn extent(fd: &OwnedFd, at: u64, size: u64) -> Result<Option<(u64, u64)>, Errno> {
    if at >= size {
        return Ok(None);
    }
    match seek(fd, SeekFrom::Data(at)) {
        Ok(from) if from < size => {
            let to = seek(fd, SeekFrom::Hole(from))?;
            Ok(Some((from, to.min(size))))
        }
        Ok(_) | Err(Errno::NXIO) => Ok(None),
        // The file system does not tell holes from data: all of it counts as data.
        Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(Some((at, size))),
        Err(errno) => Err(errno),
    }
}

fn write_all(fd: &OwnedFd, chunk: &[u8], at: u64) -> Result<u64, Errno> {
    let mut done: u64 = 0;
    while let Some(rest) = usize::try_from(done).ok().and_then(|n| chunk.get(n..)) {
        if rest.is_empty() {
            break;
        }
        match pwrite(fd, rest, at + done) {
            Ok(0) => return Err(Errno::IO),
            Ok(written) => done += u64::try_from(written).unwrap_or(0),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(done)
}

/// A stream of bytes that no disk can compress or fold; it keeps no secret.
struct Noise(u64);

impl Noise {
    fn new() -> Result<Self, Errno> {
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).map_err(|_| Errno::IO)?;
        Ok(Self(u64::from_le_bytes(seed)))
    }

    /// SplitMix64.
    fn fill(&mut self, chunk: &mut [u8]) {
        for eight in chunk.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            for (to, from) in eight.iter_mut().zip((z ^ (z >> 31)).to_le_bytes()) {
                *to = from;
            }
        }
    }
}
