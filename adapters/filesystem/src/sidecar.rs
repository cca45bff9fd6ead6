//! Sidecars: small files beside a record that describe it.

use std::io::Read;

use jiff::civil::{Date, DateTime, Time};
use quietus_contract::DateValue;
use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::OFlags;
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use crate::dates;
use crate::root::beneath;
use crate::version::{DIGEST_BYTES, Print, is_regular, stat_open};

/// A sidecar larger than this is not read; its dates are unreadable.
const SIDECAR_BYTES_MAX: u64 = 64 * 1024;

/// A sidecar as it was read.
#[derive(Debug)]
pub(crate) struct Sidecar {
    pub(crate) print: Print,
    pub(crate) digest: [u8; DIGEST_BYTES],
    content: Content,
}

#[derive(Debug)]
enum Content {
    Toml(toml::Table),
    Json(serde_json::Map<String, serde_json::Value>),
    Unreadable(&'static str),
}

/// What stands at a sidecar's name.
#[derive(Debug)]
pub(crate) enum Beside {
    Nothing,
    /// A link, a folder, a device: never touched.
    NoFile,
    File(Box<Sidecar>),
}

/// Reads what stands at a name in an open folder.
pub(crate) fn read(folder: BorrowedFd<'_>, name: &[u8]) -> Result<Beside, Errno> {
    // Not blocking: a pipe that somebody put there must not hold the agent up.
    let fd = match beneath(folder, name, OFlags::RDONLY | OFlags::NONBLOCK) {
        Ok(fd) => fd,
        // A name that is too long for a sidecar to have it has none.
        Err(Errno::NOENT | Errno::NAMETOOLONG) => return Ok(Beside::Nothing),
        Err(Errno::LOOP | Errno::XDEV | Errno::NXIO) => return Ok(Beside::NoFile),
        Err(errno) => return Err(errno),
    };
    let stat = stat_open(fd.as_fd())?;
    if !is_regular(&stat) {
        return Ok(Beside::NoFile);
    }
    let mut bytes = Vec::new();
    std::fs::File::from(fd)
        .take(SIDECAR_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::IO))?;
    let mut digest = [0; DIGEST_BYTES];
    for (to, from) in digest.iter_mut().zip(Sha256::digest(&bytes)) {
        *to = from;
    }
    let content = parse(&bytes, name.ends_with(b".toml"));
    Ok(Beside::File(Box::new(Sidecar { print: Print::of(&stat), digest, content })))
}

fn parse(bytes: &[u8], toml: bool) -> Content {
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > SIDECAR_BYTES_MAX {
        return Content::Unreadable("a sidecar that is too large");
    }
    let Ok(text) = str::from_utf8(bytes) else {
        return Content::Unreadable("a sidecar that is not UTF-8");
    };
    if toml {
        return text
            .parse()
            .map_or(Content::Unreadable("a sidecar that is not TOML"), Content::Toml);
    }
    serde_json::from_str(text)
        .map_or(Content::Unreadable("a sidecar that is not a JSON object"), Content::Json)
}

impl Sidecar {
    /// Returns the date under a key; dots lead into tables where no key has the whole name.
    pub(crate) fn date(&self, key: &str) -> DateValue {
        match &self.content {
            Content::Unreadable(why) => DateValue::Unreadable(why),
            Content::Toml(table) => in_toml(table, key).map_or(DateValue::Absent, of_toml),
            Content::Json(map) => match in_json(map, key) {
                None | Some(serde_json::Value::Null) => DateValue::Absent,
                Some(serde_json::Value::String(text)) => dates::of_text(text),
                Some(_) => DateValue::Unreadable("a value that is not a text"),
            },
        }
    }

    /// Returns the text or number under a key.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        match &self.content {
            Content::Unreadable(_) => None,
            Content::Toml(table) => match in_toml(table, key)? {
                toml::Value::String(text) => Some(text.clone()),
                toml::Value::Integer(number) => Some(number.to_string()),
                _ => None,
            },
            Content::Json(map) => match in_json(map, key)? {
                serde_json::Value::String(text) => Some(text.clone()),
                serde_json::Value::Number(number) => Some(number.to_string()),
                _ => None,
            },
        }
    }
}

fn in_toml<'a>(table: &'a toml::Table, key: &str) -> Option<&'a toml::Value> {
    table.get(key).or_else(|| {
        let (first, rest) = key.split_once('.')?;
        rest.split('.').try_fold(table.get(first)?, |at, part| at.get(part))
    })
}

