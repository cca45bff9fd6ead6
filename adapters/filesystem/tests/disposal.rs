//! What is disposed of, and what stays.
#![expect(clippy::disallowed_methods, reason = "tests make and change files as other programs do")]

#[cfg(test)]
mod support;

use std::os::unix::fs::{PermissionsExt, symlink};

use quietus_contract::{Absence, Checked, Outcome};

use support::{Tree, exists, names, order, refs, select, text, wait};

const GONE: Absence = Absence::Absent(Checked::ByRecord);

#[test]
fn exactly_the_ordered_records_go() {
    let tree = Tree::new();
    for name in ["a/b/1", "a/b/2", "a/bc/1", "a/b.txt", "z"] {
        tree.file(name, name);
    }
    let scope = select(&["a/b/**"]).scope();
    let records = tree.all(&scope);
    assert_eq!(names(&records), ["a/b/1", "a/b/2"]);
    let planned = records[..1].to_vec();
    assert_eq!(tree.verify(&scope, &records), [Absence::Present, Absence::Present]);
    assert_eq!(tree.dispose(&scope, &planned), [Outcome::Disposed { members: 0 }]);
    assert_eq!(tree.verify(&scope, &records), [GONE, Absence::Present]);
    assert_eq!(tree.dispose(&scope, &planned), [Outcome::AlreadyAbsent]);
    for name in ["a/b/2", "a/bc/1", "a/b.txt", "z"] {
        assert!(exists(&tree.path(name)), "{name}");
    }
    assert!(tree.path("a/b").is_dir(), "folders stay");
}

#[test]
fn an_order_larger_than_one_thread_answers_in_order() {
    let tree = Tree::new();
    for n in 0..1500 {
        tree.file(format!("d{:02}/f{n:04}", n % 90), "x");
    }
    let scope = select(&["**"]).scope();
    let records = tree.all(&scope);
    assert_eq!(records.len(), 1500);
    let kept = tree.path("d07/f0007");
    std::fs::write(&kept, "changed").unwrap();
    let outcomes = tree.dispose(&scope, &records);
    for (record, outcome) in records.iter().zip(&outcomes) {
        let changed = record.reference.locator.parts() == ["d07/f0007"];
        let expected = if changed { Outcome::Changed } else { Outcome::Disposed { members: 0 } };
        assert_eq!(*outcome, expected);
    }
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), "changed");
    assert_eq!(tree.all(&scope).len(), 1);
}

#[test]
fn a_changed_record_is_left_alone() {
    let tree = Tree::new();
    let scope = select(&["*"]).scope();
    type Change = (&'static str, fn(&std::path::Path));
    let changes: [Change; 5] = [
        ("content", |p| std::fs::write(p, "other").unwrap()),
        ("mode", |p| std::fs::set_permissions(p, std::fs::Permissions::from_mode(0o600)).unwrap()),
        ("link", |p| std::fs::hard_link(p, p.with_extension("2")).unwrap()),
        ("replaced", |p| {
            std::fs::write(p.with_extension("new"), "first").unwrap();
            std::fs::rename(p.with_extension("new"), p).unwrap();
        }),
        ("time", |p| {
            let file = std::fs::File::options().write(true).open(p).unwrap();
            file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        }),
    ];
    for (name, change) in changes {
        let path = tree.file(name, "first");
        let records = tree.all(&scope);
        change(&path);
        assert_eq!(tree.dispose(&scope, &records), [Outcome::Changed], "{name}");
        assert_eq!(tree.verify(&scope, &records), [Absence::Newer], "{name}");
        assert!(exists(&path), "{name}");
        for left in std::fs::read_dir(&tree.root).unwrap() {
            std::fs::remove_file(left.unwrap().path()).unwrap();
        }
    }
}

#[test]
fn a_record_made_anew_under_the_same_name_survives() {
    let tree = Tree::new();
    let scope = select(&["*"]).scope();
    let path = tree.file("a", "old");
    let records = tree.all(&scope);
    assert_eq!(tree.dispose(&scope, &records), [Outcome::Disposed { members: 0 }]);
    tree.file("a", "new");
    assert_eq!(tree.dispose(&scope, &records), [Outcome::Changed]);
    assert_eq!(tree.verify(&scope, &records), [Absence::Newer]);
    assert_eq!(std::fs::read_to_string(path).unwrap(), "new");
}

#[test]
fn links_and_special_files_are_no_records() {
    let tree = Tree::new();
    let outside = tree.folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("secret"), "x").unwrap();
    tree.file("a/file", "x");
    symlink(&outside, tree.path("a/folder")).unwrap();
    symlink(outside.join("secret"), tree.path("a/link")).unwrap();
    symlink("file", tree.path("a/near")).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(tree.path("a/socket")).unwrap();
    let pipe = tree.path("a/pipe");
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, kind, 0o600.into(), 0).unwrap();
    let scope = select(&["**"]).scope();
    let records = tree.all(&scope);
    assert_eq!(names(&records), ["a/file"]);
    assert_eq!(tree.dispose(&scope, &records), [Outcome::Disposed { members: 0 }]);
    assert!(exists(&outside.join("secret")) && exists(&pipe));
}

