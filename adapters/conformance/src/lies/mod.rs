//! Adapters that lie: each wraps an honest one, and the suite must catch it.

mod disposers;
mod inventories;
mod looks;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use quietus_contract::{
    Adapter, Disposer, Form, Inventory, Locator, Record, Result, Scope, SystemConfig,
    TargetIdentity, Version,
};

use crate::testbed::Target;
use disposers::LyingDisposer;
use inventories::LyingInventory;

/// What an adapter lies about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lie {
    /// Leaves the last record of an order alone, and says that it went.
    SilentSkip,
    /// Disposes of one record more than ordered.
    OverReach,
    /// Loses the last page of a listing.
    LastPageForgetter,
    /// Takes no answer for yes.
    Optimist,
    /// Disposes of a record in whatever version it finds.
    VersionBlind,
    /// Takes what it may not see for absent.
    DeniedIsAbsent,
    /// Gives its outcomes in an order of its own.
    Shuffler,
    /// Logs the records that it disposes of.
    Chatty,
    /// Names a record in its errors and reasons.
    ChattyInErrors,
    /// Logs the credential.
    SecretLogger,
    /// Hides the records that have no date.
    UndatedHider,
    /// Hides, with a bound, the records of the very day of it.
    EarlyBound,
    /// Does not see the target's own holds.
    HoldBlind,
    /// Starts again in a new instance.
    CursorAmnesiac,
    /// Counts pages by offset, so that what goes shifts what follows.
    OffsetPager,
    /// Gives each page the last record of the one before.
    Repeater,
    /// Takes the neighbours for records of the holding.
    NeighbourTaker,
    /// Disposes of a neighbour with each order.
    NeighbourDisposer,
    /// Writes while it reads.
    ReadOnlyWriter,
    /// Answers from its memory of what it disposed of.
    Believer,
    /// Says that records are absent because a listing does not have them.
    ListingTruster,
    /// Does not tell a newer record from none.
    NewerIsAbsent,
    /// Answers only the records that something came of.
    ShortAnswerer,
    /// Takes what is not there for disposed of.
    AbsentIsDisposed,
    /// Has one identity for all targets.
    OneIdentity,
    /// Claims what it cannot do.
    Boaster,
    /// Sees no copies anywhere.
    Spotless,
    /// Waits for ever.
    Sleeper,
    /// Tries again without end.
    Hammer,
    /// Stops at the first record that does not go, without a word on the rest.
    Quitter,
    /// Looks at content alone: a version does not follow the date.
    DateBlind,
    /// Says how many members went, and never knew.
    MemberMiscounter,
    /// Spares its effort above the maximum: what is beyond is said to be done.
    BatchTruncator,
    /// Ends a listing that broke off as if it were complete.
    HalfLister,
    /// Finds a target that is cut off to be empty.
    VoidSeer,
    /// Turns an order to anonymise into one to destroy.
    Eraser,
    /// Tidies names up: what was trimmed or made printable names no record.
    Misnamer,
    /// Ends a listing when the record on which the cursor stands has gone.
    CursorLoser,
    /// Looks once, and answers from its notes after that.
    Cacher,
    /// Takes for absent what the bounds hide.
    BoundedVerifier,
    /// Takes for absent what the scope does not select any more.
    ScopedVerifier,
    /// Keeps the identity of the first target that it saw at a place.
    FirstImpression,
    /// Follows what is given to it wherever it leads: a name is enough, in the scope or not.
    ScopeBlind,
    /// Cuts an error short: what cannot be read is not there.
    ErrorIsNone,
    /// Finds a holding that it may not see to be empty.
    BlindLister,
    /// Gives the answers of a look in an order of its own.
    LookShuffler,
    /// Names a store otherwise each time.
    Renamer,
    /// Knows of nothing that was forgotten.
    NothingForgotten,
    /// Brings an order to its end when it is told to release it.
    Finisher,
    /// Panics where a record is not there.
    Panicker,
}

