//! What the tests of this crate share: files, and forms of adapters that do not exist yet.

use std::path::{Path, PathBuf};

use quietus_contract::{Form, Key, Shape};
use quietus_schedule::{SourceFile, Sources};

const fn must(name: &'static str, shape: Shape) -> Key {
    Key { name, shape, required: true, about: "Stands in for an adapter's own words." }
}

const fn may(name: &'static str, shape: Shape) -> Key {
    Key { name, shape, required: false, about: "Stands in for an adapter's own words." }
}

/// Forms like those that the adapters of the complete example would have.
pub const FORMS: &[&Form] = &[
    &Form {
        adapter: "postgres",
        about: "A PostgreSQL database.",
        system: &[],
        holding: &[
            must("table", Shape::Text),
            must("key", Shape::Texts),
            may("where", Shape::Text),
            may("dispose_with", Shape::Texts),
            may("anonymise", Shape::Table),
        ],
        date_sources: &["COLUMN", "SQL EXPRESSION"],
    },
    &Form {
        adapter: "s3",
        about: "A bucket.",
        system: &[must("endpoint", Shape::Text), must("bucket", Shape::Text)],
        holding: &[
            must("prefix", Shape::Text),
            may("tags", Shape::Table),
            may("all_versions", Shape::Flag),
        ],
        date_sources: &["tag:NAME", "last-modified"],
    },
    &Form {
        adapter: "imap",
        about: "Mailboxes.",
        system: &[must("host", Shape::Text), must("mailboxes", Shape::Texts)],
        holding: &[must("folders", Shape::Texts), may("except_folders", Shape::Texts)],
        date_sources: &["internaldate"],
    },
    &Form {
        adapter: "google_drive",
        about: "Shared drives.",
        system: &[],
        holding: &[must("shared_drive", Shape::Text), may("label", Shape::Text)],
        date_sources: &["label:LABEL/FIELD"],
    },
    &Form {
        adapter: "filesystem",
        about: "A file tree.",
        system: &[
            must("root", Shape::Text),
            may("method", Shape::Word(&["delete", "shred"])),
            may("enrolled_on", Shape::Date),
        ],
        holding: &[must("paths", Shape::Texts)],
        date_sources: &["mtime", "path:NAME"],
    },
    &Form {
        adapter: "restic",
        about: "Backup copies.",
        system: &[must("repository", Shape::Text)],
        holding: &[may("tags", Shape::Texts), may("always_keep", Shape::Number)],
        date_sources: &["snapshot-time"],
    },
];

/// The folder of the workspace's schedules.
pub fn schedules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/schedules")
}

fn file(folder: &Path, name: &str) -> Option<SourceFile> {
    let text = std::fs::read_to_string(folder.join(name)).ok()?;
    Some(SourceFile { name: name.to_owned(), text })
}

/// Reads a programme folder.
pub fn programme(folder: &Path) -> Sources {
    let mut registers: Vec<SourceFile> = std::fs::read_dir(folder.join("events"))
        .into_iter()
        .flatten()
        .map(|entry| format!("events/{}", entry.unwrap().file_name().to_str().unwrap()))
        .map(|name| file(folder, &name).unwrap())
        .collect();
    registers.sort_by(|a, b| a.name.cmp(&b.name));
    Sources {
        schedule: file(folder, "schedule.toml").unwrap(),
        systems: file(folder, "systems.toml").unwrap(),
        holds: file(folder, "holds.toml"),
        registers,
    }
}

/// Renders every defect under the file that it is in.
pub fn render(sources: &Sources, defects: &[quietus_schedule::Defect]) -> String {
    let files: Vec<&SourceFile> = [&sources.schedule, &sources.systems]
        .into_iter()
        .chain(&sources.holds)
        .chain(&sources.registers)
        .collect();
    let rendered: Vec<String> = defects
        .iter()
        .map(|d| d.render(files.iter().find(|file| file.name == d.place.file).unwrap()))
        .collect();
    rendered.join("\n")
}
