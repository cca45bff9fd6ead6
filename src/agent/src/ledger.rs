//! The ledger on disk: the one writer of evidence.
//!
//! ```text
//! event --compose--> statement (journal: outbox) --append--> statement, envelope, tiles, checkpoint
//! ```
//!
//! The checkpoint is written last: until then the ledger is as it was. A statement is composed
//! for one place; after a crash the same bytes go to the same place.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use quietus_evidence::checkpoint::Checkpoint;
use quietus_evidence::layout::{CHECKPOINT, statement_path};
use quietus_evidence::ledger::{self, Appended, Head, Keys, LedgerError};
use quietus_evidence::statement::{
    Event, Genesis, Intent, PolicyInForce, PublicKeyBytes, Ref, Statement,
};
use quietus_evidence::{Hash, Signer};

use crate::agent::Agent;
use crate::certificate::{evidence_time, issuer, tool};
use crate::durable::Durable;
use crate::error::{UserError, code};
use crate::journal::{Journal, Pending};
use crate::keys::AgentKeys;

/// Entries that are read at most to find the head again when the journal is new.
const REBUILD_ENTRIES_MAX: u64 = 10_000_000;

/// The ledger of a programme.
pub struct Ledger {
    dir: PathBuf,
    durable: Durable,
    keys: AgentKeys,
    head: Head,
    composed: Option<Appended>,
}

impl Ledger {
    /// Opens the ledger where its last writer left it; makes it with its genesis if it is new.
    ///
    /// # Behavior
    ///
    /// - A statement that the journal has and the ledger lacks is appended first.
    /// - Keys that its genesis does not name are refused.
    /// - A ledger that is behind what the journal knows, or beside it, is refused: it was restored
    ///   from a backup or changed, and going on would fork it.
    pub fn open(agent: &Agent<'_>, journal: &Journal, keys: AgentKeys) -> Result<Self, UserError> {
        let dir = agent.dir().to_path_buf();
        let origin = keys.log.name().to_owned();
        let on_disk = read_checkpoint(&dir)?;
        let mut ledger = Self {
            head: Head::new(&origin).map_err(refused)?,
            dir,
            durable: agent.durable.clone(),
            keys,
            composed: None,
        };
        match (journal.pending()?, on_disk) {
            (None, None) => ledger.begin(agent, journal)?,
            (None, Some(checkpoint)) => ledger.rebuild(&checkpoint)?,
            (Some(pending), on_disk) => ledger.go_on(&pending, on_disk.as_ref())?,
        }
        ledger.prove_keys()?;
        Ok(ledger)
    }

    /// Returns the number of entries.
    pub fn size(&self) -> u64 {
        self.head.size()
    }

    /// Returns the ledger's name.
    pub fn origin(&self) -> &str {
        self.head.origin()
    }

    /// Makes the next statement. Nothing is written.
    pub fn compose(&mut self, at: Timestamp, event: Event) -> Result<Pending, UserError> {
        let tail = self.tail()?;
        let appended = ledger::append(&self.head, &tail, evidence_time(at)?, event, self.keys())
            .map_err(refused)?;
        let pending = Pending {
            seq: appended.seq,
            statement: appended.statement.clone(),
            head_before: json(&self.head)?,
            head_after: json(&appended.head)?,
        };
        self.composed = Some(appended);
        Ok(pending)
    }

    /// Appends a statement that the journal has.
    ///
    /// A crash before the checkpoint leaves the ledger as it was, with files that nobody names
    /// yet; after it, the statement is evidence.
    pub fn append(&mut self, pending: &Pending) -> Result<Ref, UserError> {
        let appended = match self.composed.take() {
            Some(appended) if appended.statement == pending.statement => appended,
            _ => self.compose_again(pending)?,
        };
        let reference = appended.reference();
        let files: Vec<(PathBuf, &[u8])> = appended
            .files
            .iter()
            .map(|(path, bytes)| (self.dir.join(path), bytes.as_slice()))
            .collect();
        for folder in files.iter().filter_map(|(path, _)| path.parent()) {
            self.durable.create_dir(folder)?;
        }
        self.durable.replace_all(&files)?;
        self.head = appended.head;
        for path in &appended.superseded {
            let path = self.dir.join(path);
            if path.exists() {
                self.durable.remove(&path)?;
            }
        }
        Ok(reference)
    }

    /// Writes a statement that no change of state goes with.
    pub fn record(
        &mut self,
        journal: &Journal,
        at: Timestamp,
        event: Event,
    ) -> Result<Ref, UserError> {
        let pending = self.compose(at, event)?;
        journal.put_statement(&pending)?;
        self.append(&pending)
    }

    /// Names an entry.
    pub fn reference(&self, seq: u64) -> Result<Ref, UserError> {
        Ok(Ref { seq, leaf: Hash::leaf(&self.read(seq)?) })
    }

    /// Returns an intent as it was written.
    pub fn intent(&self, seq: u64) -> Result<Intent, UserError> {
        match self.event(seq)? {
            Event::Intent(intent) => Ok(intent),
            _ => Err(changed(&format!("its entry {seq} is not the intent that the journal knows"))),
        }
    }

    /// Returns a policy as it was written.
    pub fn policy(&self, seq: u64) -> Result<PolicyInForce, UserError> {
        match self.event(seq)? {
            Event::Policy(policy) => Ok(policy),
            _ => Err(changed(&format!("its entry {seq} is not the policy that the journal knows"))),
        }
    }

