//! Reading `systems.toml`.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use quietus_contract::{Form, Key, Setting, Settings, Shape, Value as SettingValue};

use super::{Names, check_name, time_zone};
use crate::keys::Field;
use crate::model::Connect;
use crate::sheet::{Sheet, Table, Value, say};
use crate::source::{Span, Told};
use crate::template::Template;
use crate::{codes, keys, syntax, words};

/// What `systems.toml` says.
#[derive(Debug, Default)]
pub(crate) struct RawSystems {
    pub system_names: Names,
    pub systems: Vec<RawSystem>,
    pub holdings: Vec<RawHolding>,
    /// Whether a holding may be missing here because it could not be read.
    pub holdings_complete: bool,
}

/// What `[system.NAME]` says.
#[derive(Debug)]
pub(crate) struct RawSystem {
    pub name: Told<String>,
    pub form: Option<&'static Form>,
    pub connect: Option<Connect>,
    pub time_zone: Option<TimeZone>,
    pub not_a_date: Vec<Date>,
    pub plausible_from: Option<Date>,
    pub backup_days: Option<u64>,
    pub description: Option<String>,
    pub settings: Settings,
}

/// What `[[holding]]` says.
#[derive(Debug)]
pub(crate) struct RawHolding {
    /// What messages call it.
    pub who: String,
    pub span: Span,
    pub class: Option<Told<String>>,
    pub system: Option<Told<String>>,
    pub dates: Vec<(Told<String>, Told<String>)>,
    /// Whether the dates could be read in full.
    pub dates_complete: bool,
    pub subject: Option<Template>,
    pub custodian: Option<Template>,
    pub jurisdiction: Option<Template>,
    pub event: Option<Template>,
    pub has_event: bool,
    pub has_subject: bool,
    pub has_custodian: bool,
    pub has_jurisdiction: bool,
    pub description: Option<String>,
    pub form: Option<&'static Form>,
    pub anonymise: Option<Span>,
    pub settings: Settings,
}

/// Reads the file.
pub(crate) fn systems(sheet: &mut Sheet<'_>, forms: &[&'static Form]) -> RawSystems {
    let text = syntax::readable(sheet);
    let tree = syntax::tree(&text);
    let file = Table::root(sheet, &tree, keys::SYSTEMS_FILE);
    let mut raw = RawSystems::default();
    raw.system_names.complete = !sheet.lost_section;
    raw.holdings_complete = !sheet.lost_section;
    if let Some(table) = file.named(sheet, "system") {
        for (name, value) in table.named_tables() {
            raw.system_names.complete &= check_name(sheet, "system", &name);
            raw.system_names.list.push(name.clone());
            if let Some(system) = system(sheet, name, value, forms) {
                raw.systems.push(system);
            }
        }
    }
    for value in file.tables(sheet, "holding") {
        if let Some(holding) = holding(sheet, value, &raw) {
            raw.holdings.push(holding);
        }
    }
    raw
}

