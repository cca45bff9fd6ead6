//! The files of the workspace, and what may stand at its top.

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use crate::none;

/// A file of the workspace with its text; `path` is relative to the root, with slashes.
pub struct File {
    pub path: String,
    pub text: String,
}

impl File {
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent").to_owned()
}

/// Every text file whose name ends in one of `ends`; build output and hidden tools are left out.
pub fn files(ends: &[&str]) -> Vec<File> {
    let root = root();
    let mut found = Vec::new();
    for entry in WalkDir::new(&root).sort_by_file_name().into_iter().filter_entry(ours) {
        let entry = entry.expect("the workspace can be read");
        let name = entry.file_name().to_string_lossy();
        if !entry.file_type().is_file() || !ends.iter().any(|end| name.ends_with(end)) {
            continue;
        }
        let path = entry.path().strip_prefix(&root).expect("below the root");
        let text = fs::read_to_string(entry.path()).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        found.push(File { path: path.to_string_lossy().replace('\\', "/"), text });
    }
    assert!(!found.is_empty(), "no file ends in {ends:?}: the walk is broken");
    found
}

fn ours(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    !(entry.depth() > 0 && (name == ".git" || name == "target" || name == "__pycache__"))
}

const TOP: &[&str] = &[
    ".cargo",
    ".ci",
    ".clippy.toml",
    ".git",
    ".gitattributes",
    ".gitignore",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "adapters",
    "deny.toml",
    "deploy",
    "docs",
    "policies",
    "rustfmt.toml",
    "src",
    "target",
    "tests",
];

#[test]
fn nothing_strange_stands_at_the_top() {
    let strange: Vec<String> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !TOP.contains(&name.as_str()))
        .collect();
    none(&strange);
}

#[test]
fn what_the_house_promises_is_there() {
    let missing: Vec<String> = TOP
        .iter()
        .filter(|name| !matches!(**name, ".git" | "target" | ".cargo" | "policies"))
        .filter(|name| !root().join(name).exists())
        .map(|name| format!("{name} is missing"))
        .collect();
    none(&missing);
}
