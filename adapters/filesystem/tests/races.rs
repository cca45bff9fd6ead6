//! Path races: threads swap files and folders under the adapter's hands.
//!
//! A round has planned files, decoys beside them and decoys outside the root under the same
//! names. Two threads swap without pause: a planned file with a decoy (exchange, or out of the
//! way and back), a decoy's hard link into its place, its folder with a link that leads out, or
//! with a folder from outside. They never remove a file, so that every file that is missing in
//! the end was destroyed by the adapter. Each file has its own text; the whole folder is read
//! after each round.
#![expect(clippy::disallowed_methods, reason = "tests make and change files as other programs do")]

#[cfg(test)]
mod support;

#[cfg(test)]
mod races {
    use std::collections::BTreeMap;
    use std::os::unix::fs::{MetadataExt, symlink};
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    use quietus_contract::{Disposer, Outcome, RecordRef, Scope};
    use rustix::fs::{CWD, RenameFlags, renameat_with};

    use crate::support::{Tree, order, refs, select, text, wait};

    const FOLDERS: usize = 4;
    const FILES: usize = 24;
    /// Swaps that the adapter must stand, over all rounds; ten times as many in the long tier.
    const SWAPS_MIN: u64 = 100_000;
    const TIME_MAX: Duration = Duration::from_secs(120);

    /// How a victim disposes of records: the adapter, or something that the harness must catch.
    type Victim = fn(&Round, &[RecordRef]) -> Vec<Outcome>;

    /// One round's folder.
    struct Round {
        tree: Tree,
        scope: Scope,
        disposer: Box<dyn Disposer>,
        paths: Vec<Vec<u8>>,
        /// The record that is being disposed of, so that the swappers aim at it.
        now: AtomicUsize,
        swaps: AtomicU64,
        stop: AtomicBool,
    }

    fn file_names() -> Vec<Vec<u8>> {
        let mut names: Vec<Vec<u8>> = vec![
            b"-rf".to_vec(),
            b"new\nline".to_vec(),
            b"not-utf8-\xff\xfe".to_vec(),
            b"..hidden".to_vec(),
            b"%2e%2e%2f".to_vec(),
            "ünïcödé-🦀".as_bytes().to_vec(),
            vec![b'l'; 255],
            vec![b'm'; 230],
        ];
        names.extend((names.len()..FILES).map(|n| format!("scan {n}").into_bytes()));
        names
    }

    impl Round {
        fn new(at: &Path, method: &str) -> Self {
            let mut tree = Tree::in_folder(tempfile::tempdir_in(at).unwrap());
            tree.system("method", text(method));
            let outside = tree.folder.path().join("outside");
            let mut paths = Vec::new();
            for folder in 0..FOLDERS {
                let out = outside.join(format!("d{folder}"));
                std::fs::create_dir_all(&out).unwrap();
                for (n, name) in file_names().into_iter().enumerate() {
                    let path = [format!("d{folder}/").as_bytes(), &name].concat();
                    tree.file(&path, &format!("planned {folder} {n}"));
                    let decoy = format!("d{folder}/.decoy {n}");
                    tree.file(&decoy, &format!("decoy {folder} {n}"));
                    let outer = out.join(tree.path(&path).file_name().unwrap());
                    std::fs::write(&outer, format!("outer {folder} {n}")).unwrap();
                    let link = tree.path(format!("d{folder}/.link {n}"));
                    std::fs::hard_link(&outer, link).unwrap();
                    paths.push(path);
                }
            }
            let scope = select(&["**"])
                .set("except_paths", crate::support::texts(&["*/.decoy *", "*/.link *"]))
                .scope();
            let disposer = tree.disposer();
            let (now, swaps) = (AtomicUsize::new(0), AtomicU64::new(0));
            let stop = AtomicBool::new(false);
            Self { tree, scope, disposer, paths, now, swaps, stop }
        }

        fn plan(&self) -> Vec<RecordRef> {
            let mut plan = refs(&self.tree.all(&self.scope));
            assert_eq!(plan.len(), FOLDERS * FILES);
            plan.sort_by_key(|r| {
                self.paths
                    .iter()
                    .position(|p| self.tree.root.join(path_of(r)) == self.tree.path(p))
                    .unwrap()
            });
            plan
        }

