//! The sample programme of `quietus quickstart`: an organisation that does not exist.
//!
//! The content is always the same; dates are counted back from the day on which it is made.

mod database;
mod files;

use std::path::{Path, PathBuf};

use jiff::ToSpan;
use jiff::civil::Date;

use crate::durable::Durable;
use crate::error::{UserError, code};
use crate::keys::{AgentKeys, SecretKey};
use crate::programme::{Folder, HOLDS, SCHEDULE, SETTINGS, SYSTEMS};

/// The ledger's name.
pub const ORIGIN: &str = "records.example.com/sample-agent";
/// The customer whose records are on hold.
pub const HELD_CUSTOMER: i64 = 1042;
/// The invoice without a date of payment.
pub const UNPAID_INVOICE: i64 = 4711;
/// The payslip with a date that cannot be: what a spreadsheet makes of zero.
pub const ODD_PAYSLIP: i64 = 2000;

/// Who approves: role, key name, further classes.
const APPROVERS: [(&str, &str, &str); 4] = [
    ("Finance Manager", "finance-manager", "TAX-010"),
    ("HR Manager", "hr-manager", ""),
    ("Compliance Officer", "compliance-officer", ""),
    ("Company Secretary", "company-secretary", ""),
];

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Rows that are records.
    pub rows: i64,
    /// Files that are records.
    pub files: i64,
}

/// Makes the sample in a folder that must not exist yet.
///
/// # Behavior
///
/// - It is made under another name beside it and renamed at the end: a sample is there whole, or
///   not at all.
pub fn make(durable: &Durable, target: &Path, today: Date) -> Result<Sample, UserError> {
    let taken = std::fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_some());
    if taken || target.is_file() {
        return Err(UserError::new(
            &code::FILE_EXISTS,
            format!("{} exists already, and is no programme", target.display()),
        )
        .with_help("name a folder that does not exist yet"));
    }
    let partial = partial_name(target)?;
    let folder = Folder::new(&partial);
    for dir in [folder.events(), folder.keys(), partial.join("systems")] {
        durable.create_dir(&dir)?;
    }
    AgentKeys::create(durable, &folder.keys(), ORIGIN)?;
    write_texts(durable, &folder, today)?;
    let failed = |what: &str, source: Box<dyn std::error::Error + Send + Sync>| {
        UserError::new(&code::SAMPLE_FAILED, format!("the sample's {what} cannot be made"))
            .with_help("see that the disk has 50 MB free and that you may write there; try again")
            .with_source(source)
    };
    let rows = database::make(&partial.join("systems/shop.sqlite"), today)
        .map_err(|e| failed("database", e.into()))?;
    let files = files::make(&partial.join("systems/share"), today)
        .map_err(|e| failed("file tree", e.into()))?;
    rustix::fs::rename(&partial, target).map_err(|e| failed("folder", e.into()))?;
    Ok(Sample { rows, files })
}

/// Returns the key files of the sample's approvers.
pub fn approver_keys(folder: &Folder) -> Vec<PathBuf> {
    APPROVERS.iter().map(|(_, key, _)| folder.keys().join(format!("{key}.key"))).collect()
}

/// Returns the lowest number of an invoice that is no longer in the sample's database.
pub fn first_missing_invoice(path: &Path) -> Result<Option<i64>, UserError> {
    database::first_missing_invoice(path).map_err(|error| {
        UserError::new(&code::SAMPLE_FAILED, "the sample's database cannot be read")
            .with_help("begin another sample in a new folder")
            .with_source(error)
    })
}

fn partial_name(target: &Path) -> Result<PathBuf, UserError> {
    let mut name = target.file_name().map(ToOwned::to_owned).ok_or_else(|| {
        UserError::new(&code::COMMAND_LINE, format!("{} is no name for a folder", target.display()))
            .with_help("name a folder that does not exist yet")
    })?;
    name.push(format!(".partial-{}", std::process::id()));
    Ok(target.with_file_name(name))
}

