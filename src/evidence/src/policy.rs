//! The auditor's policy file (<https://c2sp.org/tlog-policy>): which ledgers and witnesses count.

use std::collections::{HashMap, HashSet};

use crate::note::{KeyType, VerifierKey, VerifierKeyError};

/// The longest policy file.
pub const POLICY_BYTES_MAX: usize = 65_536;
const LINES_MAX: usize = 256;

/// Whom an auditor trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustPolicy {
    logs: Vec<VerifierKey>,
    witnesses: Vec<VerifierKey>,
    groups: Vec<Group>,
    quorum: Option<Member>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    threshold: usize,
    members: Vec<Member>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

/// A policy file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct PolicyError {
    /// The line, from 1; 0 for the whole file.
    pub line: usize,
    /// What is wrong.
    pub what: PolicyDefect,
}

/// What is wrong with a policy file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyDefect {
    /// Too long, or too many lines of one kind.
    #[error("the policy is too long")]
    Long,
    /// Control characters.
    #[error("it has control characters")]
    Characters,
    /// Not one of the four lines.
    #[error("it is not `log KEY`, `witness NAME KEY`, `group NAME N MEMBER...` or `quorum NAME`")]
    Line,
    /// A key that cannot be used.
    #[error("{0}")]
    Key(#[from] VerifierKeyError),
    /// A witness's key as a log's, or the other way round.
    #[error("the key is of the wrong type for this line")]
    KeyType,
    /// A key or the name of a log that is there already.
    #[error("this key, or a log of this name, is there already")]
    Doubled,
    /// A name that is taken or is `none`.
    #[error("the name {0:?} is taken")]
    Taken(String),
    /// A name that is not defined above.
    #[error("the name {0:?} is not defined above")]
    Undefined(String),
    /// A member that is in a group already.
    #[error("{0:?} is a member of a group already")]
    Member(String),
    /// A threshold that is not from 1 to the number of members.
    #[error("the threshold is not `any`, `all` or from 1 to the number of members")]
    Threshold,
    /// No quorum line, or a second one.
    #[error("there is not exactly one quorum line")]
    Quorum,
}

#[derive(Default)]
struct Parser<'a> {
    logs: Vec<VerifierKey>,
    witnesses: Vec<VerifierKey>,
    groups: Vec<Group>,
    names: HashMap<&'a [u8], Member>,
    used: HashSet<&'a [u8]>,
    quorum: Option<Option<Member>>,
}

impl TrustPolicy {
    /// Reads a policy file.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        let whole = |what| PolicyError { line: 0, what };
        if bytes.len() > POLICY_BYTES_MAX {
            return Err(whole(PolicyDefect::Long));
        }
        let mut parser = Parser::default();
        for (line, text) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            parser.line(text).map_err(|what| PolicyError { line, what })?;
        }
        let quorum = parser.quorum.ok_or_else(|| whole(PolicyDefect::Quorum))?;
        let Parser { logs, witnesses, groups, .. } = parser;
        Ok(Self { logs, witnesses, groups, quorum })
    }

    /// Makes a policy that trusts one ledger and asks for no witness.
    pub fn of_log(key: VerifierKey) -> Self {
        Self { logs: vec![key], witnesses: vec![], groups: vec![], quorum: None }
    }

    /// Finds the key of a ledger by its origin.
    pub fn log(&self, origin: &str) -> Option<&VerifierKey> {
        self.logs.iter().find(|log| log.name() == origin)
    }

    /// Returns the witnesses' keys.
    pub fn witnesses(&self) -> &[VerifierKey] {
        &self.witnesses
    }

    /// Tells whether cosignatures are asked for at all.
    pub fn has_quorum(&self) -> bool {
        self.quorum.is_some()
    }

    /// Tells whether the quorum is met when these witnesses, in the order of
    /// [`TrustPolicy::witnesses`], have signed.
    ///
    /// # Behavior
    ///
    /// - `quorum none` is never met: nobody looked.
    pub fn is_witnessed(&self, signed: &[bool]) -> bool {
        // Groups name only groups above them, so one pass in order settles all.
        let mut met = Vec::with_capacity(self.groups.len());
        let holds = |member: &Member, met: &[bool]| match *member {
            Member::Witness(at) => signed.get(at).copied().unwrap_or(false),
            Member::Group(at) => met.get(at).copied().unwrap_or(false),
        };
        for group in &self.groups {
            let count = group.members.iter().filter(|member| holds(member, &met)).count();
            met.push(count >= group.threshold);
        }
        self.quorum.is_some_and(|member| holds(&member, &met))
    }
}