fn in_json<'a>(
    map: &'a serde_json::Map<String, serde_json::Value>,
    key: &str,
) -> Option<&'a serde_json::Value> {
    map.get(key).or_else(|| {
        let (first, rest) = key.split_once('.')?;
        rest.split('.').try_fold(map.get(first)?, |at, part| at.get(part))
    })
}

fn of_toml(value: &toml::Value) -> DateValue {
    match value {
        toml::Value::String(text) => dates::of_text(text),
        toml::Value::Datetime(stamp) => of_stamp(stamp),
        _ => DateValue::Unreadable("a value that is neither a date nor a text"),
    }
}

fn of_stamp(stamp: &toml::value::Datetime) -> DateValue {
    let Some(date) = stamp.date else { return DateValue::Unreadable("a time without a day") };
    let day = || {
        let year = i16::try_from(date.year).ok()?;
        Date::new(year, i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?).ok()
    };
    let Some(day) = day() else { return DateValue::Unreadable("no day of the calendar") };
    match (stamp.time, stamp.offset) {
        (None, _) => DateValue::Day(day),
        // The offset form has one spelling that the date library reads too.
        (Some(_), Some(_)) => dates::of_text(&stamp.to_string()),
        (Some(time), None) => {
            let clock = || {
                let second = i8::try_from(time.second.unwrap_or(0)).ok()?;
                let nanos = i32::try_from(time.nanosecond.unwrap_or(0)).ok()?;
                let (hour, minute) =
                    (i8::try_from(time.hour).ok()?, i8::try_from(time.minute).ok()?);
                Time::new(hour, minute, second.min(59), nanos).ok()
            };
            clock().map_or(DateValue::Unreadable("no time of the day"), |clock| {
                DateValue::Local(DateTime::from_parts(day, clock))
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn sidecar(text: &str, toml: bool) -> Sidecar {
        let print =
            Print { device: 0, inode: 0, size: 0, modified: (0, 0), changed: (0, 0), names: 1 };
        Sidecar { print, digest: [0; DIGEST_BYTES], content: parse(text.as_bytes(), toml) }
    }

    #[test]
    fn toml_dates_are_read_in_their_own_kind() {
        let side = sidecar(
            "a = 2024-05-13\nb = 2024-05-13T10:00:00\nc = 2024-05-13T10:00:00Z\nd = '2024-05-13'\n\
             e = 5\n[f]\ng = 2020-01-01\n",
            true,
        );
        assert_eq!(side.date("a"), DateValue::Day(date(2024, 5, 13)));
        assert_eq!(side.date("b"), DateValue::Local(date(2024, 5, 13).at(10, 0, 0, 0)));
        assert_eq!(side.date("c"), DateValue::Moment("2024-05-13T10:00:00Z".parse().unwrap()));
        assert_eq!(side.date("d"), DateValue::Day(date(2024, 5, 13)));
        assert!(matches!(side.date("e"), DateValue::Unreadable(_)));
        assert_eq!(side.date("f.g"), DateValue::Day(date(2020, 1, 1)));
        assert_eq!(side.date("missing"), DateValue::Absent);
    }

    #[test]
    fn json_texts_are_dates_and_numbers_are_not() {
        let side = sidecar(
            r#"{"a": "2024-05-13", "b": 20240513, "c": null, "d": {"e": "2020-01-01"}}"#,
            false,
        );
        assert_eq!(side.date("a"), DateValue::Day(date(2024, 5, 13)));
        assert!(matches!(side.date("b"), DateValue::Unreadable(_)));
        assert_eq!(side.date("c"), DateValue::Absent);
        assert_eq!(side.date("d.e"), DateValue::Day(date(2020, 1, 1)));
    }

    #[test]
    fn a_sidecar_that_cannot_be_read_is_no_missing_date() {
        for (text, toml) in [("a = ", true), ("[1]", false), ("{", false)] {
            assert!(matches!(sidecar(text, toml).date("a"), DateValue::Unreadable(_)), "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(matches!(
            sidecar(&format!("a = {deep}"), true).date("a"),
            DateValue::Unreadable(_)
        ));
        assert!(matches!(sidecar(&deep, false).date("a"), DateValue::Unreadable(_)));
    }
}
