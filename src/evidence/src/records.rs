//! Records files: one line for each record of a batch, and the two roots over them.
//!
//! `docs/formats/record-lines.md` has the bytes. Reading is a stream that keeps nothing but the
//! right edges of two trees, allocates nothing for a line, and hashes by whole blocks: this is the
//! loop that a million-record bundle spends its time in.

use std::io;

use sha2::block_api::compress256;
use sha2::{Digest as _, Sha256};

use crate::commitment::Commitment;
use crate::hash::{Hash, INITIAL, hex_32, state_bytes};
use crate::merkle::Frontier;
use crate::time::Date;

/// The most records in one batch.
pub const BATCH_RECORDS_MAX: u64 = 65_536;
/// The longest records file.
pub const RECORDS_BYTES_MAX: u64 = BATCH_RECORDS_MAX * 108;

const LINE_MAX: usize = 108;
const WRITE_BYTES: usize = 65_536;

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordOutcome {
    /// Disposed of, and found absent by a separate read.
    Destroyed,
    /// It was not there any more.
    Absent,
    /// Not disposed of, or not proved to be.
    Failed,
    /// Kept by a hold that came after the plan.
    Held,
}

impl RecordOutcome {
    /// Returns the word in the line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Destroyed => "destroyed",
            Self::Absent => "absent",
            Self::Failed => "failed",
            Self::Held => "held",
        }
    }

    /// The rest of the line from the outcome on.
    fn tail(self) -> &'static [u8] {
        match self {
            Self::Destroyed => b"destroyed\"}\n",
            Self::Absent => b"absent\"}\n",
            Self::Failed => b"failed\"}\n",
            Self::Held => b"held\"}\n",
        }
    }

    fn by_first_letter(letter: u8) -> Option<Self> {
        match letter {
            b'd' => Some(Self::Destroyed),
            b'a' => Some(Self::Absent),
            b'f' => Some(Self::Failed),
            b'h' => Some(Self::Held),
            _ => None,
        }
    }
}

/// One line of a records file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordLine {
    /// The commitment to the record.
    pub c: Commitment,
    /// The first day on which it may go.
    pub due: Date,
    /// What became of it.
    pub outcome: RecordOutcome,
}

impl RecordLine {
    /// Writes the line without its newline.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).trim_end().to_owned()
    }

    fn bytes(&self) -> Vec<u8> {
        let parts: [&[u8]; 6] =
            [HEAD, &hex_32(&self.c.0), DUE, &self.due.bytes(), OUTCOME, self.outcome.tail()];
        parts.concat()
    }

    /// Reads a line without its newline.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.as_bytes().strip_prefix(HEAD)?;
        let (c, rest) = rest.split_first_chunk::<64>()?;
        let (due, rest) = rest.strip_prefix(DUE)?.split_first_chunk::<10>()?;
        let rest = rest.strip_prefix(OUTCOME)?;
        let outcome = RecordOutcome::by_first_letter(*rest.first()?)?;
        let line = Self { c: Hash(crate::hash::unhex(c)?), due: Date::read(due)?, outcome };
        (line.text() == text).then_some(line)
    }
}

const HEAD: &[u8] = b"{\"c\":\"";
const DUE: &[u8] = b"\",\"due\":\"";
const OUTCOME: &[u8] = b"\",\"o\":\"";

/// How many records had which outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutcomeCounts {
    /// Destroyed.
    pub destroyed: u64,
    /// Already absent.
    pub absent: u64,
    /// Failed.
    pub failed: u64,
    /// Held.
    pub held: u64,
}

impl OutcomeCounts {
    fn add(&mut self, outcome: RecordOutcome) {
        let count = match outcome {
            RecordOutcome::Destroyed => &mut self.destroyed,
            RecordOutcome::Absent => &mut self.absent,
            RecordOutcome::Failed => &mut self.failed,
            RecordOutcome::Held => &mut self.held,
        };
        *count += 1;
    }

