//! From files to a programme, or to every defect at once.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use quietus_contract::Form;

use crate::defect::{Defect, Severity};
use crate::model::{
    Approval, Authority, Class, Clause, DateSource, Holding, Programme, Register, Retention,
    Schedule, System, Terms, Variant,
};
use crate::period::Period;
use crate::read::{
    self, RawClass, RawFurther, RawHold, RawHolding, RawSchedule, RawSystem, RawVariant,
};
use crate::sheet::Sheet;
use crate::source::{Sources, Told};
use crate::{Hold, cross};

/// How soon after it is due a record must be gone, where the class does not say.
const DISPOSE_WITHIN: Period = Period::days(90);

/// The prefix of a date source that is a register of events.
const REGISTER: &str = "register:";

/// The answer of [`check`].
#[derive(Debug)]
pub struct Checked {
    /// The programme, where no defect is an error.
    pub programme: Option<Programme>,
    /// Every defect of every file, file by file, in the order of the text.
    pub defects: Vec<Defect>,
}

/// Reads and checks all files of a programme.
///
/// # Behavior
///
/// - All defects of all files come in one run; a defect that only follows from another is left
///   out where that can be told.
/// - `forms` are the adapters that there are; they say which further keys systems and holdings
///   have.
/// - No text makes it panic.
pub fn check(sources: &Sources, forms: &[&'static Form]) -> Checked {
    let mut schedule_sheet = Sheet::new(&sources.schedule);
    let schedule = read::schedule(&mut schedule_sheet);
    cross::schedule(&mut schedule_sheet, &schedule);

    let mut registers = BTreeMap::new();
    let mut register_defects = Vec::new();
    for file in &sources.registers {
        let mut sheet = Sheet::new(file);
        let register = read::register(&mut sheet);
        registers.insert(register.name.clone(), register);
        register_defects.extend(sheet.finish());
    }

    let mut systems_sheet = Sheet::new(&sources.systems);
    let systems = read::systems(&mut systems_sheet, forms);
    cross::systems(&mut systems_sheet, &mut schedule_sheet, &systems, &schedule, &registers);

    let mut defects = schedule_sheet.finish();
    let mut holds = Vec::new();
    let holds_defects = sources.holds.as_ref().map(|file| {
        let mut sheet = Sheet::new(file);
        holds = read::holds(&mut sheet);
        cross::holds(&mut sheet, &holds, &schedule, &systems);
        sheet.finish()
    });
    let places: Vec<_> =
        systems.holdings.iter().map(|holding| date_sources(&systems_sheet, holding)).collect();
    defects.extend(systems_sheet.finish());
    defects.extend(holds_defects.unwrap_or_default());
    defects.extend(register_defects);

    let broken = defects.iter().any(|defect| defect.severity == Severity::Error);
    let programme = if broken {
        None
    } else {
        let raw = Raw { schedule, systems: systems.systems, holdings: systems.holdings, holds };
        build(raw, places, registers)
    };
    Checked { programme, defects }
}

struct Raw {
    schedule: RawSchedule,
    systems: Vec<RawSystem>,
    holdings: Vec<RawHolding>,
    holds: Vec<RawHold>,
}

/// The dates of a holding, with their places.
fn date_sources(sheet: &Sheet<'_>, holding: &RawHolding) -> IndexMap<String, DateSource> {
    let source = |told: &Told<String>| {
        let place = sheet.place(told.span.start);
        match told.value.strip_prefix(REGISTER) {
            Some(name) => DateSource::Register { name: name.to_owned(), place },
            None => DateSource::Target { source: told.value.clone(), place },
        }
    };
    holding.dates.iter().map(|(name, told)| (name.value.clone(), source(told))).collect()
}

/// Builds the programme. Whatever is missing here was reported as a defect.
fn build(
    raw: Raw,
    places: Vec<IndexMap<String, DateSource>>,
    registers: BTreeMap<String, Register>,
) -> Option<Programme> {
    let schedule = build_schedule(raw.schedule)?;
    let mut systems = IndexMap::new();
    for system in raw.systems {
        systems.insert(system.name.value.clone(), build_system(system)?);
    }
    let mut holdings = Vec::with_capacity(raw.holdings.len());
    for (index, (holding, dates)) in raw.holdings.into_iter().zip(places).enumerate() {
        holdings.push(build_holding(index, holding, dates, &schedule)?);
    }
    let mut holds = Vec::with_capacity(raw.holds.len());
    for hold in raw.holds {
        holds.push(build_hold(hold)?);
    }
    Some(Programme { schedule, systems, holdings, holds, registers })
}

fn build_schedule(raw: RawSchedule) -> Option<Schedule> {
    let header = raw.header;
    let mut classes = IndexMap::new();
    for class in raw.classes {
        classes.insert(class.id.value.clone(), build_class(class)?);
    }
    let mut authorities = IndexMap::new();
    for (name, authority) in raw.authorities {
        let authority = Authority {
            citation: authority.citation?,
            jurisdiction: authority.jurisdiction,
            minimum: authority.minimum,
            requires: authority.requires,
            counts_from: authority.counts_from,
            checked_by: authority.checked_by.map(|told| told.value),
            checked_on: authority.checked_on.map(|told| told.value),
        };
        authorities.insert(name, authority);
    }
    Some(Schedule {
        title: header.title?,
        organisation: header.organisation?,
        version: header.version?,
        approved_by: header.approved_by.map(|told| told.value),
        approved_on: header.approved_on.map(|told| told.value),
        effective_from: header.effective_from.map(|told| told.value),
        review_by: header.review_by.map(|told| told.value),
        jurisdiction: header.jurisdiction?.value,
        other_jurisdictions: header.other_jurisdictions,
        time_zone: header.time_zone?,
        years: raw.years,
        triggers: raw.meanings,
        authorities,
        classes,
    })
}

fn names(list: Vec<Told<String>>) -> Vec<String> {
    list.into_iter().map(|told| told.value).collect()
}

fn build_class(raw: RawClass) -> Option<Class> {
    let further = raw.and_at_least.iter().map(build_further).collect::<Option<Vec<_>>>()?;
    let authorities = names(raw.authority);
    let main = match raw.retention?.value {
        Retention::Permanent => None,
        Retention::For(retention) => Some(Clause {
            trigger: raw.trigger?.value,
            cutoff: raw.cutoff.map(|told| told.value),
            retention,
            authorities: authorities.clone(),
        }),
    };
    let mut variants = IndexMap::new();
    for variant in raw.variants {
        let main = main.as_ref()?;
        variants.insert(variant.name.value.clone(), build_variant(variant, main, &further)?);
    }
    let terms = match main {
        None => Terms::Permanent,
        Some(main) => Terms::Clauses(std::iter::once(main).chain(further).collect()),
    };
    Some(Class {
        id: raw.id.value,
        title: raw.title?,
        description: raw.description,
        owner: raw.owner?,
        terms,
        variants,
        disposition: raw.disposition?.value,
        reviewer: raw.reviewer.map(|told| told.value),
        approval: raw.approval.map_or(Approval::EachBatch, |told| told.value),
        dispose_within: raw.dispose_within.map_or(DISPOSE_WITHIN, |told| told.value),
        authorities,
        held_on_paper: raw.held_on_paper.is_some(),
        superseded_by: raw.superseded_by.map(|told| told.value),
        function: raw.function,
        personal_data: raw.personal_data,
        notes: raw.notes,
    })
}

fn build_further(raw: &RawFurther) -> Option<Clause> {
    Some(Clause {
        trigger: raw.trigger.as_ref()?.value.clone(),
        cutoff: raw.cutoff.as_ref().map(|told| told.value),
        retention: raw.retention.as_ref()?.value,
        authorities: names(raw.authority.clone()),
    })
}

/// A variant takes over what it does not say, and never drops an "and at least" of the class.
fn build_variant(raw: RawVariant, main: &Clause, further: &[Clause]) -> Option<Variant> {
    let authorities = raw.authority.map_or_else(|| main.authorities.clone(), names);
    let own = raw.and_at_least.iter().map(build_further).collect::<Option<Vec<_>>>()?;
    let retention = match raw.retention.map(|told| told.value) {
        Some(Retention::Permanent) => {
            return Some(Variant { terms: Terms::Permanent, authorities });
        }
        Some(Retention::For(period)) => period,
        None => main.retention,
    };
    let clause = Clause {
        trigger: raw.trigger.map_or_else(|| main.trigger.clone(), |told| told.value),
        cutoff: raw.cutoff.map_or(main.cutoff, |told| told.value),
        retention,
        authorities: authorities.clone(),
    };
    let clauses = std::iter::once(clause).chain(further.iter().cloned()).chain(own).collect();
    Some(Variant { terms: Terms::Clauses(clauses), authorities })
}

fn build_system(raw: RawSystem) -> Option<System> {
    Some(System {
        name: raw.name.value,
        adapter: raw.form?.adapter.to_owned(),
        connect: raw.connect,
        time_zone: raw.time_zone,
        not_a_date: raw.not_a_date,
        plausible_from: raw.plausible_from,
        backup_days: raw.backup_days,
        description: raw.description,
        settings: raw.settings,
    })
}

fn build_holding(
    index: usize,
    raw: RawHolding,
    dates: IndexMap<String, DateSource>,
    schedule: &Schedule,
) -> Option<Holding> {
    let class = raw.class?.value;
    let action = schedule.classes.get(&class)?.disposition.action();
    Some(Holding {
        index,
        class,
        system: raw.system?.value,
        dates,
        subject: raw.subject,
        custodian: raw.custodian,
        jurisdiction: raw.jurisdiction,
        event: raw.event,
        description: raw.description,
        settings: raw.settings,
        action,
    })
}

fn build_hold(raw: RawHold) -> Option<Hold> {
    let set = |list: Vec<Told<String>>| list.into_iter().map(|told| told.value).collect();
    Some(Hold {
        id: raw.id.value,
        matter: raw.matter?,
        reason: raw.reason?,
        ordered_by: raw.ordered_by?,
        placed_on: raw.placed_on?.value,
        review_by: raw.review_by.map(|told| told.value),
        classes: set(raw.classes),
        systems: set(raw.systems),
        subjects: set(raw.subjects),
        custodians: set(raw.custodians),
        from: raw.from.map(|told| told.value),
        to: raw.to.map(|told| told.value),
        released_by: raw.released_by.map(|told| told.value),
        released_on: raw.released_on.map(|told| told.value),
    })
}
