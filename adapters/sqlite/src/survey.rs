//! What the database says of a holding: checked, counted, and in words.

use std::collections::BTreeSet;

use quietus_contract::{
    Action, AdapterError, ErrorKind, Method, MethodClass, Result, Scope, Survey, Uncovered,
};

use crate::catalogue::{self, Kind, Table};
use crate::config::Database;
use crate::connection::Duty;
use crate::dialect::{quoted, same_name};
use crate::error::{does_not_compile, misfit};
use crate::graph::{ForeignKey, OnDelete};
use crate::reader::{Session, failed};
use crate::row;
use crate::selection::Selection;
use crate::{residual, statement, trigger};

/// Rows of a referring table without an index, above which every deletion would be slow enough to
/// stop the application.
const UNINDEXED_ROWS_MAX: i64 = 10_000;

const SURVEYING: &str = "surveying a table";

/// Surveys a holding.
pub(crate) fn survey(database: &Database, session: &mut Session, scope: &Scope) -> Result<Survey> {
    let selection = session.selection(scope)?;
    compiles(session, &selection)?;
    let mut notes = graph_notes(&selection);
    notes.extend(unindexed(session, &selection)?);
    notes.extend(trigger::notes(&trigger::deeds(session, &selection)?));
    let count = |sql: crate::dialect::Sql| -> rusqlite::Result<i64> {
        let mut statement = session.link.sqlite.prepare_cached(&sql.text)?;
        row::bind(&mut statement, &[], &sql)?;
        let mut rows = statement.raw_query();
        rows.next()?.map_or(Ok(0), |row| row.get(0))
    };
    let population = count(selection.population()).map_err(failed(SURVEYING))?;
    if let Some(sql) = selection.without_key() {
        let lost = count(sql).map_err(failed(SURVEYING))?;
        if lost > 0 {
            notes
                .push(format!("{lost} rows have NULL in their key and cannot be named: they stay"));
        }
    }
    Ok(Survey {
        store: format!("sqlite:{}/main.{}", database.system, selection.table()),
        space: format!("main.{}", selection.table()),
        population: u64::try_from(population).ok(),
        method: method(&selection),
        residual: residual::copies(database, session, &selection, 0)?,
        notes,
    })
}

/// Sees that what will read the records compiles, before anyone relies on it.
fn compiles(session: &Session, selection: &Selection) -> Result<()> {
    for sql in [selection.page(&[], true), selection.look()] {
        let compiled = session.link.sqlite.prepare_cached(&sql.text).map(drop);
        compiled.map_err(|error| does_not_compile(&error))?;
    }
    let encoding = || -> rusqlite::Result<String> {
        session.link.sqlite.query_row("PRAGMA encoding", [], |row| row.get(0))
    };
    let is_utf8 = encoding().map_err(failed(SURVEYING))? == "UTF-8";
    if is_utf8 || selection.is_keyed_by_number() {
        return Ok(());
    }
    let place = selection.holding.settings.place_of("key");
    Err(misfit(
        place,
        "the database keeps its texts in UTF-16, so only a whole number can be a key",
    ))
}

fn method(selection: &Selection) -> Method {
    match selection.holding.action {
        Action::Destroy => Method {
            class: MethodClass::LogicalDeleteOverwritten,
            technique: "sql.delete+secure_delete".to_owned(),
            strength:
                "The database no longer has the row, and its bytes in the database file were \
                       overwritten with zeros; the file system, the medium and copies of the file \
                       are not covered."
                    .to_owned(),
        },
        Action::Anonymise => Method {
            class: MethodClass::Anonymise,
            technique: "sql.update+secure_delete".to_owned(),
            strength: "The row stays without the values that identify a person; the old values in \
                       the database file were overwritten with zeros."
                .to_owned(),
        },
    }
}

fn graph_notes(selection: &Selection) -> Vec<String> {
    let graph = &selection.graph;
    let mut notes = Vec::new();
    for member in &graph.members {
        let why = if member.declared { "`dispose_with`" } else { "ON DELETE CASCADE" };
        notes
            .push(format!("rows of `{}` go with a record ({why}); they are counted", member.table));
    }
    for key in &graph.cleared {
        let what = if key.on_delete == OnDelete::SetNull { "NULL" } else { "their default" };
        notes.push(format!(
            "rows of `{}` stay; their {} becomes {what}",
            key.child,
            key.columns.join(", ")
        ));
    }
    for key in &graph.own {
        notes.push(format!(
            "records refer to each other by {}: one that another record still refers to is refused",
            key.columns.join(", ")
        ));
    }
    for key in &graph.back {
        notes.push(format!(
            "`{}` refers back to `{}` by {}",
            key.child,
            key.parent,
            key.columns.join(", ")
        ));
    }
    notes
}

