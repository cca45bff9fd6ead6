//! Typed values: how they become locators, cursors and versions.

use quietus_contract::{Cursor, Locator, Version};
use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};
use sha2::{Digest, Sha256};

/// One value of a row, owned.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(crate) enum Cell {
    /// NULL.
    Null,
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// A text, not necessarily UTF-8.
    Text(Vec<u8>),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Cell {
    /// Makes a text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into().into_bytes())
    }

    /// Lends the value.
    pub(crate) fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Null => ValueRef::Null,
            Self::Integer(n) => ValueRef::Integer(*n),
            Self::Real(x) => ValueRef::Real(*x),
            Self::Text(bytes) => ValueRef::Text(bytes),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }
    }
}

impl From<ValueRef<'_>> for Cell {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(n) => Self::Integer(n),
            ValueRef::Real(x) => Self::Real(x),
            ValueRef::Text(bytes) => Self::Text(bytes.into()),
            ValueRef::Blob(bytes) => Self::Blob(bytes.into()),
        }
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.as_ref()))
    }
}

/// Writes a value as a field for templates and holds: without marks of its type.
pub(crate) fn field_text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(n) => Some(n.to_string()),
        ValueRef::Real(x) => Some(x.to_string()),
        ValueRef::Text(bytes) => Some(match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => escaped(bytes),
        }),
        ValueRef::Blob(bytes) => Some(hex(bytes)),
    }
}

/// Writes the value of a key column as a part of a locator.
///
/// # Behavior
///
/// - A whole number is its decimal digits; a text is itself, with `%` and bytes that are not
///   UTF-8 as `%XX`; a blob is `blob:` and hexadecimal digits; a floating-point number is `real:`
///   and its shortest text.
/// - A text that would read as one of the others has `text:` in front. In a column of text
///   affinity there are no numbers, so digits need no mark there.
/// - Different values have different parts, and [`read_part`] gives the value back.
pub(crate) fn part(value: ValueRef<'_>, text_column: bool) -> String {
    match value {
        ValueRef::Null => "null:".to_owned(),
        ValueRef::Integer(n) if text_column => format!("integer:{n}"),
        ValueRef::Integer(n) => n.to_string(),
        ValueRef::Real(x) => format!("real:{x:?}"),
        ValueRef::Blob(bytes) => format!("blob:{}", hex(bytes)),
        ValueRef::Text(bytes) => {
            let text = escaped(bytes);
            if is_ambiguous(&text, text_column) { format!("text:{text}") } else { text }
        }
    }
}

/// Reads what [`part`] wrote; `None` for anything else.
pub(crate) fn read_part(text: &str, text_column: bool) -> Option<Cell> {
    let cell = if let Some(rest) = text.strip_prefix("text:") {
        Cell::Text(unescaped(rest)?)
    } else if let Some(rest) = text.strip_prefix("blob:") {
        Cell::Blob(unhex(rest)?)
    } else if let Some(rest) = text.strip_prefix("real:") {
        Cell::Real(rest.parse().ok()?)
    } else if let Some(rest) = text.strip_prefix("integer:") {
        Cell::Integer(rest.parse().ok()?)
    } else if text == "null:" {
        Cell::Null
    } else if !text_column && looks_like_number(text) {
        Cell::Integer(text.parse().ok()?)
    } else {
        Cell::Text(unescaped(text)?)
    };
    (part(cell.as_ref(), text_column) == text).then_some(cell)
}

const MARKS: [&str; 5] = ["text:", "blob:", "real:", "integer:", "null:"];

fn is_ambiguous(text: &str, text_column: bool) -> bool {
    MARKS.iter().any(|mark| text.starts_with(mark)) || (!text_column && looks_like_number(text))
}

fn looks_like_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

fn escaped(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for (n, piece) in chunk.valid().split('%').enumerate() {
            if n > 0 {
                out.push_str("%25");
            }
            out.push_str(piece);
        }
        for byte in chunk.invalid() {
            out.push('%');
            push_hex(&mut out, *byte, true);
        }
    }
    out
}

fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut pieces = text.split('%');
    let mut out = Vec::with_capacity(text.len());
    out.extend_from_slice(pieces.next()?.as_bytes());
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        out.extend_from_slice(&unhex(digits)?);
        out.extend_from_slice(rest.as_bytes());
    }
    Some(out)
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        push_hex(&mut out, *byte, false);
    }
    out
}

