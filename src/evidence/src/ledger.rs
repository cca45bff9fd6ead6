//! The ledger as its writer sees it: a head, and the step to the next one.
//!
//! Everything here computes; the caller makes the files durable, in the order given, and only then
//! takes the new head for its own.

use serde::{Deserialize, Serialize};

use crate::checkpoint::{Checkpoint, is_origin};
use crate::dsse::{Envelope, EnvelopeError};
use crate::hash::Hash;
use crate::key::{SignError, Signer};
use crate::layout::{CHECKPOINT, LEDGER, envelope_path, statement_path};
use crate::merkle::{Frontier, root};
use crate::statement::{Event, Ref, Statement, StatementError};
use crate::tiles::{self, TILE_WIDTH, Tile, push_entry};
use crate::time::Timestamp;

/// What the writer must keep between two entries; a few kilobytes at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    origin: String,
    size: u64,
    /// The leaf hash of the last entry; zeros before the first.
    last: Hash,
    /// For each level of tiles, from 0, the hashes of the tile that is not full.
    levels: Vec<Vec<Hash>>,
}

/// An entry that was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The name cannot name a ledger.
    #[error("{0:?} cannot name a ledger: printable ASCII without spaces and plus, 1 to 255 bytes")]
    Origin(String),
    /// The stored head contradicts itself.
    #[error("the stored head of the ledger is damaged")]
    Head,
    /// The last tile on disk is not the one that the head knows.
    #[error("the last entries of the ledger are not those that its head knows")]
    Tail,
    /// `genesis` where it must not be, or another kind where it must.
    #[error("the first entry of a ledger, and only the first, is its genesis")]
    Genesis,
    /// A key that is not the one the genesis names.
    #[error("the keys are not those that the genesis names")]
    Keys,
    /// The statement cannot be written.
    #[error("the statement cannot be written: {0}")]
    Statement(#[from] StatementError),
    /// The statement cannot be signed.
    #[error("the statement cannot be signed: {0}")]
    Envelope(#[from] EnvelopeError),
    /// The checkpoint cannot be signed.
    #[error("the checkpoint cannot be signed: {0}")]
    Checkpoint(#[from] SignError),
}

/// The two keys of an agent.
#[derive(Clone, Copy)]
pub struct Keys<'a> {
    /// Signs checkpoints.
    pub log: &'a dyn Signer,
    /// Signs statements.
    pub certificate: &'a dyn Signer,
}

/// A new entry, and all that has to be written for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The number of the entry.
    pub seq: u64,
    /// The statement's bytes.
    pub statement: Vec<u8>,
    /// The leaf hash.
    pub leaf: Hash,
    /// The envelope's bytes.
    pub envelope: Vec<u8>,
    /// The head after the entry.
    pub head: Head,
    /// The signed checkpoint after the entry.
    pub checkpoint: String,
    /// All files, in the order in which they are to be made durable; the checkpoint is the last.
    /// Paths are relative to the programme folder.
    pub files: Vec<(String, Vec<u8>)>,
    /// Files that these replace, and that may be removed once the checkpoint is durable.
    pub superseded: Vec<String>,
}

impl Appended {
    /// Returns what later entries name this one by.
    pub fn reference(&self) -> Ref {
        Ref { seq: self.seq, leaf: self.leaf }
    }
}

impl Head {
    /// Starts an empty ledger.
    pub fn new(origin: &str) -> Result<Self, LedgerError> {
        if !is_origin(origin) {
            return Err(LedgerError::Origin(origin.to_owned()));
        }
        Ok(Self { origin: origin.to_owned(), size: 0, last: Hash::ZERO, levels: Vec::new() })
    }

    /// Computes the head from all entries, in order.
    pub fn rebuild<'a>(
        origin: &str,
        entries: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, LedgerError> {
        let mut head = Self::new(origin)?;
        for entry in entries {
            head.push(Hash::leaf(entry));
        }
        Ok(head)
    }

    /// Returns the ledger's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the number of entries.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the leaf hash of the last entry; zeros before the first.
    pub fn last(&self) -> Hash {
        self.last
    }