    /// Returns their sum.
    pub fn total(&self) -> u64 {
        self.destroyed + self.absent + self.failed + self.held
    }
}

/// What a records file comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordsSummary {
    /// The root over the commitments alone.
    pub intent_root: Hash,
    /// The root over the whole lines.
    pub result_root: Hash,
    /// SHA-256 of the file.
    pub sha256: Hash,
    /// Length of the file.
    pub bytes: u64,
    /// Outcomes.
    pub counts: OutcomeCounts,
    /// The latest due date.
    pub latest_due: Date,
}

/// What is wrong with a records file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct RecordsError {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub what: RecordsDefect,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordsDefect {
    /// Not the template.
    #[error("it does not follow the template")]
    Template,
    /// No such day.
    #[error("its date does not exist")]
    Date,
    /// Not above the line before.
    #[error("its commitment does not rise above the one before: lines were moved or doubled")]
    Order,
    /// It ends early.
    #[error("the file ends in the middle of it")]
    Cut,
    /// The file has no line.
    #[error("the file is empty")]
    Empty,
    /// The file has more lines than a batch has records.
    #[error("the file has more than {BATCH_RECORDS_MAX} lines")]
    Many,
}

/// Computes the root that an intent states, over commitments in rising order.
///
/// # Behavior
///
/// - `None` where they do not rise strictly: the caller has not sorted them, or two are equal.
pub fn intent_root(sorted: &[Commitment]) -> Option<Hash> {
    if sorted.iter().zip(sorted.iter().skip(1)).any(|(before, after)| before >= after) {
        return None;
    }
    let mut frontier = Frontier::default();
    frontier.extend(sorted.iter().map(|c| {
        let mut leaf = LeafHasher::new();
        leaf.set(&hex_32(&c.0));
        leaf.intent()
    }));
    Some(frontier.root())
}

