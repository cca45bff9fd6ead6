//! A holding made ready: how its records are read, and how they are judged.
//!
//! ```text
//! holding of systems.toml -> scope for the adapter, rule, templates
//! record of the adapter ---> facts: dates of all triggers, subject, custodian, jurisdiction
//! ```

use std::sync::Arc;

use jiff::civil::Date;
use quietus_contract::{Action, DateValue, Place, Scope};
use quietus_schedule::holds;
use quietus_schedule::rules::{Rule, Verdict};
use quietus_schedule::{DateSource, Disposition, Hold, Holding, Programme, Template};

use crate::guard::{EpochDay, Guard, Opinion};
use crate::hold::HoldFilter;

/// A holding made ready.
pub struct Selection<'a> {
    /// The holding as written.
    pub holding: &'a Holding,
    /// The programme that it belongs to.
    pub programme: &'a Programme,
    /// Its rule.
    pub rule: Rule,
    /// What the adapter is asked for.
    pub scope: Scope,
    guard: Guard,
    slots: Vec<Slot<'a>>,
    field_names: Vec<String>,
}

/// Where the date of a trigger comes from.
enum Slot<'a> {
    /// The adapter's date with this number.
    Target(usize),
    /// A register of events, by the holding's event template.
    Register(&'a str),
}

/// What is known of a record besides its place.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// One value for each trigger.
    pub dates: Vec<DateValue>,
    /// Whom it is about.
    pub subject: Option<String>,
    /// Who keeps it.
    pub custodian: Option<String>,
    /// Which law it is under.
    pub jurisdiction: Option<String>,
}

impl<'a> Selection<'a> {
    /// Makes a holding ready; with `as_of` the scope leaves out what cannot be due by then.
    pub fn new(programme: &'a Programme, holding: &'a Holding, as_of: Option<Date>) -> Self {
        let rule = Rule::compile(programme, holding);
        let mut slots = Vec::new();
        let mut dates: Vec<(String, Place)> = Vec::new();
        let mut bounds = Vec::new();
        let rule_bounds = as_of.map(|day| rule.bounds(day)).unwrap_or_default();
        for (n, source) in holding.dates.values().enumerate() {
            match source {
                DateSource::Target { source, place } => {
                    slots.push(Slot::Target(dates.len()));
                    dates.push((source.clone(), place.clone()));
                    bounds.push(rule_bounds.get(n).copied().flatten());
                }
                DateSource::Register { name, .. } => slots.push(Slot::Register(name)),
            }
        }
        let mut field_names: Vec<String> = Vec::new();
        for template in templates(holding).into_iter().flatten() {
            for field in template.fields() {
                if !field_names.iter().any(|name| name == field) {
                    field_names.push(field.to_owned());
                }
            }
        }
        let place = holding.settings.place.clone();
        let contract = quietus_contract::Holding {
            index: holding.index,
            class: holding.class.clone(),
            settings: holding.settings.clone(),
            dates,
            fields: field_names.iter().map(|name| (name.clone(), place.clone())).collect(),
            not_a_date: programme
                .systems
                .get(&holding.system)
                .map(|system| system.not_a_date.clone())
                .unwrap_or_default(),
            action: match programme.schedule.classes.get(&holding.class).map(|c| c.disposition) {
                Some(Disposition::Anonymise) => Action::Anonymise,
                _ => Action::Destroy,
            },
        };
        let scope = Scope { holding: Arc::new(contract), bounds };
        let guard = Guard::compile(programme, holding);
        Self { holding, programme, rule, scope, guard, slots, field_names }
    }

    /// Gathers what is known of a record.
    pub fn facts(&self, dates: &[DateValue], fields: &[Option<String>]) -> Facts {
        let event = self.fill(self.holding.event.as_ref(), fields);
        let date_of = |slot: &Slot<'_>| match slot {
            Slot::Target(n) => dates.get(*n).copied().unwrap_or(DateValue::Absent),
            Slot::Register(name) => self
                .programme
                .registers
                .get(*name)
                .zip(event.as_deref())
                .and_then(|(register, event)| register.date_of(event))
                .map_or(DateValue::Absent, DateValue::Day),
        };
        self.facts_again(self.slots.iter().map(date_of).collect(), fields)
    }

    /// Gathers what is known of a record whose dates are complete already.
    pub fn facts_again(&self, dates: Vec<DateValue>, fields: &[Option<String>]) -> Facts {
        Facts {
            dates,
            subject: self.fill(self.holding.subject.as_ref(), fields),
            custodian: self.fill(self.holding.custodian.as_ref(), fields),
            jurisdiction: self.fill(self.holding.jurisdiction.as_ref(), fields),
        }
    }

    /// Asks the second judge about a record whose dates are complete: whether it finds the record
    /// due, and on the same day.
    pub fn is_agreed(
        &self,
        dates: &[DateValue],
        fields: &[Option<String>],
        due: Date,
        as_of: Date,
    ) -> bool {
        let jurisdiction = self.fill(self.holding.jurisdiction.as_ref(), fields);
        let opinion = self.guard.judge(dates, jurisdiction.as_deref(), as_of);
        opinion == Opinion::Due(EpochDay::of(due))
    }

    fn fill(&self, template: Option<&Template>, fields: &[Option<String>]) -> Option<String> {
        template?.fill(|name| {
            let n = self.field_names.iter().position(|field| field == name)?;
            fields.get(n)?.as_deref()
        })
    }

    /// Returns the hold that covers a record, if one does, and why.
    pub fn hold<'h>(
        &self,
        holds: &'h HoldFilter,
        facts: &Facts,
    ) -> Option<(&'h Hold, holds::Covered)> {
        if holds.is_empty() {
            return None;
        }
        let days = self.rule.days(&facts.dates);
        holds.covering(&self.hold_facts(facts, &days))
    }

    /// Gathers what a hold asks of a record.
    pub fn hold_facts<'f>(
        &'f self,
        facts: &'f Facts,
        days: &'f [Option<Date>],
    ) -> holds::Facts<'f> {
        holds::Facts {
            class: &self.holding.class,
            system: &self.holding.system,
            subject: facts.subject.as_deref(),
            custodian: facts.custodian.as_deref(),
            days,
            has_subject_template: self.holding.subject.is_some(),
            has_custodian_template: self.holding.custodian.is_some(),
        }
    }

    /// Judges a record.
    pub fn judge(&self, facts: &Facts, as_of: Date) -> Verdict {
        self.rule.judge(&facts.dates, facts.jurisdiction.as_deref(), as_of)
    }
}

fn templates(holding: &Holding) -> [Option<&Template>; 4] {
    [
        holding.subject.as_ref(),
        holding.custodian.as_ref(),
        holding.jurisdiction.as_ref(),
        holding.event.as_ref(),
    ]
}
