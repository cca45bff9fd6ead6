//! The signed head of a ledger (<https://c2sp.org/tlog-checkpoint>), three lines exactly.

use crate::b64;
use crate::hash::Hash;
use crate::key::{SignError, Signer};
use crate::note::{self, Note, NoteError};

/// The longest origin.
pub const ORIGIN_BYTES_MAX: usize = 255;

/// What a checkpoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The ledger's name.
    pub origin: String,
    /// The number of entries.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// Bytes that are not a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not a signed note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The text is not origin, size and root.
    #[error("the checkpoint's text is not three lines: origin, size, root")]
    Text,
}

impl Checkpoint {
    /// Reads a signed checkpoint; the signatures are not checked yet.
    pub fn parse(bytes: &[u8]) -> Result<(Self, Note), CheckpointError> {
        let note = Note::parse(bytes)?;
        let checkpoint = Self::from_text(note.text()).ok_or(CheckpointError::Text)?;
        Ok((checkpoint, note))
    }

    fn from_text(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let root = Hash(b64::decode(root)?.try_into().ok()?);
        let found = Self { origin: origin.to_owned(), size: size.parse().ok()?, root };
        // Writing it again refuses leading zeros, a plus sign and further lines in one go.
        (is_origin(origin) && found.text() == text).then_some(found)
    }

    /// Returns the text that is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, b64::encode(&self.root.0))
    }

    /// Signs it with the log key; returns the whole note.
    pub fn sign(&self, signer: &dyn Signer) -> Result<String, SignError> {
        note::sign(&self.text(), &self.origin, signer)
    }
}

/// Tells whether a text can name a ledger: printable ASCII without space and plus.
pub fn is_origin(text: &str) -> bool {
    (1..=ORIGIN_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'+')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::FileKey;

    #[test]
    fn a_checkpoint_is_read_back() {
        let made = Checkpoint { origin: "a.example/1".to_owned(), size: 7, root: Hash::of(b"r") };
        let note = made.sign(&FileKey::from_seed(&[1; 32])).unwrap();
        assert_eq!(Checkpoint::parse(note.as_bytes()).unwrap().0, made);
    }

    #[test]
    fn other_spellings_are_refused() {
        let root = b64::encode(&Hash::of(b"r").0);
        assert!(Checkpoint::from_text(&format!("o\n7\n{root}\n")).is_some());
        for bad in [
            format!("o\n07\n{root}\n"),
            format!("o\n+7\n{root}\n"),
            format!("o\n7\n{root}\nextension\n"),
            format!("o\n7\n{root}\n\n"),
            format!("o\n7\n{root}"),
            format!("o o\n7\n{root}\n"),
            format!("o+o\n7\n{root}\n"),
            format!("\n7\n{root}\n"),
            format!("o\n-1\n{root}\n"),
            format!("o\n18446744073709551616\n{root}\n"),
            format!("o\n7\n{}\n", &root[4..]),
        ] {
            assert_eq!(Checkpoint::from_text(&bad), None, "{bad:?}");
        }
    }
}
