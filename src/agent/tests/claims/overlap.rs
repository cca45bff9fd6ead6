//! A record that two classes match goes only when both let it go.

use jiff::civil::date;
use quietus::durable::Durable;
use quietus::error::Exit;
use quietus::hold::{self, NewHold};
use quietus::programme::Folder;

use crate::world::{SCHEDULE, SYSTEMS, World, item, line, totals};

const TODAY: jiff::civil::Date = date(2026, 3, 12);

/// Both classes select from one shelf; OWN only what has its label.
fn world(own_retention: &str, own: &str) -> World {
    let (head, tail) = SCHEDULE.split_once("[class.OWN]").unwrap();
    let tail = tail
        .replace("1 year", own_retention)
        .replace("disposition = \"destroy\"\napproval    = \"each batch\"", own);
    let systems = SYSTEMS.replace("shelf  = \"own\"", "shelf  = \"std\"\nlabel  = \"both\"");
    let world = World::of(&format!("{head}[class.OWN]{tail}"), &systems);
    for (name, label) in [("A1", ""), ("A2", ""), ("B1", "both"), ("B2", "both")] {
        let mut item = item(date(2022, 1, 1), "7");
        item.label = label.to_owned();
        world.store.put("std", &[name.to_owned()], item);
    }
    world
}

const STANDING: &str = "disposition = \"destroy\"\napproval    = \"standing\"";

#[test]
fn a_record_of_two_classes_stays_while_one_of_them_keeps_it_and_is_reported() {
    let world = world("9 years", STANDING);
    let outcome = world.run().unwrap();
    let std = line(&outcome.runs[0], "STD");
    assert_eq!((std.disposed, std.overlapping, std.not_due), (2, 2, 2));
    assert_eq!(world.there().into_iter().collect::<Vec<_>>(), ["B1", "B2"]);
    let kept = &outcome.runs[0].counts[0].kept.0;
    assert_eq!(kept.get("OWN matches too, and keeps it"), Some(&2), "{kept:?}");
    assert_eq!(world.tap.sent(), ["A1", "A2"]);
}

#[test]
fn a_record_of_two_classes_goes_once_both_let_it_go_and_has_one_certificate() {
    let world = world("2 years", STANDING);
    let before = world.there();
    let outcome = world.run().unwrap();
    assert!(world.there().is_empty());
    assert!(totals(&outcome).disposed >= 4);
    world.agrees(&before);
}

#[test]
fn a_class_that_is_kept_for_ever_keeps_what_it_shares() {
    let permanent = "disposition = \"retain permanently\"";
    let (head, tail) = SCHEDULE.split_once("[class.OWN]").unwrap();
    let tail = tail
        .replace("retention   = \"1 year\"", "retention   = \"permanent\"")
        .replace("trigger     = \"closure\"\n", "");
    let tail = tail.replace("disposition = \"destroy\"\napproval    = \"each batch\"", permanent);
    let systems = SYSTEMS.replace(
        "shelf  = \"own\"\ndates  = { \"closure\" = \"closed\" }",
        "shelf  = \"std\"\nlabel  = \"both\"",
    );
    let world = World::of(&format!("{head}[class.OWN]{tail}"), &systems);
    let mut shared = item(date(2022, 1, 1), "7");
    shared.label = "both".to_owned();
    world.store.put("std", &["B1".to_owned()], shared);
    world.put("std", "A1", date(2022, 1, 1));
    assert_eq!(world.run_all().disposed, 1);
    assert!(world.there().contains("B1"));
}

#[test]
fn a_hold_on_one_class_holds_what_another_shares_with_it() {
    for after_the_plan in [false, true] {
        let world = world("2 years", STANDING);
        let plan = after_the_plan.then(|| world.plan(TODAY));
        let new = NewHold {
            matter: "M".into(),
            reason: "audit".into(),
            ordered_by: "CFO".into(),
            classes: vec!["OWN".into()],
            ..NewHold::default()
        };
        let folder = Folder::new(world.dir.path());
        hold::add(&folder, &Durable::new(), &world.adapters.forms(), &new, TODAY).unwrap();
        let outcome = match plan {
            Some(plan) => world.run_plan(&plan.plan.id).unwrap(),
            None => world.run().unwrap(),
        };
        assert_eq!(totals(&outcome).disposed, 2, "after the plan: {after_the_plan}");
        assert_eq!(world.there().into_iter().collect::<Vec<_>>(), ["B1", "B2"]);
        assert_eq!(line(&outcome.runs[0], "STD").held, 2);
    }
}

#[test]
fn a_class_whose_owner_signs_keeps_what_a_standing_one_shares_with_it() {
    let each = "disposition = \"destroy\"\napproval    = \"each batch\"";
    let world = world("2 years", each);
    let outcome = world.run().unwrap();
    assert_eq!(outcome.exit(), Exit::Partly);
    assert_eq!(world.there().into_iter().collect::<Vec<_>>(), ["B1", "B2"]);
    let plan = world.plans().remove(0);
    world.decide(&plan, quietus::approval::Decision::Approve, &[]);
    world.run().unwrap();
    assert!(world.there().is_empty(), "signed off, it goes");
    let before = ["A1", "A2", "B1", "B2"].map(str::to_owned).into();
    world.agrees(&before);
}

#[test]
fn a_class_that_is_reviewed_first_keeps_what_it_shares() {
    let review = "disposition = \"review\"\nreviewer = \"Archivist\"";
    let world = world("2 years", review);
    let outcome = world.run().unwrap();
    assert_eq!(world.there().into_iter().collect::<Vec<_>>(), ["B1", "B2"]);
    assert_eq!(line(&outcome.runs[0], "OWN").awaiting_review, 2);
}
