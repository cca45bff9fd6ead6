//! What the files say of each other.

mod class;
mod holds;
mod minimum;
mod schedule;
mod systems;

use crate::read::Names;
use crate::sheet::{Say, say};
use crate::words;

pub(crate) use holds::holds;
pub(crate) use schedule::schedule;
pub(crate) use systems::systems;

/// Says that a name is not listed; nothing where that is not certain.
fn unknown(
    code: &'static str,
    kind: &str,
    what: String,
    said: &str,
    names: &Names,
    where_: &str,
) -> Option<Say> {
    if names.has(said) || !names.complete {
        return None;
    }
    let meant = words::did_you_mean(said, names.iter());
    Some(say(code, what, format!("unknown {kind}"), words::sentences(meant, where_)))
}
