//! Which crate may depend on which, and what every crate must carry.

use std::fs;

use toml::{Table, Value};

use crate::none;
use crate::tree::{File, files, root};

/// Our crates, and which of our crates each may build on (not counting its tests).
const HOUSE: &[(&str, &[&str])] = &[
    ("quietus-contract", &[]),
    ("quietus-evidence", &[]),
    ("quietus-schedule", &["quietus-contract"]),
    ("quietus-memory", &["quietus-contract"]),
    ("quietus-filesystem", &["quietus-contract"]),
    ("quietus-sqlite", &["quietus-contract"]),
    ("quietus-conformance", &["quietus-contract", "quietus-memory"]),
];

/// Crates with one home, and the reason why a second would be a mistake.
const HOMES: &[(&str, &[&str], &str)] = &[
    ("walkdir", &["quietus-filesystem"], "only that adapter walks a tree"),
    ("ed25519-dalek", &["quietus-evidence", "quietus"], "one rule of what a valid signature is"),
    (
        "toml",
        &["quietus-schedule", "quietus-filesystem", "quietus"],
        "schedule, settings, sidecars",
    ),
    ("rusqlite", &["quietus-sqlite", "quietus"], "the adapter, and the journal"),
    ("rustix", &["quietus-filesystem", "quietus-sqlite", "quietus"], "system calls"),
    ("clap", &["quietus"], "only the agent has a command line"),
    ("aws-sdk-s3", &["quietus-s3"], "one client of object storage"),
    ("google-drive3", &["quietus-google-drive"], "one client of the drive"),
    ("tokio-postgres", &["quietus-postgres"], "one client of PostgreSQL"),
    ("tokio-cron-scheduler", &["quietus"], "only the daemon keeps a schedule"),
];

/// Crates that may look at everything because they ship nothing.
const LOOKERS: &[&str] = &["quietus-tests"];

struct Crate {
    path: String,
    name: String,
    manifest: Table,
}

impl Crate {
    fn parse(file: &File) -> Option<Self> {
        let manifest: Table = file.text.parse().unwrap_or_else(|e| panic!("{}: {e}", file.path));
        let name = manifest.get("package")?.get("name")?.as_str()?.to_owned();
        Some(Self { path: file.path.clone(), name, manifest })
    }

    fn dependencies(&self) -> Vec<&str> {
        let table = self.manifest.get("dependencies").and_then(Value::as_table);
        table.map(|t| t.keys().map(String::as_str).collect()).unwrap_or_default()
    }
}

fn crates(manifests: &[File]) -> Vec<Crate> {
    manifests.iter().filter_map(Crate::parse).collect()
}

fn manifests() -> Vec<File> {
    files(&["Cargo.toml"])
}

fn against_the_stream(crates: &[Crate]) -> Vec<String> {
    let mut offences = Vec::new();
    for one in crates {
        let Some((_, allowed)) = HOUSE.iter().find(|(name, _)| *name == one.name) else {
            continue;
        };
        for dependency in one.dependencies() {
            if dependency.starts_with("quietus") && !allowed.contains(&dependency) {
                offences.push(format!("{}: may not build on {dependency}", one.path));
            }
        }
    }
    offences
}

#[test]
fn crates_depend_downwards_only() {
    none(&against_the_stream(&crates(&manifests())));
}

#[test]
fn every_crate_has_its_place_in_the_house() {
    let known = |name: &str| {
        name == "quietus" || LOOKERS.contains(&name) || HOUSE.iter().any(|(n, _)| *n == name)
    };
    let strangers: Vec<String> = crates(&manifests())
        .iter()
        .filter(|one| !known(&one.name))
        .map(|one| format!("{}: say in tests/tidy/crates.rs what it may build on", one.path))
        .collect();
    none(&strangers);
}

fn away_from_home(crates: &[Crate]) -> Vec<String> {
    let mut offences = Vec::new();
    for one in crates.iter().filter(|one| !LOOKERS.contains(&one.name.as_str())) {
        for dependency in one.dependencies() {
            let home = HOMES.iter().find(|(name, _, _)| *name == dependency);
            if let Some((_, homes, reason)) = home
                && !homes.contains(&one.name.as_str())
            {
                offences.push(format!("{}: {dependency} lives elsewhere: {reason}", one.path));
            }
        }
    }
    offences
}

