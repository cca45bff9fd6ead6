//! Files with one defect each, and a set with ten.

use std::collections::BTreeSet;
use std::path::PathBuf;

use quietus_schedule::{Checked, Severity, SourceFile, Sources, check, codes};

/// The small programme with one of its files replaced: the one that the name begins with.
pub fn replaced(path: &PathBuf) -> Sources {
    let mut sources = crate::common::programme(&crate::common::schedules().join("valid/small"));
    let stem = path.file_stem().unwrap().to_str().unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    let slot = match stem.split_once('-').unwrap().0 {
        "schedule" => &mut sources.schedule,
        "systems" => &mut sources.systems,
        "holds" => sources.holds.as_mut().unwrap(),
        "register" => &mut sources.registers[0],
        other => panic!("{other}: no such file"),
    };
    *slot = SourceFile { name: slot.name.clone(), text };
    sources
}

fn invalid() -> Vec<(String, Sources, Checked)> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(crate::common::schedules().join("invalid"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let sources = replaced(path);
            let checked = check(&sources, crate::common::FORMS);
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), sources, checked)
        })
        .collect()
}

#[test]
fn the_small_schedule_has_no_defect() {
    let sources = crate::common::programme(&crate::common::schedules().join("valid/small"));
    let checked = check(&sources, crate::common::FORMS);
    assert!(checked.programme.is_some());
    assert_eq!(crate::common::render(&sources, &checked.defects), "");
}

#[test]
fn each_invalid_file_has_one_defect() {
    let all = invalid();
    assert!(all.len() >= 40, "only {} files", all.len());
    let mut off = Vec::new();
    for (name, sources, checked) in &all {
        if checked.defects.len() != 1 {
            let text = crate::common::render(sources, &checked.defects);
            off.push(format!("{name} has {} defects:\n{text}", checked.defects.len()));
        }
        let broken = checked.defects.iter().any(|d| d.severity == Severity::Error);
        assert_eq!(checked.programme.is_none(), broken, "{name}");
    }
    assert!(off.is_empty(), "{}", off.join("\n"));
}

#[test]
fn each_invalid_file_is_reported_in_an_owners_words() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path("snapshots/invalid");
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (name, sources, checked) in invalid() {
            insta::assert_snapshot!(name, crate::common::render(&sources, &checked.defects));
        }
    });
}

#[test]
fn each_code_has_an_invalid_file() {
    let seen: BTreeSet<&str> =
        invalid().iter().flat_map(|(_, _, c)| &c.defects).map(|d| d.code).collect();
    let known: BTreeSet<&str> = codes::ALL.iter().map(|(code, _)| *code).collect();
    let mut missing: Vec<&str> = known.difference(&seen).copied().collect();
    // A file of 32 MiB is made in its own test.
    missing.retain(|code| *code != codes::TOO_LARGE);
    assert!(missing.is_empty(), "no file shows {missing:?}");
    assert!(seen.is_subset(&known), "a code is not listed: {seen:?}");
}

#[test]
fn a_file_larger_than_any_schedule_is_refused_unread() {
    let mut sources = crate::common::programme(&crate::common::schedules().join("valid/small"));
    sources.schedule.text = "#\n".repeat(17 * 1024 * 1024);
    let checked = check(&sources, crate::common::FORMS);
    assert!(checked.defects.iter().any(|d| d.code == codes::TOO_LARGE), "{:?}", checked.defects);
    assert!(checked.programme.is_none());
}

#[test]
fn ten_defects_in_four_files_are_reported_in_one_run() {
    let sources = crate::common::programme(&crate::common::schedules().join("invalid/ten_defects"));
    let checked = check(&sources, crate::common::FORMS);
    let rendered = crate::common::render(&sources, &checked.defects);
    assert_eq!(checked.defects.len(), 10, "{rendered}");
    insta::assert_snapshot!(rendered);
}
