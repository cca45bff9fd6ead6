//! Legal holds, and whether one covers a record.

use indexmap::IndexSet;
use jiff::civil::Date;

/// A legal hold. It stops disposal; it never shortens anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The identifier.
    pub id: String,
    /// The case, audit or request.
    pub matter: String,
    /// What kind of matter it is.
    pub reason: String,
    /// Who ordered it.
    pub ordered_by: String,
    /// When it was placed.
    pub placed_on: Date,
    /// When someone looks whether it is still needed.
    pub review_by: Option<Date>,
    /// Only these classes; all if empty.
    pub classes: IndexSet<String>,
    /// Only these systems; all if empty.
    pub systems: IndexSet<String>,
    /// Records about these people or things.
    pub subjects: IndexSet<String>,
    /// Records kept by these people.
    pub custodians: IndexSet<String>,
    /// Only records with a date on or after this day.
    pub from: Option<Date>,
    /// Only records with a date on or before this day.
    pub to: Option<Date>,
    /// Who released it.
    pub released_by: Option<String>,
    /// The day from which it no longer holds.
    pub released_on: Option<Date>,
}

impl Hold {
    /// Returns whether it still holds on a day.
    pub fn is_active(&self, on: Date) -> bool {
        self.released_on.is_none_or(|released| on < released)
    }
}

/// What is known of a record when a hold is checked.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'r> {
    /// Its class.
    pub class: &'r str,
    /// Its system.
    pub system: &'r str,
    /// Whom it is about, as the holding's template says.
    pub subject: Option<&'r str>,
    /// Who keeps it, as the holding's template says.
    pub custodian: Option<&'r str>,
    /// Its dates, one for each trigger; `None` where there is no usable date.
    pub days: &'r [Option<Date>],
    /// Whether the holding has a template for subjects.
    pub has_subject_template: bool,
    /// Whether the holding has a template for custodians.
    pub has_custodian_template: bool,
}

/// Why a record is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covered {
    /// The hold is on everything in its classes and systems.
    All,
    /// The hold names whom the record is about.
    Subject,
    /// The hold names who keeps the record.
    Custodian,
    /// Nobody can tell whether the hold means the record, so it does.
    Unresolved(Unresolved),
}

/// What nobody can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// The holding does not say whom records are about.
    NoSubjectTemplate,
    /// This record does not say whom it is about.
    NoSubject,
    /// The holding does not say who keeps records.
    NoCustodianTemplate,
    /// This record does not say who keeps it.
    NoCustodian,
    /// The record lacks a date.
    NoDate,
}

impl Covered {
    /// Returns the reason in words, to follow "held by 2026-003:".
    pub fn words(self) -> &'static str {
        match self {
            Self::All => "it holds everything in this class and system",
            Self::Subject => "it names whom this record is about",
            Self::Custodian => "it names who keeps this record",
            Self::Unresolved(Unresolved::NoSubjectTemplate) => {
                "it names subjects, and this holding does not say whom its records are about"
            }
            Self::Unresolved(Unresolved::NoSubject) => {
                "it names subjects, and this record does not say whom it is about"
            }
            Self::Unresolved(Unresolved::NoCustodianTemplate) => {
                "it names custodians, and this holding does not say who keeps its records"
            }
            Self::Unresolved(Unresolved::NoCustodian) => {
                "it names custodians, and this record does not say who keeps it"
            }
            Self::Unresolved(Unresolved::NoDate) => {
                "it covers a span of time, and this record lacks a date"
            }
        }
    }
}

/// Returns whether a hold covers a record, and why.
///
/// # Behavior
///
/// - `classes` and `systems` limit the hold, both; a list that is not there does not limit.
/// - `subjects` or `custodians` select, either; without both, everything within the limits is
///   selected. Texts are compared as they are.
/// - `from` and `to` then ask for any of the record's dates in that span, ends included.
/// - Whatever cannot be resolved is held: a template that the holding lacks, a value or date that
///   the record lacks.
/// - Whether the hold was released is not looked at; see [`Hold::is_active`].
pub fn covers(hold: &Hold, facts: &Facts<'_>) -> Option<Covered> {
    let limited = |to: &IndexSet<String>, name: &str| !to.is_empty() && !to.contains(name);
    if limited(&hold.classes, facts.class) || limited(&hold.systems, facts.system) {
        return None;
    }
    let selected = selected(hold, facts)?;
    if hold.from.is_none() && hold.to.is_none() {
        return Some(selected);
    }
    let within = |day: &Date| {
        hold.from.is_none_or(|from| from <= *day) && hold.to.is_none_or(|to| *day <= to)
    };
    if facts.days.iter().flatten().any(within) {
        return Some(selected);
    }
    let unknown = facts.days.is_empty() || facts.days.iter().any(Option::is_none);
    unknown.then_some(Covered::Unresolved(Unresolved::NoDate))
}

