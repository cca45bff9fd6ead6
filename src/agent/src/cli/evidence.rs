//! `quietus evidence`: bundles and openings for others.

use std::path::Path;

use quietus_evidence::bundle::Selection;
use serde::Serialize;

use super::args::EvidenceCommand;
use super::console::Console;
use super::context::Context;
use super::words::number;
use crate::auditing;
use crate::error::{Exit, UserError, code};
use crate::looking;

#[derive(Debug, Serialize)]
struct Exported {
    file: String,
    bytes: u64,
    certificate: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Disclosed {
    file: String,
    system: String,
    record: String,
}

pub(super) fn run(
    context: &Context,
    console: &mut Console,
    command: &EvidenceCommand,
) -> Result<Exit, UserError> {
    match command {
        EvidenceCommand::Export { file, certificate } => {
            let bytes = export(context, *certificate, file)?;
            let answer =
                Exported { file: file.display().to_string(), bytes, certificate: *certificate };
            console.answer(&answer, || {
                format!(
                    "Wrote {} ({} bytes). An auditor checks it with\n  quietus verify {} --policy \
                     FILE\nwhere FILE is the ledger's public key (keys/log.pub), handed over by another way than this \
                     bundle.\n",
                    answer.file,
                    number(bytes),
                    answer.file
                )
            })?;
        }
        EvidenceCommand::Disclose { system, record, file, class } => {
            disclose(context, system, record, class.as_deref(), file)?;
            let answer = Disclosed {
                file: file.display().to_string(),
                system: system.clone(),
                record: record.clone(),
            };
            console.answer(&answer, || {
                format!(
                    "Wrote {}: it opens the record {record} of {system}, and no other. An auditor \
                     checks it with\n  quietus verify BUNDLE --policy FILE --disclosure {}\n",
                    answer.file, answer.file
                )
            })?;
        }
    }
    Ok(Exit::Done)
}

/// Writes a bundle; returns its size.
pub(super) fn export(
    context: &Context,
    certificate: Option<u64>,
    file: &Path,
) -> Result<u64, UserError> {
    let selection = match certificate {
        Some(seq) => Selection::Single { seq, records: true },
        None => Selection::Full,
    };
    auditing::export(context.folder.path(), &context.durable, selection, &[], file)?;
    Ok(file.metadata().map(|m| m.len()).unwrap_or_default())
}

/// Writes the opening of one record.
pub(super) fn disclose(
    context: &Context,
    system: &str,
    record: &str,
    class: Option<&str>,
    file: &Path,
) -> Result<(), UserError> {
    if file.exists() {
        return Err(UserError::new(
            &code::FILE_EXISTS,
            format!("{} is there already", file.display()),
        )
        .with_help("name another file: evidence is never overwritten"));
    }
    let loaded = context.load()?;
    let key = looking::locator(record)?;
    let bytes = auditing::disclose(&context.agent(&loaded), system, key.as_str(), class)?;
    context.durable.write_new(file, &bytes)?;
    Ok(())
}
