//! What overwriting is worth: real file systems in images, searched after the disposal.
//!
//! Needs root, loop devices and `mkfs`; says so where they are missing. Where
//! `QUIETUS_TOOLS_REQUIRED` is set, a missing tool fails.
#![expect(clippy::disallowed_methods, reason = "tests make and change files as other programs do")]

#[cfg(test)]
mod support;

#[cfg(test)]
mod media {
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};

    use quietus_contract::{MethodClass, Outcome, Survey};

    use crate::support::{Tree, select, text, wait};

    const MARK: &str = "a-word-that-is-nowhere-else-";
    const IMAGE_BYTES: u64 = 512 << 20;

    fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new(program)
            .args(arguments)
            .env("PATH", format!("{path}:/usr/sbin:/sbin"))
            .stdin(Stdio::null())
            .output()
            .map_err(|e| format!("{program}: {e}"))?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(format!("{program}: {said}")) }
    }

    /// A mounted image; unmounted when dropped.
    struct Mounted {
        folder: tempfile::TempDir,
        up: bool,
    }

    impl Mounted {
        /// Makes and mounts a file system, or says why that cannot be.
        fn make(kind: &str) -> Option<Self> {
            let mut mounted = Self { folder: tempfile::tempdir().unwrap(), up: false };
            let image = std::fs::File::create(mounted.image()).unwrap();
            image.set_len(IMAGE_BYTES).unwrap();
            let (image, at) = (mounted.image(), mounted.at());
            std::fs::create_dir(&at).unwrap();
            let (image, at) = (image.to_str().unwrap(), at.to_str().unwrap());
            if let Err(why) = run(&format!("mkfs.{kind}"), &["-q", image]) {
                let required = std::env::var_os("QUIETUS_TOOLS_REQUIRED").is_some();
                assert!(!required, "the tool is required: {why}");
                println!("not tried on {kind}: {why}");
                return None;
            }
            match run("mount", &["-o", "loop", image, at]) {
                Ok(()) => mounted.up = true,
                Err(why) => println!("not tried on {kind}, images cannot be mounted here: {why}"),
            }
            mounted.up.then_some(mounted)
        }

        fn image(&self) -> PathBuf {
            self.folder.path().join("image")
        }

        fn at(&self) -> PathBuf {
            self.folder.path().join("mounted")
        }

        fn unmount(&mut self) {
            if self.up {
                run("umount", &[self.at().to_str().unwrap()]).unwrap();
                self.up = false;
            }
        }
    }

    impl Drop for Mounted {
        fn drop(&mut self) {
            if self.up {
                run("umount", &["-l", self.at().to_str().unwrap_or_default()]).unwrap_or_default();
            }
        }
    }

    /// Counts the mark in an image.
    fn marks(image: &Path) -> usize {
        let output = Command::new("grep").args(["-aoF", MARK]).arg(image).output().unwrap();
        output.stdout.iter().filter(|b| **b == b'\n').count()
    }

    /// Disposes of a file full of marks on a new file system; returns what is left in the image.
    fn left_after(kind: &str, method: &str) -> Option<(usize, Survey)> {
        let mut mounted = Mounted::make(kind)?;
        let folder = tempfile::tempdir_in(mounted.at()).unwrap();
        let mut tree = Tree::in_folder(folder);
        tree.system("method", text(method));
        let path = tree.file("a/letter", &format!("{MARK}\n").repeat(8000));
        std::fs::File::open(&path).unwrap().sync_all().unwrap();
        run("sync", &[]).unwrap();
        let scope = select(&["a/*"]).scope();
        let survey = wait(tree.inventory().survey(&scope)).unwrap();
        let records = tree.all(&scope);
        assert_eq!(tree.dispose(&scope, &records), [Outcome::Disposed { members: 0 }]);
        drop(tree);
        mounted.unmount();
        Some((marks(&mounted.image()), survey))
    }

    #[test]
    fn overwriting_reaches_the_bytes_where_blocks_stay_in_place() {
        for kind in ["ext4", "xfs"] {
            let Some((left, survey)) = left_after(kind, "shred") else { continue };
            println!("{kind}: {left} of 8000 marks left after shred; {}", survey.method.strength);
            assert_eq!(left, 0, "{kind}");
            assert!(survey.method.strength.contains(kind));
            // A loop device stands on a file: what is below is not known, and so is not claimed.
            assert_eq!(survey.method.class, MethodClass::LogicalDelete);
        }
    }

    #[test]
    fn overwriting_is_said_to_be_worth_nothing_where_it_is() {
        let Some((left, survey)) = left_after("btrfs", "shred") else { return };
        println!("btrfs: {left} of 8000 marks left after shred; {}", survey.method.strength);
        assert!(left > 0, "btrfs writes elsewhere; the strength would be wrong");
        assert!(survey.method.strength.contains("worth nothing"));
        assert_eq!(survey.method.class, MethodClass::LogicalDelete);
        assert!(survey.residual.copies.iter().any(|c| c.kind == "free-blocks"));
    }

    #[test]
    fn a_plain_deletion_leaves_the_bytes_and_says_so() {
        let Some((left, survey)) = left_after("ext4", "delete") else { return };
        assert!(left > 0, "the control: without overwriting the bytes are found");
        assert!(survey.method.strength.contains("free blocks"), "{}", survey.method.strength);
        assert!(survey.residual.copies.iter().any(|c| c.kind == "free-blocks"));
    }

    #[test]
    fn a_mounted_file_system_below_the_root_is_not_entered() {
        let Some(mut mounted) = Mounted::make("ext4") else { return };
        std::fs::write(mounted.at().join("inside"), "x").unwrap();
        std::fs::write(mounted.folder.path().join("beside"), "x").unwrap();
        let mut tree = Tree::new();
        let root = mounted.folder.path().to_str().unwrap().to_owned();
        tree.system("root", text(&root));
        let scope = select(&["**"]).set("except_paths", crate::support::texts(&["image"])).scope();
        let records = tree.all(&scope);
        assert_eq!(crate::support::names(&records), ["beside"]);
        let survey = wait(tree.inventory().survey(&scope)).unwrap();
        assert!(survey.notes.iter().any(|note| note.starts_with("1 folders")), "{survey:?}");

        // Planned before the mount, hidden by it: unknown, and untouched.
        mounted.unmount();
        std::fs::write(mounted.at().join("under"), "x").unwrap();
        let records = tree.all(&select(&["mounted/**"]).scope());
        assert_eq!(crate::support::names(&records), ["mounted/under"]);
        let (image, at) = (mounted.image(), mounted.at());
        run("mount", &["-o", "loop", image.to_str().unwrap(), at.to_str().unwrap()]).unwrap();
        mounted.up = true;
        let scope = select(&["mounted/**"]).scope();
        let absences = tree.verify(&scope, &records);
        assert!(matches!(absences[..], [quietus_contract::Absence::Unknown { .. }]));
        assert!(matches!(tree.dispose(&scope, &records)[..], [Outcome::Refused { .. }]));
        mounted.unmount();
        assert!(mounted.at().join("under").exists());
    }
}
