//! Several files that mean something only together: the last one is the commit point.
//!
//! ```text
//! all staged -> all fsynced, at once -> all but the last renamed -> their folders fsynced
//!            -> the last renamed -> its folder fsynced -> Ok
//! ```
//!
//! A file system commits what is fsynced at the same time together, so that a group costs hardly
//! more than one file.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{
    Durable, MODE_PUBLIC, Result, Staged, Target, folder_of, publish_name, remove_temporary,
    sync_folder,
};

/// Files that are fsynced at the same time at most.
const AT_ONCE_MAX: usize = 16;

impl Durable {
    /// Writes files in place of those that are there; the last one only after all others are
    /// durable.
    ///
    /// A crash before the last rename leaves the last file as it was.
    pub fn replace_all(&self, files: &[(PathBuf, &[u8])]) -> Result<()> {
        self.check()?;
        let Some((last, _)) = files.last() else { return Ok(()) };
        self.operation("writing", last, || {
            let mut staged: Vec<(&Path, Staged)> = Vec::with_capacity(files.len());
            let outcome = self.write_all_staged(files, &mut staged);
            if outcome.is_err() {
                for (path, file) in &staged {
                    remove_temporary(path, &file.name);
                }
            }
            outcome
        })
    }

    fn write_all_staged<'f>(
        &self,
        files: &'f [(PathBuf, &[u8])],
        staged: &mut Vec<(&'f Path, Staged)>,
    ) -> io::Result<()> {
        for (path, bytes) in files {
            let mut file = self.stage(path, MODE_PUBLIC)?;
            let written = file.file.write_all(bytes);
            staged.push((path, file));
            written?;
        }
        for group in staged.chunks(AT_ONCE_MAX) {
            sync_all(group)?;
        }
        let Some(((last, commit), before)) = staged.split_last() else { return Ok(()) };
        let mut folders = BTreeSet::new();
        for (path, file) in before {
            publish_name(path, &file.name, Target::Any)?;
            folders.insert(folder_of(path));
        }
        for folder in folders {
            sync_folder(folder)?;
        }
        publish_name(last, &commit.name, Target::Any)?;
        sync_folder(folder_of(last))
    }
}

/// Fsyncs files at the same time; the first failure counts, and none is tried again.
fn sync_all(files: &[(&Path, Staged)]) -> io::Result<()> {
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            files.iter().map(|(_, file)| scope.spawn(|| file.file.sync_all())).collect();
        let mut outcome = Ok(());
        for thread in threads {
            let synced = thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread died")));
            outcome = outcome.and(synced);
        }
        outcome
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_are_there_in_the_end_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let names: Vec<PathBuf> = (0..20).map(|n| dir.path().join(n.to_string())).collect();
        let files: Vec<(PathBuf, &[u8])> = names.iter().map(|n| (n.clone(), &b"x"[..])).collect();
        Durable::new().replace_all(&files).unwrap();
        Durable::new().replace_all(&files).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 20);
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_the_last_one_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let last = dir.path().join("last");
        let durable = Durable::new();
        durable.replace(&last, b"before").unwrap();
        let files = [(dir.path().join("missing/one"), &b"x"[..]), (last.clone(), &b"after"[..])];
        assert!(durable.replace_all(&files).is_err());
        assert_eq!(std::fs::read(&last).unwrap(), b"before");
        assert!(durable.check().is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
