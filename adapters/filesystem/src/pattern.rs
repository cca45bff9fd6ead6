//! Patterns of paths, with captures.
//!
//! A pattern is matched against the whole path below the root, byte by byte. `*` is any run
//! within one name, `?` one character, `**` as a whole part any number of folders (at the end:
//! everything below), `{name}` one name or a part of one, `{date:name}` a date within a name.
//! Capital letters count, hidden files are files, and there are no other special characters.

use quietus_contract::DateValue;

use crate::dates;

/// Parts of a pattern at most; keeps the work per path small.
const TOKENS_MAX: usize = 128;

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Literal(Vec<u8>),
    /// `*`: any run without a slash, also an empty one.
    Run,
    /// `?`: one character.
    One,
    /// `**/`: any number of whole folders.
    Folders,
    /// `**` at the end: one name or more.
    Rest,
    /// `{name}`: a run without a slash, not empty.
    Text(usize),
    /// `{date:name}`.
    Date(usize),
}

/// One pattern.
#[derive(Debug)]
pub(crate) struct Pattern {
    tokens: Vec<Token>,
    /// Names of captures, and whether each is a date.
    captures: Vec<(String, bool)>,
    /// The whole names before the first special character.
    literal: Vec<u8>,
}

/// What a path says of itself: for each capture of its pattern the text and, for a date, its
/// value.
#[derive(Debug, Default)]
pub(crate) struct Captures {
    pub(crate) texts: Vec<(usize, usize)>,
    pub(crate) dates: Vec<Option<DateValue>>,
}

/// Memory for matching, kept from path to path.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    failed: Vec<u64>,
    spans: Vec<(usize, usize)>,
}

