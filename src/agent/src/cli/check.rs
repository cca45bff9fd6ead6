//! `quietus check`: every defect of every file at once.

use serde::Serialize;

use super::console::{Console, colour};
use super::context::Context;
use super::report::{DefectLine, defects};
use super::words::count;
use crate::error::{Exit, UserError};
use crate::programme::{self, Checkup};

#[derive(Debug, Serialize)]
struct Answer<'c> {
    ok: bool,
    errors: usize,
    warnings: usize,
    defects: Vec<DefectLine<'c>>,
    classes: Option<usize>,
    systems: Option<usize>,
    holdings: Option<usize>,
    holds: Option<usize>,
}

pub(super) fn run(context: &Context, console: &mut Console) -> Result<Exit, UserError> {
    let checkup = programme::check(&context.folder, &context.forms)?;
    let found = &checkup.defects;
    let programme = checkup.loaded.as_ref().map(|l| &l.programme);
    let answer = Answer {
        ok: programme.is_some(),
        errors: found.errors(),
        warnings: found.warnings(),
        defects: found.list.iter().map(DefectLine::from).collect(),
        classes: programme.map(|p| p.schedule.classes.len()),
        systems: programme.map(|p| p.systems.len()),
        holdings: programme.map(|p| p.holdings.len()),
        holds: programme.map(|p| p.holds.len()),
    };
    console.answer(&answer, || {
        let mut text = defects(found, colour(&std::io::stdout()));
        text.push_str(&summary(&checkup));
        text
    })?;
    Ok(if answer.ok { Exit::Done } else { Exit::Wrong })
}

/// Says the result in one sentence.
fn summary(checkup: &Checkup) -> String {
    let n = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let warnings = count(n(checkup.defects.warnings()), "warning", "warnings");
    match &checkup.loaded {
        None => {
            let errors = count(n(checkup.defects.errors()), "error", "errors");
            format!("{errors}, {warnings}. Nothing can be planned until the errors are mended.\n")
        }
        Some(loaded) => {
            let programme = &loaded.programme;
            format!(
                "The files are in order: {}, {}, {}, {}. {warnings}.\n",
                count(n(programme.schedule.classes.len()), "class", "classes"),
                count(n(programme.systems.len()), "system", "systems"),
                count(n(programme.holdings.len()), "holding", "holdings"),
                count(n(programme.holds.len()), "hold", "holds"),
            )
        }
    }
}