impl<'a> Parser<'a> {
    fn line(&mut self, text: &'a [u8]) -> Result<(), PolicyDefect> {
        if text.iter().any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f) {
            return Err(PolicyDefect::Characters);
        }
        let spaces = |byte: &u8| *byte == b' ' || *byte == b'\t';
        let items: Vec<&[u8]> = text.split(spaces).filter(|item| !item.is_empty()).collect();
        match items.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", key] | [b"log", key, _] => self.log(key),
            [b"witness", name, key] | [b"witness", name, key, _] => self.witness(name, key),
            [b"group", name, threshold, members @ ..] if !members.is_empty() => {
                self.group(name, threshold, members)
            }
            [b"quorum", name] => self.quorum(name),
            _ => Err(PolicyDefect::Line),
        }
    }

    fn log(&mut self, key: &[u8]) -> Result<(), PolicyDefect> {
        let key = vkey(key, KeyType::Ed25519)?;
        let same = |other: &VerifierKey| other.key() == key.key() || other.name() == key.name();
        if self.logs.iter().any(same) {
            return Err(PolicyDefect::Doubled);
        }
        push(&mut self.logs, key)
    }

    fn witness(&mut self, name: &'a [u8], key: &[u8]) -> Result<(), PolicyDefect> {
        let key = vkey(key, KeyType::Cosignature)?;
        if self.witnesses.iter().any(|other| other.key() == key.key()) {
            return Err(PolicyDefect::Doubled);
        }
        self.define(name, Member::Witness(self.witnesses.len()))?;
        push(&mut self.witnesses, key)
    }

    fn group(
        &mut self,
        name: &'a [u8],
        threshold: &[u8],
        members: &[&'a [u8]],
    ) -> Result<(), PolicyDefect> {
        let mut found = Vec::with_capacity(members.len());
        for member in members {
            found.push(self.find(member)?);
            if !self.used.insert(*member) {
                return Err(PolicyDefect::Member(lossy(member)));
            }
        }
        let threshold = match threshold {
            b"any" => 1,
            b"all" => found.len(),
            digits => decimal(digits)
                .filter(|k| (1..=found.len()).contains(k))
                .ok_or(PolicyDefect::Threshold)?,
        };
        self.define(name, Member::Group(self.groups.len()))?;
        push(&mut self.groups, Group { threshold, members: found })
    }

    fn quorum(&mut self, name: &[u8]) -> Result<(), PolicyDefect> {
        if self.quorum.is_some() {
            return Err(PolicyDefect::Quorum);
        }
        self.quorum = Some(if name == b"none" { None } else { Some(self.find(name)?) });
        Ok(())
    }

    fn define(&mut self, name: &'a [u8], member: Member) -> Result<(), PolicyDefect> {
        if name == b"none" || self.names.insert(name, member).is_some() {
            return Err(PolicyDefect::Taken(lossy(name)));
        }
        Ok(())
    }

    fn find(&self, name: &[u8]) -> Result<Member, PolicyDefect> {
        self.names.get(name).copied().ok_or_else(|| PolicyDefect::Undefined(lossy(name)))
    }
}

fn push<T>(list: &mut Vec<T>, item: T) -> Result<(), PolicyDefect> {
    if list.len() == LINES_MAX {
        return Err(PolicyDefect::Long);
    }
    list.push(item);
    Ok(())
}

fn vkey(text: &[u8], kind: KeyType) -> Result<VerifierKey, PolicyDefect> {
    let text = std::str::from_utf8(text).map_err(|_| VerifierKeyError::Form)?;
    let key: VerifierKey = text.parse()?;
    if key.kind() == kind { Ok(key) } else { Err(PolicyDefect::KeyType) }
}

fn decimal(digits: &[u8]) -> Option<usize> {
    let good = digits.iter().all(u8::is_ascii_digit) && !digits.starts_with(b"0");
    std::str::from_utf8(digits).ok().filter(|_| good)?.parse().ok()
}

fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{FileKey, PublicKey, Signer as _};

    fn key(seed: u8, kind: KeyType) -> String {
        let public = PublicKey::from_bytes(&FileKey::from_seed(&[seed; 32]).public()).unwrap();
        VerifierKey::new(&format!("k{seed}.example"), kind, public).unwrap().to_string()
    }

    fn two_organisations() -> String {
        let mut text = format!("# trust\n\n  log {} https://x\n", key(1, KeyType::Ed25519));
        for seed in 2..=6 {
            text += &format!("witness\tw{seed} {}\n", key(seed, KeyType::Cosignature));
        }
        text + "group x 2 w2 w3 w4\ngroup y any w5 w6\ngroup both all x y\nquorum both"
    }

    #[test]
    fn a_quorum_counts_groups_and_not_keys() {
        let policy = TrustPolicy::parse(two_organisations().as_bytes()).unwrap();
        assert_eq!(policy.log("k1.example").unwrap().to_string(), key(1, KeyType::Ed25519));
        for (signed, met) in [
            ([true, true, false, true, false], true),
            ([true, true, true, false, false], false),
            ([true, false, false, true, true], false),
            ([false, true, true, false, true], true),
            ([false; 5], false),
        ] {
            assert_eq!(policy.is_witnessed(&signed), met, "{signed:?}");
        }
        assert!(!policy.is_witnessed(&[]));
    }

    #[test]
    fn no_quorum_is_never_met() {
        let policy = TrustPolicy::parse(b"quorum none\n").unwrap();
        assert!(!policy.has_quorum());
        assert!(!policy.is_witnessed(&[true]));
    }

    #[test]
    fn defects_are_named_with_their_line() {
        let (log, witness) = (key(1, KeyType::Ed25519), key(2, KeyType::Cosignature));
        let base = format!("log {log}\nwitness w {witness}\n");
        for (text, line, what) in [
            (base.clone(), 0, PolicyDefect::Quorum),
            (format!("{base}quorum w\nquorum w\n"), 4, PolicyDefect::Quorum),
            (format!("{base}log {log}\nquorum w\n"), 3, PolicyDefect::Doubled),
            (format!("{base}witness v {witness}\nquorum w\n"), 3, PolicyDefect::Doubled),
            (
                format!("{base}witness w {}\n", key(3, KeyType::Cosignature)),
                3,
                PolicyDefect::Taken("w".into()),
            ),
            (format!("{base}group none any w\n"), 3, PolicyDefect::Taken("none".into())),
            (format!("{base}group g any v\n"), 3, PolicyDefect::Undefined("v".into())),
            (format!("{base}group g any g\n"), 3, PolicyDefect::Undefined("g".into())),
            (format!("{base}group g any w w\n"), 3, PolicyDefect::Member("w".into())),
            (format!("{base}group g any w\ngroup h any w\n"), 4, PolicyDefect::Member("w".into())),
            (format!("{base}group g 2 w\n"), 3, PolicyDefect::Threshold),
            (format!("{base}group g 0 w\n"), 3, PolicyDefect::Threshold),
            (format!("{base}group g 01 w\n"), 3, PolicyDefect::Threshold),
            (format!("{base}group g any\n"), 3, PolicyDefect::Line),
            (format!("{base}quorum v\n"), 3, PolicyDefect::Undefined("v".into())),
            (format!("{base}trust me\n"), 3, PolicyDefect::Line),
            (format!("log {witness}\n"), 1, PolicyDefect::KeyType),
            (format!("witness w {log}\n"), 1, PolicyDefect::KeyType),
            (format!("log {log}\r\n"), 1, PolicyDefect::Characters),
            ("x".repeat(POLICY_BYTES_MAX + 1), 0, PolicyDefect::Long),
        ] {
            assert_eq!(TrustPolicy::parse(text.as_bytes()), Err(PolicyError { line, what }));
        }
    }

    #[test]
    fn a_weak_key_cannot_be_pinned() {
        let weak = [&[1_u8][..], &[1], &[0; 31]].concat();
        let id = Hash::of(&[b"evil\n", &weak[..]].concat());
        let text = format!(
            "log evil+{}+{}\nquorum none\n",
            crate::hash::hex(&id.0[..4]),
            crate::b64::encode(&weak)
        );
        let what = TrustPolicy::parse(text.as_bytes()).unwrap_err().what;
        assert_eq!(what, PolicyDefect::Key(VerifierKeyError::Key(crate::key::KeyError::Weak)));
    }

    use crate::hash::Hash;
}
