//! Pairs codes of errors, their page, and how each one looks.

#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::fmt::Write;

use quietus::cli::render_error;
use quietus::error::{UserError, code};

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md");
    std::fs::read_to_string(path).unwrap()
}

/// Returns the sections of the page: code and first line.
fn sections(page: &str) -> Vec<(String, String)> {
    page.split("\n## ")
        .skip(1)
        .map(|section| {
            let (head, text) = section.split_once("\n\n").unwrap();
            (head.to_owned(), text.to_owned())
        })
        .collect()
}

#[test]
fn every_code_has_a_section_and_every_section_a_code_in_the_same_order() {
    let page = page();
    let described: Vec<String> = sections(&page).into_iter().map(|(code, _)| code).collect();
    let known: Vec<&str> = code::ALL.iter().map(|code| code.name).collect();
    assert_eq!(described, known);
}

#[test]
fn every_section_begins_with_the_exit_code() {
    for ((name, text), code) in sections(&page()).iter().zip(code::ALL) {
        let begins = format!("Exit {}. ", code.exit.number());
        assert!(text.starts_with(&begins), "{name}: {text}");
    }
}

#[test]
fn every_code_looks_like_its_snapshot() {
    let mut text = String::new();
    for code in code::ALL {
        let error = UserError::new(code, "what is wrong, and where").with_help("what to do");
        writeln!(text, "{}\n  exit {}\n", render_error(&error), code.exit.number()).unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_cause_and_a_place_are_shown() {
    let place = quietus_contract::Place { file: "systems.toml".into(), line: 7, column: 3 };
    let error = UserError::new(&code::TARGET_SETTINGS, "system shop: there is no table invoce")
        .with_place(place)
        .with_source(std::io::Error::other("no such table"))
        .with_help("did you mean \"invoice\"?");
    insta::assert_snapshot!(render_error(&error), @r#"
    error[target_settings]: system shop: there is no table invoce
      at systems.toml:7:3
      because: no such table
      help: did you mean "invoice"?
    "#);
}
