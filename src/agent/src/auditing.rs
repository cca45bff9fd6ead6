//! Evidence for auditors: verifying, exporting, opening one record.
//!
//! Verifying needs no adapter, no journal and no key: what it trusts comes from the auditor.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use quietus_evidence::bundle::{self, Bundle, Selection};
use quietus_evidence::disclosure::{Disclosure, DisclosureError};
use quietus_evidence::layout::{CHECKPOINT, records_path};
use quietus_evidence::note::VerifierKey;
use quietus_evidence::policy::TrustPolicy;
use quietus_evidence::source::{ReadAt, Source, too_large};
use quietus_evidence::statement::Statement;
use quietus_evidence::verify::{Input, Report, verify};
use quietus_evidence::{BatchKey, Event};

use crate::agent::Agent;
use crate::certificate::run_id;
use crate::durable::Durable;
use crate::error::{UserError, code};
use crate::journal::Opening;

/// The longest file that an auditor may hand over besides the evidence.
const AUDITOR_FILE_BYTES_MAX: u64 = 1 << 20;

/// Bytes read at once.
const PIECE_BYTES: usize = 256 << 10;

/// What the auditor brings along.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trust<'a> {
    /// A policy: the log's key, witnesses, quorum.
    pub policy: Option<&'a Path>,
    /// A checkpoint kept from before.
    pub last_seen: Option<&'a Path>,
    /// Opened records.
    pub disclosures: &'a [PathBuf],
}

/// Verifies a bundle, a programme's folder, or its `ledger` folder.
pub fn verify_path(path: &Path, trust: Trust<'_>) -> Result<Report, UserError> {
    let policy = trust
        .policy
        .map(|path| {
            let bytes = auditor_file(path)?;
            if let Some(key) = only_key(&bytes) {
                return Ok(TrustPolicy::of_log(key));
            }
            TrustPolicy::parse(&bytes).map_err(|error| {
                UserError::new(
                    &code::POLICY_UNUSABLE,
                    format!("{} is no policy: {error}", path.display()),
                )
                .with_help(
                    "the shortest policy is the ledger's .pub file; docs/formats/policy.md has the \
                     rest",
                )
            })
        })
        .transpose()?;
    let last_seen = trust.last_seen.map(auditor_file).transpose()?;
    let disclosures =
        trust.disclosures.iter().map(|p| auditor_file(p)).collect::<Result<Vec<_>, _>>()?;
    let disclosures: Vec<&[u8]> = disclosures.iter().map(Vec::as_slice).collect();
    let check = |source: &dyn Source| {
        verify(Input {
            source,
            policy: policy.as_ref(),
            last_seen: last_seen.as_deref(),
            disclosures: &disclosures,
        })
    };
    let metadata = std::fs::metadata(path).map_err(|e| not_there(path, e))?;
    if metadata.is_dir() {
        return Ok(check(&Folder::of_programme(path)?));
    }
    let file = File::open(path).map_err(|e| not_there(path, e))?;
    Ok(match Bundle::open(FileAt(file)) {
        Ok(bundle) => check(&bundle),
        Err(error) => Report::unreadable(error.to_string()),
    })
}

/// Reads a file that is nothing but the ledger's public key, with or without comments.
fn only_key(bytes: &[u8]) -> Option<VerifierKey> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let key = lines.next()?.parse().ok()?;
    lines.next().is_none().then_some(key)
}

