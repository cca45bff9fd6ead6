//! The database's own catalogue: the only source of identifiers.

use rusqlite::Connection;

use crate::dialect::same_name;
use crate::graph::{ForeignKey, OnDelete};

/// What a name of the catalogue stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A table.
    Table,
    /// A view.
    View,
    /// A virtual table, of a full-text index for instance.
    Virtual,
    /// A table in which a virtual table keeps its content.
    Shadow,
}

/// A table, or something like one.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// Its name.
    pub(crate) name: String,
    /// What it is.
    pub(crate) kind: Kind,
    /// Whether its rows have no number of their own.
    pub(crate) without_rowid: bool,
}

/// A column.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// Its name.
    pub(crate) name: String,
    /// Whether SQLite turns what is stored in it into text.
    pub(crate) text: bool,
    /// Whether it may not be null.
    pub(crate) not_null: bool,
    /// Position in the primary key, from 1; 0 outside of it.
    pub(crate) key_position: i64,
    /// Whether it is computed from others.
    pub(crate) generated: bool,
    /// Whether its declared type is exactly `INTEGER`.
    integer: bool,
}

/// An index.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    /// Its name.
    pub(crate) name: String,
    /// Whether no two rows have the same values.
    pub(crate) unique: bool,
    /// Whether it covers some of the rows only.
    pub(crate) partial: bool,
    /// Whether it is the primary key's.
    pub(crate) primary: bool,
    /// Its columns with their collations; `None` for an expression.
    pub(crate) columns: Vec<(Option<String>, String)>,
}

/// Everything about one table.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// The table.
    pub(crate) table: Table,
    /// Its columns, in order.
    pub(crate) columns: Vec<Column>,
    /// Its indexes.
    pub(crate) indexes: Vec<Index>,
}

impl Shape {
    /// Finds a column: by its exact name, or else by its name without case.
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns
            .iter()
            .find(|c| c.name == name)
            .or_else(|| self.columns.iter().find(|c| same_name(&c.name, name)))
    }

    /// Returns the column that is the row's number, if one is.
    pub(crate) fn row_number(&self) -> Option<&Column> {
        let mut keys = self.columns.iter().filter(|c| c.key_position > 0);
        match (keys.next(), keys.next()) {
            // `INTEGER PRIMARY KEY DESC` is the one exception: it has an index of its own.
            (Some(key), None) if key.integer && !self.table.without_rowid => {
                let own_index = self.indexes.iter().any(|i| i.primary);
                (!own_index).then_some(key)
            }
            _ => None,
        }
    }

    /// Returns the names of the primary key's columns, in order.
    pub(crate) fn primary_key(&self) -> Vec<String> {
        let mut keys: Vec<&Column> = self.columns.iter().filter(|c| c.key_position > 0).collect();
        keys.sort_by_key(|c| c.key_position);
        keys.into_iter().map(|c| c.name.clone()).collect()
    }

    /// Says whether rows are found by these columns without reading the whole table.
    pub(crate) fn is_indexed(&self, columns: &[String]) -> bool {
        let by_number = match columns {
            [one] => self.row_number().is_some_and(|c| same_name(&c.name, one)),
            _ => false,
        };
        by_number
            || self.indexes.iter().any(|index| {
                !index.partial
                    && index.columns.iter().take(columns.len()).all(|(name, _)| {
                        name.as_ref().is_some_and(|name| columns.iter().any(|c| same_name(c, name)))
                    })
                    && index.columns.len() >= columns.len()
            })
    }
}

/// Lists the tables of the database itself, without SQLite's own.
pub(crate) fn tables(sqlite: &Connection) -> rusqlite::Result<Vec<Table>> {
    let mut statement = sqlite.prepare_cached(
        "SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' ORDER BY name",
    )?;
    let rows = statement.query_map([], |row| {
        let kind: String = row.get(1)?;
        Ok(Table {
            name: row.get(0)?,
            kind: match kind.as_str() {
                "view" => Kind::View,
                "virtual" => Kind::Virtual,
                "shadow" => Kind::Shadow,
                _ => Kind::Table,
            },
            without_rowid: row.get(2)?,
        })
    })?;
    let all: rusqlite::Result<Vec<Table>> = rows.collect();
    Ok(all?.into_iter().filter(|t| !is_own(&t.name)).collect())
}

/// Says whether a table belongs to SQLite itself.
pub(crate) fn is_own(name: &str) -> bool {
    name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"))
}