/// Why a records file was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteRecordsError {
    /// The lines are not those of a batch.
    #[error(transparent)]
    Lines(#[from] RecordsError),
    /// The file could not be written.
    #[error("the records file could not be written")]
    Io(#[from] io::Error),
}

/// Writes a records file; returns what it comes to, computed from the very bytes written.
///
/// # Behavior
///
/// - The lines must be in rising order of their commitments; otherwise an error says which is not.
pub fn write_records(
    sorted: impl IntoIterator<Item = RecordLine>,
    out: &mut dyn io::Write,
) -> Result<RecordsSummary, WriteRecordsError> {
    let mut reader = RecordsReader::new();
    let mut buffer = Vec::with_capacity(WRITE_BYTES + LINE_MAX);
    for line in sorted {
        buffer.extend_from_slice(&line.bytes());
        if buffer.len() >= WRITE_BYTES {
            reader.push(&buffer)?;
            out.write_all(&buffer)?;
            buffer.clear();
        }
    }
    reader.push(&buffer)?;
    let summary = reader.finish()?;
    out.write_all(&buffer)?;
    Ok(summary)
}

/// Reads a records file in pieces of any length.
pub struct RecordsReader {
    whole: Sha256,
    bytes: u64,
    lines: u64,
    /// The start of a line whose end has not come yet.
    carry: Vec<u8>,
    last: [u8; 64],
    last_due: [u8; 10],
    latest_due: [u8; 10],
    leaf: LeafHasher,
    intent: Frontier,
    result: Frontier,
    counts: OutcomeCounts,
}

impl Default for RecordsReader {
    fn default() -> Self {
        Self::new()
    }
}

impl RecordsReader {
    /// Starts before the first byte.
    pub fn new() -> Self {
        Self {
            whole: Sha256::new(),
            bytes: 0,
            lines: 0,
            carry: Vec::with_capacity(LINE_MAX),
            last: [0; 64],
            last_due: [0; 10],
            latest_due: [0; 10],
            leaf: LeafHasher::new(),
            intent: Frontier::default(),
            result: Frontier::default(),
            counts: OutcomeCounts::default(),
        }
    }

    /// Reads the next piece.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), RecordsError> {
        self.whole.update(piece);
        self.bytes = self.bytes.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        let mut rest = piece;
        while !self.carry.is_empty() && !rest.is_empty() {
            let room = LINE_MAX.saturating_sub(self.carry.len()).min(rest.len());
            let Some((more, after)) = rest.split_at_checked(room) else { break };
            let before = self.carry.len();
            let mut joined = std::mem::take(&mut self.carry);
            joined.extend_from_slice(more);
            match self.line(&joined)? {
                Some(length) => {
                    let taken = length.saturating_sub(before);
                    rest = rest.get(taken..).unwrap_or_default();
                }
                None => {
                    self.carry = joined;
                    rest = after;
                }
            }
        }
        while let Some(length) = self.line(rest)? {
            rest = rest.get(length..).unwrap_or_default();
        }
        self.carry.extend_from_slice(rest);
        Ok(())
    }

    /// Says what the file comes to.
    pub fn finish(self) -> Result<RecordsSummary, RecordsError> {
        if !self.carry.is_empty() {
            return Err(self.defect(RecordsDefect::Cut));
        }
        let latest_due =
            Date::read(&self.latest_due).ok_or_else(|| self.defect(RecordsDefect::Empty))?;
        Ok(RecordsSummary {
            intent_root: self.intent.root(),
            result_root: self.result.root(),
            sha256: Hash(self.whole.finalize().into()),
            bytes: self.bytes,
            counts: self.counts,
            latest_due,
        })
    }

    fn defect(&self, what: RecordsDefect) -> RecordsError {
        RecordsError { line: self.lines + 1, what }
    }

    /// Takes one line from the start of `bytes`; `None` where its end is not there yet.
    fn line(&mut self, bytes: &[u8]) -> Result<Option<usize>, RecordsError> {
        let Some((fixed, tail)) = bytes.split_first_chunk::<96>() else { return Ok(None) };
        let Some(letter) = tail.first() else { return Ok(None) };
        let template = || RecordsError { line: self.lines + 1, what: RecordsDefect::Template };
        let outcome = RecordOutcome::by_first_letter(*letter).ok_or_else(template)?;
        let wanted = outcome.tail();
        if tail.len() < wanted.len() {
            return Ok(None);
        }
        if !tail.starts_with(wanted) || !follows_template(fixed) {
            return Err(template());
        }
        let c: &[u8; 64] = fixed[6..].first_chunk().ok_or_else(template)?;
        let due: &[u8; 10] = fixed[79..].first_chunk().ok_or_else(template)?;
        if *c <= self.last && self.lines != 0 {
            return Err(self.defect(RecordsDefect::Order));
        }
        if self.lines == BATCH_RECORDS_MAX {
            return Err(self.defect(RecordsDefect::Many));
        }
        if *due != self.last_due {
            Date::read(due).ok_or_else(|| self.defect(RecordsDefect::Date))?;
            self.last_due = *due;
            self.latest_due = self.latest_due.max(*due);
        }
        self.leaf.set(c);
        self.intent.push(self.leaf.intent());
        self.result.push(self.leaf.result(due, outcome));
        self.last = *c;
        self.counts.add(outcome);
        self.lines += 1;
        Ok(Some(96 + wanted.len()))
    }
}

fn follows_template(fixed: &[u8; 96]) -> bool {
    let lower_hex = |byte: &u8| byte.is_ascii_digit() | matches!(byte, b'a'..=b'f');
    fixed[..6] == *HEAD
        && fixed[70..79] == *DUE
        && fixed[89..] == *OUTCOME
        && fixed[6..70].iter().fold(true, |good, byte| good & lower_hex(byte))
}

/// Hashes the two leaves of one record.
///
/// Both texts share their first 64 bytes with the prefix, so that block is hashed once; the second
/// blocks come ready padded.
struct LeafHasher {
    first: [u8; 64],
    second: [u8; 64],
    state: [u32; 8],
}

