//! Reading: what is there, and in which state.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use quietus_contract::{
    Absence, Capabilities, Clock, Cursor, Holding, Inventory, Knowledge, Locator, Method,
    MethodClass, Page, Probe, Record, RecordRef, ResidualCopies, Result, Scope, Survey,
    SystemConfig, Uncovered,
};
use rustix::fd::AsFd;
use rustix::io::Errno;

use crate::absence::Look;
use crate::config::{Selection, Technique};
use crate::pattern::Scratch;
use crate::reader::{Reader, present};
use crate::root::Root;
use crate::strength::Medium;
use crate::version::{is_folder, is_regular, stat};
use crate::walk::Walk;
use crate::{claim, error, names, residual};

/// Records in a page or an order at most.
const RECORDS_MAX: usize = 16_384;
/// Names that one page looks at, at most: a page over a large tree with few records ends.
const NAMES_PER_PAGE_MAX: usize = 131_072;
/// Holdings of one system whose compiled selections are kept.
const SELECTIONS_MAX: usize = 64;

/// What a walk through a selection's folders counted.
struct Count {
    records: u64,
    /// Files that an interrupted order left under claims' names.
    claims: u64,
    /// Folders on other mounts.
    not_entered: u64,
}

/// A file tree, open for reading.
pub(crate) struct FileTree {
    system: String,
    pub(crate) root: Arc<Root>,
    pub(crate) technique: Technique,
    owners: HashMap<u32, String>,
    selections: Mutex<Vec<Arc<Selection>>>,
    /// A walk that ended with a page, to go on from its cursor without walking again.
    parked: Mutex<Option<Parked>>,
}

struct Parked {
    selection: Arc<Selection>,
    cursor: Vec<u8>,
    walk: Walk,
}

impl FileTree {
    pub(crate) fn open(system: &SystemConfig) -> Result<Self> {
        Ok(Self {
            system: system.name.clone(),
            root: Arc::new(Root::open(system)?),
            technique: Technique::of(system)?,
            owners: owners(),
            selections: Mutex::new(Vec::new()),
            parked: Mutex::new(None),
        })
    }

    /// Returns the names of local accounts by number.
    pub(crate) fn owners(&self) -> &HashMap<u32, String> {
        &self.owners
    }

    /// Returns the compiled selection of a holding.
    pub(crate) fn selection(&self, holding: &Arc<Holding>) -> Result<Arc<Selection>> {
        let mut known = self.selections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(selection) = known.iter().find(|s| s.is_of(holding)) {
            return Ok(Arc::clone(selection));
        }
        let selection = Arc::new(Selection::compile(holding, self.technique)?);
        if known.len() >= SELECTIONS_MAX {
            known.clear();
        }
        known.push(Arc::clone(&selection));
        Ok(selection)
    }

    fn resume(&self, selection: &Arc<Selection>, after: Option<&Cursor>) -> Result<Walk> {
        let parked = self.parked.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (after, parked) {
            (Some(after), Some(parked))
                if parked.cursor == after.0 && Arc::ptr_eq(&parked.selection, selection) =>
            {
                Ok(parked.walk)
            }
            (after, _) => Walk::start(&self.root, selection, after.map(|c| c.0.clone())),
        }
    }

    fn page_now(&self, scope: &Scope, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        self.root.check()?;
        let selection = self.selection(&scope.holding)?;
        let reader = Reader::new(self, &selection, &scope.bounds);
        let mut scratch = Scratch::default();
        let mut walk = self.resume(&selection, after)?;
        let mut page = Page::default();
        let mut last = Vec::new();
        for _ in 0..NAMES_PER_PAGE_MAX {
            if page.records.len() >= limit.clamp(1, RECORDS_MAX) {
                break;
            }
            let Some(found) = walk.next()? else { return Ok(page) };
            last = names::join(&found.folder, &found.name);
            page.records.extend(reader.read(
                &mut scratch,
                found.open.as_fd(),
                &found.name,
                &last,
            )?);
        }
        let mut parked = self.parked.lock().unwrap_or_else(PoisonError::into_inner);
        *parked = Some(Parked { selection, cursor: last.clone(), walk });
        page.next = Some(Cursor(last));
        Ok(page)
    }

