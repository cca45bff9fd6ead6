//! What the pages must hold: adapters' pages, glossary, decisions, and links that lead somewhere.

use std::fs;
use std::path::Path;

use crate::none;
use crate::tree::{File, files, root};

/// Not targets: the agreement and its tests.
const NOT_TARGETS: &[&str] = &["contract", "conformance"];
const ADAPTER_FILES: &[&str] = &["lib", "config", "inventory", "dispose", "absence", "error"];
const ADAPTER_HEADINGS: &[&str] =
    &["## Configuration", "## Permissions", "## Guarantees", "## Residual copies", "## Limits"];

fn adapters() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(root().join("adapters"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !NOT_TARGETS.contains(&name.as_str()))
        .collect();
    names.sort();
    names
}

#[test]
fn every_adapter_has_the_same_file_names() {
    let mut missing = Vec::new();
    for name in adapters() {
        for file in ADAPTER_FILES {
            let path = format!("adapters/{name}/src/{file}.rs");
            let folder = format!("adapters/{name}/src/{file}");
            if !root().join(&path).exists() && !root().join(folder).is_dir() {
                missing.push(format!("{path} is missing"));
            }
        }
    }
    none(&missing);
}

fn headings_missing(name: &str, text: &str) -> Vec<String> {
    ADAPTER_HEADINGS
        .iter()
        .filter(|heading| !text.lines().any(|line| line == **heading))
        .map(|heading| format!("adapters/{name}/README.md: no \"{heading}\""))
        .collect()
}

#[test]
fn every_adapter_has_a_page_with_the_required_headings() {
    let mut missing = Vec::new();
    for name in adapters() {
        let page = root().join("adapters").join(&name).join("README.md");
        match fs::read_to_string(&page) {
            Ok(text) => missing.extend(headings_missing(&name, &text)),
            Err(e) => missing.push(format!("adapters/{name}/README.md: {e}")),
        }
    }
    none(&missing);
}

/// The glossary's entries are second-level bullets of the form `- **word**: meaning`.
fn words(glossary: &str) -> Vec<String> {
    glossary
        .lines()
        .filter_map(|line| line.strip_prefix("- **")?.split_once("**"))
        .map(|(word, _)| word.to_lowercase())
        .collect()
}

fn out_of_order(words: &[String]) -> Vec<String> {
    words
        .windows(2)
        .filter(|pair| pair[0] >= pair[1])
        .map(|pair| format!("{} stands before {}", pair[0], pair[1]))
        .collect()
}

#[test]
fn the_glossary_is_sorted_and_names_each_word_once() {
    let words = words(&fs::read_to_string(root().join("docs/glossary.md")).unwrap());
    assert!(words.len() > 30, "only {} words", words.len());
    none(&out_of_order(&words));
}

const DECISION_HEADINGS: &[&str] = &["## Context", "## Decision", "## Consequences"];

fn decision_offences(names: &[String], text: impl Fn(&str) -> String) -> Vec<String> {
    let mut offences = Vec::new();
    for (index, name) in names.iter().enumerate() {
        if !name.starts_with(&format!("{:04}-", index + 1)) {
            offences.push(format!("docs/decisions/{name}: expected number {:04}", index + 1));
        }
        let text = text(name);
        for heading in DECISION_HEADINGS {
            if !text.lines().any(|line| line == *heading) {
                offences.push(format!("docs/decisions/{name}: no \"{heading}\""));
            }
        }
    }
    offences
}

#[test]
fn decisions_are_numbered_without_a_gap() {
    let folder = root().join("docs/decisions");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert!(!names.is_empty());
    none(&decision_offences(&names, |name| fs::read_to_string(folder.join(name)).unwrap()));
}

/// Relative targets of `[text](target)` outside code blocks.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut code = false;
    for line in text.lines() {
        code ^= line.trim_start().starts_with("```");
        if code {
            continue;
        }
        for part in line.split("](").skip(1) {
            let target = part.split(')').next().unwrap_or_default();
            let target = target.split(['#', ' ']).next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                found.push(target.to_owned());
            }
        }
    }
    found
}

