//! The entries: tree, chain, keys and envelopes (steps 4 to 7), and what hangs on them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::head::SignedHead;
use super::meaning::Meaning;
use super::{CertificateSummary, DisclosureSummary, Freshness, NilSummary, Run};
use crate::disclosure::Disclosure;
use crate::dsse::Envelope;
use crate::hash::Hash;
use crate::key::PublicKey;
use crate::layout::{
    LEDGER, Role, envelope_path, proof_path, records_path, seq_of, statement_path,
};
use crate::merkle::{Frontier, check_inclusion, root};
use crate::proof::Proof;
use crate::source::Kind;
use crate::statement::{BatchResult, Event, Genesis, Statement};
use crate::tiles::{self, TILE_WIDTH, Tile};
use crate::time::Timestamp;

/// The entries of one ledger under verification.
pub(super) struct Ledger<'r, 'a> {
    pub(super) run: &'r mut Run<'a>,
    head: SignedHead,
    /// The leaf hashes of the entries that are there.
    pub(super) leaves: Leaves,
    genesis: Option<Genesis>,
    certificate_key: Option<PublicKey>,
    last_at: Option<Timestamp>,
    meaning: Meaning,
    /// Results that disclosures open.
    wanted: HashMap<u64, Option<BatchResult>>,
    opened: Vec<(String, Disclosure)>,
    /// Records files that results name.
    records: BTreeSet<String>,
    /// In a single bundle, the entries that may be there.
    present: BTreeSet<u64>,
    other_signatures: usize,
}

/// Leaf hashes: all of them from the first on, or some.
#[derive(Default)]
pub(super) struct Leaves {
    all: Vec<Hash>,
    some: BTreeMap<u64, Hash>,
}

impl Leaves {
    pub(super) fn get(&self, seq: u64) -> Option<Hash> {
        let all = usize::try_from(seq).ok().and_then(|seq| self.all.get(seq));
        all.or_else(|| self.some.get(&seq)).copied()
    }
}

pub(super) fn entry_place(seq: u64) -> String {
    format!("entry {seq}")
}

impl<'r, 'a> Ledger<'r, 'a> {
    pub(super) fn new(run: &'r mut Run<'a>, head: SignedHead) -> Self {
        let mut ledger = Self {
            run,
            head,
            leaves: Leaves::default(),
            genesis: None,
            certificate_key: None,
            last_at: None,
            meaning: Meaning::default(),
            wanted: HashMap::new(),
            opened: Vec::new(),
            records: BTreeSet::new(),
            present: BTreeSet::new(),
            other_signatures: 0,
        };
        ledger.read_disclosures();
        ledger
    }

    pub(super) fn invalid(&mut self, seq: u64, message: impl Into<String>) {
        self.run.report.invalid(&entry_place(seq), message);
    }

    /// Goes through all entries.
    pub(super) fn walk(&mut self) {
        if self.run.is_single() {
            self.walk_single()
        } else {
            self.walk_full()
        }
        self.meaning(|meaning, ledger| meaning.finish(ledger));
        if let Some(genesis) = self.genesis.clone() {
            self.run.own_key(&self.head, &genesis.log_key.0);
        }
    }

    /// Lends the state of meaning and the rest of the ledger at once.
    fn meaning(&mut self, work: impl FnOnce(&mut Meaning, &mut Self)) {
        let mut meaning = std::mem::take(&mut self.meaning);
        work(&mut meaning, self);
        self.meaning = meaning;
    }

    fn walk_full(&mut self) {
        let size = self.head.checkpoint.size;
        if !self.has_all_statements(size) {
            return;
        }
        for tile in tiles::level_tiles(size, None) {
            let path = format!("{LEDGER}{}", tile.path());
            let Some(bytes) = self.run.read(&path, Role::Entries) else { return };
            let Some(entries) = tiles::entries(&bytes, tile.width) else {
                return self.run.report.invalid(&path, "it does not have its number of entries");
            };
            let first = self.leaves.all.len();
            for (seq, entry) in (tile.index * TILE_WIDTH..).zip(entries) {
                let before = self.leaves.all.last().copied().unwrap_or(Hash::ZERO);
                let leaf = Hash::leaf(entry);
                self.leaves.all.push(leaf);
                self.entry(seq, entry, Some(before), leaf);
            }
            let hashes = self.leaves.all.get(first..).unwrap_or_default().to_vec();
            self.tile(Tile { level: Some(0), ..tile }, &hashes);
        }
        self.upper_tiles(size);
        let mut frontier = Frontier::default();
        frontier.extend(self.leaves.all.iter().copied());
        if frontier.root() != self.head.checkpoint.root {
            let place = crate::layout::CHECKPOINT;
            self.run.report.invalid(place, "its root is not the root of the entries");
        }
    }

