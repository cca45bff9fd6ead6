//! What `deny.toml` says of dependencies, checked also where `cargo deny` is not installed.

use std::fs;
use std::process::Command;

use serde_json::Value as Json;
use toml::{Table, Value};

use crate::none;
use crate::tree::root;

fn read(name: &str) -> Table {
    fs::read_to_string(root().join(name)).unwrap().parse().unwrap()
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

/// Whether a licence expression can be met: `OR` (or `/`) needs one side, `AND` both.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let expression = expression.replace('/', " OR ");
    let spaced = expression.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let met = either(&words, &mut at, allowed);
    met && at == words.len()
}

fn either(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let mut met = both(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= both(words, at, allowed);
    }
    met
}

fn both(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let mut met = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= one(words, at, allowed);
    }
    met
}

fn one(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let met = either(words, at, allowed);
        *at += 1;
        return met;
    }
    let mut name = (*word).to_owned();
    if words.get(*at) == Some(&"WITH") {
        name = format!("{name} WITH {}", words.get(*at + 1).unwrap_or(&""));
        *at += 2;
    }
    allowed.contains(&name)
}

#[test]
fn every_dependency_has_a_licence_that_may_be_passed_on() {
    let allowed = texts(read("deny.toml")["licenses"].get("allow"));
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--offline"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Json = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 50, "only {} packages", packages.len());
    let strange: Vec<String> = packages
        .iter()
        .filter(|package| !package["source"].is_null())
        .filter(|package| !is_allowed(package["license"].as_str().unwrap_or("none"), &allowed))
        .map(|package| format!("{}: {}", package["name"], package["license"]))
        .collect();
    none(&strange);
}

fn lock_offences(lock: &Table, banned: &[String]) -> Vec<String> {
    let mut offences = Vec::new();
    for package in lock["package"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        if banned.iter().any(|one| one == name) {
            offences.push(format!("{name} is banned in deny.toml"));
        }
        let source = package.get("source").and_then(Value::as_str);
        let registry = "registry+https://github.com/rust-lang/crates.io-index";
        if source.is_some_and(|source| source != registry) {
            offences.push(format!("{name} comes from {source:?}"));
        }
        if source.is_some() && package.get("checksum").is_none() {
            offences.push(format!("{name} has no checksum"));
        }
    }
    offences
}

#[test]
fn nothing_banned_or_from_elsewhere_is_in_the_lock_file() {
    let deny = read("deny.toml");
    let bans = deny["bans"]["deny"].as_array().unwrap();
    let banned: Vec<String> =
        bans.iter().map(|ban| ban["crate"].as_str().unwrap().to_owned()).collect();
    assert!(bans.iter().all(|ban| ban["reason"].as_str().unwrap().len() > 10));
    none(&lock_offences(&read("Cargo.lock"), &banned));
}

#[test]
fn each_of_these_checks_catches_its_offence() {
    let allowed = ["MIT".to_owned(), "Apache-2.0 WITH LLVM-exception".to_owned()];
    for good in ["MIT", "GPL-3.0 OR MIT", "GPL-3.0/MIT", "(MIT OR X) AND MIT"] {
        assert!(is_allowed(good, &allowed), "{good}");
    }
    assert!(is_allowed("Apache-2.0 WITH LLVM-exception OR X", &allowed));
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "Apache-2.0", "(MIT OR X) AND Y", ""] {
        assert!(!is_allowed(bad, &allowed), "{bad}");
    }
    let lock = "[[package]]\nname = \"openssl\"\nsource = \"git+https://x.example\"\n";
    assert_eq!(lock_offences(&lock.parse().unwrap(), &["openssl".to_owned()]).len(), 3);
}