impl Lie {
    /// All lies.
    pub const ALL: &[Lie] = &[
        Lie::SilentSkip,
        Lie::OverReach,
        Lie::LastPageForgetter,
        Lie::Optimist,
        Lie::VersionBlind,
        Lie::DeniedIsAbsent,
        Lie::Shuffler,
        Lie::Chatty,
        Lie::ChattyInErrors,
        Lie::SecretLogger,
        Lie::UndatedHider,
        Lie::EarlyBound,
        Lie::HoldBlind,
        Lie::CursorAmnesiac,
        Lie::OffsetPager,
        Lie::Repeater,
        Lie::NeighbourTaker,
        Lie::NeighbourDisposer,
        Lie::ReadOnlyWriter,
        Lie::Believer,
        Lie::ListingTruster,
        Lie::NewerIsAbsent,
        Lie::ShortAnswerer,
        Lie::AbsentIsDisposed,
        Lie::OneIdentity,
        Lie::Boaster,
        Lie::Spotless,
        Lie::Sleeper,
        Lie::Hammer,
        Lie::Quitter,
        Lie::DateBlind,
        Lie::MemberMiscounter,
        Lie::BatchTruncator,
        Lie::HalfLister,
        Lie::VoidSeer,
        Lie::Eraser,
        Lie::Misnamer,
        Lie::CursorLoser,
        Lie::Cacher,
        Lie::BoundedVerifier,
        Lie::ScopedVerifier,
        Lie::FirstImpression,
        Lie::ScopeBlind,
        Lie::ErrorIsNone,
        Lie::BlindLister,
        Lie::LookShuffler,
        Lie::Renamer,
        Lie::NothingForgotten,
        Lie::Finisher,
        Lie::Panicker,
    ];