/// Reads everything about one table.
pub(crate) fn shape(sqlite: &Connection, table: &Table) -> rusqlite::Result<Shape> {
    Ok(Shape {
        table: table.clone(),
        columns: columns(sqlite, &table.name)?,
        indexes: indexes(sqlite, &table.name)?,
    })
}

fn columns(sqlite: &Connection, table: &str) -> rusqlite::Result<Vec<Column>> {
    let mut statement = sqlite.prepare_cached(
        "SELECT name, type, \"notnull\", pk, hidden FROM pragma_table_xinfo(?1, 'main')
         WHERE hidden <> 1 ORDER BY cid",
    )?;
    let rows = statement.query_map([table], |row| {
        let declared: String = row.get(1)?;
        let hidden: i64 = row.get(4)?;
        Ok(Column {
            name: row.get(0)?,
            text: has_text_affinity(&declared),
            not_null: row.get(2)?,
            key_position: row.get(3)?,
            generated: hidden != 0,
            integer: declared.eq_ignore_ascii_case("integer"),
        })
    })?;
    rows.collect()
}

/// The rule of SQLite: `INT` wins, then `CHAR`, `CLOB` and `TEXT` make text.
fn has_text_affinity(declared: &str) -> bool {
    let declared = declared.to_ascii_uppercase();
    !declared.contains("INT") && ["CHAR", "CLOB", "TEXT"].iter().any(|word| declared.contains(word))
}

fn indexes(sqlite: &Connection, table: &str) -> rusqlite::Result<Vec<Index>> {
    let mut statement = sqlite.prepare_cached(
        "SELECT name, \"unique\", partial, origin = 'pk' FROM pragma_index_list(?1, 'main') ORDER BY seq",
    )?;
    let rows = statement.query_map([table], |row| {
        Ok(Index {
            name: row.get(0)?,
            unique: row.get(1)?,
            partial: row.get(2)?,
            primary: row.get(3)?,
            columns: Vec::new(),
        })
    })?;
    let mut indexes: Vec<Index> = rows.collect::<rusqlite::Result<_>>()?;
    let mut statement = sqlite.prepare_cached(
        "SELECT name, coll FROM pragma_index_xinfo(?1, 'main') WHERE key = 1 ORDER BY seqno",
    )?;
    for index in &mut indexes {
        let rows = statement.query_map([&index.name], |row| {
            let collation: Option<String> = row.get(1)?;
            Ok((row.get(0)?, collation.unwrap_or_else(|| "BINARY".to_owned())))
        })?;
        index.columns = rows.collect::<rusqlite::Result<_>>()?;
    }
    Ok(indexes)
}

/// Says whether a table has triggers.
pub(crate) fn has_triggers(sqlite: &Connection, table: &str) -> rusqlite::Result<bool> {
    sqlite
        .prepare_cached(
            "SELECT 1 FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE",
        )?
        .exists([table])
}

/// Reads all foreign keys of the database.
pub(crate) fn foreign_keys(
    sqlite: &Connection,
    tables: &[Table],
) -> rusqlite::Result<Vec<ForeignKey>> {
    let mut all = Vec::new();
    let mut statement = sqlite.prepare_cached(
        "SELECT id, \"table\", \"from\", \"to\", on_delete FROM pragma_foreign_key_list(?1, 'main')
         ORDER BY id, seq",
    )?;
    for table in tables.iter().filter(|t| t.kind == Kind::Table) {
        let mut rows = statement.query([&table.name])?;
        let mut last_id = None;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            if last_id != Some(id) {
                let parent: String = row.get(1)?;
                let action: String = row.get(4)?;
                all.push(ForeignKey {
                    child: table.name.clone(),
                    columns: Vec::new(),
                    parent: named_as_in(tables, parent),
                    parent_columns: Vec::new(),
                    on_delete: OnDelete::from_word(&action),
                });
                last_id = Some(id);
            }
            if let Some(key) = all.last_mut() {
                key.columns.push(row.get(2)?);
                key.parent_columns.extend(row.get::<_, Option<String>>(3)?);
            }
        }
    }
    for key in all.iter_mut().filter(|key| key.parent_columns.is_empty()) {
        if let Some(parent) = tables.iter().find(|t| t.name == key.parent) {
            key.parent_columns = shape(sqlite, parent)?.primary_key();
        }
    }
    Ok(all)
}

/// A foreign key may spell its table with other case than the table itself.
fn named_as_in(tables: &[Table], name: String) -> String {
    match tables.iter().find(|t| same_name(&t.name, &name)) {
        Some(table) => table.name.clone(),
        None => name,
    }
}
