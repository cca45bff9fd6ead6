//! Keys, names and values of every kind.

#[cfg(test)]
mod common;

#[cfg(test)]
mod keys {
    use quietus_contract::{Absence, Checked, Outcome, Record, Scope};

    use crate::common::{Bench, all_pages, holding, locators, names, now};

    /// Takes a holding through everything: pages of each size, look, dispose, verify.
    fn round(bench: &Bench, scope: &Scope) -> Vec<Record> {
        let reader = bench.inventory();
        now(reader.survey(scope)).unwrap();
        let records = all_pages(reader.as_ref(), scope, 1);
        for limit in [2, 3, records.len().max(1), records.len() + 1] {
            assert_eq!(names(&all_pages(reader.as_ref(), scope, limit)), names(&records));
        }
        let looked = now(reader.look(scope, &locators(&records))).unwrap();
        for (looked, record) in looked.iter().zip(&records) {
            let looked = looked.as_ref().unwrap();
            assert_eq!(looked.reference, record.reference);
            assert_eq!(looked.fields, record.fields);
        }
        assert!(bench.verify(scope, &records).iter().all(|a| *a == Absence::Present));
        // Every second one goes; the others stay as they were.
        let chosen: Vec<Record> = records.iter().step_by(2).cloned().collect();
        let outcomes = bench.dispose(scope, &chosen);
        assert!(outcomes.iter().all(|o| matches!(o, Outcome::Disposed { .. })), "{outcomes:?}");
        let verified = bench.verify(scope, &records);
        for (place, absence) in verified.iter().enumerate() {
            let expected =
                if place % 2 == 0 { Absence::Absent(Checked::ByRecord) } else { Absence::Present };
            assert_eq!(*absence, expected);
        }
        assert_eq!(bench.records(scope).len(), records.len() - chosen.len());
        records
    }

