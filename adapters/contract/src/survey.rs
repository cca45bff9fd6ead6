//! What a target says of one holding.

use crate::ResidualCopies;

/// The answer to `survey`: the holding's selection checked against the target.
///
/// A selection that the target cannot honour (no such column, children that nobody declared) is
/// an [`crate::ErrorKind::Misconfigured`] error instead.
#[derive(Clone, Debug)]
pub struct Survey {
    /// The store's name for ever: `sqlite:erp/main.invoice`. Commitments are made over it.
    pub store: String,
    /// Holdings of one system with the same space may select the same record; others never do.
    pub space: String,
    /// How many records the selection has now, due or not, where that is cheap to know.
    pub population: Option<u64>,
    /// How the records will be disposed of.
    pub method: Method,
    /// Where copies will survive.
    pub residual: ResidualCopies,
    /// Anything a plan should show: triggers that copy rows, foreign keys that cascade.
    pub notes: Vec<String>,
}

/// A container that no holding selects from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncovered {
    /// Its name, as an operator knows it.
    pub container: String,
    /// How many records it has, where that is cheap to know.
    pub records: Option<u64>,
}

/// How records are disposed of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// The class that the certificate names.
    pub class: MethodClass,
    /// The technique: `sql.delete`, `unlinkat`, `overwrite-in-place+unlinkat`.
    pub technique: String,
    /// Its real strength, in one honest sentence for a records manager.
    pub strength: String,
}

/// Classes of methods. The words of media sanitisation are not among them on purpose: they are
/// about whole devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodClass {
    /// The target no longer shows the record.
    LogicalDelete,
    /// As before, and the bytes were overwritten where that means something.
    LogicalDeleteOverwritten,
    /// The record stays without what identifies a person.
    Anonymise,
    /// The key that opens the record was destroyed.
    KeyDestruction,
}

impl MethodClass {
    /// Returns the word that the certificate has.
    pub fn word(self) -> &'static str {
        match self {
            Self::LogicalDelete => "logical-delete",
            Self::LogicalDeleteOverwritten => "logical-delete-overwritten",
            Self::Anonymise => "anonymise",
            Self::KeyDestruction => "key-destruction",
        }
    }
}
