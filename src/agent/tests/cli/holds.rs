//! `hold add`, `hold list`, `hold release`.

use super::bench::Bench;

const ADD: [&str; 10] = [
    "hold",
    "add",
    "--id",
    "2026-7",
    "--matter",
    "Acme v. Blue Mountain",
    "--reason",
    "litigation",
    "--ordered-by",
    "General Counsel",
];

#[test]
fn a_hold_is_placed_listed_and_released() {
    let bench = Bench::shop();
    let mut add = ADD.to_vec();
    add.extend(["--subject", "customer:1042", "--class", "FIN-010"]);
    let text = bench.transcript(&[
        &add,
        &add,
        &["hold", "list"],
        &["hold", "release", "2026-7", "--by", "General Counsel"],
        &["hold", "release", "2026-8", "--by", "General Counsel"],
        &["hold", "list"],
    ]);
    insta::assert_snapshot!(without_today(&text));
}

#[test]
fn a_hold_that_holds_nothing_is_refused() {
    let bench = Bench::shop();
    let mut add = ADD.to_vec();
    add.extend(["--class", "FIN-011"]);
    insta::assert_snapshot!(without_today(&bench.transcript(&[&add, &["hold", "list"]])));
}

#[test]
fn a_held_record_stays_and_is_explained() {
    let bench = Bench::shop();
    let mut add = ADD.to_vec();
    add.extend(["--subject", "customer:1042"]);
    assert_eq!(bench.run(&add).exit, 0);
    let plan =
        bench.run(&["plan", "--as-of", "2025-01-01", "--class", "FIN-010", "--output", "json"]);
    let holding = plan.json()["holdings"][0].clone();
    assert_eq!(
        (&holding["due"], &holding["held"], &holding["planned"]),
        (&3.into(), &1.into(), &2.into())
    );
    let explain = ["explain", "shop", "2", "--class", "FIN-010", "--as-of", "2025-01-01"];
    insta::assert_snapshot!(bench.transcript(&[&explain]));
}

/// Takes the day of the test out: any date of this century's style that stands alone.
fn without_today(text: &str) -> String {
    let is_date = |word: &str| word.len() == 10 && word.parse::<jiff::civil::Date>().is_ok();
    text.split_inclusive([' ', '\n'])
        .map(|word| {
            let bare = word.trim_end();
            if is_date(bare) { word.replace(bare, "TODAY") } else { word.to_owned() }
        })
        .collect()
}
