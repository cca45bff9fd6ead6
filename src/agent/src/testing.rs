//! What unit tests of the agent share.

use quietus_schedule::{Programme, SourceFile, Sources};

/// A small schedule that has no defect.
pub(crate) const SCHEDULE: &str = r#"
[schedule]
title = "Schedule"
organisation = "Blue Mountain Trading Limited"
version = "1"
approved_by = "Chief Financial Officer"
approved_on = 2026-01-15
jurisdiction = "JM"
time_zone = "America/Jamaica"

[triggers]
"final payment" = "Paid in full or written off."

[authorities.BUSINESS]
citation = "Business need"
checked_by = "Counsel"
checked_on = 2026-01-02

[class.FIN-010]
title = "Invoices"
owner = "Finance Manager"
trigger = "final payment"
cutoff = "end of calendar year"
retention = "7 years"
disposition = "destroy"
authority = ["BUSINESS"]
"#;

/// Systems for it, in the memory adapter.
pub(crate) const SYSTEMS: &str = r#"
[system.erp]
adapter = "memory"
time_zone = "America/Jamaica"
store = "main"

[[holding]]
class = "FIN-010"
system = "erp"
shelf = "invoices"
dates = { "final payment" = "paid_on" }
subject = "customer:{customer_id}"
"#;

/// The forms of the adapters that tests use.
pub(crate) fn forms() -> Vec<&'static quietus_contract::Form> {
    vec![&quietus_memory::FORM]
}

/// Checks the small programme.
pub(crate) fn programme() -> Programme {
    programme_of(SCHEDULE, SYSTEMS)
}

/// Checks a programme that must have no defect.
pub(crate) fn programme_of(schedule: &str, systems: &str) -> Programme {
    let file = |name: &str, text: &str| SourceFile { name: name.into(), text: text.into() };
    let sources = Sources {
        schedule: file("schedule.toml", schedule),
        systems: file("systems.toml", systems),
        holds: None,
        registers: Vec::new(),
    };
    let checked = quietus_schedule::check(&sources, &forms());
    checked.programme.unwrap_or_else(|| panic!("{:#?}", checked.defects))
}

/// Writes the small programme into a new folder.
pub(crate) fn folder() -> (tempfile::TempDir, crate::programme::Folder) {
    let dir = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
    let folder = crate::programme::Folder::new(dir.path());
    for (name, text) in [("schedule.toml", SCHEDULE), ("systems.toml", SYSTEMS)] {
        let written = crate::durable::Durable::new().write_new(&folder.file(name), text.as_bytes());
        written.unwrap_or_else(|e| panic!("{e}"));
    }
    (dir, folder)
}
