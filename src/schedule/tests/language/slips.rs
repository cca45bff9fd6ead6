//! A slip of the pen is one defect: it does not drown the reader in what follows from it.

use quietus_schedule::{Severity, Sources, check};

use crate::common;

type Slip = fn(&str) -> Option<String>;

/// What a slip does to a line; nothing where the line has no place for it.
const SLIPS: [(&str, Slip); 12] = [
    ("the last quotation mark is left out", |line| without(line, line.rfind('"')?)),
    ("the first quotation mark is left out", |line| without(line, line.find('"')?)),
    ("the equals sign is left out", |line| without(line, line.find('=')?)),
    ("the value is left out", |line| Some(line.get(..=line.find('=')?)?.to_owned())),
    ("the equals sign is doubled", |line| line.contains('=').then(|| line.replacen('=', "==", 1))),
    ("a colon is written", |line| line.contains('=').then(|| line.replacen('=', ":", 1))),
    ("the key is left out", |line| Some(line.get(line.find('=')?..)?.to_owned())),
    ("the last bracket is left out", |line| without(line, line.rfind(']')?)),
    ("the first bracket is left out", |line| without(line, line.find('[')?)),
    ("the last brace is left out", |line| without(line, line.rfind('}')?)),
    ("something is added", |line| Some(format!("{line} !"))),
    ("the line is doubled", |line| Some(format!("{line}\n{line}"))),
];

fn without(line: &str, at: usize) -> Option<String> {
    Some(format!("{}{}", line.get(..at)?, line.get(at + 1..)?))
}

/// The text of the file with this number.
fn text(sources: &mut Sources, which: usize) -> &mut String {
    match which {
        0 => &mut sources.schedule.text,
        1 => &mut sources.systems.text,
        2 => &mut sources.holds.as_mut().unwrap().text,
        _ => &mut sources.registers[0].text,
    }
}

#[test]
fn a_slip_on_any_line_is_one_defect_on_that_line() {
    let mut small = common::programme(&common::schedules().join("valid/small"));
    let mut slips = 0;
    let mut off = Vec::new();
    for which in 0..4 {
        let good = text(&mut small, which).clone();
        let lines: Vec<&str> = good.lines().collect();
        for (n, line) in lines.iter().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            for (name, slip) in SLIPS {
                // A brace within quotation marks is the adapter's business.
                let inner = name.contains("brace") && line.trim_end().ends_with(['"', ']']);
                let Some(bad) = slip(line).filter(|_| !inner) else { continue };
                let mut changed = lines.clone();
                changed[n] = &bad;
                let mut sources = small.clone();
                *text(&mut sources, which) = changed.join("\n");
                let checked = check(&sources, common::FORMS);
                let errors: Vec<_> =
                    checked.defects.iter().filter(|d| d.severity == Severity::Error).collect();
                slips += 1;
                let near = |at: u32| usize::try_from(at).unwrap().abs_diff(n + 1) <= 1;
                if errors.len() != 1 || !near(errors[0].place.line) {
                    let rendered = common::render(&sources, &checked.defects);
                    off.push(format!("line {}, {name}:\n{rendered}", n + 1));
                }
            }
        }
    }
    assert!(slips > 800, "only {slips} slips");
    assert!(off.is_empty(), "{} of {slips} slips:\n{}", off.len(), off.join("\n"));
}
