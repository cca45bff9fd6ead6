//! A tree of letters, and another route into it: plain paths.

use std::collections::BTreeMap;
use std::fs::{File, FileTimes, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use quietus_conformance::{Account, Contents, Done, PlantedCopy, Seed, SeedDate, Side, Target};
use quietus_contract::{
    Action, Adapter, DisposalOrder, Holding, Locator, Place, Scope, Setting, Settings,
    SystemConfig, Value,
};
use quietus_filesystem::Filesystem;
use rustix::fs::IFlags;
use tempfile::TempDir;

use crate::killed;

pub const WITHIN: &str = "letters";
pub const BESIDE: &str = "letters-old";
pub const FORGOTTEN: &str = "forgotten";
const COPIES: &str = "copies";
const SIDECAR: &str = ".meta.toml";
/// How the adapter's own names begin, while an order is carried out.
const CLAIM: &str = ".quietus-";

pub struct TreeTarget {
    pub sidecar: bool,
    pub shred: bool,
    pub folder: TempDir,
    /// Files with a flag that nobody may remove, and modes that hide: undone at the end.
    pub flagged: Mutex<Vec<(PathBuf, IFlags)>>,
}

/// Sets or clears a flag of a file.
pub fn set_flag(path: &Path, flag: IFlags, on: bool) -> std::io::Result<()> {
    let file = File::open(path)?;
    let mut flags = rustix::fs::ioctl_getflags(&file)?;
    flags.set(flag, on);
    Ok(rustix::fs::ioctl_setflags(&file, flags)?)
}

fn setting(value: Value) -> Setting {
    Setting { value, place: Place::default() }
}

fn text(text: &str) -> Setting {
    setting(Value::Text(text.to_owned()))
}

fn stamp(day: Date) -> Done<SystemTime> {
    let moment = day.at(12, 0, 0, 0).to_zoned(TimeZone::UTC)?.timestamp();
    let secs = u64::try_from(moment.as_second())?;
    Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(secs))
}

fn write(path: &Path, text: &str) -> std::io::Result<File> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    Ok(file)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(SIDECAR);
    name.into()
}

impl TreeTarget {
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn away(&self) -> PathBuf {
        self.folder.path().join("away")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root().join(WITHIN).join(name)
    }

    pub fn put(&self, seed: &Seed) -> Done {
        let side = if seed.side == Side::Within { WITHIN } else { BESIDE };
        let path = self.root().join(side).join(&seed.name);
        let file = write(&path, &seed.content)?;
        if self.sidecar {
            let written = match seed.date {
                SeedDate::Day(day) => format!("written = {day}\n"),
                SeedDate::Absent => String::new(),
                SeedDate::Unreadable => "written = 'some day'\n".to_owned(),
            };
            write(&beside(&path), &format!("writer = '{}'\n{written}", seed.subject))?;
        } else if let SeedDate::Day(day) = seed.date {
            file.set_times(FileTimes::new().set_modified(stamp(day)?))?;
        }
        Ok(())
    }

    fn scope_in(&self, folder: &str, action: Action) -> Scope {
        let paths = Value::Texts(vec![format!("{folder}/**")]);
        let mut by_key = BTreeMap::from([
            ("paths".to_owned(), setting(paths)),
            // Overwriting one name of a file would destroy what its other names show.
            ("hard_links".to_owned(), text(if self.shred { "refuse" } else { "unlink" })),
        ]);
        if self.sidecar {
            by_key.insert("sidecar".to_owned(), text(&format!("{{path}}{SIDECAR}")));
        }
        let source = if self.sidecar { "sidecar:written" } else { "mtime" };
        Scope {
            holding: Arc::new(Holding {
                index: 0,
                class: "letters".to_owned(),
                settings: Settings { by_key, place: Place::default() },
                dates: vec![(source.to_owned(), Place::default())],
                fields: if self.sidecar {
                    vec![("sidecar:writer".to_owned(), Place::default())]
                } else {
                    Vec::new()
                },
                not_a_date: Vec::new(),
                action,
            }),
            bounds: vec![None],
        }
    }

    fn flag(&self, name: &str, flag: IFlags) -> Done {
        let path = self.path(name);
        set_flag(&path, flag, true)?;
        self.flagged.lock().unwrap_or_else(PoisonError::into_inner).push((path, flag));
        Ok(())
    }

    fn show_again(&self) -> std::io::Result<()> {
        for side in [WITHIN, BESIDE] {
            std::fs::set_permissions(self.root().join(side), Permissions::from_mode(0o755))?;
        }
        Ok(())
    }

    /// Notes one name of a folder.
    fn note(&self, contents: &mut Contents, folder: &str, path: &Path) -> Done {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let meta = std::fs::symlink_metadata(path)?;
        let side = match folder {
            WITHIN => Side::Within,
            BESIDE => Side::Beside,
            _ => {
                contents.rest.insert(format!("{folder}/{name}"), String::new());
                return Ok(());
            }
        };
        if name.starts_with(CLAIM) {
            contents.rest.insert(format!("{folder}/{name}"), "an order left it".to_owned());
        } else if !meta.is_file() {
            let leads = std::fs::read_link(path).unwrap_or_default();
            contents.rest.insert(format!("{folder}/{name}"), leads.display().to_string());
        } else if self.sidecar && name.ends_with(SIDECAR) {
            if !path.with_file_name(name.trim_end_matches(SIDECAR)).exists() {
                contents.rest.insert(format!("{folder}/{name}"), "without its file".to_owned());
            }
        } else {
            let mut state = format!(
                "mode {:o} size {} modified {}.{} {}",
                meta.mode(),
                meta.size(),
                meta.mtime(),
                meta.mtime_nsec(),
                String::from_utf8_lossy(&std::fs::read(path)?)
            );
            if self.sidecar {
                state.push_str(&std::fs::read_to_string(beside(path)).unwrap_or_default());
            }
            contents.records.insert((side, name), state);
        }
        Ok(())
    }
}

