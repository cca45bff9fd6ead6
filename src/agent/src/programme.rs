//! The programme's folder: where everything is, and its files read once and pinned (P25).

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use quietus_contract::Form;
use quietus_evidence::Hash;
use quietus_schedule::{Defect, Programme, Severity, SourceFile, Sources};

use crate::error::{UserError, code};
use crate::settings::{self, Settings};

/// The largest file of a programme that is read.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// The most registers of events.
const REGISTERS_MAX: usize = 1000;

/// Names of the files that people write.
pub const SCHEDULE: &str = "schedule.toml";
/// Written by IT.
pub const SYSTEMS: &str = "systems.toml";
/// Written by Legal.
pub const HOLDS: &str = "holds.toml";
/// The agent's own settings.
pub const SETTINGS: &str = "quietus.toml";

/// The folder of a programme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Names a folder; nothing is read.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names it for people.
    pub fn words(&self) -> String {
        match self.path.as_os_str().to_str() {
            Some(".") => "this folder".to_owned(),
            _ => self.path.display().to_string(),
        }
    }

    /// Returns the path of one of the files that people write.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Returns the folder of the registers of events.
    pub fn events(&self) -> PathBuf {
        self.path.join("events")
    }

    /// Returns the folder of working state: journal and locks.
    pub fn state(&self) -> PathBuf {
        self.path.join("state")
    }

    /// Returns the folder of plans and their approvals.
    pub fn plans(&self) -> PathBuf {
        self.path.join("plans")
    }

    /// Returns the folder of the ledger.
    pub fn ledger(&self) -> PathBuf {
        self.path.join("ledger")
    }

    /// Returns the folder of record lines.
    pub fn evidence(&self) -> PathBuf {
        self.path.join("evidence")
    }

    /// Returns the folder of keys.
    pub fn keys(&self) -> PathBuf {
        self.path.join("keys")
    }
}

/// SHA-256 of each file, by its name.
pub type Digests = BTreeMap<String, Hash>;

/// A programme that has passed all checks, with what it was read from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Where.
    pub folder: Folder,
    /// What the files say.
    pub programme: Programme,
    /// What the agent's settings say.
    pub settings: Settings,
    /// What exactly was read.
    pub digests: Digests,
    /// What someone should look at.
    pub warnings: Vec<Defect>,
    /// The text of each file, for messages.
    pub files: Vec<SourceFile>,
}

/// What a check of the folder found.
#[derive(Clone, Debug)]
pub struct Checkup {
    /// The programme, unless a defect is an error.
    pub loaded: Option<Loaded>,
    /// Every defect of every file.
    pub defects: Defects,
}

/// Defects with the files that they are in.
#[derive(Clone, Default)]
pub struct Defects {
    /// The defects, file by file.
    pub list: Vec<Defect>,
    /// The files.
    pub files: Vec<SourceFile>,
}

impl Defects {
    /// Counts the defects that are errors.
    pub fn errors(&self) -> usize {
        self.list.iter().filter(|d| d.severity == Severity::Error).count()
    }

    /// Counts the defects that are warnings.
    pub fn warnings(&self) -> usize {
        self.list.len() - self.errors()
    }

    /// Returns the file of a defect.
    pub fn file_of(&self, defect: &Defect) -> Option<&SourceFile> {
        self.files.iter().find(|f| f.name == defect.place.file)
    }
}