    /// Bounds the walk by what is there, whatever the checkpoint says.
    fn has_all_statements(&mut self, size: u64) -> bool {
        let found =
            self.run.paths.iter().filter(|path| Role::of(path) == Some(Role::Statement)).count();
        let found = u64::try_from(found).unwrap_or(u64::MAX);
        if found < size {
            let message = format!("{size} entries are signed for, {found} statements are here");
            self.run.report.invalid("ledger", message);
            return false;
        }
        if found > size {
            let message = format!("{found} statements are here, {size} are signed for");
            // In a folder the next entry may be half written.
            match self.run.input.source.kind() {
                Kind::Folder => self.run.report.notice("ledger", message),
                _ => self.run.report.invalid("ledger", message),
            }
        }
        true
    }

    fn tile(&mut self, tile: Tile, hashes: &[Hash]) {
        let path = format!("{LEDGER}{}", tile.path());
        let Some(bytes) = self.run.read(&path, Role::Tile) else { return };
        if !hashes.iter().flat_map(|hash| hash.0).eq(bytes.iter().copied()) {
            self.run.report.invalid(&path, "its hashes are not those of the entries");
        }
    }

    fn upper_tiles(&mut self, size: u64) {
        let mut below = self.leaves.all.clone();
        for level in 1..8_u8 {
            let full = below.as_chunks::<256>().0.iter();
            let hashes: Vec<Hash> = full.map(|tile| root(tile)).collect();
            let mut rest = hashes.as_slice();
            for tile in tiles::level_tiles(size, Some(level)) {
                let width = usize::try_from(tile.width).unwrap_or(usize::MAX);
                let Some((own, after)) = rest.split_at_checked(width) else { return };
                self.tile(tile, own);
                rest = after;
            }
            below = hashes;
        }
    }

    fn walk_single(&mut self) {
        let seqs: BTreeSet<u64> = self
            .run
            .paths
            .iter()
            .filter_map(|path| path.strip_prefix("ledger/certificates/"))
            .filter_map(|name| seq_of(name.strip_suffix(".json")?))
            .collect();
        self.present.extend([0].into_iter().chain(seqs.last().copied()));
        for seq in &seqs {
            let Some(bytes) = self.run.read(&statement_path(*seq), Role::Statement) else {
                continue;
            };
            let leaf = Hash::leaf(&bytes);
            self.leaves.some.insert(*seq, leaf);
            self.proof(*seq, leaf);
            let before = match seq.checked_sub(1) {
                None => Some(Hash::ZERO),
                Some(before) => self.leaves.get(before),
            };
            self.entry(*seq, &bytes, before, leaf);
        }
        let present = std::mem::take(&mut self.present);
        for seq in present.difference(&seqs) {
            self.invalid(*seq, "it is missing, and the certificate rests on it");
        }
        for seq in seqs.difference(&present) {
            self.invalid(*seq, "it is not one of the entries that the certificate rests on");
        }
    }

    fn proof(&mut self, seq: u64, leaf: Hash) {
        let path = proof_path(seq);
        let Some(bytes) = self.run.read(&path, Role::Proof) else { return };
        let Some(proof) = Proof::parse(&bytes) else {
            return self.run.report.invalid(&path, "it is not a tlog-proof without an extra line");
        };
        if proof.index != seq || proof.checkpoint != self.head.bytes {
            return self.run.report.invalid(&path, "it is of another entry or another checkpoint");
        }
        let head = &self.head.checkpoint;
        if let Err(error) = check_inclusion(leaf, seq, head.size, &proof.path, head.root) {
            self.run.report.invalid(&path, error.to_string());
        }
    }