impl Pattern {
    /// Reads a pattern; an error is a sentence for the one who wrote it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut pattern = Self { tokens: Vec::new(), captures: Vec::new(), literal: Vec::new() };
        let parts: Vec<&str> = text.split('/').collect();
        let last = parts.len().saturating_sub(1);
        for (n, part) in parts.iter().enumerate() {
            match *part {
                "" if n == 0 => return Err("begins with a slash; paths count from the root".into()),
                "" if n == last => {
                    return Err("ends with a slash; write `/**` for all below".into());
                }
                "" => return Err("has two slashes in a row".into()),
                "." | ".." => return Err("has a `.` or `..` in it".into()),
                "**" if n == last => pattern.tokens.push(Token::Rest),
                "**" => pattern.tokens.push(Token::Folders),
                part => {
                    pattern.part(part)?;
                    if n < last {
                        pattern.push_literal("/");
                    }
                }
            }
        }
        if pattern.tokens.len() > TOKENS_MAX {
            return Err(format!("has more than {TOKENS_MAX} special parts"));
        }
        pattern.literal = literal_folders(&pattern.tokens);
        Ok(pattern)
    }

    fn part(&mut self, part: &str) -> Result<(), String> {
        let mut rest = part;
        let mut wild_before = false;
        while let Some(c) = rest.chars().next() {
            let after = rest.get(c.len_utf8()..).unwrap_or("");
            let wild = matches!(c, '*' | '{');
            if wild && wild_before {
                return Err("has two wildcards or captures in a row; where one ends and the next \
                            begins could not be told"
                    .into());
            }
            wild_before = wild;
            rest = after;
            match c {
                '*' => self.tokens.push(Token::Run),
                '?' => self.tokens.push(Token::One),
                '}' => return Err("has a `}` without its `{`".into()),
                '{' => {
                    let (name, after) = rest.split_once('}').ok_or("has a `{` without its `}`")?;
                    rest = after;
                    self.capture(name)?;
                }
                c => self.push_literal(c.encode_utf8(&mut [0; 4])),
            }
        }
        Ok(())
    }

    fn capture(&mut self, inner: &str) -> Result<(), String> {
        let (date, name) = match inner.strip_prefix("date:") {
            Some(name) => (true, name),
            None => (false, inner),
        };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || !name.chars().all(plain) {
            return Err(format!(
                "has a capture {{{inner}}}; its name may have small letters, digits and `_`"
            ));
        }
        if self.captures.iter().any(|(known, _)| known == name) {
            return Err(format!("has the capture {{{name}}} twice"));
        }
        let slot = self.captures.len();
        self.captures.push((name.to_owned(), date));
        self.tokens.push(if date { Token::Date(slot) } else { Token::Text(slot) });
        Ok(())
    }

    fn push_literal(&mut self, text: &str) {
        match self.tokens.last_mut() {
            Some(Token::Literal(bytes)) => bytes.extend_from_slice(text.as_bytes()),
            _ => self.tokens.push(Token::Literal(text.as_bytes().to_vec())),
        }
    }

    /// Returns the captures: name, and whether it is a date.
    pub(crate) fn captures(&self) -> &[(String, bool)] {
        &self.captures
    }

    /// Returns the folders that every match lies in, as far as they are literal.
    pub(crate) fn literal_folder(&self) -> &[u8] {
        &self.literal
    }

    /// Matches a whole path.
    ///
    /// # Behavior
    ///
    /// - A wildcard or capture ends at the first place that lets the rest match.
    /// - Where a path gives a date in two ways, the later one counts.
    /// - A path that fits but for the date matches; its date is unreadable, and so reported.
    pub(crate) fn matches(&self, path: &[u8], scratch: &mut Scratch) -> Option<Captures> {
        let dated = self.captures.iter().any(|(_, date)| *date);
        if self.run(path, scratch, Style { greedy: false, loose: false, prefix: false }) {
            let mut captures = self.read(path, &scratch.spans);
            if dated && self.run(path, scratch, Style { greedy: true, loose: false, prefix: false })
            {
                let other = self.read(path, &scratch.spans);
                for (one, other) in captures.dates.iter_mut().zip(other.dates) {
                    *one = one.zip(other).map(|(a, b)| dates::later(a, b));
                }
            }
            return Some(captures);
        }
        let loose = Style { greedy: false, loose: true, prefix: false };
        (dated && self.run(path, scratch, loose)).then(|| self.read(path, &scratch.spans))
    }

    /// Tells whether a path below this folder might match.
    pub(crate) fn may_be_below(&self, folder: &[u8], scratch: &mut Scratch) -> bool {
        let mut text = folder.to_vec();
        if !text.is_empty() {
            text.push(b'/');
        }
        self.run(&text, scratch, Style { greedy: false, loose: true, prefix: true })
    }

    /// Tells whether every path below this folder matches.
    pub(crate) fn matches_all_below(&self, folder: &[u8], scratch: &mut Scratch) -> bool {
        let any = [folder, b"/any"].concat();
        self.tokens.last() == Some(&Token::Rest) && self.matches(&any, scratch).is_some()
    }

    fn read(&self, path: &[u8], spans: &[(usize, usize)]) -> Captures {
        let dates = self
            .captures
            .iter()
            .zip(spans)
            .map(|((_, date), (from, to))| date.then(|| dates::at(path, *from, *to)));
        Captures { dates: dates.collect(), texts: spans.to_vec() }
    }

    fn run(&self, text: &[u8], scratch: &mut Scratch, style: Style) -> bool {
        let cells = (self.tokens.len() + 1) * (text.len() + 1);
        scratch.failed.clear();
        scratch.failed.resize(cells.div_ceil(64), 0);
        scratch.spans.clear();
        scratch.spans.resize(self.captures.len(), (0, 0));
        let mut search = Search { tokens: &self.tokens, text, style, scratch };
        search.from(0, 0)
    }
}

/// Returns the whole names at the start that have no wildcard, without the last name.
fn literal_folders(tokens: &[Token]) -> Vec<u8> {
    let Some(Token::Literal(bytes)) = tokens.first() else { return Vec::new() };
    match bytes.iter().rposition(|b| *b == b'/') {
        Some(end) => bytes.get(..end).unwrap_or_default().to_vec(),
        None => Vec::new(),
    }
}

