//! The only writer of state: write, fsync, rename, fsync the folder, and only then go on.
//!
//! ```text
//! bytes -> .NAME.PID.N.new (written, fsynced) -> NAME (renamed) -> folder fsynced -> Ok
//!             a crash here leaves a stray file    a crash here leaves the whole file or none
//! ```
//!
//! After the first failure nothing more is written, and [`Durable::check`] fails for ever: the
//! process must not dispose of another record, because it could not prove it (P14). A failed
//! fsync is never repeated: the kernel may have dropped the pages and would answer "done".

mod group;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

/// Mode of files that hold no secret, before the umask.
const MODE_PUBLIC: u32 = 0o666;
/// Mode of files with a secret.
const MODE_PRIVATE: u32 = 0o600;

/// What can go wrong with a durable write.
#[derive(Debug, thiserror::Error)]
pub enum DurableError {
    /// The write itself failed; from now on nothing more is written.
    #[error("{action} {path} failed: {source}", path = .path.display())]
    Failed {
        /// What was tried, in words.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// An earlier write of this process failed.
    #[error("nothing more is written or disposed of, because {first}")]
    Stopped {
        /// The first failure, in words.
        first: String,
    },
    /// The file is there already; it was left alone.
    #[error("{path} exists already", path = .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file is there already with other content; it was left alone.
    #[error("{path} exists already, with other content", path = .path.display())]
    Differs {
        /// The file.
        path: PathBuf,
    },
}

impl DurableError {
    /// Says what to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Failed { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "free space on that disk, then run again: the run goes on where it stopped"
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "let the agent's account write there, then run again: the run goes on where \
                     it stopped"
                }
                _ => "look after that disk first, then run again: the run goes on where it stopped",
            },
            Self::Stopped { .. } => {
                "mend the cause, then run again: the run goes on where it stopped"
            }
            Self::Exists { .. } | Self::Differs { .. } => {
                "state is never overwritten: move the file away yourself if it is not wanted"
            }
        }
    }
}

type Result<T> = std::result::Result<T, DurableError>;

/// Writes state durably, until the first failure.
///
/// Clones share the failure: one `Durable` is made for a process and handed to everything that
/// writes.
#[derive(Clone, Debug, Default)]
pub struct Durable {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    first_failure: OnceLock<String>,
    fault: Option<FailAt>,
    operations: AtomicU64,
    temporaries: AtomicU64,
}

/// A fault to inject, for tests: which durable operation fails, and how.
#[derive(Clone, Copy, Debug)]
pub struct FailAt {
    /// The operation that fails, from 1.
    pub operation: u64,
    /// What is on the disk afterwards.
    pub effect: FaultEffect,
}

/// What an injected fault leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultEffect {
    /// Nothing reached the disk.
    Lost,
    /// All of it reached the disk, and the caller is told that it failed.
    PersistedButReportedFailed,
}

impl Durable {
    /// Makes a writer for this process.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a writer whose Nth operation fails, for tests.
    pub fn failing(fault: FailAt) -> Self {
        Self { shared: Arc::new(Shared { fault: Some(fault), ..Shared::default() }) }
    }

    /// Returns how many durable operations were begun: tests fail each one in turn.
    pub fn operations(&self) -> u64 {
        self.shared.operations.load(Ordering::SeqCst)
    }

    /// Fails if any write of this process failed; asked before each disposal (P14).
    pub fn check(&self) -> Result<()> {
        match self.shared.first_failure.get() {
            None => Ok(()),
            Some(first) => Err(DurableError::Stopped { first: first.clone() }),
        }
    }

    /// Records a failure of state that is written by other means (the journal's database).
    ///
    /// `first` completes the sentence "nothing more is disposed of, because ...".
    pub fn poison(&self, first: impl Into<String>) {
        // Only the first failure is kept: it is the cause, later ones are consequences.
        self.shared.first_failure.get_or_init(|| first.into());
    }

