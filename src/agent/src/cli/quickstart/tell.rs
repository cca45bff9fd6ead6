//! The words of the tour, for somebody who looks after records and not after computers.

use std::path::Path;

use jiff::civil::Date;
use quietus_evidence::verify::Report;

use super::long_date;
use crate::cli::console::Console;
use crate::cli::plan;
use crate::cli::run;
use crate::cli::verify;
use crate::cli::words::{count, number, wrap};
use crate::error::UserError;
use crate::execution::Outcome;
use crate::programme::Loaded;
use crate::sample::{HELD_CUSTOMER, ODD_PAYSLIP, Sample, UNPAID_INVOICE};

const WIDTH: usize = 92;

/// Tells the tour; says nothing where a program listens.
pub(super) struct Tale<'c> {
    console: &'c mut Console,
    step: u32,
}

impl<'c> Tale<'c> {
    pub fn new(console: &'c mut Console) -> Self {
        Self { console, step: 0 }
    }

    pub fn opening(&mut self, target: &Path, again: bool) -> Result<(), UserError> {
        if again {
            return self.say(&format!(
                "The sample programme in {} is there already: it is left as it is, and run once \
                 more.",
                target.display()
            ));
        }
        self.say(
            "This tour makes an organisation that does not exist, with its records, and takes them \
             from the retention schedule to a proof of disposal that a stranger can check.",
        )
    }

    pub fn sample(&mut self, made: &Sample, today: Date) -> Result<(), UserError> {
        let records = made.rows.saturating_add(made.files).unsigned_abs();
        self.head("The records")?;
        self.say(&format!(
            "Blue Mountain Trading Limited has {} records of 12 classes: {} rows of a database \
             (systems/shop.sqlite: invoices, payslips, customers, visitors) and {} files of a share \
             (systems/share: letters, contracts, job applications, logs). Their dates go back ten \
             years from today, {}.",
            number(records),
            number(made.rows.unsigned_abs()),
            number(made.files.unsigned_abs()),
            long_date(today)
        ))?;
        self.say(
            "Four people wrote what happens to them: the records owners schedule.toml (how long, and \
             why), IT systems.toml (where), Legal holds.toml (what must not go), and HR \
             events/vacancies.toml (when each vacancy was decided, which no system knows).",
        )
    }

    pub fn check(&mut self, loaded: &Loaded) -> Result<(), UserError> {
        let programme = &loaded.programme;
        self.head("The check: `quietus check`")?;
        self.say(&format!(
            "{} classes, {} places where their records are, {} hold. Every trigger has a date, and no \
             period is shorter than the law behind it. The schedule reads aloud like this \
             (`quietus schedule print`):",
            programme.schedule.classes.len(),
            programme.holdings.len(),
            programme.holds.len()
        ))?;
        let sentences = quietus_schedule::print::sentences(programme);
        let first: Vec<&str> = sentences.lines().take(3).collect();
        self.quote(&format!("{}\n...", first.join("\n")))
    }

    pub fn plan(&mut self, plan: &plan::Answer) -> Result<(), UserError> {
        self.head("The plan: `quietus plan`")?;
        self.say(
            "quietus read every record, applied the rules, took out what is on hold, and froze the \
             rest in a list. Making a plan cannot delete anything.",
        )?;
        self.quote(&plan::lines(plan))?;
        self.say(
            "\"Unclear date\" are records that nobody can judge: they are kept and reported. What may \
             go is fixed now, record by record, and the list has a digest. If one letter of it were \
             changed, the approvals would no longer fit.",
        )
    }

    pub fn approvals(&mut self, words: &[String]) -> Result<(), UserError> {
        self.head("The approvals: `quietus approve`")?;
        self.say(
            "Some classes have a standing approval in the schedule. For the others the owner looks at \
             the plan and signs, with a key of their own:",
        )?;
        let lines: Vec<&str> =
            words.iter().flat_map(|w| w.lines()).filter(|l| !l.starts_with("The sig")).collect();
        self.quote(&lines.join("\n"))
    }

