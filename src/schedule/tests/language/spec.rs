//! The specification says what the code does.

use std::collections::BTreeSet;

use quietus_schedule::{Severity, SourceFile, Sources, check, codes, print, schema};
use serde_json::Value;

use crate::common;

fn page() -> String {
    std::fs::read_to_string(common::schedules().join("../../docs/specs/schedule.md")).unwrap()
}

/// The code blocks of the page that begin with this line.
fn blocks<'p>(page: &'p str, fence: &str) -> Vec<&'p str> {
    let opened = format!("\n```{fence}\n");
    page.split(&opened).skip(1).filter_map(|rest| rest.split("```\n").next()).collect()
}

#[test]
fn the_example_has_no_defect_and_prints_as_it_says() {
    let page = page();
    let toml = blocks(&page, "toml");
    let file = |n: usize, name: &str| {
        assert!(toml[n].lines().nth(1).unwrap().ends_with(name), "block {n} is not {name}");
        SourceFile { name: name.to_owned(), text: toml[n].to_owned() }
    };
    let sources = Sources {
        schedule: file(0, "schedule.toml"),
        systems: file(1, "systems.toml"),
        holds: Some(file(2, "holds.toml")),
        registers: vec![file(3, "events/vacancies.toml")],
    };
    let checked = check(&sources, common::FORMS);
    assert_eq!(common::render(&sources, &checked.defects), "");
    let sentences = print::sentences(&checked.programme.unwrap());
    assert!(page.contains(&format!("```\n{sentences}```\n")), "the page has not:\n{sentences}");
}

#[test]
fn each_code_is_explained() {
    let page = page();
    for (code, meaning) in codes::ALL {
        let row = format!("| `{code}` | {meaning} |");
        assert!(page.contains(&row), "the page has not: {row}");
    }
    let rows =
        page.lines().filter(|line| line.starts_with("| `") && line.matches('|').count() == 3);
    assert_eq!(rows.filter(|line| !line.contains(".toml")).count(), codes::ALL.len());
}

fn keys(schema: &Value, out: &mut BTreeSet<String>) {
    let Some(rules) = schema.as_object() else { return };
    if let Some(known) = rules.get("properties").and_then(Value::as_object) {
        for (key, schema) in known {
            out.insert(key.clone());
            keys(schema, out);
        }
    }
    for word in ["additionalProperties", "items"] {
        rules.get(word).into_iter().for_each(|schema| keys(schema, out));
    }
    for schema in rules.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        keys(&schema["then"], out);
    }
}

#[test]
fn each_key_is_on_the_page() {
    let page = page();
    let mut all = BTreeSet::new();
    for schema in [schema::schedule(), schema::systems(&[]), schema::holds(), schema::register()] {
        keys(&schema, &mut all);
    }
    assert!(all.len() > 50, "only {} keys", all.len());
    let missing: Vec<_> = all
        .iter()
        .filter(|key| {
            let said = [
                format!("`{key}`"),
                format!("[{key}]"),
                format!("[{key}."),
                format!(".{key}]"),
                format!(".{key}."),
            ];
            !said.iter().any(|said| page.contains(said))
        })
        .collect();
    assert!(missing.is_empty(), "the page does not say {missing:?}");
}

#[test]
fn the_warnings_are_those_that_the_page_lists() {
    let page = page();
    let line = page.lines().find(|line| line.starts_with("Warnings do not stop")).unwrap();
    let folder = common::schedules().join("invalid");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Some(stem) = path.file_name().unwrap().to_str().unwrap().strip_suffix(".toml") else {
            continue;
        };
        for defect in check(&crate::invalid::replaced(&path), common::FORMS).defects {
            let listed = line.contains(&format!("`{}`", defect.code));
            assert_eq!(listed, defect.severity == Severity::Warning, "{stem}: {}", defect.code);
        }
    }
}
