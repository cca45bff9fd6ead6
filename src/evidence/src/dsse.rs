//! Envelopes: signed statements (DSSE version 1).

use serde::{Deserialize, Serialize};

use crate::b64;
use crate::canonical::{self, CanonicalError};
use crate::hash::Hash;
use crate::key::{PublicKey, SignError, Signer, sign_checked};

/// The type of every payload.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The most bytes that are ever signed: hosted key services take no more.
pub const PAE_BYTES_MAX: usize = 4_096;
const ENVELOPE_BYTES_MAX: usize = 16_384;
const SIGNATURES_MAX: usize = 8;

/// A signed statement; nothing is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The statement's bytes.
    pub payload: Vec<u8>,
    /// The signatures, no key twice.
    pub signatures: Vec<EnvelopeSignature>,
}

/// One signature of an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvelopeSignature {
    /// SHA-256 of the public key.
    pub keyid: Hash,
    /// The signature.
    pub signature: [u8; 64],
}

/// An envelope that cannot be read or made, or whose signature is bad.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Outside the strict profile, or with wrong members.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// Base64, lengths, the type or the number of signatures.
    #[error("it is not an envelope of a statement")]
    Form,
    /// Two signatures name one key.
    #[error("two of its signatures name the same key")]
    Twice,
    /// The key did not sign.
    #[error("it has no signature by the key {0}")]
    Missing(Hash),
    /// The key's signature is wrong.
    #[error("the signature by the key {0} is wrong")]
    Wrong(Hash),
    /// Too long to sign.
    #[error("the payload is too long to be signed")]
    Long,
    /// The key did not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEnvelope {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<RawSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSignature {
    keyid: Hash,
    sig: String,
}

/// Returns the bytes that are signed for a payload.
pub fn pae(payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

impl Envelope {
    /// Signs a statement's bytes.
    pub fn sign(payload: &[u8], signer: &dyn Signer) -> Result<Self, EnvelopeError> {
        let message = pae(payload);
        if message.len() > PAE_BYTES_MAX {
            return Err(EnvelopeError::Long);
        }
        let signature = sign_checked(signer, &message)?;
        let keyid = Hash::of(&signer.public());
        Ok(Self {
            payload: payload.to_vec(),
            signatures: vec![EnvelopeSignature { keyid, signature }],
        })
    }

    /// Writes the envelope's bytes.
    pub fn encode(&self) -> Result<Vec<u8>, EnvelopeError> {
        let raw = RawEnvelope {
            payload: b64::encode(&self.payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: self
                .signatures
                .iter()
                .map(|one| RawSignature { keyid: one.keyid, sig: b64::encode(&one.signature) })
                .collect(),
        };
        Ok(canonical::write(&canonical::value_of(&raw)?)?)
    }

    /// Reads an envelope.
    pub fn decode(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let raw: RawEnvelope = canonical::read_as(bytes, ENVELOPE_BYTES_MAX)?;
        let count = (1..=SIGNATURES_MAX).contains(&raw.signatures.len());
        if raw.payload_type != PAYLOAD_TYPE || !count {
            return Err(EnvelopeError::Form);
        }
        let payload = b64::decode(&raw.payload).ok_or(EnvelopeError::Form)?;
        let mut signatures: Vec<EnvelopeSignature> = Vec::with_capacity(raw.signatures.len());
        for RawSignature { keyid, sig } in raw.signatures {
            let signature =
                b64::decode(&sig).and_then(|sig| sig.try_into().ok()).ok_or(EnvelopeError::Form)?;
            if signatures.iter().any(|other| other.keyid == keyid) {
                return Err(EnvelopeError::Twice);
            }
            signatures.push(EnvelopeSignature { keyid, signature });
        }
        Ok(Self { payload, signatures })
    }

    /// Checks the signature by a key; an error where there is none or it is wrong.
    pub fn check(&self, key: &PublicKey) -> Result<(), EnvelopeError> {
        let id = key.id();
        let own = self.signatures.iter().find(|one| one.keyid == id);
        let own = own.ok_or(EnvelopeError::Missing(id))?;
        if self.payload.len() > PAE_BYTES_MAX {
            return Err(EnvelopeError::Long);
        }
        let message = pae(&self.payload);
        if message.len() > PAE_BYTES_MAX {
            return Err(EnvelopeError::Long);
        }
        if key.accepts(&message, &own.signature) { Ok(()) } else { Err(EnvelopeError::Wrong(id)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::FileKey;
    use crate::statement::STATEMENT_BYTES_MAX;

    #[test]
    fn an_envelope_is_read_back_and_checked() {
        let signer = FileKey::from_seed(&[3; 32]);
        let key = PublicKey::from_bytes(&signer.public()).unwrap();
        let other = PublicKey::from_bytes(&FileKey::from_seed(&[4; 32]).public()).unwrap();
        let made = Envelope::sign(b"{}", &signer).unwrap();
        let mut read = Envelope::decode(&made.encode().unwrap()).unwrap();
        assert_eq!(read, made);
        assert_eq!(read.check(&key), Ok(()));
        assert_eq!(read.check(&other), Err(EnvelopeError::Missing(other.id())));
        read.payload = b"[]".to_vec();
        assert_eq!(read.check(&key), Err(EnvelopeError::Wrong(key.id())));
    }

    #[test]
    fn the_longest_statement_can_just_be_signed() {
        assert_eq!(pae(&vec![b' '; STATEMENT_BYTES_MAX]).len(), PAE_BYTES_MAX);
        let signer = FileKey::from_seed(&[3; 32]);
        assert!(Envelope::sign(&[b' '; STATEMENT_BYTES_MAX], &signer).is_ok());
        let long = Envelope::sign(&[b' '; STATEMENT_BYTES_MAX + 1], &signer);
        assert_eq!(long, Err(EnvelopeError::Long));
    }

    #[test]
    fn other_spellings_are_refused() {
        let signer = FileKey::from_seed(&[3; 32]);
        let made = Envelope::sign(b"{}", &signer).unwrap();
        let text = String::from_utf8(made.encode().unwrap()).unwrap();
        for bad in [
            text.replace("vnd.in-toto", "vnd.in-tot0"),
            text.replace("e30=", "e31="),
            text.replace(",\"payloadType\"", ", \"payloadType\""),
            text.replace("\"payload\"", "\"payloae\""),
            format!("{text}\n"),
            text.replace("\"signatures\":[", "\"signatures\":[],\"x\":["),
        ] {
            assert_ne!(bad, text);
            assert!(Envelope::decode(bad.as_bytes()).is_err(), "{bad}");
        }
        let mut doubled = made.clone();
        doubled.signatures.push(doubled.signatures[0]);
        let doubled = Envelope::decode(&doubled.encode().unwrap());
        assert_eq!(doubled, Err(EnvelopeError::Twice));
        let mut none = made;
        none.signatures.clear();
        assert!(Envelope::decode(&none.encode().unwrap()).is_err());
    }
}
