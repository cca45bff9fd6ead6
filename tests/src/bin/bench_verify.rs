//! How long a bundle of N records takes to verify on one core, and in how much memory.
//!
//! `bench_verify [N]` writes a bundle to a temporary file, then verifies it in processes of its
//! own, so that the memory is that of verification alone. One line, medians:
//! `bench evidence.verify (ours S s, on the CPU C s, n N, peak M MiB)`

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use quietus_evidence::bundle::{self, Selection};
use quietus_evidence::records::BATCH_RECORDS_MAX;
use quietus_evidence::statement::Batch;
use quietus_evidence::{Bundle, Input, Level, ReadAt, RecordOutcome, TrustPolicy, verify};
use quietus_tests::sample::{PlannedBatch, Sample, policy_text};

const ROUNDS: usize = 5;

struct OnDisk(File);

impl ReadAt for OnDisk {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--verify", file] => child(Path::new(file)),
        [] => parent(1_000_000),
        [records] => parent(records.parse()?),
        _ => anyhow::bail!("usage: bench_verify [RECORDS]"),
    }
}

fn parent(records: u64) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("bench.disposal.tar");
    write(&file, records)?;
    let (mut seconds, mut busy, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let out = Command::new(std::env::current_exe()?).arg("--verify").arg(&file).output()?;
        ensure!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let text = String::from_utf8(out.stdout)?;
        let mut figures = text.split_whitespace();
        let mut next = || figures.next().context("three figures");
        seconds.push(next()?.parse::<f64>()?);
        busy.push(next()?.parse::<f64>()?);
        peaks.push(next()?.parse::<u64>()?);
    }
    let (seconds, busy) = (median(seconds)?, median(busy)?);
    let peak = peaks.iter().max().context("rounds")?.div_ceil(1024);
    println!(
        "bench evidence.verify (ours {seconds:.3} s, on the CPU {busy:.3} s, n {records}, \
         peak {peak} MiB)"
    );
    Ok(())
}

fn median(mut values: Vec<f64>) -> Result<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().context("no rounds")
}

fn write(file: &Path, records: u64) -> Result<()> {
    let mut sample = Sample::new()?;
    let of = records.div_ceil(BATCH_RECORDS_MAX);
    for n in 1..=of {
        let first = (n - 1) * BATCH_RECORDS_MAX;
        let last = records.min(n * BATCH_RECORDS_MAX);
        let keys: Vec<String> = (first..last).map(|key| key.to_string()).collect();
        let planned =
            PlannedBatch::new("run-1", Batch { n, of }, &keys, |_| RecordOutcome::Destroyed)?;
        sample.batch(&planned)?;
    }
    let mut out = BufWriter::new(File::create(file)?);
    bundle::write(&sample, Selection::Full, &[], &mut out)?;
    out.flush()?;
    Ok(())
}

/// Prints the seconds, those on the CPU, and the highest resident size in KiB.
fn child(file: &Path) -> Result<()> {
    let policy = TrustPolicy::parse(policy_text(false)?.as_bytes())?;
    let (begun, busy) = (Instant::now(), on_the_cpu()?);
    let bundle = Bundle::open(OnDisk(File::open(file)?))?;
    let input = Input { source: &bundle, policy: Some(&policy), last_seen: None, disclosures: &[] };
    let report = verify(input);
    let (seconds, busy) = (begun.elapsed().as_secs_f64(), on_the_cpu()? - busy);
    ensure!(report.level == Level::Signed, "{:?}", report.findings);
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
    let peak = peak.split_whitespace().next().context("VmHWM")?;
    println!("{seconds} {busy} {peak}");
    Ok(())
}

/// Seconds that this process had a core for; the machine may be busy with others.
fn on_the_cpu() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds = text.split_whitespace().next().context("schedstat")?;
    Ok(nanoseconds.parse::<f64>()? / 1e9)
}
