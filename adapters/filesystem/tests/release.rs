//! Records of an interrupted order that will be kept after all.
#![expect(clippy::disallowed_methods, reason = "tests make and change files as other programs do")]

#[cfg(test)]
mod support;

use quietus_contract::Absence;
use support::{Tree, exists, refs, select, text, wait};

const CLAIM: &str = ".quietus-slot-5";

/// Under its own name it would pass for the record that it no longer is.
#[test]
fn a_file_that_was_overwritten_in_part_is_not_put_back() {
    let mut tree = Tree::new();
    tree.system("method", text("shred"));
    let path = tree.file("d/a", "content");
    let scope = select(&["d/*"]).scope();
    let records = tree.all(&scope);
    let claim = path.with_file_name(CLAIM);
    std::fs::rename(&path, &claim).unwrap();
    std::fs::write(&claim, "c\0\0\0\0\0t").unwrap();
    let released = wait(tree.disposer().release(&scope, &refs(&records)));
    assert!(released.is_err_and(|e| e.message.contains("1 records")), "someone has to look");
    assert!(!exists(&path) && exists(&claim));
    assert_eq!(tree.verify(&scope, &records), [Absence::Present]);
}

#[test]
fn a_record_of_which_a_file_is_gone_is_put_back_as_far_as_it_is_there() {
    let tree = Tree::new();
    let path = tree.file("d/a", "content");
    let sidecar = tree.file("d/a.json", "{}");
    let scope = select(&["d/*"]).set("sidecar", text("{path}.json")).scope();
    let records = tree.all(&scope);
    std::fs::remove_file(&path).unwrap();
    std::fs::rename(&sidecar, sidecar.with_file_name(CLAIM)).unwrap();
    let released = wait(tree.disposer().release(&scope, &refs(&records)));
    assert!(released.is_err_and(|e| e.message.contains("1 records")), "someone has to look");
    assert!(exists(&sidecar));
}

/// The order never reached it: what someone else did to it is none of a release's business.
#[test]
fn a_record_without_a_claim_is_left_as_it_is() {
    let tree = Tree::new();
    let path = tree.file("d/a", "content");
    let sidecar = tree.file("d/a.json", "{}");
    let scope = select(&["d/*"]).set("sidecar", text("{path}.json")).scope();
    let records = tree.all(&scope);
    std::fs::remove_file(&sidecar).unwrap();
    wait(tree.disposer().release(&scope, &refs(&records))).unwrap();
    std::fs::remove_file(&path).unwrap();
    wait(tree.disposer().release(&scope, &refs(&records))).unwrap();
}
