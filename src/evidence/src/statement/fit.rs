//! Making a result short enough to be signed.
//!
//! A result is written after its records are gone, so it must not fail for the length of a text
//! that somebody typed. What names things, counts them or binds them is never touched.

use super::event::BatchResult;
use super::parts::{Known, Residual};

/// Longest text in characters and longest list, from the first try to the last.
const TRIES: [(usize, usize); 5] = [(160, 5), (80, 4), (40, 3), (20, 2), (10, 1)];

/// Returns shorter and shorter forms of a result.
///
/// # Behavior
///
/// - A text that is cut ends in `…`; the last item of a list that is cut says how many more there
///   are. The schedule, the class and the scope, which must be those of the intent, stay whole.
pub(super) fn shorter(result: &BatchResult) -> impl Iterator<Item = BatchResult> + '_ {
    TRIES.into_iter().map(|(chars_max, items_max)| {
        let mut result = result.clone();
        lists(&mut result, items_max);
        for text in texts(&mut result) {
            cut(text, chars_max);
        }
        result
    })
}

fn lists(result: &mut BatchResult, items_max: usize) {
    for list in [&mut result.authority.legal_basis, &mut result.not_checked] {
        if let Some(more) = surplus(list.len(), items_max) {
            list.truncate(items_max.saturating_sub(1));
            list.push(format!("and {more} more"));
        }
    }
    if let Some(more) = surplus(result.residual.len(), items_max) {
        result.residual.truncate(items_max.saturating_sub(1));
        result.residual.push(Residual {
            place: format!("{more} more places"),
            kind: "several".to_owned(),
            clears_by: Known::Unknown,
        });
    }
}

/// How many items of a list that is too long go into its last item.
fn surplus(length: usize, items_max: usize) -> Option<usize> {
    (length > items_max).then(|| length - items_max.saturating_sub(1))
}

/// Lists the free texts of a result.
fn texts(result: &mut BatchResult) -> Vec<&mut String> {
    let issuer = &mut result.issuer;
    let mut texts = vec![&mut issuer.org, &mut issuer.agent, &mut issuer.host];
    texts.extend(issuer.unit.iter_mut().chain(&mut issuer.contact));
    texts.extend([&mut result.tool.name, &mut result.tool.version]);
    texts.extend(&mut result.authority.legal_basis);
    texts.extend(result.authority.approvals.iter_mut().map(|one| &mut one.role));
    let method = &mut result.scope.method;
    texts.extend([&mut method.technique, &mut method.strength]);
    texts.extend([&mut result.verification.by, &mut result.verification.method]);
    for copy in &mut result.residual {
        texts.extend([&mut copy.place, &mut copy.kind]);
    }
    texts.extend(&mut result.not_checked);
    texts
}

fn cut(text: &mut String, chars_max: usize) {
    if text.chars().count() > chars_max {
        let mut short: String = text.chars().take(chars_max.saturating_sub(1)).collect();
        short.push('\u{2026}');
        *text = short;
    }
}