impl Drop for TreeTarget {
    fn drop(&mut self) {
        let flagged = self.flagged.lock().unwrap_or_else(PoisonError::into_inner);
        for (path, flag) in flagged.iter() {
            // The file may be elsewhere by now; then the folder cannot be removed, and stays.
            set_flag(path, *flag, false).unwrap_or_default();
        }
        self.show_again().unwrap_or_default();
    }
}

#[async_trait]
impl Target for TreeTarget {
    fn adapter(&self) -> Arc<dyn Adapter> {
        Arc::new(Filesystem)
    }

    fn system(&self) -> SystemConfig {
        let method = if self.shred { "shred" } else { "delete" };
        let by_key = BTreeMap::from([
            ("root".to_owned(), text("root")),
            ("method".to_owned(), text(method)),
        ]);
        SystemConfig {
            name: "share".to_owned(),
            settings: Settings { by_key, place: Place::default() },
            secret: None,
            base: self.folder.path().to_owned(),
        }
    }

    fn scope(&self, action: Action) -> Scope {
        self.scope_in(WITHIN, action)
    }

    fn scope_beside(&self) -> Option<Scope> {
        Some(self.scope_in(BESIDE, Action::Destroy))
    }

    fn locator(&self, name: &str) -> Locator {
        Locator::new(&[format!("{WITHIN}/{}", name.replace('%', "%25"))])
    }

    async fn contents(&self) -> Done<Contents> {
        let mut contents = Contents::default();
        for folder in std::fs::read_dir(self.root())? {
            let folder = folder?;
            let name = folder.file_name().to_string_lossy().into_owned();
            contents.rest.insert(name.clone(), "a folder".to_owned());
            for entry in std::fs::read_dir(folder.path())? {
                self.note(&mut contents, &name, &entry?.path())?;
            }
        }
        Ok(contents)
    }

    async fn add(&self, seed: &Seed) -> Done {
        self.put(seed)
    }

    async fn change(&self, name: &str) -> Done {
        let mut file = File::options().append(true).open(self.path(name))?;
        Ok(file.write_all(b"!")?)
    }

    async fn remove(&self, name: &str) -> Done {
        let path = self.path(name);
        rustix::fs::unlink(&path)?;
        if self.sidecar {
            rustix::fs::unlink(beside(&path))?;
        }
        Ok(())
    }

    async fn redate(&self, name: &str, date: Date) -> Done {
        let path = self.path(name);
        if self.sidecar {
            let text = std::fs::read_to_string(beside(&path))?;
            let kept: String = text
                .lines()
                .filter(|l| !l.starts_with("written"))
                .map(|l| format!("{l}\n"))
                .collect();
            write(&beside(&path), &format!("{kept}written = {date}\n"))?;
        } else {
            File::open(&path)?.set_times(FileTimes::new().set_modified(stamp(date)?))?;
        }
        Ok(())
    }

    async fn hold(&self, name: &str) -> Done {
        self.flag(name, IFlags::IMMUTABLE)
    }

    async fn protect(&self, name: &str) -> Done {
        self.flag(name, IFlags::APPEND)
    }

    /// Modes count for everyone but root: the folder is closed, or closed for changes.
    async fn account(&self, account: Account) -> Done<SystemConfig> {
        let mode = match account {
            Account::Blind => 0o000,
            Account::ReadOnly => 0o555,
        };
        std::fs::set_permissions(self.root().join(WITHIN), Permissions::from_mode(mode))?;
        Ok(self.system())
    }

    async fn cut(&self) -> Done {
        Ok(rustix::fs::rename(self.root(), self.away())?)
    }

    async fn mend(&self) -> Done {
        if self.away().exists() {
            rustix::fs::rename(self.away(), self.root())?;
        }
        Ok(self.show_again()?)
    }

    async fn plant_copies(&self, name: &str) -> Done<Vec<PlantedCopy>> {
        let path = self.path(name);
        let kind = if self.shred {
            write(&path.with_file_name(format!(".{name}.swp")), "what an editor keeps")?;
            "editor-backup"
        } else {
            let copies = self.root().join(COPIES);
            std::fs::create_dir_all(&copies)?;
            std::fs::hard_link(&path, copies.join("again"))?;
            "hard-link"
        };
        Ok(vec![PlantedCopy { kind: kind.to_owned(), clears_by: None }])
    }

    async fn crash(&self, order: DisposalOrder, after: usize) -> Done {
        killed::within(self, order.records(), after)
    }

    async fn link(&self, name: &str, beside: &str) -> Done {
        Ok(symlink(format!("../{BESIDE}/{beside}"), self.path(name))?)
    }

    /// As if another disk with a restored copy were mounted at the old place.
    async fn replace(&self) -> Done {
        let copy = self.folder.path().join("copy");
        for folder in std::fs::read_dir(self.root())? {
            let folder = folder?;
            let to = copy.join(folder.file_name());
            std::fs::create_dir_all(&to)?;
            for entry in std::fs::read_dir(folder.path())? {
                let entry = entry?;
                let to = to.join(entry.file_name());
                std::fs::copy(entry.path(), &to)?;
                let times = FileTimes::new().set_modified(entry.metadata()?.modified()?);
                File::options().write(true).open(to)?.set_times(times)?;
            }
        }
        rustix::fs::rename(self.root(), self.folder.path().join("replaced"))?;
        Ok(rustix::fs::rename(copy, self.root())?)
    }

    fn forgotten(&self) -> Option<String> {
        Some(FORGOTTEN.to_owned())
    }
}