    /// Checks one entry; `before` is the leaf hash of the one before, where it is there.
    fn entry(&mut self, seq: u64, bytes: &[u8], before: Option<Hash>, leaf: Hash) {
        let statement = match Statement::decode(bytes) {
            Ok(statement) => statement,
            Err(error) => return self.invalid(seq, error.to_string()),
        };
        if statement.log != self.head.checkpoint.origin {
            self.invalid(seq, "it belongs to another ledger");
        }
        if statement.seq != seq {
            self.invalid(seq, format!("it says that it is entry {}", statement.seq));
        }
        if before.is_some_and(|before| before != statement.prev) {
            self.invalid(seq, "prev is not the hash of the entry before");
        }
        if self.last_at.is_some_and(|last| statement.at < last) {
            let message = "its time is before that of the entry before: the clock went back";
            self.run.report.notice(&entry_place(seq), message);
        }
        self.last_at = self.last_at.max(Some(statement.at));
        self.genesis(seq, &statement.event);
        if !self.run.is_single() {
            let path = statement_path(seq);
            if self.run.read(&path, Role::Statement).is_some_and(|file| file != bytes) {
                self.run.report.invalid(&path, "it is not the entry of that number");
            }
        }
        self.envelope(seq, bytes);
        self.meaning(|meaning, ledger| meaning.entry(ledger, &statement, leaf));
        self.summarise(statement);
    }

    fn genesis(&mut self, seq: u64, event: &Event) {
        match (seq, event) {
            (0, Event::Genesis(genesis)) => {
                self.certificate_key = PublicKey::from_bytes(&genesis.certificate_key.0).ok();
                self.genesis = Some(genesis.clone());
            }
            (0, _) | (_, Event::Genesis(_)) => {
                self.invalid(seq, "the first entry, and only the first, is the genesis");
            }
            _ => {}
        }
    }

    fn envelope(&mut self, seq: u64, statement: &[u8]) {
        let path = envelope_path(seq);
        let Some(bytes) = self.run.read(&path, Role::Envelope) else { return };
        let envelope = match Envelope::decode(&bytes) {
            Ok(envelope) => envelope,
            Err(error) => return self.run.report.invalid(&path, error.to_string()),
        };
        if envelope.payload != statement {
            return self.run.report.invalid(&path, "its payload is not the entry");
        }
        let Some(key) = &self.certificate_key else {
            return self.run.report.invalid(&path, "there is no certificate key to check it with");
        };
        if let Err(error) = envelope.check(key) {
            return self.run.report.invalid(&path, error.to_string());
        }
        self.other_signatures += envelope.signatures.len().saturating_sub(1);
    }

    fn summarise(&mut self, statement: Statement) {
        let Statement { seq, at, .. } = statement;
        match statement.event {
            Event::Result(result) => {
                let path = records_path(&result.run, result.batch.n);
                let records_checked = self.run.records(seq, &path, &result);
                self.records.insert(path);
                if let Some(wanted) = self.wanted.get_mut(&seq) {
                    *wanted = Some((*result).clone());
                }
                self.present.extend([result.intent.seq, result.authority.policy_seq]);
                self.run.report.certificates.push(CertificateSummary {
                    seq,
                    at,
                    result: *result,
                    records_checked,
                });
            }
            Event::Nil(nil) => self.run.report.nils.push(NilSummary {
                seq,
                at,
                why: nil.why,
                cutoff: nil.cutoff,
                totals: nil.totals,
            }),
            _ => {}
        }
    }

    /// Compares with the checkpoint that the auditor kept (step 10).
    pub(super) fn last_seen(&mut self) {
        let log_key = self.genesis.as_ref().map(|genesis| genesis.log_key.0);
        let Some(kept) = self.run.kept(&self.head, log_key.as_ref()) else { return };
        let head = &self.head.checkpoint;
        let place = "last seen";
        if self.run.is_single() && kept.size != head.size {
            let line = "last seen: its size differs, and a single bundle has not all entries";
            return self.run.report.not_checked.push(line.to_owned());
        }
        if kept.size > head.size {
            let message = format!(
                "the ledger had {} entries then and has {} now: its end was cut off",
                kept.size, head.size
            );
            return self.run.report.invalid(place, message);
        }
        let known = if kept.size == head.size {
            Some(head.root)
        } else {
            let size = usize::try_from(kept.size).unwrap_or(usize::MAX);
            self.leaves.all.get(..size).map(root)
        };
        match known {
            None => self.run.report.invalid(place, "its entries are not all here"),
            Some(root) if root != kept.root => {
                let message = "two histories are signed by one key: the ledger was forked";
                self.run.report.invalid(place, message);
            }
            Some(_) => {}
        }
    }