fn selected(hold: &Hold, facts: &Facts<'_>) -> Option<Covered> {
    if hold.subjects.is_empty() && hold.custodians.is_empty() {
        return Some(Covered::All);
    }
    let mut unresolved = None;
    if !hold.subjects.is_empty() {
        match facts.subject {
            Some(subject) if hold.subjects.contains(subject) => return Some(Covered::Subject),
            Some(_) => {}
            None if facts.has_subject_template => unresolved = Some(Unresolved::NoSubject),
            None => unresolved = Some(Unresolved::NoSubjectTemplate),
        }
    }
    if !hold.custodians.is_empty() {
        match facts.custodian {
            Some(keeper) if hold.custodians.contains(keeper) => return Some(Covered::Custodian),
            Some(_) => {}
            None if facts.has_custodian_template => {
                unresolved = unresolved.or(Some(Unresolved::NoCustodian));
            }
            None => unresolved = unresolved.or(Some(Unresolved::NoCustodianTemplate)),
        }
    }
    unresolved.map(Covered::Unresolved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn hold() -> Hold {
        Hold {
            id: "2026-003".to_owned(),
            matter: "Acme v. Blue Mountain".to_owned(),
            reason: "litigation".to_owned(),
            ordered_by: "General Counsel".to_owned(),
            placed_on: date(2026, 3, 12),
            review_by: None,
            classes: IndexSet::new(),
            systems: IndexSet::new(),
            subjects: IndexSet::new(),
            custodians: IndexSet::new(),
            from: None,
            to: None,
            released_by: None,
            released_on: None,
        }
    }

    fn set(words: &[&str]) -> IndexSet<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    const DAY: Option<Date> = Some(date(2024, 5, 6));
    const OLD: Option<Date> = Some(date(2020, 1, 1));
    const NEXT: Option<Date> = Some(date(2024, 5, 7));

    fn facts<'r>() -> Facts<'r> {
        Facts {
            class: "FIN-010",
            system: "erp",
            subject: Some("customer:7"),
            custodian: Some("sales@example.com"),
            days: &[DAY],
            has_subject_template: true,
            has_custodian_template: true,
        }
    }

    #[test]
    fn classes_and_systems_limit_both() {
        let mut hold = hold();
        hold.classes = set(&["FIN-010"]);
        assert_eq!(covers(&hold, &facts()), Some(Covered::All));
        hold.systems = set(&["crm"]);
        assert_eq!(covers(&hold, &facts()), None);
        hold.systems = set(&["crm", "erp"]);
        assert_eq!(covers(&hold, &facts()), Some(Covered::All));
        hold.classes = set(&["HR-010"]);
        assert_eq!(covers(&hold, &facts()), None);
    }

    #[test]
    fn subjects_or_custodians_select() {
        let mut hold = hold();
        hold.subjects = set(&["customer:1042"]);
        assert_eq!(covers(&hold, &facts()), None);
        hold.custodians = set(&["sales@example.com"]);
        assert_eq!(covers(&hold, &facts()), Some(Covered::Custodian));
        hold.subjects = set(&["customer:1042", "customer:7"]);
        assert_eq!(covers(&hold, &facts()), Some(Covered::Subject));
        hold.custodians = set(&["purchasing@example.com"]);
        assert_eq!(covers(&hold, &facts()), Some(Covered::Subject));
    }

    #[test]
    fn what_a_system_cannot_resolve_is_held() {
        let mut hold = hold();
        hold.subjects = set(&["customer:1042"]);
        let mut facts = facts();
        facts.subject = None;
        let why = |facts: &Facts<'_>, hold: &Hold| match covers(hold, facts) {
            Some(Covered::Unresolved(why)) => Some(why),
            _ => None,
        };
        assert_eq!(why(&facts, &hold), Some(Unresolved::NoSubject));
        facts.has_subject_template = false;
        assert_eq!(why(&facts, &hold), Some(Unresolved::NoSubjectTemplate));
        hold.subjects = IndexSet::new();
        hold.custodians = set(&["purchasing@example.com"]);
        facts.custodian = None;
        assert_eq!(why(&facts, &hold), Some(Unresolved::NoCustodian));
        facts.has_custodian_template = false;
        assert_eq!(why(&facts, &hold), Some(Unresolved::NoCustodianTemplate));
        hold.custodians = IndexSet::new();
        hold.from = Some(date(2024, 1, 1));
        facts.days = &[];
        assert_eq!(why(&facts, &hold), Some(Unresolved::NoDate));
        facts.days = &[None, OLD];
        assert_eq!(why(&facts, &hold), Some(Unresolved::NoDate));
    }

    #[test]
    fn any_date_within_the_span_is_enough() {
        let mut hold = hold();
        hold.from = Some(date(2024, 5, 6));
        hold.to = Some(date(2024, 5, 6));
        assert_eq!(covers(&hold, &facts()), Some(Covered::All));
        let mut facts = facts();
        facts.days = &[OLD, DAY];
        assert_eq!(covers(&hold, &facts), Some(Covered::All));
        facts.days = &[OLD, NEXT];
        assert_eq!(covers(&hold, &facts), None);
        facts.days = &[None, DAY];
        assert_eq!(covers(&hold, &facts), Some(Covered::All));
    }

    #[test]
    fn a_released_hold_is_active_until_the_day_before() {
        let mut hold = hold();
        assert!(hold.is_active(date(9999, 12, 31)));
        hold.released_on = Some(date(2026, 6, 1));
        assert!(hold.is_active(date(2026, 5, 31)));
        assert!(!hold.is_active(date(2026, 6, 1)));
    }
}
