//! One holding while its records are read and judged.

use std::collections::BTreeMap;

use jiff::civil::Date;
use quietus_contract::{Locator, Record};
use quietus_schedule::rules::Verdict;
use quietus_schedule::{Class, System};

use super::Counts;
use crate::hold::HoldFilter;
use crate::selection::{Facts, Selection};

/// Records that someone must look after, listed by name for each holding at most.
const KEPT_LISTED_MAX: u64 = 1000;

/// What is known of a holding so far.
pub(super) struct Reading<'a> {
    pub(super) selection: &'a Selection<'a>,
    pub(super) class: &'a Class,
    pub(super) system: &'a System,
    pub(super) counts: Counts,
    pub(super) held_by: BTreeMap<String, u64>,
    pub(super) kept: BTreeMap<String, u64>,
    pub(super) kept_lines: Vec<u8>,
    pub(super) holds: HoldFilter,
    listed: u64,
}

/// A record that is due under its own class.
pub(super) struct Candidate {
    pub(super) record: Record,
    pub(super) facts: Facts,
    pub(super) due: Date,
    pub(super) overdue: bool,
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        selection: &'a Selection<'a>,
        class: &'a Class,
        system: &'a System,
        holds: HoldFilter,
    ) -> Self {
        Self {
            selection,
            class,
            system,
            counts: Counts::default(),
            held_by: BTreeMap::new(),
            kept: BTreeMap::new(),
            kept_lines: Vec::new(),
            holds,
            listed: 0,
        }
    }

    /// Judges a record under its own class; returns it if its time has come.
    pub(super) fn judge(&mut self, record: Record, as_of: Date) -> Option<Candidate> {
        self.counts.matched += 1;
        let facts = self.selection.facts(&record.dates, &record.fields);
        let locator = &record.reference.locator;
        match self.selection.judge(&facts, as_of) {
            Verdict::Due { due, overdue } => {
                return Some(Candidate { record, facts, due, overdue });
            }
            Verdict::NotDue { .. } | Verdict::Permanent => self.counts.not_due += 1,
            Verdict::AwaitingEvent { trigger } => {
                self.counts.awaiting_event += 1;
                let reason = format!("no date for \"{}\"", self.trigger(trigger));
                self.keep(locator, &reason, None);
            }
            Verdict::Implausible { trigger, date } => {
                self.counts.implausible_date += 1;
                let reason = format!("the date of \"{}\" is not plausible", self.trigger(trigger));
                self.keep(locator, &reason, Some(date));
            }
            Verdict::CannotEvaluate { reason } => {
                self.counts.cannot_evaluate += 1;
                self.keep(locator, &format!("no rule can be applied: {}", reason.words()), None);
            }
        }
        None
    }

    /// Counts a record that someone must look after, and lists it.
    pub(super) fn keep(&mut self, locator: &Locator, reason: &str, date: Option<Date>) {
        *self.kept.entry(reason.to_owned()).or_default() += 1;
        if self.listed >= KEPT_LISTED_MAX {
            return;
        }
        self.listed += 1;
        let line = serde_json::json!({
            "system": self.system.name,
            "class": self.class.id,
            "record": locator.as_str(),
            "reason": reason,
            "date": date.map(|day| day.to_string()),
        });
        self.kept_lines.extend_from_slice(line.to_string().as_bytes());
        self.kept_lines.push(b'\n');
    }

    /// Counts a due record that a hold covers.
    pub(super) fn hold(&mut self, hold: &str) {
        self.counts.held += 1;
        *self.held_by.entry(hold.to_owned()).or_default() += 1;
    }

    fn trigger(&self, n: usize) -> &str {
        self.selection.rule.triggers().get(n).map_or("a trigger", String::as_str)
    }
}
