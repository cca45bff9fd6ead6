//! Templates: `customer:{customer_id}`.

/// A text with fields in braces, filled with what a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    source: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(String),
}

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotATemplate {
    /// A brace opens and never closes.
    #[error("a brace is opened and never closed")]
    Open,
    /// A brace closes that was never opened.
    #[error("a brace is closed that was never opened")]
    Close,
    /// There is nothing between the braces.
    #[error("there is nothing between the braces")]
    Blank,
    /// There is no field at all.
    #[error("there is no field in braces")]
    NoField,
}

impl Template {
    /// Reads a template.
    ///
    /// # Behavior
    ///
    /// - At least one field; a template without one would say the same of every record.
    /// - `{{` and `}}` stand for the braces themselves.
    pub fn parse(source: &str) -> Result<Self, NotATemplate> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut chars = source.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '{' if chars.next_if_eq(&'{').is_some() => text.push('{'),
                '}' if chars.next_if_eq(&'}').is_some() => text.push('}'),
                '}' => return Err(NotATemplate::Close),
                '{' => {
                    if !text.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut text)));
                    }
                    let mut name = String::new();
                    loop {
                        match chars.next() {
                            Some('}') => break,
                            None | Some('{') => return Err(NotATemplate::Open),
                            Some(c) => name.push(c),
                        }
                    }
                    if name.trim().is_empty() {
                        return Err(NotATemplate::Blank);
                    }
                    parts.push(Part::Field(name.trim().to_owned()));
                }
                c => text.push(c),
            }
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        let template = Self { source: source.to_owned(), parts };
        if template.fields().next().is_none() {
            return Err(NotATemplate::NoField);
        }
        Ok(template)
    }

    /// Returns the template as it was written.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Returns the names of the fields, in order; a name that is used twice comes twice.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Field(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// Fills the template.
    ///
    /// # Behavior
    ///
    /// - `None` when a field has no value, or a blank one.
    pub fn fill<'v>(&self, mut value: impl FnMut(&str) -> Option<&'v str>) -> Option<String> {
        let mut filled = String::with_capacity(self.source.len() + 8);
        for part in &self.parts {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Field(name) => {
                    filled.push_str(value(name).filter(|v| !v.trim().is_empty())?);
                }
            }
        }
        Some(filled)
    }

    /// Returns whether some values could fill the template to `text`.
    pub(crate) fn could_be(&self, text: &str) -> bool {
        let first = match self.parts.first() {
            Some(Part::Text(prefix)) => text.starts_with(prefix.as_str()),
            _ => true,
        };
        let last = match self.parts.last() {
            Some(Part::Text(suffix)) => text.ends_with(suffix.as_str()),
            _ => true,
        };
        first && last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_are_filled_in_order() {
        let template = Template::parse("{{x}} {tag:customer}/{ id }").unwrap();
        assert_eq!(template.fields().collect::<Vec<_>>(), ["tag:customer", "id"]);
        let filled = template.fill(|name| Some(if name == "id" { "7" } else { "acme" }));
        assert_eq!(filled.as_deref(), Some("{x} acme/7"));
    }

    #[test]
    fn a_missing_or_blank_value_fills_nothing() {
        let template = Template::parse("customer:{id}").unwrap();
        assert_eq!(template.fill(|_| None), None);
        assert_eq!(template.fill(|_| Some("  ")), None);
    }

    #[test]
    fn broken_braces_are_refused() {
        for (text, why) in [
            ("{a", NotATemplate::Open),
            ("{a{b}", NotATemplate::Open),
            ("a}", NotATemplate::Close),
            ("{}", NotATemplate::Blank),
            ("{ }", NotATemplate::Blank),
            ("customer", NotATemplate::NoField),
            ("{{a}}", NotATemplate::NoField),
        ] {
            assert_eq!(Template::parse(text), Err(why), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_fail(text in ".*") {
            let parsed = Template::parse(&text);
            prop_assert!(parsed.is_err() || parsed.is_ok_and(|t| t.as_str() == text));
        }
    }
}
