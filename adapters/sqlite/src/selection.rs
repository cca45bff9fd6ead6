//! A holding's selection, checked against the catalogue.

use std::collections::BTreeSet;
use std::sync::Arc;

use quietus_contract::{Action, AdapterError, Holding, Place, Result};

use crate::anonymise::Treatment;
use crate::catalogue::{self, Index, Kind, Shape, Table};
use crate::connection::{Duty, Link};
use crate::date::Epoch;
use crate::dialect::{same_name, table};
use crate::error::{from_sqlite, misfit};
use crate::expression;
use crate::graph::{self, Graph, Obstacle};

/// A selection that the database can honour.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// The holding, as `systems.toml` has it.
    pub(crate) holding: Arc<Holding>,
    /// The table.
    pub(crate) shape: Shape,
    /// The columns that are read: all that are stored, and the computed ones that are needed.
    pub(crate) columns: Vec<String>,
    /// The key, in the order of locators.
    pub(crate) key: Vec<KeyColumn>,
    /// The order of reading: positions in `key`.
    pub(crate) scan: Vec<usize>,
    /// The index that reads in that order; `None` where the table itself does.
    pub(crate) key_index: Option<String>,
    /// The owner's condition.
    pub(crate) filter: Option<String>,
    /// The date sources.
    pub(crate) dates: Vec<Source>,
    /// What numbers in date sources count.
    pub(crate) epoch: Option<Epoch>,
    /// Fields, as positions in `columns`.
    pub(crate) fields: Vec<usize>,
    /// Columns that are anonymised, as positions in `columns`, and how.
    pub(crate) treatments: Vec<(usize, Treatment)>,
    /// What goes with a record.
    pub(crate) graph: Graph,
    /// Whether triggers watch the table.
    pub(crate) has_triggers: bool,
    /// The tables in which virtual tables keep their content.
    pub(crate) shadows: Vec<String>,
    /// A prefix that no table's name has.
    pub(crate) alias: String,
}

/// A column of the key.
#[derive(Clone, Debug)]
pub(crate) struct KeyColumn {
    /// Position in [`Selection::columns`].
    pub(crate) position: usize,
    /// Whether the column turns everything into text.
    pub(crate) text: bool,
    /// Whether it may be null; such a row has no key.
    pub(crate) nullable: bool,
    /// The collation of its index.
    pub(crate) collation: Option<String>,
}

/// Where a date comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A position in [`Selection::columns`].
    Column(usize),
    /// The owner's SQL.
    Expression(String),
}

impl Selection {
    /// Checks a holding against the catalogue.
    pub(crate) fn resolve(link: &Link, holding: &Arc<Holding>) -> Result<Self> {
        link.watch.during(Duty::Catalogue, || Resolver::new(link, holding)?.finish())
    }

    /// Says whether the key is the number that the table itself is sorted by.
    pub(crate) fn is_keyed_by_number(&self) -> bool {
        self.key_index.is_none()
    }

    /// Returns the table's name.
    pub(crate) fn table(&self) -> &str {
        &self.shape.table.name
    }

    /// Returns the name of a column that is read.
    pub(crate) fn column(&self, position: usize) -> &str {
        self.columns.get(position).map_or("", String::as_str)
    }

    /// Returns the position of a column that is read.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| same_name(c, name))
    }
}

/// A selection in the making.
struct Resolver<'a> {
    link: &'a Link,
    holding: &'a Arc<Holding>,
    tables: Vec<Table>,
    shape: Shape,
    columns: Vec<String>,
}

const NAMES_SHOWN_MAX: usize = 30;

impl<'a> Resolver<'a> {
    fn new(link: &'a Link, holding: &'a Arc<Holding>) -> Result<Self> {
        let tables = catalogue::tables(&link.sqlite).map_err(reading)?;
        let named = holding.settings.required_text("table")?;
        let place = holding.settings.place_of("table");
        let found = find_table(&tables, named, place)?;
        match found.kind {
            Kind::Table => {}
            Kind::View => {
                return Err(misfit(place, format!("`{named}` is a view"))
                    .with_help("name the table that has the rows, and select with `where`"));
            }
            Kind::Virtual | Kind::Shadow => {
                return Err(misfit(place, format!("`{named}` belongs to a virtual table"))
                    .with_help("name the table from which the index is made"));
            }
        }
        let shape = catalogue::shape(&link.sqlite, found).map_err(reading)?;
        let stored = shape.columns.iter().filter(|c| !c.generated);
        let columns = stored.map(|c| c.name.clone()).collect();
        Ok(Self { link, holding, tables, shape, columns })
    }

