//! What an adapter brings to the suite: targets, and another route into them.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::civil::Date;
use quietus_contract::{Action, Adapter, DisposalOrder, Locator, Scope, SystemConfig};

/// The result of a testbed's own work; an error fails the case that needed it.
pub type Done<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Makes targets for the suite; one adapter has one, or one for each kind of its targets.
///
/// `docs/specs/adapter.md` tells how to write one; [`crate::MemoryBed`] is an example.
#[async_trait]
pub trait Testbed: Send + Sync {
    /// Returns the name that the report bears.
    fn name(&self) -> &str;

    /// Returns what its targets can do besides what is required.
    fn abilities(&self) -> Vec<Ability>;

    /// Makes a new target that has exactly these records (and what it needs besides).
    async fn fresh(&self, seeds: &[Seed]) -> Done<Box<dyn Target>>;

    /// Returns after how long a call must have answered, whatever happens.
    ///
    /// The system of [`Target::system`] should be set to give up well before.
    fn deadline(&self) -> Duration {
        Duration::from_secs(10)
    }

    /// Returns whether a record can bear that name there.
    fn can_name(&self, name: &str) -> bool {
        !name.is_empty()
    }

    /// Names claims that the suite cannot exercise here, and the test that does instead.
    fn shown_elsewhere(&self) -> Vec<(Claim, &'static str)> {
        Vec::new()
    }
}

/// A capability that an adapter may claim, see [`quietus_contract::Capabilities`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Orders are all or nothing.
    Transactional,
    /// The target's own holds are seen.
    OwnHolds,
}

/// What a target may be able to do. The report names the cases that did not apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// Records may have no date ([`SeedDate::Absent`]).
    Undated,
    /// Records may have something that is not a date ([`SeedDate::Unreadable`]).
    Unreadable,
    /// Records have a field that names a person ([`Seed::subject`]), first in the scope's fields.
    Subject,
    /// Records have other things that go with them ([`Seed::members`]).
    Members,
    /// A record's date can be changed: [`Target::redate`].
    Redate,
    /// A record is told from an equal one that was made anew in its place.
    TellsTwins,
    /// The target has holds of its own: [`Target::hold`].
    Hold,
    /// The target can refuse to dispose of one record: [`Target::protect`].
    Protect,
    /// Records can be anonymised: [`Target::scope`] with that action.
    Anonymise,
    /// There is an account that may read only: [`Target::account`].
    ReadOnlyAccount,
    /// There is an account that is let in and shown nothing: [`Target::account`].
    BlindAccount,
    /// The target can be cut off: [`Target::cut`].
    Cut,
    /// The fault can be injected: [`Target::fault`].
    Fault(Fault),
    /// A listing can be made to lag: [`Target::lag`].
    Lag,
    /// A record can be hidden behind an earlier version of it: [`Target::bury`].
    Bury,
    /// Copies can be planted: [`Target::plant_copies`].
    Copies,
    /// Links can be made: [`Target::link`].
    Links,
    /// Requests are counted: [`Target::requests`].
    Requests,
    /// The agent or the target can be made to die within an order: [`Target::crash`].
    Crash,
    /// There is a container that no holding selects: [`Target::forgotten`].
    Forgotten,
    /// A record can leave the scope and stay in its place: [`Target::leave`].
    Leave,
    /// The target knows which date sources and fields there are.
    Schema,
    /// The target can be replaced by a copy of it: [`Target::replace`].
    Replace,
}

/// What can go wrong between the adapter and its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The next disposal never arrives.
    RequestLost,
    /// The next disposal is carried out, and its answer never arrives.
    ResponseLost,
    /// The next disposal is carried out, and its answer breaks off.
    ResponseCut,
    /// The next listing breaks off.
    ListingCut,
    /// The target takes requests and never answers, until it is mended.
    Silent,
    /// The target asks to come back later, until it is mended.
    Busy,
}

/// An account of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// It may read everything and dispose of nothing.
    ReadOnly,
    /// It is let in, and records that are there are not shown to it.
    Blind,
}

/// On which side of the scope's edge a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The scope selects it.
    Within,
    /// As near to the scope as the target can have it, and not selected: `a/bc` beside `a/b`.
    Beside,
}

/// The date of a seed, of the scope's first date source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeedDate {
    /// A day. A target with moments takes noon of it, UTC.
    Day(Date),
    /// No date.
    Absent,
    /// Something that is not a date.
    Unreadable,
}

