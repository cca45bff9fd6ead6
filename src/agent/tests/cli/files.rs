//! The files of a programme: `init`, `check`, `schedule print`, `key`.

use super::bench::{Bench, SCHEDULE};

#[test]
fn init_begins_a_programme_that_has_no_error() {
    let bench = Bench::empty();
    let arguments =
        ["init", "--origin", "records.example.com/agent-1", "--time-zone", "America/Jamaica"];
    insta::assert_snapshot!(bench.transcript(&[&arguments, &["check"], &["schedule", "print"]]));
}

#[test]
fn init_overwrites_nothing() {
    let bench = Bench::empty();
    bench.write("schedule.toml", "# mine\n");
    let first = bench.run(&["init", "--origin", "example.com/a"]);
    assert!(first.out.contains("Left alone: schedule.toml"), "{}", first.out);
    let key = std::fs::read(bench.path("keys/log.key")).unwrap();
    let second = bench.run(&["init", "--origin", "example.com/b"]);
    assert_eq!((first.exit, second.exit), (0, 0));
    assert_eq!(std::fs::read_to_string(bench.path("schedule.toml")).unwrap(), "# mine\n");
    assert_eq!(std::fs::read(bench.path("keys/log.key")).unwrap(), key);
}

#[test]
fn check_shows_every_defect_of_every_file() {
    let bench = Bench::shop();
    let broken =
        SCHEDULE.replace("\"2 years\"", "\"two years\"").replace("\"visit\"\n", "\"vist\"\n");
    bench.write("schedule.toml", &broken);
    bench.write(
        "quietus.toml",
        "[limits]\nrecords_max = -5\n[limits.class.FIN-011]\nrecords_max = 1\n",
    );
    insta::assert_snapshot!(bench.transcript(&[&["check"]]));
    let said = bench.run(&["check", "--output", "json"]);
    assert_eq!(said.exit, 2);
    let answer = said.json();
    assert_eq!(answer["ok"], false);
    assert_eq!(answer["errors"], 4);
    let places: Vec<String> = answer["defects"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|d| d["severity"] == "error")
        .map(|d| format!("{}:{}", d["file"].as_str().unwrap(), d["line"]))
        .collect();
    assert_eq!(
        places,
        ["schedule.toml:24", "schedule.toml:31", "quietus.toml:2", "quietus.toml:3"]
    );
}

#[test]
fn errors_look_alike_and_are_json_where_json_is_asked_for() {
    let bench = Bench::empty();
    insta::assert_snapshot!(bench.transcript(&[
        &["check"],
        &["check", "--output", "json"],
        &["key"],
        &["plan", "--as-of", "2026-02-30"],
        &["verify", "nothing"],
    ]));
}

#[test]
fn keys_are_printed_for_auditors_and_made_for_approvers() {
    let bench = Bench::empty();
    bench.run(&["init", "--origin", "records.example.com/agent-1"]);
    insta::assert_snapshot!(bench.transcript(&[
        &["key"],
        &["key", "policy"],
        &["key", "new", "finance-manager"],
        &["key", "new", "finance-manager"],
        &["key", "new", "finance manager"],
    ]));
}

#[test]
fn the_schedule_is_printed_as_people_sign_it() {
    insta::assert_snapshot!(Bench::shop().transcript(&[&["schedule", "print"]]));
}

#[test]
fn help_names_every_command() {
    insta::assert_snapshot!(Bench::empty().transcript(&[&["--help"]]));
}
