//! The strict profile of JSON: one text for each value, and nothing that two readers could take
//! differently.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The largest integer: beyond it, readers that use floats would differ.
pub const INTEGER_MAX: u64 = 9_007_199_254_740_991;
const DEPTH_MAX: usize = 16;

/// JSON outside the strict profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// Longer than this kind of text may be.
    #[error("it is longer than {0} bytes")]
    Long(usize),
    /// Not JSON, or not UTF-8.
    #[error("it is not JSON: {0}")]
    Json(String),
    /// Spaces, reordered or doubled members, other escapes.
    #[error("it is not in canonical form (RFC 8785): spaces, order, doubled members or escapes")]
    Form,
    /// A float, a negative number, or one above 2^53 - 1.
    #[error("a number is not an integer from 0 to 2^53 - 1")]
    Number,
    /// A null.
    #[error("it has a null")]
    Null,
    /// An empty string, or one with characters that do not show.
    #[error("a string is empty or has control characters")]
    Text,
    /// Nested too deeply.
    #[error("it is nested more than {DEPTH_MAX} levels")]
    Depth,
    /// Members that are missing, unknown or of the wrong type.
    #[error("its members are wrong: {0}")]
    Members(String),
}

/// Reads a text of at most `bytes_max` bytes in the strict profile.
pub fn read(bytes: &[u8], bytes_max: usize) -> Result<Value, CanonicalError> {
    if bytes.len() > bytes_max {
        return Err(CanonicalError::Long(bytes_max));
    }
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| CanonicalError::Json(error.to_string()))?;
    if write(&value)? == bytes { Ok(value) } else { Err(CanonicalError::Form) }
}

/// Writes a value in the strict profile.
pub fn write(value: &Value) -> Result<Vec<u8>, CanonicalError> {
    walk(value, 1, &plain)?;
    serde_json_canonicalizer::to_vec(value).map_err(|error| CanonicalError::Json(error.to_string()))
}

/// Reads a typed value in canonical form whose strings may hold anything.
pub(crate) fn read_free_text<T: DeserializeOwned>(
    bytes: &[u8],
    bytes_max: usize,
) -> Result<T, CanonicalError> {
    if bytes.len() > bytes_max {
        return Err(CanonicalError::Long(bytes_max));
    }
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| CanonicalError::Json(error.to_string()))?;
    if write_free_text(&value)? == bytes { typed(value) } else { Err(CanonicalError::Form) }
}

/// Writes a value whose strings may hold anything.
pub(crate) fn write_free_text(value: &Value) -> Result<Vec<u8>, CanonicalError> {
    walk(value, 1, &|_| Ok(()))?;
    serde_json_canonicalizer::to_vec(value).map_err(|error| CanonicalError::Json(error.to_string()))
}

/// Reads a typed value in the strict profile.
pub(crate) fn read_as<T: DeserializeOwned>(
    bytes: &[u8],
    bytes_max: usize,
) -> Result<T, CanonicalError> {
    typed(read(bytes, bytes_max)?)
}

pub(crate) fn typed<T: DeserializeOwned>(value: Value) -> Result<T, CanonicalError> {
    serde_json::from_value(value).map_err(|error| CanonicalError::Members(error.to_string()))
}

pub(crate) fn value_of<T: Serialize>(value: &T) -> Result<Value, CanonicalError> {
    serde_json::to_value(value).map_err(|error| CanonicalError::Members(error.to_string()))
}

type TextRule = dyn Fn(&str) -> Result<(), CanonicalError>;

fn walk(value: &Value, depth: usize, rule: &TextRule) -> Result<(), CanonicalError> {
    match value {
        Value::Null => Err(CanonicalError::Null),
        Value::Bool(_) => Ok(()),
        Value::Number(number) => match number.as_u64() {
            Some(0..=INTEGER_MAX) => Ok(()),
            _ => Err(CanonicalError::Number),
        },
        Value::String(text) => rule(text),
        Value::Array(_) | Value::Object(_) if depth > DEPTH_MAX => Err(CanonicalError::Depth),
        Value::Array(items) => items.iter().try_for_each(|item| walk(item, depth + 1, rule)),
        Value::Object(members) => members.iter().try_for_each(|(name, member)| {
            rule(name)?;
            walk(member, depth + 1, rule)
        }),
    }
}

fn plain(text: &str) -> Result<(), CanonicalError> {
    let hidden = |c: char| matches!(c, '\0'..='\x1f' | '\x7f' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if text.is_empty() || text.chars().any(hidden) { Err(CanonicalError::Text) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> CanonicalError {
        read(text.as_bytes(), 200).unwrap_err()
    }

    #[test]
    fn texts_outside_the_profile_are_refused() {
        assert!(read(br#"{"a":[1,true,"x"],"b":{"c":9007199254740991}}"#, 200).is_ok());
        for (text, wanted) in [
            (r#"{"a":1,"a":1}"#, CanonicalError::Form),
            (r#"{"b":1,"a":1}"#, CanonicalError::Form),
            (r#"{"a": 1}"#, CanonicalError::Form),
            ("{\"a\":1}\n", CanonicalError::Form),
            (r#"{"a":"\u0041"}"#, CanonicalError::Form),
            (r#"{"a":"\/"}"#, CanonicalError::Form),
            (r#"{"a":9007199254740992}"#, CanonicalError::Number),
            (r#"{"a":18446744073709551616}"#, CanonicalError::Number),
            (r#"{"a":-1}"#, CanonicalError::Number),
            (r#"{"a":-0}"#, CanonicalError::Number),
            (r#"{"a":1.0}"#, CanonicalError::Number),
            (r#"{"a":1e3}"#, CanonicalError::Number),
            (r#"{"a":null}"#, CanonicalError::Null),
            (r#"{"a":""}"#, CanonicalError::Text),
            (r#"{"a":"\n"}"#, CanonicalError::Text),
            ("{\"a\":\"\u{202e}\"}", CanonicalError::Text),
            (&format!("{}1{}", "[".repeat(17), "]".repeat(17)), CanonicalError::Depth),
            (&"1".repeat(201), CanonicalError::Long(200)),
        ] {
            assert_eq!(error(text), wanted, "{text}");
        }
        for text in ["", "{", "\u{feff}{}", "{\"a\":01}", "nan", "{'a':1}"] {
            assert!(matches!(error(text), CanonicalError::Json(_)), "{text}");
        }
        assert!(read(format!("{}1{}", "[".repeat(16), "]".repeat(16)).as_bytes(), 200).is_ok());
        assert!(read(b"{\"a\":\"\xff\"}", 200).is_err());
    }
}
