//! `quietus init`: the files of a new programme, with comments, and its keys.

use jiff::tz::TimeZone;
use serde::Serialize;

use super::args::Init;
use super::console::Console;
use super::context::Context;
use crate::clock::Clock;
use crate::error::{Exit, UserError, code};
use crate::keys::AgentKeys;
use crate::programme::{HOLDS, SCHEDULE, SETTINGS, SYSTEMS};
use crate::settings::{host_name, is_origin};

const TEMPLATES: [(&str, &str); 4] = [
    (SCHEDULE, include_str!("../../templates/schedule.toml")),
    (SYSTEMS, include_str!("../../templates/systems.toml")),
    (HOLDS, include_str!("../../templates/holds.toml")),
    (SETTINGS, include_str!("../../templates/quietus.toml")),
];

#[derive(Debug, Serialize)]
struct Answer {
    folder: String,
    origin: String,
    written: Vec<String>,
    left_alone: Vec<String>,
    log_key: Option<String>,
}

pub(super) fn run(context: &Context, console: &mut Console, ask: &Init) -> Result<Exit, UserError> {
    let origin = match &ask.origin {
        Some(origin) => origin.clone(),
        None => format!("{}/quietus", host_name()),
    };
    if !is_origin(&origin) {
        return Err(UserError::new(
            &code::COMMAND_LINE,
            format!("{origin:?} cannot be the ledger's name"),
        )
        .with_help("write a host name and a path: --origin records.example.com/agent-1"));
    }
    let zone = TimeZone::get(&ask.time_zone).map_err(|_| {
        UserError::new(&code::COMMAND_LINE, format!("there is no time zone {:?}", ask.time_zone))
            .with_help("write one such as America/Jamaica, Europe/London or UTC")
    })?;
    let today = context.clock.now().to_zoned(zone).date();
    let fill = |text: &str| {
        text.replace("{organisation}", &quoted(&ask.organisation))
            .replace("{jurisdiction}", &quoted(&ask.jurisdiction))
            .replace("{time_zone}", &quoted(&ask.time_zone))
            .replace("{name}", &quoted(&host_name()))
            .replace("{origin}", &quoted(&origin))
            .replace("{today}", &today.to_string())
    };
    let mut files: Vec<(String, String)> =
        TEMPLATES.iter().map(|(name, text)| ((*name).to_owned(), fill(text))).collect();
    files.extend(schemas(context));
    write(context, console, files, origin)
}

fn write(
    context: &Context,
    console: &mut Console,
    files: Vec<(String, String)>,
    origin: String,
) -> Result<Exit, UserError> {
    let folder = &context.folder;
    for dir in [folder.path().to_path_buf(), folder.events()] {
        context.durable.create_dir(&dir)?;
    }
    let mut answer = Answer {
        folder: folder.words(),
        origin: origin.clone(),
        written: Vec::new(),
        left_alone: Vec::new(),
        log_key: None,
    };
    for (name, text) in files {
        if folder.file(&name).exists() {
            answer.left_alone.push(name);
        } else {
            context.durable.write_new(&folder.file(&name), text.as_bytes())?;
            answer.written.push(name);
        }
    }
    let keys = folder.keys();
    if keys.join("log.key").exists() || keys.join("certificate.key").exists() {
        answer.left_alone.push("keys/".into());
    } else {
        let made = AgentKeys::create(&context.durable, &keys, &origin)?;
        answer.log_key = Some(made.log.verifier().to_string());
        answer.written.push("keys/".into());
    }
    console.answer(&answer, || words(&answer))?;
    Ok(Exit::Done)
}

fn words(answer: &Answer) -> String {
    let mut text = String::new();
    if !answer.written.is_empty() {
        text.push_str(&format!("Wrote into {}: {}.\n", answer.folder, answer.written.join(", ")));
    }
    if !answer.left_alone.is_empty() {
        text.push_str(&format!("Left alone: {}.\n", answer.left_alone.join(", ")));
    }
    if let Some(key) = &answer.log_key {
        text.push_str(&format!(
            "The ledger's public key is\n  {key}\nKeep a copy of keys/ in a safe: whoever has it \
             can sign, and without it the ledger ends.\n"
        ));
    }
    text.push_str(
        "Next: owners write schedule.toml, IT writes systems.toml; `quietus check` says what is \
         missing.\n",
    );
    text
}

/// The schemas that editors check the files against as they are written.
fn schemas(context: &Context) -> Vec<(String, String)> {
    use quietus_schedule::schema;
    let pretty = |value: &serde_json::Value| format!("{value:#}\n");
    vec![
        ("schedule.schema.json".into(), pretty(&schema::schedule())),
        ("systems.schema.json".into(), pretty(&schema::systems(&context.forms))),
        ("holds.schema.json".into(), pretty(&schema::holds())),
        ("events.schema.json".into(), pretty(&schema::register())),
    ]
}

/// Writes a text as TOML has it.
fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}