    fn finish(mut self) -> Result<Selection> {
        let (key, scan, key_index) = self.key()?;
        let dates = self.dates()?;
        let fields = self.holding.fields.iter();
        let fields = fields.map(|(name, place)| self.position(name, place));
        let fields = fields.collect::<Result<Vec<usize>>>()?;
        let filter = self.filter()?;
        let treatments = self.treatments(&key)?;
        let graph = self.graph()?;
        self.read_what_is_referred_to(&graph);
        let settings = &self.holding.settings;
        Ok(Selection {
            holding: Arc::clone(self.holding),
            shadows: self
                .tables
                .iter()
                .filter(|t| t.kind == Kind::Shadow)
                .map(|t| t.name.clone())
                .collect(),
            alias: free_prefix(&self.tables),
            has_triggers: catalogue::has_triggers(&self.link.sqlite, &self.shape.table.name)
                .map_err(reading)?,
            epoch: settings.text("epoch").and_then(Epoch::from_word),
            shape: self.shape,
            columns: self.columns,
            key,
            scan,
            key_index,
            filter,
            dates,
            fields,
            treatments,
            graph,
        })
    }

    /// Finds a column and makes sure that it is read.
    fn position(&mut self, name: &str, place: &Place) -> Result<usize> {
        let Some(column) = self.shape.column(name) else {
            return Err(self.no_column(name, place));
        };
        if let Some(found) = self.columns.iter().position(|c| *c == column.name) {
            return Ok(found);
        }
        self.columns.push(column.name.clone());
        Ok(self.columns.len() - 1)
    }

    fn no_column(&self, name: &str, place: &Place) -> AdapterError {
        let table = &self.shape.table.name;
        misfit(place, format!("the table `{table}` has no column `{name}`"))
            .with_help(format!("it has {}", listed(self.shape.columns.iter().map(|c| &c.name))))
    }

    fn key(&mut self) -> Result<(Vec<KeyColumn>, Vec<usize>, Option<String>)> {
        let place = self.holding.settings.place_of("key").clone();
        let names: Vec<String> = self.holding.settings.texts("key").to_vec();
        let mut key = Vec::new();
        for name in &names {
            let position = self.position(name, &place)?;
            let Some(column) = self.shape.column(name) else {
                return Err(self.no_column(name, &place));
            };
            if key.iter().any(|k: &KeyColumn| k.position == position) {
                return Err(misfit(&place, format!("`{name}` stands twice in `key`")));
            }
            key.push(KeyColumn {
                position,
                text: column.text,
                nullable: !column.not_null,
                collation: None,
            });
        }
        if let ([only], Some(number)) = (names.as_slice(), self.shape.row_number())
            && same_name(only, &number.name)
        {
            key.iter_mut().for_each(|k| k.nullable = false);
            return Ok((key, vec![0], None));
        }
        let fitting = self.shape.indexes.iter().filter(|i| i.unique && !i.partial);
        for index in fitting {
            if let Some(scan) = self.covers(index, &key) {
                for (part, (_, collation)) in scan.iter().zip(&index.columns) {
                    if let Some(part) = key.get_mut(*part) {
                        part.collation = Some(collation.clone());
                    }
                }
                return Ok((key, scan, Some(index.name.clone())));
            }
        }
        let table = &self.shape.table.name;
        let primary = self.shape.primary_key();
        let help = if primary.is_empty() {
            "make a unique index over columns that never change, and name them".to_owned()
        } else {
            format!("the primary key is {primary:?}")
        };
        Err(misfit(&place, format!("nothing keeps `key` unique in the table `{table}`"))
            .with_help(help))
    }

