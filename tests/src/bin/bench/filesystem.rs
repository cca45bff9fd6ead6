//! Certified disposal of files against `find -delete`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use quietus_tests::agent::Agent;
use quietus_tests::world::{AS_OF, write_programme};

use crate::Bench;
use crate::stopwatch::{measure, print, settle};

const FILES: u64 = 200_000;
const FILE_BYTES: usize = 1024;
const FILES_IN_A_FOLDER: u64 = 500;

fn systems(root: &Path) -> String {
    let root = root.display();
    format!(
        r#"[system.share]
adapter = "filesystem"
root    = "{root}"

[[holding]]
class  = "CASE"
system = "share"
paths  = ["case/{{date:closed}}/**"]
dates  = {{ "closure" = "path:closed" }}
"#
    )
}

fn make(root: &Path, files: u64) -> Result<()> {
    let content = vec![b'x'; FILE_BYTES];
    for start in (0..files).step_by(usize::try_from(FILES_IN_A_FOLDER)?) {
        let folder = root.join(format!("case/2015-03-04/{:06}", start / FILES_IN_A_FOLDER));
        fs::create_dir_all(&folder)?;
        for n in start..files.min(start + FILES_IN_A_FOLDER) {
            fs::write(folder.join(format!("{n:08}.txt")), &content)?;
        }
    }
    settle()
}

fn left(root: &Path) -> usize {
    walkdir::WalkDir::new(root)
        .into_iter()
        .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.file_type().is_file()))
        .count()
}

pub fn run(bench: &Bench) -> Result<()> {
    let files = FILES / bench.part;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..bench.rounds {
        let folder = bench.scratch.join(format!("filesystem-{round}"));
        let root = folder.join("share");
        make(&root, files)?;
        let programme = folder.join("programme");
        write_programme(&programme, &systems(&root))?;
        Agent::new(&bench.agent).must(&programme, &["init"])?;
        ours.push(measure(
            Command::new(&bench.agent).arg("--dir").arg(&programme).args(["run", "--as-of", AS_OF]),
        )?);
        ensure!(left(&root) == 0, "{} files were left", left(&root));
        fs::remove_dir_all(&folder)?;

        make(&root, files)?;
        bare.push(measure(
            Command::new("find").arg(root.join("case")).args(["-type", "f", "-delete"]),
        )?);
        ensure!(left(&root) == 0, "find left some");
        fs::remove_dir_all(&folder)?;
    }
    print("filesystem", files, &ours, &bare);
    Ok(())
}