impl fmt::Debug for Defects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Defects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for defect in &self.list {
            writeln!(f, "{}: {}", defect.place, defect.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Defects {}

/// Reads and checks a programme.
pub fn load(folder: &Folder, forms: &[&'static Form]) -> Result<Loaded, UserError> {
    let checkup = check(folder, forms)?;
    checkup.loaded.ok_or_else(|| {
        let (errors, warnings) = (checkup.defects.errors(), checkup.defects.warnings());
        let plural = if errors == 1 { "defect" } else { "defects" };
        let message = format!("the files of {} have {errors} {plural}", folder.words());
        let also =
            if warnings == 0 { String::new() } else { format!(" (and {warnings} warnings)") };
        UserError::new(&code::PROGRAMME_DEFECTS, message + &also)
            .with_help("mend them, and see with `quietus check` that none is left")
            .with_source(checkup.defects)
    })
}

/// Reads and checks a programme, and reports every defect of every file.
///
/// Each file is read exactly once: what was checked is what is pinned and used.
pub fn check(folder: &Folder, forms: &[&'static Form]) -> Result<Checkup, UserError> {
    let mut digests = Digests::new();
    let schedule = required(folder, SCHEDULE, &mut digests)?;
    let systems = required(folder, SYSTEMS, &mut digests)?;
    let holds = optional(folder, HOLDS, &mut digests)?;
    let settings_file = optional(folder, SETTINGS, &mut digests)?;
    let registers = registers(folder, &mut digests)?;
    let sources = Sources { schedule, systems, holds, registers };

    let checked = quietus_schedule::check(&sources, forms);
    let (settings, mut own) = match &settings_file {
        Some(file) => settings::read(file),
        None => (Settings::default(), Vec::new()),
    };
    let classes = settings::class_names(&sources.schedule.text);
    own.extend(unknown_names(&settings, &classes, settings_file.as_ref()));
    let mut list = checked.defects;
    list.extend(own);
    let Sources { schedule, systems, holds, registers } = sources;
    let mut files = vec![schedule, systems];
    files.extend(holds);
    files.extend(registers);
    files.extend(settings_file);
    let defects = Defects { list, files };
    let loaded = checked.programme.filter(|_| defects.errors() == 0).map(|programme| Loaded {
        folder: folder.clone(),
        programme,
        settings,
        digests,
        warnings: defects.list.clone(),
        files: defects.files.clone(),
    });
    Ok(Checkup { loaded, defects })
}

/// Reports classes in the settings that the schedule does not have: a limit or an approver with a
/// slip of the pen would silently do nothing.
fn unknown_names(
    settings: &Settings,
    classes: &[String],
    file: Option<&SourceFile>,
) -> Vec<Defect> {
    let known = |class: &str| classes.iter().any(|c| c == class);
    let limits = settings.limits.by_class.iter().map(|(class, (_, place))| (class, place));
    let approvers =
        settings.approvers.iter().flat_map(|a| a.classes.iter().map(move |c| (c, &a.place)));
    let Some(file) = file else { return Vec::new() };
    limits
        .chain(approvers)
        .filter(|(class, _)| !known(class))
        .map(|(class, place)| {
            let begin = offset_of(&file.text, place);
            let rest = file.text.get(begin..).unwrap_or_default();
            let at = rest.find(class.as_str()).map_or(begin, |n| begin + n);
            let before = file.text.get(..at).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            Defect {
                severity: Severity::Error,
                code: "unknown-class",
                place: quietus_contract::Place {
                    file: file.name.clone(),
                    line: u32::try_from(line).unwrap_or(u32::MAX),
                    column: u32::try_from(column).unwrap_or(u32::MAX),
                },
                span: at..at + class.len(),
                word: class.clone(),
                message: format!("the schedule has no class \"{class}\""),
                label: "unknown class".into(),
                help: Some("classes are named in schedule.toml: [class.NAME]".into()),
                is_secret: false,
            }
        })
        .collect()
}

fn offset_of(text: &str, place: &quietus_contract::Place) -> usize {
    let lines = usize::try_from(place.line.saturating_sub(1)).unwrap_or_default();
    text.split_inclusive('\n').take(lines).map(str::len).sum()
}

fn required(folder: &Folder, name: &str, digests: &mut Digests) -> Result<SourceFile, UserError> {
    optional(folder, name, digests)?.ok_or_else(|| {
        UserError::new(
            &code::PROGRAMME_UNREADABLE,
            format!("{} has no {name}", folder.words()),
        )
        .with_help(
            "go to the programme's folder or name it with --dir; `quietus init` begins a new one",
        )
    })
}

fn optional(
    folder: &Folder,
    name: &str,
    digests: &mut Digests,
) -> Result<Option<SourceFile>, UserError> {
    let file = read_text(folder, name)?;
    if let Some(file) = &file {
        digests.insert(name.to_owned(), Hash::of(file.text.as_bytes()));
    }
    Ok(file)
}

/// Reads one file of a programme; `None` if it is not there.
pub(crate) fn read_text(folder: &Folder, name: &str) -> Result<Option<SourceFile>, UserError> {
    let path = folder.file(name);
    let bytes = match read_bounded(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(UserError::new(
                &code::PROGRAMME_UNREADABLE,
                format!("{} cannot be read: {error}", path.display()),
            )
            .with_help("let the agent's account read it"));
        }
    };
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes().iter().take(good).filter(|b| **b == b'\n').count() + 1;
        UserError::new(
            &code::PROGRAMME_UNREADABLE,
            format!("{}:{line}: this is not UTF-8 text", path.display()),
        )
        .with_help("save the file as UTF-8")
    })?;
    Ok(Some(SourceFile { name: name.to_owned(), text }))
}

fn registers(folder: &Folder, digests: &mut Digests) -> Result<Vec<SourceFile>, UserError> {
    let events = folder.events();
    let unreadable = |error: std::io::Error| {
        UserError::new(
            &code::PROGRAMME_UNREADABLE,
            format!("{} cannot be read: {error}", events.display()),
        )
        .with_help("let the agent's account read it")
    };
    let entries = match std::fs::read_dir(&events) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(unreadable)?.file_name();
        if let Some(name) = name.to_str()
            && name.ends_with(".toml")
            && !name.starts_with('.')
        {
            names.push(format!("events/{name}"));
        }
        if names.len() > REGISTERS_MAX {
            return Err(UserError::new(
                &code::PROGRAMME_UNREADABLE,
                format!("{} has more than {REGISTERS_MAX} registers", events.display()),
            )
            .with_help("put events of one kind into one register"));
        }
    }
    names.sort();
    let mut files = Vec::new();
    for name in names {
        // A register that vanishes between the listing and the reading is one that is not there.
        files.extend(optional(folder, &name, digests)?);
    }
    Ok(files)
}

fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let file = std::fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|n| n > FILE_BYTES_MAX) {
        return Err(std::io::Error::other(format!("it is larger than {FILE_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::durable::Durable;
    use crate::testing;

    #[test]
    fn a_programme_is_loaded_with_the_digest_of_each_file() {
        let (_dir, folder) = testing::folder();
        let loaded = load(&folder, &testing::forms()).unwrap();
        let schedule = Hash::of(testing::SCHEDULE.as_bytes());
        assert_eq!(loaded.digests.get(SCHEDULE), Some(&schedule));
        assert_eq!(loaded.digests.len(), 2);
    }

    #[test]
    fn a_folder_without_a_schedule_is_no_programme() {
        let dir = tempfile::tempdir().unwrap();
        let error = load(&Folder::new(dir.path()), &testing::forms()).unwrap_err();
        assert_eq!(error.code.name, "programme_unreadable");
        assert!(error.help.unwrap().contains("init"));
    }

    #[test]
    fn defects_of_all_files_come_together() {
        let (_dir, folder) = testing::folder();
        let durable = Durable::new();
        let broken = testing::SCHEDULE.replace("7 years", "seven years");
        durable.replace(&folder.file(SCHEDULE), broken.as_bytes()).unwrap();
        durable.replace(&folder.file(SETTINGS), b"[limits]\nrecords_max = -1\n").unwrap();
        let error = load(&folder, &testing::forms()).unwrap_err();
        assert!(error.message.contains("2 defects"), "{}", error.message);
    }

    #[test]
    fn a_limit_for_a_class_that_does_not_exist_is_a_defect_at_its_place() {
        let (_dir, folder) = testing::folder();
        let text = "[limits.class.FIN-010]\nrecords_max = 5\n\
                    [limits.class.FIN-011]\nrecords_max = 5\n";
        Durable::new().replace(&folder.file(SETTINGS), text.as_bytes()).unwrap();
        let checkup = check(&folder, &testing::forms()).unwrap();
        let defect = checkup.defects.list.iter().find(|d| d.code == "unknown-class").unwrap();
        assert_eq!(defect.place.to_string(), "quietus.toml:3:15");
        assert_eq!(&text[defect.span.clone()], "FIN-011");
        assert!(checkup.loaded.is_none());
    }

    #[test]
    fn text_that_is_not_utf_8_is_reported_with_its_line() {
        let (_dir, folder) = testing::folder();
        Durable::new().replace(&folder.file(HOLDS), b"# one\n# \xff\n").unwrap();
        let error = check(&folder, &testing::forms()).unwrap_err();
        assert!(error.message.contains("holds.toml:2"), "{}", error.message);
    }
}
