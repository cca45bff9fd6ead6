//! Changes bundles in every small way and asks both verifiers. Called by `tests/tamper`.
#![expect(clippy::disallowed_methods, reason = "a harness makes its own files")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quietus_evidence::bundle::Bundle;
use quietus_evidence::policy::TrustPolicy;
use quietus_evidence::verify::{Input, Level, is_sound, verify};
use quietus_tests::chance::Chance;
use quietus_tests::container::{Pieces, open, seal};

/// The bundle whose every bit is flipped must have at least so many bytes.
const BYTES_MIN: usize = 100 * 1024;
const THREADS: usize = 2;
/// One byte in so many is changed and sealed again; every one where `QUIETUS_DEEP` is set.
const RESEALED_STEP: usize = 10;

/// What both verifiers are given.
struct Bench {
    folder: PathBuf,
    oracle: PathBuf,
    python: String,
    policy: TrustPolicy,
}

impl Bench {
    fn new() -> Result<Self> {
        let mut args = std::env::args().skip(1);
        let folder: PathBuf = args.next().context("usage: tamper FOLDER ORACLE")?.into();
        let oracle: PathBuf = args.next().context("usage: tamper FOLDER ORACLE")?.into();
        let python = std::env::var("QUIETUS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let text = fs::read(folder.join("policy"))?;
        let policy = TrustPolicy::parse(&text).map_err(|e| anyhow::anyhow!("policy: {e}"))?;
        Ok(Self { folder, oracle, python, policy })
    }

    /// The first verifier's word.
    fn level(&self, bundle: &[u8]) -> &'static str {
        let Ok(source) = Bundle::open(bundle) else { return Level::Invalid.word() };
        let input = Input {
            source: &source,
            policy: Some(&self.policy),
            last_seen: None,
            disclosures: &[],
        };
        verify(input).level.word()
    }

    /// Whether a bundle is false, or proves less than the policy asks for: without the witness's
    /// signature a checkpoint is still sound, and an auditor who wants the witness says no.
    fn is_rejected(&self, bundle: &[u8]) -> bool {
        let Ok(source) = Bundle::open(bundle) else { return true };
        let policy = Some(&self.policy);
        let input = Input { source: &source, policy, last_seen: None, disclosures: &[] };
        !is_sound(input) || !verify(input).is_met()
    }