/// Finds foreign keys whose rows SQLite would have to look for in the whole table, once for each
/// deleted row.
fn unindexed(session: &Session, selection: &Selection) -> Result<Vec<String>> {
    let graph = &selection.graph;
    let linked = graph.members.iter().flat_map(|m| &m.links).map(|l| &l.key);
    let mut notes = Vec::new();
    let mut seen: Vec<&ForeignKey> = Vec::new();
    for key in linked.chain(&graph.own).chain(&graph.cleared).chain(&graph.back) {
        if seen.contains(&key) {
            continue;
        }
        seen.push(key);
        if is_indexed(session, key)? {
            continue;
        }
        let rows = rows_up_to_limit(session, &key.child)?;
        let columns: Vec<String> = key.columns.iter().map(|c| quoted(c)).collect();
        let help = format!(
            "CREATE INDEX {} ON {} ({});",
            quoted(&format!("{}_{}", key.child, key.columns.join("_"))),
            quoted(&key.child),
            columns.join(", ")
        );
        let (table, columns) = (&key.child, key.columns.join(", "));
        if rows > UNINDEXED_ROWS_MAX {
            let place = selection.holding.settings.place_of("table");
            return Err(misfit(
                place,
                format!(
                    "`{table}` has more than {UNINDEXED_ROWS_MAX} rows and no index on {columns}: \
                     each deletion would read all of them"
                ),
            )
            .with_help(help));
        }
        notes.push(format!("`{table}` has no index on {columns}; this would help: {help}"));
    }
    Ok(notes)
}

fn is_indexed(session: &Session, key: &ForeignKey) -> Result<bool> {
    session
        .link
        .watch
        .during(Duty::Catalogue, || {
            let tables = catalogue::tables(&session.link.sqlite)?;
            let child = tables.iter().find(|t| t.name == key.child);
            let shape = child.map(|t| catalogue::shape(&session.link.sqlite, t)).transpose()?;
            Ok(shape.is_some_and(|shape| shape.is_indexed(&key.columns)))
        })
        .map_err(failed(SURVEYING))
}

fn rows_up_to_limit(session: &Session, table: &str) -> Result<i64> {
    let sql = statement::count_up_to(table, UNINDEXED_ROWS_MAX + 1);
    let count = || -> rusqlite::Result<i64> {
        let mut statement = session.link.sqlite.prepare_cached(&sql.text)?;
        row::bind(&mut statement, &[], &sql)?;
        let mut rows = statement.raw_query();
        rows.next()?.map_or(Ok(0), |row| row.get(0))
    };
    count().map_err(failed(SURVEYING))
}

/// Lists the tables that no holding selects and that go with no record.
pub(crate) fn uncovered(session: &mut Session, scopes: &[Scope]) -> Result<Vec<Uncovered>> {
    let mut covered: BTreeSet<String> = BTreeSet::new();
    for scope in scopes {
        // A holding that cannot be resolved is told elsewhere; its table counts as covered.
        if let Some(named) = scope.holding.settings.text("table") {
            covered.insert(named.to_ascii_lowercase());
        }
        match session.selection(scope) {
            Ok(selection) => {
                let members = selection.graph.members.iter();
                covered.extend(members.map(|member| member.table.to_ascii_lowercase()));
            }
            Err(error) if error.kind == ErrorKind::Misconfigured => {}
            Err(error) => return Err(error),
        }
    }
    let tables = session
        .link
        .watch
        .during(Duty::Catalogue, || catalogue::tables(&session.link.sqlite))
        .map_err(failed("listing tables"))?;
    let forgotten = tables
        .iter()
        .filter(|t| t.kind == Kind::Table && !covered.iter().any(|name| same_name(name, &t.name)));
    forgotten.map(|table| count_rows(session, table)).collect()
}

fn count_rows(session: &Session, table: &Table) -> std::result::Result<Uncovered, AdapterError> {
    let records: i64 = session
        .link
        .sqlite
        .query_row(&statement::count(&table.name), [], |row| row.get(0))
        .map_err(failed("listing tables"))?;
    Ok(Uncovered { container: table.name.clone(), records: u64::try_from(records).ok() })
}
