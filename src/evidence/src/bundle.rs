//! Bundles: a ledger and its evidence in one file, for somebody who has nothing else.
//!
//! `docs/formats/bundle.md` has every byte. Reading is strict and bounded: the tar is walked once,
//! `bundle.json` is rebuilt from it and compared, and nothing is unpacked.

mod write;

use std::collections::BTreeMap;
use std::io;

use crate::checkpoint::is_origin;
use crate::hash::{Hash, unhex};
use crate::layout::{CHECKPOINT, Listed, MANIFEST, Role};
use crate::source::{Kind, ReadAt, Source, read_exact, too_large};
use crate::tar;

pub use write::{Selection, WriteBundleError, write};

/// The most files in a bundle.
pub const FILES_MAX: usize = 400_000;
/// The name of the format.
pub const FORMAT: &str = "quietus-bundle/1";

const PIECE_BYTES: usize = 262_144;

/// A bundle whose container is sound: names, sizes, order, and the form of its list.
///
/// The digests are claims until a reader has compared them.
pub struct Bundle<R> {
    reader: R,
    kind: Kind,
    origin: String,
    members: BTreeMap<String, Member>,
}

#[derive(Clone, Copy)]
struct Member {
    offset: u64,
    listed: Listed,
}

/// A file that is not a sound bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It could not be read.
    #[error("the bundle could not be read")]
    Io(#[from] io::Error),
    /// A header, a padding or the end is not as it must be.
    #[error("at byte {offset}: {what}")]
    Tar {
        /// Where.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// A name that no bundle has, or out of order.
    #[error("{path}: {what}")]
    Name {
        /// The name.
        path: String,
        /// What is wrong.
        what: &'static str,
    },
    /// There are too many files.
    #[error("it has more than {FILES_MAX} files")]
    Many,
    /// The list is not that of the files.
    #[error("bundle.json is not the list of these files, from its byte {0} on")]
    Manifest(usize),
    /// Another format.
    #[error("it is not of the format {FORMAT}")]
    Format,
}

fn bad_tar(offset: u64, what: &'static str) -> BundleError {
    BundleError::Tar { offset, what }
}

fn bad_name(path: &str, what: &'static str) -> BundleError {
    BundleError::Name { path: path.to_owned(), what }
}

impl<R: ReadAt> Bundle<R> {
    /// Walks a bundle, and checks its container.
    pub fn open(reader: R) -> Result<Self, BundleError> {
        let mut members = walk(&reader)?;
        let manifest = members.remove(MANIFEST).ok_or(bad_name(MANIFEST, "it is missing"))?;
        if !members.contains_key(CHECKPOINT) {
            return Err(bad_name(CHECKPOINT, "it is missing"));
        }
        let length = usize::try_from(manifest.listed.bytes).map_err(io::Error::other)?;
        let mut text = vec![0; length];
        read_exact(&reader, manifest.offset, &mut text)?;
        let (kind, origin) = read_manifest(&text, &mut members)?;
        Ok(Self { reader, kind, origin, members })
    }

    fn pieces(&self, member: Member, sink: &mut dyn FnMut(&[u8]) -> bool) -> io::Result<()> {
        let piece = u64::try_from(PIECE_BYTES).unwrap_or(u64::MAX).min(member.listed.bytes);
        let mut buffer = vec![0; usize::try_from(piece).map_err(io::Error::other)?];
        let (mut offset, mut left) = (member.offset, member.listed.bytes);
        while left > 0 {
            let take = piece.min(left);
            let length = usize::try_from(take).map_err(io::Error::other)?;
            let part = buffer.get_mut(..length).ok_or(io::ErrorKind::UnexpectedEof)?;
            read_exact(&self.reader, offset, part)?;
            if !sink(part) {
                break;
            }
            offset += take;
            left -= take;
        }
        Ok(())
    }
}

impl<R: ReadAt> Source for Bundle<R> {
    fn paths(&self) -> io::Result<Vec<String>> {
        Ok(self.members.keys().cloned().collect())
    }

    fn read(&self, path: &str, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(member) = self.members.get(path).copied() else { return Ok(None) };
        if member.listed.bytes > bytes_max {
            return Err(too_large(path, bytes_max));
        }
        let mut bytes = vec![0; usize::try_from(member.listed.bytes).map_err(io::Error::other)?];
        read_exact(&self.reader, member.offset, &mut bytes)?;
        Ok(Some(bytes))
    }

    fn stream(&self, path: &str, sink: &mut dyn FnMut(&[u8]) -> bool) -> io::Result<bool> {
        let Some(member) = self.members.get(path).copied() else { return Ok(false) };
        self.pieces(member, sink)?;
        Ok(true)
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    fn origin(&self) -> Option<&str> {
        Some(&self.origin)
    }

    fn listed(&self, path: &str) -> Option<Listed> {
        self.members.get(path).map(|member| member.listed)
    }
}

/// Walks the tar from its first to its last byte; the digests stay open.
fn walk(reader: &impl ReadAt) -> Result<BTreeMap<String, Member>, BundleError> {
    let size = reader.size()?;
    let mut members = BTreeMap::new();
    let mut last = String::new();
    let mut offset = 0_u64;
    loop {
        let block = block_at(reader, offset, size)?;
        if block == [0; tar::BLOCK] {
            break;
        }
        let (name, bytes) =
            tar::read_header(&block).ok_or(bad_tar(offset, "the header is not in the subset"))?;
        let role = Role::of(&name).ok_or_else(|| bad_name(&name, "no bundle has such a file"))?;
        if name <= last {
            return Err(bad_name(&name, "it is out of order, or doubled"));
        }
        if bytes > role.bytes_max() {
            return Err(bad_name(&name, "it is longer than such a file may be"));
        }
        if members.len() > FILES_MAX {
            return Err(BundleError::Many);
        }
        let start = offset + tar::BLOCK_BYTES;
        let end = start + bytes;
        let next = end + tar::padding(bytes);
        if next > size {
            return Err(bad_tar(offset, "the file ends in the middle of this one"));
        }
        zeros(reader, end, next)?;
        let listed = Listed { bytes, sha256: Hash::ZERO };
        members.insert(name.clone(), Member { offset: start, listed });
        last = name;
        offset = next;
    }
    let end = offset + 2 * tar::BLOCK_BYTES;
    if block_at(reader, offset + tar::BLOCK_BYTES, size)? != [0; tar::BLOCK] || end != size {
        return Err(bad_tar(offset, "the end is not two blocks of zeros and nothing more"));
    }
    Ok(members)
}

fn block_at(reader: &impl ReadAt, offset: u64, size: u64) -> Result<[u8; 512], BundleError> {
    let mut block = [0; tar::BLOCK];
    if offset + tar::BLOCK_BYTES > size {
        return Err(bad_tar(offset, "the file ends before its end mark"));
    }
    read_exact(reader, offset, &mut block)?;
    Ok(block)
}

fn zeros(reader: &impl ReadAt, from: u64, to: u64) -> Result<(), BundleError> {
    let mut block = [0; tar::BLOCK];
    let length = usize::try_from(to - from).unwrap_or(usize::MAX);
    let part = block.get_mut(..length).ok_or(bad_tar(from, "the padding is too long"))?;
    read_exact(reader, from, part)?;
    if part.iter().all(|byte| *byte == 0) {
        Ok(())
    } else {
        Err(bad_tar(from, "the padding is not zeros"))
    }
}

/// Compares `bundle.json` with the one that the files have, and takes the digests from it.
fn read_manifest(
    text: &[u8],
    members: &mut BTreeMap<String, Member>,
) -> Result<(Kind, String), BundleError> {
    let mut at = Cursor { text, at: 0 };
    at.expect(b"{\"files\":[")?;
    let mut first = true;
    for (path, member) in members {
        if !std::mem::take(&mut first) {
            at.expect(b",")?;
        }
        at.expect(manifest_entry_head(path, member.listed.bytes).as_bytes())?;
        let digits = at.take::<64>()?;
        member.listed.sha256 = Hash(unhex(digits).ok_or(BundleError::Manifest(at.at))?);
        at.expect(b"\"}")?;
    }
    at.expect(b"],\"format\":\"")?;
    at.expect(FORMAT.as_bytes()).map_err(|_| BundleError::Format)?;
    at.expect(b"\",\"kind\":\"")?;
    let kind = if at.expect(b"full").is_ok() {
        Kind::Full
    } else {
        at.expect(b"single")?;
        Kind::Single
    };
    at.expect(b"\",\"log\":\"")?;
    let rest = at.text.get(at.at..).and_then(|rest| rest.strip_suffix(b"\"}"));
    let origin = rest.and_then(|rest| std::str::from_utf8(rest).ok());
    let origin = origin.and_then(unescape).filter(|origin| is_origin(origin));
    let origin = origin.ok_or(BundleError::Manifest(at.at))?;
    Ok((kind, origin))
}

/// Writes `bundle.json`.
fn manifest(kind: Kind, origin: &str, files: &BTreeMap<String, Listed>) -> String {
    let entry = |(path, listed): (&String, &Listed)| {
        format!("{}{}\"}}", manifest_entry_head(path, listed.bytes), listed.sha256)
    };
    let files = files.iter().map(entry).collect::<Vec<_>>().join(",");
    let (kind, origin) = (kind.word(), escape(origin));
    format!(
        "{{\"files\":[{files}],\"format\":\"{FORMAT}\",\"kind\":\"{kind}\",\"log\":\"{origin}\"}}"
    )
}

fn manifest_entry_head(path: &str, bytes: u64) -> String {
    let role = Role::of(path).map_or("", Role::word);
    format!("{{\"bytes\":{bytes},\"path\":\"{path}\",\"role\":\"{role}\",\"sha256\":\"")
}

/// Writes an origin as JSON does: it is printable ASCII, so two characters need a mark.
fn escape(origin: &str) -> String {
    origin.replace('\\', "\\\\").replace('"', "\\\"")
}

fn unescape(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => plain.push(chars.next()?),
            '"' => return None,
            other => plain.push(other),
        }
    }
    (escape(&plain) == text).then_some(plain)
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn expect(&mut self, wanted: &[u8]) -> Result<(), BundleError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if !rest.starts_with(wanted) {
            return Err(BundleError::Manifest(self.at));
        }
        self.at += wanted.len();
        Ok(())
    }

    fn take<const N: usize>(&mut self) -> Result<&'a [u8; N], BundleError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let (taken, _) = rest.split_first_chunk().ok_or(BundleError::Manifest(self.at))?;
        self.at += N;
        Ok(taken)
    }
}
