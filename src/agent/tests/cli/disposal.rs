//! From the plan to the certificate, and what the commands say on the way.

use super::bench::Bench;

const AS_OF: &str = "2025-01-01";

#[test]
fn a_plan_is_approved_carried_out_and_proved() {
    let bench = Bench::shop();
    let key = bench.text("keys/finance.key");
    let text = bench.transcript(&[
        &["plan", "--as-of", AS_OF, "--records"],
        &["approve", "--key", &key, "--except", "3", "--reason", "in dispute"],
        &["run", "--as-of", AS_OF],
        &["status"],
    ]);
    insta::assert_snapshot!(text);
    assert_eq!((bench.count("invoice"), bench.count("invoice_line")), (4, 2));
    assert_eq!(bench.count("visitor"), 1);
}

#[test]
fn what_was_done_is_proved_from_the_bundle_alone() {
    let bench = Bench::shop();
    let key = bench.text("keys/finance.key");
    bench.run(&["plan", "--as-of", AS_OF]);
    assert_eq!(bench.run(&["approve", "--key", &key]).exit, 0);
    assert_eq!(bench.run(&["run", "--as-of", AS_OF]).exit, 0);
    assert_eq!(bench.run(&["evidence", "export", "bundle.tar"]).exit, 0);
    assert_eq!(bench.run(&["evidence", "disclose", "shop", "1", "one.json"]).exit, 2);
    let disclose = ["evidence", "disclose", "shop", "1", "one.json", "--class", "FIN-010"];
    assert_eq!(bench.run(&disclose).exit, 0);
    bench.write("policy", &bench.run(&["key", "policy"]).out);
    let auditor = tempfile::tempdir().unwrap();
    for file in ["bundle.tar", "one.json", "policy"] {
        std::fs::copy(bench.path(file), auditor.path().join(file)).unwrap();
    }
    let verify = [
        "verify",
        "bundle.tar",
        "--policy",
        "policy",
        "--disclosure",
        "one.json",
        "--output",
        "json",
    ];
    let said = bench.command(&verify, auditor.path());
    let answer = said.json();
    assert_eq!((said.exit, &answer["level"]), (0, &"SIGNED".into()), "{}", said.out);
    assert_eq!(answer["disclosures"][0]["outcome"], "destroyed");
    assert_eq!(answer["disclosures"][0]["record"], "[\"1\"]");
    assert_eq!(answer["records"], 4);
    let more = ["verify", "bundle.tar", "--policy", "policy", "--level", "witnessed"];
    assert_eq!(bench.command(&more, auditor.path()).exit, 5);
    let folder = ["verify", &bench.text(""), "--policy", "policy"];
    assert_eq!(bench.command(&folder, auditor.path()).exit, 0);
}

#[test]
fn a_verification_says_what_it_found_and_what_it_did_not_check() {
    let bench = Bench::shop();
    bench.run(&["run", "--as-of", AS_OF]);
    bench.run(&["run", "--as-of", AS_OF]);
    bench.write("policy", &bench.run(&["key", "policy"]).out);
    bench.run(&["evidence", "export", "bundle.tar"]);
    insta::assert_snapshot!(bench.transcript(&[
        &["verify", "bundle.tar"],
        &["verify", "bundle.tar", "--policy", "policy"],
        &["verify", "bundle.tar", "--policy", "bundle.tar"],
        &["verify", "bundle.tar", "--level", "perfect"],
        &["evidence", "export", "bundle.tar"],
    ]));
}

#[test]
fn a_changed_bundle_is_invalid() {
    let bench = Bench::shop();
    bench.run(&["run", "--as-of", AS_OF]);
    bench.run(&["evidence", "export", "bundle.tar"]);
    let mut bytes = std::fs::read(bench.path("bundle.tar")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let changed = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut changed.as_file(), &bytes).unwrap();
    let said = bench.run(&["verify", changed.path().to_str().unwrap()]);
    assert_eq!(said.exit, 5);
    assert!(said.out.starts_with("INVALID"), "{}", said.out);
}

