//! One record of a target.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

use crate::short::Short;

/// Where a record is: the canonical text of a JSON array of strings, such as `["1042"]`.
///
/// The same record has the same text for ever; commitments are made over it. The container
/// (table, folder tree, bucket) is not in it: that is the store, see [`crate::Survey::store`].
///
/// # Behavior
///
/// - Bytes that are not UTF-8, and the percent sign, are written as `%XX` by the adapter, so that
///   different names stay different.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Locator(Short<LOCATOR_BYTES>);

/// Longer locators have a place on the heap; keys and numbers fit.
const LOCATOR_BYTES: usize = 30;

impl Locator {
    /// Makes a locator of its parts.
    pub fn new<S: AsRef<str>>(parts: &[S]) -> Self {
        if let [part] = parts
            && let Some(locator) = Self::of_plain_part(part.as_ref())
        {
            return locator;
        }
        let mut text = String::with_capacity(16);
        text.push('[');
        for (n, part) in parts.iter().enumerate() {
            if n > 0 {
                text.push(',');
            }
            push_json_string(&mut text, part.as_ref());
        }
        text.push(']');
        Self(Short::new(text.as_bytes()))
    }

    /// The common case, without the heap: one short part in which nothing must be escaped.
    fn of_plain_part(part: &str) -> Option<Self> {
        let mut text = [0; LOCATOR_BYTES];
        let length = part.len().checked_add(4)?;
        let room = text.get_mut(..length)?;
        let (open, rest) = room.split_at_mut_checked(2)?;
        let (middle, close) = rest.split_at_mut_checked(part.len())?;
        is_plain(part).then_some(())?;
        open.copy_from_slice(b"[\"");
        middle.copy_from_slice(part.as_bytes());
        close.copy_from_slice(b"\"]");
        Some(Self(Short::new(room)))
    }

    /// Takes a text that [`Locator::as_str`] gave.
    pub fn from_canonical(text: &str) -> Option<Self> {
        let part = text.strip_prefix("[\"").and_then(|rest| rest.strip_suffix("\"]"));
        if part.is_some_and(is_plain) {
            return Some(Self(Short::new(text.as_bytes())));
        }
        let parts = parse_json_strings(text)?;
        let again = Self::new(&parts);
        (again.as_str() == text).then_some(again)
    }

    /// Returns the canonical text.
    pub fn as_str(&self) -> &str {
        // It was made of a text.
        std::str::from_utf8(self.0.bytes()).unwrap_or_default()
    }

    /// Returns the parts.
    pub fn parts(&self) -> Vec<String> {
        parse_json_strings(self.as_str()).unwrap_or_default()
    }
}

/// Redacted: locators are personal data more often than not.
impl std::fmt::Debug for Locator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Locator({} bytes)", self.0.bytes().len())
    }
}

/// Says whether a text stands in JSON as it is.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\')
}

/// Escapes as RFC 8785 does.
fn push_json_string(out: &mut String, part: &str) {
    out.push('"');
    for c in part.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if u32::from(c) < 0x20 => {
                out.push_str("\\u00");
                for nibble in [u32::from(c) >> 4, u32::from(c) & 0xf] {
                    out.push(char::from_digit(nibble, 16).unwrap_or('0'));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Reads the form that [`push_json_string`] writes; nothing more is needed here.
fn parse_json_strings(text: &str) -> Option<Vec<String>> {
    let mut chars = text.strip_prefix('[')?.strip_suffix(']')?.chars();
    let mut parts = Vec::new();
    if chars.as_str().is_empty() {
        return Some(parts);
    }
    loop {
        (chars.next()? == '"').then_some(())?;
        let mut part = String::new();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => part.push(match chars.next()? {
                    'b' => '\u{8}',
                    't' => '\t',
                    'n' => '\n',
                    'f' => '\u{c}',
                    'r' => '\r',
                    'u' => {
                        let mut code = 0;
                        for _ in 0..4 {
                            code = code * 16 + chars.next()?.to_digit(16)?;
                        }
                        char::from_u32(code)?
                    }
                    c @ ('"' | '\\') => c,
                    _ => return None,
                }),
                c => part.push(c),
            }
        }
        parts.push(part);
        match chars.next() {
            None => return Some(parts),
            Some(',') => {}
            Some(_) => return None,
        }
    }
}

/// Which state of a record the plan saw; opaque to all but the adapter that made it.
///
/// It covers everything that the decision rested on: content or row version, dates, fields. A
/// disposal is carried out only on a record that still has it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Version(Short<VERSION_BYTES>);

/// Longer versions have a place on the heap; SHA-256 fits.
const VERSION_BYTES: usize = 32;

impl Version {
    /// Wraps the adapter's bytes; at most 255 of them.
    pub fn new(bytes: &[u8]) -> Self {
        Self(Short::new(bytes))
    }

    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.bytes()
    }
}