    /// Returns the cases that are there to catch it, on a target with every ability.
    pub fn caught_by(self) -> &'static [&'static str] {
        match self {
            Self::SilentSkip | Self::OverReach => &["dispose/exactly_the_order_goes"],
            Self::LastPageForgetter => &["page/limits_give_each_record_once"],
            Self::Optimist => &[
                "dispose/lost_request_is_never_disposed",
                "dispose/lost_response_is_indeterminate",
            ],
            Self::VersionBlind => &[
                "dispose/changed_record_stays",
                "dispose/redated_record_stays",
                "dispose/recreated_record_survives",
            ],
            Self::DeniedIsAbsent => &[
                "verify_absent/blind_account_is_unknown",
                "verify_absent/cut_off_target_is_unknown",
            ],
            Self::Shuffler => &["dispose/each_is_answered_as_such"],
            Self::Chatty | Self::SecretLogger => &["all/logs_are_discreet"],
            Self::ChattyInErrors => &["all/errors_and_reasons_are_discreet"],
            Self::UndatedHider => &["page/undated_is_handed_over"],
            Self::EarlyBound => &["page/bounds_hide_only_later_dates"],
            Self::HoldBlind => &["page/own_hold_is_reported"],
            Self::CursorAmnesiac => &["page/new_instance_resumes_from_every_cursor"],
            Self::OffsetPager => &["page/nothing_is_missed_while_others_come_and_go"],
            Self::Repeater => &["page/limits_give_each_record_once"],
            Self::NeighbourTaker => &["page/neighbours_never_appear"],
            Self::NeighbourDisposer => {
                &["dispose/exactly_the_order_goes", "all/nothing_beside_the_scope_changes"]
            }
            Self::ReadOnlyWriter => &["probe/reading_writes_nothing"],
            Self::Believer => &["verify_absent/return_after_disposal_is_seen"],
            Self::ListingTruster => &["verify_absent/lagging_listing_is_not_absent"],
            Self::NewerIsAbsent => &["verify_absent/what_is_under_the_locator_now_is_newer"],
            Self::ShortAnswerer => {
                &["dispose/each_is_answered_as_such", "all/answers_have_the_form_of_the_contract"]
            }
            Self::AbsentIsDisposed => &["dispose/each_is_answered_as_such"],
            Self::OneIdentity => &["probe/same_target_same_identity"],
            Self::Boaster => &["dispose/crash_leaves_a_part_of_the_order_at_most"],
            Self::Spotless => &["residual_copies/planted_copies_are_listed"],
            Self::Sleeper => &["all/every_call_keeps_its_deadline"],
            Self::Hammer => &["all/attempts_are_bounded"],
            Self::Quitter => &["dispose/each_is_answered_as_such"],
            Self::DateBlind => &["look/version_follows_the_date", "dispose/redated_record_stays"],
            Self::MemberMiscounter => &["dispose/members_go_with_it"],
            Self::BatchTruncator => &["dispose/more_than_the_maximum_is_not_skipped"],
            Self::HalfLister => &["page/cut_listing_is_not_the_end"],
            Self::VoidSeer => &["page/cut_off_target_is_an_error"],
            Self::Eraser => &[
                "dispose/anonymised_record_stays_without_the_person",
                "dispose/order_to_anonymise_destroys_nothing",
            ],
            Self::Misnamer => &["page/hostile_names_round_trip"],
            Self::CursorLoser => &["page/nothing_is_missed_while_others_come_and_go"],
            Self::Cacher => &["look/open_instance_sees_what_changed"],
            Self::BoundedVerifier => &["dispose/bounds_do_not_hide_what_was_ordered"],
            Self::ScopedVerifier => &["dispose/record_that_left_the_scope_stays"],
            Self::FirstImpression => &["probe/copy_in_its_place_is_another_target"],
            Self::ScopeBlind => &["page/neighbours_never_appear"],
            Self::Finisher => &[
                "release/is_harmless_for_what_was_never_reached",
                "release/puts_back_what_a_crash_left",
            ],
            Self::BlindLister => &["page/blind_account_is_no_empty_holding"],
            Self::LookShuffler | Self::Panicker => &["look/answers_each_in_order"],
            Self::Renamer => &["survey/names_and_population_are_stable"],
            Self::NothingForgotten => &["uncovered/names_the_forgotten"],
            Self::ErrorIsNone => &["look/cut_off_is_an_error", "look/blind_account_is_an_error"],
        }
    }

    /// Makes an adapter tell this lie about a target.
    pub(crate) fn tell(self, honest: Arc<dyn Adapter>, target: &dyn Target) -> Arc<dyn Adapter> {
        let shared = Shared {
            lie: self,
            system: target.system(),
            beside: target.scope_beside(),
            honest: honest.clone(),
            notes: Mutex::default(),
        };
        Arc::new(Liar { shared: Arc::new(shared) })
    }
}

/// What a liar knows.
struct Shared {
    lie: Lie,
    /// The system with all rights, for what it does behind the caller's back.
    system: SystemConfig,
    beside: Option<Scope>,
    honest: Arc<dyn Adapter>,
    notes: Mutex<Notes>,
}

/// What a liar remembers of its target.
#[derive(Default)]
struct Notes {
    identity: Option<TargetIdentity>,
    /// Size and version of each record when it was first seen.
    versions: BTreeMap<Locator, (Option<u64>, Version)>,
    surveys: u32,
    looks: BTreeMap<Locator, Option<Record>>,
}

impl Shared {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Liar {
    shared: Arc<Shared>,
}

#[async_trait]
impl Adapter for Liar {
    fn form(&self) -> &'static Form {
        self.shared.honest.form()
    }

    async fn open_inventory(&self, system: &SystemConfig) -> Result<Box<dyn Inventory>> {
        if self.shared.lie == Lie::SecretLogger {
            let secret = system.secret.as_ref().map_or("", |s| s.reveal());
            tracing::debug!(secret, "opening a system");
        }
        let honest = self.shared.honest.open_inventory(system).await?;
        Ok(Box::new(LyingInventory::new(self.shared.clone(), honest)))
    }

    async fn open_disposer(&self, system: &SystemConfig) -> Result<Box<dyn Disposer>> {
        let honest = self.shared.honest.open_disposer(system).await?;
        Ok(Box::new(LyingDisposer::new(LyingInventory::new(self.shared.clone(), honest))))
    }
}
