//! Lets every write of journal and ledger fail once, or for ever, and watches what the agent still
//! sends to the target. Called by `tests/faults`.
#![expect(clippy::disallowed_methods, reason = "a harness makes and removes its own worlds")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, Result, bail};
use quietus_tests::agent::{Agent, Ended, trace};
use quietus_tests::chance::Chance;
use quietus_tests::judge::judge;
use quietus_tests::world::{AS_OF, Target, World};

const RUN: &[&str] = &["--output", "json", "run", "--as-of", AS_OF];
/// The calls by which something is written; each can fail.
const WRITES: &[&str] = &[
    "fallocate",
    "fdatasync",
    "fsync",
    "ftruncate",
    "linkat",
    "mkdir",
    "mkdirat",
    "openat",
    "pwrite64",
    "rename",
    "renameat",
    "renameat2",
    "write",
    "writev",
];
/// Traced as well, to see what reaches the target.
const DELETES: &[&str] = &["unlinkat", "unlink"];
const DUE: u64 = 12;
/// Findings that are printed for one target.
const SHOWN_MAX: usize = 40;
const CALLS_TO_FINISH: usize = 3;

struct Options {
    agent: PathBuf,
    scratch: PathBuf,
    only: Option<String>,
    jobs: usize,
    every: bool,
}

fn options() -> Result<Options> {
    let mut options = Options {
        agent: PathBuf::new(),
        scratch: PathBuf::new(),
        only: None,
        jobs: 2,
        every: false,
    };
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        if name == "--deep" {
            options.every = true;
            continue;
        }
        let value = args.next().with_context(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--agent" => options.agent = value.into(),
            "--scratch" => options.scratch = value.into(),
            "--only" => options.only = Some(value),
            "--jobs" => options.jobs = value.parse()?,
            _ => bail!("unknown argument {name}"),
        }
    }
    Ok(options)
}

/// One call that is made to fail.
#[derive(Clone, Debug)]
struct Fault {
    call: String,
    nth: u64,
    error: &'static str,
    for_ever: bool,
}

/// What a trace shows.
struct Seen {
    /// The first call that was made to fail on one of the agent's own files.
    failed: Option<String>,
    /// Whether a call failed at all.
    injected: bool,
    /// What was sent to the target after the first own failure.
    sent_after: Vec<String>,
}

fn options_of(log: &std::path::Path, inject: Option<&Fault>) -> Vec<String> {
    let calls: Vec<&str> = WRITES.iter().chain(DELETES).copied().collect();
    let mut options =
        vec!["-y".to_owned(), "-o".to_owned(), log.display().to_string(), trace(&calls)];
    if let Some(fault) = inject {
        let plus = if fault.for_ever { "+" } else { "" };
        let Fault { call, nth, error, .. } = fault;
        options.push(format!("--inject={call}:error={error}:when={nth}{plus}"));
    }
    options
}

fn call_of(line: &str) -> Option<(&str, &str)> {
    let (thread, rest) = line.split_once(' ')?;
    let (call, _) = rest.trim_start().split_once('(')?;
    Some((thread, call))
}

/// Says whether a line is about one of the agent's own files. Names of files that were deleted
/// meanwhile count as well.
fn is_own(line: &str, world: &World) -> bool {
    let home = world.programme.display().to_string();
    ["state", "ledger", "evidence", "plans"]
        .iter()
        .any(|folder| line.contains(&format!("{home}/{folder}")))
}

/// Says whether a line sends a deletion to the target.
fn is_sent(line: &str, call: &str, world: &World) -> bool {
    let place = world.place.display().to_string();
    match world.target {
        Target::Filesystem => DELETES.contains(&call) && line.contains(&place),
        // In write-ahead mode a transaction reaches the target when it is written to that log.
        Target::Sqlite => call == "pwrite64" && line.contains(&format!("{place}-wal")),
    }
}

/// Says whether a line makes the names in the state folder durable. SQLite swallows a failure
/// there, so the agent does it once more itself; that second one counts.
fn is_sync_of_state(line: &str, call: &str, world: &World) -> bool {
    let state = format!("{}/state", world.programme.display());
    match call {
        "fsync" => line.contains(&format!("<{state}>")),
        "openat" => line.contains(&format!("\"{state}\"")),
        _ => false,
    }
}