    /// Writes a file that must not exist yet.
    pub fn write_new(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        self.write(path, bytes, MODE_PUBLIC, Target::New)
    }

    /// Writes a file that must not exist yet and that only the agent's account may read.
    pub fn write_new_private(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        self.write(path, bytes, MODE_PRIVATE, Target::New)
    }

    /// Writes a file, in place of the one that is there, if any.
    pub fn replace(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        self.write(path, bytes, MODE_PUBLIC, Target::Any)
    }

    /// Writes a file in place of the one that is there, readable only for the agent's account.
    pub fn replace_private(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        self.write(path, bytes, MODE_PRIVATE, Target::Any)
    }

    /// Makes sure that a file is there with these bytes.
    ///
    /// For files whose bytes are a function of the journal: a second try after a crash finds
    /// them, makes their name durable and goes on.
    pub fn write_same(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        self.check()?;
        match std::fs::read(path) {
            Ok(found) if found == bytes => {
                // The crash may have come between rename and fsync of the folder.
                self.operation("making durable", path, || sync_folder(folder_of(path)))
            }
            Ok(_) => Err(DurableError::Differs { path: path.to_path_buf() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.write(path, bytes, MODE_PUBLIC, Target::New)
            }
            Err(error) => Err(self.fail("reading", path, error)),
        }
    }

    /// Starts a file that is too large for memory; it appears under its name at `commit`.
    pub fn create(&self, path: &Path) -> Result<DurableFile> {
        self.check()?;
        let staged = self.stage(path, MODE_PUBLIC).map_err(|e| self.fail("creating", path, e))?;
        Ok(DurableFile {
            durable: self.clone(),
            writer: Some(BufWriter::new(staged.file)),
            temporary: staged.name,
            path: path.to_path_buf(),
        })
    }

    /// Makes a folder and the missing ones above it; one that exists is fine.
    pub fn create_dir(&self, path: &Path) -> Result<()> {
        self.check()?;
        if path.is_dir() {
            return Ok(());
        }
        if let Some(above) = path.parent().filter(|p| !p.as_os_str().is_empty() && !p.is_dir()) {
            self.create_dir(above)?;
        }
        self.operation("creating the folder", path, || {
            match std::fs::create_dir(path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            sync_folder(folder_of(path))
        })
    }

    /// Makes the names in a folder durable.
    pub fn sync_dir(&self, folder: &Path) -> Result<()> {
        self.check()?;
        self.operation("making durable", folder, || sync_folder(folder))
    }

    /// Removes a file; one that is not there is fine.
    pub fn remove(&self, path: &Path) -> Result<()> {
        self.check()?;
        self.operation("removing", path, || {
            let folder = open_folder(folder_of(path))?;
            match rustix::fs::unlinkat(&folder, file_name(path)?, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
            Ok(rustix::fs::fsync(&folder)?)
        })
    }

    /// Removes what crashed writers left in a folder: temporary files of processes that are gone.
    pub fn sweep(&self, folder: &Path) -> Result<()> {
        self.check()?;
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(self.fail("reading the folder", folder, error)),
        };
        for entry in entries {
            let entry = entry.map_err(|e| self.fail("reading the folder", folder, e))?;
            if temporary_owner(&entry.file_name()).is_some_and(|pid| !is_running(pid)) {
                self.remove(&entry.path())?;
            }
        }
        Ok(())
    }

    fn write(&self, path: &Path, bytes: &[u8], mode: u32, target: Target) -> Result<()> {
        self.check()?;
        if target == Target::New && path.symlink_metadata().is_ok() {
            return Err(DurableError::Exists { path: path.to_path_buf() });
        }
        self.operation("writing", path, || {
            let mut staged = self.stage(path, mode)?;
            let written = staged.file.write_all(bytes).and_then(|()| staged.file.sync_all());
            if let Err(error) = written {
                return Err(staged.abandon(path, error));
            }
            publish(path, &staged.name, target)
        })
        .map_err(|error| match error {
            DurableError::Failed { path, source, .. }
                if source.kind() == io::ErrorKind::AlreadyExists && target == Target::New =>
            {
                DurableError::Exists { path }
            }
            other => other,
        })
    }

    /// Runs one durable operation, with the fault that a test may have asked for.
    fn operation(
        &self,
        action: &'static str,
        path: &Path,
        body: impl FnOnce() -> io::Result<()>,
    ) -> Result<()> {
        let number = self.shared.operations.fetch_add(1, Ordering::SeqCst) + 1;
        let fault = self.shared.fault.filter(|f| f.operation == number).map(|f| f.effect);
        if fault == Some(FaultEffect::Lost) {
            return Err(self.fail(action, path, injected()));
        }
        body().map_err(|error| self.fail(action, path, error))?;
        if fault == Some(FaultEffect::PersistedButReportedFailed) {
            return Err(self.fail(action, path, injected()));
        }
        Ok(())
    }

    fn fail(&self, action: &'static str, path: &Path, source: io::Error) -> DurableError {
        self.poison(format!("{action} {} failed: {source}", path.display()));
        DurableError::Failed { action, path: path.to_path_buf(), source }
    }

    fn stage(&self, path: &Path, mode: u32) -> io::Result<Staged> {
        let number = self.shared.temporaries.fetch_add(1, Ordering::SeqCst);
        let mut name = OsString::from(".");
        name.push(file_name(path)?);
        name.push(format!(".{}.{number}.new", std::process::id()));
        let folder = open_folder(folder_of(path))?;
        let flags = OFlags::CREATE | OFlags::TRUNC | OFlags::WRONLY | OFlags::NOFOLLOW;
        let file =
            rustix::fs::openat(&folder, &name, flags | OFlags::CLOEXEC, Mode::from_raw_mode(mode))?;
        Ok(Staged { file: File::from(file), name })
    }
}

/// A large file under a temporary name.
///
/// Dropped without `commit`, it never appears under its own name.
#[derive(Debug)]
pub struct DurableFile {
    durable: Durable,
    writer: Option<BufWriter<File>>,
    temporary: OsString,
    path: PathBuf,
}

impl DurableFile {
    /// Makes the file durable under its name, which must not exist yet.
    pub fn commit(self) -> Result<()> {
        self.finish(Target::New)
    }

    /// Makes the file durable under its name, in place of the one that is there, if any.
    pub fn commit_replacing(self) -> Result<()> {
        self.finish(Target::Any)
    }

    fn finish(mut self, target: Target) -> Result<()> {
        let durable = self.durable.clone();
        durable.check()?;
        if target == Target::New && self.path.symlink_metadata().is_ok() {
            return Err(DurableError::Exists { path: self.path.clone() });
        }
        let path = self.path.clone();
        durable.operation("writing", &path, || {
            let Some(writer) = self.writer.take() else {
                return Err(io::Error::other("the file was given up after a failed write"));
            };
            let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.sync_all()?;
            publish(&self.path, &self.temporary, target)?;
            self.temporary.clear();
            Ok(())
        })
    }
}

impl Write for DurableFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = match &mut self.writer {
            Some(writer) => writer.write(bytes),
            None => Err(io::Error::other("the file was given up after a failed write")),
        };
        if let Err(error) = &result {
            self.durable.poison(format!("writing {} failed: {error}", self.path.display()));
            self.writer = None;
        }
        result
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for DurableFile {
    fn drop(&mut self) {
        if self.temporary.is_empty() {
            return;
        }
        if let Some(writer) = self.writer.take() {
            // The buffered rest is not wanted; dropping the writer whole would write it.
            drop(writer.into_parts());
        }
        remove_temporary(&self.path, &self.temporary);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    New,
    Any,
}

struct Staged {
    file: File,
    name: OsString,
}

impl Staged {
    fn abandon(&self, path: &Path, error: io::Error) -> io::Error {
        remove_temporary(path, &self.name);
        error
    }
}

/// Gives a staged file its name and makes the name durable.
fn publish(path: &Path, temporary: &OsStr, target: Target) -> io::Result<()> {
    publish_name(path, temporary, target)?;
    // A crash here may lose the name, never half of the content.
    sync_folder(folder_of(path))
}

/// Gives a staged file its name.
fn publish_name(path: &Path, temporary: &OsStr, target: Target) -> io::Result<()> {
    let folder = open_folder(folder_of(path))?;
    let name = file_name(path)?;
    let renamed = match target {
        Target::Any => rustix::fs::renameat(&folder, temporary, &folder, name),
        Target::New => rename_new(&folder, temporary, name),
    };
    if let Err(error) = renamed {
        remove_temporary(path, temporary);
        return Err(error.into());
    }
    Ok(())
}

fn rename_new(folder: impl AsFd, temporary: &OsStr, name: &OsStr) -> rustix::io::Result<()> {
    let folder = folder.as_fd();
    match rustix::fs::renameat_with(folder, temporary, folder, name, RenameFlags::NOREPLACE) {
        // File systems without that flag: a hard link does not replace either.
        Err(Errno::INVAL | Errno::NOSYS) => {
            rustix::fs::linkat(folder, temporary, folder, name, AtFlags::empty())?;
            rustix::fs::unlinkat(folder, temporary, AtFlags::empty())
        }
        other => other,
    }
}

/// Tidies up; a stray temporary file does no harm, and `sweep` takes it later.
fn remove_temporary(path: &Path, temporary: &OsStr) {
    let removed = open_folder(folder_of(path))
        .and_then(|f| Ok(rustix::fs::unlinkat(&f, temporary, AtFlags::empty())?));
    if let Err(error) = removed {
        tracing::debug!(%error, "a temporary file stays behind");
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::fsync(open_folder(folder)?)?)
}

fn open_folder(folder: &Path) -> io::Result<std::os::fd::OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(folder, flags, Mode::empty())?)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn file_name(path: &Path) -> io::Result<&OsStr> {
    path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a file name"))
}

/// Returns the process that a temporary name belongs to.
fn temporary_owner(name: &OsStr) -> Option<i32> {
    let rest = name.to_str()?.strip_prefix('.')?.strip_suffix(".new")?;
    let (rest, number) = rest.rsplit_once('.')?;
    number.parse::<u64>().ok()?;
    rest.rsplit_once('.')?.1.parse().ok().filter(|pid| *pid > 0)
}

fn is_running(pid: i32) -> bool {
    let Some(pid) = rustix::process::Pid::from_raw(pid) else { return false };
    rustix::process::test_kill_process(pid) != Err(Errno::SRCH)
}

fn injected() -> io::Error {
    io::Error::other("a fault that a test asked for")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// One of each durable operation, in an order in which each one has something to do.
    fn script(durable: &Durable, folder: &Path) -> Result<()> {
        durable.create_dir(&folder.join("a"))?;
        durable.write_new(&folder.join("a/new"), b"1")?;
        durable.replace(&folder.join("a/new"), b"2")?;
        durable.write_same(&folder.join("a/same"), b"3")?;
        durable.write_same(&folder.join("a/same"), b"3")?;
        let mut large = durable.create(&folder.join("a/large"))?;
        large.write_all(&[4; 100_000]).map_err(|e| durable.fail("writing", folder, e))?;
        large.commit()?;
        durable.remove(&folder.join("a/new"))
    }

    #[test]
    fn what_was_written_is_there_and_no_temporary_file_is() {
        let dir = folder();
        script(&Durable::new(), dir.path()).unwrap();
        assert_eq!(names(&dir.path().join("a")), ["large", "same"]);
        assert_eq!(std::fs::read(dir.path().join("a/large")).unwrap().len(), 100_000);
    }

    #[test]
    fn a_new_file_never_replaces_one_and_that_is_no_failure() {
        let dir = folder();
        let durable = Durable::new();
        let path = dir.path().join("f");
        durable.write_new(&path, b"first").unwrap();
        assert!(matches!(durable.write_new(&path, b"second"), Err(DurableError::Exists { .. })));
        assert!(matches!(durable.write_same(&path, b"second"), Err(DurableError::Differs { .. })));
        let mut large = durable.create(&path).unwrap();
        large.write_all(b"third").unwrap();
        assert!(matches!(large.commit(), Err(DurableError::Exists { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        assert_eq!(names(dir.path()), ["f"]);
        durable.check().unwrap();
    }

    #[test]
    fn after_any_failed_operation_nothing_is_written_any_more() {
        let clean = Durable::new();
        script(&clean, folder().path()).unwrap();
        for effect in [FaultEffect::Lost, FaultEffect::PersistedButReportedFailed] {
            for operation in 1..=clean.operations() {
                let dir = folder();
                let durable = Durable::failing(FailAt { operation, effect });
                let error = script(&durable, dir.path()).unwrap_err();
                assert!(matches!(error, DurableError::Failed { .. }), "{error}");
                assert!(matches!(durable.check(), Err(DurableError::Stopped { .. })));
                let late = dir.path().join("late");
                assert!(durable.clone().write_new(&late, b"").is_err());
                assert!(durable.replace(&late, b"").is_err());
                assert!(durable.create(&late).is_err());
                assert!(!late.exists());
            }
        }
    }

    #[test]
    fn an_injected_fault_beyond_the_last_operation_changes_nothing() {
        let clean = Durable::new();
        script(&clean, folder().path()).unwrap();
        let operation = clean.operations() + 1;
        let durable = Durable::failing(FailAt { operation, effect: FaultEffect::Lost });
        script(&durable, folder().path()).unwrap();
    }

    #[test]
    fn a_lost_write_leaves_nothing_and_a_misreported_one_leaves_all() {
        for (effect, there) in
            [(FaultEffect::Lost, false), (FaultEffect::PersistedButReportedFailed, true)]
        {
            let dir = folder();
            let durable = Durable::failing(FailAt { operation: 1, effect });
            assert!(durable.write_new(&dir.path().join("f"), b"x").is_err());
            assert_eq!(dir.path().join("f").exists(), there);
        }
    }

    #[test]
    fn a_large_file_that_is_not_committed_never_appears() {
        let dir = folder();
        let mut large = Durable::new().create(&dir.path().join("f")).unwrap();
        large.write_all(&[0; 50_000]).unwrap();
        drop(large);
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn a_folder_that_is_missing_is_a_failure_with_its_path() {
        let dir = folder();
        let error = Durable::new().write_new(&dir.path().join("no/f"), b"").unwrap_err();
        assert!(error.to_string().contains("no/f"), "{error}");
        assert!(!error.help().is_empty());
    }

    #[test]
    fn a_private_file_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let dir = folder();
        let path = dir.path().join("key");
        Durable::new().write_new_private(&path, b"").unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_sweep_takes_what_dead_writers_left_and_nothing_else() {
        let dir = folder();
        let dead = format!(".state.{}.3.new", i32::MAX);
        let alive = format!(".state.{}.3.new", std::process::id());
        for name in [dead.as_str(), &alive, ".state.new", ".x.y.new", "record.new"] {
            File::create(dir.path().join(name)).unwrap();
        }
        Durable::new().sweep(dir.path()).unwrap();
        let mut kept = vec![alive, ".state.new".into(), ".x.y.new".into(), "record.new".into()];
        kept.sort();
        assert_eq!(names(dir.path()), kept);
    }

    #[test]
    fn a_name_that_is_a_link_is_replaced_and_never_followed() {
        let dir = folder();
        let other = dir.path().join("other");
        std::fs::File::create(&other).unwrap();
        std::os::unix::fs::symlink(&other, dir.path().join("f")).unwrap();
        let durable = Durable::new();
        assert!(durable.write_new(&dir.path().join("f"), b"x").is_err());
        durable.replace(&dir.path().join("f"), b"x").unwrap();
        assert_eq!(std::fs::read(&other).unwrap(), b"");
    }
}
