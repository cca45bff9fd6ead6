//! Random rules: as the TOML that quietus reads, and as the JSON that the oracle reads.

use std::fmt::Write as _;
use std::sync::LazyLock;

use quietus::guard::Guard;
use quietus_contract::{Form, Key, Shape};
use quietus_schedule::rules::Rule;
use quietus_schedule::{SourceFile, Sources, check};
use quietus_tests::chance::Chance;
use serde_json::{Value, json};

/// An adapter without settings.
const FORM: &Form = &Form {
    adapter: "plain",
    about: "Stands in for any adapter.",
    system: &[],
    holding: &[Key { name: "table", shape: Shape::Text, required: true, about: "A table." }],
    date_sources: &[],
};

pub const TRIGGERS: [&str; 4] = ["receipt", "last payment", "account closure", "backup"];
const CUTOFFS: [&str; 6] = [
    "end of month",
    "end of quarter",
    "end of calendar year",
    "end of fiscal year",
    "end of tax year",
    "end of academic year",
];
const YEAR_ENDS: [&str; 9] = [
    "ends 31 March",
    "ends 31 December",
    "ends 31 August",
    "ends 29 February",
    "ends 28 February",
    "ends 30 June",
    "ends 5 April",
    "ends 1 January",
    "ends 15 July",
];
const PERIODS: [&str; 18] = [
    "0 days",
    "1 day",
    "30 days",
    "90 days",
    "365 days",
    "2555 days",
    "6 weeks",
    "1 week",
    "1 month",
    "6 months",
    "18 months",
    "24 months",
    "0 years",
    "1 year",
    "6 years",
    "7 years",
    "30 years",
    "1000 years",
];
const SENTINELS: [&str; 4] = ["9999-12-31", "1900-01-01", "1970-01-01", "2000-02-29"];

/// Every zone that the bundled data has and that can be written in a schedule.
static ZONES: LazyLock<Vec<String>> = LazyLock::new(|| {
    jiff::tz::db()
        .available()
        .map(|name| name.as_str().to_owned())
        .filter(|name| {
            jiff::tz::TimeZone::get(name).is_ok_and(|z| z.iana_name() == Some(name.as_str()))
                && !name.contains("Unknown")
        })
        .collect()
});

#[derive(Clone, Debug)]
pub struct Clause {
    pub trigger: &'static str,
    pub cutoff: Option<&'static str>,
    pub retention: &'static str,
}

#[derive(Clone, Debug)]
pub struct Variant {
    pub place: &'static str,
    pub trigger: Option<&'static str>,
    pub cutoff: Option<&'static str>,
    pub retention: Option<&'static str>,
    pub further: Vec<Clause>,
}

/// A rule in the words of the schedule.
#[derive(Clone, Debug)]
pub struct Spec {
    pub zone: String,
    pub system_zone: Option<String>,
    pub years: [&'static str; 3],
    pub clauses: Vec<Clause>,
    pub variants: Vec<Variant>,
    pub dispose_within: Option<&'static str>,
    pub not_a_date: Vec<&'static str>,
    pub plausible_from: Option<&'static str>,
    pub dates: Vec<&'static str>,
}

fn one<T: Copy>(chance: &mut Chance, from: &[T]) -> T {
    *chance.pick(from).unwrap()
}

fn clause(chance: &mut Chance) -> Clause {
    Clause {
        trigger: one(chance, &TRIGGERS),
        cutoff: chance.percent(50).then(|| one(chance, &CUTOFFS)),
        retention: one(chance, &PERIODS),
    }
}

fn variant(chance: &mut Chance, place: &'static str) -> Variant {
    let further = if chance.percent(25) { vec![clause(chance)] } else { Vec::new() };
    let mut variant = Variant { place, trigger: None, cutoff: None, retention: None, further };
    if chance.percent(30) {
        variant.trigger = Some(one(chance, &TRIGGERS));
    }
    if chance.percent(40) {
        variant.cutoff = Some(if chance.percent(30) { "none" } else { one(chance, &CUTOFFS) });
    }
    // A variant without any key would be refused.
    if chance.percent(70) || (variant.trigger.is_none() && variant.cutoff.is_none()) {
        let permanent = chance.percent(15);
        variant.retention = Some(if permanent { "permanent" } else { one(chance, &PERIODS) });
    }
    variant
}

impl Spec {
    pub fn random(chance: &mut Chance) -> Self {
        let mut zone = || {
            let names = ["America/Jamaica", "Europe/Berlin", "Pacific/Apia", "America/Havana"];
            if chance.percent(25) {
                (*chance.pick(&names).unwrap()).to_owned()
            } else {
                chance.pick(&ZONES).unwrap().clone()
            }
        };
        let (home, system) = (zone(), zone());
        let mut clauses = vec![clause(chance)];
        while clauses.len() < 4 && chance.percent(35) {
            clauses.push(clause(chance));
        }
        let mut variants = Vec::new();
        for place in ["DE", "GB"] {
            if chance.percent(20) {
                variants.push(variant(chance, place));
            }
        }
        let years = [(); 3].map(|()| one(chance, &YEAR_ENDS));
        let mut spec = Self {
            zone: home,
            system_zone: chance.percent(85).then_some(system),
            years,
            clauses,
            variants,
            dispose_within: chance.percent(50).then(|| one(chance, &PERIODS)),
            not_a_date: SENTINELS.into_iter().filter(|_| chance.percent(25)).collect(),
            plausible_from: chance
                .percent(40)
                .then(|| one(chance, &["1998-01-01", "1970-01-02", "2000-02-29", "1900-03-01"])),
            dates: Vec::new(),
        };
        spec.dates = spec.triggers();
        // The order of a holding's dates is not that of the clauses.
        let turn = usize::try_from(chance.below(4)).unwrap() % spec.dates.len();
        spec.dates.rotate_left(turn);
        spec
    }

