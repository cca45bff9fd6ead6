//! The sample's file tree: an office share.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{ago, day, pick};

const LETTERS: i64 = 1_200;
const VACANCIES: i64 = 20;
const APPLICATIONS: i64 = 15;
const LOG_DAYS: i64 = 400;
const CONTRACTS: i64 = 80;
const ACCOUNTS: i16 = 12;
const POLICY_YEARS: i64 = 10;
const POLICIES: i64 = 12;

/// Makes the tree; returns how many of its files are records.
pub(super) fn make(root: &Path, today: Date) -> io::Result<i64> {
    let mut tree = Tree { root, files: 0 };
    for n in 1..=LETTERS {
        let year = day(31, n, today, 4 * 365);
        let path = format!("Correspondence/{:02}/letter-{n:04}.txt", n % 12 + 1);
        tree.write(&path, "Dear Sir or Madam,\n", Some(year))?;
    }
    for vacancy in 1..=VACANCIES {
        for n in 1..=APPLICATIONS {
            let path = format!("HR/Vacancies/V-{vacancy:02}/Unsuccessful/application-{n:02}.txt");
            tree.write(&path, "I hereby apply.\n", None)?;
        }
    }
    for n in 0..LOG_DAYS {
        let path = format!("Logs/{}.log", ago(today, n));
        tree.write(&path, "GET / 200\n", None)?;
    }
    for n in 1..=CONTRACTS {
        let path = format!("Contracts/{} contract-{n:03}.txt", day(32, n, today, 10 * 365));
        tree.write(&path, "The parties agree.\n", None)?;
    }
    for n in 1..=ACCOUNTS {
        let path = format!("Finance/Accounts/{}.txt", today.year() - n);
        tree.write(&path, "Balance sheet.\n", None)?;
    }
    for year in 1..=POLICY_YEARS {
        let on = day(33, year, ago(today, (year - 1) * 365), 365);
        for n in 1..=POLICIES {
            let path = format!("Policies/Superseded/{on}/policy-{n:02}.txt");
            tree.write(&path, "It shall be done.\n", None)?;
        }
    }
    Ok(tree.files)
}

/// Returns the register of vacancies that HR keeps: when each one was decided.
pub(super) fn vacancies(today: Date) -> String {
    let mut text = String::from(
        "#:schema ../events.schema.json\n# When each vacancy was filled or withdrawn. Kept by HR: \
         no system knows.\n",
    );
    for vacancy in 1..=VACANCIES {
        let date = ago(today, 20 + vacancy * 30 + pick(34, vacancy, 20));
        text.push_str(&format!("\n[[event]]\nrecord = \"V-{vacancy:02}\"\ndate   = {date}\n"));
    }
    text
}

struct Tree<'r> {
    root: &'r Path,
    files: i64,
}

impl Tree<'_> {
    fn write(&mut self, path: &str, text: &str, modified: Option<Date>) -> io::Result<()> {
        let path = self.root.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = File::create_new(&path)?;
        file.write_all(text.as_bytes())?;
        if let Some(on) = modified {
            file.set_modified(noon(on))?;
        }
        self.files += 1;
        Ok(())
    }
}

fn noon(on: Date) -> SystemTime {
    let seconds = on.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).map(|z| z.timestamp().as_second());
    let seconds = seconds.ok().and_then(|s| u64::try_from(s).ok()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}
