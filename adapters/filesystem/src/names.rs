//! Names as bytes, and as text in a locator.

use quietus_contract::Locator;

/// Longest relative path that is looked at; the kernel's own limit, with the closing zero.
pub(crate) const PATH_BYTES_MAX: usize = 4095;

/// Writes a path so that different bytes give different texts.
pub(crate) fn encode(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len() + 8);
    for chunk in path.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '%' { text.push_str("%25") } else { text.push(c) }
        }
        for byte in chunk.invalid() {
            push_escape(&mut text, *byte);
        }
    }
    text
}

fn push_escape(text: &mut String, byte: u8) {
    text.push('%');
    for nibble in [byte >> 4, byte & 0xf] {
        let digit = char::from_digit(u32::from(nibble), 16).unwrap_or('0');
        text.push(digit.to_ascii_uppercase());
    }
}

/// Reads what [`encode`] wrote; `None` for any other text.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut path = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            path.push(byte);
            continue;
        }
        let high = char::from(bytes.next()?).to_digit(16)?;
        let low = char::from(bytes.next()?).to_digit(16)?;
        path.push(u8::try_from(high * 16 + low).ok()?);
    }
    (encode(&path) == text).then_some(path)
}

/// Returns the locator of a path below the root.
pub(crate) fn locator(path: &[u8]) -> Locator {
    Locator::new(&[encode(path)])
}

/// Returns the path of a locator, if it is one that [`locator`] could have made: relative,
/// without empty, `.` or `..` parts.
pub(crate) fn path_of(locator: &Locator) -> Option<Vec<u8>> {
    let parts = locator.parts();
    let [text] = parts.as_slice() else { return None };
    let path = decode(text)?;
    let plain = path.len() <= PATH_BYTES_MAX
        && path
            .split(|b| *b == b'/')
            .all(|part| !matches!(part, b"" | b"." | b"..") && !part.contains(&0));
    plain.then_some(path)
}

/// Splits a path into its folder (empty for the root) and its name.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|b| *b == b'/').and_then(|at| path.split_at_checked(at)) {
        Some((folder, name)) => (folder, name.strip_prefix(b"/").unwrap_or(name)),
        None => (b"", path),
    }
}

/// Joins a folder and a name.
pub(crate) fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(folder.len() + name.len() + 1);
    path.extend_from_slice(folder);
    if !folder.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

/// Returns a name for people and for fields: as it is where it is UTF-8, escaped where not.
pub(crate) fn readable(name: &[u8]) -> String {
    match str::from_utf8(name) {
        Ok(text) => text.to_owned(),
        Err(_) => encode(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_come_back_from_their_text(path in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(decode(&encode(&path)), Some(path));
        }

        #[test]
        fn a_text_that_was_not_written_by_us_is_not_read(text in "[%a-fA-F0-9é/]{0,12}") {
            prop_assert!(decode(&text).is_none_or(|path| encode(&path) == text));
        }
    }

    #[test]
    fn a_locator_that_climbs_has_no_path() {
        for text in ["../a", "a/../b", "/a", "a//b", "a/", "", ".", "a/./b", "a%2Fb", "a%00"] {
            assert_eq!(path_of(&Locator::new(&[text])), None, "{text}");
        }
        assert_eq!(path_of(&Locator::new(&["a", "b"])), None);
        assert_eq!(path_of(&Locator::new(&["-rf/..a"])), Some(b"-rf/..a".to_vec()));
    }
}
