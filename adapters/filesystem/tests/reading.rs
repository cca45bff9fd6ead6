//! What is a record, in which order, and what is read of it.
#![expect(clippy::disallowed_methods, reason = "tests make and change files as other programs do")]

#[cfg(test)]
mod support;

#[cfg(test)]
mod reading {
    use std::os::unix::fs::symlink;
    use std::time::{Duration, SystemTime};

    use jiff::civil::date;
    use quietus_contract::{Cursor, DateValue, ErrorKind, Outcome, Record};

    use crate::support::{Tree, names, records, select, text, texts, wait};

    fn hostile() -> Vec<Vec<u8>> {
        let mut names: Vec<Vec<u8>> =
            ["a\nb", "-rf", "--", "ünï", "100%", "%41", "a\"b", "a\\b", "~", " ", "*", "?", "[a]"]
                .iter()
                .map(|name| name.as_bytes().to_vec())
                .collect();
        names.extend([vec![0xff, 0xfe], vec![b'x'; 255], b"\xc3".to_vec(), b"\x01\x7f".to_vec()]);
        names
    }

    #[test]
    fn hostile_names_round_trip_and_stay_different() {
        let tree = Tree::new();
        for name in hostile() {
            tree.file([b"d/".as_slice(), &name].concat(), "x");
        }
        // As a folder, too.
        tree.file(b"d/\xff/%/-", "x");
        let scope = select(&["**"]).scope();
        let found = tree.all(&scope);
        assert_eq!(found.len(), hostile().len() + 1);
        let mut unique = names(&found);
        unique.dedup();
        assert_eq!(unique.len(), found.len());
        assert!(unique.contains(&"d/%FF%FE".to_owned()) && unique.contains(&"d/%2541".to_owned()));
        let locators: Vec<_> = found.iter().map(|r| r.reference.locator.clone()).collect();
        let looked = wait(tree.inventory().look(&scope, &locators)).unwrap();
        assert!(
            looked
                .iter()
                .zip(&found)
                .all(|(l, f)| { l.as_ref().is_some_and(|l| l.reference == f.reference) })
        );
        let gone = Outcome::Disposed { members: 0 };
        assert!(tree.dispose(&scope, &found).iter().all(|outcome| *outcome == gone));
        assert!(tree.all(&scope).is_empty());
    }