    /// Returns what the checkpoint of this head says.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { origin: self.origin.clone(), size: self.size, root: self.root() }
    }

    /// Returns the root over all entries.
    pub fn root(&self) -> Hash {
        let mut frontier = Frontier::default();
        for (level, hashes) in (0..8_u32).zip(&self.levels).rev() {
            for hash in hashes {
                frontier.push_subtree(level * 8, *hash);
            }
        }
        frontier.root()
    }

    /// Returns the path of the tile of entries that is not full; `None` where there is none.
    pub fn tail_path(&self) -> Option<String> {
        let tile = tiles::level_tiles(self.size, None).last()?;
        (tile.width != TILE_WIDTH).then(|| format!("{LEDGER}{}", tile.path()))
    }

    /// Adds a leaf; returns the tiles that it fills, from level 0 up.
    fn push(&mut self, leaf: Hash) -> Vec<(Tile, Vec<Hash>)> {
        self.size += 1;
        self.last = leaf;
        let mut filled = Vec::new();
        let mut hash = leaf;
        for level in 0..8_u8 {
            let at = usize::from(level);
            if self.levels.len() == at {
                self.levels.push(Vec::new());
            }
            let Some(hashes) = self.levels.get_mut(at) else { break };
            hashes.push(hash);
            if u64::try_from(hashes.len()) != Ok(TILE_WIDTH) {
                break;
            }
            let full = std::mem::take(hashes);
            hash = root(&full);
            let index = (self.size >> (8 * (u32::from(level) + 1))) - 1;
            filled.push((Tile { level: Some(level), index, width: TILE_WIDTH }, full));
        }
        filled
    }

    /// Tells whether sizes and levels agree.
    fn is_sound(&self) -> bool {
        let wanted = |level: usize| {
            let shift = u32::try_from(level).unwrap_or(u32::MAX).saturating_mul(8);
            self.size.checked_shr(shift).unwrap_or(0) % TILE_WIDTH
        };
        let agree =
            |(level, hashes): (usize, &Vec<Hash>)| u64::try_from(hashes.len()) == Ok(wanted(level));
        let deep = (self.levels.len()..8).all(|level| wanted(level) == 0);
        is_origin(&self.origin)
            && self.levels.len() <= 8
            && self.levels.iter().enumerate().all(agree)
            && deep
            && (self.size == 0) == (self.last == Hash::ZERO)
    }

    /// Checks the last tile of entries against the head.
    fn knows(&self, tail: &[u8]) -> bool {
        let width = self.size % TILE_WIDTH;
        let Some(entries) = tiles::entries(tail, width) else { return false };
        let leaves = entries.iter().map(|entry| Hash::leaf(entry));
        leaves.eq(self.levels.first().into_iter().flatten().copied())
    }

    /// Writes the tiles after an entry was pushed.
    fn tile_files(&self, tail: Vec<u8>, filled: Vec<(Tile, Vec<Hash>)>) -> Vec<(String, Vec<u8>)> {
        let bytes = |hashes: &[Hash]| hashes.iter().flat_map(|hash| hash.0).collect::<Vec<u8>>();
        let mut files = Vec::new();
        if let Some(entries) = tiles::level_tiles(self.size, None).last() {
            files.push((format!("{LEDGER}{}", entries.path()), tail));
        }
        for (tile, hashes) in &filled {
            files.push((format!("{LEDGER}{}", tile.path()), bytes(hashes)));
        }
        for (level, hashes) in (0_u8..).zip(&self.levels) {
            // Levels above the one that grew are as they were.
            let grew = usize::from(level) <= filled.len();
            let tile = tiles::level_tiles(self.size, Some(level)).last();
            if let Some(tile) = tile.filter(|tile| grew && tile.width != TILE_WIDTH) {
                files.push((format!("{LEDGER}{}", tile.path()), bytes(hashes)));
            }
        }
        files
    }
}

/// Makes the next entry.
///
/// `tail` is the content of the file that [`Head::tail_path`] names, empty where it names none; it
/// is checked against the head, so that a ledger that was changed on disk is not continued.
///
/// # Behavior
///
/// - The head given stays as it is: after a crash the same call makes the same bytes again.
/// - A result that is too long to be signed is written with its free texts and lists cut
///   ([`Statement::encode_to_fit`]): its records are gone already.
/// - Never sign a second entry for one head: make the new head durable before the checkpoint.
pub fn append(
    head: &Head,
    tail: &[u8],
    at: Timestamp,
    event: Event,
    keys: Keys<'_>,
) -> Result<Appended, LedgerError> {
    if !head.is_sound() {
        return Err(LedgerError::Head);
    }
    if !head.knows(tail) {
        return Err(LedgerError::Tail);
    }
    match (&event, head.size) {
        (Event::Genesis(genesis), 0) => {
            let named = genesis.log_key.0 == keys.log.public()
                && genesis.certificate_key.0 == keys.certificate.public();
            if !named {
                return Err(LedgerError::Keys);
            }
        }
        (Event::Genesis(_), _) | (_, 0) => return Err(LedgerError::Genesis),
        _ => {}
    }
    let seq = head.size;
    let statement = Statement { log: head.origin.clone(), seq, prev: head.last, at, event };
    let statement = statement.encode_to_fit()?;
    let envelope = Envelope::sign(&statement, keys.certificate)?.encode()?;

    let mut next = head.clone();
    let leaf = Hash::leaf(&statement);
    let filled = next.push(leaf);
    let mut tail = tail.to_vec();
    if !push_entry(&mut tail, &statement) {
        return Err(StatementError::Long { bytes: statement.len() }.into());
    }
    let checkpoint = next.checkpoint().sign(keys.log)?;
    let mut files =
        vec![(statement_path(seq), statement.clone()), (envelope_path(seq), envelope.clone())];
    files.extend(next.tile_files(tail, filled));
    files.push((CHECKPOINT.to_owned(), checkpoint.clone().into_bytes()));
    let superseded = superseded(head.size, &files);
    Ok(Appended { seq, statement, leaf, envelope, head: next, checkpoint, files, superseded })
}