/// 0x00 and the head of the line, before the commitment.
const BEFORE: usize = 7;
/// As many digits of the commitment fit into the first block.
const SPLIT: usize = 64 - BEFORE;

impl LeafHasher {
    fn new() -> Self {
        let mut first = [0; 64];
        first[1..BEFORE].copy_from_slice(HEAD);
        Self { first, second: [0; 64], state: INITIAL }
    }

    fn set(&mut self, c: &[u8; 64]) {
        self.first[BEFORE..].copy_from_slice(&c[..SPLIT]);
        self.second[..BEFORE].copy_from_slice(&c[SPLIT..]);
        self.state = INITIAL;
        compress256(&mut self.state, std::slice::from_ref(&self.first));
    }

    fn intent(&self) -> Hash {
        let mut block = [0; 64];
        block[..BEFORE].copy_from_slice(&self.second[..BEFORE]);
        block[7..10].copy_from_slice(b"\"}\x80");
        // 73 bytes
        block[62..].copy_from_slice(&584_u16.to_be_bytes());
        self.last(&block)
    }

    fn result(&self, due: &[u8; 10], outcome: RecordOutcome) -> Hash {
        let mut block = [0; 64];
        block[..BEFORE].copy_from_slice(&self.second[..BEFORE]);
        block[7..16].copy_from_slice(DUE);
        block[16..26].copy_from_slice(due);
        block[26..33].copy_from_slice(OUTCOME);
        // The length in bits of 0x00 and the line.
        let bits: u16 = match outcome {
            RecordOutcome::Destroyed => {
                block[33..45].copy_from_slice(b"destroyed\"}\x80");
                864
            }
            RecordOutcome::Absent => {
                block[33..42].copy_from_slice(b"absent\"}\x80");
                840
            }
            RecordOutcome::Failed => {
                block[33..42].copy_from_slice(b"failed\"}\x80");
                840
            }
            RecordOutcome::Held => {
                block[33..40].copy_from_slice(b"held\"}\x80");
                824
            }
        };
        block[62..].copy_from_slice(&bits.to_be_bytes());
        self.last(&block)
    }