fn push_hex(out: &mut String, byte: u8, upper: bool) {
    for nibble in [byte >> 4, byte & 0xf] {
        let digit = char::from_digit(u32::from(nibble), 16).unwrap_or('0');
        out.push(if upper { digit.to_ascii_uppercase() } else { digit });
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let nibbles: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|n| u8::try_from(n).ok())).collect();
    let nibbles = nibbles?;
    let pairs = nibbles.chunks_exact(2);
    pairs.remainder().is_empty().then_some(())?;
    pairs
        .map(|pair| match pair {
            [high, low] => Some(high << 4 | low),
            _ => None,
        })
        .collect()
}

/// The decimal digits of a number, without a place on the heap.
pub(crate) struct Decimal {
    digits: [u8; 20],
    from: usize,
}

impl Decimal {
    /// Writes a number.
    pub(crate) fn of(number: i64) -> Self {
        let mut digits = [b'0'; 20];
        let mut from = digits.len();
        let mut rest = number.unsigned_abs();
        for place in digits.iter_mut().rev() {
            *place = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            from -= 1;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if number < 0 {
            // The longest number has 19 digits, so there is a place left.
            from = from.saturating_sub(1);
            if let Some(place) = digits.get_mut(from) {
                *place = b'-';
            }
        }
        Self { digits, from }
    }

    /// Returns the digits.
    pub(crate) fn as_str(&self) -> &str {
        self.digits.get(self.from..).and_then(|d| std::str::from_utf8(d).ok()).unwrap_or("0")
    }
}

/// Makes the locator of a key.
pub(crate) fn locator<'v>(key: impl Iterator<Item = (ValueRef<'v>, bool)>) -> Locator {
    let parts: Vec<String> = key.map(|(value, text_column)| part(value, text_column)).collect();
    Locator::new(&parts)
}

/// Collects what a version covers, and hashes it.
///
/// The buffer is reused from row to row.
#[derive(Debug, Default)]
pub(crate) struct Digester {
    bytes: Vec<u8>,
}

/// Bytes of a version: half of SHA-256, enough against chance and against a forger who would have
/// to hit one given value.
const VERSION_BYTES: usize = 16;

impl Digester {
    /// Begins a row.
    pub(crate) fn begin(&mut self) {
        self.bytes.clear();
        self.bytes.extend_from_slice(b"row1");
    }

    /// Adds a value, with its type and length, so that no two rows have the same bytes.
    pub(crate) fn add(&mut self, value: ValueRef<'_>) {
        push_typed(&mut self.bytes, value);
    }

    /// Adds how many rows of a member go with the row.
    pub(crate) fn add_count(&mut self, member: usize, count: i64) {
        self.bytes.push(5);
        self.bytes.extend_from_slice(&u64::try_from(member).unwrap_or(u64::MAX).to_be_bytes());
        self.bytes.extend_from_slice(&count.to_be_bytes());
    }

    /// Adds that the holding's condition is not true for the row.
    pub(crate) fn add_unselected(&mut self) {
        self.bytes.push(6);
    }

    /// Ends a row.
    pub(crate) fn version(&self) -> Version {
        Version::new(&self.short_digest())
    }

    /// Says whether a row has a version.
    pub(crate) fn is(&self, version: &Version) -> bool {
        version.as_bytes() == self.short_digest()
    }

    fn short_digest(&self) -> [u8; VERSION_BYTES] {
        let digest = Sha256::digest(&self.bytes);
        digest.first_chunk().copied().unwrap_or_default()
    }
}

fn push_typed(out: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => out.push(0),
        ValueRef::Integer(n) => {
            out.push(1);
            out.extend_from_slice(&n.to_be_bytes());
        }
        ValueRef::Real(x) => {
            out.push(2);
            out.extend_from_slice(&x.to_bits().to_be_bytes());
        }
        ValueRef::Text(bytes) => push_sized(out, 3, bytes),
        ValueRef::Blob(bytes) => push_sized(out, 4, bytes),
    }
}

