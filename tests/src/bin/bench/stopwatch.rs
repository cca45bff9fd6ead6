//! Time and memory of a child, medians, and the line that is printed.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// One measured run.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    pub seconds: f64,
    /// The highest resident size; 0 where it was not looked at.
    pub peak_kib: u64,
}

/// Runs a command that must succeed.
pub fn measure(command: &mut Command) -> Result<Measured> {
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .env("NO_COLOR", "1")
        .spawn()
        .with_context(|| format!("{command:?}"))?;
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        // The kernel keeps the high-water mark, so looking now and then loses only the last moments.
        peak_kib = high_water(&status_file).unwrap_or(0).max(peak_kib);
        thread::sleep(Duration::from_millis(2));
    };
    let seconds = begun.elapsed().as_secs_f64();
    if !status.success() {
        let mut said = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            std::io::Read::read_to_string(&mut stderr, &mut said)?;
        }
        bail!("{command:?} ended with {status}: {said}");
    }
    Ok(Measured { seconds, peak_kib })
}

fn high_water(status_file: &str) -> Option<u64> {
    let text = fs::read_to_string(status_file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Measures a piece of work in this process.
pub fn time<T>(work: impl FnOnce() -> Result<T>) -> Result<Measured> {
    let begun = Instant::now();
    work()?;
    Ok(Measured { seconds: begun.elapsed().as_secs_f64(), peak_kib: 0 })
}

/// Writes everything out, so that no round pays for the one before it.
pub fn settle() -> Result<()> {
    let status = Command::new("sync").status()?;
    anyhow::ensure!(status.success(), "sync failed");
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Prints the figure of some rounds.
pub fn print(name: &str, n: u64, ours: &[Measured], bare: &[Measured]) {
    let seconds = |all: &[Measured]| median(all.iter().map(|one| one.seconds).collect());
    let peak = ours.iter().map(|one| one.peak_kib).max().unwrap_or(0).div_ceil(1024);
    let (mine, theirs) = (seconds(ours), seconds(bare));
    println!(
        "bench {name} ratio {:.2} (ours {mine:.3} s, bare {theirs:.3} s, n {n}, peak {peak} MiB)",
        mine / theirs
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_child_is_measured() {
        let measured = measure(Command::new("sleep").arg("0.05")).unwrap();
        assert!(measured.seconds >= 0.05 && measured.peak_kib > 0, "{measured:?}");
    }
}
