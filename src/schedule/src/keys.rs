//! The keys of all tables, in the words that editors show.

/// One key of a table.
#[derive(Debug)]
pub(crate) struct Field {
    /// The key as it is written.
    pub name: &'static str,
    /// What its value must be.
    pub kind: Kind,
    /// Whether the table must have it.
    pub required: bool,
    /// What an editor shows about it.
    pub about: &'static str,
}

/// What a value must be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A text that is not blank.
    Text,
    /// A list of such texts.
    Texts,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number.
    Number,
    /// A calendar date.
    Date,
    /// A list of calendar dates.
    Dates,
    /// "7 years".
    Period,
    /// "7 years" or "permanent".
    Retention,
    /// A text for each key.
    Texted,
    /// A table with these keys.
    Table(&'static [Field]),
    /// A table of named tables, each with these keys.
    Named(&'static [Field]),
    /// A list of tables, each with these keys.
    Tables(&'static [Field]),
}

const fn must(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, required: true, about }
}

const fn may(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, required: false, about }
}

/// The words behind `cutoff =`.
pub(crate) const CUTOFFS: &[&str] = &[
    "end of month",
    "end of quarter",
    "end of calendar year",
    "end of fiscal year",
    "end of tax year",
    "end of academic year",
];

/// The words behind `cutoff =` of a variant.
pub(crate) const VARIANT_CUTOFFS: &[&str] = &[
    "end of month",
    "end of quarter",
    "end of calendar year",
    "end of fiscal year",
    "end of tax year",
    "end of academic year",
    "none",
];

/// The words behind `disposition =`.
pub(crate) const DISPOSITIONS: &[&str] =
    &["destroy", "review", "transfer", "anonymise", "retain permanently"];

/// The words behind `reason =` of a hold.
pub(crate) const REASONS: &[&str] =
    &["litigation", "audit", "investigation", "regulator", "claim", "subject request", "other"];

const CUTOFF_ABOUT: &str = "What rounds the start of the clock up, such as \"end of fiscal year\".";

/// `schedule.toml`.
pub(crate) const SCHEDULE_FILE: &[Field] = &[
    must("schedule", Kind::Table(HEADER), "What this schedule is and who approved it."),
    may("years", Kind::Table(YEARS), "When the years end that cutoffs name."),
    may("triggers", Kind::Texted, "What can start a clock: a noun phrase, and what it means."),
    must("authorities", Kind::Named(AUTHORITY), "The laws, contracts and needs behind periods."),
    must("class", Kind::Named(CLASS), "The records classes."),
];

/// `[schedule]`.
pub(crate) const HEADER: &[Field] = &[
    must("title", Kind::Text, "The title of the schedule."),
    must("organisation", Kind::Text, "Whose records these are."),
    must("version", Kind::Text, "The version, in your own numbering."),
    may("approved_by", Kind::Text, "Who approved it. Without approval nothing is disposed of."),
    may("approved_on", Kind::Date, "The day of the approval."),
    may("effective_from", Kind::Date, "The first day on which it applies."),
    may("review_by", Kind::Date, "The day by which it is reviewed."),
    must("jurisdiction", Kind::Text, "Where the classes apply as they stand, such as \"JM\"."),
    may("other_jurisdictions", Kind::Texts, "Further places where classes apply as they stand."),
    must("time_zone", Kind::Text, "The zone in which days are counted: \"America/Jamaica\"."),
    may("notes", Kind::Text, "Remarks."),
];

/// `[years]`.
pub(crate) const YEARS: &[Field] = &[
    may("fiscal", Kind::Text, "The last day of the fiscal year: \"ends 31 March\"."),
    may("tax", Kind::Text, "The last day of the tax year: \"ends 31 December\"."),
    may("academic", Kind::Text, "The last day of the academic year: \"ends 31 August\"."),
];

/// `[authorities.NAME]`.
pub(crate) const AUTHORITY: &[Field] = &[
    must("citation", Kind::Text, "The law, contract or need, so that a person can find it."),
    may("jurisdiction", Kind::Text, "Where it applies; everywhere if left out."),
    may("minimum", Kind::Retention, "The shortest period that it allows."),
    may("requires", Kind::Text, "What it asks for, where that is not a number."),
    may("counts_from", Kind::Text, "From when it counts, in its own words."),
    may("checked_by", Kind::Text, "Who checked it for your organisation."),
    may("checked_on", Kind::Date, "When it was checked."),
    may("notes", Kind::Text, "Remarks."),
];