    /// The second verifier's words, in one process.
    fn second(&self, bundles: &[Vec<u8>]) -> Result<Vec<String>> {
        let mut child = Command::new(&self.python)
            .arg(self.oracle.join("stream.py"))
            .arg("--policy")
            .arg(self.folder.join("policy"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut stdin = child.stdin.take().context("stdin")?;
        let stdout = BufReader::new(child.stdout.take().context("stdout")?);
        let words = thread::scope(|scope| -> Result<Vec<String>> {
            let writer = scope.spawn(move || -> Result<()> {
                for bundle in bundles {
                    stdin.write_all(&u64::try_from(bundle.len())?.to_be_bytes())?;
                    stdin.write_all(bundle)?;
                }
                Ok(())
            });
            let words = stdout.lines().collect::<std::io::Result<Vec<_>>>()?;
            writer.join().map_err(|_| anyhow::anyhow!("the writer panicked"))??;
            Ok(words)
        })?;
        ensure!(child.wait()?.success(), "the second verifier failed");
        ensure!(words.len() == bundles.len(), "the second verifier stopped early");
        Ok(words)
    }
}

/// Tries every changed form that `change` makes of a number below `count`; returns how many were
/// tried, and the numbers of those that passed.
fn try_all(
    bench: &Bench,
    count: usize,
    change: impl Fn(usize) -> Option<Vec<u8>> + Sync,
) -> Result<(u64, Vec<usize>)> {
    const CHUNK: usize = 256;
    let (next, tried) = (AtomicUsize::new(0), AtomicU64::new(0));
    let work = || {
        let mut passed = Vec::new();
        loop {
            let start = next.fetch_add(CHUNK, Ordering::Relaxed);
            if start >= count {
                return passed;
            }
            for number in start..count.min(start + CHUNK) {
                if let Some(bundle) = change(number) {
                    tried.fetch_add(1, Ordering::Relaxed);
                    if !bench.is_rejected(&bundle) {
                        passed.push(number);
                    }
                }
            }
        }
    };
    let mut all = Vec::new();
    thread::scope(|scope| -> Result<()> {
        let workers: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            all.extend(worker.join().map_err(|_| anyhow::anyhow!("the verifier panicked"))?);
        }
        Ok(())
    })?;
    Ok((tried.load(Ordering::Relaxed), all))
}

fn flipped(bundle: &[u8], bit: usize) -> Option<Vec<u8>> {
    let mut changed = bundle.to_vec();
    *changed.get_mut(bit / 8)? ^= 1 << (bit % 8);
    Some(changed)
}

/// Every place of every file that counts as evidence, by a running number.
fn places(pieces: &Pieces) -> Vec<(usize, usize)> {
    let counts = |name: &str| name != "README.txt";
    let files = pieces.files.iter().enumerate().filter(|(_, (name, _))| counts(name));
    files.flat_map(|(file, (_, data))| (0..data.len()).map(move |at| (file, at))).collect()
}

/// One bit of a file is flipped, and `bundle.json` made to fit again.
fn resealed(pieces: &Pieces, place: Option<&(usize, usize)>, bit: u64) -> Option<Vec<u8>> {
    let (file, at) = place?;
    let mut changed = pieces.clone();
    *changed.files.get_mut(*file)?.1.get_mut(*at)? ^= 1 << bit;
    Some(seal(&changed))
}

/// Neighbours swapped, dropped, doubled: files, and the lines of records.
fn rearranged(pieces: &Pieces) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let evidence = |name: &str| name != "README.txt" && !name.starts_with("disclosures/");
    for at in 0..pieces.files.len() {
        let name = pieces.files.get(at).map(|(name, _)| name.clone()).unwrap_or_default();
        // A single bundle may leave the record lines out: then it proves less, and says so.
        let may_go = pieces.kind == "single" && name.starts_with("evidence/");
        if evidence(&name) && !may_go {
            let mut dropped = pieces.clone();
            dropped.files.remove(at);
            all.push(seal(&dropped));
        }
        let mut doubled = pieces.clone();
        if let Some(file) = pieces.files.get(at) {
            doubled.files.insert(at, file.clone());
        }
        all.push(seal(&doubled));
        let mut swapped = pieces.clone();
        if let Some([(_, one), (_, other)]) = swapped.files.get_mut(at..at + 2)
            && one != other
        {
            std::mem::swap(one, other);
            all.push(seal(&swapped));
        }
        if name.starts_with("evidence/") {
            all.extend(line_changes(pieces, at));
        }
    }
    all
}

fn line_changes(pieces: &Pieces, file: usize) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let Some((_, data)) = pieces.files.get(file) else { return all };
    let lines: Vec<&[u8]> = data.split_inclusive(|byte| *byte == b'\n').collect();
    let mut put = |lines: &[&[u8]]| {
        let mut changed = pieces.clone();
        if let Some((_, data)) = changed.files.get_mut(file) {
            *data = lines.concat();
        }
        all.push(seal(&changed));
    };
    for at in 0..lines.len() {
        let mut dropped = lines.clone();
        let line = dropped.remove(at);
        put(&dropped);
        let mut doubled = lines.clone();
        doubled.insert(at, line);
        put(&doubled);
        if at + 1 < lines.len() {
            let mut swapped = lines.clone();
            swapped.swap(at, at + 1);
            put(&swapped);
        }
    }
    all
}

struct Tally {
    cases: u64,
    missed: u64,
}

impl Tally {
    fn note(&mut self, what: &str, begun: Instant, tried: u64, passed: &[usize]) {
        self.cases += tried;
        self.missed += u64::try_from(passed.len()).unwrap_or(u64::MAX);
        println!(
            "tamper {what}: {tried} cases, {} missed, {:.1} s",
            passed.len(),
            begun.elapsed().as_secs_f64()
        );
        for number in passed.iter().take(5) {
            println!("tamper {what}: case {number} passed");
        }
    }
}

