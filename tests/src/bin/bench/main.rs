//! quietus and the bare tool in turn, on the same data, in the same run. Called by `tests/bench`.
//!
//! A line for each figure, medians over the rounds:
//! `bench NAME ratio X (ours S s, bare S s, n N, peak M MiB)`
#![expect(clippy::disallowed_methods, reason = "a harness makes and removes its own worlds")]

mod filesystem;
mod sqlite;
mod stopwatch;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

/// What every benchmark gets.
pub struct Bench {
    agent: PathBuf,
    scratch: PathBuf,
    only: Option<String>,
    rounds: usize,
    /// Sizes are divided by it.
    part: u64,
}

impl Bench {
    fn parse() -> Result<Self> {
        let mut bench = Self {
            agent: PathBuf::new(),
            scratch: PathBuf::new(),
            only: None,
            rounds: 3,
            part: 10,
        };
        let mut args = std::env::args().skip(1);
        while let Some(name) = args.next() {
            let value = args.next().with_context(|| format!("{name} needs a value"))?;
            match (name.as_str(), value.as_str()) {
                ("--agent", _) => bench.agent = value.into(),
                ("--scratch", _) => bench.scratch = value.into(),
                ("--only", _) => bench.only = Some(value),
                ("--rounds", _) => bench.rounds = value.parse::<usize>()?.max(3),
                ("--size", "full") => bench.part = 1,
                ("--size", "small") => bench.part = 10,
                _ => bail!("unknown argument {name} {value}"),
            }
        }
        Ok(bench)
    }

    fn wants(&self, name: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == name)
    }
}

type Run = fn(&Bench) -> Result<()>;

fn main() -> Result<()> {
    let bench = Bench::parse()?;
    let mut any = false;
    let all: [(&str, Run); 4] = [
        ("filesystem", filesystem::run),
        ("sqlite", sqlite::run),
        ("verify", sqlite::verify),
        ("memory", sqlite::memory),
    ];
    for (name, run) in all {
        if bench.wants(name) {
            any = true;
            run(&bench).with_context(|| name.to_owned())?;
        }
    }
    anyhow::ensure!(any, "no such benchmark: filesystem, sqlite, verify, memory");
    Ok(())
}
