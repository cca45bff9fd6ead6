//! The statements: built from a selection, with values bound.

use crate::bounds::Bound;
use crate::dialect::{Sql, column, quoted, table};
use crate::graph::{ForeignKey, Link};
use crate::selection::{Selection, Source};
use crate::value::Cell;

impl Selection {
    /// Counts the columns of a row: columns, dates by expression, members, and the condition.
    pub(crate) fn width(&self) -> usize {
        self.columns.len() + self.expressions().count() + self.graph.members.len() + 1
    }

    /// Returns the position of the first member count in a row.
    pub(crate) fn members_at(&self) -> usize {
        self.columns.len() + self.expressions().count()
    }

    /// Returns the dates that are expressions.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = &str> {
        self.dates.iter().filter_map(|source| match source {
            Source::Column(_) => None,
            Source::Expression(text) => Some(text.as_str()),
        })
    }

    fn name(&self, position: usize) -> String {
        column(self.table(), self.column(position))
    }

    fn key_name(&self, part: usize) -> String {
        self.key.get(part).map(|k| self.name(k.position)).unwrap_or_default()
    }

    fn collated(&self, part: usize) -> String {
        let collation = self.key.get(part).and_then(|k| k.collation.as_ref());
        match collation {
            Some(collation) => format!("{} COLLATE {}", self.key_name(part), quoted(collation)),
            None => self.key_name(part),
        }
    }

    /// Reads a row.
    fn list(&self, condition: &Condition) -> Sql {
        let mut sql = Sql::new(self.key.len());
        sql.push("SELECT ");
        self.push_values(&mut sql, condition);
        sql.push(" FROM ").push(&table(self.table()));
        sql
    }

    /// Adds everything that a version covers.
    fn push_values(&self, sql: &mut Sql, condition: &Condition) {
        for position in 0..self.columns.len() {
            sql.push(&self.name(position)).push(", ");
        }
        for text in self.expressions() {
            sql.push("(").push(text).push("\n), ");
        }
        for member in 0..self.graph.members.len() {
            sql.push(&self.count_of(member)).push(", ");
        }
        match condition {
            Condition::Required => sql.push("1"),
            Condition::Read => self.push_condition(sql),
        };
    }

    /// Adds the condition that a row is a record of the holding: 1, or 0, never NULL.
    fn push_condition<'s>(&self, sql: &'s mut Sql) -> &'s mut Sql {
        sql.push("(");
        match &self.filter {
            Some(text) => sql.push("(").push(text).push("\n) IS TRUE"),
            None => sql.push("1"),
        };
        if !self.treatments.is_empty() {
            sql.push(" AND NOT (1");
            for (position, treatment) in &self.treatments {
                sql.push(" AND ");
                treatment.push_done(&self.name(*position), sql);
            }
            sql.push(")");
        }
        sql.push(")")
    }

    /// Reads on in the order of the key. The key to go on from is bound first.
    pub(crate) fn page(&self, bounds: &[Option<Bound>], goes_on: bool) -> Sql {
        let mut sql = self.list(&Condition::Required);
        match &self.key_index {
            Some(index) => sql.push(" INDEXED BY ").push(&quoted(index)),
            None => sql.push(" NOT INDEXED"),
        };
        sql.push(" WHERE ");
        self.push_condition(&mut sql);
        self.push_key_known(&mut sql);
        self.push_bounds(bounds, &mut sql);
        if goes_on {
            let left: Vec<String> = self.scan.iter().map(|part| self.collated(*part)).collect();
            let right: Vec<String> =
                self.scan.iter().map(|part| format!("?{}", part + 1)).collect();
            sql.push(&format!(" AND ({}) > ({})", left.join(", "), right.join(", ")));
        }
        let order: Vec<String> = self.scan.iter().map(|part| self.collated(*part)).collect();
        sql.push(" ORDER BY ").push(&order.join(", "));
        sql
    }

    fn push_key_known(&self, sql: &mut Sql) {
        for (part, key) in self.key.iter().enumerate() {
            if key.nullable {
                sql.push(&format!(" AND {} IS NOT NULL", self.key_name(part)));
            }
        }
    }

    /// Reads one row by its key, whether or not it fits the condition.
    pub(crate) fn look(&self) -> Sql {
        let mut sql = self.list(&Condition::Read);
        self.push_key(&mut sql);
        sql
    }

    fn push_key(&self, sql: &mut Sql) {
        for part in 0..self.key.len() {
            sql.push(if part == 0 { " WHERE " } else { " AND " });
            sql.push(&format!("{} = ?{}", self.collated(part), part + 1));
        }
    }

    /// Says whether a row is there.
    pub(crate) fn exists(&self) -> Sql {
        let mut sql = Sql::new(self.key.len());
        sql.push("SELECT 1 FROM ").push(&table(self.table()));
        self.push_key(&mut sql);
        sql
    }

    /// Counts the records.
    pub(crate) fn population(&self) -> Sql {
        let mut sql = Sql::new(0);
        sql.push("SELECT count(*) FROM ").push(&table(self.table()));
        // Without a condition SQLite counts pages by their heads.
        let nullable = self.key.iter().any(|part| part.nullable);
        if self.filter.is_some() || nullable || !self.treatments.is_empty() {
            sql.push(" WHERE ");
            self.push_condition(&mut sql);
            self.push_key_known(&mut sql);
        }
        sql
    }

    /// Counts the rows whose key is not known, where there can be any.
    pub(crate) fn without_key(&self) -> Option<Sql> {
        let unknown: Vec<String> = (0..self.key.len())
            .filter(|part| self.key.get(*part).is_some_and(|k| k.nullable))
            .map(|part| format!("{} IS NULL", self.key_name(part)))
            .collect();
        let mut sql = Sql::new(0);
        sql.push("SELECT count(*) FROM ").push(&table(self.table())).push(" WHERE ");
        self.push_condition(&mut sql);
        sql.push(" AND (").push(&unknown.join(" OR ")).push(")");
        (!unknown.is_empty()).then_some(sql)
    }

    /// Deletes one row by its key.
    pub(crate) fn delete(&self) -> Sql {
        let mut sql = Sql::new(self.key.len());
        sql.push("DELETE FROM ").push(&table(self.table()));
        self.push_key(&mut sql);
        sql
    }

    /// Adds what selects the rows of a sweep: two parameters are the first and the last number of a
    /// row, or the first is a list of them.
    fn push_numbers(&self, sql: &mut Sql, reach: Reach) {
        let number = self.key_name(0);
        sql.push(" NOT INDEXED WHERE ").push(&number);
        match reach {
            Reach::Between => sql.push(" BETWEEN ?1 AND ?2"),
            Reach::Each => sql.push(" IN rarray(?1)"),
        };
    }

    /// Deletes the rows of a sweep that are as they should be: [`SAME`] is asked of each.
    pub(crate) fn sweep(&self, reach: Reach) -> Sql {
        let mut sql = Sql::new(reach.parameters());
        let number = self.key_name(0);
        sql.push("DELETE FROM ").push(&table(self.table()));
        self.push_numbers(&mut sql, reach);
        if reach == Reach::Between {
            sql.push(" AND ").push(MEANT).push("(").push(&number).push(")");
        }
        sql.push(" AND ").push(SAME).push("(").push(&number).push(", ");
        self.push_values(&mut sql, &Condition::Read);
        sql.push(")");
        sql
    }

    /// Reads rows by their numbers, in the order of these, whether or not they fit the condition.
    pub(crate) fn look_at_each(&self) -> Sql {
        let mut sql = Sql::new(Reach::Each.parameters());
        sql.push("SELECT ");
        self.push_values(&mut sql, &Condition::Read);
        sql.push(" FROM ").push(&table(self.table()));
        self.push_numbers(&mut sql, Reach::Each);
        sql.push(" ORDER BY ").push(&self.key_name(0));
        sql
    }

    /// Finds the numbers of rows by an index on a date.
    pub(crate) fn numbers_by_index(&self, index: &str, date: usize, stretch: &Stretch) -> Sql {
        let mut sql = Sql::new(0);
        let name = format!("{} COLLATE BINARY", self.name(date));
        sql.push("SELECT ").push(&self.key_name(0)).push(" FROM ").push(&table(self.table()));
        sql.push(" INDEXED BY ").push(&quoted(index)).push(" WHERE ");
        match stretch {
            Stretch::Null => sql.push(&name).push(" IS NULL"),
            Stretch::Before(next) => sql.push(&name).push(" < ").bind(next.clone()),
            Stretch::Equal(value) => sql.push(&name).push(" = ").bind(value.clone()),
            Stretch::NotLater(next, bound) => {
                sql.push(&name).push(" >= ").bind(next.clone()).push(" AND ");
                bound.push_not_later(&self.name(date), &mut sql);
                &mut sql
            }
        };
        sql
    }

    /// Finds the least value of a date from a value on, and the least beyond it.
    pub(crate) fn least_by_index(&self, index: &str, date: usize) -> (String, String) {
        let name = format!("{} COLLATE BINARY", self.name(date));
        let from = format!("{} INDEXED BY {}", table(self.table()), quoted(index));
        let least = |sign: &str| {
            format!(
                "SELECT {} FROM {from} WHERE {name} {sign} ?1 ORDER BY {name} LIMIT 1",
                self.name(date)
            )
        };
        (least(">="), least(">"))
    }

    /// Reads rows by their numbers, in the order of these, if they fit condition and bounds.
    pub(crate) fn page_of_each(&self, bounds: &[Option<Bound>]) -> Sql {
        let mut sql = Sql::new(Reach::Each.parameters());
        sql.push("SELECT ");
        self.push_values(&mut sql, &Condition::Required);
        sql.push(" FROM ").push(&table(self.table()));
        self.push_numbers(&mut sql, Reach::Each);
        sql.push(" AND ");
        self.push_condition(&mut sql);
        self.push_bounds(bounds, &mut sql);
        sql.push(" ORDER BY ").push(&self.key_name(0));
        sql
    }

    fn push_bounds(&self, bounds: &[Option<Bound>], sql: &mut Sql) {
        for (source, bound) in self.dates.iter().zip(bounds) {
            if let (Source::Column(position), Some(bound)) = (source, bound) {
                sql.push(" AND ");
                bound.push(&self.name(*position), sql);
            }
        }
    }

    /// Reads which of some numbers have a row.
    pub(crate) fn numbers_there(&self) -> Sql {
        let mut sql = Sql::new(Reach::Each.parameters());
        sql.push("SELECT ").push(&self.key_name(0)).push(" FROM ").push(&table(self.table()));
        self.push_numbers(&mut sql, Reach::Each);
        sql
    }

    /// Sets the anonymised columns of one row. The key is bound first, then the new values.
    pub(crate) fn update(&self) -> Sql {
        let mut sql = Sql::new(self.key.len() + self.treatments.len());
        sql.push("UPDATE ").push(&table(self.table())).push(" SET ");
        for (n, (position, _)) in self.treatments.iter().enumerate() {
            if n > 0 {
                sql.push(", ");
            }
            let parameter = self.key.len() + n + 1;
            sql.push(&format!("{} = ?{parameter}", quoted(self.column(*position))));
        }
        self.push_key(&mut sql);
        sql
    }

    /// The columns of a record that rows of members refer to, as positions in a row.
    pub(crate) fn referred(&self) -> Vec<usize> {
        let mut positions: Vec<usize> = self
            .graph
            .members
            .iter()
            .flat_map(|member| &member.links)
            .filter(|link| link.from.is_none())
            .flat_map(|link| &link.key.parent_columns)
            .filter_map(|name| self.position(name))
            .collect();
        positions.sort_unstable();
        positions.dedup();
        positions
    }

    /// Counts the rows of a member, within the statement that reads the record.
    fn count_of(&self, member: usize) -> String {
        let root = |name: &str| match self.position(name) {
            Some(position) => self.name(position),
            None => column(self.table(), name),
        };
        let (from, condition) = self.rows_of(member, &root);
        format!("(SELECT count(*) FROM {from} WHERE {condition})")
    }

    /// Deletes the rows of a member. The columns that [`Selection::referred`] names are bound.
    pub(crate) fn delete_member(&self, member: usize) -> Sql {
        let referred = self.referred();
        let root = |name: &str| {
            let place = self
                .position(name)
                .and_then(|position| referred.iter().position(|r| *r == position));
            place.map_or_else(|| "NULL".to_owned(), |n| format!("?{}", n + 1))
        };
        let (from, condition) = self.rows_of(member, &root);
        let mut sql = Sql::new(referred.len());
        sql.push(&format!("DELETE FROM {from} WHERE {condition}"));
        sql
    }

    fn rows_of(&self, member: usize, root: &dyn Fn(&str) -> String) -> (String, String) {
        let alias = quoted(&format!("{}{member}", self.alias));
        let Some(found) = self.graph.members.get(member) else {
            return (alias, "0".to_owned());
        };
        let ways: Vec<String> =
            found.links.iter().map(|link| self.way(link, &alias, root)).collect();
        (format!("{} AS {alias}", table(&found.table)), format!("({})", ways.join(" OR ")))
    }

    /// The condition that a row refers to the record, or to a member that goes with it.
    fn way(&self, link: &Link, alias: &str, root: &dyn Fn(&str) -> String) -> String {
        let columns = |names: &[String], of: &str| -> Vec<String> {
            names.iter().map(|name| format!("{of}.{}", quoted(name))).collect()
        };
        let own = columns(&link.key.columns, alias);
        match link.from {
            None => {
                let parents = link.key.parent_columns.iter().map(|name| root(name));
                let pairs = parents.zip(&own).map(|(parent, own)| format!("{parent} = {own}"));
                format!("({})", pairs.collect::<Vec<String>>().join(" AND "))
            }
            Some(member) => {
                let (from, condition) = self.rows_of(member, root);
                let parent = quoted(&format!("{}{member}", self.alias));
                let parents = columns(&link.key.parent_columns, &parent).join(", ");
                format!(
                    "(({}) IN (SELECT {parents} FROM {from} WHERE {condition}))",
                    own.join(", ")
                )
            }
        }
    }

    /// Reads the keys of rows of the same table that refer to a record by one of its own foreign
    /// keys. What they refer to is bound.
    pub(crate) fn referring(&self, key: &ForeignKey) -> Sql {
        let mut sql = Sql::new(key.columns.len());
        sql.push("SELECT ");
        for (n, part) in self.key.iter().enumerate() {
            sql.push(if n > 0 { ", " } else { "" }).push(&self.name(part.position));
        }
        sql.push(" FROM ").push(&table(self.table()));
        for (n, name) in key.columns.iter().enumerate() {
            sql.push(if n == 0 { " WHERE " } else { " AND " });
            sql.push(&format!("{} = ?{}", column(self.table(), name), n + 1));
        }
        sql
    }
}

