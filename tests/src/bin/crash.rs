//! Kills the agent at random points, recoveries included, and compares target, plan, journal and
//! ledger. Called by `tests/crash`.
#![expect(clippy::disallowed_methods, reason = "a harness makes and removes its own worlds")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use quietus_tests::agent::{Agent, Ended, trace};
use quietus_tests::chance::Chance;
use quietus_tests::judge::{Finding, Violation, judge};
use quietus_tests::world::{AS_OF, Target, World};

/// A run is killed at most so often in a row before it may finish.
const DEPTH_MAX: u64 = 3;
/// After the last kill the agent must be done within so many calls.
const CALLS_TO_FINISH: usize = 3;
/// A negative control must be caught within so many points.
const CONTROL_POINTS: u64 = 200;
/// One ledger in so many is also read by the second verifier.
const SECOND_VERIFIER_EVERY: u64 = 20;
const RUN: &[&str] = &["--output", "json", "run", "--as-of", AS_OF];

struct Options {
    agent: PathBuf,
    broken: PathBuf,
    oracle: PathBuf,
    scratch: PathBuf,
    points: u64,
    only: Option<String>,
    jobs: u64,
    seed: u64,
}

fn options() -> Result<Options> {
    let mut given = BTreeMap::new();
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        given.insert(name.clone(), args.next().with_context(|| format!("{name} needs a value"))?);
    }
    let mut take = |name: &str| given.remove(name);
    let number = |text: Option<String>, otherwise: u64| -> Result<u64> {
        text.map_or(Ok(otherwise), |t| t.parse().with_context(|| format!("{t} is no number")))
    };
    let path = |text: Option<String>| text.map(PathBuf::from).context("a path is missing");
    let seed = u64::from_ne_bytes({
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("no randomness: {e}"))?;
        bytes
    });
    let options = Options {
        agent: path(take("--agent"))?,
        broken: path(take("--broken"))?,
        oracle: path(take("--oracle"))?,
        scratch: path(take("--scratch"))?,
        points: number(take("--points"), 1000)?,
        only: take("--only"),
        jobs: number(take("--jobs"), 2)?,
        seed: number(take("--seed"), seed % 1_000_000_000)?,
    };
    if let Some(name) = given.keys().next() {
        bail!("unknown argument {name}");
    }
    Ok(options)
}

/// How many due records a world has; small ones are over sooner, large ones have several orders.
const SIZES: [u64; 3] = [12, 40, 90];

/// What an undisturbed run looks like, so that points fall inside it.
struct Shape {
    due: u64,
    lasts: Duration,
    calls: Vec<(String, u64)>,
}

impl Shape {
    /// Picks a moment among all system calls, so that every part of a run gets its share.
    fn point(&self, chance: &mut Chance) -> Option<(&str, u64)> {
        let mut at = chance.below(self.calls.iter().map(|(_, count)| count).sum());
        for (call, count) in &self.calls {
            if at < *count {
                return Some((call, at + 1));
            }
            at -= count;
        }
        None
    }
}

fn measure(options: &Options, target: Target, due: u64) -> Result<Shape> {
    let agent = Agent::new(&options.agent);
    let folder = options.scratch.join(format!("measure-{}", target.name()));
    let world = World::make(&folder.join("time"), target, due, &mut Chance::new(1))?;
    agent.must(&world.programme, &["init"])?;
    let begun = Instant::now();
    agent.must(&world.programme, RUN)?;
    let lasts = begun.elapsed();
    let findings = judge(&world, false)?;
    if !findings.is_empty() {
        bail!("an undisturbed run leaves violations: {findings:?}");
    }
    let world = World::make(&folder.join("calls"), target, due, &mut Chance::new(1))?;
    agent.must(&world.programme, &["init"])?;
    let calls = agent.count_calls(&world.programme, RUN, &folder.join("calls.log"))?;
    fs::remove_dir_all(&folder)?;
    Ok(Shape { due, lasts, calls: calls.into_iter().collect() })
}

/// Runs once, and kills it somewhere: half of the time at a moment, half at a system call.
fn run_and_kill(agent: &Agent, world: &World, shape: &Shape, chance: &mut Chance) -> Result<Ended> {
    if chance.percent(50) {
        let micros = u64::try_from(shape.lasts.as_micros())?;
        let after = Duration::from_micros(chance.below(micros));
        return agent.kill_after(&world.programme, RUN, after);
    }
    let (call, nth) = shape.point(chance).context("no system calls")?;
    let options = [
        "-o".to_owned(),
        "/dev/null".to_owned(),
        trace(&[call]),
        format!("--inject={call}:signal=SIGKILL:when={nth}"),
    ];
    agent.traced(&world.programme, RUN, &options)
}

