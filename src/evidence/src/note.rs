//! Signed notes and verifier keys (<https://c2sp.org/signed-note>).

use std::fmt;
use std::str::FromStr;

use crate::b64;
use crate::hash::{Hash, hex, unhex};
use crate::key::{KeyError, PublicKey, SignError, Signer, sign_checked};

/// The largest note that is read.
pub const NOTE_BYTES_MAX: usize = 131_072;
/// The most signatures that a note may have.
pub const SIGNATURES_MAX: usize = 64;

/// What a key signs, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// The text itself (0x01): a log's own signature.
    Ed25519,
    /// The text with a time before it (0x04): a witness's cosignature.
    Cosignature,
}

impl KeyType {
    fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::Cosignature => 4,
        }
    }
}

/// A named public key, written `name+id+key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    kind: KeyType,
    key: PublicKey,
}

/// Text that is not a usable verifier key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifierKeyError {
    /// Not three parts.
    #[error("a verifier key is NAME+ID+KEY")]
    Form,
    /// The name is empty or has a space or a plus.
    #[error("the name of a key is not empty and has no space and no plus")]
    Name,
    /// The id is not the one that name and key give.
    #[error("the key id does not belong to this name and key: one of the three was changed")]
    Id,
    /// Neither a log's nor a witness's key.
    #[error("the signature type is neither 1 (log) nor 4 (witness)")]
    Type,
    /// The key itself cannot be trusted.
    #[error("the key cannot be used: {0}")]
    Key(#[from] KeyError),
}

impl VerifierKey {
    /// Names a public key.
    pub fn new(name: &str, kind: KeyType, key: PublicKey) -> Result<Self, VerifierKeyError> {
        if !is_key_name(name) {
            return Err(VerifierKeyError::Name);
        }
        Ok(Self { name: name.to_owned(), kind, key })
    }

    /// Returns the name; for a log, its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what the key signs.
    pub fn kind(&self) -> KeyType {
        self.kind
    }

    /// Returns the public key.
    pub fn key(&self) -> PublicKey {
        self.key
    }

    /// Returns the key id.
    pub fn id(&self) -> [u8; 4] {
        key_id(&self.name, self.kind, &self.key.bytes())
    }
}

fn key_id(name: &str, kind: KeyType, key: &[u8; 32]) -> [u8; 4] {
    let text = [name.as_bytes(), &[b'\n', kind.byte()], key].concat();
    let [a, b, c, d, ..] = Hash::of(&text).0;
    [a, b, c, d]
}

fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c == '+' || c < ' ')
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.kind.byte()][..], &self.key.bytes()].concat();
        write!(f, "{}+{}+{}", self.name, hex(&self.id()), b64::encode(&key))
    }
}

impl FromStr for VerifierKey {
    type Err = VerifierKeyError;

    fn from_str(text: &str) -> Result<Self, VerifierKeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VerifierKeyError::Form);
        };
        let id: [u8; 4] = unhex(id.as_bytes()).ok_or(VerifierKeyError::Form)?;
        let key = b64::decode(key).ok_or(VerifierKeyError::Form)?;
        let kind = match key.first() {
            Some(1) => KeyType::Ed25519,
            Some(4) => KeyType::Cosignature,
            _ => return Err(VerifierKeyError::Type),
        };
        let key: [u8; 32] =
            key.get(1..).and_then(|key| key.try_into().ok()).ok_or(KeyError::NotAKey)?;
        let found = Self::new(name, kind, PublicKey::from_bytes(&key)?)?;
        if found.id() == id { Ok(found) } else { Err(VerifierKeyError::Id) }
    }
}

/// A note split into its text and its signatures; nothing is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// The key's name.
    pub name: String,
    /// The key's id.
    pub id: [u8; 4],
    /// The bytes after the id.
    pub bytes: Vec<u8>,
}