/// The function that says whether a sweep means a row: `quietus_meant(number)`.
pub(crate) const MEANT: &str = "quietus_meant";
/// The function that says whether a row is as it should be: `quietus_same(number, values...)`.
pub(crate) const SAME: &str = "quietus_same";

/// A stretch of an index on a date.
#[derive(Clone, Debug)]
pub(crate) enum Stretch {
    /// Rows without a date.
    Null,
    /// Values before one.
    Before(Cell),
    /// One value.
    Equal(Cell),
    /// Values from one on that are not known as dates later than a bound.
    NotLater(Cell, Bound),
}

/// How a sweep finds its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It reads all rows between two numbers.
    Between,
    /// It goes to each.
    Each,
}

impl Reach {
    fn parameters(self) -> usize {
        match self {
            Self::Between => 2,
            Self::Each => 1,
        }
    }
}

/// What a reading does with the holding's condition.
enum Condition {
    /// Only rows for which it is true are read.
    Required,
    /// All rows are read, and whether it is true.
    Read,
}

/// Counts rows of a table, as far as `max`.
pub(crate) fn count_up_to(name: &str, max: i64) -> Sql {
    let mut sql = Sql::new(0);
    sql.push("SELECT count(*) FROM (SELECT 1 FROM ").push(&table(name)).push(" LIMIT ");
    sql.bind(Cell::Integer(max)).push(")");
    sql
}

/// Counts the rows of a table.
pub(crate) fn count(name: &str) -> String {
    format!("SELECT count(*) FROM {}", table(name))
}