/// A record that a target is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// On which side of the edge.
    pub side: Side,
    /// Its name, unique on its side; the testbed makes a key, a path, a message of it.
    pub name: String,
    /// Its date.
    pub date: SeedDate,
    /// Whom it is about, for targets with [`Ability::Subject`].
    pub subject: String,
    /// Its content.
    pub content: String,
    /// How many other things go with it, for targets with [`Ability::Members`].
    pub members: u32,
}

/// Everything that is in a target, read by another route than the adapter's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The records, by side and name: the whole state of each, its members' too, as text that
    /// has content and subject in plain.
    pub records: BTreeMap<(Side, String), String>,
    /// Everything else that no call may change: containers, schema, what links point to.
    pub rest: BTreeMap<String, String>,
}

/// A copy that was planted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlantedCopy {
    /// The kind that the adapter must name.
    pub kind: String,
    /// The day that the adapter must name; `None` where the target has none.
    pub clears_by: Option<Date>,
}

/// One target, with the other route into it.
///
/// # Behavior
///
/// - The required methods are those without a body. Each of the others belongs to an
///   [`Ability`], and is called only where the testbed declares it.
/// - `name` means a seed [`Side::Within`].
#[async_trait]
pub trait Target: Send + Sync {
    /// Returns the adapter; a new one each time would do as well.
    fn adapter(&self) -> Arc<dyn Adapter>;

    /// Returns how the agent would open it, with all rights.
    fn system(&self) -> SystemConfig;

    /// Returns the scope that selects the seeds [`Side::Within`].
    ///
    /// One date source; one field where there is [`Ability::Subject`], else none; no bounds.
    fn scope(&self, action: Action) -> Scope;

    /// Returns the scope that selects the seeds [`Side::Beside`], where one can.
    fn scope_beside(&self) -> Option<Scope> {
        None
    }

    /// Returns the locator that the adapter must give such a record, whether it exists or not.
    fn locator(&self, name: &str) -> Locator;

    /// Reads everything that is there.
    async fn contents(&self) -> Done<Contents>;

    /// Makes one more record.
    async fn add(&self, seed: &Seed) -> Done;

    /// Changes the content of a record.
    async fn change(&self, name: &str) -> Done;

    /// Takes a record away, as someone else would.
    async fn remove(&self, name: &str) -> Done;

    /// Changes nothing but the date of a record.
    async fn redate(&self, _name: &str, _date: Date) -> Done {
        lacking("redate")
    }

    /// Lets the target hold a record.
    async fn hold(&self, _name: &str) -> Done {
        lacking("hold")
    }

    /// Lets the target refuse to dispose of a record, for whatever reason.
    async fn protect(&self, _name: &str) -> Done {
        lacking("protect")
    }

    /// Returns how the agent would open it with another account.
    async fn account(&self, _account: Account) -> Done<SystemConfig> {
        lacking("account")
    }

    /// Makes the target unreachable, also for whoever has it open.
    async fn cut(&self) -> Done {
        lacking("cut")
    }

    /// Injects a fault.
    async fn fault(&self, _fault: Fault) -> Done {
        lacking("fault")
    }

    /// Takes all faults away, and makes it reachable again; called at the end of each case.
    async fn mend(&self) -> Done {
        Ok(())
    }

    /// Lets listings not show a record that is there.
    async fn lag(&self, _name: &str) -> Done {
        lacking("lag")
    }

    /// Takes the record away, but leaves an earlier version that can still be read.
    async fn bury(&self, _name: &str) -> Done {
        lacking("bury")
    }

    /// Lets copies of a record survive its disposal, and says which the adapter must list after.
    async fn plant_copies(&self, _name: &str) -> Done<Vec<PlantedCopy>> {
        lacking("plant_copies")
    }

    /// Makes a link of that name within the scope, to a record beside it.
    async fn link(&self, _name: &str, _beside: &str) -> Done {
        lacking("link")
    }

    /// Returns how many requests the target has received.
    async fn requests(&self) -> Done<u64> {
        lacking("requests")
    }

    /// Carries out an order so that agent or target dies after about that many records, and
    /// brings the target back.
    async fn crash(&self, _order: DisposalOrder, _after: usize) -> Done {
        lacking("crash")
    }

    /// Changes a record so that the scope does not select it any more; its locator still names it.
    async fn leave(&self, _name: &str) -> Done {
        lacking("leave")
    }

    /// Puts another target with equal records in its place: a restored backup, another disk.
    async fn replace(&self) -> Done {
        lacking("replace")
    }

    /// Returns the container that no holding selects when only [`Target::scope`] is one.
    fn forgotten(&self) -> Option<String> {
        None
    }
}

fn lacking<T>(ability: &str) -> Done<T> {
    Err(format!("the testbed declares an ability and lacks the method: {ability}").into())
}
