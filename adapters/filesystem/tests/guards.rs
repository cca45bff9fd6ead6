//! What keeps a file, and who may not see it.
#![expect(clippy::disallowed_methods, reason = "tests make and change files as other programs do")]

#[cfg(test)]
mod support;

#[cfg(test)]
mod guards {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    use std::path::Path;

    use quietus_contract::{Absence, ErrorKind, Outcome};
    use rustix::fs::IFlags;
    use rustix::process::{Gid, Uid};

    use crate::support::{Tree, names, order, refs, select, text, wait};

    fn set_flag(path: &Path, flag: IFlags, on: bool) -> std::io::Result<()> {
        let file = std::fs::File::open(path)?;
        let mut flags = rustix::fs::ioctl_getflags(&file)?;
        flags.set(flag, on);
        Ok(rustix::fs::ioctl_setflags(&file, flags)?)
    }

    #[test]
    fn an_immutable_or_append_only_file_is_held() {
        let tree = Tree::new();
        let scope = select(&["*"]).scope();
        for (flag, word) in [(IFlags::IMMUTABLE, "immutable"), (IFlags::APPEND, "append-only")] {
            let path = tree.file("a", "x");
            let before = tree.all(&scope);
            if let Err(why) = set_flag(&path, flag, true) {
                println!("flags cannot be set here ({why}); not tried");
                return;
            }
            let held = tree.all(&scope);
            let hold = held[0].target_hold.clone().unwrap();
            assert!(hold.kind.contains(word));
            for records in [&before, &held] {
                let outcomes = tree.dispose(&scope, records);
                assert!(matches!(&outcomes[..], [Outcome::Held { by, .. }] if by.contains(word)));
            }
            assert_eq!(tree.verify(&scope, &held), [Absence::Present]);
            set_flag(&path, flag, false).unwrap();
            let records = tree.all(&scope);
            assert_eq!(tree.dispose(&scope, &records), [Outcome::Disposed { members: 0 }]);
        }
    }

    const NOBODY: u32 = 65_534;

