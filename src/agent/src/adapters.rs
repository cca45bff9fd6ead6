//! The register of adapters: the one place that names them all.

use quietus_contract::{Adapter, Form};

/// The adapters that this binary has.
pub struct Adapters(Vec<Box<dyn Adapter>>);

impl Adapters {
    /// Returns the adapters that were built in.
    pub fn built_in() -> Self {
        Self(vec![
            #[cfg(feature = "filesystem")]
            Box::new(quietus_filesystem::Filesystem),
            #[cfg(feature = "sqlite")]
            Box::new(quietus_sqlite::Sqlite),
        ])
    }

    /// Makes a register of other adapters, for tests.
    pub fn of(adapters: Vec<Box<dyn Adapter>>) -> Self {
        Self(adapters)
    }

    /// Returns the forms that `systems.toml` is checked against.
    pub fn forms(&self) -> Vec<&'static Form> {
        self.0.iter().map(|adapter| adapter.form()).collect()
    }

    /// Returns the adapter behind `adapter = "NAME"`.
    pub fn named(&self, name: &str) -> Option<&dyn Adapter> {
        self.0.iter().map(Box::as_ref).find(|adapter| adapter.form().adapter == name)
    }
}
