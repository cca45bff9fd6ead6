//! The register of holds: a hold beats everything, up to the last moment before an order (P1).

mod doubt;
mod edit;

use std::sync::Arc;

use jiff::civil::Date;
use quietus_contract::Form;
use quietus_evidence::Hash;
use quietus_schedule::holds::{Covered, Facts, covers};
use quietus_schedule::{Hold, Severity, SourceFile, Sources};

pub use doubt::{Doubt, Doubtful, in_doubt};
pub use edit::{NewHold, Release, add, release};

use crate::error::{UserError, code};
use crate::programme::{self, Defects, Folder, HOLDS, Loaded, SCHEDULE, SETTINGS, SYSTEMS};

/// The holds that count for a run.
///
/// # Behavior
///
/// - It begins with the holds of the pinned programme, and [`HoldRegister::reload`] adds what
///   Legal has placed since. Within a run a hold never goes away: one that is released or edited
///   counts as it was, too. Only a new hold may enter a frozen run (P25).
/// - A `holds.toml` that has become unreadable is an error: nobody can tell what is held.
#[derive(Clone, Debug)]
pub struct HoldRegister {
    folder: Folder,
    forms: Vec<&'static Form>,
    pinned: Pinned,
    digest: Option<Hash>,
    holds: Vec<Arc<Hold>>,
}

/// The files that stay as they were at the start.
#[derive(Clone, Debug)]
struct Pinned {
    schedule: SourceFile,
    systems: SourceFile,
    registers: Vec<SourceFile>,
}

/// The holds that can cover records of one holding, ready to be asked a million times.
#[derive(Clone, Debug, Default)]
pub struct HoldFilter {
    holds: Vec<Arc<Hold>>,
}

impl HoldRegister {
    /// Begins with the holds of a loaded programme.
    pub fn new(loaded: &Loaded, forms: &[&'static Form]) -> Self {
        let file = |name: &str| {
            let found = loaded.files.iter().find(|f| f.name == name);
            found.cloned().unwrap_or(SourceFile { name: name.to_owned(), text: String::new() })
        };
        let written = [SCHEDULE, SYSTEMS, HOLDS, SETTINGS];
        let is_register = |f: &&SourceFile| !written.contains(&f.name.as_str());
        Self {
            folder: loaded.folder.clone(),
            forms: forms.to_vec(),
            pinned: Pinned {
                schedule: file(SCHEDULE),
                systems: file(SYSTEMS),
                registers: loaded.files.iter().filter(is_register).cloned().collect(),
            },
            digest: loaded.digests.get(HOLDS).copied(),
            holds: loaded.programme.holds.iter().cloned().map(Arc::new).collect(),
        }
    }

    /// Returns the digest of `holds.toml` as it was last read; of nothing, if it is not there.
    pub fn digest(&self) -> Hash {
        self.digest.unwrap_or_else(|| Hash::of(b""))
    }

    /// Returns every hold, released ones included.
    pub fn holds(&self) -> &[Arc<Hold>] {
        &self.holds
    }

    /// Counts the holds in force on a day.
    pub fn active(&self, on: Date) -> usize {
        self.holds.iter().filter(|h| h.is_active(on)).count()
    }

    /// Reads `holds.toml` again if its content changed; says whether it did.
    ///
    /// The file is read each time and compared by digest: it is small, and times of change are
    /// too coarse to trust a hold to them.
    pub fn reload(&mut self) -> Result<bool, UserError> {
        let Some(file) = programme::read_text(&self.folder, HOLDS)? else {
            // Gone: what it said still counts for this run.
            return Ok(self.digest.take().is_some());
        };
        let digest = Hash::of(file.text.as_bytes());
        if self.digest == Some(digest) {
            return Ok(false);
        }
        let found = self.read(file)?;
        for hold in found {
            if !self.holds.iter().any(|known| **known == hold) {
                self.holds.push(Arc::new(hold));
            }
        }
        self.digest = Some(digest);
        Ok(true)
    }

    fn read(&self, file: SourceFile) -> Result<Vec<Hold>, UserError> {
        let sources = Sources {
            schedule: self.pinned.schedule.clone(),
            systems: self.pinned.systems.clone(),
            holds: Some(file),
            registers: self.pinned.registers.clone(),
        };
        let checked = quietus_schedule::check(&sources, &self.forms);
        checked.programme.map(|p| p.holds).ok_or_else(|| {
            let files = sources.holds.into_iter().collect();
            UserError::new(&code::HOLDS_UNREADABLE, "holds.toml changed, and now has defects")
                .with_help(
                    "nothing is disposed of while nobody can tell what is held: mend holds.toml \
                     (`quietus check` shows its defects) and run again",
                )
                .with_source(Defects { list: checked.defects, files })
        })
    }

    /// Returns the holds in force on a day that can cover records of a holding.
    pub fn filter(&self, class: &str, system: &str, on: Date) -> HoldFilter {
        let can = |hold: &Hold| {
            hold.is_active(on)
                && (hold.classes.is_empty() || hold.classes.contains(class))
                && (hold.systems.is_empty() || hold.systems.contains(system))
        };
        HoldFilter { holds: self.holds.iter().filter(|h| can(h)).cloned().collect() }
    }
}

impl HoldFilter {
    /// Says whether no hold can cover anything.
    pub fn is_empty(&self) -> bool {
        self.holds.is_empty()
    }