    fn look_now(&self, scope: &Scope, locators: &[Locator]) -> Result<Vec<Option<Record>>> {
        self.root.check()?;
        let selection = self.selection(&scope.holding)?;
        let reader = Reader::new(self, &selection, &[]);
        let mut scratch = Scratch::default();
        locators
            .iter()
            .map(|locator| match names::path_of(locator) {
                Some(path) => self.look_at(&reader, &mut scratch, &path),
                None => Ok(None),
            })
            .collect()
    }

    fn look_at(
        &self,
        reader: &Reader<'_>,
        scratch: &mut Scratch,
        path: &[u8],
    ) -> Result<Option<Record>> {
        let (folder, name) = names::split(path);
        match self.root.folder(folder) {
            Ok(open) => reader.read(scratch, open.as_fd(), name, path),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => Ok(None),
            Err(errno) => Err(error::call("a record's folder cannot be opened", errno)),
        }
    }

    fn survey_now(&self, scope: &Scope) -> Result<Survey> {
        self.root.check()?;
        let selection = self.selection(&scope.holding)?;
        let medium = Medium::of(&self.root)?;
        let mut notes = medium.notes.clone();
        if let Err(Errno::NOENT) = self.root.folder(&selection.base()) {
            notes.push("the folder that all patterns of `paths` begin with is not there".into());
        }
        if selection.unlink_hard_links {
            notes.push("files with several names lose only the name that is a record".into());
        }
        notes.push(
            "a program that has a file open keeps its bytes until it closes it; the agent cannot \
             see that"
                .into(),
        );
        let count = self.count(&selection)?;
        if count.claims > 0 {
            notes.push(format!(
                "an interrupted run left {} files under names that begin with `.quietus-`; it must \
                 be resumed, or they must get their names back",
                count.claims
            ));
        }
        if count.not_entered > 0 {
            notes.push(format!(
                "{} folders below the root are on another mount or subvolume and are not entered; \
                 a holding of a system of their own can reach them",
                count.not_entered
            ));
        }
        Ok(Survey {
            store: format!("filesystem:{}", self.system),
            space: "files".to_owned(),
            population: Some(count.records),
            method: self.method(&medium),
            residual: ResidualCopies {
                copies: residual::of_medium(&self.root, &medium, self.technique),
                knowledge: Knowledge::Unknown,
            },
            notes,
        })
    }

    fn method(&self, medium: &Medium) -> Method {
        match self.technique {
            Technique::Delete => Method {
                class: MethodClass::LogicalDelete,
                technique: "renameat2+unlinkat".to_owned(),
                strength: medium.deleting(),
            },
            Technique::Shred => Method {
                class: if medium.overwrites() {
                    MethodClass::LogicalDeleteOverwritten
                } else {
                    MethodClass::LogicalDelete
                },
                technique: "renameat2+overwrite-in-place+unlinkat".to_owned(),
                strength: medium.overwriting(),
            },
        }
    }

    /// Counts names that the selection has; cheap, since nothing but names is read.
    fn count(&self, selection: &Arc<Selection>) -> Result<Count> {
        let mut walk = Walk::start(&self.root, selection, None)?;
        let mut scratch = Scratch::default();
        let (mut records, mut claims) = (0, 0);
        while let Some(found) = walk.next()? {
            let path = names::join(&found.folder, &found.name);
            claims += u64::from(claim::is_claim(&found.name));
            records += u64::from(selection.matches(&path, &mut scratch).is_some());
        }
        Ok(Count { records, claims, not_entered: walk.not_entered() })
    }