    fn last(&self, block: &[u8; 64]) -> Hash {
        let mut state = self.state;
        compress256(&mut state, std::slice::from_ref(block));
        state_bytes(&state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commitment::{BatchKey, commit_all};
    use crate::merkle;

    fn vector() -> Vec<RecordLine> {
        let key = BatchKey::from_bytes([0x42; 32]);
        let mut all = commit_all(&key, "pg:crm/public.customers", ["1001", "1002", "1003"]);
        all.sort();
        let due = "2026-10-31".parse().unwrap();
        let line = |c| RecordLine { c, due, outcome: RecordOutcome::Destroyed };
        all.into_iter().map(line).collect()
    }

    fn mixed(n: u8) -> Vec<RecordLine> {
        let outcomes = [
            RecordOutcome::Destroyed,
            RecordOutcome::Absent,
            RecordOutcome::Failed,
            RecordOutcome::Held,
        ];
        let mut lines: Vec<RecordLine> = (0..n)
            .map(|i| RecordLine {
                c: Hash::of(&[i]),
                due: Date::new(2000 + i16::from(i), 1 + i % 12, 1 + i % 28).unwrap(),
                outcome: outcomes[usize::from(i % 4)],
            })
            .collect();
        lines.sort_by_key(|line| line.c);
        lines
    }

    fn written(lines: &[RecordLine]) -> (Vec<u8>, RecordsSummary) {
        let mut out = Vec::new();
        let summary = write_records(lines.iter().copied(), &mut out).unwrap();
        (out, summary)
    }

    fn read(bytes: &[u8]) -> Result<RecordsSummary, RecordsError> {
        let mut reader = RecordsReader::new();
        reader.push(bytes)?;
        reader.finish()
    }

    #[test]
    fn published_roots_hold() {
        let (_, summary) = written(&vector());
        let intent = "14a49ce40feef96cacecbde4ca44539bb74587dd37fb9357e4d632f078080fc0";
        let result = "587a8d083c1ab6466d0e9b359883048734001b692d3e473c15bd950ace76a845";
        assert_eq!(summary.intent_root.to_string(), intent);
        assert_eq!(summary.result_root.to_string(), result);
        let sorted: Vec<_> = vector().iter().map(|line| line.c).collect();
        assert_eq!(intent_root(&sorted).unwrap().to_string(), intent);
    }

    #[test]
    fn block_hashing_equals_plain_hashing() {
        let lines = mixed(200);
        let (bytes, summary) = written(&lines);
        let plain: Vec<Hash> = lines.iter().map(|l| Hash::leaf(l.text().as_bytes())).collect();
        let c = |l: &RecordLine| Hash::leaf(format!("{{\"c\":\"{}\"}}", l.c).as_bytes());
        assert_eq!(summary.result_root, merkle::root(&plain));
        assert_eq!(summary.intent_root, merkle::root(&lines.iter().map(c).collect::<Vec<_>>()));
        assert_eq!(summary.sha256, Hash::of(&bytes));
        assert_eq!(summary.counts.total(), 200);
        assert_eq!(summary.latest_due, lines.iter().map(|line| line.due).max().unwrap());
    }

    #[test]
    fn pieces_of_any_length_give_the_same() {
        let (bytes, summary) = written(&mixed(40));
        for length in (1..250).chain([1000, 10_000]) {
            let mut reader = RecordsReader::new();
            for piece in bytes.chunks(length) {
                reader.push(piece).unwrap();
            }
            assert_eq!(reader.finish(), Ok(summary), "{length}");
        }
    }

    #[test]
    fn every_changed_bit_is_detected() {
        let (bytes, summary) = written(&mixed(9));
        for bit in 0..bytes.len() * 8 {
            let mut bent = bytes.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&bent).map(|found| found.result_root) != Ok(summary.result_root), "{bit}");
        }
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).map(|f| f.result_root) != Ok(summary.result_root));
        }
    }

    #[test]
    fn moved_and_doubled_lines_are_named() {
        let lines = mixed(5);
        let text =
            |order: &[usize]| order.iter().flat_map(|i| lines[*i].bytes()).collect::<Vec<u8>>();
        let order = |line| Err(RecordsError { line, what: RecordsDefect::Order });
        assert_eq!(read(&text(&[0, 2, 1])), order(3));
        assert_eq!(read(&text(&[0, 1, 1])), order(3));
        assert!(read(&[text(&[0]), b"\n".to_vec(), text(&[1])].concat()).is_err());
        assert!(write_records([lines[1], lines[0]], &mut Vec::new()).is_err());
        assert_eq!(intent_root(&[lines[1].c, lines[0].c]), None);
        assert_eq!(intent_root(&[lines[1].c, lines[1].c]), None);
    }

    #[test]
    fn a_line_is_read_back_and_other_text_is_refused() {
        for line in mixed(8) {
            assert_eq!(RecordLine::parse(&line.text()), Some(line));
            assert_eq!(RecordLine::parse(&(line.text() + "\n")), None);
            assert_eq!(RecordLine::parse(&line.text().replace("\"o\"", "\"p\"")), None);
            assert_eq!(RecordLine::parse(&line.text()[1..]), None);
        }
    }

    #[test]
    fn a_batch_has_at_most_its_number_of_records() {
        let mut sorted: Vec<Hash> = (0..65_537_u32).map(|i| Hash::of(&i.to_be_bytes())).collect();
        sorted.sort();
        let due = Date::new(2020, 1, 1).unwrap();
        let line = |c| RecordLine { c, due, outcome: RecordOutcome::Destroyed };
        let mut out = Vec::new();
        let full = sorted.iter().take(65_536).copied().map(line);
        assert_eq!(write_records(full, &mut out).unwrap().bytes, RECORDS_BYTES_MAX);
        assert!(write_records(sorted.into_iter().map(line), &mut io::sink()).is_err());
    }
}
