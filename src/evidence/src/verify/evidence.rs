//! Records files against their certificates (step 9).

use super::Run;
use super::entries::entry_place;
use crate::hash::Hash;
use crate::records::{RECORDS_BYTES_MAX, RecordsReader, RecordsSummary};
use crate::statement::BatchResult;

impl Run<'_> {
    /// Streams a records file, and compares it; returns whether it was there and could be read.
    pub(super) fn records(&mut self, seq: u64, path: &str, result: &BatchResult) -> bool {
        let mut reader = Some(RecordsReader::new());
        let mut defect = None;
        let mut bytes = 0_u64;
        let streamed = self.input.source.stream(path, &mut |piece| {
            bytes = bytes.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            let pushed = reader.as_mut().map_or(Ok(()), |reader| reader.push(piece));
            defect = pushed.err();
            defect.is_none() && bytes <= RECORDS_BYTES_MAX
        });
        match streamed {
            Err(error) => {
                self.report.invalid(path, format!("it cannot be read: {error}"));
                return false;
            }
            Ok(false) if self.is_single() => {
                let line = format!("{path}: it is not in this bundle");
                self.report.not_checked.push(line);
                return false;
            }
            Ok(false) => {
                self.report.invalid(path, "it is missing");
                return false;
            }
            Ok(true) => {}
        }
        let finished = match (defect, reader.take()) {
            (None, Some(reader)) => reader.finish(),
            (Some(defect), _) => Err(defect),
            (None, None) => return false,
        };
        let summary = match finished {
            Ok(summary) => summary,
            Err(error) => {
                self.report.invalid(path, error.to_string());
                return false;
            }
        };
        let listed = self.input.source.listed(path);
        if listed.is_some_and(|listed| listed.sha256 != summary.sha256) {
            self.report.invalid(path, "its SHA-256 is not the one in bundle.json");
        }
        for what in differences(&summary, result) {
            self.report.invalid(path, format!("its {what} of {}", entry_place(seq)));
        }
        self.report.records = self.report.records.saturating_add(summary.counts.total());
        true
    }
}

/// Names all that a file and its certificate disagree on.
fn differences(found: &RecordsSummary, result: &BatchResult) -> Vec<&'static str> {
    let scope = &result.scope;
    let (counts, lines) = (&scope.counts, &found.counts);
    let same = |a: Hash, b: Hash| a == b;
    [
        (same(found.sha256, scope.records.sha256), "SHA-256 is not that"),
        (found.bytes == scope.records.bytes, "size is not that"),
        (same(found.intent_root, scope.intent_root), "commitments are not those"),
        (same(found.result_root, scope.result_root), "lines are not those"),
        (lines.total() == counts.selected, "number of lines is not that"),
        (lines.destroyed == counts.destroyed, "number of destroyed records is not that"),
        (lines.absent == counts.already_absent, "number of absent records is not that"),
        (lines.failed == counts.failed, "number of failed records is not that"),
        (lines.held == counts.held, "number of held records is not that"),
        (found.latest_due <= scope.cutoff, "latest due date is after the cutoff"),
    ]
    .into_iter()
    .filter_map(|(good, what)| (!good).then_some(what))
    .collect()
}