/// Lists the partial tiles of a size that the new files replace.
fn superseded(size: u64, files: &[(String, Vec<u8>)]) -> Vec<String> {
    let entries = tiles::level_tiles(size, None).last();
    let hashes = (0..8).filter_map(|level| tiles::level_tiles(size, Some(level)).last());
    let partial = entries.into_iter().chain(hashes).filter(|tile| tile.width != TILE_WIDTH);
    partial
        .map(|tile| format!("{LEDGER}{}", tile.path()))
        .filter(|path| {
            let stem = path.split_once(".p/").map_or(path.as_str(), |(stem, _)| stem);
            let replaces = |new: &str| new == stem || new.starts_with(&format!("{stem}.p/"));
            files.iter().any(|(new, _)| new != path && replaces(new))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::key::FileKey;
    use crate::sample;

    #[test]
    fn a_ledger_grows_tile_by_tile() {
        let mut disk: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut head = Head::new(sample::ORIGIN).unwrap();
        let mut leaves = Vec::new();
        for i in 0..600_u32 {
            let tail = head.tail_path().map(|path| disk[&path].clone()).unwrap_or_default();
            let made = sample::append(&head, &tail, sample::nil_or_genesis(i));
            leaves.push(made.leaf);
            assert_eq!(made.head.root(), root(&leaves), "{i}");
            assert!(made.head.is_sound());
            disk.extend(made.files);
            for path in made.superseded {
                assert!(disk.remove(&path).is_some(), "{path}");
            }
            head = made.head;
        }
        let tiles: Vec<&String> = disk.keys().filter(|path| path.contains("/tile/")).collect();
        assert_eq!(
            tiles,
            [
                "ledger/tile/0/000",
                "ledger/tile/0/001",
                "ledger/tile/0/002.p/88",
                "ledger/tile/1/000.p/2",
                "ledger/tile/entries/000",
                "ledger/tile/entries/001",
                "ledger/tile/entries/002.p/88",
            ]
        );
        let stored = serde_json::to_vec(&head).unwrap();
        assert_eq!(serde_json::from_slice::<Head>(&stored).unwrap(), head);
    }

    #[test]
    fn a_changed_tail_is_not_continued() {
        let head = Head::new(sample::ORIGIN).unwrap();
        let made = sample::append(&head, b"", sample::nil_or_genesis(0));
        let tail = made.files.iter().find(|(path, _)| path.contains("entries")).unwrap();
        let keys = sample::Pair::new();
        let next = |head: &Head, tail: &[u8]| {
            append(head, tail, sample::at(), sample::nil_or_genesis(1), keys.keys()).map(|_| ())
        };
        assert_eq!(next(&made.head, &tail.1), Ok(()));
        let mut bent = tail.1.clone();
        bent[10] ^= 1;
        assert_eq!(next(&made.head, &bent), Err(LedgerError::Tail));
        assert_eq!(next(&made.head, b""), Err(LedgerError::Tail));
        let mut head = made.head;
        head.size += 1;
        assert_eq!(next(&head, &tail.1), Err(LedgerError::Head));
    }

    #[test]
    fn a_ledger_starts_with_its_genesis_and_its_keys() {
        let head = Head::new(sample::ORIGIN).unwrap();
        let (keys, other) = (sample::Pair::new(), FileKey::from_seed(&[9; 32]));
        let first = |event, keys| append(&head, b"", sample::at(), event, keys).map(|_| ());
        assert_eq!(first(sample::nil_or_genesis(1), keys.keys()), Err(LedgerError::Genesis));
        let wrong = Keys { log: &other, ..keys.keys() };
        assert_eq!(first(sample::nil_or_genesis(0), wrong), Err(LedgerError::Keys));
        assert!(Head::new("has space").is_err());
    }

    #[test]
    fn the_same_head_gives_the_same_bytes() {
        let head = Head::new(sample::ORIGIN).unwrap();
        let made = || sample::append(&head, b"", sample::nil_or_genesis(0));
        assert_eq!(made(), made());
    }
}
