//! What may be written of a file tree and of its holdings, and what it means.

use std::sync::Arc;

use jiff::civil::Date;
use quietus_contract::{Action, Form, Holding, Key, Place, Result, Shape, SystemConfig};

use crate::claim;
use crate::error::misconfigured;
use crate::names;
use crate::pattern::{Captures, Pattern, Scratch};

/// The keys of `systems.toml`.
pub(crate) static FORM: Form = Form {
    adapter: "filesystem",
    about: "Files below one folder: a share, a scan archive, an export folder.",
    system: &[
        Key {
            name: "root",
            shape: Shape::Text,
            required: true,
            about: "The folder that the agent never leaves; relative to the programme's folder.",
        },
        Key {
            name: "method",
            shape: Shape::Word(&["delete", "shred"]),
            required: false,
            about: "`delete` (as usual) or `shred`: overwrite in place first. `probe` says what \
                    that is worth on this disk.",
        },
    ],
    holding: &[
        Key {
            name: "paths",
            shape: Shape::Texts,
            required: true,
            about: "Patterns below the root: `*`, `?`, `**`, captures `{name}` and `{date:name}`.",
        },
        Key {
            name: "except_paths",
            shape: Shape::Texts,
            required: false,
            about: "Patterns of files or folders that are left out, with all below.",
        },
        Key {
            name: "sidecar",
            shape: Shape::Text,
            required: false,
            about: "The file beside a record that describes it, such as `{path}.meta.toml` or \
                    `{path}.json`; it goes with the record.",
        },
        Key {
            name: "hard_links",
            shape: Shape::Word(&["refuse", "unlink"]),
            required: false,
            about: "What to do with a file that has other names too: `refuse` (as usual), or \
                    `unlink` this name and report the others.",
        },
    ],
    date_sources: &["mtime", "path:NAME", "sidecar:KEY"],
};

/// How files are disposed of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Technique {
    Delete,
    Shred,
}

impl Technique {
    pub(crate) fn of(system: &SystemConfig) -> Result<Self> {
        match system.settings.text("method") {
            None | Some("delete") => Ok(Self::Delete),
            Some("shred") => Ok(Self::Shred),
            Some(_) => Err(misconfigured(format!(
                "{}: `method` is neither `delete` nor `shred`",
                system.settings.place_of("method")
            ))),
        }
    }
}

/// Where a date of a record comes from.
#[derive(Debug)]
pub(crate) enum DateSource {
    Modified,
    Path(String),
    Sidecar(String),
}

/// What a field of a record is.
#[derive(Debug)]
pub(crate) enum FieldSource {
    Capture(String),
    Sidecar(String),
    Owner,
    FileName,
    Folder,
}

/// A holding, compiled.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) holding: Arc<Holding>,
    patterns: Vec<Pattern>,
    except: Vec<Pattern>,
    /// What is added to a record's name to find its sidecar.
    pub(crate) sidecar: Option<String>,
    pub(crate) unlink_hard_links: bool,
    pub(crate) dates: Vec<DateSource>,
    pub(crate) fields: Vec<FieldSource>,
}

/// What a path that is a record says of itself.
#[derive(Debug)]
pub(crate) struct Matched<'a> {
    pattern: &'a Pattern,
    captures: Captures,
}

impl Selection {
    /// Compiles a holding; an error names the place in `systems.toml`.
    pub(crate) fn compile(holding: &Arc<Holding>, technique: Technique) -> Result<Self> {
        let settings = &holding.settings;
        if holding.action == Action::Anonymise {
            return Err(misconfigured(format!(
                "{}: a file cannot be anonymised; the class must say `destroy`",
                settings.place
            )));
        }
        let patterns = patterns(holding, "paths")?;
        if patterns.is_empty() {
            return Err(misconfigured(format!("{}: `paths` is missing", settings.place)));
        }
        let except = patterns_without_captures(holding)?;
        let sidecar = settings.text("sidecar").map(|text| suffix(text, holding)).transpose()?;
        let unlink_hard_links = settings.text("hard_links") == Some("unlink");
        if unlink_hard_links && technique == Technique::Shred {
            return Err(misconfigured(format!(
                "{}: `unlink` and the system's `shred` exclude each other: overwriting would \
                 destroy what the file's other names show",
                settings.place_of("hard_links")
            )));
        }
        let sources = holding.dates.iter();
        let dates = sources
            .map(|(text, place)| date_source(text, place, &patterns, sidecar.is_some()))
            .collect::<Result<_>>()?;
        let sources = holding.fields.iter();
        let fields = sources
            .map(|(text, place)| field_source(text, place, &patterns, sidecar.is_some()))
            .collect::<Result<_>>()?;
        let holding = Arc::clone(holding);
        Ok(Self { holding, patterns, except, sidecar, unlink_hard_links, dates, fields })
    }