    /// Whether every date is asked for by a clause.
    pub fn is_whole(&self) -> bool {
        self.triggers().len() == self.dates.len()
    }

    /// Every trigger that a clause uses, once.
    fn triggers(&self) -> Vec<&'static str> {
        let used = |trigger: &&str| {
            self.clauses.iter().any(|c| c.trigger == *trigger)
                || self.variants.iter().any(|v| {
                    v.trigger == Some(*trigger) || v.further.iter().any(|c| c.trigger == *trigger)
                })
        };
        TRIGGERS.into_iter().filter(|trigger| used(trigger)).collect()
    }

    /// The rule as the oracle reads it.
    pub fn to_json(&self) -> Value {
        let clause = |c: &Clause| json!({ "trigger": c.trigger, "cutoff": c.cutoff, "retention": c.retention });
        let variant = |v: &Variant| {
            let mut said = json!({ "further": v.further.iter().map(clause).collect::<Vec<_>>() });
            for (key, value) in
                [("trigger", v.trigger), ("cutoff", v.cutoff), ("retention", v.retention)]
            {
                if let Some(value) = value {
                    said[key] = json!(value);
                }
            }
            (v.place.to_owned(), said)
        };
        json!({
            "zone": self.zone,
            "system_zone": self.system_zone,
            "jurisdiction": "JM",
            "others": ["US"],
            "years": {
                "fiscal": self.years[0], "tax": self.years[1], "academic": self.years[2],
            },
            "clauses": self.clauses.iter().map(clause).collect::<Vec<_>>(),
            "variants": self.variants.iter().map(variant).collect::<serde_json::Map<_, _>>(),
            "dispose_within": self.dispose_within.unwrap_or("90 days"),
            "not_a_date": self.not_a_date,
            "plausible_from": self.plausible_from,
            "dates": self.dates,
        })
    }

    /// The rule as quietus reads it, and the agent's second judge.
    pub fn compile(&self) -> (Rule, Guard) {
        let file = |name: &str, text| SourceFile { name: name.to_owned(), text };
        let sources = Sources {
            schedule: file("schedule.toml", self.schedule()),
            systems: file("systems.toml", self.systems()),
            holds: None,
            registers: Vec::new(),
        };
        let checked = check(&sources, &[FORM]);
        let Some(programme) = checked.programme else {
            panic!("{:#?}\n{}", checked.defects, sources.schedule.text)
        };
        let holding = &programme.holdings[0];
        (Rule::compile(&programme, holding), Guard::compile(&programme, holding))
    }

    fn schedule(&self) -> String {
        let [fiscal, tax, academic] = self.years;
        let mut text = format!(
            "[schedule]\ntitle = \"T\"\norganisation = \"O\"\nversion = \"1\"\n\
             jurisdiction = \"JM\"\nother_jurisdictions = [\"US\"]\ntime_zone = \"{}\"\n\
             [years]\nfiscal = \"{fiscal}\"\ntax = \"{tax}\"\nacademic = \"{academic}\"\n\
             [triggers]\n",
            self.zone
        );
        for trigger in TRIGGERS {
            writeln!(text, "\"{trigger}\" = \"It happened.\"").unwrap();
        }
        text.push_str("[authorities.NEED]\ncitation = \"Business need\"\n[class.X-1]\n");
        text.push_str("title = \"Things\"\nowner = \"Somebody\"\ndisposition = \"destroy\"\n");
        text.push_str("authority = [\"NEED\"]\n");
        if let Some(within) = self.dispose_within {
            writeln!(text, "dispose_within = \"{within}\"").unwrap();
        }
        let (main, further) = self.clauses.split_first().unwrap();
        write_clause(&mut text, Some(main.trigger), main.cutoff, Some(main.retention));
        for clause in further {
            text.push_str("[[class.X-1.and_at_least]]\n");
            write_clause(&mut text, Some(clause.trigger), clause.cutoff, Some(clause.retention));
        }
        for variant in &self.variants {
            writeln!(text, "[class.X-1.in.{}]", variant.place).unwrap();
            write_clause(&mut text, variant.trigger, variant.cutoff, variant.retention);
            for clause in &variant.further {
                writeln!(text, "[[class.X-1.in.{}.and_at_least]]", variant.place).unwrap();
                let retention = Some(clause.retention);
                write_clause(&mut text, Some(clause.trigger), clause.cutoff, retention);
            }
        }
        text
    }

    fn systems(&self) -> String {
        let mut text = "[system.one]\nadapter = \"plain\"\n".to_owned();
        if let Some(zone) = &self.system_zone {
            writeln!(text, "time_zone = \"{zone}\"").unwrap();
        }
        if !self.not_a_date.is_empty() {
            writeln!(text, "not_a_date = {:?}", self.not_a_date).unwrap();
        }
        if let Some(from) = self.plausible_from {
            writeln!(text, "plausible_from = {from}").unwrap();
        }
        text.push_str("[[holding]]\nclass = \"X-1\"\nsystem = \"one\"\ntable = \"t\"\n");
        text.push_str("jurisdiction = \"{country}\"\n[holding.dates]\n");
        for trigger in &self.dates {
            writeln!(text, "\"{trigger}\" = \"column\"").unwrap();
        }
        text
    }
}

fn write_clause(
    text: &mut String,
    trigger: Option<&str>,
    cutoff: Option<&str>,
    retention: Option<&str>,
) {
    for (key, value) in [("trigger", trigger), ("cutoff", cutoff), ("retention", retention)] {
        if let Some(value) = value {
            writeln!(text, "{key} = \"{value}\"").unwrap();
        }
    }
}