    #[test]
    fn keys_of_different_types_are_different_records() {
        let bench = Bench::new(
            "CREATE TABLE t (k PRIMARY KEY NOT NULL, day);
             INSERT INTO t VALUES (1, NULL), ('1', NULL), (1.5, NULL), ('1.5', NULL), (x'31', NULL),
                 ('text:1', NULL), ('blob:31', NULL), ('', NULL), (x'', NULL), ('%31', NULL),
                 (CAST(x'ff41' AS TEXT), NULL), ('-1', NULL), (-1, NULL), ('01', NULL),
                 (9007199254740993, NULL), ('a' || char(0) || 'b', NULL), ('\"', NULL);",
        );
        let records = round(&bench, &holding("t", &["k"]).date("day", None).scope());
        assert_eq!(records.len(), 17);
        let mut unique = names(&records);
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), 17);
    }

    #[test]
    fn composite_keys_may_be_named_in_any_order() {
        let bench = Bench::new(
            "CREATE TABLE t (a TEXT NOT NULL, b INTEGER NOT NULL, day TEXT, PRIMARY KEY (a, b));
             INSERT INTO t VALUES ('x', 1, NULL), ('x', 2, NULL), ('y', 1, NULL), ('', 0, NULL);",
        );
        let records = round(&bench, &holding("t", &["b", "a"]).date("day", None).scope());
        assert!(names(&records).contains(&"[\"2\",\"x\"]".to_owned()));
    }

    #[test]
    fn tables_without_row_numbers_have_records() {
        let bench = Bench::new(
            "CREATE TABLE t (a INTEGER, b TEXT, day TEXT, PRIMARY KEY (b, a)) WITHOUT ROWID;
             INSERT INTO t VALUES (1, 'x', NULL), (2, 'x', NULL), (1, 'y', NULL);
             CREATE TABLE one (id INTEGER PRIMARY KEY, day TEXT) WITHOUT ROWID;
             INSERT INTO one VALUES (1, NULL), (2, NULL);",
        );
        assert_eq!(round(&bench, &holding("t", &["a", "b"]).date("day", None).scope()).len(), 3);
        assert_eq!(round(&bench, &holding("one", &["id"]).date("day", None).scope()).len(), 2);
    }

    #[test]
    fn keys_that_compare_without_case_find_only_themselves() {
        let bench = Bench::new(
            "CREATE TABLE t (k TEXT PRIMARY KEY COLLATE NOCASE NOT NULL, day TEXT);
             INSERT INTO t VALUES ('abc', NULL), ('B', NULL), ('c', NULL);",
        );
        let scope = holding("t", &["k"]).date("day", None).scope();
        let records = bench.records(&scope);
        bench.raw().execute_batch("UPDATE t SET k = 'ABC' WHERE k = 'abc'").unwrap();
        assert_eq!(bench.dispose(&scope, &records[..1]), [Outcome::AlreadyAbsent]);
        assert!(
            now(bench.inventory().look(&scope, &locators(&records[..1]))).unwrap()[0].is_none()
        );
        assert_eq!(round(&bench, &scope).len(), 3);
    }

    #[test]
    fn what_is_not_unique_is_no_key() {
        let bench = Bench::new(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT, day TEXT);
             CREATE UNIQUE INDEX partly ON t (a) WHERE b IS NULL;",
        );
        for key in [["a"], ["day"], ["rowid"]] {
            let refusal = bench.refusal(&holding("t", &key).date("day", None).scope());
            assert!(refusal.contains("unique") || refusal.contains("no column"), "{refusal}");
        }
        let both = holding("t", &["id", "a"]).date("day", None).scope();
        assert!(bench.refusal(&both).contains("primary key is [\"id\"]"));
    }

    #[test]
    fn what_only_the_application_can_do_is_refused_at_the_survey() {
        let bench = Bench::new(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, day TEXT);
             CREATE TABLE u (id INTEGER PRIMARY KEY, day TEXT);
             CREATE TRIGGER r AFTER DELETE ON t BEGIN SELECT only_in_the_application(old.id); END;
             CREATE TABLE v (id INTEGER PRIMARY KEY, day TEXT REFERENCES u (day));",
        );
        let refusal = bench.refusal(&holding("t", &["id"]).date("day", None).scope());
        assert!(refusal.contains("no such function: only_in_the_application"), "{refusal}");
        let make = holding("u", &["id"]).date("day", None).dispose_with(&["v"]);
        assert!(bench.refusal(&make.scope()).contains("foreign key mismatch"));
    }

    #[test]
    fn texts_of_utf_16_are_no_keys() {
        let bench = Bench::new(
            "PRAGMA encoding = 'UTF-16';
             CREATE TABLE t (k TEXT PRIMARY KEY NOT NULL, id INTEGER, day TEXT);
             CREATE TABLE n (id INTEGER PRIMARY KEY, name TEXT, day TEXT);
             INSERT INTO n VALUES (1, 'é', '2020-01-01'), (2, 'ü', NULL), (3, NULL, NULL);",
        );
        let refusal = bench.refusal(&holding("t", &["k"]).date("day", None).scope());
        assert!(refusal.contains("UTF-16"), "{refusal}");
        assert_eq!(round(&bench, &holding("n", &["id"]).date("day", None).scope()).len(), 3);
    }

    #[test]
    fn rows_without_a_key_stay_and_are_told() {
        let bench = Bench::new(
            "CREATE TABLE t (k TEXT PRIMARY KEY, day TEXT);
             INSERT INTO t VALUES ('a', NULL), (NULL, NULL), (NULL, NULL);",
        );
        let scope = holding("t", &["k"]).date("day", None).scope();
        assert_eq!(names(&bench.records(&scope)), ["[\"a\"]"]);
        assert!(bench.notes(&scope).iter().any(|n| n.starts_with("2 rows have NULL")));
    }

    #[test]
    fn hostile_names_are_only_names() {
        let table = "select\"; DROP TABLE \"x\" -- ]`'";
        let key = "a\"b]`'--;ü \u{1F600}";
        let day = "from";
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let bench = Bench::new(&format!(
            "CREATE TABLE {t} ({k} TEXT NOT NULL, {d} TEXT, \"Order\" TEXT,
                 up TEXT GENERATED ALWAYS AS (upper({k})) STORED, PRIMARY KEY ({k}));
             CREATE TABLE {c} (\"of \"\"it\" TEXT REFERENCES {t});
             CREATE INDEX \"i\"\"x\" ON {c} (\"of \"\"it\");
             INSERT INTO {t} VALUES ('a', NULL, 'x'), ('''); --', NULL, 'y'), ('\"', NULL, NULL);
             INSERT INTO {c} VALUES ('a'), ('a');
             CREATE TABLE x (y); CREATE TABLE quietus_ (z); CREATE TABLE quietus_0 (z);",
            t = quoted(table),
            k = quoted(key),
            d = quoted(day),
            c = quoted("select"),
        ));
        let scope = holding(table, &[key])
            .date(day, None)
            .dispose_with(&["select"])
            .fields(&["Order", "up", key])
            .scope();
        let records = round(&bench, &scope);
        assert_eq!(records.len(), 3);
        assert_eq!(bench.number("SELECT count(*) FROM x"), 0);
        let of_a = records.iter().find(|r| r.fields[1].as_deref() == Some("A")).unwrap();
        assert_eq!(of_a.members, 2);
    }

    #[test]
    fn a_missing_column_is_named_with_those_that_are_there() {
        let bench = Bench::new("CREATE TABLE t (id INTEGER PRIMARY KEY, day TEXT)");
        let fields = holding("t", &["id"]).date("day", None).fields(&["dya"]).scope();
        let refusal = bench.refusal(&fields);
        assert!(refusal.contains("no column `dya`") && refusal.contains("id, day"), "{refusal}");
        // A date that is no column is an expression, and a name in double quotes is no text.
        for source in ["dya", "\"dya\""] {
            let refusal = bench.refusal(&holding("t", &["id"]).date(source, None).scope());
            assert!(refusal.contains("no such column"), "{refusal}");
        }
    }

    #[test]
    fn owner_written_sql_only_reads_rows() {
        let bench = Bench::new(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, day TEXT); INSERT INTO t VALUES (1, NULL);",
        );
        for text in [
            "1) FROM t; DELETE FROM t; --",
            "1) FROM t UNION SELECT (1",
            "load_extension('x')",
            "count(*) > 0",
            "max(id) = 1",
            "row_number() over () = 1",
            "random() > 0",
            "randomblob(4) is not null",
            "(select count(*) from pragma_table_info('t')) > 0",
            "(select 1 from sqlite_dbpage) = 1",
            "id = ?1",
            "quietus_same(id) = 1",
            "writefile('/tmp/x', 'y')",
            "fts3_tokenizer('simple') is null",
            "id in (delete from t returning id)",
            "raise(abort, 'x')",
            "id; attach 'x' as y",
            "nosuch = 1",
            "\"nosuch\" = 1",
            "(1, 2)",
        ] {
            let scope = holding("t", &["id"]).date("day", None).filter(text).scope();
            let found = now(bench.inventory().survey(&scope));
            assert!(found.is_err(), "{text}");
        }
        assert_eq!(bench.number("SELECT count(*) FROM t"), 1);
        let fine =
            "id in (select max(id) from t) and day is not 'a;b' and length(day || '') is null";
        let scope = holding("t", &["id"]).date("day", None).filter(fine).scope();
        assert_eq!(bench.records(&scope).len(), 1);
    }
}
