//! The few words of SQL that differ from product to product.

/// Quotes an identifier. The one function that does it; identifiers come from the catalogue only.
pub(crate) fn quoted(identifier: &str) -> String {
    let mut out = String::with_capacity(identifier.len() + 2);
    out.push('"');
    for c in identifier.chars() {
        if c == '"' {
            out.push('"');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// Quotes a column of a table, so that it can be nothing but that column: SQLite takes an unknown
/// name in double quotes for a text, unless a table's name stands before it.
pub(crate) fn column(table: &str, column: &str) -> String {
    format!("{}.{}", quoted(table), quoted(column))
}

/// Quotes a table of the database itself, not of a temporary one.
pub(crate) fn table(table: &str) -> String {
    format!("main.{}", quoted(table))
}

/// Compares names as SQLite does: letters of ASCII without case.
pub(crate) fn same_name(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// A statement in the making: text, and the values bound to its parameters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sql {
    /// The text.
    pub(crate) text: String,
    /// Values of `?N` and on, where N - 1 parameters are bound by the caller.
    pub(crate) values: Vec<crate::value::Cell>,
    /// How many parameters the caller binds first.
    pub(crate) reserved: usize,
}

impl Sql {
    /// Begins a statement whose first parameters the caller binds.
    pub(crate) fn new(reserved: usize) -> Self {
        Self { text: String::new(), values: Vec::new(), reserved }
    }

    /// Adds text of ours.
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a parameter with its value.
    pub(crate) fn bind(&mut self, value: crate::value::Cell) -> &mut Self {
        self.values.push(value);
        let number = self.reserved + self.values.len();
        self.text.push_str(&format!("?{number}"));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_identifier_ends_where_it_should() {
        assert_eq!(quoted(r#"a"b"#), r#""a""b""#);
        assert_eq!(column("select", "x"), r#""select"."x""#);
    }
}