/// `[class.ID]`.
pub(crate) const CLASS: &[Field] = &[
    must("title", Kind::Text, "What these records are called."),
    may("description", Kind::Text, "What is in the class, and what is not."),
    must("owner", Kind::Text, "Who owns the records and approves their disposal."),
    may("trigger", Kind::Text, "What starts the clock; one of [triggers]."),
    may("cutoff", Kind::Word(CUTOFFS), CUTOFF_ABOUT),
    must("retention", Kind::Retention, "For how long: \"7 years\", \"90 days\", \"permanent\"."),
    must("disposition", Kind::Word(DISPOSITIONS), "What happens then."),
    must("authority", Kind::Texts, "Why; one or more of [authorities]."),
    may("dispose_within", Kind::Period, "How soon it must be gone then; 90 days if left out."),
    may("reviewer", Kind::Text, "Who reviews, where the disposition is \"review\"."),
    may("approval", Kind::Word(&["each batch", "standing"]), "Whether each batch is approved."),
    may("held_on", Kind::Word(&["paper"]), "Set to \"paper\" where no system has the records."),
    may("superseded_by", Kind::Text, "The class that took its place."),
    may("function", Kind::Text, "The function or activity that makes such records."),
    may(
        "personal_data",
        Kind::Word(&["none", "personal", "sensitive"]),
        "Whether they hold personal data.",
    ),
    may("notes", Kind::Text, "Remarks."),
    may("and_at_least", Kind::Tables(FURTHER), "Further periods; the last to end governs."),
    may("in", Kind::Named(VARIANT), "Other periods in one jurisdiction."),
];

/// `[[class.ID.and_at_least]]`.
pub(crate) const FURTHER: &[Field] = &[
    must("trigger", Kind::Text, "What starts this clock; one of [triggers]."),
    may("cutoff", Kind::Word(CUTOFFS), CUTOFF_ABOUT),
    must("retention", Kind::Period, "For how long at least."),
    may("authority", Kind::Texts, "Why; one or more of [authorities]."),
];

/// `[class.ID.in.PLACE]`.
pub(crate) const VARIANT: &[Field] = &[
    may("trigger", Kind::Text, "What starts the clock there; as in the class if left out."),
    may("cutoff", Kind::Word(VARIANT_CUTOFFS), "As in the class if left out; \"none\" for none."),
    may("retention", Kind::Retention, "For how long there; as in the class if left out."),
    may("authority", Kind::Texts, "Why; takes the place of the class's authorities there."),
    may("and_at_least", Kind::Tables(FURTHER), "Further periods there, besides the class's."),
];

/// `systems.toml`.
pub(crate) const SYSTEMS_FILE: &[Field] = &[
    may("system", Kind::Named(SYSTEM), "The systems that hold records."),
    may("holding", Kind::Tables(HOLDING), "Which records of which system belong to a class."),
];

/// `[system.NAME]`, without what the adapter adds.
pub(crate) const SYSTEM: &[Field] = &[
    must("adapter", Kind::Text, "The kind of system."),
    may("connect", Kind::Text, "Where the secret is: \"env:NAME\" or \"file:PATH\"."),
    may("time_zone", Kind::Text, "The zone of dates with a time and without a zone."),
    may("not_a_date", Kind::Dates, "Dates that mean \"no date\"."),
    may("plausible_from", Kind::Date, "An earlier date is reported, never acted on."),
    may("backup_days", Kind::Number, "After how many days the last backup copy is gone."),
    may("description", Kind::Text, "Remarks."),
];

/// `[[holding]]`, without what the adapter adds.
pub(crate) const HOLDING: &[Field] = &[
    must("class", Kind::Text, "The class, as in schedule.toml."),
    must("system", Kind::Text, "The system, as in [system.NAME]."),
    may("dates", Kind::Texted, "Where the date of each trigger comes from."),
    may("subject", Kind::Text, "Whom a record is about: \"customer:{customer_id}\"."),
    may("custodian", Kind::Text, "Who keeps a record: \"{mailbox}\"."),
    may("jurisdiction", Kind::Text, "Which jurisdiction a record is under: \"{country}\"."),
    may("event", Kind::Text, "What the register calls a record's event: \"{vacancy}\"."),
    may("description", Kind::Text, "Remarks."),
];

/// `holds.toml`.
pub(crate) const HOLDS_FILE: &[Field] =
    &[may("hold", Kind::Named(HOLD), "What must not be destroyed, and why.")];

/// `[hold.ID]`.
pub(crate) const HOLD: &[Field] = &[
    must("matter", Kind::Text, "The case, audit or request."),
    must("reason", Kind::Word(REASONS), "What kind of matter it is."),
    must("ordered_by", Kind::Text, "Who ordered the hold."),
    must("placed_on", Kind::Date, "The day on which it was placed."),
    may("review_by", Kind::Date, "The day by which someone looks whether it is still needed."),
    may("classes", Kind::Texts, "Only these classes."),
    may("systems", Kind::Texts, "Only these systems."),
    may("subjects", Kind::Texts, "Records about these people or things."),
    may("custodians", Kind::Texts, "Records kept by these people."),
    may("from", Kind::Date, "Only records with a date on or after this day."),
    may("to", Kind::Date, "Only records with a date on or before this day."),
    may("released_by", Kind::Text, "Who released the hold."),
    may("released_on", Kind::Date, "The day from which it no longer holds."),
    may("notes", Kind::Text, "Remarks."),
];

/// `events/NAME.toml`.
pub(crate) const REGISTER_FILE: &[Field] =
    &[may("event", Kind::Tables(EVENT), "What happened, and when.")];

/// `[[event]]`.
pub(crate) const EVENT: &[Field] = &[
    must("record", Kind::Text, "What the event is about, as the holding's `event` gives it."),
    must("date", Kind::Date, "The day."),
    may("recorded_by", Kind::Text, "Who wrote it down."),
    may("notes", Kind::Text, "Remarks."),
];