    fn event(&self, seq: u64) -> Result<Event, UserError> {
        let statement = Statement::decode(&self.read(seq)?)
            .map_err(|e| changed(&format!("its entry {seq} cannot be read")).with_source(e))?;
        Ok(statement.event)
    }

    fn prove_keys(&self) -> Result<(), UserError> {
        let own = (self.keys.log.public(), self.keys.certificate.public());
        match self.event(0)? {
            Event::Genesis(genesis) if (genesis.log_key.0, genesis.certificate_key.0) == own => {
                Ok(())
            }
            Event::Genesis(_) => Err(refused(LedgerError::Keys)),
            _ => Err(changed("its first entry is no genesis")),
        }
    }

    fn read(&self, seq: u64) -> Result<Vec<u8>, UserError> {
        let path = self.dir.join(statement_path(seq));
        std::fs::read(&path).map_err(|source| unreadable(&path, source))
    }

    fn keys(&self) -> Keys<'_> {
        Keys { log: &self.keys.log, certificate: &self.keys.certificate }
    }

    fn tail(&self) -> Result<Vec<u8>, UserError> {
        let Some(path) = self.head.tail_path() else { return Ok(Vec::new()) };
        let path = self.dir.join(path);
        std::fs::read(&path).map_err(|source| unreadable(&path, source))
    }

    fn begin(&mut self, agent: &Agent<'_>, journal: &Journal) -> Result<(), UserError> {
        let genesis = Genesis {
            issuer: issuer(agent),
            tool: tool()?,
            log_key: PublicKeyBytes(self.keys.log.public()),
            certificate_key: PublicKeyBytes(self.keys.certificate.public()),
            previous: None,
        };
        self.record(journal, agent.clock.now(), Event::Genesis(genesis))?;
        Ok(())
    }

    fn go_on(&mut self, pending: &Pending, on_disk: Option<&Checkpoint>) -> Result<(), UserError> {
        let before: Head = from_json(&pending.head_before)?;
        let after: Head = from_json(&pending.head_after)?;
        let size = on_disk.map_or(0, |checkpoint| checkpoint.size);
        let is_at = |head: &Head| match on_disk {
            Some(checkpoint) => *checkpoint == head.checkpoint(),
            None => head.size() == 0,
        };
        if before.origin() != self.head.origin() {
            return Err(changed("its log key has another name than the ledger"));
        }
        if is_at(&after) {
            self.head = after;
            return Ok(());
        }
        if !is_at(&before) {
            return Err(changed(&format!(
                "it has {size} entries, and the journal knows of {}",
                after.size()
            )));
        }
        self.head = before;
        self.append(pending)?;
        Ok(())
    }

    /// Makes a statement again that the journal has: the same bytes for the same place.
    fn compose_again(&self, pending: &Pending) -> Result<Appended, UserError> {
        let statement = Statement::decode(&pending.statement)
            .map_err(|e| changed("the journal's statement cannot be read").with_source(e))?;
        let tail = self.tail()?;
        let appended =
            ledger::append(&self.head, &tail, statement.at, statement.event, self.keys())
                .map_err(refused)?;
        if appended.statement != pending.statement {
            return Err(changed("the journal's statement does not follow its last entry"));
        }
        Ok(appended)
    }

    fn rebuild(&mut self, checkpoint: &Checkpoint) -> Result<(), UserError> {
        if checkpoint.size > REBUILD_ENTRIES_MAX {
            return Err(changed("it has more entries than can be read again"));
        }
        let entries =
            (0..checkpoint.size).map(|seq| self.read(seq)).collect::<Result<Vec<_>, _>>()?;
        let head = Head::rebuild(self.head.origin(), entries.iter().map(Vec::as_slice))
            .map_err(refused)?;
        if head.checkpoint() != *checkpoint {
            return Err(changed("its entries do not make its checkpoint"));
        }
        self.head = head;
        Ok(())
    }
}

fn read_checkpoint(dir: &Path) -> Result<Option<Checkpoint>, UserError> {
    let path = dir.join(CHECKPOINT);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(&path, error)),
    };
    let (checkpoint, _) = Checkpoint::parse(&bytes)
        .map_err(|e| changed("its checkpoint cannot be read").with_source(e))?;
    Ok(Some(checkpoint))
}

fn json(head: &Head) -> Result<String, UserError> {
    serde_json::to_string(head).map_err(|e| changed("its head cannot be written").with_source(e))
}

fn from_json(text: &str) -> Result<Head, UserError> {
    serde_json::from_str(text)
        .map_err(|e| changed("the journal's head of it is damaged").with_source(e))
}

fn unreadable(path: &Path, source: io::Error) -> UserError {
    UserError::new(
        &code::STATE_UNREADABLE,
        format!("{}, a part of the ledger, cannot be read", path.display()),
    )
    .with_help("put the ledger's files back as they were; nothing is disposed of without it")
    .with_source(source)
}

fn refused(error: LedgerError) -> UserError {
    let help = match error {
        LedgerError::Keys => "the keys of another agent are in the keys folder: put its own back",
        LedgerError::Tail | LedgerError::Head => {
            "the ledger was changed by another hand: put its files back as they were"
        }
        _ => "nothing was disposed of; report this with `quietus --version`",
    };
    UserError::new(&code::LEDGER_REFUSED, format!("the ledger takes no entry: {error}"))
        .with_help(help)
}

fn changed(why: &str) -> UserError {
    UserError::new(&code::LEDGER_CHANGED, format!("the ledger cannot be continued: {why}"))
        .with_help(
            "it was restored from a backup, or changed; going on would make two histories: put \
             back the newest copy of `ledger` and `state` together",
        )
}
