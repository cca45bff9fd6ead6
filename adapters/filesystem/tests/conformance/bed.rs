//! Makes trees of letters, and says what can be done to them here.

use std::fs::File;
use std::path::Path;
use std::sync::Mutex;

use async_trait::async_trait;
use quietus_conformance::{Ability, Done, Seed, Target, Testbed};
use rustix::fs::IFlags;

use crate::target::{BESIDE, FORGOTTEN, TreeTarget, WITHIN, set_flag};

/// Letters below a temporary folder.
#[derive(Clone, Copy, Debug)]
pub struct TreeBed {
    /// Dates stand in a sidecar, not in the time stamp.
    pub sidecar: bool,
    /// Files are overwritten before they go.
    pub shred: bool,
}

#[async_trait]
impl Testbed for TreeBed {
    fn name(&self) -> &str {
        match (self.sidecar, self.shred) {
            (false, false) => "filesystem, mtime",
            (false, true) => "filesystem, mtime, shred",
            (true, false) => "filesystem, sidecars",
            (true, true) => "filesystem, sidecars, shred",
        }
    }

    fn abilities(&self) -> Vec<Ability> {
        use Ability::*;
        let mut all =
            vec![Redate, TellsTwins, Cut, Copies, Crash, Links, Forgotten, Schema, Replace];
        if self.sidecar {
            all.extend([Undated, Unreadable, Subject]);
        }
        if rustix::process::geteuid().is_root() {
            // The flags of a file are for root alone, and only some file systems have them.
            all.extend(flags_work().then_some([Hold, Protect]).into_iter().flatten());
        } else {
            all.extend([BlindAccount, ReadOnlyAccount]);
        }
        all
    }

    async fn fresh(&self, seeds: &[Seed]) -> Done<Box<dyn Target>> {
        let folder = tempfile::tempdir()?;
        let target = TreeTarget {
            sidecar: self.sidecar,
            shred: self.shred,
            folder,
            flagged: Mutex::default(),
        };
        for name in [WITHIN, BESIDE, FORGOTTEN] {
            std::fs::create_dir_all(target.root().join(name))?;
        }
        for seed in seeds {
            target.put(seed)?;
        }
        Ok(Box::new(target))
    }

    fn can_name(&self, name: &str) -> bool {
        // With room for the ending of a sidecar.
        !name.is_empty() && !name.contains('/') && name.len() < 240
    }

    fn shown_elsewhere(&self) -> Vec<(quietus_conformance::Claim, &'static str)> {
        vec![(quietus_conformance::Claim::OwnHolds, "tests/disposal.rs, where flags are to be had")]
    }
}

fn flags_work() -> bool {
    let works = |folder: &Path| -> std::io::Result<()> {
        let path = folder.join("probe");
        File::create(&path)?;
        set_flag(&path, IFlags::IMMUTABLE, true)?;
        set_flag(&path, IFlags::IMMUTABLE, false)
    };
    tempfile::tempdir().is_ok_and(|folder| works(folder.path()).is_ok())
}
