//! Reads `quietus.toml`: every defect in one pass, each with its place.

use std::ops::Range;

use indexmap::IndexMap;
use quietus_contract::Place;
use quietus_evidence::note::{KeyType, VerifierKey};
use quietus_schedule::{Defect, Severity, SourceFile};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Approver, Limits, Settings};

/// The largest settings file that is read.
const FILE_BYTES_MAX: usize = 1 << 20;
/// Below this likeness a suggestion confuses more than it helps.
const LIKENESS_MIN: f64 = 0.7;
/// A share is a percentage.
const PERCENT_MAX: u64 = 100;
/// More is a slip of the pen: the largest number that JSON readers agree on.
const NUMBER_MAX: u64 = (1 << 53) - 1;

const ROOT_KEYS: &[&str] = &["agent", "limits", "approver"];
const AGENT_KEYS: &[&str] = &["organisation", "unit", "contact", "name", "origin"];
const LIMIT_KEYS: &[&str] = &["records_max", "share_max_percent", "growth_max_times"];
const LIMITS_KEYS: &[&str] = &["records_max", "share_max_percent", "growth_max_times", "class"];
const APPROVER_KEYS: &[&str] = &["role", "name", "key", "classes"];

/// Reads the settings; they are usable when no defect is an error.
pub fn read(file: &SourceFile) -> (Settings, Vec<Defect>) {
    let mut reader = Reader { file, defects: Vec::new() };
    let settings = reader.whole();
    reader.defects.sort_by_key(|d| d.span.start);
    (settings, reader.defects)
}

/// Returns the classes that a schedule names, also where it has defects elsewhere.
pub fn class_names(schedule: &str) -> Vec<String> {
    let (root, _) = DeTable::parse_recoverable(schedule);
    match root.get_ref().get("class").map(Spanned::get_ref) {
        Some(DeValue::Table(classes)) => {
            classes.keys().map(|name| name.get_ref().clone().into_owned()).collect()
        }
        _ => Vec::new(),
    }
}

type Value<'i> = Spanned<DeValue<'i>>;

struct Reader<'f> {
    file: &'f SourceFile,
    defects: Vec<Defect>,
}