#[test]
fn each_named_crate_has_one_home() {
    none(&away_from_home(&crates(&manifests())));
}

const PURE: &[&str] = &["quietus-contract", "quietus-schedule", "quietus-evidence"];
const OUTSIDE: &[&str] = &["tokio", "rusqlite", "rustix", "getrandom", "walkdir", "tempfile"];

#[test]
fn pure_crates_know_no_runtime_network_or_disk() {
    let mut offences = Vec::new();
    for one in crates(&manifests()).iter().filter(|one| PURE.contains(&one.name.as_str())) {
        for dependency in one.dependencies() {
            if OUTSIDE.contains(&dependency) {
                offences.push(format!("{}: {dependency} in a pure crate", one.path));
            }
        }
    }
    none(&offences);
}

/// Dependencies are pinned once, at the top; every crate takes the workspace's lints.
fn loose(crates: &[Crate]) -> Vec<String> {
    let mut offences = Vec::new();
    for one in crates {
        let lints = one.manifest.get("lints").and_then(|l| l.get("workspace"));
        if lints.and_then(Value::as_bool) != Some(true) {
            offences.push(format!("{}: [lints] workspace = true is missing", one.path));
        }
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(table) = one.manifest.get(section).and_then(Value::as_table) else { continue };
            for (name, value) in table {
                if value.get("workspace").and_then(Value::as_bool) != Some(true) {
                    offences.push(format!("{}: {name} has its own version", one.path));
                }
            }
        }
    }
    offences
}

#[test]
fn versions_and_lints_come_from_the_workspace() {
    none(&loose(&crates(&manifests())));
}

#[test]
fn unsafe_code_is_forbidden() {
    let text = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let top: Table = text.parse().unwrap();
    assert_eq!(top["workspace"]["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
    let weak = ["batch", "legacy_compatibility"];
    let dalek = top["workspace"]["dependencies"]["ed25519-dalek"]["features"].as_array().unwrap();
    assert!(!dalek.iter().any(|f| weak.contains(&f.as_str().unwrap_or_default())));
}

fn bans_without_reason(text: &str) -> Vec<String> {
    let lints: Table = text.parse().unwrap_or_else(|e| panic!(".clippy.toml: {e}"));
    let mut offences = Vec::new();
    for section in ["disallowed-methods", "disallowed-types", "disallowed-macros"] {
        for ban in lints.get(section).and_then(Value::as_array).into_iter().flatten() {
            let reason = ban.get("reason").and_then(Value::as_str).unwrap_or_default();
            if reason.len() < 10 {
                offences.push(format!("{section}: {ban} has no reason"));
            }
        }
    }
    offences
}

#[test]
fn every_ban_has_a_reason() {
    let text = fs::read_to_string(root().join(".clippy.toml")).unwrap();
    assert!(text.contains("disallowed-methods"));
    none(&bans_without_reason(&text));
}

#[test]
fn each_of_these_checks_catches_its_offence() {
    let bad = |name: &str, rest: &str| {
        let text = format!("[package]\nname = \"{name}\"\n{rest}\n");
        crates(&[File::new("x/Cargo.toml", &text)])
    };
    let up = bad("quietus-contract", "[dependencies]\nquietus-schedule.workspace = true");
    assert_eq!(against_the_stream(&up).len(), 1);
    let astray = bad("quietus-sqlite", "[dependencies]\nwalkdir.workspace = true");
    assert_eq!(away_from_home(&astray).len(), 1);
    let own = bad("quietus-sqlite", "[dependencies]\nserde = \"1\"\n[lints]\nworkspace = true");
    assert_eq!(loose(&own).len(), 1);
    assert_eq!(loose(&bad("quietus-sqlite", "")).len(), 1);
    assert_eq!(bans_without_reason("disallowed-methods = [{ path = \"a::b\" }]").len(), 1);
}