    /// Tells whether each record is one plain file that is unlinked as it is.
    pub(crate) fn is_plain(&self, technique: Technique) -> bool {
        technique == Technique::Delete && self.sidecar.is_none()
    }

    /// Tells whether it was compiled from this holding.
    pub(crate) fn is_of(&self, holding: &Arc<Holding>) -> bool {
        Arc::ptr_eq(&self.holding, holding)
            || (self.holding.index == holding.index
                && self.holding.settings == holding.settings
                && self.holding.dates == holding.dates
                && self.holding.fields == holding.fields
                && self.holding.not_a_date == holding.not_a_date
                && self.holding.action == holding.action)
    }

    /// Returns what a path says of itself, if it is the path of a record.
    pub(crate) fn matches(&self, path: &[u8], scratch: &mut Scratch) -> Option<Matched<'_>> {
        if self.is_no_record(path) || self.is_excepted(path, scratch) {
            return None;
        }
        self.patterns.iter().find_map(|pattern| {
            pattern.matches(path, scratch).map(|captures| Matched { pattern, captures })
        })
    }

    /// Tells whether records may lie below a folder.
    pub(crate) fn may_be_below(&self, folder: &[u8], scratch: &mut Scratch) -> bool {
        let is_out = |p: &Pattern, scratch: &mut Scratch| {
            p.matches(folder, scratch).is_some() || p.matches_all_below(folder, scratch)
        };
        !self.except.iter().any(|p| is_out(p, scratch))
            && self.patterns.iter().any(|p| p.may_be_below(folder, scratch))
    }

    /// Returns the folder that all records lie in.
    pub(crate) fn base(&self) -> Vec<u8> {
        let mut folders = self.patterns.iter().map(Pattern::literal_folder);
        let first = folders.next().unwrap_or_default();
        let mut base: Vec<&[u8]> = parts(first).collect();
        for folder in folders {
            let same = base.iter().zip(parts(folder)).take_while(|(a, b)| **a == *b).count();
            base.truncate(same);
        }
        base.join(&b'/')
    }

    /// A path that has the form of a sidecar is never a record (it goes with its record or
    /// stays), nor is a claim.
    fn is_no_record(&self, path: &[u8]) -> bool {
        claim::is_claim(names::split(path).1)
            || self.sidecar.as_ref().is_some_and(|suffix| path.ends_with(suffix.as_bytes()))
    }

    fn is_excepted(&self, path: &[u8], scratch: &mut Scratch) -> bool {
        if self.except.is_empty() {
            return false;
        }
        let slashes = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(i, _)| i);
        let mut ends = slashes.chain(std::iter::once(path.len()));
        ends.any(|end| {
            let part = path.get(..end).unwrap_or(path);
            self.except.iter().any(|p| p.matches(part, scratch).is_some())
        })
    }
}

impl Matched<'_> {
    /// Returns the date that a capture gives.
    pub(crate) fn date(&self, name: &str) -> Option<quietus_contract::DateValue> {
        let slot = self.slot(name)?;
        self.captures.dates.get(slot).copied().flatten()
    }

    /// Returns the text of a capture.
    pub(crate) fn text(&self, name: &str, path: &[u8]) -> Option<String> {
        let (from, to) = self.captures.texts.get(self.slot(name)?)?;
        path.get(*from..*to).map(names::readable)
    }

    fn slot(&self, name: &str) -> Option<usize> {
        self.pattern.captures().iter().position(|(known, _)| known == name)
    }
}

