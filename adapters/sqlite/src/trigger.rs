//! Triggers: what a disposal would make the database do besides.
//!
//! SQLite itself is asked: the statements of a disposal are compiled, never run, and the watch
//! notes each change that their programs contain.

use std::collections::BTreeSet;

use quietus_contract::{Action, Result};

use crate::connection::{Deed, DeedKind, Duty};
use crate::error;
use crate::reader::Session;
use crate::selection::Selection;

/// Returns what triggers would do when records of a selection are disposed of.
pub(crate) fn deeds(session: &Session, selection: &Selection) -> Result<BTreeSet<Deed>> {
    let mut statements = Vec::new();
    match selection.holding.action {
        Action::Destroy => {
            statements.push(selection.delete().text);
            let members = 0..selection.graph.members.len();
            statements.extend(members.map(|member| selection.delete_member(member).text));
        }
        Action::Anonymise => statements.push(selection.update().text),
    }
    let mut seen = BTreeSet::new();
    for text in statements {
        let watch = &session.link.watch;
        let compiled = watch.during(Duty::Record, || {
            session.link.with_loose_quotes(|sqlite| sqlite.prepare(&text).map(drop))
        });
        let noted = watch.take_seen();
        compiled.map_err(|error| error::does_not_compile(&error))?;
        seen.extend(noted.into_iter().filter(|deed| deed.trigger.is_some()));
    }
    Ok(seen)
}

/// Says in words what triggers would do.
pub(crate) fn notes(deeds: &BTreeSet<Deed>) -> Vec<String> {
    deeds
        .iter()
        .filter_map(|deed| {
            let does = match deed.kind {
                DeedKind::Insert => "adds rows to",
                DeedKind::Update => "changes rows of",
                DeedKind::Delete => "deletes rows of",
            };
            let trigger = deed.trigger.as_ref()?;
            Some(format!("the trigger `{trigger}` {does} `{}`", deed.table))
        })
        .collect()
}