fn push_sized(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// The format of cursors; the first byte of each.
const CURSOR_FORMAT: u8 = 1;

/// Writes the key of the last record of a page.
pub(crate) fn cursor(key: &[Cell]) -> Cursor {
    let mut bytes = vec![CURSOR_FORMAT];
    for cell in key {
        push_typed(&mut bytes, cell.as_ref());
    }
    Cursor(bytes)
}

/// Reads what [`cursor`] wrote.
pub(crate) fn read_cursor(cursor: &Cursor) -> Option<Vec<Cell>> {
    let (format, mut rest) = cursor.0.split_first()?;
    (*format == CURSOR_FORMAT).then_some(())?;
    let mut key = Vec::new();
    while !rest.is_empty() {
        key.push(read_typed(&mut rest)?);
    }
    Some(key)
}

fn read_typed(rest: &mut &[u8]) -> Option<Cell> {
    let mut take = |count: usize| {
        let (taken, left) = rest.split_at_checked(count)?;
        *rest = left;
        Some(taken)
    };
    let tag = take(1)?;
    if tag == [0] {
        return Some(Cell::Null);
    }
    let word: [u8; 8] = take(8)?.try_into().ok()?;
    Some(match tag {
        [1] => Cell::Integer(i64::from_be_bytes(word)),
        [2] => Cell::Real(f64::from_bits(u64::from_be_bytes(word))),
        [3] => Cell::Text(take(usize::try_from(u64::from_be_bytes(word)).ok()?)?.into()),
        [4] => Cell::Blob(take(usize::try_from(u64::from_be_bytes(word)).ok()?)?.into()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cells() -> impl Strategy<Value = Cell> {
        prop_oneof![
            any::<i64>().prop_map(Cell::Integer),
            any::<f64>().prop_filter("NaN is NULL", |x| !x.is_nan()).prop_map(Cell::Real),
            "-?[0-9]{1,20}".prop_map(Cell::text),
            "(text|blob|real|integer|null):.{0,4}".prop_map(Cell::text),
            ".*".prop_map(Cell::text),
            proptest::collection::vec(any::<u8>(), 0..20).prop_map(Cell::Text),
            proptest::collection::vec(any::<u8>(), 0..20).prop_map(Cell::Blob),
        ]
    }

    #[test]
    fn the_ends_of_the_range_have_their_digits() {
        for number in [0, 9, 10, -1, i64::MAX, i64::MIN] {
            assert_eq!(Decimal::of(number).as_str(), number.to_string());
        }
    }

    #[test]
    fn common_keys_have_plain_parts() {
        let plain = [
            (Cell::Integer(1042), false, "1042"),
            (Cell::Integer(-1), false, "-1"),
            (Cell::text("V-12"), false, "V-12"),
            (Cell::text("000123"), true, "000123"),
            (Cell::text("000123"), false, "text:000123"),
            (Cell::text("50%"), false, "50%25"),
            (Cell::Text(vec![0xff]), false, "%FF"),
            (Cell::Blob(vec![0xca, 0xfe]), false, "blob:cafe"),
            (Cell::Real(1.5), false, "real:1.5"),
        ];
        for (cell, text_column, expected) in plain {
            assert_eq!(part(cell.as_ref(), text_column), expected);
        }
    }

    proptest! {
        #[test]
        fn a_part_gives_its_value_back(cell in cells(), text_column: bool) {
            let part = part(cell.as_ref(), text_column);
            prop_assert_eq!(read_part(&part, text_column), Some(cell));
        }

        #[test]
        fn different_values_have_different_parts(a in cells(), b in cells(), text_column: bool) {
            prop_assume!(a != b);
            prop_assert_ne!(part(a.as_ref(), text_column), part(b.as_ref(), text_column));
        }

        #[test]
        fn no_text_makes_the_reader_fail(text in ".*", text_column: bool) {
            if let Some(cell) = read_part(&text, text_column) {
                prop_assert_eq!(part(cell.as_ref(), text_column), text);
            }
        }

        #[test]
        fn digits_are_those_of_the_number(number: i64) {
            let decimal = Decimal::of(number);
            prop_assert_eq!(decimal.as_str(), number.to_string());
        }

        #[test]
        fn a_cursor_gives_its_key_back(key in proptest::collection::vec(cells(), 0..4)) {
            prop_assert_eq!(read_cursor(&cursor(&key)), Some(key));
        }

        #[test]
        fn no_bytes_make_the_cursor_reader_fail(
            bytes in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            read_cursor(&Cursor(bytes));
        }

        #[test]
        fn a_version_tells_rows_apart(
            a in proptest::collection::vec(cells(), 0..4),
            b in proptest::collection::vec(cells(), 0..4),
        ) {
            prop_assume!(a != b);
            let version = |row: &[Cell]| {
                let mut digester = Digester::default();
                digester.begin();
                row.iter().for_each(|cell| digester.add(cell.as_ref()));
                digester.version()
            };
            prop_assert_ne!(version(&a), version(&b));
        }
    }
}
