//! The form of an adapter: the keys that `systems.toml` may have for it.

/// Describes what may be written about a system of one kind, and about its holdings.
///
/// The schedule crate checks `systems.toml` against it, and writes the JSON Schema from it.
#[derive(Debug)]
pub struct Form {
    /// The word behind `adapter =`.
    pub adapter: &'static str,
    /// One sentence for people: what the adapter reaches.
    pub about: &'static str,
    /// Keys of a `[system.NAME]` table, besides the common ones.
    pub system: &'static [Key],
    /// Keys of a `[[holding]]` table, besides the common ones.
    pub holding: &'static [Key],
    /// What a date source may look like, for help texts: `column`, `mtime`, `path:NAME`.
    pub date_sources: &'static [&'static str],
}

/// One key of a form.
#[derive(Debug)]
pub struct Key {
    /// The key as it is written.
    pub name: &'static str,
    /// What its value must be.
    pub shape: Shape,
    /// Whether a system or holding without it is refused.
    pub required: bool,
    /// One sentence for hover texts and help.
    pub about: &'static str,
}

/// The shape of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A text that is not blank.
    Text,
    /// One text of a fixed list.
    Word(&'static [&'static str]),
    /// A list of texts, neither empty nor with a blank text.
    Texts,
    /// A whole number, zero or more.
    Number,
    /// `true` or `false`.
    Flag,
    /// A calendar date.
    Date,
    /// A table of texts, not empty.
    Table,
}