        /// Disposes of the plan record by record, several times, while others swap.
        fn run(&self, victim: Victim) -> BTreeMap<usize, Outcome> {
            let plan = self.plan();
            let mut disposed = BTreeMap::new();
            std::thread::scope(|scope| {
                scope.spawn(|| self.swap_files());
                scope.spawn(|| self.swap_folders());
                // Orders of one and of several: the next claim then destroys the one before.
                for length in [1, 8, 3, 1, 8, 1] {
                    for (n, records) in plan.chunks(length).enumerate() {
                        self.now.store(n * length, Ordering::Relaxed);
                        let outcomes = victim(self, records);
                        assert_eq!(outcomes.len(), records.len());
                        let numbered = (n * length..).zip(outcomes);
                        disposed.extend(numbered.filter(|(_, outcome)| {
                            matches!(
                                outcome,
                                Outcome::Disposed { .. } | Outcome::Indeterminate { .. }
                            )
                        }));
                    }
                }
                self.stop.store(true, Ordering::Relaxed);
            });
            disposed
        }

        fn swap_files(&self) {
            let mut dice = Dice::new();
            while !self.stop.load(Ordering::Relaxed) {
                let aim = dice.near(self.now.load(Ordering::Relaxed), self.paths.len());
                let (folder, n) = (aim / FILES, aim % FILES);
                let planned = self.tree.path(&self.paths[aim]);
                let other = ["decoy", "link"][dice.below(2)];
                let other = self.tree.path(format!("d{folder}/.{other} {n}"));
                if dice.below(2) == 0 {
                    if self.swapped(&planned, &other, RenameFlags::EXCHANGE) {
                        dice.wait();
                        self.swapped(&planned, &other, RenameFlags::EXCHANGE);
                    }
                    continue;
                }
                let aside = self.tree.path(format!("d{folder}/.aside {n}"));
                let fresh = RenameFlags::NOREPLACE;
                let away = self.swapped(&planned, &aside, fresh);
                let there = self.swapped(&other, &planned, fresh);
                dice.wait();
                if there {
                    self.swapped(&planned, &other, fresh);
                }
                if away {
                    self.swapped(&aside, &planned, fresh);
                }
            }
        }

        fn swap_folders(&self) {
            let mut dice = Dice::new();
            let outside = self.tree.folder.path().join("outside");
            while !self.stop.load(Ordering::Relaxed) {
                let name = format!("d{}", self.now.load(Ordering::Relaxed) / FILES);
                let (inner, outer) = (self.tree.path(&name), outside.join(&name));
                match dice.below(3) {
                    0 => {
                        let away = outside.join(format!("{name} away"));
                        if !self.swapped(&inner, &away, RenameFlags::NOREPLACE) {
                            continue;
                        }
                        let way = format!("../outside/{name}");
                        symlink(&way, &inner).unwrap();
                        dice.wait();
                        std::fs::remove_file(&inner).unwrap();
                        assert!(self.swapped(&away, &inner, RenameFlags::NOREPLACE));
                    }
                    _ => {
                        assert!(self.swapped(&inner, &outer, RenameFlags::EXCHANGE));
                        dice.wait();
                        assert!(self.swapped(&inner, &outer, RenameFlags::EXCHANGE));
                    }
                }
                // Leave the adapter some time with the folder in its place.
                std::thread::sleep(Duration::from_micros(30));
            }
        }

        fn swapped(&self, one: &Path, other: &Path, flags: RenameFlags) -> bool {
            let done = renameat_with(CWD, one, CWD, other, flags).is_ok();
            self.swaps.fetch_add(u64::from(done), Ordering::Relaxed);
            done
        }

        /// Reads the whole folder and returns what should be there and is not, or is not as it
        /// was.
        fn violations(&self, disposed: &BTreeMap<usize, Outcome>) -> Vec<String> {
            let mut found: BTreeMap<String, u64> = BTreeMap::new();
            let mut violations = Vec::new();
            for entry in walkdir::WalkDir::new(self.tree.folder.path()) {
                let entry = entry.unwrap();
                if entry.file_type().is_file() {
                    let bytes = std::fs::read(entry.path()).unwrap();
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    *found.entry(text).or_default() += 1;
                    let links = entry.metadata().unwrap().nlink();
                    if links > 2 {
                        violations.push(format!("{links} names of one file"));
                    }
                }
            }
            for folder in 0..FOLDERS {
                for n in 0..FILES {
                    let mut expect = |what: &str, count: u64| {
                        let text = format!("{what} {folder} {n}");
                        let seen = found.remove(&text).unwrap_or(0);
                        if seen != count {
                            violations.push(format!("{text}: {seen} of {count}"));
                        }
                    };
                    expect("decoy", 1);
                    expect("outer", 2);
                    match disposed.get(&(folder * FILES + n)) {
                        Some(Outcome::Disposed { .. }) => expect("planned", 0),
                        Some(_) => {}
                        None => expect("planned", 1),
                    }
                }
            }
            violations.extend(found.keys().filter(|t| !t.starts_with("planned")).cloned());
            violations
        }
    }