#[test]
fn without_approval_only_the_standing_class_goes() {
    let bench = Bench::shop();
    let said = bench.run(&["run", "--as-of", AS_OF, "--output", "json"]);
    assert_eq!(said.exit, 4);
    let answer = said.json();
    let line = |class: &str| {
        let counts = answer["counts"].as_array().unwrap();
        counts.iter().find(|l| l["class"] == class).unwrap().clone()
    };
    let (fin, ops) = (line("FIN-010"), line("OPS-010"));
    assert_eq!((&fin["awaiting_approval"], &fin["disposed"]), (&3.into(), &0.into()));
    assert_eq!((&fin["awaiting_event"], &fin["implausible_date"]), (&1.into(), &1.into()));
    assert_eq!((&ops["disposed"], &ops["not_due"]), (&1.into(), &1.into()));
    assert_eq!((bench.count("invoice"), bench.count("visitor")), (6, 1));
    assert!(!answer["certificates"].as_array().unwrap().is_empty());
}

#[test]
fn a_rejected_plan_is_not_carried_out() {
    let bench = Bench::shop();
    let key = bench.text("keys/finance.key");
    bench.run(&["plan", "--as-of", AS_OF]);
    bench.run(&["approve", "--key", &key]);
    let text = bench.transcript(&[
        &["approve", "--key", &key],
        &["reject", "--key", &key, "--reason", "audit ahead"],
    ]);
    insta::assert_snapshot!(text);
    bench.run(&["run", "--as-of", AS_OF]);
    assert_eq!(bench.count("invoice"), 6);
}

#[test]
fn an_approver_approves_nothing_else() {
    let bench = Bench::shop();
    let key = bench.text("keys/finance.key");
    bench.run(&["plan", "--as-of", AS_OF]);
    bench.run(&["key", "new", "stranger"]);
    insta::assert_snapshot!(bench.transcript(&[
        &["approve", "--key", &key, "--class", "OPS-010"],
        &["approve", "--key", &key, "--except", "99", "--reason", "x"],
        &["approve", "--key", &key, "--except", "1"],
        &["approve", "--key", "stranger.key"],
        &["approve", "20200101-000000-00000000", "--key", &key],
    ]));
}

#[test]
fn a_run_never_looks_from_the_future_and_a_plan_may() {
    let bench = Bench::shop();
    assert_eq!(bench.run(&["plan", "--as-of", "2999-01-01"]).exit, 0);
    let said = bench.run(&["run", "--as-of", "2999-01-01"]);
    assert_eq!(said.exit, 2);
    assert!(said.err.contains("lies in the future"), "{}", said.err);
    assert_eq!(bench.count("invoice"), 6);
}

#[test]
fn a_class_over_its_limit_keeps_everything_and_says_what_to_set() {
    let bench = Bench::shop();
    let settings = std::fs::read_to_string(bench.path("quietus.toml")).unwrap();
    bench.write("quietus.toml", &format!("[limits]\nrecords_max = 0\n\n{settings}"));
    let said = bench.run(&["run", "--as-of", AS_OF]);
    assert_eq!(said.exit, 3);
    assert!(said.out.contains("records_max = 1"), "{}", said.out);
    assert_eq!(bench.count("visitor"), 2);
}

#[test]
fn a_second_run_is_refused_while_one_is_at_work() {
    let bench = Bench::shop();
    bench.run(&["plan", "--as-of", AS_OF]);
    let now = "2026-01-02T03:04:05Z".parse().unwrap();
    let lock = quietus::lock::RunLock::take(&bench.path("state"), now).unwrap();
    let said = bench.run(&["run", "--as-of", AS_OF]);
    assert_eq!(said.exit, 3);
    assert!(said.err.contains("error[locked]: another run is at work"), "{}", said.err);
    drop(lock);
    assert_eq!(bench.run(&["run", "--as-of", AS_OF]).exit, 4);
}

#[test]
fn probe_and_inventory_show_what_is_there() {
    let bench = Bench::shop();
    let probe = bench.run(&["probe", "--output", "json"]);
    let system = probe.json()["systems"][0].clone();
    assert_eq!((probe.exit, &system["reachable"]), (0, &true.into()));
    let inventory = bench.run(&["inventory", "--output", "json"]);
    let lines = inventory.json()["lines"].clone();
    assert_eq!(lines[0]["matched"], 6);
    assert_eq!(bench.run(&["probe", "shoop"]).exit, 2);
}