    /// Lists the folders of the first level in which no holding can have a record, and `.` where
    /// files lie in the root that none selects.
    fn uncovered_now(&self, scopes: &[Scope]) -> Result<Vec<Uncovered>> {
        self.root.check()?;
        let selections = scopes.iter().map(|s| self.selection(&s.holding));
        let selections = selections.collect::<Result<Vec<_>>>()?;
        let cannot = |errno| error::call("the root cannot be listed", errno);
        let root = self.root.folder(b"").map_err(cannot)?;
        let mut scratch = Scratch::default();
        let (mut uncovered, mut loose) = (Vec::new(), 0);
        for name in residual::names_in(root.as_fd()).map_err(cannot)? {
            let Some(stat) = present(stat(root.as_fd(), &name))? else { continue };
            if is_regular(&stat) {
                let selected = selections.iter().any(|s| s.matches(&name, &mut scratch).is_some());
                loose += u64::from(!selected);
            } else if is_folder(&stat)
                && !selections.iter().any(|s| s.may_be_below(&name, &mut scratch))
            {
                let container = names::readable(&name);
                uncovered.push(Uncovered { container, records: None });
            }
        }
        if loose > 0 {
            uncovered.push(Uncovered { container: ".".to_owned(), records: Some(loose) });
        }
        uncovered.sort_by(|a, b| a.container.cmp(&b.container));
        Ok(uncovered)
    }

    fn probe_now(&self) -> Result<Probe> {
        self.root.check()?;
        let medium = Medium::of(&self.root)?;
        let uid = rustix::process::geteuid().as_raw();
        let mut notes = medium.notes.clone();
        notes.push(format!("the agent never leaves {}", self.root.path().display()));
        Ok(Probe {
            identity: self.root.identity()?,
            account: self.owners.get(&uid).cloned().unwrap_or_else(|| format!("uid {uid}")),
            rights: self.root.rights(),
            product: format!("{} file system", medium.name),
            clock: Clock::Shared,
            capabilities: Capabilities {
                // No file system refuses by version; a claim and a second look stand in for it.
                guarded: false,
                transactional: false,
                own_holds: true,
                order_records_max: RECORDS_MAX,
                page_records_max: RECORDS_MAX,
            },
            notes,
        })
    }
}

#[async_trait]
impl Inventory for FileTree {
    async fn probe(&self) -> Result<Probe> {
        self.probe_now()
    }

    async fn survey(&self, scope: &Scope) -> Result<Survey> {
        self.survey_now(scope)
    }

    async fn page(&self, scope: &Scope, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        self.page_now(scope, after, limit)
    }

    async fn look(&self, scope: &Scope, locators: &[Locator]) -> Result<Vec<Option<Record>>> {
        self.look_now(scope, locators)
    }

    async fn verify_absent(&self, scope: &Scope, records: &[RecordRef]) -> Result<Vec<Absence>> {
        let selection = self.selection(&scope.holding)?;
        let suffix = selection.sidecar.as_deref();
        Ok(Look { root: &self.root, technique: self.technique, suffix }.all(records))
    }

    async fn uncovered(&self, scopes: &[Scope]) -> Result<Vec<Uncovered>> {
        self.uncovered_now(scopes)
    }

    async fn residual_copies(&self, _: &Scope, records: &[RecordRef]) -> Result<ResidualCopies> {
        let medium = Medium::of(&self.root)?;
        Ok(residual::of_records(&self.root, &medium, self.technique, records))
    }
}

/// Reads the names of local accounts; an account that is not there is shown by its number.
fn owners() -> HashMap<u32, String> {
    let text = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let account = |line: &str| {
        let mut parts = line.split(':');
        let name = parts.next()?.to_owned();
        Some((parts.nth(1)?.parse().ok()?, name))
    };
    // The first name of a number counts, as for the system itself.
    text.lines().rev().filter_map(account).collect()
}
