//! Reading the files, one after the other, into what their authors said.

mod class;
mod holds;
mod register;
mod schedule;
mod systems;

use jiff::tz::TimeZone;

use crate::codes;
use crate::sheet::{Sheet, Table, say};
use crate::source::Told;
use crate::words;

pub(crate) use class::{RawClass, RawFurther, RawVariant};
pub(crate) use holds::{RawHold, holds};
pub(crate) use register::register;
pub(crate) use schedule::{RawAuthority, RawSchedule, schedule};
pub(crate) use systems::{RawHolding, RawSystem, RawSystems, systems};

/// Names with their place, and whether the list could be read in full.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// The names, in the order of the file.
    pub list: Vec<Told<String>>,
    /// Whether a name that is not listed is unknown for certain.
    pub complete: bool,
}

impl Names {
    /// Returns whether `name` is listed.
    pub fn has(&self, name: &str) -> bool {
        self.list.iter().any(|known| known.value == name)
    }

    /// Returns the names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|known| known.value.as_str())
    }
}

/// Checks a name that stands in headings and on certificates, and returns whether it is good.
fn check_name(sheet: &mut Sheet<'_>, kind: &str, name: &Told<String>) -> bool {
    const LENGTH_MAX: usize = 64;
    let text = &name.value;
    let good = text.len() <= LENGTH_MAX
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !good {
        sheet.error(
            &name.span,
            say(
                codes::BAD_NAME,
                format!("\"{text}\" cannot be the name of a {kind}"),
                "not a name",
                Some(format!(
                    "names have letters, digits, \"-\", \"_\" and \".\", begin with a letter or \
                     digit, and have {LENGTH_MAX} characters at most"
                )),
            ),
        );
    }
    good
}

/// Checks a jurisdiction: `JM`, `US-CA`.
fn check_jurisdiction(sheet: &mut Sheet<'_>, who: &str, name: &Told<String>) {
    let (country, part) = match name.value.split_once('-') {
        Some((country, part)) => (country, Some(part)),
        None => (name.value.as_str(), None),
    };
    let good = country.len() == 2
        && country.bytes().all(|b| b.is_ascii_uppercase())
        && part.is_none_or(|part| {
            (1..=3).contains(&part.len())
                && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        });
    if !good {
        sheet.error(
            &name.span,
            say(
                codes::BAD_NAME,
                format!("{who}: \"{}\" is not a jurisdiction", name.value),
                "not a jurisdiction",
                Some(
                    "write the country's two capital letters, such as \"JM\", and a part of it \
                      behind a hyphen, such as \"US-CA\""
                        .to_owned(),
                ),
            ),
        );
    }
}

/// Reads a time zone.
fn time_zone(table: &Table<'_>, sheet: &mut Sheet<'_>, key: &str) -> Option<TimeZone> {
    let name = table.text(sheet, key)?;
    let zone = TimeZone::get(&name.value).ok().filter(|zone| {
        zone.iana_name().is_some_and(|iana| iana == name.value) && !zone.is_unknown()
    });
    if zone.is_none() {
        let known: Vec<String> =
            jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
        // Towns have names like others far away; only a slip of the pen is worth a suggestion.
        let meant = words::nearest_by(&name.value, known.iter().map(String::as_str), 0.85)
            .map(|zone| format!("did you mean \"{zone}\"?"));
        table.error(
            sheet,
            &name.span,
            say(
                codes::BAD_TIME_ZONE,
                format!("there is no time zone \"{}\"", name.value),
                "unknown time zone",
                words::sentences(
                    meant,
                    "Zones are named by region and city, such as \"America/Jamaica\", or \"UTC\".",
                ),
            ),
        );
    }
    zone
}
