//! Ed25519 keys: signing behind a trait, verification in its strict form only.

use std::fmt;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use crate::hash::Hash;

/// Signs; a key file, a hardware module or a key service stands behind it.
pub trait Signer {
    /// Signs a message with Ed25519 (RFC 8032), not pre-hashed.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError>;

    /// Returns the public key.
    fn public(&self) -> [u8; 32];
}

/// A signature could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The key's holder said no.
    #[error("the key did not sign: {0}")]
    Refused(String),
    /// The public key is no good.
    #[error("the public key cannot be used: {0}")]
    Key(#[from] KeyError),
    /// The signature came back wrong: another key, or a pre-hashed mode.
    #[error("the signature that came back does not verify under the key's public half")]
    Wrong,
}

/// A public key that must not be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a point of the curve.
    #[error("it is not an Ed25519 public key")]
    NotAKey,
    /// A point of small order: any message would pass.
    #[error("it is a weak Ed25519 key, under which any message would pass")]
    Weak,
}

/// A secret key from 32 bytes, wiped when dropped.
pub struct FileKey(SigningKey);

impl FileKey {
    /// Takes the 32-byte seed of RFC 8032.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }
}

impl Signer for FileKey {
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        Ok(self.0.sign(message).to_bytes())
    }

    fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileKey(public {})", crate::hash::hex(&self.public()))
    }
}

/// A public key that is a point of the curve and not weak.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads 32 bytes; refuses what is no point, and points of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        if !is_reduced(bytes) {
            return Err(KeyError::NotAKey);
        }
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::NotAKey)?;
        if key.is_weak() { Err(KeyError::Weak) } else { Ok(Self(key)) }
    }

    /// Returns the 32 bytes.
    pub fn bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Returns SHA-256 of the 32 bytes: what envelopes call `keyid`.
    pub fn id(&self) -> Hash {
        Hash::of(self.0.as_bytes())
    }

    /// Tells whether a signature is good, by the strict rule.
    pub fn accepts(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

/// Tells whether `y` is below 2^255 - 19: otherwise it is a second spelling of a key.
fn is_reduced(bytes: &[u8; 32]) -> bool {
    let [low, middle @ .., high] = bytes;
    *low < 0xed || high & 0x7f != 0x7f || middle.iter().any(|byte| *byte != 0xff)
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", crate::hash::hex(&self.bytes()))
    }
}

/// Signs, and checks the signature before anybody sees it.
pub(crate) fn sign_checked(signer: &dyn Signer, message: &[u8]) -> Result<[u8; 64], SignError> {
    let key = PublicKey::from_bytes(&signer.public())?;
    let signature = signer.sign(message)?;
    if key.accepts(message, &signature) { Ok(signature) } else { Err(SignError::Wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Liar;

    impl Signer for Liar {
        fn sign(&self, _: &[u8]) -> Result<[u8; 64], SignError> {
            Ok([7; 64])
        }

        fn public(&self) -> [u8; 32] {
            FileKey::from_seed(&[1; 32]).public()
        }
    }

    #[test]
    fn weak_key_forgery_is_rejected() {
        let mut weak = [0; 32];
        weak[0] = 1;
        assert_eq!(PublicKey::from_bytes(&weak), Err(KeyError::Weak));
        let mut forged = [0; 64];
        forged[0] = 1;
        let key = VerifyingKey::from_bytes(&weak).unwrap();
        assert!(key.verify_strict(b"any message", &Signature::from_bytes(&forged)).is_err());
    }

    #[test]
    fn every_spelling_of_a_weak_key_is_rejected() {
        let order_8 = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";
        let other_8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05";
        let (zero, top) = ("00".repeat(31), "ff".repeat(30));
        let mut texts = vec![format!("01{zero}"), format!("00{zero}"), format!("ec{top}7f")];
        texts.extend([order_8, other_8].map(str::to_owned));
        texts.extend([format!("ed{top}7f"), format!("ee{top}7f"), format!("ff{top}7f")]);
        for text in texts {
            let mut bytes = crate::hash::unhex::<32>(text.as_bytes()).unwrap();
            for sign in [0, 0x80] {
                bytes[31] = (bytes[31] & 0x7f) | sign;
                assert!(PublicKey::from_bytes(&bytes).is_err(), "{text} {sign}");
            }
        }
    }

    #[test]
    fn malleated_signature_is_rejected() {
        let key = FileKey::from_seed(&[1; 32]);
        let public = PublicKey::from_bytes(&key.public()).unwrap();
        let good = key.sign(b"text").unwrap();
        assert!(public.accepts(b"text", &good));
        // S + L, L the order of the base point, is the same scalar spelled otherwise.
        let order = crate::hash::unhex::<32>(
            b"edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010",
        )
        .unwrap();
        let mut bad = good;
        let mut carry = 0_u16;
        for (byte, add) in bad[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            *byte = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
        assert_eq!(carry, 0);
        assert!(!public.accepts(b"text", &bad));
    }

    #[test]
    fn wrong_signature_of_a_key_service_is_never_used() {
        assert_eq!(sign_checked(&Liar, b"text"), Err(SignError::Wrong));
    }
}