#[test]
fn a_folder_swapped_for_a_link_leads_nowhere() {
    let tree = Tree::new();
    let outside = tree.folder.path().join("outside");
    let scope = select(&["a/**"]).scope();
    tree.file("a/b/x", "x");
    let records = tree.all(&scope);
    std::fs::rename(tree.path("a/b"), &outside).unwrap();
    symlink(&outside, tree.path("a/b")).unwrap();
    assert!(matches!(tree.dispose(&scope, &records)[..], [Outcome::Refused { .. }]));
    assert!(matches!(tree.verify(&scope, &records)[..], [Absence::Unknown { .. }]));
    assert!(exists(&outside.join("x")));
    assert!(tree.all(&scope).is_empty());
}

#[test]
fn a_file_with_other_names_is_refused_unless_the_holding_says_so() {
    let tree = Tree::new();
    let path = tree.file("in/a", "x");
    let other = tree.folder.path().join("other");
    std::fs::hard_link(&path, &other).unwrap();
    let scope = select(&["in/*"]).scope();
    let records = tree.all(&scope);
    assert!(matches!(tree.dispose(&scope, &records)[..], [Outcome::Refused { .. }]));
    assert!(exists(&path));

    let scope = select(&["in/*"]).set("hard_links", text("unlink")).scope();
    let records = tree.all(&scope);
    assert_eq!(tree.dispose(&scope, &records), [Outcome::Disposed { members: 0 }]);
    assert_eq!(tree.verify(&scope, &records), [GONE]);
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "x");
    let residual = wait(tree.inventory().residual_copies(&scope, &refs(&records))).unwrap();
    assert!(residual.copies.iter().any(|c| c.kind == "hard-link" && c.records == Some(1)));
}

/// Names under which a killed run may have left a file.
const CLAIMS: [&str; 3] = [".quietus-slot-0", ".quietus-slot-3", ".quietus-slot-5"];

#[test]
fn a_claim_that_a_killed_run_left_is_still_the_record() {
    for claim in CLAIMS {
        let tree = Tree::new();
        let path = tree.file("d/a%", "x");
        tree.file("d/b", "x");
        let scope = select(&["d/*"]).scope();
        let records = tree.all(&scope);
        let claim = &path.with_file_name(claim);
        std::fs::rename(&path, claim).unwrap();
        assert_eq!(tree.verify(&scope, &records), [Absence::Present, Absence::Present]);
        assert_eq!(names(&tree.all(&scope)), ["d/b"], "a claim is no record");
        let survey = wait(tree.inventory().survey(&scope)).unwrap();
        assert!(survey.notes.iter().any(|note| note.contains(".quietus-")), "{survey:?}");

        std::fs::write(&path, "made anew").unwrap();
        let gone = Outcome::Disposed { members: 0 };
        assert_eq!(tree.dispose(&scope, &records), [gone.clone(), gone], "{claim:?}");
        assert!(!exists(claim));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "made anew");
    }
}

#[test]
fn another_orders_claim_survives_in_any_slot() {
    for claim in CLAIMS {
        let tree = Tree::new();
        let path = tree.file("d/a", "x");
        let scope = select(&["d/*"]).scope();
        let interrupted = tree.all(&scope);
        let claim = &path.with_file_name(claim);
        std::fs::rename(&path, claim).unwrap();
        tree.file("d/b", "x");
        tree.file("d/c", "x");
        let others = tree.all(&scope);
        let gone = Outcome::Disposed { members: 0 };
        assert_eq!(tree.dispose(&scope, &others), [gone.clone(), gone.clone()]);
        assert_eq!(tree.verify(&scope, &interrupted), [Absence::Present]);
        assert_eq!(tree.dispose(&scope, &interrupted), [gone]);
    }
}

#[test]
fn what_will_not_be_disposed_of_gets_its_name_back() {
    for claim in CLAIMS {
        let tree = Tree::new();
        let path = tree.file("d/a", "x");
        let scope = select(&["d/*"]).scope();
        let records = tree.all(&scope);
        std::fs::rename(&path, path.with_file_name(claim)).unwrap();
        wait(tree.disposer().release(&scope, &refs(&records))).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "x");
        wait(tree.disposer().release(&scope, &refs(&records))).unwrap();

        std::fs::rename(&path, path.with_file_name(claim)).unwrap();
        std::fs::write(&path, "made anew").unwrap();
        let lost = wait(tree.disposer().release(&scope, &refs(&records)));
        assert!(lost.is_err_and(|e| e.message.contains("1 files")), "never over another file");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "made anew");
    }
}

