//! Foreign keys: what goes along, what stays, and what stands in the way.

#[cfg(test)]
mod common;

#[cfg(test)]
mod graph {
    use quietus_contract::{Absence, Outcome, Scope};

    use crate::common::{Bench, holding, names};

    fn scope(dispose_with: &[&str]) -> Scope {
        let make = holding("invoice", &["id"]).date("day", None);
        if dispose_with.is_empty() { make.scope() } else { make.dispose_with(dispose_with).scope() }
    }

    const INVOICE: &str = "
        CREATE TABLE invoice (id INTEGER PRIMARY KEY, day TEXT);
        INSERT INTO invoice VALUES (1, '2020-01-01'), (2, '2020-01-01'), (3, '2020-01-01');";

    fn with(sql: &str) -> Bench {
        Bench::new(&format!("{INVOICE} {sql}"))
    }

    #[test]
    fn grandchildren_go_along_and_are_counted() {
        let bench = with(
            "CREATE TABLE line (id INTEGER PRIMARY KEY, invoice INTEGER REFERENCES invoice);
             CREATE TABLE note (line INTEGER REFERENCES line, text TEXT);
             CREATE INDEX l ON line (invoice); CREATE INDEX n ON note (line);
             INSERT INTO line VALUES (10, 1), (11, 1), (12, 2);
             INSERT INTO note VALUES (10, 'a'), (10, 'b'), (12, 'c');",
        );
        assert!(bench.refusal(&scope(&[])).contains("[\"line\", \"note\"]"));
        assert!(bench.refusal(&scope(&["line"])).contains("`note`"));
        let scope = scope(&["line", "note"]);
        let records = bench.records(&scope);
        assert_eq!(records.iter().map(|r| r.members).collect::<Vec<_>>(), [4, 2, 0]);
        let outcomes = bench.dispose(&scope, &records[..1]);
        assert_eq!(outcomes, [Outcome::Disposed { members: 4 }]);
        assert_eq!(bench.number("SELECT count(*) FROM note"), 1);
        assert_eq!(bench.number("SELECT count(*) FROM line"), 1);
    }

    #[test]
    fn cascades_are_counted_and_cleared_references_are_told() {
        let bench = with(
            "CREATE TABLE line (invoice INTEGER REFERENCES invoice ON DELETE CASCADE);
             CREATE TABLE letter (invoice INTEGER REFERENCES invoice ON DELETE SET NULL);
             CREATE TABLE mark (invoice INTEGER DEFAULT 3 REFERENCES invoice ON DELETE SET DEFAULT);
             INSERT INTO line VALUES (1), (1), (2); INSERT INTO letter VALUES (1);
             INSERT INTO mark VALUES (1);",
        );
        let scope = scope(&[]);
        let notes = bench.notes(&scope).join("\n");
        for expected in [
            "rows of `line` go with a record (ON DELETE CASCADE)",
            "rows of `letter` stay; their invoice becomes NULL",
            "rows of `mark` stay; their invoice becomes their default",
            "`line` has no index on invoice",
        ] {
            assert!(notes.contains(expected), "{notes}");
        }
        let records = bench.records(&scope);
        let outcomes = bench.dispose(&scope, &records[..2]);
        assert_eq!(outcomes[0], Outcome::Disposed { members: 2 });
        assert_eq!(outcomes[1], Outcome::Disposed { members: 1 });
        assert_eq!(bench.number("SELECT count(*) FROM line"), 0);
        assert_eq!(bench.number("SELECT count(*) FROM letter WHERE invoice IS NULL"), 1);
        assert_eq!(bench.number("SELECT count(*) FROM mark WHERE invoice = 3"), 1);
    }