#[derive(Clone, Copy)]
struct Style {
    /// Runs take as much as they can, not as little.
    greedy: bool,
    /// A date may be any run.
    loose: bool,
    /// The end of the text is a match, whatever would follow.
    prefix: bool,
}

/// A search with a memory of what failed: each pair of token and place is tried once, so the work
/// is at most tokens times length, times the length of a run.
struct Search<'a> {
    tokens: &'a [Token],
    text: &'a [u8],
    style: Style,
    scratch: &'a mut Scratch,
}

impl Search<'_> {
    fn from(&mut self, token: usize, at: usize) -> bool {
        if self.style.prefix && at == self.text.len() {
            return true;
        }
        let Some(next) = self.tokens.get(token) else { return at == self.text.len() };
        let cell = token * (self.text.len() + 1) + at;
        let bit = 1u64 << (cell % 64);
        if self.scratch.failed.get(cell / 64).is_some_and(|word| word & bit != 0) {
            return false;
        }
        let found = self.step(next, token, at);
        if !found && let Some(word) = self.scratch.failed.get_mut(cell / 64) {
            *word |= bit;
        }
        found
    }

    fn step(&mut self, next: &Token, token: usize, at: usize) -> bool {
        let rest = self.text.get(at..).unwrap_or_default();
        let run = rest.iter().position(|b| *b == b'/').unwrap_or(rest.len());
        match next {
            Token::Literal(bytes) => {
                if rest.starts_with(bytes) {
                    self.from(token + 1, at + bytes.len())
                } else {
                    self.style.prefix && bytes.starts_with(rest)
                }
            }
            Token::One => run > 0 && self.from(token + 1, at + character(rest)),
            Token::Rest => !rest.is_empty() || self.style.prefix,
            Token::Run => self.lengths(0, run, token, at, None),
            Token::Text(slot) => self.lengths(1, run, token, at, Some(*slot)),
            Token::Date(slot) => self.date(run, token, at, *slot),
            Token::Folders => self.folders(rest, token, at),
        }
    }

    fn lengths(
        &mut self,
        least: usize,
        most: usize,
        token: usize,
        at: usize,
        slot: Option<usize>,
    ) -> bool {
        let count = (most + 1).saturating_sub(least);
        (0..count).any(|n| {
            let len = if self.style.greedy { most - n } else { least + n };
            self.from(token + 1, at + len) && self.note(slot, at, at + len)
        })
    }

    fn date(&mut self, run: usize, token: usize, at: usize, slot: usize) -> bool {
        let shaped = dates::shape_at(self.text, at);
        if let Some(len) = shaped
            && self.from(token + 1, at + len)
        {
            return self.note(Some(slot), at, at + len);
        }
        self.style.loose
            && (1..=run).any(|len| {
                Some(len) != shaped
                    && self.from(token + 1, at + len)
                    && self.note(Some(slot), at, at + len)
            })
    }

    fn folders(&mut self, rest: &[u8], token: usize, at: usize) -> bool {
        let slashes = rest.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(i, _)| at + i + 1);
        let mut starts: Vec<usize> = std::iter::once(at).chain(slashes).collect();
        if self.style.greedy {
            starts.reverse();
        }
        starts.into_iter().any(|start| self.from(token + 1, start))
    }

    /// Notes a capture on the way back from a match.
    fn note(&mut self, slot: Option<usize>, from: usize, to: usize) -> bool {
        if let Some(span) = slot.and_then(|slot| self.scratch.spans.get_mut(slot)) {
            *span = (from, to);
        }
        true
    }
}

/// Returns how many bytes the first character has; a byte that is not UTF-8 counts as one.
fn character(rest: &[u8]) -> usize {
    let head = rest.get(..4).unwrap_or(rest);
    match head.utf8_chunks().next() {
        Some(chunk) => chunk.valid().chars().next().map_or(1, char::len_utf8),
        None => 1,
    }
}

#[cfg(test)]
mod tests;