#[test]
fn a_record_named_twice_or_linked_to_another_is_harmless() {
    let tree = Tree::new();
    tree.file("a", "x");
    let scope = select(&["*"]).set("hard_links", text("unlink")).scope();
    let mut records = tree.all(&scope);
    records.push(records[0].clone());
    let gone = Outcome::Disposed { members: 0 };
    assert_eq!(tree.dispose(&scope, &records), [gone.clone(), Outcome::AlreadyAbsent]);

    let path = tree.file("b", "x");
    std::fs::hard_link(&path, tree.path("c")).unwrap();
    tree.file("d", "x");
    let records = tree.all(&scope);
    // To lose one name is a change of the other; the next run sees it as it is then.
    assert_eq!(tree.dispose(&scope, &records), [gone.clone(), Outcome::Changed, gone.clone()]);
    let records = tree.all(&scope);
    assert_eq!(names(&records), ["c"]);
    assert_eq!(tree.dispose(&scope, &records), [gone]);
}

#[test]
fn an_order_that_names_what_the_holding_does_not_select_is_refused() {
    let tree = Tree::new();
    let path = tree.file("b/x", "x");
    let records = tree.all(&select(&["b/*"]).scope());
    let scope = select(&["a/*"]).scope();
    assert!(matches!(tree.dispose(&scope, &records)[..], [Outcome::Refused { .. }]));
    assert!(exists(&path));
}

#[test]
fn a_sidecar_goes_with_its_record() {
    let tree = Tree::new();
    let path = tree.file("a.pdf", "x");
    let side = tree.file("a.pdf.meta.toml", "closed = 2020-01-01\n");
    tree.file("b.pdf", "x");
    let scope =
        select(&["*"]).set("sidecar", text("{path}.meta.toml")).date("sidecar:closed").scope();
    let records = tree.all(&scope);
    assert_eq!(names(&records), ["a.pdf", "b.pdf"]);
    assert_eq!(records[0].members, 1);
    assert_eq!(tree.dispose(&scope, &records[..1]), [Outcome::Disposed { members: 1 }]);
    assert!(!exists(&path) && !exists(&side));
    assert_eq!(tree.verify(&scope, &records), [GONE, Absence::Present]);
}

#[test]
fn a_changed_sidecar_keeps_its_record() {
    let tree = Tree::new();
    let path = tree.file("a.pdf", "x");
    let side = tree.file("a.pdf.json", r#"{"closed": "2020-01-01"}"#);
    let scope = select(&["*"]).set("sidecar", text("{path}.json")).date("sidecar:closed").scope();
    let records = tree.all(&scope);
    std::fs::write(&side, r#"{"closed": "2030-01-01"}"#).unwrap();
    assert_eq!(tree.dispose(&scope, &records), [Outcome::Changed]);
    std::fs::remove_file(&side).unwrap();
    assert_eq!(tree.dispose(&scope, &records), [Outcome::Changed]);
    assert!(exists(&path));
    let records = tree.all(&scope);
    std::fs::write(&side, "{}").unwrap();
    assert_eq!(tree.dispose(&scope, &records), [Outcome::Changed], "one that appeared, too");
}

#[test]
fn a_record_whose_sidecar_is_left_is_not_gone() {
    let tree = Tree::new();
    let path = tree.file("a.pdf", "x");
    let side = tree.file("a.pdf.json", "{}");
    let scope = select(&["*"]).set("sidecar", text("{path}.json")).scope();
    let records = tree.all(&scope);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(tree.verify(&scope, &records), [Absence::Present]);
    assert_eq!(tree.dispose(&scope, &records), [Outcome::Disposed { members: 1 }]);
    assert!(!exists(&side));
    assert_eq!(tree.verify(&scope, &records), [GONE]);
}

#[test]
fn a_missing_folder_means_absent_and_a_closed_one_unknown() {
    let tree = Tree::new();
    tree.file("a/b/c/x", "x");
    let scope = select(&["a/**"]).scope();
    let records = tree.all(&scope);
    std::fs::rename(tree.path("a/b"), tree.path("q")).unwrap();
    assert_eq!(tree.verify(&scope, &records), [GONE]);
    assert_eq!(tree.dispose(&scope, &records), [Outcome::AlreadyAbsent]);
    tree.file("a/b", "a file now");
    assert_eq!(tree.verify(&scope, &records), [GONE]);
}

#[test]
fn another_root_under_the_same_path_is_the_wrong_target() {
    let tree = Tree::new();
    tree.file("a", "x");
    let scope = select(&["*"]).scope();
    let disposer = tree.disposer();
    let records = support::records(disposer.as_ref(), &scope, 10);
    std::fs::rename(&tree.root, tree.folder.path().join("moved")).unwrap();
    std::fs::create_dir(&tree.root).unwrap();
    assert!(wait(disposer.dispose(&order(&scope, &refs(&records)))).is_err());
    let absences = wait(disposer.verify_absent(&scope, &refs(&records))).unwrap();
    assert!(matches!(absences[..], [Absence::Unknown { .. }]));
    assert!(exists(&tree.folder.path().join("moved/a")));
}
