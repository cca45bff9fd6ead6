//! The cases: one file for each method of the contract.

mod all;
mod anonymise;
mod bounds;
mod dispose;
mod faults;
mod look;
mod page;
mod probe;
mod residual;
mod verify;
mod versions;

use crate::suite::Case;

pub(crate) use all::collected;

/// Returns all cases in the order in which they run.
pub(crate) fn all() -> Vec<Case> {
    [
        probe::CASES,
        page::CASES,
        bounds::CASES,
        look::CASES,
        dispose::CASES,
        versions::CASES,
        faults::CASES,
        anonymise::CASES,
        verify::CASES,
        residual::CASES,
        all::CASES,
    ]
    .into_iter()
    .flatten()
    .map(|case| Case { name: case.name, needs: case.needs, run: case.run })
    .collect()
}
