//! Small pieces of English.

/// Joins words: `a`, `a or b`, `a, b or c`.
pub(crate) fn either<S: AsRef<str>>(words: &[S]) -> String {
    join(words, "or")
}

/// Joins words: `a`, `a and b`, `a, b and c`.
pub(crate) fn all<S: AsRef<str>>(words: &[S]) -> String {
    join(words, "and")
}

fn join<S: AsRef<str>>(words: &[S], last_word: &str) -> String {
    match words {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [rest @ .., last] => {
            let rest: Vec<&str> = rest.iter().map(AsRef::as_ref).collect();
            format!("{} {last_word} {}", rest.join(", "), last.as_ref())
        }
    }
}

/// Puts each word in quotation marks.
pub(crate) fn quoted<S: AsRef<str>>(words: &[S]) -> Vec<String> {
    words.iter().map(|w| format!("\"{}\"", w.as_ref())).collect()
}

/// Returns the word of `known` that `said` most likely means.
pub(crate) fn nearest<'w>(said: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    /// Below this likeness a suggestion confuses more than it helps.
    const LIKENESS_MIN: f64 = 0.7;
    nearest_by(said, known, LIKENESS_MIN)
}

/// As [`nearest`], with a likeness of one's own, from 0 to 1.
pub(crate) fn nearest_by<'w>(
    said: &str,
    known: impl IntoIterator<Item = &'w str>,
    likeness_min: f64,
) -> Option<&'w str> {
    let lower = said.to_lowercase();
    known
        .into_iter()
        .map(|word| (strsim::normalized_damerau_levenshtein(&lower, &word.to_lowercase()), word))
        .filter(|(likeness, _)| *likeness >= likeness_min)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, word)| word)
}

/// Returns "did you mean ...?" with a space after it, or nothing.
pub(crate) fn did_you_mean<'w>(
    said: &str,
    known: impl IntoIterator<Item = &'w str>,
) -> Option<String> {
    nearest(said, known).map(|word| format!("did you mean \"{word}\"?"))
}

/// Puts two optional sentences after each other.
pub(crate) fn sentences(first: Option<String>, then: impl Into<String>) -> Option<String> {
    let then = then.into();
    match first {
        None => Some(then).filter(|t| !t.is_empty()),
        Some(first) if then.is_empty() => Some(first),
        Some(first) => {
            let mut chars = then.chars();
            let initial: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
            Some(format!("{first} {initial}{}", chars.as_str()))
        }
    }
}

/// Returns the word with "a" or "an" before it.
pub(crate) fn a(word: &str) -> String {
    let article = if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {word}")
}
