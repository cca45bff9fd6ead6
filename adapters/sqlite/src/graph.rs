//! The graph of foreign keys: what goes with a record, what is changed by its going, and what
//! stands in the way. Free of dialect and of any connection.

use std::collections::{BTreeMap, BTreeSet};

/// What the database does to a referencing row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnDelete {
    /// It refuses (at once, or at the end of the transaction).
    NoAction,
    /// It refuses at once.
    Restrict,
    /// It deletes the row.
    Cascade,
    /// It sets the columns to null.
    SetNull,
    /// It sets the columns to their defaults.
    SetDefault,
}

impl OnDelete {
    /// Reads the word of the catalogue.
    pub(crate) fn from_word(word: &str) -> Self {
        match word.to_ascii_uppercase().as_str() {
            "CASCADE" => Self::Cascade,
            "SET NULL" => Self::SetNull,
            "SET DEFAULT" => Self::SetDefault,
            "RESTRICT" => Self::Restrict,
            _ => Self::NoAction,
        }
    }
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ForeignKey {
    /// The table whose rows refer.
    pub(crate) child: String,
    /// The columns that refer.
    pub(crate) columns: Vec<String>,
    /// The table that is referred to.
    pub(crate) parent: String,
    /// The columns that are referred to; as many as `columns`, or the key does not fit.
    pub(crate) parent_columns: Vec<String>,
    /// What happens to referring rows.
    pub(crate) on_delete: OnDelete,
}

/// A table whose rows go with a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// The table.
    pub(crate) table: String,
    /// Whether `dispose_with` names it; otherwise its foreign keys cascade.
    pub(crate) declared: bool,
    /// The ways from the record, or from another member, to its rows.
    pub(crate) links: Vec<Link>,
}

/// A way to the rows of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// The foreign key.
    pub(crate) key: ForeignKey,
    /// The member that is referred to, as a position in [`Graph::members`]; `None` for the record.
    pub(crate) from: Option<usize>,
}

/// What a disposal of records of one table means for the other tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Graph {
    /// What goes with a record; a table always stands behind those that refer to it, so this is
    /// the order of deletion.
    pub(crate) members: Vec<Member>,
    /// Foreign keys of the table to itself that do not set null.
    pub(crate) own: Vec<ForeignKey>,
    /// Foreign keys whose rows stay, with other values.
    pub(crate) cleared: Vec<ForeignKey>,
    /// Foreign keys of the record's table to a member, and of members to themselves.
    pub(crate) back: Vec<ForeignKey>,
}

/// Why a graph cannot be disposed of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Obstacle {
    /// Rows of these tables refer to records, and nobody said what should become of them.
    #[error("rows of {} refer to rows of {table}, and `dispose_with` does not name them", list(.children))]
    Undeclared {
        /// The table that is referred to.
        table: String,
        /// The tables that refer, with what `dispose_with` would have to be.
        children: Vec<String>,
        /// The whole list that would do.
        dispose_with: Vec<String>,
    },
    /// `dispose_with` names a table that no foreign key connects with the record's.
    #[error("`dispose_with` names {table}, but no foreign key leads from it to {root}")]
    Unconnected {
        /// The table that is named.
        table: String,
        /// The record's table.
        root: String,
    },
    /// Two other tables refer to each other.
    #[error("the tables {} refer to each other in a circle: which row goes first cannot be told", list(.0))]
    Circle(Vec<String>),
    /// A foreign key has not as many columns as what it refers to.
    #[error("a foreign key of {child} does not fit the key of {parent}")]
    Misfit {
        /// The table whose rows refer.
        child: String,
        /// The table that is referred to.
        parent: String,
    },
    /// More tables than anyone can survey.
    #[error("more than {TABLES_MAX} tables would lose rows")]
    TooMany,
}

/// Tables that may lose rows with a record.
const TABLES_MAX: usize = 64;

