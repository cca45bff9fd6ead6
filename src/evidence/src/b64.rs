//! Standard base64, padded, canonical: the one spelling that all formats here use.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads; `None` where the text is not the one spelling of its bytes.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_spellings_are_refused() {
        assert_eq!(decode("AQ=="), Some(vec![1]));
        for text in ["AQ", "AQ=", "AR==", "AQ==\n", " AQ==", "A-==", "AQ==AQ=="] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }
}