impl Reader<'_> {
    fn whole(&mut self) -> Settings {
        let file = self.file;
        let mut settings = Settings::default();
        if file.text.len() > FILE_BYTES_MAX {
            self.defect(0..0, "too-large", "the file is larger than any settings", "", None);
            return settings;
        }
        let (root, errors) = DeTable::parse_recoverable(&file.text);
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            self.defect(span, "syntax", first_line(error.message()), "here", None);
        }
        let root = root.get_ref();
        self.known_keys(root, ROOT_KEYS, "quietus.toml");
        if let Some(agent) = self.table(root, "agent") {
            self.agent(agent, &mut settings);
        }
        if let Some(limits) = self.table(root, "limits") {
            self.known_keys(limits, LIMITS_KEYS, "[limits]");
            settings.limits.general = self.limits(limits, Limits::default());
            settings.limits.by_class = self.class_limits(limits, settings.limits.general);
        }
        settings.approvers = self.approvers(root);
        settings
    }

    fn agent(&mut self, agent: &DeTable<'_>, settings: &mut Settings) {
        self.known_keys(agent, AGENT_KEYS, "[agent]");
        settings.organisation = self.text(agent, "organisation");
        settings.unit = self.text(agent, "unit");
        settings.contact = self.text(agent, "contact");
        settings.name = self.text(agent, "name");
        settings.origin = self.text(agent, "origin");
        let Some(origin) = &settings.origin else { return };
        if !is_origin(origin) {
            let span = agent.get("origin").map_or(0..0, Spanned::span);
            self.defect(
                span,
                "bad-name",
                "this cannot be the ledger's name",
                "spaces, plus signs and schemes are not allowed",
                Some("write a host name and a path, such as records.example.com/agent-1".into()),
            );
        }
    }

    fn class_limits(
        &mut self,
        limits: &DeTable<'_>,
        general: Limits,
    ) -> IndexMap<String, (Limits, Place)> {
        let mut by_class = IndexMap::new();
        let Some(classes) = self.table(limits, "class") else { return by_class };
        for (class, value) in classes {
            let place = self.place(class.span().start);
            let DeValue::Table(table) = value.get_ref() else {
                self.shape(value, "a table: [limits.class.FIN-010]");
                continue;
            };
            self.known_keys(table, LIMIT_KEYS, "[limits.class.NAME]");
            if table.is_empty() {
                self.defect(
                    class.span(),
                    "no-effect",
                    "this table changes nothing",
                    "no limit in it",
                    Some(format!("write one of {}, or remove the table", LIMIT_KEYS.join(", "))),
                );
            }
            let own = self.limits(table, general);
            by_class.insert(class.get_ref().clone().into_owned(), (own, place));
        }
        by_class
    }

    fn limits(&mut self, table: &DeTable<'_>, from: Limits) -> Limits {
        Limits {
            records_max: self
                .number(table, "records_max", 0..=NUMBER_MAX)
                .unwrap_or(from.records_max),
            share_max_percent: self
                .number(table, "share_max_percent", 0..=PERCENT_MAX)
                .unwrap_or(from.share_max_percent),
            growth_max_times: self
                .number(table, "growth_max_times", 1..=NUMBER_MAX)
                .unwrap_or(from.growth_max_times),
        }
    }

    fn approvers(&mut self, root: &DeTable<'_>) -> Vec<Approver> {
        let Some(value) = root.get("approver") else { return Vec::new() };
        let DeValue::Array(list) = value.get_ref() else {
            self.shape(value, "a list of tables: [[approver]]");
            return Vec::new();
        };
        let mut approvers: Vec<Approver> = Vec::new();
        for entry in list {
            let Some(approver) = self.approver(entry) else { continue };
            if approvers.iter().any(|a| a.key.key() == approver.key.key()) {
                self.defect(
                    entry.span(),
                    "repeated",
                    "two approvers have the same key",
                    "the second one",
                    Some("give each approver a key of their own, or list the classes once".into()),
                );
            }
            approvers.push(approver);
        }
        approvers
    }

    fn approver(&mut self, entry: &Value<'_>) -> Option<Approver> {
        let DeValue::Table(table) = entry.get_ref() else {
            self.shape(entry, "a table: [[approver]]");
            return None;
        };
        self.known_keys(table, APPROVER_KEYS, "[[approver]]");
        let role = self.required(table, entry, "role");
        let name = self.required(table, entry, "name");
        let key = self.required(table, entry, "key").and_then(|text| {
            let span = table.get("key").map_or(0..0, Spanned::span);
            self.key(&text, span)
        });
        let classes = self.texts(table, "classes");
        let place = self.place(entry.span().start);
        Some(Approver { role: role?, name: name?, key: key?, classes, place })
    }

    fn key(&mut self, text: &str, span: Range<usize>) -> Option<VerifierKey> {
        let why = match text.parse::<VerifierKey>() {
            Ok(key) if key.kind() == KeyType::Ed25519 => return Some(key),
            Ok(_) => "it is a witness's key, not an approver's".to_owned(),
            Err(error) => error.to_string(),
        };
        let help = "copy the one line of the approver's .pub file; `quietus key new` makes one";
        self.defect(span, "bad-key", "this is not a public key", &why, Some(help.into()));
        None
    }

    fn known_keys(&mut self, table: &DeTable<'_>, known: &[&str], of: &str) {
        for key in table.keys() {
            let word = key.get_ref();
            if known.contains(&word.as_ref()) {
                continue;
            }
            let near = known
                .iter()
                .map(|k| (strsim::normalized_damerau_levenshtein(word, k), k))
                .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
                .max_by(|(a, _), (b, _)| a.total_cmp(b));
            let help = match near {
                Some((_, near)) => format!("did you mean \"{near}\"?"),
                None => format!("{of} may have: {}", known.join(", ")),
            };
            let message = format!("{of} has no key \"{word}\"");
            self.defect(key.span(), "unknown-key", &message, "unknown key", Some(help));
        }
    }

    fn table<'t, 'i>(&mut self, table: &'t DeTable<'i>, key: &str) -> Option<&'t DeTable<'i>> {
        let value = table.get(key)?;
        match value.get_ref() {
            DeValue::Table(inner) => Some(inner),
            _ => {
                self.shape(value, &format!("a table: [{key}]"));
                None
            }
        }
    }

    fn required(&mut self, table: &DeTable<'_>, of: &Value<'_>, key: &str) -> Option<String> {
        if table.contains_key(key) {
            return self.text(table, key);
        }
        let message = format!("this approver has no {key}");
        let help = format!("add `{key} = \"...\"`");
        self.defect(of.span(), "missing-key", &message, "this table", Some(help));
        None
    }

    fn text(&mut self, table: &DeTable<'_>, key: &str) -> Option<String> {
        let value = table.get(key)?;
        self.text_of(value)
    }

    fn text_of(&mut self, value: &Value<'_>) -> Option<String> {
        match value.get_ref() {
            DeValue::String(text) if text.trim().is_empty() => {
                let help = "write something, or remove the key".to_owned();
                self.defect(value.span(), "blank", "this says nothing", "blank", Some(help));
                None
            }
            DeValue::String(text) if text.chars().any(char::is_control) => {
                let help = "write it on one line, without tabs".to_owned();
                self.defect(
                    value.span(),
                    "not-text",
                    "this has characters that nobody can read",
                    "control characters",
                    Some(help),
                );
                None
            }
            DeValue::String(text) => Some(text.trim().to_owned()),
            _ => {
                self.shape(value, "a text: \"...\"");
                None
            }
        }
    }

    fn texts(&mut self, table: &DeTable<'_>, key: &str) -> Vec<String> {
        let Some(value) = table.get(key) else { return Vec::new() };
        let DeValue::Array(list) = value.get_ref() else {
            self.shape(value, "a list of texts: [\"FIN-010\"]");
            return Vec::new();
        };
        if list.is_empty() {
            let help = "name what is meant, or remove the key".to_owned();
            self.defect(value.span(), "blank", "this list is empty", "blank", Some(help));
        }
        list.iter().filter_map(|v| self.text_of(v)).collect()
    }

    fn number(
        &mut self,
        table: &DeTable<'_>,
        key: &str,
        range: std::ops::RangeInclusive<u64>,
    ) -> Option<u64> {
        let value = table.get(key)?;
        let DeValue::Integer(number) = value.get_ref() else {
            self.shape(value, "a whole number, without quotes");
            return None;
        };
        match u64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) if range.contains(&number) => Some(number),
            _ => {
                let help = format!("write a number from {} to {}", range.start(), range.end());
                self.defect(
                    value.span(),
                    "out-of-range",
                    &format!("{key} cannot be this number"),
                    "out of range",
                    Some(help),
                );
                None
            }
        }
    }

    fn shape(&mut self, value: &Value<'_>, wanted: &str) {
        let found = match value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let message = format!("this must be {wanted}");
        self.defect(value.span(), "wrong-shape", &message, &format!("this is {found}"), None);
    }

    fn defect(
        &mut self,
        span: Range<usize>,
        code: &'static str,
        message: &str,
        label: &str,
        help: Option<String>,
    ) {
        self.defects.push(Defect {
            severity: Severity::Error,
            code,
            place: self.place(span.start),
            word: self.file.text.get(span.clone()).unwrap_or_default().to_owned(),
            span,
            message: message.to_owned(),
            label: label.to_owned(),
            help,
            is_secret: false,
        });
    }

    fn place(&self, offset: usize) -> Place {
        let before = self.file.text.get(..offset).unwrap_or_default();
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Place {
            file: self.file.name.clone(),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }
}

