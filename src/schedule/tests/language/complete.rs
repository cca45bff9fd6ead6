//! The complete example of the specification.

use quietus_schedule::{Severity, check, print};

use crate::common;

#[test]
fn the_complete_example_has_no_error() {
    let sources = common::programme(&common::schedules().join("valid/complete"));
    let checked = check(&sources, common::FORMS);
    let errors: Vec<_> =
        checked.defects.iter().filter(|d| d.severity == Severity::Error).cloned().collect();
    assert!(errors.is_empty(), "{}", common::render(&sources, &errors));
    let programme = checked.programme.unwrap();
    assert_eq!(programme.schedule.classes.len(), 13);
    assert_eq!(programme.systems.len(), 7);
    assert_eq!(programme.holdings.len(), 14);
    assert_eq!(programme.holds.len(), 2);
    assert!(programme.schedule.approved());
}

#[test]
fn the_sentences_are_those_of_the_specification() {
    let folder = common::schedules().join("valid/complete");
    let programme = check(&common::programme(&folder), common::FORMS).programme.unwrap();
    let expected = std::fs::read_to_string(folder.join("sentences.txt")).unwrap();
    assert_eq!(print::sentences(&programme), expected);
}

#[test]
fn the_complete_example_warns_of_unchecked_authorities_and_of_a_wide_hold() {
    let sources = common::programme(&common::schedules().join("valid/complete"));
    let checked = check(&sources, common::FORMS);
    insta::assert_snapshot!(common::render(&sources, &checked.defects));
}

#[test]
fn what_the_meeting_signs_has_owners_and_authorities() {
    let folder = common::schedules().join("valid/complete");
    let programme = check(&common::programme(&folder), common::FORMS).programme.unwrap();
    insta::assert_snapshot!(print::signing(&programme));
}