/// One world: killed up to three times in a row, then finished and judged.
fn scenario(
    options: &Options,
    agent: &Agent,
    target: Target,
    shapes: &[Shape],
    seed: u64,
) -> Result<(u64, Vec<Finding>)> {
    let mut chance = Chance::new(seed);
    let folder = options.scratch.join(format!("{}-{seed}", target.name()));
    let shape = chance.pick(shapes).context("no shape")?;
    let mut world = World::make(&folder, target, shape.due, &mut chance)?;
    // The folder is made by the honest agent: what is broken on purpose is the run.
    Agent::new(&options.agent).must(&world.programme, &["init"])?;
    let mut killed = 0;
    let mut findings = Vec::new();
    for _ in 0..1 + chance.below(DEPTH_MAX) {
        let ended = run_and_kill(agent, &world, shape, &mut chance)?;
        if ended.panicked() {
            findings.push(Finding::new(Violation::AgentFailed, ended.stderr));
            break;
        }
        if ended.code.is_some() {
            break;
        }
        killed += 1;
        if chance.percent(15) {
            world.hold_the_rest()?;
        }
    }
    findings.extend(finish(agent, &world)?);
    findings.extend(judge(&world, false)?);
    findings.extend(verify(options, &world, seed.is_multiple_of(SECOND_VERIFIER_EVERY))?);
    fs::remove_dir_all(&folder)?;
    Ok((killed, findings))
}

/// Lets the agent finish what was interrupted.
fn finish(agent: &Agent, world: &World) -> Result<Option<Finding>> {
    let mut last = String::new();
    for _ in 0..CALLS_TO_FINISH {
        let ended = agent.call(&world.programme, RUN)?;
        last = format!("code {:?}: {} {}", ended.code, ended.stdout, ended.stderr);
        if ended.code == Some(0) && ended.json()?.get("resumed").is_some_and(|r| r == false) {
            return Ok(None);
        }
        if ended.panicked() {
            break;
        }
    }
    Ok(Some(Finding::new(Violation::AgentFailed, last)))
}

fn verify(options: &Options, world: &World, twice: bool) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let path = world.programme.display().to_string();
    let ended = Agent::new(&options.agent).call(&world.programme, &["verify", &path])?;
    if ended.code != Some(0) {
        findings.push(Finding::new(Violation::LedgerInvalid, format!("{ended:?}")));
    }
    if twice {
        let python = std::env::var("QUIETUS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let output = std::process::Command::new(python).arg(&options.oracle).arg(path).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            findings.push(Finding::new(Violation::LedgerInvalid, format!("oracle: {said}")));
        }
    }
    Ok(findings)
}

