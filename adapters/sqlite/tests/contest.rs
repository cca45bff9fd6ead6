//! Another program changes rows while they are disposed of.

#[cfg(test)]
mod common;

#[cfg(test)]
mod contest {
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use quietus_contract::Outcome;

    use crate::common::{Bench, holding, now, order};

    const ROWS: i64 = 4_000;

    #[test]
    fn no_row_that_someone_changed_is_lost() {
        // Alone, rows are swept; with members, each is read and deleted by itself.
        for members in ["", "CREATE TABLE sub (t INTEGER REFERENCES t ON DELETE CASCADE);"] {
            let bench = Bench::new(&format!(
                "PRAGMA journal_mode = WAL;
                 CREATE TABLE t (id INTEGER PRIMARY KEY, day TEXT, note TEXT); {members}
                 WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {ROWS})
                     INSERT INTO t SELECT n, '2020-01-01', 'old' FROM n;"
            ));
            let scope = holding("t", &["id"]).date("day", None).scope();
            let records = bench.records(&scope);
            let disposer = bench.disposer();
            let done = AtomicBool::new(false);
            let (changed, disposed) = std::thread::scope(|threads| {
                let changing = threads.spawn(|| change(&bench, &done));
                let mut disposed = BTreeSet::new();
                for part in records.chunks(50) {
                    let outcomes = now(disposer.dispose(&order(&scope, part))).unwrap();
                    for (record, outcome) in part.iter().zip(outcomes) {
                        let id: i64 = record.reference.locator.parts()[0].parse().unwrap();
                        match outcome {
                            Outcome::Disposed { .. } => assert!(disposed.insert(id)),
                            other => assert_eq!(other, Outcome::Changed),
                        }
                    }
                    std::thread::sleep(Duration::from_millis(1));
                }
                done.store(true, Ordering::Relaxed);
                (changing.join().unwrap(), disposed)
            });
            assert!(changed.len() > 20, "only {} rows were changed", changed.len());
            assert!(changed.is_disjoint(&disposed), "a changed row was disposed of");
            let left = bench.number("SELECT count(*) FROM t");
            assert_eq!(left, ROWS - i64::try_from(disposed.len()).unwrap());
            let intact = bench.number("SELECT count(*) FROM t WHERE note = 'new'");
            assert_eq!(intact, i64::try_from(changed.len()).unwrap());
        }
    }

    /// Changes rows all over the table; returns those that were there to be changed.
    fn change(bench: &Bench, done: &AtomicBool) -> BTreeSet<i64> {
        let raw = bench.raw();
        raw.busy_timeout(Duration::from_secs(10)).unwrap();
        raw.pragma_update(None, "synchronous", "OFF").unwrap();
        let mut changed = BTreeSet::new();
        let mut id = 1;
        while !done.load(Ordering::Relaxed) {
            id = (id + 1_597) % ROWS + 1;
            let sql = "UPDATE t SET note = 'new' WHERE id = ?1 AND note = 'old'";
            if raw.execute(sql, [id]).unwrap() == 1 {
                changed.insert(id);
            }
        }
        changed
    }
}
