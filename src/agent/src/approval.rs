//! Approvals: a person's signed yes or no to one plan, bound to its digest.
//!
//! ```text
//! plans/<plan>/approval-<key id>.json     DSSE envelope of an in-toto statement
//! plans/<plan>/rejection-<key id>.json    the same, with the decision "reject"
//! plans/<plan>/exceptions-<key id>.json   records that the approval leaves out, with reasons;
//!                                         the statement has its digest
//! ```
//!
//! An approval speaks for the classes that it names, and only as far as its signer may speak for
//! them when it is read. A rejection beats every approval; to take one back, make a new plan.

mod statement;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use jiff::Timestamp;
use quietus_evidence::dsse::Envelope;
use quietus_evidence::{Hash, hex};
use quietus_schedule::{Approval, Class};

pub use statement::{Decision, Exception};

use crate::durable::Durable;
use crate::error::{UserError, code};
use crate::keys::SecretKey;
use crate::settings::{Approver, Settings};
use statement::Statement;

/// The largest file of a decision that is read.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// The most decisions of one plan that are read.
const DECISIONS_MAX: usize = 1_000;

/// Which plan is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRef {
    /// Its identifier.
    pub id: String,
    /// Its digest.
    pub digest: Hash,
}

/// A decision whose signature was checked.
#[derive(Clone, Debug)]
pub struct Signed {
    /// In which role.
    pub role: String,
    /// Who.
    pub name: String,
    /// SHA-256 of the public key, as certificates have it.
    pub key: Hash,
    /// The key's short id, as file names have it.
    pub key_id: String,
    /// When, by the signer's clock.
    pub at: Timestamp,
    /// Yes or no.
    pub decision: Decision,
    /// For which classes.
    pub classes: Vec<String>,
    /// Records that it leaves out.
    pub exceptions: Vec<Exception>,
}

/// Everything that was decided about one plan.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    /// Checked decisions.
    pub signed: Vec<Signed>,
    /// Files that count for nothing, with the reason.
    pub ignored: Vec<String>,
    /// A rejection that cannot be checked: it counts as one of everything.
    pub unreadable_rejection: Option<String>,
}

/// What the decisions mean for one class.
#[derive(Clone, Debug)]
pub enum ClassDecision<'d> {
    /// The schedule's own approval is enough.
    Standing,
    /// These approved.
    Approved(Vec<&'d Signed>),
    /// Somebody who may speak for the class said no, in these words.
    Rejected(String),
    /// Nobody has approved yet.
    Awaiting,
}

/// A decision to be made.
#[derive(Debug)]
pub struct Draft<'d> {
    /// About which plan.
    pub plan: &'d PlanRef,
    /// Yes or no.
    pub decision: Decision,
    /// For which classes.
    pub classes: Vec<String>,
    /// Records to leave out of an approval.
    pub exceptions: Vec<Exception>,
    /// When.
    pub at: Timestamp,
}

/// Signs a decision and stores it with the plan, durably.
pub fn sign(
    durable: &Durable,
    plan_folder: &Path,
    draft: &Draft<'_>,
    approver: &Approver,
    key: &SecretKey,
) -> Result<(), UserError> {
    if key.verifier().key() != approver.key.key() {
        return Err(UserError::new(
            &code::KEY_NOT_ALLOWED,
            format!("the key {} is not the one of {}", key.id(), approver.name),
        )
        .with_help("quietus.toml lists each approver's key under [[approver]]"));
    }
    let id = key.id();
    let exceptions = statement::exceptions_bytes(&draft.exceptions)?;
    let payload = Statement::of(draft, approver, key, exceptions.as_deref()).encode()?;
    let envelope = Envelope::sign(&payload, key).and_then(|e| e.encode()).map_err(|error| {
        UserError::new(&code::KEY_NOT_ALLOWED, format!("the decision cannot be signed: {error}"))
            .with_help("name fewer classes in one decision")
    })?;
    let kind = draft.decision.file_word();
    let path = plan_folder.join(format!("{kind}-{id}.json"));
    if path.exists() {
        return Err(UserError::new(
            &code::FILE_EXISTS,
            format!("{} ({}) has signed such a decision already", approver.name, approver.role),
        )
        .with_help(
            "a decision stands: an approval is taken back by `quietus reject`, a rejection by a \
             new plan",
        ));
    }
    if let Some(bytes) = &exceptions {
        durable.write_same(&plan_folder.join(format!("exceptions-{id}.json")), bytes)?;
    }
    durable.write_new(&path, &envelope)?;
    Ok(())
}