fn parts(folder: &[u8]) -> impl Iterator<Item = &[u8]> {
    folder.split(|b| *b == b'/').filter(|part| !part.is_empty())
}

fn patterns(holding: &Holding, key: &str) -> Result<Vec<Pattern>> {
    let texts = holding.settings.texts(key).iter();
    texts
        .map(|text| {
            Pattern::parse(text).map_err(|what| {
                let place = holding.settings.place_of(key);
                misconfigured(format!("{place}: the pattern `{text}` {what}"))
            })
        })
        .collect()
}

fn patterns_without_captures(holding: &Holding) -> Result<Vec<Pattern>> {
    let patterns = patterns(holding, "except_paths")?;
    if patterns.iter().any(|p| !p.captures().is_empty()) {
        let place = holding.settings.place_of("except_paths");
        return Err(misconfigured(format!("{place}: captures have no meaning in `except_paths`")));
    }
    Ok(patterns)
}

fn suffix(text: &str, holding: &Holding) -> Result<String> {
    let suffix = text.strip_prefix("{path}").filter(|suffix| {
        (suffix.ends_with(".toml") || suffix.ends_with(".json"))
            && !suffix.contains(['/', '{', '}', '*', '?', '\0'])
    });
    suffix.map(str::to_owned).ok_or_else(|| {
        misconfigured(format!(
            "{}: a sidecar is `{{path}}` and an ending in `.toml` or `.json`, such as \
             `{{path}}.meta.toml`",
            holding.settings.place_of("sidecar")
        ))
    })
}

fn date_source(
    text: &str,
    place: &Place,
    patterns: &[Pattern],
    sidecar: bool,
) -> Result<DateSource> {
    if text == "mtime" {
        return Ok(DateSource::Modified);
    }
    if let Some(name) = text.strip_prefix("path:") {
        let known = |p: &Pattern| p.captures().iter().any(|(n, date)| n == name && *date);
        if patterns.iter().any(known) {
            return Ok(DateSource::Path(name.to_owned()));
        }
        return Err(misconfigured(format!(
            "{place}: no pattern of `paths` has `{{date:{name}}}` in it"
        )));
    }
    if let Some(key) = text.strip_prefix("sidecar:").filter(|key| !key.is_empty()) {
        if sidecar {
            return Ok(DateSource::Sidecar(key.to_owned()));
        }
        return Err(misconfigured(format!(
            "{place}: the holding says `{text}` but has no `sidecar`"
        )));
    }
    Err(misconfigured(format!(
        "{place}: `{text}` is no date source of files; there are `mtime`, `path:NAME` and \
         `sidecar:KEY`"
    )))
}

fn field_source(
    text: &str,
    place: &Place,
    patterns: &[Pattern],
    sidecar: bool,
) -> Result<FieldSource> {
    if let Some(key) = text.strip_prefix("sidecar:").filter(|key| sidecar && !key.is_empty()) {
        return Ok(FieldSource::Sidecar(key.to_owned()));
    }
    let captured = |p: &Pattern| p.captures().iter().any(|(name, _)| name == text);
    if patterns.iter().any(captured) {
        return Ok(FieldSource::Capture(text.to_owned()));
    }
    match text {
        "owner" => Ok(FieldSource::Owner),
        "file_name" => Ok(FieldSource::FileName),
        "folder" => Ok(FieldSource::Folder),
        _ => {
            let names = patterns.iter().flat_map(|p| p.captures().iter().map(|(n, _)| n.as_str()));
            let known: Vec<&str> =
                names.chain(["owner", "file_name", "folder", "sidecar:KEY"]).collect();
            Err(misconfigured(format!(
                "{place}: files have no `{text}`; there are {}",
                known.join(", ")
            )))
        }
    }
}

/// Returns the days that mean "no date".
pub(crate) fn not_a_date(selection: &Selection) -> &[Date] {
    &selection.holding.not_a_date
}