    fn read_disclosures(&mut self) {
        let mut texts: Vec<(String, Vec<u8>)> = Vec::new();
        for path in self.run.paths.clone() {
            if Role::of(&path) == Some(Role::Disclosure)
                && let Some(bytes) = self.run.read(&path, Role::Disclosure)
            {
                texts.push((path, bytes));
            }
        }
        let given = self.run.input.disclosures.iter().enumerate();
        texts.extend(given.map(|(at, bytes)| (format!("disclosure {}", at + 1), bytes.to_vec())));
        for (place, bytes) in texts {
            match Disclosure::decode(&bytes) {
                Ok(disclosure) => {
                    let path = crate::layout::disclosure_path(disclosure.seq, disclosure.index);
                    if place.starts_with("disclosures/") && place != path {
                        self.run.report.invalid(&place, "its name is not that of its line");
                    }
                    self.wanted.insert(disclosure.seq, None);
                    self.opened.push((place, disclosure));
                }
                Err(error) => self.run.report.invalid(&place, error.to_string()),
            }
        }
    }

    /// Checks the opened records (step 11).
    pub(super) fn disclosures(&mut self) {
        for (place, disclosure) in std::mem::take(&mut self.opened) {
            let Some(Some(result)) = self.wanted.get(&disclosure.seq) else {
                let message = format!("entry {} is not a result that is here", disclosure.seq);
                self.run.report.invalid(&place, message);
                continue;
            };
            match disclosure.check(&self.head.checkpoint.origin, result) {
                Ok(line) => self.run.report.disclosures.push(DisclosureSummary {
                    seq: disclosure.seq,
                    store: disclosure.store,
                    record_key: disclosure.record_key,
                    line,
                }),
                Err(error) => self.run.report.invalid(&place, error.to_string()),
            }
        }
    }

    /// Looks for files that should not be there, and closes the report.
    pub(super) fn finish(self) {
        if self.run.input.source.kind() != Kind::Folder {
            let tiles = self.tile_paths();
            for path in std::mem::take(&mut self.run.paths) {
                if !self.is_expected(&path, &tiles) {
                    self.run.report.invalid(&path, "nothing in the ledger speaks of this file");
                }
            }
        }
        if self.other_signatures > 0 {
            let count = self.other_signatures;
            let line = format!("{count} signatures of envelopes by other keys");
            self.run.report.not_checked.push(line);
        }
        if self.run.report.freshness.is_none() {
            self.run.report.freshness = self.last_at.map(Freshness::Claimed);
        }
    }

    /// Lists the tiles of the entries that were read; the checkpoint's size may be a lie.
    fn tile_paths(&self) -> BTreeSet<String> {
        let size = u64::try_from(self.leaves.all.len()).unwrap_or(0);
        let tiles = tiles::hash_tiles(size).chain(tiles::level_tiles(size, None));
        tiles.map(|tile| format!("{LEDGER}{}", tile.path())).collect()
    }

    fn is_expected(&self, path: &str, tiles: &BTreeSet<String>) -> bool {
        match Role::of(path) {
            Some(Role::Readme | Role::Checkpoint | Role::Disclosure) => true,
            Some(Role::Records) => self.records.contains(path),
            Some(Role::Tile | Role::Entries) => tiles.contains(path),
            Some(Role::Proof) => self.run.is_single() && self.has(path, "proofs/"),
            Some(Role::Statement | Role::Envelope) => self.has(path, "ledger/certificates/"),
            Some(Role::Manifest) | None => false,
        }
    }

    /// Tells whether a file belongs to an entry that was read.
    fn has(&self, path: &str, folder: &str) -> bool {
        let seq = path.strip_prefix(folder).and_then(|name| name.split('.').next());
        seq.and_then(seq_of).is_some_and(|seq| self.leaves.get(seq).is_some())
    }
}