/// All points of one target, on several threads.
fn points(
    options: &Options,
    target: Target,
    shapes: &[Shape],
) -> Result<(u64, Vec<(u64, Finding)>)> {
    let (done, next) = (AtomicU64::new(0), AtomicU64::new(0));
    let found = Mutex::new(Vec::new());
    let agent = Agent::new(&options.agent);
    thread::scope(|scope| {
        let work = || -> Result<()> {
            while done.load(Ordering::Relaxed) < options.points {
                let seed = options.seed + next.fetch_add(1, Ordering::Relaxed);
                let (killed, findings) = scenario(options, &agent, target, shapes, seed)
                    .with_context(|| format!("seed {seed}"))?;
                let before = done.fetch_add(killed, Ordering::Relaxed);
                if before / 100 != (before + killed) / 100 {
                    println!("crash {} {} points", target.name(), before + killed);
                }
                if let Ok(mut found) = found.lock() {
                    found.extend(findings.into_iter().map(|finding| (seed, finding)));
                }
            }
            Ok(())
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
    let found = found.into_inner().map_err(|_| anyhow::anyhow!("a worker panicked"))?;
    Ok((done.load(Ordering::Relaxed), found))
}

/// What is broken on purpose, and which violations give it away.
const CONTROLS: &[(&str, &[Violation])] = &[
    ("intent-after-delete", &[Violation::GoneWithoutCertificate]),
    ("trust-return-code", &[Violation::CertifiedWhilePresent]),
    ("no-recovery", &[Violation::GoneWithoutCertificate, Violation::IntentLeftOpen]),
];

/// Breaks one promise, and returns how many points it took to notice.
fn control(
    options: &Options,
    target: Target,
    shapes: &[Shape],
    word: &str,
    expected: &[Violation],
) -> Result<Option<u64>> {
    let agent = Agent::sabotaged(&options.broken, word);
    let mut done = 0;
    let mut seed = options.seed + 500_000_000;
    while done < CONTROL_POINTS {
        seed += 1;
        let (killed, findings) = if word == "trust-return-code" {
            (1, lie(options, &agent, target, seed)?)
        } else {
            scenario(options, &agent, target, shapes, seed)?
        };
        done += killed;
        if findings.iter().any(|finding| expected.contains(&finding.violation)) {
            return Ok(Some(done));
        }
    }
    Ok(None)
}

/// A target that says *deleted* and keeps some: the agent must not certify that.
fn lie(options: &Options, agent: &Agent, target: Target, seed: u64) -> Result<Vec<Finding>> {
    let folder = options.scratch.join(format!("lie-{}-{seed}", target.name()));
    let mut chance = Chance::new(seed);
    let world = World::make_with(&folder, target, 20, 0, &mut chance)?;
    Agent::new(&options.agent).must(&world.programme, &["init"])?;
    let ended = match target {
        Target::Filesystem => {
            let first = 1 + chance.below(10);
            let inject = format!("--inject=unlinkat:retval=0:when={first}+7");
            let null = "/dev/null".to_owned();
            let options = ["-o".to_owned(), null, trace(&["unlinkat"]), inject];
            agent.traced(&world.programme, RUN, &options)?
        }
        Target::Sqlite => {
            put_back(&world.place)?;
            agent.call(&world.programme, RUN)?
        }
    };
    let mut findings = judge(&world, true)?;
    if ended.panicked() {
        findings.push(Finding::new(Violation::AgentFailed, ended.stderr));
    }
    findings.extend(verify(options, &world, false)?);
    fs::remove_dir_all(&folder)?;
    Ok(findings)
}

/// A trigger that puts some rows back once they are deleted.
fn put_back(database: &Path) -> Result<()> {
    let db = rusqlite::Connection::open(database)?;
    db.execute_batch(
        "CREATE TRIGGER put_back AFTER DELETE ON case_file WHEN old.closed_on < '2016'
         BEGIN INSERT INTO case_file VALUES (old.name, old.closed_on, old.body); END",
    )?;
    Ok(())
}

fn target(options: &Options, target: Target) -> Result<bool> {
    let name = target.name();
    let shapes =
        SIZES.iter().map(|due| measure(options, target, *due)).collect::<Result<Vec<_>>>()?;
    let lasts: Vec<Duration> = shapes.iter().map(|shape| shape.lasts).collect();
    println!("crash {name}: undisturbed runs last {lasts:?}, seed {}", options.seed);
    let mut caught = 0;
    for (word, expected) in CONTROLS {
        match control(options, target, &shapes, word, expected)? {
            Some(points) => {
                caught += 1;
                println!("crash {name} control {word}: caught after {points} points");
            }
            None => println!("crash {name} control {word}: NOT caught in {CONTROL_POINTS} points"),
        }
    }
    let honest = Agent::new(&options.agent);
    let mut found = Vec::new();
    for seed in 0..10 {
        let findings = lie(options, &honest, target, options.seed + seed)?;
        found.extend(findings.into_iter().map(|finding| (seed, finding)));
    }
    let (done, more) = points(options, target, &shapes)?;
    found.extend(more);
    for (seed, finding) in found.iter().take(20) {
        println!("crash {name} seed {seed}: {:?}: {}", finding.violation, finding.what);
    }
    let violations = found.len();
    println!(
        "crash {name} points {done} violations {violations} controls {caught}/{}",
        CONTROLS.len()
    );
    Ok(violations == 0 && caught == CONTROLS.len())
}

fn main() -> Result<ExitCode> {
    let options = options()?;
    let mut good = true;
    let mut any = false;
    for one in Target::ALL {
        if options.only.as_deref().is_none_or(|only| only == one.name()) {
            any = true;
            good &= target(&options, one)?;
        }
    }
    anyhow::ensure!(any, "no such target");
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