/// Writes a bundle: the whole ledger, or one certificate.
pub fn export(
    programme: &Path,
    durable: &Durable,
    selection: Selection,
    disclosures: &[PathBuf],
    file: &Path,
) -> Result<(), UserError> {
    let source = Folder::of_programme(programme)?;
    let disclosures = disclosures
        .iter()
        .map(|path| {
            Disclosure::decode(&auditor_file(path)?).map_err(|error| {
                UserError::new(
                    &code::COMMAND_LINE,
                    format!("{} opens no record: {error}", path.display()),
                )
                .with_help("`quietus evidence disclose` writes such files")
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    if file.exists() {
        return Err(UserError::new(
            &code::FILE_EXISTS,
            format!("{} is there already", file.display()),
        )
        .with_help("name another file: evidence is never overwritten"));
    }
    let mut out = durable.create(file)?;
    bundle::write(&source, selection, &disclosures, &mut out).map_err(|error| {
        UserError::new(&code::EVIDENCE_UNREADABLE, format!("no bundle was written: {error}"))
            .with_help("`quietus verify` tells what is wrong with the evidence")
            .with_source(error)
    })?;
    out.flush().map_err(|e| not_there(file, e))?;
    Ok(out.commit()?)
}

/// Opens one record: proves what became of it, and nothing about any other.
///
/// # Behavior
///
/// - Two tables may each have had a row 1042: `class` says which one is meant. Without it, a name
///   that fits records of two stores is refused.
/// - Of several certificates that name the record, the newest is opened.
pub fn disclose(
    agent: &Agent<'_>,
    system: &str,
    record_key: &str,
    class: Option<&str>,
) -> Result<Vec<u8>, UserError> {
    let system = agent.system(system)?;
    let journal = agent.journal()?;
    let source = Folder::of_programme(agent.dir())?;
    let mut found: Option<(Opening, Disclosure)> = None;
    for opening in journal.openings(&system.name)? {
        let known = |other: &(Opening, Disclosure)| other.0.store == opening.store;
        if class.is_some_and(|class| class != opening.class) || found.as_ref().is_some_and(known) {
            continue;
        }
        let Some(disclosure) = open(&source, &opening, record_key)? else { continue };
        if let Some((other, _)) = &found {
            return Err(UserError::new(
                &code::COMMAND_LINE,
                format!(
                    "system {}: a record of {} and one of {} are called {record_key}",
                    system.name, other.class, opening.class
                ),
            )
            .with_help(format!("say which one is meant: --class {}", other.class)));
        }
        found = Some((opening, disclosure));
    }
    match found {
        Some((opening, disclosure)) => {
            disclosure.encode().map_err(|e| damaged(&format!("run {}", opening.run)).with_source(e))
        }
        None => Err(UserError::new(
            &code::NOT_FOUND,
            format!("system {}: no certificate has the record {record_key}", system.name),
        )
        .with_help(
            "records are named as `quietus explain` names them, and a record that was never \
             planned has no certificate",
        )),
    }
}

/// Looks for a record in one batch.
fn open(
    source: &Folder,
    opening: &Opening,
    record_key: &str,
) -> Result<Option<Disclosure>, UserError> {
    let path = records_path(&run_id(&opening.run)?, opening.batch.into());
    let Some(records) = source.read(&path, u64::MAX).map_err(|e| not_there(&source.0, e))? else {
        return Ok(None);
    };
    let key = BatchKey::from_bytes(opening.key);
    let log = origin(source, opening.result_seq)?;
    let seq = opening.result_seq;
    match Disclosure::make(&log, seq, &opening.store, record_key, &key, &records) {
        Ok(disclosure) => Ok(Some(disclosure)),
        Err(DisclosureError::NotFound) => Ok(None),
        Err(error) => Err(damaged(&path).with_source(error)),
    }
}

/// Returns the ledger's name as an entry has it.
fn origin(source: &Folder, seq: u64) -> Result<String, UserError> {
    let path = quietus_evidence::layout::statement_path(seq);
    let bytes = source.read(&path, 4096).ok().flatten().ok_or_else(|| damaged(&path))?;
    let statement = Statement::decode(&bytes).map_err(|e| damaged(&path).with_source(e))?;
    match statement.event {
        Event::Result(_) => Ok(statement.log),
        _ => Err(damaged(&path)),
    }
}

/// A programme's folder as a source of evidence. Links are not followed.
struct Folder(PathBuf);

impl Folder {
    fn of_programme(path: &Path) -> Result<Self, UserError> {
        if path.join(CHECKPOINT).is_file() {
            return Ok(Self(path.to_path_buf()));
        }
        if path.join("checkpoint").is_file()
            && let Some(above) = path.canonicalize().ok().as_deref().and_then(Path::parent)
            && above.join(CHECKPOINT).is_file()
        {
            return Ok(Self(above.to_path_buf()));
        }
        Err(UserError::new(
            &code::EVIDENCE_UNREADABLE,
            format!("{} holds no ledger", path.display()),
        )
        .with_help("name a bundle, a programme's folder, or the `ledger` folder in it"))
    }

    fn open(&self, path: &str) -> io::Result<Option<File>> {
        use rustix::fs::{Mode, OFlags, ResolveFlags};
        let root = File::open(&self.0)?;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        match rustix::fs::openat2(&root, path, flags, Mode::empty(), resolve) {
            Ok(file) => Ok(Some(File::from(file))),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl Source for Folder {
    fn paths(&self) -> io::Result<Vec<String>> {
        let mut paths = Vec::new();
        let mut folders = vec!["ledger".to_owned(), "evidence".to_owned()];
        while let Some(folder) = folders.pop() {
            let entries = match std::fs::read_dir(self.0.join(&folder)) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            for entry in entries {
                let entry = entry?;
                let Ok(name) = entry.file_name().into_string() else { continue };
                let path = format!("{folder}/{name}");
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_file() && !name.starts_with('.') {
                    // A name with a leading dot is a write that a crash cut short.
                    paths.push(path);
                }
            }
        }
        Ok(paths)
    }

    fn read(&self, path: &str, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(file) = self.open(path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length > bytes_max) {
            return Err(too_large(path, bytes_max));
        }
        Ok(Some(bytes))
    }

    fn stream(&self, path: &str, sink: &mut dyn FnMut(&[u8]) -> bool) -> io::Result<bool> {
        let Some(mut file) = self.open(path)? else { return Ok(false) };
        let mut buffer = vec![0; PIECE_BYTES];
        loop {
            let length = file.read(&mut buffer)?;
            let Some(piece) = buffer.get(..length).filter(|piece| !piece.is_empty()) else {
                return Ok(true);
            };
            if !sink(piece) {
                return Ok(true);
            }
        }
    }
}

/// A bundle's file.
struct FileAt(File);

impl ReadAt for FileAt {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        FileExt::read_at(&self.0, buffer, offset)
    }
}

fn auditor_file(path: &Path) -> Result<Vec<u8>, UserError> {
    let file = File::open(path).map_err(|e| not_there(path, e))?;
    let mut bytes = Vec::new();
    file.take(AUDITOR_FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| not_there(path, e))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > AUDITOR_FILE_BYTES_MAX) {
        return Err(not_there(path, io::ErrorKind::FileTooLarge.into()));
    }
    Ok(bytes)
}

fn not_there(path: &Path, source: io::Error) -> UserError {
    UserError::new(
        &code::EVIDENCE_UNREADABLE,
        format!("{} cannot be read or written: {source}", path.display()),
    )
    .with_help("look whether the name is right, and whether you may read and write there")
    .with_source(source)
}

fn damaged(path: &str) -> UserError {
    UserError::new(&code::EVIDENCE_UNREADABLE, format!("{path} is damaged"))
        .with_help("`quietus verify` tells what is wrong with the evidence")
}
