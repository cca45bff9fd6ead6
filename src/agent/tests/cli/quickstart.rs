//! The guided tour.

use super::bench::Bench;

#[test]
fn the_tour_disposes_proves_and_explains_and_a_second_one_leaves_a_nil_record() {
    let bench = Bench::empty();
    let first = bench.run(&["quickstart", "sample", "--output", "json"]);
    assert_eq!(first.exit, 0, "{}", first.err);
    let answer = first.json();
    let totals = &answer["totals"];
    assert_eq!((&answer["level"], &answer["met"]), (&"SIGNED".into(), &true.into()));
    assert!(totals["matched"].as_u64().unwrap() >= 20_000);
    assert!(totals["disposed"].as_u64().unwrap() >= 5_000);
    assert_eq!((&totals["awaiting_event"], &totals["implausible_date"]), (&1.into(), &1.into()));
    assert!(totals["held"].as_u64().unwrap() >= 1);
    assert_eq!(answer["certificates"].as_array().unwrap().len(), 10);
    assert!(answer["disclosed"].is_string());

    let second = bench.run(&["quickstart", "sample", "--output", "json"]);
    assert_eq!(second.exit, 0, "{}", second.err);
    let again = second.json();
    assert_eq!((&again["made_sample"], &again["totals"]["disposed"]), (&false.into(), &0.into()));
    assert_eq!(again["totals"]["held"], totals["held"]);
    assert_eq!(again["certificates"].as_array().unwrap().len(), 1, "one nil record");
    assert_ne!(again["bundle"], answer["bundle"]);
}

#[test]
fn the_tour_tells_its_steps_in_words() {
    let bench = Bench::empty();
    let said = bench.run(&["quickstart", "sample"]);
    assert_eq!(said.exit, 0, "{}", said.err);
    let heads: Vec<&str> = said
        .out
        .lines()
        .filter(|line| line.split_once(". ").is_some_and(|(n, _)| n.parse::<u8>().is_ok()))
        .collect();
    insta::assert_snapshot!(heads.join("\n"));
    for words in ["spreadsheet makes of zero", "a hold keeps it", "SIGNED (asked for SIGNED"] {
        assert!(said.out.contains(words), "{words}");
    }
}

#[test]
fn the_tour_touches_nothing_of_somebodys_own() {
    let bench = Bench::shop();
    let said = bench.command(&["quickstart", &bench.text("")], &bench.path(""));
    assert_eq!(said.exit, 3);
    let words: Vec<&str> = said.err.split_whitespace().collect();
    assert!(words.join(" ").contains("not the sample"), "{}", said.err);
    assert_eq!(bench.count("invoice"), 6);
}