fn list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// Follows the foreign keys from the table of a holding.
///
/// `dispose_with` has names of the catalogue. Keys that neither cascade nor set a value, and whose
/// table is not named, are obstacles: the database would refuse, or rows would lose their parent.
pub(crate) fn follow(
    root: &str,
    keys: &[ForeignKey],
    dispose_with: &[String],
) -> Result<Graph, Obstacle> {
    let mut graph = Graph::default();
    // A member's links name their parents; positions come when the order is known.
    let mut found: BTreeMap<String, Vec<ForeignKey>> = BTreeMap::new();
    let mut undeclared: Vec<ForeignKey> = Vec::new();
    let mut waiting = vec![root.to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(parent) = waiting.pop() {
        if !seen.insert(parent.clone()) {
            continue;
        }
        if seen.len() > TABLES_MAX {
            return Err(Obstacle::TooMany);
        }
        for key in keys.iter().filter(|key| key.parent == parent) {
            if key.columns.len() != key.parent_columns.len() {
                return Err(Obstacle::Misfit { child: key.child.clone(), parent });
            }
            let declared = dispose_with.contains(&key.child);
            let clears = matches!(key.on_delete, OnDelete::SetNull | OnDelete::SetDefault);
            if clears && !(declared && key.child != root) {
                graph.cleared.push(key.clone());
            } else if key.child == root && parent == root {
                graph.own.push(key.clone());
            } else if key.child == root || key.child == parent {
                graph.back.push(key.clone());
            } else if declared || key.on_delete == OnDelete::Cascade {
                found.entry(key.child.clone()).or_default().push(key.clone());
                waiting.push(key.child.clone());
            } else {
                undeclared.push(key.clone());
            }
        }
    }
    refuse_undeclared(&undeclared, keys, dispose_with)?;
    if let Some(table) = dispose_with.iter().find(|table| !found.contains_key(*table)) {
        return Err(Obstacle::Unconnected { table: table.clone(), root: root.to_owned() });
    }
    graph.members = in_order(root, found, dispose_with)?;
    Ok(graph)
}

fn refuse_undeclared(
    undeclared: &[ForeignKey],
    keys: &[ForeignKey],
    dispose_with: &[String],
) -> Result<(), Obstacle> {
    let Some(first) = undeclared.first() else { return Ok(()) };
    let mut children: Vec<String> = Vec::new();
    for key in undeclared.iter().filter(|key| key.parent == first.parent) {
        if !children.contains(&key.child) {
            children.push(key.child.clone());
        }
    }
    // The help names the grandchildren as well, so that one correction is enough.
    let mut all = dispose_with.to_vec();
    let mut waiting: Vec<String> = undeclared.iter().map(|key| key.child.clone()).collect();
    while let Some(table) = waiting.pop() {
        if all.contains(&table) || all.len() > TABLES_MAX {
            continue;
        }
        let refusing = keys.iter().filter(|key| {
            key.parent == table && matches!(key.on_delete, OnDelete::NoAction | OnDelete::Restrict)
        });
        waiting.extend(refusing.map(|key| key.child.clone()));
        all.push(table);
    }
    Err(Obstacle::Undeclared { table: first.parent.clone(), children, dispose_with: all })
}

/// Puts members so that each stands behind those that refer to it.
fn in_order(
    root: &str,
    mut found: BTreeMap<String, Vec<ForeignKey>>,
    dispose_with: &[String],
) -> Result<Vec<Member>, Obstacle> {
    let mut order: Vec<(String, Vec<ForeignKey>)> = Vec::new();
    while !found.is_empty() {
        let free =
            found.keys().find(|table| !found.values().flatten().any(|key| key.parent == **table));
        let Some(table) = free.cloned() else {
            return Err(Obstacle::Circle(found.into_keys().collect()));
        };
        let links = found.remove(&table).unwrap_or_default();
        order.push((table, links));
    }
    let places: BTreeMap<String, usize> =
        order.iter().enumerate().map(|(n, (table, _))| (table.clone(), n)).collect();
    Ok(order
        .into_iter()
        .map(|(table, keys)| Member {
            declared: dispose_with.contains(&table),
            links: keys
                .into_iter()
                .map(|key| {
                    let from =
                        if key.parent == root { None } else { places.get(&key.parent).copied() };
                    Link { key, from }
                })
                .collect(),
            table,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(child: &str, parent: &str, on_delete: OnDelete) -> ForeignKey {
        ForeignKey {
            child: child.to_owned(),
            columns: vec![format!("{parent}_id")],
            parent: parent.to_owned(),
            parent_columns: vec!["id".to_owned()],
            on_delete,
        }
    }

    fn names(graph: &Graph) -> Vec<&str> {
        graph.members.iter().map(|m| m.table.as_str()).collect()
    }

    fn texts(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    use OnDelete::{Cascade, NoAction, Restrict, SetNull};

    #[test]
    fn an_undeclared_child_is_refused_with_the_list_that_would_do() {
        let keys = [key("line", "invoice", NoAction), key("note", "line", Restrict)];
        let refused = follow("invoice", &keys, &[]);
        assert_eq!(
            refused,
            Err(Obstacle::Undeclared {
                table: "invoice".to_owned(),
                children: texts(&["line"]),
                dispose_with: texts(&["line", "note"]),
            })
        );
        let graph = follow("invoice", &keys, &texts(&["line", "note"])).unwrap();
        assert_eq!(names(&graph), ["note", "line"]);
    }

    #[test]
    fn a_grandchild_behind_a_cascade_is_refused_too() {
        let keys = [key("line", "invoice", Cascade), key("note", "line", NoAction)];
        assert!(matches!(follow("invoice", &keys, &[]), Err(Obstacle::Undeclared { .. })));
    }

    #[test]
    fn a_cascade_goes_along_and_set_null_stays() {
        let keys = [key("line", "invoice", Cascade), key("letter", "invoice", SetNull)];
        let graph = follow("invoice", &keys, &[]).unwrap();
        assert_eq!(names(&graph), ["line"]);
        assert!(!graph.members[0].declared);
        assert_eq!(graph.cleared.len(), 1);
    }

    #[test]
    fn a_table_on_two_ways_stands_once_with_both() {
        let keys = [
            key("line", "invoice", NoAction),
            key("payment", "invoice", NoAction),
            key("payment", "line", NoAction),
        ];
        let graph = follow("invoice", &keys, &texts(&["line", "payment"])).unwrap();
        assert_eq!(names(&graph), ["payment", "line"]);
        assert_eq!(graph.members[0].links.len(), 2);
        assert_eq!(graph.members[0].links[1].from, Some(1));
    }

    #[test]
    fn own_keys_are_set_apart() {
        let keys = [key("employee", "employee", NoAction), key("employee", "photo", NoAction)];
        let graph = follow("employee", &keys, &[]).unwrap();
        assert_eq!(graph.own.len(), 1);
        assert!(graph.members.is_empty());
    }

    #[test]
    fn a_circle_of_other_tables_is_refused_and_a_way_back_is_not() {
        let circle = [key("a", "root", NoAction), key("b", "a", NoAction), key("a", "b", NoAction)];
        let refused = follow("root", &circle, &texts(&["a", "b"]));
        assert!(matches!(refused, Err(Obstacle::Circle(_))));
        let back = [key("a", "root", NoAction), key("root", "a", NoAction)];
        assert_eq!(follow("root", &back, &texts(&["a"])).unwrap().back.len(), 1);
    }

    #[test]
    fn dispose_with_must_be_connected() {
        let refused = follow("root", &[], &texts(&["log"]));
        assert!(matches!(refused, Err(Obstacle::Unconnected { .. })));
    }
}