/// Bytes that are not a signed note, or one whose signatures are bad.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Longer than is read.
    #[error("the note is longer than {NOTE_BYTES_MAX} bytes")]
    Long,
    /// Not UTF-8, or with control characters.
    #[error("the note is not UTF-8, or has control characters")]
    Characters,
    /// No empty line, or no text before it.
    #[error("the note has no text, an empty line and signatures")]
    Form,
    /// A line that is no signature.
    #[error("a signature line is not `\u{2014} NAME BASE64`")]
    Line,
    /// None, or too many.
    #[error("the note has no signature, or more than {SIGNATURES_MAX}")]
    Count,
    /// A known key's signature is wrong.
    #[error("the signature of {0} is wrong")]
    Wrong(String),
    /// A known key signed twice.
    #[error("{0} signed twice")]
    Twice(String),
}

const DASH: &str = "\u{2014} ";

impl Note {
    /// Reads a note.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(NoteError::Long);
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| NoteError::Characters)?;
        if whole.chars().any(|c| c < ' ' && c != '\n') {
            return Err(NoteError::Characters);
        }
        let at = whole.rfind("\n\n").ok_or(NoteError::Form)?;
        let (text, rest) = whole.split_at_checked(at + 1).ok_or(NoteError::Form)?;
        let lines = rest.strip_prefix('\n').and_then(|rest| rest.strip_suffix('\n'));
        let lines = lines.ok_or(NoteError::Count)?.split('\n');
        let signatures = lines.map(signature_line).collect::<Result<Vec<_>, _>>()?;
        if signatures.len() > SIGNATURES_MAX {
            return Err(NoteError::Count);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Returns the text with its last newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the signatures in their order.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Looks for a key's signature, and checks it.
    ///
    /// # Behavior
    ///
    /// - `Ok(None)`: the key did not sign. An error means that the whole note is to be rejected.
    /// - For a cosignature the answer has its time, in seconds since 1970.
    pub fn check(&self, key: &VerifierKey) -> Result<Option<Signed>, NoteError> {
        let id = key.id();
        let mut own =
            self.signatures.iter().filter(|found| found.name == key.name && found.id == id);
        let Some(signature) = own.next() else { return Ok(None) };
        if own.next().is_some() {
            return Err(NoteError::Twice(key.to_string()));
        }
        let wrong = || NoteError::Wrong(key.to_string());
        let (time, signature) = match key.kind {
            KeyType::Ed25519 => (None, signature.bytes.as_slice()),
            KeyType::Cosignature => {
                let (time, rest) = signature.bytes.split_first_chunk::<8>().ok_or_else(wrong)?;
                (Some(u64::from_be_bytes(*time)), rest)
            }
        };
        let signature: &[u8; 64] = signature.try_into().map_err(|_| wrong())?;
        let message = match time {
            None => self.text.clone(),
            Some(time) if i64::try_from(time).is_ok() => cosigned(&self.text, time),
            Some(_) => return Err(wrong()),
        };
        let good = key.key.accepts(message.as_bytes(), signature);
        if good { Ok(Some(Signed { time })) } else { Err(wrong()) }
    }
}

/// A good signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The time of a cosignature, in seconds since 1970; none in a plain signature.
    pub time: Option<u64>,
}

