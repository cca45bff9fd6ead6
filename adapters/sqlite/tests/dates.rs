//! Dates: what is read, and what is never left out.

#[cfg(test)]
mod common;

#[cfg(test)]
mod dates {
    use std::collections::BTreeSet;

    use jiff::civil::{Date, date};
    use quietus_contract::{DateValue, Value};

    use crate::common::{Bench, holding, names, now};

    const BOUND: Date = date(2024, 6, 30);

    /// Rows that must be handed over whatever the bound: someone must be told of them.
    const ODD: &[&str] = &[
        "NULL",
        "''",
        "'soon'",
        "'12/31/2030'",
        "'2030/01/01'",
        "'2030-1-5'",
        "'20300101'",
        "'2030-02-30'",
        "'2030-01-05garbage'",
        "' 2030-01-01'",
        "'9999-12-31'",
        "'9999-12-31 00:00:00'",
        "'9999-12-30T23:30:00Z'",
        "20300101",
        "1e300",
        "-5",
        "x'323033302d30312d3031'",
        "'zzzz-12-31'",
        "'+12030-01-01'",
        "'2030-01-01T25:00'",
    ];
    const DUE: &[&str] = &[
        "'2024-06-30'",
        "'2024-06-30 23:59:59'",
        "'2024-06-30T23:59:59.999Z'",
        "'1999-01-01'",
        "'2024-07-01T01:00:00+02:00'",
        "'0001-01-01'",
    ];
    const LATER: &[&str] =
        &["'2024-07-01'", "'2024-07-01 00:00:00'", "'2030-01-01T00:00:00Z'", "'2099-12-31'"];