    #[test]
    fn a_large_table_without_an_index_is_refused_with_the_index_that_helps() {
        let bench = with(
            "CREATE TABLE line (\"in voice\" INTEGER REFERENCES invoice);
             WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10001)
                 INSERT INTO line SELECT 1 + n % 3 FROM n;",
        );
        let refusal = bench.refusal(&scope(&["line"]));
        let index = "CREATE INDEX \"line_in voice\" ON \"line\" (\"in voice\");";
        assert!(refusal.contains(index), "{refusal}");
        bench.raw().execute_batch(index).unwrap();
        assert!(!bench.notes(&scope(&["line"])).iter().any(|n| n.contains("no index")));
    }

    #[test]
    fn a_row_that_two_ways_lead_to_is_counted_once() {
        let bench = Bench::new(
            "CREATE TABLE account (id INTEGER PRIMARY KEY, day TEXT);
             CREATE TABLE transfer (id INTEGER PRIMARY KEY, giver INTEGER REFERENCES account,
                 taker INTEGER REFERENCES account);
             INSERT INTO account VALUES (1, NULL), (2, NULL);
             INSERT INTO transfer VALUES (1, 1, 1), (2, 1, 2);",
        );
        let scope =
            holding("account", &["id"]).date("day", None).dispose_with(&["transfer"]).scope();
        let records = bench.records(&scope);
        assert_eq!(records[0].members, 2);
        // The first takes a row that the second counted; both were checked before.
        let outcomes = bench.dispose(&scope, &records);
        assert!(outcomes.iter().all(|o| matches!(o, Outcome::Disposed { .. })), "{outcomes:?}");
        assert_eq!(bench.number("SELECT count(*) FROM transfer"), 0);
    }

    #[test]
    fn a_violation_concerns_its_record_alone() {
        // The trigger makes a new referring row for one invoice: its deletion fails.
        let bench = with(
            "CREATE TABLE line (invoice INTEGER REFERENCES invoice);
             INSERT INTO line VALUES (1), (2);
             CREATE TRIGGER again AFTER DELETE ON line WHEN old.invoice = 2
                 BEGIN INSERT INTO line VALUES (2); END;",
        );
        let scope = scope(&["line"]);
        let records = bench.records(&scope);
        let outcomes = bench.dispose(&scope, &records);
        assert_eq!(outcomes[0], Outcome::Disposed { members: 1 });
        let reason = "another row still refers to it".to_owned();
        assert_eq!(outcomes[1], Outcome::Refused { reason });
        assert_eq!(outcomes[2], Outcome::Disposed { members: 0 });
        assert_eq!(bench.number("SELECT count(*) FROM line"), 1);
        assert_eq!(bench.verify(&scope, &records)[1], Absence::Present);
    }

    #[test]
    fn triggers_that_refuse_or_keep_concern_their_record_alone() {
        for (effect, reason) in [
            ("RAISE(ABORT, 'held')", "a trigger of the database refused"),
            ("RAISE(FAIL, 'held')", "a trigger of the database refused"),
            ("RAISE(ROLLBACK, 'held')", "a trigger of the database refused"),
            ("RAISE(IGNORE)", "a trigger of the database kept the row"),
        ] {
            let bench = with(&format!(
                "CREATE TRIGGER hold BEFORE DELETE ON invoice WHEN old.id = 2
                     BEGIN SELECT {effect}; END;"
            ));
            let scope = scope(&[]);
            let records = bench.records(&scope);
            let outcomes = bench.dispose(&scope, &records);
            let refused = Outcome::Refused { reason: reason.to_owned() };
            let gone = Outcome::Disposed { members: 0 };
            assert_eq!(outcomes, [gone.clone(), refused, gone], "{effect}");
            assert_eq!(bench.number("SELECT count(*) FROM invoice"), 1, "{effect}");
        }
    }

    #[test]
    fn a_deferred_violation_concerns_its_record_alone() {
        let bench = with(
            "CREATE TABLE line (invoice INTEGER REFERENCES invoice DEFERRABLE INITIALLY DEFERRED);
             INSERT INTO line VALUES (1), (2);
             CREATE TRIGGER again AFTER DELETE ON line WHEN old.invoice = 2
                 BEGIN INSERT INTO line VALUES (2); END;",
        );
        let scope = scope(&["line"]);
        let records = bench.records(&scope);
        let outcomes = bench.dispose(&scope, &records);
        assert!(matches!(outcomes[0], Outcome::Disposed { .. }), "{outcomes:?}");
        assert!(matches!(outcomes[1], Outcome::Refused { .. }), "{outcomes:?}");
        assert!(matches!(outcomes[2], Outcome::Disposed { .. }), "{outcomes:?}");
        assert_eq!(bench.number("SELECT count(*) FROM invoice"), 1);
    }

    #[test]
    fn records_that_refer_to_each_other_go_together_or_stay() {
        for action in ["", "ON DELETE RESTRICT", "ON DELETE CASCADE"] {
            let bench = Bench::new(&format!(
                "CREATE TABLE part (id INTEGER PRIMARY KEY, day TEXT,
                     whole INTEGER REFERENCES part {action});
                 CREATE INDEX w ON part (whole);
                 INSERT INTO part VALUES (1, NULL, NULL), (2, NULL, 1), (3, NULL, 2), (4, NULL, 4),
                     (5, NULL, NULL), (6, NULL, 5);"
            ));
            let scope = holding("part", &["id"]).date("day", None).scope();
            let records = bench.records(&scope);
            // 6 is not in the order, so 5 stays; 4 refers to itself; 1 to 3 are a chain.
            let outcomes = bench.dispose(&scope, &records[..5]);
            for (place, outcome) in outcomes.iter().enumerate() {
                let goes = matches!(outcome, Outcome::Disposed { .. });
                assert_eq!(goes, place < 4, "{action}: {outcomes:?}");
            }
            assert_eq!(bench.number("SELECT sum(id) FROM part"), 11, "{action}");
        }
    }

    #[test]
    fn a_circle_of_records_goes_together() {
        let bench = Bench::new(
            "CREATE TABLE part (id INTEGER PRIMARY KEY, day TEXT, whole INTEGER REFERENCES part);
             INSERT INTO part VALUES (1, NULL, NULL), (2, NULL, 1);
             UPDATE part SET whole = 2 WHERE id = 1;",
        );
        let scope = holding("part", &["id"]).date("day", None).scope();
        let records = bench.records(&scope);
        let alone = bench.dispose(&scope, &records[..1]);
        assert!(matches!(alone[0], Outcome::Refused { .. }), "{alone:?}");
        let both = bench.dispose(&scope, &records);
        assert!(both.iter().all(|o| matches!(o, Outcome::Disposed { .. })), "{both:?}");
    }

    #[test]
    fn a_record_may_refer_to_its_own_member() {
        let bench = Bench::new(
            "CREATE TABLE invoice (id INTEGER PRIMARY KEY, day TEXT,
                 main_line INTEGER REFERENCES line);
             CREATE TABLE line (id INTEGER PRIMARY KEY, invoice INTEGER REFERENCES invoice);
             INSERT INTO invoice VALUES (1, NULL, NULL), (2, NULL, NULL), (3, NULL, NULL);
             INSERT INTO line VALUES (10, 1), (20, 2), (30, 3);
             UPDATE invoice SET main_line = id * 10;
             UPDATE invoice SET main_line = 20 WHERE id = 3;",
        );
        let scope = scope(&["line"]);
        let records = bench.records(&scope);
        // 3 refers to a line of 2: that line cannot go without it.
        let outcomes = bench.dispose(&scope, &records[..2]);
        assert!(matches!(outcomes[0], Outcome::Disposed { .. }), "{outcomes:?}");
        assert!(matches!(outcomes[1], Outcome::Refused { .. }), "{outcomes:?}");
        assert_eq!(bench.number("SELECT count(*) FROM pragma_foreign_key_check"), 0);
        assert_eq!(bench.number("SELECT count(*) FROM line"), 2);
    }

    #[test]
    fn what_triggers_write_is_told_before_and_after() {
        let bench = with(
            "CREATE TABLE audit (what TEXT);
             CREATE VIRTUAL TABLE search USING fts5(day);
             CREATE TRIGGER copy AFTER DELETE ON invoice BEGIN
                 INSERT INTO audit VALUES (old.day || \"text in double quotes\");
                 INSERT INTO search (rowid, day) VALUES (old.id, old.day);
             END;",
        );
        let scope = scope(&[]);
        let survey = crate::common::now(bench.inventory().survey(&scope)).unwrap();
        let kinds: Vec<&str> = survey.residual.copies.iter().map(|c| c.kind.as_str()).collect();
        assert!(kinds.contains(&"trigger-copy") && kinds.contains(&"fts-index"), "{kinds:?}");
        let told = survey.notes.iter().any(|n| n == "the trigger `copy` adds rows to `audit`");
        assert!(told, "{:?}", survey.notes);
        let records = bench.records(&scope);
        let outcomes = bench.dispose(&scope, &records);
        assert!(outcomes.iter().all(|o| matches!(o, Outcome::Disposed { .. })), "{outcomes:?}");
    }

    #[test]
    fn tables_that_nobody_selects_are_named() {
        let bench = with(
            "CREATE TABLE line (invoice INTEGER REFERENCES invoice);
             CREATE TABLE forgotten (x); INSERT INTO forgotten VALUES (1), (2);
             CREATE VIEW seen AS SELECT * FROM forgotten;",
        );
        let scopes = [scope(&["line"])];
        let found = crate::common::now(bench.inventory().uncovered(&scopes)).unwrap();
        let found: Vec<_> = found.iter().map(|u| (u.container.as_str(), u.records)).collect();
        assert_eq!(found, [("forgotten", Some(2))]);
    }

    #[test]
    fn views_and_virtual_tables_have_no_records() {
        let bench = with(
            "CREATE VIEW seen AS SELECT * FROM invoice;
             CREATE VIRTUAL TABLE search USING fts5(day);",
        );
        for table in ["seen", "search", "search_content"] {
            let scope = holding(table, &["id"]).date("day", None).scope();
            let refusal = bench.refusal(&scope);
            assert!(refusal.contains("view") || refusal.contains("virtual"), "{refusal}");
        }
        let scope = holding("invoces", &["id"]).date("day", None).scope();
        assert!(bench.refusal(&scope).contains("has no table `invoces`"));
    }

    #[test]
    fn other_tables_may_be_declared_by_another_spelling() {
        let bench = with("CREATE TABLE Line (invoice INTEGER REFERENCES INVOICE);");
        let records = bench.records(&scope(&["LINE"]));
        assert_eq!(names(&records).len(), 3);
    }
}