fn read_trace(text: &str, world: &World) -> Seen {
    let mut seen = Seen { failed: None, injected: false, sent_after: Vec::new() };
    let mut unsynced = None;
    for line in text.lines() {
        let Some((_, call)) = call_of(line) else { continue };
        let injected = line.contains("(INJECTED)");
        seen.injected |= injected;
        let of_state = is_sync_of_state(line, call, world);
        if of_state && injected {
            unsynced = Some(line.to_owned());
        } else if of_state && call == "fsync" {
            unsynced = None;
        }
        if is_sent(line, call, world) && seen.failed.is_none() {
            seen.failed = unsynced.take();
        }
        if injected && !of_state && is_own(line, world) && seen.failed.is_none() {
            seen.failed = Some(line.to_owned());
        } else if seen.failed.is_some() && !injected && is_sent(line, call, world) {
            seen.sent_after.push(line.to_owned());
        }
    }
    seen
}

fn world(options: &Options, target: Target, name: &str) -> Result<(PathBuf, World)> {
    let folder = options.scratch.join(format!("{}-{name}", target.name()));
    let world = World::make(&folder, target, DUE, &mut Chance::new(3))?;
    Agent::new(&options.agent).must(&world.programme, &["init"])?;
    Ok((folder, world))
}

/// Every own write of an undisturbed run, as faults to try.
fn sites(options: &Options, target: Target) -> Result<Vec<Fault>> {
    let (folder, world) = world(options, target, "sites")?;
    let log = folder.join("trace.log");
    let agent = Agent::new(&options.agent);
    let ended = agent.traced(&world.programme, RUN, &options_of(&log, None))?;
    if ended.code != Some(0) {
        bail!("an undisturbed run failed: {ended:?}");
    }
    let text = fs::read_to_string(&log)?;
    if !text.lines().any(|line| call_of(line).is_some_and(|(_, c)| is_sent(line, c, &world))) {
        bail!("the trace shows no deletion: the harness is blind");
    }
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut found: BTreeMap<(String, u64), ()> = BTreeMap::new();
    for line in text.lines() {
        let Some((thread, call)) = call_of(line) else { continue };
        let count = counts.entry((thread.to_owned(), call.to_owned())).or_default();
        *count += 1;
        if WRITES.contains(&call) && is_own(line, &world) {
            found.insert((call.to_owned(), *count), ());
        }
    }
    fs::remove_dir_all(&folder)?;
    let mut faults = Vec::new();
    for (index, (call, nth)) in found.into_keys().enumerate() {
        for (variant, (error, for_ever)) in
            [("ENOSPC", false), ("EIO", false), ("ENOSPC", true), ("EIO", true)]
                .into_iter()
                .enumerate()
        {
            if options.every || index % 4 == variant {
                faults.push(Fault { call: call.clone(), nth, error, for_ever });
            }
        }
    }
    Ok(faults)
}

/// Lets one call fail, and says what is wrong with how the agent took it.
fn try_fault(options: &Options, target: Target, fault: &Fault, name: &str) -> Result<Vec<String>> {
    let (folder, world) = world(options, target, name)?;
    let agent = Agent::new(&options.agent);
    let log = folder.join("trace.log");
    let ended = agent.traced(&world.programme, RUN, &options_of(&log, Some(fault)))?;
    let seen = read_trace(&fs::read_to_string(&log)?, &world);
    let mut wrong = Vec::new();
    if ended.panicked() {
        wrong.push(format!("panic: {}", ended.stderr));
    }
    if let Some(failed) = &seen.failed {
        if !seen.sent_after.is_empty() {
            wrong.push(format!("sent after {failed}: {}", seen.sent_after.join(" | ")));
        }
        if ended.code == Some(0) {
            wrong.push(format!("success in spite of {failed}"));
        } else if !(says_why(&ended) || is_mute(fault)) {
            wrong.push(format!("no word about {failed}"));
        }
    }
    wrong.extend(recover(&agent, &world)?);
    fs::remove_dir_all(&folder)?;
    Ok(wrong.into_iter().map(|text| format!("{fault:?}: {text}")).collect())
}

/// Says whether a fault stops the agent's words as well: where no write works any more, none to
/// the terminal does.
fn is_mute(fault: &Fault) -> bool {
    fault.call == "write" && fault.for_ever
}

/// Says whether the agent told what failed: with JSON asked for, the error is the answer.
fn says_why(ended: &Ended) -> bool {
    let message = ended.json().ok().and_then(|json| {
        json.pointer("/error/message").and_then(|m| m.as_str()).map(|m| !m.is_empty())
    });
    message.unwrap_or(false) || !ended.stderr.trim().is_empty()
}