fn write_texts(durable: &Durable, folder: &Folder, today: Date) -> Result<(), UserError> {
    let approved_on = ago(today, 60);
    let fill = |text: &str, approvers: &str| {
        text.replace("{approved_on}", &approved_on.to_string())
            .replace("{hold}", &hold_id(today))
            .replace("{customer}", &HELD_CUSTOMER.to_string())
            .replace("{approvers}", approvers)
    };
    let approvers = write_approvers(durable, folder)?;
    for (name, text) in [
        (SCHEDULE, include_str!("../templates/sample/schedule.toml")),
        (SYSTEMS, include_str!("../templates/sample/systems.toml")),
        (HOLDS, include_str!("../templates/sample/holds.toml")),
        (SETTINGS, include_str!("../templates/sample/quietus.toml")),
    ] {
        durable.write_new(&folder.file(name), fill(text, &approvers).as_bytes())?;
    }
    let register = files::vacancies(today);
    durable.write_new(&folder.events().join("vacancies.toml"), register.as_bytes())?;
    Ok(())
}

fn write_approvers(durable: &Durable, folder: &Folder) -> Result<String, UserError> {
    let mut text = String::new();
    for (role, name, further) in APPROVERS {
        let key = SecretKey::generate(name)?;
        key.store(durable, &folder.keys().join(name), &format!("Signs as {role}; a sample."))?;
        text.push_str(&format!(
            "\n[[approver]]\nrole = \"{role}\"\nname = \"The {role}\"\nkey  = \"{}\"\n",
            key.verifier()
        ));
        if !further.is_empty() {
            text.push_str(&format!("classes = [\"{further}\"]\n"));
        }
    }
    Ok(text.trim().to_owned())
}

/// Returns the identifier of the sample's hold.
pub fn hold_id(today: Date) -> String {
    format!("{}-001", ago(today, 60).year())
}

fn ago(today: Date, days: i64) -> Date {
    today.saturating_sub(days.days())
}

/// Mixes a number well: the sample's only source of variety, the same on every machine.
fn mix(series: u64, n: u64) -> u64 {
    let mut x = series.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(n);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Returns a number from 0 to below `below`.
fn pick(series: u64, n: i64, below: i64) -> i64 {
    let drawn = mix(series, n.unsigned_abs()) % below.max(1).unsigned_abs();
    i64::try_from(drawn).unwrap_or_default()
}

/// Returns a day between today and `days` days ago.
fn day(series: u64, n: i64, today: Date, days: i64) -> Date {
    ago(today, pick(series, n, days))
}

fn word<'w>(list: &[&'w str], series: u64, n: i64) -> &'w str {
    let below = i64::try_from(list.len()).unwrap_or(1);
    let at = usize::try_from(pick(series, n, below)).unwrap_or_default();
    list.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Date = jiff::civil::date(2026, 11, 24);

    #[test]
    fn the_sample_has_no_defect_and_at_least_20_000_records_of_12_classes() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("sample");
        let sample = make(&Durable::new(), &target, TODAY).unwrap();
        assert!(sample.rows + sample.files >= 20_000, "{sample:?}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        let forms = crate::adapters::Adapters::built_in().forms();
        let loaded = crate::programme::load(&Folder::new(&target), &forms).unwrap();
        assert_eq!(loaded.warnings, []);
        assert_eq!(loaded.programme.schedule.classes.len(), 12);
        assert_eq!(loaded.programme.holds.len(), 1);
        for key in approver_keys(&loaded.folder) {
            let key = SecretKey::load(&key).unwrap();
            assert!(loaded.settings.approver(&key.id()).is_some());
        }
    }

    #[test]
    fn a_sample_is_never_made_over_something() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("mine");
        std::fs::create_dir(&target).unwrap();
        std::fs::File::create(target.join("kept")).unwrap();
        assert_eq!(make(&Durable::new(), &target, TODAY).unwrap_err().code.name, "file_exists");
        assert!(target.join("kept").exists());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_content_is_the_same_every_time() {
        assert_eq!((mix(1, 1), mix(2, 1)), (mix(1, 1), mix(2, 1)));
        assert_ne!(mix(1, 1), mix(1, 2));
    }
}