    /// Returns the first hold that covers a record, and why.
    pub fn covering(&self, facts: &Facts<'_>) -> Option<(&Hold, Covered)> {
        self.holds.iter().find_map(|hold| Some((hold.as_ref(), covers(hold, facts)?)))
    }

    /// Returns every hold that covers a record, and why.
    pub fn all_covering(&self, facts: &Facts<'_>) -> Vec<(&Hold, Covered)> {
        self.holds.iter().filter_map(|h| Some((h.as_ref(), covers(h, facts)?))).collect()
    }
}

/// Returns the defects of `holds.toml` that are errors.
fn errors_in_holds(sources: &Sources, forms: &[&'static Form]) -> Vec<quietus_schedule::Defect> {
    let checked = quietus_schedule::check(sources, forms);
    let is_error =
        |d: &quietus_schedule::Defect| d.severity == Severity::Error && d.place.file == HOLDS;
    checked.defects.into_iter().filter(is_error).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::durable::Durable;
    use crate::testing;
    use jiff::civil::date;

    const TODAY: Date = date(2026, 3, 12);

    fn register(folder: &Folder) -> HoldRegister {
        HoldRegister::new(&programme::load(folder, &testing::forms()).unwrap(), &testing::forms())
    }

    fn place(folder: &Folder, subject: &str) -> String {
        let new = NewHold {
            matter: "Acme v. Blue Mountain".into(),
            reason: "litigation".into(),
            ordered_by: "General Counsel".into(),
            subjects: vec![subject.into()],
            ..NewHold::default()
        };
        add(folder, &Durable::new(), &testing::forms(), &new, TODAY).unwrap()
    }

    fn facts<'f>(subject: &'f str) -> Facts<'f> {
        Facts {
            class: "FIN-010",
            system: "erp",
            subject: Some(subject),
            custodian: None,
            days: &[],
            has_subject_template: true,
            has_custodian_template: false,
        }
    }

    fn covers_subject(register: &HoldRegister, subject: &str) -> bool {
        register.filter("FIN-010", "erp", TODAY).covering(&facts(subject)).is_some()
    }

    #[test]
    fn a_hold_that_is_placed_during_a_run_counts_from_the_next_look() {
        let (_dir, folder) = testing::folder();
        let mut register = register(&folder);
        assert!(!covers_subject(&register, "customer:7"));
        assert!(!register.reload().unwrap());
        place(&folder, "customer:7");
        assert!(register.reload().unwrap());
        assert!(covers_subject(&register, "customer:7"));
        assert!(!covers_subject(&register, "customer:8"));
        assert_eq!(register.active(TODAY), 1);
    }

