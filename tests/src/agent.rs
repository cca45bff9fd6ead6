//! Runs the real agent: to its end, killed at a moment, or under strace.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// No command of a sample programme takes longer; one that does hangs.
const DEADLINE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(1);

/// The agent's binary, and how it is to be called.
#[derive(Clone, Debug)]
pub struct Agent {
    /// The binary.
    pub binary: PathBuf,
    /// What is broken on purpose; only builds with the feature `sabotage` listen.
    pub sabotage: Option<String>,
}

/// How a call of the agent ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it printed as data.
    pub stdout: String,
    /// What it said.
    pub stderr: String,
}

impl Ended {
    /// Returns stdout as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("not JSON: {self:?}"))
    }

    /// Says whether a Rust panic ended it.
    pub fn panicked(&self) -> bool {
        self.code == Some(101) || self.stderr.contains("panicked at")
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Agent {
    /// Takes a binary.
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        Self { binary: binary.into(), sabotage: None }
    }

    /// Breaks a property on purpose.
    pub fn sabotaged(binary: impl Into<PathBuf>, word: &str) -> Self {
        Self { binary: binary.into(), sabotage: Some(word.to_owned()) }
    }

    fn arguments(&self, programme: &Path, args: &[&str]) -> Vec<String> {
        let mut all = vec!["--dir".to_owned(), programme.display().to_string()];
        all.extend(args.iter().map(|arg| (*arg).to_owned()));
        all
    }

    fn prepare(&self, command: &mut Command) {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("NO_COLOR", "1").env_remove("QUIETUS_SABOTAGE");
        if let Some(word) = &self.sabotage {
            command.env("QUIETUS_SABOTAGE", word);
        }
    }

    /// Runs a command to its end.
    pub fn call(&self, programme: &Path, args: &[&str]) -> Result<Ended> {
        let mut command = Command::new(&self.binary);
        command.args(self.arguments(programme, args));
        self.prepare(&mut command);
        let child = command.spawn().with_context(|| format!("{}", self.binary.display()))?;
        finish(child, DEADLINE, args)
    }

    /// Runs a command that must succeed.
    pub fn must(&self, programme: &Path, args: &[&str]) -> Result<Ended> {
        let ended = self.call(programme, args)?;
        if ended.code != Some(0) {
            bail!("quietus {} failed: {ended:?}", args.join(" "));
        }
        Ok(ended)
    }

    /// Runs a command and kills it after a while, unless it ends before.
    pub fn kill_after(&self, programme: &Path, args: &[&str], after: Duration) -> Result<Ended> {
        let mut command = Command::new(&self.binary);
        command.args(self.arguments(programme, args));
        self.prepare(&mut command);
        let mut child = command.spawn()?;
        let begun = Instant::now();
        while begun.elapsed() < after && child.try_wait()?.is_none() {
            thread::sleep(Duration::from_micros(200));
        }
        if child.try_wait()?.is_none() {
            child.kill()?;
        }
        Ok(child.wait_with_output()?.into())
    }

    /// Runs a command under strace with its options.
    pub fn traced(&self, programme: &Path, args: &[&str], options: &[String]) -> Result<Ended> {
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "--seccomp-bpf"]).args(options).arg("--").arg(&self.binary);
        command.args(self.arguments(programme, args));
        self.prepare(&mut command);
        let child = command.spawn().context("strace")?;
        finish(child, DEADLINE, args)
    }

    /// Runs a command and counts each of the system calls that may be interrupted.
    pub fn count_calls(
        &self,
        programme: &Path,
        args: &[&str],
        log: &Path,
    ) -> Result<BTreeMap<String, u64>> {
        let options = ["-o".to_owned(), log.display().to_string(), trace(CALLS)];
        let ended = self.traced(programme, args, &options)?;
        if ended.code != Some(0) {
            bail!("quietus {} failed under strace: {ended:?}", args.join(" "));
        }
        let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
        for line in fs::read_to_string(log)?.lines() {
            let mut words = line.split_whitespace();
            let (thread, rest) =
                (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            if let Some((call, _)) = rest.split_once('(') {
                *counts.entry((call.to_owned(), thread.to_owned())).or_default() += 1;
            }
        }
        // strace counts for each thread by itself, so the largest count is what can be reached.
        let mut most = BTreeMap::new();
        for ((call, _), count) in counts {
            let known: &mut u64 = most.entry(call).or_default();
            *known = count.max(*known);
        }
        Ok(most)
    }
}

/// The system calls at which something becomes durable, or is destroyed, or is about to be.
pub const CALLS: &[&str] = &[
    "fdatasync",
    "fsync",
    "ftruncate",
    "linkat",
    "mkdirat",
    "openat",
    "openat2",
    "pwrite64",
    "rename",
    "renameat",
    "renameat2",
    "sync_file_range",
    "unlink",
    "unlinkat",
    "write",
    "writev",
];

/// Makes the option that traces these calls.
pub fn trace(calls: &[&str]) -> String {
    // A call that this machine does not have is no reason to fail: `?` says so.
    let names: Vec<String> = calls.iter().map(|call| format!("?{call}")).collect();
    format!("--trace={}", names.join(","))
}

fn finish(mut child: Child, deadline: Duration, args: &[&str]) -> Result<Ended> {
    let begun = Instant::now();
    // Readers on their own threads: a full pipe must not stop the child.
    let mut out = child.stdout.take().context("stdout")?;
    let mut err = child.stderr.take().context("stderr")?;
    let stdout = thread::spawn(move || read_all(&mut out));
    let stderr = thread::spawn(move || read_all(&mut err));
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if begun.elapsed() > deadline {
            child.kill()?;
            child.wait()?;
            bail!("quietus {} did not end within {deadline:?}", args.join(" "));
        }
        thread::sleep(POLL);
    };
    let text = |reader: thread::JoinHandle<Vec<u8>>| {
        String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned()
    };
    Ok(Ended { code: status.code(), stdout: text(stdout), stderr: text(stderr) })
}

fn read_all(from: &mut impl std::io::Read) -> Vec<u8> {
    let mut all = Vec::new();
    // What could be read is what there is to see.
    match from.read_to_end(&mut all) {
        Ok(_) | Err(_) => all,
    }
}
