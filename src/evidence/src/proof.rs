//! Inclusion proofs as files (<https://c2sp.org/tlog-proof>), without an extra line.

use crate::b64;
use crate::hash::Hash;

const HEAD: &str = "c2sp.org/tlog-proof@v1\n";
const HASHES_MAX: usize = 64;

/// That one entry is in the ledger under a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The number of the entry.
    pub index: u64,
    /// The sibling hashes, from the leaf upwards.
    pub path: Vec<Hash>,
    /// The bytes of the signed checkpoint.
    pub checkpoint: Vec<u8>,
}

impl Proof {
    /// Writes the file.
    pub fn encode(&self) -> Vec<u8> {
        let mut text = format!("{HEAD}index {}\n", self.index);
        for hash in &self.path {
            text.push_str(&b64::encode(&hash.0));
            text.push('\n');
        }
        text.push('\n');
        [text.as_bytes(), &self.checkpoint].concat()
    }

    /// Reads the file; `None` where it is not such a proof.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let at = bytes.windows(2).position(|pair| pair == b"\n\n")?;
        let (text, checkpoint) = bytes.split_at_checked(at + 2)?;
        let text = std::str::from_utf8(text).ok()?.strip_prefix(HEAD)?;
        let mut lines = text.strip_suffix("\n\n")?.split('\n');
        let index = lines.next()?.strip_prefix("index ")?.parse().ok()?;
        let mut path = Vec::new();
        for line in lines {
            path.push(Hash(b64::decode(line)?.try_into().ok()?));
            if path.len() > HASHES_MAX {
                return None;
            }
        }
        let found = Self { index, path, checkpoint: checkpoint.to_vec() };
        (found.encode() == bytes).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_read_back_and_other_spellings_are_refused() {
        for path in [vec![], vec![Hash::of(b"1"), Hash::of(b"2")]] {
            let made = Proof { index: 42, path, checkpoint: b"o\n7\nr\n\nx\n".to_vec() };
            let bytes = made.encode();
            assert_eq!(Proof::parse(&bytes), Some(made));
            let text = String::from_utf8(bytes).unwrap();
            for bad in [
                text.replace("index 42", "index 042"),
                text.replace("index 42", "index +42"),
                text.replace("index 42", "extra AQ==\nindex 42"),
                text.replace("@v1", "@v2"),
                text.replacen("\n\n", "\nAQ==\n\n", 1),
            ] {
                assert_eq!(Proof::parse(bad.as_bytes()), None, "{bad}");
            }
        }
    }
}