    pub fn run(&mut self, outcome: &Outcome) -> Result<(), UserError> {
        self.head("The run: `quietus run`")?;
        for report in &outcome.runs {
            let totals = report.totals();
            if totals.disposed + totals.already_absent == 0 {
                self.say(&format!(
                    "Nothing was due that may go, so nothing was disposed of. {} still on hold, {} \
                     without a usable date. That somebody looked, and what was found, is signed all \
                     the same: entry #{} of the ledger is a nil record. A run that is never heard of \
                     would look the same as one that never took place.",
                    count(totals.held, "record is", "records are"),
                    count(
                        totals.awaiting_event + totals.implausible_date + totals.cannot_evaluate,
                        "is",
                        "are"
                    ),
                    report.certificates.last().copied().unwrap_or_default()
                ))?;
                continue;
            }
            self.say(
                "For each batch quietus first wrote down, signed, what was about to go; then told the \
                 system to dispose of it, if it was still as the plan saw it; then looked with a \
                 separate read whether it was gone; and only then wrote the certificate.",
            )?;
            self.quote(&run::lines(report))?;
            self.say(&format!(
                "{} disposed of and seen to be gone, with {} that belonged to them (invoice lines, \
                 notes, appraisals). {} due and kept, because of a hold.",
                count(totals.disposed, "record was", "records were"),
                count(totals.members, "other row", "other rows"),
                count(totals.held, "record was", "records were"),
            ))?;
        }
        Ok(())
    }

    pub fn kept(&mut self, texts: &[String]) -> Result<(), UserError> {
        self.head("What was kept, and why: `quietus explain`")?;
        self.say(&format!(
            "Three records that a careless program would have deleted. The account of customer \
             {HELD_CUSTOMER} is long due, and Legal holds it. Invoice {UNPAID_INVOICE} has no date of \
             payment. Payslip {ODD_PAYSLIP} has a date that is what a spreadsheet makes of zero."
        ))?;
        for text in texts {
            self.quote(text.trim())?;
        }
        Ok(())
    }

    pub fn proof(
        &mut self,
        bundle: &Path,
        bytes: u64,
        policy: &Path,
        report: &Report,
    ) -> Result<(), UserError> {
        self.head("The proof: `quietus evidence export`, `quietus verify`")?;
        self.say(&format!(
            "Everything an auditor needs is in one file, {} ({} KB). It names no person and no record. \
             She checks it offline, with the ledger's key that she was given on paper ({}):",
            bundle.display(),
            number(bytes / 1000),
            policy.display()
        ))?;
        self.quote(verify::words_of(report).trim())?;
        for opened in &report.disclosures {
            self.say(&format!(
                "One record was opened for her: invoice {} was {}, due since {}, by certificate #{}. \
                 The other lines stay closed. `quietus evidence disclose` makes such an opening.",
                opened.record_key.trim_matches(['[', ']', '"']),
                opened.line.outcome.word(),
                opened.line.due,
                opened.seq
            ))?;
        }
        Ok(())
    }

    pub fn closing(&mut self, target: &Path, again: bool) -> Result<(), UserError> {
        self.head("Where everything is")?;
        let shown = target.display();
        self.quote(&format!(
            "{shown}/ledger/certificates   the certificates, as text\n\
             {shown}/plans                 the plans and their approvals\n\
             {shown}/auditor               what an auditor was given"
        ))?;
        if again {
            return Ok(());
        }
        self.say(&format!(
            "Run the same command again: nothing is due any more, and the ledger gets a signed nil \
             record. Or look around: quietus --dir {shown} status"
        ))
    }

    fn head(&mut self, title: &str) -> Result<(), UserError> {
        self.step += 1;
        let head = format!("\n{}. {title}", self.step);
        self.print(&head)
    }

    fn say(&mut self, text: &str) -> Result<(), UserError> {
        let wrapped = wrap(text, "", WIDTH);
        self.print(&format!("\n{wrapped}"))
    }

    fn quote(&mut self, text: &str) -> Result<(), UserError> {
        let indented: Vec<String> =
            text.lines().map(|line| format!("    {line}").trim_end().to_owned()).collect();
        self.print(&format!("\n{}", indented.join("\n")))
    }

    fn print(&mut self, text: &str) -> Result<(), UserError> {
        if self.console.is_json() {
            return Ok(());
        }
        self.console.print(text)
    }
}
