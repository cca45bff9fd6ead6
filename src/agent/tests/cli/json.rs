//! Answers for programs.

use serde_json::Value;

use super::bench::Bench;

/// Members whose own members are named by data: holds, reasons, triggers.
const NAMED_BY_DATA: [&str; 3] = ["held_by", "kept", "dates"];

fn badly_named(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
                if !name.chars().all(good) {
                    found.push(name.clone());
                }
                if !NAMED_BY_DATA.contains(&name.as_str()) {
                    badly_named(inner, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| badly_named(item, found)),
        _ => {}
    }
}

#[test]
fn every_command_answers_with_one_object_of_snake_case_members() {
    let bench = Bench::shop();
    let key = bench.text("keys/finance.key");
    let commands: &[&[&str]] = &[
        &["init"],
        &["check"],
        &["schedule", "print"],
        &["probe"],
        &["inventory"],
        &["plan", "--as-of", "2025-01-01", "--records"],
        &["explain", "shop", "1"],
        &["approve", "--key", &key],
        &["reject", "--key", &key, "--reason", "later"],
        &[
            "hold",
            "add",
            "--matter",
            "m",
            "--reason",
            "audit",
            "--ordered-by",
            "CFO",
            "--subject",
            "customer:1",
        ],
        &["hold", "list"],
        &["hold", "list", "--all"],
        &["run", "--as-of", "2025-01-01"],
        &["status"],
        &["verify", "."],
        &["evidence", "export", "bundle.tar"],
        &["evidence", "disclose", "shop", "1", "one.json"],
        &["key"],
        &["key", "policy"],
        &["key", "new", "another"],
        &["no-such-system"],
        &["probe", "no-such-system"],
    ];
    for command in commands {
        let said = bench.run(&[*command, &["--output", "json"]].concat());
        if *command == ["no-such-system"] {
            assert_eq!((said.exit, said.out.as_str()), (2, ""));
            continue;
        }
        let answer = said.json();
        assert!(answer.is_object(), "{command:?}");
        let mut found = Vec::new();
        badly_named(&answer, &mut found);
        assert_eq!(found, [""; 0], "{command:?}");
        assert_eq!(
            answer["error"].is_object(),
            matches!(said.exit, 1..=3),
            "{command:?}: {answer}"
        );
    }
}

#[test]
fn counts_of_a_run_add_up() {
    let bench = Bench::shop();
    let answer = bench.run(&["run", "--as-of", "2025-01-01", "--output", "json"]).json();
    for line in answer["counts"].as_array().unwrap() {
        let sum = |names: &[&str]| -> u64 { names.iter().map(|n| line[n].as_u64().unwrap()).sum() };
        let matched = ["due", "not_due", "awaiting_event", "implausible_date", "cannot_evaluate"];
        assert_eq!(sum(&["matched"]), sum(&matched), "{line}");
        let due = [
            "disposed",
            "already_absent",
            "changed",
            "held",
            "refused",
            "failed",
            "indeterminate",
            "awaiting_approval",
            "awaiting_review",
            "planned",
        ];
        assert_eq!(sum(&["due"]), sum(&due), "{line}");
    }
}

#[test]
fn every_command_is_on_the_page_of_the_command_line() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/specs/command-line.md");
    let page = std::fs::read_to_string(page).unwrap();
    let help = Bench::empty().run(&["--help"]).out;
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    for line in commands.lines() {
        let command = line.split_whitespace().next().unwrap();
        assert!(command == "help" || page.contains(&format!("`{command}")), "{command}");
    }
}
