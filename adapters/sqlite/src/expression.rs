//! SQL that IT wrote: `where`, and dates that are expressions.
//!
//! The text is put between parentheses into statements of ours. Here it is made sure that it
//! cannot leave them; what it may *do* is the business of the connection's watch.

/// Why a text is not one expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotOne {
    /// Nothing but blanks.
    #[error("is empty")]
    Empty,
    /// A `;` outside of quotes.
    #[error("has a semicolon: it must be one expression")]
    Semicolon,
    /// A comment could hide the closing parenthesis.
    #[error("has a comment: leave it out")]
    Comment,
    /// A closing parenthesis too many, or one too few.
    #[error("has unbalanced parentheses")]
    Parentheses,
    /// A quote without an end.
    #[error("has a quote without an end")]
    Quote,
    /// `?`, `:name`, `@name` or `$name` would take our own values.
    #[error("has a parameter: values must be written out")]
    Parameter,
    /// NUL or another control character.
    #[error("has a control character")]
    Control,
}

/// Checks that a text stays within the parentheses that are put around it.
///
/// # Behavior
///
/// - Quotes are those of SQL: `'..'`, `".."`, with the quote doubled inside; also `[..]` and
///   backticks, which SQLite takes for identifiers.
/// - A colon is refused wherever a name follows, so casts like `x::date` are, too.
pub(crate) fn check(text: &str) -> Result<(), NotOne> {
    if text.trim().is_empty() {
        return Err(NotOne::Empty);
    }
    let mut depth = 0_u32;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' | '`' => to_end_of_quote(&mut chars, c)?,
            '[' => to_end_of_quote(&mut chars, ']')?,
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1).ok_or(NotOne::Parentheses)?,
            ';' => return Err(NotOne::Semicolon),
            '-' if chars.peek() == Some(&'-') => return Err(NotOne::Comment),
            '/' if chars.peek() == Some(&'*') => return Err(NotOne::Comment),
            '?' | ':' | '@' | '$' | '#' => return Err(NotOne::Parameter),
            '\t' | '\n' | '\r' => {}
            c if c.is_control() => return Err(NotOne::Control),
            _ => {}
        }
    }
    if depth == 0 { Ok(()) } else { Err(NotOne::Parentheses) }
}

fn to_end_of_quote(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    end: char,
) -> Result<(), NotOne> {
    while let Some(c) = chars.next() {
        if c == '\0' {
            return Err(NotOne::Control);
        }
        if c == end && (end == ']' || chars.next_if_eq(&end).is_none()) {
            return Ok(());
        }
    }
    Err(NotOne::Quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_one_expression() {
        for text in [
            "status <> 'draft'",
            "coalesce((select max(o.ordered_at) from sales_order o where o.a = account.a), 'x')",
            "\"odd \"\"name\" = 'it''s; -- fine'",
            "[odd (name] is null",
            "a->>'$.b' = 1",
            "a - -1 > 2 / 3",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_could_leave_its_parentheses_is_refused() {
        for (text, expected) in [
            ("  ", NotOne::Empty),
            ("1; delete from t", NotOne::Semicolon),
            ("1) from t union select (2", NotOne::Parentheses),
            ("(1", NotOne::Parentheses),
            ("1 -- ", NotOne::Comment),
            ("1 /* ", NotOne::Comment),
            ("a = ?1", NotOne::Parameter),
            ("a = :name", NotOne::Parameter),
            ("a = @name", NotOne::Parameter),
            ("a = $name", NotOne::Parameter),
            ("a = 'x", NotOne::Quote),
            ("a = [x", NotOne::Quote),
            ("a = '\0'", NotOne::Control),
            ("a \0", NotOne::Control),
        ] {
            assert_eq!(check(text), Err(expected), "{text}");
        }
    }
}