/// Reads and checks every decision about a plan.
pub fn load(
    plan_folder: &Path,
    plan: &PlanRef,
    settings: &Settings,
) -> Result<Decisions, UserError> {
    let mut decisions = Decisions::default();
    for (kind, id) in names(plan_folder)? {
        let name = format!("{kind}-{id}.json");
        match read_one(plan_folder, &name, &id, plan, settings) {
            Ok(signed) if signed.decision.file_word() == kind => decisions.signed.push(signed),
            Ok(_) => decisions.ignored.push(format!("{name}: it decides otherwise than its name")),
            Err(why) if kind == "rejection" => {
                decisions.unreadable_rejection = Some(format!("{name}: {why}"));
            }
            Err(why) => decisions.ignored.push(format!("{name}: {why}")),
        }
    }
    Ok(decisions)
}

impl Decisions {
    /// Says what is decided about a class.
    pub fn of(&self, class: &Class, settings: &Settings) -> ClassDecision<'_> {
        if let Some(why) = &self.unreadable_rejection {
            return ClassDecision::Rejected(why.clone());
        }
        let speaks = |signed: &&Signed| {
            signed.classes.contains(&class.id)
                && settings
                    .approver(&signed.key_id)
                    .is_some_and(|a| a.may_approve(&class.id, &class.owner))
        };
        let (mut approved, mut rejected) = (Vec::new(), None);
        for signed in self.signed.iter().filter(speaks) {
            match &signed.decision {
                Decision::Approve => approved.push(signed),
                Decision::Reject(reason) => {
                    rejected = Some(format!("{} ({}): {reason}", signed.name, signed.role));
                }
            }
        }
        match (rejected, class.approval) {
            (Some(words), _) => ClassDecision::Rejected(words),
            (None, _) if !approved.is_empty() => ClassDecision::Approved(approved),
            (None, Approval::Standing) => ClassDecision::Standing,
            (None, Approval::EachBatch) => ClassDecision::Awaiting,
        }
    }

    /// Returns every record that some approval leaves out, with the reason.
    pub fn exceptions(&self) -> BTreeMap<Hash, &str> {
        let all = self.signed.iter().flat_map(|s| &s.exceptions);
        all.map(|e| (e.record, e.reason.as_str())).collect()
    }
}