/// Both verifiers must say the same of every one.
fn agree(bench: &Bench, what: &str, bundles: &[Vec<u8>]) -> Result<u64> {
    let begun = Instant::now();
    let second = bench.second(bundles)?;
    let mut disagreements = 0;
    for (number, (bundle, word)) in bundles.iter().zip(&second).enumerate() {
        let first = bench.level(bundle);
        if first != word {
            disagreements += 1;
            if disagreements <= 5 {
                let path = bench.folder.join(format!("disagreement-{what}-{number}.tar"));
                fs::write(&path, bundle)?;
                println!("tamper {what}: first {first}, second {word}, case {number}");
            }
        }
    }
    println!(
        "tamper {what}: {} bundles to both verifiers, {disagreements} disagreements, {:.1} s",
        bundles.len(),
        begun.elapsed().as_secs_f64()
    );
    Ok(disagreements)
}

/// Bundles for both verifiers: single bits, resealed bits, several bytes at once, rearrangements.
fn sample(bundle: &[u8], pieces: &Pieces, chance: &mut Chance, each: usize) -> Vec<Vec<u8>> {
    let mut all = vec![bundle.to_vec()];
    let below = |chance: &mut Chance, n: usize| {
        usize::try_from(chance.below(u64::try_from(n).unwrap_or(0))).unwrap_or(0)
    };
    let places = places(pieces);
    for _ in 0..each {
        all.extend(flipped(bundle, below(chance, bundle.len() * 8)));
        let place = places.get(below(chance, places.len()));
        all.extend(resealed(pieces, place, chance.below(8)));
        // A byte becomes another character that a text may hold: the deeper checks see it.
        let mut changed = pieces.clone();
        if let Some((file, at)) = places.get(below(chance, places.len()))
            && let Some(byte) = changed.files.get_mut(*file).and_then(|f| f.1.get_mut(*at))
        {
            *byte = *chance.pick(br#"0123456789abcdef{}[]",: -eE.+"#).unwrap_or(&b'0');
            all.push(seal(&changed));
        }
        all.extend(bundle.get(..below(chance, bundle.len())).map(<[u8]>::to_vec));
    }
    all
}

fn decode(text: &str) -> Result<Vec<u8>> {
    STANDARD.decode(text).map_err(|e| anyhow::anyhow!("base64: {e}"))
}

/// A certificate's signature, checked by a tool that has nothing to do with us.
fn openssl(bench: &Bench, pieces: &Pieces) -> Result<()> {
    let json = |name: &str| -> Result<serde_json::Value> {
        let (_, data) = pieces.files.iter().find(|(n, _)| n == name).context("missing")?;
        Ok(serde_json::from_slice(data)?)
    };
    let genesis = json("ledger/certificates/000000000.json")?;
    let key = genesis.pointer("/predicate/certificate_key").and_then(|k| k.as_str());
    let key = key.context("no certificate key")?;
    let mut der = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00".to_vec();
    for at in (0..key.len()).step_by(2) {
        der.push(u8::from_str_radix(key.get(at..at + 2).context("odd")?, 16)?);
    }
    let pem =
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der));
    let envelope = json("ledger/certificates/000000003.dsse.json")?;
    let text = |pointer: &str| envelope.pointer(pointer).and_then(|v| v.as_str()).context("text");
    let payload = decode(text("/payload")?)?;
    let kind = text("/payloadType")?;
    let mut pae = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    pae.extend(payload);
    let place = |name: &str| bench.folder.join(name);
    fs::write(place("key.pem"), pem)?;
    fs::write(place("sig"), decode(text("/signatures/0/sig")?)?)?;
    for (bytes, good) in [(pae.clone(), true), (flipped(&pae, 800).context("short")?, false)] {
        fs::write(place("pae"), bytes)?;
        let output = Command::new("openssl")
            .args(["pkeyutl", "-verify", "-pubin", "-rawin", "-inkey"])
            .arg(place("key.pem"))
            .arg("-in")
            .arg(place("pae"))
            .arg("-sigfile")
            .arg(place("sig"))
            .output()?;
        ensure!(output.status.success() == good, "openssl: {output:?}, expected {good}");
    }
    println!("tamper openssl: a certificate's signature verifies; a changed one does not");
    Ok(())
}

