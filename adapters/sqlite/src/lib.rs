//! Records that are rows of a SQLite database.
//!
//! ```text
//! config -----> the form, the file, which file it is
//! connection -> opened read-only or for disposal; a watch looks at each statement
//! catalogue --> tables, columns, indexes, foreign keys: the only source of identifiers
//! expression -> IT's own SQL stays within its parentheses
//! graph ------> what goes with a record, and what stands in the way
//! selection --> a holding checked against all of these
//! statement --> the SQL of a selection; dialect quotes, values are bound
//! row --------> a row as a record: value (locator, version), date, bounds
//! inventory --> probe, survey, pages (finder: by an index), absence, residual
//! dispose ----> an order in one transaction; sweep: in one statement; own: records that refer to
//!               each other
//! ```
//!
//! `graph`, `expression`, `date`, `anonymise`, `own`'s order and most of `statement` know nothing
//! of SQLite: other databases of SQL need the same.

mod absence;
mod anonymise;
mod bounds;
mod catalogue;
mod config;
mod connection;
mod date;
mod dialect;
mod dispose;
mod error;
mod expression;
mod finder;
mod graph;
mod inventory;
mod own;
mod probe;
mod reader;
mod residual;
mod row;
mod selection;
#[cfg(test)]
mod shapes;
mod statement;
mod survey;
mod sweep;
mod trigger;
mod value;

use async_trait::async_trait;
use quietus_contract::{Adapter, Disposer, Form, Inventory, Result, SystemConfig};

pub use config::FORM;

use config::Database;
use dispose::Writer;
use reader::Reader;

/// The adapter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sqlite;

#[async_trait]
impl Adapter for Sqlite {
    fn form(&self) -> &'static Form {
        &FORM
    }

    async fn open_inventory(&self, system: &SystemConfig) -> Result<Box<dyn Inventory>> {
        Ok(Box::new(Reader::open(Database::find(system)?)?))
    }

    async fn open_disposer(&self, system: &SystemConfig) -> Result<Box<dyn Disposer>> {
        Ok(Box::new(Writer::open(Database::find(system)?)?))
    }
}