    /// Returns the parts of the key in the order of an index that has them all and no others.
    fn covers(&self, index: &Index, key: &[KeyColumn]) -> Option<Vec<usize>> {
        let scan: Option<Vec<usize>> = index
            .columns
            .iter()
            .map(|(name, _)| {
                let name = name.as_ref()?;
                key.iter().position(|part| {
                    self.columns.get(part.position).is_some_and(|c| same_name(c, name))
                })
            })
            .collect();
        scan.filter(|scan| scan.len() == key.len())
    }

    fn dates(&mut self) -> Result<Vec<Source>> {
        let mut sources = Vec::new();
        for (text, place) in &self.holding.dates {
            let is_column = self.shape.column(text).is_some();
            sources.push(if is_column {
                Source::Column(self.position(text, place)?)
            } else {
                self.compiles(text, place)?;
                Source::Expression(text.clone())
            });
        }
        Ok(sources)
    }

    fn filter(&self) -> Result<Option<String>> {
        let Some(text) = self.holding.settings.text("where") else { return Ok(None) };
        self.compiles(text, self.holding.settings.place_of("where"))?;
        Ok(Some(text.to_owned()))
    }

    /// Sees that a text is one expression over the table's rows that only reads.
    ///
    /// It is compiled where no aggregate may stand: one that counts all rows would otherwise turn
    /// the whole selection into a single row.
    fn compiles(&self, text: &str, place: &Place) -> Result<()> {
        expression::check(text).map_err(|error| misfit(place, format!("the SQL {error}")))?;
        let from = table(&self.shape.table.name);
        let probe = format!("SELECT 1 FROM {from} WHERE ({text}\n) IS NOT NULL");
        let compiled = self.link.watch.during(Duty::ReadOnly, || {
            self.link.sqlite.prepare(&probe).map(|statement| statement.parameter_count())
        });
        match compiled {
            Ok(0) => Ok(()),
            Ok(_) => Err(misfit(place, expression::NotOne::Parameter)),
            Err(error) => Err(self.does_not_compile(place, &error)),
        }
    }

    fn does_not_compile(&self, place: &Place, error: &rusqlite::Error) -> AdapterError {
        let words = match error {
            rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
            rusqlite::Error::SqliteFailure(failure, Some(msg)) => {
                if failure.code == rusqlite::ErrorCode::AuthorizationForStatementDenied {
                    format!("it may only read tables and use functions without effects ({msg})")
                } else {
                    msg.clone()
                }
            }
            rusqlite::Error::MultipleStatement => "it is more than one statement".to_owned(),
            other => other.to_string(),
        };
        misfit(place, format!("SQLite does not take this SQL: {words}"))
            .with_help(format!("columns: {}", listed(self.shape.columns.iter().map(|c| &c.name))))
    }

    fn treatments(&mut self, key: &[KeyColumn]) -> Result<Vec<(usize, Treatment)>> {
        let settings = &self.holding.settings;
        let place = settings.place_of("anonymise").clone();
        let pairs = settings.table("anonymise").to_vec();
        match (self.holding.action, pairs.is_empty()) {
            (Action::Anonymise, true) => {
                return Err(misfit(&place, "the class says anonymise, but no columns are named")
                    .with_help("add `anonymise = { COLUMN = \"null\" }`"));
            }
            (Action::Destroy, false) => {
                return Err(misfit(&place, "`anonymise` stands here, but the class says destroy"));
            }
            _ => {}
        }
        let mut treatments = Vec::new();
        for (name, text) in &pairs {
            let position = self.position(name, &place)?;
            let treatment = Treatment::from_text(text).ok_or_else(|| {
                misfit(&place, format!("`{name}` has an unknown treatment"))
                    .with_help(format!("write {}", Treatment::WORDS))
            })?;
            self.is_treatable(position, &treatment, key, &place)?;
            treatments.push((position, treatment));
        }
        Ok(treatments)
    }

