//! A process that disposes of files is killed at random moments; the same order, repeated, ends
//! it. (The agent's own crash tests have the journal in between.)
#![expect(clippy::disallowed_methods, reason = "tests make and change files as other programs do")]

#[cfg(test)]
mod support;

#[cfg(test)]
mod killed {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use quietus_contract::{Absence, Outcome, Scope};

    use crate::support::{Tree, order, refs, select, text, wait};

    const ROOT: &str = "QUIETUS_TEST_KILLED_ROOT";
    const MODE: &str = "QUIETUS_TEST_KILLED_MODE";
    const BEGINS: &str = "the order begins";
    const RECORDS: usize = 400;

    fn scope(mode: &str) -> Scope {
        let scope = select(&["d*/f*"]);
        if mode == "sidecar" { scope.set("sidecar", text("{path}.json")) } else { scope }.scope()
    }

    fn method(tree: &mut Tree, mode: &str) {
        tree.system("method", text(if mode == "shred" { "shred" } else { "delete" }));
    }

    /// What the child does: the whole order, then nothing until it is killed.
    #[test]
    fn child_that_is_killed() {
        let (Ok(root), Ok(mode)) = (std::env::var(ROOT), std::env::var(MODE)) else { return };
        // Within the parent's folder, since what is killed cleans nothing up.
        let folder = std::path::Path::new(&root).parent().unwrap();
        let mut tree = Tree::in_folder(tempfile::tempdir_in(folder).unwrap());
        tree.system("root", text(&root));
        method(&mut tree, &mode);
        let scope = scope(&mode);
        let disposer = tree.disposer();
        let plan = refs(&crate::support::records(disposer.as_ref(), &scope, 1000));
        println!("{BEGINS}");
        wait(disposer.dispose(&order(&scope, &plan))).unwrap();
        std::thread::sleep(Duration::from_secs(60));
    }

    fn run_and_kill(tree: &Tree, mode: &str, after: Duration) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::child_that_is_killed", "--nocapture"])
            .env(ROOT, &tree.root)
            .env(MODE, mode)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        let mut lines = BufReader::new(output).lines();
        assert!(lines.any(|line| line.unwrap().contains(BEGINS)));
        std::thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn names_below(tree: &Tree) -> Vec<String> {
        let walk = walkdir::WalkDir::new(&tree.root).sort_by_file_name();
        let files = walk.into_iter().map(Result::unwrap).filter(|e| e.file_type().is_file());
        files.map(|e| e.file_name().to_str().unwrap().to_owned()).collect()
    }

    /// Returns whether the kill met the order within.
    fn a_round(mode: &str, after: Duration, release: bool) -> bool {
        // In memory where there is some: a kill is no power cut, so the disk is not the subject.
        let memory = std::path::Path::new("/dev/shm");
        let mut tree = match memory.is_dir() {
            true => Tree::in_folder(tempfile::tempdir_in(memory).unwrap()),
            false => Tree::new(),
        };
        method(&mut tree, mode);
        for n in 0..RECORDS {
            tree.file(format!("d{}/f{n}", n % 4), "x");
            if mode == "sidecar" {
                tree.file(format!("d{}/f{n}.json", n % 4), "{}");
            }
        }
        for n in 0..4 {
            tree.file(format!("d{n}/keep"), "kept");
        }
        let scope = scope(mode);
        let plan = tree.all(&scope);
        assert_eq!(plan.len(), RECORDS);
        run_and_kill(&tree, mode, after);

        let absences = tree.verify(&scope, &plan);
        let gone = absences.iter().filter(|a| matches!(a, Absence::Absent(_))).count();
        let there = absences.iter().filter(|a| **a == Absence::Present).count();
        assert_eq!(gone + there, RECORDS, "each is there or gone: {absences:?}");
        if release {
            let released = wait(tree.disposer().release(&scope, &refs(&plan)));
            // Of records that the order had begun to destroy, one for each thread at most.
            let broken = released.err().map_or(0, |lost| {
                assert!(lost.message.contains("begun to destroy"), "{lost}");
                lost.message.split(' ').next().unwrap().parse().unwrap()
            });
            assert!(broken == 0 || (broken <= 4 && mode != "plain"), "{broken}");
            let left = names_below(&tree);
            let claims = left.iter().filter(|name| name.starts_with(".quietus-")).count();
            assert!(claims <= broken, "{left:?}");
            let named = left.iter().filter(|n| n.starts_with('f') && !n.contains('.')).count();
            assert_eq!(named + broken, there, "each that is whole has its name back");
        } else {
            for outcome in tree.dispose(&scope, &plan) {
                let ended = matches!(outcome, Outcome::Disposed { .. } | Outcome::AlreadyAbsent);
                assert!(ended, "{outcome:?}");
            }
            assert_eq!(names_below(&tree), ["keep"; 4]);
        }
        gone > 0 && there > 0
    }

    #[test]
    fn a_repeated_order_ends_what_a_kill_broke_off() {
        for mode in ["plain", "sidecar", "shred"] {
            let rounds = if std::env::var_os("QUIETUS_DEEP").is_some() { 400 } else { 32 };
            // From a first moment to one when all is done; the longest is found by trying.
            let (mut within, mut span) = (0, 2000);
            for round in 0..rounds {
                let after = Duration::from_micros(span * (round % 8 + 1) / 8);
                if a_round(mode, after, round % 2 == 1) {
                    within += 1;
                } else if round % 8 == 7 {
                    span *= 2;
                }
            }
            println!("killed: {mode}, {within} of {rounds} within the order");
            assert!(within > 0, "no kill met an order of {mode}");
        }
    }
}