    /// Runs as an account without rights: in a thread of its own, if this is root.
    fn as_nobody<T: Send>(run: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                if rustix::process::geteuid().is_root() {
                    let (uid, gid) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
                    rustix::thread::set_thread_groups(&[]).unwrap();
                    rustix::thread::set_thread_res_gid(gid, gid, gid).unwrap();
                    rustix::thread::set_thread_res_uid(uid, uid, uid).unwrap();
                }
                run()
            });
            thread.join().unwrap()
        })
    }

    /// A tree that belongs to the account without rights, where this is root.
    fn tree_of_nobody() -> Tree {
        let tree = Tree::new();
        for name in ["a/x", "a/y", "b/x"] {
            tree.file(name, "x");
        }
        if rustix::process::geteuid().is_root() {
            for entry in walkdir::WalkDir::new(tree.folder.path()) {
                chown(entry.unwrap().path(), Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        tree
    }

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_closed_folder_is_an_error_and_not_an_empty_holding() {
        let tree = tree_of_nobody();
        set_mode(&tree.path("a"), 0o000);
        as_nobody(|| {
            let page = wait(tree.inventory().page(&select(&["**"]).scope(), None, 10));
            let error = page.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Denied);
            assert!(!error.message.contains("a/"), "no locator in an error: {error}");
            assert!(error.help.unwrap().contains("except_paths"));
            let excepted = ["a", "a/**"].map(|except| {
                let set = crate::support::texts(&[except]);
                names(&tree.all(&select(&["**"]).set("except_paths", set).scope()))
            });
            assert_eq!(excepted, [["b/x"], ["b/x"]]);
        });
        set_mode(&tree.path("a"), 0o755);
    }

    #[test]
    fn what_the_account_may_not_see_is_unknown_and_stays() {
        let tree = tree_of_nobody();
        let scope = select(&["a/*"]).scope();
        let mut records = tree.all(&scope);
        std::fs::rename(tree.path("a/y"), tree.path("b/y")).unwrap();
        set_mode(&tree.path("a"), 0o000);
        as_nobody(|| {
            for absence in tree.verify(&scope, &records) {
                assert!(matches!(absence, Absence::Unknown { .. }), "{absence:?}");
            }
            for outcome in tree.dispose(&scope, &records) {
                assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
            }
        });
        set_mode(&tree.path("a"), 0o555);
        records = tree.all(&scope);
        as_nobody(|| {
            let outcomes = tree.dispose(&scope, &records);
            assert!(matches!(&outcomes[..], [Outcome::Refused { .. }]), "{outcomes:?}");
            assert_eq!(tree.verify(&scope, &records), [Absence::Present]);
        });
        set_mode(&tree.path("a"), 0o755);
        assert!(tree.path("a/x").exists());
    }

    #[test]
    fn overwriting_leaves_a_file_with_other_names_alone() {
        let mut tree = Tree::new();
        tree.system("method", text("shred"));
        let scope = select(&["*"]).scope();
        let path = tree.file("a", "content");
        let other = tree.folder.path().join("other");
        std::fs::hard_link(&path, &other).unwrap();
        let records = tree.all(&scope);
        assert!(matches!(tree.dispose(&scope, &records)[..], [Outcome::Refused { .. }]));
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "content");
        let both = select(&["*"]).set("hard_links", text("unlink")).scope();
        let survey = wait(tree.inventory().survey(&both));
        assert_eq!(survey.unwrap_err().kind, ErrorKind::Misconfigured);
    }

    #[test]
    fn overwriting_a_sparse_file_does_not_fill_the_disk() {
        let mut tree = Tree::new();
        tree.system("method", text("shred"));
        let path = tree.file("sparse", "head");
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_len(1 << 40).unwrap();
        drop(file);
        tree.file("empty", "");
        let scope = select(&["*"]).scope();
        let records = tree.all(&scope);
        let gone = Outcome::Disposed { members: 0 };
        // A terabyte of holes: seconds, if holes were written, would be hours.
        assert_eq!(tree.dispose(&scope, &records), [gone.clone(), gone]);
    }

    #[test]
    fn overwriting_reaches_a_program_that_has_the_file_open() {
        use std::io::Read;
        let mut tree = Tree::new();
        tree.system("method", text("shred"));
        let path = tree.file("a", &"secret".repeat(100_000));
        let mut open = std::fs::File::open(&path).unwrap();
        let scope = select(&["*"]).scope();
        let records = tree.all(&scope);
        assert_eq!(tree.dispose(&scope, &records), [Outcome::Disposed { members: 0 }]);
        let mut left = Vec::new();
        open.read_to_end(&mut left).unwrap();
        assert_eq!(left.len(), 600_000, "the size stays");
        assert!(left.iter().all(|b| *b == 0));
        assert_eq!(open.metadata().unwrap().nlink(), 0);
    }

    #[test]
    fn the_root_cannot_be_the_whole_computer_or_nothing() {
        for (root, kind) in [
            ("/", ErrorKind::Misconfigured),
            ("root/../../../../../../../../../..", ErrorKind::Misconfigured),
            ("missing", ErrorKind::Unreachable),
            ("root/file", ErrorKind::Unreachable),
        ] {
            let mut tree = Tree::new();
            tree.file("file", "x");
            tree.system("root", text(root));
            let opened = wait(quietus_contract::Adapter::open_inventory(
                &quietus_filesystem::Filesystem,
                &tree.config(),
            ));
            assert_eq!(opened.err().map(|e| e.kind), Some(kind), "{root}");
        }
    }

    #[test]
    fn a_dropped_disposer_and_a_repeated_order_harm_nothing() {
        let tree = Tree::new();
        for n in 0..400 {
            tree.file(format!("d{}/f{n}", n % 3), "x");
        }
        let scope = select(&["**"]).scope();
        let plan = refs(&tree.all(&scope));
        let half = order(&scope, &plan[..200]);
        for _ in 0..2 {
            let disposer = tree.disposer();
            wait(disposer.dispose(&half)).unwrap();
        }
        assert_eq!(tree.all(&scope).len(), 200);
    }
}
