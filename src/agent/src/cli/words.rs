//! Small pieces of text.

/// Puts an s where there are several.
pub(super) fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

/// Writes a number with commas between thousands.
pub(super) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Lays rows out in columns: texts to the left, numbers to the right.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let is_number =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == ',');
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count());
        cells.chain(head.get(column).map(|h| h.chars().count())).max().unwrap_or(0)
    };
    let right: Vec<bool> = (0..head.len())
        .map(|column| {
            let mut cells = rows.iter().filter_map(|row| row.get(column)).peekable();
            cells.peek().is_some() && cells.all(|c| is_number(c) || c.is_empty())
        })
        .collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut out = String::new();
        for (column, (cell, right)) in cells.zip(&right).enumerate() {
            let width = width(column);
            let gap = if column == 0 { "" } else { "  " };
            let cell = if *right { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
            out.push_str(gap);
            out.push_str(&cell);
        }
        out.trim_end().to_owned()
    };
    let mut lines = vec![line(&mut head.iter().copied())];
    lines.extend(rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    lines.join("\n")
}

/// Breaks a text into lines of at most `width`, each with `indent` before it.
pub(super) fn wrap(text: &str, indent: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            let longer = indent.len() + line.chars().count() + 1 + word.chars().count();
            if !line.is_empty() && longer > width {
                lines.push(format!("{indent}{line}"));
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(format!("{indent}{line}").trim_end().to_owned());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!((number(0), number(999)), ("0".into(), "999".into()));
        assert_eq!((number(1000), number(1234567)), ("1,000".into(), "1,234,567".into()));
    }

    #[test]
    fn numbers_stand_to_the_right_and_texts_to_the_left() {
        let rows = vec![vec!["FIN".into(), "7".into()], vec!["CUSTOMER".into(), "1,000".into()]];
        assert_eq!(
            table(&["class", "due"], &rows),
            "class       due\nFIN           7\nCUSTOMER  1,000"
        );
    }

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrap("one two three\nfour", "  ", 10), "  one two\n  three\n  four");
    }
}