impl std::fmt::Debug for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Version({} bytes)", self.0.bytes().len())
    }
}

/// A record and the state in which it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecordRef {
    /// Where.
    pub locator: Locator,
    /// Which state.
    pub version: Version,
}

/// A date as the target has it. Turning it into a day of the schedule is the schedule's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateValue {
    /// NULL, no such tag, no sidecar.
    Absent,
    /// A day.
    Day(Date),
    /// A day and time without a zone; the system's zone is meant.
    Local(DateTime),
    /// A moment.
    Moment(Timestamp),
    /// Something is there that is not a date; the text says what kind of thing, never the content.
    Unreadable(&'static str),
}

/// A hold that the target itself keeps: an object lock, an immutable file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetHold {
    /// In words: `legal hold`, `COMPLIANCE lock`, `immutable flag`.
    pub kind: String,
    /// The last day on which it holds, where the target says.
    pub until: Option<Date>,
}

/// One record of a holding.
#[derive(Clone, Debug)]
pub struct Record {
    /// Where, and in which state.
    pub reference: RecordRef,
    /// One value for each entry of [`crate::Holding::dates`].
    pub dates: Vec<DateValue>,
    /// One value for each entry of [`crate::Holding::fields`]; `None` where the target has none.
    pub fields: Vec<Option<String>>,
    /// A hold of the target's own.
    pub target_hold: Option<TargetHold>,
    /// Size, where it costs nothing to know.
    pub bytes: Option<u64>,
    /// How many other things go with it: child rows, sidecars, versions.
    pub members: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slowly(parts: &[String]) -> String {
        let mut text = String::from("[");
        for (n, part) in parts.iter().enumerate() {
            text.push_str(if n > 0 { "," } else { "" });
            push_json_string(&mut text, part);
        }
        text + "]"
    }

    proptest! {
        #[test]
        fn a_locator_gives_its_parts_back(parts in proptest::collection::vec(".*", 1..4)) {
            let locator = Locator::new(&parts);
            prop_assert_eq!(locator.parts(), parts);
            prop_assert_eq!(Locator::from_canonical(locator.as_str()), Some(locator));
        }

        #[test]
        fn a_text_between_brackets_is_taken_only_as_it_is(text in "[a-z\"\\\\\n,]{0,40}") {
            let text = format!("[\"{text}\"]");
            let parts = parse_json_strings(&text);
            let canonical = parts.map(|parts| slowly(&parts)).filter(|again| *again == text);
            let parsed = Locator::from_canonical(&text);
            prop_assert_eq!(parsed.map(|l| l.as_str().to_owned()), canonical);
        }

        #[test]
        fn the_short_way_writes_what_the_long_way_does(part in ".*") {
            let locator = Locator::new(&[&part]);
            prop_assert_eq!(locator.as_str(), slowly(&[part]));
        }

        #[test]
        fn no_text_makes_the_parser_fail(text in ".*") {
            let parsed = Locator::from_canonical(&text);
            prop_assert!(parsed.is_none_or(|l| l.as_str() == text));
        }
    }
}
