//! SHA-256 values, and the two hashes that a Merkle tree is made of.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::block_api::compress256;
use sha2::{Digest as _, Sha256};

/// A SHA-256 value; its text is 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

/// Text that is not 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not 64 lower-case hexadecimal digits")]
pub struct NotHex;

impl Hash {
    /// What stands for the entry before the first one.
    pub const ZERO: Self = Self([0; 32]);

    /// Hashes bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Hashes an entry of a tree: SHA-256 of 0x00 and the entry (RFC 6962, 2.1).
    pub fn leaf(entry: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update([0]);
        hasher.update(entry);
        Self(hasher.finalize().into())
    }

    /// Hashes two halves of a tree: SHA-256 of 0x01, left, right (RFC 6962, 2.1).
    pub fn node(left: &Self, right: &Self) -> Self {
        let mut text = NODE_PADDING;
        text[1..33].copy_from_slice(&left.0);
        text[33..65].copy_from_slice(&right.0);
        two_blocks(&text)
    }
}

/// The two blocks of a node without its halves: the prefix, the end mark, the length in bits.
const NODE_PADDING: [u8; 128] = {
    let mut text = [0; 128];
    text[0] = 1;
    text[65] = 0x80;
    text[126] = 0x02;
    text[127] = 0x08;
    text
};

/// The state that SHA-256 starts from.
pub(crate) const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// Hashes two blocks that hold a padded text.
///
/// # Behavior
///
/// - The caller has written the end mark and the length in bits: this is the bare function.
pub(crate) fn two_blocks(text: &[u8; 128]) -> Hash {
    let mut state = INITIAL;
    let (blocks, _) = text.as_chunks::<64>();
    compress256(&mut state, blocks);
    state_bytes(&state)
}

/// Writes out the state after the last block.
pub(crate) fn state_bytes(state: &[u32; 8]) -> Hash {
    let mut out = [0; 32];
    let (words, _) = out.as_chunks_mut::<4>();
    for (word, value) in words.iter_mut().zip(state) {
        *word = value.to_be_bytes();
    }
    Hash(out)
}

/// Writes bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    text
}

const DIGITS: [u8; 16] = *b"0123456789abcdef";

/// Writes 32 bytes as 64 lower-case hexadecimal digits.
pub(crate) fn hex_32(bytes: &[u8; 32]) -> [u8; 64] {
    let mut text = [b'0'; 64];
    let (pairs, _) = text.as_chunks_mut::<2>();
    for (pair, byte) in pairs.iter_mut().zip(bytes) {
        let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or(b'0');
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
    text
}

/// Reads lower-case hexadecimal digits, two for each byte.
pub(crate) fn unhex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = (nibble(*high)? << 4) | nibble(*low)?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = NotHex;

    fn from_str(text: &str) -> Result<Self, NotHex> {
        unhex(text.as_bytes()).map(Self).ok_or(NotHex)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_equals_the_plain_hash_of_its_text() {
        let (left, right) = (Hash::of(b"left"), Hash::of(b"right"));
        let text = [&[1][..], &left.0, &right.0].concat();
        assert_eq!(Hash::node(&left, &right), Hash::of(&text));
    }

    #[test]
    fn text_is_read_back_and_other_text_is_refused() {
        let hash = Hash::of(b"x");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!(hash.to_string().as_bytes(), hex_32(&hash.0));
        assert!(hash.to_string().to_uppercase().parse::<Hash>().is_err());
        assert!(hash.to_string()[1..].parse::<Hash>().is_err());
        assert!(format!("{hash}0").parse::<Hash>().is_err());
    }
}
