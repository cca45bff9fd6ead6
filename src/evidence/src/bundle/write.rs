//! Writing a bundle from a ledger and its evidence.

use std::collections::BTreeMap;
use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

use super::manifest;
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::disclosure::{Disclosure, DisclosureError};
use crate::hash::Hash;
use crate::layout::{
    CHECKPOINT, LEDGER, Listed, MANIFEST, README, Role, disclosure_path, envelope_path, proof_path,
    records_path, statement_path,
};
use crate::merkle;
use crate::proof::Proof;
use crate::source::{Kind, Source, too_large};
use crate::statement::{Event, Statement, StatementError};
use crate::tar;
use crate::tiles;

/// What a bundle is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// The whole ledger with all records files.
    Full,
    /// One certificate, by its number, with what it rests on.
    Single {
        /// The certificate.
        seq: u64,
        /// Whether its records file goes with it.
        records: bool,
    },
}

/// A bundle that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteBundleError {
    /// Reading or writing failed.
    #[error("the bundle could not be written")]
    Io(#[from] io::Error),
    /// A file is not there.
    #[error("{0} is missing")]
    Missing(String),
    /// The checkpoint cannot be read.
    #[error("the checkpoint cannot be read: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// A statement cannot be read.
    #[error("entry {seq} cannot be read: {error}")]
    Statement {
        /// The entry.
        seq: u64,
        /// What is wrong with it.
        error: StatementError,
    },
    /// A disclosure cannot be written.
    #[error("a disclosure cannot be written: {0}")]
    Disclosure(#[from] DisclosureError),
    /// The ledger has no such entry.
    #[error("the ledger has no entry {0}")]
    NoEntry(u64),
    /// A file changed while it was being copied.
    #[error("{0} changed while it was being copied")]
    Changed(String),
    /// A name or a size that does not fit into a bundle.
    #[error("{0} does not fit into a bundle")]
    Fit(String),
}

enum Content {
    Made(Vec<u8>),
    Copied,
}

/// Writes a bundle.
///
/// # Behavior
///
/// - Each file is read twice: once for its digest, once to copy it; a file that differs the second
///   time is an error. Nothing is held in memory but the list, and one piece at a time.
pub fn write(
    source: &dyn Source,
    selection: Selection,
    disclosures: &[Disclosure],
    out: &mut dyn Write,
) -> Result<(), WriteBundleError> {
    let checkpoint = read(source, CHECKPOINT)?;
    let (head, _) = Checkpoint::parse(&checkpoint)?;
    let mut files = BTreeMap::new();
    files.insert(README.to_owned(), Content::Made(README_TEXT.as_bytes().to_vec()));
    files.insert(CHECKPOINT.to_owned(), Content::Made(checkpoint.clone()));
    for one in disclosures {
        files.insert(disclosure_path(one.seq, one.index), Content::Made(one.encode()?));
    }
    let kind = match selection {
        Selection::Full => {
            full(source, &head, &mut files)?;
            Kind::Full
        }
        Selection::Single { seq, records } => {
            single(source, &head, &checkpoint, (seq, records), &mut files)?;
            Kind::Single
        }
    };
    let mut listed = BTreeMap::new();
    for (path, content) in &files {
        listed.insert(path.clone(), digest(source, path, content)?);
    }
    let list = manifest(kind, &head.origin, &listed).into_bytes();
    let bytes = u64::try_from(list.len()).map_err(io::Error::other)?;
    listed.insert(MANIFEST.to_owned(), Listed { bytes, sha256: Hash::of(&list) });
    files.insert(MANIFEST.to_owned(), Content::Made(list));
    for (path, content) in &files {
        let claimed = listed.get(path).ok_or(WriteBundleError::Missing(path.clone()))?;
        copy(source, path, content, claimed, out)?;
    }
    out.write_all(&[0; 2 * tar::BLOCK])?;
    Ok(())
}

fn full(
    source: &dyn Source,
    head: &Checkpoint,
    files: &mut BTreeMap<String, Content>,
) -> Result<(), WriteBundleError> {
    let tiles = tiles::hash_tiles(head.size).chain(tiles::level_tiles(head.size, None));
    for tile in tiles {
        files.insert(format!("{LEDGER}{}", tile.path()), Content::Copied);
    }
    for seq in 0..head.size {
        let statement = statement(source, seq)?;
        if let Event::Result(result) = statement.event {
            files.insert(records_path(&result.run, result.batch.n), Content::Copied);
        }
        files.insert(statement_path(seq), Content::Copied);
        files.insert(envelope_path(seq), Content::Copied);
    }
    Ok(())
}

fn single(
    source: &dyn Source,
    head: &Checkpoint,
    checkpoint: &[u8],
    (seq, records): (u64, bool),
    files: &mut BTreeMap<String, Content>,
) -> Result<(), WriteBundleError> {
    if seq >= head.size {
        return Err(WriteBundleError::NoEntry(seq));
    }
    let mut seqs = vec![0, seq];
    if let Event::Result(result) = statement(source, seq)?.event {
        seqs.extend([result.intent.seq, result.authority.policy_seq]);
        if records {
            files.insert(records_path(&result.run, result.batch.n), Content::Copied);
        }
    }
    seqs.sort_unstable();
    seqs.dedup();
    let mut leaves = Vec::new();
    for seq in 0..head.size {
        leaves.push(Hash::leaf(&read(source, &statement_path(seq))?));
    }
    for seq in seqs {
        let index = usize::try_from(seq).map_err(io::Error::other)?;
        let path = merkle::inclusion_proof(&leaves, index).ok_or(WriteBundleError::NoEntry(seq))?;
        let proof = Proof { index: seq, path, checkpoint: checkpoint.to_vec() };
        files.insert(proof_path(seq), Content::Made(proof.encode()));
        files.insert(statement_path(seq), Content::Copied);
        files.insert(envelope_path(seq), Content::Copied);
    }
    Ok(())
}

fn read(source: &dyn Source, path: &str) -> Result<Vec<u8>, WriteBundleError> {
    let bytes_max = Role::of(path).map_or(0, Role::bytes_max);
    source.read(path, bytes_max)?.ok_or_else(|| WriteBundleError::Missing(path.to_owned()))
}

fn statement(source: &dyn Source, seq: u64) -> Result<Statement, WriteBundleError> {
    let bytes = read(source, &statement_path(seq))?;
    Statement::decode(&bytes).map_err(|error| WriteBundleError::Statement { seq, error })
}

fn digest(source: &dyn Source, path: &str, content: &Content) -> Result<Listed, WriteBundleError> {
    let bytes_max = Role::of(path).map_or(0, Role::bytes_max);
    let listed = match content {
        Content::Made(bytes) => Listed {
            bytes: u64::try_from(bytes.len()).map_err(io::Error::other)?,
            sha256: Hash::of(bytes),
        },
        Content::Copied => pieces(source, path, &mut |_| Ok(()))?,
    };
    if listed.bytes > bytes_max {
        return Err(too_large(path, bytes_max).into());
    }
    Ok(listed)
}

/// Streams a file, and says what it came to.
fn pieces(
    source: &dyn Source,
    path: &str,
    sink: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> Result<Listed, WriteBundleError> {
    let mut hasher = Sha256::new();
    let mut bytes = 0_u64;
    let mut failed = None;
    let found = source.stream(path, &mut |piece| {
        hasher.update(piece);
        bytes = bytes.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        failed = sink(piece).err();
        failed.is_none()
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    if !found {
        return Err(WriteBundleError::Missing(path.to_owned()));
    }
    Ok(Listed { bytes, sha256: Hash(hasher.finalize().into()) })
}

fn copy(
    source: &dyn Source,
    path: &str,
    content: &Content,
    claimed: &Listed,
    out: &mut dyn Write,
) -> Result<(), WriteBundleError> {
    let header = tar::header(path, claimed.bytes);
    out.write_all(&header.ok_or_else(|| WriteBundleError::Fit(path.to_owned()))?)?;
    match content {
        Content::Made(bytes) => out.write_all(bytes)?,
        Content::Copied => {
            let copied = pieces(source, path, &mut |piece| out.write_all(piece))?;
            if copied != *claimed {
                return Err(WriteBundleError::Changed(path.to_owned()));
            }
        }
    }
    let zeros = usize::try_from(tar::padding(claimed.bytes)).map_err(io::Error::other)?;
    out.write_all([0; tar::BLOCK].get(..zeros).unwrap_or_default())?;
    Ok(())
}

const README_TEXT: &str = "\
Evidence of disposal
====================

This file explains how to check the bundle by hand. It is no evidence itself: whoever made the
bundle could have written anything here. The formats are described in full in docs/formats of
quietus; every one of them can be checked with tools that exist already.

With quietus:   quietus verify FILE.disposal.tar --policy your-own-policy.txt

The policy file holds the public keys that you trust. It must not come from this bundle.

By hand:

1. Unpack with tar. bundle.json lists every file with its SHA-256: compare with sha256sum.
2. ledger/checkpoint is a signed note (c2sp.org/signed-note): name, number of entries, root hash,
   signatures. Any verifier of signed notes reads it.
3. ledger/certificates/N.json is entry N of the ledger, an in-toto statement. ledger/tile/entries
   has the same bytes, ledger/tile/0 the hashes SHA-256(0x00 || entry); the tree of RFC 6962 over
   them has the root hash of the checkpoint. In a bundle of one certificate, proofs/N.tlog-proof
   (c2sp.org/tlog-proof) leads from the entry to that root.
4. ledger/certificates/N.dsse.json holds the signature (DSSE). The signed bytes are
   'DSSEv1 28 application/vnd.in-toto+json LENGTH PAYLOAD'; write them to a file, and:
   openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in FILE -sigfile SIGNATURE
   The key is certificate_key of entry 0, a raw Ed25519 public key.
5. Each entry names the hash of the one before it (prev). Each result names its intent, which was
   written before anything was disposed of, and its records file.
6. evidence/RUN/batch-N.records.jsonl has one line for each record; its RFC 6962 tree has the root
   result_root of the certificate. The lines do not say which records they are: a disclosure opens
   one line, for whoever may know.

What this proves: what was asserted, by whom, in which order, unchanged since. What it does not
prove: that the assertions are true, or that no other copy exists. Each certificate lists what was
not checked.
";