fn names(plan_folder: &Path) -> Result<Vec<(&'static str, String)>, UserError> {
    let unreadable = |error: std::io::Error| {
        UserError::new(
            &code::STATE_UNREADABLE,
            format!("{} cannot be read: {error}", plan_folder.display()),
        )
        .with_help("let the agent's account read it")
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(plan_folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        let Some(stem) = name.to_str().and_then(|n| n.strip_suffix(".json")) else { continue };
        for kind in ["approval", "rejection"] {
            if let Some(id) = stem.strip_prefix(kind).and_then(|rest| rest.strip_prefix('-')) {
                names.push((kind, id.to_owned()));
            }
        }
        if names.len() > DECISIONS_MAX {
            return Err(UserError::new(
                &code::STATE_UNREADABLE,
                format!("{} has more than {DECISIONS_MAX} decisions", plan_folder.display()),
            )
            .with_help("something else writes into this folder; make a new plan"));
        }
    }
    names.sort();
    Ok(names)
}

fn read_one(
    folder: &Path,
    name: &str,
    id: &str,
    plan: &PlanRef,
    settings: &Settings,
) -> Result<Signed, String> {
    let approver = settings.approver(id).ok_or("quietus.toml lists no approver with this key")?;
    let bytes = read_file(&folder.join(name))?;
    let envelope = Envelope::decode(&bytes).map_err(|e| e.to_string())?;
    envelope.check(&approver.key.key()).map_err(|e| e.to_string())?;
    let statement = Statement::decode(&envelope.payload)?;
    if statement.plan != *plan {
        return Err(format!(
            "it is about the plan {} with digest {}, not about this one",
            statement.plan.id,
            hex(&statement.plan.digest.0)
        ));
    }
    if statement.role != approver.role {
        return Err(format!("it was signed as {}, not as {}", statement.role, approver.role));
    }
    let exceptions = match statement.exceptions {
        None => Vec::new(),
        Some(digest) => {
            let bytes = read_file(&folder.join(format!("exceptions-{id}.json")))?;
            if Hash::of(&bytes) != digest {
                return Err("its list of exceptions was changed".into());
            }
            statement::exceptions_from(&bytes)?
        }
    };
    Ok(Signed {
        role: approver.role.clone(),
        name: approver.name.clone(),
        key: approver.key.key().id(),
        key_id: id.to_owned(),
        at: statement.at,
        decision: statement.decision,
        classes: statement.classes,
        exceptions,
    })
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|f| f.take(FILE_BYTES_MAX).read_to_end(&mut bytes))
        .map_err(|e| e.to_string());
    read.map(|_| bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quietus_contract::Place;

    struct World {
        dir: tempfile::TempDir,
        plan: PlanRef,
        settings: Settings,
        keys: Vec<SecretKey>,
    }

    fn world() -> World {
        let keys: Vec<SecretKey> =
            ["finance", "hr"].iter().map(|n| SecretKey::generate(n).unwrap()).collect();
        let approver = |role: &str, key: &SecretKey| Approver {
            role: role.into(),
            name: format!("The {role}"),
            key: key.verifier().clone(),
            classes: Vec::new(),
            place: Place::default(),
        };
        let settings = Settings {
            approvers: vec![approver("Finance", &keys[0]), approver("HR", &keys[1])],
            ..Settings::default()
        };
        let plan = PlanRef { id: "p-1".into(), digest: Hash::of(b"plan") };
        World { dir: tempfile::tempdir().unwrap(), plan, settings, keys }
    }

    impl World {
        fn decide(&self, who: usize, decision: Decision, classes: &[&str]) {
            self.decide_except(who, decision, classes, Vec::new());
        }

        fn decide_except(
            &self,
            who: usize,
            decision: Decision,
            classes: &[&str],
            exceptions: Vec<Exception>,
        ) {
            let draft = Draft {
                plan: &self.plan,
                decision,
                classes: classes.iter().map(|c| (*c).to_owned()).collect(),
                exceptions,
                at: "2026-01-02T03:04:05Z".parse().unwrap(),
            };
            let (approver, key) = (&self.settings.approvers[who], &self.keys[who]);
            sign(&Durable::new(), self.dir.path(), &draft, approver, key).unwrap();
        }

        fn load(&self) -> Decisions {
            load(self.dir.path(), &self.plan, &self.settings).unwrap()
        }
    }

    fn class(id: &str, owner: &str, approval: Approval) -> Class {
        let programme = crate::testing::programme();
        let mut class = programme.schedule.classes.values().next().unwrap().clone();
        class.id = id.into();
        class.owner = owner.into();
        class.approval = approval;
        class
    }

    fn word(decision: &ClassDecision<'_>) -> &'static str {
        match decision {
            ClassDecision::Standing => "standing",
            ClassDecision::Approved(_) => "approved",
            ClassDecision::Rejected(_) => "rejected",
            ClassDecision::Awaiting => "awaiting",
        }
    }

    #[test]
    fn an_approval_counts_for_the_classes_that_its_signer_owns() {
        let world = world();
        world.decide(0, Decision::Approve, &["A", "B"]);
        let decisions = world.load();
        let of =
            |id, owner, approval| word(&decisions.of(&class(id, owner, approval), &world.settings));
        assert_eq!(of("A", "Finance", Approval::EachBatch), "approved");
        assert_eq!(of("B", "HR", Approval::EachBatch), "awaiting");
        assert_eq!(of("C", "Finance", Approval::EachBatch), "awaiting");
        assert_eq!(of("C", "Finance", Approval::Standing), "standing");
    }

    #[test]
    fn a_rejection_beats_an_approval_and_a_standing_one() {
        let world = world();
        world.decide(0, Decision::Approve, &["A"]);
        world.decide(0, Decision::Reject("audit ahead".into()), &["A", "C"]);
        let decisions = world.load();
        for (id, approval) in [("A", Approval::EachBatch), ("C", Approval::Standing)] {
            let class = class(id, "Finance", approval);
            let ClassDecision::Rejected(words) = decisions.of(&class, &world.settings) else {
                panic!("{id} is not rejected");
            };
            assert!(words.contains("audit ahead"), "{words}");
        }
    }

    #[test]
    fn exceptions_come_back_with_their_reasons() {
        let world = world();
        let record = Hash::of(b"r");
        let exceptions = vec![Exception { record, reason: "in dispute".into() }];
        world.decide_except(0, Decision::Approve, &["A"], exceptions);
        assert_eq!(world.load().exceptions().get(&record), Some(&"in dispute"));
        let file = world.dir.path().join(format!("exceptions-{}.json", world.keys[0].id()));
        rustix::fs::unlink(&file).unwrap();
        let decisions = world.load();
        assert!(decisions.signed.is_empty() && decisions.ignored.len() == 1);
    }

    #[test]
    fn an_approval_of_another_plan_counts_for_nothing() {
        let mut world = world();
        world.decide(0, Decision::Approve, &["A"]);
        world.plan.digest = Hash::of(b"another plan");
        let decisions = world.load();
        assert!(decisions.signed.is_empty());
        assert!(decisions.ignored[0].contains("not about this one"), "{:?}", decisions.ignored);
    }

    #[test]
    fn an_approval_that_was_changed_or_moved_to_another_key_counts_for_nothing() {
        let world = world();
        world.decide(0, Decision::Approve, &["A"]);
        let path = |who: usize, kind: &str| {
            world.dir.path().join(format!("{kind}-{}.json", world.keys[who].id()))
        };
        let good = std::fs::read(path(0, "approval")).unwrap();
        let put = |path: &Path, bytes: &[u8]| {
            Durable::new().replace(path, bytes).unwrap();
        };
        for at in (0..good.len()).step_by(7) {
            let mut bad = good.clone();
            bad[at] ^= 1;
            put(&path(0, "approval"), &bad);
            assert!(world.load().signed.is_empty(), "byte {at}");
        }
        put(&path(1, "approval"), &good);
        assert!(world.load().signed.is_empty());
        put(&path(0, "approval"), &good);
        assert_eq!(world.load().signed.len(), 1);
    }

    #[test]
    fn a_rejection_that_cannot_be_read_stops_everything() {
        let world = world();
        world.decide(0, Decision::Approve, &["A"]);
        let path = world.dir.path().join("rejection-00000000.json");
        Durable::new().replace(&path, b"{").unwrap();
        let decisions = world.load();
        let class = class("A", "Finance", Approval::EachBatch);
        assert_eq!(word(&decisions.of(&class, &world.settings)), "rejected");
    }

    #[test]
    fn an_approver_who_was_struck_off_no_longer_counts() {
        let mut world = world();
        world.decide(0, Decision::Approve, &["A"]);
        world.settings.approvers.remove(0);
        assert!(world.load().signed.is_empty());
    }

    #[test]
    fn nobody_signs_with_the_key_of_another() {
        let world = world();
        let draft = Draft {
            plan: &world.plan,
            decision: Decision::Approve,
            classes: vec!["A".into()],
            exceptions: Vec::new(),
            at: Timestamp::UNIX_EPOCH,
        };
        let (approver, key) = (&world.settings.approvers[0], &world.keys[1]);
        let error = sign(&Durable::new(), world.dir.path(), &draft, approver, key).unwrap_err();
        assert_eq!(error.code.name, "key_not_allowed");
    }
}
