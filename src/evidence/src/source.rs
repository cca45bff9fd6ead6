//! Where evidence is read from: a bundle, or a programme folder.

use std::io;

use crate::layout::Listed;

/// What a source claims to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A folder with a whole ledger; other files may lie beside it.
    Folder,
    /// A bundle with a whole ledger, and nothing else.
    Full,
    /// A bundle with one certificate and what it rests on.
    Single,
}

impl Kind {
    /// Returns the word in `bundle.json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Full => "full",
            Self::Single => "single",
        }
    }
}

/// Reads files by their paths relative to a programme folder (`docs/formats/bundle.md`).
///
/// The three methods that must be written are enough for a folder. An implementation for a folder
/// must not follow links, and must not leave the folder.
pub trait Source {
    /// Lists the paths of all files under `ledger/` and `evidence/` at least, in any order.
    fn paths(&self) -> io::Result<Vec<String>>;

    /// Reads a file whole; `None` where there is none. A file of more than `bytes_max` bytes is an
    /// error of the kind `FileTooLarge`.
    fn read(&self, path: &str, bytes_max: u64) -> io::Result<Option<Vec<u8>>>;

    /// Reads a file piece by piece, until the sink says `false`; `false` where there is no file.
    fn stream(&self, path: &str, sink: &mut dyn FnMut(&[u8]) -> bool) -> io::Result<bool>;

    /// Tells what the source claims to hold.
    fn kind(&self) -> Kind {
        Kind::Folder
    }

    /// Returns the origin that the source claims; the checkpoint must have the same.
    fn origin(&self) -> Option<&str> {
        None
    }

    /// Returns what the source claims of a file, where it claims anything.
    fn listed(&self, path: &str) -> Option<Listed> {
        let _ = path;
        None
    }
}

/// Reads bytes at a position: a file, or bytes in memory.
pub trait ReadAt {
    /// Returns the number of bytes.
    fn size(&self) -> io::Result<u64>;

    /// Reads from a position; returns how many bytes, 0 only at the end.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

impl ReadAt for [u8] {
    fn size(&self) -> io::Result<u64> {
        u64::try_from(self.len()).map_err(io::Error::other)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.get(offset..));
        let rest = rest.unwrap_or_default();
        let length = rest.len().min(buffer.len());
        if let (Some(from), Some(to)) = (rest.get(..length), buffer.get_mut(..length)) {
            to.copy_from_slice(from);
        }
        Ok(length)
    }
}

impl ReadAt for Vec<u8> {
    fn size(&self) -> io::Result<u64> {
        self.as_slice().size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.as_slice().read_at(offset, buffer)
    }
}

impl<R: ReadAt + ?Sized> ReadAt for &R {
    fn size(&self) -> io::Result<u64> {
        (**self).size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        (**self).read_at(offset, buffer)
    }
}

/// Fills a buffer from a position; an error where the bytes end before.
pub(crate) fn read_exact(
    from: &(impl ReadAt + ?Sized),
    offset: u64,
    buffer: &mut [u8],
) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        let at = offset.saturating_add(u64::try_from(done).map_err(io::Error::other)?);
        let length = from.read_at(at, rest)?;
        if length == 0 || length > rest.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        done += length;
    }
    Ok(())
}

/// The error for a file that is longer than its role allows.
pub fn too_large(path: &str, bytes_max: u64) -> io::Error {
    let message = format!("{path} has more than {bytes_max} bytes");
    io::Error::new(io::ErrorKind::FileTooLarge, message)
}