    fn is_treatable(
        &self,
        position: usize,
        treatment: &Treatment,
        key: &[KeyColumn],
        place: &Place,
    ) -> Result<()> {
        let Some(name) = self.columns.get(position) else { return Ok(()) };
        let column = self.shape.column(name);
        let refuse =
            |why: &str| Err(misfit(place, format!("`{name}` cannot be anonymised: {why}")));
        if key.iter().any(|k| k.position == position) {
            return refuse("it is part of the key");
        }
        if column.is_some_and(|c| c.generated) {
            return refuse("it is computed from other columns; anonymise those");
        }
        if column.is_some_and(|c| c.not_null) && treatment.may_be_null() {
            return refuse("it may not be null; use `constant:TEXT`");
        }
        let is_unique = self.shape.indexes.iter().any(|index| {
            index.unique && index.columns.iter().any(|(c, _)| c.as_ref() == Some(name))
        });
        if is_unique && *treatment != Treatment::Null {
            return refuse("an index keeps its values different; use `null`");
        }
        let keys = catalogue::foreign_keys(&self.link.sqlite, &self.tables).map_err(reading)?;
        let table = &self.shape.table.name;
        let refers = keys.iter().any(|k| k.child == *table && has(&k.columns, name));
        if refers && *treatment != Treatment::Null {
            return refuse("it refers to another table; use `null`");
        }
        if keys.iter().any(|k| k.parent == *table && has(&k.parent_columns, name)) {
            return refuse("rows of another table refer to it");
        }
        Ok(())
    }

    /// Makes sure that computed columns which other rows refer to are read as well.
    fn read_what_is_referred_to(&mut self, graph: &Graph) {
        let linked = graph.members.iter().flat_map(|m| &m.links).filter(|l| l.from.is_none());
        let keys = linked.map(|l| &l.key).chain(&graph.own);
        for name in keys.flat_map(|key| &key.parent_columns) {
            if let Some(column) = self.shape.column(name)
                && !self.columns.contains(&column.name)
            {
                self.columns.push(column.name.clone());
            }
        }
    }

    fn graph(&self) -> Result<Graph> {
        let settings = &self.holding.settings;
        let place = settings.place_of("dispose_with");
        if self.holding.action == Action::Anonymise {
            if settings.texts("dispose_with").is_empty() {
                return Ok(Graph::default());
            }
            return Err(misfit(place, "`dispose_with` stands here, but the class says anonymise"));
        }
        let mut dispose_with = Vec::new();
        for name in settings.texts("dispose_with") {
            dispose_with.push(find_table(&self.tables, name, place)?.name.clone());
        }
        let keys = catalogue::foreign_keys(&self.link.sqlite, &self.tables).map_err(reading)?;
        graph::follow(&self.shape.table.name, &keys, &dispose_with)
            .map_err(|obstacle| in_words(&obstacle, place))
    }
}

fn in_words(obstacle: &Obstacle, place: &Place) -> AdapterError {
    let error = misfit(place, obstacle);
    match obstacle {
        Obstacle::Undeclared { dispose_with, .. } => error.with_help(format!(
            "add `dispose_with = {dispose_with:?}` to destroy these rows with the record"
        )),
        Obstacle::Unconnected { .. } => {
            error.with_help("name tables that have a foreign key to the record's table")
        }
        _ => error,
    }
}

fn has(names: &[String], name: &str) -> bool {
    names.iter().any(|n| same_name(n, name))
}

fn find_table<'t>(tables: &'t [Table], name: &str, place: &Place) -> Result<&'t Table> {
    tables
        .iter()
        .find(|t| t.name == name)
        .or_else(|| tables.iter().find(|t| same_name(&t.name, name)))
        .ok_or_else(|| {
            misfit(place, format!("the database has no table `{name}`"))
                .with_help(format!("it has {}", listed(tables.iter().map(|t| &t.name))))
        })
}

fn listed<'n>(names: impl Iterator<Item = &'n String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    match names.get(..NAMES_SHOWN_MAX) {
        Some(first) => format!("{} and {} more", first.join(", "), names.len() - first.len()),
        None => names.join(", "),
    }
}

fn free_prefix(tables: &[Table]) -> String {
    let taken: BTreeSet<String> = tables.iter().map(|t| t.name.to_ascii_lowercase()).collect();
    let mut prefix = "quietus_".to_owned();
    while taken.iter().any(|name| name.starts_with(&prefix)) {
        prefix.push('_');
    }
    prefix
}

fn reading(error: rusqlite::Error) -> AdapterError {
    from_sqlite("reading the catalogue", &error)
}