    #[test]
    fn within_a_run_no_hold_goes_away() {
        let (_dir, folder) = testing::folder();
        let id = place(&folder, "customer:7");
        let mut register = register(&folder);
        let given = Release { id, by: "General Counsel".into() };
        release(&folder, &Durable::new(), &testing::forms(), &given, TODAY).unwrap();
        assert!(register.reload().unwrap());
        assert!(covers_subject(&register, "customer:7"));
        rustix::fs::unlink(folder.file(HOLDS)).unwrap();
        assert!(register.reload().unwrap());
        assert!(covers_subject(&register, "customer:7"));
    }

    #[test]
    fn a_released_hold_no_longer_counts_for_the_next_run() {
        let (_dir, folder) = testing::folder();
        let id = place(&folder, "customer:7");
        let given = Release { id: id.clone(), by: "General Counsel".into() };
        release(&folder, &Durable::new(), &testing::forms(), &given, TODAY).unwrap();
        assert!(!covers_subject(&register(&folder), "customer:7"));
        assert_eq!(register(&folder).holds().len(), 1, "it stays in the register");
        let again = release(&folder, &Durable::new(), &testing::forms(), &given, TODAY);
        assert!(again.unwrap_err().message.contains("already"));
    }

    #[test]
    fn a_register_that_became_unreadable_stops_the_run() {
        let (_dir, folder) = testing::folder();
        let mut register = register(&folder);
        let broken = "[hold.A]\nmatter = \"x\"\n";
        Durable::new().replace(&folder.file(HOLDS), broken.as_bytes()).unwrap();
        assert_eq!(register.reload().unwrap_err().code.name, "holds_unreadable");
    }

    #[test]
    fn what_legal_wrote_stays_as_it_was() {
        let (_dir, folder) = testing::folder();
        let written = "# Written by Legal.\n\n[hold.2026-001]   # the first\nmatter = 'A'\n\
                       reason = \"audit\"\nordered_by = \"CFO\"\nplaced_on = 2026-01-05\n\
                       classes = [\"FIN-010\"] # all of it\n";
        Durable::new().replace(&folder.file(HOLDS), written.as_bytes()).unwrap();
        assert_eq!(place(&folder, "customer:7"), "2026-002");
        let text = std::fs::read_to_string(folder.file(HOLDS)).unwrap();
        assert!(text.starts_with(written), "{text}");
        assert!(text.contains("[hold.2026-002]"), "{text}");
        assert!(text.contains("placed_on = 2026-03-12"), "{text}");
    }

    #[test]
    fn remarks_at_the_head_of_a_file_without_holds_stay_at_its_head() {
        let (_dir, folder) = testing::folder();
        let written = "# Written by Legal.\n# [hold.example]\n";
        Durable::new().replace(&folder.file(HOLDS), written.as_bytes()).unwrap();
        place(&folder, "customer:7");
        place(&folder, "customer:8");
        let text = std::fs::read_to_string(folder.file(HOLDS)).unwrap();
        assert!(text.starts_with(&format!("{written}\n[hold.2026-001]\n")), "{text}");
        assert!(text.contains("]\n\n[hold.2026-002]\n"), "{text}");
    }

    #[test]
    fn a_hold_on_what_does_not_exist_is_refused_and_nothing_is_written() {
        let (_dir, folder) = testing::folder();
        let new = NewHold {
            matter: "M".into(),
            reason: "audit".into(),
            ordered_by: "CFO".into(),
            classes: vec!["FIN-011".into()],
            ..NewHold::default()
        };
        let error = add(&folder, &Durable::new(), &testing::forms(), &new, TODAY).unwrap_err();
        assert_eq!(error.code.name, "holds_unreadable");
        assert!(!folder.file(HOLDS).exists());
    }

    #[test]
    fn a_hold_can_be_placed_while_the_schedule_is_broken() {
        let (_dir, folder) = testing::folder();
        let durable = Durable::new();
        durable.replace(&folder.file(SCHEDULE), b"[schedule]\ntitle = 3\n").unwrap();
        place(&folder, "customer:7");
    }
}