fn dead_links(pages: &[File], exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let mut dead = Vec::new();
    for page in pages {
        let folder = Path::new(&page.path).parent().unwrap_or(Path::new(""));
        for link in links(&page.text) {
            if !exists(&folder.join(&link)) {
                dead.push(format!("{}: {link} leads nowhere", page.path));
            }
        }
    }
    dead
}

#[test]
fn every_link_in_the_pages_leads_somewhere() {
    let root = root();
    none(&dead_links(&files(&[".md"]), |path| root.join(path).exists()));
}

/// A page that no other page links to is a page that nobody finds.
#[test]
fn every_page_in_docs_can_be_found_from_the_readme() {
    let pages = files(&[".md"]);
    let mut linked: Vec<String> = Vec::new();
    for page in &pages {
        let folder = Path::new(&page.path).parent().unwrap_or(Path::new(""));
        for link in links(&page.text) {
            linked.push(plain(&folder.join(link)));
        }
    }
    let lost: Vec<String> = pages
        .iter()
        .filter(|page| page.path.starts_with("docs/"))
        .filter(|page| !linked.iter().any(|to| *to == page.path || holds(to, &page.path)))
        .map(|page| format!("{} is linked from nowhere", page.path))
        .collect();
    none(&lost);
}

/// Words after `quietus` in code spans and code blocks: each must be a command.
fn commands_named(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in text.split("quietus ").skip(1) {
        let word: String = part.chars().take_while(|c| c.is_ascii_lowercase()).collect();
        found.push(word);
    }
    found.retain(|word| !word.is_empty());
    found
}

/// The commands of the table in the page on the command line.
fn commands_known(page: &str) -> Vec<String> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split(['`', ' ']).next()).map(str::to_owned).collect()
}

#[test]
fn every_command_that_the_readme_shows_exists() {
    let read = |name: &str| fs::read_to_string(root().join(name)).unwrap();
    let known = commands_known(&read("docs/specs/command-line.md"));
    assert!(known.len() > 10, "{known:?}");
    let readme = read("README.md");
    let shown: String = readme.split('`').skip(1).step_by(2).collect::<Vec<_>>().join("\n");
    let unknown: Vec<String> =
        commands_named(&shown).into_iter().filter(|word| !known.contains(word)).collect();
    none(&unknown);
}

/// Whether a link to a folder of records covers the page.
fn holds(link: &str, page: &str) -> bool {
    link.starts_with("docs/")
        && page.strip_prefix(link.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
}

/// The path with `.` and `..` worked out.
fn plain(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in path.to_string_lossy().split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other.to_owned()),
        }
    }
    parts.join("/")
}

#[test]
fn each_of_these_checks_catches_its_offence() {
    assert_eq!(headings_missing("a", "## Configuration\n").len(), ADAPTER_HEADINGS.len() - 1);
    let glossary = words("- **Beta**: b\n- **alpha**: a\n");
    assert_eq!(out_of_order(&glossary).len(), 1);
    let twice = words("- **alpha**: a\n- **alpha**: b\n");
    assert_eq!(out_of_order(&twice).len(), 1);
    let names = ["0002-later.md".to_owned()];
    assert_eq!(decision_offences(&names, |_| String::new()).len(), 1 + DECISION_HEADINGS.len());
    let page = File::new("docs/a.md", "see [b](b.md) and [web](https://example.org)");
    assert_eq!(dead_links(&[page], |_| false).len(), 1);
    assert_eq!(commands_named("quietus check; quietus --dir x"), ["check"]);
    assert_eq!(commands_known("| `plan [--as-of]` | x |\n| y |"), ["plan"]);
    assert_eq!(plain(Path::new("docs/formats/../a.md")), "docs/a.md");
}
