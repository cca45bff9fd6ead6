//! Carries an order out in a process of its own, and kills that somewhere within.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use quietus_conformance::{Done, Target};
use quietus_contract::{Action, Adapter, DisposalOrder, Locator, OrderId, RecordRef, Version};
use quietus_filesystem::Filesystem;
use tempfile::TempDir;

use crate::target::TreeTarget;

const CHILD_FOLDER: &str = "QUIETUS_TEST_CHILD_FOLDER";
const CHILD_KIND: &str = "QUIETUS_TEST_CHILD_KIND";
const CHILD_ORDER: &str = "QUIETUS_TEST_CHILD_ORDER";
const CHILD_BEGINS: &str = "the child begins";

/// Kills sooner or later after the beginning; whether it was soon enough is chance, and the cases
/// hold for every moment.
pub fn within(target: &TreeTarget, records: &[RecordRef], after: usize) -> Done {
    let lines = records.iter().map(|r| {
        let version: String = r.version.as_bytes().iter().map(|b| format!("{b:02x}")).collect();
        format!("{version} {}", r.locator.as_str())
    });
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--exact", "suite::child_that_is_killed", "--nocapture"])
        .env(CHILD_FOLDER, target.folder.path())
        .env(CHILD_KIND, format!("{} {}", target.sidecar, target.shred))
        .env(CHILD_ORDER, lines.collect::<Vec<_>>().join("\n"))
        .stdout(Stdio::piped())
        .spawn()?;
    let output = child.stdout.take().ok_or("the child says nothing")?;
    // Kept until the end: a child that nobody listens to would say so.
    let mut lines = BufReader::new(output).lines();
    let began = lines.any(|l| l.is_ok_and(|l| l.contains(CHILD_BEGINS)));
    std::thread::sleep(Duration::from_micros(400) * u32::try_from(after)?);
    child.kill()?;
    child.wait()?;
    if began { Ok(()) } else { Err("the child never began".into()) }
}

/// What the child does: carries the order out, and is killed meanwhile.
pub async fn carry_out_as_child() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else { return };
    let order = std::env::var(CHILD_ORDER).unwrap();
    let records = order.lines().map(|line| {
        let (version, locator) = line.split_once(' ').unwrap();
        let bytes: Vec<u8> = (0..version.len() / 2)
            .map(|n| u8::from_str_radix(&version[2 * n..2 * n + 2], 16).unwrap())
            .collect();
        let locator = Locator::from_canonical(locator).unwrap();
        RecordRef { locator, version: Version::new(&bytes) }
    });
    let kind = std::env::var(CHILD_KIND).unwrap();
    let (sidecar, shred) = kind.split_once(' ').unwrap();
    // The folder is its parent's: never dropped here, whatever happens.
    let mut folder = TempDir::new_in(folder).unwrap();
    folder.disable_cleanup(true);
    let target = TreeTarget {
        sidecar: sidecar == "true",
        shred: shred == "true",
        folder,
        flagged: Mutex::default(),
    };
    let mut system = target.system();
    system.base = target.folder.path().parent().unwrap().to_owned();
    let disposer = Filesystem.open_disposer(&system).await.unwrap();
    let id = OrderId { run: "child".to_owned(), batch: 1, order: 1 };
    #[expect(clippy::disallowed_methods, reason = "a test stands for the journal")]
    let order = DisposalOrder::from_journal(id, target.scope(Action::Destroy), records.collect());
    println!("{CHILD_BEGINS}");
    disposer.dispose(&order).await.unwrap();
    std::mem::forget(target);
}
