//! A tree for tests, and short ways to drive the adapter.

#![expect(dead_code, reason = "each test file uses its part of it")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use quietus_contract::{
    Absence, Action, Adapter, DisposalOrder, Disposer, Holding, Inventory, OrderId, Outcome, Place,
    Record, RecordRef, Scope, Setting, Settings, SystemConfig, Value,
};
use quietus_filesystem::Filesystem;

pub fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub struct Tree {
    pub folder: tempfile::TempDir,
    pub root: PathBuf,
    settings: Settings,
}

pub fn setting(value: Value) -> Setting {
    Setting { value, place: Place { file: "systems.toml".into(), line: 1, column: 1 } }
}

pub fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

pub fn texts(values: &[&str]) -> Value {
    Value::Texts(values.iter().map(|v| (*v).to_owned()).collect())
}

impl Tree {
    pub fn new() -> Self {
        Self::in_folder(tempfile::tempdir().unwrap())
    }

    pub fn in_folder(folder: tempfile::TempDir) -> Self {
        let root = folder.path().join("root");
        std::fs::create_dir_all(&root).unwrap();
        let mut tree = Self { folder, root, settings: Settings::default() };
        let root = tree.root.to_str().unwrap().to_owned();
        tree.system("root", text(&root));
        tree
    }

    pub fn system(&mut self, key: &str, value: Value) -> &mut Self {
        self.settings.by_key.insert(key.to_owned(), setting(value));
        self
    }

    pub fn config(&self) -> SystemConfig {
        SystemConfig {
            name: "share".into(),
            settings: self.settings.clone(),
            secret: None,
            base: self.folder.path().to_owned(),
        }
    }

    pub fn path(&self, name: impl AsRef<[u8]>) -> PathBuf {
        self.root.join(OsStr::from_bytes(name.as_ref()))
    }

    pub fn file(&self, name: impl AsRef<[u8]>, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn inventory(&self) -> Box<dyn Inventory> {
        wait(Filesystem.open_inventory(&self.config())).unwrap()
    }

    pub fn disposer(&self) -> Box<dyn Disposer> {
        wait(Filesystem.open_disposer(&self.config())).unwrap()
    }

    pub fn all(&self, scope: &Scope) -> Vec<Record> {
        records(self.inventory().as_ref(), scope, 1000)
    }

    pub fn dispose(&self, scope: &Scope, records: &[Record]) -> Vec<Outcome> {
        wait(self.disposer().dispose(&order(scope, &refs(records)))).unwrap()
    }

    pub fn verify(&self, scope: &Scope, records: &[Record]) -> Vec<Absence> {
        wait(self.inventory().verify_absent(scope, &refs(records))).unwrap()
    }
}

/// All records of a holding, by pages of `limit`.
pub fn records(inventory: &dyn Inventory, scope: &Scope, limit: usize) -> Vec<Record> {
    let mut records = Vec::new();
    let mut cursor = None;
    loop {
        let page = wait(inventory.page(scope, cursor.as_ref(), limit)).unwrap();
        assert!(page.records.len() <= limit);
        records.extend(page.records);
        cursor = page.next;
        if cursor.is_none() {
            return records;
        }
    }
}

pub fn refs(records: &[Record]) -> Vec<RecordRef> {
    records.iter().map(|r| r.reference.clone()).collect()
}

pub fn order(scope: &Scope, records: &[RecordRef]) -> DisposalOrder {
    let id = OrderId { run: "run".into(), batch: 1, order: 1 };
    DisposalOrder::from_journal(id, scope.clone(), records.to_vec())
}

/// Names of records, sorted.
pub fn names(records: &[Record]) -> Vec<String> {
    let mut names: Vec<_> = records.iter().map(|r| r.reference.locator.parts().concat()).collect();
    names.sort();
    names
}

pub struct Select {
    settings: BTreeMap<String, Setting>,
    dates: Vec<(String, Place)>,
    fields: Vec<(String, Place)>,
    bounds: Vec<Option<jiff::civil::Date>>,
    action: Action,
}

pub fn select(paths: &[&str]) -> Select {
    let settings = BTreeMap::from([("paths".to_owned(), setting(texts(paths)))]);
    let (dates, fields, bounds) = (Vec::new(), Vec::new(), Vec::new());
    Select { settings, dates, fields, bounds, action: Action::Destroy }
}

impl Select {
    pub fn set(mut self, key: &str, value: Value) -> Self {
        self.settings.insert(key.to_owned(), setting(value));
        self
    }

    pub fn date(mut self, source: &str) -> Self {
        self.dates.push((source.to_owned(), Place::default()));
        self.bounds.push(None);
        self
    }

    pub fn bound(mut self, day: jiff::civil::Date) -> Self {
        *self.bounds.last_mut().unwrap() = Some(day);
        self
    }

    pub fn field(mut self, name: &str) -> Self {
        self.fields.push((name.to_owned(), Place::default()));
        self
    }

    pub fn anonymise(mut self) -> Self {
        self.action = Action::Anonymise;
        self
    }

    pub fn scope(self) -> Scope {
        let settings = Settings { by_key: self.settings, place: Place::default() };
        let holding = Holding {
            index: 0,
            class: "X-1".into(),
            settings,
            dates: self.dates,
            fields: self.fields,
            not_a_date: vec![jiff::civil::date(9999, 12, 31)],
            action: self.action,
        };
        Scope { holding: Arc::new(holding), bounds: self.bounds }
    }
}

pub fn exists(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}