/// A change that is no evidence passes: the harness can see a pass.
fn control(bench: &Bench, pieces: &Pieces) -> Result<()> {
    let mut changed = pieces.clone();
    changed.files.retain(|(name, _)| name != "README.txt");
    changed.files.insert(0, ("README.txt".to_owned(), b"other words".to_vec()));
    ensure!(!bench.is_rejected(&seal(&changed)), "a changed README was called false");
    ensure!(seal(pieces) == seal(&open(&seal(pieces))?), "sealing is not the inverse of opening");
    println!("tamper control: a change that is no evidence passes");
    Ok(())
}

fn forged(bench: &Bench, tally: &mut Tally) -> Result<u64> {
    let mut names: Vec<PathBuf> = fs::read_dir(bench.folder.join("forged"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    names.sort();
    let bundles = names.iter().map(fs::read).collect::<std::io::Result<Vec<_>>>()?;
    let begun = Instant::now();
    let passed: Vec<usize> = (0..bundles.len())
        .filter(|n| !bundles.get(*n).is_none_or(|b| bench.is_rejected(b)))
        .collect();
    for number in &passed {
        println!("tamper forged: {:?} passed", names.get(*number));
    }
    tally.note("forged", begun, u64::try_from(bundles.len())?, &passed);
    // The honest form of the same ledger must pass, or the forgeries prove nothing.
    let honest = fs::read(bench.folder.join("honest.disposal.tar"))?;
    ensure!(!bench.is_rejected(&honest), "the honest form was called false");
    agree(bench, "forged", &bundles)
}

fn each_bundle(bench: &Bench, path: &Path, tally: &mut Tally, bits: bool) -> Result<u64> {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
    let bundle = fs::read(path)?;
    let pieces = open(&bundle)?;
    ensure!(bundle.len() >= BYTES_MIN, "{name} is too small to count");
    let level = bench.level(&bundle);
    ensure!(level != Level::Invalid.word(), "{name} itself is called false");
    println!("tamper {name}: {} bytes, {} files, {level}", bundle.len(), pieces.files.len());
    control(bench, &pieces)?;
    openssl(bench, &pieces)?;
    let mut chance = Chance::new(u64::try_from(bundle.len())?);
    if bits {
        let begun = Instant::now();
        let (tried, passed) = try_all(bench, bundle.len() * 8, |bit| flipped(&bundle, bit))?;
        tally.note(&format!("{name} bits"), begun, tried, &passed);
    }
    let begun = Instant::now();
    let cut = |length: usize| bundle.get(..length).map(<[u8]>::to_vec);
    let (tried, passed) = try_all(bench, bundle.len(), cut)?;
    tally.note(&format!("{name} truncations"), begun, tried, &passed);
    let begun = Instant::now();
    let all = places(&pieces);
    let bit = chance.below(8);
    let step = if std::env::var_os("QUIETUS_DEEP").is_some() { 1 } else { RESEALED_STEP };
    let resealed = |n: usize| resealed(&pieces, all.get(n * step), bit);
    let (tried, passed) = try_all(bench, all.len() / step, resealed)?;
    tally.note(&format!("{name} resealed"), begun, tried, &passed);
    let begun = Instant::now();
    let rearranged = rearranged(&pieces);
    let (tried, passed) = try_all(bench, rearranged.len(), |n| rearranged.get(n).cloned())?;
    tally.note(&format!("{name} swapped, dropped, doubled"), begun, tried, &passed);
    let mut disagreements = agree(bench, &name, &sample(&bundle, &pieces, &mut chance, 500))?;
    let some: Vec<Vec<u8>> = rearranged.into_iter().step_by(7).take(300).collect();
    disagreements += agree(bench, &format!("{name} rearranged"), &some)?;
    Ok(disagreements)
}

fn main() -> Result<ExitCode> {
    let bench = Bench::new()?;
    let mut tally = Tally { cases: 0, missed: 0 };
    let mut disagreements = forged(&bench, &mut tally)?;
    for (name, bits) in [("single", true), ("full", false)] {
        let path = bench.folder.join(format!("{name}.disposal.tar"));
        disagreements += each_bundle(&bench, &path, &mut tally, bits)?;
    }
    if tally.cases < 800_000 {
        bail!("only {} cases", tally.cases);
    }
    println!("tamper cases {} missed {} disagreements {disagreements}", tally.cases, tally.missed);
    let good = tally.missed == 0 && disagreements == 0;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
