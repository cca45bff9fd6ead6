//! What a source file may hold: length, words, and for the pure crates what they may touch.

use crate::none;
use crate::tree::{File, files};

const SOFT_LINES: usize = 400;
const HARD_LINES: usize = 800;

fn too_long(files: &[File]) -> Vec<String> {
    files
        .iter()
        .map(|file| (file, file.text.lines().count()))
        .filter(|(_, lines)| *lines > HARD_LINES)
        .map(|(file, lines)| format!("{}: {lines} lines, the limit is {HARD_LINES}", file.path))
        .collect()
}

#[test]
fn no_source_file_passes_the_hard_limit() {
    none(&too_long(&files(&[".rs", ".py", ".sh"])));
}

/// The soft limit is a habit, so it may be broken with cause, but not by more than one in ten.
#[test]
fn few_source_files_pass_the_soft_limit() {
    let sources = files(&[".rs"]);
    let long: Vec<String> = sources
        .iter()
        .map(|file| (file, file.text.lines().count()))
        .filter(|(_, lines)| *lines > SOFT_LINES)
        .map(|(file, lines)| format!("{}: {lines} lines", file.path))
        .collect();
    if long.len() * 10 > sources.len() {
        none(&long);
    }
}

/// Spelled in two parts, so that this file does not offend.
const UNFINISHED: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];

fn unfinished(files: &[File]) -> Vec<String> {
    found(files, |line| {
        let mut words = line.split(|c: char| !c.is_ascii_alphanumeric());
        words.find_map(|word| UNFINISHED.iter().copied().find(|bad| *bad == word))
    })
}

#[test]
fn nothing_is_left_for_later() {
    none(&unfinished(&files(&[".rs", ".py", ".sh", ".md", ".toml"])));
}

/// NIST words and their like: overwriting or deleting a record is none of these.
const OVERCLAIMS: &[&str] =
    &["sanitised", "sanitized", "sanitise", "sanitize", "purged", "unrecoverable", "irrecoverable"];

fn overclaims(files: &[File]) -> Vec<String> {
    found(files, |line| {
        let line = line.to_lowercase();
        let denies = line.contains("never") || line.contains("not ") || line.contains("no ");
        OVERCLAIMS.iter().copied().find(|word| line.contains(word) && !denies)
    })
}

#[test]
fn adapters_claim_no_more_than_they_do() {
    let adapters: Vec<File> = files(&[".rs", ".md"])
        .into_iter()
        .filter(|file| file.path.starts_with("adapters/"))
        .collect();
    none(&overclaims(&adapters));
}

/// The pure crates: what they are given is all they know.
const PURE: &[&str] = &["adapters/contract/src/", "src/schedule/src/", "src/evidence/src/"];

const IMPURE: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "TimeZone::system",
    "getrandom",
    "tokio",
];

fn impure(files: &[File]) -> Vec<String> {
    let pure: Vec<&File> =
        files.iter().filter(|file| PURE.iter().any(|home| file.path.starts_with(home))).collect();
    let mut offences = Vec::new();
    for file in pure {
        for (number, line) in code_lines(&file.text) {
            if let Some(word) = IMPURE.iter().find(|word| line.contains(**word)) {
                offences.push(format!("{}:{number}: {word} in a pure crate", file.path));
            }
        }
    }
    offences
}

#[test]
fn contract_schedule_and_evidence_touch_nothing_outside() {
    none(&impure(&files(&[".rs"])));
}

/// The lines before the tests of a file, without comments.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .take_while(|line| line.trim() != "#[cfg(test)]")
        .enumerate()
        .map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default()))
}

fn found(files: &[File], offence: impl Fn(&str) -> Option<&'static str>) -> Vec<String> {
    let mut offences = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(word) = offence(line) {
                offences.push(format!("{}:{}: {word}", file.path, index + 1));
            }
        }
    }
    offences
}

#[test]
fn each_of_these_checks_catches_its_offence() {
    let long = "// line\n".repeat(HARD_LINES + 1);
    assert_eq!(too_long(&[File::new("src/a.rs", &long)]).len(), 1);
    assert_eq!(too_long(&[File::new("src/a.rs", &long[8..])]).len(), 0);

    let later = format!("let x = 1; // {} think", UNFINISHED[0]);
    assert_eq!(unfinished(&[File::new("src/a.rs", &later)]).len(), 1);
    assert_eq!(unfinished(&[File::new("src/a.rs", "let todos = 1;")]).len(), 0);

    assert_eq!(overclaims(&[File::new("adapters/a/README.md", "It is Sanitised.")]).len(), 1);
    assert_eq!(overclaims(&[File::new("adapters/a/README.md", "Never \"sanitised\".")]).len(), 0);

    assert_eq!(impure(&[File::new("src/schedule/src/a.rs", "use std::fs;")]).len(), 1);
    assert_eq!(impure(&[File::new("src/schedule/src/a.rs", "// not std::fs")]).len(), 0);
    assert_eq!(impure(&[File::new("src/agent/src/a.rs", "use std::fs;")]).len(), 0);
}