    #[test]
    fn every_page_size_and_every_restart_gives_each_record_once() {
        let tree = Tree::new();
        for name in [
            "a", "a.txt", "a-b/c", "a/b", "b/c/d", "b/c.d", "b/c/e/f", "b.c/d", "c/1", "c/10",
            "c/2", "z/z/z/z",
        ] {
            // `a` is a folder by then, or a file; either way.
            let path = tree.path(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap_or_default();
            std::fs::write(path, "x").unwrap_or_default();
        }
        let scope = select(&["**"]).scope();
        let all: Vec<String> = in_order(&tree.all(&scope));
        let mut sorted = all.clone();
        sorted.sort_by_key(|p| p.split('/').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(all, sorted);
        for limit in 1..=all.len() + 1 {
            let reader = tree.inventory();
            assert_eq!(in_order(&records(reader.as_ref(), &scope, limit)), all, "{limit}");
        }
        let (mut again, mut cursor) = (Vec::new(), None);
        loop {
            let page = wait(tree.inventory().page(&scope, cursor.as_ref(), 2)).unwrap();
            again.extend(in_order(&page.records));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(again, all, "by a new instance for each page");
    }

    fn in_order(records: &[Record]) -> Vec<String> {
        records.iter().map(|r| r.reference.locator.parts().concat()).collect()
    }

    #[test]
    fn a_cursor_whose_file_and_folder_are_gone_still_works() {
        let tree = Tree::new();
        for name in ["a/1", "b/1", "b/2", "c/1"] {
            tree.file(name, "x");
        }
        let scope = select(&["**"]).scope();
        let reader = tree.inventory();
        let page = wait(reader.page(&scope, None, 2)).unwrap();
        assert_eq!(in_order(&page.records), ["a/1", "b/1"]);
        std::fs::rename(tree.path("b"), tree.path("q")).unwrap();
        tree.file("b", "a file now");
        let rest = wait(tree.inventory().page(&scope, page.next.as_ref(), 10)).unwrap();
        assert_eq!(in_order(&rest.records), ["c/1", "q/1", "q/2"]);
        for odd in [&b""[..], b"/", b"///", b"zz", b"\xff", b"b/1/../x"] {
            let cursor = Cursor(odd.to_vec());
            wait(tree.inventory().page(&scope, Some(&cursor), 10)).unwrap();
        }
    }

    #[test]
    fn dates_and_fields_come_from_path_time_stamp_and_sidecar() {
        let tree = Tree::new();
        let path = tree.file("HR/V-12/2023-04/cv.pdf", "x");
        let stamp = SystemTime::UNIX_EPOCH + Duration::new(1_600_000_000, 5);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(stamp).unwrap();
        tree.file("HR/V-12/2023-04/cv.pdf.json", r#"{"decided": "2023-05-01", "who": "p-7"}"#);
        tree.file("HR/V-13/undated/cv.pdf", "x");
        let scope = select(&["HR/{vacancy}/{date:applied}/**"])
            .set("sidecar", text("{path}.json"))
            .date("mtime")
            .date("path:applied")
            .date("sidecar:decided")
            .field("vacancy")
            .field("file_name")
            .field("folder")
            .field("sidecar:who")
            .field("owner")
            .scope();
        let found = tree.all(&scope);
        let moment = jiff::Timestamp::new(1_600_000_000, 5).unwrap();
        assert_eq!(
            found[0].dates,
            [
                DateValue::Moment(moment),
                DateValue::Day(date(2023, 4, 30)),
                DateValue::Day(date(2023, 5, 1))
            ]
        );
        let fields: Vec<_> = found[0].fields.iter().take(4).map(|f| f.as_deref()).collect();
        let folder = Some("HR/V-12/2023-04");
        assert_eq!(fields, [Some("V-12"), Some("cv.pdf"), folder, Some("p-7")]);
        assert!(found[0].fields[4].is_some());
        assert!(matches!(found[1].dates[1], DateValue::Unreadable(_)), "it is reported");
        assert_eq!(found[1].dates[2], DateValue::Absent);
    }

    #[test]
    fn bounds_leave_out_only_what_is_later() {
        let tree = Tree::new();
        for name in ["2019-01-01", "2021-01-01", "9999-12-31", "never"] {
            tree.file(format!("{name}/x"), "x");
        }
        let scope = select(&["{date:d}/*"]).date("path:d").bound(date(2020, 1, 1)).scope();
        assert_eq!(names(&tree.all(&scope)), ["2019-01-01/x", "9999-12-31/x", "never/x"]);
    }

    #[test]
    fn a_selection_that_the_tree_cannot_honour_is_misconfigured() {
        let tree = Tree::new();
        for (scope, part) in [
            (select(&["a//b"]).scope(), "two slashes"),
            (select(&["/a"]).scope(), "slash"),
            (select(&["a/{x}"]).date("path:x").scope(), "{date:x}"),
            (select(&["a"]).date("sidecar:x").scope(), "no `sidecar`"),
            (select(&["a"]).date("ctime").scope(), "no date source"),
            (select(&["{a}"]).field("b").scope(), "there are a, owner"),
            (select(&["a"]).set("except_paths", texts(&["{x}"])).scope(), "captures"),
            (select(&["a"]).set("sidecar", text("x.json")).scope(), "{path}"),
            (select(&["a"]).set("sidecar", text("{path}/x.json")).scope(), "{path}"),
            (select(&["a"]).anonymise().scope(), "anonymised"),
        ] {
            let error = wait(tree.inventory().survey(&scope)).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Misconfigured);
            assert!(error.message.contains(part), "{}", error.message);
        }
    }

    #[test]
    fn survey_says_which_store_how_many_and_what_it_is_worth() {
        let tree = Tree::new();
        for name in ["a/1", "a/2", "b/1", "loose"] {
            tree.file(name, "x");
        }
        symlink("1", tree.path("a/link")).unwrap();
        tree.file(".recycle/user/a/1", "x");
        let scope = select(&["a/*"]).scope();
        let survey = wait(tree.inventory().survey(&scope)).unwrap();
        assert_eq!(survey.store, "filesystem:share");
        assert_eq!(survey.population, Some(2));
        assert!(survey.residual.copies.iter().any(|c| c.kind == "trash"));
        let text = format!("{survey:?}").to_lowercase();
        assert!(!text.contains("saniti"), "the word is for whole devices");
        let uncovered = wait(tree.inventory().uncovered(&[scope])).unwrap();
        let found: Vec<_> = uncovered.iter().map(|u| u.container.as_str()).collect();
        assert_eq!(found, [".", ".recycle", "b"]);
    }

    #[test]
    fn what_editors_and_recycle_folders_keep_is_seen() {
        let tree = Tree::new();
        tree.file("a/letter", "x");
        tree.file("a/letter~", "x");
        tree.file(".recycle/letter", "x");
        let scope = select(&["a/letter"]).scope();
        let plan = crate::support::refs(&tree.all(&scope));
        let residual = wait(tree.inventory().residual_copies(&scope, &plan)).unwrap();
        for kind in ["editor-backup", "trash"] {
            let seen = residual.copies.iter().find(|c| c.kind == kind && c.records == Some(1));
            assert!(seen.is_some(), "{kind}: {residual:?}");
        }
        assert_eq!(residual.knowledge, quietus_contract::Knowledge::Unknown);
    }

    #[test]
    fn two_roots_are_two_targets() {
        let (one, other) = (Tree::new(), Tree::new());
        let identity = |tree: &Tree| wait(tree.inventory().probe()).unwrap().identity;
        assert_eq!(identity(&one), identity(&one));
        assert_ne!(identity(&one), identity(&other));
    }
}
