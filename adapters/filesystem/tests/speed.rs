//! What the adapter itself costs, without agent and evidence. Not a test: run it by hand with
//! `cargo test -p quietus-filesystem --release --test speed -- --ignored --nocapture`.
#![expect(clippy::disallowed_methods, reason = "tests make and change files as other programs do")]

#[cfg(test)]
mod support;

#[cfg(test)]
mod speed {
    use std::process::Command;
    use std::time::Instant;

    use quietus_contract::{Absence, Outcome};

    use crate::support::{Tree, order, records, refs, select, wait};

    const FOLDERS: usize = 100;
    const FILES: usize = 1000;
    const ORDER: usize = 4096;

    fn filled() -> Tree {
        let tree = Tree::new();
        for folder in 0..FOLDERS {
            std::fs::create_dir(tree.path(format!("d{folder:03}"))).unwrap();
            for file in 0..FILES {
                let path = tree.path(format!("d{folder:03}/scan-{file:05}.txt"));
                std::fs::write(path, [b'x'; 1024]).unwrap();
            }
        }
        std::fs::File::open(&tree.root).map(rustix::fs::syncfs).unwrap().unwrap();
        tree
    }

    fn timed<T>(what: &str, run: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = run();
        println!("{what}: {:.3} s", start.elapsed().as_secs_f64());
        result
    }

    #[test]
    #[ignore = "a measurement, not a test"]
    fn pages_disposal_and_verification_against_find() {
        for _ in 0..2 {
            let tree = filled();
            let status = timed("find -delete", || {
                Command::new("find").arg(&tree.root).args(["-type", "f", "-delete"]).status()
            });
            assert!(status.unwrap().success());

            let tree = filled();
            let scope = select(&["d*/*.txt"]).date("mtime").scope();
            let reader = tree.inventory();
            let survey = timed("survey", || wait(reader.survey(&scope))).unwrap();
            assert_eq!(survey.population, u64::try_from(FOLDERS * FILES).ok());
            let found = timed("page", || records(reader.as_ref(), &scope, ORDER));
            assert_eq!(found.len(), FOLDERS * FILES);
            let plan = refs(&found);
            let disposer = tree.disposer();
            timed("dispose", || {
                for part in plan.chunks(ORDER) {
                    let outcomes = wait(disposer.dispose(&order(&scope, part))).unwrap();
                    assert!(outcomes.iter().all(|o| matches!(o, Outcome::Disposed { .. })));
                }
            });
            timed("verify_absent", || {
                for part in plan.chunks(ORDER) {
                    let found = wait(reader.verify_absent(&scope, part)).unwrap();
                    assert!(found.iter().all(|a| matches!(a, Absence::Absent(_))));
                }
            });
            timed("residual_copies", || {
                for part in plan.chunks(ORDER) {
                    wait(reader.residual_copies(&scope, part)).unwrap();
                }
            });
        }
    }
}
