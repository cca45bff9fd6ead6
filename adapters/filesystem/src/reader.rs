//! Makes records of names: the state of the file, its dates and fields.

use jiff::civil::Date;
use quietus_contract::{DateValue, Record, RecordRef, Result, TargetHold};
use rustix::fd::BorrowedFd;
use rustix::fs::{Statx, StatxAttributes};
use rustix::io::Errno;

use crate::config::{self, DateSource, FieldSource, Matched, Selection};
use crate::inventory::FileTree;
use crate::pattern::Scratch;
use crate::sidecar::Beside;
use crate::version::{Print, Seen, is_regular, stat};
use crate::{dates, error, names, sidecar};

/// Makes records of names.
pub(crate) struct Reader<'a> {
    tree: &'a FileTree,
    selection: &'a Selection,
    bounds: &'a [Option<Date>],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(
        tree: &'a FileTree,
        selection: &'a Selection,
        bounds: &'a [Option<Date>],
    ) -> Self {
        Self { tree, selection, bounds }
    }

    /// Returns the record behind a name; `None` if it is none, or may be left out.
    pub(crate) fn read(
        &self,
        scratch: &mut Scratch,
        open: BorrowedFd<'_>,
        name: &[u8],
        path: &[u8],
    ) -> Result<Option<Record>> {
        let Some(matched) = self.selection.matches(path, scratch) else { return Ok(None) };
        let Some(stat) = present(stat(open, name))? else { return Ok(None) };
        if !is_regular(&stat) || stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT) {
            return Ok(None);
        }
        let print = Print::of(&stat);
        let beside = match &self.selection.sidecar {
            Some(suffix) => {
                let mut side = name.to_vec();
                side.extend_from_slice(suffix.as_bytes());
                sidecar::read(open, &side)
                    .map_err(|errno| error::call("a sidecar cannot be read", errno))?
            }
            None => Beside::Nothing,
        };
        let dates = self.dates(&matched, &print, &beside);
        if self.may_be_left_out(&dates) {
            return Ok(None);
        }
        let sidecar = match &beside {
            Beside::File(side) => Some((side.print, side.digest)),
            Beside::Nothing | Beside::NoFile => None,
        };
        let members = u32::from(sidecar.is_some());
        let seen = Seen { file: print, sidecar };
        Ok(Some(Record {
            reference: RecordRef { locator: names::locator(path), version: seen.to_version() },
            dates,
            fields: self.fields(&matched, &stat, path, &beside),
            target_hold: hold_of(&stat),
            bytes: Some(stat.stx_size),
            members,
        }))
    }

    fn dates(&self, matched: &Matched<'_>, print: &Print, beside: &Beside) -> Vec<DateValue> {
        let sources = self.selection.dates.iter();
        sources
            .map(|source| match source {
                DateSource::Modified => dates::of_stamp(print.modified),
                DateSource::Path(name) => matched.date(name).unwrap_or(DateValue::Absent),
                DateSource::Sidecar(key) => match beside {
                    Beside::Nothing => DateValue::Absent,
                    Beside::NoFile => DateValue::Unreadable("a sidecar that is no regular file"),
                    Beside::File(side) => side.date(key),
                },
            })
            .collect()
    }

    fn may_be_left_out(&self, values: &[DateValue]) -> bool {
        let not_a_date = config::not_a_date(self.selection);
        values
            .iter()
            .zip(self.bounds)
            .any(|(value, bound)| bound.is_some_and(|day| dates::is_later(value, day, not_a_date)))
    }

    fn fields(
        &self,
        matched: &Matched<'_>,
        stat: &Statx,
        path: &[u8],
        beside: &Beside,
    ) -> Vec<Option<String>> {
        let (folder, name) = names::split(path);
        let sources = self.selection.fields.iter();
        sources
            .map(|source| match source {
                FieldSource::Capture(name) => matched.text(name, path),
                FieldSource::Sidecar(key) => match beside {
                    Beside::File(side) => side.text(key),
                    Beside::Nothing | Beside::NoFile => None,
                },
                FieldSource::FileName => Some(names::readable(name)),
                FieldSource::Folder => Some(names::readable(folder)),
                FieldSource::Owner => {
                    let known = self.tree.owners().get(&stat.stx_uid).cloned();
                    Some(known.unwrap_or_else(|| stat.stx_uid.to_string()))
                }
            })
            .collect()
    }
}

pub(crate) fn present(stat: std::result::Result<Statx, Errno>) -> Result<Option<Statx>> {
    match stat {
        Ok(stat) => Ok(Some(stat)),
        Err(errno) if error::is_absence(errno) => Ok(None),
        Err(errno) => Err(error::call("the state of a file cannot be read", errno)),
    }
}

/// Returns the hold that the file system itself keeps on a file.
pub(crate) fn hold_of(stat: &Statx) -> Option<TargetHold> {
    let flags = stat.stx_attributes;
    let kind = if flags.contains(StatxAttributes::IMMUTABLE) {
        "immutable flag"
    } else if flags.contains(StatxAttributes::APPEND) {
        "append-only flag"
    } else {
        return None;
    };
    Some(TargetHold { kind: kind.to_owned(), until: None })
}