/// Says whether a text can be a ledger's name: a schema-less URL, as C2SP asks for.
pub(crate) fn is_origin(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 200
        && !text.contains("://")
        && !text.starts_with('/')
        && !text.ends_with('/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._~/:@".contains(c))
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("this is not TOML")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SecretKey;

    fn file(text: &str) -> SourceFile {
        SourceFile { name: "quietus.toml".into(), text: text.into() }
    }

    fn defects(text: &str) -> Vec<(String, &'static str)> {
        let (_, defects) = read(&file(text));
        defects.iter().map(|d| (format!("{}:{}", d.place.line, d.place.column), d.code)).collect()
    }

    fn key() -> String {
        SecretKey::generate("finance-manager").unwrap().verifier().to_string()
    }

    #[test]
    fn an_empty_file_has_the_defaults_and_no_defect() {
        let (settings, defects) = read(&file("# nothing\n"));
        assert!(defects.is_empty());
        assert_eq!(settings.limits.of("FIN-010"), Limits::default());
        let identity = settings.identity("Org", "srv-1");
        assert_eq!((&*identity.organisation, &*identity.name), ("Org", "srv-1"));
    }

    #[test]
    fn a_class_has_its_own_limits_and_the_general_ones_for_the_rest() {
        let (settings, defects) = read(&file(
            "[limits]\nshare_max_percent = 40\n[limits.class.FIN-010]\nrecords_max = 20_000\n",
        ));
        assert!(defects.is_empty(), "{defects:?}");
        let fin = settings.limits.of("FIN-010");
        assert_eq!((fin.records_max, fin.share_max_percent), (20_000, 40));
        assert_eq!(settings.limits.of("HR-010").records_max, 1000);
    }

    #[test]
    fn an_approver_is_found_by_key_and_approves_what_the_role_owns_and_what_is_listed() {
        let text = format!(
            "[[approver]]\nrole = \"Finance Manager\"\nname = \"J. Brown\"\nkey = \"{}\"\n\
             classes = [\"TAX-010\"]\n",
            key()
        );
        let (settings, defects) = read(&file(&text));
        assert!(defects.is_empty(), "{defects:?}");
        let approver = settings.approvers.first().unwrap();
        assert_eq!(settings.approver(&approver.key_id()).unwrap().name, "J. Brown");
        assert!(approver.may_approve("FIN-010", "Finance Manager"));
        assert!(approver.may_approve("TAX-010", "Payroll Manager"));
        assert!(!approver.may_approve("HR-010", "HR Manager"));
    }

    #[test]
    fn every_defect_is_reported_at_its_place_in_one_pass() {
        let text = "organisation = \"x\"\n[agent]\nunit = \"\"\ncontakt = \"x\"\n\
                    origin = \"https://x y\"\n[limits]\nrecords_max = -1\n\
                    share_max_percent = 101\ngrowth_max_times = \"3\"\n[limits.class.A]\n\
                    [[approver]]\nname = 3\nkey = \"x\"\nclasses = []\n";
        let found = defects(text);
        let expected = [
            ("1:1", "unknown-key"),
            ("3:8", "blank"),
            ("4:1", "unknown-key"),
            ("5:10", "bad-name"),
            ("7:15", "out-of-range"),
            ("8:21", "out-of-range"),
            ("9:20", "wrong-shape"),
            ("10:15", "no-effect"),
            ("11:1", "missing-key"),
            ("12:8", "wrong-shape"),
            ("13:7", "bad-key"),
            ("14:11", "blank"),
        ];
        let found: Vec<(&str, &str)> = found.iter().map(|(p, c)| (p.as_str(), *c)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_example_of_the_page_has_no_defect() {
        let page = include_str!("../../../../docs/specs/settings.md");
        let example = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
        let (settings, defects) = read(&file(example));
        assert!(defects.is_empty(), "{defects:?}");
        assert_eq!(settings.limits.of("FIN-010").records_max, 20_000);
        assert!(settings.approvers.first().unwrap().may_approve("TAX-010", "nobody"));
    }

    #[test]
    fn a_syntax_error_is_a_defect() {
        let found = defects("[agent\nname = \"a\"");
        assert!(found.iter().any(|(_, code)| *code == "syntax"), "{found:?}");
    }

    #[test]
    fn a_key_that_is_given_twice_is_a_defect() {
        let entry = format!("[[approver]]\nrole = \"a\"\nname = \"b\"\nkey = \"{}\"\n", key());
        assert_eq!(defects(&format!("{entry}{entry}")), [("5:1".into(), "repeated")]);
    }
}
