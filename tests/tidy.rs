//! The rules of `docs/style.md` that a machine can check and that no lint covers.

#[cfg(test)]
#[path = "tidy/crates.rs"]
mod crates;
#[cfg(test)]
#[path = "tidy/docs.rs"]
mod docs;
#[cfg(test)]
#[path = "tidy/sources.rs"]
mod sources;
#[cfg(test)]
#[path = "tidy/supply.rs"]
mod supply;
#[cfg(test)]
#[path = "tidy/tree.rs"]
mod tree;

/// Fails with every offence at once, so that one run shows the whole list.
fn none(offences: &[String]) {
    assert!(offences.is_empty(), "{} offences:\n{}", offences.len(), offences.join("\n"));
}