    fn path_of(record: &RecordRef) -> PathBuf {
        // The locator's own text is not the adapter's way to a path: decoded here once more.
        let text = record.locator.parts().concat();
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((byte, after)) = rest.split_first() {
            rest = after;
            if *byte == b'%' {
                let digits = std::str::from_utf8(&rest[..2]).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
                rest = &rest[2..];
            } else {
                bytes.push(*byte);
            }
        }
        PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes))
    }

    struct Dice(u64);

    impl Dice {
        fn new() -> Self {
            let mut seed = [0; 8];
            getrandom::fill(&mut seed).unwrap();
            Self(u64::from_le_bytes(seed) | 1)
        }

        fn below(&mut self, n: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 >> 33).unwrap() % n
        }

        /// Mostly the record itself, sometimes one of the next.
        fn near(&mut self, now: usize, of: usize) -> usize {
            (now + [0, 0, 0, 1, 2, 5, 7][self.below(7)]) % of
        }

        /// A moment of random length, so that swaps meet every step of the adapter.
        fn wait(&mut self) {
            for _ in 0..self.below(2000) {
                std::hint::spin_loop();
            }
        }
    }

    fn adapter(round: &Round, records: &[RecordRef]) -> Vec<Outcome> {
        wait(round.disposer.dispose(&order(&round.scope, records))).unwrap_or_else(|_| {
            records.iter().map(|_| Outcome::Indeterminate { reason: "error".into() }).collect()
        })
    }

    /// What a script does: removes by path.
    fn by_path(round: &Round, records: &[RecordRef]) -> Vec<Outcome> {
        let remove = |r: &RecordRef| std::fs::remove_file(round.tree.root.join(path_of(r)));
        records.iter().map(|r| answer(remove(r).is_ok())).collect()
    }

    /// What a careful script does: looks whether it is still the planned file, then removes.
    fn look_then_unlink(round: &Round, records: &[RecordRef]) -> Vec<Outcome> {
        let remove = |r: &RecordRef| {
            let path = round.tree.root.join(path_of(r));
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            text.starts_with("planned") && std::fs::remove_file(path).is_ok()
        };
        records.iter().map(|r| answer(remove(r))).collect()
    }

    fn answer(gone: bool) -> Outcome {
        if gone { Outcome::Disposed { members: 0 } } else { Outcome::Changed }
    }

    /// A folder in memory where there is one: an fsync for each record is not the subject here.
    fn places() -> [PathBuf; 2] {
        let memory = PathBuf::from("/dev/shm");
        let disk = std::env::temp_dir();
        if memory.is_dir() { [memory, disk] } else { [disk.clone(), disk] }
    }

    #[test]
    fn no_swap_makes_the_adapter_destroy_what_was_not_planned() {
        let start = Instant::now();
        let (mut swaps, mut rounds, mut gone) = (0, 0, 0);
        let times: u32 = if std::env::var_os("QUIETUS_DEEP").is_some() { 10 } else { 1 };
        while swaps < SWAPS_MIN * u64::from(times) {
            assert!(start.elapsed() < TIME_MAX * times, "{swaps} swaps in {rounds} rounds");
            // Every eighth round on a disk, every fourth with overwriting.
            let [memory, disk] = places();
            let method = if rounds % 4 == 2 { "shred" } else { "delete" };
            let round = Round::new(if rounds % 8 == 7 { &disk } else { &memory }, method);
            let disposed = round.run(adapter);
            let violations = round.violations(&disposed);
            assert!(violations.is_empty(), "{violations:#?}");
            swaps += round.swaps.load(Ordering::Relaxed);
            rounds += 1;
            gone += disposed.len();
        }
        println!(
            "races: {swaps} swaps, {rounds} rounds, {gone} records disposed of, 0 violations, \
             {:.1} s",
            start.elapsed().as_secs_f64()
        );
        assert!(gone > 0, "nothing was disposed of: the races were never run");
    }

    /// A harness that finds nothing must be able to.
    fn is_caught(victim: Victim) {
        let found = (0..60).any(|_| {
            let round = Round::new(&places()[0], "delete");
            let disposed = round.run(victim);
            !round.violations(&disposed).is_empty()
        });
        assert!(found, "the harness did not catch it");
    }

    #[test]
    fn removal_by_path_is_caught() {
        is_caught(by_path);
    }

    #[test]
    fn looking_before_removing_is_caught() {
        is_caught(look_then_unlink);
    }
}