fn cosigned(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

fn signature_line(line: &str) -> Result<NoteSignature, NoteError> {
    let rest = line.strip_prefix(DASH).ok_or(NoteError::Line)?;
    let (name, bytes) = rest.split_once(' ').ok_or(NoteError::Line)?;
    let bytes = b64::decode(bytes).ok_or(NoteError::Line)?;
    let (id, bytes) = bytes.split_first_chunk::<4>().ok_or(NoteError::Line)?;
    if !is_key_name(name) || bytes.is_empty() {
        return Err(NoteError::Line);
    }
    Ok(NoteSignature { name: name.to_owned(), id: *id, bytes: bytes.to_vec() })
}

/// Signs a text as a log does; returns the whole note.
pub fn sign(text: &str, name: &str, signer: &dyn Signer) -> Result<String, SignError> {
    let signature = sign_checked(signer, text.as_bytes())?;
    let line = line(name, KeyType::Ed25519, &signer.public(), &signature);
    Ok(format!("{text}\n{line}"))
}

/// Cosigns a note's text as a witness does; returns the line to append to the note.
pub fn cosign(text: &str, name: &str, time: u64, signer: &dyn Signer) -> Result<String, SignError> {
    let signature = sign_checked(signer, cosigned(text, time).as_bytes())?;
    let bytes = [&time.to_be_bytes()[..], &signature].concat();
    Ok(line(name, KeyType::Cosignature, &signer.public(), &bytes))
}

fn line(name: &str, kind: KeyType, key: &[u8; 32], bytes: &[u8]) -> String {
    let bytes = [&key_id(name, kind, key)[..], bytes].concat();
    format!("{DASH}{name} {}\n", b64::encode(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::FileKey;

    const C2SP_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const C2SP_NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    #[test]
    fn the_published_note_verifies() {
        let key: VerifierKey = C2SP_KEY.parse().unwrap();
        assert_eq!(key.to_string(), C2SP_KEY);
        let note = Note::parse(C2SP_NOTE.as_bytes()).unwrap();
        assert_eq!(note.check(&key), Ok(Some(Signed { time: None })));
        let other = C2SP_NOTE.replace("example message", "example massage");
        let note = Note::parse(other.as_bytes()).unwrap();
        assert_eq!(note.check(&key), Err(NoteError::Wrong(C2SP_KEY.to_owned())));
    }

    #[test]
    fn published_verifier_keys_come_from_their_seeds() {
        for (seed, kind, name, text) in [
            (
                1,
                KeyType::Ed25519,
                "disposal.example.org/agent-7",
                "disposal.example.org/agent-7+77b1d250+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c",
            ),
            (
                2,
                KeyType::Cosignature,
                "witness.auditor.example/w1",
                "witness.auditor.example/w1+5d082329+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU",
            ),
        ] {
            let key = PublicKey::from_bytes(&FileKey::from_seed(&[seed; 32]).public()).unwrap();
            assert_eq!(VerifierKey::new(name, kind, key).unwrap().to_string(), text);
            assert_eq!(text.parse::<VerifierKey>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn signatures_and_cosignatures_are_told_apart() {
        let (log, witness) = (FileKey::from_seed(&[1; 32]), FileKey::from_seed(&[2; 32]));
        let key = |signer: &FileKey, kind, name| {
            VerifierKey::new(name, kind, PublicKey::from_bytes(&signer.public()).unwrap()).unwrap()
        };
        let mut text = sign("log\n", "l", &log).unwrap();
        text.push_str(&cosign("log\n", "w", 1_700_000_000, &witness).unwrap());
        let note = Note::parse(text.as_bytes()).unwrap();
        let cosigned = Ok(Some(Signed { time: Some(1_700_000_000) }));
        assert_eq!(note.check(&key(&witness, KeyType::Cosignature, "w")), cosigned);
        assert_eq!(note.check(&key(&log, KeyType::Ed25519, "l")), Ok(Some(Signed { time: None })));
        assert_eq!(note.check(&key(&witness, KeyType::Ed25519, "w")), Ok(None));
        assert_eq!(note.check(&key(&log, KeyType::Ed25519, "other")), Ok(None));
        let doubled = text.clone() + text.lines().last().unwrap() + "\n";
        let note = Note::parse(doubled.as_bytes()).unwrap();
        assert!(note.check(&key(&witness, KeyType::Cosignature, "w")).is_err());
    }

    #[test]
    fn malformed_notes_are_refused() {
        let good = C2SP_NOTE;
        for (bad, error) in [
            (good.replace("\n\n", "\n"), NoteError::Form),
            (good.replace('\u{2014}', "-"), NoteError::Line),
            (good.replace("example.com/foo ", "example.com/foo  "), NoteError::Line),
            (good.trim_end().to_owned(), NoteError::Count),
            (good.replace("QM=", "QN="), NoteError::Line),
            (format!("{good}\n"), NoteError::Count),
            (good.replace("example m", "example\tm"), NoteError::Characters),
            (good.replace("example m", "example\rm"), NoteError::Characters),
            ("x".repeat(NOTE_BYTES_MAX + 1), NoteError::Long),
            (String::new(), NoteError::Form),
        ] {
            assert_eq!(Note::parse(bad.as_bytes()), Err(error), "{bad:.60}");
        }
    }

    #[test]
    fn changed_verifier_keys_are_refused() {
        for bad in [
            "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530d903a+BekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530d903a",
            "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "",
        ] {
            assert!(bad.parse::<VerifierKey>().is_err(), "{bad}");
        }
    }
}
