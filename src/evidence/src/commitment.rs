//! Commitments to records: who was in the set, without saying who.
//!
//! `docs/formats/record-lines.md` has the bytes.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroize as _;

use crate::hash::Hash;

/// The name of the suite, as statements have it.
pub const SUITE: &str = "hmac-sha256/v1";

const SALT_LABEL: &[u8] = b"disposal/record-salt/v1\0";
const ID_LABEL: &[u8] = b"disposal/record-id/v1\0";

/// The 32 random bytes of one batch; wiped when dropped.
pub struct BatchKey([u8; 32]);

/// The salt of one record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt(pub [u8; 32]);

/// The commitment to one record.
pub type Commitment = Hash;

impl BatchKey {
    /// Takes 32 bytes from the system's random source.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Derives the salt of the record that was selected as number `i`, from 0.
    pub fn salt(&self, i: u64) -> Salt {
        Salts::new(self).salt(i)
    }
}

impl Drop for BatchKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for BatchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BatchKey(..)")
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

/// The keyed state that all salts of a batch start from.
struct Salts(Hmac<Sha256>);

impl Salts {
    fn new(key: &BatchKey) -> Self {
        let mut state = keyed(&key.0);
        state.update(SALT_LABEL);
        Self(state)
    }

    fn salt(&self, i: u64) -> Salt {
        let mut state = self.0.clone();
        state.update(&i.to_be_bytes());
        Salt(state.finalize().into_bytes().into())
    }
}

/// Commits to one record with its salt.
///
/// # Behavior
///
/// - A name longer than 2^32 - 1 bytes is committed to by its length cut to that figure; names
///   are bounded far below by the adapters.
pub fn commit(salt: &Salt, store: &str, record_key: &str) -> Commitment {
    let mut state = keyed(&salt.0);
    state.update(ID_LABEL);
    for text in [store, record_key] {
        state.update(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        state.update(text.as_bytes());
    }
    Hash(state.finalize().into_bytes().into())
}

/// Commits to all records of a batch, in the order in which they were selected.
pub fn commit_all<'a>(
    key: &BatchKey,
    store: &str,
    record_keys: impl IntoIterator<Item = &'a str>,
) -> Vec<Commitment> {
    let salts = Salts::new(key);
    (0_u64..)
        .zip(record_keys)
        .map(|(i, record_key)| commit(&salts.salt(i), store, record_key))
        .collect()
}

/// Finds the selection numbers of a record in a batch: those whose commitment is the given one.
///
/// Opening a record needs its number; this tries them in turn, two MACs each.
pub fn find(
    key: &BatchKey,
    store: &str,
    record_key: &str,
    count: u64,
    wanted: impl Fn(&Commitment) -> bool,
) -> Option<(u64, Salt, Commitment)> {
    let salts = Salts::new(key);
    (0..count).find_map(|i| {
        let salt = salts.salt(i);
        let commitment = commit(&salt, store, record_key);
        wanted(&commitment).then_some((i, salt, commitment))
    })
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // HMAC takes a key of one block, and fills a shorter one up with zeros.
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    Hmac::new(&block.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_vectors_hold() {
        let key = BatchKey::from_bytes([0x42; 32]);
        let salts = [
            "a9580a2c6c129285eb8fc246b1513ae29b8b80324d54dc7bcdae8bd62bc9ab61",
            "88098127563aca372f69e4c6051f11c4fb240d358d72e4ff3b52d0ca7c8ac6c3",
            "4f62d2a1f890bdf4519fc0bb970bd27d60cfcf1df27d14c6ccecd5a0c7fc3ef0",
        ];
        let commitments = [
            "96fb147709f5e28e93c2f2460d616505e3bf4e35bae2a77b6cb3916804dc3905",
            "21e0e79bd5668677b2440d9832861ec8a33ba04d9626c226006329de3a016167",
            "b8fac941a9dfa3463398aa05567b02fabf5fa25f1a9575d40c5369cf8eda942a",
        ];
        let made = commit_all(&key, "pg:crm/public.customers", ["1001", "1002", "1003"]);
        for (i, salt) in (0_u64..).zip(salts) {
            assert_eq!(Hash(key.salt(i).0).to_string(), salt);
        }
        assert_eq!(made.iter().map(Hash::to_string).collect::<Vec<_>>(), commitments);
    }

    #[test]
    fn where_one_name_ends_and_the_next_begins_matters() {
        let salt = Salt([1; 32]);
        assert_ne!(commit(&salt, "ab", "c"), commit(&salt, "a", "bc"));
    }

    #[test]
    fn secrets_do_not_print() {
        assert_eq!(format!("{:?}", BatchKey::from_bytes([0x42; 32])), "BatchKey(..)");
        assert_eq!(format!("{:?}", Salt([0x42; 32])), "Salt(..)");
    }
}