fn system(
    sheet: &mut Sheet<'_>,
    name: Told<String>,
    value: Value<'_>,
    forms: &[&'static Form],
) -> Option<RawSystem> {
    let who = format!("system {}", name.value);
    let table = Table::open_freely(sheet, who, name.span.clone(), value)?;
    let adapter = table.text(sheet, "adapter");
    let form = adapter
        .as_ref()
        .and_then(|adapter| forms.iter().find(|form| form.adapter == adapter.value).copied());
    match (&adapter, form) {
        (_, Some(form)) => check_form(sheet, &table, keys::SYSTEM, form.system),
        (Some(adapter), None) => unknown_adapter(sheet, &table, adapter, forms),
        (None, None) if !table.has("adapter") => table.require(
            sheet,
            "adapter",
            "The kind of system, such as \"filesystem\" or \"sqlite\".",
        ),
        (None, None) => {}
    }
    let settings = form.map(|form| settings(sheet, &table, form.system)).unwrap_or_default();
    Some(RawSystem {
        form,
        connect: connect(sheet, &table),
        time_zone: time_zone(&table, sheet, "time_zone"),
        not_a_date: table
            .dates(sheet, "not_a_date")
            .unwrap_or_default()
            .into_iter()
            .map(|told| told.value)
            .collect(),
        plausible_from: table.date(sheet, "plausible_from").map(|told| told.value),
        backup_days: table.number(sheet, "backup_days").map(|told| told.value),
        description: table.text(sheet, "description").map(|told| told.value),
        settings,
        name,
    })
}

fn unknown_adapter(
    sheet: &mut Sheet<'_>,
    table: &Table<'_>,
    adapter: &Told<String>,
    forms: &[&'static Form],
) {
    let known: Vec<&str> = forms.iter().map(|form| form.adapter).collect();
    let list = words::all(&words::quoted(&known));
    table.error(
        sheet,
        &adapter.span,
        say(
            codes::UNKNOWN_ADAPTER,
            format!("there is no adapter \"{}\"", adapter.value),
            "unknown adapter",
            words::sentences(
                words::did_you_mean(&adapter.value, known.iter().copied()),
                format!("This build has {list}."),
            ),
        ),
    );
}

fn connect(sheet: &mut Sheet<'_>, table: &Table<'_>) -> Option<Connect> {
    let text = table.text(sheet, "connect")?;
    let connect = match text.value.split_once(':') {
        Some(("env", name))
            if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') =>
        {
            Some(Connect::Env(name.to_owned()))
        }
        Some(("file", path)) if !path.trim().is_empty() => Some(Connect::File(path.to_owned())),
        _ => None,
    };
    if connect.is_none() {
        table.error(
            sheet,
            &text.span,
            say(
                codes::BAD_CONNECT,
                "\"connect\" must say where the secret is, never the secret itself",
                "neither env: nor file:",
                Some(
                    "write \"env:NAME\" for an environment variable, or \"file:PATH\" for a file"
                        .to_owned(),
                ),
            ),
        );
    }
    connect
}

fn check_form(sheet: &mut Sheet<'_>, table: &Table<'_>, common: &[Field], form: &[Key]) {
    let more: Vec<&str> = form.iter().map(|key| key.name).collect();
    table.check_keys(sheet, common, &more);
    for key in form.iter().filter(|key| key.required) {
        table.require(sheet, key.name, key.about);
    }
}

/// Reads the keys that an adapter adds.
fn settings(sheet: &mut Sheet<'_>, table: &Table<'_>, form: &[Key]) -> Settings {
    let mut by_key = BTreeMap::new();
    for key in form {
        let value = match key.shape {
            Shape::Text => table.text(sheet, key.name).map(|t| SettingValue::Text(t.value)),
            Shape::Word(known) => table.word(sheet, key.name, known).and_then(|told| {
                known.get(told.value).map(|word| SettingValue::Text((*word).to_owned()))
            }),
            Shape::Texts => table.texts(sheet, key.name).map(|texts| {
                SettingValue::Texts(texts.into_iter().map(|told| told.value).collect())
            }),
            Shape::Number => table.number(sheet, key.name).map(|t| SettingValue::Number(t.value)),
            Shape::Flag => table.flag(sheet, key.name).map(|t| SettingValue::Flag(t.value)),
            Shape::Date => table.date(sheet, key.name).map(|t| SettingValue::Date(t.value)),
            Shape::Table => table.texted(sheet, key.name).map(|pairs| {
                SettingValue::Table(pairs.into_iter().map(|(k, v)| (k.value, v.value)).collect())
            }),
        };
        if let Some(value) = value {
            let span = table.key_span(key.name).unwrap_or_default();
            let place = sheet.place(span.start);
            by_key.insert(key.name.to_owned(), Setting { value, place });
        }
    }
    Settings { by_key, place: sheet.place(table.span.start) }
}

fn holding(sheet: &mut Sheet<'_>, value: Value<'_>, raw: &RawSystems) -> Option<RawHolding> {
    let span = value.span();
    let mut table = Table::open_freely(sheet, "holding", span.clone(), value)?;
    let class = table.text(sheet, "class");
    let system = table.text(sheet, "system");
    table.who = match (&class, &system) {
        (Some(class), Some(system)) => format!("holding of {} in {}", class.value, system.value),
        (Some(class), None) => format!("holding of {}", class.value),
        (None, Some(system)) => format!("holding in {}", system.value),
        (None, None) => "holding".to_owned(),
    };
    let known = system
        .as_ref()
        .and_then(|system| raw.systems.iter().find(|known| known.name.value == system.value));
    let form = known.and_then(|system| system.form);
    match form {
        Some(form) => check_form(sheet, &table, keys::HOLDING, form.holding),
        None => {
            // Without a form nobody can say which other keys are known.
            table.require_all(sheet, keys::HOLDING);
        }
    }
    let settings = form.map(|form| settings(sheet, &table, form.holding)).unwrap_or_default();
    let dates = table.texted(sheet, "dates");
    Some(RawHolding {
        dates_complete: !table.damaged && dates.is_some() == table.has("dates"),
        dates: dates.unwrap_or_default(),
        who: table.who.clone(),
        subject: template(sheet, &table, "subject"),
        custodian: template(sheet, &table, "custodian"),
        jurisdiction: template(sheet, &table, "jurisdiction"),
        event: template(sheet, &table, "event"),
        has_subject: table.has("subject") || table.damaged,
        has_custodian: table.has("custodian") || table.damaged,
        has_event: table.has("event") || table.damaged,
        has_jurisdiction: table.has("jurisdiction") || table.damaged,
        description: table.text(sheet, "description").map(|told| told.value),
        form,
        anonymise: table.key_span("anonymise"),
        settings,
        class,
        system,
        span,
    })
}

fn template(sheet: &mut Sheet<'_>, table: &Table<'_>, key: &str) -> Option<Template> {
    let text = table.text(sheet, key)?;
    match Template::parse(&text.value) {
        Ok(template) => Some(template),
        Err(why) => {
            table.error(
                sheet,
                &text.span,
                say(
                    codes::BAD_TEMPLATE,
                    format!("\"{key}\" is not a template: {why}"),
                    "not a template",
                    Some(
                        "a template has fields in braces, such as \"customer:{customer_id}\""
                            .to_owned(),
                    ),
                ),
            );
            None
        }
    }
}
