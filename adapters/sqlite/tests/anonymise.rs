//! Records that stay without what identifies a person.

#[cfg(test)]
mod common;

#[cfg(test)]
mod anonymise {
    use quietus_contract::{Absence, Checked, MethodClass, Outcome, Scope};

    use crate::common::{Bench, Make, holding, now};

    fn bench() -> Bench {
        Bench::new(
            "CREATE TABLE person (id INTEGER PRIMARY KEY, seen TEXT, name TEXT, mail TEXT NOT NULL,
                 born TEXT, score INTEGER, boss INTEGER REFERENCES person, ref TEXT UNIQUE);
             CREATE TABLE badge (holder TEXT REFERENCES person (ref));
             CREATE TRIGGER touched AFTER UPDATE ON person
                 BEGIN UPDATE person SET seen = '2030-01-01' WHERE id = new.id; END;
             INSERT INTO person VALUES (1, '2020-01-01', 'Ann', 'ann@x', '1980-05-31', 5, NULL, 'a'),
                 (2, '2020-01-01', NULL, 'gone', '1980', 6, 1, 'b'),
                 (3, '2020-01-01', 'Cy', 'cy@x', 'May', 7, 1, NULL);",
        )
    }

    fn make() -> Make {
        holding("person", &["id"]).date("seen", None)
    }

    fn scope() -> Scope {
        make()
            .anonymise(&[
                ("name", "null"),
                ("mail", "constant:gone"),
                ("born", "generalise:year"),
                ("boss", "null"),
            ])
            .scope()
    }

    #[test]
    fn what_identifies_goes_and_the_rest_stays() {
        let bench = bench();
        let survey = now(bench.inventory().survey(&scope())).unwrap();
        assert_eq!(survey.method.class, MethodClass::Anonymise);
        let records = bench.records(&scope());
        assert_eq!(records.len(), 3);
        let outcomes = bench.dispose(&scope(), &records);
        assert!(outcomes.iter().all(|o| *o == Outcome::Disposed { members: 0 }), "{outcomes:?}");
        let rows = "SELECT group_concat(id || ':' || coalesce(name, '-') || ':' || mail || ':' ||
                    coalesce(born, '-') || ':' || score || ':' || coalesce(boss, '-')) FROM person";
        let rows: String = bench.raw().query_row(rows, [], |row| row.get(0)).unwrap();
        assert_eq!(rows, "1:-:gone:1980:5:-,2:-:gone:1980:6:-,3:-:gone:-:7:-");
        // The application's own trigger moved the date; that does not bring a record back.
        assert!(bench.records(&scope()).is_empty());
        let gone = Absence::Absent(Checked::ByRecord);
        assert!(bench.verify(&scope(), &records).iter().all(|a| *a == gone));
        let again = bench.dispose(&scope(), &records);
        assert!(again.iter().all(|o| *o == Outcome::AlreadyAbsent), "{again:?}");
    }

    #[test]
    fn what_cannot_be_anonymised_is_refused_with_the_reason() {
        for (column, treatment, reason) in [
            ("id", "null", "part of the key"),
            ("mail", "null", "may not be null"),
            ("ref", "constant:x", "keeps its values different"),
            ("ref", "null", "rows of another table refer to it"),
            ("boss", "constant:1", "refers to another table"),
            ("name", "scramble", "write `null`"),
            ("nmae", "null", "no column"),
        ] {
            let refusal = bench().refusal(&make().anonymise(&[(column, treatment)]).scope());
            assert!(refusal.contains(reason), "{column} {treatment}: {refusal}");
        }
    }

    #[test]
    fn a_check_of_the_table_concerns_its_record_alone() {
        let bench = Bench::new(
            "CREATE TABLE p (id INTEGER PRIMARY KEY, seen TEXT, name TEXT,
                 CHECK (id <> 2 OR name IS NOT NULL));
             INSERT INTO p VALUES (1, NULL, 'a'), (2, NULL, 'b'), (3, NULL, 'c');",
        );
        let scope = holding("p", &["id"]).date("seen", None).anonymise(&[("name", "null")]).scope();
        let outcomes = bench.dispose(&scope, &bench.records(&scope));
        assert!(matches!(outcomes[1], Outcome::Refused { .. }), "{outcomes:?}");
        assert_eq!(bench.number("SELECT count(name) FROM p"), 1);
    }
}
