//! Others at work on the same database, and files that are not what they were.

#[cfg(test)]
mod common;

#[cfg(test)]
mod changes {
    use quietus_contract::{Absence, Adapter, ErrorKind, Outcome, Retry, Scope};
    use quietus_sqlite::Sqlite;

    use crate::common::{Bench, all_pages, holding, names, now, order};

    fn bench() -> Bench {
        Bench::new(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, day TEXT, note TEXT, state TEXT);
             CREATE TABLE sub (t INTEGER REFERENCES t, x TEXT); CREATE INDEX s ON sub (t);
             WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10)
                 INSERT INTO t SELECT n, '2020-01-01', 'note', 'closed' FROM n;",
        )
    }

    fn scope() -> Scope {
        holding("t", &["id"])
            .date("day", None)
            .filter("state = 'closed'")
            .dispose_with(&["sub"])
            .scope()
    }

    #[test]
    fn every_change_of_a_record_is_noticed() {
        for change in [
            "UPDATE t SET note = 'other' WHERE id = 3",
            "UPDATE t SET note = x'6e6f7465' WHERE id = 3",
            "UPDATE t SET day = '2020-01-02' WHERE id = 3",
            "UPDATE t SET state = 'open' WHERE id = 3",
            "INSERT INTO sub VALUES (3, 'new')",
        ] {
            let bench = bench();
            let records = bench.records(&scope());
            bench.raw().execute_batch(change).unwrap();
            let outcomes = bench.dispose(&scope(), &records);
            for (place, outcome) in outcomes.iter().enumerate() {
                let expected =
                    if place == 2 { Outcome::Changed } else { Outcome::Disposed { members: 0 } };
                assert_eq!(*outcome, expected, "{change}");
            }
            assert_eq!(bench.number("SELECT id FROM t"), 3);
            let expected = [Absence::Newer];
            assert_eq!(bench.verify(&scope(), &records[2..3]), expected, "{change}");
        }
    }

    #[test]
    fn a_sweep_notices_changes_as_well() {
        for holes in ["id % 2 = 0", "id IN (1, 1000000)", "id > 100"] {
            let bench = Bench::new(
                "CREATE TABLE t (id INTEGER PRIMARY KEY, day TEXT, note TEXT);
                 WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 200)
                     INSERT INTO t SELECT n, '2020-01-01', 'note' FROM n;
                 INSERT INTO t VALUES (1000000, NULL, NULL), (-5, NULL, NULL);",
            );
            let scope = holding("t", &["id"]).date("day", None).filter(holes).scope();
            let records = bench.records(&scope);
            let all = bench.number("SELECT count(*) FROM t");
            let changed = records.last().unwrap().reference.locator.parts()[0].clone();
            let removed = records[0].reference.locator.parts()[0].clone();
            bench
                .raw()
                .execute_batch(&format!(
                    "UPDATE t SET note = 'other' WHERE id = {changed};
                     DELETE FROM t WHERE id = {removed};"
                ))
                .unwrap();
            let outcomes = bench.dispose(&scope, &records);
            let last = outcomes.len() - 1;
            for (place, outcome) in outcomes.iter().enumerate() {
                let expected = match place {
                    0 => Outcome::AlreadyAbsent,
                    n if n == last => Outcome::Changed,
                    _ => Outcome::Disposed { members: 0 },
                };
                assert_eq!(*outcome, expected, "{holes}");
            }
            let left = bench.number("SELECT count(*) FROM t");
            assert_eq!(left, all - i64::try_from(records.len()).unwrap() + 1, "{holes}");
        }
    }

    #[test]
    fn the_order_of_an_order_does_not_matter() {
        let bench = Bench::new(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, day TEXT);
             WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 50)
                 INSERT INTO t SELECT n * n, NULL FROM n;",
        );
        let scope = holding("t", &["id"]).date("day", None).scope();
        let mut records = bench.records(&scope);
        bench.raw().execute_batch("UPDATE t SET day = 'x' WHERE id = 4").unwrap();
        records.reverse();
        records.swap(3, 17);
        let outcomes = bench.dispose(&scope, &records);
        for (record, outcome) in records.iter().zip(&outcomes) {
            let changed = record.reference.locator.parts() == ["4"];
            let expected =
                if changed { Outcome::Changed } else { Outcome::Disposed { members: 0 } };
            assert_eq!(*outcome, expected);
        }
        assert_eq!(bench.number("SELECT count(*) FROM t"), 1);
    }

    #[test]
    fn a_record_made_anew_with_other_content_survives() {
        let bench = bench();
        let records = bench.records(&scope());
        bench
            .raw()
            .execute_batch(
                "DELETE FROM t WHERE id = 1; INSERT INTO t VALUES (1, '2024-01-01', 'n', 'closed');",
            )
            .unwrap();
        assert_eq!(bench.dispose(&scope(), &records[..1]), [Outcome::Changed]);
    }

    #[test]
    fn a_change_of_the_tables_is_noticed_and_planned_anew() {
        let bench = bench();
        let disposer = bench.disposer();
        let scope = scope();
        let records = all_pages(disposer.as_ref(), &scope, 100);
        bench.raw().execute_batch("ALTER TABLE t ADD COLUMN more TEXT DEFAULT 'x'").unwrap();
        let outcomes = now(disposer.dispose(&order(&scope, &records))).unwrap();
        assert!(outcomes.iter().all(|o| *o == Outcome::Changed), "{outcomes:?}");
        let anew = all_pages(disposer.as_ref(), &scope, 100);
        let outcomes = now(disposer.dispose(&order(&scope, &anew))).unwrap();
        assert!(outcomes.iter().all(|o| matches!(o, Outcome::Disposed { .. })), "{outcomes:?}");
        let refuses = bench.raw();
        refuses.execute_batch("CREATE TABLE late (t INTEGER REFERENCES t)").unwrap();
        let error = now(disposer.dispose(&order(&scope, &anew))).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Misconfigured, "{error}");
    }

    #[test]
    fn a_lock_delays_and_loses_nothing() {
        let bench = bench();
        let scope = scope();
        let records = bench.records(&scope);
        let other = bench.raw();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let error = now(bench.disposer().dispose(&order(&scope, &records))).unwrap_err();
        assert_eq!(error.retry, Retry::Later, "{error}");
        assert_eq!(bench.number("SELECT count(*) FROM t"), 10);
        other.execute_batch("ROLLBACK").unwrap();
        let outcomes = bench.dispose(&scope, &records);
        assert!(outcomes.iter().all(|o| matches!(o, Outcome::Disposed { .. })));
    }

    #[test]
    fn a_reader_delays_the_commit_and_loses_nothing() {
        let bench = bench();
        let scope = scope();
        let records = bench.records(&scope);
        let reader = bench.raw();
        reader.execute_batch("BEGIN; SELECT * FROM t;").unwrap();
        let error = now(bench.disposer().dispose(&order(&scope, &records))).unwrap_err();
        assert_eq!(error.retry, Retry::Later, "{error}");
        reader.execute_batch("ROLLBACK").unwrap();
        assert_eq!(bench.number("SELECT count(*) FROM t"), 10);
    }

    #[test]
    fn pages_neither_skip_nor_repeat_while_others_come_and_go() {
        let bench = bench();
        let scope = scope();
        let reader = bench.inventory();
        let first = now(reader.page(&scope, None, 4)).unwrap();
        bench
            .raw()
            .execute_batch(
                "DELETE FROM t WHERE id = 4; INSERT INTO t VALUES (0, NULL, '', 'closed')",
            )
            .unwrap();
        let rest = now(bench.inventory().page(&scope, first.next.as_ref(), 100)).unwrap();
        assert_eq!(
            names(&rest.records),
            (5..=10).map(|n| format!("[\"{n}\"]")).collect::<Vec<_>>()
        );
        assert!(rest.next.is_none());
    }

    #[test]
    fn another_file_in_its_place_is_another_target() {
        let bench = bench();
        let reader = bench.inventory();
        let before = now(reader.probe()).unwrap().identity;
        let copy = bench.folder.path().join("copy.db");
        std::fs::copy(bench.path(), &copy).unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test restores a copy")]
        std::fs::rename(&copy, bench.path()).unwrap();
        assert_eq!(now(reader.probe()).unwrap_err().kind, ErrorKind::WrongTarget);
        assert_ne!(now(bench.inventory().probe()).unwrap().identity, before);
    }

    #[test]
    fn what_is_no_database_is_said_to_be_none() {
        let mut bench = bench();
        bench.file = "missing.db";
        let error = now(Sqlite.open_inventory(&bench.system())).err().unwrap();
        assert_eq!(error.kind, ErrorKind::Unreachable);
        std::io::Write::write_all(
            &mut std::fs::File::create(bench.path()).unwrap(),
            b"this is no database, only a text that is long enough to be looked at",
        )
        .unwrap();
        let error = now(Sqlite.open_inventory(&bench.system())).err().unwrap();
        assert_eq!(error.kind, ErrorKind::Misconfigured, "{error}");
    }

    /// Few rows: where pages were split, remains of the application's own work lie until VACUUM.
    fn secrets(mode: &str) -> Bench {
        Bench::new(&format!(
            "PRAGMA journal_mode = {mode};
             CREATE TABLE t (id INTEGER PRIMARY KEY, day TEXT, note TEXT);
             CREATE INDEX n ON t (note);
             WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 40)
                 INSERT INTO t SELECT n, '2020-01-01', 'secret-' || n FROM n;"
        ))
    }

    #[test]
    fn deleted_content_is_no_longer_in_the_file() {
        for mode in ["DELETE", "WAL"] {
            let bench = secrets(mode);
            let scope = holding("t", &["id"]).date("day", None).scope();
            let records = bench.records(&scope);
            assert!(text_of(&bench).contains("secret-7"));
            bench.dispose(&scope, &records);
            assert!(!text_of(&bench).contains("secret-"), "{mode}");
        }
        // The control: without us it stays.
        let bench = secrets("DELETE");
        bench.raw().execute_batch("PRAGMA secure_delete = OFF; DELETE FROM t;").unwrap();
        assert!(text_of(&bench).contains("secret-"));
    }

    /// The bytes of the file and of all that lies beside it.
    fn text_of(bench: &Bench) -> String {
        let files = std::fs::read_dir(bench.folder.path()).unwrap();
        files
            .map(|f| {
                String::from_utf8_lossy(&std::fs::read(f.unwrap().path()).unwrap()).into_owned()
            })
            .collect()
    }
}
