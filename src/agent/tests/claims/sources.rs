//! Where dates and rules come from, and what certificates and disclosures say of them.

use std::path::PathBuf;

use jiff::civil::date;
use quietus::auditing::{self, Trust};
use quietus::durable::Durable;
use quietus_evidence::RecordOutcome;
use quietus_evidence::bundle::Selection;

use crate::world::{OLD, SCHEDULE, SYSTEMS, World, item, line};

/// Records of STD whose closure stands in a register.
fn with_register() -> World {
    let systems = SYSTEMS.replacen(
        "dates   = { \"closure\" = \"closed\" }",
        "dates   = { \"closure\" = \"register:closures\" }\nevent   = \"{file}\"",
        1,
    );
    let world = World::of(SCHEDULE, &systems);
    std::fs::create_dir(world.path("events")).unwrap();
    world.write(
        "events/closures.toml",
        "[[event]]\nrecord = \"F-1\"\ndate = 2020-05-04\n\n[[event]]\nrecord = \"F-2\"\ndate = 2026-01-04\n",
    );
    for n in 1..=3 {
        let mut record = item(OLD, "7");
        record.fields.insert("file".to_owned(), format!("F-{n}"));
        world.store.put("std", &[format!("S{n}")], record);
    }
    world
}

#[test]
fn a_register_gives_the_date_and_a_record_that_is_not_in_it_waits_for_its_event() {
    let world = with_register();
    let outcome = world.run().unwrap();
    let std = line(&outcome.runs[0], "STD");
    assert_eq!((std.disposed, std.not_due, std.awaiting_event), (1, 1, 1));
    assert_eq!(world.tap.sent(), ["S1"]);
    world.verified();
}

#[test]
fn an_event_that_is_entered_later_makes_its_record_due() {
    let world = with_register();
    world.run().unwrap();
    let text = std::fs::read_to_string(world.path("events/closures.toml")).unwrap();
    let more = "\n[[event]]\nrecord = \"F-3\"\ndate = 2021-05-04\n";
    world.write("events/closures.toml", &(text + more));
    world.wait_days(1);
    assert_eq!(world.run_all().disposed, 1);
    assert_eq!(world.tap.sent(), ["S1", "S3"]);
}

#[test]
fn a_register_that_changed_after_the_plan_makes_the_plan_stale() {
    let world = with_register();
    let plan = world.plan(date(2026, 3, 12));
    world.edit("events/closures.toml", "2020-05-04", "2026-03-01");
    assert_eq!(world.run_plan(&plan.plan.id).unwrap_err().code.name, "plan_stale");
    assert_eq!(world.tap.orders(), 0);
}

#[test]
fn each_jurisdiction_has_its_own_certificate_with_its_own_rule_and_law() {
    let schedule = SCHEDULE
        .replace(
            "[class.STD]",
            "[authorities.AO-147]\ncitation = \"Section 147 AO\"\n\n[class.STD]",
        )
        .replace(
            "[class.OWN]",
            "[class.STD.in.DE]\nretention = \"3 years\"\nauthority = [\"AO-147\"]\n\n[class.OWN]",
        );
    let systems = SYSTEMS.replacen(
        "subject = \"customer:{customer}\"",
        "subject = \"customer:{customer}\"\njurisdiction = \"{country}\"",
        1,
    );
    let world = World::of(&schedule, &systems);
    for (name, country, closed) in [
        ("J1", "JM", date(2020, 1, 1)),
        ("J2", "JM", date(2024, 1, 1)),
        ("D1", "DE", date(2020, 1, 1)),
        ("D2", "DE", date(2024, 1, 1)),
    ] {
        let mut record = item(closed, "7");
        record.fields.insert("country".to_owned(), country.to_owned());
        world.store.put("std", &[name.to_owned()], record);
    }
    let outcome = world.run().unwrap();
    assert_eq!(line(&outcome.runs[0], "STD").disposed, 3);
    assert!(world.there().contains("D2"));
    let report = world.verified();
    let said: Vec<(String, Vec<String>, u64)> = report
        .certificates
        .iter()
        .map(|c| {
            let result = &c.result;
            let law = result.authority.legal_basis.clone();
            (result.scope.rule.clone(), law, result.scope.counts.destroyed)
        })
        .collect();
    let of = |word: &str| said.iter().find(|(rule, ..)| rule.contains(word)).unwrap();
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(
        *of("in DE"),
        ("in DE: 3 years after closure".into(), vec!["Section 147 AO".into()], 1)
    );
    assert_eq!(*of("1 year"), ("1 year after closure".into(), vec!["Business need".into()], 2));
}

fn disclose(world: &World, record: &str) -> Result<PathBuf, quietus::error::UserError> {
    let key = serde_json::to_string(&[record]).unwrap();
    let bytes =
        world.as_agent(Durable::new(), |agent| auditing::disclose(agent, "main", &key, None))?;
    let path = world.path(&format!("{record}.disclosure"));
    Durable::new().write_new(&path, &bytes).unwrap();
    Ok(path)
}

#[test]
fn the_disposal_of_one_named_record_is_proved_from_a_bundle_alone() {
    let world = World::new();
    world.put_many("std", "S", 9, OLD);
    world.run_all();
    let opened = disclose(&world, "S005").unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let bundle = elsewhere.path().join("evidence.tar");
    let opened = [opened];
    let durable = Durable::new();
    auditing::export(world.dir.path(), &durable, Selection::Full, &opened, &bundle).unwrap();
    drop(world);
    let report = auditing::verify_path(&bundle, Trust::default()).unwrap();
    assert!(report.is_met(), "{:#?}", report.findings);
    assert_eq!(report.disclosures.len(), 1);
    assert_eq!(report.disclosures[0].record_key, "[\"S005\"]");
    assert_eq!(report.disclosures[0].line.outcome, RecordOutcome::Destroyed);
    let text = std::fs::read(&bundle).unwrap();
    let names = |name: &[u8]| text.windows(name.len()).any(|window| window == name);
    assert!(names(b"S005") && !names(b"S004"), "it says nothing of any other record");
}

#[test]
fn a_record_that_was_never_planned_has_no_disclosure() {
    let world = World::new();
    world.put_many("std", "S", 3, OLD);
    world.put("std", "K001", date(2026, 1, 1));
    world.run_all();
    for name in ["K001", "S004", ""] {
        assert_eq!(disclose(&world, name).unwrap_err().code.name, "not_found", "{name:?}");
    }
}

#[test]
fn a_disclosure_of_another_record_is_found_out() {
    let world = World::new();
    world.put_many("std", "S", 3, OLD);
    world.run_all();
    let opened = disclose(&world, "S001").unwrap();
    let text = std::fs::read_to_string(&opened).unwrap();
    std::fs::write(&opened, text.replace("S001", "S002")).unwrap();
    let trust = Trust { disclosures: &[opened], ..Trust::default() };
    let report = auditing::verify_path(world.dir.path(), trust).unwrap();
    assert!(!report.is_met());
    assert!(report.disclosures.is_empty());
}