    fn bench(declared: &str, index: bool) -> Bench {
        let rows = [ODD, DUE, LATER].concat();
        let rows: Vec<String> =
            rows.iter().enumerate().map(|(n, value)| format!("({n}, {value})")).collect();
        let index = if index { "CREATE INDEX by_day ON t (day);" } else { "" };
        Bench::new(&format!(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, day {declared}); {index}
             INSERT INTO t VALUES {};",
            rows.join(", ")
        ))
    }

    fn expected() -> BTreeSet<String> {
        (0..ODD.len() + DUE.len()).map(|n| format!("[\"{n}\"]")).collect()
    }

    #[test]
    fn a_bound_leaves_out_later_dates_and_nothing_else() {
        for declared in ["", "TEXT", "DATETIME", "DATE", "INTEGER", "REAL", "BLOB"] {
            for index in [false, true] {
                for source in ["day", "coalesce(day, NULL)"] {
                    let bench = bench(declared, index);
                    let scope = holding("t", &["id"])
                        .date(source, Some(BOUND))
                        .not_a_date(date(9999, 12, 31))
                        .scope();
                    let found: BTreeSet<String> =
                        names(&bench.records(&scope)).into_iter().collect();
                    assert_eq!(found, expected(), "{declared:?}, {index}, {source}");
                }
            }
        }
    }

    #[test]
    fn an_index_finds_what_the_table_has() {
        // Dates with a time of day differ from row to row; days do not.
        for late in [
            "date('2024-07-01', (n % 900) || ' days')",
            "datetime('2024-07-01', (n * 7) || ' minutes')",
        ] {
            for extra in ["1", "id % 3 = 0"] {
                let bench = Bench::new(&format!(
                    "CREATE TABLE t (id INTEGER PRIMARY KEY, day TEXT, other TEXT);
                     WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 30000)
                         INSERT INTO t SELECT n, CASE n % 1000
                             WHEN 1 THEN '2020-01-01' WHEN 2 THEN NULL WHEN 3 THEN '2031/01/01'
                             WHEN 4 THEN x'00' WHEN 5 THEN 7 WHEN 6 THEN '9999-12-31'
                             ELSE {late} END, CASE WHEN n % 7 = 0 THEN '2030-01-01' END FROM n;"
                ));
                let scope = holding("t", &["id"])
                    .date("day", Some(BOUND))
                    .date("other", Some(BOUND))
                    .not_a_date(date(9999, 12, 31))
                    .filter(extra)
                    .scope();
                let read = names(&bench.records(&scope));
                assert!(read.len() > 50);
                bench.raw().execute_batch("CREATE INDEX by_day ON t (day)").unwrap();
                assert_eq!(names(&bench.records(&scope)), read, "{late}");
                // A new instance goes on from any cursor.
                let mut resumed = Vec::new();
                let mut after = None;
                loop {
                    let page = now(bench.inventory().page(&scope, after.as_ref(), 50)).unwrap();
                    resumed.extend(names(&page.records));
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
                assert_eq!(resumed, read, "{late}");
            }
        }
    }

    #[test]
    fn without_a_bound_everything_is_handed_over() {
        let scope = holding("t", &["id"]).date("day", None).scope();
        assert_eq!(bench("", false).records(&scope).len(), ODD.len() + DUE.len() + LATER.len());
    }

    #[test]
    fn one_late_date_is_enough_to_leave_a_row_out() {
        let bench = Bench::new(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT);
             INSERT INTO t VALUES (1, '2020-01-01', '2020-01-01'), (2, '2020-01-01', '2030-01-01'),
                 (3, '2030-01-01', NULL), (4, NULL, 'soon'), (5, NULL, '2030-01-01');",
        );
        let make = holding("t", &["id"]).date("a", Some(BOUND)).date("b", Some(BOUND));
        assert_eq!(names(&bench.records(&make.scope())), ["[\"1\"]", "[\"4\"]"]);
    }

    #[test]
    fn numbers_are_dates_only_where_their_unit_is_named() {
        let bench = Bench::new(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, at);
             INSERT INTO t VALUES (1, 1577836800), (2, 1893456000), (3, '2030-01-01'),
                 (4, '2020-01-01'), (5, 1e300), (6, 1577836800.5), (7, x'00'), (8, NULL);",
        );
        let plain = holding("t", &["id"]).date("at", Some(BOUND));
        let read = bench.records(&plain.clone().scope());
        assert!(matches!(read[0].dates[0], DateValue::Unreadable(_)));
        let seconds = plain.with("epoch", Value::Text("seconds".to_owned())).scope();
        let read = bench.records(&seconds);
        assert_eq!(read[0].dates[0], DateValue::Moment("2020-01-01T00:00:00Z".parse().unwrap()));
        let found: Vec<i64> =
            read.iter().map(|r| r.reference.locator.parts()[0].parse().unwrap()).collect();
        // 2 and 3 are later; all others are due, or cannot be read and must be told of.
        assert_eq!(found, [1, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn a_date_may_be_an_expression_over_other_tables() {
        let bench = Bench::new(
            "CREATE TABLE account (id INTEGER PRIMARY KEY, closed_on TEXT);
             CREATE TABLE sales (account_id INTEGER, at TEXT);
             INSERT INTO account VALUES (1, '2019-01-01'), (2, '2019-01-01'), (3, NULL);
             INSERT INTO sales VALUES (2, '2030-05-05'), (2, '2020-01-01');",
        );
        let source = "coalesce((select max(s.at) from sales s where s.account_id = account.id), \
                      account.closed_on)";
        let scope = holding("account", &["id"]).date(source, Some(BOUND)).scope();
        let records = bench.records(&scope);
        assert_eq!(names(&records), ["[\"1\"]", "[\"3\"]"]);
        assert_eq!(records[0].dates[0], DateValue::Day(date(2019, 1, 1)));
        // What the date rested on is part of the version.
        bench.raw().execute_batch("INSERT INTO sales VALUES (1, '2031-01-01')").unwrap();
        let outcome = bench.dispose(&scope, &records[..1]);
        assert_eq!(outcome, [quietus_contract::Outcome::Changed]);
    }
}
