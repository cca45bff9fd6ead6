//! The complete example of the specification.

use quietus_schedule::{Severity, check, print};

#[test]
fn the_complete_example_has_no_error() {
    let sources = crate::common::programme(&crate::common::schedules().join("valid/complete"));
    let checked = check(&sources, crate::common::FORMS);
    let errors: Vec<_> =
        checked.defects.iter().filter(|d| d.severity == Severity::Error).cloned().collect();
    assert!(errors.is_empty(), "{}", crate::common::render(&sources, &errors));
    let programme = checked.programme.unwrap();
    assert_eq!(programme.schedule.classes.len(), 13);
    assert_eq!(programme.systems.len(), 7);
    assert_eq!(programme.holdings.len(), 14);
    assert_eq!(programme.holds.len(), 2);
    assert!(programme.schedule.approved());
}

#[test]
fn the_sentences_are_those_of_the_specification() {
    let folder = crate::common::schedules().join("valid/complete");
    let programme =
        check(&crate::common::programme(&folder), crate::common::FORMS).programme.unwrap();
    let expected = std::fs::read_to_string(folder.join("sentences.txt")).unwrap();
    assert_eq!(print::sentences(&programme), expected);
}

#[test]
fn the_warnings_of_the_complete_example_are_about_unchecked_authorities() {
    let sources = crate::common::programme(&crate::common::schedules().join("valid/complete"));
    let checked = check(&sources, crate::common::FORMS);
    insta::assert_snapshot!(crate::common::render(&sources, &checked.defects));
}
