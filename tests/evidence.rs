//! Evidence as an auditor meets it: levels, forgeries, forks, openings, and bytes of any kind.

#[cfg(test)]
#[path = "evidence/common.rs"]
mod common;
#[cfg(test)]
#[path = "evidence/disclosures.rs"]
mod disclosures;
#[cfg(test)]
#[path = "evidence/forgeries.rs"]
mod forgeries;
#[cfg(test)]
#[path = "evidence/golden.rs"]
mod golden;
#[cfg(test)]
#[path = "evidence/histories.rs"]
mod histories;
#[cfg(test)]
#[path = "evidence/levels.rs"]
mod levels;
#[cfg(test)]
#[path = "evidence/parsers.rs"]
mod parsers;