fn recover(agent: &Agent, world: &World) -> Result<Vec<String>> {
    let mut last: Option<Ended> = None;
    for _ in 0..CALLS_TO_FINISH {
        let ended = agent.call(&world.programme, RUN)?;
        let done =
            ended.code == Some(0) && ended.json()?.get("resumed").is_some_and(|r| r == false);
        last = Some(ended);
        if done {
            let findings = judge(world, false)?;
            return Ok(findings.iter().map(|finding| format!("{finding:?}")).collect());
        }
    }
    Ok(vec![format!("it does not recover: {last:?}")])
}

fn target(options: &Options, target: Target) -> Result<bool> {
    let faults = sites(options, target)?;
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        let work = || -> Result<()> {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(fault) = faults.get(index) else { return Ok(()) };
                let found = try_fault(options, target, fault, &index.to_string())
                    .with_context(|| format!("{fault:?}"))?;
                if let Ok(mut wrong) = wrong.lock() {
                    wrong.extend(found);
                }
                if index % 100 == 99 {
                    println!("faults {} {} of {}", target.name(), index + 1, faults.len());
                }
            }
        };
        let workers: Vec<_> = (0..options.jobs.max(1)).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            match worker.join() {
                Ok(outcome) => outcome?,
                Err(_) => bail!("a worker panicked"),
            }
        }
        Ok(())
    })?;
    let wrong = wrong.into_inner().map_err(|_| anyhow::anyhow!("a worker panicked"))?;
    for line in wrong.iter().take(SHOWN_MAX) {
        println!("faults {}: {line}", target.name());
    }
    println!("faults {} sites {} violations {}", target.name(), faults.len(), wrong.len());
    Ok(wrong.is_empty() && !faults.is_empty())
}

fn main() -> Result<ExitCode> {
    let options = options()?;
    let mut good = true;
    for one in Target::ALL {
        if options.only.as_deref().is_none_or(|only| only == one.name()) {
            good &= target(&options, one)?;
        }
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(target: Target) -> World {
        World {
            programme: "/w/programme".into(),
            target,
            place: "/w/share".into(),
            records: BTreeMap::new(),
        }
    }

    #[test]
    fn a_deletion_after_a_failed_write_is_seen() {
        let trace = "7 pwrite64(4</w/programme/state/journal.sqlite-wal>, \"\", 32, 0) = -1 ENOSPC (INJECTED)\n\
                     7 unlinkat(9</w/share/case>, \"0001.txt\", 0) = 0\n";
        let seen = read_trace(trace, &sample(Target::Filesystem));
        assert!(seen.failed.is_some() && seen.injected);
        assert_eq!(seen.sent_after.len(), 1);
    }

    #[test]
    fn a_deletion_before_it_or_a_failure_elsewhere_is_no_offence() {
        let before = "7 unlinkat(9</w/share/case>, \"0001.txt\", 0) = 0\n\
                      7 fsync(4</w/programme/ledger/checkpoint>) = -1 EIO (INJECTED)\n";
        assert!(read_trace(before, &sample(Target::Filesystem)).sent_after.is_empty());
        let elsewhere = "7 fsync(4</w/share>) = -1 EIO (INJECTED)\n\
                         7 unlinkat(9</w/share/case>, \"0001.txt\", 0) = 0\n";
        let seen = read_trace(elsewhere, &sample(Target::Filesystem));
        assert!(seen.failed.is_none() && seen.sent_after.is_empty());
    }

    #[test]
    fn a_folder_must_be_synced_once_more_before_anything_is_sent() {
        let failed = "7 fsync(6</w/programme/state>) = -1 EIO (INJECTED)\n";
        let again = "7 fsync(6</w/programme/state>) = 0\n";
        let sent = "7 unlinkat(9</w/share/case>, \"0001.txt\", 0) = 0\n";
        let world = sample(Target::Filesystem);
        let seen = read_trace(&format!("{failed}{sent}"), &world);
        assert_eq!((seen.failed.is_some(), seen.sent_after.len()), (true, 1));
        let seen = read_trace(&format!("{failed}{again}{sent}"), &world);
        assert_eq!((seen.failed, seen.sent_after.len()), (None, 0));
    }

    #[test]
    fn a_transaction_after_a_failed_write_is_seen() {
        let trace = "7 fdatasync(4</w/programme/state/journal.sqlite-wal>) = -1 EIO (INJECTED)\n\
                     8 pwrite64(9</w/share-wal>, \"\", 24, 0) = 24\n";
        assert_eq!(read_trace(trace, &sample(Target::Sqlite)).sent_after.len(), 1);
    }
}
